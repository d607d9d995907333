//! What is kept and how large it is: for a person who wants to know.
//! It must never name a contact to anybody but the person whose profile it is.
//! Standards: none.

use crate::files::NAMES;
use crate::{Vault, VaultError};
use std::io::ErrorKind;

/// What a profile keeps.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    /// Accounts.
    pub accounts: usize,
    /// Contacts of all accounts.
    pub contacts: usize,
    /// OTR keys of contacts.
    pub fingerprints: usize,
    /// Messages that are not known to have arrived.
    pub queued: usize,
    /// Conversations whose messages are kept.
    pub histories: Vec<StoredHistory>,
    /// Files of the profile with their lengths in bytes. The names say nothing of what is in them.
    pub files: Vec<(&'static str, u64)>,
    /// Bytes of the log that could not be read when the profile was opened: a write that was cut off, a fault of
    /// the disk, or somebody's doing.
    pub unreadable: u64,
}

/// A conversation whose messages are kept.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredHistory {
    /// The account's number.
    pub account: u64,
    /// The contact's bare address.
    pub address: String,
    /// How many messages.
    pub entries: usize,
}

impl Vault {
    /// What this profile keeps.
    ///
    /// # Errors
    /// [`VaultError::Io`] if the folder cannot be read.
    pub fn stored(&mut self) -> Result<Stored, VaultError> {
        if !self.profile.history.is_empty() {
            // A log that cannot be read has no entries, and its file is listed all the same.
            let _ = self.with_log(|_, _, _| Ok(()));
        }
        let profile = &self.profile;
        let entries = |id| self.log.as_ref().map_or(0, |log| log.entries(id));
        let mut files = Vec::new();
        for name in NAMES {
            match self.folder.disk().length(name) {
                Err(error) if error.kind() == ErrorKind::InvalidData => {}
                other => files.extend(other?.map(|length| (name, length))),
            }
        }
        Ok(Stored {
            accounts: profile.accounts.len(),
            contacts: profile.contacts.len(),
            fingerprints: profile
                .contacts
                .iter()
                .map(|contact| contact.fingerprints.len())
                .sum(),
            queued: profile.outbox.len(),
            histories: profile
                .history
                .iter()
                .map(|kept| StoredHistory {
                    account: kept.account,
                    address: kept.address.clone(),
                    entries: entries(kept.id),
                })
                .collect(),
            files,
            unreadable: self.log.as_ref().map_or(0, |log| log.unreadable_bytes()),
        })
    }
}
