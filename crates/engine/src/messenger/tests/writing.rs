//! The writing check over door 1: what links two accounts, and what looks like somebody else.
//! Must never hold a message back for what was found. UTS #39.

use super::*;

const NIGHT: &str = "night-heron@example.com";

impl Desk {
    /// Another account in the same profile, which never connects.
    pub(super) async fn second_account(&mut self, address: &str) -> AccountId {
        let account = json!({ "address": address, "password": "x", "connect": false });
        later(&mut self.messenger, command("account.add", account)).await;
        let accounts = self.messenger.snapshot().unwrap().accounts;
        let added = accounts.iter().find(|a| a.address.as_str() == address).unwrap();
        added.id
    }

    fn findings(&mut self, account: AccountId, to: &str, text: &str) -> Vec<(String, String)> {
        let asked = json!({ "account": account, "to": to, "text": text });
        let found = now(&mut self.messenger, command("text.check", asked)).unwrap();
        let found: model::Findings = serde_json::from_value(found).unwrap();
        found.findings.into_iter().map(|f| (f.kind, f.part)).collect()
    }

    fn notices(&mut self) -> Vec<String> {
        let mut codes = Vec::new();
        while let Some(line) = self.messenger.queue.next_line() {
            let value: Value = serde_json::from_str(&line).unwrap();
            let event = &value["params"]["event"];
            if event["type"] == "notice" {
                codes.push(event["notice"]["code"].as_str().unwrap().to_owned());
            }
        }
        codes
    }
}

fn one(kind: &str, part: &str) -> Vec<(String, String)> {
    vec![(kind.to_owned(), part.to_owned())]
}

#[tokio::test]
async fn the_same_text_from_two_accounts_is_found_and_a_greeting_is_not() {
    let mut desk = Desk::new().await;
    let night = desk.second_account(NIGHT).await;
    desk.about("contact.add", BOB, json!({})).unwrap();
    let long = "The herons sleep at the pond.";
    for text in [long, "hello"] {
        desk.about("message.send", BOB, json!({ "text": text })).unwrap();
    }
    assert_eq!(
        desk.findings(night, "carol@example.net", "the herons  sleep at the pond."),
        one("same_text", ALICE)
    );
    assert_eq!(desk.findings(night, "carol@example.net", "hello"), []);
    let alice = desk.account;
    assert_eq!(desk.findings(alice, BOB, long), []);
}

#[tokio::test]
async fn a_contact_of_two_accounts_is_told_when_it_is_added_and_when_it_is_written_to() {
    let mut desk = Desk::new().await;
    let night = desk.second_account(NIGHT).await;
    desk.about("contact.add", BOB, json!({})).unwrap();
    assert_eq!(desk.notices(), Vec::<String>::new());
    let same = json!({ "account": night, "contact": BOB });
    now(&mut desk.messenger, command("contact.add", same)).unwrap();
    assert_eq!(desk.notices(), ["contact.in_two_accounts"]);
    assert_eq!(desk.findings(night, BOB, "hello"), one("same_contact", ALICE));
    let alice = desk.account;
    assert_eq!(desk.findings(alice, BOB, "hello"), one("same_contact", NIGHT));
}

#[tokio::test]
async fn a_contact_whose_address_imitates_another_one_is_told() {
    let mut desk = Desk::new().await;
    desk.about("contact.add", BOB, json!({})).unwrap();
    desk.about("contact.add", "b0b@example.net", json!({})).unwrap();
    assert_eq!(desk.notices(), ["contact.looks_like_another"]);
    let alice = desk.account;
    assert_eq!(
        desk.findings(alice, "bоb@example.net", "hello"),
        one("look_alike", "bоb@example.net")
    );
}

#[tokio::test]
async fn a_text_that_names_another_account_is_found_and_still_sent() {
    let mut desk = Desk::new().await;
    desk.second_account(NIGHT).await;
    desk.about("contact.add", BOB, json!({})).unwrap();
    let alice = desk.account;
    let text = "Night-heron is me, alice.";
    assert_eq!(desk.findings(alice, BOB, text), one("own_name", "Night-heron"));
    desk.about("message.send", BOB, json!({ "text": text })).unwrap();
    assert_eq!(desk.messages(BOB)[0].text, text);
    let unknown = command("text.check", json!({ "account": 77, "to": BOB, "text": "x" }));
    assert_eq!(code(now(&mut desk.messenger, unknown)), "account.unknown");
    let long = json!({ "account": alice, "to": BOB, "text": "x".repeat(100_001) });
    assert_eq!(
        code(now(&mut desk.messenger, command("text.check", long))),
        "message.too_long"
    );
}

#[tokio::test]
async fn a_text_that_names_what_another_account_is_called_in_a_room_is_found() {
    let mut desk = Desk::new().await;
    let night = desk.second_account(NIGHT).await;
    for (account, nick) in [(night, "Kingfisher"), (desk.account, "plover")] {
        let room = format!("{nick}@rooms.example.org");
        let enter = json!({ "account": account, "room": room, "nick": nick });
        now(&mut desk.messenger, command("room.enter", enter)).unwrap();
    }
    let alice = desk.account;
    let text = "In there I am kingfisher, here plover.";
    assert_eq!(desk.findings(alice, BOB, text), one("own_name", "kingfisher"));
    assert_eq!(desk.findings(night, BOB, text), one("own_name", "plover"));
}

#[tokio::test]
async fn two_accounts_share_neither_key_nor_circuits_nor_a_name_in_a_room() {
    let mut desk = Desk::new().await;
    let night = desk.second_account(NIGHT).await;
    for account in [desk.account, night] {
        let enter = json!({ "account": account, "room": "den@rooms.example.org" });
        now(&mut desk.messenger, command("room.enter", enter)).unwrap();
    }
    let shown = desk.messenger.snapshot().unwrap();
    assert_ne!(shown.accounts[0].fingerprint, shown.accounts[1].fingerprint);
    assert_ne!(shown.rooms[0].nick, shown.rooms[1].nick);
    let open = desk.messenger.open.as_ref().unwrap();
    let (one, other) = (&open.accounts[&desk.account], &open.accounts[&night]);
    assert_ne!(one.isolation.to_hex(), other.isolation.to_hex());
    assert!(one.tag != other.tag);
}
