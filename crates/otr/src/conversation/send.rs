//! What the user asks for: messages, the beginning and the end of a session.
//! Must never hand out a body with readable text, but where [`Policy::Opportunistic`] allows it.
//! Standard: OTR version 3, "State transitions" (user actions).

use std::time::Duration;

use super::Conversation;
use crate::ake::Ake;
use crate::config::Policy;
use crate::data::IGNORE_UNREADABLE;
use crate::error::Error;
use crate::event::{Event, Output};
use crate::fragment;
use crate::instance::{Channel, Instance};
use crate::query;
use crate::tag::InstanceTag;
use crate::tlv::{self, Tlv};
use crate::version::{Route, Version};
use crate::wire::armour;

impl Conversation {
    /// Sends a query; a session that the other side ended is forgotten.
    pub(super) fn start(&mut self, now: Duration) {
        self.outputs.push_back(Output::Send {
            body: query::offer(self.config.oldest),
            tag: None,
        });
        for instance in self
            .instances
            .values_mut()
            .filter(|instance| instance.is_finished())
        {
            instance.channel = Channel::Plain;
        }
        self.await_session(now.saturating_add(self.config.limits.exchange_life));
    }

    /// Ends all sessions and exchanges.
    pub(super) fn end(&mut self) -> Result<(), Error> {
        self.commit = None;
        self.starting = None;
        self.was_private = false;
        self.heard_plaintext = false;
        self.active = None;
        let tags: Vec<u32> = self.instances.keys().copied().collect();
        let mut result = Ok(());
        for tag in tags {
            // Every session ends, even if one farewell cannot be sent; the first failure is told.
            let ended = self.end_instance(tag);
            result = result.and(ended);
        }
        result
    }

    /// Tells one client that the session ends, and wipes the keys.
    fn end_instance(&mut self, tag: u32) -> Result<(), Error> {
        let own = self.own;
        let Some(instance) = self.instances.get_mut(&tag) else {
            return Ok(());
        };
        let route = route(own, instance.tag);
        instance.ake = Ake::Idle;
        instance.ake_deadline = None;
        instance.smp.reset();
        let Channel::Private(session) = std::mem::replace(&mut instance.channel, Channel::Plain) else {
            return Ok(());
        };
        let goodbye = Tlv {
            kind: tlv::DISCONNECTED,
            value: Vec::new(),
        };
        let plain = tlv::join("", &[goodbye], self.config.padding)?;
        let message = session.encrypt_last(route, &plain)?;
        self.transmit(&message, route, None)
    }

    /// Sends a message of the user.
    pub(super) fn send(&mut self, text: &str, tlvs: &[Tlv], tag: u64, now: Duration) -> Result<(), Error> {
        if text.contains('\0') {
            return Err(Error::NulInText);
        }
        if text.len() > self.config.limits.outgoing_text {
            return Err(Error::MessageTooLarge);
        }
        match self.private_instance() {
            Ok(instance) => {
                refuse_reserved(tlvs)?;
                self.encrypt(instance, 0, text, tlvs, Some(tag), now)
            }
            Err(Error::NotPrivate) if self.may_send_plaintext() && tlvs.is_empty() => {
                self.send_plaintext(text, tag)
            }
            Err(error) => Err(error),
        }
    }

    /// Sends records without text.
    pub(super) fn notice(&mut self, tlvs: &[Tlv], tag: u64, now: Duration) -> Result<(), Error> {
        refuse_reserved(tlvs)?;
        let instance = self.private_instance()?;
        self.encrypt(instance, IGNORE_UNREADABLE, "", tlvs, Some(tag), now)
    }

    /// Sends to another client from now on.
    pub(super) fn prefer(&mut self, instance: InstanceTag) -> Result<(), Error> {
        let known = self.instances.get(&instance.value()).and_then(Instance::session);
        let fingerprint = known.ok_or(Error::UnknownInstance)?.fingerprint();
        self.active = Some(instance.value());
        self.last_fingerprint = Some(fingerprint);
        Ok(())
    }

    /// Sends a TLV of type 8 and tells the key.
    pub(super) fn share_key(&mut self, usage: u32, data: &[u8], now: Duration) -> Result<(), Error> {
        let instance = self.private_instance()?;
        let session = self
            .instances
            .get_mut(&instance.value())
            .and_then(Instance::session_mut);
        let key = session.ok_or(Error::NotPrivate)?.extra_key_to_send();
        let value = [&usage.to_be_bytes(), data].concat();
        let tlvs = [Tlv {
            kind: tlv::EXTRA_KEY,
            value,
        }];
        self.encrypt(instance, IGNORE_UNREADABLE, "", &tlvs, None, now)?;
        self.event(Event::ExtraKey {
            usage,
            data: data.to_vec(),
            key,
            instance,
            ours: true,
        });
        Ok(())
    }

    /// Answers a message after a long silence of ours, so that keys rotate.
    pub(super) fn heartbeat(&mut self, from: InstanceTag, now: Duration) {
        let Some(interval) = self.config.limits.heartbeat else {
            return;
        };
        let silent = self.instances.get(&from.value()).is_some_and(|instance| {
            instance.session().is_some() && now.saturating_sub(instance.last_sent) >= interval
        });
        if silent {
            // It can only fail where every message fails, and then the user's own one tells.
            let _unsent = self.encrypt(from, IGNORE_UNREADABLE, "", &[], None, now);
        }
    }

    /// The client to which messages go.
    pub(super) fn private_instance(&self) -> Result<InstanceTag, Error> {
        match self.active_instance() {
            Some(instance) if instance.session().is_some() => Ok(instance.tag),
            Some(instance) if instance.is_finished() => Err(Error::Finished),
            _ => Err(Error::NotPrivate),
        }
    }

    /// Encrypts and sends.
    pub(super) fn encrypt(
        &mut self,
        to: InstanceTag,
        flags: u8,
        text: &str,
        tlvs: &[Tlv],
        tag: Option<u64>,
        now: Duration,
    ) -> Result<(), Error> {
        let plain = tlv::join(text, tlvs, self.config.padding)?;
        let route = route(self.own, to);
        let instance = self.instances.get_mut(&to.value()).ok_or(Error::NotPrivate)?;
        let message = instance
            .session_mut()
            .ok_or(Error::NotPrivate)?
            .encrypt(route, flags, &plain)?;
        instance.last_sent = now;
        self.transmit(&message, route, tag)
    }

    /// Armours a message and cuts it to the transport's size.
    pub(super) fn transmit(&mut self, message: &[u8], route: Route, tag: Option<u64>) -> Result<(), Error> {
        let body = armour(message);
        let bodies = match self.config.max_message {
            Some(limit) => fragment::split(body, route, limit)?,
            None => vec![body],
        };
        self.outputs
            .extend(bodies.into_iter().map(|body| Output::Send { body, tag }));
        Ok(())
    }

    fn may_send_plaintext(&self) -> bool {
        self.config.policy == Policy::Opportunistic && !self.was_private && self.starting.is_none()
    }

    fn send_plaintext(&mut self, text: &str, tag: u64) -> Result<(), Error> {
        if text.starts_with("?OTR") {
            return Err(Error::LooksLikeOtr);
        }
        let mark = match self.heard_plaintext {
            true => String::new(),
            false => query::tag(self.config.oldest),
        };
        self.outputs.push_back(Output::Send {
            body: format!("{text}{mark}"),
            tag: Some(tag),
        });
        Ok(())
    }
}

/// The head of a message to this client.
pub(super) fn route(own: InstanceTag, to: InstanceTag) -> Route {
    match to.version() {
        Version::Two => Route::Two,
        Version::Three => Route::Three {
            sender: own.value(),
            receiver: to.value(),
        },
    }
}

fn refuse_reserved(tlvs: &[Tlv]) -> Result<(), Error> {
    if tlvs.iter().any(Tlv::is_reserved) {
        Err(Error::ReservedTlv)
    } else {
        Ok(())
    }
}
