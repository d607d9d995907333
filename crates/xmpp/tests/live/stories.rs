//! What two people do.

use std::time::{Duration, Instant};

use xmpp::{Command, Event, Jid, Mechanism, OfflineReason, RosterItem, Subscription, Tls};

use super::client::Client;
use super::prosody::Prosody;

fn online(client: &mut Client, prosody: &Prosody) -> (Jid, bool, Mechanism) {
    client.connect(prosody);
    client.wait(prosody, "Online", |event| match event {
        Event::Online {
            jid,
            resumed,
            mechanism,
        } => Some((Jid::from(jid.clone()), *resumed, *mechanism)),
        _ => None,
    })
}

/// A new account, online and available.
fn newcomer(name: &str, tls: Tls, prosody: &Prosody) -> (Client, Jid) {
    let mut client = Client::new(name, "correct horse \u{1F40E}", |config| {
        config.register = true;
        config.tls = tls;
    });
    let (jid, resumed, _) = online(&mut client, prosody);
    assert!(!resumed);
    client.wait(prosody, "Registered", |event| {
        (*event == Event::Registered).then_some(())
    });
    client.wait(prosody, "Roster", |event| match event {
        Event::Roster(items) if items.is_empty() => Some(()),
        _ => None,
    });
    client.command(Command::SetAvailable, prosody).unwrap();
    (client, jid)
}

fn send(client: &mut Client, to: &Jid, body: &str, token: u64, prosody: &Prosody) {
    let command = Command::Send {
        to: to.clone(),
        body: body.to_owned(),
        token,
        otr: true,
    };
    client.command(command, prosody).unwrap();
}

fn hears(client: &mut Client, expected: &str, prosody: &Prosody) {
    client.wait(prosody, expected, |event| match event {
        Event::Message { body, .. } if body == expected => Some(()),
        _ => None,
    });
}

fn acknowledged(client: &mut Client, expected: u64, prosody: &Prosody) {
    client.wait(prosody, "Acknowledged", |event| match event {
        Event::Acknowledged { token } if *token == expected => Some(()),
        _ => None,
    });
}

fn offline(client: &mut Client, prosody: &Prosody) -> OfflineReason {
    client.wait(prosody, "Offline", |event| match event {
        Event::Offline { why, .. } => Some(*why),
        _ => None,
    })
}

fn messages(events: &[Event]) -> usize {
    events
        .iter()
        .filter(|event| matches!(event, Event::Message { .. }))
        .count()
}

#[test]
fn alice_and_bob_meet_and_talk() {
    let prosody = Prosody::start_with("SHA-256");
    let (mut alice, alice_jid) = newcomer("alice", Tls::StartTls, &prosody);
    let (mut bob, bob_jid) = newcomer("bob", Tls::Direct, &prosody);
    let bare = |jid: &Jid| jid.to_bare();
    alice
        .command(
            Command::AddContact {
                jid: bare(&bob_jid),
                name: Some("Bob <3".to_owned()),
            },
            &prosody,
        )
        .unwrap();
    let item = |event: &Event| match event {
        Event::RosterItem(item) => Some(item.clone()),
        _ => None,
    };
    let added: RosterItem = alice.wait(&prosody, "the push", item);
    assert_eq!(added.name.as_deref(), Some("Bob <3"));
    alice
        .command(Command::Subscribe(bare(&bob_jid)), &prosody)
        .unwrap();
    bob.wait(&prosody, "the request", |event| {
        (*event == Event::SubscriptionRequest(bare(&alice_jid))).then_some(())
    });
    bob.command(Command::Approve(bare(&alice_jid)), &prosody).unwrap();
    bob.command(Command::Subscribe(bare(&alice_jid)), &prosody)
        .unwrap();
    alice.wait(&prosody, "Subscribed", |event| {
        (*event == Event::Subscribed(bare(&bob_jid))).then_some(())
    });
    alice.wait(&prosody, "the request", |event| {
        (*event == Event::SubscriptionRequest(bare(&bob_jid))).then_some(())
    });
    alice.command(Command::Approve(bare(&bob_jid)), &prosody).unwrap();
    for client in [&mut alice, &mut bob] {
        client.wait(&prosody, "both", |event| match event {
            Event::RosterItem(item) if item.subscription == Subscription::Both => Some(()),
            _ => None,
        });
    }
    alice.wait(&prosody, "presence", |event| match event {
        Event::Presence {
            from,
            available: true,
        } if *from == bob_jid => Some(()),
        _ => None,
    });
    let long = "\u{645}\u{631}\u{62d}\u{628}\u{627} \u{1F9A6} <&>\"' ".repeat(1_000);
    for (token, text) in [(1, "hello"), (2, &long), (3, "?OTR:AAMD."), (4, "a\tb\nc")] {
        send(&mut alice, &bob_jid, text, token, &prosody);
        hears(&mut bob, text, &prosody);
        acknowledged(&mut alice, token, &prosody);
        send(&mut bob, &alice_jid, text, token, &prosody);
        hears(&mut alice, text, &prosody);
        acknowledged(&mut bob, token, &prosody);
    }
    bob.command(Command::GoOffline, &prosody).unwrap();
    assert_eq!(offline(&mut bob, &prosody), OfflineReason::Requested);
    alice.wait(&prosody, "absence", |event| match event {
        Event::Presence {
            from,
            available: false,
        } if *from == bob_jid => Some(()),
        _ => None,
    });
    let log = prosody.log();
    assert!(log.contains("mechanism='SCRAM-SHA-256'") && !log.contains("mechanism='PLAIN'"));
}

#[test]
fn a_cut_circuit_loses_nothing_and_repeats_nothing() {
    let prosody = Prosody::start();
    let (mut alice, alice_jid) = newcomer("alice", Tls::Direct, &prosody);
    let (mut bob, bob_jid) = newcomer("bob", Tls::StartTls, &prosody);
    for round in 0..3_u64 {
        let token = |n: u64| round * 10 + n;
        // Bob is down while two messages come for him.
        bob.cut(&prosody);
        assert_eq!(offline(&mut bob, &prosody), OfflineReason::ConnectionLost);
        for n in [1, 2] {
            send(
                &mut alice,
                &bob_jid,
                &format!("to bob {}", token(n)),
                token(n),
                &prosody,
            );
            acknowledged(&mut alice, token(n), &prosody);
        }
        // Alice writes two that never arrive, and is cut as well.
        alice.black_hole = true;
        for n in [3, 4] {
            send(
                &mut alice,
                &bob_jid,
                &format!("to bob {}", token(n)),
                token(n),
                &prosody,
            );
        }
        alice.cut(&prosody);
        assert_eq!(offline(&mut alice, &prosody), OfflineReason::ConnectionLost);
        let (jid, resumed, _) = online(&mut alice, &prosody);
        assert!(resumed && jid == alice_jid);
        for n in [3, 4] {
            acknowledged(&mut alice, token(n), &prosody);
        }
        let (jid, resumed, _) = online(&mut bob, &prosody);
        assert!(resumed && jid == bob_jid);
        for n in [1, 2, 3, 4] {
            hears(&mut bob, &format!("to bob {}", token(n)), &prosody);
        }
        assert_eq!(messages(&bob.rest(&prosody)), 0);
        assert_eq!(alice.rest(&prosody), []);
    }
}

#[test]
fn a_server_that_forgot_makes_the_loss_known() {
    let mut prosody = Prosody::start();
    let (mut alice, _) = newcomer("alice", Tls::StartTls, &prosody);
    let (_, bob_jid) = newcomer("bob", Tls::StartTls, &prosody);
    send(&mut alice, &bob_jid, "one", 1, &prosody);
    acknowledged(&mut alice, 1, &prosody);
    alice.black_hole = true;
    send(&mut alice, &bob_jid, "two", 2, &prosody);
    send(&mut alice, &bob_jid, "three", 3, &prosody);
    prosody.kill();
    assert_eq!(offline(&mut alice, &prosody), OfflineReason::ConnectionLost);
    prosody.start_again();
    let (_, resumed, _) = online(&mut alice, &prosody);
    assert!(!resumed);
    let tokens = alice.wait(&prosody, "Unacknowledged", |event| match event {
        Event::Unacknowledged { tokens } => Some(tokens.clone()),
        _ => None,
    });
    assert_eq!(tokens, [2, 3]);
    send(&mut alice, &bob_jid, "four", 4, &prosody);
    acknowledged(&mut alice, 4, &prosody);
}

#[test]
fn a_wrong_password_and_a_taken_name_are_told_apart() {
    let prosody = Prosody::start();
    let (mut alice, _) = newcomer("alice", Tls::Direct, &prosody);
    alice.command(Command::GoOffline, &prosody).unwrap();
    assert_eq!(offline(&mut alice, &prosody), OfflineReason::Requested);
    let mut mallory = Client::new("alice", "guess", |_| ());
    mallory.connect(&prosody);
    assert_eq!(offline(&mut mallory, &prosody), OfflineReason::WrongPassword);
    let mut mallory = Client::new("alice", "guess", |config| config.register = true);
    mallory.connect(&prosody);
    assert_eq!(offline(&mut mallory, &prosody), OfflineReason::NameTaken);
}

#[test]
fn mallory_cannot_hurt_alice_through_the_server() {
    let prosody = Prosody::start();
    let (mut alice, alice_jid) = newcomer("alice", Tls::Direct, &prosody);
    let (mut bob, bob_jid) = newcomer("bob", Tls::Direct, &prosody);
    let (mut mallory, _) = newcomer("mallory", Tls::Direct, &prosody);
    let levels = 6_000;
    let deep = format!(
        "<iq xmlns='jabber:client' type='get' id='deep' to='{alice_jid}'>{}{}</iq>",
        "<a>".repeat(levels),
        "</a>".repeat(levels)
    );
    mallory.write_raw(deep.as_bytes());
    // Prosody writes attributes in any order.
    let refused = |log: &str| {
        let parts = ["Sending", "<iq ", "id='deep'", "type='error'"];
        log.lines()
            .any(|line| parts.iter().all(|part| line.contains(part)))
    };
    let start = Instant::now();
    while !refused(&prosody.log()) {
        assert!(start.elapsed() < Duration::from_secs(20), "no refusal");
        alice.live(&prosody);
    }
    send(&mut bob, &alice_jid, "are you still there?", 1, &prosody);
    hears(&mut alice, "are you still there?", &prosody);
    send(&mut alice, &bob_jid, "yes", 1, &prosody);
    hears(&mut bob, "yes", &prosody);
    let unwanted = alice.rest(&prosody);
    assert!(
        unwanted
            .iter()
            .all(|event| matches!(event, Event::Presence { .. } | Event::Acknowledged { .. })),
        "{unwanted:?}"
    );
}
