//! What people say.
//! Must never answer anything, nor pass off what was kept, echoed or forged as live.
//! RFC 1459 4.4; CTCP; IRCv3 server-time, account-tag, bot mode, echo-message; znc.in/self-message.

use super::{Incoming, Session, Step};
use crate::event::{DirectMessage, Event, Origin, Probe, RoomMessage, Sender, TextKind};
use crate::name::{Nick, Room};

/// Nicks of services that networks run, in small letters.
const SERVICES: &[&str] = &[
    "alis",
    "authserv",
    "botserv",
    "chanfix",
    "chanserv",
    "gameserv",
    "global",
    "groupserv",
    "helpserv",
    "hostserv",
    "infoserv",
    "memoserv",
    "nickserv",
    "operserv",
    "q",
    "rpgserv",
    "rootserv",
    "saslserv",
    "sectaskserv",
    "statserv",
    "userserv",
];

impl Session {
    /// PRIVMSG and NOTICE.
    pub(super) fn said(&mut self, incoming: &Incoming<'_>, step: &mut Step<'_>) {
        let Some(nick) = incoming.nick() else {
            return self.server_said(incoming);
        };
        if self.is_ignored(incoming) {
            return;
        }
        let notice = incoming.message.command == "NOTICE";
        let own = self.is_me(nick.as_str());
        let (kind, text) = match ctcp(incoming.last()) {
            Ctcp::Action(text) => (TextKind::Action, text),
            Ctcp::Question(what) => {
                if !own && !notice && !incoming.history {
                    self.tell(Event::Probed { from: nick, what });
                }
                return;
            }
            Ctcp::Words(text) if notice => (TextKind::Notice, text),
            Ctcp::Words(text) => (TextKind::Text, text),
        };
        let origin = match (incoming.history, own) {
            (true, _) => Origin::History,
            (false, true) => Origin::OwnElsewhere,
            (false, false) => Origin::Live,
        };
        let target = incoming.parameter(0);
        let status = &self.connection.isupport.status;
        let name = target.trim_start_matches(|c| status.contains(c));
        if self.connection.isupport.is_room(name) {
            self.said_in_room(incoming, nick, name, text, kind, origin);
        } else if own {
            if let Some(with) = Nick::new(target) {
                self.said_to_us(incoming, with, nick, text, kind, origin, step);
            }
        } else if self.is_me(target) {
            self.said_to_us(incoming, nick.clone(), nick, text, kind, origin, step);
        } else if notice || target.starts_with('$') {
            // To everybody on the network, or before we had a nick.
            self.tell(Event::ServerText(text.to_owned()));
        }
    }

    fn server_said(&mut self, incoming: &Incoming<'_>) {
        let text = incoming.last();
        if !text.starts_with('\u{1}') {
            self.tell(Event::ServerText(text.to_owned()));
        }
    }

    fn said_in_room(
        &mut self,
        incoming: &Incoming<'_>,
        nick: Nick,
        name: &str,
        text: &str,
        kind: TextKind,
        origin: Origin,
    ) {
        let Some(here) = self.connection.rooms.room(&self.key(name)) else {
            return;
        };
        let room: Room = here.room.clone();
        let message = RoomMessage {
            room,
            from: self.sender(incoming, nick),
            text: text.to_owned(),
            kind,
            origin,
            time: incoming.time,
            id: incoming.message.tags.filled("msgid").map(|id| id.into_owned()),
        };
        self.tell(Event::RoomMessage(message));
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "each is found out by the caller, and none without the others"
    )]
    fn said_to_us(
        &mut self,
        incoming: &Incoming<'_>,
        with: Nick,
        nick: Nick,
        text: &str,
        kind: TextKind,
        origin: Origin,
        step: &mut Step<'_>,
    ) {
        let texts = if origin == Origin::Live && kind == TextKind::Text {
            let map = self.connection.isupport.casemap;
            let rejoin = &mut self.connection.rejoin;
            rejoin.push(|| map.fold(nick.as_str()), text, step.now)
        } else {
            vec![text.to_owned()]
        };
        let service = is_service(&with);
        for text in texts {
            let message = DirectMessage {
                with: with.clone(),
                from: self.sender(incoming, nick.clone()),
                text,
                kind,
                origin,
                time: incoming.time,
                id: incoming.message.tags.filled("msgid").map(|id| id.into_owned()),
                service,
            };
            self.tell(Event::DirectMessage(message));
        }
    }

    fn sender(&self, incoming: &Incoming<'_>, nick: Nick) -> Sender {
        let tags = &incoming.message.tags;
        // What a message itself says is newer than what is known; of old messages nothing else counts.
        let live = !incoming.history && self.connection.rooms.count() > 0;
        let known = live
            .then(|| self.connection.rooms.person(&self.key(nick.as_str())))
            .flatten();
        let tagged = tags.filled("account").map(|account| account.into_owned());
        Sender {
            address: incoming
                .address()
                .or_else(|| known.and_then(|person| person.address.clone())),
            account: tagged.or_else(|| known.and_then(|person| person.account.clone())),
            bot: tags.value("bot").is_some() || known.is_some_and(|person| person.bot),
            nick,
        }
    }

    pub(super) fn is_ignored(&self, incoming: &Incoming<'_>) -> bool {
        let source = incoming.message.source.filter(|_| !self.ignored.is_empty());
        let Some(source) = source else {
            return false;
        };
        let (user, host) = (source.user.unwrap_or_default(), source.host.unwrap_or_default());
        let whole = format!("{}!{user}@{host}", source.name);
        self.ignored
            .iter()
            .any(|mask| mask.fits(&whole, |text| self.fold(text)))
    }

    /// INVITE; with invite-notify also of others, which concerns nobody.
    pub(super) fn invited(&mut self, incoming: &Incoming<'_>) {
        let to_us = self.is_me(incoming.parameter(0));
        if let (true, false, Some(by), Some(room)) = (
            to_us,
            self.is_ignored(incoming),
            incoming.nick(),
            Room::new(incoming.parameter(1)),
        ) {
            self.tell(Event::Invited { room, by });
        }
    }
}

/// Whether somebody of this nick is a service of a network, or of a bouncer, and no person: no OTR.
#[must_use]
pub fn is_service(nick: &Nick) -> bool {
    let name = nick.as_str().to_ascii_lowercase();
    name.starts_with('*') || SERVICES.contains(&name.as_str())
}

enum Ctcp<'a> {
    Action(&'a str),
    Question(Probe),
    Words(&'a str),
}

fn ctcp(text: &str) -> Ctcp<'_> {
    let Some(inner) = text.strip_prefix('\u{1}') else {
        return Ctcp::Words(text);
    };
    let inner = inner.strip_suffix('\u{1}').unwrap_or(inner);
    let (word, rest) = inner.split_once(' ').unwrap_or((inner, ""));
    match word {
        "ACTION" => Ctcp::Action(rest),
        word if word.eq_ignore_ascii_case("DCC") || word.eq_ignore_ascii_case("XDCC") => {
            Ctcp::Question(Probe::Dcc)
        }
        _ => Ctcp::Question(Probe::Ctcp),
    }
}
