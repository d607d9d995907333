//! A private session with one client: keys that rotate, messages in and out, old MAC keys given away.
//! Must never accept a message twice, nor under a key whose MAC key was given away.
//! Standard: OTR version 3, "Key Management", "Data Message", "Revealing MAC Keys".

mod keys;

use ctr::cipher::StreamCipher;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::ake::{Established, FIRST_KEY};
use crate::error::Error;
use crate::event::SessionId;
use crate::group::{Element, Pair};
use crate::key::Fingerprint;
use crate::version::Route;
use crate::wire::{DataMessage, Kind, put_data, put_header, put_u32};
pub use keys::ExtraKey;
use keys::{Age, Grid, PairKeys};

/// Flag: do not complain if this message cannot be read.
pub(crate) const IGNORE_UNREADABLE: u8 = 0x01;
/// MAC keys kept for giving away; a client that makes us keep more is not an honest one.
const MOST_REVEALED: usize = 512;

/// A private session.
pub(crate) struct Session {
    fingerprint: Fingerprint,
    id: SessionId,
    /// Serial number of `ours.current`.
    our_key_id: u32,
    ours: Both<Pair>,
    /// Serial number of `theirs.current`.
    their_key_id: u32,
    theirs: Theirs,
    grid: Grid,
    revealed: Vec<[u8; 20]>,
}

/// Our two last key pairs.
struct Both<T> {
    current: T,
    previous: T,
}

/// Their two last keys; there is no previous one after an exchange.
struct Theirs {
    current: Element,
    previous: Option<Element>,
}

/// Why a data message was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Its counter is not above the last one under these keys.
    Replayed,
    /// We do not have the keys it names, its MAC is wrong, or its next key is ours.
    Unreadable,
}

impl Session {
    /// Begins with what an exchange handed over.
    pub(crate) fn new(established: Established, rng: &mut dyn CryptoRng) -> Self {
        Self {
            fingerprint: established.their_identity.fingerprint(),
            id: SessionId::new(established.ssid, established.we_revealed),
            our_key_id: FIRST_KEY + 1,
            ours: Both {
                current: Pair::generate(rng),
                previous: established.our_pair,
            },
            their_key_id: established.their_key_id,
            theirs: Theirs {
                current: established.their_key,
                previous: None,
            },
            grid: Grid::default(),
            revealed: Vec::new(),
        }
    }

    /// Whose key stands at the other end.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The number that both ends can compare.
    pub(crate) fn id(&self) -> SessionId {
        self.id
    }

    /// Encrypts one message.
    ///
    /// # Errors
    /// [`Error::Exhausted`] after 2^64 messages under one pair of keys.
    pub(crate) fn encrypt(&mut self, route: Route, flags: u8, plain: &[u8]) -> Result<Vec<u8>, Error> {
        let old = std::mem::take(&mut self.revealed);
        self.seal(route, flags, plain, &old)
    }

    /// Encrypts the last message of the session, which gives all used MAC keys away.
    pub(crate) fn encrypt_last(mut self, route: Route, plain: &[u8]) -> Result<Vec<u8>, Error> {
        let old = self.used_mac_keys();
        self.seal(route, IGNORE_UNREADABLE, plain, &old)
    }

    /// All receiving MAC keys that were used and not given away yet, for the moment the session is forgotten.
    pub(crate) fn used_mac_keys(&mut self) -> Vec<[u8; 20]> {
        let mut all = std::mem::take(&mut self.revealed);
        all.extend(self.grid.used_mac_keys());
        all
    }

    /// Gives MAC keys of the session before this one away with the next message.
    pub(crate) fn reveal_also(&mut self, keys: Vec<[u8; 20]>) {
        self.reveal(keys);
    }

    /// The additional key of the messages that we send now.
    pub(crate) fn extra_key_to_send(&mut self) -> ExtraKey {
        self.sending_keys().extra_key()
    }

    /// Checks and decrypts one message, and rotates keys as it asks.
    pub(crate) fn decrypt(
        &mut self,
        message: &DataMessage<'_>,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Zeroizing<Vec<u8>>, ExtraKey), Refusal> {
        let ours = age(self.our_key_id, message.recipient_key)?;
        let theirs = age(self.their_key_id, message.sender_key)?;
        let next_their_id = self.their_key_id.checked_add(1).ok_or(Refusal::Unreadable)?;
        let keys = self.keys(ours, theirs).ok_or(Refusal::Unreadable)?;
        keys.verify(message)?;
        keys.advance(message.counter)?;
        let mut plain = Zeroizing::new(message.ciphertext.to_vec());
        keys.receiving_stream(message.counter).apply_keystream(&mut plain);
        let extra = keys.extra_key();
        if self.is_ours(&message.next_key) {
            return Err(Refusal::Unreadable);
        }
        if ours == Age::Current {
            self.rotate_ours(rng);
        }
        if theirs == Age::Current {
            self.rotate_theirs(next_their_id, message.next_key);
        }
        Ok((plain, extra))
    }

    fn is_ours(&self, key: &Element) -> bool {
        key == self.ours.current.public() || key == self.ours.previous.public()
    }

    fn rotate_ours(&mut self, rng: &mut dyn CryptoRng) {
        let Some(next) = self.our_key_id.checked_add(1) else {
            return;
        };
        self.our_key_id = next;
        self.ours.previous = std::mem::replace(&mut self.ours.current, Pair::generate(rng));
        let forgotten = self.grid.forget_our_previous();
        self.reveal(forgotten);
    }

    fn rotate_theirs(&mut self, key_id: u32, key: Element) {
        self.their_key_id = key_id;
        self.theirs.previous = Some(std::mem::replace(&mut self.theirs.current, key));
        let forgotten = self.grid.forget_their_previous();
        self.reveal(forgotten);
    }

    fn reveal(&mut self, keys: Vec<[u8; 20]>) {
        self.revealed.extend(keys);
        let excess = self.revealed.len().saturating_sub(MOST_REVEALED);
        self.revealed.drain(..excess);
    }

    /// The keys for a pair of key generations, derived when first needed.
    fn keys(&mut self, ours: Age, theirs: Age) -> Option<&mut PairKeys> {
        let their_key = match theirs {
            Age::Current => self.theirs.current,
            Age::Previous => self.theirs.previous?,
        };
        let our_pair = match ours {
            Age::Current => &self.ours.current,
            Age::Previous => &self.ours.previous,
        };
        let slot = self.grid.slot(ours, theirs);
        Some(slot.get_or_insert_with(|| Box::new(PairKeys::derive(our_pair, &their_key))))
    }

    /// The keys under which we send: our previous pair, which they know, and their current key.
    fn sending_keys(&mut self) -> &mut PairKeys {
        let slot = self.grid.slot(Age::Previous, Age::Current);
        slot.get_or_insert_with(|| Box::new(PairKeys::derive(&self.ours.previous, &self.theirs.current)))
    }

    fn seal(&mut self, route: Route, flags: u8, plain: &[u8], old: &[[u8; 20]]) -> Result<Vec<u8>, Error> {
        let mut out = Vec::with_capacity(plain.len() + old.len() * 20 + 260);
        put_header(&mut out, Kind::Data, route);
        out.push(flags);
        put_u32(&mut out, self.our_key_id.saturating_sub(1));
        put_u32(&mut out, self.their_key_id);
        self.ours.current.public().put(&mut out);
        let keys = self.sending_keys();
        let counter = keys.next_counter().ok_or(Error::Exhausted)?;
        out.extend_from_slice(&counter.to_be_bytes());
        put_u32(
            &mut out,
            u32::try_from(plain.len()).map_err(|_| Error::MessageTooLarge)?,
        );
        let start = out.len();
        out.extend_from_slice(plain);
        if let Some(text) = out.get_mut(start..) {
            keys.sending_stream(counter).apply_keystream(text);
        }
        let mac = keys.sending_mac(&out);
        out.extend_from_slice(&mac);
        put_data(&mut out, old.as_flattened());
        Ok(out)
    }
}

/// Which of the two last keys a serial number means.
fn age(current: u32, named: u32) -> Result<Age, Refusal> {
    match current.checked_sub(named) {
        _ if named == 0 => Err(Refusal::Unreadable),
        Some(0) => Ok(Age::Current),
        Some(1) => Ok(Age::Previous),
        _ => Err(Refusal::Unreadable),
    }
}

#[cfg(test)]
#[path = "data/tests.rs"]
mod tests;
