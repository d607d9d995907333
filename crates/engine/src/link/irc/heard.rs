//! What an IRC session tells, in the words of the messenger.
//! It must never hand on what a notice, another client of ours or a store said as something that OTR may see.
//! RFC 2812; IRCv3 echo-message, chathistory, MONITOR.

use irc::{Event, Nick, Origin, Probe, StsPolicy, TextKind};
use model::Problem;

use super::super::Report;
use super::super::session::Wanted;
use super::super::talk::{PersonReport, RoomReport};
use super::{Irc, way};

/// Rooms that are shown of one person.
const MAX_SHOWN_ROOMS: usize = 100;

/// What is told of somebody who went.
const GONE: &str = "The contact went offline, or left the last room that you share. Whoever has this nick next may be \
                    somebody else, so the private conversation was ended.";

impl Irc {
    /// One event; what it comes to is put behind what is wanted already.
    pub(super) fn heard(&mut self, event: Event) {
        match event {
            Event::Acknowledged { token } => self.report(Report::Taken { token }),
            Event::DirectMessage(message) => self.on_message(message),
            Event::Invited { room, by } => self.on_invited(&room, &by),
            Event::MessageRefused { token, problem } => {
                let problem = way::refused(problem);
                self.report(Report::Bounced { token, problem });
            }
            Event::NetworkSplit { gone } => gone.iter().for_each(|nick| self.on_split(nick)),
            Event::NickChanged(nick) => {
                self.measure();
                let name = nick.as_str().to_owned();
                self.report(Report::OwnName(name));
            }
            Event::Offline { why, retry } => self.on_offline(why, retry),
            Event::Online { mechanism, .. } => self.on_online(mechanism),
            Event::PeerGone { nick, .. } => {
                self.on_gone(&nick, "peer.gone", GONE);
                self.out_of_all_rooms(&nick);
            }
            Event::PeerRenamed { from, to } => self.on_renamed(&from, &to),
            Event::Presence { nick, online } => self.on_presence(&nick, online),
            Event::Probed { from, what } => self.on_probe(&from, what),
            Event::Refused {
                target: Some(irc::Target::Nick(nick)),
                problem,
                ..
            } => self.on_known(&nick, Err(way::refused(problem))),
            Event::Whois(whois) => self.on_whois(*whois),
            Event::RoomsListed { rooms, .. } => self.on_list(&rooms),
            Event::Sts(StsPolicy::Keep(time)) => self.wanted.push_back(Wanted::TlsOnly(time)),
            Event::Unacknowledged { tokens } => self.report(Report::Lost(tokens)),
            other => self.heard_in_room(other),
        }
    }

    fn on_online(&mut self, mechanism: Option<irc::Mechanism>) {
        self.measure();
        self.making.clear();
        if let Some(password) = &self.identify {
            // Refused where there is no TLS.
            let _ = self.tell(irc::Command::Identify(password.clone().into()));
        }
        let report = Report::Online {
            mechanism: mechanism.map(|mechanism| mechanism.name().to_owned()),
        };
        self.wanted.push_back(Wanted::Online {
            resumed: false,
            report,
        });
    }

    fn on_offline(&mut self, why: irc::OfflineReason, retry: bool) {
        let tls_at = match why {
            irc::OfflineReason::StsUpgrade { port } => Some(port),
            _ => None,
        };
        self.line = 0;
        self.wanted.push_back(Wanted::Offline {
            why: way::ended(why),
            retry,
            requested: why == irc::OfflineReason::Requested,
            tls_at,
        });
    }

    fn on_message(&mut self, message: irc::DirectMessage) {
        let Some(who) = self.address(message.with.as_str()) else {
            return;
        };
        // Services are no persons: they are never talked to by OTR, and never ask to be a contact.
        if message.service || message.origin == Origin::OwnElsewhere {
            return;
        }
        let text = message.text;
        let live = message.origin == Origin::Live;
        let earlier = message.origin == Origin::History;
        let report = match message.kind {
            TextKind::Text if live => PersonReport::Said { who, text },
            TextKind::Action => {
                let text = irc::write_action(&text);
                PersonReport::Readable { who, text, earlier }
            }
            // What was kept and looks like OTR is of no use to anybody.
            _ if text.starts_with("?OTR") => return,
            TextKind::Notice | TextKind::Text => PersonReport::Readable { who, text, earlier },
        };
        self.person(report);
    }

    fn on_split(&mut self, nick: &Nick) {
        self.on_gone(
            nick,
            "peer.split",
            "Servers of the network lost each other, and the contact with them. Whoever has this nick next may be \
             somebody else, so the private conversation was ended.",
        );
        self.out_of_all_rooms(nick);
    }

    fn on_renamed(&mut self, from: &Nick, to: &Nick) {
        self.on_gone(
            from,
            "peer.renamed",
            "The contact took another nick. Whoever has this one next may be somebody else, so the private \
             conversation was ended.",
        );
        let (from, to) = (from.as_str().to_owned(), to.as_str().to_owned());
        self.in_room(RoomReport::Renamed { room: None, from, to });
    }

    fn out_of_all_rooms(&mut self, nick: &Nick) {
        let nick = nick.as_str().to_owned();
        self.in_room(RoomReport::MemberGone { room: None, nick });
    }

    fn on_gone(&mut self, nick: &Nick, code: &str, text: &str) {
        if let Some(who) = self.address(nick.as_str()) {
            let why = Problem::new(code, text);
            self.person(PersonReport::Gone { who, why });
        }
    }

    fn on_presence(&mut self, nick: &Nick, there: bool) {
        let Some(who) = self.address(nick.as_str()) else {
            return;
        };
        if !there {
            self.on_gone(nick, "peer.gone", GONE);
        }
        self.person(PersonReport::There { who, there });
    }

    fn on_probe(&mut self, from: &Nick, what: Probe) {
        if let Some(who) = self.address(from.as_str()) {
            let what = match what {
                Probe::Ctcp => "ctcp",
                Probe::Dcc => "dcc",
            };
            self.person(PersonReport::Tried { who, what });
        }
    }

    fn on_invited(&mut self, room: &irc::Room, by: &Nick) {
        if let (Some(room), Some(by)) = (self.room_name(room), self.address(by.as_str())) {
            let password = None;
            self.report(Report::Room(RoomReport::Invited { room, by, password }));
        }
    }

    fn on_known(&mut self, nick: &Nick, known: Result<Box<model::Known>, Problem>) {
        if let Some(who) = self.address(nick.as_str()) {
            self.person(PersonReport::Known { who, known });
        }
    }

    fn on_whois(&mut self, whois: irc::Whois) {
        let Some(contact) = self.address(whois.nick.as_str()) else {
            return;
        };
        let plain = |text: Option<String>| text.map(|text| crate::text::plain(&text));
        let rooms = whois.rooms.iter().take(MAX_SHOWN_ROOMS);
        let known = model::Known {
            contact,
            address: plain(whois.address),
            real_name: plain(whois.real_name),
            server: plain(whois.server),
            account: plain(whois.account),
            rooms: rooms.map(|room| crate::text::plain(room.as_str())).collect(),
            away: whois.away,
            bot: whois.bot,
            secure: whois.secure,
            operator: whois.operator,
        };
        self.on_known(&whois.nick, Ok(Box::new(known)));
    }

    fn on_list(&mut self, rooms: &[irc::ListedRoom]) {
        let found = rooms.iter().filter_map(|listed| {
            Some(model::FoundRoom {
                room: self.room_name(&listed.room)?,
                about: listed.topic.clone(),
                members: Some(listed.members),
            })
        });
        let rooms: Result<Vec<_>, Problem> = Ok(found.collect());
        self.report(Report::Room(RoomReport::Found { rooms }));
    }
}
