//! Where the records of the log lie, sealed, so that opening a long log need not read through it.
//! It must never be believed of another log than the one it was made of, nor be needed: without it the log is read.
//! Standards: draft-irtf-cfrg-xchacha-03; the layout is this module's own, below.
//!
//! All numbers are little-endian.
//! ```text
//!  0  nonce (24)
//! 24  under the log's key, with "index of the log" as associated data:
//!     blocks of the log that it covers (u32), the nonces of the first and the last record in them (24 each),
//!     count of conversations (u32); for each its number (u64), count of records (u32), and for each of those
//!     place (u32), number (u32), blocks (10 bits) and back (22 bits, the higher ones);
//!     zeroes up to a multiple of 4096; then the tag (16)
//! ```
//! When the log is written anew, its records get other nonces, and an index of before belongs to nothing any more.

use super::log::{Found, Records};
use super::record::{BLOCK, BLOCK_BITS};
use super::{HISTORY_INDEX, HISTORY_INDEX_NEW};
use crate::VaultError;
use crate::crypt::{Key, NONCE, random};
use crate::disk::{Disk, read_exactly};
use crate::files::{Folder, HISTORY};
use zeroize::Zeroizing;

const CONTEXT: &[u8] = b"index of the log";
const STEP: usize = 4096;
const RECORD: usize = 12;
const CONVERSATION: usize = 12;
/// Longer than any index of a log that is not too long itself, in bytes.
const MAX_INDEX: u64 = 32 * 1024 * 1024;

/// The nonces of the first and the last record: no other log has both.
type Marks = [[u8; NONCE]; 2];

/// Writes the index of the records in the first `blocks` blocks.
///
/// # Errors
/// As [`Folder::put`]; the former index then stands.
pub(super) fn write(folder: &Folder, key: &Key, blocks: u32, records: &Records) -> Result<(), VaultError> {
    let marks = marks(folder.disk(), records).ok_or(VaultError::HistoryDamaged)?;
    let text = text(blocks, &marks, records)?;
    let nonce: [u8; NONCE] = random()?;
    let sealed = key.encrypt(&nonce, &text, CONTEXT)?;
    folder.put(HISTORY_INDEX, HISTORY_INDEX_NEW, &[&nonce[..], &sealed].concat())
}

/// The records that the index knows, and how many blocks of the log it covers, if it is of this log, which is
/// `length` blocks long.
pub(super) fn read(folder: &Folder, key: &Key, length: u32) -> Option<(u32, Records)> {
    let file = folder.read(HISTORY_INDEX, MAX_INDEX).ok()?;
    let (nonce, sealed) = file.split_first_chunk()?;
    let text = key.decrypt(nonce, sealed, CONTEXT)?;
    let mut rest = Rest(&text);
    let blocks = rest.number()?;
    let told: Marks = [*rest.take()?, *rest.take()?];
    let records = rest.records(blocks)?;
    let is_this = blocks <= length && marks(folder.disk(), &records)? == told;
    is_this.then_some((blocks, records))
}

fn marks(disk: &dyn Disk, records: &Records) -> Option<Marks> {
    let ends = |of: fn(&[Found]) -> Option<&Found>| records.values().filter_map(move |found| of(found));
    let first = ends(<[Found]>::first).map(|found| found.place).min()?;
    let last = ends(<[Found]>::last).map(|found| found.place).max()?;
    let nonce = |place: u32| {
        let front = read_exactly(disk, HISTORY, u64::from(place) * BLOCK as u64, NONCE).ok()?;
        front.first_chunk().copied()
    };
    Some([nonce(first)?, nonce(last)?])
}

fn text(blocks: u32, marks: &Marks, records: &Records) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let count = |number: usize| u32::try_from(number).map_err(|_| VaultError::TooLarge);
    let all: usize = records.values().map(Vec::len).sum();
    let length = 4 + 2 * NONCE + 4 + CONVERSATION * records.len() + RECORD * all;
    let length = length.next_multiple_of(STEP);
    let mut text = Zeroizing::new(Vec::with_capacity(length));
    text.extend_from_slice(&blocks.to_le_bytes());
    marks.iter().for_each(|mark| text.extend_from_slice(mark));
    text.extend_from_slice(&count(records.len())?.to_le_bytes());
    for (id, of_conversation) in records {
        text.extend_from_slice(&id.to_le_bytes());
        text.extend_from_slice(&count(of_conversation.len())?.to_le_bytes());
        for found in of_conversation {
            let size = found.blocks | (found.back << BLOCK_BITS);
            for number in [found.place, found.number, size] {
                text.extend_from_slice(&number.to_le_bytes());
            }
        }
    }
    text.resize(length, 0);
    Ok(text)
}

/// What is left to be read of a text.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        self.take().copied().map(u32::from_le_bytes)
    }

    /// `None` if a record does not lie within `blocks`.
    fn records(&mut self, blocks: u32) -> Option<Records> {
        let mut records = Records::new();
        for _ in 0..self.number()? {
            let id = u64::from_le_bytes(*self.take()?);
            let length = usize::try_from(self.number()?).ok()?.checked_mul(RECORD)?;
            let (all, rest) = self.0.split_at_checked(length)?;
            self.0 = rest;
            let found = all.chunks_exact(RECORD).map(|record| found(record, blocks));
            records.insert(id, found.collect::<Option<_>>()?);
        }
        Some(records)
    }
}

fn found(record: &[u8], blocks: u32) -> Option<Found> {
    let mut rest = Rest(record);
    let (place, number, size) = (rest.number()?, rest.number()?, rest.number()?);
    let found = Found {
        place,
        number,
        blocks: size & !(u32::MAX << BLOCK_BITS),
        back: size >> BLOCK_BITS,
    };
    (place.checked_add(found.blocks)? <= blocks).then_some(found)
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
