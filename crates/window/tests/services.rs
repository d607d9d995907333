//! Alice looks at other networks and fills in a gateway's form; and she is told what would give her away.
//! It must never need a display. Standard: `docs/rpc.md`, `gateway.*`, `service.*`, `text.check`, `link.check`.

mod stage;

use serde_json::{Value, json};
use slint::ComponentHandle;
use slint::platform::Key;
use stage::Stage;
use window::markup::{Dialog, Nav, Page};

fn beside(stage: &Stage) {
    stage.app.ui().global::<Nav<'_>>().invoke_go(Page::Gateways);
    stage.screen.settle();
}

fn gateway(registered: bool) -> Value {
    json!({
        "account": 1, "address": "irc.otter.example", "name": "Chats\u{202E} of old", "network": "irc",
        "registered": registered, "state": { "is": if registered { "online" } else { "offline" } }, "said": null,
        "label": { "code": "gateway.operator_reads", "text": "Its operator can read it." },
    })
}

fn form() -> Value {
    let field = |name: &str, kind: &str| {
        json!({ "name": name, "label": name, "description": null, "kind": kind, "required": false, "values": [],
            "options": [{ "label": "Red", "value": "r" }, { "label": "Blue", "value": "b" }] })
    };
    json!({
        "title": "Who are you?", "instructions": "Say it", "columns": [], "rows": [],
        "fields": [field("nick", "text_single"), field("pass", "text_private"), field("colour", "list_single")],
    })
}

#[test]
fn nobody_is_asked_before_the_button_and_a_gateways_form_goes_back_filled_in() {
    let mut stage = Stage::new(1000, 1400);
    for language in ["en", "ar"] {
        stage.app.change_look(|look| look.language = language.to_owned());
        stage.fresh(&stage::evening());
        beside(&stage);
        assert!(stage.calls("gateway.list").is_empty(), "asked by itself");
        let global = stage.app.ui().global::<window::markup::Gateways<'_>>();
        global.invoke_ask(0, "".into());
        assert_eq!(stage.calls("gateway.list").len(), 1);
        global.invoke_ask(0, "".into());
        stage.answer("gateway.list", &json!({ "gateways": [gateway(false)] }));
        assert!(
            !stage.labels().iter().any(|it| it.contains('\u{202E}')),
            "{:#?}",
            stage.labels()
        );
        global.invoke_register(0);
        stage.answer("gateway.form", &json!({ "registered": false, "form": form() }));
        stage.press("nick");
        stage.screen.write("wren");
        stage.press("pass");
        stage.screen.write("secret");
        let service = stage.app.ui().global::<window::markup::ServiceForm<'_>>();
        service.invoke_chosen(2, 1);
        service.invoke_act(0);
        let asked = stage.asked("gateway.register").unwrap();
        assert_eq!(
            (&asked["gateway"], &asked["answers"]),
            (
                &json!("irc.otter.example"),
                &json!({ "nick": ["wren"], "pass": ["secret"], "colour": ["b"] })
            )
        );
        stage.app.ui().global::<Nav<'_>>().invoke_go(Page::Main);
    }
}

#[test]
fn what_the_gateways_operator_can_read_stands_beside_it_and_ending_needs_a_second_word() {
    let mut stage = Stage::new(1000, 1400);
    stage.fresh(&stage::evening());
    beside(&stage);
    stage.press("Ask");
    stage.answer("gateway.list", &json!({ "gateways": [gateway(true)] }));
    assert!(stage.shows("OTR"), "{:#?}", stage.labels());
    stage.press("End …");
    assert_eq!(stage.asked("gateway.unregister"), None);
    stage.press("End the account there");
    assert_eq!(
        stage.asked("gateway.unregister").unwrap()["gateway"],
        "irc.otter.example"
    );
}

#[test]
fn what_is_written_is_looked_at_after_a_pause_and_nothing_is_held_up() {
    let mut stage = Stage::new(1000, 700);
    stage.fresh(&stage::evening());
    stage.open("bob");
    stage.screen.write("see /home/alice/papers");
    assert!(stage.calls("text.check").is_empty(), "not at every letter");
    std::thread::sleep(std::time::Duration::from_millis(800));
    stage.screen.settle();
    let found = json!({ "findings": [{ "kind": "file_path", "part": "/home/alice/papers" }] });
    stage.answer("text.check", &found);
    assert!(stage.shows("is a place on a computer"), "{:#?}", stage.labels());
    stage.screen.key(Key::Return);
    assert_eq!(
        stage.asked("message.send").unwrap()["text"],
        "see /home/alice/papers"
    );
    assert!(!stage.shows("is a place on a computer"));
}

#[test]
fn a_contact_that_another_account_has_is_added_only_at_the_second_word() {
    let mut stage = Stage::new(1000, 700);
    stage.fresh(&stage::evening());
    stage.app.ui().global::<Nav<'_>>().invoke_open(Dialog::AddContact);
    stage.screen.settle();
    stage.screen.write("zoe@example.org");
    stage.screen.key(Key::Return);
    let found = json!({ "findings": [{ "kind": "same_contact", "part": "wren@otter.example" }] });
    stage.answer("link.check", &found);
    assert!(
        stage.shows("has to do with this person, too"),
        "{:#?}",
        stage.labels()
    );
    assert_eq!(stage.asked("contact.add"), None);
    stage.press("Add all the same");
    assert_eq!(stage.asked("contact.add").unwrap()["contact"], "zoe@example.org");
}
