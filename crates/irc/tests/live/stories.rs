//! What people do.

use irc::{Command, Departure, Event, Mask, Nick, Origin, Problem, SendKind, Target, TextKind};

use super::client::{Client, Raw, nick, room};
use super::server::Server;

/// Waits for a direct message; gives text, kind and origin.
fn direct(client: &mut Client) -> (String, TextKind, Origin) {
    client.wait("DirectMessage", |event| match event {
        Event::DirectMessage(message) if !message.service => {
            Some((message.text.clone(), message.kind, message.origin))
        }
        _ => None,
    })
}

fn in_room(client: &mut Client) -> (String, TextKind, Origin) {
    client.wait("RoomMessage", |event| match event {
        Event::RoomMessage(message) => Some((message.text.clone(), message.kind, message.origin)),
        _ => None,
    })
}

/// Alice and Bob meet, talk and part on any server.
fn meet_and_talk(server: &Server) -> (Client, Client) {
    let mut alice = Client::online("alice", server);
    let mut bob = Client::online("bob", server);
    alice.join("#r");
    bob.join("#r");
    alice.wait("bob", |event| match event {
        Event::MembersJoined { members, .. } if members.iter().any(|it| it.nick == nick("bob")) => Some(()),
        _ => None,
    });
    assert_eq!(bob.session().members(&room("#r")).len(), 2);
    alice
        .command(Command::SetTopic {
            room: room("#r"),
            topic: "żółw: a turtle".into(),
        })
        .unwrap();
    bob.wait("Topic", |event| match event {
        Event::Topic { topic, .. } if topic == "żółw: a turtle" => Some(()),
        _ => None,
    });
    alice.send("#r", "hello room", 1, SendKind::Text);
    alice.expect(&Event::Acknowledged { token: 1 });
    assert_eq!(
        in_room(&mut bob),
        ("hello room".into(), TextKind::Text, Origin::Live)
    );
    alice.send("bob", "waves", 2, SendKind::Action);
    assert_eq!(direct(&mut bob), ("waves".into(), TextKind::Action, Origin::Live));
    alice.expect(&Event::Acknowledged { token: 2 });
    alice.send("nobody", "hello?", 3, SendKind::Text);
    alice.expect(&Event::MessageRefused {
        token: 3,
        problem: Problem::NoSuchNick,
    });
    alice
        .command(Command::SetModes {
            room: room("#r"),
            modes: "+v".into(),
            parameters: vec!["bob".into()],
        })
        .unwrap();
    for person in [&mut alice, &mut bob] {
        person.wait("voice", |event| match event {
            Event::MemberChanged { member, .. } if member.ranks == "+" => Some(()),
            _ => None,
        });
    }
    let members = alice.session().members(&room("#r"));
    let ranks: Vec<_> = members
        .iter()
        .map(|member| (member.nick.as_str(), member.ranks.as_str()))
        .collect();
    assert_eq!(ranks, [("alice", "@"), ("bob", "+")]);
    (alice, bob)
}

/// Bob takes another nick, is thrown out, and leaves.
fn part(mut alice: Client, mut bob: Client) {
    bob.command(Command::ChangeNick(nick("robert"))).unwrap();
    let (from, to) = (nick("bob"), nick("robert"));
    alice.expect(&Event::PeerRenamed { from, to });
    bob.expect(&Event::NickChanged(nick("robert")));
    throw_out(&mut alice, &mut bob);
    ask_about(&mut alice);
    bob.command(Command::GoOffline).unwrap();
    assert_eq!(bob.await_offline(), irc::OfflineReason::Requested);
    alice.command(Command::Leave(room("#r"))).unwrap();
    let why = Departure::Left;
    alice.expect(&Event::RoomLeft {
        room: room("#r"),
        why,
    });
}

/// Alice throws Robert out for good.
fn throw_out(alice: &mut Client, robert: &mut Client) {
    let (room, nick) = (room("#r"), nick("robert"));
    let (reason, mask) = ("out".to_owned(), Mask::new("robert").unwrap());
    let kick = Command::Kick {
        room: room.clone(),
        nick: nick.clone(),
        reason: reason.clone(),
    };
    alice.command(kick).unwrap();
    let why = Departure::Kicked {
        by: Nick::new("alice"),
        reason,
    };
    robert.expect(&Event::RoomLeft {
        room: room.clone(),
        why,
    });
    let why = Departure::Left;
    alice.expect(&Event::PeerGone { nick, why });
    alice
        .command(Command::Ban {
            room: room.clone(),
            mask,
        })
        .unwrap();
    alice.command(Command::ListBans(room.clone())).unwrap();
    let masks = alice.wait("BansListed", |event| match event {
        Event::BansListed {
            masks,
            complete: true,
            ..
        } => Some(masks.clone()),
        _ => None,
    });
    assert_eq!(masks, ["robert!*@*"]);
    robert
        .command(Command::Join {
            room: room.clone(),
            key: None,
        })
        .unwrap();
    let refused = robert.wait("Banned", |event| match event {
        Event::Refused {
            problem: Problem::Banned,
            target,
            ..
        } => target.clone(),
        _ => None,
    });
    assert_eq!(refused, Target::Room(room));
}

/// Alice asks the network about Robert, and about rooms.
fn ask_about(alice: &mut Client) {
    alice.command(Command::Watch(nick("robert"))).unwrap();
    let online = true;
    alice.expect(&Event::Presence {
        nick: nick("robert"),
        online,
    });
    alice.command(Command::Whois(nick("robert"))).unwrap();
    let whois = alice.wait("Whois", |event| match event {
        Event::Whois(whois) => Some(whois.clone()),
        _ => None,
    });
    assert_eq!(
        (whois.nick, whois.real_name.as_deref()),
        (nick("robert"), Some("user"))
    );
    let search = "R".to_owned();
    alice.command(Command::ListRooms { search }).unwrap();
    let listed = alice.wait("RoomsListed", |event| match event {
        Event::RoomsListed { rooms, .. } => Some(rooms.iter().any(|it| it.room == room("#r"))),
        _ => None,
    });
    assert!(listed);
}

#[test]
fn alice_and_bob_meet_on_a_modern_server() {
    let server = Server::inspircd();
    let (mut alice, bob) = meet_and_talk(&server);
    let echoes = alice.rest(300);
    assert!(
        !echoes
            .iter()
            .any(|event| matches!(event, Event::DirectMessage(_) | Event::RoomMessage(_))),
        "{echoes:?}"
    );
    part(alice, bob);
}

#[test]
fn alice_and_bob_meet_on_an_old_server() {
    let server = Server::ngircd();
    let (alice, bob) = meet_and_talk(&server);
    part(alice, bob);
}

/// Everything that fits by our count arrives whole.
fn nothing_is_cut(server: &Server) {
    let mut alice = Client::online("alice", server);
    let mut bob = Client::online("bob", server);
    let most = alice.session().max_payload(&nick("bob")).get();
    let body = format!("?OTR:{}.", "A".repeat(most - 6));
    alice.send("bob", &body, 1, SendKind::Otr);
    assert_eq!(direct(&mut bob).0, body);
    let long: String = (0..300).map(|number| format!("{number:03}ż")).collect();
    alice.send("bob", &long, 2, SendKind::Text);
    let mut heard = String::new();
    while heard.len() < long.len() {
        heard.push_str(&direct(&mut bob).0);
    }
    assert_eq!(heard, long);
    alice.expect(&Event::Acknowledged { token: 2 });
}

#[test]
fn no_server_cuts_what_we_send() {
    nothing_is_cut(&Server::inspircd());
    nothing_is_cut(&Server::ngircd());
}

#[test]
fn a_message_that_a_server_cut_reaches_us_whole() {
    let server = Server::ngircd();
    let mut alice = Client::online("alice", &server);
    let mut bob = Raw::online("bob", &server);
    // What a client does that does not count: the first line is cut by the server, the rest follows.
    bob.say(&format!("PRIVMSG alice :?OTR:{}", "A".repeat(400)));
    bob.say(&format!("PRIVMSG alice :{}.", "B".repeat(300)));
    assert_eq!(
        direct(&mut alice).0,
        format!("?OTR:{}{}.", "A".repeat(400), "B".repeat(300))
    );
}

#[test]
fn mallory_learns_nothing_by_asking() {
    let server = Server::inspircd();
    let mut alice = Client::online("alice", &server);
    alice.join("#r");
    let mut mallory = Raw::online("mallory", &server);
    mallory.say("JOIN #r");
    mallory.await_text(" 366 ");
    let questions = [
        "VERSION",
        "TIME",
        "PING 123",
        "FINGER",
        "USERINFO",
        "CLIENTINFO",
        "SOURCE",
        "AVATAR",
        "PAGE",
        "ERRMSG x",
        "DCC CHAT chat 2130706433 1024",
        "DCC SEND file 2130706433 1024 1",
        "DCC RESUME f 1 1",
        "XDCC LIST",
    ];
    for question in questions {
        for target in ["alice", "#r"] {
            mallory.say(&format!("PRIVMSG {target} :\u{1}{question}\u{1}"));
            mallory.say(&format!("NOTICE {target} :\u{1}{question}\u{1}"));
        }
    }
    mallory.say("PRIVMSG alice :?OTRv3?\r\nNOTICE alice :hello\r\nINVITE alice #trap\r\nTAGMSG alice");
    mallory.say("WHOIS alice alice\r\nPING :the-end");
    let events = alice.rest(1_500);
    assert!(events.iter().any(|event| matches!(event, Event::Probed { .. })));
    mallory.await_heard_until("the-end");
    for _ in 0..10 {
        mallory.rest();
    }
    let heard = mallory.take_heard();
    let from_alice: Vec<&str> = heard.lines().filter(|line| line.starts_with(":alice")).collect();
    assert_eq!(from_alice, Vec::<&str>::new(), "{heard}");
    let whois = heard.lines().find(|line| line.contains(" 311 ")).unwrap();
    assert!(whois.ends_with(" alice user 127.0.0.1 * :user"), "{whois}");
}

#[test]
fn a_goodbye_has_no_words() {
    let server = Server::ngircd();
    let mut alice = Client::online("alice", &server);
    alice.join("#r");
    let mut mallory = Raw::online("mallory", &server);
    mallory.say("JOIN #r");
    mallory.await_text(" 366 ");
    alice.command(Command::Leave(room("#r"))).unwrap();
    mallory.await_heard_until("PART");
    assert!(
        mallory
            .take_heard()
            .lines()
            .any(|line| matches!(line.rsplit(' ').next(), Some("#r" | ":" | ":alice")))
    );
    alice.join("#r");
    alice.command(Command::GoOffline).unwrap();
    mallory.await_heard_until("QUIT");
    let heard = mallory.take_heard();
    let quit = heard.lines().find(|line| line.contains(" QUIT")).unwrap();
    assert!(
        quit.ends_with("QUIT :alice") || quit.ends_with("QUIT :\"alice\"") || quit.ends_with("QUIT :"),
        "{quit}"
    );
}

/// A client of alice's, on her bouncer.
fn through(bouncer: &Server) -> Client {
    let mut alice = Client::new("alice", |config| {
        config.server_password = Some(String::from("alice/net:secret").into());
    });
    alice.connect_by_tls(bouncer, None);
    alice.await_online();
    alice
}

#[test]
fn what_a_bouncer_kept_is_not_live() {
    let behind = Server::inspircd();
    let bouncer = Server::znc(&behind);
    let mut bob = Client::online("bob", &behind);
    bob.join("#r");
    // The bouncer comes in alice's name.
    while !bob
        .session()
        .members(&room("#r"))
        .iter()
        .any(|member| member.nick == nick("alice"))
    {
        bob.live();
    }
    bob.send("alice", "?OTRv3?", 1, SendKind::Text);
    bob.send("#r", "while you were away", 2, SendKind::Text);
    bob.expect(&Event::Acknowledged { token: 2 });
    let mut alice = through(&bouncer);
    let text = TextKind::Text;
    assert_eq!(direct(&mut alice), ("?OTRv3?".into(), text, Origin::History));
    assert_eq!(
        in_room(&mut alice),
        ("while you were away".into(), text, Origin::History)
    );
    bob.send("alice", "and now", 3, SendKind::Text);
    bob.send("#r", "and now", 4, SendKind::Text);
    bob.expect(&Event::Acknowledged { token: 4 });
    assert_eq!(direct(&mut alice), ("and now".into(), text, Origin::Live));
    assert_eq!(in_room(&mut alice), ("and now".into(), text, Origin::Live));
    // Another client of alice's writes to bob.
    let mut elsewhere = through(&bouncer);
    elsewhere.send("bob", "?OTR:AAMC.", 5, SendKind::Otr);
    assert_eq!(direct(&mut bob), ("?OTR:AAMC.".into(), text, Origin::Live));
    assert_eq!(
        direct(&mut alice),
        ("?OTR:AAMC.".into(), text, Origin::OwnElsewhere)
    );
}

#[test]
fn a_taken_nick_is_replaced_and_taken_back() {
    let server = Server::inspircd();
    let mut holder = Raw::online("alice", &server);
    let mut alice = Client::online("alice", &server);
    assert_ne!(alice.session().nick(), &nick("alice"));
    alice.join("#r");
    holder.say("JOIN #r");
    holder.await_text(" 366 ");
    holder.say("QUIT");
    alice.expect(&Event::NickChanged(nick("alice")));
}

#[test]
fn a_flood_of_words_does_not_get_alice_thrown_out() {
    let server = Server::ngircd();
    let mut alice = Client::new("alice", |config| config.flood = irc::Flood::default());
    alice.connect(&server);
    alice.await_online();
    let mut bob = Client::online("bob", &server);
    for token in 0..8 {
        alice.send("bob", "hello", token, SendKind::Text);
    }
    for token in 0..8 {
        alice.expect(&Event::Acknowledged { token });
    }
    assert_eq!(direct(&mut bob).0, "hello");
    assert!(
        !alice
            .seen
            .iter()
            .any(|event| matches!(event, Event::Offline { .. }))
    );
}

#[test]
fn a_killed_server_loses_no_token() {
    let mut server = Server::ngircd();
    let mut alice = Client::online("alice", &server);
    alice.rest(500);
    server.kill();
    alice.send("bob", "hello", 7, SendKind::Text);
    alice.expect(&Event::Unacknowledged { tokens: vec![7] });
    assert_eq!(alice.await_offline(), irc::OfflineReason::ConnectionLost);
}
