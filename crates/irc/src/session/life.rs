//! How a connection stays alive, takes its turns, and ends: timers, the queue, the goodbye.
//! Must never say why it ends, nor lose a token: each one given to `Send` comes back exactly once.
//! RFC 1459 4.1.6, 4.6.2, 4.6.3.

use std::time::Duration;

use super::{Connection, Phase, Session, Step};
use crate::config::Limits;
use crate::error::{Error, OfflineReason};
use crate::event::{Event, Output};
use crate::wire;

/// How long we wait for the server's farewell.
const GOODBYE: Duration = Duration::from_secs(10);

/// The timers of one connection, as readings of the caller's clock.
#[derive(Default)]
pub(super) struct Clock {
    /// When the login is given up.
    login: Option<Duration>,
    /// When the farewell is given up.
    goodbye: Option<Duration>,
    /// Since when the server owes an answer.
    asked: Option<Duration>,
    /// When something last came in.
    heard: Duration,
    /// After how much silence the connection is tested.
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
        self.quiet = Some(between(limits.quiet, step));
    }

    pub(super) fn answered(&mut self) {
        self.asked = None;
    }

    /// When the server is held to be gone: it owes an answer, and nothing at all has come in for too long.
    fn gone(&self) -> Option<Duration> {
        Some(self.asked?.max(self.heard).saturating_add(self.patience))
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

/// A random time between `least` and twice that.
pub(super) fn between(least: Duration, step: &mut Step<'_>) -> Duration {
    let millis = u64::try_from(least.as_millis()).unwrap_or(u64::MAX);
    let more = step.rng.next_u64().checked_rem(millis).unwrap_or_default();
    least.saturating_add(Duration::from_millis(more))
}

impl Session {
    pub(super) fn tick(&mut self, step: &mut Step<'_>) {
        self.clock.woken = None;
        let now = step.now;
        let due = |at: Option<Duration>| at.is_some_and(|at| at <= now);
        if self.phase == Phase::Down {
            return;
        }
        if due(self.clock.login) || due(self.clock.gone()) {
            return self.end(OfflineReason::Timeout);
        }
        if due(self.clock.goodbye) {
            return self.end(OfflineReason::Requested);
        }
        if due(self.connection.split.due()) {
            self.tell_split();
        }
        if due(self.connection.rejoin.due()) {
            self.connection.rejoin.expire(step.now);
        }
        if due(self.connection.watched.due()) && self.phase == Phase::Online {
            self.poll_watched(step);
        }
        if due(self.clock.silent()) {
            self.clock.online(step, &self.config.limits);
            self.test(step);
        }
    }

    /// Asks to be woken for the nearest timer. An earlier wake that is still out will do: it finds the next one.
    pub(super) fn schedule(&mut self) {
        if self.phase == Phase::Down {
            return;
        }
        let (clock, connection) = (&self.clock, &self.connection);
        let timers = [
            clock.login,
            clock.goodbye,
            clock.gone(),
            clock.silent(),
            connection.queue.due(),
            connection.rejoin.due(),
            connection.split.due(),
            connection.watched.due(),
        ];
        let Some(next) = timers.into_iter().flatten().min() else {
            return;
        };
        if self.clock.woken.is_none_or(|woken| next < woken) {
            self.clock.woken = Some(next);
            self.out.push_back(Output::Wake(next));
        }
    }

    /// Lets go what may go by now.
    pub(super) fn flush(&mut self, step: &mut Step<'_>) {
        if self.phase != Phase::Online {
            return;
        }
        while let Some(line) = self.connection.queue.pop(step.now) {
            if line.starts_with(b"PING ") {
                self.clock.asked.get_or_insert(step.now);
            }
            self.out.push_back(Output::Send(line));
        }
    }

    /// Makes the server answer something.
    pub(super) fn test(&mut self, step: &mut Step<'_>) {
        self.ping(true, step);
    }

    /// A line that waits for its turn; left unsaid where there is no room for it.
    pub(super) fn enqueue(&mut self, command: &str, parameters: &[&str]) {
        let _ = self.enqueue_or(command, parameters);
    }

    /// The same, for what must not be left unsaid.
    pub(super) fn enqueue_or(&mut self, command: &str, parameters: &[&str]) -> Result<(), Error> {
        let line = wire::write(&[], command, parameters)?;
        if !self.connection.queue.has_room(1) {
            return Err(Error::QueueFull);
        }
        self.connection.queue.push(line);
        Ok(())
    }

    pub(super) fn go_offline(&mut self, step: &mut Step<'_>) {
        match self.phase {
            Phase::Online => {
                // What ends a conversation is not to be lost in the queue.
                for line in self.connection.queue.last_words() {
                    self.out.push_back(Output::Send(line));
                }
                self.write("QUIT", &[]);
                self.phase = Phase::Closing;
                self.clock.stop();
                self.clock.goodbye = Some(step.now.saturating_add(GOODBYE));
            }
            Phase::Login(_) => self.end(OfflineReason::Requested),
            Phase::Down | Phase::Closing => {}
        }
    }

    /// The connection is over; the transport is to be closed unless it is gone already.
    pub(super) fn end(&mut self, why: OfflineReason) {
        let phase = std::mem::replace(&mut self.phase, Phase::Down);
        let said_goodbye = match phase {
            Phase::Down => return,
            Phase::Login(_) | Phase::Online => false,
            Phase::Closing => true,
        };
        let gone = why == OfflineReason::ConnectionLost;
        let why = if said_goodbye {
            OfflineReason::Requested
        } else {
            why
        };
        if !gone {
            if !said_goodbye && why != OfflineReason::ClosedByServer {
                self.write("QUIT", &[]);
            }
            self.out.push_back(Output::Close);
        }
        self.clock.stop();
        let tokens = self.connection.unconfirmed.tokens();
        self.connection = Connection::new(&self.config);
        if !tokens.is_empty() {
            self.tell(Event::Unacknowledged { tokens });
        }
        self.tell(Event::Offline {
            why,
            retry: why.retry(),
        });
    }
}

impl From<wire::Unwritable> for Error {
    fn from(unwritable: wire::Unwritable) -> Self {
        match unwritable {
            wire::Unwritable::Character => Self::IllegalCharacter,
            wire::Unwritable::TooLong => Self::TooLong,
        }
    }
}
