//! What comes from the network: sorted, opened and answered.
//! Must never panic, never answer an error with an error, and never answer a message that came again.
//! Standard: OTR version 3, "State transitions" (received messages).

use std::time::Duration;

use rand_core::CryptoRng;

use super::Conversation;
use crate::data::{ExtraKey, IGNORE_UNREADABLE, Refusal};
use crate::event::{Event, Output};
use crate::fragment;
use crate::instance::Channel;
use crate::query;
use crate::tag::InstanceTag;
use crate::tlv::{self, Contents, Tlv};
use crate::version::{Route, Version};
use crate::wire::{DataMessage, Envelope, Payload, disarm, open};

/// What an error message begins with.
const ERROR: &str = "?OTR Error:";
/// The error that we send; the same for everybody.
const UNREADABLE: &str =
    "?OTR Error: An encrypted message could not be read. Please start the private conversation again.";

impl Conversation {
    /// Sorts one body.
    pub(super) fn receive(&mut self, body: &str, now: Duration, rng: &mut dyn CryptoRng) {
        if body.starts_with(fragment::OPENING) {
            self.on_fragment(body, now, rng);
        } else if body.starts_with("?OTR:") {
            self.on_armoured(body, true, now, rng);
        } else if body.starts_with(fragment::OPENING_2) {
            // Not a text for a person, even where version 2 is not spoken.
            match self.config.oldest {
                Version::Two => self.on_fragment(body, now, rng),
                Version::Three => self.event(Event::Malformed),
            }
        } else if let Some(text) = body.strip_prefix(ERROR) {
            self.assembly.clear();
            self.event(Event::PeerError {
                text: text.trim().to_owned(),
            });
        } else if let Some(offered) = query::query(body, self.config.oldest) {
            self.assembly.clear();
            self.event(Event::QuerySeen {
                offers_ours: offered.is_some(),
            });
            if let Some(version) = offered {
                self.begin_exchange(version, now, rng);
            }
        } else {
            self.assembly.clear();
            self.on_plaintext(body, now, rng);
        }
    }

    fn on_fragment(&mut self, body: &str, now: Duration, rng: &mut dyn CryptoRng) {
        let Some(fragment) = fragment::parse(body) else {
            return self.event(Event::Malformed);
        };
        if self.sender_to_us(fragment.route, true).is_none() {
            return;
        }
        let Some(whole) = self.assembly.add(&fragment, now, &self.config.limits) else {
            return;
        };
        if whole.starts_with("?OTR:") {
            self.on_armoured(&whole, false, now, rng);
        } else {
            self.event(Event::Malformed);
        }
    }

    fn on_armoured(&mut self, body: &str, unfragmented: bool, now: Duration, rng: &mut dyn CryptoRng) {
        if body.len() > self.config.limits.incoming_message {
            return self.event(Event::Malformed);
        }
        let Ok(bytes) = disarm(body) else {
            return self.event(Event::Malformed);
        };
        let Ok(message) = open(&bytes, self.config.oldest) else {
            return self.event(Event::Malformed);
        };
        let to_all = matches!(message.payload, Payload::DhCommit { .. });
        let Some(from) = self.sender_to_us(message.route, to_all) else {
            return;
        };
        if unfragmented {
            self.assembly.forget(from.value());
        }
        self.on_message(from, &message, now, rng);
    }

    fn on_message(
        &mut self,
        from: InstanceTag,
        message: &Envelope<'_>,
        now: Duration,
        rng: &mut dyn CryptoRng,
    ) {
        match &message.payload {
            Payload::Data(data) => self.on_data(from, data, now, rng),
            Payload::DhCommit {
                encrypted_gx,
                hashed_gx,
            } => self.on_commit(from, encrypted_gx, hashed_gx, now, rng),
            Payload::DhKey { gy } => self.on_dh_key(from, gy, now, rng),
            Payload::RevealSignature { key, signature } => {
                self.on_reveal_signature(from, key, signature, now, rng);
            }
            Payload::Signature(part) => self.on_signature(from, part, now, rng),
        }
    }

    /// Whose message this is, if it is for us; says so if it is not.
    fn sender_to_us(&mut self, route: Route, to_all_allowed: bool) -> Option<InstanceTag> {
        let Route::Three { sender, receiver } = route else {
            return Some(InstanceTag::UNTAGGED);
        };
        let from = InstanceTag::from_u32(sender);
        let refusal = if sender == self.own.value() {
            Event::Reflected
        } else if from.is_none() || (1..0x100).contains(&receiver) {
            Event::Malformed
        } else if receiver == self.own.value() || (receiver == 0 && to_all_allowed) {
            return from;
        } else if receiver == 0 {
            Event::Malformed
        } else {
            Event::ForOtherInstance
        };
        self.event(refusal);
        None
    }

    fn on_plaintext(&mut self, body: &str, now: Duration, rng: &mut dyn CryptoRng) {
        let (text, offered) = query::strip_tag(body, self.config.oldest);
        let stood =
            |instance: &crate::instance::Instance| instance.session().is_some() || instance.is_finished();
        let alarmed = self.active_instance().is_some_and(stood);
        self.heard_plaintext = true;
        self.event(Event::Plaintext { text, alarmed });
        if let Some(version) = offered {
            self.begin_exchange(version, now, rng);
        }
    }

    fn on_data(
        &mut self,
        from: InstanceTag,
        message: &DataMessage<'_>,
        now: Duration,
        rng: &mut dyn CryptoRng,
    ) {
        let Some(instance) = self.instances.get_mut(&from.value()) else {
            return self.on_unreadable(from, message.flags, now);
        };
        let Some(session) = instance.session_mut() else {
            return self.on_refused(from, message, now);
        };
        let fingerprint = session.fingerprint();
        match session.decrypt(message, rng) {
            Ok((plain, extra)) => {
                instance.remember(message.mac);
                instance.last_heard = now;
                self.follow(from, fingerprint);
                self.on_contents(from, tlv::split(&plain), &extra, now, rng);
            }
            Err(Refusal::Replayed) => self.event(Event::Replayed { instance: from }),
            Err(Refusal::Unreadable) => self.on_refused(from, message, now),
        }
    }

    fn on_refused(&mut self, from: InstanceTag, message: &DataMessage<'_>, now: Duration) {
        let instance = self.instances.get(&from.value());
        if instance.is_some_and(|instance| instance.remembers(message.mac)) {
            self.event(Event::Replayed { instance: from });
        } else {
            self.on_unreadable(from, message.flags, now);
        }
    }

    /// Tells the user and, rarely, the other side.
    fn on_unreadable(&mut self, from: InstanceTag, flags: u8, now: Duration) {
        if flags & IGNORE_UNREADABLE != 0 {
            return;
        }
        self.event(Event::Unreadable { instance: from });
        let interval = self.config.limits.error_interval;
        if self
            .last_error
            .is_none_or(|last| now.saturating_sub(last) >= interval)
        {
            self.last_error = Some(now);
            self.outputs.push_back(Output::Send {
                body: UNREADABLE.to_owned(),
                tag: None,
            });
        }
    }

    /// Messages go to the client from which the last one came, as long as it is the same person's key.
    fn follow(&mut self, from: InstanceTag, fingerprint: crate::Fingerprint) {
        if self.last_fingerprint == Some(fingerprint) {
            self.active = Some(from.value());
        }
    }

    fn on_contents(
        &mut self,
        from: InstanceTag,
        contents: Contents,
        extra: &ExtraKey,
        now: Duration,
        rng: &mut dyn CryptoRng,
    ) {
        let Contents { text, tlvs } = contents;
        let (own, others): (Vec<Tlv>, Vec<Tlv>) = tlvs.into_iter().partition(Tlv::is_reserved);
        self.deliver(from, text, others);
        for tlv in &own {
            match tlv.kind {
                tlv::EXTRA_KEY => self.on_extra_key(from, &tlv.value, extra),
                tlv::DISCONNECTED => return self.on_disconnected(from),
                _ => self.on_smp(from, tlv, now, rng),
            }
        }
        self.heartbeat(from, now);
    }

    fn deliver(&mut self, instance: InstanceTag, text: String, tlvs: Vec<Tlv>) {
        let session = self
            .instances
            .get(&instance.value())
            .and_then(|instance| instance.session());
        let Some(fingerprint) = session.map(crate::data::Session::fingerprint) else {
            return;
        };
        if !text.is_empty() {
            self.event(Event::Message {
                text,
                tlvs,
                instance,
                fingerprint,
            });
        } else if !tlvs.is_empty() {
            self.event(Event::Notice {
                tlvs,
                instance,
                fingerprint,
            });
        }
    }

    fn on_extra_key(&mut self, instance: InstanceTag, value: &[u8], key: &ExtraKey) {
        let Some((usage, data)) = value.split_first_chunk() else {
            return;
        };
        let (usage, data, key) = (u32::from_be_bytes(*usage), data.to_vec(), key.clone());
        self.event(Event::ExtraKey {
            usage,
            data,
            key,
            instance,
            ours: false,
        });
    }

    fn on_disconnected(&mut self, from: InstanceTag) {
        if let Some(instance) = self.instances.get_mut(&from.value()) {
            instance.channel = Channel::Finished;
            instance.smp.reset();
        }
        self.event(Event::Finished { instance: from });
    }
}
