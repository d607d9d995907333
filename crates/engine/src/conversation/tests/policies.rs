//! Policies: what goes readable, what never does, and what becomes of messages when the owner changes one.
//! Must never let a message that was written to be encrypted cross the wire readable.
//! R48 to R52; OTRv3, "Policies".

use model::{Delivery, Message, MessageId, Policy, Privacy, Wait};
use otr::InstanceTag;

use super::world::{ALICE, BOB, Dice, World, key};

fn shown(world: &World, who: usize, id: &MessageId) -> Message {
    let messages = world.sides[who].conversation.show().messages;
    messages.into_iter().find(|m| m.id == *id).unwrap()
}

/// Bodies that a side has handed to its server and that were not delivered yet.
fn on_the_wire(world: &World, who: usize) -> Vec<String> {
    world.wires[who]
        .iter()
        .map(|letter| letter.body.clone())
        .collect()
}

#[test]
fn unencrypted_messages_go_as_they_are_and_are_shown_as_such() {
    let mut world = World::online(50);
    world.set_policy(ALICE, Policy::Unencrypted);
    let id = world.write(ALICE, "as plain as day");
    assert_eq!(on_the_wire(&world, ALICE), ["as plain as day"]);
    world.wait(3);
    assert!(!world.sides[BOB].came[0].encrypted);
    let message = shown(&world, ALICE, &id);
    assert!(!message.encrypted && message.fingerprint.is_none());
    assert_eq!(message.delivery, Delivery::Sent);
    world.wait(130);
    assert_eq!(world.sides[ALICE].conversation.outgoing().count(), 0);
}

#[test]
fn what_was_written_to_be_encrypted_never_goes_readable() {
    let mut world = World::new(51);
    let id = world.write(ALICE, "for bob's eyes");
    world.set_policy(ALICE, Policy::Unencrypted);
    world.connect(ALICE);
    world.connect(BOB);
    world.wait(60);
    let Delivery::NotSent { problem } = shown(&world, ALICE, &id).delivery else {
        panic!("it is not told as not sent");
    };
    assert_eq!(problem.code, "message.policy_changed");
    assert!(world.sides[BOB].came.is_empty());
    world.act(ALICE, |c, x| c.retry(&id, x)).unwrap();
    world.wait(3);
    assert_eq!(world.sides[BOB].texts(), ["for bob's eyes"]);
    assert!(!shown(&world, ALICE, &id).encrypted);
}

#[test]
fn what_waits_readable_is_encrypted_once_the_owner_requires_it() {
    let mut world = World::new(52);
    world.set_policy(ALICE, Policy::Unencrypted);
    let id = world.write(ALICE, "not so fast");
    assert!(!shown(&world, ALICE, &id).encrypted);
    world.set_policy(ALICE, Policy::Required);
    assert!(shown(&world, ALICE, &id).encrypted);
    world.connect(ALICE);
    world.connect(BOB);
    world.wait(5);
    assert!(world.sides[BOB].came[0].encrypted);
}

#[test]
fn a_private_conversation_is_ended_before_messages_go_readable() {
    let mut world = World::private(53);
    world.set_policy(ALICE, Policy::Unencrypted);
    world.settle();
    assert_eq!(world.sides[BOB].conversation.privacy(), Privacy::Finished);
    world.write(ALICE, "readable now");
    world.settle();
    assert_eq!(world.sides[BOB].notices, ["message.came_unencrypted"]);
    assert!(!world.sides[BOB].came[0].encrypted);
}

#[test]
fn with_everything_unencrypted_otr_is_left_alone_and_told_once() {
    let mut world = World::online(54);
    world.set_policy(ALICE, Policy::Unencrypted);
    let refused = world.act(ALICE, |c, x| c.start(x)).unwrap_err();
    assert_eq!(refused.code, "policy.unencrypted");
    let before = world.sides[ALICE].transmitted;
    world.write(BOB, "let us be private");
    world.wait(100);
    let tag = " \t  \t\t\t\t \t \t \t    \t\t  \t\t";
    world.hand(ALICE, &format!("tagged{tag}"));
    assert_eq!(world.sides[ALICE].transmitted, before);
    assert_eq!(world.sides[ALICE].notices, ["conversation.privacy_wanted"]);
    assert_eq!(world.sides[ALICE].texts(), ["tagged"]);
    assert_eq!(world.sides[ALICE].conversation.privacy(), Privacy::Plain);
}

#[test]
fn a_text_that_looks_like_otr_does_not_go_readable() {
    let mut world = World::online(55);
    world.set_policy(ALICE, Policy::Unencrypted);
    let refused = world.act(ALICE, |c, x| c.write("?OTRv3?".to_owned(), x));
    assert_eq!(refused.unwrap_err().code, "message.looks_like_otr");
    assert!(on_the_wire(&world, ALICE).is_empty());
}

#[test]
fn opportunistic_messages_go_readable_until_privacy_stands_and_never_after() {
    let mut world = World::online(56);
    world.set_policy(ALICE, Policy::Opportunistic);
    let first = world.write(ALICE, "hello");
    assert!(on_the_wire(&world, ALICE)[0].starts_with("hello "));
    world.wait(3);
    assert_eq!(world.sides[BOB].texts(), ["hello"]);
    assert!(!shown(&world, ALICE, &first).encrypted);
    assert!(
        world.is_private(ALICE),
        "the whitespace tag starts a private conversation"
    );
    let second = world.write(ALICE, "now in private");
    world.wait(3);
    assert!(shown(&world, ALICE, &second).encrypted);
    world.act(BOB, |c, x| c.end(x));
    world.settle();
    let third = world.write(ALICE, "still there?");
    world.disconnect(BOB);
    world.connect(BOB);
    world.wait(30);
    assert_eq!(world.sides[BOB].texts(), ["hello", "now in private"]);
    assert!(shown(&world, ALICE, &third).encrypted);
    world.act(ALICE, |c, x| c.end(x));
    world.settle();
    let fourth = world.write(ALICE, "readable, as I ended it");
    world.wait(20);
    assert!(!shown(&world, ALICE, &fourth).encrypted);
    let came = &world.sides[BOB].came;
    let readable: Vec<_> = came
        .iter()
        .filter(|m| !m.encrypted)
        .map(|m| m.text.as_str())
        .collect();
    assert_eq!(readable, ["hello", "readable, as I ended it"]);
    assert_eq!(came.last().unwrap().text, "still there?");
}

#[test]
fn opportunistic_after_a_restart_sends_nothing_readable_that_was_written_to_be_encrypted() {
    let mut world = World::online(70);
    world.set_policy(ALICE, Policy::Opportunistic);
    world.act(ALICE, |c, x| c.start(x)).unwrap();
    world.wait(3);
    world.disconnect(ALICE);
    let held = world.write(ALICE, "written in private");
    assert!(shown(&world, ALICE, &held).encrypted);
    world.restart(ALICE);
    let readable = |world: &World| -> Vec<String> {
        let bodies = on_the_wire(world, ALICE).into_iter();
        bodies.filter(|body| !body.starts_with("?OTR")).collect()
    };
    assert_eq!(readable(&world), Vec::<String>::new());
    world.wait(60);
    assert_eq!(world.sides[BOB].texts(), ["written in private"]);
    assert!(world.sides[BOB].came[0].encrypted);
    // A program that was started anew knows of no privacy that stood: the policy is what it was.
    world.restart(ALICE);
    world.write(ALICE, "hello again");
    assert_eq!(readable(&world).len(), 1);
    assert!(readable(&world)[0].starts_with("hello again \t"));
    world.wait(60);
    assert_eq!(world.sides[BOB].texts(), ["written in private", "hello again"]);
    assert!(!world.sides[BOB].came[1].encrypted);
}

#[test]
fn a_readable_message_is_never_sent_twice() {
    let mut world = World::online(57);
    world.set_policy(ALICE, Policy::Unencrypted);
    let id = world.write(ALICE, "once");
    world.disconnect(ALICE);
    world.connect(ALICE);
    world.wait(10);
    let Delivery::NotSent { problem } = shown(&world, ALICE, &id).delivery else {
        panic!("not told");
    };
    assert_eq!(problem.code, "message.arrival_unknown");
    let other = world.write(ALICE, "twice?");
    world.take(ALICE).unwrap();
    world.restart(ALICE);
    world.set_policy(ALICE, Policy::Unencrypted);
    world.wait(10);
    assert!(world.sides[BOB].came.is_empty());
    assert!(matches!(
        shown(&world, ALICE, &other).delivery,
        Delivery::NotSent { .. }
    ));
}

#[test]
fn a_readable_message_that_comes_back_is_told_as_not_sent() {
    let mut world = World::online(58);
    world.set_policy(ALICE, Policy::Unencrypted);
    let id = world.write(ALICE, "hello?");
    let letter = world.take(ALICE).unwrap();
    world.act(ALICE, |c, x| c.bounced(letter.token, x));
    let Delivery::NotSent { problem } = shown(&world, ALICE, &id).delivery else {
        panic!("not told");
    };
    assert_eq!(problem.code, "message.returned");
}

/// Alice accepts two keys of bob; a session with the second stands.
fn with_two_accepted_keys(seed: u64) -> (World, String, String) {
    let mut world = World::private(seed);
    let (first, second) = (
        key(BOB).fingerprint().to_string(),
        key(2).fingerprint().to_string(),
    );
    let other = InstanceTag::random(&mut Dice(79));
    world.replace(BOB, key(2), other);
    world.act(BOB, |c, x| c.start(x)).unwrap();
    world.wait(3);
    world.act(ALICE, |c, x| c.accept(&second, x)).unwrap();
    world.wait(3);
    (world, first, second)
}

#[test]
fn a_message_goes_only_to_the_key_that_it_was_written_for() {
    let (mut world, first, second) = with_two_accepted_keys(59);
    // It waits for bob's first key, of which no session stands.
    world.act(ALICE, |c, x| c.end(x));
    world.disconnect(ALICE);
    let id = world.write(ALICE, "to both");
    world.act(ALICE, |c, _| {
        c.outgoing.back_mut().unwrap().written_for = vec![first.clone()];
    });
    world.connect(ALICE);
    let both = world.write(ALICE, "to whom it may concern");
    world.wait(20);
    assert!(world.is_private(ALICE));
    assert_eq!(world.sides[BOB].texts(), ["to whom it may concern"]);
    assert_eq!(*world.delivery(ALICE, &both), Delivery::Received);
    assert_eq!(
        *world.delivery(ALICE, &id),
        Delivery::Waiting { wait: Wait::NewKey }
    );
    assert_eq!(world.sides[ALICE].notices, ["message.other_key"]);
    world.restart(ALICE);
    world.wait(20);
    assert_eq!(world.sides[BOB].came.len(), 1, "the key is kept with the message");
    world.act(ALICE, |c, x| c.accept(&second, x)).unwrap();
    world.wait(5);
    assert_eq!(world.sides[BOB].texts(), ["to whom it may concern", "to both"]);
}

#[test]
fn a_message_is_written_for_the_key_of_the_session_or_all_accepted_ones() {
    let (mut world, first, second) = with_two_accepted_keys(60);
    assert_eq!(
        world.sides[ALICE].conversation.written_for(),
        std::slice::from_ref(&second)
    );
    world.act(ALICE, |c, x| c.end(x));
    assert_eq!(world.sides[ALICE].conversation.written_for(), [first, second]);
    assert!(
        World::online(60).sides[ALICE]
            .conversation
            .written_for()
            .is_empty()
    );
}
