//! The keys of one pair of Diffie-Hellman keys, and the four pairs that can be in use at once.
//! Must never send twice under one counter, nor give away a MAC key that is still accepted.
//! Standard: OTR version 3, "Computing AES keys, MAC keys", "Extra symmetric key", "Revealing MAC Keys".

use std::fmt;

use aes::Aes128Enc;
use ctr::Ctr128BE;
use ctr::cipher::{InnerIvInit, KeyInit};
use ctr::{CtrCore, flavors};
use hmac::{Hmac, Mac};
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::Refusal;
use crate::group::{Element, Pair};
use crate::wire::DataMessage;

/// A key of 256 bits that both ends derive from a message with a TLV of type 8.
///
/// It is wiped when dropped and shows nothing in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct ExtraKey(Zeroizing<[u8; 32]>);

impl ExtraKey {
    /// The key itself.
    pub fn expose_secret(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ExtraKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExtraKey(..)")
    }
}

/// Which of two keys: the newest or the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    Current,
    Previous,
}

/// What one pair of Diffie-Hellman keys gives: ciphers, MAC keys and counters of both directions.
pub(super) struct PairKeys {
    sending: Aes128Enc,
    sending_mac: Zeroizing<[u8; 20]>,
    sent: u64,
    receiving: Aes128Enc,
    receiving_mac: Zeroizing<[u8; 20]>,
    received: u64,
    /// Whether the receiving MAC key has ever verified a message.
    used: bool,
    extra: ExtraKey,
}

/// AES in counter mode with its first counter block.
type Stream<'a> = Ctr128BE<&'a Aes128Enc>;

impl PairKeys {
    /// Derives everything; the end with the numerically greater public key is the "high" end.
    pub(super) fn derive(ours: &Pair, theirs: &Element) -> Self {
        let shared = ours.agree(theirs);
        let (send, receive) = if ours.public() > theirs { (1, 2) } else { (2, 1) };
        let (sending, sending_mac) = direction(&shared.h1(send));
        let (receiving, receiving_mac) = direction(&shared.h1(receive));
        let extra = ExtraKey(shared.h2(0xff));
        Self {
            sending,
            sending_mac,
            sent: 0,
            receiving,
            receiving_mac,
            received: 0,
            used: false,
            extra,
        }
    }

    /// The next counter to send under; never zero, never the same again.
    pub(super) fn next_counter(&mut self) -> Option<u64> {
        self.sent = self.sent.checked_add(1)?;
        Some(self.sent)
    }

    pub(super) fn sending_stream(&self, counter: u64) -> Stream<'_> {
        stream(&self.sending, counter)
    }

    pub(super) fn sending_mac(&self, covered: &[u8]) -> [u8; 20] {
        hmac_sha1(&self.sending_mac, covered)
    }

    /// Checks the MAC in constant time, before anything else is believed.
    pub(super) fn verify(&mut self, message: &DataMessage<'_>) -> Result<(), Refusal> {
        let mac = hmac_sha1(&self.receiving_mac, message.covered);
        if !bool::from(mac.ct_eq(message.mac)) {
            return Err(Refusal::Unreadable);
        }
        self.used = true;
        Ok(())
    }

    /// Takes a counter that must be above the last one.
    pub(super) fn advance(&mut self, counter: u64) -> Result<(), Refusal> {
        if counter <= self.received {
            return Err(Refusal::Replayed);
        }
        self.received = counter;
        Ok(())
    }

    pub(super) fn receiving_stream(&self, counter: u64) -> Stream<'_> {
        stream(&self.receiving, counter)
    }

    pub(super) fn extra_key(&self) -> ExtraKey {
        self.extra.clone()
    }
}

/// The pairs that can be in use: two of our keys by two of theirs.
#[derive(Default)]
pub(super) struct Grid {
    current: Row,
    previous: Row,
}

/// The pairs of one of our keys with their two.
#[derive(Default)]
struct Row {
    current: Option<Box<PairKeys>>,
    previous: Option<Box<PairKeys>>,
}

impl Grid {
    pub(super) fn slot(&mut self, ours: Age, theirs: Age) -> &mut Option<Box<PairKeys>> {
        let row = match ours {
            Age::Current => &mut self.current,
            Age::Previous => &mut self.previous,
        };
        match theirs {
            Age::Current => &mut row.current,
            Age::Previous => &mut row.previous,
        }
    }

    /// Our previous key is forgotten and the current one takes its place; answers its used MAC keys.
    pub(super) fn forget_our_previous(&mut self) -> Vec<[u8; 20]> {
        let row = std::mem::replace(&mut self.previous, std::mem::take(&mut self.current));
        used([&row.current, &row.previous])
    }

    /// Their previous key is forgotten and the current one takes its place; answers its used MAC keys.
    pub(super) fn forget_their_previous(&mut self) -> Vec<[u8; 20]> {
        let forget = |row: &mut Row| std::mem::replace(&mut row.previous, row.current.take());
        let forgotten = [forget(&mut self.current), forget(&mut self.previous)];
        used(forgotten.each_ref())
    }

    /// The MAC keys of all pairs that verified a message.
    pub(super) fn used_mac_keys(&self) -> Vec<[u8; 20]> {
        let (current, previous) = (&self.current, &self.previous);
        let mut all = used([&current.current, &current.previous]);
        all.extend(used([&previous.current, &previous.previous]));
        all
    }
}

fn used(pairs: [&Option<Box<PairKeys>>; 2]) -> Vec<[u8; 20]> {
    pairs
        .into_iter()
        .flatten()
        .filter(|keys| keys.used)
        .map(|keys| *keys.receiving_mac)
        .collect()
}

/// Cipher and MAC key of one direction, from h1 of its byte.
fn direction(hash: &[u8; 20]) -> (Aes128Enc, Zeroizing<[u8; 20]>) {
    let mut key = Zeroizing::new([0u8; 16]);
    key.iter_mut().zip(hash).for_each(|(byte, value)| *byte = *value);
    let mac = Zeroizing::new(Sha1::digest(*key).into());
    (<Aes128Enc as KeyInit>::new(&(*key).into()), mac)
}

/// The counter block is eight bytes of counter and eight zeros.
fn stream(cipher: &Aes128Enc, counter: u64) -> Stream<'_> {
    let block = u128::from(counter) << 64;
    let core = CtrCore::<&Aes128Enc, flavors::Ctr128BE>::inner_iv_init(cipher, &block.to_be_bytes().into());
    Stream::from_core(core)
}

fn hmac_sha1(key: &[u8; 20], covered: &[u8]) -> [u8; 20] {
    match Hmac::<Sha1>::new_from_slice(key) {
        Ok(mac) => mac.chain_update(covered).finalize().into_bytes().into(),
        // HMAC takes keys of every length, so this does not happen; the zero MAC is refused by all.
        Err(_) => [0; 20],
    }
}
