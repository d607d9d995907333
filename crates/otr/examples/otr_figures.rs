//! Figures of this crate beside those of the real libotr, measured in turns in the same run.
//! Must never print a figure of one side without the other's.
//! Standard: none. One JSON object a line; `--list` names the figures; names as arguments choose some.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a harness that prints its figures and may stop at the first surprise"
)]

#[path = "../tests/support/peer.rs"]
mod peer;
#[path = "../tests/support/people.rs"]
mod people;

use std::num::NonZeroUsize;
use std::time::Instant;

use otr::{Config, Event, Input, Padding, PrivateKey};
use peer::Peer;
use people::{Person, carry, private};

/// Rounds of which the median counts.
const ROUNDS: usize = 9;

/// One figure: its name, libotr's command for it, our work, operations a round, unit, and the goal:
/// the highest ratio of our time to libotr's.
struct Figure {
    name: &'static str,
    command: &'static str,
    ours: fn(&mut Person, &mut Person, usize),
    operations: usize,
    unit: &'static str,
    nanoseconds_per_unit: f64,
    goal: f64,
}

const FIGURES: [Figure; 8] = [
    Figure {
        name: "otr.key_generation",
        command: "key 3",
        ours: keys,
        operations: 3,
        unit: "ms",
        nanoseconds_per_unit: 1e6,
        goal: 2.0,
    },
    Figure {
        name: "otr.smp_both_sides",
        command: "smp 1",
        ours: verifications,
        operations: 1,
        unit: "ms",
        nanoseconds_per_unit: 1e6,
        goal: 0.76,
    },
    Figure {
        name: "otr.ake_both_sides",
        command: "ake 10",
        ours: exchanges,
        operations: 10,
        unit: "ms",
        nanoseconds_per_unit: 1e6,
        goal: 0.7,
    },
    Figure {
        name: "otr.message_ping_pong",
        command: "pingpong 50",
        ours: ping_pong,
        operations: 50,
        unit: "ms",
        nanoseconds_per_unit: 1e6,
        goal: 0.65,
    },
    Figure {
        name: "otr.message_burst_100b",
        command: "burst 100 20000",
        ours: |alice, bob, count| burst(alice, bob, 100, count),
        operations: 20_000,
        unit: "us",
        nanoseconds_per_unit: 1e3,
        goal: 1.0,
    },
    Figure {
        name: "otr.message_1kb",
        command: "burst 1000 10000",
        ours: |alice, bob, count| burst(alice, bob, 1000, count),
        operations: 10_000,
        unit: "us",
        nanoseconds_per_unit: 1e3,
        goal: 1.1,
    },
    Figure {
        name: "otr.message_10kb",
        command: "burst 10000 2000",
        ours: |alice, bob, count| burst(alice, bob, 10_000, count),
        operations: 2000,
        unit: "us",
        nanoseconds_per_unit: 1e3,
        goal: 1.0,
    },
    Figure {
        name: "otr.message_1mb",
        command: "burst 1000000 20",
        ours: |alice, bob, count| burst(alice, bob, 1_000_000, count),
        operations: 20,
        unit: "ms",
        nanoseconds_per_unit: 1e6,
        goal: 1.0,
    },
];

/// The figure of memory, and how many sessions it is measured over.
const MEMORY: &str = "otr.memory_per_session";
const SESSIONS: usize = 1000;
/// By this argument the program measures the memory of a fresh process, its own.
const MEASURE_MEMORY: &str = "--memory";

fn main() {
    let names: Vec<String> = std::env::args().skip(1).collect();
    if names.iter().any(|name| name == MEASURE_MEMORY) {
        return println!("{}", memory());
    }
    if names.iter().any(|name| name == "--list") {
        println!("{MEMORY}");
    } else if names.is_empty() || names.iter().any(|name| name == MEMORY) {
        measure_memory();
    }
    for figure in &FIGURES {
        if names.iter().any(|name| name == "--list") {
            println!("{}", figure.name);
        } else if names.is_empty() || names.iter().any(|name| name == figure.name) {
            measure(figure);
        }
    }
}

/// Both sides in turns; the medians are printed.
fn measure(figure: &Figure) {
    let config = Config {
        padding: Padding::Off,
        max_message: None::<NonZeroUsize>,
        ..Config::default()
    };
    let (mut alice, mut bob) = private(
        Person::new(0, 0x1000, config.clone()),
        Person::new(1, 0x2000, config),
    );
    let mut peer = Peer::new();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        (figure.ours)(&mut alice, &mut bob, figure.operations);
        ours.push(
            begin.elapsed().as_secs_f64() * 1e9 / figure.operations as f64 / figure.nanoseconds_per_unit,
        );
        theirs.push(peer.measured(figure.command) / figure.nanoseconds_per_unit);
    }
    let (ours, theirs) = (median(ours), median(theirs));
    let (ratio, Figure { name, unit, goal, .. }) = (ours / theirs, figure);
    let met = ratio <= *goal;
    println!(
        "{{\"figure\": \"{name}\", \"ours\": {ours:.3}, \"peer\": \"libotr 4.1.1\", \"theirs\": {theirs:.3}, \
         \"unit\": \"{unit}\", \"ratio\": {ratio:.2}, \"goal\": {goal}, \"met\": {met}}}"
    );
}

/// Each side in a process of its own, where nothing was freed before.
fn measure_memory() {
    let own = std::env::current_exe().expect("a program knows its place");
    let told = peer::program(&own).arg(MEASURE_MEMORY).output().expect("it runs");
    let text = String::from_utf8(told.stdout).expect("a number");
    let ours: f64 = text.trim().parse::<f64>().expect("a number") / 1024.0;
    let theirs = Peer::new().measured(&format!("memory {SESSIONS}")) / 1024.0;
    let (ratio, met) = (ours / theirs, ours <= 16.0);
    println!(
        "{{\"figure\": \"{MEMORY}\", \"ours\": {ours:.1}, \"peer\": \"libotr 4.1.1\", \"theirs\": {theirs:.1}, \
         \"unit\": \"KiB\", \"ratio\": {ratio:.2}, \"goal\": 16, \"met\": {met}}}"
    );
}

/// Bytes that one side of a private session holds, after four messages in turns.
fn memory() -> usize {
    let person = |number, tag| Person::new(number, tag, Config::default());
    let mut all = vec![private(person(0, 0x1000), person(1, 0x2000))];
    let before = resident();
    for _ in 0..SESSIONS {
        let (mut alice, mut bob) = private(person(0, 0x1000), person(1, 0x2000));
        ping_pong(&mut alice, &mut bob, 4);
        for one in [&mut alice, &mut bob] {
            one.dice.drawn = Vec::new();
            (one.outbox, one.tags, one.events) = (Vec::new(), Vec::new(), Vec::new());
        }
        all.push((alice, bob));
    }
    let held = resident() - before;
    assert!(all.iter().all(|(alice, bob)| alice.is_private_with(bob)));
    held / (2 * SESSIONS)
}

/// Bytes that this process has in memory.
fn resident() -> usize {
    let told = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = told.split_whitespace().nth(1).expect("the second number");
    pages.parse::<usize>().expect("a number") * 4096
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn exchanges(alice: &mut Person, bob: &mut Person, count: usize) {
    for _ in 0..count {
        alice.start();
        carry(alice, bob);
    }
    assert!(alice.is_private_with(bob) && bob.is_private_with(alice));
    alice.take_events();
    bob.take_events();
}

fn keys(alice: &mut Person, _: &mut Person, count: usize) {
    for _ in 0..count {
        PrivateKey::generate(&mut alice.dice);
    }
}

fn verifications(alice: &mut Person, bob: &mut Person, count: usize) {
    for _ in 0..count {
        alice
            .give(Input::VerifyStart {
                question: None,
                secret: b"otter",
            })
            .expect("private");
        carry(alice, bob);
        bob.give(Input::VerifyAnswer { secret: b"otter" }).expect("asked");
        carry(alice, bob);
        assert!(matches!(
            alice.take_events()[..],
            [Event::VerifyFinished { equal: true, .. }]
        ));
        bob.take_events();
    }
}

fn ping_pong(alice: &mut Person, bob: &mut Person, count: usize) {
    for _ in 0..count / 2 {
        alice.say("about twenty letters");
        carry(alice, bob);
        bob.say("about twenty letters");
        carry(alice, bob);
    }
    assert_eq!((alice.texts().len(), bob.texts().len()), (count / 2, count / 2));
}

fn burst(alice: &mut Person, bob: &mut Person, size: usize, count: usize) {
    let text = "x".repeat(size);
    for _ in 0..count {
        alice.say(&text);
        for body in alice.take_outbox() {
            bob.hear(&body);
        }
        assert_eq!(bob.take_events().len(), 1);
    }
}
