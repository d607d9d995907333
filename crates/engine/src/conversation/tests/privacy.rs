//! What leaves, and when: nothing but OTR, and nothing at all where the owner did not want it.
//! Must never show a text that went, or could have gone, unencrypted.
//! OTRv3, "Policies"; rules R48 to R53.

use std::num::NonZeroUsize;
use std::sync::Arc;

use model::{Delivery, Privacy, Wait};
use otr::{Input, InstanceTag, Output};

use super::world::{ALICE, BOB, Dice, World, key};

#[test]
fn a_first_message_waits_and_goes_only_once_the_session_stands() {
    let mut world = World::new(1);
    let id = world.write(ALICE, "hello");
    assert_eq!(
        *world.delivery(ALICE, &id),
        Delivery::Waiting {
            wait: Wait::Connection
        }
    );
    world.connect(ALICE);
    world.connect(BOB);
    assert_eq!(
        *world.delivery(ALICE, &id),
        Delivery::Waiting { wait: Wait::Privacy }
    );
    assert!(
        world.wires[ALICE]
            .iter()
            .all(|letter| letter.body.starts_with("?OTRv3?"))
    );
    world.wait(1);
    assert!(world.is_private(ALICE));
    world.wait(5);
    assert_eq!(world.sides[BOB].texts(), ["hello"]);
    assert!(world.sides[BOB].came[0].encrypted);
    assert_eq!(*world.delivery(ALICE, &id), Delivery::Received);
}

#[test]
fn messages_arrive_in_the_order_in_which_they_were_written() {
    let mut world = World::new(2);
    let texts: Vec<String> = (0..40).map(|number| format!("number {number}")).collect();
    for text in &texts {
        world.write(ALICE, text);
    }
    world.connect(ALICE);
    world.connect(BOB);
    world.write(ALICE, "and one more");
    world.wait(6);
    let came = world.sides[BOB].texts();
    assert_eq!(came[..40], texts);
    assert_eq!(came[40..], ["and one more"]);
    assert!(!world.sides[ALICE].conversation.busy());
}

#[test]
fn commands_and_texts_that_look_like_otr_are_texts_as_any() {
    let mut world = World::online(3);
    let texts = [
        "/me waves",
        "?OTRv3?",
        "?OTR:AAMD",
        "?OTR Error: no",
        "?OTR,1,2,x,",
        "<b>&amp;</b>",
        "\u{202e}abc \u{1f9a6}\nsecond line",
    ];
    for text in texts {
        world.write(ALICE, text);
    }
    world.wait(6);
    assert_eq!(world.sides[BOB].texts(), texts);
}

#[test]
fn texts_that_cannot_be_sent_are_refused_before_anything_happens() {
    let mut world = World::online(4);
    for (text, code) in [
        ("", "message.empty"),
        (" \n", "message.empty"),
        ("a\0b", "message.illegal_character"),
        (&"x".repeat(model::MAX_TEXT_BYTES + 1), "message.too_long"),
    ] {
        let refused = world.act(ALICE, |c, x| c.write(text.to_owned(), x)).unwrap_err();
        assert_eq!(refused.code, code);
    }
    assert_eq!(world.sides[ALICE].transmitted, 0);
    world.write(ALICE, &"x".repeat(model::MAX_TEXT_BYTES));
    world.wait(6);
    assert_eq!(world.sides[BOB].came[0].text.len(), model::MAX_TEXT_BYTES);
}

#[test]
fn a_query_that_waited_on_a_server_gets_no_answer() {
    let mut world = World::online(5);
    world.act(BOB, |c, x| c.receive("?OTRv3?", true, x));
    world.act(BOB, |c, x| c.receive("?OTR Error: late", true, x));
    world.act(BOB, |c, x| c.receive("a text", true, x));
    assert_eq!(world.sides[BOB].transmitted, 0);
    world.act(ALICE, |c, x| c.start(x)).unwrap();
    let query = world.take(ALICE).unwrap();
    world.hand(BOB, &query.body);
    let commit = world.take(BOB).unwrap();
    world.act(ALICE, |c, x| c.receive(&commit.body, true, x));
    assert!(world.wires[ALICE].is_empty(), "a late commit was answered");
}

#[test]
fn a_late_message_of_a_session_that_stands_is_read() {
    let mut world = World::private(6);
    world.write(ALICE, "late");
    let letter = world.take(ALICE).unwrap();
    world.act(BOB, |c, x| c.receive(&letter.body, true, x));
    assert_eq!(world.sides[BOB].texts(), ["late"]);
}

#[test]
fn an_unencrypted_text_is_shown_as_such_and_alarms_in_a_private_conversation() {
    let mut world = World::online(7);
    world.hand(BOB, "before");
    assert!(world.sides[BOB].notices.is_empty());
    let mut world = World::private(7);
    world.hand(BOB, "in between");
    assert!(!world.sides[BOB].came[0].encrypted);
    assert_eq!(world.sides[BOB].came[0].fingerprint, None);
    assert_eq!(world.sides[BOB].notices, ["message.came_unencrypted"]);
}

#[test]
fn after_the_contact_ended_nothing_is_sent_until_the_owner_starts_again() {
    let mut world = World::private(8);
    world.act(BOB, |c, x| c.end(x));
    let crossing = world.write(ALICE, "just as you left");
    world.settle();
    assert_eq!(world.sides[ALICE].conversation.privacy(), Privacy::Finished);
    let later = world.write(ALICE, "are you there?");
    let before = world.sides[ALICE].transmitted;
    world.wait(200);
    assert_eq!(world.sides[ALICE].transmitted, before);
    assert_eq!(
        *world.delivery(ALICE, &later),
        Delivery::Waiting { wait: Wait::Privacy }
    );
    assert_eq!(world.act(ALICE, |c, x| c.start(x)), Ok(true));
    world.wait(40);
    assert_eq!(world.sides[BOB].texts(), ["just as you left", "are you there?"]);
    assert_eq!(*world.delivery(ALICE, &crossing), Delivery::Received);
}

#[test]
fn what_the_owner_ended_does_not_begin_again_by_itself() {
    let mut world = World::private(9);
    world.write(ALICE, "lost");
    world.take(ALICE).unwrap();
    world.act(ALICE, |c, x| c.end(x));
    world.settle();
    let before = world.sides[ALICE].transmitted;
    world.wait(120);
    assert_eq!(world.sides[ALICE].transmitted, before);
    assert_eq!(world.sides[ALICE].conversation.privacy(), Privacy::Plain);
    assert_eq!(world.sides[BOB].conversation.privacy(), Privacy::Finished);
    world.write(ALICE, "again");
    world.wait(60);
    assert_eq!(world.sides[BOB].texts(), ["lost", "again"]);
}

#[test]
fn a_start_that_nobody_takes_up_is_not_shown_for_ever() {
    let mut world = World::online(10);
    world.act(ALICE, |c, x| c.start(x)).unwrap();
    world.take(ALICE);
    assert_eq!(world.sides[ALICE].conversation.privacy(), Privacy::Starting);
    world.wait(100);
    assert_eq!(world.sides[ALICE].conversation.privacy(), Privacy::Plain);
    assert!(!world.sides[ALICE].conversation.busy());
}

#[test]
fn injected_errors_cause_a_bounded_number_of_messages() {
    let mut world = World::private(11);
    world.write(ALICE, "on its way");
    world.take(ALICE).unwrap();
    let before = world.sides[ALICE].transmitted + world.sides[BOB].transmitted;
    for _ in 0..200 {
        world.hand(ALICE, "?OTR Error: x");
        world.hand(BOB, "?OTR Error: x");
    }
    assert!(world.sides[ALICE].transmitted + world.sides[BOB].transmitted <= before + 2);
    world.wait(120);
    assert!(world.sides[ALICE].transmitted + world.sides[BOB].transmitted <= before + 40);
    assert_eq!(world.sides[BOB].texts(), ["on its way"]);
}

#[test]
fn a_flood_of_unreadable_messages_is_answered_once() {
    let mut world = World::private(12);
    for number in 0..50 {
        world.write(ALICE, &format!("{number}"));
    }
    let letters: Vec<String> = world.wires[ALICE].drain(..).map(|letter| letter.body).collect();
    world.restart(BOB);
    world.wires[BOB].clear();
    world.wires[ALICE].clear();
    let before = world.sides[BOB].transmitted;
    for letter in &letters {
        world.hand(BOB, letter);
    }
    assert!(world.sides[BOB].transmitted <= before + 1);
}

/// Another program: OTR without anything of ours, in pieces.
struct Foreign {
    otr: otr::Conversation,
    dice: Dice,
    texts: Vec<String>,
}

impl Foreign {
    fn new(who: usize, max_message: Option<usize>) -> Self {
        let mut dice = Dice(900);
        let config = otr::Config {
            max_message: max_message.and_then(NonZeroUsize::new),
            ..otr::Config::default()
        };
        let tag = InstanceTag::random(&mut dice);
        Self {
            otr: otr::Conversation::new(Arc::clone(&key(who)), tag, config),
            dice,
            texts: Vec::new(),
        }
    }

    fn handle(&mut self, input: Input<'_>, world: &mut World) {
        self.otr.handle(input, world.now, &mut self.dice).unwrap();
        while let Some(output) = self.otr.poll() {
            match output {
                Output::Send { body, .. } => world.hand(ALICE, &body),
                Output::Event(otr::Event::Message { text, .. }) => self.texts.push(text),
                _ => {}
            }
        }
    }

    fn settle(&mut self, world: &mut World) {
        while let Some(letter) = world.take(ALICE) {
            self.handle(Input::Receive(&letter.body), world);
        }
    }

    fn wait(&mut self, world: &mut World, seconds: u64) {
        for _ in 0..seconds * 2 {
            world.pass(500);
            self.settle(world);
        }
    }
}

/// Alice, with a contact whose program is not ours.
fn with_foreign(seed: u64, max_message: Option<usize>) -> (World, Foreign) {
    let mut world = World::online(seed);
    world.wires[BOB].clear();
    (world, Foreign::new(BOB, max_message))
}

#[test]
fn a_program_that_does_not_greet_is_waited_for_once_and_not_for_long() {
    let (mut world, mut bob) = with_foreign(13, None);
    let first = world.write(ALICE, "one");
    bob.settle(&mut world);
    assert!(world.is_private(ALICE) && bob.texts.is_empty());
    bob.wait(&mut world, 6);
    assert_eq!(bob.texts, ["one"]);
    assert_eq!(*world.delivery(ALICE, &first), Delivery::Sent);
    bob.handle(Input::Start, &mut world);
    bob.settle(&mut world);
    world.write(ALICE, "two");
    bob.settle(&mut world);
    assert_eq!(bob.texts, ["one", "two"]);
}

#[test]
fn pieces_of_another_program_are_put_together() {
    let (mut world, mut bob) = with_foreign(14, Some(200));
    bob.handle(Input::Start, &mut world);
    bob.settle(&mut world);
    let text = "long ".repeat(200);
    bob.handle(
        Input::Send {
            text: &text,
            tlvs: &[],
            tag: 1,
        },
        &mut world,
    );
    assert_eq!(world.sides[ALICE].texts(), [text.as_str()]);
}

#[test]
fn to_another_program_nothing_is_sent_twice_by_itself() {
    let (mut world, mut bob) = with_foreign(15, None);
    let taken = world.write(ALICE, "taken");
    bob.wait(&mut world, 8);
    let (text, tlvs, tag) = ("got it", &[], 1);
    bob.handle(Input::Send { text, tlvs, tag }, &mut world);
    bob.wait(&mut world, 30);
    let doubtful = world.write(ALICE, "doubtful");
    world.take(ALICE).unwrap();
    let mut bob = Foreign::new(BOB, None);
    bob.handle(Input::Start, &mut world);
    bob.wait(&mut world, 10);
    assert!(bob.texts.is_empty());
    assert_eq!(*world.delivery(ALICE, &taken), Delivery::Sent);
    assert!(matches!(
        world.delivery(ALICE, &doubtful),
        Delivery::NotSent { .. }
    ));
    world.act(ALICE, |c, x| c.retry(&doubtful, x)).unwrap();
    bob.wait(&mut world, 5);
    assert_eq!(bob.texts, ["doubtful"]);
}

#[test]
fn a_message_that_a_server_sent_back_is_told_even_after_the_own_server_took_it_over() {
    let (mut world, mut bob) = with_foreign(16, None);
    world.act(ALICE, |c, x| c.start(x)).unwrap();
    bob.wait(&mut world, 6);
    let id = world.write(ALICE, "nobody there");
    let letter = world.take(ALICE).unwrap();
    world.act(ALICE, |c, x| c.bounced(letter.token, x));
    let Delivery::NotSent { problem } = world.delivery(ALICE, &id) else {
        panic!("not told");
    };
    assert_eq!(problem.code, "message.returned");
}

#[test]
fn hundreds_of_messages_to_another_program_do_not_fill_the_queue() {
    let (mut world, mut bob) = with_foreign(17, None);
    for number in 0..300 {
        world.write(ALICE, &format!("{number}"));
        bob.wait(&mut world, 1);
    }
    bob.wait(&mut world, 130);
    assert_eq!(bob.texts.len(), 300);
    assert!(!world.sides[ALICE].conversation.busy());
}
