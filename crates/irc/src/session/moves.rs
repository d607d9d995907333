//! People who come, go and change their names.
//! Must never let a conversation go on under a nick that changed hands.
//! RFC 1459 4.1.2, 4.1.6, 4.2.1, 4.2.2, 4.2.8; IRCv3 extended-join, account-notify, away-notify, chghost.

use super::{Incoming, Session, Step};
use crate::caps::Cap;
use crate::event::{Departure, Event};
use crate::name::{Key, Nick, Room};
use crate::{rooms, split};

impl Session {
    pub(super) fn caps_of_rooms(&self) -> rooms::Caps {
        rooms::Caps {
            members: self.config.limits.members,
            people: self.config.limits.people,
        }
    }

    /// JOIN.
    pub(super) fn joined(&mut self, incoming: &Incoming<'_>, step: &mut Step<'_>) {
        let (Some(nick), Some(room)) = (incoming.nick(), Room::new(incoming.parameter(0))) else {
            return;
        };
        let (key, member) = (self.key(room.as_str()), self.key(nick.as_str()));
        let own = self.is_me(member.as_str());
        if own {
            self.enter_room(incoming, &key, room);
        }
        if !self
            .connection
            .rooms
            .add(&key, &member, &nick, "", self.caps_of_rooms())
        {
            return;
        }
        if let Some(person) = self.connection.rooms.person_mut(&member) {
            person.address = incoming.address().or_else(|| person.address.take());
            if self.connection.caps.has(Cap::ExtendedJoin) {
                person.account = account(incoming.parameter(1));
            }
        }
        if own {
            return;
        }
        self.holder_came(&member);
        if incoming.netsplit || self.connection.split.expects(&member, step.now) {
            self.connection.split.find(key, member, step.now);
        } else {
            self.tell_joined(&key, vec![member], false);
        }
    }

    fn enter_room(&mut self, incoming: &Incoming<'_>, key: &Key, room: Room) {
        if let Some(source) = incoming.message.source
            && let (Some(user), Some(host)) = (source.user, source.host)
        {
            self.learn_address(user, host);
        }
        let known = self.connection.rooms.room(key).is_some();
        if !known && self.connection.rooms.count() >= self.config.limits.rooms {
            // More than was ever asked for: a server that drags us about.
            return self.write("PART", &[room.as_str()]);
        }
        self.connection.rooms.enter(key.clone(), room.clone());
        self.tell(Event::RoomJoined(room));
    }

    fn tell_joined(&mut self, room: &Key, members: Vec<Key>, after_netsplit: bool) {
        let rooms = &self.connection.rooms;
        let members: Vec<_> = members
            .iter()
            .filter_map(|member| rooms.member(room, member))
            .collect();
        if let Some(here) = rooms.room(room)
            && !members.is_empty()
        {
            let room = here.room.clone();
            self.tell(Event::MembersJoined {
                room,
                members,
                after_netsplit,
            });
        }
    }

    /// PART.
    pub(super) fn parted(&mut self, incoming: &Incoming<'_>) {
        if let Some(nick) = incoming.nick() {
            self.left(&nick, incoming.parameter(0), Departure::Left);
        }
    }

    /// KICK.
    pub(super) fn kicked(&mut self, incoming: &Incoming<'_>) {
        let reason = incoming.parameter(2).to_owned();
        if let Some(nick) = Nick::new(incoming.parameter(1)) {
            self.left(
                &nick,
                incoming.parameter(0),
                Departure::Kicked {
                    by: incoming.nick(),
                    reason,
                },
            );
        }
    }

    fn left(&mut self, nick: &Nick, room: &str, why: Departure) {
        let (key, member) = (self.key(room), self.key(nick.as_str()));
        let Some(room) = self.connection.rooms.room(&key).map(|here| here.room.clone()) else {
            return;
        };
        if self.is_me(member.as_str()) {
            let gone = self.connection.rooms.leave(&key);
            self.tell(Event::RoomLeft { room, why });
            for nick in gone {
                // We are ourselves in each of our rooms.
                if self.key(nick.as_str()) == member {
                    continue;
                }
                self.tell(Event::PeerGone {
                    nick,
                    why: Departure::Left,
                });
            }
            return;
        }
        let Some(last) = self.connection.rooms.remove(&key, &member) else {
            return;
        };
        self.tell(Event::MemberLeft {
            room,
            nick: nick.clone(),
            why,
        });
        if last {
            self.tell(Event::PeerGone {
                nick: nick.clone(),
                why: Departure::Left,
            });
        }
    }

    /// QUIT.
    pub(super) fn quit(&mut self, incoming: &Incoming<'_>, step: &mut Step<'_>) {
        let Some(nick) = incoming.nick() else {
            return;
        };
        let member = self.key(nick.as_str());
        if self.is_me(member.as_str()) {
            return;
        }
        let known = self.connection.rooms.remove_everywhere(&member);
        self.holder_gone(&member);
        if known.is_some() && (incoming.netsplit || split::names_two_servers(incoming.last())) {
            self.connection.split.lose(member, nick, step.now);
        } else {
            self.tell(Event::PeerGone {
                nick,
                why: Departure::Quit,
            });
        }
    }

    /// Tells what was collected of a netsplit.
    pub(super) fn tell_split(&mut self) {
        let (gone, back) = self.connection.split.take();
        if !gone.is_empty() {
            self.tell(Event::NetworkSplit { gone });
        }
        for (room, members) in back {
            self.tell_joined(&room, members, true);
        }
    }

    /// NICK.
    pub(super) fn renamed(&mut self, incoming: &Incoming<'_>, step: &mut Step<'_>) {
        let (Some(from), Some(to)) = (incoming.nick(), Nick::new(incoming.parameter(0))) else {
            return;
        };
        let (old, new) = (self.key(from.as_str()), self.key(to.as_str()));
        let own = self.is_me(old.as_str());
        self.connection.rooms.rename(&old, &new, &to);
        if own {
            self.connection.me.nick = to.clone();
            self.tell(Event::NickChanged(to));
            if old == self.key(self.config.nick.as_str()) && old != new {
                self.stop_regaining();
            } else {
                self.begin_regaining(step);
            }
            return;
        }
        self.tell(Event::PeerRenamed { from, to });
        if old != new {
            self.holder_gone(&old);
        }
    }

    /// ACCOUNT.
    pub(super) fn account_changed(&mut self, incoming: &Incoming<'_>) {
        let account = account(incoming.parameter(0));
        self.person_changed(incoming, |person| person.account = account);
    }

    /// AWAY of others; what they say of it is not kept.
    pub(super) fn away_changed(&mut self, incoming: &Incoming<'_>) {
        let away = !incoming.message.parameters.is_empty();
        self.person_changed(incoming, |person| person.away = away);
    }

    /// CHGHOST.
    pub(super) fn host_changed(&mut self, incoming: &Incoming<'_>) {
        let (user, host) = (incoming.parameter(0), incoming.parameter(1));
        if incoming.nick().is_some_and(|nick| self.is_me(nick.as_str())) {
            self.learn_address(user, host);
        }
        let address = format!("{user}@{host}");
        self.person_changed(incoming, |person| person.address = Some(address));
    }

    fn person_changed(&mut self, incoming: &Incoming<'_>, change: impl FnOnce(&mut rooms::Person)) {
        let Some(member) = incoming.nick().map(|nick| self.key(nick.as_str())) else {
            return;
        };
        if let Some(person) = self.connection.rooms.person_mut(&member) {
            change(person);
            self.tell_changed(&member);
        }
    }

    /// Tells each room of a person how they are now.
    pub(super) fn tell_changed(&mut self, member: &Key) {
        for key in self.connection.rooms.of(member) {
            self.tell_member(&key, member);
        }
    }

    pub(super) fn tell_member(&mut self, room: &Key, member: &Key) {
        let rooms = &self.connection.rooms;
        let told = rooms
            .room(room)
            .filter(|here| here.listed)
            .map(|here| here.room.clone());
        if let (Some(room), Some(member)) = (told, rooms.member(room, member)) {
            self.tell(Event::MemberChanged { room, member });
        }
    }
}

/// An account in a message: a star, or in numeric 354 a nought, stands for none.
pub(super) fn account(name: &str) -> Option<String> {
    Some(name)
        .filter(|name| !matches!(*name, "" | "*" | "0"))
        .map(str::to_owned)
}
