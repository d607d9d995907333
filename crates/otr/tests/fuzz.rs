//! Any body at all, in every state, and nothing panics, grows or leaks.
//! Must never accept a text that nobody sent.
//! Standard: none.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

#[path = "support/people.rs"]
mod people;
#[path = "support/wire.rs"]
mod wire;

use otr::{Event, Input};
use people::{Person, carry, private_pair};
use proptest::prelude::*;
use wire::encode;

const SECRET: &str = "the text that must not leave";

/// Cases of each property: few in every run, as many as `OTR_FUZZ_CASES` says in a long one.
fn cases() -> u32 {
    std::env::var("OTR_FUZZ_CASES")
        .ok()
        .and_then(|number| number.parse().ok())
        .unwrap_or(24)
}

/// Bob in each of the states that a conversation can be in.
fn bobs() -> Vec<Person> {
    let mut all = vec![Person::bob()];
    let (mut alice, mut bob) = (Person::alice(), Person::bob());
    alice.start();
    for step in 0..5 {
        let (from, to) = if step % 2 == 0 {
            (&mut alice, &mut bob)
        } else {
            (&mut bob, &mut alice)
        };
        for body in from.take_outbox() {
            to.hear(&body);
        }
        let mut copy = Person::bob();
        replay_into(&mut copy, step);
        all.push(copy);
    }
    let (_, private) = private_pair();
    let (mut leaving, mut finished) = private_pair();
    leaving.give(Input::End).unwrap();
    carry(&mut leaving, &mut finished);
    let (_, mut ended) = private_pair();
    ended.give(Input::End).unwrap();
    let (mut asking, mut asked) = private_pair();
    asking
        .give(Input::VerifyStart {
            question: None,
            secret: b"x",
        })
        .unwrap();
    carry(&mut asking, &mut asked);
    all.extend([private, finished, ended, asked, asking]);
    for person in &mut all {
        person.take_events();
        person.take_outbox();
    }
    all
}

/// Brings a fresh bob so far into an exchange.
fn replay_into(bob: &mut Person, steps: usize) {
    let mut alice = Person::alice();
    alice.start();
    for step in 0..=steps {
        let (from, to) = if step % 2 == 0 {
            (&mut alice, &mut *bob)
        } else {
            (&mut *bob, &mut alice)
        };
        for body in from.take_outbox() {
            to.hear(&body);
        }
    }
}

fn check(body: &str) {
    for mut bob in bobs() {
        for _ in 0..2 {
            bob.hear(body);
        }
        let _refused = bob.give(Input::Send {
            text: SECRET,
            tlvs: &[],
            tag: 0,
        });
        bob.tick_after(61);
        bob.hear(body);
        assert!(
            bob.outbox
                .iter()
                .all(|body| body.starts_with("?OTR") && !body.contains(SECRET))
        );
        let accepted = |event: &Event| matches!(event, Event::Message { .. } | Event::Notice { .. });
        assert!(!bob.events.iter().any(accepted));
        assert!(bob.events.len() + bob.outbox.len() < 20);
    }
}

/// True messages of an exchange and a session, to be bent.
fn true_messages() -> Vec<Vec<u8>> {
    let (mut alice, mut bob) = (Person::alice(), Person::bob());
    alice.start();
    let mut crossed = carry(&mut alice, &mut bob);
    alice.say("hello");
    crossed.extend(alice.take_outbox());
    crossed
        .iter()
        .filter(|body| body.starts_with("?OTR:"))
        .map(|body| wire::decode(body))
        .collect()
}

/// What mallory does next with what she has seen.
#[derive(Clone, Debug)]
enum Move {
    Say,
    Refresh,
    Deliver(prop::sample::Index),
    DeliverAll,
}

fn moves() -> impl Strategy<Value = Vec<(bool, Move)>> {
    let one = prop_oneof![
        4 => Just(Move::Say),
        1 => Just(Move::Refresh),
        6 => any::<prop::sample::Index>().prop_map(Move::Deliver),
        2 => Just(Move::DeliverAll),
    ];
    prop::collection::vec((any::<bool>(), one), 1..80)
}

/// One of two people, all bodies ever made for her, and how many she was given in order.
struct Side {
    person: Person,
    seen: Vec<String>,
    given: usize,
    said: Vec<String>,
    heard: Vec<String>,
}

impl Side {
    fn new(person: Person) -> Self {
        Self {
            person,
            seen: Vec::new(),
            given: 0,
            said: Vec::new(),
            heard: Vec::new(),
        }
    }

    fn step(&mut self, other: &mut Self, next: &Move, number: usize) {
        match next {
            Move::Say => {
                let text = format!("{number}");
                if self
                    .person
                    .give(Input::Send {
                        text: &text,
                        tlvs: &[],
                        tag: 0,
                    })
                    .is_ok()
                {
                    self.said.push(text);
                }
            }
            Move::Refresh => self.person.start(),
            Move::Deliver(index) => {
                if !self.seen.is_empty() {
                    let body = index.get(&self.seen).clone();
                    self.person.hear(&body);
                }
            }
            Move::DeliverAll => {
                for body in self.seen.iter().skip(self.given) {
                    self.person.hear(body);
                }
                self.given = self.seen.len();
            }
        }
        other.seen.extend(self.person.take_outbox());
        self.heard.extend(self.person.texts());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_survived(body in any::<String>()) {
        check(&body);
    }

    #[test]
    fn any_text_that_begins_like_otr_is_survived(start in "\\?OTR[:|,?vE ]?", body in ".{0,200}") {
        check(&format!("{start}{body}"));
    }

    #[test]
    fn any_armoured_bytes_are_survived(kind in prop::sample::select(vec![2u8, 3, 10, 17, 18, 0]), bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let header = [0, 3, kind, 0xa1, 0x1c, 0xe0, 0, 0, 0, 0xb0, 0xb0];
        check(&encode(&[&header[..], &bytes].concat()));
    }

    #[test]
    fn any_fragment_is_survived(body in "\\?OTR\\|[0-9a-f]{0,9}\\|[0-9a-f]{0,9},[0-9]{0,6},[0-9]{0,6},.{0,50},?") {
        check(&body);
    }

    #[test]
    fn bent_true_messages_are_survived(which in 0usize..5, at in any::<prop::sample::Index>(), value in any::<[u8; 4]>(), cut in any::<prop::sample::Index>()) {
        let messages = true_messages();
        let mut bytes = messages[which % messages.len()].clone();
        let place = at.index(bytes.len());
        for (byte, value) in bytes[place..].iter_mut().zip(value) {
            *byte ^= value | 1;
        }
        check(&encode(&bytes));
        bytes.truncate(cut.index(bytes.len()));
        check(&encode(&bytes));
    }

    #[test]
    fn a_network_that_drops_repeats_and_reorders_never_makes_a_text_twice_or_of_nothing(moves in moves()) {
        let (alice, bob) = private_pair();
        let (mut alice, mut bob) = (Side::new(alice), Side::new(bob));
        for (number, (first, next)) in moves.iter().enumerate() {
            let (one, other) = if *first { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };
            one.step(other, next, number);
        }
        for (ours, theirs) in [(&alice, &bob), (&bob, &alice)] {
            for (index, text) in ours.heard.iter().enumerate() {
                prop_assert!(theirs.said.contains(text), "a text that nobody said");
                prop_assert!(!ours.heard[..index].contains(text), "a text came twice");
            }
        }
        // Whatever she did, a new start over an honest network leads to talk again.
        let (mut alice, mut bob) = (alice.person, bob.person);
        for person in [&mut alice, &mut bob] {
            person.tick_after(61);
            person.take_outbox();
        }
        alice.start();
        carry(&mut alice, &mut bob);
        alice.take_events();
        bob.take_events();
        alice.say("at last");
        carry(&mut alice, &mut bob);
        prop_assert_eq!(bob.texts(), ["at last"]);
    }
}
