//! What networks tell of rooms.
//! It must never enter a room because somebody else wants it, nor let invitations of strangers pile up.
//! XEP-0045 and XEP-0249; RFC 2812 3.2.

use model::{AccountId, Address, Event, FoundRooms, MessageId, Problem, RoomState};
use rand_core::Rng;

use super::super::{Messenger, to_value};
use super::room::Room;
use super::{MAX_INVITATIONS, MAX_ROOMS, offline};
use crate::link::RoomReport;
use crate::random::SystemRandom;
use crate::text;

/// What shows of words in a room.
pub(super) const READABLE: [&str; 3] = ["message_times", "message_sizes", "readable_text"];
/// Rooms that are shown of a server's list.
const MAX_FOUND: usize = 1_000;

impl Messenger {
    pub(in crate::messenger) fn on_room(&mut self, id: AccountId, report: RoomReport) {
        match report {
            RoomReport::Entered { room, nick } => self.on_entered(id, &room, nick),
            RoomReport::Found { rooms } => {
                let found = rooms.and_then(|rooms| to_value(&sorted(rooms)));
                self.answer_search(id, found);
            }
            RoomReport::Invited { room, by, password } => self.on_invited(id, room, by, password),
            RoomReport::Left { room, why } => self.with_room(id, &room, |room| {
                room.leave();
                room.wanted &= why.is_none();
                if let Some(problem) = why {
                    room.shown.state = RoomState::Refused { problem };
                }
            }),
            RoomReport::Member { room, member } => self.with_members(id, Some(&room), |room| {
                room.put(member.clone());
                true
            }),
            RoomReport::MemberGone { room, nick } => {
                self.with_members(id, room.as_ref(), |room| room.remove(&nick));
            }
            RoomReport::Members { room, members } => self.with_members(id, Some(&room), |room| {
                room.set_members(members.clone());
                true
            }),
            RoomReport::Refused { room, problem } => self.on_refused(id, &room, problem),
            RoomReport::Renamed { room, from, to } => {
                self.with_members(id, room.as_ref(), |room| room.rename(&from, &to));
            }
            RoomReport::Said {
                room,
                nick,
                own,
                text,
                earlier,
            } => self.on_said(id, &room, nick.as_deref(), (own, earlier), &text),
            RoomReport::Told { room, name, risks } => self.with_room(id, &room, |room| {
                if let Some(name) = name {
                    room.set_name(&name);
                }
                room.shown.risks = risks;
            }),
            RoomReport::Topic { room, topic } => {
                if !topic.trim().is_empty() && self.known_room(id, &room).is_ok() {
                    self.seen_room(id, &room, &READABLE, &[]);
                }
                self.with_room(id, &room, |room| room.set_topic(&topic));
            }
        }
    }

    fn with_room(&mut self, id: AccountId, address: &Address, change: impl FnOnce(&mut Room)) {
        if let Ok(room) = self.known_room(id, address) {
            let before = room.shown();
            change(room);
            if room.shown() != before {
                self.tell_room(id, address);
            }
        }
    }

    /// Changes who is in one room, or in every room of the account.
    fn with_members(&mut self, id: AccountId, address: Option<&Address>, change: impl Fn(&mut Room) -> bool) {
        let Some(open) = &mut self.open else { return };
        let (mut changed, mut alike) = (Vec::new(), Vec::new());
        for room in open.rooms.of(id) {
            if address.is_none_or(|address| room.shown.address == *address) {
                let before = room.shown();
                if change(room) {
                    changed.push((room.shown.address.clone(), before != room.shown()));
                }
                let names = room.take_alike();
                alike.extend(names.into_iter().map(|name| (room.shown.address.clone(), name)));
            }
        }
        for (room, also_shown) in changed {
            if also_shown {
                self.tell_room(id, &room);
            }
            self.queue.tell(Event::RoomMembersChanged { account: id, room });
        }
        for (room, name) in alike {
            self.warn_of_name(id, &room, name);
        }
    }

    /// Tells the owner, in the room itself, that somebody's name looks like another one.
    fn warn_of_name(&mut self, id: AccountId, room: &Address, name: String) {
        let text = "A name in this room is written so that it looks like another one. Whoever bears it may not be the one you think.";
        let problem = Problem::new("room.name_looks_like_another", text).with(vec![name]);
        self.say(id, room, None, (false, false), text, Some(problem));
    }

    fn on_entered(&mut self, id: AccountId, address: &Address, nick: String) {
        let Ok(room) = self.known_room(id, address) else {
            if self.by_bouncer(id) && self.adopt(id, address) {
                return self.on_entered(id, address, nick);
            }
            // The server put us there: nobody asked for it, so we go.
            let room = address.clone();
            let _ = self.room_order(id, crate::link::RoomOrder::Leave { room });
            return;
        };
        room.shown.state = RoomState::Inside;
        room.shown.nick = nick;
        (room.away, room.create) = (false, false);
        self.seen_room(id, address, &["room_list"], &["nick"]);
        self.tell_room(id, address);
    }

    fn on_refused(&mut self, id: AccountId, address: &Address, problem: Problem) {
        let entering = |room: &mut Room| room.shown.state == RoomState::Entering;
        if self.known_room(id, address).is_ok_and(entering) {
            self.with_room(id, address, |room| {
                room.wanted = false;
                room.shown.state = RoomState::Refused { problem };
            });
            return;
        }
        // Something else that was asked for: the room itself says so.
        let text = problem.text.clone();
        self.say(id, address, None, (false, false), &text, Some(problem));
    }

    fn on_said(
        &mut self,
        id: AccountId,
        address: &Address,
        nick: Option<&str>,
        flags: (bool, bool),
        text: &str,
    ) {
        let (own, earlier) = flags;
        if !own && !earlier && self.known_room(id, address).is_ok() {
            self.seen_room(id, address, &READABLE, &[]);
        }
        if !nick.is_some_and(|nick| self.is_blocked(id, nick)) {
            self.say(id, address, nick, flags, text, None);
        }
    }

    /// Something said in a room, or told by it.
    pub(in crate::messenger) fn say(
        &mut self,
        id: AccountId,
        address: &Address,
        nick: Option<&str>,
        flags: (bool, bool),
        text: &str,
        problem: Option<Problem>,
    ) {
        let Ok(room) = self.known_room(id, address) else {
            return;
        };
        let mut name = [0; 16];
        SystemRandom.fill_bytes(&mut name);
        let name = MessageId::from_bytes(name);
        let mut said = room.heard(name.clone(), nick, flags, text);
        if let Some(problem) = &problem {
            said = room.lost(&name, problem);
        }
        if let Some(message) = said {
            self.queue.tell(Event::RoomSaid { message });
        }
    }

    /// Whether the owner takes nothing from whoever is called so. On networks where names in rooms are no addresses
    /// the server sees to that.
    fn is_blocked(&mut self, id: AccountId, nick: &str) -> bool {
        let address = nick.parse::<Address>().ok();
        address.is_some_and(|address| self.known(id, &address).is_ok_and(|person| person.blocked))
    }

    fn on_invited(
        &mut self,
        id: AccountId,
        address: Address,
        by: Address,
        password: Option<zeroize::Zeroizing<String>>,
    ) {
        self.seen_invitation(id, &address, &by, false);
        if self.known(id, &by).is_ok_and(|person| person.blocked) {
            return;
        }
        if !self.known(id, &by).is_ok_and(|person| person.accepted) {
            self.refuse(id, &by, "invitation");
        }
        let Some(open) = &mut self.open else { return };
        let key = (id, address.clone());
        let waiting = open.rooms.of(id).filter(|room| room.shown.invited_by.is_some());
        let (waiting, all) = (waiting.count(), open.rooms.of(id).count());
        let known = open.rooms.rooms.contains_key(&key);
        if !known && (waiting >= MAX_INVITATIONS || all >= MAX_ROOMS) {
            return;
        }
        let room = open.rooms.rooms.entry(key);
        let room = room.or_insert_with(|| Room::new(id, address.clone()));
        if room.shown.state == RoomState::Inside {
            return;
        }
        room.shown.invited_by = Some(by);
        room.password = password.or_else(|| room.password.take());
        self.tell_room(id, &address);
    }

    /// The account is connected: what was forgotten by the server is entered again.
    pub(in crate::messenger) fn rooms_online(&mut self, id: AccountId, resumed: bool) {
        let Some(open) = &mut self.open else { return };
        let mut enter = Vec::new();
        for room in open.rooms.of(id) {
            let inside = room.shown.state == RoomState::Inside;
            room.away = false;
            if !(inside && resumed) {
                let refused = matches!(room.shown.state, RoomState::Refused { .. });
                let wanted = room.shown.enter || room.wanted;
                if !refused || wanted {
                    room.leave();
                }
                if wanted {
                    enter.push(room.shown.address.clone());
                    continue;
                }
            }
            let room = room.shown();
            self.queue.tell(Event::RoomChanged { room });
        }
        for address in enter {
            let _ = self.go_in(id, &address);
        }
    }

    /// The connection is gone.
    pub(in crate::messenger) fn rooms_offline(&mut self, id: AccountId) {
        let Some(open) = &mut self.open else { return };
        for room in open.rooms.of(id) {
            room.away = true;
            if room.shown.state == RoomState::Entering {
                room.leave();
            }
            let room = room.shown();
            self.queue.tell(Event::RoomChanged { room });
        }
        let searches = open.rooms.searches.get(&id).map_or(0, |waiting| waiting.len());
        for _ in 0..searches {
            self.answer_search(id, Err(offline()));
        }
    }

    /// Whether the server's word on a message was about one in a room.
    pub(in crate::messenger) fn room_took(&mut self, id: AccountId, token: u64) -> bool {
        let Some(open) = &mut self.open else { return false };
        let Some((account, room, _)) = open.rooms.tokens.remove(&token) else {
            return false;
        };
        if account == id {
            self.seen_room(id, &room, &READABLE, &READABLE);
        }
        account == id
    }

    /// Whether a message that went nowhere was one in a room.
    pub(in crate::messenger) fn room_lost(&mut self, id: AccountId, token: u64, problem: &Problem) -> bool {
        let Some(open) = &mut self.open else { return false };
        let Some((account, address, message)) = open.rooms.tokens.remove(&token) else {
            return false;
        };
        let room = self.known_room(account, &address);
        let message = room.ok().and_then(|room| room.lost(&message, problem));
        if let Some(message) = message {
            self.queue.tell(Event::RoomSaid { message });
        }
        account == id
    }

    /// The account is called otherwise now, in all rooms.
    pub(in crate::messenger) fn on_own_name(&mut self, id: AccountId, name: &str) {
        self.with_members(id, None, |room| {
            let before = room.shown.nick.clone();
            name.clone_into(&mut room.shown.nick);
            room.rename(&before, name)
        });
    }
}

/// The largest first, as plain text.
fn sorted(rooms: Vec<model::FoundRoom>) -> FoundRooms {
    let mut rooms = rooms;
    rooms.sort_by_key(|room| std::cmp::Reverse(room.members));
    rooms.truncate(MAX_FOUND);
    for room in &mut rooms {
        let about = text::plain(&room.about);
        room.about = text::beginning(about.trim(), 500);
    }
    FoundRooms { rooms }
}
