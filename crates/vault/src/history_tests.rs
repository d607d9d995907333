use super::*;
use crate::disk::Disk;
use crate::faults::Dice;
use crate::files::Folder;
use crate::format::Keys;
use crate::memory_disk::MemoryDisk;
use crate::{Kdf, Passphrase, Profile};

const BOB: &str = "bob@example.org";
const CAROL: &str = "carol@example.org";

fn vault() -> Vault {
    let passphrase = Passphrase::new("correct horse battery".into());
    let folder = Folder::on(Box::new(MemoryDisk::default()));
    let keys = Keys::generate(&passphrase, Kdf::MINIMUM).unwrap();
    let mut vault = Vault::holding(folder, keys, Profile::default());
    vault.keep_history(1, BOB).unwrap();
    vault.keep_history(1, CAROL).unwrap();
    vault
}

fn said(number: u64, text: &str) -> Entry {
    Entry {
        id: [7; 16],
        at: number,
        incoming: number.is_multiple_of(2),
        fingerprint: (!number.is_multiple_of(3)).then_some([9; 20]),
        delivery: KeptDelivery::Received,
        corrected: false,
        text: SecretText::new(text.into()),
    }
}

fn append(vault: &mut Vault, address: &str, number: u64, text: &str) {
    vault
        .history(1, address)
        .unwrap()
        .append(&said(number, text))
        .unwrap();
}

fn all(vault: &mut Vault, address: &str) -> Page {
    vault.history(1, address).unwrap().page(None, MAX_PAGE).unwrap()
}

fn texts(page: &Page) -> Vec<&str> {
    page.entries
        .iter()
        .map(|(_, entry)| entry.text.expose_secret())
        .collect()
}

/// The disk that the vault lies on, and the log read anew from it, all of it.
fn disk(vault: &mut Vault) -> &dyn Disk {
    vault.log = None;
    drop(vault.folder.disk().remove(HISTORY_INDEX));
    vault.folder.disk()
}

fn bytes(vault: &mut Vault) -> Vec<u8> {
    disk(vault).read(HISTORY, 0, 1 << 28).unwrap()
}

#[test]
fn what_was_kept_comes_back_whole_after_the_log_is_read_anew() {
    let mut vault = vault();
    for number in 0..10 {
        append(&mut vault, BOB, number, &format!("to bob {number}"));
        append(&mut vault, CAROL, number, "");
    }
    let before = all(&mut vault, BOB);
    assert_eq!(before.entries[3], (3, said(3, "to bob 3")));
    vault.log = None;
    assert_eq!(all(&mut vault, BOB), before);
    assert_eq!(all(&mut vault, CAROL).entries.len(), 10);
}

fn now(text: &str, delivery: KeptDelivery) -> Entry {
    Entry {
        delivery,
        corrected: !text.is_empty(),
        ..said(1, text)
    }
}

#[test]
fn what_was_written_of_a_message_later_is_how_it_comes_back_wherever_it_lies() {
    let mut vault = vault();
    for number in 0..9 {
        append(&mut vault, BOB, number, &format!("to bob {number}"));
    }
    let mut history = vault.history(1, BOB).unwrap();
    history.change(2, &now("corrected", KeptDelivery::Sent)).unwrap();
    history.change(2, &now("", KeptDelivery::Received)).unwrap();
    history.change(8, &now("", KeptDelivery::NotSent)).unwrap();
    assert_eq!(
        history.change(11 + 1, &now("", KeptDelivery::Sent)),
        Err(VaultError::Absent)
    );
    assert_eq!(vault.stored().unwrap().histories[0].entries, 9);
    let check = |vault: &mut Vault| {
        let whole = all(vault, BOB);
        assert_eq!((whole.entries.len(), whole.unreadable, whole.older), (9, 0, None));
        let mut history = vault.history(1, BOB).unwrap();
        assert_eq!(history.search("CORRECTED", None, 5).unwrap().entries.len(), 1);
        assert!(history.search("to bob 2", None, 5).unwrap().entries.is_empty());
        let early = history.page(Some(4), 3).unwrap();
        assert_eq!(texts(&early), ["to bob 1", "corrected", "to bob 3"]);
        let third = &early.entries[1].1;
        assert_eq!((third.delivery, third.corrected), (KeptDelivery::Received, true));
        assert_eq!(early.older, Some(1));
        let last = history.page(None, 1).unwrap();
        assert_eq!(
            (last.entries[0].1.delivery, last.older),
            (KeptDelivery::NotSent, Some(8))
        );
        let pages: Vec<usize> = [Some(8), Some(5), Some(2)]
            .iter()
            .map(|before| history.page(*before, 3).unwrap().entries.len())
            .collect();
        assert_eq!(pages, [3, 3, 2]);
    };
    check(&mut vault);
    vault.log = None;
    check(&mut vault);
    vault.history(1, CAROL).unwrap().erase().unwrap();
    check(&mut vault);
    vault.log = None;
    check(&mut vault);
}

#[test]
fn pages_go_backwards_to_the_first_message() {
    let mut vault = vault();
    for number in 0..25 {
        append(&mut vault, BOB, number, &number.to_string());
    }
    let mut history = vault.history(1, BOB).unwrap();
    let last = history.page(None, 10).unwrap();
    assert_eq!(
        (texts(&last)[0], texts(&last)[9], last.older),
        ("15", "24", Some(15))
    );
    let middle = history.page(last.older, 10).unwrap();
    assert_eq!((texts(&middle)[0], middle.older), ("5", Some(5)));
    let first = history.page(middle.older, 10).unwrap();
    assert_eq!(
        (texts(&first), first.older),
        (vec!["0", "1", "2", "3", "4"], None)
    );
    assert_eq!(history.page(Some(0), 10).unwrap(), Page::default());
}

#[test]
fn a_clock_that_jumps_does_not_change_the_order() {
    let mut vault = vault();
    for (at, text) in [(5_000, "one"), (1, "two"), (u64::MAX, "three"), (0, "four")] {
        append(&mut vault, BOB, at, text);
    }
    vault.log = None;
    assert_eq!(texts(&all(&mut vault, BOB)), ["one", "two", "three", "four"]);
}

#[test]
fn words_are_found_in_capitals_or_not_and_in_one_conversation_only() {
    let mut vault = vault();
    for number in 0..1200 {
        append(
            &mut vault,
            BOB,
            number,
            if number % 400 == 7 {
                "Grüße vom KÖNIG"
            } else {
                "-"
            },
        );
        append(&mut vault, CAROL, number, "könig");
    }
    let mut history = vault.history(1, BOB).unwrap();
    let found = history.search("könig", None, 2).unwrap();
    assert_eq!(
        found.entries.iter().map(|(n, _)| *n).collect::<Vec<_>>(),
        [407, 807]
    );
    let rest = history.search("König", found.older, 2).unwrap();
    assert_eq!((rest.entries[0].0, rest.entries.len(), rest.older), (7, 1, None));
}

#[test]
fn nothing_is_kept_of_a_conversation_that_was_not_switched_on() {
    let mut vault = vault();
    assert!(vault.history(1, "dave@example.org").is_none() && vault.history(2, BOB).is_none());
}

#[test]
fn erasing_one_conversation_leaves_the_other_and_takes_the_key() {
    let mut vault = vault();
    for number in 0..50 {
        append(
            &mut vault,
            BOB,
            number,
            &"b".repeat(usize::try_from(number).unwrap() * 20),
        );
        append(&mut vault, CAROL, number, "c");
    }
    let (before, longer) = (all(&mut vault, CAROL), bytes(&mut vault).len());
    vault.history(1, BOB).unwrap().erase().unwrap();
    assert!(vault.history(1, BOB).is_none());
    assert_eq!(all(&mut vault, CAROL), before);
    assert_eq!(bytes(&mut vault).len(), 50 * 256);
    assert!(longer > 2 * 50 * 256);
    append(&mut vault, CAROL, 1, "and on");
    vault.log = None;
    assert_eq!(all(&mut vault, CAROL).entries.len(), 51);
    vault.history(1, CAROL).unwrap().erase().unwrap();
    assert_eq!(disk(&mut vault).length(HISTORY).unwrap(), None);
}

#[test]
fn lengths_of_messages_show_in_steps_of_256_bytes_only() {
    let mut vault = vault();
    for text in ["", "x", &"x".repeat(135)] {
        let before = vault.folder.disk().length(HISTORY).unwrap().unwrap_or(0);
        append(&mut vault, BOB, 1, text);
        assert_eq!(vault.folder.disk().length(HISTORY).unwrap(), Some(before + 256));
    }
    append(&mut vault, BOB, 1, &"x".repeat(136));
    assert_eq!(bytes(&mut vault).len(), 5 * 256);
}

#[test]
fn a_text_or_a_log_that_is_too_long_is_refused_and_nothing_is_added() {
    let mut vault = vault();
    let long = said(1, &"x".repeat(MAX_ENTRY_TEXT + 1));
    let mut history = vault.history(1, BOB).unwrap();
    assert_eq!(history.append(&long), Err(VaultError::TooLarge));
    let most = said(1, &"x".repeat(MAX_ENTRY_TEXT));
    while history.append(&most).is_ok() {}
    assert_eq!(history.append(&most), Err(VaultError::TooLarge));
    assert!(vault.folder.disk().length(HISTORY).unwrap().unwrap() <= MAX_HISTORY);
}

/// Each byte in turn: every message is as it was, or missing and told to be.
#[test]
fn a_flipped_byte_anywhere_in_the_log_costs_one_message_and_is_told() {
    let mut vault = vault();
    for number in 0..6 {
        append(
            &mut vault,
            BOB,
            number,
            &"b".repeat(usize::try_from(number).unwrap() * 60),
        );
        append(&mut vault, CAROL, number, "c");
    }
    let whole = bytes(&mut vault);
    let before = [all(&mut vault, BOB), all(&mut vault, CAROL)];
    for (at, byte) in whole.iter().enumerate() {
        disk(&mut vault)
            .write(HISTORY, at as u64, &[byte ^ 0x10])
            .unwrap();
        let after = [all(&mut vault, BOB), all(&mut vault, CAROL)];
        let told = vault.stored().unwrap().unreadable > 0 || after.iter().any(|page| page.unreadable > 0);
        let missing: usize = (0..2)
            .map(|who| before[who].entries.len() - after[who].entries.len())
            .sum();
        assert!(missing == 1 && told, "byte {at}: {missing} missing");
        for (before, after) in before.iter().zip(&after) {
            assert!(after.entries.iter().all(|entry| before.entries.contains(entry)));
        }
        disk(&mut vault).write(HISTORY, at as u64, &[*byte]).unwrap();
    }
}

#[test]
fn a_log_cut_anywhere_still_has_all_messages_before_the_cut() {
    let mut vault = vault();
    for number in 0..4 {
        append(&mut vault, BOB, number, "one block");
    }
    let whole = bytes(&mut vault);
    for length in (0..whole.len()).step_by(7) {
        disk(&mut vault).remove(HISTORY).unwrap();
        disk(&mut vault).create(HISTORY, &whole[..length]).unwrap();
        assert_eq!(all(&mut vault, BOB).entries.len(), length / 256);
        append(&mut vault, BOB, 9, "and on");
        vault.log = None;
        assert_eq!(
            all(&mut vault, BOB).entries.len(),
            length / 256 + 1,
            "cut at {length}"
        );
    }
}

#[test]
fn records_that_mallory_moves_or_puts_back_are_not_believed() {
    let mut vault = vault();
    for number in 0..4 {
        append(&mut vault, BOB, number, "one block");
    }
    let old = bytes(&mut vault);
    // The third in the first one's place.
    disk(&mut vault).write(HISTORY, 0, &old[512..768]).unwrap();
    assert_eq!(all(&mut vault, BOB).unreadable, 1);
    disk(&mut vault).write(HISTORY, 0, &old).unwrap();
    // An older state of the same place, after the log was written anew.
    append(&mut vault, CAROL, 1, "c");
    vault.history(1, CAROL).unwrap().erase().unwrap();
    append(&mut vault, BOB, 4, "new");
    append(&mut vault, BOB, 5, "new");
    disk(&mut vault).write(HISTORY, 5 * 256, &old[..256]).unwrap();
    let page = all(&mut vault, BOB);
    assert!(texts(&page).len() == 5 && vault.stored().unwrap().unreadable > 0);
}

#[test]
fn a_log_of_rubbish_or_of_another_profile_is_passed_over() {
    let [mut vault, mut other] = [vault(), vault()];
    append(&mut other, BOB, 1, "of another profile");
    let mut dice = Dice(5);
    let noise: Vec<u8> = (0..100_000)
        .map(|_| u8::try_from(dice.below(256)).unwrap())
        .collect();
    for log in [noise, bytes(&mut other), vec![0; 70_000]] {
        drop(disk(&mut vault).remove(HISTORY));
        disk(&mut vault).create(HISTORY, &log).unwrap();
        assert!(all(&mut vault, BOB).entries.is_empty());
    }
}

#[test]
fn a_log_that_is_too_long_is_told_and_can_be_taken_away() {
    let mut vault = vault();
    disk(&mut vault).create(HISTORY, &[]).unwrap();
    disk(&mut vault).write(HISTORY, MAX_HISTORY, &[1]).unwrap();
    let page = vault.history(1, BOB).unwrap().page(None, 1);
    assert_eq!(page, Err(VaultError::HistoryDamaged));
    vault.erase_histories(|_| true).unwrap();
    vault.keep_history(1, BOB).unwrap();
    append(&mut vault, BOB, 1, "begins anew");
    assert_eq!(texts(&all(&mut vault, BOB)), ["begins anew"]);
}
