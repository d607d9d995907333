//! Rooms and the people in them.

use std::time::Instant;

use irc::{Command, Departure, Event, Mask, Member, Problem, ServerTime, Target};

use super::peer::{Peer, nick, room};

fn ranks(peer: &Peer, name: &str, member: &str) -> Option<String> {
    let members = peer.session.members(&room(name));
    members
        .into_iter()
        .find(|it| it.nick.as_str() == member)
        .map(|it| it.ranks)
}

fn person(name: &str) -> Member {
    Member {
        nick: nick(name),
        ranks: String::new(),
        address: None,
        account: None,
        away: false,
        bot: false,
    }
}

#[test]
fn alice_enters_a_room_and_learns_who_is_there() {
    let mut peer = Peer::modern();
    peer.command(Command::Join {
        room: room("#r"),
        key: Some("k".into()),
    })
    .unwrap();
    assert_eq!(peer.take_said(), "JOIN #r k\r\n");
    peer.hear(":alice!~user@host.example JOIN #r * :user\r\n:irc 332 alice #r :the topic");
    peer.hear(":irc 333 alice #r bob!b@h 1319042451");
    peer.hear(":irc 353 alice = #r :alice @+bob!b@h ~dave!d@h\r\n:irc 366 alice #r :End");
    let events = peer.take_events();
    assert_eq!(events[0], Event::RoomJoined(room("#r")));
    let topic = |by, time| Event::Topic {
        room: room("#r"),
        topic: "the topic".into(),
        by,
        time,
    };
    assert_eq!(events[1], topic(None, None));
    assert_eq!(
        events[2],
        topic(Some(nick("bob")), Some(ServerTime(1_319_042_451_000)))
    );
    let Event::MembersListed {
        members,
        complete: true,
        ..
    } = &events[3]
    else {
        panic!("{events:?}")
    };
    assert_eq!(members.len(), 3);
    assert_eq!(ranks(&peer, "#r", "bob").as_deref(), Some("@+"));
    assert_eq!(peer.take_said(), "WHO #r %tuhnfa,7\r\n");
    peer.hear(":irc 354 alice 7 b h bob G*B bobby\r\n:irc 354 alice 7 d h dave H 0\r\n:irc 354 alice 8 d h dave G x");
    let changed = Event::MemberChanged {
        room: room("#r"),
        member: Member {
            ranks: "@+".into(),
            address: Some("b@h".into()),
            account: Some("bobby".into()),
            away: true,
            bot: true,
            ..person("bob")
        },
    };
    assert_eq!(peer.take_events(), [changed]);
}

#[test]
fn people_come_and_go() {
    let mut peer = Peer::modern();
    peer.enter("#r", "bob");
    peer.enter("#s", "bob carol");
    peer.forget();
    peer.hear(":dave!d@h JOIN #r dav :Dave");
    let dave = Member {
        address: Some("d@h".into()),
        account: Some("dav".into()),
        ..person("dave")
    };
    assert_eq!(
        peer.take_events(),
        [Event::MembersJoined {
            room: room("#r"),
            members: vec![dave],
            after_netsplit: false
        }]
    );
    peer.hear(":bob!b@h PART #r :words");
    let left = |name: &str, why| Event::MemberLeft {
        room: room("#r"),
        nick: nick(name),
        why,
    };
    assert_eq!(peer.take_events(), [left("bob", Departure::Left)]);
    peer.hear(":bob!b@h KICK #r dave :out");
    let kicked = Departure::Kicked {
        by: Some(nick("bob")),
        reason: "out".into(),
    };
    let gone = |name: &str, why| Event::PeerGone {
        nick: nick(name),
        why,
    };
    assert_eq!(
        peer.take_events(),
        [left("dave", kicked), gone("dave", Departure::Left)]
    );
    peer.hear(":bob!b@h QUIT :Quit: bye");
    assert_eq!(peer.take_events(), [gone("bob", Departure::Quit)]);
    // When Alice leaves, those whom she shares no room with any more are gone to her.
    peer.hear(":alice!~user@host.example PART #s");
    assert_eq!(
        peer.take_events(),
        [
            Event::RoomLeft {
                room: room("#s"),
                why: Departure::Left
            },
            gone("carol", Departure::Left)
        ]
    );
    assert!(peer.session.members(&room("#s")).is_empty());
}

#[test]
fn a_changed_nick_is_told_and_the_rooms_know() {
    let mut peer = Peer::modern();
    peer.enter("#r", "@bob");
    peer.forget();
    peer.hear(":bob!b@h NICK :robert");
    assert_eq!(
        peer.take_events(),
        [Event::PeerRenamed {
            from: nick("bob"),
            to: nick("robert")
        }]
    );
    assert_eq!(ranks(&peer, "#r", "robert").as_deref(), Some("@"));
    assert_eq!(ranks(&peer, "#r", "bob"), None);
    peer.command(Command::ChangeNick(nick("alicia"))).unwrap();
    assert_eq!(peer.take_said(), "NICK alicia\r\n");
    peer.hear(":alice!~user@host.example NICK alicia");
    assert_eq!(peer.take_events(), [Event::NickChanged(nick("alicia"))]);
    assert_eq!(peer.session.nick(), &nick("alicia"));
}

#[test]
fn what_changes_about_a_person_is_told() {
    let mut peer = Peer::modern();
    peer.enter("#r", "bob");
    peer.forget();
    peer.hear(
        ":bob!b@h ACCOUNT bobby\r\n:bob!b@h AWAY :words\r\n:bob!b@h CHGHOST x y\r\n:bob!b@h SETNAME :Robert",
    );
    let events = peer.take_events();
    assert_eq!(events.len(), 3);
    let last = Member {
        account: Some("bobby".into()),
        away: true,
        address: Some("x@y".into()),
        ..person("bob")
    };
    assert_eq!(
        events[2],
        Event::MemberChanged {
            room: room("#r"),
            member: last
        }
    );
    peer.hear(":bob!x@y ACCOUNT *\r\n:bob!x@y AWAY");
    let last = Member {
        address: Some("x@y".into()),
        ..person("bob")
    };
    assert_eq!(
        peer.take_events()[1],
        Event::MemberChanged {
            room: room("#r"),
            member: last
        }
    );
}

#[test]
fn modes_give_and_take_ranks() {
    let mut peer = Peer::modern();
    peer.enter("#r", "bob carol");
    peer.forget();
    peer.hear(":irc MODE #r +ntbov-k+l *!*@evil bob bob key 5\r\n:irc MODE #r -t+v carol");
    assert_eq!(ranks(&peer, "#r", "bob").as_deref(), Some("@+"));
    assert_eq!(ranks(&peer, "#r", "carol").as_deref(), Some("+"));
    let modes: Vec<_> = peer
        .take_events()
        .into_iter()
        .filter_map(|event| match event {
            Event::RoomModes { modes, .. } => Some(modes),
            _ => None,
        })
        .collect();
    assert_eq!(modes, ["ntl", "nl"]);
    peer.hear(
        ":irc MODE #r -o bob\r\n:irc MODE #r +o nobody\r\n:irc MODE #elsewhere +o bob\r\n:irc MODE alice +i",
    );
    assert_eq!(ranks(&peer, "#r", "bob").as_deref(), Some("+"));
    peer.command(Command::SetModes {
        room: room("#r"),
        modes: "+v".into(),
        parameters: vec!["bob".into()],
    })
    .unwrap();
    peer.command(Command::Ban {
        room: room("#r"),
        mask: Mask::new("mallory").unwrap(),
    })
    .unwrap();
    peer.command(Command::SetTopic {
        room: room("#r"),
        topic: String::new(),
    })
    .unwrap();
    peer.command(Command::Invite {
        room: room("#r"),
        nick: nick("dave"),
    })
    .unwrap();
    peer.command(Command::Kick {
        room: room("#r"),
        nick: nick("bob"),
        reason: String::new(),
    })
    .unwrap();
    assert_eq!(
        peer.take_said(),
        "MODE #r +v bob\r\nMODE #r +b mallory!*@*\r\nTOPIC #r :\r\nINVITE dave #r\r\nKICK #r bob\r\n"
    );
}

#[test]
fn lists_are_collected_and_bounded() {
    let mut peer = Peer::modern();
    peer.command(Command::ListBans(room("#r"))).unwrap();
    for number in 0..1_000 {
        peer.hear(&format!(":irc 367 alice #r *!*@{number} op 1"));
    }
    peer.hear(":irc 368 alice #r :End");
    let Some(Event::BansListed {
        masks,
        complete: false,
        ..
    }) = peer.take_events().pop()
    else {
        panic!()
    };
    assert_eq!(masks.len(), 500);
    peer.hear(":irc 367 alice #r *!*@x op 1\r\n:irc 368 alice #r :End\r\n:irc 322 alice #x 1 :x\r\n:irc 323 alice :End");
    assert_eq!(peer.take_events(), [], "what was not asked for is not told");
    peer.command(Command::ListRooms { search: "Tor".into() }).unwrap();
    assert!(peer.take_said().ends_with("LIST\r\n"));
    for number in 0..10_000 {
        peer.hear(&format!(
            ":irc 322 alice #tor{number} 3 :topic\r\n:irc 322 alice #x{number} 3 :topic"
        ));
    }
    peer.hear(":irc 323 alice :End");
    let Some(Event::RoomsListed {
        rooms,
        complete: false,
    }) = peer.take_events().pop()
    else {
        panic!()
    };
    assert_eq!(
        (rooms.len(), rooms[0].members, rooms[0].topic.as_str()),
        (5_000, 3, "topic")
    );
}

#[test]
fn whois_tells_what_the_network_knows() {
    let mut peer = Peer::modern();
    peer.command(Command::Whois(nick("bob"))).unwrap();
    assert_eq!(peer.take_said(), "WHOIS bob\r\n");
    peer.hear(
        ":irc 311 alice Bob b h * :Robert\r\n:irc 312 alice bob irc.b :x\r\n:irc 319 alice bob :@#r +#s",
    );
    peer.hear(":irc 330 alice bob bobby :is logged in as\r\n:irc 335 alice bob :is a bot\r\n:irc 671 alice bob :secure");
    peer.hear(":irc 317 alice bob 5 1 :seconds idle\r\n:irc 318 alice bob :End");
    let Some(Event::Whois(whois)) = peer.take_events().pop() else {
        panic!()
    };
    assert_eq!(
        (whois.nick.as_str(), whois.address.as_deref()),
        ("Bob", Some("b@h"))
    );
    assert_eq!(whois.rooms, [room("#r"), room("#s")]);
    assert!(whois.bot && whois.secure && !whois.away && !whois.operator);
    peer.command(Command::Whois(nick("nobody"))).unwrap();
    peer.hear(":irc 401 alice nobody :No such nick");
    let target = Some(Target::Nick(nick("nobody")));
    let refused = Event::Refused {
        target,
        problem: Problem::NoSuchNick,
        words: "No such nick".into(),
    };
    assert_eq!(peer.take_events(), [refused]);
}

#[test]
fn a_refused_entry_says_why() {
    let mut peer = Peer::modern();
    for (numeric, problem) in [
        ("403", Problem::NoSuchRoom),
        ("405", Problem::TooManyRooms),
        ("471", Problem::Full),
        ("473", Problem::InviteOnly),
        ("474", Problem::Banned),
        ("475", Problem::NeedsKey),
        ("477", Problem::NeedsAccount),
        ("482", Problem::NotAllowed),
    ] {
        peer.hear(&format!(":irc {numeric} alice #r :words"));
        let target = Some(Target::Room(room("#r")));
        assert_eq!(
            peer.take_events(),
            [Event::Refused {
                target,
                problem,
                words: "words".into()
            }]
        );
    }
    peer.hear("FAIL JOIN ACCOUNT_REQUIRED #r :log in first\r\nNOTE * HELLO :a note");
    let target = Some(Target::Room(room("#r")));
    assert_eq!(
        peer.take_events(),
        [
            Event::Refused {
                target,
                problem: Problem::NeedsAccount,
                words: "log in first".into()
            },
            Event::ServerText("a note".into()),
        ]
    );
}

#[test]
fn a_netsplit_is_one_event_and_so_is_the_return() {
    let mut peer = Peer::modern();
    let people: Vec<String> = (0..300).map(|number| format!("n{number}")).collect();
    peer.enter("#r", &people[..30].join(" "));
    for person in &people[30..] {
        peer.hear(&format!(":{person}!u@h JOIN #r"));
    }
    peer.forget();
    for person in &people {
        peer.hear(&format!(":{person}!u@h QUIT :irc.a.example irc.b.example"));
    }
    assert_eq!(peer.take_events(), []);
    peer.rest(1);
    let events = peer.take_events();
    assert!(
        matches!(events.as_slice(), [Event::NetworkSplit { gone }] if gone.len() == 300),
        "{events:?}"
    );
    for person in &people {
        peer.hear(&format!(":{person}!u@h JOIN #r"));
    }
    peer.rest(1);
    let events = peer.take_events();
    assert!(
        matches!(events.as_slice(), [Event::MembersJoined { members, after_netsplit: true, .. }] if members.len() == 300),
        "{events:?}"
    );
    peer.hear(":irc BATCH +s netsplit a.b c.d\r\n@batch=s :n1!u@h QUIT :x\r\n@batch=s :n2!u@h QUIT :x\r\n:irc BATCH -s");
    assert_eq!(
        peer.take_events(),
        [Event::NetworkSplit {
            gone: vec![nick("n1"), nick("n2")]
        }]
    );
}

#[test]
fn five_thousand_people_are_no_burden() {
    let mut peer = Peer::modern();
    let start = Instant::now();
    peer.hear(":alice!~user@host.example JOIN #big");
    let people: Vec<String> = (0..5_000)
        .map(|number| format!("@+somebody{number}!~user{number}@host.example"))
        .collect();
    for some in people.chunks(10) {
        peer.hear(&format!(":irc 353 alice = #big :{}", some.join(" ")));
    }
    peer.hear(":irc 366 alice #big :End");
    let Some(Event::MembersListed {
        members,
        complete: true,
        ..
    }) = peer.take_events().pop()
    else {
        panic!()
    };
    assert_eq!(members.len(), 5_001);
    assert!(start.elapsed().as_millis() < 300, "{:?}", start.elapsed());
    assert!(!peer.take_said().contains("WHO"), "nobody asks about so many");
}

#[test]
fn rooms_and_people_without_end_are_not_kept() {
    let mut peer = Peer::modern_with(|config| {
        config.limits.members = 100;
        config.limits.people = 150;
        config.limits.rooms = 3;
    });
    for name in ["#a", "#b", "#c", "#d"] {
        peer.hear(&format!(":alice!~user@host.example JOIN {name}"));
        for number in 0..300 {
            peer.hear(&format!(
                ":irc 353 alice = {name} :{}{number}",
                name.trim_start_matches('#')
            ));
        }
        peer.hear(&format!(":irc 366 alice {name} :End"));
    }
    let count = |peer: &Peer, name: &str| peer.session.members(&room(name)).len();
    assert_eq!(
        [count(&peer, "#a"), count(&peer, "#b"), count(&peer, "#d")],
        [100, 51, 0]
    );
    assert_eq!(peer.take_said().matches("PART #d").count(), 1);
    let incomplete = peer
        .events
        .iter()
        .filter(|e| matches!(e, Event::MembersListed { complete: false, .. }))
        .count();
    assert_eq!(incomplete, 3);
}
