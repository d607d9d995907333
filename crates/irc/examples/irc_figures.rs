//! Figures of this crate beside those of irc-proto, which only reads lines, and of libircclient, measured in turns in the
//! same run. Must never print a figure of one side without the other's where there is another side.
//! Standard: none. One JSON object a line; `--list` names the figures. Needs `cc` and `libircclient-dev`.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a harness that compiles and runs its peer, prints figures and may stop at the first surprise"
)]

use std::fs;
use std::hint::black_box;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use irc::{Config, Event, Input, Nick, Output, Session};

/// The figures, each with its goal: a ratio of rates, or milliseconds. The peers do less: neither knows capabilities,
/// rooms or people, or tells live from kept; libircclient reads no tags and does not look whether a text is UTF-8.
const PARSER: (&str, f64) = ("irc.lines_per_second", 0.4);
const CLIENT: (&str, f64) = ("irc.lines_per_second_by_socket", 0.4);
const JOIN: (&str, f64) = ("irc.join_of_5000_members", 300.0);
/// Rounds of which the median counts.
const ROUNDS: usize = 7;
/// Lines a round.
const LINES: u32 = 50_000;

const LINE: &str = ":bob!~user@gateway.example.org PRIVMSG alice :?OTR:AAMDRMZ1S3bKcAIAAAAAAQAAAAIAAADAVJ4Ufq9Wf0bJmVv\
    1T1Qk7v0pYw2n5m8r1x4VJ4Ufq9Wf0bJmVv1T1Qk7v0pYw2n5m8r1x4VJ4Ufq9Wf0bJmVv1T1Qk7v0pYw2n5m8r1x4.\r\n";
const TAGS: &str = "@time=2026-01-01T12:00:00.000Z;msgid=5a2f1c0de9b847;account=bob ";

fn main() {
    if std::env::args().any(|argument| argument == "--list") {
        println!("{}\n{}\n{}", PARSER.0, CLIENT.0, JOIN.0);
        return;
    }
    let folder = tempfile::tempdir().expect("a folder for the peer");
    build_peer(folder.path());
    let [mut ours, mut theirs, mut by_socket, mut their_socket, mut joins] = [const { Vec::new() }; 5];
    for _ in 0..ROUNDS {
        ours.push(take_in());
        theirs.push(only_read());
        by_socket.push(take_in_by_socket());
        their_socket.push(run_peer(folder.path()));
        joins.push(join());
    }
    compare(PARSER, median(ours), "irc-proto 1.1.0", median(theirs));
    compare(
        CLIENT,
        median(by_socket),
        "libircclient 1.9",
        median(their_socket),
    );
    let (name, goal) = JOIN;
    let ours = median(joins);
    let met = ours <= goal;
    println!(
        "{{\"figure\": \"{name}\", \"ours\": {ours:.1}, \"peer\": null, \"theirs\": null, \"unit\": \"ms\", \
         \"ratio\": null, \"goal\": {goal}, \"met\": {met}}}"
    );
}

fn compare((name, goal): (&str, f64), ours: f64, peer: &str, theirs: f64) {
    let ratio = ours / theirs;
    let met = ratio >= goal;
    println!(
        "{{\"figure\": \"{name}\", \"ours\": {ours:.0}, \"peer\": \"{peer}\", \"theirs\": {theirs:.0}, \
         \"unit\": \"1/s\", \"ratio\": {ratio:.2}, \"goal\": {goal}, \"met\": {met}}}"
    );
}

/// A session that is online with tags and server time.
fn online() -> Session {
    let nick = Nick::new("alice").expect("a nick");
    let mut session = Session::new(Config::new(nick));
    step(&mut session, Input::Connected);
    for line in [
        ":irc CAP * LS :batch message-tags server-time account-tag\r\n",
        ":irc CAP * ACK :batch message-tags server-time account-tag\r\n",
        ":irc 001 alice :Welcome alice!~user@host.example\r\n:irc 376 alice :End\r\n",
    ] {
        step(&mut session, Input::Bytes(line.as_bytes()));
    }
    session
}

/// One input and all that comes of it; gives how many messages did.
fn step(session: &mut Session, input: Input<'_>) -> u32 {
    let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
    session.handle(input, Duration::ZERO, &mut rng).expect("a step");
    let mut messages = 0;
    while let Some(output) = session.poll() {
        if matches!(output, Output::Event(Event::DirectMessage(_))) {
            messages += 1;
        }
    }
    messages
}

/// From bytes to events: lines, tags, people, origin, whether it is whole.
fn take_in() -> f64 {
    let mut session = online();
    let stream = format!("{TAGS}{LINE}").repeat(usize::try_from(LINES).expect("a count"));
    let begin = processor_seconds();
    let messages: u32 = stream
        .as_bytes()
        .chunks(4_096)
        .map(|bytes| step(&mut session, Input::Bytes(bytes)))
        .sum();
    let elapsed = processor_seconds() - begin;
    assert_eq!(messages, LINES, "every line is a message");
    f64::from(LINES) / elapsed
}

/// The same lines, cut for it beforehand, read by irc-proto.
fn only_read() -> f64 {
    let line = format!("{TAGS}{LINE}");
    let begin = processor_seconds();
    for _ in 0..LINES {
        let message: irc_proto::Message = black_box(&line).parse().expect("it can read it");
        black_box(message);
    }
    f64::from(LINES) / (processor_seconds() - begin)
}

/// Lines without tags, which libircclient does not know, from a socket.
fn take_in_by_socket() -> f64 {
    let mut session = online();
    let (mut reading, mut writing) = UnixStream::pair().expect("a pair of sockets");
    let writer = std::thread::spawn(move || {
        let lines = LINE.repeat(64);
        for _ in 0..LINES / 64 {
            writing.write_all(lines.as_bytes()).expect("the reader is there");
        }
    });
    let (mut messages, mut buffer) = (0, [0; 4_096]);
    let begin = processor_seconds();
    while let Ok(length) = reading.read(&mut buffer)
        && length > 0
    {
        messages += step(
            &mut session,
            Input::Bytes(buffer.get(..length).unwrap_or_default()),
        );
    }
    let elapsed = processor_seconds() - begin;
    writer.join().expect("the writer ends");
    assert_eq!(messages, LINES / 64 * 64, "every line is a message");
    f64::from(messages) / elapsed
}

/// Milliseconds from the first byte to the list of members.
fn join() -> f64 {
    let mut session = online();
    let mut lines = String::from(":alice!~user@host.example JOIN #big\r\n");
    let people: Vec<String> = (0..5_000)
        .map(|n| format!("@+somebody{n}!~user{n}@host.example"))
        .collect();
    for some in people.chunks(10) {
        lines.push_str(&format!(":irc 353 alice = #big :{}\r\n", some.join(" ")));
    }
    lines.push_str(":irc 366 alice #big :End\r\n");
    let begin = Instant::now();
    for bytes in lines.as_bytes().chunks(4_096) {
        step(&mut session, Input::Bytes(bytes));
    }
    let elapsed = begin.elapsed().as_secs_f64() * 1e3;
    let room = irc::Room::new("#big").expect("a room");
    assert_eq!(session.members(&room).len(), 5_001, "all are there");
    elapsed
}

/// Seconds that this thread has had of a processor: the same clock as the peer's, whatever else runs.
fn processor_seconds() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("the kernel's count");
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse::<f64>().ok());
    nanoseconds.expect("a number") / 1e9
}

fn build_peer(folder: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ircclient_peer.c");
    fs::write(folder.join("line"), LINE).expect("a file for the peer");
    let built = Command::new("cc")
        .args(["-O2", "-w"])
        .arg(source)
        .arg("-o")
        .arg(folder.join("peer"))
        .args(["-lircclient", "-lpthread"])
        .status();
    let hint = "the peer was not built: apt-get install gcc libircclient-dev";
    assert!(built.expect(hint).success(), "{hint}");
}

fn run_peer(folder: &Path) -> f64 {
    let output = Command::new(folder.join("peer"))
        .arg(folder.join("line"))
        .arg(LINES.to_string())
        .output()
        .expect("the peer runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let nanoseconds: f64 = text.trim().parse().expect("the peer's figure");
    f64::from(LINES) * 1e9 / nanoseconds
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
