//! How a stream stays alive, is counted, and ends: timers, acknowledgements, the goodbye.
//! Must never lose a token: each one given to `Send` comes back exactly once, acknowledged or not.
//! XEP-0198 4 and 5, XEP-0199 4.2, RFC 6120 4.4 and 4.6.

use std::time::Duration;

use xmpp_parsers::iq::Iq;
use xmpp_parsers::ping::Ping;

use super::requests::Kind;
use super::{Phase, Session, Step};
use crate::config::Limits;
use crate::error::{Error, OfflineReason};
use crate::event::{Bindings, Event, Output};
use crate::room::{RoomEvent, RoomExit};
use crate::room_list::Search;
use crate::sm::{self, Management};
use crate::{ns, write};

/// How long we wait for the server's goodbye.
const GOODBYE: Duration = Duration::from_secs(10);
/// So many stanzas that carry no message may go before an acknowledgement is asked for.
const UNASKED: usize = 5;

/// The timers of one stream, as readings of the caller's clock.
#[derive(Default)]
pub(super) struct Clock {
    /// When the login is given up.
    login: Option<Duration>,
    /// When the goodbye is given up.
    goodbye: Option<Duration>,
    /// Since when the server owes an answer.
    asked: Option<Duration>,
    /// When something last came in.
    heard: Duration,
    /// After how much silence the stream is tested.
    quiet: Option<Duration>,
    /// How long the server may take to answer.
    patience: Duration,
    /// The `Wake` that is out.
    woken: Option<Duration>,
}

impl Clock {
    pub(super) fn heard(&mut self, now: Duration) {
        self.heard = now;
    }

    pub(super) fn login(&mut self, now: Duration, limits: &Limits) {
        *self = Self {
            login: Some(now.saturating_add(limits.login)),
            heard: now,
            patience: limits.answer,
            woken: self.woken,
            ..Self::default()
        };
    }

    pub(super) fn online(&mut self, step: &mut Step<'_>, limits: &Limits) {
        self.login = None;
        self.draw_quiet(step, limits);
    }

    fn goodbye(&mut self, now: Duration) {
        self.quiet = None;
        self.asked = None;
        self.goodbye = Some(now.saturating_add(GOODBYE));
    }

    /// A new random time of silence, between the limit and twice the limit.
    fn draw_quiet(&mut self, step: &mut Step<'_>, limits: &Limits) {
        let least = u64::try_from(limits.quiet.as_millis()).unwrap_or(u64::MAX);
        let more = step.rng.next_u64().checked_rem(least).unwrap_or_default();
        self.quiet = Some(limits.quiet.saturating_add(Duration::from_millis(more)));
    }

    fn ask(&mut self, now: Duration) {
        self.asked.get_or_insert(now);
    }

    pub(super) fn answered(&mut self) {
        self.asked = None;
    }

    /// When the server is held to be gone: it owes an answer, and nothing at all has come in for too long.
    fn gone(&self) -> Option<Duration> {
        let since = self.asked?.max(self.heard);
        Some(since.saturating_add(self.patience))
    }

    /// When the silence has lasted long enough for a test.
    fn silent(&self) -> Option<Duration> {
        let quiet = self.quiet.filter(|_| self.asked.is_none())?;
        Some(self.heard.saturating_add(quiet))
    }

    fn stop(&mut self) {
        *self = Self {
            woken: self.woken,
            ..Self::default()
        };
    }
}

impl Session {
    pub(super) fn tick(&mut self, step: &mut Step<'_>) {
        self.clock.woken = None;
        let due = |at: Option<Duration>| at.is_some_and(|at| at <= step.now);
        if matches!(self.phase, Phase::Down) {
            self.forget_if_expired(step.now);
        } else if due(self.clock.login) || due(self.clock.gone()) {
            self.end(OfflineReason::Timeout, step.now);
        } else if due(self.clock.goodbye) {
            self.end(OfflineReason::Requested, step.now);
        } else if due(self.clock.silent()) {
            self.clock.draw_quiet(step, &self.config.limits);
            self.test_stream(step);
        } else if matches!(self.phase, Phase::Online) {
            self.tick_rooms(step);
            self.tick_search(step);
            self.tick_queries(step.now);
        }
    }

    /// Asks to be woken for the nearest timer. An earlier wake that is still out will do: it finds the next one.
    pub(super) fn schedule(&mut self) {
        let clock = &self.clock;
        // While a login is under way, the server itself will say what it has forgotten.
        let suspended = self
            .management
            .as_ref()
            .filter(|_| matches!(self.phase, Phase::Down));
        let forgotten = suspended.and_then(Management::forgotten_at);
        let online = matches!(self.phase, Phase::Online);
        let timers = [
            self.rooms.wake().filter(|_| online),
            self.queries.wake().filter(|_| online),
            self.search.as_ref().map(Search::until).filter(|_| online),
            clock.login,
            clock.goodbye,
            clock.gone(),
            clock.silent(),
            forgotten,
        ];
        let Some(next) = timers.into_iter().flatten().min() else {
            return;
        };
        if self.clock.woken.is_none_or(|woken| next < woken) {
            self.clock.woken = Some(next);
            self.out.push_back(Output::Wake(next));
        }
    }

    /// Makes the server answer something.
    pub(super) fn test_stream(&mut self, step: &mut Step<'_>) {
        if self.clock.asked.is_some() {
            return;
        }
        if self.management.as_ref().is_some_and(Management::is_enabled) {
            self.write_request();
            self.clock.ask(step.now);
        } else {
            // A ping that finds no room proves as much as one that is not answered.
            let _ = self.ping(Kind::Ping, step);
            self.clock.ask(step.now);
        }
    }

    fn ping(&mut self, kind: Kind, step: &mut Step<'_>) -> Result<(), Error> {
        let server = write::domain(&self.config.jid);
        self.ask(kind, Some(server.clone()), step, |id| {
            Iq::from_get(id, Ping).with_to(server)
        })
    }

    fn write_request(&mut self) {
        let namespace = ns::SM;
        self.write(format!("<r xmlns='{namespace}'/>").into_bytes());
    }

    /// Sends a stanza and keeps it until the server has counted it.
    pub(crate) fn send_stanza(
        &mut self,
        bytes: Vec<u8>,
        token: Option<u64>,
        step: &mut Step<'_>,
    ) -> Result<(), Error> {
        let limits = &self.config.limits;
        if bytes.len() > limits.stanza_bytes {
            return Err(Error::TooLong);
        }
        match &mut self.management {
            Some(management) => {
                if !management.has_room(bytes.len(), limits) {
                    return Err(Error::QueueFull);
                }
                management.push(token, bytes.clone());
                let ask = token.is_some() || management.waiting() > UNASKED;
                self.write(bytes);
                if ask {
                    self.request_acknowledgement(step.now);
                }
            }
            None => {
                if token.is_some() && self.unconfirmed.len() >= limits.unacknowledged {
                    return Err(Error::QueueFull);
                }
                self.write(bytes);
                if let Some(token) = token {
                    self.unconfirmed.push_back(token);
                    self.confirm(step);
                }
            }
        }
        Ok(())
    }

    /// Asks the server how far it has come, unless it owes that answer already.
    pub(super) fn request_acknowledgement(&mut self, now: Duration) {
        let asking = self.clock.asked.is_some();
        let waits = |m: &Management| m.is_enabled() && m.waiting() > 0;
        if !asking && self.management.as_ref().is_some_and(waits) {
            self.write_request();
            self.clock.ask(now);
        }
    }

    /// `<a/>` in an open stream.
    pub(super) fn acknowledged(&mut self, h: u32, step: &mut Step<'_>) -> Result<(), OfflineReason> {
        let waiting = |session: &Self| session.management.as_ref().map(Management::waiting);
        let before = waiting(self);
        self.acknowledge(h)?;
        self.clock.answered();
        // A server that makes no progress is asked again by the timer only.
        if waiting(self) < before {
            self.request_acknowledgement(step.now);
        }
        Ok(())
    }

    /// Takes the server's count, wherever it comes from.
    pub(crate) fn acknowledge(&mut self, h: u32) -> Result<(), OfflineReason> {
        let Some(management) = &mut self.management else {
            return Ok(());
        };
        match management.acknowledge(h) {
            Ok(tokens) => {
                for token in tokens {
                    self.tell(Event::Acknowledged { token });
                }
                Ok(())
            }
            Err(fault) => {
                self.write(sm::too_high(fault));
                self.give_up();
                Err(OfflineReason::WrongAcknowledgement)
            }
        }
    }

    /// Without XEP-0198: a server handles a stream in order (RFC 6120 10.1), so its answer to a ping covers what went
    /// before.
    fn confirm(&mut self, step: &mut Step<'_>) {
        if self.clock.asked.is_none() && !self.unconfirmed.is_empty() {
            let messages = self.unconfirmed.len();
            if self.ping(Kind::Confirm { messages }, step).is_ok() {
                self.clock.ask(step.now);
            }
        }
    }

    pub(super) fn confirmed(&mut self, messages: usize, step: &mut Step<'_>) {
        for _ in 0..messages {
            if let Some(token) = self.unconfirmed.pop_front() {
                self.tell(Event::Acknowledged { token });
            }
        }
        self.clock.answered();
        self.confirm(step);
    }

    /// Our goodbye; what the server still acknowledges before its own is heard.
    pub(super) fn say_goodbye(&mut self, step: &mut Step<'_>) {
        if let Ok(presence) = write::presence(Some("unavailable"), None) {
            // It goes even if the queue is full: what is not counted any more need not be kept.
            self.write(presence.clone());
            if let Some(management) = &mut self.management {
                management.push(None, presence);
            }
        }
        if self.management.as_ref().is_some_and(Management::is_enabled) {
            self.write_request();
        }
        self.write(write::FOOTER.to_vec());
        self.phase = Phase::Closing;
        self.clock.goodbye(step.now);
    }

    /// The stream is over; the transport is to be closed unless it is gone already.
    pub(super) fn end(&mut self, why: OfflineReason, now: Duration) {
        let phase = std::mem::replace(&mut self.phase, Phase::Down);
        let (login, said_goodbye) = match phase {
            Phase::Down => return,
            Phase::Login(_) => (true, false),
            Phase::Online => (false, false),
            Phase::Closing => (false, true),
        };
        let why = match why {
            OfflineReason::ConnectionLost | OfflineReason::StreamClosed if said_goodbye => {
                OfflineReason::Requested
            }
            why => why,
        };
        let gone = matches!(why, OfflineReason::ConnectionLost);
        if !said_goodbye && !gone && why != OfflineReason::InjectedBytes {
            self.write(write::FOOTER.to_vec());
        }
        if !gone {
            self.out.push_back(Output::Close);
        }
        self.clock.stop();
        self.bindings = Bindings::default();
        self.suspend_or_give_up(why, login, now);
        let retry = why.retry();
        self.tell(Event::Offline { why, retry });
    }

    /// A stream that ended in mid-air can be resumed. One that ended because of what came in on it cannot: the server
    /// would only send the same again.
    fn suspend_or_give_up(&mut self, why: OfflineReason, login: bool, now: Duration) {
        let in_mid_air = matches!(
            why,
            OfflineReason::ConnectionLost
                | OfflineReason::StreamClosed
                | OfflineReason::StreamError(_)
                | OfflineReason::Timeout
        );
        let keep = why.retry() && (login || in_mid_air);
        match &mut self.management {
            Some(management) if keep && management.is_resumable() => {
                // A login that failed does not make the server remember any longer.
                if management.forgotten_at().is_none() {
                    management.suspend(now);
                }
                // Whatever the rooms made of the silence is looked at as soon as the stream stands again.
                self.rooms.check_at(now);
            }
            _ => self.give_up(),
        }
    }

    /// The stream will never be resumed.
    pub(crate) fn give_up(&mut self) {
        let mut tokens = self
            .management
            .take()
            .map(Management::into_tokens)
            .unwrap_or_default();
        tokens.extend(self.unconfirmed.drain(..));
        if !tokens.is_empty() {
            self.tell(Event::Unacknowledged { tokens });
        }
        for room in self.rooms.take() {
            self.tell_room(&room, RoomEvent::Out(RoomExit::Lost));
        }
        self.end_search();
        self.give_up_queries();
    }

    pub(super) fn forget_if_expired(&mut self, now: Duration) {
        let forgotten = self.management.as_ref().and_then(Management::forgotten_at);
        if forgotten.is_some_and(|at| at <= now) {
            self.give_up();
        }
    }
}
