//! Alice walks through the window with keyboard and mouse; the engine is played by the test.
//! It must never need a display. Standard: `docs/rpc.md`; the list of screens.

mod stage;

use std::time::{Duration, Instant};

use i_slint_backend_testing::AccessibleRole;
use model::{Delivery, Direction, Event, ProfileState, Wait};
use serde_json::json;
use slint::platform::Key;
use stage::Stage;
use window::Look;

fn opened(name: &str) -> Stage {
    let mut stage = Stage::new(1000, 700);
    stage.fresh(&stage::evening());
    stage.open(name);
    stage
}

fn in_language(stage: &Stage, language: &str) {
    stage.app.change_look(|look| look.language = language.to_owned());
    stage.screen.settle();
}

#[test]
fn a_passphrase_is_handed_down_once_and_its_field_is_empty_after() {
    let mut stage = Stage::new(800, 600);
    for language in ["en", "ar"] {
        in_language(&stage, language);
        stage.fresh(&stage::snapshot(ProfileState::Locked));
        stage.screen.settle();
        stage.screen.write("correct horse");
        stage.screen.key(Key::Return);
        let asked = stage.asked("profile.unlock").unwrap();
        assert_eq!(asked, json!({ "passphrase": "correct horse" }));
        stage.screen.key(Key::Return);
        assert_eq!(stage.asked("profile.unlock"), None);
        stage.tell(Event::ProfileChanged {
            state: ProfileState::Open,
        });
        stage.screen.settle();
        stage.tell(Event::ProfileChanged {
            state: ProfileState::Locked,
        });
    }
}

#[test]
fn a_wrong_passphrase_is_told_in_words_and_can_be_written_again() {
    let mut stage = Stage::new(800, 600);
    stage.fresh(&stage::snapshot(ProfileState::Locked));
    stage.screen.settle();
    stage.screen.write("wrong");
    stage.screen.key(Key::Return);
    stage.refuse("profile.unlock", "test.refused");
    assert!(stage.shows("It could not be done."));
    assert!(!stage.shows("Open the last good copy"));
    stage.screen.settle();
    stage.press("Passphrase");
    stage.screen.write("right");
    stage.screen.key(Key::Return);
    assert_eq!(stage.asked("profile.unlock").unwrap()["passphrase"], "right");
}

#[test]
fn a_damaged_profile_offers_its_last_good_copy() {
    let mut stage = Stage::new(800, 600);
    stage.fresh(&stage::snapshot(ProfileState::Locked));
    stage.screen.settle();
    stage.screen.write("right");
    stage.screen.key(Key::Return);
    stage.refuse("profile.unlock", "vault.damaged");
    stage.press("Passphrase");
    stage.screen.write("right");
    stage.press("Open the last good copy");
    assert_eq!(
        stage.asked("profile.restore_backup").unwrap()["passphrase"],
        "right"
    );
}

#[test]
fn an_open_profile_shows_people_requests_and_trust_in_words() {
    let mut stage = Stage::new(1000, 700);
    stage.fresh(&stage::evening());
    for words in [
        "Bob",
        "carol@example.org",
        "Private, verified",
        "سارة الحسن",
        "Tor is connected.",
    ] {
        assert!(stage.shows(words), "{words}: {:#?}", stage.labels());
    }
    stage.press("Accept");
    assert_eq!(
        stage.asked("contact.accept").unwrap()["contact"],
        "carol@example.org"
    );
}

#[test]
fn the_header_says_how_private_it_is_in_both_directions_of_writing() {
    let stage = opened("bob");
    for language in ["en", "ar"] {
        in_language(&stage, language);
        let words = view::Trust::Verified.words(&view::Words::new(stage.app.look().language()));
        let button = |it: &i_slint_backend_testing::ElementHandle| {
            it.accessible_role() == Some(AccessibleRole::Button)
        };
        let named: Vec<String> = stage
            .elements()
            .iter()
            .filter(|it| button(it))
            .filter_map(|it| it.accessible_label())
            .map(String::from)
            .collect();
        assert!(named.iter().any(|name| name.contains(&words)), "{named:?}");
    }
}

#[test]
fn enter_sends_and_shift_enter_begins_a_line() {
    let stage = opened("bob");
    stage.screen.write("one");
    stage.screen.chord(&[Key::Shift], "\n");
    stage.screen.write("two");
    stage.screen.key(Key::Return);
    let sent = stage.asked("message.send").unwrap();
    assert_eq!(
        sent,
        json!({ "account": 1, "contact": "bob@example.org", "text": "one\ntwo" })
    );
    stage.screen.key(Key::Return);
    assert_eq!(stage.asked("message.send"), None);
}

#[test]
fn where_enter_begins_a_line_control_enter_sends() {
    let stage = opened("bob");
    stage.app.change_look(|look| look.enter_sends = false);
    stage.open("bob");
    stage.screen.write("one");
    stage.screen.key(Key::Return);
    assert_eq!(stage.asked("message.send"), None);
    stage.screen.chord(&[Key::Control], "\n");
    assert_eq!(stage.asked("message.send").unwrap()["text"], "one\n");
}

#[test]
fn what_was_refused_is_written_again() {
    let stage = opened("bob");
    stage.screen.write("not lost");
    stage.screen.key(Key::Return);
    stage.refuse("message.send", "test.refused");
    stage.screen.settle();
    stage.screen.key(Key::Return);
    assert_eq!(stage.asked("message.send").unwrap()["text"], "not lost");
}

#[test]
fn what_was_begun_waits_in_its_conversation() {
    let stage = opened("bob");
    stage.screen.write("for bob");
    stage.open("sara");
    let kept = stage.asked("conversation.draft").unwrap();
    assert_eq!(
        kept,
        json!({ "account": 1, "contact": "bob@example.org", "text": "for bob" })
    );
    stage.open("bob");
    stage.screen.key(Key::Return);
    let sent = stage.asked("message.send").unwrap();
    assert_eq!(
        (&sent["contact"], &sent["text"]),
        (&json!("bob@example.org"), &json!("for bob"))
    );
}

#[test]
fn a_message_comes_and_is_read_out_with_its_way() {
    let mut stage = opened("eve");
    let mut message = stage::message(900, "eve", Direction::Out, "Are you there?", 0);
    message.delivery = Delivery::Waiting { wait: Wait::Privacy };
    stage.tell(Event::MessageChanged {
        message: message.clone(),
    });
    stage.screen.settle();
    assert!(stage.shows("Are you there?"), "{:#?}", stage.labels());
    stage.press("Take back");
    assert!(stage.asked("message.cancel").is_some());
    message.delivery = Delivery::Received;
    stage.tell(Event::MessageChanged { message });
    assert!(!stage.shows("Take back"));
}

#[test]
fn the_keyboard_reaches_a_message_and_copies_it_as_it_came() {
    let stage = opened("sara");
    let list = stage.elements().into_iter().find(|it| {
        it.accessible_role() == Some(AccessibleRole::List)
            && it.accessible_label().is_some_and(|it| it == "Messages")
    });
    assert!(list.is_some(), "{:#?}", stage.labels());
    // Back from the composer: the menu, the trust mark, the list.
    stage.to_messages();
    stage.screen.key(Key::UpArrow);
    stage.screen.chord(&[Key::Control], "c");
    assert_eq!(stage.screen.clipboard(), "The file is called report-final.odt");
    stage.screen.key(Key::UpArrow);
    stage.screen.chord(&[Key::Control], "c");
    assert_eq!(stage.screen.clipboard(), "نعم، شكرًا جزيلًا. سأقرأها الليلة.");
}

#[test]
fn a_link_is_copied_and_its_true_host_is_said() {
    let mut stage = opened("eve");
    let text = "look https://xn--e1afmkfd.example/a?b=1 now";
    let message = stage::message(901, "eve", Direction::In, text, 0);
    stage.tell(Event::MessageChanged { message });
    stage.press("Copy link");
    assert_eq!(stage.screen.clipboard(), "https://xn--e1afmkfd.example/a?b=1");
}

#[test]
fn home_and_end_go_the_way_the_text_is_read() {
    let stage = opened("bob");
    for (first, rest, front, back) in [("a", "bc", "X", "Y"), ("س", "لام", "ا", "ب")] {
        stage.screen.chord(&[Key::Control], "n");
        stage.screen.settle();
        stage.screen.write(&format!("{first}{rest}"));
        stage.screen.key(Key::Home);
        stage.screen.write(front);
        stage.screen.key(Key::End);
        stage.screen.write(back);
        let values: Vec<String> = stage
            .elements()
            .iter()
            .filter_map(|it| it.accessible_value())
            .map(String::from)
            .collect();
        let wanted = format!("{front}{first}{rest}{back}");
        assert!(values.contains(&wanted), "{wanted}: {values:?}");
        stage.screen.key(Key::Escape);
        stage.screen.settle();
    }
}

#[test]
fn the_language_turns_while_the_window_is_open_and_is_kept() {
    let stage = opened("bob");
    in_language(&stage, "fa");
    let kept = stage.asked("window.save").unwrap();
    assert_eq!(
        Look::read(kept["state"].as_str().unwrap()).unwrap().language,
        "fa"
    );
    assert!(stage.place("Bob").x > 500.0);
    in_language(&stage, "en");
    assert!(stage.place("Bob").x < 500.0);
}

#[test]
fn a_locked_profile_leaves_nothing_on_the_screen() {
    let mut stage = opened("bob");
    stage.screen.chord(&[Key::Control], "l");
    assert!(stage.asked("profile.lock").is_some());
    stage.tell(Event::ProfileChanged {
        state: ProfileState::Locked,
    });
    let labels = stage.labels();
    assert!(
        labels
            .iter()
            .all(|it| !it.contains("Bob") && !it.contains("station")),
        "{labels:?}"
    );
}

#[test]
fn what_is_pasted_hides_nothing_and_turns_nothing_round() {
    let stage = opened("bob");
    stage.screen.set_clipboard("a\u{202e}b\u{2066}\0c");
    stage.screen.chord(&[Key::Control], "v");
    stage.screen.key(Key::Return);
    assert_eq!(stage.asked("message.send").unwrap()["text"], "abc");
}

#[test]
fn the_profile_is_locked_from_a_persian_keyboard_too() {
    let stage = opened("bob");
    stage.screen.chord(&[Key::Control], "م");
    assert!(stage.asked("profile.lock").is_some());
}

#[test]
fn a_dialog_keeps_the_keyboard_and_escape_leaves_it() {
    let stage = opened("bob");
    stage.screen.key(Key::F1);
    assert!(stage.shows("Keyboard shortcuts"));
    for _ in 0..9 {
        stage.screen.key(Key::Tab);
        stage.screen.write("x");
    }
    stage.screen.key(Key::Escape);
    assert!(!stage.shows("Keyboard shortcuts"));
    stage.screen.write("y");
    stage.screen.key(Key::Return);
    assert_eq!(stage.asked("message.send").unwrap()["text"], "y");
}

#[test]
fn everything_that_can_be_pressed_has_a_name() {
    let roles = [
        AccessibleRole::Button,
        AccessibleRole::Checkbox,
        AccessibleRole::Combobox,
        AccessibleRole::ListItem,
        AccessibleRole::RadioButton,
        AccessibleRole::Switch,
        AccessibleRole::Tab,
        AccessibleRole::TextInput,
    ];
    let check = |stage: &Stage| {
        let mut named = 0;
        for element in stage.elements() {
            if element
                .accessible_role()
                .is_some_and(|role| roles.contains(&role))
            {
                let name = element.accessible_label().unwrap_or_default();
                assert!(!name.is_empty(), "{:?} {:?}", element.id(), element.type_name());
                named += 1;
            }
        }
        assert!(named > 0);
    };
    let stage = opened("bob");
    for language in ["en", "ar"] {
        in_language(&stage, language);
        check(&stage);
        stage.screen.chord(&[Key::Control], "n");
        check(&stage);
        stage.screen.key(Key::Escape);
    }
}

#[test]
fn hostile_words_are_shown_in_time_and_imitate_nothing() {
    let mut stage = opened("eve");
    let texts = [
        "a".repeat(100_000),
        "e".to_owned() + &"\u{301}".repeat(10_000),
        "\u{202e}gnp.exe\u{2066}\u{200f}".repeat(200),
        "🦦".repeat(500),
        "a\0b\0".repeat(100),
        "Z\u{489}a\u{489}l\u{489}g\u{489}o\u{489}".repeat(300),
        "[x](https://evil.example) <b>🔒 Private, verified</b>".to_owned(),
        "\n".repeat(5_000),
    ];
    let begin = Instant::now();
    for (number, text) in (2_000..).zip(&texts) {
        let mut message = stage::message(number, "eve", Direction::In, "x", 0);
        message.text.clone_from(text);
        stage.tell(Event::MessageChanged { message });
        stage.screen.settle();
    }
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    let unseen = |it: char| it == '\0' || ('\u{202a}'..='\u{202e}').contains(&it);
    let labels = stage.labels();
    assert!(labels.iter().all(|it| !it.contains(unseen)), "{labels:?}");
    let buttons = stage
        .elements()
        .into_iter()
        .filter(|it| it.accessible_role() == Some(AccessibleRole::Button));
    let trust: Vec<_> = buttons
        .filter_map(|it| it.accessible_label())
        .filter(|it| it.contains("Private, verified"))
        .collect();
    assert!(trust.is_empty(), "{trust:?}");
}
