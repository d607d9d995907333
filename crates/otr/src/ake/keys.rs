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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::Pair;
    use crate::testing::{Dice, alice_key, bob_key};

    /// What alice makes of a part that came under these keys: bob's serial number.
    fn open(keys: &Direction, sealed: &[u8], binding: &Binding<'_>) -> Result<u32, Refusal> {
        let (covered, mac) = sealed.split_last_chunk::<20>().unwrap();
        let encrypted = &covered[4..];
        let part = SignaturePart {
            covered,
            encrypted,
            mac,
        };
        let (identity, key_id) = keys.open(&part, binding, &alice_key())?;
        assert!(identity == *bob_key().public());
        Ok(key_id)
    }

    #[test]
    fn an_untrue_signature_or_serial_number_zero_is_refused_though_the_mac_holds() {
        let mut rng = Dice::new(8);
        let [one, two, three] = [(), (), ()].map(|()| Pair::generate(&mut rng));
        let keys = ExchangeKeys::new(&one.agree(two.public())).reveal;
        let bob = bob_key();
        let mut seal = |signer: &Pair, other: &Pair, key_id| {
            let (signer, other) = (signer.public(), other.public());
            let (key, rng) = (&*bob, &mut rng);
            keys.seal(&Binding { signer, other }, key_id, &mut Signer { key, rng })
        };
        let (signer, other) = (one.public(), two.public());
        let truth = Binding { signer, other };
        let good = seal(&one, &two, 1);
        assert_eq!(open(&keys, &good, &truth), Ok(1));
        assert_eq!(open(&keys, &seal(&one, &two, 0), &truth), Err(Refusal::Untrue));
        for (signer, other) in [(&one, &three), (&three, &two), (&two, &one)] {
            let sealed = seal(signer, other, 1);
            assert_eq!(open(&keys, &sealed, &truth), Err(Refusal::Untrue));
        }
        // Who knows the keys of the exchange can change the serial number or the signature, and make the MAC anew.
        let mac_at = good.len() - 20;
        for place in [mac_at - 41, mac_at - 40, mac_at - 1] {
            let mut changed = good.clone();
            changed[place] ^= 2;
            let mac = keys.outer_mac(&changed[..mac_at]);
            changed[mac_at..].copy_from_slice(&mac);
            assert_eq!(open(&keys, &changed, &truth), Err(Refusal::Untrue), "{place}");
        }
    }
}
