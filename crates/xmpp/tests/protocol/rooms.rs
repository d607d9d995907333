//! Alice in rooms, and what mallory tries there.

use std::time::Duration;

use xmpp::{
    Affiliation, BareJid, Command, Event, FoundRoom, Invitation, Occupant, Password, Role, RoomAction,
    RoomEvent, RoomExit, RoomModeration, RoomOrder, RoomRefusal, StanzaCondition,
};

use super::peer::{Peer, id};

const ROOM: &str = "den@rooms.example.org";
const INFO: &str = "http://jabber.org/protocol/disco#info";
const USER: &str = "http://jabber.org/protocol/muc#user";

fn room() -> BareJid {
    ROOM.parse().unwrap()
}

fn order(peer: &mut Peer, order: RoomOrder) -> String {
    peer.command(Command::Room { room: room(), order }).unwrap();
    peer.take_said()
}

fn enter(peer: &mut Peer, create: bool) -> String {
    let nick = "otter".to_owned();
    let password = Some(Password::new("s<sam".to_owned()));
    order(
        peer,
        RoomOrder::Enter {
            nick,
            password,
            create,
        },
    )
}

fn info(asked: &str, features: &[&str]) -> String {
    let features: String = features.iter().map(|f| format!("<feature var='{f}'/>")).collect();
    format!(
        "<iq type='result' from='{ROOM}' id='{}'><query xmlns='{INFO}'>\
         <identity category='conference' type='text' name='The den'/>\
         <feature var='http://jabber.org/protocol/muc'/>{features}</query></iq>",
        id(asked)
    )
}

fn error(asked: &str, condition: &str) -> String {
    format!(
        "<iq type='error' from='{ROOM}' id='{}'><error type='cancel'>\
         <{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
        id(asked)
    )
}

fn granted(asked: &str, payload: &str) -> String {
    format!(
        "<iq type='result' from='{ROOM}' id='{}'>{payload}</iq>",
        id(asked)
    )
}

fn presence(nick: &str, more: &str, item: &str, codes: &[u16]) -> String {
    let codes: String = codes
        .iter()
        .map(|code| format!("<status code='{code}'/>"))
        .collect();
    format!("<presence from='{ROOM}/{nick}'{more}><x xmlns='{USER}'><item {item}/>{codes}</x></presence>")
}

fn told(peer: &mut Peer) -> Vec<RoomEvent> {
    let event = |event| match event {
        Event::Room { room, event } => {
            assert_eq!(room, self::room());
            event
        }
        other => panic!("{other:?}"),
    };
    peer.take_events().into_iter().map(event).collect()
}

/// Alice is in, with Bob, as the room's owner.
fn inside(features: &[&str]) -> Peer {
    let mut peer = Peer::online();
    let asked = enter(&mut peer, false);
    peer.hear(&info(&asked, features));
    peer.hear(&presence(
        "bob",
        "",
        "affiliation='member' role='participant' jid='bob@example.net/x'",
        &[],
    ));
    peer.hear(&presence(
        "otter",
        "",
        "affiliation='owner' role='moderator'",
        &[110],
    ));
    assert!(told(&mut peer).contains(&RoomEvent::Entered {
        nick: "otter".to_owned(),
        created: false
    }));
    peer.take_said();
    peer
}

#[test]
fn alice_asks_what_a_room_is_before_she_enters_it() {
    let mut peer = Peer::online();
    let asked = enter(&mut peer, false);
    assert!(asked.contains(INFO) && !asked.contains("<presence"), "{asked}");
    peer.hear(&info(
        &asked,
        &["muc_nonanonymous", "muc_public", "muc_open", "urn:xmpp:mam:2"],
    ));
    let knock = peer.take_said();
    for part in [
        "to='den@rooms.example.org/otter'",
        "<history",
        "maxstanzas='0'",
        "<password>s&lt;sam</password>",
    ] {
        assert!(knock.contains(part), "{part}: {knock}");
    }
    let [RoomEvent::Info(info)] = &told(&mut peer)[..] else {
        panic!("no word of what it is");
    };
    assert_eq!(info.name.as_deref(), Some("The den"));
    assert!(info.logged && info.addresses_shown && info.open && !info.members_only);
    peer.hear(&presence("bob", "", "affiliation='none' role='visitor'", &[]));
    peer.hear(&presence(
        "otter7",
        "",
        "affiliation='none' role='participant'",
        &[110, 210],
    ));
    let bob = Occupant {
        nick: "bob".to_owned(),
        jid: None,
        affiliation: Affiliation::None,
        role: Role::Visitor,
    };
    let events = told(&mut peer);
    assert_eq!(
        events[0],
        RoomEvent::Member {
            occupant: bob,
            own: false
        }
    );
    assert!(matches!(&events[1], RoomEvent::Member { own: true, .. }));
    let nick = "otter7".to_owned();
    assert_eq!(events[2], RoomEvent::Entered { nick, created: false });
}

#[test]
fn what_is_no_room_is_never_entered() {
    for (condition, why) in [
        ("item-not-found", RoomRefusal::NoSuchRoom),
        ("service-unavailable", RoomRefusal::NotARoom),
        ("remote-server-not-found", RoomRefusal::Unreachable),
        ("forbidden", RoomRefusal::Banned),
        ("registration-required", RoomRefusal::MembersOnly),
    ] {
        let mut peer = Peer::online();
        let asked = enter(&mut peer, false);
        peer.hear(&error(&asked, condition));
        assert_eq!(told(&mut peer), [RoomEvent::Refused(why)], "{condition}");
        assert_eq!(peer.take_said(), "");
    }
    let mut peer = Peer::online();
    let asked = enter(&mut peer, true);
    peer.hear(&info(&asked, &[]).replace("conference", "account"));
    assert_eq!(told(&mut peer), [RoomEvent::Refused(RoomRefusal::NotARoom)]);
    assert_eq!(peer.take_said(), "");
}

#[test]
fn a_name_that_is_taken_gets_digits_and_in_the_end_up() {
    let mut peer = Peer::online();
    let asked = enter(&mut peer, false);
    peer.hear(&info(&asked, &[]));
    let conflict = format!(
        "<presence type='error' from='{ROOM}/otter'><error type='cancel'>\
         <conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>"
    );
    peer.take_said();
    for _ in 0..3 {
        peer.hear(&conflict);
        let again = peer.take_said();
        assert!(again.contains("to='den@rooms.example.org/otter0"), "{again}");
    }
    peer.take_events();
    peer.hear(&conflict);
    assert_eq!(told(&mut peer), [RoomEvent::Refused(RoomRefusal::NickRefused)]);
}

fn made() -> Peer {
    let mut peer = Peer::online();
    let asked = enter(&mut peer, true);
    peer.hear(&error(&asked, "item-not-found"));
    peer.take_said();
    peer.hear(&presence(
        "otter",
        "",
        "affiliation='owner' role='moderator'",
        &[110, 201],
    ));
    peer
}

fn form(fields: &[&str]) -> String {
    let fields: String = fields.iter().map(|var| format!("<field var='{var}'/>")).collect();
    format!(
        "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='form'>{fields}</x></query>"
    )
}

const CLOSED: &[&str] = &[
    "muc#roomconfig_membersonly",
    "muc#roomconfig_publicroom",
    "muc#roomconfig_whois",
];

#[test]
fn a_room_that_alice_makes_is_closed_before_anyone_can_enter() {
    let mut peer = made();
    let asked = peer.take_said();
    assert!(
        asked.contains("muc#owner") && asked.contains("type='get'"),
        "{asked}"
    );
    let entered = |peer: &mut Peer| {
        told(peer)
            .iter()
            .any(|event| matches!(event, RoomEvent::Entered { created: true, .. }))
    };
    peer.hear(&granted(&asked, &form(CLOSED)));
    let filled = peer.take_said();
    for part in [
        "muc#roomconfig",
        "muc#roomconfig_membersonly",
        "<value>moderators</value>",
    ] {
        assert!(filled.contains(part), "{part}: {filled}");
    }
    assert!(!filled.contains("enablelogging"), "{filled}");
    assert!(!entered(&mut peer));
    peer.hear(&granted(&filled, ""));
    assert!(entered(&mut peer));
}

#[test]
fn a_room_that_cannot_be_closed_is_destroyed() {
    for answer in [
        |asked: &str| granted(asked, &form(&CLOSED[1..])),
        |asked: &str| error(asked, "forbidden"),
        |asked: &str| granted(asked, ""),
    ] {
        let mut peer = made();
        let asked = peer.take_said();
        peer.take_events();
        peer.hear(&answer(&asked));
        assert!(peer.take_said().contains("<destroy"));
        assert_eq!(told(&mut peer), [RoomEvent::Refused(RoomRefusal::NotClosed)]);
    }
    // Whoever wanted to enter one that went in between gets none of their own.
    let mut peer = Peer::online();
    let asked = enter(&mut peer, false);
    peer.hear(&info(&asked, &[]));
    peer.take_events();
    peer.hear(&presence(
        "otter",
        "",
        "affiliation='owner' role='moderator'",
        &[110, 201],
    ));
    assert!(peer.take_said().contains("<destroy"));
    assert!(told(&mut peer).contains(&RoomEvent::Refused(RoomRefusal::NoSuchRoom)));
}

#[test]
fn what_is_said_comes_back_and_is_known_as_ours() {
    let mut peer = inside(&[]);
    let said = order(
        &mut peer,
        RoomOrder::Say {
            body: "hello".to_owned(),
            token: 7,
        },
    );
    assert!(
        said.contains("type='groupchat'") && said.contains("<body>hello</body>"),
        "{said}"
    );
    let back = |nick: &str| {
        let id = id(&said);
        format!("<message type='groupchat' from='{ROOM}/{nick}' id='{id}'><body>hello</body></message>")
    };
    let event = |nick: &str, own, token| RoomEvent::Said {
        nick: Some(nick.to_owned()),
        body: "hello".to_owned(),
        earlier: false,
        own,
        token,
    };
    // Mallory in the room repeats the id: it is her word, not ours.
    peer.hear(&back("mallory"));
    assert_eq!(told(&mut peer), [event("mallory", false, None)]);
    peer.hear(&back("otter"));
    assert_eq!(told(&mut peer), [event("otter", true, Some(7))]);
    peer.hear(&back("otter"));
    assert_eq!(told(&mut peer), [event("otter", true, None)]);
}

#[test]
fn a_word_from_a_room_that_was_not_entered_is_nothing() {
    let mut peer = inside(&[]);
    for stanza in [
        "<message type='groupchat' from='other@rooms.example.org/bob'><body>psst</body></message>".to_owned(),
        "<message type='groupchat' from='bob@example.net/x'><body>psst</body></message>".to_owned(),
        format!("<message type='groupchat' from='{ROOM}/bob'><x xmlns='y'/></message>"),
        format!(
            "<message type='groupchat' from='{ROOM}/bob'><body>x</body><result xmlns='urn:xmpp:mam:2'>\
             <forwarded xmlns='urn:xmpp:forward:0'/></result></message>"
        ),
    ] {
        peer.hear(&stanza);
        assert_eq!(peer.take_events(), [], "{stanza}");
    }
    let mut peer = Peer::online();
    enter(&mut peer, false);
    peer.hear(&format!(
        "<message type='groupchat' from='{ROOM}/bob'><body>psst</body></message>"
    ));
    assert_eq!(peer.take_events(), []);
}

#[test]
fn a_whisper_gets_no_answer_and_is_no_message_of_a_contact() {
    let mut peer = inside(&[]);
    peer.hear(&format!(
        "<message type='chat' from='{ROOM}/bob'><body>?OTRv3?</body></message>"
    ));
    let nick = "bob".to_owned();
    assert_eq!(told(&mut peer), [RoomEvent::Private { nick }]);
    peer.hear(&format!(
        "<iq type='get' id='q' from='{ROOM}/bob'><query xmlns='jabber:iq:version'/></iq>"
    ));
    assert!(peer.take_said().contains("service-unavailable"));
}

#[test]
fn topics_and_changes_of_the_room_are_told() {
    let mut peer = inside(&["muc_hidden"]);
    peer.hear(&format!(
        "<message type='groupchat' from='{ROOM}/bob'><subject>fish</subject></message>\
         <message type='groupchat' from='{ROOM}'><x xmlns='{USER}'><status code='170'/></x></message>"
    ));
    assert_eq!(told(&mut peer), [RoomEvent::Topic("fish".to_owned())]);
    let asked = peer.take_said();
    peer.hear(&info(&asked, &["muc_hidden"]));
    assert!(matches!(&told(&mut peer)[..], [RoomEvent::Info(info)] if info.logged && !info.open));
    let set = order(&mut peer, RoomOrder::SetTopic("river".to_owned()));
    assert!(set.contains("<subject>river</subject>"), "{set}");
    peer.hear(&format!(
        "<message type='error' from='{ROOM}' id='{}'><error type='auth'>\
         <forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
        id(&set)
    ));
    let condition = StanzaCondition::Refused;
    let action = RoomAction::SetTopic;
    assert_eq!(told(&mut peer), [RoomEvent::Failed { action, condition }]);
}

#[test]
fn people_come_are_renamed_and_go() {
    let mut peer = inside(&[]);
    let gone = " type='unavailable'";
    peer.hear(&presence(
        "bob",
        gone,
        "affiliation='member' role='participant' nick='rob'",
        &[303],
    ));
    let nick = "bob".to_owned();
    assert_eq!(told(&mut peer), [RoomEvent::Gone { nick }]);
    peer.hear(&presence(
        "otter",
        gone,
        "affiliation='owner' role='moderator' nick='mink'",
        &[303, 110],
    ));
    let nick = "otter".to_owned();
    assert_eq!(told(&mut peer), [RoomEvent::Gone { nick }]);
    peer.hear(&presence(
        "mink",
        "",
        "affiliation='owner' role='moderator'",
        &[110],
    ));
    assert!(matches!(
        &told(&mut peer)[..],
        [RoomEvent::Member { own: true, .. }]
    ));
    for (codes, exit) in [
        (vec![110, 301], RoomExit::Banned),
        (vec![110, 307], RoomExit::Kicked),
        (vec![110, 307, 333], RoomExit::Lost),
        (vec![321], RoomExit::MembersOnly),
        (vec![332], RoomExit::Shutdown),
    ] {
        let mut peer = inside(&[]);
        peer.hear(&presence("otter", gone, "affiliation='none' role='none'", &codes));
        assert_eq!(told(&mut peer), [RoomEvent::Out(exit)], "{codes:?}");
    }
}

#[test]
fn alice_moderates_whom_she_can_name() {
    let mut peer = inside(&[]);
    let mut moderate = |nick: &str, action| {
        let nick = nick.to_owned();
        order(&mut peer, RoomOrder::Moderate { nick, action })
    };
    let kick = moderate("bob", RoomModeration::Role(Role::None));
    assert!(
        kick.contains("role='none'") && kick.contains("nick='bob'"),
        "{kick}"
    );
    let ban = moderate("bob", RoomModeration::Affiliation(Affiliation::Outcast));
    assert!(
        ban.contains("affiliation='outcast'") && ban.contains("jid='bob@example.net'"),
        "{ban}"
    );
    assert_eq!(
        moderate("eve", RoomModeration::Affiliation(Affiliation::Outcast)),
        ""
    );
    peer.hear(&error(&kick, "not-allowed"));
    let condition = StanzaCondition::Refused;
    let action = RoomAction::Moderate;
    let failed = RoomEvent::Failed { action, condition };
    assert_eq!(told(&mut peer), [failed.clone(), failed]);
}

#[test]
fn whoever_is_invited_is_let_in_first() {
    let carol: BareJid = "carol@example.com".parse().unwrap();
    let mut peer = inside(&[]);
    let said = order(&mut peer, RoomOrder::Invite(carol.clone()));
    assert!(
        said.contains("<x xmlns='jabber:x:conference'") && said.contains("to='carol@example.com'"),
        "{said}"
    );
    let mut peer = inside(&["muc_membersonly"]);
    let listed = order(&mut peer, RoomOrder::Invite(carol.clone()));
    assert!(
        listed.contains("affiliation='member'") && !listed.contains("jabber:x:conference"),
        "{listed}"
    );
    peer.hear(&granted(&listed, ""));
    assert!(peer.take_said().contains("jabber:x:conference"));
    peer.hear(&presence(
        "otter",
        "",
        "affiliation='member' role='participant'",
        &[110],
    ));
    let through = order(&mut peer, RoomOrder::Invite(carol));
    assert!(
        through.contains("<invite") && through.contains(&format!("to='{ROOM}'")),
        "{through}"
    );
}

#[test]
fn an_invitation_says_who_proved_what() {
    let mut peer = Peer::online();
    peer.hear(&format!(
        "<message from='bob@example.net/x'><x xmlns='jabber:x:conference' jid='{ROOM}' password='p'/></message>\
         <message from='{ROOM}'><x xmlns='{USER}'><invite from='bob@example.net'/></x></message>"
    ));
    let invitation = |by: &str, direct, password: Option<&str>| {
        Event::Invited(Invitation {
            room: room(),
            by: by.parse().unwrap(),
            direct,
            password: password.map(|password| Password::new(password.to_owned())),
        })
    };
    assert_eq!(
        peer.take_events(),
        [
            invitation("bob@example.net/x", true, Some("p")),
            invitation("bob@example.net", false, None)
        ]
    );
    assert_eq!(peer.take_said(), "");
}

#[test]
fn a_room_that_forgot_us_is_found_out_after_a_cut() {
    let mut peer = inside(&[]);
    peer.input(xmpp::Input::Closed).unwrap();
    peer.input(xmpp::Input::Connected).unwrap();
    peer.authenticate("<mechanism>SCRAM-SHA-256</mechanism>");
    peer.features("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/>");
    peer.hear("<resumed xmlns='urn:xmpp:sm:3' previd='r1' h='3'/>");
    peer.take_events();
    peer.take_said();
    peer.sleep();
    let ping = peer.take_said();
    assert!(
        ping.contains("to='den@rooms.example.org/otter'") && ping.contains("urn:xmpp:ping"),
        "{ping}"
    );
    let asked = ping.split_once("<iq").unwrap().1;
    let answer = error(&format!("<iq{asked}"), "not-acceptable");
    peer.hear(&answer.replace(ROOM, "den@rooms.example.org/otter"));
    assert_eq!(told(&mut peer), [RoomEvent::Out(RoomExit::Lost)]);
}

#[test]
fn the_end_of_a_stream_is_the_end_of_its_rooms() {
    let mut peer = inside(&[]);
    peer.hear("</stream:stream>");
    peer.now += Duration::from_secs(3_600);
    peer.input(xmpp::Input::Connected).unwrap();
    assert!(peer.take_events().iter().any(|event| matches!(
        event,
        Event::Room {
            event: RoomEvent::Out(RoomExit::Lost),
            ..
        }
    )));
}

#[test]
fn a_room_that_does_not_answer_is_given_up() {
    let mut peer = Peer::online();
    let asked = enter(&mut peer, false);
    peer.hear(&info(&asked, &[]));
    peer.take_events();
    peer.now += Duration::from_secs(91);
    peer.hear(" ");
    peer.input(xmpp::Input::Tick).unwrap();
    assert_eq!(told(&mut peer), [RoomEvent::Refused(RoomRefusal::Unreachable)]);
}

#[test]
fn the_rooms_of_the_own_server_are_found() {
    let mut peer = Peer::online();
    peer.command(Command::FindRooms).unwrap();
    let asked = peer.take_said();
    let answer = |asked: &str, from: &str, payload: &str| {
        format!(
            "<iq type='result' from='{from}' id='{}'>{payload}</iq>",
            id(asked)
        )
    };
    let items = "http://jabber.org/protocol/disco#items";
    let services = format!("<query xmlns='{items}'><item jid='rooms.example.org'/></query>");
    peer.hear(&answer(&asked, "example.org", &services));
    let asked = peer.take_said();
    let feature = format!("<query xmlns='{INFO}'><feature var='http://jabber.org/protocol/muc'/></query>");
    peer.hear(&answer(&asked, "rooms.example.org", &feature));
    let asked = peer.take_said();
    assert!(asked.contains("<max>1000</max>"), "{asked}");
    let rooms = format!(
        "<query xmlns='{items}'><item jid='{ROOM}' name='The den (12)'/><item jid='rooms.example.org'/>\
         <item jid='pond@rooms.example.org'/></query>"
    );
    peer.hear(&answer(&asked, "mallory@evil.example", &rooms));
    assert_eq!(peer.take_events(), []);
    peer.hear(&answer(&asked, "rooms.example.org", &rooms));
    let found = |room: &str, name: Option<&str>, occupants| FoundRoom {
        room: room.parse().unwrap(),
        name: name.map(str::to_owned),
        occupants,
    };
    assert_eq!(
        peer.take_events(),
        [Event::RoomsFound(vec![
            found(ROOM, Some("The den"), Some(12)),
            found("pond@rooms.example.org", None, None)
        ])]
    );
}
