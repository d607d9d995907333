//! An IRC session as a link drives it: orders in the network's words, and its events in everybody's.
//! It must never hand on a message as live that is not, nor let a name stand for another than on this network.
//! RFC 2812; what is said of OTR in `irc`'s own documentation.

mod heard;
mod rooms;
mod way;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use irc::{Command, Input, Nick, Output, Room, SendKind, Target};
use model::Address;
use zeroize::Zeroizing;

use super::session::{Taken, Told, Wanted};
use super::talk::{PersonReport, Wish};
use super::{Order, Report};
use crate::random::SystemRandom;

pub(crate) use self::way::{IrcLogin, IrcWay, mechanism_named, preset};

/// Names that a session remembers the spelling of: people and rooms of one account.
const MAX_NAMES: usize = 10_000;

/// An IRC session, and how the messenger spells the names that it knows.
pub(crate) struct Irc {
    session: irc::Session,
    /// By the name with its case taken away as this network does.
    names: BTreeMap<String, Address>,
    /// Rooms that are to be closed to strangers once they are ours.
    making: BTreeSet<Address>,
    /// Bytes for a target and a text in one line, as they were told.
    line: usize,
    wanted: VecDeque<Wanted>,
    /// What NickServ is told once we are in.
    identify: Option<Zeroizing<String>>,
    /// The clock as it was last told.
    now: Duration,
}

impl Irc {
    pub(super) fn new(way: &IrcWay, password: &Zeroizing<String>, transport: model::Transport) -> Self {
        Self {
            session: irc::Session::new(way.config(password, transport)),
            names: BTreeMap::new(),
            making: BTreeSet::new(),
            line: 0,
            wanted: VecDeque::new(),
            identify: (way.login == IrcLogin::NickServ).then(|| password.clone()),
            now: Duration::ZERO,
        }
    }

    pub(super) fn hear(&mut self, told: Told<'_>, now: Duration) {
        let input = match told {
            Told::Bytes(bytes) => Input::Bytes(bytes),
            Told::Closed => Input::Closed,
            Told::Connected => Input::Connected,
            // There is no STARTTLS on IRC.
            Told::Bindings(_) | Told::TlsEstablished => return,
            Told::Tick => Input::Tick,
        };
        self.now = now;
        // Only a command can fail.
        let _ = self.session.handle(input, now, &mut SystemRandom);
    }

    pub(super) fn go_offline(&mut self, now: Duration) {
        self.now = now;
        let _ = self.tell(Command::GoOffline);
    }

    pub(super) fn poll(&mut self) -> Option<Wanted> {
        if let Some(wanted) = self.wanted.pop_front() {
            return Some(wanted);
        }
        while let Some(output) = self.session.poll() {
            match output {
                Output::Close => return Some(Wanted::Close),
                Output::Event(event) => {
                    self.heard(event);
                    if let Some(wanted) = self.wanted.pop_front() {
                        return Some(wanted);
                    }
                }
                Output::Send(bytes) => return Some(Wanted::Send(bytes)),
                Output::Wake(at) => return Some(Wanted::Wake(at)),
            }
        }
        None
    }

    pub(super) fn obey(&mut self, order: Order, now: Duration) -> Taken {
        self.now = now;
        match order {
            Order::Person { who, wish } => self.wish(&who, wish),
            Order::Room(order) => return self.room(order),
            Order::Say { to, body, token, otr } => return self.say(to, body, token, otr),
            // Everything else is the link's own.
            _ => {}
        }
        Taken::Yes
    }

    fn tell(&mut self, command: Command) -> Result<(), irc::Error> {
        self.session
            .handle(Input::Command(command), self.now, &mut SystemRandom)
    }

    fn wish(&mut self, who: &Address, wish: Wish) {
        let Some(nick) = Nick::new(who.as_str()) else {
            return;
        };
        self.know(who);
        let mask = irc::Mask::new(nick.as_str());
        let command = match wish {
            // Nobody here is told, and nobody has a list but we ourselves.
            Wish::Approve | Wish::Refuse => return,
            Wish::Ask => return self.ask_about(who, nick),
            Wish::Befriend => Command::Watch(nick),
            Wish::Drop => Command::Unwatch(nick),
            Wish::Block => match mask {
                Some(mask) => Command::Ignore(mask),
                None => return,
            },
            Wish::Unblock => match mask {
                Some(mask) => Command::Unignore(mask),
                None => return,
            },
        };
        // Somebody who cannot be watched is only not seen to come and go.
        let _ = self.tell(command);
    }

    fn ask_about(&mut self, who: &Address, nick: Nick) {
        if let Err(error) = self.tell(Command::Whois(nick)) {
            let (who, known) = (who.clone(), Err(way::told(&error)));
            self.person(PersonReport::Known { who, known });
        }
    }

    fn say(&mut self, to: Address, body: String, token: u64, otr: bool) -> Taken {
        let Some(nick) = Nick::new(to.as_str()) else {
            self.bounce(token, &irc::Error::IllegalCharacter);
            return Taken::Yes;
        };
        self.know(&to);
        let (kind, text) = kind_of(&body, otr);
        let command = Command::Send {
            to: Target::Nick(nick),
            text: text.to_owned(),
            token,
            kind,
        };
        match self.tell(command) {
            Err(irc::Error::NotConnected | irc::Error::QueueFull) => {
                Taken::Later(Order::Say { to, body, token, otr })
            }
            Err(error) => {
                self.bounce(token, &error);
                Taken::Yes
            }
            Ok(()) => Taken::Yes,
        }
    }

    /// A message that can never go.
    fn bounce(&mut self, token: u64, error: &irc::Error) {
        let problem = way::told(error);
        self.report(Report::Bounced { token, problem });
    }

    fn report(&mut self, report: Report) {
        self.wanted.push_back(Wanted::Report(report));
    }

    fn person(&mut self, report: PersonReport) {
        self.report(Report::Person(report));
    }

    /// Remembers how the messenger spells a name.
    fn know(&mut self, name: &Address) {
        let key = self.session.fold(name.as_str());
        if self.names.len() < MAX_NAMES || self.names.contains_key(&key) {
            self.names.insert(key, name.clone());
        }
    }

    /// The name as the messenger spells it. `None`: an address cannot tell it from another name of this network.
    fn address(&self, name: &str) -> Option<Address> {
        if let Some(known) = self.names.get(&self.session.fold(name)) {
            return Some(known.clone());
        }
        let address: Address = name.parse().ok()?;
        (address.as_str() == name.to_ascii_lowercase()).then_some(address)
    }

    fn room_name(&self, room: &Room) -> Option<Address> {
        self.address(room.as_str())
    }

    /// What our own name and address leave of a line may have changed.
    fn measure(&mut self) {
        let line = self.session.line_room();
        if line != self.line {
            self.line = line;
            self.report(Report::Line(line));
        }
    }
}

/// How a text goes, and what of it: `/me` is for everybody's eyes an action, but inside OTR it stays as it is typed.
fn kind_of(body: &str, otr: bool) -> (SendKind, &str) {
    match body.strip_prefix("/me ") {
        _ if otr => (SendKind::Otr, body),
        Some(action) => (SendKind::Action, action),
        None => (SendKind::Text, body),
    }
}

#[cfg(test)]
mod tests;
