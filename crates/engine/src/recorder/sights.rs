//! "Who can see what" beside what the server really saw of the same conversation: neither more nor less.
//! It must never take the expected lines from the engine. Door 1: `sight.list`.

mod whole;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::alike::{ONION, with_engine};
use super::{PASSWORD, Record, Seen};

type Counts = BTreeMap<(String, String, String), u64>;

/// What the server said in the conversation below.
const HEARD: [(&str, &str); 3] = [
    ("bob@example.net", "hello"),
    ("bob@example.net", "?OTR Error: none"),
    ("mallory@example.com", "psst"),
];

fn add(counts: &mut Counts, observer: &str, whom: &str, what: &[&str]) {
    for what in what {
        let line = (observer.to_owned(), whom.to_owned(), (*what).to_owned());
        *counts.entry(line).or_default() += 1;
    }
}

fn message(counts: &mut Counts, who: &str, body_is_otr: bool) {
    let mut what = vec!["message_times", "message_sizes"];
    if !body_is_otr {
        what.push("readable_text");
    }
    add(counts, "own_server", "example.org", &what);
    let domain = who.split('@').nth(1).unwrap();
    if domain != "example.org" {
        add(counts, "contact_server", domain, &what);
    }
}

/// What the recorded stanzas show, by their own rules.
fn from_the_record(said: &[String]) -> Counts {
    let mut counts = Counts::new();
    let own = |counts: &mut Counts, what: &[&str]| add(counts, "own_server", "example.org", what);
    for stanza in said {
        let to = stanza
            .split(" to='")
            .nth(1)
            .map(|rest| rest.split('\'').next().unwrap());
        let who = to.map(|to| to.split('/').next().unwrap()).unwrap_or_default();
        if stanza.contains("xmpp-bind") {
            own(&mut counts, &["address", "online_times"]);
        } else if stanza.contains("jabber:iq:roster") {
            own(&mut counts, &["contact_list"]);
        } else if stanza.starts_with("<presence") && stanza.contains("type='subscribe'") {
            own(&mut counts, &["contact_list"]);
            add(&mut counts, "contact", who, &["address"]);
            if !who.ends_with("@example.org") {
                add(
                    &mut counts,
                    "contact_server",
                    who.split('@').nth(1).unwrap(),
                    &["address"],
                );
            }
        } else if stanza.starts_with("<presence") && !stanza.contains("type=") {
            own(&mut counts, &["presence"]);
        } else if stanza.starts_with("<message") {
            message(&mut counts, who, stanza.contains("<body>?OTR"));
            add(&mut counts, "contact", who, &["message_times"]);
        }
    }
    for (who, body) in HEARD {
        message(&mut counts, who, body.starts_with("?OTR"));
    }
    counts
}

#[tokio::test]
async fn who_can_see_what_is_what_the_server_saw_and_nothing_else() {
    let record = Record::default();
    let told = with_engine(&record, async |owner| {
        owner.ask("profile.create", json!({ "passphrase": "otter" })).await;
        let server = json!({ "host": ONION, "transport": "plain_over_onion" });
        let account = json!({ "address": "alice@example.org", "password": PASSWORD, "server": server });
        owner.ask("account.add", account).await;
        owner.until_online().await;
        for contact in ["bob@example.net", "carol@example.org"] {
            owner.ask("contact.add", json!({ "account": 1, "contact": contact })).await;
        }
        let readable = json!({ "account": 1, "contact": "carol@example.org", "policy": "unencrypted", "understood": true });
        owner.ask("contact.policy", readable).await;
        for contact in ["bob@example.net", "carol@example.org"] {
            record.say(&format!("<presence from='{contact}/x'/>"));
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        for (contact, text) in [("bob@example.net", "under OTR"), ("carol@example.org", "for all to read")] {
            let words = json!({ "account": 1, "contact": contact, "text": text });
            owner.ask("message.send", words).await;
        }
        for (who, body) in HEARD {
            record.say(&format!("<message from='{who}/x' type='chat'><body>{body}</body></message>"));
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        owner.ask("sight.list", json!({})).await
    })
    .await;
    let text = |line: &serde_json::Value, key: &str| line[key].as_str().unwrap().to_owned();
    let told: Counts = told["sights"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            let name = (text(line, "observer"), text(line, "whom"), text(line, "what"));
            (name, line["count"].as_u64().unwrap())
        })
        .collect();
    let said: Vec<String> = record
        .take()
        .into_iter()
        .filter_map(|line| match line.seen {
            Seen::Said(stanza) => Some(stanza),
            _ => None,
        })
        .collect();
    assert_eq!(told, from_the_record(&said));
    let bob_reads = (
        "contact_server".to_owned(),
        "example.net".to_owned(),
        "readable_text".to_owned(),
    );
    assert_eq!(told[&bob_reads], 1, "bob's own hello, and nothing of alice's");
}
