//! The rooms of the mirror: who is in them, what was said in them.
//! It must never call anything in a room private, nor grow past [`MAX_ROOMS`] and [`MAX_MEMBERS`].
//! Standard: `docs/rpc.md`, `room.*`.

use model::{Member, Room, RoomMessage, RoomRef, RoomShown};

use super::{Change, State};
use crate::Peer;
use crate::log::{Log, What};
use crate::text::{self, Name};

/// Rooms that are mirrored.
pub const MAX_ROOMS: usize = 1_000;
/// Members of a room that are mirrored: as many as the engine tells.
pub const MAX_MEMBERS: usize = 10_000;

/// One room as it is now.
#[derive(Clone, Debug)]
pub struct RoomTalk {
    /// The room.
    pub room: Room,
    /// Its name as it is shown.
    pub name: Name,
    /// The same as it is sorted and found.
    pub(crate) key: String,
    /// Who is in it, as the engine told last.
    pub members: Vec<Member>,
    /// What the engine keeps of a text that was begun and not said.
    pub draft: String,
    /// What was said.
    pub log: Log,
    /// Whether the engine told what was said before this window heard of the room.
    pub whole: bool,
}

impl RoomTalk {
    fn new(room: Room) -> Self {
        let name = text::name(room.name.as_deref(), room.address.as_str());
        Self {
            key: text::skeleton(&name.text),
            name,
            members: Vec::new(),
            draft: String::new(),
            log: Log::default(),
            whole: false,
            room,
        }
    }

    fn renew(&mut self, room: Room) {
        let new = Self::new(room);
        (self.room, self.name, self.key) = (new.room, new.name, new.key);
    }

    /// Everything that was said, in its order; what was unread stays so.
    fn say_anew(&mut self, messages: Vec<RoomMessage>) {
        let first = self.log.first_unread().and_then(|row| self.log.entry(row));
        let first = first.and_then(|entry| entry.what.id().cloned());
        let mut log = Log::default();
        let mut read = true;
        for message in messages {
            if read && first.as_ref() == Some(&message.id) {
                log.mark_read();
                read = false;
            }
            log.put(What::Said(message));
        }
        if read {
            log.mark_read();
        }
        self.log = log;
    }
}

impl State {
    /// One room.
    pub fn room(&self, peer: &Peer) -> Option<&RoomTalk> {
        self.rooms.get(peer)
    }

    /// The rooms of every account.
    pub fn rooms(&self) -> impl ExactSizeIterator<Item = (&Peer, &RoomTalk)> {
        self.rooms.iter()
    }

    /// The room that is open in the window.
    pub fn opened_room(&self) -> Option<&Peer> {
        self.open.as_ref().filter(|peer| self.rooms.contains_key(peer))
    }

    /// Takes what the engine answered to `room.show`.
    pub fn take_room(&mut self, shown: RoomShown) -> Vec<Change> {
        let peer = Peer::new(shown.room.account, shown.room.address.clone());
        let Some(talk) = self.room_of(&peer, shown.room) else {
            return Vec::new();
        };
        talk.members = shown.members;
        talk.members.truncate(MAX_MEMBERS);
        talk.draft = shown.draft;
        if !talk.whole {
            talk.say_anew(shown.messages);
            talk.whole = true;
        }
        self.read_open();
        vec![Change::Room(peer), Change::List]
    }

    pub(super) fn replace_rooms(&mut self, rooms: Vec<Room>) {
        let mut before = std::mem::take(&mut self.rooms);
        for room in rooms.into_iter().take(MAX_ROOMS) {
            let peer = Peer::new(room.account, room.address.clone());
            let talk = match before.remove(&peer) {
                Some(mut talk) => {
                    talk.renew(room);
                    // Something may have been said that was not heard.
                    talk.whole = false;
                    talk
                }
                None => RoomTalk::new(room),
            };
            self.rooms.insert(peer, talk);
        }
    }

    pub(super) fn room_changed(&mut self, room: Room) -> Vec<Change> {
        let peer = Peer::new(room.account, room.address.clone());
        self.room_of(&peer, room);
        vec![Change::Room(peer), Change::List]
    }

    pub(super) fn room_removed(&mut self, peer: &Peer) -> Vec<Change> {
        self.rooms.remove(peer);
        if self.open.as_ref() == Some(peer) {
            self.open = None;
        }
        vec![Change::Room(peer.clone()), Change::List]
    }

    pub(super) fn room_said(&mut self, message: RoomMessage) -> Vec<Change> {
        let peer = Peer::new(message.account, message.room.clone());
        let watched = self.watched(&peer);
        let Some(talk) = self.rooms.get_mut(&peer) else {
            return Vec::new();
        };
        let unread = talk.log.unread();
        let names_owner = names(&message.text, &talk.room.nick);
        let row = talk.log.put(What::Said(message));
        let arrived = talk.log.unread() > unread && !watched && names_owner;
        if watched {
            talk.log.mark_read();
        }
        let mut changes = vec![Change::Row(peer.clone(), row), Change::List];
        if arrived {
            changes.push(Change::Arrived(peer));
        }
        changes
    }

    fn room_of(&mut self, peer: &Peer, room: Room) -> Option<&mut RoomTalk> {
        if self.rooms.len() >= MAX_ROOMS && !self.rooms.contains_key(peer) {
            return None;
        }
        let talk = self
            .rooms
            .entry(peer.clone())
            .or_insert_with(|| RoomTalk::new(room.clone()));
        talk.renew(room);
        Some(talk)
    }
}

/// Whether a text calls somebody by a nick.
fn names(text: &str, nick: &str) -> bool {
    let nick = nick.to_lowercase();
    !nick.is_empty()
        && text
            .to_lowercase()
            .split(|letter: char| !(letter.is_alphanumeric() || nick.contains(letter)))
            .any(|word| word == nick)
}

impl Peer {
    /// As the parameter of a method that wants one room.
    pub fn room(&self) -> RoomRef {
        RoomRef {
            account: self.account,
            room: self.contact.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ACCOUNT, address, room, said, snapshot};
    use model::{Event, RoomShown};

    fn otters() -> Peer {
        Peer::new(ACCOUNT, address("otters@rooms.example"))
    }

    fn state() -> State {
        let mut state = State::default();
        let mut all = snapshot(1, vec![]);
        all.rooms.push(room("otters@rooms.example"));
        state.replace(all);
        state.look(true);
        state
    }

    fn shown(messages: Vec<RoomMessage>) -> RoomShown {
        RoomShown {
            room: room("otters@rooms.example"),
            members: Vec::new(),
            messages,
            draft: "half".to_owned(),
        }
    }

    fn say(state: &mut State, message: RoomMessage) -> Vec<Change> {
        state.apply(Event::RoomSaid { message }, 0)
    }

    #[test]
    fn what_was_said_in_a_room_is_unread_until_it_is_looked_at() {
        let mut state = state();
        say(&mut state, said(3, Some("carol"), "hello"));
        let mut mine = said(4, Some("wren"), "mine");
        mine.own = true;
        say(&mut state, mine.clone());
        let mut earlier = said(2, Some("carol"), "before");
        earlier.earlier = true;
        say(&mut state, earlier.clone());
        assert_eq!(state.room(&otters()).unwrap().log.unread(), 1);
        let all = vec![earlier, said(3, Some("carol"), "hello"), mine];
        state.take_room(shown(all));
        let talk = state.room(&otters()).unwrap();
        assert_eq!(
            (talk.log.len(), talk.log.unread(), talk.draft.as_str()),
            (3, 1, "half")
        );
        assert_eq!(talk.log.first_unread(), Some(1));
        state.open(Some(otters()));
        assert_eq!(state.room(&otters()).unwrap().log.unread(), 0);
        assert_eq!((state.opened(), state.opened_room()), (None, Some(&otters())));
    }

    #[test]
    fn only_who_calls_the_owner_asks_for_a_look() {
        let mut state = state();
        let arrived = |changes: Vec<Change>| changes.contains(&Change::Arrived(otters()));
        assert!(!arrived(say(
            &mut state,
            said(1, Some("carol"), "wrens are birds")
        )));
        assert!(arrived(say(&mut state, said(2, Some("carol"), "Wren: look"))));
    }

    #[test]
    fn a_room_that_is_gone_is_closed_and_a_locked_profile_has_none() {
        let mut state = state();
        state.open(Some(otters()));
        let (account, room) = (ACCOUNT, otters().contact);
        state.apply(Event::RoomRemoved { account, room }, 0);
        assert!(state.opened_room().is_none() && state.rooms().len() == 0);
        let mut state = self::state();
        state.apply(
            Event::ProfileChanged {
                state: model::ProfileState::Locked,
            },
            0,
        );
        assert_eq!(state.rooms().len(), 0);
    }

    #[test]
    fn rooms_that_nobody_told_of_hold_nothing() {
        let mut state = state();
        let mut stray = said(1, Some("mallory"), "hi");
        stray.room = address("other@rooms.example");
        assert!(say(&mut state, stray).is_empty());
    }
}
