//! All sessions between one own account and one contact, as one machine: inputs in, outputs out.
//! Must never send unencrypted text under [`Policy::Required`](crate::Policy), and never after a session stood.
//! Standard: OTR version 3, "The protocol state machine"; "Instance Tags".

mod exchange;
mod receive;
mod send;
mod verify;

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use rand_core::CryptoRng;

use crate::ake::AwaitingDhKey;
use crate::config::Config;
use crate::error::Error;
use crate::event::{Event, Input, Output, State};
use crate::fragment::Assembly;
use crate::instance::Instance;
use crate::key::{Fingerprint, PrivateKey};
use crate::tag::InstanceTag;
use crate::version::Version;

/// All sessions between one own account and one contact, with every client that the contact uses.
///
/// Give it each [`Input`] by [`handle`](Self::handle), then take the outputs by [`poll`](Self::poll)
/// until there is none.
pub struct Conversation {
    key: Arc<PrivateKey>,
    own: InstanceTag,
    config: Config,
    /// The clients of the contact by tag; their number is bounded by the limits.
    instances: BTreeMap<u32, Instance>,
    /// The client to which messages go.
    active: Option<u32>,
    /// Our commit to all clients of the contact.
    commit: Option<OpenCommit>,
    /// A session was asked for, until this time.
    starting: Option<Duration>,
    assembly: Assembly,
    outputs: VecDeque<Output>,
    last_error: Option<Duration>,
    /// The key of the active client's last session.
    last_fingerprint: Option<Fingerprint>,
    /// Whether a session has stood since the user last ended one.
    was_private: bool,
    /// Whether unencrypted text came, so that the whitespace tag has no use.
    heard_plaintext: bool,
    announced: Option<Duration>,
}

/// Our commit to all clients of the contact, who may each answer it once.
struct OpenCommit {
    waiting: AwaitingDhKey,
    version: Version,
    answered: bool,
    deadline: Duration,
}

impl Conversation {
    /// Begins without a session.
    pub fn new(key: Arc<PrivateKey>, own_tag: InstanceTag, config: Config) -> Self {
        Self {
            key,
            own: own_tag,
            config,
            instances: BTreeMap::new(),
            active: None,
            commit: None,
            starting: None,
            assembly: Assembly::default(),
            outputs: VecDeque::new(),
            last_error: None,
            last_fingerprint: None,
            was_private: false,
            heard_plaintext: false,
            announced: None,
        }
    }

    /// Takes one input. `now` is the time since any fixed origin and never goes back.
    ///
    /// # Errors
    /// Only a user's own input can fail, and then nothing was sent; see [`Error`]. What the network
    /// sends becomes events.
    pub fn handle(&mut self, input: Input<'_>, now: Duration, rng: &mut dyn CryptoRng) -> Result<(), Error> {
        self.expire(now);
        let result = match input {
            Input::End => self.end(),
            Input::Notice { tlvs, tag } => self.notice(tlvs, tag, now),
            Input::Prefer(instance) => self.prefer(instance),
            Input::Receive(body) => {
                self.receive(body, now, rng);
                Ok(())
            }
            Input::Send { text, tlvs, tag } => self.send(text, tlvs, tag, now),
            Input::ShareKey { usage, data } => self.share_key(usage, data, now),
            Input::Start => {
                self.start(now);
                Ok(())
            }
            Input::Tick => Ok(()),
            Input::VerifyAbort => self.verify_abort(now),
            Input::VerifyAnswer { secret } => self.verify_answer(secret, now, rng),
            Input::VerifyStart { question, secret } => self.verify_start(question, secret, now, rng),
        };
        self.announce_deadline();
        result
    }

    /// The transport's limit for one message changed; see [`Config::max_message`]. Messages that are in pieces already
    /// stay as they are.
    pub fn set_max_message(&mut self, limit: Option<NonZeroUsize>) {
        self.config.max_message = limit;
    }

    /// The next output; `None` when all were taken.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Where the conversation stands.
    pub fn state(&self) -> State {
        let active = self.active_instance();
        if let Some((instance, session)) = active.and_then(|instance| Some((instance, instance.session()?))) {
            let (fingerprint, ssid) = (session.fingerprint(), session.id());
            return State::Private {
                fingerprint,
                ssid,
                instance: instance.tag,
            };
        }
        if self.starting.is_some() {
            State::Starting
        } else if active.is_some_and(Instance::is_finished) {
            State::Finished
        } else {
            State::Plain
        }
    }

    /// The clients of the contact with which a private session stands, and their keys.
    pub fn private_instances(&self) -> impl Iterator<Item = (InstanceTag, Fingerprint)> + '_ {
        let stands = |instance: &Instance| Some((instance.tag, instance.session()?.fingerprint()));
        self.instances.values().filter_map(stands)
    }

    /// The version of the private session to which messages go.
    pub fn version(&self) -> Option<Version> {
        let active = self.active_instance()?;
        active.session().map(|_| active.tag.version())
    }

    fn active_instance(&self) -> Option<&Instance> {
        self.active.and_then(|tag| self.instances.get(&tag))
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    /// Gives up what took too long.
    fn expire(&mut self, now: Duration) {
        self.assembly.expire(now);
        for instance in self.instances.values_mut() {
            instance.expire(now);
        }
        if self.commit.as_ref().is_some_and(|commit| commit.deadline <= now) {
            self.commit = None;
        }
        if self.starting.is_some_and(|deadline| deadline <= now) {
            self.starting = None;
            self.event(Event::StartTimedOut);
        }
    }

    /// Tells when to come back, if that has changed.
    fn announce_deadline(&mut self) {
        let exchanges = self
            .instances
            .values()
            .filter_map(|instance| instance.ake_deadline)
            .min();
        let commit = self.commit.as_ref().map(|commit| commit.deadline);
        let deadlines = [exchanges, commit, self.starting, self.assembly.deadline()];
        let next = deadlines.into_iter().flatten().min();
        if next != self.announced {
            self.announced = next;
            self.outputs.extend(next.map(Output::Wake));
        }
    }

    /// The client with this tag, made if there is room for one more.
    fn instance_or_new(&mut self, tag: InstanceTag, now: Duration) -> Option<&mut Instance> {
        let known = self.instances.contains_key(&tag.value());
        if !known && self.instances.len() >= self.config.limits.instances {
            self.forget_one_instance()?;
        }
        let instance = self
            .instances
            .entry(tag.value())
            .or_insert_with(|| Instance::new(tag, now));
        instance.last_heard = now;
        Some(instance)
    }

    /// Makes room: the client not heard for longest that has no session and is not the active one.
    fn forget_one_instance(&mut self) -> Option<()> {
        let idle = self
            .instances
            .iter()
            .filter(|(tag, instance)| instance.session().is_none() && Some(**tag) != self.active);
        let oldest = idle
            .min_by_key(|(_, instance)| instance.last_heard)
            .map(|(tag, _)| *tag)?;
        self.instances.remove(&oldest);
        Some(())
    }
}

#[cfg(test)]
#[path = "conversation/tests.rs"]
mod tests;
