//! The log of all conversations: records one behind the other, in a file that says nothing of whose they are.
//! It must never let one unreadable record hide another, nor give out a record that is not the one asked for.
//! Standards: fsync(2); `docs/decisions/0007-history-log.md`.
//!
//! Which records there are is known from the index (`index.rs`), and from reading what was added since, or everything
//! where there is none. Memory holds 16 bytes for each. What cannot be read is passed over block by block.

use super::index;
use super::record::{self, BLOCK, FRONT, Head};
use super::{Entry, MAX_HISTORY, Page};
use crate::crypt::Key;
use crate::disk::{Disk, read_exactly, shred};
use crate::files::{Folder, HISTORY, HISTORY_INDEX, HISTORY_NEW, HISTORY_OLD};
use crate::{KeptHistory, VaultError};
use std::collections::BTreeMap;
use std::io::ErrorKind;

/// Bytes read or written at a time where the whole log is gone through.
const CHUNK: usize = 4 * 1024 * 1024;

/// How many records the index may lack. Fewer in this crate's own tests, which write few.
const UNINDEXED: usize = if cfg!(test) { 8 } else { 256 };

/// Where a record lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) place: u32,
    pub(super) blocks: u32,
    pub(super) number: u32,
    /// As in [`Head::back`].
    pub(super) back: u32,
}

/// The records of each conversation, in their order.
pub(super) type Records = BTreeMap<u64, Vec<Found>>;

/// The log, as far as memory holds it.
pub(crate) struct Log {
    key: Key,
    /// Where the next record goes: behind the last one that can be read.
    blocks: u32,
    /// Blocks that no record could be read from.
    unreadable: u32,
    records: Records,
    /// How many of them the index on the disk knows.
    indexed: usize,
    /// Whether the file's name is known to outlive a power cut.
    is_named: bool,
}

impl Log {
    /// Finds the records of the log, if there is one.
    ///
    /// # Errors
    /// [`VaultError::HistoryDamaged`] if it is no plain file or too long, [`VaultError::Io`].
    pub(crate) fn open(folder: &Folder, key: Key, kept: &[KeptHistory]) -> Result<Self, VaultError> {
        // What a killed tidying left behind.
        let _ = shred(folder.disk(), HISTORY_OLD);
        drop(folder.disk().remove(HISTORY_NEW));
        let mut log = Self {
            key,
            blocks: 0,
            unreadable: 0,
            records: Records::new(),
            indexed: 0,
            is_named: false,
        };
        let length = match folder.disk().length(HISTORY) {
            Err(error) if error.kind() == ErrorKind::InvalidData => None,
            other => Some(other?.unwrap_or(0)),
        };
        let length = length.filter(|length| *length <= MAX_HISTORY);
        let length = length.ok_or(VaultError::HistoryDamaged)?;
        // Half a block at the end is a write that was cut off: nobody was told that it was done.
        let blocks = u32::try_from(length / BLOCK as u64).map_err(|_| VaultError::TooLarge)?;
        if let Some((covered, records)) = index::read(folder, &log.key, blocks) {
            (log.blocks, log.records) = (covered, records);
            log.indexed = log.count();
        }
        log.scan(folder.disk(), blocks)?;
        log.drop_torn_end(folder, kept)?;
        Ok(log)
    }

    /// Writes the index, if it lacks so many records that it is worth it. Of a log that cannot be read everywhere
    /// there is none: what is unreadable shall be told each time.
    ///
    /// # Errors
    /// As [`Folder::put`]; the log is as it was.
    pub(crate) fn save_index(&mut self, folder: &Folder) -> Result<(), VaultError> {
        let count = self.count();
        if self.unreadable == 0 && count >= self.indexed.saturating_add(UNINDEXED) {
            index::write(folder, &self.key, self.blocks, &self.records)?;
            self.indexed = count;
        }
        Ok(())
    }

    fn count(&self) -> usize {
        self.records.values().map(Vec::len).sum()
    }

    fn scan(&mut self, disk: &dyn Disk, blocks: u32) -> Result<(), VaultError> {
        let mut window = Window::default();
        let mut place = self.blocks;
        while place < blocks {
            let block = window.block(disk, place, blocks)?;
            let head = block
                .get(..FRONT)
                .and_then(|front| Head::open(front, place.into(), &self.key))
                .filter(|head| head.blocks <= blocks - place);
            match head {
                Some(head) => {
                    self.found(place, head);
                    place += head.blocks;
                    self.blocks = place;
                }
                None => {
                    self.unreadable += u32::from(block.iter().any(|byte| *byte != 0));
                    place += 1;
                }
            }
        }
        Ok(())
    }

    fn found(&mut self, place: u32, head: Head) {
        let of_conversation = self.records.entry(head.conversation).or_default();
        match of_conversation.last() {
            // Numbers only grow: this one was put back from an older state of the disk.
            Some(last) if head.number < last.number => {
                self.unreadable += head.blocks;
                return;
            }
            // The first write of this number was cut off; the second is the one that counts.
            Some(last) if head.number == last.number => {
                of_conversation.pop();
            }
            _ => {}
        }
        of_conversation.push(Found {
            place,
            blocks: head.blocks,
            number: head.number,
            back: head.back,
        });
    }

    /// If the last record's body cannot be read, its writing was cut off, or it is damaged: it counts as
    /// unreadable, and the next one takes its place and number.
    fn drop_torn_end(&mut self, folder: &Folder, kept: &[KeptHistory]) -> Result<(), VaultError> {
        let last = self
            .records
            .iter()
            .filter_map(|(id, found)| Some((*id, *found.last()?)))
            .max_by_key(|(_, found)| found.place);
        let Some((id, found)) = last else { return Ok(()) };
        let key = kept.iter().find(|kept| kept.id == id);
        let Some(key) = key.and_then(|kept| Key::from_bytes(kept.key.expose_secret())) else {
            return Ok(());
        };
        if self.read(folder, id, &key, found)?.is_none() {
            self.records.get_mut(&id).and_then(Vec::pop);
            self.unreadable += found.blocks;
            self.blocks = found.place;
        }
        Ok(())
    }

    /// How many blocks could not be read when the profile was opened.
    pub(crate) fn unreadable_bytes(&self) -> u64 {
        u64::from(self.unreadable) * BLOCK as u64
    }

    /// How long the log is.
    pub(crate) fn bytes(&self) -> usize {
        usize::try_from(self.blocks).map_or(usize::MAX, |blocks| blocks * BLOCK)
    }

    /// How many messages of a conversation there are.
    pub(crate) fn entries(&self, id: u64) -> usize {
        let found = self.records.get(&id).map(Vec::as_slice).unwrap_or_default();
        found.iter().filter(|found| found.back == 0).count()
    }

    /// Adds a message, or what changes the one with the number `changes`.
    pub(super) fn append(
        &mut self,
        folder: &Folder,
        (id, changes): (u64, Option<u32>),
        key: &Key,
        entry: &Entry,
    ) -> Result<u32, VaultError> {
        let number = self.records.get(&id).and_then(|found| found.last());
        let number = number.map_or(Some(0), |last| last.number.checked_add(1));
        let number = number.ok_or(VaultError::TooLarge)?;
        let at = u64::from(self.blocks) * BLOCK as u64;
        let back = changes.map_or(Some(0), |changes| number.checked_sub(changes));
        let back = back.filter(|back| *back > 0 || changes.is_none());
        let named = (id, number, back.ok_or(VaultError::Absent)?);
        let (head, record) = record::seal(entry, named, self.blocks.into(), &self.key, key)?;
        if at + record.len() as u64 > MAX_HISTORY {
            return Err(VaultError::TooLarge);
        }
        let disk = folder.disk();
        if !self.is_named {
            if self.blocks == 0 && disk.length(HISTORY)?.is_none() {
                disk.create(HISTORY, &[])?;
            }
            disk.sync()?;
            self.is_named = true;
        }
        disk.write(HISTORY, at, &record)?;
        self.found(self.blocks, head);
        self.blocks += head.blocks;
        Ok(number)
    }

    pub(super) fn page(
        &self,
        folder: &Folder,
        id: u64,
        key: &Key,
        before: Option<u32>,
        limit: usize,
    ) -> Result<Page, VaultError> {
        let all = self.records.get(&id).map(Vec::as_slice).unwrap_or_default();
        let end = before.map_or(all.len(), |before| {
            all.partition_point(|found| found.number < before)
        });
        let until = all.get(..end).unwrap_or_default();
        let mut messages = 0;
        let start = until.iter().rposition(|found| {
            messages += usize::from(found.back == 0);
            messages >= limit.max(1)
        });
        let (earlier, wanted) = until.split_at_checked(start.unwrap_or(0)).unwrap_or_default();
        let older = wanted.first().map(|first| first.number);
        let mut page = Page {
            older: older.filter(|_| earlier.iter().any(|found| found.back == 0)),
            ..Page::default()
        };
        // The number that the first one should have.
        let mut next = earlier.last().map_or(0, |last| last.number + 1);
        for found in wanted {
            page.unreadable += found.number.saturating_sub(next);
            next = found.number + 1;
            if found.back > 0 {
                continue;
            }
            match self.read(folder, id, key, *found)? {
                Some(entry) => page.entries.push((found.number, entry)),
                None => page.unreadable += 1,
            }
        }
        self.change(&mut page, folder, id, key)?;
        Ok(page)
    }

    /// Brings the entries of a page to what was written of them later, wherever that lies.
    fn change(&self, page: &mut Page, folder: &Folder, id: u64, key: &Key) -> Result<(), VaultError> {
        let all = self.records.get(&id).map(Vec::as_slice).unwrap_or_default();
        let first = page.entries.first().map_or(u32::MAX, |(number, _)| *number);
        let later = all.partition_point(|found| found.number <= first);
        for found in all.iter().skip(later).filter(|found| found.back > 0) {
            let changes = found.number.saturating_sub(found.back);
            let at = page.entries.binary_search_by_key(&changes, |(number, _)| *number);
            let Some((_, entry)) = at.ok().and_then(|at| page.entries.get_mut(at)) else {
                continue;
            };
            match self.read(folder, id, key, *found)? {
                Some(change) => entry.change(change),
                None => page.unreadable += 1,
            }
        }
        Ok(())
    }

    fn read(
        &self,
        folder: &Folder,
        conversation: u64,
        key: &Key,
        found: Found,
    ) -> Result<Option<Entry>, VaultError> {
        let at = u64::from(found.place) * BLOCK as u64;
        let length = usize::try_from(found.blocks).map_err(|_| VaultError::TooLarge)? * BLOCK;
        let record = read_exactly(folder.disk(), HISTORY, at, length)?;
        let head = Head {
            blocks: found.blocks,
            conversation,
            number: found.number,
            back: found.back,
        };
        Ok(record::open(&record, head, found.place.into(), key))
    }

    /// Writes a new log with what can be read of the conversations in `kept`, puts it in the old one's place, and
    /// writes over the old one.
    pub(super) fn compact(&mut self, folder: &Folder, kept: &[KeptHistory]) -> Result<(), VaultError> {
        let disk = folder.disk();
        if disk.length(HISTORY)?.is_none() {
            return Ok(());
        }
        // It tells how much was written in conversations that are to be forgotten.
        shred(disk, HISTORY_INDEX)?;
        drop(disk.remove(HISTORY_NEW));
        disk.create(HISTORY_NEW, &[])?;
        let mut new = Self {
            key: Key::from_bytes(self.key.bytes()).ok_or(VaultError::TooLarge)?,
            blocks: 0,
            unreadable: 0,
            records: Records::new(),
            indexed: 0,
            is_named: false,
        };
        if let Err(error) = self.copy_into(&mut new, folder, kept) {
            drop(disk.remove(HISTORY_NEW));
            return Err(error);
        }
        drop(disk.remove(HISTORY_OLD));
        disk.link(HISTORY, HISTORY_OLD)?;
        disk.rename(HISTORY_NEW, HISTORY)?;
        *self = new;
        disk.sync()?;
        self.is_named = true;
        shred(disk, HISTORY_OLD)?;
        Ok(disk.sync()?)
    }

    fn copy_into(&self, new: &mut Self, folder: &Folder, kept: &[KeptHistory]) -> Result<(), VaultError> {
        let keys: BTreeMap<u64, Key> = kept
            .iter()
            .filter_map(|kept| Some((kept.id, Key::from_bytes(kept.key.expose_secret())?)))
            .collect();
        let mut records: Vec<(u64, Found)> = self
            .records
            .iter()
            .flat_map(|(id, found)| found.iter().map(|found| (*id, *found)))
            .collect();
        records.sort_unstable_by_key(|(_, found)| found.place);
        let (mut written, mut pending) = (0, Vec::new());
        for (id, found) in records {
            let Some(key) = keys.get(&id) else { continue };
            let Some(entry) = self.read(folder, id, key, found)? else {
                continue;
            };
            let named = (id, found.number, found.back);
            let (head, record) = record::seal(&entry, named, new.blocks.into(), &new.key, key)?;
            new.found(new.blocks, head);
            new.blocks += head.blocks;
            pending.extend_from_slice(&record);
            if pending.len() >= CHUNK {
                folder.disk().write(HISTORY_NEW, written, &pending)?;
                written += pending.len() as u64;
                pending.clear();
            }
        }
        if !pending.is_empty() {
            folder.disk().write(HISTORY_NEW, written, &pending)?;
        }
        Ok(())
    }
}

/// A stretch of the log in memory.
#[derive(Default)]
struct Window {
    first: u32,
    bytes: Vec<u8>,
}

impl Window {
    /// The block at `place` of a log that is `blocks` long.
    fn block(&mut self, disk: &dyn Disk, place: u32, blocks: u32) -> Result<&[u8], VaultError> {
        const TOO_LARGE: fn(std::num::TryFromIntError) -> VaultError = |_| VaultError::TooLarge;
        let here = u32::try_from(self.bytes.len() / BLOCK).map_err(TOO_LARGE)?;
        if place < self.first || place - self.first >= here {
            let rest = usize::try_from(blocks - place).map_err(TOO_LARGE)? * BLOCK;
            self.bytes = read_exactly(disk, HISTORY, u64::from(place) * BLOCK as u64, rest.min(CHUNK))?;
            self.first = place;
        }
        let at = usize::try_from(place - self.first).map_err(TOO_LARGE)? * BLOCK;
        Ok(self.bytes.get(at..at + BLOCK).unwrap_or_default())
    }
}
