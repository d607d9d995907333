//! A second passphrase that opens nothing and destroys the profile's key.
//! It must never be told from a wrong passphrase, by what is answered or by what lies on the disk afterwards.
//! Standards: none; `docs/decisions/0006-plausible-deniability.md` says against whom it works and against whom not.

use crate::files::Folder;
use crate::format::Sealed;
use crate::{Passphrase, Vault, VaultError};

impl Vault {
    /// Sets the passphrase that destroys the profile when it is given to [`Vault::open`] or
    /// [`Vault::restore_backup`], or removes it. It holds until it is set anew or the cost is raised; a change of
    /// the other passphrase leaves it. Takes one or two key derivations.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`] if `present` does not open the profile, [`VaultError::SamePassphrase`] if
    /// both are the same, [`VaultError::DiskFull`], [`VaultError::ReadOnly`], [`VaultError::Io`].
    pub fn set_destroying_passphrase(
        &mut self,
        present: &Passphrase,
        destroying: Option<&Passphrase>,
    ) -> Result<(), VaultError> {
        self.keys.check(present)?;
        let keys = self.keys.with_destroying(destroying)?;
        self.reseal(keys)
    }
}

/// Writes over the sealed data key, wherever it lies in the folder.
pub(crate) fn destroy(folder: &Folder, sealed: &Sealed<'_>) {
    // Whatever cannot be written over, the answer is the same: nobody must see a difference.
    if let Ok(lookalike) = sealed.lookalike() {
        let _ = folder.overwrite(&lookalike);
    }
}
