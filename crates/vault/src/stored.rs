//! What is kept and how large it is: for a person who wants to know.
//! It must never name a contact to anybody but the person whose profile it is.
//! Standards: none.

use crate::files::NAMES;
use crate::format::json_length;
use crate::{Profile, SecretText, Vault, VaultError};
use std::io::ErrorKind;

/// What a profile keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Kind by kind: `accounts`, `keys`, `contacts`, `fingerprints`, `queued_messages`, `drafts`,
    /// `rooms`, `settings`, `history`.
    pub kinds: Vec<StoredKind>,
    /// Conversations whose messages are kept.
    pub histories: Vec<StoredHistory>,
    /// Files of the profile with their lengths in bytes. The names say nothing of what is in them.
    pub files: Vec<(&'static str, u64)>,
    /// Bytes of the log that could not be read when it was first gone through: a write that was cut off, a fault
    /// of the disk, or somebody's doing.
    pub unreadable: u64,
}

/// One kind of thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredKind {
    /// Its name.
    pub what: &'static str,
    /// How many.
    pub count: usize,
    /// About how large, in bytes, before sealing and padding.
    pub bytes: usize,
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

impl std::fmt::Debug for StoredHistory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoredHistory {{ entries: {}, .. }}", self.entries)
    }
}

impl Vault {
    /// What this profile keeps.
    ///
    /// # Errors
    /// [`VaultError::Io`] if the folder cannot be read.
    pub fn stored(&mut self) -> Result<Stored, VaultError> {
        // A log that cannot be read has no entries, and its file is listed all the same.
        self.prepare_history();
        let entries = |id| self.log.as_ref().map_or(0, |log| log.entries(id));
        let mut files = Vec::new();
        for name in NAMES {
            match self.folder.disk().length(name) {
                Err(error) if error.kind() == ErrorKind::InvalidData => {}
                other => files.extend(other?.map(|length| (name, length))),
            }
        }
        let histories: Vec<StoredHistory> = self
            .profile
            .history
            .iter()
            .map(|kept| StoredHistory {
                account: kept.account,
                address: kept.address.clone(),
                entries: entries(kept.id),
            })
            .collect();
        let mut kinds = kinds(&self.profile);
        kinds.push(StoredKind {
            what: "history",
            count: histories.iter().map(|history| history.entries).sum(),
            bytes: self.log.as_ref().map_or(0, |log| log.bytes()),
        });
        Ok(Stored {
            kinds,
            histories,
            files,
            unreadable: self.log.as_ref().map_or(0, |log| log.unreadable_bytes()),
        })
    }
}

fn kinds(profile: &Profile) -> Vec<StoredKind> {
    let kind = |what, count, bytes| StoredKind { what, count, bytes };
    let keys = || {
        profile
            .accounts
            .iter()
            .filter_map(|account| account.otr_key.as_ref())
    };
    let key_bytes = keys().map(|key| key.expose_secret().len()).sum();
    let known = || profile.contacts.iter().flat_map(|contact| &contact.fingerprints);
    let known_bytes = known().map(json_length).sum();
    let drafts = || {
        let of_contacts = profile.contacts.iter().map(|contact| &contact.draft);
        let of_rooms = profile.rooms.iter().map(|room| &room.draft);
        let texts = of_contacts.chain(of_rooms).flatten();
        texts.map(SecretText::expose_secret)
    };
    let less = |whole: usize, part: usize| whole.saturating_sub(part);
    vec![
        kind(
            "accounts",
            profile.accounts.len(),
            less(json_length(&profile.accounts), key_bytes),
        ),
        kind("keys", keys().count(), key_bytes),
        kind(
            "contacts",
            profile.contacts.len(),
            less(json_length(&profile.contacts), known_bytes),
        ),
        kind("fingerprints", known().count(), known_bytes),
        kind(
            "queued_messages",
            profile.outbox.len(),
            json_length(&profile.outbox),
        ),
        kind("drafts", drafts().count(), drafts().map(str::len).sum()),
        kind("rooms", profile.rooms.len(), json_length(&profile.rooms)),
        kind("settings", profile.settings.len(), json_length(&profile.settings)),
    ]
}
