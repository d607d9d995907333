//! A profile through the public API, on a real disk: alice opens, changes and nearly loses hers.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "support/desk.rs"]
mod desk;

use desk::{Desk, damage, other, right};
use std::fs;
use std::path::Path;
use vault::{Kdf, Presence, Vault, VaultError, presence};

fn count(vault: &mut Vault, to: u64) {
    vault.change(|profile| profile.next_id = to).unwrap();
}

#[test]
fn a_change_is_there_after_the_next_start() {
    let desk = Desk::new();
    assert_eq!(presence(&desk.dir), Ok(Presence::Absent));
    let mut vault = desk.create();
    count(&mut vault, 7);
    drop(vault);
    assert_eq!(presence(&desk.dir), Ok(Presence::Sealed));
    assert_eq!(desk.open().unwrap().profile().next_id, 7);
}

#[test]
fn a_folder_without_a_profile_is_told() {
    let desk = Desk::new();
    assert_eq!(desk.refusal(), VaultError::Absent);
}

#[test]
fn a_profile_is_never_overwritten_by_a_new_one() {
    let desk = Desk::new();
    drop(desk.create());
    let again = || Vault::create(&desk.dir, &right(), Kdf::MINIMUM).err().unwrap();
    assert_eq!(again(), VaultError::AlreadyThere);
    fs::rename(desk.path("vault"), desk.path("vault.old")).unwrap();
    assert_eq!(again(), VaultError::AlreadyThere);
}

#[test]
fn a_wrong_passphrase_opens_nothing_and_harms_nothing() {
    let desk = Desk::new();
    drop(desk.create());
    assert_eq!(
        Vault::open(&desk.dir, &other()).err(),
        Some(VaultError::WrongPassphrase)
    );
    assert!(desk.open().is_ok());
}

#[test]
fn a_damaged_profile_is_brought_back_from_its_second_copy() {
    let desk = Desk::new();
    let mut vault = desk.create();
    count(&mut vault, 5);
    count(&mut vault, 6);
    drop(vault);
    damage(&desk.path("vault"));
    assert_eq!(desk.refusal(), VaultError::Damaged { backup: true });
    assert_eq!(
        Vault::restore_backup(&desk.dir, &other()).err(),
        Some(VaultError::WrongPassphrase)
    );
    assert_eq!(desk.refusal(), VaultError::Damaged { backup: true });
    assert_eq!(
        Vault::restore_backup(&desk.dir, &right())
            .unwrap()
            .profile()
            .next_id,
        6
    );
    assert!(desk.path("vault.damaged").exists());
    let mut vault = desk.open().unwrap();
    count(&mut vault, 8);
    drop(vault);
    assert_eq!(desk.open().unwrap().profile().next_id, 8);
}

#[test]
fn damage_without_a_sound_backup_is_told_and_nothing_is_touched() {
    let desk = Desk::new();
    let mut vault = desk.create();
    count(&mut vault, 5);
    drop(vault);
    damage(&desk.path("vault"));
    fs::write(desk.path("vault.old"), b"rubbish").unwrap();
    assert_eq!(desk.refusal(), VaultError::Damaged { backup: false });
    let restored = Vault::restore_backup(&desk.dir, &right()).err();
    assert_eq!(restored, Some(VaultError::Damaged { backup: false }));
    assert!(desk.path("vault").exists() && !desk.path("vault.damaged").exists());
}

#[test]
fn a_vanished_profile_is_damage_with_a_backup() {
    let desk = Desk::new();
    let mut vault = desk.create();
    count(&mut vault, 5);
    drop(vault);
    fs::remove_file(desk.path("vault")).unwrap();
    assert_eq!(presence(&desk.dir), Ok(Presence::Sealed));
    assert_eq!(desk.refusal(), VaultError::Damaged { backup: true });
    assert_eq!(
        Vault::restore_backup(&desk.dir, &right())
            .unwrap()
            .profile()
            .next_id,
        5
    );
}

#[test]
fn what_a_killed_change_left_is_swept_up() {
    let desk = Desk::new();
    let mut vault = desk.create();
    count(&mut vault, 5);
    drop(vault);
    fs::write(desk.path("vault.new"), b"half a fi").unwrap();
    fs::hard_link(desk.path("vault"), desk.path("vault.old.new")).unwrap();
    let mut vault = desk.open().unwrap();
    assert_eq!(vault.profile().next_id, 5);
    assert!(!desk.path("vault.new").exists() && !desk.path("vault.old.new").exists());
    count(&mut vault, 6);
    drop(vault);
    assert_eq!(desk.open().unwrap().profile().next_id, 6);
}

#[test]
fn a_change_that_was_killed_between_backup_and_rename_can_be_made_again() {
    let desk = Desk::new();
    let mut vault = desk.create();
    count(&mut vault, 5);
    fs::remove_file(desk.path("vault.old")).unwrap();
    fs::hard_link(desk.path("vault"), desk.path("vault.old")).unwrap();
    count(&mut vault, 6);
    count(&mut vault, 7);
    drop(vault);
    let names: Vec<_> = fs::read_dir(&desk.dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 4, "{names:?}");
    damage(&desk.path("vault"));
    assert_eq!(
        Vault::restore_backup(&desk.dir, &right())
            .unwrap()
            .profile()
            .next_id,
        7
    );
}

#[test]
fn a_new_passphrase_replaces_the_old_one_in_the_backup_too() {
    let desk = Desk::new();
    let mut vault = desk.create();
    count(&mut vault, 5);
    assert_eq!(
        vault.change_passphrase(&other(), &other()),
        Err(VaultError::WrongPassphrase)
    );
    fs::copy(desk.path("vault"), desk.path("vault.damaged")).unwrap();
    vault.change_passphrase(&right(), &other()).unwrap();
    drop(vault);
    assert!(!desk.path("vault.damaged").exists());
    assert_eq!(desk.refusal(), VaultError::WrongPassphrase);
    assert_eq!(Vault::open(&desk.dir, &other()).unwrap().profile().next_id, 5);
    damage(&desk.path("vault"));
    assert_eq!(
        Vault::restore_backup(&desk.dir, &right()).err(),
        Some(VaultError::WrongPassphrase)
    );
    assert_eq!(
        Vault::restore_backup(&desk.dir, &other())
            .unwrap()
            .profile()
            .next_id,
        5
    );
}

#[test]
fn a_huge_file_is_refused_without_being_read() {
    let desk = Desk::new();
    drop(desk.create());
    let huge = fs::File::create(desk.path("vault")).unwrap();
    huge.set_len(1 << 40).unwrap();
    assert_eq!(desk.refusal(), VaultError::Damaged { backup: true });
}

#[test]
fn a_change_that_changes_nothing_writes_nothing() {
    let desk = Desk::new();
    let mut vault = desk.create();
    let before = fs::read(desk.path("vault")).unwrap();
    vault.change(|profile| profile.next_id = 1).unwrap();
    assert_eq!(fs::read(desk.path("vault")).unwrap(), before);
    assert!(!desk.path("changes").exists());
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn folder_and_files_are_their_owners_alone() {
        let desk = Desk::new();
        let mut vault = desk.create();
        count(&mut vault, 5);
        assert_eq!(mode(&desk.dir), 0o700);
        for name in ["vault", "vault.old", "lock"] {
            assert_eq!(mode(&desk.path(name)), 0o600, "{name}");
        }
    }

    #[test]
    fn a_folder_that_others_can_look_into_is_refused_until_it_is_made_private() {
        let desk = Desk::new();
        drop(desk.create());
        for permissions in [0o755, 0o750, 0o701, 0o777] {
            fs::set_permissions(&desk.dir, fs::Permissions::from_mode(permissions)).unwrap();
            let refused = VaultError::NotPrivate { permissions };
            assert_eq!(desk.refusal(), refused);
            assert_eq!(presence(&desk.dir), Err(refused));
            assert_eq!(
                Vault::create(&desk.dir, &right(), Kdf::MINIMUM).err(),
                Some(refused)
            );
        }
        vault::make_private(&desk.dir).unwrap();
        assert!(desk.open().is_ok());
    }

    #[test]
    fn a_link_or_a_pipe_in_place_of_the_profile_is_not_followed() {
        let desk = Desk::new();
        drop(desk.create());
        fs::rename(desk.path("vault"), desk.path("elsewhere")).unwrap();
        symlink("elsewhere", desk.path("vault")).unwrap();
        assert_eq!(desk.refusal(), VaultError::Damaged { backup: true });
    }
}
