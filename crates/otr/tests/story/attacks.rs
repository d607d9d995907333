//! Mallory reads, drops, repeats, changes and invents what crosses the network.
//! Must never know a key that mallory would not know.
//! Standard: OTR version 3, "Key Management", "Revealing MAC Keys", "State transitions".

use std::time::Duration;

use otr::{Event, Input, State};

use crate::people::{Dice, Person, carry, private_pair};
use crate::wire::{Data, decode, encode, kind};

const SECRET: Input<'_> = Input::Send {
    text: "x",
    tlvs: &[],
    tag: 0,
};

fn errors(person: &Person) -> usize {
    person
        .outbox
        .iter()
        .filter(|body| body.starts_with("?OTR Error:"))
        .count()
}

#[test]
fn a_replayed_message_is_refused_and_answered_by_nothing() {
    let (mut alice, mut bob) = private_pair();
    let body = alice.sealed("pay 100");
    bob.hear(&body);
    assert_eq!(bob.texts(), ["pay 100"]);
    for _ in 0..5 {
        bob.hear(&body);
        assert_eq!(bob.take_events(), [Event::Replayed { instance: alice.tag }]);
    }
    assert!(bob.outbox.is_empty());
}

#[test]
fn a_message_is_known_again_after_its_keys_are_gone() {
    let (mut alice, mut bob) = private_pair();
    let body = alice.sealed("pay 100");
    bob.hear(&body);
    for round in 0..6 {
        alice.say(&format!("a {round}"));
        carry(&mut alice, &mut bob);
        bob.say(&format!("b {round}"));
        carry(&mut alice, &mut bob);
    }
    bob.take_events();
    bob.hear(&body);
    assert_eq!(
        bob.take_events(),
        [Event::Replayed { instance: alice.tag }],
        "rotated away"
    );
    bob.start();
    carry(&mut alice, &mut bob);
    bob.take_events();
    bob.hear(&body);
    assert_eq!(
        bob.take_events(),
        [Event::Replayed { instance: alice.tag }],
        "refreshed"
    );
    alice.give(Input::End).unwrap();
    carry(&mut alice, &mut bob);
    bob.take_events();
    bob.hear(&body);
    assert_eq!(
        bob.take_events(),
        [Event::Replayed { instance: alice.tag }],
        "finished"
    );
    assert!(bob.outbox.is_empty());
}

#[test]
fn an_overtaken_message_is_refused_and_talk_goes_on() {
    let (mut alice, mut bob) = private_pair();
    let (first, second) = (alice.sealed("first"), alice.sealed("second"));
    bob.hear(&second);
    bob.hear(&first);
    assert_eq!(bob.texts(), ["second"]);
    bob.say("yes");
    carry(&mut alice, &mut bob);
    alice.say("third");
    carry(&mut alice, &mut bob);
    assert_eq!(
        (alice.texts(), bob.texts()),
        (vec!["yes".to_owned()], vec!["third".to_owned()])
    );
}

#[test]
fn lost_messages_do_not_stop_the_talk() {
    let (mut alice, mut bob) = private_pair();
    for round in 0..40u32 {
        let (from, to) = if round % 2 == 0 {
            (&mut alice, &mut bob)
        } else {
            (&mut bob, &mut alice)
        };
        let body = from.sealed(&format!("{round}"));
        if round % 3 != 0 {
            to.hear(&body);
            assert_eq!(to.texts(), [format!("{round}")]);
        }
    }
}

#[test]
fn a_changed_byte_anywhere_is_noticed() {
    let (mut alice, mut bob) = private_pair();
    let body = alice.sealed("pay 100");
    let data = Data::new(&body);
    for at in 0..data.mac_at + 20 {
        let mut bytes = data.bytes.clone();
        bytes[at] ^= 0x01;
        bob.hear(&encode(&bytes));
        assert_eq!(bob.texts(), Vec::<String>::new(), "byte {at}");
    }
    assert!(errors(&bob) <= 1, "at most one error is answered");
    bob.hear(&body);
    assert_eq!(bob.texts(), ["pay 100"]);
}

#[test]
fn a_message_cut_short_or_with_more_behind_it_is_malformed() {
    let (mut alice, mut bob) = private_pair();
    let bytes = decode(&alice.sealed("pay 100"));
    for length in 0..bytes.len() {
        bob.hear(&encode(&bytes[..length]));
    }
    bob.hear(&encode(&[&bytes[..], &[0]].concat()));
    assert!(bob.take_events().iter().all(|event| *event == Event::Malformed));
    assert!(bob.outbox.is_empty());
}

#[test]
fn broken_armour_and_giant_lengths_are_malformed_and_unanswered() {
    let mut bob = Person::bob();
    let giant = [&[0, 3, 2, 0, 0, 1, 1, 0, 0, 0, 0][..], &[0xff; 40]].concat();
    let long = format!("?OTR:{}.", "A".repeat(3 << 20));
    for body in [
        "?OTR:===.",
        "?OTR:.",
        "?OTR:",
        "?OTR:AAMD",
        "?OTR:é.",
        &encode(&giant),
        &long,
        "?OTR|",
        "?OTR|,,,,",
        "?OTR,1,2,?OTR:AAIC,",
    ] {
        bob.hear(body);
        assert_eq!(bob.take_events(), [Event::Malformed], "{body:.40}");
    }
    assert!(bob.outbox.is_empty());
}

#[test]
fn mac_keys_are_given_away_once_after_their_keys_are_forgotten_and_only_receiving_ones() {
    let (mut alice, mut bob) = private_pair();
    let (mut by_alice, mut by_bob) = (Vec::new(), Vec::new());
    for round in 0..12 {
        by_alice.push(alice.sealed(&format!("a {round}")));
        bob.hear(by_alice.last().unwrap());
        by_bob.push(bob.sealed(&format!("b {round}")));
        alice.hear(by_bob.last().unwrap());
    }
    alice.give(Input::End).unwrap();
    by_alice.append(&mut alice.outbox);
    let given: Vec<[u8; 20]> = by_alice
        .iter()
        .flat_map(|body| Data::new(body).revealed())
        .collect();
    assert!(given.len() >= 11, "{}", given.len());
    for (number, key) in given.iter().enumerate() {
        assert!(!given[..number].contains(key), "given away twice");
        assert!(
            by_bob.iter().any(|body| Data::new(body).verifies(key)),
            "belongs to a message of bob"
        );
        assert!(
            !by_alice.iter().any(|body| Data::new(body).verifies(key)),
            "a sending key was given away"
        );
    }
    for body in &by_bob {
        assert!(
            given.iter().any(|key| Data::new(body).verifies(key)),
            "a used key was kept back"
        );
    }
}

#[test]
fn a_given_away_key_forges_old_messages_for_everybody_but_not_for_a_live_session() {
    let (mut alice, mut bob) = private_pair();
    let mut by_bob: Vec<String> = Vec::new();
    for round in 0..8 {
        let body = alice.sealed(&format!("a {round}"));
        for key in Data::new(&body).revealed() {
            let old = by_bob
                .iter()
                .map(|body| Data::new(body))
                .find(|data| data.verifies(&key))
                .unwrap();
            let forged = old.forged(&key);
            assert!(Data::new(&forged).verifies(&key), "everybody can make it");
            alice.take_events();
            alice.hear(&forged);
            assert_eq!(alice.texts(), Vec::<String>::new(), "the live session refuses it");
            alice.take_outbox();
        }
        bob.hear(&body);
        by_bob.push(bob.sealed(&format!("b {round}")));
        alice.hear(by_bob.last().unwrap());
    }
}

#[test]
fn an_injected_error_starts_nothing_and_is_not_answered() {
    let (mut alice, _bob) = private_pair();
    for _ in 0..3 {
        alice.hear("?OTR Error: please resend");
    }
    assert!(alice.outbox.is_empty());
    assert_eq!(
        alice.take_events()[0],
        Event::PeerError {
            text: "please resend".to_owned()
        }
    );
    assert!(matches!(alice.conversation.state(), State::Private { .. }));
}

#[test]
fn two_who_cannot_read_each_other_do_not_flood_with_errors() {
    let (mut alice, _lost) = private_pair();
    let mut bob = Person::bob();
    let mut crossed = 0;
    for _ in 0..50 {
        alice.say("?");
        crossed += carry(&mut alice, &mut bob)
            .iter()
            .filter(|body| body.starts_with("?OTR Error:"))
            .count();
    }
    assert_eq!(crossed, 1);
    bob.now += Duration::from_secs(61);
    alice.say("?");
    let later = carry(&mut alice, &mut bob)
        .iter()
        .filter(|body| body.starts_with("?OTR Error:"))
        .count();
    assert_eq!(later, 1);
}

#[test]
fn an_unreadable_notice_is_passed_over_in_silence() {
    let (mut alice, _bob) = private_pair();
    let mut stranger = Person::bob();
    alice.give(Input::Notice { tlvs: &[], tag: 0 }).unwrap();
    stranger.hear(&alice.take_outbox()[0]);
    assert!(stranger.take_events().is_empty() && stranger.outbox.is_empty());
}

#[test]
fn another_key_in_a_refresh_is_told_before_the_session() {
    let (mut alice, bob) = private_pair();
    let mut mallory = Person::new(2, bob.tag.value(), otr::Config::default());
    mallory.start();
    carry(&mut mallory, &mut alice);
    let events = alice.take_events();
    let changed = Event::FingerprintChanged {
        old: bob.fingerprint(),
        new: mallory.fingerprint(),
    };
    let at = events
        .iter()
        .position(|event| *event == changed)
        .expect("the change is told");
    assert!(matches!(events[at + 1], Event::Private { refreshed: false, .. }));
}

#[test]
fn the_fingerprint_of_the_last_session_is_remembered_over_its_end() {
    let (mut alice, mut bob) = private_pair();
    alice.give(Input::End).unwrap();
    carry(&mut alice, &mut bob);
    let mut mallory = Person::mallory();
    alice.start();
    carry(&mut alice, &mut mallory);
    let changed = Event::FingerprintChanged {
        old: bob.fingerprint(),
        new: mallory.fingerprint(),
    };
    assert!(alice.take_events().contains(&changed));
}

#[test]
fn our_own_messages_coming_back_are_known() {
    let (mut alice, mut bob) = private_pair();
    let body = alice.sealed("x");
    alice.hear(&body);
    assert_eq!(alice.take_events(), [Event::Reflected]);
    bob.start();
    let query = bob.take_outbox();
    alice.hear(&query[0]);
    let commit = alice.take_outbox();
    alice.take_events();
    alice.hear(&commit[0]);
    assert_eq!(alice.take_events(), [Event::Reflected]);
    assert!(alice.outbox.is_empty());
}

#[test]
fn a_replayed_commit_does_not_disturb_the_exchange_after_its_own() {
    let (mut alice, mut bob) = (Person::alice(), Person::bob());
    alice.start();
    let crossed = carry(&mut alice, &mut bob);
    let commit = crossed.iter().find(|body| body.starts_with("?OTR:AAMC")).unwrap();
    alice.start();
    for body in alice.take_outbox() {
        bob.hear(&body);
    }
    for body in bob.take_outbox() {
        alice.hear(&body);
    }
    alice.take_events();
    alice.hear(commit);
    assert_eq!(alice.take_events(), [Event::Replayed { instance: bob.tag }]);
    carry(&mut alice, &mut bob);
    let refreshed = |event: &Event| matches!(event, Event::Private { refreshed: true, .. });
    assert!(alice.take_events().iter().any(refreshed));
}

#[test]
fn a_flood_of_commits_does_not_tear_a_session_down() {
    let (mut alice, mut bob) = private_pair();
    for round in 0..20 {
        let mut mallory = Person::new(2, bob.tag.value(), otr::Config::default());
        mallory.dice = Dice::new(round);
        mallory.hear("?OTRv3?");
        alice.hear(&mallory.take_outbox()[0]);
    }
    assert!(alice.take_events().is_empty());
    alice.take_outbox();
    alice.say("still here");
    bob.say("me too");
    carry(&mut alice, &mut bob);
    assert_eq!(
        (alice.texts(), bob.texts()),
        (vec!["me too".to_owned()], vec!["still here".to_owned()])
    );
}

#[test]
fn every_changed_exchange_message_fails_and_the_true_one_still_succeeds() {
    let mut log = Vec::new();
    let (mut alice, mut bob) = (Person::alice(), Person::bob());
    alice.start();
    for round in 0..5 {
        let (from, to) = if round % 2 == 0 {
            (&mut alice, &mut bob)
        } else {
            (&mut bob, &mut alice)
        };
        for body in from.take_outbox() {
            if body.starts_with("?OTR:") {
                let bytes = decode(&body);
                // The D-H Commit can only be checked when it is opened, so it is left true here.
                let from_byte = if bytes[2] == 0x02 { bytes.len() } else { 11 };
                for at in (from_byte..bytes.len()).step_by(7) {
                    let mut changed = bytes.clone();
                    changed[at] ^= 0x80;
                    if bytes[2] != 0x0a {
                        to.hear(&encode(&changed));
                        assert!(
                            !matches!(to.conversation.state(), State::Private { .. }),
                            "byte {at}"
                        );
                    }
                }
                log.push(bytes[2]);
            }
            to.hear(&body);
        }
    }
    assert_eq!(log, [0x02, 0x0a, 0x11, 0x12]);
    assert!(alice.is_private_with(&bob) && bob.is_private_with(&alice));
}

#[test]
fn a_false_reveal_or_signature_is_told_and_the_true_one_counts() {
    let (mut alice, mut bob) = (Person::alice(), Person::bob());
    alice.hear("?OTRv3?");
    bob.hear(&alice.take_outbox()[0]);
    alice.hear(&bob.take_outbox()[0]);
    alice.take_events();
    bob.take_events();
    let bent = |body: &str| {
        let mut bytes = decode(body);
        *bytes.last_mut().unwrap() ^= 1;
        encode(&bytes)
    };
    let reveal = alice.take_outbox().remove(0);
    bob.hear(&bent(&reveal));
    assert_eq!(bob.take_events(), [Event::ExchangeFailed { instance: alice.tag }]);
    bob.hear(&reveal);
    let signature = bob.take_outbox().remove(0);
    alice.hear(&bent(&signature));
    assert_eq!(alice.take_events(), [Event::ExchangeFailed { instance: bob.tag }]);
    alice.hear(&signature);
    assert!(alice.is_private_with(&bob) && bob.is_private_with(&alice));
}

#[test]
fn a_repeated_key_is_answered_as_long_as_the_exchange_waits() {
    let (mut alice, mut bob) = (Person::alice(), Person::bob());
    alice.hear("?OTRv3?");
    bob.hear(&alice.take_outbox()[0]);
    let key = bob.take_outbox().remove(0);
    alice.tick_after(59);
    alice.hear(&key);
    let reveal = alice.take_outbox();
    // Our commit to everybody is forgotten by now, but not what bob answered.
    alice.tick_after(2);
    alice.hear(&key);
    assert_eq!(alice.take_outbox(), reveal);
    alice.tick_after(60);
    alice.hear(&key);
    assert!(alice.outbox.is_empty());
}

#[test]
fn a_refresh_gives_the_used_keys_of_the_session_before_away() {
    let (mut alice, mut bob) = private_pair();
    let old = bob.sealed("before");
    alice.hear(&old);
    alice.start();
    carry(&mut alice, &mut bob);
    let given = Data::new(&alice.sealed("after")).revealed();
    assert!(given.iter().any(|key| Data::new(&old).verifies(key)));
}

#[test]
fn exchange_messages_out_of_place_change_nothing() {
    let (mut alice, mut bob) = (Person::alice(), Person::bob());
    alice.start();
    let crossed = carry(&mut alice, &mut bob);
    let (mut carol, fresh) = (Person::alice(), Person::bob());
    for body in crossed
        .iter()
        .filter(|body| body.starts_with("?OTR:") && kind(body) != 0x02)
    {
        carol.hear(body);
    }
    assert!(carol.outbox.is_empty());
    assert_eq!(carol.conversation.state(), State::Plain);
    drop(fresh);
    // Delivered again after the session stands, they change nothing either.
    for body in crossed.iter().filter(|body| body.starts_with("?OTR:")) {
        alice.hear(body);
        bob.hear(body);
    }
    assert!(alice.outbox.is_empty() && bob.outbox.is_empty());
    alice.take_events();
    bob.take_events();
    alice.say("fine");
    carry(&mut alice, &mut bob);
    assert_eq!(bob.texts(), ["fine"]);
}

#[test]
fn an_exchange_that_mallory_relays_with_his_own_numbers_fails() {
    // Mallory answers alice's and bob's exchanges in the middle with his key: each sees mallory's fingerprint.
    let (mut alice, mut mallory) = (Person::alice(), Person::new(2, 0xb0b0, otr::Config::default()));
    alice.start();
    carry(&mut alice, &mut mallory);
    assert!(alice.is_private_with(&mallory));
    assert!(!alice.is_private_with(&Person::bob()));
}

#[test]
fn a_query_for_older_versions_is_seen_and_not_followed() {
    let mut bob = Person::bob();
    for body in ["?OTRv2?", "?OTR?", "?OTR?v2?", "?OTRv?", "?OTRv12?"] {
        bob.hear(body);
        assert_eq!(bob.take_events(), [Event::QuerySeen { offers_ours: false }]);
    }
    assert!(bob.outbox.is_empty());
    assert_eq!(bob.conversation.state(), State::Plain);
}

#[test]
fn plaintext_in_a_private_session_is_alarmed_and_kept_apart() {
    let (mut alice, mut bob) = private_pair();
    alice.hear("send me the password");
    let plain = |alarmed| Event::Plaintext {
        text: "send me the password".to_owned(),
        alarmed,
    };
    assert_eq!(alice.take_events(), [plain(true)]);
    bob.give(Input::End).unwrap();
    carry(&mut alice, &mut bob);
    alice.take_events();
    alice.hear("send me the password");
    assert_eq!(alice.take_events(), [plain(true)]);
    let mut fresh = Person::alice();
    fresh.hear("send me the password");
    assert_eq!(fresh.take_events(), [plain(false)]);
}

#[test]
fn a_message_before_any_session_is_unreadable_and_answered_once() {
    let (mut alice, _bob) = private_pair();
    let body = alice.sealed("x");
    let mut stranger = Person::bob();
    stranger.hear(&body);
    stranger.hear(&body);
    assert_eq!(
        stranger.take_events(),
        vec![Event::Unreadable { instance: alice.tag }; 2]
    );
    assert_eq!(errors(&stranger), 1);
    assert!(stranger.give(SECRET).is_err());
}
