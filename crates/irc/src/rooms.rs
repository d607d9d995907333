//! Rooms and the people in them.
//! Must never grow beyond its caps, whatever a server tells.
//! RFC 1459 1.3, 4.2; IRCv3 multi-prefix, extended-join, account-notify, away-notify, chghost.

use std::collections::BTreeMap;

use crate::event::Member;
use crate::isupport::Isupport;
use crate::name::{CaseMap, Key, Nick, Room};

/// Most modes of a room that are kept.
const MOST_MODES: usize = 64;

/// A room that we are in.
#[derive(Debug)]
pub(crate) struct Here {
    pub(crate) room: Room,
    /// Signs of ranks by member.
    pub(crate) members: BTreeMap<Key, String>,
    pub(crate) topic: String,
    /// Modes that are set, without those of members and lists.
    pub(crate) modes: String,
    /// The first list of members has ended.
    pub(crate) listed: bool,
    /// There are more members than may be kept.
    pub(crate) crowded: bool,
}

/// Somebody with whom we share a room.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) nick: Nick,
    pub(crate) address: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) away: bool,
    pub(crate) bot: bool,
    /// Rooms in common.
    rooms: usize,
}

/// All rooms, all people.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    rooms: BTreeMap<Key, Here>,
    people: BTreeMap<Key, Person>,
}

/// Caps of [`Rooms`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caps {
    pub(crate) members: usize,
    pub(crate) people: usize,
}

impl Rooms {
    pub(crate) fn count(&self) -> usize {
        self.rooms.len()
    }

    pub(crate) fn room(&self, key: &Key) -> Option<&Here> {
        self.rooms.get(key)
    }

    pub(crate) fn room_mut(&mut self, key: &Key) -> Option<&mut Here> {
        self.rooms.get_mut(key)
    }

    pub(crate) fn person(&self, key: &Key) -> Option<&Person> {
        self.people.get(key)
    }

    pub(crate) fn person_mut(&mut self, key: &Key) -> Option<&mut Person> {
        self.people.get_mut(key)
    }

    /// We entered a room; what was known of it before is forgotten.
    pub(crate) fn enter(&mut self, key: Key, room: Room) {
        self.leave(&key);
        let here = Here {
            room,
            members: BTreeMap::new(),
            topic: String::new(),
            modes: String::new(),
            listed: false,
            crowded: false,
        };
        self.rooms.insert(key, here);
    }

    /// We left a room; gives those with whom we no longer share any.
    pub(crate) fn leave(&mut self, key: &Key) -> Vec<Nick> {
        let members = self
            .rooms
            .remove(key)
            .map(|here| here.members)
            .unwrap_or_default();
        members.keys().filter_map(|member| self.lose(member)).collect()
    }

    /// Somebody is in a room. `false`: there is no room for them here.
    pub(crate) fn add(&mut self, room: &Key, member: &Key, nick: &Nick, ranks: &str, caps: Caps) -> bool {
        let Some(here) = self.rooms.get_mut(room) else {
            return false;
        };
        if let Some(known) = here.members.get_mut(member) {
            ranks.clone_into(known);
            return true;
        }
        let known = self.people.contains_key(member);
        if here.members.len() >= caps.members || (!known && self.people.len() >= caps.people) {
            here.crowded = true;
            return false;
        }
        here.members.insert(member.clone(), ranks.to_owned());
        let person = self.people.entry(member.clone()).or_insert_with(|| Person {
            nick: nick.clone(),
            address: None,
            account: None,
            away: false,
            bot: false,
            rooms: 0,
        });
        person.rooms = person.rooms.saturating_add(1);
        true
    }

    /// Somebody left a room. `None`: they were not in it. `Some(true)`: that was the last one in common.
    pub(crate) fn remove(&mut self, room: &Key, member: &Key) -> Option<bool> {
        self.rooms.get_mut(room)?.members.remove(member)?;
        Some(self.lose(member).is_some())
    }

    /// Somebody is gone from everywhere.
    pub(crate) fn remove_everywhere(&mut self, member: &Key) -> Option<Nick> {
        let person = self.people.remove(member)?;
        for here in self.rooms.values_mut() {
            here.members.remove(member);
        }
        Some(person.nick)
    }

    fn lose(&mut self, member: &Key) -> Option<Nick> {
        let person = self.people.get_mut(member)?;
        person.rooms = person.rooms.saturating_sub(1);
        let last = person.rooms == 0;
        if last {
            self.people.remove(member).map(|person| person.nick)
        } else {
            None
        }
    }

    /// Somebody has another nick. Whoever was held to have it already is gone.
    pub(crate) fn rename(&mut self, from: &Key, to: &Key, nick: &Nick) {
        let Some(mut person) = self.people.remove(from) else {
            return;
        };
        if from != to {
            self.remove_everywhere(to);
        }
        person.nick = nick.clone();
        self.people.insert(to.clone(), person);
        for here in self.rooms.values_mut() {
            if let Some(ranks) = here.members.remove(from) {
                here.members.insert(to.clone(), ranks);
            }
        }
    }

    pub(crate) fn member(&self, room: &Key, member: &Key) -> Option<Member> {
        let ranks = self.rooms.get(room)?.members.get(member)?;
        Some(self.people.get(member)?.member(ranks))
    }

    pub(crate) fn members(&self, room: &Key) -> Vec<Member> {
        let members = self.rooms.get(room).map(|here| &here.members);
        let members = members.into_iter().flatten();
        members
            .filter_map(|(key, ranks)| Some(self.people.get(key)?.member(ranks)))
            .collect()
    }

    /// The rooms that somebody is in.
    pub(crate) fn of(&self, member: &Key) -> Vec<Key> {
        let with = |(_, here): &(&Key, &Here)| here.members.contains_key(member);
        self.rooms
            .iter()
            .filter(with)
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// The network has changed its mind on which letters are the same.
    pub(crate) fn fold_again(&mut self, map: CaseMap) {
        let people = std::mem::take(&mut self.people);
        let spelt: BTreeMap<Key, Key> = people
            .iter()
            .map(|(key, person)| (key.clone(), map.fold(person.nick.as_str())))
            .collect();
        self.people = people
            .into_values()
            .map(|person| (map.fold(person.nick.as_str()), person))
            .collect();
        for (_, mut here) in std::mem::take(&mut self.rooms) {
            let members = std::mem::take(&mut here.members);
            here.members = members
                .into_iter()
                .filter_map(|(key, ranks)| Some((spelt.get(&key)?.clone(), ranks)))
                .collect();
            self.rooms.insert(map.fold(here.room.as_str()), here);
        }
    }
}

impl Person {
    fn member(&self, ranks: &str) -> Member {
        Member {
            nick: self.nick.clone(),
            ranks: ranks.to_owned(),
            address: self.address.clone(),
            account: self.account.clone(),
            away: self.away,
            bot: self.bot,
        }
    }
}

impl Here {
    /// Gives or takes a rank; the signs stay in the order of the network. `false`: nothing changed.
    pub(crate) fn rank(&mut self, member: &Key, sign: char, set: bool, isupport: &Isupport) -> bool {
        let Some(ranks) = self.members.get_mut(member) else {
            return false;
        };
        let has = ranks.contains(sign);
        if has == set {
            return false;
        }
        let wanted = |it: char| if it == sign { set } else { ranks.contains(it) };
        *ranks = isupport
            .ranks
            .iter()
            .map(|(_, it)| *it)
            .filter(|it| wanted(*it))
            .collect();
        true
    }

    /// Sets or takes away a mode without a member.
    pub(crate) fn mode(&mut self, mode: char, set: bool) {
        if !set {
            self.modes.retain(|it| it != mode);
        } else if !self.modes.contains(mode) && self.modes.chars().count() < MOST_MODES {
            self.modes.push(mode);
        }
    }
}
