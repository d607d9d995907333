//! Alice starts the program for the first time, by the keyboard alone; the engine is played by the test.
//! It must never need a display. Standard: `docs/rpc.md`; the first run.

mod stage;

use model::{Event, ProfileState, TorCause, TorPhase};
use serde_json::{Value, json};
use slint::platform::Key;
use stage::Stage;

/// A window whose wizard asks for the passphrase.
fn begun() -> Stage {
    let mut stage = Stage::new(900, 1200);
    stage.fresh(&stage::snapshot(ProfileState::Absent));
    stage.screen.settle();
    stage.screen.key(Key::Return);
    stage.screen.settle();
    stage
}

/// A window whose wizard asks for the account.
fn sealed() -> Stage {
    let mut stage = begun();
    stage.tell(Event::ProfileChanged {
        state: ProfileState::Open,
    });
    stage.fresh(&stage::snapshot(ProfileState::Open));
    stage.screen.settle();
    stage.screen.key(Key::Return);
    stage.screen.settle();
    stage
}

fn twice(stage: &Stage, first: &str, second: &str) {
    stage.screen.write(first);
    stage.screen.key(Key::Return);
    stage.screen.write(second);
    stage.screen.key(Key::Return);
}

#[test]
fn a_profile_is_sealed_with_what_was_written_twice() {
    let stage = begun();
    twice(&stage, "correct horse battery staple", "correct horse");
    assert_eq!(stage.asked("profile.create"), None);
    stage.screen.write(" battery staple");
    stage.screen.key(Key::Return);
    let asked = stage.asked("profile.create");
    assert_eq!(
        asked,
        Some(json!({ "passphrase": "correct horse battery staple" }))
    );
    stage.screen.key(Key::Return);
    assert_eq!(stage.asked("profile.create"), None);
}

#[test]
fn a_weak_passphrase_is_taken_only_with_plain_words() {
    let stage = begun();
    twice(&stage, "otter", "otter");
    assert_eq!(stage.asked("profile.create"), None);
    stage.screen.settle();
    // The eye of the second field, then the sentence.
    stage.screen.key(Key::Tab);
    stage.screen.key(Key::Tab);
    stage.screen.write(" ");
    stage.screen.settle();
    stage.screen.chord(&[Key::Shift], "\u{19}");
    stage.screen.chord(&[Key::Shift], "\u{19}");
    stage.screen.key(Key::Return);
    assert_eq!(
        stage.asked("profile.create"),
        Some(json!({ "passphrase": "otter" }))
    );
}

#[test]
fn the_language_that_was_chosen_goes_into_the_profile() {
    let mut stage = begun();
    stage.app.change_look(|look| look.language = "fa".to_owned());
    assert_eq!(stage.asked("window.save"), None);
    stage.tell(Event::ProfileChanged {
        state: ProfileState::Open,
    });
    let kept = stage.asked("window.save").unwrap();
    let look: Value = serde_json::from_str(kept["state"].as_str().unwrap()).unwrap();
    assert_eq!(look["language"], "fa");
}

#[test]
fn nobody_has_to_wait_for_tor() {
    let mut stage = begun();
    let mut all = stage::snapshot(ProfileState::Open);
    (all.tor.phase, all.tor.cause) = (TorPhase::Stalled, Some(TorCause::Blocked));
    stage.fresh(&all);
    stage.screen.settle();
    stage.screen.key(Key::Return);
    stage.screen.settle();
    stage.screen.write("wren");
    stage.screen.key(Key::Return);
    assert!(stage.asked("account.add").is_some());
}

#[test]
fn an_account_is_made_with_a_password_that_nobody_has_to_write() {
    let stage = sealed();
    stage.screen.write("wren");
    stage.screen.key(Key::Return);
    let asked = stage.asked("account.add").unwrap();
    assert_eq!(asked["address"], "wren@jabber.hot-chilli.net");
    assert_eq!(asked["register"], true);
    assert_eq!(asked["password"].as_str().unwrap().len(), 26);
}

#[test]
fn a_refused_account_is_told_and_can_be_tried_again() {
    let mut stage = sealed();
    for refused in [true, false] {
        stage.screen.write("wren");
        stage.screen.key(Key::Return);
        stage.screen.settle();
        if refused {
            stage.refuse("account.add", "account.exists");
            stage.screen.settle();
            stage.screen.chord(&[Key::Control], "a");
        }
    }
    let added = json!({ "account": 1, "fingerprint": stage::FINGERPRINT });
    stage.answer("account.add", &added);
    stage.fresh(&stage::empty());
    stage.screen.settle();
    stage.screen.key(Key::Return);
    stage.screen.settle();
    stage.screen.write("xmpp:bob@example.org?roster;name=Bob");
    stage.screen.key(Key::Return);
    let asked = stage.asked("contact.add").unwrap();
    assert_eq!(
        asked,
        json!({ "account": 1, "contact": "bob@example.org", "invitation": null, "name": "Bob" })
    );
}

#[test]
fn what_names_nobody_adds_nobody() {
    let mut stage = sealed();
    stage.screen.write("wren");
    stage.screen.key(Key::Return);
    stage.answer(
        "account.add",
        &json!({ "account": 1, "fingerprint": stage::FINGERPRINT }),
    );
    stage.fresh(&stage::empty());
    stage.screen.settle();
    stage.screen.key(Key::Return);
    stage.screen.settle();
    stage.screen.write("xmpp:room@conference.example.org?join");
    stage.screen.key(Key::Return);
    assert_eq!(stage.asked("contact.add"), None);
}
