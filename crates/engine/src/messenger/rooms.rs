//! Rooms: what the owner asks of them, whatever network they are on.
//! It must never feed a room's words to OTR, take them for private, or enter a room that nobody chose.
//! Door 1: `room.*`; XEP-0045; RFC 2811.

mod heard;
mod looks;
mod room;

use std::collections::{BTreeMap, VecDeque};

use model::{
    AccountId, Address, Command, EnterRoom, Event, FindRooms, InviteToRoom, MAX_TEXT_BYTES, MessageId,
    MessageSent, ModerateRoom, Problem, Protocol, RoomRef, RoomShown, RoomState, RoomText, SayInRoom, rpc,
};
use rand_core::Rng;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use self::room::Room;
use super::accounts::busy;
use super::people::no_such_account;
use super::{Messenger, Outcome, locked, network, profile, to_value};
use crate::link::{Order, RoomOrder};
use crate::random::SystemRandom;

/// Rooms of one account, invitations included.
const MAX_ROOMS: usize = 200;
/// Invitations of one account that wait for an answer: more invite in vain.
const MAX_INVITATIONS: usize = 20;
/// Searches of one account that wait for the server.
const MAX_SEARCHES: usize = 4;
/// The longest name in a room, in characters.
const MAX_NICK: usize = 100;

/// The rooms of an open profile.
#[derive(Default)]
pub(super) struct Rooms {
    rooms: BTreeMap<(AccountId, Address), Room>,
    /// What waits for a list of rooms: the numbers of its requests.
    searches: BTreeMap<AccountId, VecDeque<Option<Value>>>,
    /// Messages on their way, by token.
    tokens: BTreeMap<u64, (AccountId, Address, MessageId)>,
}

impl Rooms {
    pub(super) fn forget_account(&mut self, id: AccountId) {
        self.rooms.retain(|(account, _), _| *account != id);
        self.tokens.retain(|_, (account, ..)| *account != id);
    }

    /// All rooms, for the snapshot.
    pub(super) fn shown(&self) -> Vec<model::Room> {
        self.rooms.values().map(Room::shown).collect()
    }

    /// Rooms that the owner chose: what others only invite to is none of them.
    pub(super) fn chosen(&self) -> impl Iterator<Item = &model::Room> {
        let rooms = self.rooms.values().map(|room| &room.shown);
        rooms.filter(|room| room.invited_by.is_none())
    }

    pub(super) fn find(&self, id: AccountId, address: &Address) -> Option<&model::Room> {
        let room = self.rooms.get(&(id, address.clone()));
        room.map(|room| &room.shown)
    }

    fn of(&mut self, id: AccountId) -> impl Iterator<Item = &mut Room> {
        let rooms = self.rooms.iter_mut();
        rooms
            .filter(move |((account, _), _)| *account == id)
            .map(|(_, room)| room)
    }
}

impl Messenger {
    /// Carries out what is about rooms.
    pub(super) fn room_command(&mut self, command: Command) -> Result<Value, Problem> {
        match command {
            Command::EnterRoom(with) => self.enter_room(with),
            Command::ForgetRoom(with) => self.forget_room(&with),
            Command::InviteToRoom(with) => self.invite_to_room(with),
            Command::LeaveRoom(with) => self.leave_room(&with),
            Command::ModerateRoom(with) => self.moderate_room(with),
            Command::SayInRoom(with) => return to_value(&self.say_in_room(with)?),
            Command::SetRoomDraft(with) => self.set_room_draft(with),
            Command::SetTopic(with) => self.set_topic(with),
            Command::ShowRoom(with) => return to_value(&self.show_room(&with)?),
            _ => Err(Problem::new(
                "door.no_such_method",
                "This method is not carried out here.",
            )),
        }
        .map(|()| json!({}))
    }

    fn enter_room(&mut self, with: EnterRoom) -> Result<(), Problem> {
        let (account, address) = (with.account, with.room);
        let own = self.check_room(account, &address)?;
        let nick = match (own, with.nick) {
            (Some(own), Some(nick)) if own != nick => {
                let text =
                    "On this network everybody has one name in all rooms: change the account's nick instead.";
                return Err(Problem::new("room.one_name", text));
            }
            (Some(own), _) => own,
            (None, Some(nick)) => check_nick(&nick)?,
            (None, None) => irc::suggest_nick(&mut SystemRandom).as_str().to_owned(),
        };
        let open = self.open.as_mut().ok_or_else(locked)?;
        let count = open.rooms.of(account).count();
        let key = (account, address.clone());
        if count >= MAX_ROOMS && !open.rooms.rooms.contains_key(&key) {
            let text = format!("An account has at most {MAX_ROOMS} rooms: forget one first.");
            return Err(Problem::new("room.too_many", text));
        }
        let room = open
            .rooms
            .rooms
            .entry(key)
            .or_insert_with(|| Room::new(account, address.clone()));
        if let Some(password) = with.password {
            room.password = Some(Zeroizing::new(password.expose().to_owned()));
        }
        room.shown.enter = with.enter;
        room.shown.invited_by = None;
        room.shown.nick = nick;
        room.create = with.create;
        room.wanted = true;
        self.keep_room(account, &address)?;
        self.go_in(account, &address)?;
        self.warn_of_linked_room(account, &address);
        Ok(())
    }

    /// Whether an account goes over a bouncer, which is in its rooms also while the account is not connected.
    fn by_bouncer(&self, account: AccountId) -> bool {
        let open = self.open.as_ref();
        let mut accounts = open.into_iter().flat_map(|open| &open.vault.profile().accounts);
        accounts.any(|kept| {
            let login = vault::IrcLogin::Bouncer;
            kept.id == account.0
                && matches!(&kept.protocol, vault::Protocol::Irc { login: chosen, .. } if *chosen == login)
        })
    }

    /// A room that a bouncer holds is one of the account's, and not entered without it.
    fn adopt(&mut self, account: AccountId, address: &Address) -> bool {
        let Some(open) = &mut self.open else { return false };
        let space = open.rooms.of(account).count() < MAX_ROOMS;
        if space {
            let key = (account, address.clone());
            let mut room = Room::new(account, address.clone());
            room.wanted = true;
            open.rooms.rooms.insert(key, room);
        }
        space
    }

    /// Has the link enter a room, where the account is connected; else that waits for it.
    fn go_in(&mut self, account: AccountId, address: &Address) -> Result<(), Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        let owner = open.accounts.get(&account).ok_or_else(no_such_account)?;
        let room = open.rooms.rooms.get_mut(&(account, address.clone()));
        let room = room.ok_or_else(no_such_room)?;
        if owner.online && room.shown.state != RoomState::Inside {
            let order = RoomOrder::Enter {
                room: address.clone(),
                nick: room.shown.nick.clone(),
                password: room.password.clone(),
                create: room.create,
            };
            owner.orders.try_send(Order::Room(order)).map_err(|_| busy())?;
            room.shown.state = RoomState::Entering;
        }
        self.tell_room(account, address);
        Ok(())
    }

    fn leave_room(&mut self, with: &RoomRef) -> Result<(), Problem> {
        let room = self.known_room(with.account, &with.room)?;
        (room.shown.enter, room.wanted, room.create) = (false, false, false);
        let inside = !matches!(room.shown.state, RoomState::Outside | RoomState::Refused { .. });
        room.leave();
        self.keep_room(with.account, &with.room)?;
        if inside {
            let room = with.room.clone();
            self.room_order(with.account, RoomOrder::Leave { room })?;
        }
        self.tell_room(with.account, &with.room);
        Ok(())
    }

    fn forget_room(&mut self, with: &RoomRef) -> Result<(), Problem> {
        let room = self.known_room(with.account, &with.room)?;
        if matches!(room.shown.state, RoomState::Inside | RoomState::Entering) {
            self.leave_room(with)?;
        }
        let open = self.open.as_mut().ok_or_else(locked)?;
        let (account, address) = (with.account.0, with.room.as_str());
        open.vault
            .change(|kept| {
                kept.rooms
                    .retain(|room| room.account != account || room.address != address);
            })
            .map_err(|error| profile::told(&error))?;
        open.rooms.rooms.remove(&(with.account, with.room.clone()));
        self.queue.tell(Event::RoomRemoved {
            account: with.account,
            room: with.room.clone(),
        });
        Ok(())
    }

    fn say_in_room(&mut self, with: SayInRoom) -> Result<MessageSent, Problem> {
        check_text(&with.text)?;
        self.check_inside(with.account, &with.room)?;
        self.tokens += 1;
        let token = self.tokens;
        let order = RoomOrder::Say {
            room: with.room.clone(),
            text: with.text.clone(),
            token,
        };
        self.room_order(with.account, order)?;
        self.said(with.account, &with.text);
        let mut id = [0; 16];
        SystemRandom.fill_bytes(&mut id);
        let id = MessageId::from_bytes(id);
        let room = self.known_room(with.account, &with.room)?;
        let message = room.own_message(id.clone(), with.text);
        room.draft.clear();
        self.queue.tell(Event::RoomSaid { message });
        if let Some(open) = &mut self.open {
            let said = (with.account, with.room, id.clone());
            open.rooms.tokens.insert(token, said);
        }
        Ok(MessageSent { message: id })
    }

    fn set_topic(&mut self, with: RoomText) -> Result<(), Problem> {
        if with.text.len() > MAX_TEXT_BYTES || with.text.contains('\0') {
            return Err(too_long());
        }
        self.check_inside(with.account, &with.room)?;
        let (room, topic) = (with.room.clone(), with.text);
        self.room_order(with.account, RoomOrder::Topic { room, topic })?;
        self.seen_room(with.account, &with.room, &heard::READABLE, &heard::READABLE);
        Ok(())
    }

    fn set_room_draft(&mut self, with: RoomText) -> Result<(), Problem> {
        if with.text.len() > MAX_TEXT_BYTES {
            return Err(too_long());
        }
        let room = self.known_room(with.account, &with.room)?;
        if room.draft == with.text {
            return Ok(());
        }
        room.draft = with.text;
        self.keep_room(with.account, &with.room)
    }

    fn invite_to_room(&mut self, with: InviteToRoom) -> Result<(), Problem> {
        self.check_inside(with.account, &with.room)?;
        let who = self.spelt(with.account, &with.contact)?;
        let (room, whom) = (with.room.clone(), who.clone());
        self.room_order(with.account, RoomOrder::Invite { room, who })?;
        self.seen_invitation(with.account, &with.room, &whom, true);
        Ok(())
    }

    fn moderate_room(&mut self, with: ModerateRoom) -> Result<(), Problem> {
        self.check_inside(with.account, &with.room)?;
        let room = self.known_room(with.account, &with.room)?;
        if !room.has(&with.nick) {
            let text = "There is nobody of this name in the room.";
            return Err(Problem::new("room.nobody", text));
        }
        let (room, nick, action) = (with.room, with.nick, with.action);
        self.room_order(with.account, RoomOrder::Moderate { room, nick, action })
    }

    fn show_room(&mut self, with: &RoomRef) -> Result<RoomShown, Problem> {
        self.known_room(with.account, &with.room).map(|room| room.show())
    }

    /// Asks the server for its rooms; answered when the list is there.
    pub(super) fn find_rooms(&mut self, with: FindRooms, id: Option<&Value>) -> Outcome {
        match self.begin_search(with, id) {
            Ok(()) => Outcome::Later,
            Err(problem) => Outcome::Now(Err(problem)),
        }
    }

    fn begin_search(&mut self, with: FindRooms, id: Option<&Value>) -> Result<(), Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        let owner = open.accounts.get(&with.account).ok_or_else(no_such_account)?;
        if !owner.online {
            return Err(offline());
        }
        let waiting = open.rooms.searches.entry(with.account).or_default();
        if waiting.len() >= MAX_SEARCHES {
            return Err(busy());
        }
        let words = with.words.chars().filter(|c| !c.is_control()).take(100).collect();
        let order = Order::Room(RoomOrder::Find { words });
        owner.orders.try_send(order).map_err(|_| busy())?;
        waiting.push_back(id.cloned());
        Ok(())
    }

    /// The oldest search of an account is over.
    fn answer_search(&mut self, account: AccountId, result: Result<Value, Problem>) {
        let Some(open) = &mut self.open else { return };
        let waiting = open.rooms.searches.get_mut(&account);
        if let Some(id) = waiting.and_then(VecDeque::pop_front).flatten() {
            self.queue.answer(match result {
                Ok(value) => rpc::success(&id, &value),
                Err(problem) => rpc::failure(Some(&id), rpc::REFUSED, &problem),
            });
        }
    }

    fn room_order(&self, account: AccountId, order: RoomOrder) -> Result<(), Problem> {
        let open = self.open.as_ref().ok_or_else(locked)?;
        let owner = open.accounts.get(&account).ok_or_else(no_such_account)?;
        owner.orders.try_send(Order::Room(order)).map_err(|_| busy())
    }

    fn known_room(&mut self, account: AccountId, address: &Address) -> Result<&mut Room, Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        open.rooms
            .rooms
            .get_mut(&(account, address.clone()))
            .ok_or_else(no_such_room)
    }

    fn check_inside(&mut self, account: AccountId, address: &Address) -> Result<(), Problem> {
        let online = self.open.as_ref().and_then(|open| open.accounts.get(&account));
        let online = online.is_some_and(|owner| owner.online);
        let room = self.known_room(account, address)?;
        if online && room.shown.state == RoomState::Inside {
            return Ok(());
        }
        let text = "The account is not in this room: enter it first.";
        Err(Problem::new("room.not_inside", text))
    }

    fn protocol_of(&self, account: AccountId) -> Result<Protocol, Problem> {
        let open = self.open.as_ref().ok_or_else(locked)?;
        let owner = open.accounts.get(&account).ok_or_else(no_such_account)?;
        Ok(owner.shown.protocol)
    }

    /// Checks a room's address; the one name that the account has in every room, where the network knows no other.
    fn check_room(&self, account: AccountId, address: &Address) -> Result<Option<String>, Problem> {
        let protocol = self.protocol_of(account)?;
        network::check_room(protocol, address)?;
        let open = self.open.as_ref().ok_or_else(locked)?;
        let owner = open.accounts.get(&account).ok_or_else(no_such_account)?;
        Ok(match protocol {
            Protocol::Irc => {
                network::irc_names(&owner.shown.address).map(|(nick, _)| nick.as_str().to_owned())
            }
            Protocol::Xmpp => None,
        })
    }

    fn tell_room(&self, account: AccountId, address: &Address) {
        let Some(open) = &self.open else { return };
        if let Some(room) = open.rooms.rooms.get(&(account, address.clone())) {
            let room = room.shown();
            self.queue.tell(Event::RoomChanged { room });
        }
    }

    /// Writes what is kept of a room to the profile; an invitation is not.
    fn keep_room(&mut self, account: AccountId, address: &Address) -> Result<(), Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        let room = open.rooms.rooms.get(&(account, address.clone()));
        let room = room.ok_or_else(no_such_room)?;
        let kept = room.kept();
        open.vault
            .change(|profile| {
                let rooms = &mut profile.rooms;
                rooms.retain(|other| other.account != kept.account || other.address != kept.address);
                rooms.push(kept);
            })
            .map_err(|error| profile::told(&error))
    }

    /// The rooms that the profile holds.
    pub(super) fn restore_rooms(&mut self) {
        let Some(open) = &mut self.open else { return };
        for kept in &open.vault.profile().rooms {
            let id = AccountId(kept.account);
            if let (true, Some(room)) = (open.accounts.contains_key(&id), Room::restored(kept)) {
                let key = (id, room.shown.address.clone());
                open.rooms.rooms.insert(key, room);
            }
        }
    }
}

fn check_nick(nick: &str) -> Result<String, Problem> {
    let plain = crate::text::plain(nick);
    let nick = plain.trim();
    if nick.is_empty() || nick.chars().count() > MAX_NICK || nick.contains('\n') {
        let text = format!("A name in a room has 1 to {MAX_NICK} characters and no line end.");
        return Err(Problem::new("room.bad_nick", text));
    }
    Ok(nick.to_owned())
}

fn check_text(text: &str) -> Result<(), Problem> {
    if text.trim().is_empty() {
        return Err(Problem::new("message.empty", "There is nothing in the message."));
    }
    if text.contains('\0') {
        return Err(Problem::new(
            "message.illegal_character",
            "The message holds a NUL character.",
        ));
    }
    if text.starts_with("?OTR") {
        let text = "The message begins like one of OTR, and would not be shown by other programs: put something before it.";
        return Err(Problem::new("message.looks_like_otr", text));
    }
    if text.len() > MAX_TEXT_BYTES {
        return Err(too_long());
    }
    Ok(())
}

fn too_long() -> Problem {
    let text = format!("The text is longer than {MAX_TEXT_BYTES} bytes.");
    Problem::new("message.too_long", text)
}

fn no_such_room() -> Problem {
    Problem::new("room.unknown", "This room is not known: enter it first.")
}

fn offline() -> Problem {
    Problem::new(
        "account.not_connected",
        "The account is not connected: connect it first.",
    )
}

/// What becomes of a message that the server did not take.
pub(super) fn not_taken() -> Problem {
    Problem::new(
        "message.not_taken",
        "The server did not say that it has the message: it may not have been sent.",
    )
}
