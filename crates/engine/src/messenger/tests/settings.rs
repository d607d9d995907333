//! What the owner sets: another way to an account, names, blocks, drafts, and what the window keeps.
//! Must never find a word sent to somebody who was blocked. XEP-0191.

use super::*;

async fn reopen(desk: &mut Desk) {
    now(&mut desk.messenger, Command::Lock(Nothing {})).unwrap();
    later(
        &mut desk.messenger,
        command("profile.unlock", json!({ "passphrase": "otter" })),
    )
    .await;
}

fn shown(desk: &Desk, who: &str) -> model::Contact {
    let contacts = desk.contacts();
    contacts.into_iter().find(|c| c.address.as_str() == who).unwrap()
}

#[tokio::test]
async fn a_blocked_contact_is_cut_off_without_a_word() {
    let (mut desk, mut bob) = with_bob().await;
    let id = desk.about("message.send", BOB, json!({ "text": "x" })).unwrap();
    desk.ordered();
    desk.about("contact.block", BOB, json!({})).unwrap();
    let jid = BareJid::new(BOB).unwrap();
    assert_eq!(desk.ordered(), [xmpp::Command::Block(vec![jid.clone()])]);
    let message = desk.messages(BOB).into_iter().next().unwrap();
    assert!(matches!(message.delivery, Delivery::NotSent { .. }), "{id:?}");
    let before = desk.messenger.queue.sequence();
    let hello = Input::Send {
        text: "hello?",
        tlvs: &[],
        tag: 1,
    };
    bob.handle(hello, Duration::from_secs(2), &mut SystemRandom)
        .unwrap();
    while let Some(output) = bob.poll() {
        if let Output::Send { body, .. } = output {
            desk.hears(&format!("{BOB}/a"), &body);
        }
    }
    desk.hears(&format!("{BOB}/a"), "?OTRv3?");
    desk.hears(&format!("{BOB}/a"), "hello");
    desk.tell(xmpp::Event::SubscriptionRequest(jid));
    desk.messenger.tick();
    assert_eq!(desk.ordered(), []);
    assert_eq!(desk.messages(BOB).len(), 1);
    assert_eq!(desk.messenger.queue.sequence(), before);
    let refused = desk.about("message.send", BOB, json!({ "text": "x" }));
    assert_eq!(code(refused), "contact.blocked");
}

#[tokio::test]
async fn a_block_is_kept_told_to_the_server_again_and_taken_away() {
    let mut desk = Desk::new().await;
    let jid = BareJid::new("mallory@example.com").unwrap();
    desk.about("contact.block", "mallory@example.com", json!({}))
        .unwrap();
    desk.about("contact.remove", "mallory@example.com", json!({}))
        .unwrap();
    assert!(
        shown(&desk, "mallory@example.com").blocked,
        "a block outlives the rest"
    );
    desk.ordered();
    let online = || xmpp::Event::Online {
        jid: "alice@example.org/1".parse().unwrap(),
        resumed: false,
        mechanism: xmpp::Mechanism::ScramSha256,
    };
    desk.tell(online());
    assert_eq!(desk.ordered(), [xmpp::Command::Block(vec![jid.clone()])]);
    desk.about("contact.unblock", "mallory@example.com", json!({}))
        .unwrap();
    assert_eq!(desk.ordered(), [xmpp::Command::Unblock(jid)]);
    assert!(desk.contacts().is_empty());
    desk.about("contact.block", BOB, json!({})).unwrap();
    reopen(&mut desk).await;
    assert!(shown(&desk, BOB).blocked);
    assert_eq!(
        code(desk.about("contact.unblock", BOB, json!({}))),
        "account.offline"
    );
    assert_eq!(code(desk.about("contact.add", BOB, json!({}))), "contact.blocked");
}

#[tokio::test]
async fn names_drafts_and_the_windows_state_are_kept_and_bounded() {
    let mut desk = Desk::new().await;
    desk.about("contact.add", BOB, json!({})).unwrap();
    desk.about("contact.rename", BOB, json!({ "name": " Bob\u{7} B. " }))
        .unwrap();
    desk.about("conversation.draft", BOB, json!({ "text": "Dear" }))
        .unwrap();
    let save = |state: String| command("window.save", json!({ "state": state }));
    now(&mut desk.messenger, save("{\"wide\":true}".to_owned())).unwrap();
    let long = "x".repeat(model::MAX_WINDOW_STATE_BYTES + 1);
    assert_eq!(code(now(&mut desk.messenger, save(long))), "window.too_large");
    let long = "x".repeat(201);
    assert_eq!(
        code(desk.about("contact.rename", BOB, json!({ "name": long }))),
        "contact.name_too_long"
    );
    let long = "x".repeat(model::MAX_TEXT_BYTES + 1);
    assert_eq!(
        code(desk.about("conversation.draft", BOB, json!({ "text": long }))),
        "message.too_long"
    );
    reopen(&mut desk).await;
    assert_eq!(shown(&desk, BOB).name.as_deref(), Some("Bob B."));
    let conversation = desk.about("conversation.show", BOB, json!({})).unwrap();
    assert_eq!(conversation["draft"], "Dear");
    let kept = now(&mut desk.messenger, command("window.load", json!({}))).unwrap();
    assert_eq!(kept["state"], "{\"wide\":true}");
    desk.about("contact.rename", BOB, json!({})).unwrap();
    assert_eq!(shown(&desk, BOB).name, None);
}

#[tokio::test]
async fn an_account_goes_another_way_from_now_on() {
    let mut desk = Desk::new().await;
    let change = |more: Value| {
        let mut params = json!({ "account": 1 });
        params
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        command("account.change", params)
    };
    let refused = now(&mut desk.messenger, change(json!({ "password": "" })));
    assert_eq!(code(refused), "account.no_password");
    let refused = now(&mut desk.messenger, change(json!({ "pins": ["zz"] })));
    assert_eq!(code(refused), "account.bad_pin");
    let server = json!({ "is": "chosen", "server": { "host": "xmpp.example.org" } });
    let asked = json!({ "password": "better", "server": server, "pins": ["ab".repeat(32)] });
    now(&mut desk.messenger, change(asked)).unwrap();
    let Ok(Order::Change(ordered)) = std::iter::from_fn(|| desk.orders.try_recv().ok())
        .find(|order| matches!(order, Order::Change(_)))
        .ok_or(())
    else {
        panic!("the link was not told");
    };
    assert_eq!(*ordered.password, "better");
    assert_eq!(ordered.server.as_ref().unwrap().host, "xmpp.example.org");
    assert_eq!(ordered.pins.len(), 1);
    reopen(&mut desk).await;
    let account = desk.messenger.snapshot().unwrap().accounts.remove(0);
    assert_eq!(account.server.unwrap().host, "xmpp.example.org");
    now(
        &mut desk.messenger,
        change(json!({ "server": { "is": "found" } })),
    )
    .unwrap();
    assert_eq!(desk.messenger.snapshot().unwrap().accounts[0].server, None);
}

fn failed(desk: &mut Desk, code: &str, about: &[String]) {
    let problem = Problem::new(code, "x").with(about.to_vec());
    let state = model::AccountState::Failed { problem };
    desk.messenger.report(AccountId(1), Report::State(state));
}

#[tokio::test]
async fn a_server_key_is_accepted_only_if_the_account_stopped_because_of_it() {
    let mut desk = Desk::new().await;
    let [old, new, other] = ["aa", "bb", "cc"].map(|byte| byte.repeat(32));
    let trust = |key: &str| command("account.trust_server", json!({ "account": 1, "key": key }));
    assert_eq!(code(now(&mut desk.messenger, trust(&new))), "account.no_such_key");
    failed(&mut desk, "wrong-password", std::slice::from_ref(&new));
    assert_eq!(code(now(&mut desk.messenger, trust(&new))), "account.no_such_key");
    failed(&mut desk, "tls.key_changed", &[old, new.clone()]);
    assert_eq!(
        code(now(&mut desk.messenger, trust(&other))),
        "account.no_such_key"
    );
    assert_eq!(code(now(&mut desk.messenger, trust("zz"))), "account.bad_pin");
    now(&mut desk.messenger, trust(&new)).unwrap();
    let ordered = std::iter::from_fn(|| desk.orders.try_recv().ok()).find_map(|order| match order {
        Order::Change(change) => Some(change),
        _ => None,
    });
    let known = ordered.unwrap().known.unwrap();
    assert_eq!((known.key.to_string(), known.issuer), (new, None));
}

#[tokio::test]
async fn who_is_asked_for_servers_can_be_chosen_and_stays() {
    let mut desk = Desk::new().await;
    let asked = |more: Value| {
        let mut params = json!({ "account": 1 });
        params
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        command("account.resolvers", params)
    };
    let usual = now(&mut desk.messenger, asked(json!({}))).unwrap();
    assert_eq!(usual["resolvers"].as_array().unwrap().len(), 3);
    for bad in [
        json!(["a b"]),
        json!(["dns.example@127.0.0.1"]),
        json!(vec!["dns.example"; 9]),
    ] {
        let refused = now(&mut desk.messenger, asked(json!({ "resolvers": bad })));
        assert_eq!(code(refused), "account.bad_resolvers");
    }
    let chosen = now(
        &mut desk.messenger,
        asked(json!({ "resolvers": ["dns.example"] })),
    )
    .unwrap();
    assert_eq!(chosen["resolvers"][0], "dns.example@dns.example:853");
    reopen(&mut desk).await;
    assert_eq!(now(&mut desk.messenger, asked(json!({}))).unwrap(), chosen);
    let none = now(&mut desk.messenger, asked(json!({ "resolvers": [] }))).unwrap();
    assert_eq!(none["resolvers"], json!([]));
}
