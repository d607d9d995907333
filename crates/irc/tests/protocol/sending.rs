//! Messages on their way out.

use irc::{Command, Error, Event, Problem, SendKind};

use super::peer::{Peer, nick};

fn told(peer: &mut Peer) -> Vec<Event> {
    peer.take_events()
}

#[test]
fn on_an_old_server_a_ping_confirms() {
    let mut peer = Peer::plain();
    peer.send("bob", "one", 1).unwrap();
    peer.send("bob", "two", 2).unwrap();
    let said = peer.take_said();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(
        (lines[0], lines[2], lines.len()),
        ("PRIVMSG bob one", "PRIVMSG bob two", 3)
    );
    let token = lines[1].strip_prefix("PING ").unwrap();
    peer.hear(":irc PONG irc :another\r\n");
    assert_eq!(told(&mut peer), []);
    peer.hear(&format!(":irc PONG irc :{token}"));
    assert_eq!(told(&mut peer), [Event::Acknowledged { token: 1 }]);
    let token = peer
        .take_said()
        .strip_prefix("PING ")
        .unwrap()
        .trim_end()
        .to_owned();
    peer.hear(&format!(
        ":irc 401 alice bob :No such nick\r\n:irc PONG irc :{token}"
    ));
    assert_eq!(
        told(&mut peer),
        [Event::MessageRefused {
            token: 2,
            problem: Problem::NoSuchNick
        }]
    );
}

#[test]
fn on_a_modern_server_the_label_confirms() {
    let mut peer = Peer::modern();
    peer.send("bob", "one", 1).unwrap();
    assert_eq!(peer.take_said(), "@label=1 PRIVMSG bob one\r\n");
    peer.hear("@label=1 :alice!~user@host.example PRIVMSG bob :one");
    assert_eq!(
        told(&mut peer),
        [Event::Acknowledged { token: 1 }],
        "an echo of ours is no message"
    );
    peer.send("bob", "two", 2).unwrap();
    peer.send("#r", "three", 3).unwrap();
    peer.send("carol", "four", 4).unwrap();
    peer.hear("@label=4 :irc 401 alice carol :No such nick\r\n@label=2 ACK\r\n@label=99 ACK");
    peer.hear(
        "@label=3 :irc BATCH +x labeled-response\r\n@batch=x :irc 404 alice #r :Cannot send\r\n:irc BATCH -x",
    );
    assert_eq!(
        told(&mut peer),
        [
            Event::MessageRefused {
                token: 4,
                problem: Problem::NoSuchNick
            },
            Event::Acknowledged { token: 2 },
            Event::MessageRefused {
                token: 3,
                problem: Problem::CannotSend
            },
        ]
    );
}

#[test]
fn a_long_text_becomes_lines_and_one_token() {
    let mut peer = Peer::modern();
    let text = "word ".repeat(200);
    peer.send("bob", &text, 1).unwrap();
    let said = peer.take_said();
    assert!(said.lines().count() > 2);
    for line in said.lines() {
        let (_, body) = line.split_once(' ').unwrap();
        assert!(format!(":alice!~user@host.example {body}\r\n").len() <= 512);
    }
    for number in 1..=said.lines().count() {
        assert_eq!(told(&mut peer), []);
        peer.hear(&format!("@label={number} ACK"));
    }
    assert_eq!(told(&mut peer), [Event::Acknowledged { token: 1 }]);
    assert_eq!(peer.send("bob", &"word ".repeat(20_000), 2), Err(Error::TooLong));
    assert_eq!(peer.send("bob", " \r\n", 2), Err(Error::TooLong));
    assert_eq!(peer.take_said(), "");
}

#[test]
fn an_otr_body_is_one_line_to_one_person() {
    let mut peer = Peer::modern();
    let most = peer.session.max_payload(&nick("bob")).get();
    assert_eq!(most, 400);
    peer.send_as("bob", &"A".repeat(most), 1, SendKind::Otr).unwrap();
    assert_eq!(peer.take_said().lines().count(), 1);
    assert_eq!(
        peer.send_as("bob", &"A".repeat(most + 1), 2, SendKind::Otr),
        Err(Error::TooLong)
    );
    assert_eq!(
        peer.send_as("bob", "a\nb", 2, SendKind::Otr),
        Err(Error::IllegalCharacter)
    );
    assert_eq!(
        peer.send_as("#r", "?OTRv3?", 2, SendKind::Otr),
        Err(Error::NotSupported)
    );
    // A longer host leaves less room.
    peer.hear(&format!(
        ":alice!~user@host.example CHGHOST ~user {}",
        "h".repeat(120)
    ));
    let less = peer.session.max_payload(&nick("bob")).get();
    assert_eq!(
        less,
        512 - format!(":alice!~user@{} PRIVMSG bob :\r\n", "h".repeat(120)).len()
    );
}

#[test]
fn an_action_is_marked_as_one() {
    let mut peer = Peer::plain();
    peer.send_as("#r", "waves", 1, SendKind::Action).unwrap();
    assert!(
        peer.take_said()
            .starts_with("PRIVMSG #r :\u{1}ACTION waves\u{1}\r\n")
    );
}

#[test]
fn lines_wait_for_their_turn() {
    let mut peer = Peer::modern_with(|config| config.flood.burst = 5);
    peer.rest(60);
    peer.forget();
    for token in 0..20 {
        peer.send("bob", "hello", token).unwrap();
    }
    assert_eq!(peer.take_said().lines().count(), 5);
    peer.rest(10);
    assert_eq!(peer.take_said().lines().count(), 5, "one in two seconds");
    peer.hear("PING :x");
    assert_eq!(peer.take_said(), "PONG x\r\n", "the server does not wait");
    // What has not gone when the connection breaks is told, and so is what was not confirmed.
    peer.input(irc::Input::Closed).unwrap();
    let events = told(&mut peer);
    assert!(
        events.contains(&Event::Unacknowledged {
            tokens: (0..20).collect()
        }),
        "{events:?}"
    );
    assert_eq!(peer.take_said(), "");
}

#[test]
fn last_words_do_not_wait_for_their_turn() {
    let mut peer = Peer::modern_with(|config| config.flood.burst = 4);
    peer.rest(60);
    peer.forget();
    for token in 0..20 {
        peer.send("bob", "hello", token).unwrap();
    }
    assert_eq!(peer.take_said().lines().count(), 4);
    peer.command(Command::GoOffline).unwrap();
    let said = peer.take_said();
    assert!(said.lines().count() == 5 && said.ends_with("QUIT\r\n"), "{said}");
}

#[test]
fn what_waits_is_bounded() {
    let mut peer = Peer::modern_with(|config| config.flood.burst = 1);
    let taken = (0..10_000)
        .take_while(|token| peer.send("bob", "hello", *token).is_ok())
        .count();
    assert_eq!(taken, 256);
    let mut peer = Peer::modern_with(|config| config.flood.burst = 1);
    let room = super::peer::room("#r");
    let leave = || Command::Leave(room.clone());
    let taken = (0..10_000).take_while(|_| peer.command(leave()).is_ok()).count();
    assert!((500..=514).contains(&taken), "{taken}");
}
