//! The sealed profile: accounts, keys, known people and kept messages, encrypted, opened with a passphrase.
//! It must never leave the disk without a good file, write a secret unsealed, or guess when a file is damaged.
//! Standards: RFC 9106 (Argon2id), draft-irtf-cfrg-xchacha-03 (XChaCha20-Poly1305), FIPS 180-4 (SHA-256).
//!
//! The folder holds `vault` and its second copy `vault.old`, `changes` (what changed since they were written),
//! `lock` (held while open), `history` where messages are kept, with `history.index` where there are many, `until` where a profile that is not opened shall be destroyed, `backup.otter` where its owner asked for one, and, after a restore, `vault.damaged`.
//! `format.rs` describes the file, `files.rs` how it is replaced, `changes.rs` what stands beside it, `history/` the log of messages, `disk.rs` what is
//! done to files at all.

mod backup;
mod changes;
mod crypt;
mod destroying;
mod disk;
mod error;
mod expiry;
mod files;
mod folder;
mod format;
mod history;
mod kdf;
mod memory_disk;
mod profile;
mod secret;
mod stored;
mod wipe;

pub use backup::{BACKUP_NAME, MAX_BACKUP, read_saved};
pub use crypt::wipe_stack;
pub use error::VaultError;
pub use expiry::{expired, is_past};
pub use files::MAX_FILE;
pub use folder::make_private;
pub use history::{Entry, History, KeptDelivery, MAX_ENTRY_TEXT, MAX_HISTORY, MAX_PAGE, Page};
pub use kdf::Kdf;
pub use profile::{
    Account, Contact, Credential, FastToken, IrcLogin, KeptHistory, KnownFingerprint, Learnt, Policy,
    Profile, Protocol, Queued, QueuedState, Room, SCHEMA, TlsOnly, TlsPolicy, XmppLogin,
};
pub use secret::{Passphrase, SecretBytes, SecretText};
pub use stored::{Stored, StoredHistory, StoredKind};
pub use wipe::wipe;

use changes::{Changes, Demand};
use crypt::Key;
use files::{BACKUP, Folder, MAIN};
use format::{Keys, Sealed};
use history::log::Log;
use profile::migrate;
use std::path::Path;
use std::time::Duration;

/// Whether a folder holds a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// No profile: [`Vault::create`] may be called.
    Absent,
    /// A profile, or what is left of one: [`Vault::open`] may be called.
    Sealed,
}

/// Looks whether `dir` holds a profile, without opening it. A folder that does not exist holds none.
///
/// # Errors
/// [`VaultError::NotPrivate`] if others can look into the folder, [`VaultError::Io`] if it cannot be read.
pub fn presence(dir: &Path) -> Result<Presence, VaultError> {
    if !folder::exists(dir)? {
        return Ok(Presence::Absent);
    }
    let sealed = files::present(dir, MAIN)? || files::present(dir, BACKUP)?;
    Ok(if sealed {
        Presence::Sealed
    } else {
        Presence::Absent
    })
}

/// An opened profile. The folder stays locked against other programs until this is dropped, which also wipes the
/// keys and secrets from memory.
pub struct Vault {
    folder: Folder,
    keys: Keys,
    profile: Profile,
    changes: Changes,
    /// There once kept messages were asked for.
    log: Option<Log>,
    /// On travel, where the carried file lies.
    travelling_from: Option<Folder>,
}

impl Vault {
    /// Makes `dir` (0700) if it is not there, and a new, empty profile in it. Takes as long as `kdf` asks for:
    /// about a second, so call it from a thread of its own.
    ///
    /// # Errors
    /// [`VaultError::AlreadyThere`] if the folder holds a profile or what is left of one,
    /// [`VaultError::NotPrivate`], [`VaultError::InUse`], [`VaultError::DiskFull`], [`VaultError::Io`].
    pub fn create(dir: &Path, passphrase: &Passphrase, kdf: Kdf) -> Result<Self, VaultError> {
        folder::make(dir)?;
        let folder = Folder::lock(dir)?;
        if presence(dir)? == Presence::Sealed {
            return Err(VaultError::AlreadyThere);
        }
        let keys = Keys::generate(passphrase, kdf)?;
        let mut vault = Self::holding(folder, keys, Profile::default());
        // Twice, so that there is a second copy from the beginning.
        let sealed = vault.write_whole(Profile::default())?;
        vault.folder.replace(&sealed)?;
        Ok(vault)
    }

    fn holding(folder: Folder, keys: Keys, profile: Profile) -> Self {
        Self {
            folder,
            keys,
            profile,
            changes: Changes::default(),
            log: None,
            travelling_from: None,
        }
    }

    /// Opens the profile in `dir`. Takes as long as the key derivation that it was made with: about a second. With
    /// the destroying passphrase, if there is one, the profile is gone and the answer is the same as for any wrong
    /// one.
    ///
    /// # Errors
    /// [`VaultError::Absent`], [`VaultError::WrongPassphrase`], [`VaultError::Damaged`] (try
    /// [`Vault::restore_backup`] if it says so), [`VaultError::TooNew`], [`VaultError::InUse`],
    /// [`VaultError::NotPrivate`], [`VaultError::Io`].
    pub fn open(dir: &Path, passphrase: &Passphrase) -> Result<Self, VaultError> {
        if presence(dir)? == Presence::Absent {
            return Err(VaultError::Absent);
        }
        Self::open_on(Folder::lock(dir)?, |lock| lock.derive(passphrase))
    }

    fn open_on(
        folder: Folder,
        key: impl FnOnce(&format::Lock) -> Result<Key, VaultError>,
    ) -> Result<Self, VaultError> {
        let bytes = folder.read(MAIN, MAX_FILE);
        let sealed = bytes
            .as_ref()
            .map_err(|error| *error)
            .and_then(|bytes| Sealed::parse(bytes));
        let backup = folder.has_sound_backup();
        let opened =
            sealed.and_then(|sealed| Self::unsealed(folder, &sealed, &key(sealed.lock())?, Demand::All));
        opened.map_err(|error| match error {
            VaultError::Absent | VaultError::Damaged { .. } => VaultError::Damaged { backup },
            other => other,
        })
    }

    fn unsealed(folder: Folder, sealed: &Sealed<'_>, key: &Key, demand: Demand) -> Result<Self, VaultError> {
        if sealed.is_destroying(key) {
            destroying::destroy(&folder, sealed);
            return Err(VaultError::WrongPassphrase);
        }
        let (keys, json) = sealed.open_json(key)?;
        let base = sealed.body_nonce();
        let (json, changes) = changes::apply(&folder, &keys.data, &base, json, demand)?;
        let profile = migrate::read(&json)?;
        folder.sweep();
        // Records are steps between what this version writes.
        let same = format::json(&profile).is_some_and(|today| *today == *json);
        let mut vault = Self::holding(folder, keys, profile);
        vault.changes = Changes::none(Some(base).filter(|_| same && changes == 0));
        if changes > 0 || !vault.folder.has_same_backup() {
            // What a program that was killed left. It can stay so where the disk refuses.
            let _ = vault.settle();
        }
        Ok(vault)
    }

    /// Goes back to the second copy, with all changes that can be read, after [`VaultError::Damaged`] with
    /// `backup: true`. The damaged file is kept as `vault.damaged`.
    ///
    /// # Errors
    /// As [`Vault::open`]; [`VaultError::Absent`] if there is no backup, `Damaged { backup: false }` if it is
    /// damaged too. Nothing has changed then.
    pub fn restore_backup(dir: &Path, passphrase: &Passphrase) -> Result<Self, VaultError> {
        if presence(dir)? == Presence::Absent {
            return Err(VaultError::Absent);
        }
        let folder = Folder::lock(dir)?;
        let bytes = folder.read(BACKUP, MAX_FILE)?;
        let sealed = Sealed::parse(&bytes)?;
        let key = sealed.lock().derive(passphrase)?;
        if !sealed.is_destroying(&key) {
            sealed.open(&key)?;
            folder.restore(&bytes)?;
        }
        Self::unsealed(folder, &sealed, &key, Demand::AsFarAsTheyGo)
    }

    /// The profile as it stands, in memory and on disk.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Applies `edit` to a copy of the profile, writes what it changed durably and only then swaps the copy in.
    /// Nothing is written if `edit` changes nothing. Waits for the disk: once for a small change, several times
    /// where the profile has to be written whole.
    ///
    /// # Errors
    /// [`VaultError::DiskFull`], [`VaultError::ReadOnly`], [`VaultError::TooLarge`], [`VaultError::Io`]; the old
    /// state then stands in memory and on disk.
    pub fn change<T>(&mut self, edit: impl FnOnce(&mut Profile) -> T) -> Result<T, VaultError> {
        let mut changed = self.profile.clone();
        let result = edit(&mut changed);
        if changed == self.profile {
            return Ok(result);
        }
        if self
            .changes
            .add(&self.folder, &self.keys.data, &self.profile, &changed)
        {
            self.profile = changed;
        } else {
            let sealed = self.write_whole(changed)?;
            // The change stands, whatever else fails.
            let _ = self.folder.keep_twice(&sealed);
            self.changes.left_records();
        }
        Ok(result)
    }

    /// Writes the profile whole, if changes lie beside it for longer than a minute, and writes over them: so no
    /// state of before stays. To be called now and then; dropping does the same at once.
    ///
    /// # Errors
    /// As [`Vault::change`]; nothing is lost.
    pub fn tidy(&mut self) -> Result<(), VaultError> {
        if self.changes.rest().is_some_and(|rest| rest.is_zero()) {
            self.settle()
        } else {
            Ok(())
        }
    }

    /// How long until [`Vault::tidy`] has something to do; `None`: nothing changed.
    pub fn tidy_within(&self) -> Option<Duration> {
        self.changes.rest()
    }

    fn settle(&mut self) -> Result<(), VaultError> {
        let sealed = self.write_whole(self.profile.clone())?;
        self.folder.forget_former(&sealed)
    }

    /// Puts `changed` in place of the profile, in the folder and in memory. To be followed by
    /// [`Folder::forget_former`].
    fn write_whole(&mut self, changed: Profile) -> Result<Vec<u8>, VaultError> {
        let sealed = self.keys.seal(&changed)?;
        // If it fails, nobody knows which file lies there: no record may follow it.
        let stood = std::mem::replace(&mut self.changes, Changes::none(None));
        self.folder
            .replace(&sealed)
            .inspect_err(|_| self.changes.keep_standing(&stood))?;
        self.profile = changed;
        self.changes = Changes::none(format::body_nonce(&sealed));
        Ok(sealed)
    }

    /// Seals the profile under a new passphrase and data key, with the same cost, and writes over what the old one
    /// opens. Afterwards the old passphrase opens nothing here but a `backup.otter`. Takes two key derivations.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`] if `old` is not the present one, [`VaultError::SamePassphrase`] if `new` is
    /// the destroying one, [`VaultError::DiskFull`], [`VaultError::ReadOnly`], [`VaultError::Io`]. The old
    /// passphrase then still holds, unless only the former state could not be written over.
    pub fn change_passphrase(&mut self, old: &Passphrase, new: &Passphrase) -> Result<(), VaultError> {
        self.keys.check(old)?;
        let keys = self.keys.renewed(new)?;
        self.reseal(keys)
    }

    /// Seals the profile at another cost of guessing, with the same passphrase. A destroying passphrase has to be
    /// set anew. Takes two key derivations.
    ///
    /// # Errors
    /// As [`Vault::change_passphrase`].
    pub fn change_cost(&mut self, passphrase: &Passphrase, kdf: Kdf) -> Result<(), VaultError> {
        self.keys.check(passphrase)?;
        self.reseal(Keys::generate(passphrase, kdf)?)
    }

    /// The cost of guessing the passphrase.
    pub fn cost(&self) -> Kdf {
        self.keys.kdf()
    }

    fn reseal(&mut self, keys: Keys) -> Result<(), VaultError> {
        let former = std::mem::replace(&mut self.keys, keys);
        let sealed = self.write_whole(self.profile.clone());
        if sealed.is_err() {
            self.keys = former;
        }
        // From here on the file is under the new keys, whatever fails.
        self.folder.forget_former(&sealed?)
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        // Without it the log is read through at the next start.
        let _ = self.log.as_mut().map(|log| log.save_index(&self.folder));
        if self.changes.lie_there() {
            // What cannot be written now is read again from the changes.
            let _ = self.settle();
        }
    }
}

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod fuzz_tests;
#[cfg(test)]
mod traces_tests;
