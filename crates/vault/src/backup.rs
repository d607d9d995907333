//! A profile as one sealed file: to be kept elsewhere, or to be carried on travel.
//! It must never hold anything unsealed, nor be put together from parts of different backups.
//! Standards: draft-irtf-cfrg-xchacha-03, FIPS 180-4; the layout is this module's own, below.
//!
//! All numbers are little-endian.
//! ```text
//!   0  magic "OTTERBAK"   8  version 1 (u32)
//!  12  length of the profile file (u64)   20  length of the log (u64)
//!  28  SHA-256 of everything else: tells damage from a wrong passphrase, keeps nobody out
//!  60  nonce (24) and tag (16) under the profile's data key: profile file and log belong together
//! 100  the profile file, as it lies in its folder, then the log, or nothing if there is none
//! ```

use crate::changes::Demand;
use crate::files::{Folder, HISTORY, HISTORY_NEW, MAIN, MAX_FILE, SAVED, SAVED_NEW};
use crate::format::Sealed;
use crate::history::MAX_HISTORY;
use crate::memory_disk::MemoryDisk;
use crate::{Passphrase, Presence, Vault, VaultError, folder};
use sha2::{Digest, Sha256};
use std::path::Path;

/// The largest backup in bytes.
pub const MAX_BACKUP: u64 = FRONT as u64 + MAX_FILE + MAX_HISTORY;
/// Where a backup is written in the profile's folder, and looked for.
pub const BACKUP_NAME: &str = SAVED;

const MAGIC: [u8; 8] = *b"OTTERBAK";
const VERSION: u32 = 1;
const LENGTHS_END: usize = 28;
const DIGESTED: usize = 60;
const FRONT: usize = 100;

impl Vault {
    /// The whole profile with its kept messages, sealed with the present passphrase. Neither the folder nor the
    /// passphrase's file in it is needed to open it. Takes as much memory as it is long.
    ///
    /// # Errors
    /// [`VaultError::Io`] if the log cannot be read.
    pub fn backup(&self) -> Result<Vec<u8>, VaultError> {
        let profile = self.keys.seal(&self.profile)?;
        let log = match self.folder.read(HISTORY, MAX_HISTORY) {
            Err(VaultError::Absent) => Vec::new(),
            other => other?,
        };
        let lengths = [profile.len() as u64, log.len() as u64];
        let parts = [&profile[..], &log].concat();
        let tag = self.keys.authenticate(&parts)?;
        let [first, second] = lengths.map(u64::to_le_bytes);
        let front = [&MAGIC[..], &VERSION.to_le_bytes(), &first, &second].concat();
        let rest = [&tag[..], &parts].concat();
        Ok([&front[..], &digest(&front, &rest), &rest].concat())
    }

    /// Writes a [`Vault::backup`] into the profile's folder, as [`BACKUP_NAME`], for the owner to carry away; on
    /// travel into the folder that the profile was opened from. An older one there is replaced. Returns its
    /// length in bytes.
    ///
    /// # Errors
    /// As [`Vault::backup`], and [`VaultError::DiskFull`], [`VaultError::ReadOnly`]; the older one then stands.
    pub fn save_backup(&self) -> Result<u64, VaultError> {
        let backup = self.backup()?;
        let home = self.travelling_from.as_ref().unwrap_or(&self.folder);
        home.put(SAVED, SAVED_NEW, &backup)?;
        Ok(backup.len() as u64)
    }

    /// Puts a profile back that was backed up, into a folder that holds none, and opens it. Takes as long as its
    /// key derivation.
    ///
    /// # Errors
    /// [`VaultError::AlreadyThere`], [`VaultError::BackupDamaged`], [`VaultError::WrongPassphrase`] (of the time
    /// of the backup), [`VaultError::TooNew`], [`VaultError::DiskFull`] and the like. Nothing was put there then.
    pub fn restore(dir: &Path, backup: &[u8], passphrase: &Passphrase) -> Result<Self, VaultError> {
        folder::make(dir)?;
        let folder = Folder::lock(dir)?;
        if crate::presence(dir)? == Presence::Sealed {
            return Err(VaultError::AlreadyThere);
        }
        Self::restore_into(folder, backup, passphrase)
    }

    /// As [`Vault::restore`], from the file [`BACKUP_NAME`] that the owner has put into the folder.
    ///
    /// # Errors
    /// As [`Vault::restore`]; [`VaultError::Absent`] if there is no such file.
    pub fn restore_saved(dir: &Path, passphrase: &Passphrase) -> Result<Self, VaultError> {
        let backup = read_saved(dir)?;
        Self::restore(dir, &backup, passphrase)
    }

    /// Opens a backup into memory. Nothing is read from or written to any folder: changes are lost on drop unless
    /// [`Vault::backup`] is asked for.
    ///
    /// # Errors
    /// As [`Vault::restore`].
    pub fn travel(backup: &[u8], passphrase: &Passphrase) -> Result<Self, VaultError> {
        Self::restore_into(Folder::on(Box::new(MemoryDisk::default())), backup, passphrase)
    }

    /// As [`Vault::travel`], from the file [`BACKUP_NAME`] in `dir`, which stays locked against other programs.
    /// [`Vault::save_backup`] writes that file anew; nothing else is written there.
    ///
    /// # Errors
    /// As [`Vault::restore_saved`].
    pub fn travel_from(dir: &Path, passphrase: &Passphrase) -> Result<Self, VaultError> {
        if !folder::exists(dir)? {
            return Err(VaultError::Absent);
        }
        let home = Folder::lock(dir)?;
        let backup = home.read(SAVED, MAX_BACKUP).map_err(no_backup)?;
        let mut vault = Self::travel(&backup, passphrase)?;
        vault.travelling_from = Some(home);
        Ok(vault)
    }

    fn restore_into(folder: Folder, backup: &[u8], passphrase: &Passphrase) -> Result<Self, VaultError> {
        let parts = Parts::parse(backup)?;
        let sealed = Sealed::parse(parts.profile).map_err(no_backup)?;
        let key = sealed.lock().derive(passphrase)?;
        let (keys, _) = sealed.open(&key).map_err(no_backup)?;
        if !keys.is_authentic(parts.both, parts.tag) {
            return Err(VaultError::BackupDamaged);
        }
        if parts.log.is_empty() {
            drop(folder.disk().remove(HISTORY));
        } else {
            folder.put(HISTORY, HISTORY_NEW, parts.log)?;
        }
        // Last, so that a folder in which this was cut off holds no profile.
        folder.put(MAIN, SAVED_NEW, parts.profile)?;
        Self::unsealed(folder, &sealed, &key, Demand::All)
    }
}

/// The file [`BACKUP_NAME`] in `dir`, as the owner has put it there.
///
/// # Errors
/// [`VaultError::Absent`] if there is none, [`VaultError::BackupDamaged`] if it is no plain file or too long.
pub fn read_saved(dir: &Path) -> Result<Vec<u8>, VaultError> {
    if !folder::exists(dir)? {
        return Err(VaultError::Absent);
    }
    Folder::lock(dir)?.read(SAVED, MAX_BACKUP).map_err(no_backup)
}

fn no_backup(error: VaultError) -> VaultError {
    match error {
        VaultError::Damaged { .. } => VaultError::BackupDamaged,
        other => other,
    }
}

struct Parts<'a> {
    tag: &'a [u8],
    both: &'a [u8],
    profile: &'a [u8],
    log: &'a [u8],
}

impl<'a> Parts<'a> {
    fn parse(backup: &'a [u8]) -> Result<Self, VaultError> {
        Self::split(backup).ok_or(VaultError::BackupDamaged)?
    }

    /// `None` for what is no backup.
    fn split(backup: &'a [u8]) -> Option<Result<Self, VaultError>> {
        let (front, both) = backup.split_at_checked(FRONT)?;
        let rest = front.strip_prefix(&MAGIC)?;
        let (version, rest) = rest.split_first_chunk()?;
        let (first, rest) = rest.split_first_chunk()?;
        let (second, rest) = rest.split_first_chunk()?;
        let (found, tag) = rest.split_first_chunk::<32>()?;
        if digest(backup.get(..LENGTHS_END)?, backup.get(DIGESTED..)?) != *found {
            return None;
        }
        match u32::from_le_bytes(*version) {
            0 => return None,
            VERSION => {}
            _ => return Some(Err(VaultError::TooNew)),
        }
        let (first, second) = (u64::from_le_bytes(*first), u64::from_le_bytes(*second));
        let (profile, log) = both.split_at_checked(usize::try_from(first).ok()?)?;
        (log.len() as u64 == second && second <= MAX_HISTORY).then_some(Ok(Self {
            tag,
            both,
            profile,
            log,
        }))
    }
}

fn digest(front: &[u8], rest: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(front)
        .chain_update(rest)
        .finalize()
        .into()
}
