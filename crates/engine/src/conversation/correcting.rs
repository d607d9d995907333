//! Corrections: the last message gets another text, on both sides or on neither.
//! One must never change what another key wrote, nor be shown to its writer before the contact's program has it.
//! Decision: `docs/decisions/0003-receipts.md`, "Corrections".

use std::time::Duration;

use model::{Delivery, Direction, Message, MessageId, Problem};
use otr::Tlv;

use super::receipt::{Epoch, Id};
use super::{Context, Conversation, Effect, UNCONFIRMED, check_text};
use crate::text;

const CORRECTION: u16 = 0x4f05;
/// The longest corrected text in bytes: with the names before it, it fits a TLV's 65,535.
const MAX_CORRECTED: usize = 60_000;
/// So many of the contact's last messages can be corrected.
const CORRECTABLE: usize = 16;

/// A correction that the contact's program has not confirmed.
pub(super) struct Correcting {
    id: Id,
    text: String,
    session: u64,
    since: Duration,
    /// The shield holds it back.
    held: bool,
}

/// The record "this message now says this"; the epoch is the writer's.
struct Correction {
    epoch: Epoch,
    id: Id,
    text: String,
}

impl Correction {
    fn to_tlv(&self) -> Tlv {
        let value = [&self.epoch[..], &self.id, self.text.as_bytes()].concat();
        Tlv {
            kind: CORRECTION,
            value,
        }
    }

    /// `None` where it is another kind, malformed, or would be no message.
    fn from_tlv(tlv: &Tlv) -> Option<Self> {
        let (epoch, rest) = tlv.value.split_first_chunk()?;
        let (id, said) = rest.split_first_chunk()?;
        if tlv.kind != CORRECTION || said.len() > MAX_CORRECTED {
            return None;
        }
        let text = text::plain(std::str::from_utf8(said).ok()?);
        check_text(&text).ok()?;
        let (epoch, id) = (*epoch, *id);
        Some(Self { epoch, id, text })
    }
}

impl Conversation {
    /// Has the contact's program give the owner's last message another text. It is shown once that has confirmed.
    ///
    /// # Errors
    /// Where the text is none, the message is not the last one or has not arrived, or the contact's program in the
    /// private conversation that stands cannot do it, or has another key.
    pub(crate) fn correct(
        &mut self,
        message: &MessageId,
        text: String,
        context: &mut Context<'_>,
    ) -> Result<(), Problem> {
        check_text(&text)?;
        if text.len() > MAX_CORRECTED {
            let text = format!("A corrected message has at most {MAX_CORRECTED} bytes.");
            return Err(Problem::new("message.too_long", text));
        }
        let last = self.history.iter().rev().find(|m| m.direction == Direction::Out);
        let known = |m: &&Message| m.id == *message && m.delivery == Delivery::Received;
        let last = last.filter(known).filter(|m| self.is_of_this_key(m));
        let id = last.and_then(|m| m.id.to_bytes());
        let able = self.may_send() && self.peer_epoch.is_some() && self.correcting.is_none();
        let id = id.filter(|_| able).ok_or_else(cannot_correct)?;
        self.correcting = Some(Correcting {
            id,
            text,
            session: self.session,
            since: context.now,
            held: true,
        });
        if !self.holds_back() {
            self.send_held_correction(context);
        }
        Ok(())
    }

    /// Sends the correction that was held back, if there is one and its session still stands.
    pub(super) fn send_held_correction(&mut self, context: &mut Context<'_>) {
        let current = self.session;
        let held = self
            .correcting
            .as_mut()
            .filter(|c| c.held && c.session == current);
        let Some(held) = held else { return };
        (held.held, held.since) = (false, context.now);
        let correction = Correction {
            epoch: self.own_epoch,
            id: held.id,
            text: held.text.clone(),
        };
        self.send_notice(&correction.to_tlv(), context);
        self.one_left();
    }

    /// The contact corrects one of its last messages, in the session that stands.
    pub(super) fn on_corrections(&mut self, tlvs: &[Tlv], context: &mut Context<'_>) {
        for correction in tlvs.iter().filter_map(Correction::from_tlv) {
            self.met(correction.epoch, context);
            if self.may_send() {
                self.on_correction(correction, context);
            }
        }
    }

    fn on_correction(&mut self, correction: Correction, context: &mut Context<'_>) {
        let name = MessageId::from_bytes(correction.id);
        let of_contact = |m: &&Message| m.direction == Direction::In;
        let mut last = self.history.iter().rev().filter(of_contact).take(CORRECTABLE);
        if !last.any(|m| m.id == name && self.is_of_this_key(m)) {
            return;
        }
        self.put_text(&name, Direction::In, correction.text, context);
        self.confirm_later(correction.id, context);
    }

    /// The contact's program has a message, and perhaps its correction.
    pub(super) fn confirmed_correction(&mut self, id: Id, context: &mut Context<'_>) {
        let current = self.session;
        let done = self.correcting.take_if(|c| c.id == id && c.session == current);
        if let Some(done) = done {
            self.put_text(&MessageId::from_bytes(id), Direction::Out, done.text, context);
        }
    }

    /// A correction that nobody confirmed did not happen, as far as anybody knows.
    pub(super) fn give_up_correcting(&mut self, context: &mut Context<'_>) {
        let (now, current) = (context.now, self.session);
        let late = |c: &mut Correcting| c.session != current || (!c.held && c.since + UNCONFIRMED < now);
        if self.correcting.take_if(late).is_some() {
            let text = "The contact's program did not confirm the correction: your contact may still see the former text.";
            let problem = Problem::new("message.not_corrected", text);
            context.effects.push(Effect::Notice(problem));
        }
    }

    fn put_text(&mut self, name: &MessageId, way: Direction, text: String, context: &mut Context<'_>) {
        let found = self
            .history
            .iter_mut()
            .rev()
            .find(|m| m.id == *name && m.direction == way);
        if let Some(message) = found {
            message.text = text;
            message.corrected = true;
            context.effects.push(Effect::Changed(message.clone()));
        }
    }

    /// Whether a message went under the key of the session that stands.
    fn is_of_this_key(&self, message: &Message) -> bool {
        match self.otr.state() {
            otr::State::Private { fingerprint, .. } => {
                message.encrypted && message.fingerprint == Some(fingerprint.to_string())
            }
            _ => false,
        }
    }
}

fn cannot_correct() -> Problem {
    Problem::new(
        "message.cannot_correct",
        "Only your last message can be corrected, once it has arrived, while the private conversation with the same key          stands and if the contact's program is an Attentive Otter.",
    )
}
