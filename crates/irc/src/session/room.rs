//! What holds for a room as a whole: who is in it, its topic, its modes.
//! Must never believe a list for a room that we are not in.
//! RFC 1459 4.2.3, 4.2.4, 4.2.5; RFC 2812 3.2.3; IRCv3 multi-prefix, userhost-in-names, WHOX.

use super::moves::account;
use super::{Incoming, Session};
use crate::event::Event;
use crate::name::{Key, Nick, Room};
use crate::time::ServerTime;
use crate::wire::Source;

/// What a WHO of ours is recognised by.
const WHO_TOKEN: &str = "7";
/// So many members are asked about; in larger rooms the answer alone would be too much.
const MOST_ASKED_ABOUT: usize = 500;

impl Session {
    /// 353: some members.
    pub(super) fn names(&mut self, incoming: &Incoming<'_>) {
        let room = self.key(incoming.parameter(2));
        let caps = self.caps_of_rooms();
        for entry in incoming.last().split(' ').filter(|entry| !entry.is_empty()) {
            let isupport = &self.connection.isupport;
            let name = entry.trim_start_matches(|sign| isupport.is_sign(sign));
            let ranks = entry.strip_suffix(name).unwrap_or_default().to_owned();
            let source = Source::parse(name);
            let Some(nick) = Nick::new(source.name) else {
                continue;
            };
            let member = self.key(nick.as_str());
            if self.connection.rooms.add(&room, &member, &nick, &ranks, caps)
                && let (Some(user), Some(host)) = (source.user, source.host)
                && let Some(person) = self.connection.rooms.person_mut(&member)
            {
                person.address = Some(format!("{user}@{host}"));
            }
        }
    }

    /// 366: these were all.
    pub(super) fn names_ended(&mut self, incoming: &Incoming<'_>) {
        let key = self.key(incoming.parameter(1));
        let members = self.connection.rooms.members(&key);
        let Some(here) = self.connection.rooms.room_mut(&key) else {
            return;
        };
        let first = !std::mem::replace(&mut here.listed, true);
        let (room, complete) = (here.room.clone(), !here.crowded);
        if first && self.connection.isupport.whox && members.len() <= MOST_ASKED_ABOUT {
            self.enqueue("WHO", &[room.as_str(), &format!("%tuhnfa,{WHO_TOKEN}")]);
        }
        self.tell(Event::MembersListed {
            room,
            members,
            complete,
        });
    }

    /// 354: somebody's account and state.
    pub(super) fn who(&mut self, incoming: &Incoming<'_>) {
        let message = incoming.message;
        if message.parameter(1) != WHO_TOKEN || message.parameters.len() != 7 {
            return;
        }
        let [user, host, nick, flags] = [2, 3, 4, 5].map(|index| message.parameter(index));
        let member = self.key(nick);
        let bot = self.connection.isupport.bot;
        let Some(person) = self.connection.rooms.person_mut(&member) else {
            return;
        };
        let before = (person.account.clone(), person.away, person.bot);
        person.address = Some(format!("{user}@{host}"));
        person.account = account(message.parameter(6));
        person.away = flags.starts_with('G');
        person.bot = bot.is_some_and(|bot| flags.contains(bot));
        if before != (person.account.clone(), person.away, person.bot) {
            self.tell_changed(&member);
        }
    }

    /// TOPIC.
    pub(super) fn topic_changed(&mut self, incoming: &Incoming<'_>) {
        self.topic(
            incoming.parameter(0),
            incoming.last(),
            incoming.nick(),
            incoming.time,
        );
    }

    /// 331 and 332.
    pub(super) fn topic_told(&mut self, incoming: &Incoming<'_>) {
        let topic = if incoming.message.command == "332" {
            incoming.last()
        } else {
            ""
        };
        self.topic(incoming.parameter(1), topic, None, None);
    }

    /// 333: who set the topic that was just told, and when.
    pub(super) fn topic_dated(&mut self, incoming: &Incoming<'_>) {
        let key = self.key(incoming.parameter(1));
        let Some(topic) = self.connection.rooms.room(&key).map(|here| here.topic.clone()) else {
            return;
        };
        let by = Nick::new(Source::parse(incoming.parameter(2)).name);
        self.topic(
            incoming.parameter(1),
            &topic,
            by,
            ServerTime::from_seconds(incoming.parameter(3)),
        );
    }

    fn topic(&mut self, room: &str, topic: &str, by: Option<Nick>, time: Option<ServerTime>) {
        let key = self.key(room);
        if let Some(here) = self.connection.rooms.room_mut(&key) {
            topic.clone_into(&mut here.topic);
            let (room, topic) = (here.room.clone(), topic.to_owned());
            self.tell(Event::Topic {
                room,
                topic,
                by,
                time,
            });
        }
    }

    /// MODE, and 324: all modes of a room.
    pub(super) fn modes_changed(&mut self, incoming: &Incoming<'_>) {
        let told = incoming.message.command == "324";
        let skip = usize::from(told);
        let key = self.key(incoming.parameter(skip));
        let Some(here) = self.connection.rooms.room_mut(&key) else {
            return;
        };
        if told {
            here.modes.clear();
        }
        let before = here.modes.clone();
        let mut parameters = incoming.message.parameters.iter().skip(skip + 2);
        let mut set = true;
        for mode in incoming.parameter(skip + 1).chars() {
            match mode {
                '+' => set = true,
                '-' => set = false,
                mode => {
                    let takes = self.connection.isupport.takes_parameter(mode, set);
                    let parameter = if takes { parameters.next().copied() } else { None };
                    self.mode_changed(&key, mode, set, parameter);
                }
            }
        }
        if let Some(here) = self
            .connection
            .rooms
            .room(&key)
            .filter(|here| told || here.modes != before)
        {
            let (room, modes): (Room, String) = (here.room.clone(), here.modes.clone());
            self.tell(Event::RoomModes { room, modes });
        }
    }

    fn mode_changed(&mut self, room: &Key, mode: char, set: bool, parameter: Option<&str>) {
        let connection = &mut self.connection;
        let lists = connection
            .isupport
            .mode_types
            .first()
            .is_some_and(|lists| lists.contains(mode));
        let sign = connection.isupport.sign(mode);
        let member = parameter.map(|name| connection.isupport.casemap.fold(name));
        let Some(here) = connection.rooms.room_mut(room) else {
            return;
        };
        match (sign, member) {
            (Some(sign), Some(member)) => {
                if here.rank(&member, sign, set, &connection.isupport) {
                    self.tell_member(room, &member);
                }
            }
            (Some(_), None) => {}
            (None, _) if lists => {}
            (None, _) => here.mode(mode, set),
        }
    }
}
