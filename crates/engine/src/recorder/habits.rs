//! What a server writes down of alice's habits: to whom she shows herself, and that looking at a text leaves no trace.
//! It must never take the engine's word for what left it. hardening.md D, E5, E6, E15; RFC 6121 4.

use std::time::Duration;

use serde_json::json;

use super::alike::with_engine;
use super::mallory::{said, settle};
use super::{Record, Seen};

const BOB: &str = "bob@example.net";

#[tokio::test]
async fn presence_goes_to_whom_alice_chose_and_never_says_why_or_since_when() {
    let record = Record::default();
    with_engine(&record, async |owner| {
        settle(owner, &record).await;
        let mut all = record.take();
        let here = "<presence xmlns='jabber:client'/>".to_owned();
        let away = "<presence xmlns='jabber:client' type='unavailable'/>".to_owned();
        let to_bob = |kind: &str| format!("<presence xmlns='jabber:client'{kind} to='{BOB}'/>");
        for (visibility, expected) in [
            (
                json!({ "is": "only", "contacts": [BOB] }),
                vec![away.clone(), to_bob("")],
            ),
            (json!({ "is": "never" }), vec![to_bob(" type='unavailable'")]),
            (json!({ "is": "always" }), vec![here.clone()]),
            (json!({ "is": "always" }), vec![]),
            (json!({ "is": "never" }), vec![away.clone()]),
        ] {
            let asked = json!({ "account": 1, "visibility": visibility });
            owner.ask("account.visibility", asked).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
            let lines = record.take();
            let short = |stanza: &str| stanza.replace("></presence>", "/>");
            let said: Vec<String> = said(&lines).into_iter().map(short).collect();
            assert_eq!(said, expected, "{visibility}");
            all.extend(lines);
        }
        for line in &all {
            let Seen::Said(stanza) = &line.seen else { continue };
            for telling in [
                "idle",
                "last",
                "urn:xmpp:time",
                "<status",
                "<show",
                "<priority",
                "caps",
                "vcard",
            ] {
                assert!(!stanza.contains(telling), "{telling} in {stanza}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_looked_at_before_it_is_sent_or_done_leaves_no_trace_on_the_wire() {
    let record = Record::default();
    with_engine(&record, async |owner| {
        settle(owner, &record).await;
        record.take();
        let text = "Meet me at 5 pm CET, \u{202e}see /home/alice/plan.txt";
        let found = owner
            .ask("text.check", json!({ "account": 1, "to": BOB, "text": text }))
            .await;
        let kinds: Vec<&str> = found["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| f["kind"].as_str().unwrap())
            .collect();
        for kind in ["time_zone", "bidirectional", "file_path"] {
            assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
        }
        owner
            .ask("link.check", json!({ "account": 1, "to": "carol@example.net" }))
            .await;
        owner
            .ask("link.check", json!({ "to": "alice@example.com" }))
            .await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let lines = record.take();
        assert_eq!(said(&lines), Vec::<&str>::new());
    })
    .await;
}
