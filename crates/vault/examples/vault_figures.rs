//! Figures of the vault beside those of SQLCipher doing the same, measured in turns in the same run.
//! Must never print a figure of one side without the other's.
//! Standard: none. One JSON object a line.
#![expect(
    clippy::print_stdout,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    reason = "a harness that starts its peer, prints its figures and may stop at the first surprise"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;
use vault::{Contact, Entry, Kdf, KnownFingerprint, Passphrase, SecretText, Vault};

/// Messages in the long history.
const MESSAGES: usize = 100_000;
/// Rounds of which the median counts: of what takes long, and of single writes.
const ROUNDS: usize = 9;
const WRITES: usize = 200;
/// Writes of which the mean counts: enough for both sides to tidy up several times in between.
const MANY_WRITES: usize = 1200;
const MEASURE_MEMORY: &str = "--memory";
const BOB: &str = "bob@example.org";

struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn new(room: &Path) -> Self {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/sqlcipher/peer.c");
        let program = room.join("peer");
        let built = Command::new("gcc")
            .args(["-O2", "-o"])
            .arg(&program)
            .args([source, "-lsqlcipher"])
            .status();
        assert!(
            built.unwrap().success(),
            "install gcc and libsqlcipher-dev to measure beside SQLCipher"
        );
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    /// Nanoseconds that the command took.
    fn does(&mut self, command: &str) -> f64 {
        writeln!(self.input, "{command}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim()
            .parse()
            .unwrap_or_else(|_| panic!("the peer said {line:?} to {command}"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop((self.child.kill(), self.child.wait()));
    }
}

fn passphrase() -> Passphrase {
    Passphrase::new("correct-horse".into())
}

fn message(number: u64) -> Entry {
    Entry {
        id: [7; 16],
        at: number,
        incoming: true,
        fingerprint: Some([9; 20]),
        delivery: vault::KeptDelivery::Received,
        corrected: false,
        text: SecretText::new("The quick brown fox jumps over the lazy dog. ".repeat(2)),
    }
}

/// Nanoseconds that `work` takes.
fn timed(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_nanos() as f64
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn mean(times: Vec<f64>) -> f64 {
    times.iter().sum::<f64>() / times.len() as f64
}

/// Both sides in turns.
fn in_turns(rounds: usize, ours: impl FnMut() -> f64, theirs: impl FnMut() -> f64) -> (f64, f64) {
    summed_up(&pairs(rounds, ours, theirs), median)
}

fn pairs(rounds: usize, mut ours: impl FnMut() -> f64, mut theirs: impl FnMut() -> f64) -> Vec<(f64, f64)> {
    (0..rounds).map(|_| (ours(), theirs())).collect()
}

fn summed_up(pairs: &[(f64, f64)], how: fn(Vec<f64>) -> f64) -> (f64, f64) {
    (
        how(pairs.iter().map(|pair| pair.0).collect()),
        how(pairs.iter().map(|pair| pair.1).collect()),
    )
}

fn print(figure: &str, (ours, theirs): (f64, f64), unit: &str, goal: Option<f64>) {
    let ratio = ours / theirs;
    let goal = goal.map_or(String::new(), |goal| {
        format!(", \"goal\": {goal}, \"met\": {}", ratio <= goal)
    });
    println!(
        "{{\"figure\": \"vault.{figure}\", \"ours\": {ours:.3}, \"peer\": \"SQLCipher\", \"theirs\": {theirs:.3}, \
         \"unit\": \"{unit}\", \"ratio\": {ratio:.2}{goal}}}"
    );
}

fn milliseconds((ours, theirs): (f64, f64)) -> (f64, f64) {
    (ours / 1e6, theirs / 1e6)
}

/// MiB that a program holds that does nothing else, as the peer is one.
fn memory_of_a_program_that_opens(dir: &Path) -> f64 {
    let own = std::env::current_exe().unwrap();
    let told = Command::new(own).arg(MEASURE_MEMORY).arg(dir).output().unwrap();
    String::from_utf8(told.stdout).unwrap().trim().parse().unwrap()
}

fn resident_mib() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap() / 1024.0
}

/// A profile as a person has one after some years, without kept messages: 50 contacts with two keys each.
fn profile(dir: &Path, kdf: Kdf) -> Vault {
    let mut vault = Vault::create(dir, &passphrase(), kdf).unwrap();
    vault
        .change(|profile| {
            profile.contacts = (0..50)
                .map(|number| Contact {
                    account: 1,
                    address: format!("contact{number}@example.org"),
                    name: None,
                    accepted: true,
                    fingerprints: vec![fingerprint(number), fingerprint(number + 100)],
                    policy: None,
                    version_2: false,
                    blocked: false,
                    draft: None,
                })
                .collect();
        })
        .unwrap();
    vault
}

fn fingerprint(number: u32) -> KnownFingerprint {
    KnownFingerprint {
        fingerprint: format!("{number:040x}"),
        accepted: true,
        verified: false,
        first_seen_day: 20_700,
    }
}

fn writes(room: &Path, peer: &mut Peer) {
    let mut vault = profile(&room.join("writes"), Kdf::MINIMUM);
    peer.does(&format!(
        "open {} correct-horse",
        room.join("writes.db").display()
    ));
    let mut number = 1000;
    let all = pairs(
        MANY_WRITES,
        || {
            number += 1;
            timed(|| {
                vault
                    .change(|profile| {
                        profile.contacts[7].fingerprints.truncate(2);
                        profile.contacts[7].fingerprints.push(fingerprint(number));
                    })
                    .unwrap();
            })
        },
        || peer.does("fingerprint"),
    );
    let figure = |how| milliseconds(summed_up(&all, how));
    print("write_fingerprint", figure(median), "ms", Some(1.0));
    // With the writes now and then that take longer on either side.
    print("write_fingerprint_mean", figure(mean), "ms", Some(1.0));
    vault.keep_history(1, BOB).unwrap();
    let figures = in_turns(
        WRITES,
        || {
            timed(|| {
                vault.history(1, BOB).unwrap().append(&message(1)).unwrap();
            })
        },
        || peer.does("message"),
    );
    print("write_message", milliseconds(figures), "ms", Some(1.0));
    peer.does("close");
}

/// Opens, and shows the last 50 messages of a conversation.
fn open(dir: &Path) -> Vault {
    let mut vault = Vault::open(dir, &passphrase()).unwrap();
    let page = vault.history(1, BOB).unwrap().page(None, 50).unwrap();
    assert_eq!(page.entries.len(), 50);
    vault
}

/// Makes the long history in memory, where it takes a second instead of minutes, and puts it on the disk.
fn fill(dir: &Path) {
    let memory = tempfile::tempdir_in("/dev/shm").unwrap();
    let mut vault = profile(&memory.path().join("profile"), Kdf::for_this_machine());
    vault.keep_history(1, BOB).unwrap();
    for number in 0..MESSAGES as u64 {
        vault.history(1, BOB).unwrap().append(&message(number)).unwrap();
    }
    let backup = vault.backup().unwrap();
    drop(Vault::restore(dir, &backup, &passphrase()).unwrap());
}

fn opening(room: &Path, peer: &mut Peer) {
    let (dir, file): (PathBuf, PathBuf) = (room.join("long"), room.join("long.db"));
    fill(&dir);
    let open_peer = format!("open {} correct-horse", file.display());
    peer.does(&open_peer);
    peer.does(&format!("fill {MESSAGES}"));
    peer.does("close");
    let with_passphrase = in_turns(
        ROUNDS,
        || timed(|| drop(open(&dir))),
        || {
            let took = peer.does(&open_peer) + peer.does("page");
            peer.does("close");
            took
        },
    );
    // Each side with what its makers think a passphrase is worth, so no goal.
    print("open_100000_messages", milliseconds(with_passphrase), "ms", None);
    let mut vault = Vault::open(&dir, &passphrase()).unwrap();
    let first = timed(|| drop(vault.history(1, BOB).unwrap().page(None, 50).unwrap()));
    peer.does(&open_peer);
    let their_first = peer.does("page");
    print(
        "first_page_of_100000",
        milliseconds((first, their_first)),
        "ms",
        None,
    );
    let pages = in_turns(
        WRITES,
        || timed(|| drop(vault.history(1, BOB).unwrap().page(None, 50).unwrap())),
        || peer.does("page"),
    );
    print("page_of_50", milliseconds(pages), "ms", None);
    drop(vault);
    let memory = (memory_of_a_program_that_opens(&dir), peer.does("memory") / 1024.0);
    print("memory_100000_messages", memory, "MiB", None);
    let size = |path: PathBuf| std::fs::metadata(path).unwrap().len() as f64 / 1024.0 / 1024.0;
    print(
        "disk_100000_messages",
        (size(dir.join("history")), size(file)),
        "MiB",
        None,
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, measure, dir] = &arguments[..]
        && measure == MEASURE_MEMORY
    {
        let vault = open(Path::new(dir));
        println!("{}", resident_mib());
        return drop(vault);
    }
    // Beside the program, not in a folder in memory: the disk is half of what is measured.
    let room = tempfile::tempdir_in(std::env::current_exe().unwrap().parent().unwrap()).unwrap();
    let mut peer = Peer::new(room.path());
    writes(room.path(), &mut peer);
    opening(room.path(), &mut peer);
}
