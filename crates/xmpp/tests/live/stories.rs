//! What two people do.

use std::time::{Duration, Instant};

use xmpp::{Command, Event, Jid, Mechanism, OfflineReason, RosterItem, Subscription, Tls};

use super::client::Client;
use super::server::Server;

pub(super) fn online(client: &mut Client, server: &Server) -> (Jid, bool, Mechanism) {
    client.connect(server);
    client.wait(server, "Online", |event| match event {
        Event::Online {
            jid,
            resumed,
            mechanism,
        } => Some((Jid::from(jid.clone()), *resumed, *mechanism)),
        _ => None,
    })
}

/// A new account, online and available.
pub(super) fn newcomer(name: &str, tls: Tls, server: &Server) -> (Client, Jid) {
    let mut client = Client::new(name, "correct h\u{f6}rse", |config| {
        config.register = true;
        config.tls = tls;
    });
    let (jid, resumed, _) = online(&mut client, server);
    assert!(!resumed);
    client.wait(server, "Registered", |event| {
        (*event == Event::Registered).then_some(())
    });
    client.wait(server, "Roster", |event| match event {
        Event::Roster(items) if items.is_empty() => Some(()),
        _ => None,
    });
    client.command(Command::SetAvailable, server).unwrap();
    (client, jid)
}

pub(super) fn send(client: &mut Client, to: &Jid, body: &str, token: u64, server: &Server) {
    let command = Command::Send {
        to: to.clone(),
        body: body.to_owned(),
        token,
        otr: true,
    };
    client.command(command, server).unwrap();
}

fn hears(client: &mut Client, expected: &str, server: &Server) {
    client.wait(server, expected, |event| match event {
        Event::Message { body, .. } if body == expected => Some(()),
        _ => None,
    });
}

fn acknowledged(client: &mut Client, expected: u64, server: &Server) {
    client.wait(server, "Acknowledged", |event| match event {
        Event::Acknowledged { token } if *token == expected => Some(()),
        _ => None,
    });
}

pub(super) fn offline(client: &mut Client, server: &Server) -> OfflineReason {
    client.wait(server, "Offline", |event| match event {
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
    let server = Server::prosody_with_sha_256();
    meet_and_talk(&server);
    let log = server.log();
    assert!(log.contains("mechanism='SCRAM-SHA-256'") && !log.contains("mechanism='PLAIN'"));
}

#[test]
fn on_ejabberd_they_meet_just_as_well() {
    let server = Server::ejabberd();
    meet_and_talk(&server);
    lose_nothing(&server);
}

fn meet_and_talk(server: &Server) {
    let (mut alice, alice_jid) = newcomer("alice", Tls::StartTls, server);
    let (mut bob, bob_jid) = newcomer("bob", Tls::Direct, server);
    let bare = |jid: &Jid| jid.to_bare();
    alice
        .command(
            Command::AddContact {
                jid: bare(&bob_jid),
                name: Some("Bob <3".to_owned()),
            },
            server,
        )
        .unwrap();
    let item = |event: &Event| match event {
        Event::RosterItem(item) => Some(item.clone()),
        _ => None,
    };
    let added: RosterItem = alice.wait(server, "the push", item);
    assert_eq!(added.name.as_deref(), Some("Bob <3"));
    alice.command(Command::Subscribe(bare(&bob_jid)), server).unwrap();
    bob.wait(server, "the request", |event| {
        (*event == Event::SubscriptionRequest(bare(&alice_jid))).then_some(())
    });
    bob.command(Command::Approve(bare(&alice_jid)), server).unwrap();
    bob.command(Command::Subscribe(bare(&alice_jid)), server).unwrap();
    alice.wait(server, "Subscribed", |event| {
        (*event == Event::Subscribed(bare(&bob_jid))).then_some(())
    });
    alice.wait(server, "the request", |event| {
        (*event == Event::SubscriptionRequest(bare(&bob_jid))).then_some(())
    });
    alice.command(Command::Approve(bare(&bob_jid)), server).unwrap();
    for client in [&mut alice, &mut bob] {
        client.wait(server, "both", |event| match event {
            Event::RosterItem(item) if item.subscription == Subscription::Both => Some(()),
            _ => None,
        });
    }
    alice.wait(server, "presence", |event| match event {
        Event::Presence {
            from,
            available: true,
        } if *from == bob_jid => Some(()),
        _ => None,
    });
    let long = "\u{645}\u{631}\u{62d}\u{628}\u{627} \u{1F9A6} <&>\"' ".repeat(1_000);
    for (token, text) in [(1, "hello"), (2, &long), (3, "?OTR:AAMD."), (4, "a\tb\nc")] {
        send(&mut alice, &bob_jid, text, token, server);
        hears(&mut bob, text, server);
        acknowledged(&mut alice, token, server);
        send(&mut bob, &alice_jid, text, token, server);
        hears(&mut alice, text, server);
        acknowledged(&mut bob, token, server);
    }
    bob.command(Command::GoOffline, server).unwrap();
    assert_eq!(offline(&mut bob, server), OfflineReason::Requested);
    alice.wait(server, "absence", |event| match event {
        Event::Presence {
            from,
            available: false,
        } if *from == bob_jid => Some(()),
        _ => None,
    });
}

#[test]
fn a_cut_circuit_loses_nothing_and_repeats_nothing() {
    lose_nothing(&Server::prosody());
}

fn lose_nothing(server: &Server) {
    let (mut alice, alice_jid) = newcomer("carol", Tls::Direct, server);
    let (mut bob, bob_jid) = newcomer("dave", Tls::StartTls, server);
    for round in 0..3_u64 {
        let token = |n: u64| round * 10 + n;
        // Bob is down while two messages come for him.
        bob.cut(server);
        assert_eq!(offline(&mut bob, server), OfflineReason::ConnectionLost);
        for n in [1, 2] {
            send(
                &mut alice,
                &bob_jid,
                &format!("to bob {}", token(n)),
                token(n),
                server,
            );
            acknowledged(&mut alice, token(n), server);
        }
        // Alice writes two that never arrive, and is cut as well.
        alice.black_hole = true;
        for n in [3, 4] {
            send(
                &mut alice,
                &bob_jid,
                &format!("to bob {}", token(n)),
                token(n),
                server,
            );
        }
        alice.cut(server);
        assert_eq!(offline(&mut alice, server), OfflineReason::ConnectionLost);
        let (jid, resumed, _) = online(&mut alice, server);
        assert!(resumed && jid == alice_jid);
        for n in [3, 4] {
            acknowledged(&mut alice, token(n), server);
        }
        let (jid, resumed, _) = online(&mut bob, server);
        assert!(resumed && jid == bob_jid);
        for n in [1, 2, 3, 4] {
            hears(&mut bob, &format!("to bob {}", token(n)), server);
        }
        assert_eq!(messages(&bob.rest(server)), 0);
        assert_eq!(alice.rest(server), []);
    }
}

#[test]
fn a_server_that_forgot_makes_the_loss_known() {
    let mut server = Server::prosody();
    let (mut alice, _) = newcomer("alice", Tls::StartTls, &server);
    let (_, bob_jid) = newcomer("bob", Tls::StartTls, &server);
    send(&mut alice, &bob_jid, "one", 1, &server);
    acknowledged(&mut alice, 1, &server);
    alice.black_hole = true;
    send(&mut alice, &bob_jid, "two", 2, &server);
    send(&mut alice, &bob_jid, "three", 3, &server);
    server.kill();
    assert_eq!(offline(&mut alice, &server), OfflineReason::ConnectionLost);
    server.start_again();
    let (_, resumed, _) = online(&mut alice, &server);
    assert!(!resumed);
    let tokens = alice.wait(&server, "Unacknowledged", |event| match event {
        Event::Unacknowledged { tokens } => Some(tokens.clone()),
        _ => None,
    });
    assert_eq!(tokens, [2, 3]);
    send(&mut alice, &bob_jid, "four", 4, &server);
    acknowledged(&mut alice, 4, &server);
}

#[test]
fn a_wrong_password_and_a_taken_name_are_told_apart() {
    let server = Server::prosody();
    let (mut alice, _) = newcomer("alice", Tls::Direct, &server);
    alice.command(Command::GoOffline, &server).unwrap();
    assert_eq!(offline(&mut alice, &server), OfflineReason::Requested);
    let mut mallory = Client::new("alice", "guess", |_| ());
    mallory.connect(&server);
    assert_eq!(offline(&mut mallory, &server), OfflineReason::WrongPassword);
    let mut mallory = Client::new("alice", "guess", |config| config.register = true);
    mallory.connect(&server);
    assert_eq!(offline(&mut mallory, &server), OfflineReason::NameTaken);
}

#[test]
fn mallory_cannot_hurt_alice_through_the_server() {
    let server = Server::prosody();
    let (mut alice, alice_jid) = newcomer("alice", Tls::Direct, &server);
    let (mut bob, bob_jid) = newcomer("bob", Tls::Direct, &server);
    let (mut mallory, _) = newcomer("mallory", Tls::Direct, &server);
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
    while !refused(&server.log()) {
        assert!(start.elapsed() < Duration::from_secs(20), "no refusal");
        alice.live(&server);
    }
    send(&mut bob, &alice_jid, "are you still there?", 1, &server);
    hears(&mut alice, "are you still there?", &server);
    send(&mut alice, &bob_jid, "yes", 1, &server);
    hears(&mut bob, "yes", &server);
    let unwanted = alice.rest(&server);
    assert!(
        unwanted.iter().all(|event| matches!(
            event,
            Event::Presence { .. } | Event::Acknowledged { .. } | Event::RequestRefused { .. }
        )),
        "{unwanted:?}"
    );
}
