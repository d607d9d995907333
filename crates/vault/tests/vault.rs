//! A profile through the public API, on a real disk: alice opens, changes and nearly loses hers.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use vault::{Kdf, Passphrase, Presence, Vault, VaultError, presence};

struct Desk {
    _room: tempfile::TempDir,
    dir: PathBuf,
}

impl Desk {
    fn new() -> Self {
        let room = tempfile::tempdir().unwrap();
        let dir = room.path().join("profile");
        Self { _room: room, dir }
    }

    fn create(&self) -> Vault {
        Vault::create(&self.dir, &right(), Kdf::MINIMUM).unwrap()
    }

    fn open(&self) -> Result<Vault, VaultError> {
        Vault::open(&self.dir, &right())
    }

    fn refusal(&self) -> VaultError {
        self.open().err().unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

fn right() -> Passphrase {
    Passphrase::new("correct horse battery".into())
}

fn other() -> Passphrase {
    Passphrase::new("staple".into())
}

fn count(vault: &mut Vault, to: u64) {
    vault.change(|profile| profile.next_id = to).unwrap();
}

fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let last = bytes.last_mut().unwrap();
    *last ^= 1;
    fs::write(path, bytes).unwrap();
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
fn a_damaged_profile_goes_back_to_the_state_before_the_last_change() {
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
        5
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
        1
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
    assert_eq!(names.len(), 3, "{names:?}");
    damage(&desk.path("vault"));
    assert_eq!(
        Vault::restore_backup(&desk.dir, &right())
            .unwrap()
            .profile()
            .next_id,
        6
    );
}

#[test]
fn two_programs_cannot_have_one_profile_open() {
    let desk = Desk::new();
    let vault = desk.create();
    assert_eq!(desk.refusal(), VaultError::InUse);
    drop(vault);
    assert!(desk.open().is_ok());
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
    assert_eq!(desk.refusal(), VaultError::Damaged { backup: false });
}

#[test]
fn a_change_that_changes_nothing_writes_nothing() {
    let desk = Desk::new();
    let mut vault = desk.create();
    let before = fs::read(desk.path("vault")).unwrap();
    vault.change(|profile| profile.next_id = 1).unwrap();
    assert_eq!(fs::read(desk.path("vault")).unwrap(), before);
    assert!(!desk.path("vault.old").exists());
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::io::{BufRead, BufReader, Read};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::Command;

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
        assert_eq!(desk.refusal(), VaultError::Damaged { backup: false });
    }

    /// Started by the test below, to be killed.
    #[test]
    #[ignore = "runs until it is killed"]
    fn a_writer_that_never_stops() {
        let Some(dir) = std::env::var_os("VAULT_TO_WRITE") else {
            return;
        };
        let mut vault = Vault::open(Path::new(&dir), &right()).unwrap();
        loop {
            vault.change(|profile| profile.next_id += 1).unwrap();
            println!("kept={}", vault.profile().next_id);
        }
    }

    #[test]
    fn a_kill_at_any_moment_loses_nothing_that_was_kept() {
        let desk = Desk::new();
        drop(desk.create());
        for round in 0..20 {
            #[expect(
                clippy::disallowed_methods,
                reason = "the test starts itself again, to kill it"
            )]
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "unix::a_writer_that_never_stops",
                    "--ignored",
                    "--nocapture",
                ])
                .env("VAULT_TO_WRITE", &desk.dir)
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            let mut words = BufReader::new(child.stdout.take().unwrap());
            let mut text = String::new();
            while !text.contains("kept=") {
                assert_ne!(words.read_line(&mut text).unwrap(), 0, "the writer ended: {text}");
            }
            std::thread::sleep(std::time::Duration::from_millis(round * 3));
            child.kill().unwrap();
            child.wait().unwrap();
            words.read_to_string(&mut text).unwrap();
            // The last line may be cut; whole ones end in a newline.
            let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
            let kept = whole
                .rsplit_once("kept=")
                .map_or(0, |(_, number)| number.parse::<u64>().unwrap());
            let vault = desk.open().unwrap();
            assert!(
                vault.profile().next_id >= kept,
                "{} after {kept}",
                vault.profile().next_id
            );
        }
        assert!(
            desk.open().unwrap().profile().next_id > 20,
            "the writer hardly ran"
        );
    }

    /// A file system of a few pages, in a mount namespace of its own where the test may make one.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_keeps_the_old_state_in_memory_and_on_disk() {
        if std::env::var_os("VAULT_ON_SMALL_DISK").is_some() {
            return on_a_small_disk(Path::new("/mnt"));
        }
        let script =
            "mount -t tmpfs -o size=64k,mode=700 small /mnt && exec \"$0\" --exact \"$1\" --nocapture";
        #[expect(
            clippy::disallowed_methods,
            reason = "the test starts itself again, on a small disk"
        )]
        let output = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
            .arg(std::env::current_exe().unwrap())
            .arg("unix::a_full_disk_keeps_the_old_state_in_memory_and_on_disk")
            .env("VAULT_ON_SMALL_DISK", "yes")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && text.contains("1 passed"),
            "{text} {output:?}"
        );
    }

    #[cfg(target_os = "linux")]
    fn on_a_small_disk(disk: &Path) {
        let desk = Desk {
            _room: tempfile::tempdir().unwrap(),
            dir: disk.join("profile"),
        };
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
}
