//! People who are waited for, and a nick that somebody else has.

use irc::{Command, Error, Event};

use super::peer::{Peer, nick};

fn presence(name: &str, online: bool) -> Event {
    Event::Presence {
        nick: nick(name),
        online,
    }
}

#[test]
fn a_modern_server_tells_who_comes_and_goes() {
    let mut peer = Peer::modern();
    peer.command(Command::Watch(nick("bob"))).unwrap();
    assert_eq!(peer.take_said(), "MONITOR + bob\r\n");
    peer.hear(":irc 731 alice :bob,mallory\r\n:irc 730 alice :Bob!b@h\r\n:irc 730 alice :bob!b@h");
    assert_eq!(
        peer.take_events(),
        [presence("bob", false), presence("bob", true)]
    );
    peer.command(Command::Unwatch(nick("bob"))).unwrap();
    assert_eq!(peer.take_said(), "MONITOR - bob\r\n");
    peer.hear(":irc 731 alice :bob");
    assert_eq!(peer.take_events(), []);
}

#[test]
fn an_old_server_is_asked_now_and_then() {
    let mut peer = Peer::plain();
    peer.answers = true;
    peer.command(Command::Watch(nick("bob"))).unwrap();
    peer.command(Command::Watch(nick("carol"))).unwrap();
    peer.sleep();
    assert_eq!(peer.take_said(), "ISON bob carol\r\n");
    peer.hear(":irc 303 alice :Bob ");
    assert_eq!(
        peer.take_events(),
        [presence("bob", true), presence("carol", false)]
    );
    peer.rest(59);
    assert!(!peer.take_said().contains("ISON"));
    peer.rest(62);
    assert!(peer.take_said().contains("ISON bob carol\r\n"));
    peer.hear(":irc 303 alice :");
    assert_eq!(peer.take_events(), [presence("bob", false)]);
}

#[test]
fn those_who_are_watched_are_not_too_many() {
    let mut peer = Peer::modern();
    let watched = |number: usize| Command::Watch(nick(&format!("n{number}")));
    assert_eq!(
        (0..1_000)
            .take_while(|number| peer.command(watched(*number)).is_ok())
            .count(),
        100
    );
    assert_eq!(peer.command(watched(2_000)), Err(Error::QueueFull));
    let mut peer = Peer::plain();
    for number in 0..128 {
        peer.command(watched(number)).unwrap();
    }
    peer.sleep();
    assert!(peer.take_said().lines().all(|line| line.len() < 400));
}

#[test]
fn the_wanted_nick_is_taken_back_when_it_is_free() {
    let mut peer = Peer::new(|_| ());
    peer.connect();
    peer.hear(":irc 433 * alice :in use\r\n:irc 001 alice123 :Welcome\r\n:irc 376 alice123 :End");
    peer.forget();
    peer.answers = true;
    peer.rest(121);
    assert!(peer.take_said().contains("ISON alice\r\n"));
    peer.hear(":irc 303 alice123 :alice");
    assert!(!peer.take_said().contains("NICK"));
    peer.rest(121);
    peer.forget();
    peer.hear(":irc 303 alice123 :");
    assert_eq!(peer.take_said(), "NICK alice\r\n");
    peer.hear(":irc 433 alice123 alice :in use");
    assert_eq!(peer.take_events(), [], "somebody was faster; it is tried again");
    // Whoever has it leaves before our eyes.
    peer.hear(":alice123!~user@h JOIN #r\r\n:alice!x@y JOIN #r\r\n:alice!x@y QUIT :bye");
    assert!(peer.take_said().ends_with("NICK alice\r\n"));
    peer.hear(":alice123!~user@h NICK alice");
    peer.rest(300);
    assert!(!peer.take_said().contains("ISON"));
    // The services take it away: nobody quarrels with them.
    peer.hear(":alice!~user@h NICK Guest1");
    peer.rest(300);
    let said = peer.take_said();
    assert!(!said.contains("ISON") && !said.contains("NICK"), "{said}");
}
