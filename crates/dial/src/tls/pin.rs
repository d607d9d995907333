//! The hash of a server's public key, by which it is known again.
//! It must never be computed from anything but the key as the certificate carries it.
//! Standard: RFC 7469 2.4 (SHA-256 of the DER of SubjectPublicKeyInfo).

use std::fmt;

use sha2::{Digest, Sha256};

/// SHA-256 of a certificate's SubjectPublicKeyInfo in DER. Public, not a secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpkiHash([u8; 32]);

impl SpkiHash {
    /// The hash with these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> SpkiHash {
        SpkiHash(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 hexadecimal digits; colons and spaces between them, as people copy them, do not count.
    ///
    /// # Errors
    /// [`SpkiHashError`] for anything else.
    pub fn from_hex(text: &str) -> Result<SpkiHash, SpkiHashError> {
        let mut digits = text.chars().filter(|character| !matches!(character, ':' | ' '));
        let mut next = || digits.next().and_then(|digit| digit.to_digit(16));
        let mut bytes = [0; 32];
        for byte in &mut bytes {
            let (high, low) = next().zip(next()).ok_or(SpkiHashError)?;
            *byte = u8::try_from(high * 16 + low).map_err(|_| SpkiHashError)?;
        }
        if digits.next().is_some() {
            Err(SpkiHashError)
        } else {
            Ok(SpkiHash(bytes))
        }
    }

    /// The hash of `spki`, a SubjectPublicKeyInfo in DER.
    pub(crate) fn of(spki: &[u8]) -> SpkiHash {
        SpkiHash(Sha256::digest(spki).into())
    }
}

/// 64 lower-case hexadecimal digits.
impl fmt::Display for SpkiHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SpkiHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpkiHash({self})")
    }
}

/// Not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpkiHashError;

impl fmt::Display for SpkiHashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("The hash of a server's key has 64 hexadecimal digits.")
    }
}

impl std::error::Error for SpkiHashError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_people_copy_it() {
        let hash = SpkiHash::from_bytes([0xab; 32]);
        assert_eq!(SpkiHash::from_hex(&hash.to_string()), Ok(hash));
        assert_eq!(SpkiHash::from_hex(&["AB"; 32].join(":")), Ok(hash));
        for text in ["", "ab", &"ab".repeat(33), &"xy".repeat(32), &"é".repeat(64)] {
            assert_eq!(SpkiHash::from_hex(text), Err(SpkiHashError), "{text}");
        }
    }
}
