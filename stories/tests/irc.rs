//! IRC as people meet it, over the private Tor network: with irssi and its OTR, with our own program at both ends,
//! with services and rooms; and somebody who tries everything to learn something.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "starts servers and peers of its own, on loopback"
)]

mod irc {
    mod accounts;
    mod bouncer;
    pub(crate) mod irssi;
    pub(crate) mod person;
    pub(crate) mod servers;
    mod silence;
}

use irc::irssi::Irssi;
use irc::person::{Person, Raw};
use irc::servers::IrcServer;
use model::{Delivery, Event, Privacy};
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
