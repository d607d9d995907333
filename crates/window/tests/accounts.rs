//! Alice sees to her accounts and contacts; the engine is played by the test.
//! It must never need a display. Standard: `docs/rpc.md`, `account.*`, `contact.*`, `key.*`.

mod stage;

use i_slint_backend_testing::AccessibleRole;
use model::{AccountState, Problem, ProfileState, Snapshot};
use serde_json::json;
use slint::ComponentHandle;
use slint::platform::Key;
use stage::Stage;
use window::markup::{Dialog, Nav, Page};

fn at(snapshot: &Snapshot, page: Page) -> Stage {
    let mut stage = Stage::new(900, 1400);
    stage.fresh(snapshot);
    stage.screen.settle();
    stage.app.ui().global::<Nav<'_>>().invoke_go(page);
    stage.screen.settle();
    stage
}

fn accounts() -> Stage {
    at(&stage::empty(), Page::Accounts)
}

fn dialog(stage: &Stage, dialog: Dialog) {
    stage.app.ui().global::<Nav<'_>>().invoke_open(dialog);
    stage.screen.settle();
}

fn is_closed(stage: &Stage) -> bool {
    stage.app.ui().global::<Nav<'_>>().get_dialog() == Dialog::None
}

/// Everything that can be worked has a name.
fn check(stage: &Stage) {
    for element in stage.elements() {
        let works = matches!(
            element.accessible_role(),
            Some(
                AccessibleRole::Button
                    | AccessibleRole::Checkbox
                    | AccessibleRole::Combobox
                    | AccessibleRole::RadioButton
                    | AccessibleRole::TextInput
            )
        );
        let named = element.accessible_label().is_some_and(|name| !name.is_empty());
        assert!(named || !works, "{:?} {:?}", element.type_name(), element.id());
    }
}

#[test]
fn a_wrong_password_is_told_and_changed_at_the_same_place() {
    let mut all = stage::empty();
    all.accounts.first_mut().unwrap().state = AccountState::Failed {
        problem: Problem::new("wrong-password", "The password is wrong."),
    };
    let stage = at(&all, Page::Accounts);
    assert!(stage.shows("password"), "{:#?}", stage.labels());
    stage.press("Password and server …");
    stage.screen.write("correct");
    stage.screen.key(Key::Return);
    let asked = stage.calls("account.change");
    let expected =
        json!({ "account": 1, "password": "correct", "server": null, "pins": null, "login": null });
    assert_eq!(asked.first().unwrap()["params"], expected);
}

#[test]
fn another_server_is_given_with_its_port() {
    let stage = accounts();
    stage.press("Password and server …");
    stage.press("Another server");
    stage.press("Server, or its onion service");
    stage.screen.write("xmpp.example.org");
    stage.press("Port");
    stage.screen.write("99999");
    stage.press("Save and connect again");
    assert_eq!(stage.asked("account.change"), None);
    stage.press("Port");
    stage.screen.chord(&[Key::Control], "a");
    stage.screen.write("443");
    stage.press("Save and connect again");
    let asked = stage.calls("account.change");
    let server = json!({ "is": "chosen", "server": { "host": "xmpp.example.org", "port": 443, "transport": "direct_tls" } });
    assert_eq!(asked.first().unwrap()["params"]["server"], server);
}

#[test]
fn a_refusal_is_told_in_the_sheet_and_success_closes_it() {
    let stage = accounts();
    for refused in [true, false] {
        stage.press("Password and server …");
        stage.screen.write("x");
        stage.press("Save and connect again");
        if refused {
            stage.refuse("account.change", "test.refused");
            assert!(stage.shows("It could not be done.") && !is_closed(&stage));
            stage.screen.key(Key::Escape);
            stage.screen.settle();
        } else {
            stage.answer("account.change", &json!({}));
            assert!(is_closed(&stage));
        }
    }
}

#[test]
fn an_account_is_removed_only_after_it_was_understood() {
    let stage = accounts();
    stage.press("Remove …");
    check(&stage);
    stage.press("Remove");
    assert_eq!(stage.asked("account.remove"), None);
    stage.press("I understand that the key cannot be brought back.");
    stage.press("Remove");
    assert_eq!(stage.asked("account.remove"), Some(json!({ "account": 1 })));
}

#[test]
fn an_account_is_forgotten_by_its_server_only_where_that_was_chosen() {
    let stage = accounts();
    stage.press("Remove …");
    stage.press("Remove it from the server too");
    stage.press("I understand that the key cannot be brought back.");
    stage.press("Remove");
    assert_eq!(stage.asked("account.remove"), None);
    assert_eq!(stage.asked("account.erase"), Some(json!({ "account": 1 })));
}

#[test]
fn the_server_takes_a_password_that_was_written_or_made_up() {
    for written in ["correct horse", ""] {
        std::thread::spawn(move || {
            let stage = accounts();
            stage.press("Password and server …");
            stage.screen.write(written);
            stage.press("Set this password on the server too");
            check(&stage);
            assert!(!stage.shows("Another key of the server"));
            stage.press("Change the password on the server");
            let asked = stage.asked("account.server_password").unwrap();
            let password = asked["password"].as_str().unwrap();
            assert!(password == written || (written.is_empty() && password.len() == 26));
            assert_eq!(stage.asked("account.change"), None);
        })
        .join()
        .unwrap();
    }
}

#[test]
fn conversations_begin_unencrypted_only_after_it_was_understood() {
    let stage = accounts();
    stage.press("Privacy …");
    stage.press("Private where possible");
    check(&stage);
    stage.press("Save");
    assert_eq!(stage.asked("account.policy"), None);
    stage.press("I understand");
    stage.press("Save");
    let asked = stage.asked("account.policy");
    assert_eq!(asked, Some(json!({ "account": 1, "policy": "opportunistic" })));
}

#[test]
fn a_key_is_renewed_only_after_it_was_understood() {
    let stage = accounts();
    stage.press("Key …");
    check(&stage);
    stage.press("I understand");
    // The radio button has the same words; the button stands below it.
    stage.screen.key(Key::Tab);
    stage.screen.key(Key::Return);
    assert_eq!(
        stage.asked("key.renew"),
        Some(json!({ "account": 1, "understood": true }))
    );
}

#[test]
fn a_key_is_copied_for_another_program_and_forgotten_with_the_sheet() {
    let stage = accounts();
    for _ in 0..2 {
        stage.press("Key …");
        stage.press("Copy the key for another program");
        assert!(!stage.shows("Copy otr.private_key"));
        stage.press("I understand");
        stage.press("Make a copy");
        let exported = json!({ "private_key": "(privkeys)", "fingerprints": "f", "instance_tags": "t" });
        stage.answer("key.export", &exported);
        stage.press("Copy otr.private_key");
        assert_eq!(stage.screen.clipboard(), "(privkeys)");
        stage.press("Copy otr.fingerprints");
        assert_eq!(stage.screen.clipboard(), "f");
        stage.screen.key(Key::Escape);
        stage.screen.settle();
        assert!(is_closed(&stage));
    }
}

#[test]
fn a_key_of_another_program_is_taken_over() {
    let stage = accounts();
    stage.press("Key …");
    stage.press("Take over the key of another program");
    stage.press("Key file");
    stage.screen.set_clipboard("(privkeys (account))");
    stage.screen.chord(&[Key::Control], "v");
    stage.press("I understand");
    stage.press("Take over");
    let asked = stage.calls("key.import");
    let params = &asked.first().unwrap()["params"];
    assert_eq!(params["private_key"], "(privkeys (account))");
    assert_eq!(
        (&params["fingerprints"], &params["understood"]),
        (&json!(null), &json!(true))
    );
}

#[test]
fn the_own_key_is_shown_in_groups_and_as_words() {
    let stage = accounts();
    check(&stage);
    assert!(stage.shows(stage::FINGERPRINT));
    stage.press("Copy the key");
    assert_eq!(stage.screen.clipboard(), stage::FINGERPRINT);
    stage.press("Show it as words");
    stage.answer(
        "fingerprint.words",
        &json!({ "words": ["drumbeat", "letterhead"] }),
    );
    assert!(stage.shows("drumbeat letterhead"));
}

#[test]
fn an_account_is_disconnected_and_connected() {
    let mut stage = accounts();
    stage.press("Disconnect");
    assert_eq!(stage.asked("account.disconnect"), Some(json!({ "account": 1 })));
    let mut all = stage::empty();
    all.accounts.first_mut().unwrap().connect = false;
    stage.fresh(&all);
    stage.press("Connect");
    assert_eq!(stage.asked("account.connect"), Some(json!({ "account": 1 })));
}

#[test]
fn an_account_is_added_from_the_page_of_accounts() {
    let stage = at(&stage::snapshot(ProfileState::Open), Page::Accounts);
    stage.press("Add an account");
    check(&stage);
    stage.press("Use an account that I have");
    check(&stage);
    stage.press("Address");
    stage.screen.write("alice@otter.example");
    stage.screen.key(Key::Return);
    stage.screen.write("secret");
    stage.screen.key(Key::Return);
    let asked = stage.asked("account.add").unwrap();
    assert_eq!(
        (&asked["address"], &asked["register"]),
        (&json!("alice@otter.example"), &json!(false))
    );
}

fn with_bob() -> Stage {
    let stage = at(&stage::evening(), Page::Main);
    stage.open("bob");
    dialog(&stage, Dialog::Contact);
    stage
}

#[test]
fn a_contact_is_renamed() {
    let stage = with_bob();
    check(&stage);
    stage.screen.chord(&[Key::Control], "a");
    stage.screen.write("Robert");
    stage.screen.key(Key::Return);
    let renamed = json!({ "account": 1, "contact": "bob@example.org", "name": "Robert" });
    assert_eq!(stage.calls("contact.rename").first().unwrap()["params"], renamed);
}

#[test]
fn a_contact_is_blocked() {
    let stage = with_bob();
    stage.press("Block");
    let bob = json!({ "account": 1, "contact": "bob@example.org" });
    assert_eq!(stage.asked("contact.block"), Some(bob));
}

#[test]
fn a_contact_is_removed_only_after_a_second_word() {
    let stage = with_bob();
    stage.press("Remove …");
    assert_eq!(stage.asked("contact.remove"), None);
    stage.press("Remove");
    stage.answer("contact.remove", &json!({}));
    assert!(is_closed(&stage));
}

#[test]
fn a_contact_gets_unencrypted_messages_only_after_it_was_understood() {
    let stage = with_bob();
    stage.press("Unencrypted");
    check(&stage);
    stage.press("Save");
    assert_eq!(stage.asked("contact.policy"), None);
    stage.press("I understand");
    stage.press("Save");
    let asked = stage.asked("contact.policy").unwrap();
    let expected = json!({
        "account": 1, "contact": "bob@example.org", "policy": "unencrypted", "version_2": false, "understood": true,
    });
    assert_eq!(asked, expected);
}

#[test]
fn those_who_ask_are_accepted_refused_or_blocked() {
    for (button, method) in [
        ("Accept", "contact.accept"),
        ("Refuse", "contact.refuse"),
        ("Block", "contact.block"),
    ] {
        std::thread::spawn(move || {
            let stage = at(&stage::evening(), Page::Accounts);
            dialog(&stage, Dialog::Requests);
            check(&stage);
            assert!(stage.shows("Hello, I have your address from Sara."));
            stage.press(button);
            let carol = json!({ "account": 1, "contact": "carol@example.org" });
            assert_eq!(stage.asked(method), Some(carol), "{button}");
        })
        .join()
        .unwrap();
    }
}

#[test]
fn a_name_in_an_irc_network_is_added_with_its_conditions_told() {
    let stage = at(&stage::snapshot(ProfileState::Open), Page::Accounts);
    stage.press("Add an account");
    stage.press("Use IRC");
    assert!(stage.shows("hashcash.hackint.org"));
    check(&stage);
    stage.press("Name in the network");
    stage.screen.write("wren");
    stage.screen.key(Key::Return);
    let asked = stage.asked("account.add").unwrap();
    assert_eq!(
        (&asked["protocol"], &asked["address"], &asked["password"]),
        (&json!("irc"), &json!("wren@hackint"), &json!(""))
    );
}

#[test]
fn an_account_is_there_for_nobody_for_some_or_by_the_clock() {
    let kinds = [
        ("Nobody", json!({ "is": "never" })),
        (
            "Only these contacts",
            json!({ "is": "only", "contacts": ["bob@example.org"] }),
        ),
        (
            "Every contact that may, between two times of day",
            json!({ "is": "timetable", "from": 0, "to": 30 }),
        ),
    ];
    for (words, visibility) in kinds {
        std::thread::spawn(move || {
            let stage = at(&stage::evening(), Page::Accounts);
            stage.press("Who sees me …");
            check(&stage);
            stage.press(words);
            if words.starts_with("Only") {
                stage.press("Bob");
            } else if words.starts_with("Every") {
                stage.press("To");
                stage.screen.key(Key::DownArrow);
                stage.screen.key(Key::Return);
                stage.screen.settle();
            }
            stage.press("Save");
            let expected = json!({ "account": 1, "visibility": visibility });
            assert_eq!(stage.asked("account.visibility"), Some(expected), "{words}");
        })
        .join()
        .unwrap();
    }
}

fn stopped_by(code: &str, about: &[&str]) -> Stage {
    let mut all = stage::empty();
    let about = about.iter().map(|digit| digit.repeat(64)).collect();
    let problem = Problem::new(code, "The server has another key.").with(about);
    for account in &mut all.accounts {
        account.state = AccountState::Failed {
            problem: problem.clone(),
        };
    }
    at(&all, Page::Accounts)
}

#[test]
fn a_servers_new_key_is_accepted_only_after_it_was_compared() {
    let stage = stopped_by("tls.key_changed", &["a", "b"]);
    stage.press("Look at the keys of the server …");
    check(&stage);
    assert!(stage.shows("Key of the server until now") && stage.shows("Your password has not been sent."));
    // Only the new key can be accepted, and only by one who says that it was compared.
    stage.press("Its operator confirmed this key …");
    assert!(!stage.shows("Its operator confirmed this key …"));
    stage.press("Accept the key");
    assert_eq!(stage.asked("account.trust_server"), None);
    stage.press("The operator told me this key in another way, and I compared it.");
    stage.press("Accept the key");
    let accepted = json!({ "account": 1, "key": "b".repeat(64) });
    assert_eq!(
        stage.calls("account.trust_server").first().unwrap()["params"],
        accepted
    );
}

#[test]
fn a_servers_new_key_is_looked_at_over_another_way_or_left_alone() {
    let stage = stopped_by("tls.keys_differ", &["a", "b"]);
    stage.press("Look at the keys of the server …");
    assert!(stage.shows("Key that was seen over another way through Tor"));
    stage.press("Try another way through Tor");
    assert_eq!(stage.asked("tor.new_circuit"), Some(json!({ "account": 1 })));
    assert_eq!(stage.asked("account.connect"), Some(json!({ "account": 1 })));
    assert!(is_closed(&stage));
    stage.press("Look at the keys of the server …");
    stage.press("Stay disconnected and ask its operator");
    assert!(is_closed(&stage));
    assert_eq!(stage.asked("account.trust_server"), None);
}

#[test]
fn what_is_no_matter_of_keys_has_none_to_look_at() {
    let stage = stopped_by("wrong-password", &["a"]);
    assert!(!stage.shows("Look at the keys of the server …"));
}

#[test]
fn name_servers_are_shown_and_chosen() {
    let stage = accounts();
    stage.press("Password and server …");
    stage.press("Name servers …");
    check(&stage);
    assert_eq!(
        stage.asked("account.resolvers"),
        Some(json!({ "account": 1, "resolvers": null }))
    );
    // Nothing is saved before it is known what holds.
    stage.press("Save and connect again");
    assert_eq!(stage.asked("account.resolvers"), None);
}

#[test]
fn name_servers_that_were_told_are_changed() {
    let stage = accounts();
    stage.press("Password and server …");
    stage.press("Name servers …");
    stage.answer(
        "account.resolvers",
        &json!({ "resolvers": ["dns.example@192.0.2.1:853"] }),
    );
    stage.press("Name servers, one a line");
    stage.screen.chord(&[Key::Control], "a");
    stage.screen.write("dns.example");
    stage.press("Save and connect again");
    assert_eq!(
        stage.asked("account.resolvers"),
        Some(json!({ "account": 1, "resolvers": ["dns.example"] }))
    );
}

#[test]
fn the_own_address_is_given_as_a_link_and_as_a_code() {
    let stage = accounts();
    stage.press("Give my address …");
    check(&stage);
    assert!(stage.shows("QR code of your address: xmpp:alice@otter.example"));
    stage.press("Copy the link");
    assert_eq!(stage.screen.clipboard(), "xmpp:alice@otter.example");
    stage.press("Copy the address");
    assert_eq!(stage.screen.clipboard(), "alice@otter.example");
}
