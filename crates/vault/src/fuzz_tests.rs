//! Mallory hands over files: changed, cut, put together. Each is refused or read; nothing else happens.

use crate::crypt::Key;
use crate::faults::Dice;
use crate::files::{CHANGES, Folder, HISTORY, MAIN};
use crate::format::{HEADER, Keys, Sealed};
use crate::memory_disk::MemoryDisk;
use crate::{Entry, Kdf, Passphrase, Profile, SecretText, Vault, VaultError};
use sha2::{Digest, Sha256};
use std::time::{Duration, Instant};

const DAMAGED: VaultError = VaultError::Damaged { backup: false };

struct Files {
    profile: Vec<u8>,
    changes: Vec<u8>,
    log: Vec<u8>,
    backup: Vec<u8>,
    key: Key,
}

/// The files of a profile with something in it, and the key that opens them.
fn files() -> Files {
    let passphrase = Passphrase::new("correct horse battery".into());
    let folder = Folder::on(Box::new(MemoryDisk::default()));
    let keys = Keys::generate(&passphrase, Kdf::MINIMUM).unwrap();
    let mut vault = Vault::holding(folder, keys, Profile::default());
    vault.keep_history(1, "bob@example.org").unwrap();
    for number in 0..20 {
        let entry = Entry {
            id: [7; 16],
            at: number,
            incoming: true,
            fingerprint: None,
            delivery: crate::KeptDelivery::Received,
            corrected: false,
            text: SecretText::new("x".repeat(usize::try_from(number).unwrap() * 40)),
        };
        vault
            .history(1, "bob@example.org")
            .unwrap()
            .append(&entry)
            .unwrap();
    }
    for number in 100..105 {
        vault.change(|profile| profile.next_id = number).unwrap();
    }
    let read = |name| vault.folder.read(name, 1 << 28).unwrap();
    let profile = read(MAIN);
    let key = Sealed::parse(&profile).unwrap().lock().derive(&passphrase);
    Files {
        changes: read(CHANGES),
        log: read(HISTORY),
        backup: vault.backup().unwrap(),
        key: key.unwrap(),
        profile,
    }
}

impl Files {
    fn open(&self, profile: &[u8]) -> Result<(), VaultError> {
        Sealed::parse(profile)?.open(&self.key).map(drop)
    }

    /// All that happens to a file on the way in, save that the costly derivation is replaced by its result.
    fn feed(&self, profile: &[u8], changes: &[u8], log: &[u8]) -> Result<usize, VaultError> {
        let folder = Folder::on(Box::new(MemoryDisk::default()));
        folder.disk().create(MAIN, profile).unwrap();
        folder.disk().create(CHANGES, changes).unwrap();
        folder.disk().create(HISTORY, log).unwrap();
        let mut vault = Vault::open_on(folder, |_| Ok(Key::from_bytes(self.key.bytes()).unwrap()))?;
        let mut history = vault.history(1, "bob@example.org").ok_or(VaultError::Absent)?;
        let found = history.search("x", None, 500)?.entries.len();
        vault.stored()?;
        Ok(found)
    }
}

#[test]
fn a_flipped_byte_anywhere_in_the_profile_is_damage() {
    let files = files();
    for at in 0..files.profile.len() {
        let mut broken = files.profile.clone();
        broken[at] ^= 0x20;
        assert_eq!(files.open(&broken), Err(DAMAGED), "byte {at}");
    }
}

#[test]
fn a_flipped_byte_anywhere_in_a_backup_is_told_before_any_derivation() {
    let files = files();
    let passphrase = Passphrase::new("correct horse battery".into());
    let start = Instant::now();
    for at in 0..files.backup.len() {
        let mut broken = files.backup.clone();
        broken[at] ^= 0x20;
        let refused = Vault::travel(&broken, &passphrase).err();
        assert_eq!(refused, Some(VaultError::BackupDamaged), "byte {at}");
    }
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_backup_put_together_from_two_is_refused() {
    let (one, other) = (files(), files());
    let passphrase = Passphrase::new("correct horse battery".into());
    assert!(Vault::travel(&one.backup, &passphrase).is_ok());
    // The log of one behind the profile of the other, with the digest made to fit.
    let mut mixed = one.backup.clone();
    let log = mixed.len() - one.log.len();
    mixed[log..].copy_from_slice(&other.log);
    let digest = Sha256::new()
        .chain_update(&mixed[..28])
        .chain_update(&mixed[60..])
        .finalize();
    mixed[28..60].copy_from_slice(&digest);
    assert_eq!(
        Vault::travel(&mixed, &passphrase).err(),
        Some(VaultError::BackupDamaged)
    );
}

fn mutated(seed: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..1 + dice.below(4) {
        let at = dice.below(bytes.len().max(1));
        match dice.below(6) {
            0 => bytes.truncate(at),
            1 => bytes.extend(vec![0; dice.below(700)]),
            2 => {
                let from = dice.below(seed.len());
                let end = (from + dice.below(600)).min(seed.len());
                bytes.splice(at..at, seed[from..end].to_vec());
            }
            3 => drop(bytes.drain(at..(at + dice.below(600)).min(bytes.len()))),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = u8::try_from(dice.below(256)).unwrap();
                }
            }
        }
    }
    bytes
}

/// Makes the digest of a profile's header fit, so that what lies behind is reached.
fn with_fitting_digest(mut profile: Vec<u8>) -> Vec<u8> {
    if let Some((header, rest)) = profile.split_at_mut_checked(HEADER - 32) {
        let digest = Sha256::digest(&*header);
        let length = rest.len().min(32);
        rest[..length].copy_from_slice(&digest[..length]);
    }
    profile
}

/// `VAULT_FUZZ_SECONDS` makes it longer.
#[test]
fn no_file_makes_opening_do_anything_but_open_or_refuse() {
    let seconds = std::env::var("VAULT_FUZZ_SECONDS").map_or(6, |text| text.parse().unwrap());
    let files = files();
    let passphrase = Passphrase::new("correct horse battery".into());
    let mut dice = Dice(u64::from(std::process::id()));
    println!("seed {}", dice.0);
    let (start, mut rounds, mut opened) = (Instant::now(), 0, 0);
    while start.elapsed() < Duration::from_secs(seconds) {
        let (mut profile, mut changes, mut log) =
            (files.profile.clone(), files.changes.clone(), files.log.clone());
        match dice.below(4) {
            0 => profile = with_fitting_digest(mutated(&profile, &mut dice)),
            1 => profile = mutated(&profile, &mut dice),
            2 => changes = mutated(&changes, &mut dice),
            _ => log = mutated(&log, &mut dice),
        }
        if let Ok(found) = files.feed(&profile, &changes, &log) {
            assert!(found < 20);
            opened += 1;
        }
        let backup = mutated(&files.backup, &mut dice);
        assert!(backup == files.backup || Vault::travel(&backup, &passphrase).is_err());
        rounds += 1;
    }
    println!("{rounds} rounds, {opened} opened");
    assert!(opened > 10 && rounds > 100);
}
