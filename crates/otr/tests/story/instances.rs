//! People with several clients.
//! Must never give two clients one tag.
//! Standard: OTR version 3, "Instance Tags".

use otr::{Config, Error, Event, Input, InstanceTag, Limits, State};

use crate::people::{Person, carry, private_pair};
use crate::wire::{decode, encode};

/// Bob's second client, with the same key as the first or with another.
fn second_bob(key: u64) -> Person {
    Person::new(key, 0x0000_b0b2, Config::default())
}

fn with_tags(body: &str, sender: Option<u32>, receiver: Option<u32>) -> String {
    let mut bytes = decode(body);
    if let Some(tag) = sender {
        bytes[3..7].copy_from_slice(&tag.to_be_bytes());
    }
    if let Some(tag) = receiver {
        bytes[7..11].copy_from_slice(&tag.to_be_bytes());
    }
    encode(&bytes)
}

#[test]
fn a_message_for_another_of_our_clients_is_told_and_left() {
    let (mut alice, mut bob) = private_pair();
    let body = bob.sealed("x");
    alice.hear(&with_tags(&body, None, Some(0x0bad_cafe)));
    assert_eq!(alice.take_events(), [Event::ForOtherInstance]);
    assert!(alice.outbox.is_empty());
}

#[test]
fn messages_with_tags_that_do_not_exist_are_dropped() {
    let (mut alice, mut bob) = private_pair();
    let body = bob.sealed("x");
    for (sender, receiver) in [
        (Some(0), None),
        (Some(0xff), None),
        (None, Some(1)),
        (None, Some(0xff)),
        (None, Some(0)),
    ] {
        alice.hear(&with_tags(&body, sender, receiver));
        assert_eq!(alice.take_events(), [Event::Malformed]);
    }
    assert!(alice.outbox.is_empty());
}

#[test]
fn tags_with_the_highest_bit_are_ordinary() {
    let (mut high, mut bob) = (Person::new(0, u32::MAX, Config::default()), Person::bob());
    high.start();
    carry(&mut high, &mut bob);
    assert!(bob.is_private_with(&high));
}

/// Both clients of bob hear what alice sends, and alice hears both.
fn carry_to_both(alice: &mut Person, one: &mut Person, two: &mut Person) {
    for _ in 0..50 {
        for body in alice.take_outbox() {
            one.hear(&body);
            two.hear(&body);
        }
        let answers = [one.take_outbox(), two.take_outbox()].concat();
        if answers.is_empty() {
            return;
        }
        for body in answers {
            alice.hear(&body);
        }
    }
    panic!("they never fall silent");
}

#[test]
fn two_clients_of_bob_each_get_a_session_whoever_begins() {
    for alice_begins in [true, false] {
        let (mut alice, mut one, mut two) = (Person::alice(), Person::bob(), second_bob(1));
        if alice_begins {
            alice.start();
        } else {
            one.start();
        }
        carry_to_both(&mut alice, &mut one, &mut two);
        assert!(one.is_private_with(&alice) && two.is_private_with(&alice));
        assert_eq!(alice.conversation.private_instances().count(), 2);
        for person in [&mut alice, &mut one, &mut two] {
            person.take_events();
        }
        one.say("from the first");
        alice.hear(&one.take_outbox()[0]);
        alice.say("to the first");
        carry_to_both(&mut alice, &mut one, &mut two);
        assert_eq!((one.texts().len(), two.texts().len()), (1, 0));
        two.say("from the second");
        alice.hear(&two.take_outbox()[0]);
        alice.say("to the second");
        carry_to_both(&mut alice, &mut one, &mut two);
        assert_eq!((one.texts().len(), two.texts().len()), (0, 1));
    }
}

#[test]
fn a_client_with_another_key_does_not_take_over_unasked() {
    let (mut alice, mut bob) = private_pair();
    let mut mallory = second_bob(2);
    mallory.start();
    carry(&mut alice, &mut mallory);
    let changed = Event::FingerprintChanged {
        old: bob.fingerprint(),
        new: mallory.fingerprint(),
    };
    assert!(alice.take_events().contains(&changed));
    mallory.say("I am bob");
    carry(&mut alice, &mut mallory);
    let Some(Event::Message { fingerprint, .. }) = alice.take_events().pop() else {
        panic!()
    };
    assert_eq!(
        fingerprint,
        mallory.fingerprint(),
        "each text says whose key vouches for it"
    );
    assert!(alice.is_private_with(&bob));
    alice.say("for bob");
    carry(&mut alice, &mut bob);
    assert_eq!(bob.texts(), ["for bob"]);
    alice.give(Input::Prefer(mallory.tag)).unwrap();
    assert!(alice.is_private_with(&mallory));
    let unknown = InstanceTag::from_u32(0x7777).unwrap();
    assert_eq!(alice.give(Input::Prefer(unknown)), Err(Error::UnknownInstance));
}

#[test]
fn the_number_of_clients_is_bounded_and_the_session_survives_the_flood() {
    let (mut alice, mut bob) = private_pair();
    for number in 0..100 {
        let mut client = Person::new(2, 0x5000 + number, Config::default());
        client.hear("?OTRv3?");
        alice.hear(&client.take_outbox()[0]);
    }
    alice.take_outbox();
    alice.say("still here");
    carry(&mut alice, &mut bob);
    assert_eq!(bob.texts(), ["still here"]);
    let few = Config {
        limits: Limits {
            instances: 1,
            ..Limits::default()
        },
        ..Config::default()
    };
    let (mut carol, mut one, mut two) = (Person::new(0, 0x9000, few), Person::bob(), second_bob(1));
    carol.start();
    carry_to_both(&mut carol, &mut one, &mut two);
    assert!(matches!(carol.conversation.state(), State::Private { .. }));
    assert_eq!(carol.conversation.private_instances().count(), 1);
}
