//! "Who can see what" of a whole life - private words, receipts, a room, its topic, an invitation, an exit - beside what
//! the server and bob's own program really got, both ways. Door 1: `sight.list`.
//! It must never take the expected lines from the engine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use otr::{Input, Output, Tlv};
use serde_json::{Value, json};

use super::super::alike::{ONION, Owner, with_engine};
use super::super::{Line, PASSWORD, Record, Seen};
use super::{Counts, add};
use crate::random::SystemRandom;

const BOB: &str = "bob@example.net";
const ROOM: &str = "den@rooms.example.net";
/// Our program's records (`conversation::receipt`): the name of a message, and "I have these".
const NAME: u16 = 0x4f01;
const RECEIVED: u16 = 0x4f02;

/// Bob's program, and what it got.
struct Bob {
    otr: otr::Conversation,
    private: u64,
    receipts: u64,
    texts: Vec<String>,
    /// Everything that was seen so far.
    seen: Vec<Line>,
}

impl Bob {
    fn new() -> Self {
        let key = Arc::new(otr::PrivateKey::generate(&mut SystemRandom));
        let tag = otr::InstanceTag::random(&mut SystemRandom);
        Self {
            otr: otr::Conversation::new(key, tag, otr::Config::default()),
            private: 0,
            receipts: 0,
            texts: Vec::new(),
            seen: Vec::new(),
        }
    }

    fn say(&mut self, record: &Record, input: Input<'_>) {
        self.otr
            .handle(input, Duration::from_secs(1), &mut SystemRandom)
            .unwrap();
        while let Some(output) = self.otr.poll() {
            match output {
                Output::Send { body, .. } => {
                    record.say(&format!(
                        "<message from='{BOB}/x' type='chat'><body>{body}</body></message>"
                    ));
                }
                Output::Event(otr::Event::Message { text, tlvs, .. }) => {
                    self.texts.push(text);
                    self.receipts += u64::from(tlvs.iter().any(is_receipt));
                }
                Output::Event(otr::Event::Notice { tlvs, .. }) => {
                    self.receipts += u64::from(tlvs.iter().any(is_receipt));
                }
                Output::Event(otr::Event::Private { .. }) => self.private += 1,
                _ => {}
            }
        }
    }

    /// Hears and answers what comes for so long.
    async fn live(&mut self, record: &Record, seconds: u64) {
        for _ in 0..seconds * 10 {
            let new = record.take();
            for line in &new {
                let Seen::Said(stanza) = &line.seen else { continue };
                let mine = stanza.starts_with("<message") && stanza.contains(&format!(" to='{BOB}"));
                let body = stanza
                    .split("<body>")
                    .nth(1)
                    .and_then(|body| body.split('<').next());
                if let (true, Some(body)) = (mine, body.filter(|body| body.starts_with("?OTR"))) {
                    self.say(record, Input::Receive(body));
                }
            }
            self.seen.extend(new);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// A record that tells of messages, and not only who speaks.
fn is_receipt(tlv: &Tlv) -> bool {
    tlv.kind == RECEIVED && tlv.value.len() > 8
}

/// Every stanza of a text that the server said.
fn stanzas(told: &str) -> Vec<String> {
    let mut cut = told.to_owned();
    for name in ["<message", "<presence", "<iq"] {
        cut = cut.replace(name, &format!("\n{name}"));
    }
    cut.lines().map(str::to_owned).collect()
}

fn attribute<'a>(stanza: &'a str, name: &str) -> Option<&'a str> {
    let value = stanza.split(&format!(" {name}='")).nth(1)?;
    value.split(['\'', '/']).next()
}

fn domain(address: &str) -> &str {
    address.split('@').nth(1).unwrap_or(address)
}

/// What words that went either way show to both servers.
fn words(counts: &mut Counts, other: (&str, &str), stanza: &str) {
    let mut what = vec!["message_times", "message_sizes"];
    if !stanza.contains("<body>?OTR") {
        what.push("readable_text");
    }
    add(counts, "own_server", "example.org", &what);
    add(counts, other.0, domain(other.1), &what);
}

/// What a stanza of alice's shows, and to whom.
fn said(counts: &mut Counts, stanza: &str) {
    let to = attribute(stanza, "to").unwrap_or_default();
    let own = |counts: &mut Counts, what: &[&str]| add(counts, "own_server", "example.org", what);
    let is_presence = stanza.starts_with("<presence");
    if stanza.contains("xmpp-bind") {
        own(counts, &["address", "online_times"]);
    } else if stanza.contains("jabber:iq:roster") {
        own(counts, &["contact_list"]);
    } else if is_presence && stanza.contains("type='subscribe'") {
        own(counts, &["contact_list"]);
        add(counts, "contact", to, &["address"]);
        add(counts, "contact_server", domain(to), &["address"]);
    } else if is_presence && to == ROOM {
        own(counts, &["room_list"]);
        add(counts, "room_server", domain(ROOM), &["room_list"]);
        add(counts, "room", ROOM, &["nick"]);
    } else if is_presence && !stanza.contains("type=") {
        own(counts, &["presence"]);
    } else if stanza.contains("<invite") {
        // The room hands it on to bob, by bob's server.
        own(counts, &["invitations"]);
        add(counts, "room_server", domain(ROOM), &["invitations"]);
        add(counts, "contact_server", domain(BOB), &["invitations"]);
        add(counts, "contact", BOB, &["invitations"]);
    } else if stanza.starts_with("<message") && to == ROOM {
        words(counts, ("room_server", ROOM), stanza);
        add(
            counts,
            "room",
            ROOM,
            &["message_times", "message_sizes", "readable_text"],
        );
    } else if stanza.starts_with("<message") {
        words(counts, ("contact_server", to), stanza);
        add(counts, "contact", to, &["message_times"]);
    }
}

/// What a stanza to alice shows, and to whom.
fn told(counts: &mut Counts, stanza: &str) {
    let from = attribute(stanza, "from").unwrap_or_default();
    if stanza.contains("jabber:x:conference") {
        add(counts, "own_server", "example.org", &["invitations"]);
        add(counts, "contact_server", domain(from), &["invitations"]);
    } else if stanza.contains("type='groupchat'") {
        // What alice said herself comes back, and was counted when it went.
        let echo = stanza.contains("<body>") && stanza.contains(&format!("{ROOM}/alice"));
        if !echo {
            words(counts, ("room_server", from), stanza);
        }
    } else if stanza.starts_with("<message") {
        words(counts, ("contact_server", from), stanza);
    }
}

async fn converse(owner: &mut Owner, record: &Record, bob: &mut Bob) {
    let room = |more: Value| {
        let mut with = json!({ "account": 1, "room": ROOM });
        with.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        with
    };
    let bobs = |more: Value| {
        let mut with = json!({ "account": 1, "contact": BOB });
        with.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        with
    };
    owner.ask("contact.add", bobs(json!({}))).await;
    record.say(&format!("<presence from='{BOB}/x'/>"));
    bob.live(record, 1).await;
    owner
        .ask("message.send", bobs(json!({ "text": "for bob alone" })))
        .await;
    bob.live(record, 7).await;
    // Bob's program names its messages, so alice's tells that they came.
    for number in 1..=3_u8 {
        let tlvs = [Tlv {
            kind: NAME,
            value: vec![number; 24],
        }];
        let input = Input::Send {
            text: "a word for alice",
            tlvs: &tlvs,
            tag: u64::from(number),
        };
        bob.say(record, input);
        bob.live(record, 1).await;
    }
    owner
        .ask("message.send", bobs(json!({ "text": "and another one" })))
        .await;
    owner.ask("room.enter", room(json!({ "nick": "alice" }))).await;
    bob.live(record, 1).await;
    owner
        .ask("room.say", room(json!({ "text": "good evening" })))
        .await;
    owner
        .ask("room.topic", room(json!({ "text": "otters, and nothing else" })))
        .await;
    owner.ask("room.invite", room(json!({ "contact": BOB }))).await;
    record.say(&format!(
        "<message type='groupchat' from='{ROOM}/carol'><body>evening</body></message>"
    ));
    let invitation = "<x xmlns='jabber:x:conference' jid='pond@rooms.example.net'/>";
    record.say(&format!("<message from='{BOB}/x'>{invitation}</message>"));
    bob.live(record, 4).await;
}

#[tokio::test]
async fn what_everybody_saw_of_words_receipts_a_room_an_invitation_and_an_exit_is_what_is_told() {
    let (record, mut bob) = (Record::default(), Bob::new());
    let shown = with_engine(&record, async |owner| {
        owner
            .ask("profile.create", json!({ "passphrase": "otter" }))
            .await;
        let onion = json!({ "host": ONION, "transport": "plain_over_onion" });
        let account = json!({ "address": "alice@example.org", "password": PASSWORD, "server": onion });
        owner.ask("account.add", account).await;
        owner.until_online().await;
        converse(owner, &record, &mut bob).await;
        // Another account, whose server is behind an exit; twice, because its owner insists.
        let clear = json!({ "host": "chat.example.com", "transport": "direct_tls" });
        let other =
            json!({ "address": "rose@example.com", "password": "x", "server": clear, "connect": false });
        owner.ask("account.add", other).await;
        for _ in 0..2 {
            owner.ask("account.connect", json!({ "account": 2 })).await;
        }
        bob.live(&record, 3).await;
        owner.ask("sight.list", json!({})).await
    })
    .await;
    let mut counts = Counts::new();
    for line in &bob.seen {
        match &line.seen {
            Seen::Said(words) if words.starts_with('\u{16}') => {
                assert!(words.contains("example.com") && !words.contains("rose"));
                add(&mut counts, "exit", "", &["server_name"]);
            }
            Seen::Said(stanza) => said(&mut counts, stanza),
            Seen::Told(words) => stanzas(words).iter().for_each(|stanza| told(&mut counts, stanza)),
            Seen::Came | Seen::Went => {}
        }
    }
    for _ in 0..bob.private {
        add(&mut counts, "contact", BOB, &["otr_fingerprint"]);
    }
    for _ in 0..bob.receipts {
        add(&mut counts, "contact", BOB, &["receipts"]);
    }
    assert_eq!(bob.texts, ["for bob alone", "and another one"]);
    assert!(
        bob.receipts > 0 && bob.private == 1,
        "{} {}",
        bob.receipts,
        bob.private
    );
    for (observer, whom, what) in [
        ("exit", "", "server_name"),
        ("room", ROOM, "readable_text"),
        ("contact", BOB, "invitations"),
        ("room_server", "rooms.example.net", "invitations"),
    ] {
        let line = (observer.to_owned(), whom.to_owned(), what.to_owned());
        assert!(counts.contains_key(&line), "{line:?}");
    }
    assert_eq!(listed(&shown), counts);
}

fn listed(shown: &Value) -> Counts {
    let text = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
    let lines = shown["sights"].as_array().unwrap().iter();
    let counted = lines.map(|line| {
        let name = (text(line, "observer"), text(line, "whom"), text(line, "what"));
        (name, line["count"].as_u64().unwrap())
    });
    counted.collect::<BTreeMap<_, _>>()
}
