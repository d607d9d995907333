//! From a standing transport to the end of the greeting.

use std::time::Duration;

use irc::{Command, Error, Event, LoginStep, OfflineReason, StsPolicy, Tls};
use zeroize::Zeroizing;

use super::peer::{MODERN, Peer, nick};

#[test]
fn what_is_said_first_is_the_same_for_everybody() {
    let mut peer = Peer::new(|_| ());
    peer.connect();
    assert_eq!(
        peer.take_said(),
        "CAP LS 302\r\nNICK alice\r\nUSER user 0 * user\r\n"
    );
    assert_eq!(peer.take_events(), [Event::Step(LoginStep::Negotiating)]);
}

#[test]
fn a_server_without_capabilities_lets_alice_in() {
    let mut peer = Peer::new(|_| ());
    peer.connect();
    peer.hear(":irc NOTICE AUTH :*** Looking up");
    peer.hear(":irc 001 alice :Welcome");
    peer.hear(":irc 375 alice :-\r\n:irc 372 alice :- Be kind.\r\n:irc 376 alice :End");
    assert!(peer.is_online());
    assert!(peer.events.contains(&Event::ServerText("Be kind.".to_owned())));
    let said = peer.take_said();
    assert!(said.ends_with("MODE alice +i\r\nUSERHOST alice\r\n"), "{said}");
    peer.hear(":irc 302 alice :alice=+~user@host.example");
    let around = ":alice!~user@host.example PRIVMSG bob :\r\n".len();
    assert_eq!(
        peer.session.max_payload(&nick("bob")).get(),
        400.min(512 - around)
    );
}

#[test]
fn capabilities_are_asked_for_and_then_the_login_goes_on() {
    let mut peer = Peer::new(|_| ());
    peer.connect();
    peer.forget_said();
    peer.hear(":irc CAP * LS * :multi-prefix draft/typing");
    assert_eq!(peer.take_said(), "");
    peer.hear(":irc CAP * LS :batch setname=x");
    assert_eq!(peer.take_said(), "CAP REQ :batch multi-prefix setname \r\n");
    peer.hear(":irc CAP * NAK :batch multi-prefix setname");
    assert_eq!(
        peer.take_said(),
        "CAP REQ :batch \r\nCAP REQ :multi-prefix \r\nCAP REQ :setname \r\n"
    );
    peer.hear(":irc CAP * ACK :batch\r\n:irc CAP * NAK :setname");
    assert_eq!(peer.take_said(), "");
    peer.hear(":irc CAP * ACK :multi-prefix ");
    assert_eq!(peer.take_said(), "CAP END\r\n");
    peer.greet("");
    let online = peer
        .take_events()
        .into_iter()
        .find(|event| matches!(event, Event::Online { .. }));
    let expected = Event::Online {
        nick: nick("alice"),
        network: Some("Test".into()),
        account: None,
        mechanism: None,
    };
    assert_eq!(online, Some(expected));
}

#[test]
fn an_empty_list_of_capabilities_is_survived() {
    let mut peer = Peer::new(|_| ());
    peer.connect();
    peer.forget_said();
    peer.hear(":irc CAP * LS :");
    assert_eq!(peer.take_said(), "CAP END\r\n");
}

#[test]
fn games_with_capabilities_lead_nowhere() {
    let mut peer = Peer::new(|_| ());
    peer.connect();
    peer.forget_said();
    for line in [
        "ACK :echo-message",
        "NAK :batch",
        "DEL :batch",
        "NEW",
        "LS",
        "",
        "ACK",
        "LIST :batch",
    ] {
        peer.hear(&format!(":irc CAP * {line}"));
    }
    peer.hear(":irc CAP\r\n:irc CAP *");
    assert_eq!(peer.take_said().matches("CAP END").count(), 1);
    // A list without end ends the login at the latest when its time is over.
    let mut peer = Peer::new(|_| ());
    peer.connect();
    for number in 0..50_000 {
        peer.hear(&format!(":irc CAP * LS * :cap{number}"));
    }
    assert_eq!(peer.offline(), None);
    peer.now += Duration::from_secs(121);
    peer.input(irc::Input::Tick).unwrap();
    assert_eq!(peer.offline(), Some(OfflineReason::Timeout));
}

#[test]
fn a_capability_that_comes_later_is_taken_and_one_that_goes_is_missed() {
    let mut peer = Peer::modern();
    peer.hear(":irc CAP alice DEL :labeled-response");
    peer.send("bob", "hi", 1).unwrap();
    assert!(peer.take_said().starts_with("PRIVMSG bob hi\r\nPING "));
    peer.hear(":irc CAP alice NEW :labeled-response unknown");
    assert_eq!(peer.take_said(), "CAP REQ :labeled-response \r\n");
    peer.hear(":irc CAP alice ACK :labeled-response");
    peer.send("bob", "hi", 2).unwrap();
    assert!(peer.take_said().starts_with("@label="));
}

#[test]
fn a_taken_nick_leads_to_another() {
    let mut peer = Peer::new(|_| ());
    peer.connect();
    peer.forget_said();
    peer.hear(":irc 433 * alice :Nickname is already in use");
    let said = peer.take_said();
    let other = said.strip_prefix("NICK ").unwrap().trim_end().to_owned();
    assert!(other.starts_with("alice") && other.len() == 8, "{other}");
    peer.hear(&format!(":irc 001 {other} :Welcome\r\n:irc 376 {other} :End"));
    assert_eq!(peer.session.nick().as_str(), other);
    let mut peer = Peer::new(|_| ());
    peer.connect();
    for _ in 0..20 {
        peer.hear(":irc 433 * alice :Nickname is already in use");
    }
    assert_eq!(peer.offline(), Some(OfflineReason::NickRefused));
}

#[test]
fn refusals_are_told_for_what_they_are() {
    for (line, why) in [
        (":irc 465 alice :You are banned", OfflineReason::Banned),
        (":irc 464 alice :Password incorrect", OfflineReason::WrongPassword),
        ("ERROR :Closing Link", OfflineReason::ClosedByServer),
    ] {
        let mut peer = Peer::new(|_| ());
        peer.connect();
        peer.hear(line);
        assert_eq!(peer.offline(), Some(why), "{line}");
        assert_eq!(peer.closed, 1);
    }
}

#[test]
fn a_login_without_end_is_given_up() {
    let mut peer = Peer::new(|_| ());
    peer.connect();
    peer.sleep();
    assert_eq!(peer.offline(), Some(OfflineReason::Timeout));
}

#[test]
fn a_line_without_end_ends_the_connection() {
    let mut peer = Peer::modern();
    for _ in 0..300 {
        peer.input(irc::Input::Bytes(&[b'a'; 8_192])).unwrap();
    }
    assert_eq!(peer.offline(), Some(OfflineReason::TooLarge));
}

#[test]
fn a_server_that_wants_tls_is_left_at_once() {
    let mut peer = Peer::new(|config| config.tls = Tls::PlainOverOnion);
    peer.connect();
    peer.forget_said();
    peer.hear(":irc CAP * LS :sts=port=6697,duration=60 batch");
    assert!(
        peer.events
            .contains(&Event::Sts(StsPolicy::Upgrade { port: 6697 }))
    );
    assert_eq!(peer.offline(), Some(OfflineReason::StsUpgrade { port: 6697 }));
    assert!(!peer.take_said().contains("CAP REQ"));
    let mut peer = Peer::new(|_| ());
    peer.connect();
    peer.agree(&format!("{MODERN} sts=port=6697,duration=60"));
    assert!(
        peer.events
            .contains(&Event::Sts(StsPolicy::Keep(Duration::from_secs(60))))
    );
    assert_eq!(peer.offline(), None);
}

#[test]
fn the_password_of_a_server_goes_by_tls_only() {
    let password = || Some(Zeroizing::new("alice/net:secret word".to_owned()));
    let mut peer = Peer::new(|config| config.server_password = password());
    peer.connect();
    assert!(peer.take_said().contains("PASS :alice/net:secret word\r\n"));
    let mut peer = Peer::new(|config| {
        config.server_password = password();
        config.tls = Tls::PlainOverOnion;
    });
    peer.connect();
    assert_eq!(peer.offline(), Some(OfflineReason::Unprotected));
    assert!(!peer.take_said().contains("secret"));
}

#[test]
fn the_password_for_services_goes_by_tls_only() {
    let password = || Command::Identify(Zeroizing::new("secret".to_owned()).into());
    let mut peer = Peer::modern();
    peer.command(password()).unwrap();
    assert_eq!(peer.take_said(), "PRIVMSG NickServ :IDENTIFY secret\r\n");
    peer.hear(":irc 900 alice alice!~user@host.example alice :You are now logged in");
    assert!(peer.events.contains(&Event::Account(Some("alice".to_owned()))));
    let mut peer = Peer::modern_with(|config| config.tls = Tls::PlainOverOnion);
    assert_eq!(peer.command(password()), Err(Error::Unprotected));
    assert_eq!(peer.take_said(), "");
    assert_eq!(format!("{:?}", password()), "Identify(Password)");
}

#[test]
fn goodbye_is_one_word() {
    let mut peer = Peer::modern();
    peer.command(Command::GoOffline).unwrap();
    assert_eq!(peer.take_said(), "QUIT\r\n");
    peer.hear("ERROR :Closing link (alice) [Quit: alice]");
    assert_eq!(peer.offline(), Some(OfflineReason::Requested));
    assert_eq!(peer.take_said(), "");
    // A server that does not answer is not waited for.
    let mut peer = Peer::modern();
    peer.command(Command::GoOffline).unwrap();
    peer.rest(11);
    assert_eq!(peer.offline(), Some(OfflineReason::Requested));
    assert_eq!(peer.command(Command::Ping), Err(Error::NotConnected));
}

#[test]
fn a_silent_server_is_tested_and_then_left() {
    let mut peer = Peer::modern();
    peer.rest(61);
    let said = peer.take_said();
    let token = said.strip_prefix("PING ").unwrap().trim_end().to_owned();
    peer.hear(&format!(":irc PONG irc :{token}"));
    peer.rest(61);
    assert!(peer.take_said().starts_with("PING "));
    assert_eq!(peer.offline(), None);
    peer.rest(61);
    assert_eq!(peer.offline(), Some(OfflineReason::Timeout));
    peer.connect();
    assert!(
        peer.take_said().contains("NICK alice"),
        "the session can be used again"
    );
}

#[test]
fn a_ping_is_answered_with_the_same_word() {
    let mut peer = Peer::modern();
    peer.hear("PING :irc.example\r\nPING a b");
    assert_eq!(peer.take_said(), "PONG irc.example\r\nPONG b\r\n");
}
