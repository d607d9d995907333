//! What alice keeps, carries away and takes back: kept messages, backups, travel, wiping, the destroying passphrase.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "support/desk.rs"]
mod desk;

use desk::{Desk, damage, names, other, right, said, texts};
use std::fs;
use vault::{Account, BACKUP_NAME, Contact, Kdf, Protocol, SecretText, TlsPolicy, Vault, VaultError};

const BOB: &str = "bob@example.org";

fn passphrase(words: &str) -> vault::Passphrase {
    vault::Passphrase::new(words.into())
}

fn account(id: u64) -> Account {
    Account {
        id,
        protocol: Protocol::Xmpp {
            jid: format!("alice{id}@example.org"),
            password: SecretText::new("looking-glass".into()),
            resource: None,
            host: None,
            port: None,
            tls: TlsPolicy::Auto,
            pins: Vec::new(),
            mechanism_seen: None,
            register: false,
            learnt: vault::Learnt::default(),
            login: vault::XmppLogin::default(),
        },
        otr_key: None,
        instance_tag: None,
        connect: true,
        policy: None,
    }
}

fn contact(account: u64) -> Contact {
    Contact {
        account,
        address: BOB.into(),
        name: None,
        accepted: true,
        fingerprints: Vec::new(),
        policy: None,
        version_2: false,
        blocked: false,
        draft: None,
    }
}

/// Two accounts that both know bob; both keep what he says.
fn filled(desk: &Desk) -> Vault {
    let mut vault = desk.create();
    vault
        .change(|profile| {
            for id in [1, 2] {
                profile.accounts.push(account(id));
                profile.contacts.push(contact(id));
            }
            profile.next_id = 3;
        })
        .unwrap();
    for account in [1, 2] {
        vault.keep_history(account, BOB).unwrap();
        let mut history = vault.history(account, BOB).unwrap();
        history.append(&said("one")).unwrap();
        history.append(&said("two")).unwrap();
    }
    vault
}

#[test]
fn a_backup_brings_everything_back_in_another_place() {
    let (desk, elsewhere) = (Desk::new(), Desk::new());
    let vault = filled(&desk);
    assert_eq!(
        vault.save_backup(),
        Ok(fs::metadata(desk.path(BACKUP_NAME)).unwrap().len())
    );
    drop(vault);
    drop(
        Vault::restore(
            &elsewhere.dir,
            &fs::read(desk.path(BACKUP_NAME)).unwrap(),
            &right(),
        )
        .unwrap(),
    );
    let (mut before, mut after) = (desk.open().unwrap(), elsewhere.open().unwrap());
    assert!(before.profile() == after.profile());
    assert_eq!(texts(&mut before, BOB), texts(&mut after, BOB));
    assert_eq!(names(&elsewhere.dir), ["history", "lock", "vault", "vault.old"]);
}

#[test]
fn a_backup_that_its_owner_puts_into_the_folder_is_found() {
    let (desk, elsewhere) = (Desk::new(), Desk::new());
    let backup = filled(&desk).backup().unwrap();
    assert_eq!(
        Vault::restore_saved(&elsewhere.dir, &right()).err(),
        Some(VaultError::Absent)
    );
    drop(elsewhere.create());
    vault::wipe(&elsewhere.dir).unwrap();
    fs::create_dir(&elsewhere.dir).unwrap();
    vault::make_private(&elsewhere.dir).unwrap();
    fs::write(elsewhere.path(BACKUP_NAME), &backup).unwrap();
    let refused = Vault::restore_saved(&elsewhere.dir, &other()).err();
    assert_eq!(refused, Some(VaultError::WrongPassphrase));
    let vault = Vault::restore_saved(&elsewhere.dir, &right()).unwrap();
    assert_eq!(vault.profile().accounts.len(), 2);
    drop(vault);
    assert_eq!(
        Vault::restore_saved(&elsewhere.dir, &right()).err(),
        Some(VaultError::AlreadyThere)
    );
    for name in ["vault", "vault.old"] {
        fs::remove_file(elsewhere.path(name)).unwrap();
    }
    fs::write(elsewhere.path(BACKUP_NAME), b"no backup").unwrap();
    assert_eq!(
        Vault::restore_saved(&elsewhere.dir, &right()).err(),
        Some(VaultError::BackupDamaged)
    );
}

#[test]
fn a_profile_on_travel_leaves_nothing_behind_unless_it_is_asked_to() {
    let desk = Desk::new();
    let carried = filled(&desk).backup().unwrap();
    let mut travelling = Vault::travel(&carried, &right()).unwrap();
    assert_eq!(texts(&mut travelling, BOB), ["one", "two"]);
    travelling
        .history(1, BOB)
        .unwrap()
        .append(&said("from afar"))
        .unwrap();
    travelling
        .change(|profile| profile.contacts[0].name = Some("Bob".into()))
        .unwrap();
    travelling.history(2, BOB).unwrap().erase().unwrap();
    travelling.change_passphrase(&right(), &other()).unwrap();
    let written_back = travelling.backup().unwrap();
    drop(travelling);
    let mut again = Vault::travel(&carried, &right()).unwrap();
    assert_eq!(texts(&mut again, BOB), ["one", "two"]);
    let mut home = Vault::travel(&written_back, &other()).unwrap();
    assert_eq!(texts(&mut home, BOB), ["one", "two", "from afar"]);
    assert!(home.profile().contacts[0].name.is_some() && !home.keeps_history(2, BOB));
    home.wipe().unwrap();
}

#[test]
fn a_carried_file_is_written_back_only_when_asked_and_is_all_that_lies_there() {
    let (desk, stick) = (Desk::new(), Desk::new());
    let carried = filled(&desk).backup().unwrap();
    stick.create().wipe().unwrap();
    fs::create_dir(&stick.dir).unwrap();
    vault::make_private(&stick.dir).unwrap();
    fs::write(stick.path(BACKUP_NAME), &carried).unwrap();
    let mut travelling = Vault::travel_from(&stick.dir, &right()).unwrap();
    travelling
        .history(1, BOB)
        .unwrap()
        .append(&said("from afar"))
        .unwrap();
    assert_eq!(names(&stick.dir), [BACKUP_NAME, "lock"]);
    assert!(fs::read(stick.path(BACKUP_NAME)).unwrap() == carried);
    assert_eq!(
        Vault::travel_from(&stick.dir, &right()).err(),
        Some(VaultError::InUse)
    );
    travelling.save_backup().unwrap();
    drop(travelling);
    assert_eq!(names(&stick.dir), [BACKUP_NAME, "lock"]);
    let mut again = Vault::travel_from(&stick.dir, &right()).unwrap();
    assert_eq!(texts(&mut again, BOB), ["one", "two", "from afar"]);
}

#[test]
fn erasing_an_account_takes_its_people_and_messages_and_no_other() {
    let desk = Desk::new();
    let mut vault = filled(&desk);
    vault.erase_account(1).unwrap();
    assert!(vault.history(1, BOB).is_none());
    drop(vault);
    damage(&desk.path("vault"));
    // Not even in the state before.
    let mut vault = Vault::restore_backup(&desk.dir, &right()).unwrap();
    let stored = vault.stored().unwrap();
    let count = |what| stored.kinds.iter().find(|kind| kind.what == what).unwrap().count;
    assert_eq!(
        (count("accounts"), count("contacts"), count("history")),
        (1, 1, 2)
    );
    assert_eq!((stored.histories[0].account, stored.histories[0].entries), (2, 2));
    assert!(stored.files.contains(&("history", 512)));
}

#[test]
fn a_wiped_profile_leaves_no_file_and_no_folder() {
    let desk = Desk::new();
    let vault = filled(&desk);
    vault.save_backup().unwrap();
    assert_eq!(vault::wipe(&desk.dir), Err(VaultError::InUse));
    vault.wipe().unwrap();
    assert!(!desk.dir.exists());
    assert_eq!(vault::wipe(&desk.dir), Ok(()));
    drop(filled(&desk));
    fs::write(desk.path("something else"), "of hers").unwrap();
    vault::wipe(&desk.dir).unwrap();
    assert_eq!(names(&desk.dir), ["something else"]);
}

#[test]
#[cfg(unix)]
fn what_is_wiped_is_written_over_first() {
    use std::os::unix::fs::FileExt;
    let desk = Desk::new();
    let vault = filled(&desk);
    let handles = ["vault", "vault.old", "history"].map(|name| fs::File::open(desk.path(name)).unwrap());
    let read = |file: &fs::File| {
        let mut bytes = vec![0; 192];
        file.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    };
    let before = handles.each_ref().map(read);
    vault.wipe().unwrap();
    for (file, before) in handles.iter().zip(before) {
        let after = read(file);
        assert!(after != before && !after.starts_with(b"OTTERVLT"));
    }
}

#[test]
fn the_destroying_passphrase_destroys_and_is_answered_as_any_wrong_one() {
    let desk = Desk::new();
    let mut vault = filled(&desk);
    vault.set_destroying_passphrase(&right(), Some(&other())).unwrap();
    vault
        .change(|profile| profile.contacts[0].name = Some("Bob".into()))
        .unwrap();
    drop(vault);
    let before = fs::read(desk.path("vault")).unwrap();
    let wrong = Vault::open(&desk.dir, &passphrase("no such words")).err();
    assert_eq!(fs::read(desk.path("vault")).unwrap(), before);
    assert_eq!(Vault::open(&desk.dir, &other()).err(), wrong);
    assert_eq!(wrong, Some(VaultError::WrongPassphrase));
    for words in [right(), other()] {
        assert_eq!(Vault::open(&desk.dir, &words).err(), wrong);
        assert_eq!(Vault::restore_backup(&desk.dir, &words).err(), wrong);
    }
}

#[test]
fn a_destroyed_profile_looks_like_one_whose_passphrase_was_changed() {
    let (changed, destroyed) = (Desk::new(), Desk::new());
    let look = |desk: &Desk| {
        let [vault, old] = ["vault", "vault.old"].map(|name| fs::read(desk.path(name)).unwrap());
        (names(&desk.dir), vault.len(), vault == old, vault[..24].to_vec())
    };
    let salt = |desk: &Desk| fs::read(desk.path("vault")).unwrap()[24..56].to_vec();
    for (desk, destroy) in [(&changed, false), (&destroyed, true)] {
        let mut vault = filled(desk);
        vault.set_destroying_passphrase(&right(), Some(&other())).unwrap();
        let before = salt(desk);
        if destroy {
            drop(vault);
            assert!(Vault::open(&desk.dir, &other()).is_err());
        } else {
            vault
                .change_passphrase(&right(), &passphrase("new words"))
                .unwrap();
        }
        assert_eq!(salt(desk), before);
    }
    assert_eq!(look(&changed), look(&destroyed));
}

#[test]
fn the_destroying_passphrase_outlives_a_change_of_the_other_and_can_be_taken_back() {
    let desk = Desk::new();
    let mut vault = filled(&desk);
    let (new, destroying) = (passphrase("new words"), other());
    assert_eq!(
        vault.set_destroying_passphrase(&other(), Some(&new)),
        Err(VaultError::WrongPassphrase)
    );
    assert_eq!(
        vault.set_destroying_passphrase(&right(), Some(&right())),
        Err(VaultError::SamePassphrase)
    );
    vault
        .set_destroying_passphrase(&right(), Some(&destroying))
        .unwrap();
    assert_eq!(
        vault.change_passphrase(&right(), &destroying),
        Err(VaultError::SamePassphrase)
    );
    vault.change_passphrase(&right(), &new).unwrap();
    let backup = vault.backup().unwrap();
    vault.set_destroying_passphrase(&new, None).unwrap();
    drop(vault);
    assert!(Vault::open(&desk.dir, &destroying).is_err());
    assert!(Vault::open(&desk.dir, &new).is_ok());
    Vault::open(&desk.dir, &new).unwrap().wipe().unwrap();
    drop(Vault::restore(&desk.dir, &backup, &new).unwrap());
    assert!(Vault::open(&desk.dir, &destroying).is_err() && Vault::open(&desk.dir, &new).is_err());
}

#[test]
fn the_cost_of_guessing_can_be_raised() {
    let desk = Desk::new();
    let mut vault = filled(&desk);
    let dearer = Kdf::new(32 * 1024, 2, 1).unwrap();
    vault.change_cost(&right(), dearer).unwrap();
    drop(vault);
    assert_eq!(desk.open().unwrap().cost(), dearer);
}
