//! What the engine asks for.
//! Must never say anything that was not asked for, nor a word in leaving.
//! RFC 1459 4, RFC 2812 3, IRCv3 chathistory and read-marker.

use super::replies::{BanList, RoomList};
use super::{Phase, Session, Step};
use crate::caps::Cap;
use crate::error::Error;
use crate::event::{Command, Whois};
use crate::name::{Nick, Room, Target};
use crate::time::ServerTime;

/// Questions about people, and about bans, that may wait for their answers at once.
const MOST_QUESTIONS: usize = 16;

impl Session {
    pub(super) fn command(&mut self, command: Command, step: &mut Step<'_>) -> Result<(), Error> {
        match command {
            Command::GoOffline => {
                self.go_offline(step);
                Ok(())
            }
            Command::Ignore(mask) => {
                if self.ignored.len() >= self.config.limits.ignored {
                    return Err(Error::QueueFull);
                }
                self.ignored.insert(mask);
                Ok(())
            }
            Command::Unignore(mask) => {
                self.ignored.remove(&mask);
                Ok(())
            }
            _ if self.phase != Phase::Online => Err(Error::NotConnected),
            command => self.online_command(command, step),
        }
    }

    fn online_command(&mut self, command: Command, step: &mut Step<'_>) -> Result<(), Error> {
        match command {
            Command::ChangeNick(nick) => self.change_nick(nick, step),
            Command::GoOffline | Command::Ignore(_) | Command::Unignore(_) => Ok(()),
            Command::Identify(password) => self.identify(&password.0),
            Command::ListRooms { search } => self.list_rooms(&search),
            Command::MarkRead { target, time } => self.mark_read(&target, time),
            Command::Ping => {
                self.test(step);
                Ok(())
            }
            Command::RequestHistory {
                target,
                before,
                limit,
            } => self.request_history(&target, before, limit),
            Command::Send {
                to,
                text,
                token,
                kind,
            } => self.send(&to, &text, token, kind, step),
            Command::Unwatch(nick) => self.unwatch(&nick),
            Command::Watch(nick) => self.watch(nick, step),
            Command::Whois(nick) => self.ask_whois(nick),
            command => self.room_command(command),
        }
    }

    fn room_command(&mut self, command: Command) -> Result<(), Error> {
        match command {
            Command::Ban { room, mask } => self.enqueue_or("MODE", &[room.as_str(), "+b", mask.as_str()]),
            Command::Invite { room, nick } => self.enqueue_or("INVITE", &[nick.as_str(), room.as_str()]),
            Command::Join { room, key: Some(key) } => self.join_with_key(&room, &key),
            Command::Join { room, key: None } => self.enqueue_or("JOIN", &[room.as_str()]),
            Command::Kick { room, nick, reason } if reason.is_empty() => {
                self.enqueue_or("KICK", &[room.as_str(), nick.as_str()])
            }
            Command::Kick { room, nick, reason } => {
                self.enqueue_or("KICK", &[room.as_str(), nick.as_str(), &reason])
            }
            Command::Leave(room) => self.enqueue_or("PART", &[room.as_str()]),
            Command::ListBans(room) => self.list_bans(room),
            Command::SetModes {
                room,
                modes,
                parameters,
            } => {
                let mut all = vec![room.as_str(), modes.as_str()];
                all.extend(parameters.iter().map(String::as_str));
                self.enqueue_or("MODE", &all)
            }
            Command::SetTopic { room, topic } => self.enqueue_or("TOPIC", &[room.as_str(), &topic]),
            Command::Unban { room, mask } => self.enqueue_or("MODE", &[room.as_str(), "-b", mask.as_str()]),
            _ => Ok(()),
        }
    }

    fn join_with_key(&mut self, room: &Room, key: &str) -> Result<(), Error> {
        if key.contains([',', ' ']) || key.is_empty() {
            return Err(Error::IllegalCharacter);
        }
        self.enqueue_or("JOIN", &[room.as_str(), key])
    }

    fn change_nick(&mut self, nick: Nick, step: &mut Step<'_>) -> Result<(), Error> {
        self.enqueue_or("NICK", &[nick.as_str()])?;
        self.config.nick = nick;
        self.begin_regaining(step);
        Ok(())
    }

    fn ask_whois(&mut self, nick: Nick) -> Result<(), Error> {
        let key = self.key(nick.as_str());
        if self.connection.asked.whois.len() >= MOST_QUESTIONS {
            return Err(Error::QueueFull);
        }
        self.enqueue_or("WHOIS", &[nick.as_str()])?;
        let whois = Whois {
            nick,
            address: None,
            real_name: None,
            server: None,
            account: None,
            rooms: Vec::new(),
            away: false,
            bot: false,
            secure: false,
            operator: false,
        };
        self.connection.asked.whois.insert(key, whois);
        Ok(())
    }

    fn list_rooms(&mut self, search: &str) -> Result<(), Error> {
        if self.connection.asked.rooms.is_some() {
            return Err(Error::QueueFull);
        }
        let plain = !search.contains([' ', ',', '*', '?', '<', '>']) && !search.is_empty();
        if self.connection.isupport.list_by_pattern && plain {
            self.enqueue_or("LIST", &[&format!("*{search}*")])?;
        } else {
            self.enqueue_or("LIST", &[])?;
        }
        let search = search.to_lowercase();
        self.connection.asked.rooms = Some(RoomList {
            search,
            found: Vec::new(),
            complete: true,
        });
        Ok(())
    }

    fn list_bans(&mut self, room: Room) -> Result<(), Error> {
        let key = self.key(room.as_str());
        if self.connection.asked.bans.len() >= MOST_QUESTIONS {
            return Err(Error::QueueFull);
        }
        self.enqueue_or("MODE", &[room.as_str(), "+b"])?;
        self.connection.asked.bans.insert(
            key,
            BanList {
                room,
                masks: Vec::new(),
                complete: true,
            },
        );
        Ok(())
    }

    fn mark_read(&mut self, target: &Target, time: ServerTime) -> Result<(), Error> {
        if !self.connection.caps.has(Cap::ReadMarker) {
            return Err(Error::NotSupported);
        }
        self.enqueue_or("MARKREAD", &[target.as_str(), &format!("timestamp={time}")])
    }

    fn request_history(
        &mut self,
        target: &Target,
        before: Option<ServerTime>,
        limit: u16,
    ) -> Result<(), Error> {
        let most = self
            .connection
            .isupport
            .history
            .filter(|_| self.connection.caps.has(Cap::Chathistory));
        let Some(most) = most.filter(|_| self.connection.caps.has(Cap::Batch)) else {
            return Err(Error::NotSupported);
        };
        let limit = usize::from(limit).clamp(1, most).to_string();
        match before {
            Some(time) => {
                let time = format!("timestamp={time}");
                self.enqueue_or("CHATHISTORY", &["BEFORE", target.as_str(), &time, &limit])
            }
            None => self.enqueue_or("CHATHISTORY", &["LATEST", target.as_str(), "*", &limit]),
        }
    }
}
