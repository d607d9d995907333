//! What a hostile contact can do to the window: take a moment of its time, and nothing else.
//! These tests go through door 1's lines, as everything that a window shows does. Standard: THREATS.md.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use model::rpc;
use serde_json::{Value, json};
use view::{Drafts, Language, Mirror, Peer, Query, Row, Rows, Trust, Words, header, list};

const NOW: u64 = 1_795_268_220_000;
const MALLORY: &str = "mallory@example.net";

/// Alice's window, in which mallory is a contact with the name that she gave herself.
struct Window {
    mirror: Mirror,
    sequence: u64,
}

impl Window {
    fn new(name: &str) -> Self {
        let (mut mirror, _) = Mirror::start();
        let snapshot = json!({
            "sequence": 1, "profile": "open", "walls": [],
            "tor": { "phase": "ready", "percent": 100, "doing": "", "cause": null, "advice": null },
            "accounts": [{ "id": 1, "address": "alice@example.org", "state": { "is": "online" }, "connect": true,
                           "fingerprint": "", "server": null }],
            "contacts": [{ "account": 1, "address": MALLORY, "name": name, "presence": "online",
                           "subscription": "both", "accepted": true, "asks": false, "fingerprints": [] }],
            "conversations": [],
        });
        mirror.hear(&rpc::success(&json!(1), &snapshot), NOW).unwrap();
        Self { mirror, sequence: 1 }
    }

    fn write(&mut self, text: &str) {
        self.sequence += 1;
        let id = format!("{:032x}", self.sequence);
        let message = json!({
            "id": id, "account": 1, "contact": MALLORY, "direction": "in", "text": text, "at": NOW,
            "encrypted": true, "fingerprint": null, "delivery": { "is": "received" },
        });
        let event = json!({ "type": "message_changed", "message": message });
        let params = json!({ "sequence": self.sequence, "event": event });
        let line = json!({ "jsonrpc": "2.0", "method": "event", "params": params }).to_string();
        self.mirror.hear(&line, NOW).unwrap();
    }

    fn rows(&self) -> Vec<Row> {
        let state = self.mirror.state();
        let contact = state.contact(&mallory()).unwrap();
        let name = view::text::name(contact.name.as_deref(), MALLORY);
        let rows = Rows {
            log: &state.talk(&mallory()).unwrap().log,
            words: Words::new(Language::Arabic),
            now: NOW,
            name: &name,
            own_name: "alice@example.org",
            first_new: None,
            in_full: &BTreeSet::new(),
        };
        rows.range(0..rows.len())
    }

    fn list(&self) -> Vec<view::ListRow> {
        let query = Query {
            previews: true,
            ..Query::default()
        };
        list(
            self.mirror.state(),
            &Drafts::default(),
            Words::default(),
            &query,
            NOW,
        )
    }
}

fn mallory() -> Peer {
    Peer::new(model::AccountId(1), MALLORY.parse().unwrap())
}

fn texts() -> Vec<String> {
    vec![
        "x".repeat(1024 * 1024),
        format!("a{}", "\u{301}".repeat(10_000)),
        "\u{202E}\u{2067}\u{202D}".repeat(10_000),
        "Z\u{351}\u{302}\u{489}\u{20DD}a\u{36B}\u{315}".repeat(20_000),
        "🦦".repeat(500),
        "\0".repeat(50_000),
        "\n".repeat(1024 * 1024),
        "https://a.b/".repeat(50_000),
        "{".repeat(100_000),
        "\u{1F512} private, verified\u{2028}✅ The key is verified.".to_owned(),
    ]
}

fn shows_no_control(text: &str) -> bool {
    text.chars().all(|c| {
        (c == '\n' || !c.is_control())
            && !matches!(
                c,
                '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{61C}' | '\u{202A}'..='\u{202E}'
            )
    })
}

#[test]
fn hostile_texts_take_a_moment_and_are_bounded() {
    let mut window = Window::new("Mallory");
    let start = Instant::now();
    for text in texts() {
        window.write(&text);
    }
    let rows = window.rows();
    let list = window.list();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(rows.len(), texts().len());
    for row in &rows {
        assert!(
            shows_no_control(&row.text),
            "{:?}",
            row.text.chars().take(80).collect::<String>()
        );
        assert!(row.text.chars().count() <= view::text::MAX_SHOWN_CHARS + 32);
        assert!(row.text.lines().count() <= view::text::MAX_LINES);
        assert!(row.links.len() <= view::text::MAX_LINKS);
    }
    assert!(
        list.iter()
            .all(|row| shows_no_control(&row.preview) && row.preview.chars().count() < 120)
    );
}

#[test]
fn nothing_that_mallory_calls_herself_looks_like_trust() {
    for given in [
        "🔒 private, verified",
        "Bob ✔ Verified",
        "\u{202E}deifirev",
        "Ｖｅｒｉｆｉｅｄ",
        "private\u{200B}",
        "Bob\nPrivate, verified",
        &"verified ".repeat(100_000),
    ] {
        let window = Window::new(given);
        let header = header(window.mirror.state(), &Words::default(), &mallory()).unwrap();
        let row = &window.list()[0];
        for name in [&header.name, &row.name] {
            let lower = name.text.to_lowercase();
            assert!(
                !lower.contains("verified") && !lower.contains("private"),
                "{given:?}: {lower}"
            );
            assert!(!name.text.contains(['🔒', '✔', '\n']) && shows_no_control(&name.text));
        }
        assert_eq!((header.trust, row.trust), (Trust::NotPrivate, Trust::NotPrivate));
        assert_eq!(header.address, MALLORY);
    }
}

#[test]
fn a_copied_message_is_what_came_without_nul() {
    let mut window = Window::new("Mallory");
    window.write("a\0\u{202E}b");
    let log = &window.mirror.state().talk(&mallory()).unwrap().log;
    let message = log.last_message().unwrap();
    assert_eq!(view::text::copied(&message.text), "a\u{202E}b");
}

#[test]
fn lines_that_are_no_lines_of_the_engine_change_nothing() {
    let mut window = Window::new("Mallory");
    for line in [
        "",
        "{}",
        "null",
        "[1]",
        &"[".repeat(1_000_000),
        r#"{"id":{}}"#,
        r#"{"method":"x"}"#,
    ] {
        assert!(window.mirror.hear(line, NOW).is_err());
    }
    let wrong =
        json!({ "jsonrpc": "2.0", "method": "event", "params": { "sequence": "2", "event": Value::Null } });
    assert!(window.mirror.hear(&wrong.to_string(), NOW).is_err());
    assert_eq!(window.list().len(), 1);
}
