//! Taking away what was kept: of one account, or everything.
//! It must never promise more than it does: `docs/decisions/0006-plausible-deniability.md` says what a disk keeps.
//! Standards: none.

use crate::changes::Changes;
use crate::disk::shred;
use crate::files::{Folder, NAMES};
use crate::{KeptHistory, Profile, Vault, VaultError, folder};
use std::path::Path;

impl Vault {
    /// As [`Vault::change`], and the state before is written over: it can neither be restored nor, where the disk
    /// writes in place, be found.
    ///
    /// # Errors
    /// As [`Vault::change`]. If only the former state could not be removed, the change stands all the same.
    pub fn change_for_good<T>(&mut self, edit: impl FnOnce(&mut Profile) -> T) -> Result<T, VaultError> {
        let mut changed = self.profile.clone();
        let result = edit(&mut changed);
        if changed != self.profile {
            let sealed = self.write_whole(changed)?;
            self.folder.forget_former(&sealed)?;
        }
        Ok(result)
    }

    /// Takes an account out, with its contacts, waiting messages and kept messages, and its former states.
    ///
    /// # Errors
    /// As [`Vault::change_for_good`].
    pub fn erase_account(&mut self, account: u64) -> Result<(), VaultError> {
        let had_history = self.profile.history.iter().any(|kept| kept.account == account);
        self.change_for_good(|profile| {
            profile.accounts.retain(|kept| kept.id != account);
            profile.contacts.retain(|kept| kept.account != account);
            profile.outbox.retain(|kept| kept.account != account);
            profile.rooms.retain(|kept| kept.account != account);
            profile
                .history
                .retain(|kept: &KeptHistory| kept.account != account);
        })?;
        if had_history { self.tidy_log() } else { Ok(()) }
    }

    /// Writes over every file of the profile and removes it, as [`wipe`] does; on travel the carried file as well.
    ///
    /// # Errors
    /// As [`wipe`].
    pub fn wipe(mut self) -> Result<(), VaultError> {
        // Nothing is to be written when this is dropped.
        (self.changes, self.log) = (Changes::default(), None);
        let carried = self.travelling_from.as_ref().map_or(Ok(()), wipe_files);
        wipe_files(&self.folder).and(carried)
    }
}

/// Writes random bytes over every file of the profile in `dir` and removes them, the backup in the folder
/// included; the folder too, if nothing else is in it. Needs no passphrase: whoever can write there could do the
/// same. Does nothing if there is no such folder.
///
/// # Errors
/// [`VaultError::InUse`] if another program has the profile open, [`VaultError::NotPrivate`],
/// [`VaultError::ReadOnly`], [`VaultError::Io`]. As much as could be was removed.
pub fn wipe(dir: &Path) -> Result<(), VaultError> {
    if !folder::exists(dir)? {
        return Ok(());
    }
    wipe_files(&Folder::lock(dir)?)
}

fn wipe_files(folder: &Folder) -> Result<(), VaultError> {
    let mut wiped = Ok(());
    for name in NAMES {
        wiped = wiped.and(shred(folder.disk(), name));
    }
    folder.disk().sync()?;
    wiped?;
    folder.disk().close_for_good();
    Ok(())
}
