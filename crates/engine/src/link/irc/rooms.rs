//! Rooms of an IRC network, in the words of the messenger.
//! It must never say a word in leaving, nor hand on what was said in a room as said to the owner alone.
//! RFC 2812 3.2; RFC 2811 4.

use irc::{Command, Departure, Event, Nick, Origin, Room, Target, TextKind};
use model::{Address, Member, Moderation, Problem, RoomRisk};

use super::super::session::Taken;
use super::super::talk::{RoomOrder, RoomReport};
use super::super::{Order, Report};
use super::{Irc, kind_of, way};

impl Irc {
    pub(super) fn room(&mut self, order: RoomOrder) -> Taken {
        match order {
            RoomOrder::Say { room, text, token } => return self.say_in_room(room, text, token),
            RoomOrder::Find { words } => {
                if let Err(error) = self.tell(Command::ListRooms { search: words }) {
                    let rooms = Err(way::told(&error));
                    self.in_room(RoomReport::Found { rooms });
                }
            }
            RoomOrder::Enter {
                room,
                password,
                create,
                ..
            } => {
                if create {
                    self.making.insert(room.clone());
                }
                let key = password.map(|word| word.to_string());
                if let Err(problem) = self.about(&room, |room| Some(Command::Join { room, key })) {
                    let why = Some(problem);
                    self.in_room(RoomReport::Left { room, why });
                }
            }
            RoomOrder::Leave { room } => {
                if self.about(&room, |room| Some(Command::Leave(room))).is_err() {
                    self.in_room(RoomReport::Left { room, why: None });
                }
            }
            RoomOrder::Invite { room, who } => {
                let nick = Nick::new(who.as_str());
                self.ask(&room, |room| Some(Command::Invite { room, nick: nick? }));
            }
            RoomOrder::Topic { room, topic } => {
                let topic = topic.replace(['\r', '\n'], " ");
                self.ask(&room, |room| Some(Command::SetTopic { room, topic }));
            }
            RoomOrder::Moderate { room, nick, action } => self.moderate(&room, &nick, action),
        }
        Taken::Yes
    }

    pub(super) fn in_room(&mut self, report: RoomReport) {
        self.report(Report::Room(report));
    }

    /// Has something done in a room.
    fn about(
        &mut self,
        room: &Address,
        command: impl FnOnce(Room) -> Option<Command>,
    ) -> Result<(), Problem> {
        let bad = || {
            Problem::new(
                "room.bad_name",
                "This is no name that can be used on this network: a room's name begins with #.",
            )
        };
        let named = Room::new(room.as_str()).ok_or_else(bad)?;
        self.know(room);
        let command = command(named).ok_or_else(bad)?;
        self.tell(command).map_err(|error| way::told(&error))
    }

    fn ask(&mut self, room: &Address, command: impl FnOnce(Room) -> Option<Command>) {
        if let Err(problem) = self.about(room, command) {
            let room = room.clone();
            self.in_room(RoomReport::Refused { room, problem });
        }
    }

    fn say_in_room(&mut self, room: Address, text: String, token: u64) -> Taken {
        let Some(named) = Room::new(room.as_str()) else {
            self.bounce(token, &irc::Error::IllegalCharacter);
            return Taken::Yes;
        };
        let (kind, words) = kind_of(&text, false);
        let command = Command::Send {
            to: Target::Room(named),
            text: words.to_owned(),
            token,
            kind,
        };
        match self.tell(command) {
            Err(irc::Error::NotConnected | irc::Error::QueueFull) => {
                Taken::Later(Order::Room(RoomOrder::Say { room, text, token }))
            }
            Err(error) => {
                self.bounce(token, &error);
                Taken::Yes
            }
            Ok(()) => Taken::Yes,
        }
    }

    fn moderate(&mut self, room: &Address, nick: &str, action: Moderation) {
        let Some(nick) = Nick::new(nick) else { return };
        match action {
            Moderation::Ban => {
                let mask = irc::Mask::new(nick.as_str());
                self.ask(room, |room| Some(Command::Ban { room, mask: mask? }));
                self.kick(room, nick);
            }
            Moderation::Kick => self.kick(room, nick),
            Moderation::Rank { rank } => {
                let has = self.rank_letters(room, &nick);
                let (modes, count) = way::mode_change(&has, rank);
                if count > 0 {
                    let parameters = vec![nick.as_str().to_owned(); count];
                    self.ask(room, |room| {
                        Some(Command::SetModes {
                            room,
                            modes,
                            parameters,
                        })
                    });
                }
            }
        }
    }

    fn kick(&mut self, room: &Address, nick: Nick) {
        self.ask(room, |room| {
            let reason = String::new();
            Some(Command::Kick { room, nick, reason })
        });
    }

    /// The signs of somebody's ranks in a room.
    fn rank_letters(&self, room: &Address, nick: &Nick) -> String {
        let wanted = self.session.fold(nick.as_str());
        let members = Room::new(room.as_str()).map(|room| self.session.members(&room));
        let mut members = members.into_iter().flatten();
        let found = members.find(|member| self.session.fold(member.nick.as_str()) == wanted);
        found.map(|member| member.ranks).unwrap_or_default()
    }

    /// What concerns rooms; everything else is of no interest to anybody.
    pub(super) fn heard_in_room(&mut self, event: Event) {
        match event {
            Event::RoomJoined(room) => self.on_joined(&room),
            Event::MembersListed { room, members, .. } => self.on_members(&room, &members),
            Event::MembersJoined { room, members, .. } => {
                members.iter().for_each(|member| self.on_member(&room, member));
            }
            Event::MemberChanged { room, member } => self.on_member(&room, &member),
            Event::MemberLeft { room, nick, .. } => self.in_some(&room, |room| RoomReport::MemberGone {
                room: Some(room),
                nick: nick.as_str().to_owned(),
            }),
            Event::RoomLeft { room, why } => self.on_left(&room, &why),
            Event::RoomMessage(message) => self.on_room_message(message),
            Event::RoomModes { room, modes } => self.on_modes(&room, &modes),
            Event::Topic { room, topic, .. } => {
                self.in_some(&room, |room| RoomReport::Topic { room, topic });
            }
            Event::Refused {
                target: Some(Target::Room(room)),
                problem,
                ..
            } => {
                let problem = way::refused(problem);
                self.in_some(&room, |room| RoomReport::Refused { room, problem });
            }
            _ => {}
        }
    }

    fn in_some(&mut self, room: &Room, report: impl FnOnce(Address) -> RoomReport) {
        if let Some(room) = self.room_name(room) {
            self.in_room(report(room));
        }
    }

    fn on_joined(&mut self, room: &Room) {
        self.measure();
        let nick = self.session.nick().as_str().to_owned();
        self.in_some(room, |room| RoomReport::Entered { room, nick });
        self.in_some(room, |room| RoomReport::Told {
            room,
            name: None,
            risks: vec![RoomRisk::AddressShown, RoomRisk::Open],
        });
    }

    fn on_members(&mut self, room: &Room, members: &[irc::Member]) {
        let own = self.session.fold(self.session.nick().as_str());
        let told: Vec<Member> = members.iter().map(|member| self.shown(member, &own)).collect();
        let alone = told.len() == 1;
        self.in_some(room, |room| RoomReport::Members { room, members: told });
        let Some(address) = self.room_name(room) else {
            return;
        };
        if self.making.remove(&address) && alone {
            // Made just now, by us: nobody enters without being asked, and no list shows it.
            let (modes, parameters) = ("+is".to_owned(), Vec::new());
            self.ask(&address, |room| {
                Some(Command::SetModes {
                    room,
                    modes,
                    parameters,
                })
            });
        }
    }

    fn on_member(&mut self, room: &Room, member: &irc::Member) {
        let own = self.session.fold(self.session.nick().as_str());
        let member = self.shown(member, &own);
        self.in_some(room, |room| RoomReport::Member { room, member });
    }

    fn shown(&self, member: &irc::Member, own: &str) -> Member {
        Member {
            nick: member.nick.as_str().to_owned(),
            address: self.address(member.nick.as_str()),
            rank: way::rank(&member.ranks),
            own: self.session.fold(member.nick.as_str()) == own,
        }
    }

    fn on_left(&mut self, room: &Room, why: &Departure) {
        let why = match why {
            Departure::Kicked { .. } => Some(Problem::new(
                "room.put_out",
                "You were put out of this room. You can try to enter it again.",
            )),
            Departure::Left | Departure::Quit => None,
        };
        self.in_some(room, |room| RoomReport::Left { room, why });
    }

    fn on_room_message(&mut self, message: irc::RoomMessage) {
        let text = match message.kind {
            TextKind::Action => irc::write_action(&message.text),
            TextKind::Notice | TextKind::Text => message.text,
        };
        let nick = Some(message.from.nick.as_str().to_owned());
        let own = message.origin == Origin::OwnElsewhere;
        let earlier = message.origin == Origin::History;
        self.in_some(&message.room, |room| RoomReport::Said {
            room,
            nick,
            own,
            text,
            earlier,
        });
    }

    fn on_modes(&mut self, room: &Room, modes: &str) {
        let mut risks = vec![RoomRisk::AddressShown];
        if !modes.contains(['i', 'k']) {
            risks.push(RoomRisk::Open);
        }
        self.in_some(room, |room| RoomReport::Told {
            room,
            name: None,
            risks,
        });
    }
}
