//! XEP-0045: what comes from rooms that we are in.
//! Must never take somebody's word for ours, nor what was said to us alone for what was said to all.
//! XEP-0045 7, 15.6; XEP-0421.

use jid::{BareJid, Jid};
use minidom::Element;

use super::{MOST_OCCUPANTS, Stage, at};
use crate::room::{RoomAction, RoomEvent, RoomExit, RoomRefusal};
use crate::session::{Kind, RoomStep, Session, Step};
use crate::{configuration, room_stanzas as stanzas};

impl Session {
    /// Presence from a room that we are in, or on our way into.
    pub(crate) fn take_room_presence(&mut self, element: &Element, from: &Jid, step: &mut Step<'_>) {
        let room = from.to_bare();
        match element.attr("type") {
            Some("error") => self.room_refused(&room, element, step),
            None | Some("unavailable") => {
                let Some(nick) = from.resource().map(|nick| nick.as_str().to_owned()) else {
                    return;
                };
                let user = stanzas::User::read(element);
                if element.attr("type").is_none() {
                    self.room_member(&room, &nick, &user, element, step);
                } else {
                    self.room_member_gone(&room, &nick, &user);
                }
            }
            _ => {}
        }
    }

    fn room_refused(&mut self, room: &BareJid, element: &Element, step: &mut Step<'_>) {
        let condition = crate::session::condition(element).unwrap_or_default();
        let Some(entering) = self.rooms.rooms.get_mut(room) else {
            return;
        };
        if !matches!(entering.stage, Stage::Entering(_)) {
            return;
        }
        if condition == "conflict" && entering.draw_nick(step.rng) {
            self.enter_room(room, step);
        } else {
            self.refuse_room(room, stanzas::refusal(condition));
        }
    }

    fn room_member(
        &mut self,
        room: &BareJid,
        nick: &str,
        user: &stanzas::User,
        element: &Element,
        step: &mut Step<'_>,
    ) {
        let Some(known) = self.rooms.rooms.get_mut(room) else {
            return;
        };
        let own = user.says(110) || nick == known.nick();
        if !own && known.occupants.len() >= MOST_OCCUPANTS && !known.occupants.contains_key(nick) {
            return;
        }
        let occupant = user.occupant(nick);
        known.occupants.insert(nick.to_owned(), occupant.jid.clone());
        if own {
            known.affiliation = user.affiliation;
            known.occupant_id = stanzas::occupant_id(element).map(str::to_owned);
            if let Some(at) = at(room, nick) {
                known.at = at;
            }
        }
        let shown = known.info.clone();
        known.logged |= own && user.says(170);
        known.info.logged |= known.logged;
        known.info.addresses_shown |= own && user.says(100);
        let (stage, create, info) = (known.stage, known.create, known.info.clone());
        if info != shown {
            self.tell_room(room, RoomEvent::Info(info));
        }
        self.tell_room(room, RoomEvent::Member { occupant, own });
        match stage {
            Stage::Entering(_) if own && user.says(201) && create => self.configure_room(room, step),
            // Whoever asked for it was told that it is there; in between it went.
            Stage::Entering(_) if own && user.says(201) => {
                self.destroy_room(room, RoomRefusal::NoSuchRoom, step);
            }
            Stage::Entering(_) if own => self.stand_in_room(room, false, step),
            _ => {}
        }
    }

    fn configure_room(&mut self, room: &BareJid, step: &mut Step<'_>) {
        if let Some(known) = self.rooms.rooms.get_mut(room) {
            known.stage = Stage::Closing;
        }
        let asked = configuration::ask().map(|payload| {
            let kind = Kind::Room(room.clone(), RoomStep::Form);
            self.ask(kind, Some(Jid::from(room.clone())), step, |id| {
                stanzas::get(id, room, payload)
            })
        });
        if !matches!(asked, Some(Ok(()))) {
            self.destroy_room(room, RoomRefusal::NotClosed, step);
        }
    }

    fn room_member_gone(&mut self, room: &BareJid, nick: &str, user: &stanzas::User) {
        let Some(known) = self.rooms.rooms.get_mut(room) else {
            return;
        };
        let own = user.says(110) || nick == known.nick();
        known.occupants.remove(nick);
        let renamed = user.nick.as_deref().filter(|_| user.says(303));
        if let Some(renamed) = renamed {
            if own && let Some(at) = at(room, renamed) {
                known.at = at;
            }
            self.tell_room(
                room,
                RoomEvent::Gone {
                    nick: nick.to_owned(),
                },
            );
        } else if !own {
            self.tell_room(
                room,
                RoomEvent::Gone {
                    nick: nick.to_owned(),
                },
            );
        } else if matches!(known.stage, Stage::Inside | Stage::Closing) {
            self.rooms.forget(room);
            self.tell_room(room, RoomEvent::Out(exit(user)));
        }
    }

    /// A message from a room that we are in.
    pub(crate) fn take_room_message(&mut self, element: &Element, from: &Jid, step: &mut Step<'_>) {
        let room = from.to_bare();
        let Some(known) = self
            .rooms
            .rooms
            .get(&room)
            .filter(|known| known.stage == Stage::Inside)
        else {
            return;
        };
        let (ours, own_nick) = (known.occupant_id.clone(), known.nick().to_owned());
        let nick = from.resource().map(|nick| nick.as_str().to_owned());
        if element.attr("type") != Some("groupchat") {
            if let Some(nick) = nick.filter(|_| crate::session::body(element).is_some()) {
                self.tell_room(&room, RoomEvent::Private { nick });
            }
            return;
        }
        if self.room_changed(&room, element, step) {
            return;
        }
        if let Some(topic) = stanzas::topic(element) {
            self.tell_room(&room, RoomEvent::Topic(topic));
            return;
        }
        let Some(body) = crate::session::body(element) else {
            return;
        };
        let own = match (ours.as_deref(), stanzas::occupant_id(element)) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => nick.as_deref() == Some(&own_nick),
        };
        let id = element.attr("id").filter(|_| own);
        let token = id.and_then(|id| self.token_of(id, &room));
        let earlier = crate::delay::is_delayed(element);
        self.tell_room(
            &room,
            RoomEvent::Said {
                nick,
                body,
                earlier,
                own,
                token,
            },
        );
    }

    /// XEP-0045 10.2.1: whether the room says that it is now another one.
    fn room_changed(&mut self, room: &BareJid, element: &Element, step: &mut Step<'_>) -> bool {
        let user = stanzas::User::read(element);
        if ![104, 170, 171, 172, 173].into_iter().any(|code| user.says(code)) {
            return false;
        }
        if let Some(known) = self.rooms.rooms.get_mut(room) {
            known.logged = user.says(170) || known.logged && !user.says(171);
        }
        // Where that finds no place in the queue, it is asked for with the next change.
        let _ = self.ask_room_info(room, step);
        true
    }

    /// A topic that came back; `false`: this is about something else.
    pub(crate) fn room_topic_refused(&mut self, room: &BareJid, id: Option<&str>, condition: &str) -> bool {
        let Some(known) = self.rooms.rooms.get_mut(room) else {
            return false;
        };
        if id.is_none() || known.topic.as_deref() != id {
            return false;
        }
        known.topic = None;
        self.told_no(room, RoomAction::SetTopic, Some(condition));
        true
    }
}

/// XEP-0045 15.6.2: a room that was left because of a fault says "put out", too.
fn exit(user: &stanzas::User) -> RoomExit {
    match () {
        () if user.destroyed => RoomExit::Destroyed,
        () if user.says(301) => RoomExit::Banned,
        () if user.says(332) => RoomExit::Shutdown,
        () if user.says(333) => RoomExit::Lost,
        () if user.says(307) => RoomExit::Kicked,
        () if user.says(321) || user.says(322) => RoomExit::MembersOnly,
        () => RoomExit::Lost,
    }
}
