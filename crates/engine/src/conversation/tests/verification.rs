//! Verification by a secret: what a result proves, to whom, and for how long.
//! Must never count a right answer to a contact's own question as a proof of the contact.
//! OTRv3, "Socialist Millionaires' Protocol"; R46, R47.

use model::{Privacy, Secret, Verification};

use super::world::{ALICE, BOB, World, key};

const MALLORY: usize = 2;

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn ask(world: &mut World, who: usize, question: Option<&str>, answer: &str) {
    world
        .act(who, |c, x| c.start_verification(question, &secret(answer), x))
        .unwrap();
    world.settle();
}

fn answer(world: &mut World, who: usize, words: &str) {
    world
        .act(who, |c, x| c.answer_verification(&secret(words), x))
        .unwrap();
    world.settle();
}

fn state(world: &World, who: usize) -> Verification {
    world.sides[who].conversation.show().verification
}

fn verified(world: &World, who: usize) -> bool {
    let key = key(1 - who).fingerprint().to_string();
    let known = world.sides[who].conversation.keys();
    let recorded = known.iter().any(|k| k.fingerprint == key && k.verified);
    let shown = matches!(
        world.sides[who].conversation.privacy(),
        Privacy::Private { verified: true, .. }
    );
    assert_eq!(recorded, shown);
    recorded
}

#[test]
fn the_same_secret_verifies_both_keys() {
    let mut world = World::private(40);
    ask(&mut world, ALICE, None, "the red door");
    assert_eq!(state(&world, ALICE), Verification::Waiting);
    assert_eq!(state(&world, BOB), Verification::Asked { question: None });
    answer(&mut world, BOB, "the red door");
    for who in [ALICE, BOB] {
        assert_eq!(state(&world, who), Verification::Done { same: true });
        assert!(verified(&world, who));
    }
    assert_eq!(world.sides[ALICE].verifications.len(), 2);
}

#[test]
fn a_different_secret_verifies_nothing_and_takes_no_verification_away() {
    let mut world = World::private(41);
    ask(&mut world, ALICE, None, "the red door");
    answer(&mut world, BOB, "the blue door");
    for who in [ALICE, BOB] {
        assert_eq!(state(&world, who), Verification::Done { same: false });
        assert!(!verified(&world, who));
    }
    let bob = key(BOB).fingerprint().to_string();
    world.act(ALICE, |c, x| c.verify(&bob, true, x)).unwrap();
    ask(&mut world, BOB, None, "a");
    answer(&mut world, ALICE, "b");
    assert_eq!(state(&world, ALICE), Verification::Done { same: false });
    assert!(verified(&world, ALICE));
}

#[test]
fn a_right_answer_to_a_question_proves_only_who_answered() {
    let mut world = World::private(42);
    ask(
        &mut world,
        ALICE,
        Some("where did we\u{7} meet?\0".trim_end_matches('\0')),
        "at sea",
    );
    let question = Some("where did we meet?".to_owned());
    assert_eq!(state(&world, BOB), Verification::Asked { question });
    answer(&mut world, BOB, "at sea");
    assert!(verified(&world, ALICE));
    assert_eq!(state(&world, BOB), Verification::Done { same: true });
    assert!(
        !verified(&world, BOB),
        "a question proves nothing about who put it"
    );
    assert_eq!(world.sides[BOB].notices, ["verification.one_way"]);
}

#[test]
fn a_verification_can_be_refused_and_called_off_and_asked_again() {
    let mut world = World::private(43);
    ask(&mut world, ALICE, None, "x");
    world.act(BOB, |c, x| c.abort_verification(x)).unwrap();
    world.settle();
    assert_eq!(state(&world, ALICE), Verification::Broken);
    assert_eq!(state(&world, BOB), Verification::Broken);
    ask(&mut world, ALICE, None, "x");
    ask(&mut world, ALICE, None, "y");
    assert_eq!(state(&world, ALICE), Verification::Waiting);
    answer(&mut world, BOB, "y");
    assert!(verified(&world, ALICE) && verified(&world, BOB));
}

#[test]
fn a_verification_ends_with_the_private_conversation() {
    for who in [ALICE, BOB] {
        let mut world = World::private(44);
        ask(&mut world, ALICE, None, "x");
        world.act(who, |c, x| c.end(x));
        world.settle();
        assert_eq!(state(&world, ALICE), Verification::Broken);
        assert_eq!(state(&world, BOB), Verification::Broken);
        let refused = world.act(BOB, |c, x| c.answer_verification(&secret("x"), x));
        assert_eq!(refused.unwrap_err().code, "verification.not_under_way");
        let refused = world.act(ALICE, |c, x| c.start_verification(None, &secret("x"), x));
        assert_eq!(refused.unwrap_err().code, "verification.not_private");
    }
}

#[test]
fn a_renewed_session_breaks_a_verification_off_and_keeps_a_result() {
    let mut world = World::private(45);
    ask(&mut world, ALICE, None, "x");
    world.pass(40_000);
    world.act(BOB, |c, x| c.start(x)).unwrap();
    world.wait(3);
    assert_eq!(state(&world, ALICE), Verification::Broken);
    assert_eq!(state(&world, BOB), Verification::Broken);
    ask(&mut world, ALICE, None, "x");
    answer(&mut world, BOB, "x");
    world.pass(40_000);
    world.act(BOB, |c, x| c.start(x)).unwrap();
    world.wait(3);
    assert_eq!(state(&world, ALICE), Verification::Done { same: true });
}

#[test]
fn a_result_is_not_shown_beside_another_key() {
    let mut world = World::private(46);
    ask(&mut world, ALICE, None, "x");
    answer(&mut world, BOB, "x");
    let tag = world.tag(BOB);
    world.replace(BOB, key(MALLORY), tag);
    world.act(BOB, |c, x| c.start(x)).unwrap();
    world.wait(3);
    assert_eq!(state(&world, ALICE), Verification::None);
    let known = world.sides[ALICE].conversation.keys();
    assert!(known[0].verified && !known[1].verified && !known[1].accepted);
}

#[test]
fn endless_requests_are_shown_three_times_and_told_once() {
    let mut world = World::private(47);
    for round in 0..12 {
        ask(&mut world, BOB, Some(&format!("question {round}?")), "x");
    }
    let shown = |world: &World| {
        let asked = |v: &&Verification| matches!(v, Verification::Asked { .. });
        world.sides[ALICE].verifications.iter().filter(asked).count()
    };
    assert_eq!(shown(&world), 3);
    assert_eq!(world.sides[ALICE].notices, ["verification.too_often"]);
    assert_eq!(state(&world, BOB), Verification::Broken);
    world.pass(601_000);
    ask(&mut world, BOB, None, "x");
    assert_eq!(shown(&world), 4);
    answer(&mut world, ALICE, "x");
    assert!(verified(&world, ALICE));
}

#[test]
fn a_question_is_cut_and_secrets_are_bounded() {
    let mut world = World::private(48);
    let long = "x".repeat(model::MAX_SHARED_SECRET_BYTES + 1);
    for (question, words, code) in [
        (None, "", "verification.no_secret"),
        (None, long.as_str(), "verification.secret_too_long"),
        (Some(long.as_str()), "x", "verification.bad_question"),
        (Some("\n"), "x", "verification.bad_question"),
        (Some("a\0b"), "x", "verification.bad_question"),
    ] {
        let refused = world.act(ALICE, |c, x| c.start_verification(question, &secret(words), x));
        assert_eq!(refused.unwrap_err().code, code);
    }
    assert_eq!(state(&world, ALICE), Verification::None);
    ask(&mut world, BOB, None, "x");
    let refused = world.act(ALICE, |c, x| c.start_verification(None, &secret("x"), x));
    assert_eq!(refused.unwrap_err().code, "verification.asked");
}

#[test]
fn mallory_in_the_middle_is_found_out() {
    let mut world = World::private(49);
    let tag = world.tag(BOB);
    world.replace(BOB, key(MALLORY), tag);
    world.act(BOB, |c, x| c.start(x)).unwrap();
    world.wait(3);
    ask(&mut world, ALICE, Some("our street?"), "mill lane");
    answer(&mut world, BOB, "high street");
    assert_eq!(state(&world, ALICE), Verification::Done { same: false });
    let mallory = key(MALLORY).fingerprint().to_string();
    let known = world.sides[ALICE].conversation.keys();
    assert!(
        known
            .iter()
            .any(|k| k.fingerprint == mallory && !k.verified && !k.accepted)
    );
}
