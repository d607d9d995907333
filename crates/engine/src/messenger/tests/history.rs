//! What alice has kept of her conversation with bob, what comes back, and what is gone for good.

use model::MessageId;
use otr::Tlv;

use super::*;

const EPOCH: [u8; 8] = [7; 8];

/// Bob's program says something, or only a record.
fn says(desk: &mut Desk, bob: &mut otr::Conversation, text: &str, kind: u16, names: &[[u8; 16]]) {
    let mut value = EPOCH.to_vec();
    value.extend(names.iter().flatten());
    let tlvs = [Tlv { kind, value }];
    let input = if text.is_empty() {
        Input::Notice { tlvs: &tlvs, tag: 1 }
    } else {
        Input::Send {
            text,
            tlvs: &tlvs,
            tag: 1,
        }
    };
    bob.handle(input, Duration::from_secs(1), &mut SystemRandom)
        .unwrap();
    while let Some(output) = bob.poll() {
        if let Output::Send { body, .. } = output {
            desk.hears(&format!("{BOB}/a"), &body);
        }
    }
}

/// Alice and bob, whose program confirms.
async fn talking() -> (Desk, otr::Conversation) {
    let (mut desk, mut bob) = with_bob().await;
    says(&mut desk, &mut bob, "", 0x4f02, &[]);
    (desk, bob)
}

fn keep(desk: &mut Desk, keep: bool) {
    desk.about("history.keep", BOB, json!({ "keep": keep })).unwrap();
}

fn sends(desk: &mut Desk, text: &str) -> [u8; 16] {
    let sent = desk.about("message.send", BOB, json!({ "text": text })).unwrap();
    let sent: model::MessageSent = serde_json::from_value(sent).unwrap();
    sent.message.to_bytes().unwrap()
}

fn read(desk: &mut Desk, more: Value) -> model::Kept {
    serde_json::from_value(desk.about("history.read", BOB, more).unwrap()).unwrap()
}

fn texts(messages: &[model::Message]) -> Vec<&str> {
    messages.iter().map(|message| message.text.as_str()).collect()
}

async fn start_again(desk: &mut Desk) {
    now(&mut desk.messenger, Command::Lock(Nothing {})).unwrap();
    let unlock = command("profile.unlock", json!({ "passphrase": "otter" }));
    later(&mut desk.messenger, unlock).await;
    assert!(desk.messenger.open.is_some());
}

fn log_length(desk: &Desk) -> Option<u64> {
    let log = std::fs::metadata(desk.folder.path().join("profile/history"));
    log.ok().map(|log| log.len())
}

#[tokio::test]
async fn nothing_is_kept_before_the_owner_says_so() {
    let (mut desk, mut bob) = talking().await;
    sends(&mut desk, "one");
    says(&mut desk, &mut bob, "two", 0x4f01, &[[2; 16]]);
    assert!(!desk.contacts()[0].kept);
    assert_eq!(read(&mut desk, json!({})), model::Kept::default());
    start_again(&mut desk).await;
    assert_eq!(log_length(&desk), None);
    // What is not known to have arrived is queued, which is another thing.
    assert_eq!(texts(&desk.messages(BOB)), ["one"]);
}

#[tokio::test]
async fn a_kept_conversation_is_there_after_a_start_as_far_as_it_came() {
    let (mut desk, mut bob) = talking().await;
    sends(&mut desk, "before");
    keep(&mut desk, true);
    assert!(desk.contacts()[0].kept);
    let first = sends(&mut desk, "one");
    says(&mut desk, &mut bob, "two", 0x4f01, &[first]);
    says(&mut desk, &mut bob, "", 0x4f02, &[first]);
    sends(&mut desk, "three");
    let before = desk.messages(BOB);
    start_again(&mut desk).await;
    let messages = desk.messages(BOB);
    assert_eq!(texts(&messages), ["one", "two", "three", "before"]);
    for (then, now) in before.iter().skip(1).zip(&messages) {
        assert_eq!(
            (&then.id, then.at, &then.fingerprint),
            (&now.id, now.at, &now.fingerprint)
        );
        assert_eq!((then.direction, now.encrypted), (now.direction, true));
    }
    let deliveries: Vec<_> = messages.iter().map(|message| message.delivery.clone()).collect();
    assert_eq!(
        deliveries[..3],
        [Delivery::Received, Delivery::Received, Delivery::Sent]
    );
    // Bob sends once more what alice has: it is not shown twice.
    assert_eq!(
        desk.about("conversation.show", BOB, json!({})).unwrap()["before"],
        Value::Null
    );
}

#[tokio::test]
async fn kept_messages_are_read_page_by_page_and_by_words() {
    let (mut desk, mut bob) = talking().await;
    keep(&mut desk, true);
    for number in 0..130_u8 {
        says(
            &mut desk,
            &mut bob,
            &format!("number {number}"),
            0x4f01,
            &[[number; 16]],
        );
    }
    start_again(&mut desk).await;
    let shown = desk.about("conversation.show", BOB, json!({})).unwrap();
    assert_eq!(
        (shown["before"].as_u64(), desk.messages(BOB).len()),
        (Some(30), 100)
    );
    let page = read(&mut desk, json!({ "before": 30, "limit": 20 }));
    assert_eq!(
        (page.messages[0].text.as_str(), page.before),
        ("number 10", Some(10))
    );
    let first = read(&mut desk, json!({ "before": 10 }));
    assert_eq!((first.messages.len(), first.before), (10, None));
    let found = read(&mut desk, json!({ "words": "NUMBER 12", "limit": 500 }));
    assert_eq!(found.messages.len(), 11);
    assert_eq!(
        code(desk.about("history.read", "eve@example.org", json!({}))),
        "contact.unknown"
    );
}

#[tokio::test]
async fn what_was_taken_back_is_not_kept_and_what_did_not_arrive_is_said_so() {
    let mut desk = Desk::new().await;
    desk.about("contact.add", BOB, json!({})).unwrap();
    keep(&mut desk, true);
    sends(&mut desk, "never mind");
    let id = desk.messages(BOB)[0].id.clone();
    desk.about("message.cancel", BOB, json!({ "message": id }))
        .unwrap();
    start_again(&mut desk).await;
    assert_eq!(desk.messages(BOB), []);
    assert_eq!(log_length(&desk), None);
}

#[tokio::test]
async fn switched_off_or_without_the_contact_nothing_is_left() {
    for method in ["history.keep", "contact.remove"] {
        let (mut desk, mut bob) = talking().await;
        keep(&mut desk, true);
        says(&mut desk, &mut bob, "secret", 0x4f01, &[[2; 16]]);
        assert!(log_length(&desk).is_some());
        let more = if method == "history.keep" {
            json!({ "keep": false })
        } else {
            json!({})
        };
        desk.about(method, BOB, more).unwrap();
        assert_eq!(log_length(&desk), None);
        start_again(&mut desk).await;
        desk.about("contact.add", BOB, json!({})).unwrap();
        assert!(!desk.contacts()[0].kept && desk.messages(BOB).is_empty());
    }
}

#[tokio::test]
async fn a_server_that_removes_a_contact_has_no_kept_message_destroyed() {
    let (mut desk, mut bob) = talking().await;
    keep(&mut desk, true);
    says(&mut desk, &mut bob, "mine", 0x4f01, &[[2; 16]]);
    desk.tell(xmpp::Event::RosterItem(xmpp::RosterItem {
        jid: BareJid::new(BOB).unwrap(),
        name: None,
        subscription: xmpp::Subscription::Removed,
        asked: false,
    }));
    assert!(desk.contacts()[0].kept);
    assert_eq!(read(&mut desk, json!({})).messages.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_kept_is_told_once_and_the_talk_goes_on() {
    let (mut desk, mut bob) = talking().await;
    keep(&mut desk, true);
    std::fs::create_dir(desk.folder.path().join("profile/history")).unwrap();
    let before = desk.messenger.queue.sequence();
    for number in 1..4 {
        says(&mut desk, &mut bob, "heard", 0x4f01, &[[number; 16]]);
    }
    assert_eq!(texts(&desk.messages(BOB)), ["heard"; 3]);
    assert_eq!(desk.messenger.queue.sequence(), before + 3 + 1);
}

/// A record that gives a message another text.
fn corrects(desk: &mut Desk, bob: &mut otr::Conversation, name: [u8; 16], text: &[u8]) {
    let value = [&EPOCH[..], &name, text].concat();
    let tlvs = [Tlv { kind: 0x4f05, value }];
    let input = Input::Notice { tlvs: &tlvs, tag: 1 };
    bob.handle(input, Duration::from_secs(1), &mut SystemRandom)
        .unwrap();
    while let Some(output) = bob.poll() {
        if let Output::Send { body, .. } = output {
            desk.hears(&format!("{BOB}/a"), &body);
        }
    }
}

#[tokio::test]
async fn a_contact_corrects_one_of_its_last_messages_and_nothing_else() {
    let (mut desk, mut bob) = talking().await;
    keep(&mut desk, true);
    let own = sends(&mut desk, "mine");
    for number in 1..=17 {
        says(
            &mut desk,
            &mut bob,
            &format!("bob {number}"),
            0x4f01,
            &[[number; 16]],
        );
    }
    for (name, text) in [
        (own, &b"forged"[..]),
        ([1; 16], b"too old"),
        ([99; 16], b"unknown"),
        ([17; 16], b"  "),
        ([17; 16], b"\xff"),
        ([17; 16], &[b'x'; 60_001]),
    ] {
        corrects(&mut desk, &mut bob, name, text);
    }
    assert!(desk.messages(BOB).iter().all(|message| !message.corrected));
    corrects(&mut desk, &mut bob, [2; 16], b"bob two");
    let check = |messages: Vec<model::Message>| {
        let changed: Vec<_> = messages.iter().filter(|message| message.corrected).collect();
        assert_eq!((changed.len(), changed[0].text.as_str()), (1, "bob two"));
    };
    check(desk.messages(BOB));
    start_again(&mut desk).await;
    check(desk.messages(BOB));
}

#[tokio::test]
async fn the_last_message_is_corrected_once_the_contact_has_the_new_text() {
    let (mut desk, mut bob) = talking().await;
    keep(&mut desk, true);
    let name = sends(&mut desk, "tomorow");
    let id = MessageId::from_bytes(name);
    let correct = |desk: &mut Desk, text: &str| {
        desk.about("message.correct", BOB, json!({ "message": id, "text": text }))
    };
    assert_eq!(code(correct(&mut desk, "tomorrow")), "message.cannot_correct");
    says(&mut desk, &mut bob, "", 0x4f02, &[name]);
    assert_eq!(code(correct(&mut desk, " ")), "message.empty");
    correct(&mut desk, "tomorrow").unwrap();
    // Bob's program has not said that it has it.
    assert_eq!(texts(&desk.messages(BOB)), ["tomorow"]);
    says(&mut desk, &mut bob, "", 0x4f02, &[name]);
    let messages = desk.messages(BOB);
    assert_eq!(
        (texts(&messages), messages[0].corrected),
        (vec!["tomorrow"], true)
    );
    start_again(&mut desk).await;
    let messages = desk.messages(BOB);
    assert_eq!(
        (texts(&messages), messages[0].corrected),
        (vec!["tomorrow"], true)
    );
    // Without a private conversation nothing can be corrected.
    assert_eq!(code(correct(&mut desk, "never")), "message.cannot_correct");
}
