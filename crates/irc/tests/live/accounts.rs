//! Logging in with real services.

use irc::{Command, Event, Login, LoginKey, OfflineReason, Problem};
use zeroize::Zeroizing;

use super::client::{Client, Raw};
use super::server::{Certificate, Server};

/// Alice has an account, and can be asked to do more before she leaves.
fn account(server: &Server, more: &[(&str, &str)]) {
    let mut alice = Raw::online("alice", server);
    let start = std::time::Instant::now();
    // The services may need a moment.
    loop {
        alice.say("PRIVMSG NickServ :REGISTER pencil12 alice@irc.test");
        alice.rest();
        std::thread::sleep(std::time::Duration::from_millis(200));
        alice.rest();
        if alice.take_heard().contains("is now registered") {
            break;
        }
        assert!(start.elapsed().as_secs() < 20, "the services did not come");
    }
    for (words, answer) in more {
        alice.say(&format!("PRIVMSG NickServ :{words}"));
        alice.await_text(answer);
    }
    alice.say("QUIT");
    alice.await_text("ERROR");
}

fn by_password(password: &str) -> Login {
    Login::Password {
        account: "alice".into(),
        password: password.to_owned().into(),
        allow_plain: true,
    }
}

#[test]
fn alice_logs_in_by_password_and_a_wrong_one_is_told() {
    let server = Server::inspircd();
    account(&server, &[]);
    let mut alice = Client::new("alice", |config| config.login = by_password("pencil12"));
    alice.connect_by_tls(&server, None);
    assert_eq!(alice.await_online().as_deref(), Some("alice"));
    let mut mallory = Client::new("mallory", |config| config.login = by_password("wrong"));
    mallory.connect_by_tls(&server, None);
    assert_eq!(mallory.await_offline(), OfflineReason::WrongPassword);
    // Without leave to send it, the password stays here.
    let mut careful = Client::new("careful", |config| {
        config.login = Login::Password {
            account: "alice".into(),
            password: String::from("pencil12").into(),
            allow_plain: false,
        };
    });
    careful.connect_by_tls(&server, None);
    assert_eq!(careful.await_offline(), OfflineReason::NoMechanism);
    // A payload of more than 400 bytes reaches the services whole: they say no, and not "too long".
    let mut long = Client::new("long", |config| config.login = by_password(&"x".repeat(293)));
    long.connect_by_tls(&server, None);
    assert_eq!(long.await_offline(), OfflineReason::WrongPassword);
}

#[test]
fn alice_logs_in_by_certificate_and_by_key() {
    let server = Server::inspircd();
    let certificate = Certificate::new();
    let key = LoginKey::generate(&mut rand_core::UnwrapErr(getrandom::SysRng));
    let add = format!("CERT ADD {}", certificate.fingerprint());
    let set = format!("SET PUBKEY {}", key.public());
    account(&server, &[(&add, "Added fingerprint"), (&set, "public key")]);
    for account in [None, Some("alice".to_owned())] {
        let mut alice = Client::new("alice", |config| config.login = Login::Certificate { account });
        alice.connect_by_tls(&server, Some(&certificate));
        assert_eq!(alice.await_online().as_deref(), Some("alice"));
        alice.command(Command::GoOffline).unwrap();
        assert_eq!(alice.await_offline(), OfflineReason::Requested);
    }
    let mut alice = Client::new("alice", |config| {
        config.login = Login::Key {
            account: "alice".into(),
            key,
        }
    });
    alice.connect_by_tls(&server, None);
    assert_eq!(alice.await_online().as_deref(), Some("alice"));
    // Somebody else's certificate and key open nothing.
    let mut mallory = Client::new("mallory", |config| {
        config.login = Login::Certificate { account: None }
    });
    mallory.connect_by_tls(&server, Some(&Certificate::new()));
    assert_eq!(mallory.await_offline(), OfflineReason::WrongPassword);
    let key = LoginKey::generate(&mut rand_core::UnwrapErr(getrandom::SysRng));
    let mut mallory = Client::new("mallory", |config| {
        config.login = Login::Key {
            account: "alice".into(),
            key,
        }
    });
    mallory.connect_by_tls(&server, None);
    assert_eq!(mallory.await_offline(), OfflineReason::WrongPassword);
}

#[test]
fn alice_tells_the_services_her_password_by_tls() {
    let server = Server::inspircd();
    account(&server, &[]);
    let mut alice = Client::new("alice", |_| ());
    alice.connect_by_tls(&server, None);
    assert_eq!(alice.await_online(), None);
    alice
        .command(Command::Identify(Zeroizing::new(String::from("pencil12")).into()))
        .unwrap();
    alice.expect(&Event::Account(Some("alice".to_owned())));
}

#[test]
fn without_services_a_login_is_not_possible_and_said_so() {
    let server = Server::ngircd();
    let mut alice = Client::new("alice", |config| config.login = by_password("pencil12"));
    alice.connect(&server);
    assert_eq!(alice.await_offline(), OfflineReason::LoginUnavailable);
    assert!(!alice.seen.iter().any(|event| matches!(
        event,
        Event::Refused {
            problem: Problem::Other,
            ..
        }
    )));
}
