//! The authenticated key exchange: one struct per state, and the rules from state to state.
//! Must never touch a standing session: only a finished exchange hands over something new.
//! Standard: OTR version 3, "Authenticated Key Exchange" and "The protocol state machine".

mod keys;
mod states;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::group::{Element, Pair};
use crate::key::{PrivateKey, PublicKey};
use crate::wire::{Kind, SignaturePart};
pub(crate) use states::{AwaitingDhKey, AwaitingRevealSignature, AwaitingSignature};

/// The serial number of the key that we use in the exchange.
pub(crate) const FIRST_KEY: u32 = 1;

/// Where an exchange with one client of the contact stands.
pub(crate) enum Ake {
    Idle,
    AwaitingDhKey(AwaitingDhKey),
    AwaitingRevealSignature(AwaitingRevealSignature),
    AwaitingSignature(Box<AwaitingSignature>),
}

/// A message of the exchange to send: its type and what follows the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) kind: Kind,
    pub(crate) payload: Vec<u8>,
}

/// What a finished exchange hands over.
pub(crate) struct Established {
    pub(crate) their_identity: PublicKey,
    pub(crate) their_key_id: u32,
    pub(crate) their_key: Element,
    pub(crate) our_pair: Pair,
    pub(crate) ssid: [u8; 8],
    /// Whether we sent the Reveal Signature message, which decides the half of the ssid that we read aloud.
    pub(crate) we_revealed: bool,
}

/// Why a message of the exchange was not taken. The exchange goes on waiting for the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It does not belong here: late, repeated or meant for another state.
    OutOfPlace,
    /// Our own key or number came back.
    Reflected,
    /// A hash, MAC, signature or number in it is wrong.
    Untrue,
}

/// Who we are, for those steps that sign.
pub(crate) struct Signer<'a> {
    pub(crate) key: &'a PrivateKey,
    pub(crate) rng: &'a mut dyn CryptoRng,
}

impl Ake {
    /// The hash of our commit, if its number was not revealed yet.
    pub(crate) fn open_commit(&self) -> Option<[u8; 32]> {
        match self {
            Self::AwaitingDhKey(waiting) => Some(*waiting.hash()),
            _ => None,
        }
    }

    /// D-H Commit came: answers with our key, or with our own commit if both began and ours is higher.
    pub(crate) fn on_commit(&mut self, encrypted: &[u8], hash: &[u8; 32], rng: &mut dyn CryptoRng) -> Reply {
        let next = match std::mem::replace(self, Self::Idle) {
            Self::AwaitingDhKey(ours) if ours.hash() > hash => {
                let reply = ours.commit();
                *self = Self::AwaitingDhKey(ours);
                return reply;
            }
            Self::AwaitingRevealSignature(waiting) => waiting.with_commit(encrypted, hash),
            _ => AwaitingRevealSignature::new(encrypted, hash, rng),
        };
        let reply = next.dh_key();
        *self = Self::AwaitingRevealSignature(next);
        reply
    }

    /// D-H Key came.
    pub(crate) fn on_dh_key(&mut self, gy: &Element, signer: &mut Signer<'_>) -> Result<Reply, Refusal> {
        match self {
            Self::AwaitingDhKey(waiting) => {
                let next = waiting.reveal(gy, signer)?;
                let reply = next.reveal_signature();
                *self = Self::AwaitingSignature(Box::new(next));
                Ok(reply)
            }
            Self::AwaitingSignature(waiting) if waiting.answers(gy) => Ok(waiting.reveal_signature()),
            _ => Err(Refusal::OutOfPlace),
        }
    }

    /// Reveal Signature came: the exchange is finished when our Signature is sent.
    pub(crate) fn on_reveal_signature(
        &mut self,
        key: &[u8; 16],
        part: &SignaturePart<'_>,
        signer: &mut Signer<'_>,
    ) -> Result<(Reply, Established), Refusal> {
        let Self::AwaitingRevealSignature(waiting) = self else {
            return Err(Refusal::OutOfPlace);
        };
        let finished = waiting.finish(key, part, signer)?;
        *self = Self::Idle;
        Ok(finished)
    }

    /// Signature came: the exchange is finished.
    pub(crate) fn on_signature(
        &mut self,
        part: &SignaturePart<'_>,
        own: &PrivateKey,
    ) -> Result<Established, Refusal> {
        let Self::AwaitingSignature(waiting) = self else {
            return Err(Refusal::OutOfPlace);
        };
        let established = waiting.finish(part, own)?;
        *self = Self::Idle;
        Ok(established)
    }
}

/// Bytes that are wiped when done with.
type Secret = Zeroizing<Vec<u8>>;

#[cfg(test)]
#[path = "ake/tests.rs"]
mod tests;
