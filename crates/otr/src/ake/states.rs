//! The three states in which an exchange waits, each named for what it awaits.
//! Must never reveal its commitment's key before the other side's value is fixed.
//! Standard: OTR version 3, "State transitions", "D-H Commit Message" to "Signature Message".

use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::keys::{Binding, Direction, ExchangeKeys, crypt};
use super::{Established, FIRST_KEY, Refusal, Reply, Signer};
use crate::group::{Element, Pair};
use crate::key::PrivateKey;
use crate::wire::{Kind, Reader, SignaturePart, put_data};

/// We committed to g^x and wait for g^y.
///
/// `Clone`, because a commit sent to all clients of a contact may be answered by each of them.
#[derive(Clone)]
pub(crate) struct AwaitingDhKey {
    revealing: Zeroizing<[u8; 16]>,
    pair: Pair,
    encrypted: Vec<u8>,
    hash: [u8; 32],
}

/// We sent g^y and wait for the other side to open its commitment.
pub(crate) struct AwaitingRevealSignature {
    pair: Pair,
    encrypted: Vec<u8>,
    hash: [u8; 32],
}

/// We opened our commitment and wait for the other side's signature.
pub(crate) struct AwaitingSignature {
    pair: Pair,
    their_key: Element,
    ssid: [u8; 8],
    expected: Direction,
    sent: Vec<u8>,
}

impl AwaitingDhKey {
    /// Draws a key pair and commits to it.
    pub(crate) fn new(rng: &mut dyn CryptoRng) -> Self {
        let mut revealing = Zeroizing::new([0u8; 16]);
        rng.fill_bytes(&mut *revealing);
        let pair = Pair::generate(rng);
        let mut encrypted = Vec::with_capacity(196);
        pair.public().put(&mut encrypted);
        let hash = Sha256::digest(&encrypted).into();
        crypt(&revealing, &mut encrypted);
        Self {
            revealing,
            pair,
            encrypted,
            hash,
        }
    }

    /// The hash by which two crossing commits are ordered.
    pub(crate) fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// The D-H Commit message; the same each time.
    pub(crate) fn commit(&self) -> Reply {
        let mut payload = Vec::with_capacity(240);
        put_data(&mut payload, &self.encrypted);
        put_data(&mut payload, &self.hash);
        Reply {
            kind: Kind::DhCommit,
            payload,
        }
    }

    /// Opens the commitment after g^y came.
    pub(super) fn reveal(&self, gy: &Element, signer: &mut Signer<'_>) -> Result<AwaitingSignature, Refusal> {
        if gy == self.pair.public() {
            return Err(Refusal::Reflected);
        }
        let keys = ExchangeKeys::new(&self.pair.agree(gy));
        let binding = Binding {
            signer: self.pair.public(),
            other: gy,
        };
        let mut sent = Vec::with_capacity(600);
        put_data(&mut sent, &*self.revealing);
        sent.extend_from_slice(&keys.reveal.seal(&binding, FIRST_KEY, signer));
        Ok(AwaitingSignature {
            pair: self.pair.clone(),
            their_key: *gy,
            ssid: keys.ssid,
            expected: keys.signature,
            sent,
        })
    }
}

impl AwaitingRevealSignature {
    /// Keeps a commit and draws the key that answers it.
    pub(crate) fn new(encrypted: &[u8], hash: &[u8; 32], rng: &mut dyn CryptoRng) -> Self {
        Self {
            pair: Pair::generate(rng),
            encrypted: encrypted.to_vec(),
            hash: *hash,
        }
    }

    /// The encrypted number of the commit that is being answered. Unlike its hash it differs each
    /// time, even for a client that commits to the same number again.
    pub(crate) fn encrypted(&self) -> &[u8] {
        &self.encrypted
    }

    /// Forgets the commit for a newer one; our own key stays the same.
    pub(super) fn with_commit(self, encrypted: &[u8], hash: &[u8; 32]) -> Self {
        Self {
            pair: self.pair,
            encrypted: encrypted.to_vec(),
            hash: *hash,
        }
    }

    /// The D-H Key message; the same each time.
    pub(super) fn dh_key(&self) -> Reply {
        let mut payload = Vec::with_capacity(196);
        self.pair.public().put(&mut payload);
        Reply {
            kind: Kind::DhKey,
            payload,
        }
    }

    /// Checks the opened commitment and the signature under it, and signs in turn.
    pub(super) fn finish(
        &self,
        key: &[u8; 16],
        part: &SignaturePart<'_>,
        signer: &mut Signer<'_>,
    ) -> Result<(Reply, Established), Refusal> {
        let gx = self.committed(key)?;
        let keys = ExchangeKeys::new(&self.pair.agree(&gx));
        let theirs = Binding {
            signer: &gx,
            other: self.pair.public(),
        };
        let (their_identity, their_key_id) = keys.reveal.open(part, &theirs, signer.key)?;
        let ours = Binding {
            signer: self.pair.public(),
            other: &gx,
        };
        let payload = keys.signature.seal(&ours, FIRST_KEY, signer);
        let established = Established {
            their_identity,
            their_key_id,
            their_key: gx,
            our_pair: self.pair.clone(),
            ssid: keys.ssid,
            we_revealed: false,
        };
        Ok((
            Reply {
                kind: Kind::Signature,
                payload,
            },
            established,
        ))
    }

    /// Decrypts g^x and compares it with its hash.
    fn committed(&self, key: &[u8; 16]) -> Result<Element, Refusal> {
        let mut plain = Zeroizing::new(self.encrypted.clone());
        crypt(key, &mut plain);
        if !bool::from(Sha256::digest(&*plain).as_slice().ct_eq(&self.hash)) {
            return Err(Refusal::Untrue);
        }
        let mut reader = Reader::new(&plain);
        let number = reader.mpi().map_err(|_| Refusal::Untrue)?;
        reader.end().map_err(|_| Refusal::Untrue)?;
        let gx = Element::from_bytes(number).ok_or(Refusal::Untrue)?;
        if gx == *self.pair.public() {
            Err(Refusal::Reflected)
        } else {
            Ok(gx)
        }
    }
}

impl AwaitingSignature {
    /// Whether `gy` is the value that we answered.
    pub(super) fn answers(&self, gy: &Element) -> bool {
        self.their_key == *gy
    }

    /// The Reveal Signature message; the same each time.
    pub(super) fn reveal_signature(&self) -> Reply {
        Reply {
            kind: Kind::RevealSignature,
            payload: self.sent.clone(),
        }
    }

    /// Checks the last message of the exchange.
    pub(super) fn finish(&self, part: &SignaturePart<'_>, own: &PrivateKey) -> Result<Established, Refusal> {
        let theirs = Binding {
            signer: &self.their_key,
            other: self.pair.public(),
        };
        let (their_identity, their_key_id) = self.expected.open(part, &theirs, own)?;
        Ok(Established {
            their_identity,
            their_key_id,
            their_key: self.their_key,
            our_pair: self.pair.clone(),
            ssid: self.ssid,
            we_revealed: true,
        })
    }
}
