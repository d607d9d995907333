//! What only modern servers do.

use irc::{Command, Error, Event, ServerTime, Target};

use super::peer::{Peer, nick, room};

#[test]
fn history_is_asked_for_and_told_as_such() {
    let mut peer = Peer::modern();
    let ask = |before| Command::RequestHistory {
        target: Target::Room(room("#r")),
        before,
        limit: 500,
    };
    peer.command(ask(None)).unwrap();
    peer.command(ask(Some(ServerTime(1_319_042_451_620)))).unwrap();
    assert_eq!(
        peer.take_said(),
        "CHATHISTORY LATEST #r * 50\r\nCHATHISTORY BEFORE #r timestamp=2011-10-19T16:40:51.620Z 50\r\n"
    );
    peer.hear("FAIL CHATHISTORY INVALID_TARGET LATEST #r :no");
    assert!(matches!(peer.take_events().as_slice(), [Event::Refused { .. }]));
    let mut peer = Peer::plain();
    assert_eq!(peer.command(ask(None)), Err(Error::NotSupported));
}

#[test]
fn how_far_was_read_is_told_to_our_own_clients_only_when_asked() {
    let mut peer = Peer::modern();
    let time = ServerTime(1_319_042_451_620);
    peer.hear("MARKREAD #r timestamp=2011-10-19T16:40:51.620Z\r\nMARKREAD bob *\r\nMARKREAD");
    assert_eq!(
        peer.take_events(),
        [
            Event::ReadUpTo {
                target: Target::Room(room("#r")),
                time: Some(time)
            },
            Event::ReadUpTo {
                target: Target::Nick(nick("bob")),
                time: None
            },
        ]
    );
    assert_eq!(peer.take_said(), "");
    peer.command(Command::MarkRead {
        target: Target::Room(room("#r")),
        time,
    })
    .unwrap();
    assert_eq!(
        peer.take_said(),
        "MARKREAD #r timestamp=2011-10-19T16:40:51.620Z\r\n"
    );
}

#[test]
fn batches_in_batches_have_an_end() {
    let mut peer = Peer::modern();
    for number in 0..10_000 {
        peer.hear(&format!("@batch={} BATCH +{number} chathistory #r", number - 1));
    }
    peer.hear("@batch=3 :bob!b@h PRIVMSG alice :old");
    for number in 0..10_000 {
        peer.hear(&format!("BATCH -{number}"));
    }
    let events = peer.take_events();
    assert!(events.len() <= 17, "{}", events.len());
    peer.hear("BATCH\r\nBATCH +\r\nBATCH -\r\nBATCH x");
    assert_eq!(peer.offline(), None);
}

#[test]
fn names_that_fall_together_are_joined_when_the_network_says_so() {
    let mut peer = Peer::plain();
    peer.enter("#r[]", "bob[]");
    peer.forget();
    peer.hear(":irc 005 alice CASEMAPPING=ascii :are supported\r\n:BOB[]!b@h PART #R[]");
    assert_eq!(peer.take_events().len(), 2, "still there under the new mapping");
    assert_eq!(peer.session.fold("A[]"), "a[]");
}

#[test]
fn another_host_is_learnt_wherever_it_is_told() {
    let mut peer = Peer::modern();
    let room = |peer: &Peer| peer.session.max_payload(&nick(&"b".repeat(100))).get();
    let before = room(&peer);
    peer.hear(":irc 396 alice cloak.example.with.a.longer.name :is now your displayed host");
    let cloaked = room(&peer);
    assert!(cloaked < before);
    peer.hear(":irc 396 alice ~user@h :is now your displayed host");
    assert!(room(&peer) > before);
}
