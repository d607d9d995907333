//! Our transcripts in the hands of libotr's tools for forgers: what deniability is worth.
//! Must never pass without those tools.
//! Standard: OTR version 3, "Revealing MAC Keys"; `otr_toolkit(1)`.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

#[path = "support/peer.rs"]
mod peer;
#[path = "support/people.rs"]
mod people;
#[path = "support/wire.rs"]
mod wire;

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use otr::{Config, Event, Padding};
use peer::{hex, program};
use people::{Person, carry, private};
use wire::Data;

/// Runs a tool; what it wrote, if it succeeded.
fn tool(name: &str, arguments: &[&str], input: &str) -> Option<String> {
    let mut command = program(Path::new(name));
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{name} ({error}): install the Debian package libotr5-bin"));
    let mut stdin = child.stdin.take().expect("piped");
    writeln!(stdin, "{input}").expect("the tool reads");
    drop(stdin);
    let output = child.wait_with_output().expect("the tool ends");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    output.status.success().then_some(text)
}

/// The value behind a label in what a tool wrote, as digits only.
fn field(text: &str, label: &str) -> String {
    let (_, rest) = text
        .split_once(label)
        .unwrap_or_else(|| panic!("no {label} in {text}"));
    let value = rest.trim_start_matches([':', ' ', '\t', '\n']);
    let mut digits = value.split(|letter: char| !letter.is_ascii_hexdigit());
    digits.next().unwrap_or_default().to_owned()
}

fn pair() -> (Person, Person) {
    let config = Config {
        padding: Padding::Off,
        ..Config::default()
    };
    private(
        Person::new(0, 0xa11c_e000, config.clone()),
        Person::new(1, 0xb0b0, config),
    )
}

/// A talk in turns; all bodies that crossed, alice's first.
fn talk(alice: &mut Person, bob: &mut Person, rounds: usize) -> Vec<String> {
    let mut crossed = Vec::new();
    for round in 0..rounds {
        let (from, to) = if round % 2 == 0 {
            (&mut *alice, &mut *bob)
        } else {
            (&mut *bob, &mut *alice)
        };
        from.say(&format!("pay {}", 100 + round));
        crossed.extend(carry(from, to));
    }
    crossed
}

/// The MAC keys that a message gives away, as digits.
fn revealed(body: &str) -> Vec<String> {
    Data::new(body).revealed().iter().map(|key| hex(key)).collect()
}

#[test]
fn libotrs_tools_read_every_message_that_we_send() {
    let (mut alice, mut bob) = (Person::alice(), Person::bob());
    alice.start();
    let mut crossed = carry(&mut alice, &mut bob);
    crossed.extend(talk(&mut alice, &mut bob, 6));
    let read = tool("otr_parse", &[], &crossed.join("\n")).unwrap();
    for (name, count) in [
        ("D-H Commit Message:", 1),
        ("D-H Key Message:", 1),
        ("Reveal Signature Message:", 1),
        ("Signature Message:", 2),
        ("Data Message:", 6),
    ] {
        assert_eq!(read.matches(name).count(), count, "{name} {read}");
    }
    for body in crossed.iter().rev().take(6) {
        for key in revealed(body) {
            assert!(read.contains(&key), "{read}");
        }
    }
}

/// Mallory hands a forgery to both; neither shows it.
fn is_refused(forgery: &str, alice: &mut Person, bob: &mut Person) {
    for person in [alice, bob] {
        person.take_events();
        person.hear(forgery);
        let events = person.take_events();
        let shown = |event: &Event| matches!(event, Event::Message { .. } | Event::Plaintext { .. });
        assert!(!events.is_empty() && !events.iter().any(shown), "{events:?}");
        person.take_outbox();
    }
}

#[test]
fn each_key_that_we_give_away_forges_an_earlier_message_with_libotrs_tools_and_not_for_a_live_session() {
    let (mut alice, mut bob) = pair();
    let crossed = talk(&mut alice, &mut bob, 10);
    let mut count = 0;
    for (number, body) in crossed.iter().enumerate() {
        for key in revealed(body) {
            let modify = |(place, earlier): (usize, &String)| {
                let old = format!("pay {}", 100 + place);
                tool("otr_modify", &[&key, &old, "pay 999", "0"], earlier)
            };
            let forgeries: Vec<String> = crossed[..number].iter().enumerate().filter_map(modify).collect();
            assert_eq!(forgeries.len(), 1, "a key belongs to one message of this talk");
            is_refused(forgeries[0].trim(), &mut alice, &mut bob);
            count += 1;
        }
    }
    assert!(count >= 5, "{count}");
    talk(&mut alice, &mut bob, 2);
    assert_eq!((alice.texts().len(), bob.texts().len()), (1, 1));
}

/// The AES key under which alice sealed `body`, found as she or bob could: from one of her exponents
/// and the key that bob had announced.
fn sending_key(alice: &Person, announced: &[u8], body: &str) -> String {
    for words in alice.dice.drawn.chunks_exact(5) {
        let exponent: Vec<u8> = words.iter().rev().flat_map(|word| word.to_be_bytes()).collect();
        let keys = tool("otr_sesskeys", &[&hex(&exponent), &hex(announced)], "").unwrap();
        let key = field(&keys, "Sending   AES key");
        if tool("otr_readforge", &[&key], body)
            .unwrap()
            .contains("Plaintext")
        {
            return key;
        }
    }
    panic!("none of alice's exponents fits");
}

#[test]
fn who_knows_the_keys_of_a_message_reads_and_forges_it_with_libotrs_tools() {
    let (mut alice, mut bob) = pair();
    let crossed = talk(&mut alice, &mut bob, 8);
    let given: Vec<String> = crossed.iter().flat_map(|body| revealed(body)).collect();
    for number in [2, 4] {
        let body = &crossed[number];
        let key = sending_key(&alice, Data::new(&crossed[number - 1]).next_key(), body);
        let told = tool("otr_readforge", &[&key, "pay 999"], body).unwrap();
        assert!(
            told.starts_with(&format!("Plaintext: ``pay {}''", 100 + number)),
            "{told}"
        );
        let forgery = told.lines().last().unwrap();
        let read_again = tool("otr_readforge", &[&key], forgery).unwrap();
        assert!(read_again.starts_with("Plaintext: ``pay 999''"), "{read_again}");
        is_refused(forgery, &mut alice, &mut bob);
        let mac_key = field(&tool("otr_mackey", &[&key], "").unwrap(), "MAC key");
        assert!(given.contains(&mac_key), "bob gave it away himself");
    }
}
