//! The key of an account that logs in by signing what the server draws.
//! Must never be shown, nor sign anything but a challenge of 32 bytes.
//! Atheme's ECDSA-NIST256P-CHALLENGE; FIPS 186-4 (ECDSA), RFC 6979, SEC 1 2.3.3.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use p256::ecdsa::{Signature, SigningKey};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// Bytes of a challenge.
const CHALLENGE: usize = 32;

/// A private key on the curve P-256; wiped when dropped.
pub struct LoginKey(SigningKey);

impl LoginKey {
    /// Makes a new key.
    #[must_use]
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        loop {
            let mut bytes = Zeroizing::new([0; 32]);
            rng.fill_bytes(&mut *bytes);
            // All but one of 2^32 draws are a key.
            if let Some(key) = Self::from_bytes(&bytes) {
                return key;
            }
        }
    }

    /// The key that [`Self::to_bytes`] gave; `None` if the number is none of the curve.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        SigningKey::from_slice(bytes).ok().map(Self)
    }

    /// The secret number, to be kept where secrets are kept.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    /// The public key as services take it (`NickServ SET PUBKEY ...`): the compressed point in Base64.
    #[must_use]
    pub fn public(&self) -> String {
        STANDARD.encode(self.0.verifying_key().to_encoded_point(true).as_bytes())
    }

    /// The signature in DER; `None` if this is no challenge.
    pub(super) fn sign(&self, challenge: &[u8]) -> Option<Vec<u8>> {
        let challenge: &[u8; CHALLENGE] = challenge.try_into().ok()?;
        let signature: Signature = self.0.sign_prehash(challenge).ok()?;
        Some(signature.to_der().as_bytes().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::signature::hazmat::PrehashVerifier as _;

    use super::*;

    #[test]
    fn a_challenge_is_signed_and_nothing_else() {
        let key = LoginKey::generate(&mut rand_core::UnwrapErr(getrandom::SysRng));
        let again = LoginKey::from_bytes(&key.to_bytes()).unwrap();
        assert_eq!(key.public(), again.public());
        assert_eq!(STANDARD.decode(key.public()).unwrap().len(), 33);
        let signature = Signature::from_der(&key.sign(&[7; 32]).unwrap()).unwrap();
        assert!(
            again
                .0
                .verifying_key()
                .verify_prehash(&[7; 32], &signature)
                .is_ok()
        );
        for length in [0, 31, 33, 400] {
            assert_eq!(key.sign(&vec![7; length]), None);
        }
        assert!(LoginKey::from_bytes(&[0; 32]).is_none());
    }
}
