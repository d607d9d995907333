//! What people say, and whether it is live.

use irc::{DirectMessage, Event, Origin, TextKind};

use super::peer::{Peer, nick};

fn direct(peer: &mut Peer) -> Vec<DirectMessage> {
    let events = peer.take_events();
    let found = events.into_iter().filter_map(|event| match event {
        Event::DirectMessage(message) => Some(message),
        _ => None,
    });
    found.collect()
}

#[test]
fn words_actions_and_notices_come_in() {
    let mut peer = Peer::modern();
    peer.enter("#r", "bob");
    peer.forget();
    peer.hear("@account=bobby;msgid=m1;time=2026-01-01T12:00:05.000Z;bot :bob!b@h PRIVMSG alice :hello");
    peer.hear(":bob!b@h PRIVMSG ALICE :\u{1}ACTION waves\u{1}\r\n:bob!b@h NOTICE alice :psst");
    let messages = direct(&mut peer);
    let [words, action, notice] = messages.as_slice() else {
        panic!("{messages:?}")
    };
    assert_eq!(
        (words.text.as_str(), words.kind, words.origin),
        ("hello", TextKind::Text, Origin::Live)
    );
    assert_eq!(
        (words.id.as_deref(), words.from.account.as_deref(), words.from.bot),
        (Some("m1"), Some("bobby"), true)
    );
    assert_eq!(words.from.address.as_deref(), Some("b@h"));
    assert_eq!((action.text.as_str(), action.kind), ("waves", TextKind::Action));
    assert_eq!((notice.text.as_str(), notice.kind), ("psst", TextKind::Notice));
    peer.hear(":bob!b@h PRIVMSG #R :hi all\r\n:bob!b@h PRIVMSG @#r :ops\r\n:bob!b@h PRIVMSG #other :x");
    let rooms: Vec<_> = peer.take_events();
    assert_eq!(rooms.len(), 2, "{rooms:?}");
    assert!(
        rooms
            .iter()
            .all(|event| matches!(event, Event::RoomMessage(m) if m.room.as_str() == "#r"))
    );
}

#[test]
fn what_the_server_says_is_not_a_person() {
    let mut peer = Peer::modern();
    peer.hear(":irc.example NOTICE alice :maintenance\r\nNOTICE alice :more\r\n:bob!b@h PRIVMSG $* :global");
    assert_eq!(
        peer.take_events(),
        ["maintenance", "more", "global"].map(|text| Event::ServerText(text.to_owned()))
    );
    // Somebody else's message is not for us, whoever brings it.
    peer.hear(":bob!b@h PRIVMSG carol :secret");
    assert_eq!(peer.take_events(), []);
}

#[test]
fn what_was_kept_is_not_live() {
    let mut peer = Peer::modern();
    peer.hear("@time=2025-12-31T00:00:00.000Z :bob!b@h PRIVMSG alice :?OTRv3?");
    peer.hear("BATCH +1 chathistory bob");
    peer.hear("@batch=1;time=2026-01-01T12:00:09.000Z :bob!b@h PRIVMSG alice :?OTRv3?");
    peer.hear("@batch=1 :alice!a@h PRIVMSG bob :mine\r\n@batch=2 :bob!b@h PRIVMSG alice :unknown batch");
    peer.hear("BATCH -1");
    let events = peer.events.clone();
    let messages = direct(&mut peer);
    assert_eq!(messages.len(), 4);
    assert!(
        messages
            .iter()
            .all(|message| message.origin == Origin::History && message.with == nick("bob"))
    );
    assert_eq!(messages[2].from.nick, nick("alice"));
    assert!(matches!(
        events.last(),
        Some(Event::HistoryListed { messages: 2, .. })
    ));
    peer.hear("@time=2026-01-01T12:00:00.001Z :bob!b@h PRIVMSG alice :now");
    assert_eq!(direct(&mut peer)[0].origin, Origin::Live);
}

#[test]
fn what_another_client_of_ours_sent_is_told_apart() {
    let mut peer = Peer::modern();
    peer.hear(":alice!~user@host.example PRIVMSG bob :?OTRv3?");
    let messages = direct(&mut peer);
    assert_eq!(
        (messages[0].origin, &messages[0].with),
        (Origin::OwnElsewhere, &nick("bob"))
    );
}

#[test]
fn services_are_no_people() {
    let mut peer = Peer::modern();
    for (name, service) in [
        ("NickServ", true),
        ("*status", true),
        ("Q", true),
        ("bob", false),
        ("NickServ2", false),
    ] {
        peer.hear(&format!(":{name}!s@services NOTICE alice :hello"));
        assert_eq!(direct(&mut peer)[0].service, service, "{name}");
    }
}

#[test]
fn a_message_that_the_server_cut_is_whole_again() {
    let mut peer = Peer::modern();
    peer.hear(
        ":bob!b@h PRIVMSG alice ?OTR:AAMC\r\n:eve!e@h PRIVMSG alice :hi\r\n:bob!b@h PRIVMSG alice BBBB.",
    );
    let texts: Vec<_> = direct(&mut peer)
        .into_iter()
        .map(|message| message.text)
        .collect();
    assert_eq!(texts, ["hi", "?OTR:AAMCBBBB."]);
    // Half a message is of no use, and not waited for longer than half a minute.
    peer.hear(":bob!b@h PRIVMSG alice ?OTR:AAMC");
    peer.rest(31);
    peer.hear(":bob!b@h PRIVMSG alice :hello");
    let texts: Vec<_> = direct(&mut peer)
        .into_iter()
        .map(|message| message.text)
        .collect();
    assert_eq!(texts, ["hello"]);
}

#[test]
fn words_in_old_encodings_can_be_read() {
    let mut peer = Peer::modern();
    peer.input(irc::Input::Bytes(
        b":bob!b@h PRIVMSG alice :gr\xfc\xdfe\r\n:b\xfcb!b@h PRIVMSG alice :x\r\n",
    ))
    .unwrap();
    let messages = direct(&mut peer);
    assert_eq!(messages.len(), 1, "a name that cannot be read is nobody's");
    assert_eq!(messages[0].text, "grüße");
}
