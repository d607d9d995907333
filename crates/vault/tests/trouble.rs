//! Everything a computer can do to a profile folder: each trouble has its own error, and its own sentence.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "support/desk.rs"]
mod desk;

use desk::{Desk, other, right, said, texts};
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};
use vault::{Kdf, Vault, VaultError};

fn count(vault: &mut Vault, to: u64) {
    vault.change(|profile| profile.next_id = to).unwrap();
}

/// Runs `test` of this file again in a mount namespace of its own, after `mounts`, with the disk at `/mnt`.
fn elsewhere(test: &str, mounts: &str) {
    #[expect(
        clippy::disallowed_methods,
        reason = "the test starts itself again, on another disk"
    )]
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c"])
        .arg(format!("{mounts} && exec \"$0\" --exact \"$1\" --nocapture"))
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .env("VAULT_ELSEWHERE", "yes")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text} {output:?}"
    );
}

fn is_elsewhere() -> bool {
    std::env::var_os("VAULT_ELSEWHERE").is_some()
}

#[test]
fn each_trouble_has_a_sentence_and_a_code_of_its_own() {
    let all = [
        VaultError::Absent,
        VaultError::AlreadyThere,
        VaultError::BackupDamaged,
        VaultError::Damaged { backup: false },
        VaultError::Damaged { backup: true },
        VaultError::DiskFull,
        VaultError::HistoryDamaged,
        VaultError::InUse,
        VaultError::Io(ErrorKind::Other),
        VaultError::NotPrivate { permissions: 0 },
        VaultError::NotPrivate { permissions: 0o755 },
        VaultError::ReadOnly,
        VaultError::SamePassphrase,
        VaultError::TooLarge,
        VaultError::TooNew,
        VaultError::WrongPassphrase,
    ];
    let sentences: BTreeSet<String> = all.iter().map(ToString::to_string).collect();
    let codes: BTreeSet<&str> = all.iter().map(|error| error.code()).collect();
    // One code for both kinds of a folder that is not private.
    assert_eq!((sentences.len(), codes.len()), (all.len(), all.len() - 1));
    assert!(
        sentences
            .iter()
            .all(|text| text.ends_with('.') && text.len() < 200)
    );
}

#[test]
fn a_read_only_disk_opens_nothing_and_changes_nothing() {
    const NAME: &str = "a_read_only_disk_opens_nothing_and_changes_nothing";
    if !is_elsewhere() {
        return elsewhere(NAME, "mount -t tmpfs -o size=4m,mode=700 disk /mnt");
    }
    let desk = Desk::at(Path::new("/mnt/profile").into());
    let mut vault = desk.create();
    vault.keep_history(1, "bob@example.org").unwrap();
    // Over the same place, as a disk that is being written to does not become read-only.
    mounting("mount", &["--bind", "/mnt", "/mnt"]);
    mounting("mount", &["-o", "remount,bind,ro", "/mnt"]);
    assert_eq!(
        vault.change(|profile| profile.next_id = 9),
        Err(VaultError::ReadOnly)
    );
    let kept = vault
        .history(1, "bob@example.org")
        .unwrap()
        .append(&said("hello"));
    assert_eq!(kept, Err(VaultError::ReadOnly));
    assert_eq!(vault.save_backup(), Err(VaultError::ReadOnly));
    assert_eq!(
        vault.change_passphrase(&right(), &other()),
        Err(VaultError::ReadOnly)
    );
    drop(vault);
    assert_eq!(desk.open().err(), Some(VaultError::ReadOnly));
    assert_eq!(vault::wipe(&desk.dir), Err(VaultError::ReadOnly));
    mounting("umount", &["/mnt"]);
    let mut vault = desk.open().unwrap();
    assert_eq!(vault.profile().next_id, 2);
    assert!(texts(&mut vault, "bob@example.org").is_empty());
}

/// Runs `program` on the disk under the test.
fn mounting(program: &str, arguments: &[&str]) {
    #[expect(
        clippy::disallowed_methods,
        reason = "the disk of the test is changed under it"
    )]
    let status = Command::new(program).args(arguments).status();
    assert!(status.unwrap().success(), "{program} {arguments:?}");
}

#[test]
fn a_folder_of_somebody_else_is_refused() {
    const NAME: &str = "a_folder_of_somebody_else_is_refused";
    let desk = Desk::new();
    drop(desk.create());
    if chown(&desk.dir, Some(12345), None).is_err() {
        // Not root, so a folder of somebody else is taken: the system's own.
        let refused = Vault::open(Path::new("/usr"), &right()).err();
        return assert_eq!(refused, Some(VaultError::NotPrivate { permissions: 0 }), "{NAME}");
    }
    assert_eq!(desk.open().err(), Some(VaultError::NotPrivate { permissions: 0 }));
}

#[test]
fn files_on_another_file_system_than_the_folder_are_told() {
    const NAME: &str = "files_on_another_file_system_than_the_folder_are_told";
    if !is_elsewhere() {
        return elsewhere(NAME, "mount -t tmpfs -o size=4m,mode=700 disk /mnt");
    }
    // The folder itself on another file system than the program and the home is nothing special.
    let desk = Desk::at(Path::new("/mnt/profile").into());
    let mut vault = desk.create();
    count(&mut vault, 5);
    drop(vault);
    // One of its files on another one cannot be replaced by a rename.
    let this = std::env::current_exe().unwrap();
    mounting(
        "mount",
        &["--bind", this.to_str().unwrap(), "/mnt/profile/vault.old"],
    );
    let mut vault = desk.open().unwrap();
    let refused = vault.change(|profile| profile.next_id = 6).unwrap_err();
    assert!(
        matches!(refused, VaultError::Io(ErrorKind::ResourceBusy)),
        "{refused:?}"
    );
    assert_eq!(vault.profile().next_id, 5);
    drop(vault);
    assert_eq!(desk.open().unwrap().profile().next_id, 5);
}

#[test]
fn two_programs_cannot_have_one_profile_open() {
    let desk = Desk::new();
    let vault = desk.create();
    assert_eq!(desk.open().err(), Some(VaultError::InUse));
    assert_eq!(
        Vault::restore_backup(&desk.dir, &right()).err(),
        Some(VaultError::InUse)
    );
    assert_eq!(
        Vault::create(&desk.dir, &right(), Kdf::MINIMUM).err(),
        Some(VaultError::InUse)
    );
    assert_eq!(vault::wipe(&desk.dir), Err(VaultError::InUse));
    drop(vault);
    assert!(desk.open().is_ok());
}

#[test]
fn a_folder_that_vanishes_while_open_is_told() {
    let desk = Desk::new();
    let mut vault = desk.create();
    fs::rename(&desk.dir, desk.dir.with_extension("moved")).unwrap();
    assert_eq!(
        vault.change(|profile| profile.next_id = 9),
        Err(VaultError::Absent)
    );
    fs::rename(desk.dir.with_extension("moved"), &desk.dir).unwrap();
    count(&mut vault, 9);
}

#[test]
fn a_link_or_a_folder_in_place_of_the_log_or_the_backup_is_not_followed() {
    let desk = Desk::new();
    let mut vault = desk.create();
    vault.keep_history(1, "bob@example.org").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", desk.path("history")).unwrap();
    let page = vault.history(1, "bob@example.org").unwrap().page(None, 5);
    assert_eq!(page.err(), Some(VaultError::HistoryDamaged));
    drop(vault);
    std::os::unix::fs::symlink("/etc/passwd", desk.path("backup.otter")).unwrap();
    assert_eq!(
        vault::read_saved(&desk.dir).err(),
        Some(VaultError::BackupDamaged)
    );
    fs::set_permissions(&desk.dir, fs::Permissions::from_mode(0o700)).unwrap();
    vault::wipe(&desk.dir).unwrap();
    assert!(fs::metadata("/etc/passwd").unwrap().len() > 0);
}

#[test]
fn a_full_disk_keeps_the_old_state_in_memory_and_on_disk() {
    const NAME: &str = "a_full_disk_keeps_the_old_state_in_memory_and_on_disk";
    if !is_elsewhere() {
        return elsewhere(NAME, "mount -t tmpfs -o size=64k,mode=700 small /mnt");
    }
    let disk = Path::new("/mnt");
    let desk = Desk::at(disk.join("profile"));
    let mut vault = desk.create();
    count(&mut vault, 5);
    let note = |size: usize| {
        move |profile: &mut vault::Profile| {
            profile.settings.insert("note".into(), "x".repeat(size).into());
        }
    };
    assert_eq!(vault.change(note(100_000)), Err(VaultError::DiskFull));
    assert!(vault.profile().settings.is_empty() && vault.profile().next_id == 5);
    fs::write(disk.join("filler"), vec![0; 200_000]).unwrap_err();
    assert_eq!(vault.change(note(10)), Err(VaultError::DiskFull));
    assert_eq!(
        vault.change_passphrase(&right(), &other()),
        Err(VaultError::DiskFull)
    );
    assert!(!desk.path("vault.new").exists());
    drop(vault);
    assert_eq!(desk.open().unwrap().profile().next_id, 5);
    fs::remove_file(disk.join("filler")).unwrap();
    let mut vault = desk.open().unwrap();
    vault.change(note(10)).unwrap();
}
