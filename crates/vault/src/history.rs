//! Messages that their owner chose to keep: one conversation's, page by page from the end, or by words.
//! It must never keep a message of a conversation for which that was not switched on.
//! Standards: none; `docs/decisions/0007-history-log.md`.

mod index;
pub(crate) mod log;
mod record;

use crate::crypt::Key;
use crate::disk::shred;
use crate::files::{Folder, HISTORY, HISTORY_INDEX, HISTORY_INDEX_NEW};
use crate::{KeptHistory, Profile, SecretBytes, SecretText, Vault, VaultError};
use log::Log;
use std::fmt;

/// The most bytes that the log of all conversations may take: 256 MiB.
pub const MAX_HISTORY: u64 = 256 * 1024 * 1024;
/// The most entries of one page or one search.
pub const MAX_PAGE: usize = 500;
/// The longest text of an entry in bytes of UTF-8.
pub const MAX_ENTRY_TEXT: usize = 128 * 1024;

/// One message that is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// The message's name.
    pub id: [u8; 16],
    /// When it was written or came, in milliseconds since 1970-01-01 UTC. Entries keep the order in which they were
    /// appended, whatever the clock said.
    pub at: u64,
    /// Whether the contact wrote it.
    pub incoming: bool,
    /// SHA-1 of the OTR key that it was encrypted to or came from; `None` if it was not encrypted.
    pub fingerprint: Option<[u8; 20]>,
    /// How far it came; for what the contact wrote always [`KeptDelivery::Received`].
    pub delivery: KeptDelivery,
    /// Whether the text is another than was first written.
    pub corrected: bool,
    /// What it says: at most [`MAX_ENTRY_TEXT`] bytes.
    pub text: SecretText,
}

impl Entry {
    /// Takes over what was written of this message later: its delivery, and its text if that was corrected.
    fn change(&mut self, later: Entry) {
        self.delivery = later.delivery;
        if later.corrected {
            self.corrected = true;
            self.text = later.text;
        }
    }
}

/// How far a kept message came, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptDelivery {
    /// Nobody knows whether it arrived, or it is known that it did not.
    NotSent,
    /// The contact's program has it.
    Received,
    /// The server has it.
    Sent,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entry { .. }")
    }
}

/// Some entries of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Each message with its number, oldest first, as it was last known. Numbers grow with each entry or change that
    /// is appended.
    pub entries: Vec<(u32, Entry)>,
    /// How many entries should be among them and cannot be read: a fault of the disk, or somebody's doing.
    pub unreadable: u32,
    /// If there are older ones: the number to ask for them with.
    pub older: Option<u32>,
}

/// The kept messages of one conversation.
pub struct History<'a> {
    vault: &'a mut Vault,
    id: u64,
    key: Key,
}

impl Vault {
    /// Whether the messages of this conversation are kept.
    pub fn keeps_history(&self, account: u64, address: &str) -> bool {
        self.kept(account, address).is_some()
    }

    /// Keeps the messages of this conversation from now on. Nothing changes if they are kept already.
    ///
    /// # Errors
    /// As [`Vault::change`].
    pub fn keep_history(&mut self, account: u64, address: &str) -> Result<(), VaultError> {
        if self.keeps_history(account, address) {
            return Ok(());
        }
        let key = Key::generate()?;
        let log_key = match &self.profile().history_key {
            Some(key) => key.clone(),
            None => SecretBytes::new(Key::generate()?.bytes().to_vec()),
        };
        self.change(|profile| {
            let id = profile.next_id.max(1);
            profile.next_id = id + 1;
            profile.history_key = Some(log_key);
            profile.history.push(KeptHistory {
                id,
                account,
                address: address.to_owned(),
                key: SecretBytes::new(key.bytes().to_vec()),
            });
        })
    }

    /// The kept messages of a conversation, or `None` if they are not kept.
    pub fn history(&mut self, account: u64, address: &str) -> Option<History<'_>> {
        let kept = self.kept(account, address)?;
        let (id, key) = (kept.id, Key::from_bytes(kept.key.expose_secret())?);
        Some(History { vault: self, id, key })
    }

    /// Finds the records of the log of kept messages, if there is one, so that what comes next need not: by its
    /// index, or where there is none by reading 25 MB for 100,000. A log that cannot be read says so when it is
    /// asked for.
    pub fn prepare_history(&mut self) {
        if !self.profile.history.is_empty() {
            let _ = self.with_log(|log, folder, _| log.save_index(folder));
        }
    }

    /// Forgets the keys of the named conversations, and then takes their messages out of the log. Afterwards
    /// nothing is kept of them.
    ///
    /// # Errors
    /// As [`Vault::change`]; once the keys are gone the messages cannot be read, even if writing the log fails.
    pub(crate) fn erase_histories(&mut self, gone: impl Fn(&KeptHistory) -> bool) -> Result<(), VaultError> {
        if !self.profile().history.iter().any(&gone) {
            return Ok(());
        }
        self.change_for_good(|profile| profile.history.retain(|kept| !gone(kept)))?;
        self.tidy_log()
    }

    /// Writes the log anew with what can be read of it; takes it away if nothing is kept any more.
    pub(crate) fn tidy_log(&mut self) -> Result<(), VaultError> {
        if self.profile.history.is_empty() {
            self.log = None;
            shred(self.folder.disk(), HISTORY_INDEX)?;
            shred(self.folder.disk(), HISTORY)?;
            return Ok(self.folder.disk().sync()?);
        }
        self.with_log(|log, folder, profile| log.compact(folder, &profile.history))
    }

    /// Does something with the log, which is read through when that is first done.
    ///
    /// # Errors
    /// [`VaultError::HistoryDamaged`] if the log is no plain file or beyond [`MAX_HISTORY`].
    pub(crate) fn with_log<T>(
        &mut self,
        work: impl FnOnce(&mut Log, &Folder, &Profile) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let log = match &mut self.log {
            Some(log) => log,
            none => {
                let key = self.profile.history_key.as_ref().ok_or(VaultError::Absent)?;
                let key = Key::from_bytes(key.expose_secret()).ok_or(VaultError::HistoryDamaged)?;
                none.insert(Log::open(&self.folder, key, &self.profile.history)?)
            }
        };
        work(log, &self.folder, &self.profile)
    }

    fn kept(&self, account: u64, address: &str) -> Option<&KeptHistory> {
        let wanted = |kept: &&KeptHistory| kept.account == account && kept.address == address;
        self.profile().history.iter().find(wanted)
    }
}

impl History<'_> {
    /// Adds an entry at the end; its number. It is on the disk when this returns: a few milliseconds.
    ///
    /// # Errors
    /// [`VaultError::TooLarge`] if the log or the text is, [`VaultError::DiskFull`], [`VaultError::ReadOnly`],
    /// [`VaultError::Io`]. Nothing was added then.
    pub fn append(&mut self, entry: &Entry) -> Result<u32, VaultError> {
        let Self { vault, id, key } = self;
        vault.with_log(|log, folder, _| log.append(folder, (*id, None), key, entry))
    }

    /// Writes down how the entry with this number is now: its delivery, and its text if it is corrected (otherwise
    /// leave it empty). It is on the disk when this returns.
    ///
    /// # Errors
    /// As [`History::append`]; [`VaultError::Absent`] if there cannot be an entry with that number.
    pub fn change(&mut self, number: u32, entry: &Entry) -> Result<(), VaultError> {
        let Self { vault, id, key } = self;
        vault.with_log(|log, folder, _| log.append(folder, (*id, Some(number)), key, entry).map(drop))
    }

    /// The last `limit` entries before number `before`, or before the end. At most [`MAX_PAGE`].
    ///
    /// # Errors
    /// [`VaultError::HistoryDamaged`], [`VaultError::Io`] if the log cannot be read.
    pub fn page(&mut self, before: Option<u32>, limit: usize) -> Result<Page, VaultError> {
        let Self { vault, id, key } = self;
        let limit = limit.min(MAX_PAGE);
        vault.with_log(|log, folder, _| log.page(folder, *id, key, before, limit))
    }

    /// The last `limit` entries before number `before` that say `words`, in capitals or not. Reads the whole
    /// conversation if it has to, and keeps no index.
    ///
    /// # Errors
    /// [`VaultError::HistoryDamaged`], [`VaultError::Io`] if the log cannot be read.
    pub fn search(&mut self, words: &str, before: Option<u32>, limit: usize) -> Result<Page, VaultError> {
        let words = zeroize::Zeroizing::new(words.to_lowercase());
        let limit = limit.min(MAX_PAGE);
        let says = |text: &str| zeroize::Zeroizing::new(text.to_lowercase()).contains(&*words);
        let mut found = Page::default();
        let mut before = before;
        loop {
            let page = self.page(before, MAX_PAGE)?;
            found.unreadable = found.unreadable.saturating_add(page.unreadable);
            for (number, entry) in page.entries.into_iter().rev() {
                if found.entries.len() == limit {
                    found.older = Some(number + 1);
                    break;
                }
                if says(entry.text.expose_secret()) {
                    found.entries.push((number, entry));
                }
            }
            if found.older.is_some() || page.older.is_none() {
                found.entries.reverse();
                return Ok(found);
            }
            before = page.older;
        }
    }

    /// Forgets the key of this conversation's messages, then takes them out of the log. They are not kept any more.
    ///
    /// # Errors
    /// As [`Vault::change`]; once the key is gone the messages cannot be read, even if writing the log fails.
    pub fn erase(self) -> Result<(), VaultError> {
        let id = self.id;
        self.vault.erase_histories(|kept| kept.id == id)
    }
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
