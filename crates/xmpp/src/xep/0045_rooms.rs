//! XEP-0045 Multi-User Chat: the rooms that we are in or on our way into.
//! Must never take a word from a room that was not entered, nor enter one that was promised closed and is not.
//! XEP-0045 7; one room is asked, entered, and, where it was made for us, closed, in this order.

#[path = "0045_hearing.rs"]
mod hearing;

use std::collections::BTreeMap;
use std::time::Duration;

use jid::{BareJid, FullJid, Jid, ResourcePart};
use minidom::Element;
use rand_core::CryptoRng;

use crate::error::{Error, StanzaCondition};
use crate::event::{Event, Password};
use crate::room::{
    Affiliation, RoomAction, RoomEvent, RoomExit, RoomInfo, RoomModeration, RoomOrder, RoomRefusal,
};
use crate::session::{Answer, Kind, RoomStep, Session, Step};
use crate::{configuration, room_stanzas as stanzas, self_ping, write};

/// Most rooms at once.
const MOST_ROOMS: usize = 100;
/// Most people of one room that are remembered.
const MOST_OCCUPANTS: usize = 10_000;
/// Names that are tried before we give up.
const MOST_NICKS: u8 = 4;
/// How long a room may take to let us in.
const PATIENCE: Duration = Duration::from_secs(90);

/// Every room of a session.
#[derive(Default)]
pub(crate) struct Rooms {
    rooms: BTreeMap<BareJid, Room>,
    /// When to see whether we are still where we think we are.
    check: Option<Duration>,
}

struct Room {
    /// What we are called, or want to be.
    at: FullJid,
    wanted: String,
    password: Option<Password>,
    create: bool,
    stage: Stage,
    nicks: u8,
    info: RoomInfo,
    /// It said so when we entered, or later.
    logged: bool,
    affiliation: Affiliation,
    /// Our own id in it (XEP-0421).
    occupant_id: Option<String>,
    /// The id of the last topic that we set.
    topic: Option<String>,
    occupants: BTreeMap<String, Option<BareJid>>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    /// It is asked what it is.
    Asked,
    /// It was made for us and is being closed.
    Closing,
    /// We knocked; until then it has to let us in.
    Entering(Duration),
    /// We are in.
    Inside,
}

impl Rooms {
    /// The stream is gone for good: every room that we were in, or nearly.
    pub(crate) fn take(&mut self) -> Vec<BareJid> {
        self.check = None;
        std::mem::take(&mut self.rooms).into_keys().collect()
    }

    pub(crate) fn knows(&self, room: &BareJid) -> bool {
        self.rooms.contains_key(room)
    }

    pub(crate) fn forget(&mut self, room: &BareJid) -> bool {
        self.rooms.remove(room).is_some()
    }

    pub(crate) fn check_at(&mut self, at: Duration) {
        self.check = Some(at).filter(|_| !self.rooms.is_empty());
    }

    /// Where we are, under which name.
    pub(crate) fn entered(&self) -> Vec<(BareJid, FullJid)> {
        let inside = self.rooms.iter().filter(|(_, room)| room.stage == Stage::Inside);
        inside.map(|(jid, room)| (jid.clone(), room.at.clone())).collect()
    }

    /// When there is something to do next.
    pub(crate) fn wake(&self) -> Option<Duration> {
        let patience = self.rooms.values().filter_map(Room::deadline);
        patience.chain(self.check).min()
    }
}

impl Room {
    fn deadline(&self) -> Option<Duration> {
        match self.stage {
            Stage::Entering(until) => Some(until),
            Stage::Asked | Stage::Closing | Stage::Inside => None,
        }
    }

    fn nick(&self) -> &str {
        self.at.resource().as_str()
    }

    /// Another name, where the one that was tried is taken.
    fn draw_nick(&mut self, rng: &mut dyn CryptoRng) -> bool {
        self.nicks = self.nicks.saturating_add(1);
        let drawn = rng.next_u64().checked_rem(10_000).unwrap_or_default();
        match at(&self.at.to_bare(), &format!("{}{drawn:04}", self.wanted)) {
            Some(at) if self.nicks < MOST_NICKS => {
                self.at = at;
                true
            }
            _ => false,
        }
    }
}

fn at(room: &BareJid, nick: &str) -> Option<FullJid> {
    let resource = ResourcePart::new(nick).ok()?;
    Some(room.with_resource(&resource))
}

impl Session {
    pub(crate) fn tell_room(&mut self, room: &BareJid, event: RoomEvent) {
        self.tell(Event::Room {
            room: room.clone(),
            event,
        });
    }

    /// What the engine wants of a room.
    pub(crate) fn room(&mut self, room: BareJid, order: RoomOrder, step: &mut Step<'_>) -> Result<(), Error> {
        let inside = self
            .rooms
            .rooms
            .get(&room)
            .is_some_and(|room| room.stage == Stage::Inside);
        match order {
            RoomOrder::Enter {
                nick,
                password,
                create,
            } if !inside => self.ask_room(room, nick, password, create, step),
            RoomOrder::Enter { nick, .. } => self.rename_in_room(&room, &nick, step),
            RoomOrder::Leave => self.leave_room(&room, step),
            RoomOrder::Invite(_) if !inside => self.room_failed(&room, RoomAction::Invite),
            RoomOrder::Invite(whom) => self.invite_to_room(&room, whom, step),
            RoomOrder::Moderate { .. } if !inside => self.room_failed(&room, RoomAction::Moderate),
            RoomOrder::Moderate { nick, action } => self.moderate_room(&room, &nick, action, step),
            RoomOrder::Say { token, .. } if !inside => self.room_failed(&room, RoomAction::Say(token)),
            RoomOrder::Say { body, token } => self.say_in_room(&room, body, token, step),
            RoomOrder::SetTopic(_) if !inside => self.room_failed(&room, RoomAction::SetTopic),
            RoomOrder::SetTopic(topic) => self.set_room_topic(&room, topic, step),
        }
    }

    fn room_failed(&mut self, room: &BareJid, action: RoomAction) -> Result<(), Error> {
        let condition = StanzaCondition::Refused;
        self.tell_room(room, RoomEvent::Failed { action, condition });
        Ok(())
    }

    fn refuse_room(&mut self, room: &BareJid, why: RoomRefusal) {
        if self.rooms.forget(room) {
            self.tell_room(room, RoomEvent::Refused(why));
        }
    }

    /// First what it is: nobody enters a place that is no room, or one that shows more than expected, unknowingly.
    fn ask_room(
        &mut self,
        room: BareJid,
        nick: String,
        password: Option<Password>,
        create: bool,
        step: &mut Step<'_>,
    ) -> Result<(), Error> {
        let Some(at) = at(&room, &nick) else {
            self.tell_room(&room, RoomEvent::Refused(RoomRefusal::NickRefused));
            return Ok(());
        };
        if self.rooms.rooms.len() >= MOST_ROOMS {
            return Err(Error::QueueFull);
        }
        self.ask_room_info(&room, step)?;
        let entering = Room {
            at,
            wanted: nick,
            password,
            create,
            stage: Stage::Asked,
            nicks: 0,
            info: RoomInfo::default(),
            logged: false,
            affiliation: Affiliation::None,
            occupant_id: None,
            topic: None,
            occupants: BTreeMap::new(),
        };
        self.rooms.rooms.insert(room, entering);
        Ok(())
    }

    fn ask_room_info(&mut self, room: &BareJid, step: &mut Step<'_>) -> Result<(), Error> {
        let kind = Kind::Room(room.clone(), RoomStep::Info);
        let query = Element::bare("query", crate::ns::DISCO_INFO);
        self.ask(kind, Some(Jid::from(room.clone())), step, |id| {
            stanzas::get(id, room, query)
        })
    }

    fn enter_room(&mut self, room: &BareJid, step: &mut Step<'_>) {
        let Some(entering) = self.rooms.rooms.get_mut(room) else {
            return;
        };
        entering.stage = Stage::Entering(step.now.saturating_add(PATIENCE));
        let presence = stanzas::enter(&entering.at, entering.password.as_ref());
        let sent = presence.and_then(|presence| self.send_stanza(presence, None, step));
        if sent.is_err() {
            self.refuse_room(room, RoomRefusal::Other);
        }
    }

    fn rename_in_room(&mut self, room: &BareJid, nick: &str, step: &mut Step<'_>) -> Result<(), Error> {
        match at(room, nick) {
            Some(at) => self.send_stanza(stanzas::rename(&at)?, None, step),
            None => Ok(()),
        }
    }

    fn leave_room(&mut self, room: &BareJid, step: &mut Step<'_>) -> Result<(), Error> {
        if let Some(left) = self.rooms.rooms.remove(room) {
            if left.stage != Stage::Asked {
                self.send_stanza(stanzas::leave(&left.at)?, None, step)?;
            }
            self.tell_room(room, RoomEvent::Out(RoomExit::Requested));
        }
        Ok(())
    }

    fn say_in_room(
        &mut self,
        room: &BareJid,
        body: String,
        token: u64,
        step: &mut Step<'_>,
    ) -> Result<(), Error> {
        let id = write::random_id(step.rng);
        let bytes = stanzas::say(room, &id, body)?;
        self.send_stanza(bytes, Some(token), step)?;
        self.remember_sent(id, room.clone(), token);
        Ok(())
    }

    fn set_room_topic(&mut self, room: &BareJid, topic: String, step: &mut Step<'_>) -> Result<(), Error> {
        let id = write::random_id(step.rng);
        let bytes = stanzas::set_topic(room, &id, topic)?;
        self.send_stanza(bytes, None, step)?;
        if let Some(room) = self.rooms.rooms.get_mut(room) {
            room.topic = Some(id);
        }
        Ok(())
    }

    fn moderate_room(
        &mut self,
        room: &BareJid,
        nick: &str,
        action: RoomModeration,
        step: &mut Step<'_>,
    ) -> Result<(), Error> {
        let occupants = self.rooms.rooms.get(room).map(|room| &room.occupants);
        let jid = occupants
            .and_then(|occupants| occupants.get(nick))
            .cloned()
            .flatten();
        let Some(payload) = stanzas::moderate(nick, jid.as_ref(), action) else {
            return self.room_failed(room, RoomAction::Moderate);
        };
        let kind = Kind::Room(room.clone(), RoomStep::Moderated);
        self.ask(kind, Some(Jid::from(room.clone())), step, |id| {
            stanzas::set(id, room, payload)
        })
    }

    /// On the list first, so that the door is open when the invitation arrives.
    fn invite_to_room(&mut self, room: &BareJid, whom: BareJid, step: &mut Step<'_>) -> Result<(), Error> {
        let Some(inside) = self.rooms.rooms.get(room) else {
            return Ok(());
        };
        if !inside.info.members_only {
            return self.invite_directly(room, &whom, step);
        }
        if inside.affiliation < Affiliation::Admin {
            let id = write::random_id(step.rng);
            return self.send_stanza(stanzas::invite_through(room, &id, &whom)?, None, step);
        }
        let Some(payload) = stanzas::affiliate(&whom, Affiliation::Member) else {
            return self.room_failed(room, RoomAction::Invite);
        };
        let kind = Kind::Room(room.clone(), RoomStep::Listed(whom));
        self.ask(kind, Some(Jid::from(room.clone())), step, |id| {
            stanzas::set(id, room, payload)
        })
    }

    fn invite_directly(&mut self, room: &BareJid, whom: &BareJid, step: &mut Step<'_>) -> Result<(), Error> {
        let id = write::random_id(step.rng);
        let password = self.rooms.rooms.get(room).and_then(|room| room.password.as_ref());
        let invitation = stanzas::invite_directly(whom, &id, room, password)?;
        self.send_stanza(invitation, None, step)
    }

    /// What a room answered.
    pub(crate) fn room_answered(
        &mut self,
        room: &BareJid,
        asked: RoomStep,
        answer: &Answer<'_>,
        step: &mut Step<'_>,
    ) {
        let condition = answer.condition();
        match asked {
            RoomStep::Check => self.room_checked(room, condition),
            RoomStep::Closed if condition.is_some() => self.destroy_room(room, RoomRefusal::NotClosed, step),
            RoomStep::Closed => self.stand_in_room(room, true, step),
            RoomStep::Destroyed => {}
            RoomStep::Form => self.close_room(room, answer.result(), step),
            RoomStep::Info => self.take_room_info(room, answer, step),
            RoomStep::Listed(whom) if condition.is_none() => {
                // Only what was given by the engine can be refused here, and it was checked when it came.
                let _ = self.invite_directly(room, &whom, step);
            }
            RoomStep::Listed(_) => self.told_no(room, RoomAction::Invite, condition),
            RoomStep::Moderated => self.told_no(room, RoomAction::Moderate, condition),
        }
    }

    fn told_no(&mut self, room: &BareJid, action: RoomAction, condition: Option<&str>) {
        if let Some(condition) = condition.map(StanzaCondition::from_name) {
            self.tell_room(room, RoomEvent::Failed { action, condition });
        }
    }

    fn take_room_info(&mut self, room: &BareJid, answer: &Answer<'_>, step: &mut Step<'_>) {
        let Some(known) = self.rooms.rooms.get_mut(room) else {
            return;
        };
        let asked = known.stage == Stage::Asked;
        if let Some(mut info) = answer.result().and_then(stanzas::info) {
            info.logged |= known.logged;
            known.info = info.clone();
            self.tell_room(room, RoomEvent::Info(info));
            if asked {
                self.enter_room(room, step);
            }
            return;
        }
        match answer.condition() {
            _ if !asked => {}
            Some("item-not-found") if known.create => self.enter_room(room, step),
            Some("service-unavailable" | "feature-not-implemented") | None => {
                self.refuse_room(room, RoomRefusal::NotARoom);
            }
            Some(condition) => self.refuse_room(room, stanzas::refusal(condition)),
        }
    }

    fn close_room(&mut self, room: &BareJid, form: Option<&Element>, step: &mut Step<'_>) {
        let filled = form.and_then(configuration::close);
        let sent = filled.map(|payload| {
            let kind = Kind::Room(room.clone(), RoomStep::Closed);
            self.ask(kind, Some(Jid::from(room.clone())), step, |id| {
                stanzas::set(id, room, payload)
            })
        });
        if !matches!(sent, Some(Ok(()))) {
            self.destroy_room(room, RoomRefusal::NotClosed, step);
        }
    }

    fn destroy_room(&mut self, room: &BareJid, why: RoomRefusal, step: &mut Step<'_>) {
        if let Some(payload) = configuration::destroy() {
            let kind = Kind::Room(room.clone(), RoomStep::Destroyed);
            // A room that cannot be destroyed is locked to all others, and goes when we leave it.
            let _ = self.ask(kind, Some(Jid::from(room.clone())), step, |id| {
                stanzas::set(id, room, payload)
            });
        }
        self.refuse_room(room, why);
    }

    /// We are in.
    fn stand_in_room(&mut self, room: &BareJid, created: bool, step: &mut Step<'_>) {
        let Some(inside) = self.rooms.rooms.get_mut(room) else {
            return;
        };
        inside.stage = Stage::Inside;
        let nick = inside.nick().to_owned();
        if self.rooms.check.is_none() {
            self.rooms.check_at(self_ping::next(step.now, step.rng));
        }
        self.tell_room(room, RoomEvent::Entered { nick, created });
        if created {
            // What it has become; where that finds no room, it is asked for with the next change.
            let _ = self.ask_room_info(room, step);
        }
    }

    /// Who let us wait too long, and whether we are still where we think we are.
    pub(crate) fn tick_rooms(&mut self, step: &mut Step<'_>) {
        let late = |room: &Room| room.deadline().is_some_and(|until| until <= step.now);
        let given_up: Vec<BareJid> = self
            .rooms
            .rooms
            .iter()
            .filter(|(_, room)| late(room))
            .map(|(jid, _)| jid.clone())
            .collect();
        for room in given_up {
            self.refuse_room(&room, RoomRefusal::Unreachable);
        }
        if self.rooms.check.is_some_and(|at| at <= step.now) {
            self.check_rooms(step);
        }
    }
}
