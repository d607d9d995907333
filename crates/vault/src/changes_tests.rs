use super::*;
use crate::faults::FaultyDisk;
use crate::format::{Keys, Sealed};
use crate::{Kdf, KnownFingerprint, Passphrase, Vault};
use proptest::prelude::*;

/// A profile on a disk that outlives it, and the key that opens it.
fn desk() -> (FaultyDisk, Key, Vault) {
    let disk = FaultyDisk::new(7);
    let passphrase = Passphrase::new("correct horse battery".into());
    let keys = Keys::generate(&passphrase, Kdf::MINIMUM).unwrap();
    let mut vault = Vault::holding(folder(&disk), keys, Profile::default());
    let sealed = vault.write_whole(Profile::default()).unwrap();
    vault.folder.forget_former(&sealed).unwrap();
    let key = Sealed::parse(&sealed).unwrap().lock().derive(&passphrase);
    (disk, key.unwrap(), vault)
}

fn folder(disk: &FaultyDisk) -> Folder {
    Folder::on(Box::new(disk.clone()))
}

fn open(disk: &FaultyDisk, key: &Key) -> Result<Vault, VaultError> {
    Vault::open_on(folder(disk), |_| Ok(Key::from_bytes(key.bytes()).unwrap()))
}

fn count(vault: &mut Vault, to: u64) {
    vault.change(|profile| profile.next_id = to).unwrap();
}

/// Nothing is written any more.
fn kill(mut vault: Vault) {
    vault.changes = Changes::default();
}

fn file(disk: &FaultyDisk, name: &str) -> Vec<u8> {
    folder(disk).read(name, 1 << 28).unwrap()
}

/// Alice's program with three changes is killed; the files that it leaves.
fn killed_after_three() -> (FaultyDisk, Key) {
    let (disk, key, mut vault) = desk();
    for number in 5..8 {
        count(&mut vault, number);
    }
    kill(vault);
    (disk, key)
}

#[test]
fn a_small_change_is_a_record_beside_the_profile_and_is_there_after_a_kill() {
    let (disk, key, mut vault) = desk();
    let whole = file(&disk, "vault");
    count(&mut vault, 5);
    count(&mut vault, 6);
    assert!(file(&disk, "vault") == whole && file(&disk, "vault.old") == whole);
    assert_eq!(file(&disk, CHANGES).len(), LENGTH);
    kill(vault);
    let vault = open(&disk, &key).unwrap();
    assert_eq!(vault.profile().next_id, 6);
    assert!(file(&disk, "vault") != whole && file(&disk, "vault") == file(&disk, "vault.old"));
}

#[test]
fn what_was_written_of_changes_is_written_over_once_the_profile_is_whole() {
    let (disk, key, mut vault) = desk();
    count(&mut vault, 5);
    let before = file(&disk, CHANGES);
    vault.tidy().unwrap();
    assert!(file(&disk, CHANGES) == before, "not so soon");
    vault.changes.since = Instant::now().checked_sub(STANDING);
    vault.tidy().unwrap();
    let after = file(&disk, CHANGES);
    assert!(
        after
            .chunks_exact(64)
            .zip(before.chunks_exact(64))
            .all(|(now, then)| now != then)
    );
    count(&mut vault, 6);
    let before = file(&disk, CHANGES);
    drop(vault);
    assert!(file(&disk, CHANGES)[..64] != before[..64]);
    assert_eq!(open(&disk, &key).unwrap().profile().next_id, 6);
}

#[test]
fn a_flipped_byte_anywhere_in_the_changes_is_mended() {
    let (disk, key) = killed_after_three();
    let (whole, changes) = (file(&disk, "vault"), file(&disk, CHANGES));
    let sealed = Sealed::parse(&whole).unwrap();
    let (keys, json) = sealed.open_json(&key).unwrap();
    let beside = Folder::on(Box::new(crate::memory_disk::MemoryDisk::default()));
    beside.disk().create(CHANGES, &changes).unwrap();
    let expected = apply(
        &beside,
        &keys.data,
        &sealed.body_nonce(),
        json.clone(),
        Demand::All,
    )
    .unwrap();
    assert_eq!(expected.1, 3);
    // Behind the records is nothing but random bytes: there some.
    for at in (0..4 * PLACE).chain((4 * PLACE..LENGTH).step_by(4999)) {
        beside
            .disk()
            .write(CHANGES, at as u64, &[changes[at] ^ 0x20])
            .unwrap();
        let found = apply(
            &beside,
            &keys.data,
            &sealed.body_nonce(),
            json.clone(),
            Demand::All,
        );
        assert!(found.as_ref() == Ok(&expected), "byte {at}");
        beside
            .disk()
            .write(CHANGES, at as u64, &changes[at..=at])
            .unwrap();
    }
}

#[test]
fn a_lost_record_with_others_behind_it_is_damage_and_what_is_before_it_comes_back() {
    let (disk, key) = killed_after_three();
    let handle = folder(&disk);
    handle.disk().write(CHANGES, PLACE as u64, &[0; PLACE]).unwrap();
    assert_eq!(
        open(&disk, &key).err(),
        Some(VaultError::Damaged { backup: true })
    );
    let whole = file(&disk, "vault.old");
    let vault = Vault::unsealed(
        folder(&disk),
        &Sealed::parse(&whole).unwrap(),
        &key,
        Demand::AsFarAsTheyGo,
    );
    assert_eq!(vault.unwrap().profile().next_id, 5);
    assert_eq!(open(&disk, &key).unwrap().profile().next_id, 5);
}

#[test]
fn a_damaged_profile_has_its_changes_with_the_second_copy() {
    let (disk, key) = killed_after_three();
    folder(&disk).disk().write("vault", 300, &[0; 20]).unwrap();
    assert_eq!(
        open(&disk, &key).err(),
        Some(VaultError::Damaged { backup: true })
    );
    let whole = file(&disk, "vault.old");
    folder(&disk).restore(&whole).unwrap();
    assert_eq!(open(&disk, &key).unwrap().profile().next_id, 7);
}

#[test]
fn changes_of_another_state_or_in_another_place_are_not_believed() {
    let (disk, key) = killed_after_three();
    let changes = file(&disk, CHANGES);
    drop(open(&disk, &key).unwrap());
    // Mallory puts them back beside the profile that was written since.
    folder(&disk).disk().write(CHANGES, 0, &changes).unwrap();
    let mut vault = open(&disk, &key).unwrap();
    assert_eq!(vault.profile().next_id, 7);
    count(&mut vault, 8);
    count(&mut vault, 9);
    kill(vault);
    let mut swapped = file(&disk, CHANGES);
    swapped[..2 * PLACE].rotate_left(PLACE);
    folder(&disk).disk().write(CHANGES, 0, &swapped).unwrap();
    assert_eq!(open(&disk, &key).unwrap().profile().next_id, 7);
}

#[test]
fn a_file_of_changes_that_was_cut_or_is_none_is_told() {
    for length in [0, 1, PLACE, LENGTH - 1] {
        let (disk, key) = killed_after_three();
        let cut = file(&disk, CHANGES)[..length].to_vec();
        folder(&disk).put(CHANGES, CHANGES_NEW, &cut).unwrap();
        assert_eq!(
            open(&disk, &key).err(),
            Some(VaultError::Damaged { backup: true })
        );
    }
}

#[test]
fn a_change_of_much_is_written_whole_and_so_is_the_one_for_which_there_is_no_place() {
    let (disk, key, mut vault) = desk();
    let long = "x".repeat(TEXT);
    vault
        .change(|profile| profile.settings.insert("note".into(), long.into()))
        .unwrap();
    assert_eq!(vault.changes.used, 0);
    for number in 0..u64::from(PLACES) {
        count(&mut vault, 100 + number);
    }
    assert_eq!(vault.changes.used, PLACES);
    let before = file(&disk, CHANGES);
    count(&mut vault, 1000);
    assert_eq!(vault.changes.used, 0);
    assert!(file(&disk, "vault") == file(&disk, "vault.old") && file(&disk, CHANGES) == before);
    assert!(
        vault.tidy_within().is_some(),
        "what was left is to be written over"
    );
    count(&mut vault, 1001);
    kill(vault);
    assert_eq!(open(&disk, &key).unwrap().profile().next_id, 1001);
}

#[test]
fn a_place_with_a_record_looks_like_one_without() {
    let (disk, _) = killed_after_three();
    let changes = file(&disk, CHANGES);
    for place in changes.chunks_exact(PLACE) {
        assert_ne!(place[..COPY], place[COPY..]);
        let ones: u32 = place.iter().map(|byte| byte.count_ones()).sum();
        assert!((15_500..17_300).contains(&ones), "{ones}");
    }
}

#[test]
fn a_step_in_several_parts_of_a_large_profile_is_short() {
    let fingerprint = |number: u32| KnownFingerprint {
        fingerprint: format!("{number:040x}"),
        accepted: true,
        verified: false,
        first_seen_day: 20_700,
    };
    let mut old = Profile::default();
    old.contacts = (0..50)
        .map(|number| crate::Contact {
            account: 1,
            address: format!("contact{number}@example.org"),
            name: None,
            accepted: true,
            fingerprints: vec![fingerprint(number)],
            policy: None,
            version_2: false,
            blocked: false,
            draft: Some(crate::SecretText::new("on its way".into())),
        })
        .collect();
    let mut new = old.clone();
    new.contacts[3].draft = None;
    new.next_id = 77;
    new.settings.insert("note".into(), true.into());
    let [before, after] = [&old, &new].map(|profile| json(profile).unwrap());
    let text = difference::between(&before, &after, 200).unwrap();
    assert!(*difference::applied(&before, &text).unwrap() == *after);
}

proptest! {
    #[test]
    fn a_step_makes_the_second_of_the_first(
        old in "(\\{|a|b|\"contacts\":\\[|\"outbox\":\\[|\"next_id\":){0,12}",
        new in "(\\{|a|b|\"contacts\":\\[|\"outbox\":\\[|\"next_id\":){0,12}",
    ) {
        let text = difference::between(old.as_bytes(), new.as_bytes(), 400).unwrap();
        prop_assert_eq!(&**difference::applied(old.as_bytes(), &text).unwrap(), new.as_bytes());
    }

    #[test]
    fn no_text_makes_a_step_fail_otherwise_than_by_refusing(old in any::<Vec<u8>>(), text in any::<Vec<u8>>(), count in 0u8..4) {
        let mut text = text;
        text.splice(0..0, [count, 0, 0, 0]);
        drop(difference::applied(&old, &text));
    }
}
