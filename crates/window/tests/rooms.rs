//! Alice in rooms; the engine is played by the test.
//! It must never need a display. Standard: `docs/rpc.md`, `room.*`.

#![expect(clippy::unwrap_used, reason = "a scene that cannot be set ends the test")]

mod stage;

use model::{Event, Rank, RoomState};
use serde_json::json;
use slint::ComponentHandle;
use slint::platform::Key;
use stage::Stage;
use window::markup::{Dialog, Nav};

/// Alice's window with the room open.
fn inside() -> Stage {
    let mut stage = Stage::new(1000, 900);
    stage.fresh(&stage::rooms());
    stage.open("Otters");
    let shown = serde_json::to_value(stage::otters()).unwrap();
    stage.answer("room.show", &shown);
    stage.screen.settle();
    stage
}

fn dialog(stage: &Stage, dialog: Dialog) {
    stage.app.ui().global::<Nav<'_>>().invoke_open(dialog);
    stage.screen.settle();
}

#[test]
fn a_room_is_opened_by_the_keyboard_and_says_who_can_read_it() {
    let stage = inside();
    assert!(stage.shows("Everyone here and the server can read this."));
    assert!(stage.shows("What is said is written down"));
    assert!(stage.shows("The path along the north bank"));
    assert!(stage.shows("Topic: "));
}

#[test]
fn nothing_in_a_room_looks_private() {
    let stage = inside();
    let global = stage.app.ui().global::<window::markup::Talk<'_>>();
    assert!(global.get_room());
    let lines = global.get_lines();
    for index in 0..slint::Model::row_count(&lines) {
        let line = slint::Model::row_data(&lines, index).unwrap();
        assert!(
            !line.system && !line.sender.contains("verified"),
            "{:?}",
            line.sender
        );
    }
    for words in [
        "Private, verified",
        "Private, not verified",
        "Start a private conversation",
    ] {
        let seen = stage.labels().iter().any(|label| label == words);
        assert!(!seen, "{words}");
    }
}

#[test]
fn what_is_said_goes_to_the_room_and_comes_back_when_it_was_refused() {
    let stage = inside();
    stage.screen.write("hello all");
    stage.screen.key(Key::Return);
    let asked = json!({ "account": 1, "room": "otters@rooms.example", "text": "hello all" });
    let calls = stage.calls("room.say");
    assert_eq!(calls.first().unwrap()["params"], asked);
    assert_eq!(stage.asked("message.send"), None);
    stage.screen.write("again");
    stage.screen.key(Key::Return);
    stage.refuse("room.say", "test.refused");
    let draft = stage.app.ui().global::<window::markup::Talk<'_>>().get_draft();
    assert_eq!(draft, "again");
}

#[test]
fn what_was_begun_is_kept_for_the_room() {
    let stage = inside();
    stage.screen.write("half");
    stage.screen.chord(&[Key::Control], "w");
    let asked = json!({ "account": 1, "room": "otters@rooms.example", "text": "half" });
    assert_eq!(stage.asked("room.draft"), Some(asked));
    assert_eq!(stage.asked("conversation.draft"), None);
}

#[test]
fn new_messages_and_members_are_shown_as_they_come() {
    let mut stage = inside();
    let message = stage::said(600, Some("heron"), "One more thing.", 0);
    stage.tell(Event::RoomSaid { message });
    assert!(stage.shows("One more thing."));
    let room = stage::otters().room;
    let (account, room) = (room.account, room.address);
    stage.calls("room.show");
    stage.tell(Event::RoomMembersChanged { account, room });
    assert!(stage.asked("room.show").is_some());
}

#[test]
fn who_was_put_out_writes_nothing_and_may_enter_again() {
    let mut stage = inside();
    let mut room = stage::otters().room;
    room.state = RoomState::Refused {
        problem: model::Problem::new("test.out", "You were put out."),
    };
    stage.tell(Event::RoomChanged { room });
    assert!(stage.shows("You were put out."));
    stage.press("Enter");
    let asked = stage.asked("room.enter").unwrap();
    assert_eq!(
        (&asked["room"], &asked["nick"]),
        (&json!("otters@rooms.example"), &json!("wren"))
    );
}

#[test]
fn an_invitation_is_answered_with_a_name_or_forgotten() {
    let mut stage = Stage::new(1000, 900);
    stage.fresh(&stage::rooms());
    stage.press("Enter …");
    stage.press("Your name in the room");
    stage.screen.write("otter7");
    stage.screen.key(Key::Return);
    // Nothing ties two accounts together here.
    stage.answer("link.check", &json!({ "findings": [] }));
    let asked = stage.asked("room.enter").unwrap();
    assert_eq!(
        (&asked["room"], &asked["nick"], &asked["create"]),
        (&json!("zoo@rooms.example"), &json!("otter7"), &json!(false))
    );
    stage.screen.key(Key::Escape);
    stage.screen.settle();
    let refuse: Vec<_> = stage
        .elements()
        .into_iter()
        .filter(|it| it.accessible_label().is_some_and(|name| name == "Refuse"))
        .collect();
    let (place, size) = {
        let last = refuse.last().unwrap();
        (last.absolute_position(), last.size())
    };
    stage
        .screen
        .click(place.x + size.width / 2.0, place.y + size.height / 2.0);
    let forgotten = json!({ "account": 1, "room": "zoo@rooms.example" });
    assert_eq!(stage.asked("room.forget"), Some(forgotten));
}

#[test]
fn a_room_is_found_in_the_servers_list_and_made_where_there_is_none() {
    let mut stage = Stage::new(1000, 1000);
    stage.fresh(&stage::empty());
    stage.screen.settle();
    stage.screen.chord(&[Key::Control], "r");
    stage.screen.settle();
    stage.press("Search");
    stage.screen.write("rivers");
    stage.screen.key(Key::Return);
    let calls = stage.calls("room.find");
    assert_eq!(
        calls.first().unwrap()["params"],
        json!({ "account": 1, "words": "rivers" })
    );
    stage.screen.key(Key::Return);
    stage.answer(
        "room.find",
        &json!({ "rooms": [
        { "room": "rivers@rooms.example", "about": "Rivers\u{202e}", "members": 12 },
    ] }),
    );
    stage.press("\u{2068}rivers@rooms.example\u{2069} Rivers[U+202E]");
    stage
        .press("Make the room if there is none: closed to strangers, addresses hidden, nothing written down");
    stage.press("Enter");
    stage.answer(
        "link.check",
        &json!({ "findings": [{ "kind": "same_room", "part": "wren@otter.example" }] }),
    );
    assert!(
        stage.shows("wren@otter.example\u{2069} has this room, too."),
        "{:#?}",
        stage.labels()
    );
    assert_eq!(stage.asked("room.enter"), None);
    stage.press("Enter all the same");
    let asked = stage.asked("room.enter").unwrap();
    assert_eq!(
        (&asked["room"], &asked["create"], &asked["nick"]),
        (&json!("rivers@rooms.example"), &json!(true), &json!(null))
    );
}

#[test]
fn somebody_is_put_out_only_after_it_was_understood() {
    let mut stage = inside();
    let mut shown = stage::otters();
    shown.room.rank = Rank::Administrator;
    stage.tell(Event::RoomChanged {
        room: shown.room.clone(),
    });
    stage.press("Who is here");
    stage.answer("room.show", &serde_json::to_value(&shown).unwrap());
    stage.screen.settle();
    assert!(!stage.shows("Put out"));
    let hidden = |it: &String| it.contains("somebody whose name is not shown") && it.contains("May speak");
    let member = stage.labels().into_iter().find(hidden).unwrap();
    stage.press(&member);
    stage.press("Put out for good");
    assert_eq!(stage.asked("room.moderate"), None);
    let words = stage
        .labels()
        .into_iter()
        .find(|it| it.starts_with("I know that everybody"))
        .unwrap();
    stage.press(&words);
    stage.press("Put out for good");
    let asked = stage.asked("room.moderate").unwrap();
    assert_eq!(
        (&asked["nick"], &asked["action"]),
        (&json!("🔒 private, verified"), &json!({ "is": "ban" }))
    );
}

#[test]
fn somebody_is_invited_and_the_room_is_left() {
    let stage = inside();
    dialog(&stage, Dialog::Room);
    stage.press("Invite");
    stage.press("Address");
    stage.screen.write("bob@example.org");
    stage.screen.key(Key::Return);
    let asked = json!({ "account": 1, "room": "otters@rooms.example", "contact": "bob@example.org" });
    let calls = stage.calls("room.invite");
    assert_eq!(calls.first().unwrap()["params"], asked);
    stage.press("About this room");
    stage.press("Leave the room");
    let left = json!({ "account": 1, "room": "otters@rooms.example" });
    assert_eq!(stage.asked("room.leave"), Some(left));
}
