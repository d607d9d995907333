//! Tests with records that an honest program does not send.
//! Must never weaken a check to make a test easier to write.
//! Standard: OTR version 3, "State transitions".

use super::*;
use crate::data::IGNORE_UNREADABLE;
use crate::instance::Instance;
use crate::smp;
use crate::testing::{Dice, alice_key, bob_key};
use crate::tlv::{self, Tlv};

const NOW: Duration = Duration::from_secs(1000);

fn tag(value: u32) -> InstanceTag {
    InstanceTag::from_u32(value).unwrap()
}

/// Carries what both have to send; gives the events of both.
fn carry(alice: &mut Conversation, bob: &mut Conversation, rng: &mut Dice) -> (Vec<Event>, Vec<Event>) {
    let mut events = (Vec::new(), Vec::new());
    loop {
        let outputs: (Vec<Output>, Vec<Output>) =
            (alice.outputs.drain(..).collect(), bob.outputs.drain(..).collect());
        if outputs.0.is_empty() && outputs.1.is_empty() {
            return events;
        }
        for (outputs, to, events) in [
            (outputs.0, &mut *bob, &mut events.0),
            (outputs.1, &mut *alice, &mut events.1),
        ] {
            for output in outputs {
                match output {
                    Output::Event(event) => events.push(event),
                    Output::Send { body, .. } => to.handle(Input::Receive(&body), NOW, rng).unwrap(),
                    Output::Wake(_) => {}
                }
            }
        }
    }
}

fn pair() -> (Conversation, Conversation, Dice) {
    let mut rng = Dice::new(77);
    let mut alice = Conversation::new(alice_key(), tag(0x1000), Config::default());
    let mut bob = Conversation::new(bob_key(), tag(0x2000), Config::default());
    alice.handle(Input::Start, NOW, &mut rng).unwrap();
    carry(&mut alice, &mut bob, &mut rng);
    assert!(matches!(bob.state(), State::Private { .. }));
    (alice, bob, rng)
}

/// Alice sends these records; what happens to bob, and what to alice by his answers.
fn send(text: &str, tlvs: &[Tlv]) -> (Vec<Event>, Vec<Event>, State) {
    let (mut alice, mut bob, mut rng) = pair();
    alice.encrypt(tag(0x2000), 0, text, tlvs, None, NOW).unwrap();
    let (by_alice, by_bob) = carry(&mut alice, &mut bob, &mut rng);
    (by_bob, by_alice, bob.state())
}

fn record(kind: u16, value: &[u8]) -> Tlv {
    Tlv {
        kind,
        value: value.to_vec(),
    }
}

fn message(text: &str, tlvs: &[Tlv]) -> Event {
    let (instance, fingerprint) = (tag(0x1000), alice_key().fingerprint());
    Event::Message {
        text: text.to_owned(),
        tlvs: tlvs.to_vec(),
        instance,
        fingerprint,
    }
}

#[test]
fn a_farewell_with_a_text_shows_the_text_and_then_ends() {
    let (events, _, state) = send("bye", &[record(tlv::DISCONNECTED, b""), record(8, b"abcd")]);
    assert_eq!(
        events,
        [
            message("bye", &[]),
            Event::Finished {
                instance: tag(0x1000)
            }
        ]
    );
    assert_eq!(state, State::Finished);
}

#[test]
fn an_extra_key_record_that_is_too_short_is_ignored() {
    for value in [&b""[..], b"a", b"abc"] {
        assert_eq!(send("", &[record(8, value)]).0, []);
    }
    assert!(
        matches!(&send("", &[record(8, b"abcd")]).0[..], [Event::ExtraKey { usage: 0x6162_6364, data, .. }] if data.is_empty())
    );
}

#[test]
fn unknown_records_are_handed_on_and_padding_is_not() {
    let unknown = [record(9, b"x"), record(0xffff, &[1; 60_000])];
    let all = [&unknown[..], &[record(0, &[7; 3000])]].concat();
    assert_eq!(send("t", &all).0, [message("t", &unknown)]);
}

#[test]
fn broken_verification_records_are_answered_by_an_abort_and_show_nothing() {
    for kind in [
        smp::MESSAGE_1,
        smp::MESSAGE_2,
        smp::MESSAGE_3,
        smp::MESSAGE_4,
        smp::MESSAGE_1_QUESTION,
    ] {
        for value in [
            &b""[..],
            b"no end of the question",
            &[0xff; 400],
            b"q\0",
            b"q\0\0\0\0\x06",
        ] {
            let (at_bob, at_alice, state) = send("", &[record(kind, value), record(kind, value)]);
            assert_eq!((at_bob, at_alice), (vec![], vec![]), "type {kind}");
            assert!(matches!(state, State::Private { .. }));
        }
    }
}

#[test]
fn a_broken_record_in_a_run_calls_it_off_on_both_sides() {
    let (mut alice, mut bob, mut rng) = pair();
    bob.handle(
        Input::VerifyStart {
            question: None,
            secret: b"x",
        },
        NOW,
        &mut rng,
    )
    .unwrap();
    carry(&mut alice, &mut bob, &mut rng);
    alice
        .encrypt(tag(0x2000), 0, "", &[record(smp::MESSAGE_2, b"junk")], None, NOW)
        .unwrap();
    let (at_alice, at_bob) = carry(&mut alice, &mut bob, &mut rng);
    assert_eq!(
        at_bob,
        [Event::VerifyAborted {
            instance: tag(0x1000)
        }]
    );
    assert_eq!(
        at_alice,
        [Event::VerifyAborted {
            instance: tag(0x2000)
        }]
    );
}

#[test]
fn a_storm_of_aborts_is_not_answered() {
    let (mut alice, mut bob, mut rng) = pair();
    for _ in 0..20 {
        alice
            .encrypt(tag(0x2000), 0, "", &[record(smp::ABORT, b"")], None, NOW)
            .unwrap();
    }
    let sent = alice.outputs.len();
    assert_eq!(carry(&mut alice, &mut bob, &mut rng), (vec![], vec![]));
    assert_eq!(sent, 20);
}

#[test]
fn flags_that_do_not_exist_are_ignored() {
    let (mut alice, mut bob, mut rng) = pair();
    alice.encrypt(tag(0x2000), 0xfe, "hello", &[], None, NOW).unwrap();
    assert_eq!(carry(&mut alice, &mut bob, &mut rng).1, [message("hello", &[])]);
}

#[test]
fn messages_of_the_protocol_itself_may_be_unreadable_in_silence() {
    let (mut alice, _, mut rng) = pair();
    let flags = |conversation: &mut Conversation| {
        let body = conversation.outputs.drain(..).find_map(|output| match output {
            Output::Send { body, .. } => Some(body),
            _ => None,
        });
        crate::wire::disarm(&body.unwrap()).unwrap()[11]
    };
    alice
        .handle(Input::Notice { tlvs: &[], tag: 0 }, NOW, &mut rng)
        .unwrap();
    assert_eq!(flags(&mut alice), IGNORE_UNREADABLE);
    alice
        .handle(
            Input::VerifyStart {
                question: None,
                secret: b"x",
            },
            NOW,
            &mut rng,
        )
        .unwrap();
    assert_eq!(flags(&mut alice), IGNORE_UNREADABLE);
    alice
        .handle(
            Input::Send {
                text: "x",
                tlvs: &[],
                tag: 0,
            },
            NOW,
            &mut rng,
        )
        .unwrap();
    assert_eq!(flags(&mut alice), 0);
    let later = NOW + Duration::from_secs(61);
    alice.heartbeat(tag(0x2000), later);
    assert_eq!(flags(&mut alice), IGNORE_UNREADABLE);
    alice.handle(Input::End, NOW, &mut rng).unwrap();
    assert_eq!(flags(&mut alice), IGNORE_UNREADABLE);
}

#[test]
fn a_half_open_exchange_is_forgotten_after_a_minute() {
    let mut rng = Dice::new(5);
    let mut alice = Conversation::new(alice_key(), tag(0x1000), Config::default());
    let mut bob = Conversation::new(bob_key(), tag(0x2000), Config::default());
    let bodies = |conversation: &mut Conversation| -> Vec<String> {
        let outputs = conversation.outputs.drain(..);
        outputs
            .filter_map(|output| {
                if let Output::Send { body, .. } = output {
                    Some(body)
                } else {
                    None
                }
            })
            .collect()
    };
    alice.handle(Input::Receive("?OTRv3?"), NOW, &mut rng).unwrap();
    for body in bodies(&mut alice) {
        bob.handle(Input::Receive(&body), NOW, &mut rng).unwrap();
    }
    for body in bodies(&mut bob) {
        alice.handle(Input::Receive(&body), NOW, &mut rng).unwrap();
    }
    let reveal = bodies(&mut alice);
    assert_eq!(reveal.len(), 1);
    bob.handle(
        Input::Receive(&reveal[0]),
        NOW + Duration::from_secs(60),
        &mut rng,
    )
    .unwrap();
    assert_eq!(bob.state(), State::Plain);
    assert!(bodies(&mut bob).is_empty());
}

#[test]
fn every_session_ends_even_if_a_farewell_cannot_be_sent() {
    let (mut alice, _, mut rng) = pair();
    alice.config.max_message = NonZeroUsize::new(10);
    assert_eq!(
        alice.handle(Input::End, NOW, &mut rng),
        Err(Error::MessageTooLarge)
    );
    assert!(
        alice
            .instances
            .values()
            .all(|instance: &Instance| instance.session().is_none())
    );
}
