//! Alice's desk: a profile folder, her passphrase, and another one.
//! Must never be used outside tests.
//! Standards: none.
#![allow(dead_code, reason = "each user of this file needs a part of it")]
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use vault::{Entry, Kdf, Passphrase, SecretText, Vault, VaultError};

/// A folder for a profile, that goes away at the end.
pub(crate) struct Desk {
    _room: tempfile::TempDir,
    pub(crate) dir: PathBuf,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let room = tempfile::tempdir().unwrap();
        let dir = room.path().join("profile");
        Self { _room: room, dir }
    }

    pub(crate) fn at(dir: PathBuf) -> Self {
        let room = tempfile::tempdir().unwrap();
        Self { _room: room, dir }
    }

    pub(crate) fn create(&self) -> Vault {
        Vault::create(&self.dir, &right(), Kdf::MINIMUM).unwrap()
    }

    pub(crate) fn open(&self) -> Result<Vault, VaultError> {
        Vault::open(&self.dir, &right())
    }

    pub(crate) fn refusal(&self) -> VaultError {
        self.open().err().unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

pub(crate) fn right() -> Passphrase {
    Passphrase::new("correct horse battery".into())
}

pub(crate) fn other() -> Passphrase {
    Passphrase::new("staple".into())
}

/// Flips a bit of the last byte.
pub(crate) fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let last = bytes.last_mut().unwrap();
    *last ^= 1;
    fs::write(path, bytes).unwrap();
}

/// A message to be kept.
pub(crate) fn said(text: &str) -> Entry {
    Entry {
        id: [7; 16],
        at: 1_795_000_000_000,
        incoming: true,
        fingerprint: Some([9; 20]),
        delivery: vault::KeptDelivery::Received,
        corrected: false,
        text: SecretText::new(text.into()),
    }
}

/// Everything that is kept of a conversation, oldest first.
pub(crate) fn texts(vault: &mut Vault, address: &str) -> Vec<String> {
    let page = vault.history(1, address).unwrap().page(None, 500).unwrap();
    assert_eq!((page.unreadable, page.older), (0, None));
    let text = |entry: &Entry| entry.text.expose_secret().to_owned();
    page.entries.iter().map(|(_, entry)| text(entry)).collect()
}

/// The names in a folder, sorted.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
