//! Rooms of an XMPP server as people meet in them: made closed, with those who were asked in, and nobody else.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use model::{
    Address, Command, EnterRoom, Event, FindRooms, FoundRooms, InviteToRoom, ModerateRoom, Moderation, Rank,
    Room, RoomRef, RoomState, RoomText, SayInRoom, Transport,
};
use stories::{Person, Place, SOON, Trouble};

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn enter(person: &mut Person, room: &Address, nick: &str, create: bool) -> Result<(), Trouble> {
    let enter = Command::EnterRoom(EnterRoom {
        account: person.account,
        room: room.clone(),
        nick: Some(nick.to_owned()),
        password: None,
        create,
        enter: false,
    });
    person.otter.ask(&enter).map(drop)
}

fn until(person: &mut Person, what: &str, good: impl Fn(&Room) -> bool) -> Result<Room, Trouble> {
    person.otter.until(what, SOON, |event| match event {
        Event::RoomChanged { room } if good(room) => Some(room.clone()),
        _ => None,
    })
}

fn inside(person: &mut Person) -> Result<Room, Trouble> {
    until(person, "being in the room", |room| {
        room.state == RoomState::Inside
    })
}

/// Why the person is not in the room.
fn refused(person: &mut Person) -> Result<String, Trouble> {
    let room = until(person, "a refusal", |room| {
        matches!(room.state, RoomState::Refused { .. })
    })?;
    match room.state {
        RoomState::Refused { problem } => Ok(problem.code),
        _ => Err(Trouble::new("not refused")),
    }
}

fn say(person: &mut Person, room: &Address, text: &str) -> Result<(), Trouble> {
    let say = Command::SayInRoom(SayInRoom {
        account: person.account,
        room: room.clone(),
        text: text.to_owned(),
    });
    person.otter.ask(&say).map(drop)
}

/// Waits until somebody else's words are heard; gives the nick.
fn hears(person: &mut Person, text: &str) -> Result<String, Trouble> {
    person.otter.until("words in a room", SOON, |event| match event {
        Event::RoomSaid { message } if message.text == text && !message.own => message.nick.clone(),
        _ => None,
    })
}

#[test]
fn lab_two_people_meet_in_a_closed_room_and_mallory_is_not_let_in() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut alice = Person::arrive(&place, "alice", place.by_name(Transport::DirectTls))?;
    let mut bob = Person::arrive(&place, "bob", place.by_onion(Transport::StartTls))?;
    let mut mallory = Person::arrive(&place, "mallory", place.by_name(Transport::StartTls))?;
    let (name, domain) = (place.fresh("den"), &place.info().domain);
    let room = address(&format!("{name}@rooms.{domain}"));
    enter(&mut mallory, &room, "alice", false)?;
    assert_eq!(refused(&mut mallory)?, "room.no_such_room");
    enter(&mut alice, &room, "alice", true)?;
    let made = inside(&mut alice)?;
    assert_eq!((made.rank, made.risks.as_slice()), (Rank::Owner, [].as_slice()));
    enter(&mut mallory, &room, "alice", false)?;
    assert_eq!(refused(&mut mallory)?, "room.members_only");
    let invite = Command::InviteToRoom(InviteToRoom {
        account: alice.account,
        room: room.clone(),
        contact: address(&bob.jid),
    });
    alice.otter.ask(&invite)?;
    let by = address(&alice.jid);
    until(&mut bob, "the invitation", |room| {
        room.invited_by.as_ref() == Some(&by)
    })?;
    // The name that he wants is alice's: he gets one like it.
    enter(&mut bob, &room, "alice", false)?;
    let entered = inside(&mut bob)?;
    assert!(
        entered.nick.starts_with("alice") && entered.nick != "alice",
        "{}",
        entered.nick
    );
    talk(&mut alice, &mut bob, &room, &entered.nick)?;
    leave(&mut alice, &mut bob, &room, &entered.nick)?;
    alice.otter.stop()?;
    mallory.otter.stop()?;
    bob.otter.stop()
}

fn talk(alice: &mut Person, bob: &mut Person, room: &Address, nick: &str) -> Result<(), Trouble> {
    for text in ["hello", "this ?OTRv3? is only text", "سلام 🦦"] {
        say(alice, room, text)?;
        assert_eq!(hears(bob, text)?, "alice");
        say(bob, room, &format!("re: {text}"))?;
        assert_eq!(hears(alice, &format!("re: {text}"))?, nick);
    }
    let topic = Command::SetTopic(RoomText {
        account: alice.account,
        room: room.clone(),
        text: "otters".to_owned(),
    });
    alice.otter.ask(&topic)?;
    until(bob, "the topic", |room| room.topic.as_deref() == Some("otters"))?;
    // What nobody lists, nobody finds.
    let find = Command::FindRooms(FindRooms {
        account: bob.account,
        words: room.as_str().to_owned(),
    });
    let found: FoundRooms = serde_json::from_value(bob.otter.ask(&find)?).unwrap();
    assert!(found.rooms.is_empty(), "{found:?}");
    Ok(())
}

fn leave(alice: &mut Person, bob: &mut Person, room: &Address, nick: &str) -> Result<(), Trouble> {
    let kick = Command::ModerateRoom(ModerateRoom {
        account: alice.account,
        room: room.clone(),
        nick: nick.to_owned(),
        action: Moderation::Kick,
    });
    alice.otter.ask(&kick)?;
    assert_eq!(refused(bob)?, "room.put_out");
    let leave = Command::LeaveRoom(RoomRef {
        account: alice.account,
        room: room.clone(),
    });
    alice.otter.ask(&leave)?;
    until(alice, "being outside", |room| room.state == RoomState::Outside).map(drop)
}
