//! The ordinary course of a conversation.
//! Must never need more than an application has.
//! Standard: OTR version 3, "State transitions".

use std::time::Duration;

use otr::{Error, Event, Input, State};

use crate::people::{Person, carry, private, private_pair, tlv};

#[test]
fn a_query_leads_to_a_private_session_and_talk() {
    let (mut alice, mut bob) = (Person::alice(), Person::bob());
    assert_eq!(alice.conversation.state(), State::Plain);
    alice.start();
    assert_eq!(alice.conversation.state(), State::Starting);
    carry(&mut alice, &mut bob);
    let (
        Event::Private {
            ssid,
            refreshed: false,
            fingerprint,
            instance,
        },
        ours,
    ) = (alice.events[0].clone(), bob.events[1].clone())
    else {
        panic!("{:?}", alice.events);
    };
    assert_eq!((fingerprint, instance), (bob.fingerprint(), bob.tag));
    let Event::Private { ssid: theirs, .. } = ours else {
        panic!("{:?}", bob.events)
    };
    assert_eq!(ssid.bytes(), theirs.bytes());
    assert_ne!(ssid.reads_first_half(), theirs.reads_first_half());
    for round in 0..20 {
        let (text, answer) = (format!("question {round}"), format!("answer {round}"));
        alice.say(&text);
        bob.say(&answer);
        carry(&mut alice, &mut bob);
        assert_eq!(bob.texts().last(), Some(&text));
        assert_eq!(alice.texts().last(), Some(&answer));
    }
}

#[test]
fn two_who_begin_at_once_reach_one_session() {
    let (mut alice, mut bob) = (Person::alice(), Person::bob());
    alice.start();
    bob.start();
    carry(&mut alice, &mut bob);
    assert!(alice.is_private_with(&bob) && bob.is_private_with(&alice));
    let count = |person: &Person| {
        person
            .events
            .iter()
            .filter(|event| matches!(event, Event::Private { .. }))
            .count()
    };
    assert_eq!((count(&alice), count(&bob)), (1, 1));
    alice.say("one");
    carry(&mut alice, &mut bob);
    assert_eq!(bob.texts(), ["one"]);
}

/// Carries all but the body with this number.
fn carry_losing(alice: &mut Person, bob: &mut Person, lost: usize) {
    let mut number = 0;
    for _ in 0..20 {
        for alice_speaks in [true, false] {
            let (from, to) = if alice_speaks {
                (&mut *alice, &mut *bob)
            } else {
                (&mut *bob, &mut *alice)
            };
            for body in from.take_outbox() {
                if number != lost {
                    to.hear(&body);
                }
                number += 1;
            }
        }
    }
}

#[test]
fn an_exchange_of_which_any_message_got_lost_does_not_block_the_next_one() {
    for lost in 0..5 {
        for alice_again in [true, false] {
            let (mut alice, mut bob) = (Person::alice(), Person::bob());
            alice.start();
            carry_losing(&mut alice, &mut bob, lost);
            assert!(!alice.is_private_with(&bob) || !bob.is_private_with(&alice));
            if alice_again {
                alice.start();
            } else {
                bob.start();
            }
            carry(&mut alice, &mut bob);
            assert!(
                alice.is_private_with(&bob) && bob.is_private_with(&alice),
                "message {lost} lost, alice again: {alice_again}"
            );
            alice.take_events();
            bob.take_events();
            alice.say("one");
            bob.say("two");
            carry(&mut alice, &mut bob);
            assert_eq!(
                (alice.texts(), bob.texts()),
                (vec!["two".to_owned()], vec!["one".to_owned()])
            );
        }
    }
}

#[test]
fn exchanges_that_both_began_of_which_any_message_got_lost_do_not_block_the_next_one() {
    for lost in 0..10 {
        let (mut alice, mut bob) = (Person::alice(), Person::bob());
        alice.start();
        bob.start();
        carry_losing(&mut alice, &mut bob, lost);
        bob.start();
        carry(&mut alice, &mut bob);
        assert!(
            alice.is_private_with(&bob) && bob.is_private_with(&alice),
            "message {lost} lost"
        );
        alice.take_events();
        bob.take_events();
        alice.say("one");
        carry(&mut alice, &mut bob);
        assert_eq!(bob.texts(), ["one"]);
    }
}

#[test]
fn crossing_messages_all_arrive() {
    let (mut alice, mut bob) = private_pair();
    for round in 0..10 {
        for number in 0..3 {
            alice.say(&format!("a {round} {number}"));
            bob.say(&format!("b {round} {number}"));
        }
        carry(&mut alice, &mut bob);
        assert_eq!(alice.texts().len(), 3);
        assert_eq!(bob.texts().len(), 3);
    }
}

#[test]
fn texts_of_all_kinds_arrive_unchanged() {
    let (mut alice, mut bob) = private_pair();
    let long = "سلام دنیا 🦦 ".repeat(1200);
    let huge = "x".repeat(1 << 20);
    for text in [
        "?OTRv3?",
        "?OTR:AAMD.",
        "?OTR Error: no",
        "سلام",
        "👩‍👩‍👧",
        " ",
        "<b>x</b>",
        &long,
        &huge,
    ] {
        alice.say(text);
        carry(&mut alice, &mut bob);
        assert_eq!(bob.texts(), [text]);
    }
}

#[test]
fn a_text_with_nul_or_beyond_the_limit_is_refused() {
    let (mut alice, _bob) = private_pair();
    let mut send = |text: &str| {
        alice.give(Input::Send {
            text,
            tlvs: &[],
            tag: 0,
        })
    };
    assert_eq!(send("a\0b"), Err(Error::NulInText));
    assert_eq!(send(&"x".repeat((1 << 20) + 1)), Err(Error::MessageTooLarge));
    assert!(alice.outbox.is_empty());
}

#[test]
fn records_travel_with_and_without_a_text() {
    let (mut alice, mut bob) = private_pair();
    let records = [tlv(0x100, b"OFFER"), tlv(0x101, &[0; 65_535])];
    alice
        .give(Input::Send {
            text: "look",
            tlvs: &records,
            tag: 1,
        })
        .unwrap();
    alice
        .give(Input::Notice {
            tlvs: &records[..1],
            tag: 2,
        })
        .unwrap();
    assert_eq!(alice.tags, [Some(1), Some(2)]);
    carry(&mut alice, &mut bob);
    let (fingerprint, instance) = (alice.fingerprint(), alice.tag);
    assert_eq!(
        bob.take_events(),
        [
            Event::Message {
                text: "look".to_owned(),
                tlvs: records.to_vec(),
                instance,
                fingerprint
            },
            Event::Notice {
                tlvs: records[..1].to_vec(),
                instance,
                fingerprint
            },
        ]
    );
    let reserved = [tlv(1, b"")];
    assert_eq!(
        alice.give(Input::Notice {
            tlvs: &reserved,
            tag: 3
        }),
        Err(Error::ReservedTlv)
    );
}

#[test]
fn when_bob_ends_alice_cannot_send_until_a_new_session_stands() {
    let (mut alice, mut bob) = private_pair();
    bob.give(Input::End).unwrap();
    assert_eq!(bob.conversation.state(), State::Plain);
    carry(&mut alice, &mut bob);
    assert_eq!(alice.take_events(), [Event::Finished { instance: bob.tag }]);
    assert_eq!(alice.conversation.state(), State::Finished);
    assert_eq!(
        alice.give(Input::Send {
            text: "secret",
            tlvs: &[],
            tag: 0
        }),
        Err(Error::Finished)
    );
    assert!(alice.outbox.is_empty());
    alice.start();
    assert_eq!(
        alice.give(Input::Send {
            text: "secret",
            tlvs: &[],
            tag: 0
        }),
        Err(Error::NotPrivate)
    );
    carry(&mut alice, &mut bob);
    alice.say("secret");
    carry(&mut alice, &mut bob);
    assert_eq!(bob.texts(), ["secret"]);
}

#[test]
fn a_refreshed_session_says_so_and_talk_goes_on() {
    let (mut alice, mut bob) = private_pair();
    alice.say("before");
    carry(&mut alice, &mut bob);
    bob.take_events();
    bob.start();
    carry(&mut alice, &mut bob);
    assert!(
        bob.take_events()
            .iter()
            .any(|event| matches!(event, Event::Private { refreshed: true, .. }))
    );
    bob.say("after");
    carry(&mut alice, &mut bob);
    assert_eq!(alice.texts(), ["after"]);
}

#[test]
fn a_start_that_nobody_answers_times_out() {
    let mut alice = Person::alice();
    alice.start();
    assert_eq!(alice.wake, Some(alice.now + Duration::from_secs(60)));
    alice.tick_after(59);
    assert_eq!(alice.conversation.state(), State::Starting);
    alice.tick_after(1);
    assert_eq!(alice.conversation.state(), State::Plain);
    assert_eq!(alice.take_events(), [Event::StartTimedOut]);
}

#[test]
fn a_heartbeat_answers_after_a_minute_of_silence_and_only_once() {
    let (mut alice, mut bob) = private_pair();
    for person in [&mut alice, &mut bob] {
        person.now += Duration::from_secs(61);
    }
    alice.say("are you there");
    let body = alice.take_outbox().remove(0);
    bob.hear(&body);
    assert_eq!(bob.outbox.len(), 1, "a heartbeat");
    alice.hear(&bob.take_outbox().remove(0));
    assert_eq!(alice.take_events(), []);
    assert!(alice.outbox.is_empty(), "a heartbeat is not answered");
}

#[test]
fn both_sides_derive_the_same_extra_key() {
    let (mut alice, mut bob) = private_pair();
    alice
        .give(Input::ShareKey {
            usage: 0x4f46,
            data: b"picture",
        })
        .unwrap();
    carry(&mut alice, &mut bob);
    let key = |events: Vec<Event>| match events.into_iter().next() {
        Some(Event::ExtraKey {
            usage: 0x4f46,
            data,
            key,
            ours,
            ..
        }) if data == b"picture" => (key, ours),
        other => panic!("{other:?}"),
    };
    let ((ours, true), (theirs, false)) = (key(alice.take_events()), key(bob.take_events())) else {
        panic!()
    };
    assert_eq!(ours.expose_secret(), theirs.expose_secret());
    assert!(ours.expose_secret().windows(2).any(|two| two[0] != two[1]));
    assert_eq!(format!("{ours:?}"), "ExtraKey(..)");
}

#[test]
fn short_messages_all_have_the_same_length_on_the_wire() {
    let (mut alice, _bob) = private(Person::alice(), Person::bob());
    let lengths: Vec<usize> = ["", "yes", "no", "a longer answer"]
        .map(|text| {
            alice
                .give(Input::Send {
                    text,
                    tlvs: &[],
                    tag: 0,
                })
                .unwrap();
            alice.take_outbox()[0].len()
        })
        .to_vec();
    assert!(lengths.iter().all(|length| *length == lengths[0]), "{lengths:?}");
}

#[test]
fn a_conversation_can_move_between_threads() {
    fn moves<T: Send>() {}
    moves::<otr::Conversation>();
    moves::<otr::PrivateKey>();
}

#[test]
fn the_session_number_is_shown_in_two_groups() {
    let (alice, _bob) = private_pair();
    let State::Private { ssid, .. } = alice.conversation.state() else {
        panic!()
    };
    let shown = ssid.to_string();
    assert_eq!(shown.len(), 17);
    assert_eq!(shown.split(' ').map(str::len).collect::<Vec<_>>(), [8, 8]);
}
