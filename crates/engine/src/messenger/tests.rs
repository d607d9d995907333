//! The messenger with a real vault in a folder of its own, and no gate: what it refuses, what it
//! orders its links to do, and what it does when the disk does not take what has to be kept.
//! Must never be able to reach a network. Door 1: `docs/rpc.md`; RFC 6121 sections 2 and 3.

use std::time::Duration;

use jid::{BareJid, Jid};
use model::{AccountRef, Delivery, Event, Privacy};
use otr::{Input, Output};

mod history;
mod keeping;
mod rules;

use super::people::MAX_STRANGERS;
use super::*;
use crate::link::Order;
use crate::random::SystemRandom;

mod credentials;
mod irc;
mod keys;
mod linked;
mod moves;
mod on_server;
mod rooms;
mod server_story;
mod services;
mod settings;
mod shield;
mod sights;
mod strangers;
mod tor;
mod trust;
mod visibility;
mod writing;

const ALICE: &str = "alice@example.org";
const BOB: &str = "bob@example.net";

/// A messenger, its folder, and the orders that the first account's link would get.
struct Desk {
    messenger: Messenger,
    folder: tempfile::TempDir,
    orders: mpsc::Receiver<Order>,
    account: AccountId,
}

fn messenger(folder: &std::path::Path) -> Messenger {
    Messenger::new(
        folder.join("profile"),
        Vec::new(),
        Dialer::new(),
        Queue::default(),
    )
}

/// Carries out a command that another thread finishes.
async fn later(messenger: &mut Messenger, command: Command) {
    match messenger.carry_out(command, None) {
        Outcome::Later => {}
        Outcome::Now(result) => panic!("answered at once: {result:?}"),
    }
    let job = messenger.jobs.1.recv().await.unwrap();
    messenger.job(job);
}

fn now(messenger: &mut Messenger, command: Command) -> Result<Value, Problem> {
    match messenger.carry_out(command, None) {
        Outcome::Now(result) => result,
        Outcome::Later => panic!("not answered at once"),
    }
}

fn command(method: &str, params: Value) -> Command {
    let line = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
    rpc::parse(&line).unwrap().command
}

impl Desk {
    /// An open profile with alice's account, connected as far as the messenger knows.
    async fn new() -> Self {
        let account = json!({ "address": ALICE, "password": "secret", "connect": false });
        let mut desk = Self::with(account).await;
        desk.come_online();
        desk
    }

    /// An open profile with one account.
    async fn with(account: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut messenger = messenger(folder.path());
        later(
            &mut messenger,
            command("profile.create", json!({ "passphrase": "otter" })),
        )
        .await;
        later(&mut messenger, command("account.add", account)).await;
        let mut desk = Self {
            messenger,
            folder,
            orders: mpsc::channel(1).1,
            account: AccountId(1),
        };
        desk.take_orders();
        desk
    }

    /// From now on the orders of the first account come here.
    fn take_orders(&mut self) {
        let open = self.messenger.open.as_mut().unwrap();
        let (account, entry) = open.accounts.iter_mut().next().unwrap();
        let (sender, orders) = mpsc::channel(1024);
        entry.orders = sender;
        (self.account, self.orders) = (*account, orders);
    }

    fn come_online(&mut self) {
        self.tell(xmpp::Event::Online {
            jid: "alice@example.org/1".parse().unwrap(),
            resumed: false,
            mechanism: xmpp::Mechanism::ScramSha256,
        });
    }

    /// From now on the first account is connected, and its orders come here.
    fn stand_in_for_the_link(&mut self) {
        self.take_orders();
        self.come_online();
    }

    fn tell(&mut self, event: xmpp::Event) {
        self.messenger.report(self.account, Report::Xmpp(event));
    }

    fn hears(&mut self, from: &str, body: &str) {
        self.tell(xmpp::Event::Message {
            from: from.parse().unwrap(),
            body: body.to_owned(),
            delayed: false,
            kind: xmpp::MessageKind::Chat,
            forwarded_or_archived: false,
        });
    }

    fn appears(&mut self, from: &str) {
        let from = from.parse().unwrap();
        self.tell(xmpp::Event::Presence {
            from,
            available: true,
        });
    }

    /// Carries out a command about one contact.
    fn about(&mut self, method: &str, contact: &str, more: Value) -> Result<Value, Problem> {
        let mut params = json!({ "account": self.account, "contact": contact });
        let more = more.as_object().unwrap().clone();
        params.as_object_mut().unwrap().extend(more);
        now(&mut self.messenger, command(method, params))
    }

    fn ordered(&mut self) -> Vec<xmpp::Command> {
        let mut commands = Vec::new();
        while let Ok(order) = self.orders.try_recv() {
            if let Order::Xmpp(command) = order {
                commands.push(command);
            }
        }
        commands
    }

    /// Bodies that the link was ordered to send.
    fn sent(&mut self) -> Vec<String> {
        let body = |command| match command {
            xmpp::Command::Send { body, otr, .. } => {
                assert!(otr && body.starts_with("?OTR"), "not OTR: {body}");
                Some(body)
            }
            _ => None,
        };
        self.ordered().into_iter().filter_map(body).collect()
    }

    /// Answers as the contact's own OTR would, until nothing more is said.
    fn answer(&mut self, contact: &str, otr: &mut otr::Conversation) {
        let mut bodies = self.sent();
        while !bodies.is_empty() {
            for body in bodies.drain(..) {
                otr.handle(Input::Receive(&body), Duration::from_secs(1), &mut SystemRandom)
                    .unwrap();
                while let Some(output) = otr.poll() {
                    if let Output::Send { body, .. } = output {
                        self.hears(contact, &body);
                    }
                }
            }
            bodies = self.sent();
        }
    }

    fn messages(&mut self, contact: &str) -> Vec<model::Message> {
        let shown = self.about("conversation.show", contact, json!({})).unwrap();
        let shown: model::Conversation = serde_json::from_value(shown).unwrap();
        shown.messages
    }

    fn contacts(&self) -> Vec<model::Contact> {
        self.messenger.snapshot().unwrap().contacts
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, Problem>) -> String {
    result.unwrap_err().code
}

#[tokio::test]
async fn a_locked_profile_refuses_everything_that_needs_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut messenger = messenger(folder.path());
    let who = || AccountRef {
        account: AccountId(1),
    };
    let one = json!({ "account": 1, "contact": BOB });
    for refused in [
        Command::Connect(who()),
        Command::Disconnect(who()),
        Command::RemoveAccount(who()),
        Command::NewCircuit(who()),
        Command::Lock(Nothing {}),
        command("contact.add", one.clone()),
        command("contact.accept", one.clone()),
        command("contact.refuse", one.clone()),
        command("contact.remove", one.clone()),
        command("conversation.show", one.clone()),
        command("conversation.start", one.clone()),
        command("conversation.end", one),
        command(
            "message.send",
            json!({ "account": 1, "contact": BOB, "text": "x" }),
        ),
        command("account.add", json!({ "address": ALICE, "password": "x" })),
    ] {
        let name = format!("{refused:?}");
        assert_eq!(code(now(&mut messenger, refused)), "profile.locked", "{name}");
    }
    assert!(now(&mut messenger, Command::Snapshot(Nothing {})).is_ok());
    assert!(now(&mut messenger, Command::Version(Nothing {})).is_ok());
}

#[tokio::test]
async fn strangers_are_shown_as_asking_and_get_no_answer_of_any_kind() {
    let mut desk = Desk::new().await;
    desk.ordered();
    desk.tell(xmpp::Event::SubscriptionRequest(
        BareJid::new("mallory@example.com").unwrap(),
    ));
    desk.appears("mallory@example.com/a");
    for body in [
        "hello",
        "?OTRv3?",
        "?OTR Error: x",
        "?OTR:AAMCAAAA.",
        "x \t  \t\t\t\t \t \t \t    \t\t  \t\t",
    ] {
        desk.hears("mallory@example.com/a", body);
        desk.hears("eve@example.com/b", body);
    }
    desk.messenger.tick();
    assert_eq!(desk.ordered(), []);
    let asking: Vec<_> = desk
        .contacts()
        .into_iter()
        .filter(|c| c.asks && !c.accepted)
        .collect();
    assert_eq!(asking.len(), 2);
    let refused = desk.about("message.send", "mallory@example.com", json!({ "text": "x" }));
    assert_eq!(code(refused), "contact.unknown");
}

#[tokio::test]
async fn no_more_than_so_many_strangers_are_remembered() {
    let mut desk = Desk::new().await;
    for number in 0..MAX_STRANGERS + 20 {
        desk.hears(&format!("stranger{number}@example.com/x"), "hello");
    }
    assert_eq!(desk.contacts().len(), MAX_STRANGERS);
    desk.about("contact.add", BOB, json!({})).unwrap();
    assert_eq!(desk.contacts().len(), MAX_STRANGERS + 1);
}

#[tokio::test]
async fn addresses_that_are_none_are_refused() {
    let mut desk = Desk::new().await;
    assert_eq!(
        code(desk.about("contact.add", ALICE, json!({}))),
        "contact.is_yourself"
    );
    assert_eq!(
        code(desk.about("contact.add", "a@b@c", json!({}))),
        "contact.bad_address"
    );
    let account = |address: &str| command("account.add", json!({ "address": address, "password": "x" }));
    assert_eq!(
        code(now(&mut desk.messenger, account("example.org"))),
        "account.bad_address"
    );
    assert_eq!(code(now(&mut desk.messenger, account(ALICE))), "account.exists");
    let unknown = command("account.connect", json!({ "account": 77 }));
    assert_eq!(code(now(&mut desk.messenger, unknown)), "account.unknown");
}

#[tokio::test]
async fn a_contact_that_the_server_removes_from_the_list_is_gone() {
    let mut desk = Desk::new().await;
    desk.about("contact.add", BOB, json!({})).unwrap();
    desk.tell(xmpp::Event::RosterItem(xmpp::RosterItem {
        jid: BareJid::new(BOB).unwrap(),
        name: None,
        subscription: xmpp::Subscription::Removed,
        asked: false,
    }));
    assert!(desk.contacts().is_empty());
    desk.ordered();
    desk.hears(&format!("{BOB}/a"), "?OTRv3?");
    assert_eq!(desk.ordered(), []);
}

#[tokio::test]
async fn copies_and_archived_messages_are_not_looked_at() {
    let mut desk = Desk::new().await;
    desk.about("contact.add", BOB, json!({})).unwrap();
    desk.ordered();
    desk.tell(xmpp::Event::Message {
        from: format!("{BOB}/a").parse::<Jid>().unwrap(),
        body: "?OTRv3?".to_owned(),
        delayed: false,
        kind: xmpp::MessageKind::Chat,
        forwarded_or_archived: true,
    });
    assert_eq!(desk.ordered(), []);
}

/// Alice and bob with a private conversation.
async fn with_bob() -> (Desk, otr::Conversation) {
    let mut desk = Desk::new().await;
    desk.about("contact.add", BOB, json!({})).unwrap();
    desk.appears(&format!("{BOB}/a"));
    let key = std::sync::Arc::new(otr::PrivateKey::generate(&mut SystemRandom));
    let tag = otr::InstanceTag::random(&mut SystemRandom);
    let mut bob = otr::Conversation::new(key, tag, otr::Config::default());
    desk.ordered();
    desk.about("conversation.start", BOB, json!({})).unwrap();
    desk.answer(&format!("{BOB}/a"), &mut bob);
    let shown = desk.messenger.snapshot().unwrap().conversations;
    assert!(matches!(shown[0].privacy, Privacy::Private { .. }));
    (desk, bob)
}

#[tokio::test]
async fn what_cannot_be_kept_is_not_sent_and_said_so() {
    let (mut desk, _bob) = with_bob().await;
    // Where the vault writes there are folders: no change can be kept.
    let in_the_way = ["changes", "vault.new"].map(|name| desk.folder.path().join("profile").join(name));
    drop(std::fs::remove_file(&in_the_way[0]));
    for folder in &in_the_way {
        std::fs::create_dir(folder).unwrap();
    }
    desk.about("message.send", BOB, json!({ "text": "kept?" }))
        .unwrap();
    assert_eq!(desk.sent(), Vec::<String>::new());
    let messages = desk.messages(BOB);
    assert!(
        matches!(messages[0].delivery, Delivery::NotSent { .. }),
        "{messages:?}"
    );
    for folder in &in_the_way {
        std::fs::remove_dir(folder).unwrap();
    }
    desk.about("message.retry", BOB, json!({ "message": messages[0].id }))
        .unwrap();
    tokio::time::sleep(Duration::from_millis(5200)).await;
    desk.messenger.tick();
    assert_eq!(desk.sent().len(), 1);
    assert_eq!(desk.messages(BOB)[0].delivery, Delivery::Sent);
}

#[tokio::test]
async fn a_message_survives_the_lock_and_the_passphrase_is_needed_again() {
    let mut desk = Desk::new().await;
    desk.about("contact.add", BOB, json!({})).unwrap();
    desk.about("message.send", BOB, json!({ "text": "waits" }))
        .unwrap();
    now(&mut desk.messenger, Command::Lock(Nothing {})).unwrap();
    assert_eq!(
        code(desk.about("conversation.show", BOB, json!({}))),
        "profile.locked"
    );
    later(
        &mut desk.messenger,
        command("profile.unlock", json!({ "passphrase": "wrong" })),
    )
    .await;
    assert!(desk.messenger.open.is_none());
    later(
        &mut desk.messenger,
        command("profile.unlock", json!({ "passphrase": "otter" })),
    )
    .await;
    let messages = desk.messages(BOB);
    assert_eq!(messages[0].text, "waits");
    assert!(matches!(messages[0].delivery, Delivery::Waiting { .. }));
}

#[tokio::test]
async fn an_event_is_told_for_each_stranger_once() {
    let mut desk = Desk::new().await;
    let before = desk.messenger.queue.sequence();
    for _ in 0..10 {
        desk.hears("mallory@example.com/a", "hello");
    }
    // Once as a contact who asks; the count after the first, second, fourth and eighth attempt.
    assert_eq!(desk.messenger.queue.sequence(), before + 1 + 4);
    desk.messenger.queue.tell(Event::EventsLost { count: 0 });
}
