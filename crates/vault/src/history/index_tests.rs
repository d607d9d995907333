use super::*;
use crate::format::Keys;
use crate::history::{Entry, KeptDelivery, MAX_PAGE, Page};
use crate::memory_disk::MemoryDisk;
use crate::{Kdf, Passphrase, Profile, SecretText, Vault};

const BOB: &str = "bob@example.org";
const CAROL: &str = "carol@example.org";

fn append(vault: &mut Vault, address: &str, number: u64) {
    let entry = Entry {
        id: [7; 16],
        at: number,
        incoming: true,
        fingerprint: None,
        delivery: KeptDelivery::Received,
        corrected: false,
        text: SecretText::new("b".repeat(usize::try_from(number).unwrap() * 50)),
    };
    vault.history(1, address).unwrap().append(&entry).unwrap();
}

/// A vault that keeps some messages of two people, and the index of them.
fn with_index() -> Vault {
    let keys = Keys::generate(&Passphrase::new("correct horse".into()), Kdf::MINIMUM).unwrap();
    let folder = Folder::on(Box::new(MemoryDisk::default()));
    let mut vault = Vault::holding(folder, keys, Profile::default());
    for address in [BOB, CAROL] {
        vault.keep_history(1, address).unwrap();
        (0..6).for_each(|number| append(&mut vault, address, number));
    }
    vault.prepare_history();
    vault
}

/// What is found once the log is opened anew.
fn found(vault: &mut Vault) -> [Page; 2] {
    vault.log = None;
    [BOB, CAROL].map(|address| match vault.history(1, address) {
        Some(mut history) => history.page(None, MAX_PAGE).unwrap(),
        None => Page::default(),
    })
}

fn file(vault: &Vault, name: &str) -> Vec<u8> {
    vault.folder.read(name, MAX_INDEX).unwrap()
}

fn put(vault: &Vault, bytes: &[u8]) {
    vault.folder.put(HISTORY_INDEX, HISTORY_INDEX_NEW, bytes).unwrap();
}

#[test]
fn a_log_with_an_index_is_not_read_through() {
    let mut vault = with_index();
    assert_eq!(file(&vault, HISTORY_INDEX).len(), NONCE + STEP + 16);
    let before = found(&mut vault);
    // The head of bob's third message: who reads through the log needs it, who has the index does not.
    vault.folder.disk().write(HISTORY, 2 * 256 + 30, &[0; 8]).unwrap();
    assert_eq!(found(&mut vault), before);
    vault.folder.disk().remove(HISTORY_INDEX).unwrap();
    assert_eq!(found(&mut vault)[0].unreadable, 1);
    vault.prepare_history();
    assert_eq!(
        vault.folder.disk().length(HISTORY_INDEX).unwrap(),
        None,
        "of a damaged log"
    );
}

#[test]
fn what_was_added_after_the_index_was_written_is_found() {
    let mut vault = with_index();
    let index = file(&vault, HISTORY_INDEX);
    for number in 6..9 {
        append(&mut vault, BOB, number);
    }
    let [bob, carol] = found(&mut vault);
    assert_eq!((bob.entries.len(), carol.entries.len()), (9, 6));
    assert!(file(&vault, HISTORY_INDEX) == index, "too few to write it anew");
    for number in 6..12 {
        append(&mut vault, CAROL, number);
    }
    vault.prepare_history();
    assert!(file(&vault, HISTORY_INDEX) != index);
    assert_eq!(found(&mut vault)[1].entries.len(), 12);
}

#[test]
fn a_flipped_byte_anywhere_in_the_index_or_a_cut_one_costs_no_message() {
    let mut vault = with_index();
    let before = found(&mut vault);
    let index = file(&vault, HISTORY_INDEX);
    for at in 0..index.len() {
        let mut broken = index.clone();
        broken[at] ^= 0x10;
        put(&vault, &broken);
        assert!(found(&mut vault) == before, "byte {at}");
    }
    for length in (0..index.len()).step_by(61) {
        put(&vault, &index[..length]);
        assert!(found(&mut vault) == before, "cut at {length}");
    }
}

#[test]
fn an_index_of_another_state_of_the_log_is_not_believed() {
    let mut vault = with_index();
    let (index, log) = (file(&vault, HISTORY_INDEX), file(&vault, HISTORY));
    let bob = found(&mut vault)[0].clone();
    vault.history(1, CAROL).unwrap().erase().unwrap();
    assert!(
        vault.folder.disk().length(HISTORY_INDEX).unwrap().is_none(),
        "it told of carol"
    );
    put(&vault, &index);
    assert!(found(&mut vault) == [bob.clone(), Page::default()]);
    // A log that was cut behind bob's messages, which lie first.
    let disk = vault.folder.disk();
    disk.remove(HISTORY).unwrap();
    disk.create(HISTORY, &log[..9 * 256]).unwrap();
    put(&vault, &index);
    assert!(found(&mut vault)[0] == bob);
}
