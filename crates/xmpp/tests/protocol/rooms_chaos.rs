//! Whatever a room, or mallory, says in whatever order: no panic, and nobody is heard from a room that was not entered.

use proptest::prelude::*;
use xmpp::{BareJid, Command, Event, Input, RoomEvent, RoomModeration, RoomOrder};

use super::peer::Peer;

const USER: &str = "<x xmlns='http://jabber.org/protocol/muc#user'>";
const ANSWERS: &[&str] = &[
    "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='conference' type='text'/>\
     <feature var='http://jabber.org/protocol/muc'/><feature var='muc_membersonly'/></query>",
    "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='client'/></query>",
    "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='form'>\
     <field var='muc#roomconfig_membersonly'/><field var='muc#roomconfig_publicroom'/>\
     <field var='muc#roomconfig_whois'/></x></query>",
    "<query xmlns='http://jabber.org/protocol/muc#owner'/>",
    "",
];
const ERRORS: &[&str] = &["item-not-found", "not-acceptable", "forbidden", "conflict", "x"];
const PIECES: &[&str] = &[
    "<presence from='den@rooms.example.org/otter'>USER<item role='participant'/><status code='110'/></x></presence>",
    "<presence from='den@rooms.example.org/otter'>USER<item affiliation='owner' role='moderator'/>\
     <status code='110'/><status code='201'/></x></presence>",
    "<presence from='den@rooms.example.org/bob'>USER<item affiliation='member' role='visitor'/></x></presence>",
    "<presence from='den@rooms.example.org/bob' type='unavailable'>USER<item nick='rob'/><status code='303'/></x></presence>",
    "<presence from='den@rooms.example.org/otter' type='unavailable'>USER<item nick='\u{202e}'/><status code='110'/><status code='303'/></x></presence>",
    "<presence from='den@rooms.example.org/otter' type='unavailable'>USER<item/><status code='307'/></x></presence>",
    "<presence from='den@rooms.example.org/otter' type='error'><error type='cancel'>\
     <conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>",
    "<message from='den@rooms.example.org/bob' type='groupchat'><body>hello</body></message>",
    "<message from='den@rooms.example.org' type='groupchat'><subject>otters</subject></message>",
    "<message from='den@rooms.example.org' type='groupchat'>USER<status code='170'/></x></message>",
    "<message from='den@rooms.example.org/bob'><body>only you</body></message>",
    "<message from='other@rooms.example.org/bob' type='groupchat'><body>elsewhere</body></message>",
    "<message from='den@rooms.example.org'>USER<invite from='mallory@evil.example'/></x></message>",
    "<message from='den@rooms.example.org' type='error' id='0000000000000009'><error/></message>",
    "<iq type='result' from='mallory@evil.example' id='0000000000000007'/>",
];

#[derive(Clone, Debug)]
enum Act {
    Answer(usize),
    Break,
    Enter(bool),
    Hear(usize),
    Leave,
    Moderate,
    Refuse(usize),
    Say,
    Sleep,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (0..ANSWERS.len()).prop_map(Act::Answer),
        1 => Just(Act::Break),
        4 => any::<bool>().prop_map(Act::Enter),
        12 => (0..PIECES.len()).prop_map(Act::Hear),
        1 => Just(Act::Leave),
        1 => Just(Act::Moderate),
        2 => (0..ERRORS.len()).prop_map(Act::Refuse),
        2 => Just(Act::Say),
        1 => Just(Act::Sleep),
    ]
}

fn den() -> BareJid {
    BareJid::new("den@rooms.example.org").unwrap()
}

/// The last request that the room was sent and has not answered.
fn asked(peer: &mut Peer, last: &mut Option<String>) -> Option<String> {
    let said = peer.take_said();
    if let Some((_, request)) = said.rsplit_once("<iq ") {
        let id = request
            .split_once("id='")
            .and_then(|(_, rest)| rest.split_once('\''));
        *last = id.map(|(id, _)| id.to_owned());
    }
    last.take()
}

fn order(peer: &mut Peer, order: RoomOrder) {
    // Between two streams nothing can be ordered.
    let _ = peer.command(Command::Room { room: den(), order });
}

fn apply(peer: &mut Peer, act: &Act, last: &mut Option<String>) {
    match act {
        Act::Answer(which) => {
            if let Some(id) = asked(peer, last) {
                let answer = ANSWERS[*which];
                peer.hear(&format!(
                    "<iq type='result' from='{}' id='{id}'>{answer}</iq>",
                    den()
                ));
            }
        }
        Act::Break => {
            peer.input(Input::Closed).unwrap();
            peer.input(Input::Connected).unwrap();
            peer.authenticate("<mechanism>SCRAM-SHA-256</mechanism>");
            peer.features("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/>");
            peer.hear("<resumed xmlns='urn:xmpp:sm:3' previd='r1' h='0'/>");
        }
        Act::Enter(create) => order(
            peer,
            RoomOrder::Enter {
                nick: "otter".to_owned(),
                password: None,
                create: *create,
            },
        ),
        Act::Hear(which) => peer.hear(&PIECES[*which].replace("USER", USER)),
        Act::Leave => order(peer, RoomOrder::Leave),
        Act::Moderate => {
            let action = RoomModeration::Role(xmpp::Role::None);
            let nick = "bob".to_owned();
            order(peer, RoomOrder::Moderate { nick, action });
        }
        Act::Refuse(which) => {
            if let Some(id) = asked(peer, last) {
                let why = ERRORS[*which];
                peer.hear(&format!(
                    "<iq type='error' from='{}' id='{id}'><error type='cancel'>\
                     <{why} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
                    den()
                ));
            }
        }
        Act::Say => order(
            peer,
            RoomOrder::Say {
                body: "hello".to_owned(),
                token: 9,
            },
        ),
        Act::Sleep if peer.wake.is_some() => peer.sleep(),
        Act::Sleep => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn nobody_is_heard_from_a_room_that_was_not_entered(acts in proptest::collection::vec(act(), 1..60)) {
        let mut peer = Peer::online();
        let (mut last, mut wanted, mut inside) = (None, false, false);
        for act in &acts {
            wanted |= matches!(act, Act::Enter(_));
            apply(&mut peer, act, &mut last);
            for event in peer.take_events() {
                let Event::Room { room, event } = event else { continue };
                prop_assert_eq!(room, den());
                match event {
                    RoomEvent::Entered { .. } => {
                        prop_assert!(wanted && !inside);
                        inside = true;
                    }
                    RoomEvent::Out(_) | RoomEvent::Refused(_) => inside = false,
                    RoomEvent::Said { .. } | RoomEvent::Topic(_) | RoomEvent::Private { .. } => {
                        prop_assert!(inside);
                    }
                    RoomEvent::Member { .. } | RoomEvent::Info(_) => prop_assert!(wanted),
                    RoomEvent::Failed { .. } | RoomEvent::Gone { .. } => {}
                }
            }
        }
    }
}
