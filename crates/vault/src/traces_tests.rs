//! Mallory reads the memory of alice's program and all her files: once the profile is locked, nothing is there.
//! What is looked for stands in this file only masked, so that the program does not hold it for being its test.
#![cfg(target_os = "linux")]

use crate::{
    Account, Contact, Entry, Kdf, KnownFingerprint, Passphrase, Protocol, Queued, QueuedState, SecretBytes,
    SecretText, TlsPolicy, Vault,
};
use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};

const MASK: u8 = 0x5a;

const fn masked<const N: usize>(text: &[u8; N]) -> [u8; N] {
    let mut bytes = *text;
    let mut at = 0;
    while at < N {
        bytes[at] ^= MASK;
        at += 1;
    }
    bytes
}

const PASSPHRASE: [u8; 22] = masked(b"walrus-and-carpenter-7");
const PASSWORD: [u8; 20] = masked(b"jabberwocky-brillig9");
const JID: [u8; 21] = masked(b"alice.liddell@exam.pl");
const CONTACT: [u8; 22] = masked(b"cheshire.cat@grin.exam");
const NAME: [u8; 18] = masked(b"The grinning cat 4");
const QUEUED: [u8; 27] = masked(b"meet me at the treacle well");
const KEPT: [u8; 26] = masked(b"the dormouse is in the tea");
const FINGERPRINT: [u8; 40] = masked(b"c0ffee11c0ffee22c0ffee33c0ffee44c0ffee55");
const OTR_KEY: [u8; 24] = masked(b"\x01private-otr-key-bytes-\x02");

const SECRETS: [(&str, &[u8]); 9] = [
    ("passphrase", &PASSPHRASE),
    ("password", &PASSWORD),
    ("address of the account", &JID),
    ("address of the contact", &CONTACT),
    ("name of the contact", &NAME),
    ("waiting message", &QUEUED),
    ("kept message", &KEPT),
    ("fingerprint", &FINGERPRINT),
    ("OTR key", &OTR_KEY),
];

/// The bytes themselves, in one allocation.
fn unmasked(secret: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(secret.len());
    bytes.extend(black_box(secret).iter().map(|byte| byte ^ MASK));
    bytes
}

fn text(secret: &[u8]) -> String {
    String::from_utf8(unmasked(secret)).unwrap()
}

fn fill(vault: &mut Vault) {
    vault
        .change(|profile| {
            profile.accounts.push(Account {
                id: 1,
                protocol: Protocol::Xmpp {
                    jid: text(&JID),
                    password: SecretText::new(text(&PASSWORD)),
                    resource: None,
                    host: None,
                    port: None,
                    tls: TlsPolicy::Auto,
                    pins: Vec::new(),
                    mechanism_seen: None,
                    register: false,
                    learnt: crate::Learnt::default(),
                    login: crate::XmppLogin::default(),
                },
                otr_key: Some(SecretBytes::new(unmasked(&OTR_KEY))),
                instance_tag: None,
                connect: true,
                policy: None,
            });
            profile.contacts.push(Contact {
                account: 1,
                address: text(&CONTACT),
                name: Some(text(&NAME)),
                accepted: true,
                fingerprints: vec![KnownFingerprint {
                    fingerprint: text(&FINGERPRINT),
                    accepted: true,
                    verified: true,
                    first_seen_day: 1,
                }],
                policy: None,
                version_2: false,
                blocked: false,
                draft: Some(SecretText::new(text(&QUEUED))),
            });
            profile.outbox.push(Queued {
                id: "m".into(),
                account: 1,
                address: text(&CONTACT),
                text: SecretText::new(text(&QUEUED)),
                fingerprint: Some(text(&FINGERPRINT)),
                also_for: vec![text(&FINGERPRINT)],
                unencrypted: false,
                state: QueuedState::Waiting,
                queued_at: 1,
                epoch: None,
            });
        })
        .unwrap();
}

fn with_address<T>(work: impl FnOnce(&str) -> T) -> T {
    work(&zeroize::Zeroizing::new(text(&CONTACT)))
}

/// A day in the life of a profile: made, filled, locked, opened, read, changed.
fn live(dir: &Path) -> Vault {
    let words = Passphrase::new(text(&PASSPHRASE));
    let mut vault = Vault::create(dir, &words, Kdf::MINIMUM).unwrap();
    fill(&mut vault);
    with_address(|address| vault.keep_history(1, address)).unwrap();
    for number in 0..20 {
        let entry = Entry {
            id: [1; 16],
            at: number,
            incoming: true,
            fingerprint: None,
            delivery: crate::KeptDelivery::Received,
            corrected: false,
            text: SecretText::new(text(&KEPT)),
        };
        with_address(|address| vault.history(1, address).unwrap().append(&entry)).unwrap();
    }
    vault.save_backup().unwrap();
    drop(vault);
    let mut vault = Vault::open(dir, &words).unwrap();
    let page = with_address(|address| vault.history(1, address).unwrap().page(None, 10)).unwrap();
    let words = zeroize::Zeroizing::new(text(&KEPT));
    let found = with_address(|address| vault.history(1, address).unwrap().search(&words, None, 3)).unwrap();
    assert_eq!((page.entries.len(), found.entries.len()), (10, 3));
    vault.change(|profile| profile.next_id += 1).unwrap();
    vault
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u32> = digits.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
    digits
        .chunks_exact(2)
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap())
        .collect()
}

/// Started by the test below: lives, tells its keys, and locks when it is told to.
#[test]
#[ignore = "waits to be told"]
fn a_program_with_secrets() {
    let Some(dir) = std::env::var_os("VAULT_TO_LIVE_IN") else {
        return;
    };
    let vault = live(Path::new(&dir));
    println!("key={}", hex(vault.keys.data.bytes()));
    println!("key={}", hex(vault.profile.history[0].key.expose_secret()));
    println!("open");
    let mut lines = std::io::stdin().lines();
    lines.next().unwrap().unwrap();
    drop(vault);
    println!("locked");
    lines.next();
}

/// How often each secret is in the readable memory of a process.
fn search_memory(process: u32, secrets: &[(String, Vec<u8>)]) -> Vec<usize> {
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let memory = File::open(format!("/proc/{process}/mem")).unwrap();
    let mut found = vec![0; secrets.len()];
    for line in maps.lines().filter(|line| line.contains(" r")) {
        let (from, rest) = line.split_once('-').unwrap();
        let to = rest.split_once(' ').unwrap().0;
        let [from, to] = [from, to].map(|number| u64::from_str_radix(number, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
        if memory.read_exact_at(&mut bytes, from).is_ok() {
            count(&bytes, secrets, &mut found);
        }
    }
    found
}

fn count(bytes: &[u8], secrets: &[(String, Vec<u8>)], found: &mut [usize]) {
    for ((_, secret), found) in secrets.iter().zip(found) {
        let first = secret[0];
        let starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == first);
        *found += starts.filter(|(at, _)| bytes[*at..].starts_with(secret)).count();
    }
}

#[test]
fn nothing_of_a_locked_profile_is_left_in_memory_or_in_any_file() {
    let room = tempfile::tempdir().unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "the test starts itself again, to read its memory"
    )]
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "traces_tests::a_program_with_secrets",
            "--ignored",
            "--nocapture",
        ])
        .env("VAULT_TO_LIVE_IN", room.path().join("profile"))
        .env("TMPDIR", room.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut secrets: Vec<(String, Vec<u8>)> = SECRETS
        .iter()
        .map(|(name, secret)| ((*name).to_owned(), unmasked(secret)))
        .collect();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    for line in lines.by_ref() {
        if let Some(key) = line.strip_prefix("key=") {
            secrets.push(("key".into(), from_hex(key)));
        }
        if line == "open" {
            break;
        }
    }
    let open = search_memory(child.id(), &secrets);
    writeln!(child.stdin.as_ref().unwrap(), "lock").unwrap();
    assert_eq!(lines.next().unwrap(), "locked");
    let locked = search_memory(child.id(), &secrets);
    drop(child.stdin.take());
    child.wait().unwrap();
    let names: Vec<&str> = secrets.iter().map(|(name, _)| name.as_str()).collect();
    println!(
        "{:?}",
        names.iter().zip(open.iter().zip(&locked)).collect::<Vec<_>>()
    );
    // While it is open, what is in the profile is found: the search works.
    assert!([1, 2, 3, 4, 5, 7, 8, 9, 10].iter().all(|index| open[*index] > 0));
    assert_eq!(secrets.len(), 11);
    assert_eq!(locked, vec![0; secrets.len()], "of {names:?}");
    let mut in_files = vec![0; secrets.len()];
    let files = std::fs::read_dir(room.path().join("profile")).unwrap();
    let files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    assert!(files.len() >= 5);
    for file in files {
        count(&std::fs::read(file).unwrap(), &secrets, &mut in_files);
    }
    assert_eq!(in_files, vec![0; secrets.len()], "of {names:?}");
}
