//! The files of a profile and how one is replaced: a new file beside it, synced, then renamed over it.
//! It must never leave a moment without a whole `vault`, nor read more than [`MAX_FILE`] bytes.
//! Standards: rename(2), fsync(2), link(2), flock(2).
//!
//! Order of a replacement: `vault.new` is written and synced; `vault` gets a second name, which is renamed to
//! `vault.old`; `vault.new` is renamed to `vault`; the folder is synced. A kill between any two steps leaves the
//! old or the new state whole; what else is left is swept up when the profile is next opened.

use crate::VaultError;
use crate::format::Sealed;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// The largest file that is read or written: 64 MiB.
pub const MAX_FILE: u64 = 64 * 1024 * 1024;

pub(crate) const MAIN: &str = "vault";
pub(crate) const BACKUP: &str = "vault.old";
const DAMAGED: &str = "vault.damaged";
const LOCK: &str = "lock";
const NEW: &str = "vault.new";
const NEW_BACKUP: &str = "vault.old.new";

/// Whether the folder has a file of this name.
pub(crate) fn present(dir: &Path, name: &str) -> Result<bool, VaultError> {
    match std::fs::symlink_metadata(dir.join(name)) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A profile folder that no other program has open.
pub(crate) struct Folder {
    dir: PathBuf,
    /// Locked as long as it lives.
    _lock: File,
}

impl Folder {
    /// # Errors
    /// [`VaultError::InUse`] if another holds the lock.
    pub(crate) fn lock(dir: &Path) -> Result<Self, VaultError> {
        let lock = private(OpenOptions::new().create(true).truncate(false)).open(dir.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                dir: dir.to_path_buf(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(VaultError::InUse),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// The whole file `name`.
    ///
    /// # Errors
    /// [`VaultError::Absent`], [`VaultError::Damaged`] (`backup: false`) if it is no plain file or too long.
    pub(crate) fn read(&self, name: &str) -> Result<Vec<u8>, VaultError> {
        const DAMAGED: VaultError = VaultError::Damaged { backup: false };
        let path = self.dir.join(name);
        let state = std::fs::symlink_metadata(&path)?;
        if !state.is_file() || state.len() > MAX_FILE {
            return Err(DAMAGED);
        }
        let mut bytes = Vec::with_capacity(usize::try_from(state.len()).map_err(|_| DAMAGED)?);
        // A file that grows meanwhile is cut at the limit and found to be damaged.
        File::open(path)?.take(MAX_FILE).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    pub(crate) fn has_sound_backup(&self) -> bool {
        self.read(BACKUP).is_ok_and(|bytes| Sealed::parse(&bytes).is_ok())
    }

    /// Puts `bytes` in place of the main file, which becomes the backup.
    ///
    /// # Errors
    /// [`VaultError::DiskFull`], [`VaultError::Io`]; the old file then stands.
    pub(crate) fn replace(&self, bytes: &[u8]) -> Result<(), VaultError> {
        self.swap_in(bytes, BACKUP)
    }

    /// Puts `bytes` in place of the main file, which is kept as `vault.damaged`. The backup stays.
    ///
    /// # Errors
    /// As [`Folder::replace`].
    pub(crate) fn restore(&self, bytes: &[u8]) -> Result<(), VaultError> {
        self.swap_in(bytes, DAMAGED)
    }

    fn swap_in(&self, bytes: &[u8], old_name: &str) -> Result<(), VaultError> {
        let written = self
            .write_new(bytes)
            .and_then(|()| self.keep_as(old_name))
            .and_then(|had_one| {
                std::fs::rename(self.dir.join(NEW), self.dir.join(MAIN))?;
                self.sync().inspect_err(|_| self.undo(had_one, old_name))
            });
        if written.is_err() {
            self.sweep();
        }
        written
    }

    /// The folder could not be synced, so the change must not be seen either.
    fn undo(&self, had_one: bool, old_name: &str) {
        let main = self.dir.join(MAIN);
        if had_one {
            let second_name = std::fs::hard_link(self.dir.join(old_name), self.dir.join(NEW));
            drop(second_name.and_then(|()| std::fs::rename(self.dir.join(NEW), main)));
        } else {
            drop(std::fs::remove_file(main));
        }
    }

    /// Removes what a killed replacement left behind. What cannot be removed does no harm.
    pub(crate) fn sweep(&self) {
        for name in [NEW, NEW_BACKUP] {
            drop(std::fs::remove_file(self.dir.join(name)));
        }
    }

    /// Removes what [`Folder::restore`] kept: its data key can still be had with the passphrase of that time.
    pub(crate) fn forget_damaged(&self) -> Result<(), VaultError> {
        match std::fs::remove_file(self.dir.join(DAMAGED)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn write_new(&self, bytes: &[u8]) -> Result<(), VaultError> {
        self.sweep();
        let mut file = private(OpenOptions::new().create_new(true)).open(self.dir.join(NEW))?;
        file.write_all(bytes)?;
        Ok(file.sync_all()?)
    }

    /// Gives the main file the second name `name`. Whether there was a main file.
    fn keep_as(&self, name: &str) -> Result<bool, VaultError> {
        let (main, new) = (self.dir.join(MAIN), self.dir.join(NEW_BACKUP));
        match std::fs::hard_link(&main, &new) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(_) => {
                // A file system without second names.
                std::fs::copy(&main, &new)?;
                File::open(&new)?.sync_all()?;
            }
        }
        std::fs::rename(&new, self.dir.join(name))?;
        // Where both names meant the same file already, the rename did nothing.
        drop(std::fs::remove_file(new));
        Ok(true)
    }

    fn sync(&self) -> Result<(), VaultError> {
        let synced = if cfg!(unix) {
            File::open(&self.dir).and_then(|dir| dir.sync_all())
        } else {
            Ok(())
        };
        match synced {
            // Some network file systems cannot sync a folder.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
            other => Ok(other?),
        }
    }
}

/// Opens for writing; a file that is made is its owner's alone.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.write(true)
}
