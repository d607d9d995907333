//! One entry as it lies in the log: a head that finds it again, and a body under its conversation's own key.
//! It must never be readable in another place, with another number, or without both keys.
//! Standards: draft-irtf-cfrg-xchacha-03; the layout is this module's own, below.
//!
//! A record fills blocks of 256 bytes; all numbers are little-endian.
//! ```text
//!  0  nonce (24), drawn anew for each record
//! 24  head: under the log's key, with the place (u64: blocks before this one) as associated data:
//!     blocks (10 bits) and back (22 bits, the higher ones), conversation (u64), number (u32); then the tag (16)
//! 56  body: under the conversation's key, with place and head as associated data:
//!     length of the entry (u32), entry, zeroes; then the tag (16)
//! ```
//! An entry is the message's name (16), time (u64), flags (u8: 1 incoming, 2 encrypted, 4 sent, 8 not sent,
//! 16 corrected), fingerprint (20; zeroes if not encrypted), and the text. With `back` it is no message of its own:
//! it changes the one that has a number so much lower. Its delivery counts, and its text if it is corrected.

use super::{Entry, KeptDelivery, MAX_ENTRY_TEXT};
use crate::crypt::{Key, NONCE, TAG, random};
use crate::{SecretText, VaultError};
use zeroize::Zeroizing;

/// Length of a block in bytes.
pub(super) const BLOCK: usize = 256;
/// Bytes at the start of a record that show what it is.
pub(super) const FRONT: usize = NONCE + HEAD + TAG;
const HEAD: usize = 16;
/// Bytes of an entry before its text.
const FIXED: usize = 45;
/// The most blocks of a record.
const MOST_BLOCKS: u32 = ((FRONT + 4 + FIXED + MAX_ENTRY_TEXT + TAG) / BLOCK + 1) as u32;
/// Bits of the head that say how many blocks there are.
pub(super) const BLOCK_BITS: u32 = 10;
/// The farthest back that a change may reach. There are never so many records: [`super::MAX_HISTORY`].
const MOST_BACK: u32 = u32::MAX >> BLOCK_BITS;

const INCOMING: u8 = 1;
const ENCRYPTED: u8 = 2;
const SENT: u8 = 4;
const NOT_SENT: u8 = 8;
const CORRECTED: u8 = 16;

/// What a record is, without its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) blocks: u32,
    pub(super) conversation: u64,
    pub(super) number: u32,
    /// How much lower the number of the message is that this changes; 0: it is a message of its own.
    pub(super) back: u32,
}

impl Head {
    fn bytes(self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        let fields = (self.blocks | (self.back << BLOCK_BITS))
            .to_le_bytes()
            .into_iter()
            .chain(self.conversation.to_le_bytes())
            .chain(self.number.to_le_bytes());
        bytes.iter_mut().zip(fields).for_each(|(slot, byte)| *slot = byte);
        bytes
    }

    /// The head of the record that `front`, [`FRONT`] bytes, belongs to, if one begins at this place.
    pub(super) fn open(front: &[u8], place: u64, log_key: &Key) -> Option<Self> {
        let (nonce, rest) = front.split_first_chunk::<NONCE>()?;
        let head = log_key.decrypt(nonce, rest.get(..HEAD + TAG)?, &place.to_le_bytes())?;
        let (blocks, rest) = head.split_first_chunk()?;
        let (conversation, rest) = rest.split_first_chunk()?;
        let blocks = u32::from_le_bytes(*blocks);
        let head = Self {
            blocks: blocks & !(u32::MAX << BLOCK_BITS),
            back: blocks >> BLOCK_BITS,
            conversation: u64::from_le_bytes(*conversation),
            number: u32::from_le_bytes(*rest.first_chunk()?),
        };
        (1..=MOST_BLOCKS).contains(&head.blocks).then_some(head)
    }

    fn context(self, place: u64) -> Vec<u8> {
        [&place.to_le_bytes()[..], &self.bytes()].concat()
    }
}

/// The record of an entry, for this place in the log.
///
/// # Errors
/// [`VaultError::TooLarge`] if the text is longer than [`MAX_ENTRY_TEXT`], or what it changes too far back;
/// [`VaultError::Io`].
pub(super) fn seal(
    entry: &Entry,
    (conversation, number, back): (u64, u32, u32),
    place: u64,
    log_key: &Key,
    key: &Key,
) -> Result<(Head, Vec<u8>), VaultError> {
    let text = entry.text.expose_secret().as_bytes();
    if text.len() > MAX_ENTRY_TEXT || back > MOST_BACK {
        return Err(VaultError::TooLarge);
    }
    let length = (FRONT + 4 + FIXED + text.len() + TAG).next_multiple_of(BLOCK);
    let head = Head {
        blocks: u32::try_from(length / BLOCK).map_err(|_| VaultError::TooLarge)?,
        conversation,
        number,
        back,
    };
    let nonce: [u8; NONCE] = random()?;
    let mut record = nonce.to_vec();
    record.extend_from_slice(&log_key.encrypt(&nonce, &head.bytes(), &place.to_le_bytes())?);
    let body = body(entry, length - FRONT - TAG)?;
    record.extend_from_slice(&key.encrypt(&nonce, &body, &head.context(place))?);
    Ok((head, record))
}

/// The entry of a whole record, if it is sound.
pub(super) fn open(record: &[u8], head: Head, place: u64, key: &Key) -> Option<Entry> {
    let nonce = record.first_chunk::<NONCE>()?;
    let body = key.decrypt(nonce, record.get(FRONT..)?, &head.context(place))?;
    let (length, rest) = body.split_first_chunk()?;
    let entry = rest.get(..usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    let (id, rest) = entry.split_first_chunk()?;
    let (at, rest) = rest.split_first_chunk()?;
    let ([flags], rest) = rest.split_first_chunk::<1>()?;
    let (fingerprint, text) = rest.split_first_chunk()?;
    Some(Entry {
        id: *id,
        at: u64::from_le_bytes(*at),
        incoming: flags & INCOMING != 0,
        fingerprint: (flags & ENCRYPTED != 0).then_some(*fingerprint),
        delivery: match flags & (SENT | NOT_SENT) {
            SENT => KeptDelivery::Sent,
            0 => KeptDelivery::Received,
            _ => KeptDelivery::NotSent,
        },
        corrected: flags & CORRECTED != 0,
        text: SecretText::new(std::str::from_utf8(text).ok()?.to_owned()),
    })
}

fn body(entry: &Entry, length: usize) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let text = entry.text.expose_secret().as_bytes();
    let content = u32::try_from(FIXED + text.len()).map_err(|_| VaultError::TooLarge)?;
    let mut body = Zeroizing::new(Vec::with_capacity(length));
    body.extend_from_slice(&content.to_le_bytes());
    body.extend_from_slice(&entry.id);
    body.extend_from_slice(&entry.at.to_le_bytes());
    body.push(flags(entry));
    body.extend_from_slice(&entry.fingerprint.unwrap_or_default());
    body.extend_from_slice(text);
    body.resize(length, 0);
    Ok(body)
}

fn flags(entry: &Entry) -> u8 {
    let flag = |set, flag| if set { flag } else { 0 };
    flag(entry.incoming, INCOMING)
        | flag(entry.fingerprint.is_some(), ENCRYPTED)
        | flag(entry.delivery == KeptDelivery::Sent, SENT)
        | flag(entry.delivery == KeptDelivery::NotSent, NOT_SENT)
        | flag(entry.corrected, CORRECTED)
}
