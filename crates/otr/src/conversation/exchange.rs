//! The key exchange within a conversation: which client it concerns, and what it leads to.
//! Must never let an exchange that failed or was repeated change a standing session.
//! Standard: OTR version 3, "State transitions".

use std::time::Duration;

use rand_core::CryptoRng;

use super::send::route;
use super::{Conversation, OpenCommit};
use crate::ake::{Ake, AwaitingDhKey, Established, Refusal, Reply, Signer};
use crate::data::Session;
use crate::event::Event;
use crate::group::Element;
use crate::instance::{Channel, Instance};
use crate::tag::InstanceTag;
use crate::version::{Route, Version};
use crate::wire::{SignaturePart, envelope};

impl Conversation {
    /// Begins an exchange with all clients of the contact, or repeats the commit that nobody answered yet.
    pub(super) fn begin_exchange(&mut self, version: Version, now: Duration, rng: &mut dyn CryptoRng) {
        let deadline = now.saturating_add(self.config.limits.exchange_life);
        let spent = |commit: &OpenCommit| commit.answered || commit.version != version;
        if self.commit.as_ref().is_none_or(spent) {
            let waiting = AwaitingDhKey::new(rng);
            self.commit = Some(OpenCommit {
                waiting,
                version,
                answered: false,
                deadline,
            });
        }
        // Whoever answers it from now on answers this commit, whatever he was doing before.
        for instance in self.instances.values_mut() {
            instance.consumed_commit = None;
        }
        if let Some(reply) = self.commit.as_ref().map(|commit| commit.waiting.commit()) {
            let to_all = match version {
                Version::Two => Route::Two,
                Version::Three => Route::Three {
                    sender: self.own.value(),
                    receiver: 0,
                },
            };
            self.reply(to_all, &reply);
        }
        self.await_session(deadline);
    }

    /// D-H Commit came.
    pub(super) fn on_commit(
        &mut self,
        from: InstanceTag,
        encrypted: &[u8],
        hash: &[u8; 32],
        now: Duration,
        rng: &mut dyn CryptoRng,
    ) {
        let deadline = now.saturating_add(self.config.limits.exchange_life);
        let common = self.common_commit(from);
        if common.as_ref().is_some_and(|ours| ours.hash() == hash) {
            return self.event(Event::Reflected);
        }
        let Some(instance) = self.instance_or_new(from, now) else {
            return;
        };
        if instance.finished_commit.as_deref() == Some(encrypted) {
            return self.event(Event::Replayed { instance: from });
        }
        adopt(instance, common);
        let reply = instance.ake.on_commit(encrypted, hash, rng);
        instance.ake_deadline = Some(deadline);
        self.reply(route(self.own, from), &reply);
        self.await_session(deadline);
    }

    /// D-H Key came.
    pub(super) fn on_dh_key(
        &mut self,
        from: InstanceTag,
        gy: &Element,
        now: Duration,
        rng: &mut dyn CryptoRng,
    ) {
        let common = self.common_commit(from);
        if common.is_none() && !self.instances.contains_key(&from.value()) {
            return;
        }
        let key = self.key.clone();
        let deadline = now.saturating_add(self.config.limits.exchange_life);
        let Some(instance) = self.instance_or_new(from, now) else {
            return;
        };
        adopt(instance, common);
        let answered = instance.ake.open_commit();
        let mut signer = Signer { key: &key, rng };
        match instance.ake.on_dh_key(gy, &mut signer) {
            Ok(reply) => {
                instance.ake_deadline = Some(deadline);
                self.mark_answered(answered);
                self.reply(route(self.own, from), &reply);
            }
            Err(refusal) => self.refused(from, refusal),
        }
    }

    /// Reveal Signature came.
    pub(super) fn on_reveal_signature(
        &mut self,
        from: InstanceTag,
        key: &[u8; 16],
        part: &SignaturePart<'_>,
        now: Duration,
        rng: &mut dyn CryptoRng,
    ) {
        let own = self.key.clone();
        let Some(instance) = self.instances.get_mut(&from.value()) else {
            return;
        };
        let commit = match &instance.ake {
            Ake::AwaitingRevealSignature(waiting) => Some(waiting.encrypted().to_vec()),
            _ => None,
        };
        let mut signer = Signer {
            key: &own,
            rng: &mut *rng,
        };
        match instance.ake.on_reveal_signature(key, part, &mut signer) {
            Ok((reply, established)) => {
                instance.finished_commit = commit;
                self.reply(route(self.own, from), &reply);
                self.establish(from, established, now, rng);
            }
            Err(refusal) => self.refused(from, refusal),
        }
    }

    /// Signature came.
    pub(super) fn on_signature(
        &mut self,
        from: InstanceTag,
        part: &SignaturePart<'_>,
        now: Duration,
        rng: &mut dyn CryptoRng,
    ) {
        let Some(instance) = self.instances.get_mut(&from.value()) else {
            return;
        };
        match instance.ake.on_signature(part, &self.key) {
            Ok(established) => self.establish(from, established, now, rng),
            Err(refusal) => self.refused(from, refusal),
        }
    }

    /// A new session stands.
    fn establish(
        &mut self,
        from: InstanceTag,
        established: Established,
        now: Duration,
        rng: &mut dyn CryptoRng,
    ) {
        let mut session = Session::new(established, rng);
        let (new, ssid) = (session.fingerprint(), session.id());
        let Some(instance) = self.instances.get_mut(&from.value()) else {
            return;
        };
        let same_key = instance.session().map(|old| old.fingerprint() == new);
        if same_key == Some(true)
            && let Some(old) = instance.session_mut()
        {
            session.reveal_also(old.used_mac_keys());
        }
        instance.ake_deadline = None;
        instance.last_sent = now;
        instance.channel = Channel::Private(Box::new(session));
        let verifying = instance.smp.reset();
        self.starting = None;
        self.was_private = true;
        if verifying {
            self.event(Event::VerifyAborted { instance: from });
        }
        if let Some(old) = self.last_fingerprint.filter(|old| *old != new) {
            self.event(Event::FingerprintChanged { old, new });
        }
        if self.may_become_active(from, new) {
            self.active = Some(from.value());
            self.last_fingerprint = Some(new);
        }
        let refreshed = same_key == Some(true);
        self.event(Event::Private {
            fingerprint: new,
            ssid,
            refreshed,
            instance: from,
        });
    }

    /// A client with another key never takes the place of one whose session stands.
    fn may_become_active(&self, from: InstanceTag, new: crate::Fingerprint) -> bool {
        let standing = self.active_instance().filter(|active| active.tag != from);
        standing
            .and_then(Instance::session)
            .is_none_or(|session| session.fingerprint() == new)
    }

    /// Our commit to all clients, if this client speaks its version.
    fn common_commit(&self, with: InstanceTag) -> Option<AwaitingDhKey> {
        let commit = self.commit.as_ref()?;
        (commit.version == with.version()).then(|| commit.waiting.clone())
    }

    /// A session is expected until `deadline`, unless one stands.
    pub(super) fn await_session(&mut self, deadline: Duration) {
        let private = self
            .active_instance()
            .is_some_and(|active| active.session().is_some());
        if !private {
            self.starting = Some(deadline);
        }
    }

    /// A commit whose number was revealed is never sent again.
    fn mark_answered(&mut self, answered: Option<[u8; 32]>) {
        if let (Some(commit), Some(hash)) = (&mut self.commit, answered) {
            commit.answered |= *commit.waiting.hash() == hash;
        }
    }

    fn refused(&mut self, from: InstanceTag, refusal: Refusal) {
        match refusal {
            Refusal::OutOfPlace => {}
            Refusal::Reflected => self.event(Event::Reflected),
            Refusal::Untrue => self.event(Event::ExchangeFailed { instance: from }),
        }
    }

    fn reply(&mut self, route: Route, reply: &Reply) {
        let message = envelope(reply.kind, route, &reply.payload);
        // An exchange fits into any transport that can carry fragments at all.
        let _too_small = self.transmit(&message, route, None);
    }
}

/// Gives a client our commit to all clients, once: it stands above any exchange that was under way
/// with him when we sent it, for the standard awaits a D-H Key from that moment on. Only an exchange
/// that ends before he answers still counts.
fn adopt(instance: &mut Instance, common: Option<AwaitingDhKey>) {
    if let Some(common) = common
        && instance.consumed_commit.as_ref() != Some(common.hash())
    {
        instance.consumed_commit = Some(*common.hash());
        instance.ake = Ake::AwaitingDhKey(common);
    }
}
