//! XMPP rooms in the words of the messenger.
//! It must never hand on what was said in a room as said to the owner alone.
//! XEP-0045; XEP-0249.

use jid::BareJid;
use model::{Address, FoundRoom, Member, Moderation, Rank, RoomRisk};
use xmpp::{Affiliation, Password, Role, RoomEvent, RoomExit, RoomModeration};
use zeroize::Zeroizing;

use super::super::talk::RoomReport;
use super::{Order, Report, RoomOrder, Taken, XmppSession, refusals};

/// Rooms whose spelling is remembered.
const MAX_NAMES: usize = 1_000;
/// Messages that may wait for their room to give them back.
const MAX_SAID: usize = 512;

impl XmppSession {
    pub(super) fn room(&mut self, order: RoomOrder) -> Taken {
        match order {
            RoomOrder::Enter {
                room,
                nick,
                password,
                create,
            } => {
                let password = password.map(|word| Password::new(word.to_string()));
                let enter = xmpp::RoomOrder::Enter {
                    nick,
                    password,
                    create,
                };
                if let Err(error) = self.about(&room, enter) {
                    let why = Some(refusals::of_error(error));
                    self.tell_room(RoomReport::Left { room, why });
                }
            }
            RoomOrder::Find { words } => self.find(words),
            RoomOrder::Invite { room, who } => {
                if let Ok(who) = BareJid::new(who.as_str()) {
                    self.ask(room, xmpp::RoomOrder::Invite(who));
                }
            }
            RoomOrder::Leave { room } => {
                if self.about(&room, xmpp::RoomOrder::Leave).is_err() {
                    self.tell_room(RoomReport::Left { room, why: None });
                }
            }
            RoomOrder::Moderate { room, nick, action } => {
                let action = moderation(action);
                self.ask(room, xmpp::RoomOrder::Moderate { nick, action });
            }
            RoomOrder::Say { room, text, token } => return self.say(room, text, token),
            RoomOrder::Topic { room, topic } => self.ask(room, xmpp::RoomOrder::SetTopic(topic)),
        }
        Taken::Yes
    }

    fn about(&mut self, room: &Address, order: xmpp::RoomOrder) -> Result<(), xmpp::Error> {
        // The messenger has checked it.
        let jid = BareJid::new(room.as_str()).map_err(|_| xmpp::Error::IllegalCharacter)?;
        if self.names.len() < MAX_NAMES {
            self.names.insert(jid.clone(), room.clone());
        }
        self.tell(xmpp::Command::Room { room: jid, order })
    }

    fn ask(&mut self, room: Address, order: xmpp::RoomOrder) {
        if let Err(error) = self.about(&room, order) {
            let problem = refusals::of_error(error);
            self.tell_room(RoomReport::Refused { room, problem });
        }
    }

    fn say(&mut self, room: Address, text: String, token: u64) -> Taken {
        let body = text.clone();
        match self.about(&room, xmpp::RoomOrder::Say { body, token }) {
            Ok(()) if self.said.len() < MAX_SAID => {
                self.said.insert(token, false);
            }
            Ok(()) => {}
            Err(xmpp::Error::NotConnected | xmpp::Error::QueueFull) => {
                return Taken::Later(Order::Room(RoomOrder::Say { room, text, token }));
            }
            Err(error) => self.bounce(token, refusals::of_error(error)),
        }
        Taken::Yes
    }

    fn find(&mut self, words: String) {
        match self.tell(xmpp::Command::FindRooms) {
            Ok(()) => self.searches.push_back(words),
            Err(error) => {
                let rooms = Err(refusals::of_error(error));
                self.tell_room(RoomReport::Found { rooms });
            }
        }
    }

    fn tell_room(&mut self, report: RoomReport) {
        self.report(Report::Room(report));
    }

    /// The room as the messenger spells it.
    fn spelt(&self, room: &BareJid) -> Option<Address> {
        let known = self.names.get(room).cloned();
        known.or_else(|| room.as_str().parse().ok())
    }

    /// One list answers every search that waits: the server is asked once for all of them.
    pub(super) fn on_found(&mut self, found: &[xmpp::FoundRoom]) {
        let rooms: Vec<FoundRoom> = found.iter().filter_map(|found| self.found(found)).collect();
        for words in std::mem::take(&mut self.searches) {
            let words = words.trim().to_lowercase();
            let fits = |room: &&FoundRoom| {
                room.room.as_str().contains(&words) || room.about.to_lowercase().contains(&words)
            };
            let rooms = Ok(rooms.iter().filter(fits).cloned().collect());
            self.tell_room(RoomReport::Found { rooms });
        }
    }

    fn found(&self, found: &xmpp::FoundRoom) -> Option<FoundRoom> {
        Some(FoundRoom {
            room: self.spelt(&found.room)?,
            about: found.name.clone().unwrap_or_default(),
            members: found.occupants,
        })
    }

    pub(super) fn on_invited(&mut self, invitation: xmpp::Invitation) {
        let by = invitation.by.to_bare().as_str().parse().ok();
        let (Some(room), Some(by)) = (self.spelt(&invitation.room), by) else {
            return;
        };
        let password = invitation
            .password
            .map(|word| Zeroizing::new(word.expose_secret().to_owned()));
        self.tell_room(RoomReport::Invited { room, by, password });
    }

    pub(super) fn in_room(&mut self, room: &BareJid, event: RoomEvent) {
        let Some(room) = self.spelt(room) else { return };
        if let RoomEvent::Failed {
            action: xmpp::RoomAction::Say(token),
            condition,
        } = event
        {
            self.bounce(token, refusals::of_action(condition));
            return;
        }
        if let RoomEvent::Said {
            token: Some(token), ..
        } = event
        {
            self.said.remove(&token);
            self.report(Report::Taken { token });
            return;
        }
        if let Some(report) = self.report_of(room, event) {
            self.tell_room(report);
        }
    }

    fn report_of(&self, room: Address, event: RoomEvent) -> Option<RoomReport> {
        Some(match event {
            RoomEvent::Entered { nick, .. } => RoomReport::Entered { room, nick },
            RoomEvent::Failed { condition, .. } => {
                let problem = refusals::of_action(condition);
                RoomReport::Refused { room, problem }
            }
            RoomEvent::Gone { nick } => {
                let room = Some(room);
                RoomReport::MemberGone { room, nick }
            }
            RoomEvent::Info(info) => RoomReport::Told {
                room,
                risks: risks(&info),
                name: info.name,
            },
            RoomEvent::Member { occupant, own } => {
                let member = member(occupant, own);
                RoomReport::Member { room, member }
            }
            // With the connection went every room; what the owner wants to be in is entered again on the next one.
            RoomEvent::Out(RoomExit::Lost) if !self.online => RoomReport::Left { room, why: None },
            RoomEvent::Out(exit) => {
                let why = refusals::of_exit(exit);
                RoomReport::Left { room, why }
            }
            RoomEvent::Private { .. } => {
                let problem = refusals::whispered();
                RoomReport::Refused { room, problem }
            }
            RoomEvent::Refused(why) => {
                let why = Some(refusals::of_entry(why));
                RoomReport::Left { room, why }
            }
            RoomEvent::Said {
                nick,
                body,
                earlier,
                own,
                ..
            } => RoomReport::Said {
                room,
                nick,
                own,
                text: body,
                earlier,
            },
            RoomEvent::Topic(topic) => RoomReport::Topic { room, topic },
        })
    }
}

fn risks(info: &xmpp::RoomInfo) -> Vec<RoomRisk> {
    let all = [
        (info.logged, RoomRisk::Logged),
        (info.addresses_shown, RoomRisk::AddressShown),
        (info.open, RoomRisk::Open),
    ];
    all.into_iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, risk)| risk)
        .collect()
}

fn member(occupant: xmpp::Occupant, own: bool) -> Member {
    Member {
        rank: rank(occupant.affiliation, occupant.role),
        address: occupant.jid.and_then(|jid| jid.as_str().parse().ok()),
        nick: occupant.nick,
        own,
    }
}

/// XEP-0045 5: two rows of ranks, as one.
fn rank(affiliation: Affiliation, role: Role) -> Rank {
    match (affiliation, role) {
        (Affiliation::Owner, _) => Rank::Owner,
        (Affiliation::Admin, _) => Rank::Administrator,
        (_, Role::Moderator) => Rank::Moderator,
        (_, Role::None | Role::Visitor) => Rank::Listener,
        (Affiliation::Member, Role::Participant) => Rank::Trusted,
        (_, Role::Participant) => Rank::Ordinary,
    }
}

fn moderation(action: Moderation) -> RoomModeration {
    match action {
        Moderation::Ban => RoomModeration::Affiliation(Affiliation::Outcast),
        Moderation::Kick => RoomModeration::Role(Role::None),
        Moderation::Rank { rank } => match rank {
            Rank::Listener => RoomModeration::Role(Role::Visitor),
            Rank::Ordinary => RoomModeration::Role(Role::Participant),
            Rank::Trusted => RoomModeration::Affiliation(Affiliation::Member),
            Rank::Moderator => RoomModeration::Role(Role::Moderator),
            Rank::Administrator => RoomModeration::Affiliation(Affiliation::Admin),
            Rank::Owner => RoomModeration::Affiliation(Affiliation::Owner),
        },
    }
}
