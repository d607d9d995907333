use model::{Member, Rank, RoomRisk};
use xmpp::{Affiliation, Event, Occupant, Role, RoomEvent, RoomExit, RoomInfo, RoomRefusal};

use super::super::talk::RoomReport;
use super::*;

fn den() -> BareJid {
    BareJid::new("den@rooms.example").unwrap()
}

fn address(name: &str) -> Address {
    name.parse().unwrap()
}

fn session() -> XmppSession {
    let jid = BareJid::new("alice@example.org").unwrap();
    let mut session = XmppSession::new(xmpp::Config::new(jid, "secret".to_owned().into()));
    session.online = true;
    session
}

impl XmppSession {
    fn room_says(&mut self, event: RoomEvent) -> Vec<RoomReport> {
        self.says(Event::Room { room: den(), event })
            .into_iter()
            .map(|report| match report {
                Report::Room(report) => report,
                other => panic!("not of a room: {other:?}"),
            })
            .collect()
    }

    fn says(&mut self, event: Event) -> Vec<Report> {
        self.heard(event);
        std::iter::from_fn(|| self.poll())
            .filter_map(|wanted| match wanted {
                Wanted::Report(report) => Some(report),
                _ => None,
            })
            .collect()
    }
}

fn refused(reports: &[RoomReport]) -> Option<&str> {
    match reports {
        [RoomReport::Left { why: Some(why), .. }] => Some(&why.code),
        _ => None,
    }
}

#[test]
fn what_is_worse_in_a_room_is_told_and_who_may_do_what() {
    let mut session = session();
    let info = RoomInfo {
        name: Some("The den".to_owned()),
        logged: true,
        addresses_shown: true,
        open: true,
        members_only: false,
    };
    let told = RoomReport::Told {
        room: address("den@rooms.example"),
        name: Some("The den".to_owned()),
        risks: vec![RoomRisk::Logged, RoomRisk::AddressShown, RoomRisk::Open],
    };
    assert_eq!(session.room_says(RoomEvent::Info(info)), [told]);
    for (affiliation, role, rank) in [
        (Affiliation::Owner, Role::Moderator, Rank::Owner),
        (Affiliation::Admin, Role::Moderator, Rank::Administrator),
        (Affiliation::None, Role::Moderator, Rank::Moderator),
        (Affiliation::Member, Role::Participant, Rank::Trusted),
        (Affiliation::None, Role::Participant, Rank::Ordinary),
        (Affiliation::Member, Role::Visitor, Rank::Listener),
    ] {
        let occupant = Occupant {
            nick: "bob".to_owned(),
            jid: None,
            affiliation,
            role,
        };
        let member = Member {
            nick: "bob".to_owned(),
            address: None,
            rank,
            own: false,
        };
        let room = address("den@rooms.example");
        let told = session.room_says(RoomEvent::Member { occupant, own: false });
        assert_eq!(told, [RoomReport::Member { room, member }]);
    }
}

#[test]
fn a_room_that_was_lost_with_the_connection_is_no_fault_of_the_room() {
    let mut session = session();
    let out = session.room_says(RoomEvent::Out(RoomExit::Lost));
    assert_eq!(refused(&out), Some("room.lost"));
    session.online = false;
    let room = address("den@rooms.example");
    let out = session.room_says(RoomEvent::Out(RoomExit::Lost));
    assert_eq!(out, [RoomReport::Left { room, why: None }]);
    let why = session.room_says(RoomEvent::Refused(RoomRefusal::MembersOnly));
    assert_eq!(refused(&why), Some("room.members_only"));
}

#[test]
fn a_message_is_taken_when_the_room_gives_it_back_and_not_before() {
    let mut session = session();
    let said = |token| RoomEvent::Said {
        nick: Some("alice".to_owned()),
        body: "hello".to_owned(),
        earlier: false,
        own: true,
        token,
    };
    session.said.insert(1, false);
    session.said.insert(2, false);
    assert!(session.says(Event::Acknowledged { token: 1 }).is_empty());
    let room = den();
    let event = said(Some(1));
    let taken = session.says(Event::Room { room, event });
    assert!(matches!(taken[..], [Report::Taken { token: 1 }]), "{taken:?}");
    // Refused after the server had it.
    assert!(session.says(Event::Acknowledged { token: 2 }).is_empty());
    let lost = session.says(Event::MessageError {
        from: jid::Jid::from(den()),
        token: Some(2),
        condition: xmpp::StanzaCondition::Refused,
    });
    assert!(
        matches!(&lost[..], [Report::Bounced { token: 2, problem }] if problem.code == "room.not_allowed")
    );
    // A contact's messages are nobody's business here.
    let other = session.says(Event::Acknowledged { token: 3 });
    assert!(matches!(
        other[..],
        [Report::Xmpp(Event::Acknowledged { token: 3 })]
    ));
    // From another program of the account: said, and ours.
    let elsewhere = session.room_says(said(None));
    assert!(matches!(elsewhere[..], [RoomReport::Said { own: true, .. }]));
}

#[test]
fn without_a_connection_every_order_about_a_room_is_answered() {
    let mut session = session();
    let room = || address("den@rooms.example");
    let orders = [
        RoomOrder::Enter {
            room: room(),
            nick: "alice".to_owned(),
            password: None,
            create: true,
        },
        RoomOrder::Find { words: String::new() },
        RoomOrder::Leave { room: room() },
        RoomOrder::Topic {
            room: room(),
            topic: "otters".to_owned(),
        },
    ];
    for order in orders {
        assert!(matches!(
            session.obey(Order::Room(order), Duration::ZERO),
            Taken::Yes
        ));
        assert!(matches!(session.poll(), Some(Wanted::Report(Report::Room(_)))));
    }
    let say = RoomOrder::Say {
        room: room(),
        text: "hello".to_owned(),
        token: 1,
    };
    let said = session.obey(Order::Room(say), Duration::ZERO);
    assert!(matches!(
        said,
        Taken::Later(Order::Room(RoomOrder::Say { token: 1, .. }))
    ));
}

#[test]
fn a_search_is_for_words_and_one_list_answers_all_that_wait() {
    let mut session = session();
    session.searches.extend(["Otter".to_owned(), String::new()]);
    let found = |room: &str, name: Option<&str>| xmpp::FoundRoom {
        room: BareJid::new(room).unwrap(),
        name: name.map(str::to_owned),
        occupants: Some(3),
    };
    let list = vec![
        found("otters@rooms.example", None),
        found("den@rooms.example", Some("Home of OTTERS")),
        found("cats@rooms.example", None),
    ];
    let told = session.says(Event::RoomsFound(list));
    let counts: Vec<usize> = told
        .iter()
        .map(|report| match report {
            Report::Room(RoomReport::Found { rooms: Ok(rooms) }) => rooms.len(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(counts, [2, 3]);
}
