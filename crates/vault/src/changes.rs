//! What changed since the profile was last written whole: one small sealed record for each change, written in place.
//! It must never pass over a record that was acknowledged, nor be applied to a profile that it was not made for.
//! Standards: draft-irtf-cfrg-xchacha-03, fdatasync(2); the layout is this module's own, below.
//!
//! The file `changes` has one length and 256 places of 4096 bytes, filled with random bytes where nothing is
//! written. All numbers are little-endian. A place holds the same record twice, each time so:
//! ```text
//!  0  nonce (24)
//! 24  under the data key, with the nonce of the profile's body (24) and the place (u32) as associated data:
//!     count of pieces (u32); for each where it begins in the JSON before (u32), how many bytes go (u32) and how
//!     many come (u32); then all that come; zeroes; then the tag (16)
//! ```
//! Records follow each other from the first place on. Once the profile is written whole, its body has another nonce,
//! and what the file held belongs to nothing any more; it is written over within a minute.

mod difference;

use crate::crypt::{Key, NONCE, TAG, fill, random};
use crate::files::{CHANGES, CHANGES_NEW, Folder};
use crate::format::{json, json_within};
use crate::{Profile, VaultError};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

const COPY: usize = 2048;
const PLACE: usize = 2 * COPY;
/// Fewer in this crate's own tests, which write over all of them thousands of times.
const PLACES: u32 = if cfg!(test) { 64 } else { 256 };
/// Length of the file in bytes.
pub(crate) const LENGTH: usize = PLACE * PLACES as usize;
/// Bytes of a record in clear.
const TEXT: usize = COPY - NONCE - TAG;
/// How long changes may stand beside the profile while it is open, before it is written whole.
const STANDING: Duration = Duration::from_secs(60);

const DAMAGED: VaultError = VaultError::Damaged { backup: false };

/// The file of changes, as far as memory knows of it.
#[derive(Default)]
pub(crate) struct Changes {
    /// The nonce of the body that records belong to. `None`: the profile has to be written whole.
    base: Option<[u8; NONCE]>,
    /// How many records there are.
    used: u32,
    /// When the first of them was written, or those of before were left there.
    since: Option<Instant>,
}

/// What is asked of the file when it is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demand {
    /// Every record that was acknowledged.
    All,
    /// As many as can be had: after its owner was told of damage.
    AsFarAsTheyGo,
}

impl Changes {
    /// No records yet beside a profile file with this nonce; `None`: the next change is to be written whole.
    pub(crate) fn none(base: Option<[u8; NONCE]>) -> Self {
        Self {
            base,
            used: 0,
            since: None,
        }
    }

    /// The records of before stand, beside a file of which nothing else is known. The disk gets some rest.
    pub(crate) fn keep_standing(&mut self, before: &Self) {
        (self.used, self.since) = (before.used, before.since.map(|_| Instant::now()));
    }

    /// The profile was written whole, and what the file held of before is still to be written over.
    pub(crate) fn left_records(&mut self) {
        self.since = Some(Instant::now());
    }

    /// Whether there are records, be it of before.
    pub(crate) fn lie_there(&self) -> bool {
        self.since.is_some()
    }

    /// How much longer records may lie there, if there are any.
    pub(crate) fn rest(&self) -> Option<Duration> {
        self.since.map(|since| STANDING.saturating_sub(since.elapsed()))
    }

    /// Writes the step from one state to the next, durably. `false` if that cannot be done with a record: too much
    /// has changed, there is no place, or the disk refuses. Then the profile has to be written whole.
    pub(crate) fn add(&mut self, folder: &Folder, key: &Key, old: &Profile, new: &Profile) -> bool {
        let Some(base) = self.base.filter(|_| self.used < PLACES) else {
            return false;
        };
        let Some(old) = json(old) else { return false };
        // What is longer cannot be told in one record.
        let Some(new) = json_within(new, old.len() + TEXT) else {
            return false;
        };
        let Some(text) = difference::between(&old, &new, TEXT) else {
            return false;
        };
        let at = u64::from(self.used) * PLACE as u64;
        let written = record(key, &base, self.used, &text).and_then(|record| {
            make_room(folder)?;
            Ok(folder.disk().write(CHANGES, at, &record)?)
        });
        if written.is_err() {
            // Perhaps it is there all the same: nothing may follow it, and it should not be found.
            self.base = None;
            let _ = random::<PLACE>().map(|noise| folder.disk().write(CHANGES, at, &noise));
            return false;
        }
        self.used += 1;
        self.since.get_or_insert_with(Instant::now);
        true
    }
}

/// Brings the JSON of a profile file with this nonce to what the records make of it; how many there were.
///
/// # Errors
/// [`VaultError::Damaged`] where all are demanded and one cannot be read that was acknowledged: it has others behind
/// it, or the file has another length. [`VaultError::Io`].
pub(crate) fn apply(
    folder: &Folder,
    key: &Key,
    base: &[u8; NONCE],
    mut json: Zeroizing<Vec<u8>>,
    demand: Demand,
) -> Result<(Zeroizing<Vec<u8>>, u32), VaultError> {
    let file = match folder.read(CHANGES, LENGTH as u64) {
        Err(VaultError::Absent) => return Ok((json, 0)),
        Err(DAMAGED) if demand == Demand::AsFarAsTheyGo => return Ok((json, 0)),
        other => other?,
    };
    let strict = demand == Demand::All;
    if strict && file.len() != LENGTH {
        return Err(DAMAGED);
    }
    let mut records = (0u32..).zip(file.chunks_exact(PLACE));
    let open = |(number, place)| opened(key, base, number, place);
    let mut used = 0;
    while let Some(text) = records.next().and_then(open) {
        match difference::applied(&json, &text) {
            Some(changed) => json = changed,
            None if strict => return Err(DAMAGED),
            None => break,
        }
        used += 1;
    }
    if strict && records.any(|record| open(record).is_some()) {
        return Err(DAMAGED);
    }
    Ok((json, used))
}

/// Writes random bytes over all records, if there is such a file.
pub(crate) fn scrub(folder: &Folder) -> Result<(), VaultError> {
    match folder.disk().length(CHANGES) {
        Ok(Some(_)) => Ok(folder.disk().write(CHANGES, 0, &noise()?)?),
        Ok(None) => Ok(()),
        // No plain file: nothing of ours is in it.
        Err(_) => Ok(folder.disk().remove(CHANGES)?),
    }
}

fn make_room(folder: &Folder) -> Result<(), VaultError> {
    if folder.disk().length(CHANGES)? == Some(LENGTH as u64) {
        return Ok(());
    }
    folder.put(CHANGES, CHANGES_NEW, &noise()?)
}

fn noise() -> Result<Vec<u8>, VaultError> {
    let mut noise = vec![0; LENGTH];
    fill(&mut noise)?;
    Ok(noise)
}

/// A whole place. The two copies look as different as random bytes do.
fn record(key: &Key, base: &[u8; NONCE], number: u32, text: &[u8]) -> Result<Vec<u8>, VaultError> {
    let mut place = Vec::with_capacity(PLACE);
    for _ in 0..2 {
        let nonce: [u8; NONCE] = random()?;
        place.extend_from_slice(&nonce);
        place.extend_from_slice(&key.encrypt(&nonce, text, &context(base, number))?);
    }
    Ok(place)
}

/// The text of either copy.
fn opened(key: &Key, base: &[u8; NONCE], number: u32, place: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    place.chunks_exact(COPY).find_map(|copy| {
        let (nonce, sealed) = copy.split_first_chunk()?;
        key.decrypt(nonce, sealed, &context(base, number))
    })
}

fn context(base: &[u8; NONCE], number: u32) -> Vec<u8> {
    [&base[..], &number.to_le_bytes()].concat()
}

#[cfg(test)]
#[path = "changes_tests.rs"]
mod tests;
