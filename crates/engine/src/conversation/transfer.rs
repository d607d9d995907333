//! What comes in: transport messages to OTR, and what OTR makes of them.
//! Nothing that came in may cause an answer to somebody who was not accepted; the caller sees to that.

use std::time::Duration;

use model::{Direction, KnownFingerprint, Problem};
use otr::{Event, Fingerprint, Input, Tlv};

use super::receipt::{Id, MAX_IDS, Receipt};
use super::{Context, Conversation, Effect};

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
        self.quiet = late;
        let _ = self.otr.handle(Input::Receive(body), context.now, context.rng);
        self.drain(context);
        self.quiet = false;
        self.told_privacy(context);
        self.flush(context);
    }

    pub(super) fn on_event(&mut self, event: Event, context: &mut Context<'_>) {
        match event {
            Event::Private { fingerprint, .. } => self.on_private(fingerprint, context),
            Event::Message {
                text,
                tlvs,
                fingerprint,
                ..
            } => self.on_message(text, &tlvs, &fingerprint, context),
            Event::Notice {
                tlvs, fingerprint, ..
            } => self.on_receipts(&tlvs, &fingerprint, context),
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
            _ => {}
        }
    }

    fn on_private(&mut self, fingerprint: Fingerprint, context: &mut Context<'_>) {
        self.session += 1;
        self.holding = false;
        self.suspect = false;
        self.ended = false;
        self.asked_at = None;
        self.peer_epoch = None;
        let fingerprint = fingerprint.to_string();
        self.meet(fingerprint.clone(), context);
        self.told_privacy(context);
        if self.accepted(&fingerprint) {
            self.greet(context);
        }
        self.settle(context);
        self.flush(context);
    }

    /// The first key of a contact is accepted when it is first seen; a later one waits for the owner.
    fn meet(&mut self, fingerprint: String, context: &mut Context<'_>) {
        if self.keys.iter().any(|key| key.fingerprint == fingerprint) {
            return;
        }
        let changed = self.keys.iter().any(|key| key.accepted);
        let accepted = !changed;
        self.keys.push(KnownFingerprint {
            fingerprint: fingerprint.clone(),
            accepted,
            verified: false,
        });
        context.effects.push(Effect::Keys);
        context
            .effects
            .push(Effect::NewFingerprint { fingerprint, changed });
    }

    fn on_message(&mut self, text: String, tlvs: &[Tlv], from: &Fingerprint, context: &mut Context<'_>) {
        let name = tlvs.iter().find_map(|tlv| match Receipt::from_tlv(tlv) {
            Some(Receipt::Name(epoch, id)) => Some((epoch, id)),
            _ => None,
        });
        let id = name.map_or_else(|| random_id(context), |(_, id)| id);
        let fresh = self.seen.insert(id);
        if let Some((epoch, id)) = name
            && self.accepted(&from.to_string())
        {
            self.met(epoch);
            self.confirm_later(id, context);
        }
        if fresh && !text.is_empty() {
            let mut message = self.message(id, text, Direction::In, true, context.clock);
            message.fingerprint = Some(from.to_string());
            self.remember(message, context);
        }
        self.on_receipts(tlvs, from, context);
    }

    /// Confirms within about a second, together with what else comes in until then.
    fn confirm_later(&mut self, id: Id, context: &mut Context<'_>) {
        if self.unconfirmed.len() >= MAX_IDS {
            self.confirm(context);
        }
        self.unconfirmed.push(id);
        if self.confirm_at.is_none() {
            let jitter = u64::from(context.rng.next_u32() % 800);
            self.confirm_at = Some(context.now + Duration::from_millis(400 + jitter));
        }
    }

    /// Whoever sits in the middle under a key of its own has no say in what arrived.
    fn on_receipts(&mut self, tlvs: &[Tlv], from: &Fingerprint, context: &mut Context<'_>) {
        if !self.accepted(&from.to_string()) {
            return;
        }
        for receipt in tlvs.iter().filter_map(Receipt::from_tlv) {
            match receipt {
                Receipt::Answer(epoch, ids) => {
                    self.met(epoch);
                    self.settled(epoch, &ids, context);
                }
                Receipt::Name(..) => {}
                Receipt::Received(epoch, ids) => {
                    self.met(epoch);
                    for id in ids {
                        self.arrived(id, context);
                    }
                    context.effects.push(Effect::Persist);
                }
                Receipt::Which(epoch, ids) => {
                    self.met(epoch);
                    let has = ids.into_iter().filter(|id| self.seen.contains(id)).collect();
                    let tlv = Receipt::Answer(self.own_epoch, has).to_tlv();
                    self.send_notice(&tlv, context);
                }
            }
        }
    }

    fn on_plaintext(&mut self, text: String, context: &mut Context<'_>) {
        let id = random_id(context);
        let message = self.message(id, text, Direction::In, false, context.clock);
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
        self.told_privacy(context);
    }

    /// "I could not read that": where the contact's program is one of ours it has lost the session,
    /// so it is renewed. The text is the contact's server's word and is not shown.
    fn on_peer_error(&mut self, context: &mut Context<'_>) {
        let private = matches!(self.otr.state(), otr::State::Private { .. });
        if private && !self.silent && !self.outgoing.is_empty() {
            self.renew(context);
        }
    }
}

fn random_id(context: &mut Context<'_>) -> Id {
    let mut id = [0; 16];
    context.rng.fill_bytes(&mut id);
    id
}
