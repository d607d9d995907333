//! Alice verifies bob's key, is stopped where it changed, and sets her preferences; the engine is played by the test.
//! It must never need a display. Standard: `docs/rpc.md`, `verification.*` and `fingerprint.*`.

mod stage;

use model::{TorPhase, Verification};
use serde_json::json;
use slint::ComponentHandle;
use slint::platform::Key;
use stage::Stage;
use window::{Look, markup};

fn opened(name: &str) -> Stage {
    let mut stage = Stage::new(1000, 900);
    stage.fresh(&stage::evening());
    stage.keep(&Look::default());
    stage.open(name);
    stage
}

/// Opens the page by the keyboard-reachable controls of the trust sheet.
fn to_verify(stage: &Stage) {
    stage.press("Private, not verified");
    stage.press("Verify the key");
}

#[test]
fn alice_asks_a_question_once_and_can_break_it_off() {
    let mut stage = opened("sara");
    to_verify(&stage);
    stage.press("Question");
    stage.screen.write("Where did we meet?");
    stage.screen.key(Key::Return);
    stage.screen.write("Aleppo");
    stage.screen.key(Key::Return);
    let asked = stage.asked("verification.start").unwrap();
    assert_eq!(
        asked,
        json!({ "account": 1, "contact": "sara@example.org", "question": "Where did we meet?", "secret": "Aleppo" })
    );
    stage.screen.key(Key::Return);
    assert_eq!(stage.asked("verification.start"), None);
    stage.verifies("sara", Verification::Waiting);
    assert!(stage.shows("Break off"));
}

#[test]
fn answers_that_differ_are_told_and_the_key_can_be_distrusted() {
    let mut stage = opened("sara");
    to_verify(&stage);
    stage.verifies("sara", Verification::Done { same: false });
    assert!(stage.shows("Do not trust this key"), "{:#?}", stage.labels());
    stage.press("Do not trust this key");
    let distrusted = stage.asked("fingerprint.distrust").unwrap();
    assert_eq!(distrusted["fingerprint"], stage::FINGERPRINT);
}

#[test]
fn a_refused_verification_is_told_in_words() {
    let stage = opened("sara");
    to_verify(&stage);
    stage.press("Shared secret");
    stage.press("The secret that you share");
    stage.screen.write("otter");
    stage.screen.key(Key::Return);
    stage.refuse("verification.start", "test.refused");
    assert!(stage.shows("It could not be done."));
}

#[test]
fn what_a_contact_asks_waits_above_the_page_and_takes_no_key() {
    let mut stage = opened("bob");
    stage.screen.write("I am wri");
    let question = Some("Private, verified?".to_owned());
    stage.verifies("sara", Verification::Asked { question });
    stage.screen.settle();
    assert!(stage.shows("Look at it"));
    assert!(!stage.shows("Private, verified?"));
    stage.screen.write("ting");
    stage.screen.key(Key::Return);
    assert_eq!(stage.asked("message.send").unwrap()["text"], "I am writing");
    assert_eq!(stage.asked("verification.answer"), None);
    stage.press("Look at it");
    assert!(stage.shows("The question, in the words of your contact"));
    stage.press("Your answer");
    stage.screen.write("Aleppo");
    stage.screen.key(Key::Return);
    assert_eq!(
        stage.asked("verification.answer").unwrap(),
        json!({ "account": 1, "contact": "sara@example.org", "secret": "Aleppo" })
    );
}

#[test]
fn a_right_answer_to_a_contact_is_not_called_a_verified_key() {
    let mut stage = opened("sara");
    let question = Some("Where?".to_owned());
    stage.verifies("sara", Verification::Asked { question });
    stage.press("Look at it");
    stage.verifies("sara", Verification::Done { same: true });
    assert!(stage.shows("Your answer was right"), "{:#?}", stage.labels());
    assert!(!stage.shows("the key is verified"));
}

#[test]
fn a_contacts_question_can_be_refused() {
    let mut stage = opened("sara");
    stage.verifies("sara", Verification::Asked { question: None });
    stage.press("Look at it");
    stage.press("Refuse");
    assert_eq!(
        stage.asked("verification.abort").unwrap()["contact"],
        "sara@example.org"
    );
}

#[test]
fn keys_are_compared_as_digits_or_words_and_recorded_only_after_a_yes() {
    let stage = opened("sara");
    to_verify(&stage);
    stage.press("Compare keys");
    stage.press("They are the same");
    assert_eq!(stage.asked("fingerprint.verify"), None);
    let global = stage.app.ui().global::<markup::Verify<'_>>();
    global.set_spelling(3);
    global.invoke_spell(3);
    stage.answer("fingerprint.words", &json!({ "words": ["آب", "باد", "خاک"] }));
    assert_eq!(global.get_their_words(), "آب  باد  خاک");
    stage.press("I compared everything with my contact, outside this conversation.");
    stage.press("They are the same");
    assert_eq!(
        stage.asked("fingerprint.verify").unwrap(),
        json!({ "account": 1, "contact": "sara@example.org", "fingerprint": stage::FINGERPRINT, "verified": true })
    );
}

#[test]
fn a_changed_key_stops_the_conversation_and_nothing_can_be_written() {
    let mut stage = opened("sara");
    stage.screen.write("half a sent");
    stage.change_key("sara", "سارة الحسن");
    stage.screen.settle();
    assert!(
        stage.shows("Do not send; ask them another way"),
        "{:#?}",
        stage.labels()
    );
    for key in [stage::FINGERPRINT, stage::OTHER] {
        assert!(stage.shows(key), "{key}");
    }
    stage.screen.write("ence");
    stage.screen.key(Key::Return);
    stage.screen.chord(&[Key::Control], "m");
    stage.screen.key(Key::Return);
    assert_eq!(stage.asked("message.send"), None);
    assert_eq!(stage.asked("fingerprint.accept"), None);
    stage.press("Do not send; ask them another way");
    assert!(!stage.shows("Do not send; ask them another way"));
}

#[test]
fn a_changed_key_is_accepted_only_after_the_words_were_read() {
    let mut stage = opened("sara");
    stage.change_key("sara", "سارة الحسن");
    stage.press("Accept without verifying …");
    stage.press("Accept the key");
    assert_eq!(stage.asked("fingerprint.accept"), None);
    stage.press("I know that nobody has shown me that this key is my contact's.");
    stage.press("Accept the key");
    assert_eq!(
        stage.asked("fingerprint.accept").unwrap()["fingerprint"],
        stage::OTHER
    );
}

#[test]
fn preferences_hold_at_once_and_are_kept_in_the_profile() {
    let stage = opened("bob");
    let nav = stage.app.ui().global::<markup::Nav<'_>>();
    nav.invoke_go(markup::Page::Preferences);
    stage.press("Dark");
    stage.press("Enter begins a line");
    stage
        .app
        .ui()
        .global::<markup::Preferences<'_>>()
        .invoke_choose_language(5);
    stage.screen.settle();
    let look = stage.app.look();
    assert_eq!((look.language.as_str(), look.enter_sends), ("ar", false));
    assert_eq!(look.theme, window::Theme::Dark);
    let kept = stage.calls("window.save");
    let last = kept.last().unwrap()["params"]["state"].as_str().unwrap();
    assert_eq!(Look::read(last), Some(look));
    stage.screen.key(Key::Escape);
    assert_eq!(nav.get_page(), markup::Page::Main);
}

#[test]
fn the_security_page_tells_walls_probes_and_what_is_stored() {
    let stage = opened("bob");
    stage
        .app
        .ui()
        .global::<markup::Nav<'_>>()
        .invoke_go(markup::Page::Security);
    stage.screen.settle();
    stage.answer(
        "profile.stored",
        &json!({ "items": [{ "what": "keys", "count": 1, "bytes": 1_500 }], "on_disk": 65_536 }),
    );
    stage.answer(
        "probe.list",
        &json!({ "probes": [{
            "account": 1, "from": "mallory\u{202E}@example.net", "kind": "otr_query", "count": 3, "last_at": 1,
        }] }),
    );
    for words in ["mallory[U+202E]@example.net", "Your own keys", "66 KB"] {
        assert!(stage.shows(words), "{words}: {:#?}", stage.labels());
    }
}

#[test]
fn a_passphrase_is_changed_once_and_its_fields_are_empty_after() {
    let mut stage = Stage::new(1000, 2_000);
    stage.fresh(&stage::evening());
    stage
        .app
        .ui()
        .global::<markup::Nav<'_>>()
        .invoke_go(markup::Page::Security);
    stage.press("The passphrase so far");
    for written in ["old", "new words", "new words"] {
        stage.screen.write(written);
        stage.screen.key(Key::Return);
    }
    assert_eq!(
        stage.asked("profile.change_passphrase").unwrap(),
        json!({ "old": "old", "new": "new words" })
    );
    stage.screen.key(Key::Return);
    assert_eq!(stage.asked("profile.change_passphrase"), None);
    stage.press("Destroy the profile");
    assert_eq!(stage.asked("profile.wipe"), None);
}

#[test]
fn a_new_circuit_is_asked_for_one_account() {
    let mut stage = Stage::new(1000, 2400);
    let mut all = stage::evening();
    stage.fresh(&all);
    stage
        .app
        .ui()
        .global::<markup::Nav<'_>>()
        .invoke_go(markup::Page::Tor);
    stage.press("New circuit");
    assert_eq!(stage.asked("tor.new_circuit"), Some(json!({ "account": 1 })));
    (all.tor.phase, all.tor.percent) = (TorPhase::Stalled, 30);
    stage.fresh(&all);
    assert!(stage.shows("Tor does not get on."), "{:#?}", stage.labels());
    stage.press("New circuit");
    assert_eq!(stage.asked("tor.new_circuit"), None);
}
