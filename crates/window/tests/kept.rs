//! Alice keeps, reads back, finds and corrects messages; the engine is played by the test.
//! It must never need a display. Standard: `docs/rpc.md`, `history.*`, `message.correct`.

mod stage;

use model::{Direction, Event};
use serde_json::json;
use slint::ComponentHandle;
use slint::platform::Key;
use stage::Stage;
use window::markup::{Dialog, Nav, Talk};

fn with_bob(kept: bool) -> Stage {
    let mut stage = Stage::new(1000, 900);
    let mut all = stage::evening();
    for contact in &mut all.contacts {
        contact.kept = kept;
    }
    for conversation in &mut all.conversations {
        conversation.before = kept.then_some(60);
    }
    stage.fresh(&all);
    stage.open("bob");
    stage
}

fn dialog(stage: &Stage, dialog: Dialog) {
    stage.app.ui().global::<Nav<'_>>().invoke_open(dialog);
    stage.screen.settle();
}

#[test]
fn messages_are_kept_only_after_it_was_understood() {
    let stage = with_bob(false);
    dialog(&stage, Dialog::Contact);
    stage.press("Keep messages …");
    assert_eq!(stage.asked("history.keep"), None);
    stage.press("Keep from now on");
    let asked = json!({ "account": 1, "contact": "bob@example.org", "keep": true });
    assert_eq!(stage.asked("history.keep"), Some(asked));
}

#[test]
fn kept_messages_are_read_page_by_page_until_the_first() {
    let stage = with_bob(true);
    let talk = stage.app.ui().global::<Talk<'_>>();
    assert!(talk.get_earlier());
    let rows = || slint::Model::row_count(&talk.get_lines());
    let before = rows();
    talk.invoke_page();
    assert_eq!(stage.calls("history.read").len(), 1);
    talk.invoke_page();
    stage.answer(
        "history.read",
        &json!({ "messages": [stage::message(50, "bob", Direction::In, "From last week.", 9_000)], "before": 7 }),
    );
    assert_eq!(rows(), before + 1);
    talk.invoke_page();
    let second = stage.calls("history.read");
    assert_eq!(second.first().unwrap()["params"]["before"], json!(7));
    talk.invoke_page();
    stage.answer(
        "history.read",
        &json!({ "messages": [stage::message(49, "bob", Direction::Out, "The very first.", 9_900)] }),
    );
    assert_eq!(rows(), before + 2);
    assert!(!talk.get_earlier());
}

#[test]
fn what_was_said_is_found_here_and_among_what_was_kept() {
    let stage = with_bob(true);
    dialog(&stage, Dialog::Search);
    stage.screen.write("station");
    stage.screen.key(Key::Return);
    let calls = stage.calls("history.read");
    assert_eq!(calls.first().unwrap()["params"]["words"], json!("station"));
    stage.screen.key(Key::Return);
    let old = stage::message(51, "bob", Direction::Out, "The old station is closed.", 9_000);
    stage.answer("history.read", &json!({ "messages": [old] }));
    assert!(stage.shows("Are you at the station already?"));
    assert!(stage.shows("The old station is closed."));
}

#[test]
fn nothing_kept_is_asked_for_where_nothing_is_kept() {
    let stage = with_bob(false);
    assert!(!stage.app.ui().global::<Talk<'_>>().get_earlier());
    dialog(&stage, Dialog::Search);
    stage.screen.write("camera");
    stage.screen.key(Key::Return);
    assert_eq!(stage.asked("history.read"), None);
    assert!(stage.shows("Should I bring the camera too?"));
}

#[test]
fn the_last_message_is_corrected_with_the_arrow_and_a_mark_tells_it() {
    let mut stage = with_bob(false);
    stage.screen.key(Key::UpArrow);
    stage.screen.settle();
    assert!(stage.shows("You are correcting your last message."));
    stage.screen.chord(&[Key::Control], "a");
    stage.screen.write("Three minutes.");
    stage.screen.key(Key::Return);
    let asked = stage.asked("message.correct").unwrap();
    assert_eq!(
        (&asked["text"], &asked["contact"]),
        (&json!("Three minutes."), &json!("bob@example.org"))
    );
    assert_eq!(stage.asked("message.send"), None);
    let mut message = stage::message(110, "bob", Direction::Out, "Three minutes.", 2);
    message.corrected = true;
    stage.tell(Event::MessageChanged { message });
    let lines = stage.app.ui().global::<Talk<'_>>().get_lines();
    let marked = (0..slint::Model::row_count(&lines))
        .filter_map(|row| slint::Model::row_data(&lines, row))
        .filter(|line| line.corrected)
        .count();
    assert_eq!(marked, 1);
}

#[test]
fn a_correction_can_be_left() {
    let stage = with_bob(false);
    stage.screen.key(Key::UpArrow);
    stage.screen.settle();
    stage.screen.key(Key::Escape);
    stage.screen.settle();
    assert!(!stage.shows("You are correcting your last message."));
    stage.screen.write("new");
    stage.screen.key(Key::Return);
    assert_eq!(stage.asked("message.correct"), None);
    assert_eq!(stage.asked("message.send").unwrap()["text"], json!("new"));
}
