//! One client of the contact: its key exchange, its session, and what is remembered of it.
//! Must never lose a standing session because an exchange failed.
//! Standard: OTR version 3, "The protocol state machine"; "Instance Tags".

use std::collections::VecDeque;
use std::time::Duration;

use crate::ake::Ake;
use crate::data::Session;
use crate::smp::Smp;
use crate::tag::InstanceTag;

/// Accepted messages that are remembered to know them when they are delivered again.
const REMEMBERED: usize = 256;

/// One client of the contact.
pub(crate) struct Instance {
    pub(crate) tag: InstanceTag,
    pub(crate) ake: Ake,
    /// When the exchange under way is given up.
    pub(crate) ake_deadline: Option<Duration>,
    pub(crate) channel: Channel,
    pub(crate) smp: Smp,
    /// Hash of the common commit that this client has answered: one answer counts.
    pub(crate) consumed_commit: Option<[u8; 32]>,
    /// The client's encrypted commit that led to a session: delivered again, it begins nothing.
    pub(crate) finished_commit: Option<Vec<u8>>,
    /// When we last sent an encrypted message.
    pub(crate) last_sent: Duration,
    /// When the client was last heard.
    pub(crate) last_heard: Duration,
    accepted: VecDeque<[u8; 20]>,
}

/// Whether messages can be exchanged with a client.
pub(crate) enum Channel {
    Finished,
    Plain,
    Private(Box<Session>),
}

impl Instance {
    /// A client not heard of before.
    pub(crate) fn new(tag: InstanceTag, now: Duration) -> Self {
        Self {
            tag,
            ake: Ake::Idle,
            ake_deadline: None,
            channel: Channel::Plain,
            smp: Smp::default(),
            consumed_commit: None,
            finished_commit: None,
            last_sent: now,
            last_heard: now,
            accepted: VecDeque::new(),
        }
    }

    /// The session, if one stands.
    pub(crate) fn session(&self) -> Option<&Session> {
        match &self.channel {
            Channel::Private(session) => Some(session),
            Channel::Finished | Channel::Plain => None,
        }
    }

    /// The session, if one stands.
    pub(crate) fn session_mut(&mut self) -> Option<&mut Session> {
        match &mut self.channel {
            Channel::Private(session) => Some(session),
            Channel::Finished | Channel::Plain => None,
        }
    }

    /// Whether the other side ended the session.
    pub(crate) fn is_finished(&self) -> bool {
        matches!(self.channel, Channel::Finished)
    }

    /// Gives up an exchange that took too long.
    pub(crate) fn expire(&mut self, now: Duration) {
        if self.ake_deadline.is_some_and(|deadline| deadline <= now) {
            self.ake = Ake::Idle;
            self.ake_deadline = None;
        }
    }

    /// Remembers an accepted message by its MAC.
    pub(crate) fn remember(&mut self, mac: &[u8; 20]) {
        if self.accepted.len() >= REMEMBERED {
            self.accepted.pop_front();
        }
        self.accepted.push_back(*mac);
    }

    /// Whether a message was accepted before, perhaps under keys that are gone.
    pub(crate) fn remembers(&self, mac: &[u8; 20]) -> bool {
        self.accepted.contains(mac)
    }
}
