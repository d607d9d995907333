//! Messages that get lost, come twice, or meet a program that ends: each arrives once, or its writer
//! is told. Must never show one text twice.
//! `docs/decisions/0003-receipts.md`; XEP-0198.

use model::{Delivery, Wait};

use super::super::{MAX_HISTORY, MAX_HISTORY_BYTES, MAX_OUTGOING};
use super::world::{ALICE, BOB, World};

#[test]
fn a_message_sent_again_after_a_lost_connection_is_shown_once() {
    let mut world = World::private(40);
    let id = world.write(ALICE, "once");
    // The server delivered it, and then forgot alice before it could say so.
    let letter = world.wires[ALICE].front().cloned().unwrap();
    world.hand(BOB, &letter.body);
    world.disconnect(ALICE);
    world.connect(ALICE);
    world.wait(30);
    assert_eq!(world.sides[BOB].texts(), ["once"]);
    assert_eq!(*world.delivery(ALICE, &id), Delivery::Received);
}

#[test]
fn a_message_that_a_lost_connection_swallowed_arrives_later() {
    let mut world = World::private(41);
    let id = world.write(ALICE, "later");
    world.disconnect(ALICE);
    world.wait(30);
    let unsent = world.write(ALICE, "even later");
    assert_eq!(
        *world.delivery(ALICE, &unsent),
        Delivery::Waiting {
            wait: Wait::Connection
        }
    );
    world.connect(ALICE);
    world.wait(60);
    assert_eq!(world.sides[BOB].texts(), ["later", "even later"]);
    assert_eq!(*world.delivery(ALICE, &id), Delivery::Received);
    assert_eq!(*world.delivery(ALICE, &unsent), Delivery::Received);
}

#[test]
fn a_message_that_a_server_dropped_is_asked_for_and_sent_again() {
    let mut world = World::private(42);
    let lost = world.write(ALICE, "dropped");
    world.take(ALICE).unwrap();
    let next = world.write(ALICE, "not dropped");
    world.wait(80);
    let mut came = world.sides[BOB].texts();
    came.sort_unstable();
    assert_eq!(came, ["dropped", "not dropped"]);
    assert_eq!(*world.delivery(ALICE, &lost), Delivery::Received);
    assert_eq!(*world.delivery(ALICE, &next), Delivery::Received);
}

#[test]
fn a_lost_question_or_answer_is_asked_again() {
    for lost in [ALICE, BOB] {
        let mut world = World::private(43);
        let id = world.write(ALICE, "dropped");
        world.take(ALICE).unwrap();
        // Until the session was renewed and the question, or its answer, is under way.
        while !asked(&world) {
            world.pass(500);
            while !asked(&world) && (world.deliver(ALICE) | world.deliver(BOB)) {}
        }
        if lost == BOB {
            while world.deliver(ALICE) {}
        }
        while world.take(lost).is_some() {}
        world.wait(110);
        assert_eq!(world.sides[BOB].texts(), ["dropped"]);
        assert_eq!(*world.delivery(ALICE, &id), Delivery::Received);
    }
}

fn asked(world: &World) -> bool {
    let mut outgoing = world.sides[ALICE].conversation.outgoing();
    outgoing.any(|o| matches!(o.stage, super::super::Stage::Asked { .. }))
}

#[test]
fn a_duplicated_transport_message_is_shown_once() {
    let mut world = World::private(44);
    world.write(ALICE, "twice");
    let letter = world.take(ALICE).unwrap();
    for _ in 0..3 {
        world.hand(BOB, &letter.body);
    }
    world.act(ALICE, |c, x| c.start(x)).unwrap();
    world.wait(5);
    world.hand(BOB, &letter.body);
    assert_eq!(world.sides[BOB].texts(), ["twice"]);
}

#[test]
fn a_contact_that_was_started_anew_does_not_know_and_the_writer_is_told() {
    let mut world = World::private(45);
    let id = world.write(ALICE, "perhaps");
    world.deliver(ALICE);
    assert_eq!(world.sides[BOB].texts(), ["perhaps"]);
    world.restart(BOB);
    world.wait(60);
    let Delivery::NotSent { problem } = world.delivery(ALICE, &id) else {
        panic!("not told");
    };
    assert_eq!(problem.code, "message.arrival_unknown");
    assert!(world.sides[BOB].came.is_empty(), "it was sent again by itself");
    world.act(ALICE, |c, x| c.retry(&id, x)).unwrap();
    world.wait(10);
    assert_eq!(world.sides[BOB].texts(), ["perhaps"]);
    assert_eq!(*world.delivery(ALICE, &id), Delivery::Received);
}

#[test]
fn a_program_that_was_started_anew_asks_which_messages_arrived() {
    let mut world = World::private(46);
    let arrived = world.write(ALICE, "arrived");
    world.deliver(ALICE);
    let lost = world.write(ALICE, "lost");
    world.restart(ALICE);
    assert_eq!(*world.delivery(ALICE, &lost), Delivery::Sent);
    world.wait(60);
    assert_eq!(world.sides[BOB].texts(), ["arrived", "lost"]);
    assert_eq!(*world.delivery(ALICE, &arrived), Delivery::Received);
    assert_eq!(*world.delivery(ALICE, &lost), Delivery::Received);
    assert!(!world.sides[ALICE].conversation.busy());
}

#[test]
fn a_waiting_message_survives_the_program_and_goes_once() {
    let mut world = World::new(47);
    world.connect(ALICE);
    let id = world.write(ALICE, "patience");
    world.restart(ALICE);
    world.restart(ALICE);
    assert!(matches!(world.delivery(ALICE, &id), Delivery::Waiting { .. }));
    world.connect(BOB);
    world.wait(40);
    assert_eq!(world.sides[BOB].texts(), ["patience"]);
}

#[test]
fn a_message_taken_back_does_not_go_and_one_that_went_cannot_be_taken_back() {
    let mut world = World::new(48);
    let id = world.write(ALICE, "no");
    world.act(ALICE, |c, x| c.cancel(&id, x)).unwrap();
    assert!(matches!(world.delivery(ALICE, &id), Delivery::NotSent { .. }));
    world.connect(ALICE);
    world.connect(BOB);
    let went = world.write(ALICE, "yes");
    world.settle();
    world.pass(3000);
    let refused = world.act(ALICE, |c, x| c.cancel(&went, x)).unwrap_err();
    assert_eq!(refused.code, "message.already_sent");
    world.wait(5);
    assert_eq!(world.sides[BOB].texts(), ["yes"]);
    for id in [id, went] {
        assert!(world.act(ALICE, |c, x| c.cancel(&id, x)).is_err());
        assert!(world.act(ALICE, |c, x| c.retry(&id, x)).is_err());
    }
}

#[test]
fn a_queue_has_an_end() {
    let mut world = World::new(49);
    for number in 0..MAX_OUTGOING {
        world.write(ALICE, &format!("{number}"));
    }
    let refused = world
        .act(ALICE, |c, x| c.write("one more".to_owned(), x))
        .unwrap_err();
    assert_eq!(refused.code, "message.queue_full");
}

#[test]
fn a_message_that_waits_stays_in_sight_whatever_comes_in() {
    let mut world = World::online(50);
    let id = world.write(ALICE, "still waiting");
    for number in 0..MAX_HISTORY + 50 {
        world.hand(ALICE, &format!("noise {number}"));
    }
    let shown = world.sides[ALICE].conversation.show().messages;
    assert_eq!(shown.len(), MAX_HISTORY);
    assert_eq!(shown[0].id, id);
}

#[test]
fn what_is_kept_for_showing_is_bounded_in_bytes_too() {
    let mut world = World::online(51);
    let long = "x".repeat(1 << 20);
    for _ in 0..20 {
        world.hand(ALICE, &long);
    }
    let shown = world.sides[ALICE].conversation.show().messages;
    let bytes: usize = shown.iter().map(|message| message.text.len()).sum();
    assert!(bytes <= MAX_HISTORY_BYTES && !shown.is_empty());
}

#[test]
fn what_could_not_be_kept_is_told_as_not_sent_and_the_others_stay() {
    let mut world = World::private(52);
    let earlier = world.write(ALICE, "went before");
    let id = world.write(ALICE, "disk full");
    let held_back = [world.wires[ALICE].pop_back().unwrap().token].into();
    let problem = model::Problem::new("vault.disk_full", "The disk is full.");
    world.act(ALICE, |c, x| c.not_kept(&[], &held_back, &problem, x));
    assert_eq!(*world.delivery(ALICE, &id), Delivery::NotSent { problem });
    assert_eq!(*world.delivery(ALICE, &earlier), Delivery::Sent);
    world.wait(5);
    assert_eq!(*world.delivery(ALICE, &earlier), Delivery::Received);
    assert_eq!(world.sides[BOB].texts(), ["went before"]);
}

#[test]
fn a_half_finished_exchange_does_not_stop_the_next_one() {
    for lost in 1..6 {
        let mut world = World::online(53);
        let id = world.write(ALICE, "through");
        let mut count = 0;
        loop {
            let from = if world.wires[ALICE].is_empty() { BOB } else { ALICE };
            count += 1;
            if count == lost {
                world.take(from);
                break;
            }
            assert!(world.deliver(from));
        }
        // One more attempt is made half a minute after the first, and it is not stopped by what was left of that.
        world.wait(45);
        if let Delivery::NotSent { .. } = world.delivery(ALICE, &id) {
            // Only alice had the session; whether bob had the message nobody could know.
            assert_eq!(lost, 5);
            assert!(world.sides[BOB].came.is_empty());
            world.act(ALICE, |c, x| c.retry(&id, x)).unwrap();
            world.wait(60);
        }
        assert_eq!(world.sides[BOB].texts(), ["through"], "lost: {lost}");
        assert_eq!(*world.delivery(ALICE, &id), Delivery::Received, "lost: {lost}");
    }
}

#[test]
fn both_may_write_first_in_the_same_moment() {
    let mut world = World::online(54);
    let ours = world.write(ALICE, "from alice");
    let theirs = world.write(BOB, "from bob");
    world.wait(40);
    assert_eq!(world.sides[BOB].texts(), ["from alice"]);
    assert_eq!(world.sides[ALICE].texts(), ["from bob"]);
    assert_eq!(*world.delivery(ALICE, &ours), Delivery::Received);
    assert_eq!(*world.delivery(BOB, &theirs), Delivery::Received);
}
