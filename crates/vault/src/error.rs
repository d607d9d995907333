//! Why the profile could not be opened or written, each with a code and a sentence that a person can act on.
//! It must never carry a path, a name or any content of the profile.
//! Standards: none.

use std::io::ErrorKind;

/// Why something with the vault failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultError {
    /// The folder holds no profile.
    Absent,
    /// The folder holds a profile already; it was not touched.
    AlreadyThere,
    /// What should be a backup is none, or is not whole.
    BackupDamaged,
    /// The file does not hold what was written: a fault of the disk, or somebody's doing.
    Damaged {
        /// Whether the state before the last change is there and looks whole.
        backup: bool,
    },
    /// No room on the disk, or the quota is used up. Nothing was lost; the last change was not kept.
    DiskFull,
    /// The log of kept messages is no plain file, or longer than it can be. The rest of the profile is not touched.
    HistoryDamaged,
    /// Another copy of the program has the profile open.
    InUse,
    /// The system refused to read or write.
    Io(ErrorKind),
    /// Others may look into the folder, or it belongs to somebody else.
    NotPrivate {
        /// The folder's permission bits, such as `0o755`; `0` if the owner is the trouble.
        permissions: u32,
    },
    /// The folder cannot be written to. Nothing was lost; the last change was not kept.
    ReadOnly,
    /// The passphrase that opens the profile cannot be the one that destroys it.
    SamePassphrase,
    /// The profile would be larger than [`crate::MAX_FILE`], or its history than [`crate::MAX_HISTORY`]; the last
    /// change was not kept.
    TooLarge,
    /// A later version of the program wrote the file.
    TooNew,
    /// The passphrase does not open the profile.
    WrongPassphrase,
}

impl VaultError {
    /// A stable code for programs, such as `vault.wrong-passphrase`.
    pub fn code(self) -> &'static str {
        match self {
            VaultError::Absent => "vault.absent",
            VaultError::AlreadyThere => "vault.already-there",
            VaultError::BackupDamaged => "vault.backup-damaged",
            VaultError::Damaged { backup: false } => "vault.damaged",
            VaultError::Damaged { backup: true } => "vault.damaged-with-backup",
            VaultError::DiskFull => "vault.disk-full",
            VaultError::HistoryDamaged => "vault.history-damaged",
            VaultError::InUse => "vault.in-use",
            VaultError::Io(_) => "vault.io",
            VaultError::NotPrivate { .. } => "vault.not-private",
            VaultError::ReadOnly => "vault.read-only",
            VaultError::SamePassphrase => "vault.same-passphrase",
            VaultError::TooLarge => "vault.too-large",
            VaultError::TooNew => "vault.too-new",
            VaultError::WrongPassphrase => "vault.wrong-passphrase",
        }
    }
}

impl From<std::io::Error> for VaultError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => VaultError::Absent,
            ErrorKind::FileTooLarge | ErrorKind::QuotaExceeded | ErrorKind::StorageFull => {
                VaultError::DiskFull
            }
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => VaultError::ReadOnly,
            kind => VaultError::Io(kind),
        }
    }
}

impl std::fmt::Display for VaultError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sentence = match self {
            VaultError::Absent => "There is no profile here yet. Create one.",
            VaultError::AlreadyThere => "There is a profile here already. Open it, or choose another folder.",
            VaultError::BackupDamaged => {
                "This file is no backup of a profile, or it is damaged. Use another copy."
            }
            VaultError::Damaged { backup: true } => {
                "The profile is damaged. A second copy of it was kept: restore it."
            }
            VaultError::Damaged { backup: false } => {
                "The profile is damaged and no backup of it is left here. Put back a copy of your own, or create a new profile."
            }
            VaultError::DiskFull => {
                "The disk is full, so the last change was not kept. Make room and try again."
            }
            VaultError::HistoryDamaged => {
                "The file of kept messages is damaged. Put back a copy of your own, or delete the kept messages."
            }
            VaultError::InUse => "The profile is open in another window or program. Close that one first.",
            VaultError::Io(kind) => {
                return write!(
                    f,
                    "The profile cannot be read or written ({kind}). Check the disk."
                );
            }
            VaultError::NotPrivate { permissions: 0 } => {
                "The profile's folder belongs to another user. Choose a folder of your own."
            }
            VaultError::NotPrivate { permissions } => {
                return write!(
                    f,
                    "Other users can look into the profile's folder (its mode is {permissions:03o}). Make it private (mode 700)."
                );
            }
            VaultError::ReadOnly => {
                "The profile's folder cannot be written to, so the last change was not kept. Allow writing, or move the folder to another disk."
            }
            VaultError::SamePassphrase => {
                "The passphrase that opens the profile and the one that destroys it must differ. Choose another."
            }
            VaultError::TooLarge => {
                "The profile has become too large, so the last change was not kept. Delete something first."
            }
            VaultError::TooNew => "A newer version of the program made this profile. Use that version.",
            VaultError::WrongPassphrase => "This passphrase does not open the profile. Try again.",
        };
        f.write_str(sentence)
    }
}

impl std::error::Error for VaultError {}
