//! The sealed profile: accounts, keys and known people in one encrypted file, opened with a passphrase.
//! It must never leave the disk without a good file, write a secret unsealed, or guess when a file is damaged.
//! Standards: RFC 9106 (Argon2id), draft-irtf-cfrg-xchacha-03 (XChaCha20-Poly1305), FIPS 180-4 (SHA-256).
//!
//! The folder holds `vault`, `vault.old` (the state before the last change), `lock` (held while open), and, after
//! a restore, `vault.damaged`. `format.rs` describes the file, `files.rs` how it is replaced.

mod error;
mod files;
mod folder;
mod format;
mod kdf;
mod profile;
mod secret;

pub use error::VaultError;
pub use files::MAX_FILE;
pub use folder::make_private;
pub use kdf::Kdf;
pub use profile::{
    Account, Contact, KnownFingerprint, Policy, Profile, Protocol, Queued, QueuedState, SCHEMA, TlsPolicy,
};
pub use secret::{Passphrase, SecretBytes, SecretText};

use files::Folder;
use format::{Keys, Sealed};
use std::path::Path;

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
    let sealed = files::present(dir, files::MAIN)? || files::present(dir, files::BACKUP)?;
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
        let profile = Profile::default();
        let keys = Keys::generate(passphrase, kdf)?;
        folder.replace(&keys.seal(&profile)?)?;
        Ok(Self {
            folder,
            keys,
            profile,
        })
    }

    /// Opens the profile in `dir`. Takes as long as the key derivation that it was made with: about a second.
    ///
    /// # Errors
    /// [`VaultError::Absent`], [`VaultError::WrongPassphrase`], [`VaultError::Damaged`] (try
    /// [`Vault::restore_backup`] if it says so), [`VaultError::TooNew`], [`VaultError::InUse`],
    /// [`VaultError::NotPrivate`], [`VaultError::Io`].
    pub fn open(dir: &Path, passphrase: &Passphrase) -> Result<Self, VaultError> {
        if presence(dir)? == Presence::Absent {
            return Err(VaultError::Absent);
        }
        let folder = Folder::lock(dir)?;
        let opened = folder
            .read(files::MAIN)
            .and_then(|bytes| Sealed::parse(&bytes)?.open(passphrase));
        let (keys, profile) = match opened {
            Err(VaultError::Absent | VaultError::Damaged { .. }) => {
                return Err(VaultError::Damaged {
                    backup: folder.has_sound_backup(),
                });
            }
            other => other?,
        };
        folder.sweep();
        Ok(Self {
            folder,
            keys,
            profile,
        })
    }

    /// Goes back to the state before the last change, after [`VaultError::Damaged`] with `backup: true`. The
    /// damaged file is kept as `vault.damaged`; the backup stays.
    ///
    /// # Errors
    /// As [`Vault::open`]; [`VaultError::Absent`] if there is no backup, `Damaged { backup: false }` if it is
    /// damaged too. Nothing has changed then.
    pub fn restore_backup(dir: &Path, passphrase: &Passphrase) -> Result<Self, VaultError> {
        if presence(dir)? == Presence::Absent {
            return Err(VaultError::Absent);
        }
        let folder = Folder::lock(dir)?;
        let bytes = folder.read(files::BACKUP)?;
        let (keys, profile) = Sealed::parse(&bytes)?.open(passphrase)?;
        folder.restore(&bytes)?;
        Ok(Self {
            folder,
            keys,
            profile,
        })
    }

    /// The profile as it stands, in memory and on disk.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Applies `edit` to a copy of the profile, writes the copy durably and only then swaps it in. Nothing is
    /// written if `edit` changes nothing. Takes a few milliseconds: it waits for the disk.
    ///
    /// # Errors
    /// [`VaultError::DiskFull`], [`VaultError::TooLarge`], [`VaultError::Io`]; the old state then stands in memory
    /// and on disk.
    pub fn change<T>(&mut self, edit: impl FnOnce(&mut Profile) -> T) -> Result<T, VaultError> {
        let mut changed = self.profile.clone();
        let result = edit(&mut changed);
        if changed != self.profile {
            self.folder.replace(&self.keys.seal(&changed)?)?;
            self.profile = changed;
        }
        Ok(result)
    }

    /// Seals the profile under a new passphrase, salt and data key, with the same cost, and the backup as well; a
    /// `vault.damaged` is removed. Afterwards the old passphrase opens nothing here. Takes two key derivations.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`] if `old` is not the present one, [`VaultError::DiskFull`],
    /// [`VaultError::Io`]. The old passphrase then still holds, unless only the backup could not be written: the
    /// next change makes up for that.
    pub fn change_passphrase(&mut self, old: &Passphrase, new: &Passphrase) -> Result<(), VaultError> {
        self.keys.check(old)?;
        let keys = Keys::generate(new, self.keys.kdf())?;
        let sealed = keys.seal(&self.profile)?;
        self.folder.replace(&sealed)?;
        self.keys = keys;
        self.folder.replace(&sealed)?;
        self.folder.forget_damaged()
    }
}
