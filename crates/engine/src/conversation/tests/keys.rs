//! Keys that change: nothing goes to one that the owner did not accept.
//! Must never show a message as coming from another key than the one that vouches for it.
//! R49 and the resend attack (A8); instance tags (A33).

use std::sync::Arc;

use model::{Delivery, Privacy, Wait};
use otr::InstanceTag;

use super::super::MAX_KEYS;
use super::world::{ALICE, BOB, Dice, World, key};

const MALLORY: usize = 2;

fn fingerprint(who: usize) -> String {
    key(who).fingerprint().to_string()
}

fn key_of_session(world: &World) -> String {
    match world.sides[ALICE].conversation.privacy() {
        Privacy::Private { fingerprint, .. } => fingerprint,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_key_is_accepted_and_told_and_not_verified() {
    let world = World::private(20);
    assert_eq!(world.sides[ALICE].new_keys, [(fingerprint(BOB), false)]);
    let known = world.sides[ALICE].conversation.keys();
    assert!(known.len() == 1 && known[0].accepted && !known[0].verified);
}

#[test]
fn nothing_is_sent_to_a_changed_key_until_the_owner_accepts_it() {
    let mut world = World::private(21);
    let tag = world.tag(BOB);
    world.replace(BOB, key(MALLORY), tag);
    let id = world.write(ALICE, "for bob only");
    world.wait(90);
    assert!(world.is_private(ALICE));
    assert!(world.sides[BOB].came.is_empty());
    assert_eq!(
        *world.delivery(ALICE, &id),
        Delivery::Waiting { wait: Wait::NewKey }
    );
    assert!(
        world.sides[ALICE]
            .new_keys
            .contains(&(fingerprint(MALLORY), true))
    );
    world
        .act(ALICE, |c, x| c.accept(&fingerprint(MALLORY).to_lowercase(), x))
        .unwrap();
    world.wait(5);
    assert_eq!(world.sides[BOB].texts(), ["for bob only"]);
    assert_eq!(*world.delivery(ALICE, &id), Delivery::Received);
}

#[test]
fn an_injected_error_does_not_have_a_message_sent_again_to_mallory() {
    let mut world = World::private(22);
    let tag = world.tag(BOB);
    let id = world.write(ALICE, "the plan");
    world.take(ALICE).unwrap();
    world.wires[BOB].clear();
    let before = world.sides[ALICE].transmitted;
    world.replace(BOB, key(MALLORY), tag);
    world.hand(ALICE, "?OTR Error: please send again");
    world.act(BOB, |c, x| c.start(x)).unwrap();
    world.wait(200);
    assert!(world.sides[BOB].came.is_empty());
    assert_eq!(key_of_session(&world), fingerprint(MALLORY));
    assert!(!matches!(world.delivery(ALICE, &id), Delivery::Received));
    assert!(world.sides[ALICE].transmitted < before + 80);
}

#[test]
fn an_unaccepted_key_hears_nothing_encrypted_at_all() {
    let mut world = World::private(23);
    let tag = world.tag(BOB);
    world.replace(BOB, key(MALLORY), tag);
    world.act(BOB, |c, x| c.start(x)).unwrap();
    world.wait(5);
    world.write(BOB, "it is me, bob");
    world.wait(5);
    let before = world.sides[ALICE].transmitted;
    world.write(BOB, "hello?");
    world.wait(10);
    assert_eq!(
        world.sides[ALICE].transmitted, before,
        "something went to an unaccepted key"
    );
    assert_eq!(world.sides[ALICE].texts(), ["it is me, bob", "hello?"]);
    assert!(
        world.sides[ALICE]
            .came
            .iter()
            .all(|message| message.fingerprint == Some(fingerprint(MALLORY)))
    );
}

/// Alice has a session with bob, and a second program with mallory's key has one with her too.
fn with_second_program(seed: u64) -> World {
    let mut world = World::private(seed);
    let other = InstanceTag::random(&mut Dice(77));
    world.replace(BOB, key(MALLORY), other);
    world.act(BOB, |c, x| c.start(x)).unwrap();
    world.wait(3);
    assert!(world.is_private(BOB));
    world
}

#[test]
fn a_second_program_with_another_key_does_not_take_over_the_session() {
    let world = with_second_program(24);
    assert_eq!(key_of_session(&world), fingerprint(BOB));
    assert!(
        world.sides[ALICE]
            .new_keys
            .contains(&(fingerprint(MALLORY), true))
    );
}

#[test]
fn a_text_of_a_second_program_is_shown_with_its_own_key() {
    let mut world = with_second_program(25);
    world
        .act(ALICE, |c, x| c.verify(&fingerprint(BOB), true, x))
        .unwrap();
    world.write(BOB, "bob here, trust me");
    world.wait(4);
    let came = &world.sides[ALICE].came;
    assert_eq!(came[0].text, "bob here, trust me");
    assert_eq!(came[0].fingerprint, Some(fingerprint(MALLORY)));
}

#[test]
fn a_second_program_cannot_make_a_message_look_undelivered() {
    let mut world = World::private(26);
    let id = world.write(ALICE, "taken over");
    let letter = world.take(ALICE).unwrap();
    let other = InstanceTag::random(&mut Dice(78));
    world.replace(BOB, key(MALLORY), other);
    world.act(BOB, |c, x| c.start(x)).unwrap();
    world.settle();
    assert_eq!(*world.delivery(ALICE, &id), Delivery::Sent);
    assert!(!letter.body.is_empty());
}

#[test]
fn an_accepted_second_program_gets_the_next_messages() {
    let mut world = with_second_program(27);
    world
        .act(ALICE, |c, x| c.accept(&fingerprint(MALLORY), x))
        .unwrap();
    world.wait(1);
    assert_eq!(key_of_session(&world), fingerprint(MALLORY));
    let id = world.write(ALICE, "to your new machine");
    world.wait(5);
    assert_eq!(world.sides[BOB].texts(), ["to your new machine"]);
    assert_eq!(*world.delivery(ALICE, &id), Delivery::Received);
}

#[test]
fn a_key_that_was_never_seen_cannot_be_accepted() {
    let mut world = World::private(28);
    let refused = world
        .act(ALICE, |c, x| c.accept(&fingerprint(MALLORY), x))
        .unwrap_err();
    assert_eq!(refused.code, "fingerprint.unknown");
    let refused = world.act(ALICE, |c, x| c.verify("", true, x)).unwrap_err();
    assert_eq!(refused.code, "fingerprint.unknown");
}

#[test]
fn endless_new_keys_are_not_kept_without_end() {
    let mut world = World::private(29);
    let tag = world.tag(BOB);
    let mallory = otr::PrivateKey::from_bytes(&key(MALLORY).to_bytes()).unwrap();
    for number in 0..MAX_KEYS + 10 {
        world.act(ALICE, |c, _| {
            c.keys.push(model::KnownFingerprint {
                fingerprint: format!("{number}"),
                accepted: false,
                verified: false,
            });
            c.keys.truncate(MAX_KEYS);
        });
    }
    world.replace(BOB, Arc::new(mallory), tag);
    world.act(BOB, |c, x| c.start(x)).unwrap();
    world.wait(3);
    let known = world.sides[ALICE].conversation.keys();
    assert_eq!(known.len(), MAX_KEYS);
    assert_eq!(known[0].fingerprint, fingerprint(BOB));
    assert_eq!(known[MAX_KEYS - 1].fingerprint, fingerprint(MALLORY));
}

#[test]
fn a_distrusted_key_ends_the_conversation_and_gets_nothing_until_accepted_again() {
    let mut world = World::private(30);
    world
        .act(ALICE, |c, x| c.verify(&fingerprint(BOB), true, x))
        .unwrap();
    world.act(ALICE, |c, x| c.distrust(&fingerprint(BOB), x)).unwrap();
    world.settle();
    assert_eq!(world.sides[BOB].conversation.privacy(), Privacy::Finished);
    let known = &world.sides[ALICE].conversation.keys()[0];
    assert!(!known.accepted && !known.verified);
    let id = world.write(ALICE, "wait");
    world.act(BOB, |c, x| c.start(x)).unwrap();
    world.wait(40);
    assert!(world.is_private(ALICE) && world.sides[BOB].came.is_empty());
    assert_eq!(
        *world.delivery(ALICE, &id),
        Delivery::Waiting { wait: Wait::NewKey }
    );
    world.act(ALICE, |c, x| c.accept(&fingerprint(BOB), x)).unwrap();
    world.wait(10);
    assert_eq!(world.sides[BOB].texts(), ["wait"]);
}

#[test]
fn with_the_only_key_distrusted_no_other_is_accepted_by_itself() {
    let mut world = World::private(31);
    world.act(ALICE, |c, x| c.distrust(&fingerprint(BOB), x)).unwrap();
    let tag = world.tag(BOB);
    world.replace(BOB, key(MALLORY), tag);
    world.act(BOB, |c, x| c.start(x)).unwrap();
    world.wait(5);
    assert!(world.sides[ALICE].conversation.keys().iter().all(|k| !k.accepted));
    assert!(
        world.sides[ALICE]
            .new_keys
            .contains(&(fingerprint(MALLORY), true))
    );
}

#[test]
fn a_key_in_use_is_not_forgotten_and_another_one_is() {
    let mut world = World::private(32);
    let refused = world
        .act(ALICE, |c, x| c.forget_key(&fingerprint(BOB), x))
        .unwrap_err();
    assert_eq!(refused.code, "fingerprint.in_use");
    world.act(ALICE, |c, x| c.end(x));
    world
        .act(ALICE, |c, x| c.forget_key(&fingerprint(BOB).to_lowercase(), x))
        .unwrap();
    assert!(world.sides[ALICE].conversation.keys().is_empty());
    let refused = world
        .act(ALICE, |c, x| c.forget_key(&fingerprint(BOB), x))
        .unwrap_err();
    assert_eq!(refused.code, "fingerprint.unknown");
}

#[test]
fn an_own_key_that_is_renewed_ends_the_conversation_and_is_new_to_the_contact() {
    let mut world = World::private(33);
    let tag = world.tag(ALICE);
    world.act(ALICE, |c, x| c.set_own_key(key(MALLORY), tag, x));
    world.settle();
    assert_eq!(world.sides[BOB].conversation.privacy(), Privacy::Finished);
    world.write(ALICE, "it is me, with a new key");
    world.wait(20);
    assert_eq!(
        world.sides[BOB].new_keys.last(),
        Some(&(fingerprint(MALLORY), true))
    );
    let came = &world.sides[BOB].came[0];
    assert_eq!(came.text, "it is me, with a new key");
    assert_eq!(came.fingerprint, Some(fingerprint(MALLORY)));
}
