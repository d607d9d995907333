//! The stranger gate: nothing is answered, everything is bounded, the owner sees who tried what.
//! Must never expect a stanza to leave for somebody who was not accepted. RFC 6121; XEP-0203, XEP-0280.

use super::*;

const MALLORY: &str = "mallory@example.com";
const TAGGED: &str = "psst \t  \t\t\t\t \t \t \t    \t\t  \t\t";

fn probes(desk: &mut Desk) -> Vec<(String, String, u64)> {
    let listed = now(&mut desk.messenger, command("probe.list", json!({}))).unwrap();
    let listed: model::Probes = serde_json::from_value(listed).unwrap();
    let line = |probe: model::Probe| (probe.from, probe.kind, probe.count);
    listed.probes.into_iter().map(line).collect()
}

fn first_words(desk: &Desk, who: &str) -> Option<String> {
    let contacts = desk.contacts();
    let found = contacts.iter().find(|c| c.address.as_str() == who).unwrap();
    assert!(found.asks && !found.accepted);
    found.first_words.clone()
}

#[tokio::test]
async fn the_first_words_of_a_stranger_are_kept_plain_and_short() {
    let mut desk = Desk::new().await;
    desk.hears("mallory@example.com/a", "?OTRv3?");
    assert_eq!(first_words(&desk, MALLORY), None);
    let long = format!("\u{1b}[31mhello\0 {}", "é".repeat(2000));
    desk.hears("mallory@example.com/a", &long);
    desk.hears("mallory@example.com/b", "second words");
    let words = first_words(&desk, MALLORY).unwrap();
    assert!(words.starts_with("[31mhello é") && words.chars().count() == 1000);
    desk.ordered();
    desk.about("contact.accept", MALLORY, json!({})).unwrap();
    let contact = &desk.contacts()[0];
    assert!(contact.accepted && contact.first_words.is_none());
}

#[tokio::test]
async fn what_strangers_try_is_counted_by_sender_and_kind_and_never_answered() {
    let mut desk = Desk::new().await;
    desk.ordered();
    desk.hears("mallory@example.com/a", "hello");
    desk.hears("mallory@example.com/b", "hello?");
    desk.hears("mallory@example.com/b", "?OTRv23?");
    desk.hears("mallory@example.com/b", TAGGED);
    desk.tell(xmpp::Event::SubscriptionRequest(BareJid::new(MALLORY).unwrap()));
    use xmpp::Request::{Discovery, LastActivity, Other, Ping, Time, Version};
    for request in [Discovery, LastActivity, Other, Ping, Time, Version] {
        let from = "eve@example.com/x".parse().unwrap();
        desk.tell(xmpp::Event::RequestRefused { from, request });
    }
    assert_eq!(desk.ordered(), []);
    let mut tried = probes(&mut desk);
    tried.sort();
    let line = |from: &str, kind: &str, count| (from.to_owned(), kind.to_owned(), count);
    assert_eq!(
        tried,
        [
            line("eve@example.com", "discovery", 1),
            line("eve@example.com", "last_activity", 1),
            line("eve@example.com", "other", 1),
            line("eve@example.com", "ping", 1),
            line("eve@example.com", "time", 1),
            line("eve@example.com", "version", 1),
            line(MALLORY, "message", 2),
            line(MALLORY, "otr_query", 2),
            line(MALLORY, "subscription", 1),
        ]
    );
    assert!(
        !desk
            .contacts()
            .iter()
            .any(|c| c.address.as_str() == "eve@example.com")
    );
}

#[tokio::test]
async fn what_a_contact_asks_is_no_probe() {
    let mut desk = Desk::new().await;
    desk.about("contact.add", BOB, json!({})).unwrap();
    let from = format!("{BOB}/a").parse().unwrap();
    desk.tell(xmpp::Event::RequestRefused {
        from,
        request: xmpp::Request::Version,
    });
    assert_eq!(probes(&mut desk), []);
}

#[tokio::test]
async fn refused_probes_are_bounded_and_a_flood_makes_few_events() {
    let mut desk = Desk::new().await;
    let before = desk.messenger.queue.sequence();
    for number in 0..1100 {
        let from = format!("s{number}@example.com/x").parse().unwrap();
        let request = xmpp::Request::Ping;
        desk.tell(xmpp::Event::RequestRefused { from, request });
    }
    assert_eq!(probes(&mut desk).len(), 1000);
    assert_eq!(desk.messenger.queue.sequence(), before + 1100);
    for _ in 0..1000 {
        let from = "s1099@example.com/x".parse().unwrap();
        let request = xmpp::Request::Ping;
        desk.tell(xmpp::Event::RequestRefused { from, request });
    }
    assert_eq!(desk.messenger.queue.sequence(), before + 1100 + 9);
}

#[tokio::test]
async fn delayed_archived_and_copied_messages_begin_no_otr_not_even_of_a_contact() {
    let mut desk = Desk::new().await;
    desk.about("contact.add", BOB, json!({})).unwrap();
    desk.ordered();
    for (delayed, forwarded_or_archived) in [(true, false), (false, true), (true, true)] {
        for body in ["?OTRv3?", TAGGED, "?OTR Error: again", "?OTR:AAMCAAAA."] {
            desk.tell(xmpp::Event::Message {
                from: format!("{BOB}/a").parse::<Jid>().unwrap(),
                body: body.to_owned(),
                delayed,
                kind: xmpp::MessageKind::Chat,
                forwarded_or_archived,
            });
        }
    }
    desk.messenger.tick();
    assert_eq!(desk.ordered(), []);
}

#[tokio::test]
async fn texts_come_without_control_characters() {
    let mut desk = Desk::new().await;
    desk.about("contact.add", BOB, json!({})).unwrap();
    desk.hears(&format!("{BOB}/a"), "one\r\ntwo\u{8}\u{1b}[2J\tthree\0");
    assert_eq!(desk.messages(BOB)[0].text, "one\ntwo[2J\tthree");
}

#[tokio::test]
async fn a_request_waits_until_it_is_accepted_refused_or_blocked() {
    let mut desk = Desk::new().await;
    for who in ["eve", "mallory", "trudy"] {
        desk.hears(&format!("{who}@example.com/x"), "let me in https://example.com");
    }
    assert_eq!(desk.contacts().iter().filter(|contact| contact.asks).count(), 3);
    desk.about("contact.accept", "eve@example.com", json!({}))
        .unwrap();
    desk.about("contact.refuse", MALLORY, json!({})).unwrap();
    desk.about("contact.block", "trudy@example.com", json!({}))
        .unwrap();
    let contacts = desk.contacts();
    let state = |who: &str| {
        let found = contacts.iter().find(|contact| contact.address.as_str() == who);
        found.map(|contact| (contact.accepted, contact.asks, contact.blocked))
    };
    assert_eq!(state("eve@example.com"), Some((true, false, false)));
    assert_eq!(state(MALLORY), None);
    assert!(state("trudy@example.com").is_some_and(|(accepted, _, blocked)| !accepted && blocked));
    desk.ordered();
    // Whoever is blocked is not even counted any more, and whoever was refused begins anew.
    let before = probes(&mut desk).len();
    desk.hears("trudy@example.com/x", "please");
    desk.hears("trudy@example.com/x", "?OTRv3?");
    assert_eq!(probes(&mut desk).len(), before);
    desk.hears("mallory@example.com/x", "please");
    assert_eq!(first_words(&desk, MALLORY).as_deref(), Some("please"));
    assert_eq!(desk.ordered(), []);
}
