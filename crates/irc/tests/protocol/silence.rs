//! What is never said.

use std::time::Duration;

use irc::{Command, Config, Event, Mask, Probe, SendKind};

use super::peer::{Peer, nick, room};

/// Every question of another client that is known.
const QUESTIONS: &[&str] = &[
    "VERSION",
    "TIME",
    "PING 1234567890",
    "FINGER",
    "USERINFO",
    "CLIENTINFO",
    "CLIENTINFO PING",
    "SOURCE",
    "PAGE",
    "ERRMSG x",
    "SED x",
    "UTC",
    "AVATAR",
    "GENDER",
    "LANGUAGES",
    "LOCATION",
    "OS",
    "HOST",
    "URL",
    "MP3",
    "SLOTS",
    "DCC CHAT chat 2130706433 1024",
    "DCC SEND file 2130706433 1024 1",
    "DCC RESUME f 1 1",
    "DCC ACCEPT f 1 1",
    "XDCC LIST",
    "dcc send f 1 1 1",
    "version",
    "",
    "ACTIONX x",
];

#[test]
fn no_question_of_another_client_is_answered() {
    let mut peer = Peer::modern();
    peer.enter("#r", "mallory");
    peer.forget();
    for question in QUESTIONS {
        for target in ["alice", "#r"] {
            for end in ["\u{1}", ""] {
                peer.hear(&format!(":mallory!m@evil PRIVMSG {target} :\u{1}{question}{end}"));
                peer.hear(&format!(":mallory!m@evil NOTICE {target} :\u{1}{question}{end}"));
            }
        }
        assert_eq!(peer.take_said(), "", "{question}");
    }
    let events = peer.take_events();
    assert!(
        events.iter().all(|event| matches!(event, Event::Probed { .. })),
        "{events:?}"
    );
    assert_eq!(events.len(), QUESTIONS.len() * 4, "a notice asks for nothing");
    assert!(events.contains(&Event::Probed {
        from: nick("mallory"),
        what: Probe::Dcc
    }));
    peer.rest(20);
    assert_eq!(peer.take_said(), "", "nor later");
}

#[test]
fn nobody_hears_anything_because_of_what_they_do() {
    let mut peer = Peer::modern();
    peer.enter("#r", "@mallory");
    peer.rest(5);
    peer.forget_said();
    for line in [
        ":mallory!m@evil INVITE alice #trap",
        ":mallory!m@evil NOTICE alice :answer me",
        ":mallory!m@evil PRIVMSG alice :hello?",
        ":mallory!m@evil PRIVMSG alice :?OTRv3?",
        "@+typing=active :mallory!m@evil TAGMSG alice",
        "@+draft/reply=1;+reply=1 :mallory!m@evil PRIVMSG alice :hm",
        ":mallory!m@evil PRIVMSG #r :alice: there?",
        ":mallory!m@evil MODE #r +v alice",
        ":mallory!m@evil KICK #r alice :bye",
        ":mallory!m@evil WALLOPS :hello",
        ":mallory!m@evil NICK mallory2",
        ":irc 341 mallory alice #trap",
    ] {
        peer.hear(line);
        assert_eq!(peer.take_said(), "", "{line}");
    }
    peer.rest(20);
    assert_eq!(peer.take_said(), "");
}

#[test]
fn no_text_can_become_a_question() {
    let mut peer = Peer::plain();
    for (text, kind) in [
        ("\u{1}VERSION\u{1}", SendKind::Text),
        ("\u{1}DCC SEND x 1 1 1\u{1}", SendKind::Text),
        ("waves\u{1}\u{1}VERSION", SendKind::Action),
        ("a\rQUIT :bye", SendKind::Text),
        ("a\0b", SendKind::Text),
    ] {
        peer.send_as("bob", text, 1, kind).unwrap();
    }
    let said = peer.take_said();
    for line in said.lines().filter(|line| !line.starts_with("PING")) {
        assert!(line.starts_with("PRIVMSG bob "), "{line}");
        let questions = line.matches('\u{1}').count();
        assert!(
            questions == 0 || (questions == 2 && line.contains(":\u{1}ACTION waves")),
            "{line}"
        );
    }
}

#[test]
fn leaving_is_one_word() {
    let mut peer = Peer::modern();
    peer.enter("#r", "bob");
    peer.forget_said();
    peer.command(Command::Leave(room("#r"))).unwrap();
    peer.command(Command::GoOffline).unwrap();
    assert_eq!(peer.take_said(), "PART #r\r\nQUIT\r\n");
}

#[test]
fn those_who_are_ignored_are_not_heard() {
    let mut peer = Peer::modern();
    peer.enter("#r", "mallory");
    peer.forget();
    let mask = Mask::new("*!*@*.evil").unwrap();
    peer.command(Command::Ignore(mask.clone())).unwrap();
    for line in [
        "PRIVMSG alice :a",
        "PRIVMSG #r :a",
        "NOTICE alice :a",
        "PRIVMSG alice :\u{1}VERSION\u{1}",
        "INVITE alice #x",
    ] {
        peer.hear(&format!(":Mallory!m@host.EVIL {line}"));
    }
    assert_eq!(peer.take_events(), []);
    peer.command(Command::Unignore(mask)).unwrap();
    peer.hear(":Mallory!m@host.EVIL PRIVMSG alice :a");
    assert_eq!(peer.take_events().len(), 1);
}

/// A whole life of a session, from the first byte to the last.
fn life(change: impl FnOnce(&mut Config)) -> String {
    let mut peer = Peer::new(change);
    let mut said = String::new();
    peer.connect();
    said += &peer.take_said();
    peer.hear(":irc CAP * LS :batch message-tags server-time");
    said += &peer.take_said();
    peer.hear(":irc CAP * ACK :batch message-tags server-time");
    peer.greet("");
    peer.enter("#r", "bob");
    peer.send("#r", "hello", 1).unwrap();
    peer.send_as("bob", "waves", 2, SendKind::Action).unwrap();
    peer.hear(":bob!b@h PRIVMSG alice :\u{1}TIME\u{1}");
    peer.command(Command::Leave(room("#r"))).unwrap();
    peer.command(Command::GoOffline).unwrap();
    said + &peer.take_said()
}

/// Alone, this writes a whole life down for the test below, which starts it on machines that differ.
#[test]
fn a_life_is_written_down() {
    if let Some(path) = std::env::var_os("OTTER_LIFE") {
        std::fs::write(path, life(|_| ())).unwrap();
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "starts this very test in another environment"
)]
fn two_machines_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let on_a_machine = |name: &str, variables: &[(&str, &str)]| {
        let path = folder.path().join(name);
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "protocol::silence::a_life_is_written_down"])
            .env_clear()
            .envs(variables.iter().copied())
            .env("OTTER_LIFE", &path)
            .status()
            .unwrap();
        assert!(status.success());
        std::fs::read(path).unwrap()
    };
    let here = [
        ("LANG", "C"),
        ("TZ", "UTC"),
        ("USER", "user"),
        ("HOSTNAME", "amnesia"),
        ("HOME", "/"),
    ];
    let there = [
        ("LANG", "fa_IR.UTF-8"),
        ("LC_ALL", "fa_IR.UTF-8"),
        ("TZ", "Asia/Tehran"),
        ("USER", "parisa"),
        ("LOGNAME", "parisa"),
        ("HOSTNAME", "parisas-laptop"),
        ("HOME", "/home/parisa"),
        ("IRCNICK", "parisa"),
        ("IRCNAME", "Parisa"),
    ];
    let said = on_a_machine("here", &here);
    assert!(said.ends_with(b"QUIT\r\n"));
    assert_eq!(said, on_a_machine("there", &there));
}

#[test]
fn two_people_say_the_same_but_for_their_nick() {
    let alice = life(|_| ());
    let bob = life(|config| config.nick = nick("carol"));
    assert_eq!(alice.replace("alice", "carol"), bob);
}

/// When each line of an hour goes, counted from the first, beside what the server did before it.
fn times(start: u64, change: impl FnOnce(&mut Config)) -> Vec<(Duration, String)> {
    let mut peer = Peer::new(|config| {
        config.flood = irc::Flood::default();
        change(config);
    });
    peer.now = Duration::from_millis(start);
    peer.answers = true;
    let (start, mut all) = (peer.now, Vec::new());
    let mut note = |peer: &mut Peer| {
        peer.answer();
        let lines = peer.take_said();
        all.extend(lines.lines().map(|line| (peer.now - start, line.to_owned())));
    };
    peer.connect();
    note(&mut peer);
    for line in [
        ":irc CAP * LS :batch server-time",
        ":irc CAP * ACK :batch server-time",
    ] {
        peer.rest(1);
        peer.hear(line);
        note(&mut peer);
    }
    peer.greet("");
    peer.enter("#r", "mallory");
    for token in 0..12 {
        peer.send("#r", "hello", token).unwrap();
    }
    note(&mut peer);
    // Every half second for an hour; mallory asks and the server pings now and then.
    for half in 1..7_200_u64 {
        let until = start + Duration::from_millis(2_000 + half * 500);
        while peer.wake.is_some_and(|wake| wake <= until) {
            peer.sleep();
            note(&mut peer);
        }
        peer.now = until;
        match half % 700 {
            100 => peer.hear("PING :are you there"),
            300 => peer.hear(":mallory!m@evil PRIVMSG alice :\u{1}TIME\u{1}"),
            500 => peer.hear(":mallory!m@evil PRIVMSG #r :hello?"),
            _ => continue,
        }
        note(&mut peer);
    }
    all
}

#[test]
fn when_a_line_goes_depends_on_what_came_and_on_no_clock() {
    let alice = times(1_000_000, |_| ());
    assert!(alice.len() > 30, "{alice:?}");
    // Another machine's clock is elsewhere in its minute, hour and year.
    let carol = times(31_557_123_457, |config| config.nick = nick("carol"));
    let as_carol = alice
        .iter()
        .map(|(at, line)| (*at, line.replace("alice", "carol")));
    assert_eq!(as_carol.collect::<Vec<_>>(), carol);
    // Five lines at once, then one each two seconds; a ping is answered at once.
    let of = |words: &str| {
        let lines = alice.iter().filter(|(_, line)| line.starts_with(words));
        lines.map(|(at, _)| at.as_millis()).collect::<Vec<_>>()
    };
    let words = of("PRIVMSG");
    assert_eq!(words.len(), 12);
    assert!(
        words
            .windows(2)
            .all(|two| [0, 2_000].contains(&(two[1] - two[0]))),
        "{words:?}"
    );
    let answers: Vec<_> = (0..11).map(|round| 2_000 + (round * 700 + 100) * 500).collect();
    assert_eq!(
        of("PONG :are you there"),
        answers[..of("PONG :are you there").len()]
    );
    assert!(of("PONG").len() > 5);
    // What is asked of the server in quiet times is drawn anew each time, so no clock can be read off it.
    let asked = of("PING");
    let gaps: std::collections::BTreeSet<_> = asked.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(gaps.len() > 1, "{gaps:?}");
}
