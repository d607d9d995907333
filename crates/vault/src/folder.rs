//! The folder that the profile lies in: it belongs to its owner alone.
//! It must never be used while others can look into it, nor be made private without being asked.
//! Standards: POSIX file modes. Where the system has no such modes, nothing is checked.

use crate::VaultError;
use std::io::ErrorKind;
use std::path::Path;

/// Makes `dir`, with its parents, readable for its owner only; if it is there, checks it.
pub(crate) fn make(dir: &Path) -> Result<(), VaultError> {
    if !exists(dir)? {
        system::create(dir)?;
        exists(dir)?;
        // So that the new folder itself outlives a power cut; where that cannot be had, it does no harm.
        if let Some(parent) = dir.parent() {
            drop(std::fs::File::open(parent).and_then(|parent| parent.sync_all()));
        }
    }
    Ok(())
}

/// Whether `dir` is there.
///
/// # Errors
/// [`VaultError::NotPrivate`] if it is not its owner's alone, [`VaultError::Io`] if it is no folder.
pub(crate) fn exists(dir: &Path) -> Result<bool, VaultError> {
    match std::fs::metadata(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
        Ok(state) if !state.is_dir() => Err(VaultError::Io(ErrorKind::NotADirectory)),
        Ok(state) => system::require_private(&state).map(|()| true),
    }
}

/// Takes away everybody else's right to look into `dir`: for a person who asked for it after
/// [`VaultError::NotPrivate`].
///
/// # Errors
/// [`VaultError::Absent`] if there is no such folder, [`VaultError::Io`] if it is not ours to change.
pub fn make_private(dir: &Path) -> Result<(), VaultError> {
    system::make_private(dir)
}

#[cfg(unix)]
mod system {
    use crate::VaultError;
    use std::fs::{DirBuilder, Metadata, Permissions};
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
    use std::path::Path;

    const OTHERS: u32 = 0o077;

    pub(super) fn create(dir: &Path) -> Result<(), VaultError> {
        Ok(DirBuilder::new().recursive(true).mode(0o700).create(dir)?)
    }

    pub(super) fn require_private(state: &Metadata) -> Result<(), VaultError> {
        let permissions = state.permissions().mode() & 0o777;
        if state.uid() != rustix::process::geteuid().as_raw() {
            return Err(VaultError::NotPrivate { permissions: 0 });
        }
        if permissions & OTHERS != 0 {
            Err(VaultError::NotPrivate { permissions })
        } else {
            Ok(())
        }
    }

    pub(super) fn make_private(dir: &Path) -> Result<(), VaultError> {
        Ok(std::fs::set_permissions(dir, Permissions::from_mode(0o700))?)
    }
}

#[cfg(not(unix))]
mod system {
    use crate::VaultError;
    use std::fs::Metadata;
    use std::path::Path;

    pub(super) fn create(dir: &Path) -> Result<(), VaultError> {
        Ok(std::fs::create_dir_all(dir)?)
    }

    pub(super) fn require_private(_state: &Metadata) -> Result<(), VaultError> {
        Ok(())
    }

    pub(super) fn make_private(dir: &Path) -> Result<(), VaultError> {
        std::fs::metadata(dir)?;
        Ok(())
    }
}
