//! A bouncer that kept what was said while nobody was there, and its rooms.
//! Must never begin OTR over what was kept. znc 1.8; IRCv3 server-time, batch.

use std::time::Duration;

use model::{AddContact, Command, Event, RoomRef, RoomShown, ServicesLogin};
use stories::{Place, SOON, Trouble};

use super::person::{Person, Raw, address};
use super::servers::IrcServer;

/// Waits for a text of bob's that came readable; gives whether it is marked as one that was kept.
fn readable(person: &mut Person, text: &str) -> Result<bool, Trouble> {
    person.otter.until(text, SOON, |event| match event {
        Event::MessageChanged { message } if message.text == text && !message.encrypted => {
            Some(message.earlier)
        }
        _ => None,
    })
}

#[test]
fn lab_what_a_bouncer_kept_is_marked_never_reaches_otr_and_gets_no_answer() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let server = IrcServer::inspircd(&place);
    let mut bob = Raw::online("bob", &server);
    bob.say("JOIN #r");
    let bouncer = IrcServer::znc(&place, &server);
    // The bouncer comes in alice's name.
    bob.wait_for(":alice!");
    // No questions to programs: the bouncer answers those itself.
    for text in ["?OTRv3?", "while you were away", "?OTR:AAMC."] {
        bob.say(&format!("PRIVMSG alice :{text}"));
    }
    bob.say("PRIVMSG #r :said in the room meanwhile");
    bob.listen(Duration::from_secs(2));
    let login = Some(ServicesLogin::Bouncer);
    let mut alice = Person::prepare(&place, ("alice", "alice/net:secret", login), &bouncer, &[])?;
    let contact = AddContact {
        account: alice.account,
        contact: address("bob"),
        name: None,
        invitation: None,
    };
    alice.otter.ask(&Command::AddContact(contact))?;
    bob.heard.clear();
    alice.come()?;
    assert!(readable(&mut alice, "while you were away")?, "not marked as kept");
    let room = RoomRef {
        account: alice.account,
        room: address("#r"),
    };
    let shown = alice.otter.ask(&Command::ShowRoom(room))?;
    let shown: RoomShown = serde_json::from_value(shown).unwrap();
    // The bouncer plays its rooms first.
    let marks = shown
        .messages
        .iter()
        .filter(|message| message.text == "said in the room meanwhile");
    assert_eq!(marks.map(|message| message.earlier).collect::<Vec<_>>(), [true]);
    bob.say("PRIVMSG alice :and now");
    assert!(!readable(&mut alice, "and now")?);
    alice.otter.listen(Duration::from_secs(8))?;
    bob.listen(Duration::from_secs(1));
    // Nobody heard anything of alice, nor left the bouncer a room.
    assert!(!bob.heard.contains(":alice!"), "{}", bob.heard);
    let shown = alice.otter.snapshot()?;
    assert!(shown.rooms.iter().any(|room| room.address.as_str() == "#r"));
    alice.otter.stop()
}
