//! Messages on their way out, and the server's word that it has them.
//! Must never tell a token twice, nor let a control character make a question of a text.
//! RFC 1459 4.4.1; IRCv3 labeled-response, echo-message; CTCP (ACTION only).

use std::collections::VecDeque;

use super::{Incoming, Session, Step};
use crate::caps::Cap;
use crate::error::{Error, Problem};
use crate::event::{Event, SendKind};
use crate::name::{Key, Target};
use crate::payload;
use crate::wire;

/// Bytes around the words of an action.
const ACTION: usize = "\u{1}ACTION \u{1}".len();

/// Messages that the server has not confirmed, and the ping that will confirm them.
#[derive(Debug, Default)]
pub(super) struct Unconfirmed {
    messages: VecDeque<Pending>,
    /// The numbers of messages and labels, counted up.
    last: u64,
    ping: Option<Ping>,
}

#[derive(Debug)]
struct Pending {
    token: u64,
    number: u64,
    to: Key,
    /// The labels of its first and last line; without labels a ping tells.
    labels: Option<(u64, u64)>,
}

#[derive(Debug)]
struct Ping {
    text: String,
    /// All messages up to this number were sent before it.
    covers: u64,
}

impl Unconfirmed {
    pub(super) fn tokens(&self) -> Vec<u64> {
        self.messages.iter().map(|pending| pending.token).collect()
    }

    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn labelled(&self, label: u64) -> Option<usize> {
        let has = |pending: &Pending| {
            pending
                .labels
                .is_some_and(|(first, last)| (first..=last).contains(&label))
        };
        self.messages.iter().position(has)
    }
}

impl Session {
    pub(super) fn send(
        &mut self,
        to: &Target,
        text: &str,
        token: u64,
        kind: SendKind,
        step: &mut Step<'_>,
    ) -> Result<(), Error> {
        let pieces = self.pieces(to, text, kind)?;
        let connection = &self.connection;
        let full = connection.unconfirmed.messages.len() >= self.config.limits.unconfirmed;
        if full || !connection.queue.has_room(pieces.len() + 1) {
            return Err(Error::QueueFull);
        }
        let labelled = connection.caps.has(Cap::LabeledResponse);
        let to_key = self.key(to.as_str());
        let mut lines = Vec::with_capacity(pieces.len());
        let first = self.connection.unconfirmed.last + 1;
        for piece in &pieces {
            let label = self.connection.unconfirmed.next().to_string();
            let tags = [("label", label.as_str())];
            let tags = if labelled { tags.as_slice() } else { &[] };
            lines.push(wire::write(tags, "PRIVMSG", &[to.as_str(), piece])?);
        }
        let number = self.connection.unconfirmed.last;
        for line in lines {
            self.connection.queue.push(line);
        }
        let labels = labelled.then_some((first, number));
        self.connection.unconfirmed.messages.push_back(Pending {
            token,
            number,
            to: to_key,
            labels,
        });
        if !labelled {
            self.ping(false, step);
        }
        Ok(())
    }

    /// The lines that a text becomes.
    fn pieces(&self, to: &Target, text: &str, kind: SendKind) -> Result<Vec<String>, Error> {
        let room = self.payload_room(to);
        if kind == SendKind::Otr {
            let Target::Nick(nick) = to else {
                return Err(Error::NotSupported);
            };
            if text.contains(char::is_control) {
                return Err(Error::IllegalCharacter);
            }
            let fits = !text.is_empty() && text.len() <= self.max_payload(nick).get();
            return if fits {
                Ok(vec![text.to_owned()])
            } else {
                Err(Error::TooLong)
            };
        }
        // Without these no text can be a CTCP message, or end its line.
        let text = text.replace(['\0', '\u{1}'], "");
        let around = if kind == SendKind::Action { ACTION } else { 0 };
        let pieces = payload::split(&text, room.saturating_sub(around), self.config.limits.pieces);
        let pieces = pieces.filter(|pieces| !pieces.is_empty()).ok_or(Error::TooLong)?;
        Ok(match kind {
            SendKind::Action => pieces
                .iter()
                .map(|piece| format!("\u{1}ACTION {piece}\u{1}"))
                .collect(),
            SendKind::Otr | SendKind::Text => pieces,
        })
    }

    /// Whether this is the server's answer to a message of ours, told by its label, and nothing more.
    pub(super) fn is_answer(&mut self, incoming: &Incoming<'_>, step: &mut Step<'_>) -> bool {
        if !self.connection.caps.has(Cap::LabeledResponse) {
            return false;
        }
        let command = incoming.message.command;
        let problem = match command {
            "FAIL" => Some(Problem::Other),
            _ => Problem::from_numeric(command),
        };
        let answered = self.label_answered(incoming.label.as_deref(), problem, step);
        answered && (problem.is_some() || matches!(command, "ACK" | "NOTICE" | "PRIVMSG"))
    }

    /// An answer with this label came; gives whether it belongs to a message of ours.
    pub(super) fn label_answered(
        &mut self,
        label: Option<&str>,
        problem: Option<Problem>,
        step: &mut Step<'_>,
    ) -> bool {
        let Some(label) = label.and_then(|label| label.parse::<u64>().ok()) else {
            return false;
        };
        let unconfirmed = &mut self.connection.unconfirmed;
        let Some(index) = unconfirmed.labelled(label) else {
            return false;
        };
        let last = unconfirmed
            .messages
            .get(index)
            .is_some_and(|it| it.labels.is_some_and(|(_, last)| last == label));
        if (problem.is_some() || last)
            && let Some(pending) = unconfirmed.messages.remove(index)
        {
            let token = pending.token;
            self.tell(match problem {
                Some(problem) => Event::MessageRefused { token, problem },
                None => Event::Acknowledged { token },
            });
            self.clock.heard(step.now);
        }
        true
    }

    /// An error that names a target may mean the oldest message to it. `true`: it does.
    pub(super) fn message_refused(&mut self, target: &str, problem: Problem) -> bool {
        let key = self.key(target);
        let messages = &mut self.connection.unconfirmed.messages;
        let found = messages
            .iter()
            .position(|pending| pending.labels.is_none() && pending.to == key);
        let Some(pending) = found.and_then(|index| messages.remove(index)) else {
            return false;
        };
        self.tell(Event::MessageRefused {
            token: pending.token,
            problem,
        });
        true
    }

    /// Asks the server for an answer: it takes lines in their order, so the answer covers all before it. Unless `always`,
    /// only where a message waits for it.
    pub(super) fn ping(&mut self, always: bool, step: &mut Step<'_>) {
        let unconfirmed = &self.connection.unconfirmed;
        let waits = unconfirmed
            .messages
            .iter()
            .any(|pending| pending.labels.is_none());
        if unconfirmed.ping.is_some() || !(waits || always) {
            return;
        }
        let text = format!("{:016x}", step.rng.next_u64());
        if self.enqueue_or("PING", &[&text]).is_ok() {
            let unconfirmed = &mut self.connection.unconfirmed;
            unconfirmed.ping = Some(Ping {
                text,
                covers: unconfirmed.last,
            });
        }
    }

    pub(super) fn pong(&mut self, text: &str, step: &mut Step<'_>) {
        let unconfirmed = &mut self.connection.unconfirmed;
        let Some(ping) = unconfirmed.ping.take_if(|ping| ping.text == text) else {
            return;
        };
        let covered = |pending: &Pending| pending.labels.is_none() && pending.number <= ping.covers;
        let (done, waiting): (VecDeque<_>, _) = unconfirmed.messages.drain(..).partition(covered);
        unconfirmed.messages = waiting;
        for pending in done {
            self.tell(Event::Acknowledged { token: pending.token });
        }
        self.clock.answered();
        self.ping(false, step);
    }
}
