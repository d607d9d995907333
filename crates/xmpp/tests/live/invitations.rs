//! Who was invited gets in, and is seen, without being asked again. XEP-0379, XEP-0401, XEP-0445.

use xmpp::{Command, Event, OfflineReason, Password, Tls};

use super::client::Client;
use super::server::Server;
use super::stories::{newcomer, offline, online};

/// Only the invited get an account; who has one may invite.
fn server() -> Server {
    Server::prosody_changed(|settings| {
        settings
            // What the test writes by itself would not be counted.
            .replace(
                "\"smacks\", ",
                "\"invites\", \"invites_adhoc\", \"invites_register\", ",
            )
            .replace(
                "allow_registration = true",
                "allow_registration = true\nallow_user_invites = true\nregistration_invite_only = false",
            )
    })
}

/// A token from alice's server, for whoever she gives it to.
fn token(alice: &mut Client, server: &Server) -> String {
    alice.heard();
    alice.write_raw(
        b"<iq type='set' to='example.test' id='invite'><command xmlns='http://jabber.org/protocol/commands' \
          node='urn:xmpp:invite#invite' action='execute'/></iq>",
    );
    alice.rest(server);
    let heard = alice.heard();
    let token = heard
        .split("preauth=")
        .nth(1)
        .unwrap_or_else(|| panic!("{heard}"));
    token
        .chars()
        .take_while(|c| !matches!(c, ';' | '<' | '&'))
        .collect()
}

fn registered(name: &str, token: &str, server: &Server) -> Client {
    let mut client = Client::new(name, "correct h\u{f6}rse", |config| {
        config.register = true;
        config.invitation = Some(token.to_owned().into());
        config.tls = Tls::Direct;
    });
    client.connect(server);
    client
}

#[test]
fn an_invitation_of_prosody_makes_an_account_and_brings_two_people_together() {
    let server = server();
    let (mut alice, _) = newcomer("alice", Tls::Direct, &server);
    let (mut bob, _) = newcomer("bob", Tls::Direct, &server);
    // Bob has an account: alice's server lets him see her without asking her.
    let first = token(&mut alice, &server);
    let jid = "alice@example.test".parse().unwrap();
    let token_of_alice = Password::new(first);
    bob.command(
        Command::SubscribeWith {
            jid,
            token: token_of_alice,
        },
        &server,
    )
    .unwrap();
    bob.wait(&server, "to be let in", |event| match event {
        Event::Subscribed(who) if who.as_str() == "alice@example.test" => Some(()),
        _ => None,
    });
    // Carol has none: the token makes it, once, and alice is her contact from the beginning.
    let second = token(&mut alice, &server);
    let mut carol = registered("carol", &second, &server);
    let roster = carol.wait(&server, "the roster", |event| match event {
        Event::Roster(items) => Some(items.clone()),
        _ => None,
    });
    assert!(
        roster
            .iter()
            .any(|item| item.jid.as_str() == "alice@example.test"),
        "{roster:?}"
    );
    let mut mallory = registered("mallory", &second, &server);
    assert_eq!(offline(&mut mallory, &server), OfflineReason::InvitationRefused);
    // The account is an ordinary one from then on.
    carol.command(Command::GoOffline, &server).unwrap();
    assert_eq!(offline(&mut carol, &server), OfflineReason::Requested);
    online(&mut carol, &server);
}
