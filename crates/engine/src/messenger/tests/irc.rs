//! IRC accounts and rooms over door 1: what the messenger asks of a link, and what it makes of its reports.
//! Must never reach a network. Door 1: `docs/rpc.md`.

use model::{Member, RoomShown, RoomState};

use super::*;
use crate::link::{PersonReport, RoomOrder, RoomReport, Wish};

const ROOM: &str = "#otters";

async fn desk() -> Desk {
    let account =
        json!({ "protocol": "irc", "address": "alice@irc.example", "password": "", "connect": false });
    let mut desk = Desk::with(account).await;
    desk.reports(Report::Line(450));
    desk.reports(Report::Online { mechanism: None });
    desk
}

fn address(name: &str) -> Address {
    name.parse().unwrap()
}

impl Desk {
    fn reports(&mut self, report: Report) {
        self.messenger.report(self.account, report);
    }

    fn all_orders(&mut self) -> Vec<Order> {
        std::iter::from_fn(|| self.orders.try_recv().ok()).collect()
    }

    /// Bodies that go to the contact.
    fn bodies(&mut self) -> Vec<String> {
        let body = |order| match order {
            Order::Say { body, otr, .. } => {
                assert!(otr && body.starts_with("?OTR"), "not OTR: {body}");
                Some(body)
            }
            _ => None,
        };
        self.all_orders().into_iter().filter_map(body).collect()
    }

    fn said(&mut self, who: &str, text: &str) {
        let (who, text) = (address(who), text.to_owned());
        self.reports(Report::Person(PersonReport::Said { who, text }));
    }

    /// A private conversation with bob, whose program cuts and joins as ours does.
    async fn talk(&mut self, bob: &mut otr::Conversation) -> Vec<String> {
        let mut heard = self.exchange(bob);
        // What no program of ours greets is given five seconds for it.
        tokio::time::sleep(Duration::from_millis(5_300)).await;
        self.messenger.tick();
        heard.extend(self.exchange(bob));
        heard
    }

    fn exchange(&mut self, bob: &mut otr::Conversation) -> Vec<String> {
        let (mut all, mut heard) = (Vec::new(), Vec::new());
        let mut bodies = self.bodies();
        while !bodies.is_empty() {
            for body in bodies.drain(..) {
                all.push(body.clone());
                bob.handle(Input::Receive(&body), Duration::from_secs(1), &mut SystemRandom)
                    .unwrap();
                while let Some(output) = bob.poll() {
                    match output {
                        Output::Send { body, .. } => self.said("bob", &body),
                        Output::Event(otr::Event::Message { text, .. }) => heard.push(text),
                        _ => {}
                    }
                }
            }
            bodies = self.bodies();
        }
        assert!(all.iter().all(|body| body.len() <= 400), "a line is too long");
        heard
    }

    fn room(&mut self, method: &str, more: Value) -> Result<Value, Problem> {
        let mut params = json!({ "account": self.account, "room": ROOM });
        params
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        now(&mut self.messenger, command(method, params))
    }

    fn shown(&mut self) -> RoomShown {
        serde_json::from_value(self.room("room.show", json!({})).unwrap()).unwrap()
    }

    fn tells(&mut self, report: RoomReport) {
        self.reports(Report::Room(report));
    }

    fn inside(&mut self) {
        self.room("room.enter", json!({ "enter": true })).unwrap();
        let (room, nick) = (address(ROOM), "alice".to_owned());
        self.tells(RoomReport::Entered { room, nick });
    }
}

/// A desk whose owner has said `first` to Bob, and Bob, who read it under OTR.
async fn desk_private_with_bob() -> (Desk, otr::Conversation) {
    let mut desk = desk().await;
    desk.about("contact.add", "bob", json!({})).unwrap();
    desk.reports(Report::Person(PersonReport::There {
        who: address("bob"),
        there: true,
    }));
    desk.about("message.send", "bob", json!({ "text": "first" }))
        .unwrap();
    let mut bob = bob();
    assert_eq!(desk.talk(&mut bob).await, ["first"]);
    (desk, bob)
}

fn bob() -> otr::Conversation {
    let key = std::sync::Arc::new(otr::PrivateKey::generate(&mut SystemRandom));
    let config = otr::Config {
        max_message: std::num::NonZeroUsize::new(400),
        ..otr::Config::default()
    };
    otr::Conversation::new(key, otr::InstanceTag::random(&mut SystemRandom), config)
}

#[tokio::test]
async fn a_talk_over_irc_is_private_in_lines_of_400_bytes_and_an_action_stays_inside() {
    let mut desk = desk().await;
    desk.about("contact.add", "bob@irc.example", json!({})).unwrap();
    desk.reports(Report::Person(PersonReport::There {
        who: address("bob"),
        there: true,
    }));
    let mut bob = bob();
    for text in ["/me waves", &"otter ".repeat(300)] {
        desk.about("message.send", "bob", json!({ "text": text }))
            .unwrap();
    }
    let heard = desk.talk(&mut bob).await;
    assert_eq!(heard, ["/me waves".to_owned(), "otter ".repeat(300)]);
}

#[tokio::test]
async fn whoever_comes_under_the_name_of_a_contact_gets_nothing_that_was_written_for_its_key() {
    let (mut desk, _bob) = desk_private_with_bob().await;
    let why = Problem::new("peer.renamed", "The contact took another nick.");
    desk.reports(Report::Person(PersonReport::Gone {
        who: address("bob"),
        why,
    }));
    let shown = desk.about("conversation.show", "bob", json!({})).unwrap();
    let shown: model::Conversation = serde_json::from_value(shown).unwrap();
    assert_eq!(shown.privacy, Privacy::Plain);
    // Nothing was said to whoever has the name now, and nothing begins by itself.
    assert_eq!(desk.bodies(), Vec::<String>::new());
    desk.about("message.send", "bob", json!({ "text": "second" }))
        .unwrap();
    let mut mallory = bob();
    assert_eq!(desk.talk(&mut mallory).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_a_bouncer_kept_is_marked_begins_nothing_and_its_rooms_stay() {
    let account = json!({
        "protocol": "irc", "address": "alice@irc.example", "password": "alice/net:secret", "login": "bouncer",
        "connect": false
    });
    let mut desk = Desk::with(account).await;
    desk.reports(Report::Online { mechanism: None });
    desk.about("contact.add", "bob", json!({})).unwrap();
    desk.all_orders();
    for (text, earlier) in [("while you were away", true), ("and now", false)] {
        let (who, text) = (address("bob"), text.to_owned());
        desk.reports(Report::Person(PersonReport::Readable { who, text, earlier }));
    }
    let shown = desk.about("conversation.show", "bob", json!({})).unwrap();
    let shown: model::Conversation = serde_json::from_value(shown).unwrap();
    let marks: Vec<_> = shown
        .messages
        .iter()
        .map(|message| (message.earlier, message.encrypted))
        .collect();
    assert_eq!(marks, [(true, false), (false, false)]);
    let (room, nick) = (address(ROOM), "alice".to_owned());
    desk.tells(RoomReport::Entered { room, nick });
    assert_eq!(desk.shown().room.state, RoomState::Inside);
    assert!(
        desk.all_orders().is_empty(),
        "nothing is answered, and no room left"
    );
}

#[tokio::test]
async fn the_owner_asks_what_the_network_says_of_somebody() {
    let mut desk = desk().await;
    desk.all_orders();
    let with = json!({ "account": desk.account, "contact": "mallory" });
    let ask = |desk: &mut Desk, number: u64| {
        let command = command("contact.whois", with.clone());
        desk.messenger.carry_out(command, Some(&json!(number)))
    };
    assert!(matches!(ask(&mut desk, 1), Outcome::Later));
    let asked =
        |order: &Order| matches!(order, Order::Person { who, wish: Wish::Ask } if who.as_str() == "mallory");
    assert!(desk.all_orders().iter().any(asked));
    // One question at a time about one person.
    assert!(matches!(ask(&mut desk, 2), Outcome::Now(Err(_))));
    let problem = Problem::new("irc.no_such_nick", "Nobody has this nick.");
    desk.reports(Report::Person(PersonReport::Known {
        who: address("mallory"),
        known: Err(problem),
    }));
    assert!(matches!(ask(&mut desk, 3), Outcome::Later));
    let listed = now(&mut desk.messenger, command("account.networks", json!({}))).unwrap();
    let listed: model::Networks = serde_json::from_value(listed).unwrap();
    assert!(listed.networks.iter().all(|network| !network.source.is_empty()));
    let libera = listed
        .networks
        .iter()
        .find(|network| network.name == "Libera.Chat")
        .unwrap();
    assert!(libera.certificate_or_key && libera.steps.len() == 3);
}

#[tokio::test]
async fn strangers_wait_and_services_are_no_contacts() {
    let mut desk = desk().await;
    desk.all_orders();
    desk.said("mallory", "?OTRv3?");
    desk.said("mallory", "hello there");
    let contact = desk.contacts().remove(0);
    assert!(contact.asks && !contact.accepted);
    assert_eq!(contact.first_words.as_deref(), Some("hello there"));
    assert!(desk.all_orders().is_empty());
    assert_eq!(
        code(desk.about("contact.add", "NickServ", json!({}))),
        "contact.is_service"
    );
    assert_eq!(
        code(desk.about("contact.add", "b!b", json!({}))),
        "contact.bad_nick"
    );
    desk.about("contact.block", "mallory", json!({})).unwrap();
    let blocked = |order: &Order| matches!(order, Order::Person { who, wish: Wish::Block } if who.as_str() == "mallory");
    assert!(desk.all_orders().iter().any(blocked));
}

#[tokio::test]
async fn an_irc_account_has_a_certificate_and_a_key_to_tell_the_services() {
    let account =
        json!({ "protocol": "irc", "address": "alice@libera.chat", "password": "", "connect": false });
    let mut desk = Desk::with(account).await;
    let keys = now(
        &mut desk.messenger,
        command("account.login_keys", json!({ "account": desk.account })),
    );
    let keys: model::LoginKeys = serde_json::from_value(keys.unwrap()).unwrap();
    assert_eq!(keys.login, model::ServicesLogin::Certificate);
    assert_eq!((keys.certificate_sha512.len(), keys.public_key.len()), (128, 44));
    assert_eq!(
        desk.messenger.snapshot().unwrap().accounts[0].protocol,
        model::Protocol::Irc
    );
}

#[tokio::test]
async fn a_server_that_wants_tls_only_gets_it_in_the_next_run_too_until_it_takes_that_back() {
    let mut desk = desk().await;
    let kept = |desk: &Desk| {
        let open = desk.messenger.open.as_ref().unwrap();
        let account = &open.vault.profile().accounts[0];
        kept_accounts::read_account(account).unwrap().tls_at
    };
    assert_eq!(kept(&desk), None);
    let wish = |seconds| Report::TlsOnly { port: 6697, seconds };
    desk.reports(wish(3_600));
    assert_eq!(kept(&desk), Some(6697));
    let server = json!({ "is": "found" });
    let change = json!({ "account": desk.account, "server": server });
    now(&mut desk.messenger, command("account.change", change)).unwrap();
    assert_eq!(kept(&desk), None, "another server never said so");
    desk.reports(wish(3_600));
    desk.reports(wish(0));
    assert_eq!(kept(&desk), None);
}

#[tokio::test]
async fn keys_of_an_irc_account_leave_and_come_back_under_its_own_network() {
    let mut desk = desk().await;
    let with = json!({ "account": desk.account, "understood": true });
    let exported = now(&mut desk.messenger, command("key.export", with)).unwrap();
    let tags = exported["instance_tags"].as_str().unwrap();
    assert!(tags.contains("\nalice@irc.example\tprpl-irc\t"), "{tags}");
    let with = json!({ "account": desk.account, "private_key": exported["private_key"], "understood": true });
    now(&mut desk.messenger, command("key.import", with)).unwrap();
}

#[tokio::test]
async fn a_room_is_entered_talked_in_and_found_again_after_a_lock() {
    let mut desk = desk().await;
    desk.inside();
    let entered = |order: &Order| matches!(order, Order::Room(RoomOrder::Enter { .. }));
    assert!(desk.all_orders().iter().any(entered));
    let member = |nick: &str| Member {
        nick: nick.to_owned(),
        address: None,
        rank: model::Rank::Ordinary,
        own: nick == "alice",
    };
    let members = vec![member("alice"), member("bob")];
    desk.tells(RoomReport::Members {
        room: address(ROOM),
        members,
    });
    desk.tells(RoomReport::Said {
        room: address(ROOM),
        nick: Some("bob".to_owned()),
        own: false,
        text: "?OTRv3? hello\u{1b}".to_owned(),
        earlier: false,
    });
    desk.room("room.say", json!({ "text": "hello bob" })).unwrap();
    let orders = desk.all_orders();
    let Some(Order::Room(RoomOrder::Say { token, .. })) = orders.last() else {
        panic!("nothing was said");
    };
    assert_eq!(orders.len(), 1, "a room is never answered by OTR");
    let problem = Problem::new("irc.cannot_send", "Nothing can be sent there.");
    desk.reports(Report::Bounced {
        token: *token,
        problem,
    });
    desk.tells(RoomReport::MemberGone {
        room: None,
        nick: "bob".to_owned(),
    });
    let shown = desk.shown();
    assert_eq!((shown.room.state, shown.room.members), (RoomState::Inside, 1));
    let texts: Vec<&str> = shown
        .messages
        .iter()
        .map(|message| message.text.as_str())
        .collect();
    assert_eq!(texts, ["?OTRv3? hello", "hello bob"]);
    assert_eq!(
        shown.messages[1].problem.as_ref().unwrap().code,
        "irc.cannot_send"
    );
    now(&mut desk.messenger, command("profile.lock", json!({}))).unwrap();
    later(
        &mut desk.messenger,
        command("profile.unlock", json!({ "passphrase": "otter" })),
    )
    .await;
    let shown = desk.shown();
    assert!(shown.room.enter && shown.messages.is_empty() && shown.room.state == RoomState::Outside);
}

#[tokio::test]
async fn a_room_that_nobody_chose_is_left_and_invitations_wait() {
    let mut desk = desk().await;
    desk.all_orders();
    let (room, nick) = (address("#trap"), "alice".to_owned());
    desk.tells(RoomReport::Entered { room, nick });
    let left =
        |order: &Order| matches!(order, Order::Room(RoomOrder::Leave { room }) if room.as_str() == "#trap");
    assert!(desk.all_orders().iter().any(left));
    for number in 0..50 {
        let (room, by) = (address(&format!("#r{number}")), address("mallory"));
        let password = None;
        desk.tells(RoomReport::Invited { room, by, password });
    }
    assert_eq!(desk.messenger.snapshot().unwrap().rooms.len(), 20);
    assert!(desk.all_orders().is_empty());
}

#[tokio::test]
async fn who_is_not_let_into_a_room_is_told_why_and_not_tried_again() {
    let mut desk = desk().await;
    desk.room("room.enter", json!({})).unwrap();
    let problem = Problem::new(
        "irc.invite_only",
        "Only people who are invited can enter this room.",
    );
    let room = address(ROOM);
    desk.tells(RoomReport::Refused {
        room,
        problem: problem.clone(),
    });
    assert_eq!(desk.shown().room.state, RoomState::Refused { problem });
    assert_eq!(
        code(desk.room("room.say", json!({ "text": "x" }))),
        "room.not_inside"
    );
    desk.all_orders();
    desk.reports(Report::Online { mechanism: None });
    assert!(desk.all_orders().is_empty());
    desk.room("room.forget", json!({})).unwrap();
    assert!(desk.messenger.snapshot().unwrap().rooms.is_empty());
}

#[tokio::test]
async fn whoever_panics_on_irc_ends_the_private_conversation_and_leaves_no_link_within_a_second() {
    let (mut desk, mut bob) = desk_private_with_bob().await;
    desk.inside();
    desk.all_orders();
    now(&mut desk.messenger, command("engine.panic", json!({}))).unwrap();
    let started = std::time::Instant::now();
    desk.messenger.end_at_once().await;
    assert!(started.elapsed() < Duration::from_millis(900));
    assert!(desk.messenger.open.is_none());
    for body in desk.bodies() {
        let input = Input::Receive(&body);
        bob.handle(input, Duration::from_secs(1), &mut SystemRandom)
            .unwrap();
    }
    let outputs = std::iter::from_fn(|| bob.poll());
    let ended = |output: Output| matches!(output, Output::Event(otr::Event::Finished { .. }));
    assert!(outputs.into_iter().any(ended));
    // Nobody gives the link orders any more: it and its stream end.
    assert_eq!(desk.orders.recv().await.map(|_| ()), None);
}

#[tokio::test]
async fn what_strangers_try_on_irc_is_counted_like_anywhere_and_not_answered() {
    let mut desk = desk().await;
    desk.all_orders();
    for what in ["ctcp", "ctcp", "dcc"] {
        let who = address("mallory");
        desk.reports(Report::Person(PersonReport::Tried { who, what }));
    }
    desk.said("mallory", "?OTRv3?");
    let probes = now(&mut desk.messenger, command("probe.list", json!({}))).unwrap();
    let probes: model::Probes = serde_json::from_value(probes).unwrap();
    let mut tried: Vec<_> = probes.probes.into_iter().map(|p| (p.kind, p.count)).collect();
    tried.sort();
    let line = |kind: &str, count| (kind.to_owned(), count);
    assert_eq!(tried, [line("ctcp", 2), line("dcc", 1), line("otr_query", 1)]);
    assert!(desk.all_orders().is_empty());
}
