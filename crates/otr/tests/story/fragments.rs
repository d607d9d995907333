//! Messages in pieces.
//! Must never use another network than the one that cuts.
//! Standard: OTR version 3, "Fragmentation".

use std::num::NonZeroUsize;
use std::time::Duration;

use otr::{Config, Event};

use crate::people::{Person, carry, private};

fn small(size: usize) -> Config {
    Config {
        max_message: NonZeroUsize::new(size),
        ..Config::default()
    }
}

fn pair(size: usize) -> (Person, Person) {
    private(
        Person::new(0, 0xa11c_e000, small(size)),
        Person::new(1, 0xb0b0, small(size)),
    )
}

#[test]
fn a_whole_conversation_fits_through_a_narrow_network() {
    for size in [37, 100, 400, 1000] {
        let (mut alice, mut bob) = pair(size);
        let text = "متن ".repeat(300);
        alice.say(&text);
        assert!(alice.outbox.iter().all(|body| body.len() <= size));
        assert!(
            alice.tags.iter().all(|tag| *tag == Some(7)),
            "all pieces carry the tag of the message"
        );
        carry(&mut alice, &mut bob);
        assert_eq!(bob.texts(), [text]);
    }
}

#[test]
fn a_limit_that_the_network_changes_counts_from_the_next_message_on() {
    let (mut alice, mut bob) = pair(1000);
    let text = "x".repeat(500);
    for limit in [NonZeroUsize::new(200), None] {
        alice.conversation.set_max_message(limit);
        alice.say(&text);
        let pieces = alice.outbox.len();
        assert_eq!(pieces > 1, limit.is_some());
        assert!(limit.is_none_or(|most| alice.outbox.iter().all(|body| body.len() <= most.get())));
        carry(&mut alice, &mut bob);
        assert_eq!(bob.texts(), [text.as_str()]);
    }
}

#[test]
fn a_limit_with_no_room_for_a_piece_sends_nothing() {
    let mut narrow = Person::new(0, 0x1000, small(36));
    narrow.start();
    let mut bob = Person::bob();
    carry(&mut narrow, &mut bob);
    assert!(!narrow.is_private_with(&bob));
}

#[test]
fn pieces_out_of_order_are_dropped_and_the_next_message_arrives() {
    let (mut alice, mut bob) = pair(300);
    alice.say("first");
    let mut pieces = alice.take_outbox();
    pieces.swap(0, 1);
    for piece in &pieces {
        bob.hear(piece);
    }
    assert_eq!(bob.take_events(), []);
    alice.say("second");
    carry(&mut alice, &mut bob);
    assert_eq!(bob.texts(), ["second"]);
}

#[test]
fn pieces_delivered_again_do_no_harm() {
    let (mut alice, mut bob) = pair(300);
    alice.say(&"long ".repeat(100));
    let pieces = alice.take_outbox();
    assert!(pieces.len() > 3);
    for piece in &pieces[..3] {
        bob.hear(piece);
    }
    // The network lost its connection and sends again what was not acknowledged.
    for piece in &pieces[1..] {
        bob.hear(piece);
    }
    assert_eq!(bob.texts().len(), 1);
    for piece in &pieces {
        bob.hear(piece);
    }
    assert_eq!(bob.take_events(), [Event::Replayed { instance: alice.tag }]);
}

#[test]
fn plaintext_between_pieces_drops_them() {
    let (mut alice, mut bob) = pair(300);
    alice.say("first");
    let pieces = alice.take_outbox();
    for (number, piece) in pieces.iter().enumerate() {
        if number == 1 {
            bob.hear("hello");
        }
        bob.hear(piece);
    }
    assert!(bob.texts().is_empty());
}

#[test]
fn pieces_for_others_and_from_ourselves_are_left() {
    let (mut alice, mut bob) = pair(300);
    alice.say("x");
    let piece = alice.take_outbox().remove(0);
    alice.hear(&piece);
    assert_eq!(alice.take_events(), [Event::Reflected]);
    bob.hear(&piece.replace("|0000b0b0,", "|0000b0b1,"));
    assert_eq!(bob.take_events(), [Event::ForOtherInstance]);
}

#[test]
fn a_piece_of_a_piece_and_a_plain_text_in_pieces_are_malformed() {
    let mut bob = Person::bob();
    for inner in ["?OTR|1000|b0b0", "hello", "?OTRv3?", "?OTR Error: x"] {
        bob.hear(&format!("?OTR|1000|b0b0,1,1,{inner},"));
        assert_eq!(bob.take_events(), [Event::Malformed], "{inner}");
    }
    assert!(bob.outbox.is_empty());
}

#[test]
fn unfinished_messages_expire() {
    let (mut alice, mut bob) = pair(300);
    alice.say("first");
    let pieces = alice.take_outbox();
    bob.hear(&pieces[0]);
    assert_eq!(bob.wake, Some(bob.now + Duration::from_secs(60)));
    bob.tick_after(60);
    for piece in &pieces[1..] {
        bob.hear(piece);
    }
    assert!(bob.texts().is_empty());
}
