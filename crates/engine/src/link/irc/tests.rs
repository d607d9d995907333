//! An IRC session against lines of a server that we play: what becomes of them, and that nothing is answered.
//! Must never reach a network. RFC 2812; the events of door 1.

use model::{RoomRisk, Transport};

use super::super::talk::{RoomOrder, RoomReport};
use super::*;

fn way() -> IrcWay {
    IrcWay {
        nick: Nick::new("alice").unwrap(),
        network: "irc.example".to_owned(),
        login: IrcLogin::None,
        key: None,
        certificate: None,
        mechanism_seen: None,
    }
}

/// What is said to a server that lets us in, and what is told of it.
fn coming_in(login: IrcLogin, transport: Transport) -> Desk {
    let way = IrcWay { login, ..way() };
    let mut desk = Desk {
        irc: Irc::new(&way, &Zeroizing::new("pencil12".to_owned()), transport),
        now: Duration::from_secs(1),
        said: String::new(),
    };
    desk.irc.hear(Told::Connected, desk.now);
    desk.hears(&[
        ":irc.example 421 alice CAP :Unknown command",
        ":irc.example 001 alice :Welcome alice!user@tor.example",
        ":irc.example 422 alice :no motd",
    ]);
    desk
}

struct Desk {
    irc: Irc,
    now: Duration,
    said: String,
}

impl Desk {
    /// Online, with bob as a contact.
    fn new() -> Self {
        let irc = Irc::new(&way(), &Zeroizing::new(String::new()), Transport::DirectTls);
        let mut desk = Self {
            irc,
            now: Duration::from_secs(1),
            said: String::new(),
        };
        desk.irc.hear(Told::Connected, desk.now);
        desk.reports();
        let reports = desk.hears(&[
            ":irc.example CAP * LS :multi-prefix",
            ":irc.example CAP * ACK :multi-prefix",
            ":irc.example 001 alice :Welcome alice!user@tor.example",
            ":irc.example 005 alice CASEMAPPING=rfc1459 CHANTYPES=# MONITOR=100 :are supported",
            ":irc.example 422 alice :no motd",
        ]);
        assert!(
            reports
                .iter()
                .any(|report| matches!(report, Report::Online { .. }))
        );
        desk.orders(Order::Person {
            who: address("bob"),
            wish: Wish::Befriend,
        });
        desk
    }

    fn reports(&mut self) -> Vec<Report> {
        let mut reports = Vec::new();
        while let Some(wanted) = self.irc.poll() {
            match wanted {
                Wanted::Report(report) | Wanted::Online { report, .. } => reports.push(report),
                Wanted::Send(bytes) => self.said.push_str(&String::from_utf8(bytes).unwrap()),
                _ => {}
            }
        }
        reports
    }

    fn hears(&mut self, lines: &[&str]) -> Vec<Report> {
        for line in lines {
            self.now += Duration::from_secs(5);
            let line = format!("{line}\r\n");
            self.irc.hear(Told::Bytes(line.as_bytes()), self.now);
        }
        self.reports()
    }

    /// What is sent because of an order, and what is reported.
    fn orders(&mut self, order: Order) -> (String, Vec<Report>) {
        self.now += Duration::from_secs(10);
        self.said.clear();
        assert!(matches!(self.irc.obey(order, self.now), Taken::Yes));
        let reports = self.reports();
        (std::mem::take(&mut self.said), reports)
    }

    fn people(&mut self, lines: &[&str]) -> Vec<PersonReport> {
        let person = |report| match report {
            Report::Person(report) => Some(report),
            _ => None,
        };
        self.hears(lines).into_iter().filter_map(person).collect()
    }

    fn rooms(&mut self, lines: &[&str]) -> Vec<RoomReport> {
        let room = |report| match report {
            Report::Room(report) => Some(report),
            _ => None,
        };
        self.hears(lines).into_iter().filter_map(room).collect()
    }
}

fn address(name: &str) -> Address {
    name.parse().unwrap()
}

#[test]
fn questions_and_offers_of_other_programs_are_counted_and_get_no_answer() {
    let mut desk = Desk::new();
    desk.said.clear();
    let mut lines = Vec::new();
    for word in [
        "VERSION",
        "TIME",
        "PING 1",
        "FINGER",
        "USERINFO",
        "CLIENTINFO",
        "SOURCE",
        "DCC SEND a 1 2 3",
    ] {
        lines.push(format!(":mallory!m@h PRIVMSG alice :\u{1}{word}\u{1}"));
        lines.push(format!(":mallory!m@h NOTICE alice :\u{1}{word}\u{1}"));
    }
    lines.push(":mallory!m@h INVITE alice #trap".to_owned());
    lines.push(":mallory!m@h NOTICE alice :?OTRv3?".to_owned());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let told = desk.people(&lines);
    let tried =
        |told: &PersonReport| matches!(told, PersonReport::Tried { who, .. } if who.as_str() == "mallory");
    assert_eq!(told.iter().filter(|told| tried(told)).count(), 8);
    assert_eq!(told.len(), 8, "{told:?}");
    assert_eq!(desk.said, "");
}

#[test]
fn only_live_words_are_for_otr() {
    let mut desk = Desk::new();
    let who = address("bob");
    let said = desk.people(&[":BOB!b@h PRIVMSG alice :?OTRv3?"]);
    let text = "?OTRv3?".to_owned();
    assert_eq!(
        said,
        [PersonReport::Said {
            who: who.clone(),
            text
        }]
    );
    let acted = desk.people(&[":bob!b@h PRIVMSG alice :\u{1}ACTION waves\u{1}"]);
    let text = "/me waves".to_owned();
    assert_eq!(
        acted,
        [PersonReport::Readable {
            who,
            text,
            earlier: false
        }]
    );
    assert_eq!(desk.people(&[":bob!b@h NOTICE alice :?OTR:AAMC."]), []);
    // Services are no persons, and what we said elsewhere is not said to us.
    assert_eq!(desk.people(&[":NickServ!s@services PRIVMSG alice :hello"]), []);
    assert_eq!(desk.people(&[":alice!user@tor.example PRIVMSG bob :?OTRv3?"]), []);
}

#[test]
fn the_password_is_told_to_nickserv_by_tls_and_never_in_plain_text() {
    let by_tls = coming_in(IrcLogin::NickServ, Transport::DirectTls).said;
    assert_eq!(by_tls.matches("pencil12").count(), 1, "{by_tls}");
    assert!(
        by_tls.contains("PRIVMSG NickServ :IDENTIFY pencil12\r\n"),
        "{by_tls}"
    );
    // Not a word of it before we are let in.
    let first = by_tls.find("IDENTIFY").unwrap();
    assert!(by_tls.find("USER user").is_some_and(|user| user < first));
    let in_plain = coming_in(IrcLogin::NickServ, Transport::PlainOverOnion).said;
    assert!(
        in_plain.contains("USER user") && !in_plain.contains("pencil12"),
        "{in_plain}"
    );
    let bouncer = coming_in(IrcLogin::Bouncer, Transport::DirectTls).said;
    assert!(
        bouncer.contains("PASS pencil12\r\n") && !bouncer.contains("IDENTIFY"),
        "{bouncer}"
    );
    let bouncer = coming_in(IrcLogin::Bouncer, Transport::PlainOverOnion).said;
    assert!(!bouncer.contains("pencil12"), "{bouncer}");
}

#[test]
fn what_was_kept_is_told_as_such_and_never_for_otr() {
    let mut desk = Desk::new();
    // A bouncer that has no tags for times puts them into a batch.
    let told = desk.people(&[
        ":irc.example BATCH +1 chathistory bob",
        "@batch=1 :bob!b@h PRIVMSG alice :?OTRv3?",
        "@batch=1 :bob!b@h PRIVMSG alice :hello",
        ":irc.example BATCH -1",
        "@time=2001-01-01T00:00:00.000Z :bob!b@h PRIVMSG alice :?OTR:AAMC.",
        "@time=2001-01-01T00:00:00.000Z :bob!b@h PRIVMSG alice :again",
    ]);
    let kept = |text: &str| PersonReport::Readable {
        who: address("bob"),
        text: text.to_owned(),
        earlier: true,
    };
    assert_eq!(told, [kept("hello"), kept("again")]);
}

#[test]
fn a_network_says_what_it_knows_of_somebody_when_it_is_asked() {
    let mut desk = Desk::new();
    let ask = |who: &str| Order::Person {
        who: address(who),
        wish: Wish::Ask,
    };
    let (said, _) = desk.orders(ask("bob"));
    assert!(said.contains("WHOIS bob\r\n"), "{said}");
    let told = desk.people(&[
        ":irc.example 311 alice bob b h * :Ro\u{2}bert",
        ":irc.example 318 alice bob :End",
    ]);
    let [PersonReport::Known { known: Ok(known), .. }] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(
        (known.address.as_deref(), known.real_name.as_deref()),
        (Some("b@h"), Some("Robert"))
    );
    desk.orders(ask("nobody"));
    let told = desk.people(&[":irc.example 401 alice nobody :No such nick"]);
    assert!(
        matches!(&told[..], [PersonReport::Known { known: Err(why), .. }] if why.code == "irc.no_such_nick"),
        "{told:?}"
    );
}

#[test]
fn whoever_leaves_or_takes_another_name_is_gone_at_once() {
    let mut desk = Desk::new();
    for (line, code) in [
        (":bob!b@h NICK :robert", "peer.renamed"),
        (":bob!b@h QUIT :bye", "peer.gone"),
        (":irc.example 731 alice :bob", "peer.gone"),
    ] {
        desk.hears(&[":irc.example 730 alice :bob!b@h"]);
        let told = desk.people(&[line]);
        let gone = |told: &PersonReport| matches!(told, PersonReport::Gone { who, why } if who.as_str() == "bob" && why.code == code);
        assert!(told.iter().any(gone), "{line}: {told:?}");
    }
}

#[test]
fn a_line_has_room_for_what_our_own_name_leaves() {
    let mut desk = Desk::new();
    let line = |reports: &[Report]| {
        let lines = reports.iter().filter_map(|report| match report {
            Report::Line(line) => Some(*line),
            _ => None,
        });
        lines.max()
    };
    let reports = desk.hears(&[":alice!user@tor.example NICK :a-much-longer-nick"]);
    let longer = line(&reports).unwrap();
    let reports = desk.hears(&[":a-much-longer-nick!user@tor.example NICK :al"]);
    assert_eq!(line(&reports).unwrap() - longer, "a-much-longer-nick".len() - 2);
}

#[test]
fn an_action_is_one_only_where_everybody_may_read_it() {
    let mut desk = Desk::new();
    let say = |body: &str, otr| Order::Say {
        to: address("bob"),
        body: body.to_owned(),
        token: 7,
        otr,
    };
    let (said, _) = desk.orders(say("/me waves", false));
    assert!(said.contains("PRIVMSG bob :\u{1}ACTION waves\u{1}"), "{said}");
    let (said, _) = desk.orders(say("?OTR:AAMD.", true));
    assert!(
        said.contains("PRIVMSG bob ?OTR:AAMD.") || said.contains("PRIVMSG bob :?OTR:AAMD."),
        "{said}"
    );
    let (said, reports) = desk.orders(say(&format!("?OTR:{}.", "A".repeat(500)), true));
    assert!(!said.contains("PRIVMSG"), "{said}");
    assert!(
        reports
            .iter()
            .any(|report| matches!(report, Report::Bounced { token: 7, .. }))
    );
}

#[test]
fn a_room_is_entered_heard_and_left_without_a_word() {
    let mut desk = Desk::new();
    let room = address("#otters");
    let (said, _) = desk.orders(Order::Room(RoomOrder::Enter {
        room: room.clone(),
        nick: "alice".to_owned(),
        password: None,
        create: true,
    }));
    assert!(said.contains("JOIN #otters\r\n"), "{said}");
    desk.said.clear();
    let told = desk.rooms(&[
        ":alice!user@tor.example JOIN #Otters",
        ":irc.example 353 alice = #Otters :@alice",
        ":irc.example 366 alice #Otters :end",
    ]);
    let nick = "alice".to_owned();
    assert!(
        told.contains(&RoomReport::Entered {
            room: room.clone(),
            nick
        }),
        "{told:?}"
    );
    assert!(told.iter().any(
        |told| matches!(told, RoomReport::Members { members, .. } if members.len() == 1 && members[0].own)
    ));
    // Made just now: closed to strangers, shown in no list.
    assert!(
        desk.said.contains("MODE #Otters +is") || desk.said.contains("MODE #otters +is"),
        "{}",
        desk.said
    );
    let told = desk.rooms(&[":alice!user@tor.example MODE #otters +is"]);
    assert!(told.contains(&RoomReport::Told {
        room: room.clone(),
        name: None,
        risks: vec![RoomRisk::AddressShown]
    }));
    let told = desk.rooms(&[":bob!b@h JOIN #otters", ":bob!b@h PRIVMSG #otters :?OTRv3?"]);
    assert!(
        told.iter().any(
            |told| matches!(told, RoomReport::Said { nick: Some(nick), own: false, .. } if nick == "bob")
        )
    );
    let (said, _) = desk.orders(Order::Room(RoomOrder::Leave { room }));
    assert!(
        said.contains("PART #otters\r\n") || said.contains("PART #Otters\r\n"),
        "{said}"
    );
}

#[test]
fn a_room_that_lets_nobody_in_says_why() {
    let mut desk = Desk::new();
    let room = address("#otters");
    desk.orders(Order::Room(RoomOrder::Enter {
        room: room.clone(),
        nick: "alice".to_owned(),
        password: None,
        create: false,
    }));
    let told = desk.rooms(&[":irc.example 473 alice #otters :Cannot join channel (+i)"]);
    assert!(
        matches!(&told[..], [RoomReport::Refused { room: told, problem }] if *told == room && problem.code == "irc.invite_only"),
        "{told:?}"
    );
}
