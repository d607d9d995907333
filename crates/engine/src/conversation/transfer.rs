//! What comes in: transport messages to OTR, and what OTR makes of them.
//! Nothing that came in may cause an answer to somebody who was not accepted; the caller sees to that.

use std::time::Duration;

use model::{Direction, Policy, Problem};
use otr::{Event, Fingerprint, Input, InstanceTag, Tlv};

use super::receipt::{Id, MAX_IDS, Receipt};
use super::{Context, Conversation, Effect};
use crate::text;

impl Conversation {
    /// A transport message of the contact.
    ///
    /// `late`: it was kept by a server. Then only data of a session that stands is looked at, because
    /// an old query or key exchange must not be answered (XEP-0203, XEP-0160).
    pub(crate) fn receive(&mut self, body: &str, late: bool, context: &mut Context<'_>) {
        let private = matches!(self.otr.state(), otr::State::Private { .. });
        let data = body.starts_with("?OTR:AAMD") || body.starts_with("?OTR|");
        if late && !(private && data) {
            return;
        }
        if self.is_left_alone(body, context) {
            return;
        }
        self.quiet = late || self.rules.policy == Policy::Unencrypted;
        self.late = late;
        let _ = self.otr.handle(Input::Receive(body), context.now, context.rng);
        self.drain(context);
        (self.quiet, self.late) = (false, false);
        self.told_privacy(context);
        self.flush(context);
    }

    /// A text that is not for OTR, whatever it looks like: a notice, an action, or one that was kept.
    pub(crate) fn hear_readable(&mut self, text: String, earlier: bool, context: &mut Context<'_>) {
        self.late = earlier;
        self.on_plaintext(text, context);
        self.late = false;
    }

    pub(super) fn on_event(&mut self, event: Event, context: &mut Context<'_>) {
        match event {
            Event::Private {
                fingerprint,
                instance,
                ..
            } => self.on_private(fingerprint, instance, context),
            Event::Message {
                text,
                tlvs,
                instance,
                fingerprint,
            } => self.on_message(text, &tlvs, (instance, fingerprint), context),
            Event::Notice { tlvs, instance, .. } if self.leads(instance) => {
                self.heard = true;
                self.on_receipts(&tlvs, context);
                self.on_corrections(&tlvs, context);
                self.confirm_empty(&tlvs, context);
            }
            Event::Plaintext { text, .. } => self.on_plaintext(text, context),
            Event::Finished { .. } => self.on_finished(context),
            Event::PeerError { .. } => self.on_peer_error(context),
            Event::Unreadable { .. } => {
                let text =
                    "A message came that cannot be read: the private conversation was renewed in between.";
                context
                    .effects
                    .push(Effect::Notice(Problem::new("message.unreadable", text)));
            }
            other => self.on_verification(other, context),
        }
    }

    fn on_private(&mut self, fingerprint: Fingerprint, instance: InstanceTag, context: &mut Context<'_>) {
        self.meet(fingerprint.to_string(), context);
        if !self.leads(instance) {
            // Another program with another key: the session that stands goes on as it was.
            return;
        }
        self.begin_session(context);
        if !self.may_send() {
            // What another key wrote is not confirmed to this one.
            self.unconfirmed.clear();
        }
        self.told_privacy(context);
        self.greet(context);
        self.settle(context);
        self.flush(context);
    }

    /// Whether messages go to this program of the contact.
    pub(super) fn leads(&self, program: InstanceTag) -> bool {
        matches!(self.otr.state(), otr::State::Private { instance, .. } if instance == program)
    }

    /// A text, and the program and key that it came from: not always those that messages go to.
    fn on_message(
        &mut self,
        text: String,
        tlvs: &[Tlv],
        (instance, fingerprint): (InstanceTag, Fingerprint),
        context: &mut Context<'_>,
    ) {
        let name = tlvs.iter().find_map(|tlv| match Receipt::from_tlv(tlv) {
            Some(Receipt::Name(epoch, id)) => Some((epoch, id)),
            _ => None,
        });
        let text = text::plain(&text);
        let id = name.map_or_else(|| random_id(context), |(_, id)| id);
        let fresh = self.seen.insert(id);
        let leads = self.leads(instance);
        self.heard |= leads;
        if let (true, Some((_, id))) = (leads && self.may_send(), name) {
            self.confirm_later(id, context);
        }
        if fresh && !text.is_empty() {
            let mut message = self.message(id, text, Direction::In, true, context.clock);
            message.fingerprint = Some(fingerprint.to_string());
            self.remember(message, context);
        }
        if leads {
            self.on_receipts(tlvs, context);
        }
    }

    /// Confirms within about a second, together with what else comes in until then.
    pub(super) fn confirm_later(&mut self, id: Id, context: &mut Context<'_>) {
        if self.unconfirmed.len() >= MAX_IDS {
            self.confirm(context);
        }
        self.unconfirmed.push(id);
        if self.confirm_at.is_none() {
            let jitter = u64::from(context.rng.next_u32() % 800);
            self.confirm_at = Some(context.now + Duration::from_millis(400 + jitter));
        }
    }

    /// Whoever sits in the middle under a key of its own has no say in what arrived, and learns nothing.
    fn on_receipts(&mut self, tlvs: &[Tlv], context: &mut Context<'_>) {
        for receipt in tlvs.iter().filter_map(Receipt::from_tlv) {
            let (Receipt::Answer(epoch, _)
            | Receipt::Name(epoch, _)
            | Receipt::Received(epoch, _)
            | Receipt::Which(epoch, _)) = &receipt;
            self.met(*epoch, context);
            if self.may_send() {
                self.on_receipt(receipt, context);
            }
        }
    }

    fn on_receipt(&mut self, receipt: Receipt, context: &mut Context<'_>) {
        match receipt {
            Receipt::Answer(epoch, ids) => self.settled(epoch, &ids, context),
            Receipt::Name(..) => {}
            Receipt::Received(_, ids) => {
                let before = self.outgoing.len();
                for id in ids {
                    self.arrived(id, context);
                    self.confirmed_correction(id, context);
                }
                if self.outgoing.len() != before {
                    context.effects.push(Effect::Persist { new: None });
                }
            }
            Receipt::Which(_, ids) => {
                let has = ids.into_iter().filter(|id| self.seen.contains(id)).collect();
                let tlv = Receipt::Answer(self.own_epoch, has).to_tlv();
                self.send_notice(&tlv, context);
            }
        }
    }

    fn on_plaintext(&mut self, text: String, context: &mut Context<'_>) {
        let id = random_id(context);
        let message = self.message(id, text::plain(&text), Direction::In, false, context.clock);
        self.remember(message, context);
        if matches!(
            self.otr.state(),
            otr::State::Private { .. } | otr::State::Finished
        ) {
            let text = "A message came unencrypted although the conversation is private. Anyone on the way could have \
                        read it, or written it.";
            context
                .effects
                .push(Effect::Notice(Problem::new("message.came_unencrypted", text)));
        }
    }

    fn on_finished(&mut self, context: &mut Context<'_>) {
        self.holding = false;
        self.asked_at = None;
        self.break_verification(context);
        self.told_privacy(context);
    }

    /// "I could not read that": the contact's program has perhaps lost the session, so it is renewed;
    /// then it is asked which messages it has, or the owner is told. The text is the word of whoever
    /// wrote it and is not shown.
    fn on_peer_error(&mut self, context: &mut Context<'_>) {
        let private = matches!(self.otr.state(), otr::State::Private { .. });
        if private && !self.outgoing.is_empty() {
            self.renew(context);
        }
    }
}

pub(super) fn random_id(context: &mut Context<'_>) -> Id {
    let mut id = [0; 16];
    context.rng.fill_bytes(&mut id);
    id
}
