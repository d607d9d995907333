//! The keys of one exchange, and the signed statement that travels under them.
//! Must never decrypt before the MAC held, nor trust an identity before its signature held.
//! Standard: OTR version 3, "Reveal Signature Message", "Signature Message", "Computing AES keys".

use aes::Aes128;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Refusal, Secret, Signer};
use crate::group::{Element, Shared};
use crate::key::{PrivateKey, PublicKey};
use crate::wire::{Reader, SignaturePart, put_data, put_u32};

/// AES key, signing-MAC key and outer MAC key of one direction (c, m1, m2 or c', m1', m2').
pub(super) struct Direction {
    cipher: Zeroizing<[u8; 16]>,
    inner: Zeroizing<[u8; 32]>,
    outer: Zeroizing<[u8; 32]>,
}

/// All that one exchange derives from its shared secret.
pub(super) struct ExchangeKeys {
    pub(super) ssid: [u8; 8],
    pub(super) reveal: Direction,
    pub(super) signature: Direction,
}

/// What a signed statement binds together: the signer's value, the other's, and the key's serial number.
pub(super) struct Binding<'a> {
    pub(super) signer: &'a Element,
    pub(super) other: &'a Element,
}

impl ExchangeKeys {
    /// Derives the seven values.
    pub(super) fn new(shared: &Shared) -> Self {
        let mut ssid = [0u8; 8];
        ssid.iter_mut()
            .zip(*shared.h2(0))
            .for_each(|(byte, value)| *byte = value);
        let ciphers = shared.h2(1);
        let (mut c, mut c_prime) = (Zeroizing::new([0u8; 16]), Zeroizing::new([0u8; 16]));
        let all = c.iter_mut().chain(c_prime.iter_mut());
        all.zip(*ciphers).for_each(|(byte, value)| *byte = value);
        Self {
            ssid,
            reveal: Direction {
                cipher: c,
                inner: shared.h2(2),
                outer: shared.h2(3),
            },
            signature: Direction {
                cipher: c_prime,
                inner: shared.h2(4),
                outer: shared.h2(5),
            },
        }
    }
}

impl Direction {
    /// Writes the encrypted signature (as DATA) and its MAC.
    pub(super) fn seal(&self, binding: &Binding<'_>, key_id: u32, signer: &mut Signer<'_>) -> Vec<u8> {
        let public = signer.key.public();
        let statement = self.statement(binding, public, key_id);
        let signature = signer.key.sign(&statement, signer.rng);
        let mut plain = Secret::default();
        public.put(&mut plain);
        put_u32(&mut plain, key_id);
        plain.extend_from_slice(&signature);
        crypt(&self.cipher, &mut plain);
        let mut out = Vec::with_capacity(plain.len() + 24);
        put_data(&mut out, &plain);
        let mac = self.outer_mac(&out);
        out.extend_from_slice(&mac);
        out
    }

    /// Opens what the other side sealed: MAC, then form, then signature, then the serial number.
    pub(super) fn open(
        &self,
        part: &SignaturePart<'_>,
        binding: &Binding<'_>,
        own: &PrivateKey,
    ) -> Result<(PublicKey, u32), Refusal> {
        if !bool::from(self.outer_mac(part.covered).ct_eq(part.mac)) {
            return Err(Refusal::Untrue);
        }
        let mut plain = Zeroizing::new(part.encrypted.to_vec());
        crypt(&self.cipher, &mut plain);
        let mut reader = Reader::new(&plain);
        let identity = PublicKey::read(&mut reader).map_err(|_| Refusal::Untrue)?;
        let key_id = reader.u32().map_err(|_| Refusal::Untrue)?;
        let signature = reader.array().map_err(|_| Refusal::Untrue)?;
        reader.end().map_err(|_| Refusal::Untrue)?;
        if identity == *own.public() {
            return Err(Refusal::Reflected);
        }
        if !identity.verify(&self.statement(binding, &identity, key_id), signature) || key_id == 0 {
            return Err(Refusal::Untrue);
        }
        Ok((identity, key_id))
    }

    /// The 32 bytes that are signed: M of the standard.
    fn statement(&self, binding: &Binding<'_>, identity: &PublicKey, key_id: u32) -> Zeroizing<[u8; 32]> {
        let mut bytes = Vec::with_capacity(900);
        binding.signer.put(&mut bytes);
        binding.other.put(&mut bytes);
        identity.put(&mut bytes);
        put_u32(&mut bytes, key_id);
        Zeroizing::new(hmac_sha256(&self.inner, &bytes))
    }

    fn outer_mac(&self, covered: &[u8]) -> [u8; 20] {
        let mut short = [0u8; 20];
        short
            .iter_mut()
            .zip(hmac_sha256(&self.outer, covered))
            .for_each(|(byte, value)| *byte = value);
        short
    }
}

/// AES-128 in counter mode from counter zero, in place.
pub(super) fn crypt(key: &[u8; 16], bytes: &mut [u8]) {
    Ctr128BE::<Aes128>::new(key.into(), &[0u8; 16].into()).apply_keystream(bytes);
}

fn hmac_sha256(key: &[u8; 32], bytes: &[u8]) -> [u8; 32] {
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mac) => mac.chain_update(bytes).finalize().into_bytes().into(),
        // HMAC takes keys of every length; a zero MAC would be refused by every reader.
        Err(_) => [0; 32],
    }
}
