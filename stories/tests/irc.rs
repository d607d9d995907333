//! IRC as people meet it, over the private Tor network: with irssi and its OTR, with our own program at both ends,
//! with services and rooms; and somebody who tries everything to learn something.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "starts servers and peers of its own, on loopback"
)]

mod irc {
    pub(crate) mod irssi;
    pub(crate) mod person;
    pub(crate) mod servers;
}

use std::time::Duration;

use irc::irssi::Irssi;
use irc::person::{Person, Raw};
use irc::servers::IrcServer;
use model::{Delivery, Event, Privacy, ServicesLogin};
use stories::{Place, SOON, Trouble, proof};

/// Longer than a line: it goes in fragments.
fn long() -> String {
    "twenty thousand otters ".repeat(40).trim().to_owned()
}

#[test]
fn lab_irssi_answers_when_we_start_and_everything_crosses_in_short_lines_of_otr() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let server = IrcServer::ngircd(&place);
    let mut irssi = Irssi::start(&place, &server, "bob")?;
    let mut alice = Person::arrive(&place, ("alice", ""), &server, &[])?;
    alice.otter.add_contact(alice.account, "bob")?;
    let long = long();
    for text in ["hello", "سلام 🦦", &long] {
        alice.otter.send(alice.account, "bob", text)?;
        irssi.wait_for(&format!("private alice {text}"))?;
    }
    alice.otter.send(alice.account, "bob", "/me waves")?;
    irssi.wait_for("action alice waves")?;
    irssi.does("alice me waves back");
    alice.otter.wait_for_text("/me waves back", SOON)?;
    let answer = "re: twenty thousand otters".repeat(12);
    irssi.does(&format!("alice msg * {answer}"));
    alice.otter.wait_for_text(&answer, SOON)?;
    let crossed = irssi.crossed();
    assert!(
        crossed.iter().any(|line| line.contains(":?OTR|")),
        "nothing went in fragments"
    );
    for line in crossed {
        let body = line
            .split_once("PRIVMSG")
            .and_then(|(_, said)| said.split_once(" :"));
        let body = body.unwrap().1;
        assert!(body.starts_with("?OTR") && body.len() <= 400, "{line}");
    }
    assert!(proof::only_relays(&place, &alice.otter)? > 0);
    alice.otter.stop()
}

#[test]
fn lab_irssi_starts_and_a_change_of_nick_and_the_end_close_the_private_conversation() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let server = IrcServer::ngircd(&place);
    let mut irssi = Irssi::start(&place, &server, "bob")?;
    let mut alice = Person::arrive(&place, ("alice", ""), &server, &[])?;
    alice.otter.add_contact(alice.account, "bob")?;
    // Who shares no room is only asked for every minute or two.
    alice.enter("#otters")?;
    irssi.does("- join #otters");
    irssi.does("- query alice");
    irssi.does("alice otr init");
    alice.otter.wait_private("bob", SOON)?;
    irssi.does("alice msg * hello");
    alice.otter.wait_for_text("hello", SOON)?;
    assert_eq!(alice.otter.received().get("hello"), Some(&(1, 0)));
    // Whoever takes the nick next may be somebody else.
    irssi.does("- nick robert");
    left_private(&mut alice, &Privacy::Plain)?;
    irssi.does("- nick bob");
    irssi.wait_for("print - -!- You're now known as bob")?;
    let again = alice.otter.send(alice.account, "bob", "are you still you?")?;
    irssi.wait_for("private alice are you still you?")?;
    irssi.does("alice otr finish");
    left_private(&mut alice, &Privacy::Finished)?;
    assert_eq!(alice.otter.delivery(&again), Some(&Delivery::Sent));
    alice.otter.stop()
}

fn left_private(person: &mut Person, to: &Privacy) -> Result<(), Trouble> {
    person
        .otter
        .until("the end of privacy", SOON, |event| match event {
            Event::PrivacyChanged { privacy, .. } if privacy == to => Some(()),
            _ => None,
        })
}

#[test]
fn lab_two_of_ours_log_in_with_services_meet_in_a_room_and_talk_in_private() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let server = IrcServer::inspircd(&place);
    for nick in ["alice", "bob"] {
        let mut raw = Raw::online(nick, &server);
        raw.register("pencil12");
        raw.say("QUIT");
        raw.wait_for("ERROR");
    }
    let mut alice = Person::arrive(&place, ("alice", "pencil12"), &server, &[])?;
    let mut bob = Person::arrive(&place, ("bob", "pencil12"), &server, &[])?;
    for nick in ["alice", "bob"] {
        let lines = server.lines_of(nick);
        assert!(lines.iter().any(|line| line == "AUTHENTICATE PLAIN"), "{lines:?}");
    }
    alice.enter("#otters")?;
    bob.enter("#otters")?;
    // A room never sees OTR, and nothing that looks like it.
    let refused = alice.say("#otters", "?OTRv3?").unwrap_err().to_string();
    assert!(refused.contains("message.looks_like_otr"), "{refused}");
    alice.say("#otters", "hello otters")?;
    assert_eq!(bob.hears("hello otters")?, "alice");
    bob.say("#otters", "hello room")?;
    assert_eq!(alice.hears("hello room")?, "bob");
    alice.otter.add_contact(alice.account, "bob")?;
    bob.otter.add_contact(bob.account, "alice")?;
    let long = long();
    for text in ["hello", "/me waves", &long] {
        let sent = alice.otter.send(alice.account, "bob", text)?;
        bob.otter.wait_for_text(text, SOON)?;
        assert_eq!(alice.otter.wait_for_fate(&sent, SOON)?, Delivery::Received);
        assert_eq!(bob.otter.received().get(text), Some(&(1, 0)));
    }
    bob.otter.send(bob.account, "alice", "good night")?;
    alice.otter.wait_for_text("good night", SOON)?;
    alice.otter.stop()?;
    bob.otter.stop()
}

#[test]
fn lab_a_certificate_and_a_key_made_by_the_program_open_an_account_and_no_other_does() -> Result<(), Trouble>
{
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let server = IrcServer::inspircd(&place);
    let ways = [
        ("alice", ServicesLogin::Certificate, "EXTERNAL"),
        ("bobby", ServicesLogin::Key, "ECDSA-NIST256P-CHALLENGE"),
    ];
    for (nick, login, mechanism) in ways {
        let mut person = Person::prepare(&place, (nick, "", Some(login)), &server, &[])?;
        let mut raw = Raw::online(nick, &server);
        raw.register("pencil12");
        raw.say("QUIT");
        raw.wait_for("ERROR");
        // The services do not know it yet: nothing is tried a second time.
        let refused = person.come().unwrap_err().to_string();
        assert!(refused.contains("wrong-password"), "{refused}");
        let keys = person.login_keys()?;
        let mut raw = Raw::online(nick, &server);
        raw.say("PRIVMSG NickServ :IDENTIFY pencil12");
        raw.wait_for("now identified");
        raw.say(&format!("PRIVMSG NickServ :CERT ADD {}", keys.certificate_sha256));
        raw.wait_for("Added fingerprint");
        raw.say(&format!("PRIVMSG NickServ :SET PUBKEY {}", keys.public_key));
        raw.wait_for("public key");
        raw.say("QUIT");
        raw.wait_for("ERROR");
        person.come()?;
        let lines = server.lines_of(nick);
        let said = format!("AUTHENTICATE {mechanism}");
        assert!(
            lines.contains(&said) && !lines.iter().any(|line| line.contains("PLAIN")),
            "{lines:?}"
        );
        person.otter.stop()?;
    }
    Ok(())
}

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
    let places = [
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
    let mut people = Vec::new();
    for (nick, around) in ["alice", "bobby"].into_iter().zip(&places) {
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
