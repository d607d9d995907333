//! The files of a profile and how one is replaced: a new file beside it, synced, then renamed over it.
//! It must never leave a moment without a whole `vault`, nor read more than [`MAX_FILE`] bytes of it.
//! Standards: rename(2), fsync(2), link(2).
//!
//! Order of a replacement: `vault.new` is written and synced; `vault` gets a second name, which is renamed to
//! `vault.old`; `vault.new` is renamed to `vault`; the folder is synced. A kill between any two steps leaves the
//! old or the new state whole; what else is left is swept up when the profile is next opened.

use crate::disk::{Disk, RealDisk, read_exactly, shred};
use crate::format::Sealed;
use crate::{VaultError, changes};
use std::io::{self, ErrorKind};
use std::path::Path;

/// The largest profile file that is read or written: 64 MiB.
pub const MAX_FILE: u64 = 64 * 1024 * 1024;

pub(crate) const MAIN: &str = "vault";
pub(crate) const BACKUP: &str = "vault.old";
pub(crate) const CHANGES: &str = "changes";
pub(crate) const CHANGES_NEW: &str = "changes.new";
pub(crate) const HISTORY: &str = "history";
pub(crate) const HISTORY_INDEX: &str = "history.index";
pub(crate) const HISTORY_INDEX_NEW: &str = "history.index.new";
pub(crate) const HISTORY_NEW: &str = "history.new";
pub(crate) const HISTORY_OLD: &str = "history.old";
pub(crate) const SAVED: &str = "backup.otter";
pub(crate) const SAVED_NEW: &str = "backup.otter.new";
pub(crate) const UNTIL: &str = "until";
pub(crate) const UNTIL_NEW: &str = "until.new";
const DAMAGED: &str = "vault.damaged";
const NEW: &str = "vault.new";
const NEW_BACKUP: &str = "vault.old.new";

/// Every name that a profile folder may hold, but for the lock. The first is the one that matters most.
pub(crate) const NAMES: [&str; 16] = [
    MAIN,
    BACKUP,
    CHANGES,
    CHANGES_NEW,
    NEW,
    NEW_BACKUP,
    DAMAGED,
    HISTORY,
    HISTORY_INDEX,
    HISTORY_INDEX_NEW,
    HISTORY_NEW,
    HISTORY_OLD,
    SAVED,
    SAVED_NEW,
    UNTIL,
    UNTIL_NEW,
];

/// Whether the folder has a file of this name.
pub(crate) fn present(dir: &Path, name: &str) -> Result<bool, VaultError> {
    match std::fs::symlink_metadata(dir.join(name)) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A profile's files, that no other program has open.
pub(crate) struct Folder {
    disk: Box<dyn Disk>,
}

impl Folder {
    /// # Errors
    /// [`VaultError::InUse`] if another holds the lock.
    pub(crate) fn lock(dir: &Path) -> Result<Self, VaultError> {
        Ok(Self::on(Box::new(RealDisk::lock(dir)?)))
    }

    pub(crate) fn on(disk: Box<dyn Disk>) -> Self {
        Self { disk }
    }

    pub(crate) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    /// The whole file `name`.
    ///
    /// # Errors
    /// [`VaultError::Absent`], [`VaultError::Damaged`] (`backup: false`) if it is no plain file or too long.
    pub(crate) fn read(&self, name: &str, most: u64) -> Result<Vec<u8>, VaultError> {
        const DAMAGED: VaultError = VaultError::Damaged { backup: false };
        let length = match self.disk.length(name) {
            Err(error) if error.kind() == ErrorKind::InvalidData => return Err(DAMAGED),
            other => other?.ok_or(VaultError::Absent)?,
        };
        if length > most {
            return Err(DAMAGED);
        }
        // A file that grows meanwhile is cut and found to be damaged.
        let length = usize::try_from(length).map_err(|_| DAMAGED)?;
        Ok(read_exactly(&*self.disk, name, 0, length)?)
    }

    /// Whether the second copy of the main file is there, and the same.
    pub(crate) fn has_same_backup(&self) -> bool {
        let [main, backup] = [MAIN, BACKUP].map(|name| self.read(name, MAX_FILE));
        main.is_ok_and(|main| backup.is_ok_and(|backup| main == backup))
    }

    pub(crate) fn has_sound_backup(&self) -> bool {
        self.read(BACKUP, MAX_FILE)
            .is_ok_and(|bytes| Sealed::parse(&bytes).is_ok())
    }

    /// Puts `bytes` in place of the main file, which becomes the backup.
    ///
    /// # Errors
    /// [`VaultError::DiskFull`], [`VaultError::ReadOnly`], [`VaultError::Io`]; the old file then stands.
    pub(crate) fn replace(&self, bytes: &[u8]) -> Result<(), VaultError> {
        self.swap_in(bytes, BACKUP)
    }

    /// After [`Folder::replace`] with the same `bytes`: writes over every former state, and makes the backup the
    /// same as the main file.
    ///
    /// # Errors
    /// As [`Folder::replace`].
    pub(crate) fn forget_former(&self, bytes: &[u8]) -> Result<(), VaultError> {
        self.keep_twice(bytes)?;
        changes::scrub(self)
    }

    /// The same, but for the records of changes: they stay until [`Folder::forget_former`].
    ///
    /// # Errors
    /// As [`Folder::replace`].
    pub(crate) fn keep_twice(&self, bytes: &[u8]) -> Result<(), VaultError> {
        shred(&*self.disk, DAMAGED)?;
        if self.backup_has_place_for(bytes) {
            // Cut off, it is unlike the main file, and made anew when the profile is next opened.
            self.disk.write(BACKUP, 0, bytes)?;
        } else {
            shred(&*self.disk, BACKUP)?;
            self.replace(bytes)?;
        }
        Ok(())
    }

    /// Whether `bytes` cover all of the backup as it lies there, and nothing else.
    fn backup_has_place_for(&self, bytes: &[u8]) -> bool {
        let length = self.disk.length(BACKUP).ok().flatten();
        length == Some(bytes.len() as u64) && self.disk.has_second_name(BACKUP).is_ok_and(|has| !has)
    }

    /// Puts `bytes` in place of the main file, which is kept as `vault.damaged`. The backup stays.
    ///
    /// # Errors
    /// As [`Folder::replace`].
    pub(crate) fn restore(&self, bytes: &[u8]) -> Result<(), VaultError> {
        self.swap_in(bytes, DAMAGED)
    }

    /// Writes `over` into the main file as it lies there, then over everything that holds a former state.
    ///
    /// # Errors
    /// [`VaultError::Io`] and the like; as much as could be was written.
    pub(crate) fn overwrite(&self, over: &[u8]) -> Result<(), VaultError> {
        let first = match self.disk.length(MAIN) {
            Ok(Some(_)) => self.disk.write(MAIN, 0, over),
            other => other.map(drop),
        };
        let backup = shred(&*self.disk, BACKUP);
        let damaged = shred(&*self.disk, DAMAGED);
        let again = self.replace(over);
        let changes = changes::scrub(self);
        first
            .map_err(VaultError::from)
            .and(backup)
            .and(damaged)
            .and(again)
            .and(changes)
    }

    /// Puts a file of this name there, at once or not at all.
    pub(crate) fn put(&self, name: &str, new: &str, bytes: &[u8]) -> Result<(), VaultError> {
        self.forget(&[new]);
        let written = self
            .disk
            .create(new, bytes)
            .and_then(|()| self.disk.rename(new, name));
        self.forget(&[new]);
        written?;
        Ok(self.disk.sync()?)
    }

    fn swap_in(&self, bytes: &[u8], old_name: &str) -> Result<(), VaultError> {
        self.sweep();
        let written = self
            .disk
            .create(NEW, bytes)
            .and_then(|()| self.keep_as(old_name))
            .and_then(|had_one| {
                self.disk.rename(NEW, MAIN)?;
                self.disk.sync().inspect_err(|_| self.undo(had_one, old_name))
            });
        if written.is_err() {
            self.sweep();
        }
        Ok(written?)
    }

    /// The folder could not be synced, so the change must not be seen either.
    fn undo(&self, had_one: bool, old_name: &str) {
        if had_one {
            let second_name = self.disk.link(old_name, NEW);
            drop(second_name.and_then(|()| self.disk.rename(NEW, MAIN)));
        } else {
            drop(self.disk.remove(MAIN));
        }
    }

    /// Removes what a killed replacement left behind. What cannot be removed does no harm.
    pub(crate) fn sweep(&self) {
        self.forget(&[NEW, NEW_BACKUP]);
    }

    fn forget(&self, names: &[&str]) {
        for name in names {
            drop(self.disk.remove(name));
        }
    }

    /// Gives the main file the second name `name`. Whether there was a main file.
    fn keep_as(&self, name: &str) -> io::Result<bool> {
        match self.disk.link(MAIN, NEW_BACKUP) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            other => other?,
        }
        self.disk.rename(NEW_BACKUP, name)?;
        // Where both names meant the same file already, the rename did nothing.
        self.forget(&[NEW_BACKUP]);
        Ok(true)
    }
}
