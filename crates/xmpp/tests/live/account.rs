//! What alice does with her account itself.

use xmpp::{AccountChange, Command, Event, OfflineReason, Password, Tls};

use super::client::Client;
use super::server::Server;
use super::stories::{newcomer, offline, online};

#[test]
fn a_password_is_changed_and_an_account_removed_on_prosody() {
    change_and_remove(&Server::prosody_with_sha_256());
}

#[test]
fn a_password_is_changed_and_an_account_removed_on_ejabberd() {
    change_and_remove(&Server::ejabberd());
}

fn change_and_remove(server: &Server) {
    let (mut alice, _) = newcomer("alice", Tls::Direct, server);
    let word = || "another h\u{f6}rse".to_owned();
    alice
        .command(Command::ChangePassword(Password::new(word())), server)
        .unwrap();
    done(&mut alice, AccountChange::Password, server);
    // The old one is worth nothing from now on; the session itself goes on with the new one.
    let mut mallory = Client::new("alice", "correct h\u{f6}rse", |_| ());
    mallory.connect(server);
    assert_eq!(offline(&mut mallory, server), OfflineReason::WrongPassword);
    alice.cut(server);
    assert_eq!(offline(&mut alice, server), OfflineReason::ConnectionLost);
    online(&mut alice, server);
    alice.command(Command::RemoveAccount, server).unwrap();
    done(&mut alice, AccountChange::Removal, server);
    let mut again = Client::new("alice", &word(), |_| ());
    again.connect(server);
    assert_eq!(offline(&mut again, server), OfflineReason::WrongPassword);
}

fn done(alice: &mut Client, expected: AccountChange, server: &Server) {
    alice.wait(server, "the change", |event| match event {
        Event::AccountChange { change, why: None } if *change == expected => Some(()),
        _ => None,
    });
}
