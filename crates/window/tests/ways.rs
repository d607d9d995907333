//! Alice chooses how Tor is reached, sees what it does, and guards her profile; the engine is played by the test.
//! It must never need a display. Standard: `docs/rpc.md`, `tor.*`, `rules.*`, `walls.check`, `sight.list`, `profile.*`.

mod stage;

use model::{ProfileState, TorPhase};
use serde_json::json;
use slint::ComponentHandle;
use slint::platform::Key;
use stage::Stage;
use window::markup::{Nav, Page};

fn at(page: Page) -> Stage {
    let mut stage = Stage::new(900, 3000);
    stage.fresh(&stage::empty());
    stage.screen.settle();
    stage.app.ui().global::<Nav<'_>>().invoke_go(page);
    stage.screen.settle();
    stage
}

fn settings(running: bool) -> serde_json::Value {
    json!({
        "running": running, "bridges": ["obfs4 192.0.2.1:443 cert=x iat-mode=0"], "proxy": "socks5://192.0.2.9:1080",
        "ports": [80, 443], "transports": ["obfs4"],
    })
}

#[test]
fn bridges_are_pasted_and_each_refused_line_is_told() {
    let stage = at(Page::Tor);
    stage.answer("tor.settings", &settings(false));
    assert!(stage.shows("Kinds that can be used"));
    stage.press("Bridges");
    stage.screen.chord(&[Key::Control], "a");
    stage.screen.set_clipboard("192.0.2.1:443\n192.0.2.2:9001\n");
    stage.screen.chord(&[Key::Control], "v");
    stage.press("Use this way");
    let asked = stage.calls("tor.set");
    assert_eq!(
        asked.first().unwrap()["params"],
        json!({
            "use": "embedded", "bridges": ["192.0.2.1:443", "192.0.2.2:9001"], "proxy": "socks5://192.0.2.9:1080",
            "ports": [80, 443], "once": false,
        })
    );
}

#[test]
fn a_refused_way_is_told_and_a_kept_one_too() {
    for refused in [true, false] {
        std::thread::spawn(move || {
            let stage = at(Page::Tor);
            stage.answer("tor.settings", &settings(true));
            stage.press("Its control port");
            stage.screen.write("127.0.0.1:9051");
            stage.screen.key(Key::Return);
            if refused {
                stage.refuse("tor.set", "test.refused");
                assert!(stage.shows("It could not be done."));
            } else {
                stage.answer("tor.set", &json!({}));
                assert!(stage.shows("It is kept."));
            }
        })
        .join()
        .unwrap();
    }
}

#[test]
fn circuits_are_shown_when_asked_for() {
    let stage = at(Page::Tor);
    stage.answer("tor.settings", &settings(false));
    stage.press("Show the circuits");
    stage.answer(
        "tor.paths",
        &json!({ "paths": [{
            "account": 1, "purpose": "chat", "onion": false, "seconds": 60, "streams": 1,
            "relays": [{ "nickname": "alpha", "bridge": true }, { "nickname": "beta" }, { "nickname": "gamma" }],
        }] }),
    );
    assert!(stage.shows("alpha") && stage.shows("gamma"));
    assert!(stage.shows("Out of Tor, to the server"));
}

#[test]
fn the_first_start_offers_another_way_where_tor_is_blocked() {
    let mut stage = Stage::new(900, 1600);
    stage.fresh(&stage::snapshot(ProfileState::Absent));
    stage.screen.key(Key::Return);
    stage.screen.settle();
    stage.screen.write("otter2");
    stage.screen.key(Key::Return);
    stage.screen.write("otter2");
    let mut all = stage::snapshot(ProfileState::Open);
    (all.tor.phase, all.tor.percent) = (TorPhase::Stalled, 10);
    stage.fresh(&all);
    stage.screen.settle();
    stage.press("My network blocks Tor: use bridges, a proxy, or a Tor that already runs");
    stage.answer("tor.settings", &json!({ "running": false }));
    stage.press("A Tor that already runs");
    stage.press("Use this way");
    assert_eq!(
        stage.asked("tor.set"),
        Some(json!({ "use": "running", "control": null, "password": null, "once": false }))
    );
}

fn guarded() -> Stage {
    let stage = at(Page::Security);
    stage.answer("rules.show", &json!({ "lock_after_minutes": 15 }));
    stage.answer(
        "walls.check",
        &json!({ "attempts": [
            { "room": "engine", "attempt": "tcp connect", "must_be_refused": true, "refused": true, "seen": "EPERM" },
            { "room": "window", "attempt": "udp send", "must_be_refused": true, "refused": false, "seen": "sent" },
        ] }),
    );
    stage.answer(
        "sight.list",
        &json!({ "sights": [
            { "account": 1, "observer": "own_server", "whom": "otter.example", "what": "contact_list", "count": 1 },
        ] }),
    );
    stage.screen.settle();
    stage
}

#[test]
fn what_got_through_the_walls_is_told_first() {
    let stage = guarded();
    assert!(stage.shows("1 attempt got through."));
    assert!(stage.shows("udp send") && !stage.shows("tcp connect"));
    stage.press("Show every attempt");
    assert!(stage.shows("tcp connect"));
    assert!(stage.shows("otter.example") && stage.shows("Your list of contacts"));
}

#[test]
fn what_the_engine_does_not_carry_out_is_not_shown() {
    let stage = at(Page::Security);
    for method in ["rules.show", "walls.check", "sight.list"] {
        stage.refuse(method, "door.no_such_method");
    }
    for words in ["Rules", "The walls, tried", "Who can see what"] {
        assert!(!stage.shows(words), "{words}");
    }
}

#[test]
fn the_shield_is_chosen_beside_what_was_chosen_before() {
    let stage = guarded();
    stage.press("Hide when I write");
    assert_eq!(
        stage.asked("rules.set"),
        Some(json!({ "lock_after_minutes": 15, "expire_after_days": null, "shield": true }))
    );
}

#[test]
fn a_profile_expires_only_after_it_was_understood() {
    let stage = guarded();
    let choices = stage
        .elements()
        .into_iter()
        .filter(|it| it.accessible_role() == Some(i_slint_backend_testing::AccessibleRole::Combobox));
    let expiry = choices.last().unwrap().absolute_position();
    stage.screen.click(expiry.x + 20.0, expiry.y + 18.0);
    stage.screen.settle();
    stage.screen.key(Key::DownArrow);
    stage.screen.key(Key::Return);
    stage.screen.settle();
    assert_eq!(stage.asked("rules.set"), None);
    stage.press("I understand, choose it");
    let asked = stage.asked("rules.set").unwrap();
    assert_eq!(
        (&asked["expire_after_days"], &asked["shield"]),
        (&json!(7), &json!(false))
    );
}

#[test]
fn a_backup_says_where_it_is() {
    let stage = guarded();
    stage.press("Write a backup");
    stage.answer(
        "profile.backup",
        &json!({ "file": "backup.otter", "bytes": 65_536 }),
    );
    assert!(stage.shows("backup.otter"));
}

#[test]
fn a_passphrase_that_destroys_is_set_only_after_it_was_understood() {
    let stage = guarded();
    for (field, text) in [
        ("The passphrase that opens the profile", "open"),
        ("The passphrase that destroys it", "gone"),
        ("The passphrase that destroys it, once more", "gone"),
    ] {
        stage.press(field);
        stage.screen.write(text);
    }
    stage.press("Set it");
    assert_eq!(stage.asked("profile.set_destroying_passphrase"), None);
    let words = stage
        .labels()
        .into_iter()
        .find(|it| it.starts_with("I know that whoever"))
        .unwrap();
    stage.press(&words);
    stage.press("Set it");
    let asked = stage.asked("profile.set_destroying_passphrase").unwrap();
    let expected = json!({ "passphrase": "open", "destroying": "gone", "understood": true });
    assert_eq!(asked, expected);
}

#[test]
fn panic_is_one_chord_from_everywhere() {
    let stage = at(Page::Tor);
    let delete = slint::SharedString::from(Key::Delete);
    stage.screen.chord(&[Key::Control, Key::Shift], &delete);
    assert_eq!(stage.asked("engine.panic"), Some(json!({})));
}
