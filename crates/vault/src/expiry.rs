//! The last day on which a profile may be opened, readable without its passphrase: what is late is destroyed.
//! It must never be believed where it is not whole, nor where the clock stands impossibly far ahead.
//! Standards: none; `docs/decisions/0006-plausible-deniability.md` says what it cannot promise.
//!
//! The file `until` holds a day, counted from 1970-01-01, UTC (u32, little-endian), and the same with every bit turned.

use crate::files::{Folder, UNTIL, UNTIL_NEW, present};
use crate::{Vault, VaultError, folder};
use std::path::Path;

/// A clock that stands farther ahead than so many days has a fault: nothing is destroyed by its word.
const BELIEVED: u32 = 3653;

/// Whether a day lies behind another one, as far as a clock can be believed.
pub fn is_past(last: u32, today: u32) -> bool {
    today > last && today - last <= BELIEVED
}

/// Whether the profile in `dir` was to be opened before today (days since 1970-01-01, UTC) and was not. `false` where
/// nothing is said about that, or what is said is damaged.
///
/// # Errors
/// [`VaultError::NotPrivate`], [`VaultError::InUse`], [`VaultError::Io`] if the folder cannot be read.
pub fn expired(dir: &Path, today: u32) -> Result<bool, VaultError> {
    if !folder::exists(dir)? || !present(dir, UNTIL)? {
        return Ok(false);
    }
    let bytes = match Folder::lock(dir)?.read(UNTIL, 8) {
        Err(VaultError::Damaged { .. }) => return Ok(false),
        other => other?,
    };
    Ok(last_day(&bytes).is_some_and(|last| is_past(last, today)))
}

fn last_day(bytes: &[u8]) -> Option<u32> {
    let (day, turned) = bytes.split_first_chunk()?;
    let day = u32::from_le_bytes(*day);
    (turned == (!day).to_le_bytes()).then_some(day)
}

impl Vault {
    /// Writes down the last day (since 1970-01-01, UTC) on which the profile may be opened; `None`: there is none.
    /// Whoever can read the folder can read the day.
    ///
    /// # Errors
    /// [`VaultError::DiskFull`], [`VaultError::ReadOnly`], [`VaultError::Io`].
    pub fn expire_after(&self, last: Option<u32>) -> Result<(), VaultError> {
        match last {
            Some(day) => {
                let bytes = [day.to_le_bytes(), (!day).to_le_bytes()].concat();
                self.folder.put(UNTIL, UNTIL_NEW, &bytes)
            }
            None => match self.folder.disk().remove(UNTIL) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
                _ => Ok(self.folder.disk().sync()?),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kdf, Passphrase};

    #[test]
    fn a_profile_is_late_after_its_day_and_not_where_the_clock_or_the_file_has_a_fault() {
        let room = tempfile::tempdir().unwrap();
        let dir = room.path().join("profile");
        assert_eq!(expired(&dir, 20_000), Ok(false));
        let words = Passphrase::new("lobster quadrille".into());
        let vault = Vault::create(&dir, &words, Kdf::MINIMUM).unwrap();
        vault.expire_after(None).unwrap();
        vault.expire_after(Some(20_000)).unwrap();
        assert_eq!(expired(&dir, 20_001), Err(VaultError::InUse));
        drop(vault);
        let days = [
            (0, false),
            (20_000, false),
            (20_001, true),
            (23_653, true),
            (23_654, false),
            (u32::MAX, false),
        ];
        for (today, late) in days {
            assert_eq!(expired(&dir, today), Ok(late), "{today}");
        }
        for damaged in [&b""[..], b"1234567", b"12345678", b"123456789"] {
            std::fs::write(dir.join(UNTIL), damaged).unwrap();
            assert_eq!(expired(&dir, 20_001), Ok(false));
        }
        let vault = Vault::open(&dir, &words).unwrap();
        vault.expire_after(Some(1)).unwrap();
        vault.expire_after(None).unwrap();
        drop(vault);
        assert_eq!(expired(&dir, 2), Ok(false));
    }
}
