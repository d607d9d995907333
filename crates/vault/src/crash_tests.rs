//! Alice's disk fails and her power is cut, at every step of every write: she finds what she was told was kept.

use crate::crypt::Key;
use crate::faults::{Dice, FaultyDisk};
use crate::files::Folder;
use crate::format::{Keys, Lock};
use crate::{Entry, Kdf, Passphrase, Profile, SecretText, Vault, VaultError};
use std::collections::{BTreeMap, BTreeSet};

const ROUNDS: usize = 10_000;
const WORDS: [&str; 2] = ["correct horse battery", "staple"];
/// Two conversations: one that is only written to, one that is erased again and again.
const PEOPLE: [&str; 2] = ["bob@example.org", "carol@example.org"];

fn passphrase(index: usize) -> Passphrase {
    Passphrase::new(WORDS[index].into())
}

/// What may be found after a power cut.
struct Expected {
    counters: BTreeSet<u64>,
    words: BTreeSet<usize>,
    /// Texts that were acknowledged, and the ones that may be there after them.
    texts: [(Vec<u64>, Vec<u64>); 2],
    erasing: bool,
}

struct Story {
    disk: FaultyDisk,
    dice: Dice,
    expected: Expected,
    /// Derived once for each salt: ten thousand derivations would take minutes.
    keys: BTreeMap<(usize, [u8; 56]), Key>,
    next: u64,
    cuts: usize,
    refusals: usize,
}

impl Story {
    fn begin(seed: u64) -> Self {
        let disk = FaultyDisk::new(seed);
        let folder = Folder::on(Box::new(disk.clone()));
        let keys = Keys::generate(&passphrase(0), Kdf::MINIMUM).unwrap();
        let mut vault = Vault::holding(folder, keys, Profile::default());
        vault.write_whole(Profile::default()).unwrap();
        for address in PEOPLE {
            vault.keep_history(1, address).unwrap();
        }
        Self {
            disk,
            dice: Dice(seed ^ 1),
            expected: Expected {
                counters: [0].into(),
                words: [0].into(),
                texts: Default::default(),
                erasing: false,
            },
            keys: BTreeMap::new(),
            next: 0,
            cuts: 0,
            refusals: 0,
        }
    }

    fn open(&mut self) -> Vault {
        for index in self.expected.words.clone() {
            let keys = &mut self.keys;
            let key = |lock: &Lock| {
                let derived = keys
                    .entry((index, lock.bytes()))
                    .or_insert_with(|| lock.derive(&passphrase(index)).unwrap());
                Ok(Key::from_bytes(derived.bytes()).unwrap())
            };
            match Vault::open_on(Folder::on(Box::new(self.disk.clone())), key) {
                Ok(vault) => {
                    self.expected.words = [index].into();
                    return vault;
                }
                Err(VaultError::WrongPassphrase) => {}
                Err(other) => panic!("{other}"),
            }
        }
        panic!("no passphrase opens the profile");
    }

    /// Looks at everything, and takes what is there for the truth from now on.
    fn check(&mut self, vault: &mut Vault) {
        let counter = counter(vault);
        assert!(
            self.expected.counters.contains(&counter),
            "{counter} was never kept"
        );
        self.expected.counters = [counter].into();
        for (person, address) in PEOPLE.iter().enumerate() {
            let found = texts(vault, address);
            let (sure, perhaps) = &mut self.expected.texts[person];
            let Some(found) = found else {
                assert!(person == 1 && self.expected.erasing, "no history any more");
                vault.keep_history(1, address).unwrap();
                (*sure, *perhaps) = Default::default();
                continue;
            };
            if person == 1 && self.expected.erasing && found.is_empty() {
                // Erased, and kept anew, though nobody was told.
                (*sure, *perhaps) = Default::default();
                continue;
            }
            let rest = found
                .strip_prefix(&sure[..])
                .unwrap_or_else(|| panic!("{found:?}, not {sure:?} and on"));
            assert!(
                rest.len() < 2 && rest.iter().all(|text| perhaps.contains(text)),
                "{rest:?} of {perhaps:?}"
            );
            (*sure, *perhaps) = (found, Vec::new());
        }
        self.expected.erasing = false;
    }

    /// One change of some kind. What it told decides what is expected.
    fn act(&mut self, vault: &mut Vault) -> Result<(), VaultError> {
        self.next += 1;
        let next = self.next;
        let size = self.dice.below(9000);
        match self.dice.below(20) {
            0..=7 => self.count(next, |edit| vault.change(edit), size),
            8..=9 => self.count(next, |edit| vault.change_for_good(edit), size),
            10..=16 => self.write(vault, next, size),
            // Four derivations: rarely enough that the test stays short.
            17 if self.dice.below(12) == 0 => self.change_passphrase(vault),
            17..=18 => {
                self.expected.erasing = true;
                let done = vault.history(1, PEOPLE[1]).map_or(Ok(()), crate::History::erase);
                done.and_then(|()| vault.keep_history(1, PEOPLE[1]))?;
                self.expected.texts[1] = Default::default();
                self.expected.erasing = false;
                Ok(())
            }
            _ => vault.save_backup().map(drop),
        }
    }

    fn count(
        &mut self,
        next: u64,
        change: impl FnOnce(Box<dyn FnOnce(&mut Profile)>) -> Result<(), VaultError>,
        size: usize,
    ) -> Result<(), VaultError> {
        self.expected.counters.insert(next);
        change(Box::new(move |profile| {
            profile.settings.insert("counter".into(), next.into());
            profile.settings.insert("note".into(), "x".repeat(size).into());
        }))?;
        self.expected.counters = [next].into();
        Ok(())
    }

    fn write(&mut self, vault: &mut Vault, next: u64, size: usize) -> Result<(), VaultError> {
        let person = self.dice.below(2);
        let Some(mut history) = vault.history(1, PEOPLE[person]) else {
            return Ok(());
        };
        let (sure, perhaps) = &mut self.expected.texts[person];
        perhaps.push(next);
        // Short ones mostly, as people write; now and then one of many blocks.
        let padding = if size > 7000 { size } else { size % 120 };
        history.append(&entry(&format!("{next} {}", "x".repeat(padding))))?;
        sure.push(next);
        perhaps.clear();
        Ok(())
    }

    fn change_passphrase(&mut self, vault: &mut Vault) -> Result<(), VaultError> {
        let now = (0..WORDS.len()).find(|index| vault.keys.check(&passphrase(*index)).is_ok());
        let other = 1 - now.unwrap();
        self.expected.words.insert(other);
        let changed = vault.change_passphrase(&passphrase(1 - other), &passphrase(other));
        if changed.is_ok() {
            self.expected.words = [other].into();
        }
        changed
    }

    fn round(&mut self) {
        let mut vault = self.open();
        self.check(&mut vault);
        let steps = self.dice.below(30);
        let faults = [0, 0, 12][self.dice.below(3)];
        self.disk.arm(Some(steps), faults);
        for _ in 0..1 + self.dice.below(4) {
            match self.act(&mut vault) {
                Err(VaultError::Io(std::io::ErrorKind::BrokenPipe)) => {
                    self.cuts += 1;
                    break;
                }
                Err(_) => self.refusals += 1,
                Ok(()) => {}
            }
        }
        drop(vault);
        self.disk.crash();
    }
}

fn counter(vault: &Vault) -> u64 {
    let counter = vault.profile().settings.get("counter");
    counter.map_or(0, |number| number.as_u64().unwrap())
}

/// The numbers that the texts of a conversation begin with.
fn texts(vault: &mut Vault, address: &str) -> Option<Vec<u64>> {
    let mut history = vault.history(1, address)?;
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let page = history.page(before, 100).unwrap();
        assert_eq!(page.unreadable, 0, "an entry was damaged");
        let numbers = page.entries.iter().map(|(_, entry)| {
            let text = entry.text.expose_secret();
            text.split_once(' ').unwrap().0.parse().unwrap()
        });
        all.splice(0..0, numbers);
        before = page.older;
        if before.is_none() {
            return Some(all);
        }
    }
}

fn entry(text: &str) -> Entry {
    Entry {
        id: [7; 16],
        at: 1_795_000_000_000,
        incoming: false,
        fingerprint: Some([3; 20]),
        delivery: crate::KeptDelivery::Received,
        corrected: false,
        text: SecretText::new(text.into()),
    }
}

#[test]
fn ten_thousand_power_cuts_and_faults_leave_the_last_state_or_the_one_before() {
    let stories = 4;
    let (mut cuts, mut refusals) = (0, 0);
    for seed in 0..stories {
        let mut story = Story::begin(seed);
        for _ in 0..ROUNDS / usize::try_from(stories).unwrap() {
            story.round();
            if story.expected.texts[0].0.len() > 120 {
                // Begins anew before reading all of it each time takes longer than the rest.
                let next = story.next;
                let (so_far, failed) = (story.cuts, story.refusals);
                story = Story::begin(seed + next);
                (story.cuts, story.refusals) = (so_far, failed);
            }
        }
        cuts += story.cuts;
        refusals += story.refusals;
    }
    println!("{cuts} power cuts within a write, {refusals} refused");
    assert!(cuts > ROUNDS / 3 && refusals > ROUNDS / 20);
}
