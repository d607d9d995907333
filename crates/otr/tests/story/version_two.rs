//! Version 2, which is spoken only where its user asked for it.
//! Must never be answered by somebody who did not ask for it.
//! Standard: OTR version 2.

use std::num::NonZeroUsize;

use otr::{Config, Event, Input, InstanceTag, State, Version};

use crate::people::{Person, carry, private};
use crate::wire::{decode, encode};

fn old_fashioned(key: u64, tag: u32) -> Person {
    let config = Config {
        oldest: Version::Two,
        ..Config::default()
    };
    Person::new(key, tag, config)
}

/// Takes version 3 out of a query, as an old program or somebody on the way would.
fn older(query: &str) -> String {
    query.replacen("23", "2", 1)
}

/// Two who speak version 2 with each other.
fn pair() -> (Person, Person) {
    let (mut alice, mut bob) = (old_fashioned(0, 0xa11c_e000), old_fashioned(1, 0xb0b0));
    alice.start();
    let query = alice.take_outbox().remove(0);
    bob.hear(&older(&query));
    carry(&mut alice, &mut bob);
    assert!(alice.is_private_with(&bob) && bob.is_private_with(&alice));
    assert_eq!(alice.conversation.version(), Some(Version::Two));
    assert_eq!(bob.conversation.version(), Some(Version::Two));
    alice.take_events();
    bob.take_events();
    (alice, bob)
}

#[test]
fn version_two_is_refused_in_all_its_messages_unless_it_was_asked_for() {
    let (mut alice, mut mallory) = (Person::alice(), old_fashioned(2, 0xbad0));
    for body in ["?OTRv2?", "?OTR?v2?", "?OTRv2? please", "?OTRv12?"] {
        alice.hear(body);
        assert_eq!(alice.take_events(), [Event::QuerySeen { offers_ours: false }]);
    }
    mallory.hear("?OTRv2?");
    let commit = mallory.take_outbox().remove(0);
    assert_eq!(decode(&commit)[..3], [0, 2, 2]);
    let (mut one, mut other) = pair();
    let data = one.sealed("old words");
    other.hear(&data);
    for body in [&commit, &data, "?OTR,1,2,?OTR:AAIC,"] {
        alice.hear(body);
        assert_eq!(alice.take_events(), [Event::Malformed]);
    }
    assert!(alice.outbox.is_empty());
    assert_eq!(alice.conversation.state(), State::Plain);
}

#[test]
fn two_who_speak_both_versions_speak_the_newer_one() {
    let (mut alice, mut bob) = private(old_fashioned(0, 0xa11c_e000), old_fashioned(1, 0xb0b0));
    assert_eq!(alice.conversation.version(), Some(Version::Three));
    alice.say("one");
    carry(&mut alice, &mut bob);
    assert_eq!(bob.texts(), ["one"]);
}

#[test]
fn somebody_who_speaks_both_meets_somebody_who_speaks_the_newer_one() {
    let (alice, _bob) = private(old_fashioned(0, 0xa11c_e000), Person::bob());
    assert_eq!(alice.conversation.version(), Some(Version::Three));
    let (_bob, alice) = private(Person::bob(), old_fashioned(0, 0xa11c_e000));
    assert_eq!(alice.conversation.version(), Some(Version::Three));
}

#[test]
fn in_version_two_everything_works_and_says_so() {
    let (mut alice, mut bob) = pair();
    for round in 0..6 {
        alice.say(&format!("a {round}"));
        bob.say(&format!("b {round}"));
        carry(&mut alice, &mut bob);
    }
    assert_eq!((alice.texts().len(), bob.texts().len()), (6, 6));
    let secret = b"otter";
    let question = Some("which animal?");
    alice.give(Input::VerifyStart { question, secret }).unwrap();
    carry(&mut alice, &mut bob);
    bob.give(Input::VerifyAnswer { secret }).unwrap();
    carry(&mut alice, &mut bob);
    assert!(matches!(
        alice.take_events()[..],
        [Event::VerifyFinished {
            equal: true,
            instance: InstanceTag::UNTAGGED,
            ..
        }]
    ));
    alice.start();
    let query = alice.take_outbox().remove(0);
    bob.take_events();
    bob.hear(&older(&query));
    carry(&mut alice, &mut bob);
    let refreshed = |event: &Event| matches!(event, Event::Private { refreshed: true, .. });
    assert!(alice.take_events().iter().any(refreshed));
    bob.give(Input::End).unwrap();
    carry(&mut alice, &mut bob);
    assert_eq!(
        alice.take_events(),
        [Event::Finished {
            instance: InstanceTag::UNTAGGED
        }]
    );
    assert_eq!(alice.conversation.version(), None);
}

#[test]
fn our_own_exchange_messages_coming_back_begin_nothing() {
    let mut alice = old_fashioned(0, 0xa11c_e000);
    alice.hear("?OTRv2?");
    alice.take_events();
    let commit = alice.take_outbox().remove(0);
    alice.hear(&commit);
    assert_eq!(alice.take_events(), [Event::Reflected]);
    assert!(alice.outbox.is_empty());
    // The true answer is still taken.
    let mut bob = old_fashioned(1, 0xb0b0);
    bob.hear(&commit);
    carry(&mut alice, &mut bob);
    assert!(alice.is_private_with(&bob) && bob.is_private_with(&alice));
}

#[test]
fn a_message_of_one_version_is_not_taken_for_one_of_the_other() {
    let (mut alice, mut bob) = pair();
    let bytes = decode(&alice.sealed("pay 100"));
    let tags = [alice.tag.value().to_be_bytes(), bob.tag.value().to_be_bytes()].concat();
    let newer = [&[0, 3, 3], &tags[..], &bytes[3..]].concat();
    bob.hear(&encode(&newer));
    assert_eq!(bob.take_events(), [Event::Unreadable { instance: alice.tag }]);
    bob.hear(&encode(&bytes));
    assert_eq!(bob.texts(), ["pay 100"]);
}

#[test]
fn an_exchange_in_each_version_at_once_leads_to_a_session_in_each() {
    let (mut alice, mut old_bob) = (old_fashioned(0, 0xa11c_e000), old_fashioned(1, 0xb0b0));
    let mut new_bob = Person::new(1, 0xb0b1, Config::default());
    let pass = |from: &mut Person, to: &mut Person| {
        for body in from.take_outbox() {
            to.hear(&body);
        }
    };
    alice.hear("?OTRv2?");
    pass(&mut alice, &mut old_bob);
    // The newer program asks while the older one has not answered yet.
    alice.hear("?OTRv3?");
    pass(&mut alice, &mut new_bob);
    for _ in 0..3 {
        for bob in [&mut old_bob, &mut new_bob] {
            pass(bob, &mut alice);
            pass(&mut alice, bob);
        }
    }
    assert!(new_bob.is_private_with(&alice));
    assert_eq!(
        alice.conversation.private_instances().count(),
        1,
        "a commit of another version gave way"
    );
    alice.hear("?OTRv2?");
    carry(&mut alice, &mut old_bob);
    assert_eq!(alice.conversation.private_instances().count(), 2);
}

#[test]
fn in_version_two_long_messages_travel_in_its_own_pieces() {
    let (mut alice, mut bob) = pair();
    let text = "ا".repeat(2000);
    let config = Config {
        oldest: Version::Two,
        max_message: NonZeroUsize::new(100),
        ..Config::default()
    };
    let mut carol = Person::new(2, 0xca01, config);
    carol.hear("?OTRv2?");
    assert!(
        carol
            .outbox
            .iter()
            .all(|piece| piece.starts_with("?OTR,") && piece.len() <= 100)
    );
    let mut bob_2 = old_fashioned(1, 0xb0b0);
    carry(&mut carol, &mut bob_2);
    carol.say(&text);
    assert!(carol.outbox.len() > 20);
    carry(&mut carol, &mut bob_2);
    assert_eq!(bob_2.texts(), std::slice::from_ref(&text));
    alice.say(&text);
    carry(&mut alice, &mut bob);
    assert_eq!(bob.texts(), [text]);
}
