//! The server's numbered answers.
//! Must never collect an answer that was not asked for, nor more of one than its cap.
//! RFC 1459 6, RFC 2812 5, draft-hardy-irc-isupport; IRCv3 MONITOR, WHOX, standard-replies, read-marker.

use std::collections::BTreeMap;

use super::{Incoming, Session, Step};
use crate::error::{OfflineReason, Problem};
use crate::event::{Event, ListedRoom, Whois};
use crate::name::{Key, Nick, Room, Target};
use crate::time::ServerTime;

/// Bytes of a greeting that are kept.
const LONGEST_GREETING: usize = 16 * 1024;
/// Rooms of one person that are kept.
const MOST_ROOMS: usize = 200;

/// Answers that are being collected.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) whois: BTreeMap<Key, Whois>,
    pub(super) rooms: Option<RoomList>,
    pub(super) bans: BTreeMap<Key, BanList>,
    /// Mechanisms, as numeric 908 lists them.
    pub(super) mechanisms: String,
    greeting: String,
}

/// A list of rooms on its way.
#[derive(Debug)]
pub(super) struct RoomList {
    pub(super) search: String,
    pub(super) found: Vec<ListedRoom>,
    pub(super) complete: bool,
}

/// A list of bans on its way.
#[derive(Debug)]
pub(super) struct BanList {
    pub(super) room: Room,
    pub(super) masks: Vec<String>,
    pub(super) complete: bool,
}

impl Session {
    pub(super) fn numeric(
        &mut self,
        incoming: &Incoming<'_>,
        step: &mut Step<'_>,
    ) -> Result<(), OfflineReason> {
        if let Some(done) = self.login_numeric(incoming.message, step) {
            return done;
        }
        match incoming.message.command {
            "005" => self.told_of_itself(incoming),
            "302" => self.own_address(incoming),
            "303" => self.ison_answered(incoming),
            "324" => self.modes_changed(incoming),
            "331" | "332" => self.topic_told(incoming),
            "333" => self.topic_dated(incoming),
            "353" => self.names(incoming),
            "354" => self.who(incoming),
            "366" => self.names_ended(incoming),
            "367" | "368" => self.ban_listed(incoming),
            "321" | "322" | "323" => self.room_listed(incoming),
            "372" => self.greeting(incoming),
            "396" => self.own_host(incoming),
            "730" | "731" => self.monitored(incoming),
            "301" | "307" | "311" | "312" | "313" | "318" | "319" | "330" | "335" | "671" => {
                self.whois(incoming);
            }
            numeric => {
                if let Some(problem) = Problem::from_numeric(numeric) {
                    self.refused(incoming, problem);
                }
            }
        }
        Ok(())
    }

    /// 005.
    fn told_of_itself(&mut self, incoming: &Incoming<'_>) {
        let before = self.connection.isupport.casemap;
        let parameters = &incoming.message.parameters;
        let tokens = parameters.len().saturating_sub(2);
        for token in parameters.iter().skip(1).take(tokens) {
            self.connection.isupport.apply(token);
        }
        let map = self.connection.isupport.casemap;
        if map != before {
            self.connection.rooms.fold_again(map);
        }
    }

    /// 302, which only we ask for, and only of ourselves: `nick=+user@host`.
    fn own_address(&mut self, incoming: &Incoming<'_>) {
        let address = incoming.last().trim().split_once('=').map(|(_, rest)| rest);
        let address = address
            .and_then(|rest| rest.strip_prefix(['+', '-']))
            .and_then(|rest| rest.split_once('@'));
        if let Some((user, host)) = address {
            self.learn_address(user, host);
        }
    }

    /// 396: the host that others see from now on; some servers put the user name in front.
    fn own_host(&mut self, incoming: &Incoming<'_>) {
        let shown = incoming.parameter(1);
        match shown.split_once('@') {
            Some((user, host)) => self.learn_address(user, host),
            None => self.connection.me.host = Some(shown.to_owned()),
        }
    }

    /// 372.
    fn greeting(&mut self, incoming: &Incoming<'_>) {
        let greeting = &mut self.connection.asked.greeting;
        let line = incoming.last();
        if greeting.len() + line.len() < LONGEST_GREETING {
            greeting.push_str(line.strip_prefix("- ").unwrap_or(line));
            greeting.push('\n');
        }
    }

    pub(super) fn tell_greeting(&mut self) {
        let greeting = std::mem::take(&mut self.connection.asked.greeting);
        if !greeting.is_empty() {
            self.tell(Event::ServerText(greeting.trim_end().to_owned()));
        }
    }

    fn whois(&mut self, incoming: &Incoming<'_>) {
        let key = self.key(incoming.parameter(1));
        if incoming.message.command == "318" {
            if let Some(whois) = self.connection.asked.whois.remove(&key) {
                self.tell(Event::Whois(Box::new(whois)));
            }
            return;
        }
        let Some(whois) = self.connection.asked.whois.get_mut(&key) else {
            return;
        };
        match incoming.message.command {
            "301" => whois.away = true,
            "311" => {
                whois.nick = Nick::new(incoming.parameter(1)).unwrap_or_else(|| whois.nick.clone());
                whois.address = Some(format!("{}@{}", incoming.parameter(2), incoming.parameter(3)));
                whois.real_name = Some(incoming.last().to_owned());
            }
            "312" => whois.server = Some(incoming.parameter(2).to_owned()),
            "313" => whois.operator = true,
            "319" => {
                let rooms = incoming.last().split(' ').filter_map(|name| {
                    Room::new(name.trim_start_matches(|c| self.connection.isupport.is_sign(c)))
                });
                whois
                    .rooms
                    .extend(rooms.take(MOST_ROOMS.saturating_sub(whois.rooms.len())));
            }
            "330" => whois.account = Some(incoming.parameter(2).to_owned()),
            "335" => whois.bot = true,
            "671" => whois.secure = true,
            _ => {}
        }
    }

    fn room_listed(&mut self, incoming: &Incoming<'_>) {
        let Some(list) = &mut self.connection.asked.rooms else {
            return;
        };
        match incoming.message.command {
            "322" => {
                let Some(room) = Room::new(incoming.parameter(1)) else {
                    return;
                };
                let wanted = room.as_str().to_lowercase().contains(&list.search);
                if wanted && list.found.len() < self.config.limits.listed {
                    let members = incoming.parameter(2).parse().unwrap_or_default();
                    list.found.push(ListedRoom {
                        room,
                        members,
                        topic: incoming.parameter(3).to_owned(),
                    });
                } else if wanted {
                    list.complete = false;
                }
            }
            "323" => {
                if let Some(list) = self.connection.asked.rooms.take() {
                    self.tell(Event::RoomsListed {
                        rooms: list.found,
                        complete: list.complete,
                    });
                }
            }
            _ => {}
        }
    }

    /// 367 and 368.
    fn ban_listed(&mut self, incoming: &Incoming<'_>) {
        let key = self.key(incoming.parameter(1));
        if incoming.message.command == "368" {
            if let Some(BanList {
                room,
                masks,
                complete,
            }) = self.connection.asked.bans.remove(&key)
            {
                self.tell(Event::BansListed {
                    room,
                    masks,
                    complete,
                });
            }
        } else if let Some(list) = self.connection.asked.bans.get_mut(&key) {
            if list.masks.len() < self.config.limits.bans {
                list.masks.push(incoming.parameter(2).to_owned());
            } else {
                list.complete = false;
            }
        }
    }

    /// An error: of a message, of a question, or of something else.
    fn refused(&mut self, incoming: &Incoming<'_>, problem: Problem) {
        let named = incoming.parameter(1);
        let key = self.key(named);
        if problem == Problem::NickTaken && self.is_regaining(&key) {
            return;
        }
        if self.connection.asked.whois.remove(&key).is_none() && self.message_refused(named, problem) {
            return;
        }
        self.connection.asked.bans.remove(&key);
        let between = incoming.message.parameters.len() > 2;
        let target = if between { Target::new(named) } else { None };
        self.tell(Event::Refused {
            target,
            problem,
            words: incoming.last().to_owned(),
        });
    }

    /// FAIL, WARN, NOTE: `FAIL command code context :words`.
    pub(super) fn standard_reply(&mut self, incoming: &Incoming<'_>) {
        let words = incoming.last().to_owned();
        if incoming.message.command != "FAIL" {
            return self.tell(Event::ServerText(words));
        }
        let problem = match incoming.parameter(1) {
            "ACCOUNT_REQUIRED" | "NEED_REGISTRATION" => Problem::NeedsAccount,
            "INVALID_TARGET" => Problem::CannotSend,
            "TEMPORARILY_UNAVAILABLE" | "RATE_LIMITED" => Problem::TryLater,
            "UNKNOWN_COMMAND" => Problem::Unknown,
            _ => Problem::Other,
        };
        let context = incoming
            .message
            .parameters
            .len()
            .checked_sub(2)
            .filter(|index| *index > 1);
        let target = context.and_then(|index| Target::new(incoming.parameter(index)));
        self.tell(Event::Refused {
            target,
            problem,
            words,
        });
    }

    /// MARKREAD.
    pub(super) fn marked_read(&mut self, incoming: &Incoming<'_>) {
        let time = incoming
            .parameter(1)
            .strip_prefix("timestamp=")
            .and_then(ServerTime::parse);
        if let Some(target) = Target::new(incoming.parameter(0)) {
            self.tell(Event::ReadUpTo { target, time });
        }
    }
}
