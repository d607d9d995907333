//! Verification by a shared secret.
//! Must never look into a run.
//! Standard: OTR version 3, "The SMP state machine".

use otr::{Error, Event, Input};

use crate::people::{Person, carry, private_pair};

fn ask(person: &mut Person, question: Option<&str>, secret: &str) {
    person
        .give(Input::VerifyStart {
            question,
            secret: secret.as_bytes(),
        })
        .unwrap();
}

fn answer(person: &mut Person, secret: &str) -> Result<(), Error> {
    person.give(Input::VerifyAnswer {
        secret: secret.as_bytes(),
    })
}

fn result(person: &mut Person) -> Option<(bool, bool)> {
    person.take_events().into_iter().find_map(|event| match event {
        Event::VerifyFinished {
            equal, asked_by_us, ..
        } => Some((equal, asked_by_us)),
        _ => None,
    })
}

#[test]
fn equal_secrets_are_told_from_different_ones() {
    let (mut alice, mut bob) = private_pair();
    for (theirs, equal) in [("otter", true), ("Otter", false), ("", false), ("otter", true)] {
        ask(&mut alice, Some("which animal?"), "otter");
        carry(&mut alice, &mut bob);
        let asked = Event::VerifyAsked {
            question: Some("which animal?".to_owned()),
            instance: alice.tag,
        };
        assert_eq!(bob.take_events(), [asked]);
        answer(&mut bob, theirs).unwrap();
        carry(&mut alice, &mut bob);
        assert_eq!(result(&mut alice), Some((equal, true)));
        assert_eq!(result(&mut bob), Some((equal, false)));
    }
}

#[test]
fn a_man_in_the_middle_cannot_pass_a_run_on() {
    // Alice and bob share a secret; mallory stands between with two sessions and hands records on.
    let (mut alice, mut bob) = (Person::alice(), Person::bob());
    let mut to_alice = Person::new(2, 0x2000, otr::Config::default());
    let mut to_bob = Person::new(2, 0x3000, otr::Config::default());
    alice.start();
    carry(&mut alice, &mut to_alice);
    bob.start();
    carry(&mut bob, &mut to_bob);
    ask(&mut alice, None, "shared");
    carry(&mut alice, &mut to_alice);
    // Mallory does not know the secret; whatever she answers, the result is "different".
    answer(&mut to_alice, "guess").unwrap();
    carry(&mut alice, &mut to_alice);
    assert_eq!(result(&mut alice), Some((false, true)));
}

#[test]
fn an_answer_without_a_question_is_an_error() {
    let (mut alice, mut bob) = private_pair();
    assert_eq!(answer(&mut alice, "x"), Err(Error::NothingToAnswer));
    ask(&mut alice, None, "x");
    assert_eq!(answer(&mut alice, "x"), Err(Error::NothingToAnswer));
    carry(&mut alice, &mut bob);
    let mut stranger = Person::mallory();
    assert_eq!(answer(&mut stranger, "x"), Err(Error::NotPrivate));
}

#[test]
fn either_side_can_call_it_off() {
    for by_alice in [true, false] {
        let (mut alice, mut bob) = private_pair();
        ask(&mut alice, None, "x");
        carry(&mut alice, &mut bob);
        bob.take_events();
        if by_alice { &mut alice } else { &mut bob }
            .give(Input::VerifyAbort)
            .unwrap();
        carry(&mut alice, &mut bob);
        assert!(
            alice
                .take_events()
                .contains(&Event::VerifyAborted { instance: bob.tag })
        );
        assert!(
            bob.take_events()
                .contains(&Event::VerifyAborted { instance: alice.tag })
        );
        assert_eq!(answer(&mut bob, "x"), Err(Error::NothingToAnswer));
    }
}

#[test]
fn asking_again_while_a_run_is_under_way_calls_the_first_off() {
    let (mut alice, mut bob) = private_pair();
    ask(&mut alice, Some("one"), "x");
    assert_eq!(alice.outbox.len(), 1, "there was nothing to call off");
    ask(&mut alice, Some("two"), "y");
    assert_eq!(alice.outbox.len(), 3, "the first one is called off");
    carry(&mut alice, &mut bob);
    alice.take_events();
    bob.take_events();
    answer(&mut bob, "y").unwrap();
    carry(&mut alice, &mut bob);
    assert_eq!(result(&mut alice), Some((true, true)));
}

#[test]
fn both_asking_at_once_ends_both_runs_and_not_the_session() {
    let (mut alice, mut bob) = private_pair();
    ask(&mut alice, None, "x");
    ask(&mut bob, None, "x");
    carry(&mut alice, &mut bob);
    assert_eq!((result(&mut alice), result(&mut bob)), (None, None));
    alice.say("again, please");
    carry(&mut alice, &mut bob);
    assert_eq!(bob.texts(), ["again, please"]);
    ask(&mut alice, None, "x");
    carry(&mut alice, &mut bob);
    answer(&mut bob, "x").unwrap();
    carry(&mut alice, &mut bob);
    assert_eq!(result(&mut bob), Some((true, false)));
}

#[test]
fn a_run_does_not_outlive_its_session() {
    let (mut alice, mut bob) = private_pair();
    ask(&mut alice, None, "x");
    carry(&mut alice, &mut bob);
    alice.start();
    carry(&mut alice, &mut bob);
    assert!(
        bob.take_events()
            .contains(&Event::VerifyAborted { instance: alice.tag })
    );
    assert_eq!(answer(&mut bob, "x"), Err(Error::NothingToAnswer));
}

#[test]
fn a_question_with_nul_or_too_long_is_refused() {
    let (mut alice, _bob) = private_pair();
    let long = "x".repeat(5000);
    let start = |question| Input::VerifyStart {
        question: Some(question),
        secret: b"x",
    };
    assert_eq!(alice.give(start("a\0b")), Err(Error::NulInText));
    assert_eq!(alice.give(start(&long)), Err(Error::MessageTooLarge));
}
