//! Fingerprints: the 160 bits by which people recognise a key.
//! Must never be compared by eye in pieces: the whole is shown, always in the same five groups.
//! Standard: OTR version 3, "Public keys, signatures, and fingerprints".

use std::fmt;
use std::str::FromStr;

/// The SHA-1 hash of a public key, shown as five groups of eight hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 20]);

/// A text is not 40 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FingerprintError;

impl Fingerprint {
    /// Takes the 20 bytes of a fingerprint.
    pub const fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// The 20 bytes.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, byte) in self.0.iter().enumerate() {
            if number > 0 && number % 4 == 0 {
                f.write_str(" ")?;
            }
            write!(f, "{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Reads 40 hexadecimal digits of either case; spaces are skipped.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut digits = text.chars().filter(|letter| *letter != ' ');
        let mut bytes = [0u8; 20];
        for byte in &mut bytes {
            let mut digit = || {
                digits
                    .next()
                    .and_then(|letter| letter.to_digit(16))
                    .ok_or(FingerprintError)
            };
            let (high, low) = (digit()?, digit()?);
            *byte = u8::try_from(high * 16 + low).map_err(|_| FingerprintError)?;
        }
        if digits.next().is_some() {
            return Err(FingerprintError);
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for FingerprintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fingerprint has 40 hexadecimal digits")
    }
}

impl std::error::Error for FingerprintError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_shown_in_five_groups_and_read_back() {
        let bytes: Vec<u8> = (0..20).map(|n| n * 13).collect();
        let print = Fingerprint::from_bytes(bytes.try_into().unwrap());
        let shown = print.to_string();
        assert_eq!(shown, "000D1A27 34414E5B 6875828F 9CA9B6C3 D0DDEAF7");
        assert_eq!(shown.parse(), Ok(print));
        assert_eq!(shown.to_lowercase().replace(' ', "").parse(), Ok(print));
    }

    #[test]
    fn other_texts_are_no_fingerprints() {
        for text in [
            "",
            "00",
            "000D1A27 34414E5B 6875828F 9CA9B6C3 D0DDEAF",
            "000D1A27 34414E5B 6875828F 9CA9B6C3 D0DDEAF70",
            "\u{661}00D1A2734414E5B6875828F9CA9B6C3D0DDEAF7",
        ] {
            assert_eq!(text.parse::<Fingerprint>(), Err(FingerprintError));
        }
    }
}
