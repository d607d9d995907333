//! What others can see of two people: nothing but what the server itself says, in words and in times.
//! Must never answer anything. RFC 1459; CTCP, DCC.

use std::time::Duration;

use stories::{Place, Trouble};

use super::person::{Person, Raw};
use super::servers::IrcServer;

/// Two people who live elsewhere.
const PLACES: [[&str; 7]; 2] = [
    [
        "env",
        "LANG=fa_IR.UTF-8",
        "LC_ALL=fa_IR.UTF-8",
        "TZ=Asia/Tehran",
        "USER=alice",
        "LOGNAME=alice",
        "HOSTNAME=laptop",
    ],
    [
        "env",
        "LANG=de_DE.UTF-8",
        "LC_ALL=de_DE.UTF-8",
        "TZ=America/Lima",
        "USER=bob",
        "LOGNAME=bob",
        "HOSTNAME=desk",
    ],
];

/// Seconds that Tor, the server's whole seconds and a busy machine may make of none.
const NOISE: u64 = 4;

/// What clients answer that tell of their users.
const QUESTIONS: [&str; 14] = [
    "ACTION",
    "AVATAR",
    "CLIENTINFO",
    "DCC CHAT chat 2130706433 4000",
    "DCC RESUME file 4000 1",
    "DCC SEND file 2130706433 4000 10",
    "ERRMSG x",
    "FINGER",
    "LAG",
    "PING 123456",
    "SOURCE",
    "TIME",
    "USERINFO",
    "VERSION",
];

#[test]
fn lab_whoever_asks_everything_learns_nothing_and_two_people_elsewhere_look_the_same() -> Result<(), Trouble>
{
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let server = IrcServer::inspircd(&place);
    let mut mallory = Raw::online("mallory", &server);
    mallory.say("JOIN #otters");
    let mut people = Vec::new();
    for (nick, around) in ["alice", "bobby"].into_iter().zip(&PLACES) {
        let mut person = Person::arrive(&place, (nick, ""), &server, around)?;
        person.enter("#otters")?;
        people.push((nick, person));
    }
    mallory.listen(Duration::from_secs(2));
    mallory.heard.clear();
    for (nick, _) in &people {
        for target in [nick, "#otters"] {
            for question in QUESTIONS {
                mallory.say(&format!("PRIVMSG {target} :\u{1}{question}\u{1}"));
                mallory.say(&format!("NOTICE {target} :\u{1}{question}\u{1}"));
            }
            for text in ["hello?", "?OTRv3?", "?OTR:AAMC", "\u{2}bold\u{3}4,5 words"] {
                mallory.say(&format!("PRIVMSG {target} :{text}"));
                mallory.say(&format!("NOTICE {target} :{text}"));
            }
        }
        mallory.say(&format!("INVITE {nick} #trap"));
        mallory.say(&format!("WHOIS {nick} {nick}"));
    }
    mallory.listen(Duration::from_secs(20));
    for (nick, _) in &people {
        let from = format!(":{nick}!");
        let answers: Vec<_> = mallory
            .heard
            .lines()
            .filter(|line| line.starts_with(&from))
            .collect();
        assert!(answers.is_empty(), "{answers:?}");
    }
    let whois = |nick: &str| {
        let about = mallory
            .heard
            .lines()
            .filter(|line| line.contains(&format!(" 311 mallory {nick} ")));
        about.map(|line| line.replace(nick, "NICK")).collect::<Vec<_>>()
    };
    assert_eq!((whois("alice").len(), whois("alice")), (1, whois("bobby")));
    for (_, person) in people {
        person.otter.stop()?;
    }
    let said = |nick: &str| {
        let lines = server.lines_of(nick).into_iter();
        let ours = lines.filter(|line| !line.starts_with("PONG") && !line.starts_with("PING"));
        ours.map(|line| line.replace(nick, "NICK")).collect::<Vec<_>>()
    };
    let (alice, bobby) = (said("alice"), said("bobby"));
    assert!(alice.iter().any(|line| line.starts_with("USER")), "{alice:?}");
    assert_eq!(alice, bobby);
    Ok(())
}

/// Seconds from the first line to each, with what it says in the same words for both.
fn steps(server: &IrcServer, nick: &str) -> Vec<(u64, String)> {
    let lines = server.times_of(nick);
    let first = lines.first().map_or(0, |(at, _)| *at);
    let lines = lines.into_iter();
    lines
        .map(|(at, line)| (at.wrapping_sub(first), without_label(&line).replace(nick, "NICK")))
        .collect()
}

fn without_label(line: &str) -> String {
    match line.strip_prefix("I @").and_then(|rest| rest.split_once(' ')) {
        Some((_, line)) => format!("I {line}"),
        None => line.to_owned(),
    }
}

/// Lines of somebody's own that begin like this, and when they came.
fn own(steps: &[(u64, String)], start: &str) -> Vec<u64> {
    let lines = steps
        .iter()
        .filter_map(|(at, line)| Some((at, line.strip_prefix("I ")?)));
    lines
        .filter(|(_, line)| line.starts_with(start))
        .map(|(at, _)| *at)
        .collect()
}

#[test]
fn lab_the_lines_of_two_people_elsewhere_come_at_the_same_steps() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let server = IrcServer::inspircd(&place);
    let mut mallory = Raw::online("mallory", &server);
    mallory.say("JOIN #otters");
    let mut people = Vec::new();
    for (nick, around) in ["alice", "bobby"].into_iter().zip(&PLACES) {
        let mut person = Person::arrive(&place, (nick, ""), &server, around)?;
        person.enter("#otters")?;
        // More than may go at once.
        for number in 0..9 {
            person.say("#otters", &format!("words {number}"))?;
        }
        people.push((nick, person));
    }
    // Longer than the server waits before it asks whether they are there, and than the flood clock.
    for _ in 0..8 {
        for (nick, _) in &people {
            mallory.say(&format!("PRIVMSG {nick} :\u{1}TIME\u{1}"));
            mallory.say(&format!("PRIVMSG {nick} :hello?"));
        }
        mallory.listen(Duration::from_secs(5));
    }
    let seen = people
        .iter()
        .map(|(nick, _)| steps(&server, nick))
        .collect::<Vec<_>>();
    for (_, person) in people {
        person.otter.stop()?;
    }
    for steps in &seen {
        check_steps(steps);
    }
    // Up to the first answer to a ping: the same words, each as long after the first.
    let said = |steps: &[(u64, String)]| {
        let own = steps.iter().filter(|(_, line)| {
            line.starts_with("I ") && !line.starts_with("I PING") && !line.starts_with("I PONG")
        });
        own.cloned().collect::<Vec<_>>()
    };
    let (alice, bobby) = (said(&seen[0]), said(&seen[1]));
    let words = |steps: &[(u64, String)]| steps.iter().map(|(_, line)| line.clone()).collect::<Vec<_>>();
    assert_eq!(words(&alice), words(&bobby));
    for ((a, line), (b, _)) in alice.iter().zip(&bobby) {
        assert!(
            a.abs_diff(*b) <= 3 * NOISE,
            "{line}: {a} and {b} s after the first"
        );
    }
    Ok(())
}

/// The flood clock, answers at once, and nothing else.
fn check_steps(steps: &[(u64, String)]) {
    let words = own(steps, "PRIVMSG #otters");
    assert_eq!(words.len(), 9, "{steps:?}");
    let whole = words[8] - words[0];
    // What had gone before took some of the five lines that go at once.
    assert!((8..=18 + NOISE).contains(&whole), "{words:?}");
    let late = words.windows(2).skip(4).map(|two| two[1] - two[0]);
    assert!(late.into_iter().all(|gap| gap <= 2 + NOISE), "{words:?}");
    let (mut asked, mut pings) = (None, 0);
    for (at, line) in steps {
        if line.starts_with("O ") {
            asked = Some(*at);
        } else if line.starts_with("I PONG") {
            let since = asked.take().map(|asked| at - asked);
            assert!(since.is_some_and(|since| since <= NOISE), "{line}: {since:?}");
            pings += 1;
        } else if words.last().is_some_and(|last| at > last) {
            // Its own question, when all is quiet, whether the server is there.
            assert!(line.starts_with("I PING"), "{line}");
        }
    }
    assert!(pings > 0, "{steps:?}");
}
