//! The name under which an account's streams share circuits.
//! It must never be derived from an account's address, nor outlive the run that made it.
//! Standard: design.md section 4 ("One circuit family per account and purpose").

use std::fmt;

use serde::{Deserialize, Serialize};

/// 16 random bytes that the engine draws for each account in each run. Streams under different names never share
/// a circuit. On the wire: 32 lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Isolation([u8; 16]);

impl Isolation {
    /// The name made of `bytes`, which must come from a cryptographic random source.
    pub fn from_bytes(bytes: [u8; 16]) -> Isolation {
        Isolation(bytes)
    }

    /// The name as 32 hexadecimal digits.
    pub fn to_hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads 32 lower-case hexadecimal digits.
    ///
    /// # Errors
    /// [`IsolationError`] for anything else.
    pub fn from_hex(text: &str) -> Result<Isolation, IsolationError> {
        let digits = text.as_bytes();
        let mut bytes = [0; 16];
        if digits.len() != 2 * bytes.len() {
            return Err(IsolationError);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair
                .iter()
                .try_fold(0, |value, digit| Ok(value * 16 + nibble(*digit)?))?;
        }
        Ok(Isolation(bytes))
    }
}

fn nibble(digit: u8) -> Result<u8, IsolationError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(IsolationError),
    }
}

impl fmt::Debug for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Isolation(..)")
    }
}

impl From<Isolation> for String {
    fn from(isolation: Isolation) -> String {
        isolation.to_hex()
    }
}

impl TryFrom<String> for Isolation {
    type Error = IsolationError;

    fn try_from(text: String) -> Result<Isolation, IsolationError> {
        Isolation::from_hex(&text)
    }
}

/// Not 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IsolationError;

impl fmt::Display for IsolationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an isolation name is 32 hexadecimal digits")
    }
}

impl std::error::Error for IsolationError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_isolation_name_survives_the_wire_and_is_not_shown_in_debug() {
        let name = Isolation::from_bytes([0xa5; 16]);
        assert_eq!(Isolation::from_hex(&name.to_hex()), Ok(name.clone()));
        assert_eq!(format!("{name:?}"), "Isolation(..)");
    }

    #[test]
    fn upper_case_short_and_foreign_digits_are_refused() {
        for text in [
            "",
            "a5",
            &"A5".repeat(16),
            &"g5".repeat(16),
            &"é".repeat(16),
            &"a5".repeat(17),
        ] {
            assert_eq!(Isolation::from_hex(text), Err(IsolationError), "{text}");
        }
    }
}
