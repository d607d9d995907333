//! An XMPP session as a link drives it: orders about rooms in the network's words, and its events in everybody's.
//! It must never report a message in a room as taken before the room has it, nor decide anything.
//! RFC 6120; XEP-0045; what is said of people goes through unchanged.

mod refusals;
mod rooms;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jid::BareJid;
use model::{Address, Problem};

use super::session::{Taken, Told, Wanted};
use super::talk::RoomOrder;
use super::{Order, Report};
use crate::random::SystemRandom;

/// An XMPP session, and what is known of its rooms.
pub(crate) struct XmppSession {
    session: xmpp::Session,
    /// How the messenger spells the rooms that it gave orders about.
    names: BTreeMap<BareJid, Address>,
    /// What each search that waits looks for.
    searches: VecDeque<String>,
    /// Messages that no room has given back yet, and whether the server has them.
    said: BTreeMap<u64, bool>,
    online: bool,
    wanted: VecDeque<Wanted>,
    /// The clock as it was last told.
    now: Duration,
}

impl XmppSession {
    pub(super) fn new(config: xmpp::Config) -> Self {
        Self {
            session: xmpp::Session::new(config),
            names: BTreeMap::new(),
            searches: VecDeque::new(),
            said: BTreeMap::new(),
            online: false,
            wanted: VecDeque::new(),
            now: Duration::ZERO,
        }
    }

    pub(super) fn hear(&mut self, told: Told<'_>, now: Duration) {
        self.now = now;
        let input = match told {
            Told::Bindings(bindings) => xmpp::Input::Bindings(bindings),
            Told::Bytes(bytes) => xmpp::Input::Bytes(bytes),
            Told::Closed => xmpp::Input::Closed,
            Told::Connected => xmpp::Input::Connected,
            Told::TlsEstablished => xmpp::Input::TlsEstablished,
            Told::Tick => xmpp::Input::Tick,
        };
        // Only a command can fail.
        let _ = self.session.handle(input, now, &mut SystemRandom);
    }

    /// Says goodbye; where nothing stands there is nothing to say goodbye to.
    pub(super) fn go_offline(&mut self, now: Duration) {
        self.now = now;
        let _ = self.tell(xmpp::Command::GoOffline);
    }

    pub(super) fn obey(&mut self, order: Order, now: Duration) -> Taken {
        self.now = now;
        match order {
            Order::Room(order) => self.room(order),
            // A question is asked now or never.
            Order::Xmpp(xmpp::Command::Query { token, query }) => {
                if self.tell(xmpp::Command::Query { token, query }).is_err() {
                    let reply = Err(xmpp::QueryFailure::Silent);
                    self.report(Report::Xmpp(xmpp::Event::Answered { token, reply }));
                }
                Taken::Yes
            }
            Order::Xmpp(command) => {
                let again = command.clone();
                let done = self.tell(command);
                done.map_or_else(|_| Taken::Later(Order::Xmpp(again)), |()| Taken::Yes)
            }
            // Everything else is the link's own, or another network's.
            _ => Taken::Yes,
        }
    }

    pub(super) fn poll(&mut self) -> Option<Wanted> {
        loop {
            if let Some(wanted) = self.wanted.pop_front() {
                return Some(wanted);
            }
            match self.session.poll()? {
                xmpp::Output::Close => return Some(Wanted::Close),
                xmpp::Output::Event(event) => self.heard(event),
                xmpp::Output::Send(bytes) => return Some(Wanted::Send(bytes)),
                xmpp::Output::StartTls => return Some(Wanted::StartTls),
                xmpp::Output::Wake(at) => return Some(Wanted::Wake(at)),
            }
        }
    }

    fn tell(&mut self, command: xmpp::Command) -> Result<(), xmpp::Error> {
        self.session
            .handle(xmpp::Input::Command(command), self.now, &mut SystemRandom)
    }

    fn report(&mut self, report: Report) {
        self.wanted.push_back(Wanted::Report(report));
    }

    fn heard(&mut self, event: xmpp::Event) {
        match event {
            xmpp::Event::Acknowledged { token } if self.said.contains_key(&token) => {
                self.said.insert(token, true);
            }
            xmpp::Event::Invited(invitation) => self.on_invited(invitation),
            xmpp::Event::MessageError {
                token: Some(token),
                condition,
                ..
            } if self.said.contains_key(&token) => self.bounce(token, refusals::of_action(condition)),
            xmpp::Event::Offline { why, retry } => {
                self.online = false;
                self.searches.clear();
                self.wanted.push_back(Wanted::Offline {
                    why: Problem::new(why.code(), why.to_string()),
                    retry,
                    requested: why == xmpp::OfflineReason::Requested,
                    tls_at: None,
                });
            }
            xmpp::Event::Online { resumed, .. } => self.on_online(resumed, event),
            xmpp::Event::Registered => self.wanted.push_back(Wanted::Registered),
            xmpp::Event::Room { room, event } => self.in_room(&room, event),
            xmpp::Event::RoomsFound(found) => self.on_found(&found),
            xmpp::Event::Unacknowledged { ref tokens } => {
                self.said.retain(|token, _| !tokens.contains(token));
                self.report(Report::Xmpp(event));
            }
            event => self.report(Report::Xmpp(event)),
        }
    }

    fn on_online(&mut self, resumed: bool, event: xmpp::Event) {
        self.online = true;
        if !resumed {
            // The server had these; no room will give them back any more.
            for (token, _) in std::mem::take(&mut self.said).into_iter().filter(|(_, has)| *has) {
                self.report(Report::Taken { token });
            }
        }
        let report = Report::Xmpp(event);
        self.wanted.push_back(Wanted::Online { resumed, report });
    }

    /// A message in a room goes to nobody.
    fn bounce(&mut self, token: u64, problem: Problem) {
        self.said.remove(&token);
        self.report(Report::Bounced { token, problem });
    }
}

#[cfg(test)]
mod tests;
