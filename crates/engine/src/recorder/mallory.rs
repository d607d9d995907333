//! Mallory tries everything on alice, and a server writes down every byte with its time.
//! It must never take the engine's word for what left it. hardening.md E1, E2, E12; RFC 6120 8.3.3.19.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::alike::{ONION, Owner, with_engine};
use super::{Line, PASSWORD, Record, Seen};

const BOB: &str = "bob@example.net";
const MALLORY: &str = "mallory@example.com/m";

pub(super) async fn settle(owner: &mut Owner, record: &Record) {
    owner
        .ask("profile.create", json!({ "passphrase": "otter" }))
        .await;
    let server = json!({ "host": ONION, "transport": "plain_over_onion" });
    let account = json!({ "address": "alice@example.org", "password": PASSWORD, "server": server });
    owner.ask("account.add", account).await;
    owner.until_online().await;
    owner
        .ask("contact.add", json!({ "account": 1, "contact": BOB }))
        .await;
    record.say(&format!("<presence from='{BOB}/x'/>"));
    tokio::time::sleep(Duration::from_secs(1)).await;
}

/// What alice said; asking the server what it has is no word to anybody.
pub(super) fn said(lines: &[Line]) -> Vec<&str> {
    let words = lines.iter().filter_map(|line| match &line.seen {
        Seen::Said(stanza) => Some(stanza.as_str()),
        _ => None,
    });
    words
        .filter(|stanza| !stanza.starts_with("<r ") && !stanza.starts_with("<a "))
        .collect()
}

fn attempts() -> Vec<String> {
    let message = |inner: &str| format!("<message from='{MALLORY}' type='chat' id='m'>{inner}</message>");
    let body = |text: &str| format!("<body>{text}</body>");
    let iq = |kind: &str, inner: &str| format!("<iq from='{MALLORY}' type='{kind}' id='q'>{inner}</iq>");
    let old = "<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>";
    let copy = format!(
        "<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>\
         <message xmlns='jabber:client' from='{BOB}/x'>{}</message></forwarded></received>",
        body("?OTRv3?")
    );
    vec![
        message(&body("are you there?")),
        message(&body("?OTRv3?")),
        message(&body("?OTRv23?")),
        message(&(body("?OTRv3?") + old)),
        message(&copy),
        message(
            &(body("hello")
                + "<request xmlns='urn:xmpp:receipts'/><active xmlns='http://jabber.org/protocol/chatstates'/>"),
        ),
        message("<x xmlns='jabber:x:conference' jid='trap@rooms.example.com'/>"),
        format!("<presence from='{MALLORY}' type='subscribe'/>"),
        format!("<presence from='{MALLORY}' type='probe'/>"),
        iq("get", "<query xmlns='jabber:iq:version'/>"),
        iq("get", "<time xmlns='urn:xmpp:time'/>"),
        iq("get", "<query xmlns='jabber:iq:last'/>"),
        iq("get", "<ping xmlns='urn:xmpp:ping'/>"),
        iq("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>"),
        iq("get", "<vCard xmlns='vcard-temp'/>"),
        iq(
            "set",
            "<query xmlns='jabber:iq:roster'><item jid='mallory@example.com'/></query>",
        ),
    ]
}

#[tokio::test]
async fn mallory_tries_everything_and_gets_what_an_absent_accounts_server_says_while_alice_is_told() {
    let record = Record::default();
    let (probes, shown) = with_engine(&record, async |owner| {
        settle(owner, &record).await;
        record.take();
        for attempt in attempts() {
            record.say(&attempt);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_secs(6)).await;
        let lines = record.take();
        let said = said(&lines);
        let asked = attempts()
            .iter()
            .filter(|attempt| attempt.starts_with("<iq"))
            .count();
        assert_eq!(said.len(), asked, "{said:?}");
        for stanza in &said {
            let answer = stanza.starts_with("<iq") && stanza.contains(&format!("to='{MALLORY}'"));
            assert!(
                answer && stanza.contains("type='error'") && stanza.contains("service-unavailable"),
                "{stanza}"
            );
        }
        (
            owner.ask("probe.list", json!({})).await,
            owner.ask("engine.snapshot", json!({})).await,
        )
    })
    .await;
    let mut kinds: Vec<&str> = probes["probes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["kind"].as_str().unwrap())
        .collect();
    kinds.sort_unstable();
    let expected = [
        "discovery",
        "invitation",
        "last_activity",
        "message",
        "other",
        "otr_query",
        "ping",
        "subscription",
        "time",
        "version",
    ];
    assert_eq!(kinds, expected);
    let contacts = shown["contacts"].as_array().unwrap();
    let asks: Vec<&Value> = contacts
        .iter()
        .filter(|contact| contact["asks"] == true)
        .collect();
    assert_eq!(
        (asks.len(), &asks[0]["first_words"]),
        (1, &json!("are you there?"))
    );
}

#[tokio::test]
async fn whoever_panics_is_gone_from_the_server_within_a_second_and_says_nothing_more() {
    let record = Record::default();
    with_engine(&record, async |owner| {
        settle(owner, &record).await;
        let room = json!({ "account": 1, "room": "den@rooms.example.net", "nick": "alice" });
        owner.ask("room.enter", room).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        record.take();
        let panicked = Instant::now();
        owner.tell("engine.panic", json!({})).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let lines = record.take();
        let went = lines.iter().find(|line| matches!(line.seen, Seen::Went)).unwrap();
        assert!(
            went.at - panicked < Duration::from_secs(1),
            "{:?}",
            went.at - panicked
        );
        assert_eq!(said(&lines).len(), 0, "{:?}", said(&lines));
    })
    .await;
}
