//! Long-lived identity keys: DSA key pairs, public keys and their fingerprints.
//! Must never show, log or copy the private number; must never trust a key whose numbers were not checked.
//! Standard: OTR version 3, "Public keys, signatures, and fingerprints".

mod dsa;
mod fingerprint;
mod prime;

use std::fmt;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

pub(crate) use dsa::PublicKey;
pub use fingerprint::{Fingerprint, FingerprintError};
pub(crate) use prime::is_prime;

use crate::wire::{Reader, put_mpi};

/// First byte of a stored private key; a later format will have another.
const STORED_FORM: u8 = 1;

/// A private DSA key of 1024 bits with a subgroup of 160 bits: one OTR identity.
///
/// It is wiped when dropped, shows nothing in `Debug`, and is shared by `Arc` only.
pub struct PrivateKey(dsa::SecretKey);

/// Why stored bytes are not a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// The bytes are cut short, too long or not a key at all.
    Malformed,
    /// The bytes are of a form that this version does not know.
    UnknownForm,
    /// The numbers do not belong together, or are weak.
    Unsound,
}

impl PrivateKey {
    /// Makes a new key with parameters of its own. Takes a few tenths of a second.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self(dsa::SecretKey::generate(rng))
    }

    /// The key as bytes for a sealed store: a form byte, then p, q, g, y, x as MPIs.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(600));
        out.push(STORED_FORM);
        self.0.public().put_numbers(&mut out);
        let secret = self.0.secret_bytes();
        put_mpi(&mut out, &secret);
        out
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// [`KeyError`] says what is wrong; numbers that do not belong together are refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let mut reader = Reader::new(bytes);
        match reader.u8() {
            Ok(STORED_FORM) => {}
            Ok(_) => return Err(KeyError::UnknownForm),
            Err(_) => return Err(KeyError::Malformed),
        }
        let mut number = || reader.mpi().map_err(|_| KeyError::Malformed);
        let (p, q, g, y, x) = (number()?, number()?, number()?, number()?, number()?);
        reader.end().map_err(|_| KeyError::Malformed)?;
        Self::from_numbers(p, q, g, y, x)
    }

    /// Makes a key of its numbers, big endian: the way to import a key of another program.
    ///
    /// # Errors
    /// [`KeyError::Unsound`] if the numbers do not belong together.
    pub fn from_numbers(p: &[u8], q: &[u8], g: &[u8], y: &[u8], x: &[u8]) -> Result<Self, KeyError> {
        let public = PublicKey::from_numbers(p, q, g, y).ok_or(KeyError::Unsound)?;
        dsa::SecretKey::new(public, x).map(Self).ok_or(KeyError::Unsound)
    }

    /// What people compare to know whose key this is.
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.public().fingerprint()
    }

    /// The public half.
    pub(crate) fn public(&self) -> &PublicKey {
        self.0.public()
    }

    /// Signs 32 bytes, which are taken modulo q (not truncated, not hashed again).
    pub(crate) fn sign(&self, message: &[u8; 32], rng: &mut dyn CryptoRng) -> [u8; 40] {
        self.0.sign(message, rng)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the stored key is damaged",
            Self::UnknownForm => "the stored key is of a newer form",
            Self::Unsound => "the numbers of the key do not belong together",
        })
    }
}

impl std::error::Error for KeyError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Dice, alice_key};

    #[test]
    fn a_new_key_signs_and_survives_its_store() {
        let mut rng = Dice::new(7);
        let key = PrivateKey::generate(&mut rng);
        let again = PrivateKey::from_bytes(&key.to_bytes()).unwrap();
        assert_eq!(key.fingerprint(), again.fingerprint());
        let signature = again.sign(&[0xee; 32], &mut rng);
        assert!(key.public().verify(&[0xee; 32], &signature));
        assert!(!key.public().verify(&[0xef; 32], &signature));
    }

    #[test]
    fn damaged_keys_are_refused() {
        let stored = alice_key().to_bytes();
        for length in 0..stored.len() {
            assert!(PrivateKey::from_bytes(&stored[..length]).is_err());
        }
        for at in 0..stored.len() {
            let mut damaged = stored.to_vec();
            damaged[at] ^= 1;
            assert!(PrivateKey::from_bytes(&damaged).is_err(), "byte {at}");
        }
        assert_eq!(
            PrivateKey::from_bytes(&[9, 0, 0]).unwrap_err(),
            KeyError::UnknownForm
        );
    }

    #[test]
    fn a_key_shows_nothing_of_itself() {
        assert_eq!(format!("{:?}", alice_key()), "PrivateKey(..)");
    }
}
