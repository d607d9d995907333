//! Messages on their way out: from waiting, through the transport, to confirmed.
//! A message must never be given to OTR twice where the contact cannot tell, and never vanish.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{Delivery, Direction, Policy, Problem, Wait};
use otr::Input;

use super::receipt::{Epoch, Id, Receipt};
use super::{BETWEEN_QUERIES, Context, Conversation, Effect};

/// Number of the sessions of earlier runs.
const BEFORE: u64 = u64::MAX;

/// One message that is not yet known to have arrived.
pub(crate) struct Outgoing {
    pub(crate) id: Id,
    pub(crate) text: String,
    /// When it was written, for showing.
    pub(crate) at: u64,
    /// Whether it was written to go under OTR: then it never goes readable.
    pub(crate) encrypted: bool,
    /// The keys of the contact that it goes to; none: the first one that the contact ever uses.
    pub(crate) written_for: Vec<String>,
    pub(crate) stage: Stage,
}

/// How far it is.
pub(crate) enum Stage {
    /// The contact was asked whether it has the message, after the session it went in was lost.
    Asked {
        /// The run of the contact's program that it went to, where that is known.
        epoch: Option<Epoch>,
        /// When it was asked for the first time, and the last time.
        since: Duration,
        last: Duration,
    },
    /// Encrypted in a session and given to the transport.
    Handed {
        session: u64,
        bodies: Vec<String>,
        /// All that carried it, for those that are sent back after the server took them over.
        carried: BTreeSet<u64>,
        /// Those that the server has not taken over.
        tokens: BTreeSet<u64>,
        epoch: Option<Epoch>,
        since: Duration,
    },
    /// Told to the owner as not sent; kept so that it can be sent again.
    NotSent,
    /// Given to the transport as it is, because the owner wants that.
    Readable {
        token: u64,
        /// When the server took it over.
        taken: Option<Duration>,
    },
    /// Not given to anybody.
    Waiting,
}

impl Stage {
    /// Handed over by an earlier run of this program, to that run of the contact's.
    pub(crate) fn handed_before(epoch: Epoch) -> Self {
        let (bodies, carried, tokens) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        Self::Handed {
            session: BEFORE,
            bodies,
            carried,
            tokens,
            epoch: Some(epoch),
            since: Duration::ZERO,
        }
    }
}

impl Conversation {
    /// The messages that have to survive an end of this program.
    pub(crate) fn outgoing(&self) -> impl Iterator<Item = &Outgoing> {
        self.outgoing.iter()
    }

    /// Puts a message back that an earlier run left, with what that run knew of it.
    pub(crate) fn restore(&mut self, outgoing: Outgoing, context: &mut Context<'_>) {
        let (id, text, at) = (outgoing.id, outgoing.text.clone(), outgoing.at);
        let delivery = match outgoing.stage {
            Stage::Waiting => Delivery::Waiting { wait: self.wait() },
            Stage::NotSent => Delivery::NotSent {
                problem: unknown_arrival(),
            },
            Stage::Asked { .. } | Stage::Handed { .. } | Stage::Readable { .. } => Delivery::Sent,
        };
        let encrypted = outgoing.encrypted;
        self.outgoing.push_back(outgoing);
        let name = model::MessageId::from_bytes(id);
        let kept = |m: &model::Message| m.id == name && m.direction == Direction::Out;
        if !self.history.iter().any(kept) {
            let message = self.message(id, text, Direction::Out, encrypted, at);
            self.remember(message, context);
        }
        self.deliver(id, delivery, context);
    }

    /// Sends what waits, if it may be sent; starts what is missing.
    pub(crate) fn flush(&mut self, context: &mut Context<'_>) {
        self.send_readable(context);
        let waiting = !self.holds_back() && self.outgoing.iter().any(|o| matches!(o.stage, Stage::Waiting));
        let unsettled = self.outgoing.iter().any(|o| self.unsettled(o));
        let renewing = self.holding && !self.outgoing.is_empty();
        if self.connected && (waiting || unsettled || renewing) && !self.ended {
            match self.otr.state() {
                otr::State::Private { fingerprint, .. } => {
                    if self.suspect && !self.holding {
                        self.renew(context);
                    } else if !self.holding && self.accepted(&fingerprint.to_string()) {
                        self.send_waiting(context);
                    } else if self.holding && self.reachable {
                        self.ask(context);
                    }
                }
                // The contact ended it: the owner decides.
                otr::State::Finished => {}
                _ if self.reachable => {
                    self.ask(context);
                }
                _ => {}
            }
        }
        self.told_waits(context);
        self.told_privacy(context);
    }

    /// The server has a transport message.
    pub(crate) fn acknowledged(&mut self, token: u64, context: &mut Context<'_>) {
        let mut complete = None;
        for outgoing in &mut self.outgoing {
            if let Stage::Readable { token: own, taken } = &mut outgoing.stage
                && *own == token
            {
                *taken = Some(context.now);
            }
            if let Stage::Handed { tokens, .. } = &mut outgoing.stage
                && tokens.remove(&token)
                && tokens.is_empty()
            {
                complete = Some(outgoing.id);
            }
        }
        if let Some(id) = complete {
            self.deliver(id, Delivery::Sent, context);
        }
    }

    /// The server's session is gone, and with it perhaps these transport messages. What was
    /// encrypted in a session that still stands is sent again to the letter: the contact's OTR
    /// drops what it has already.
    pub(crate) fn unacknowledged(&mut self, tokens: &[u64], context: &mut Context<'_>) {
        let lost: BTreeSet<u64> = tokens.iter().copied().collect();
        let current = self.session;
        let private = matches!(self.otr.state(), otr::State::Private { .. });
        let mut again = Vec::new();
        for outgoing in &mut self.outgoing {
            if let Stage::Handed {
                session,
                bodies,
                carried,
                tokens,
                ..
            } = &mut outgoing.stage
                && private
                && *session == current
                && !tokens.is_disjoint(&lost)
            {
                tokens.clear();
                for body in bodies.iter() {
                    let token = context.token();
                    carried.insert(token);
                    tokens.insert(token);
                    again.push((body.clone(), token));
                }
            }
        }
        for (body, token) in again {
            context.effects.push(Effect::Transmit {
                body,
                token,
                to_everyone: false,
            });
        }
        let doubtful =
            |o: &Outgoing| matches!(&o.stage, Stage::Readable { token, taken: None } if lost.contains(token));
        for id in self.ids(doubtful) {
            self.fail(id, not_taken_over(), context);
            context.effects.push(Effect::Persist { new: None });
        }
        // A lost query or key exchange is simply begun anew.
        self.asked_at = None;
        self.flush(context);
    }

    /// A server sent a transport message back: the contact's program did not get it. Where the
    /// contact's program can say which messages it has, it is asked once it is back.
    pub(crate) fn bounced(&mut self, token: u64, context: &mut Context<'_>) {
        let found = self.outgoing.iter().find_map(|o| match &o.stage {
            Stage::Handed { carried, epoch, .. } if carried.contains(&token) => Some((o.id, *epoch)),
            Stage::Readable { token: own, .. } if *own == token => Some((o.id, None)),
            _ => None,
        });
        match found {
            Some((_, Some(_))) => self.suspect = true,
            Some((id, None)) => {
                let text = "The contact's server sent the message back. The contact may be offline; send it again later.";
                self.fail(id, Problem::new("message.returned", text), context);
                context.effects.push(Effect::Persist { new: None });
            }
            None => {}
        }
    }

    /// The queue could not be kept on disk: messages that the owner gave and that are not kept, and
    /// those whose transport messages were held back, did not go.
    pub(crate) fn not_kept(
        &mut self,
        new: &[Id],
        held_back: &BTreeSet<u64>,
        problem: &Problem,
        context: &mut Context<'_>,
    ) {
        let stopped = |o: &&Outgoing| match &o.stage {
            Stage::Handed { carried, .. } => !carried.is_disjoint(held_back),
            Stage::Readable { token, .. } => held_back.contains(token),
            Stage::Waiting => new.contains(&o.id),
            Stage::Asked { .. } | Stage::NotSent => false,
        };
        let stopped: Vec<Id> = self.outgoing.iter().filter(stopped).map(|o| o.id).collect();
        for id in stopped {
            self.fail(id, problem.clone(), context);
        }
    }

    /// Sends "I have these", for what came in and was not confirmed yet.
    pub(super) fn confirm(&mut self, context: &mut Context<'_>) {
        self.confirm_at = None;
        if !self.may_send() {
            self.unconfirmed.clear();
        }
        if let Some(tlv) = self.take_confirmation() {
            let before = context.effects.len();
            self.send_notice(&tlv, context);
            if context.effects.len() > before {
                context.confirmed();
            }
        }
    }

    /// Renews the session before anything else is sent in it.
    pub(super) fn renew(&mut self, context: &mut Context<'_>) {
        self.holding = true;
        self.ask(context);
    }

    /// Asks for a private conversation, not too often.
    pub(super) fn ask(&mut self, context: &mut Context<'_>) -> bool {
        if self.rules.policy == Policy::Unencrypted {
            return false;
        }
        if !self.connected || self.asked_at.is_some_and(|at| context.now < at + BETWEEN_QUERIES) {
            return self.connected;
        }
        self.asked_at = Some(context.now);
        self.one_left();
        let _ = self.otr.handle(Input::Start, context.now, context.rng);
        self.drain(context);
        self.told_privacy(context);
        true
    }

    pub(super) fn deliver(&mut self, id: Id, delivery: Delivery, context: &mut Context<'_>) {
        let name = model::MessageId::from_bytes(id);
        let found = self
            .history
            .iter_mut()
            .rev()
            .find(|m| m.id == name && m.direction == Direction::Out);
        if let Some(message) = found
            && message.delivery != delivery
        {
            message.delivery = delivery;
            context.effects.push(Effect::Changed(message.clone()));
        }
    }

    /// Gives waiting messages to OTR, in order, until one has to wait.
    fn send_waiting(&mut self, context: &mut Context<'_>) {
        let asked = self
            .outgoing
            .iter()
            .any(|o| matches!(o.stage, Stage::Asked { .. }));
        if asked || (self.greeting_until.is_some() && !self.silent) {
            return;
        }
        while !self.holds_back()
            && let Some(next) = self.outgoing.iter().find(|o| self.goes_now(o))
        {
            let (id, text) = (next.id, next.text.clone());
            let mut tlvs = vec![Receipt::Name(self.own_epoch, id).to_tlv()];
            tlvs.extend(self.take_confirmation());
            let confirms = tlvs.len() > 1;
            let tag = context.token();
            let sent = self.otr.handle(
                Input::Send {
                    text: &text,
                    tlvs: &tlvs,
                    tag,
                },
                context.now,
                context.rng,
            );
            let bodies = self.drain(context);
            if sent.is_err() || bodies.is_empty() {
                return;
            }
            self.hand(id, bodies, context);
            if confirms {
                context.confirmed();
            }
        }
    }

    fn hand(&mut self, id: Id, bodies: Vec<String>, context: &mut Context<'_>) {
        let tokens: Vec<u64> = bodies.iter().map(|_| context.token()).collect();
        let stage = Stage::Handed {
            session: self.session,
            bodies: bodies.clone(),
            carried: tokens.iter().copied().collect(),
            tokens: tokens.iter().copied().collect(),
            epoch: self.peer_epoch,
            since: context.now,
        };
        self.stage(id, stage);
        // Kept first: after a crash a message that may have gone must not go again by itself.
        context.effects.push(Effect::Persist { new: None });
        for (body, token) in bodies.into_iter().zip(tokens) {
            context.effects.push(Effect::Transmit {
                body,
                token,
                to_everyone: false,
            });
        }
        self.one_left();
        self.encrypted_to_key(id);
        self.deliver(id, Delivery::Sent, context);
    }

    /// Writes down that a message was encrypted, and to which key.
    fn encrypted_to_key(&mut self, id: Id) {
        let otr::State::Private { fingerprint, .. } = self.otr.state() else {
            return;
        };
        let fingerprint = fingerprint.to_string();
        if let Some(outgoing) = self.outgoing.iter_mut().find(|o| o.id == id) {
            outgoing.encrypted = true;
            outgoing.written_for = vec![fingerprint.clone()];
        }
        self.show_encrypted(id, true);
        let name = model::MessageId::from_bytes(id);
        if let Some(message) = self.history.iter_mut().rev().find(|m| m.id == name) {
            message.fingerprint = Some(fingerprint);
        }
    }

    /// Whether a message waits, and may go to the key of the session that stands.
    fn goes_now(&self, outgoing: &Outgoing) -> bool {
        matches!(outgoing.stage, Stage::Waiting) && self.is_for_this_key(outgoing)
    }

    fn is_for_this_key(&self, outgoing: &Outgoing) -> bool {
        let otr::State::Private { fingerprint, .. } = self.otr.state() else {
            return true;
        };
        let fingerprint = fingerprint.to_string();
        self.accepted(&fingerprint)
            && (outgoing.written_for.is_empty() || outgoing.written_for.contains(&fingerprint))
    }

    pub(super) fn take_confirmation(&mut self) -> Option<otr::Tlv> {
        if self.unconfirmed.is_empty() {
            return None;
        }
        self.confirm_at = None;
        let ids = std::mem::take(&mut self.unconfirmed);
        Some(Receipt::Received(self.own_epoch, ids).to_tlv())
    }

    pub(super) fn send_notice(&mut self, tlv: &otr::Tlv, context: &mut Context<'_>) {
        if !self.may_send() {
            return;
        }
        let tag = context.token();
        let tlvs = std::slice::from_ref(tlv);
        if self
            .otr
            .handle(Input::Notice { tlvs, tag }, context.now, context.rng)
            .is_ok()
        {
            for body in self.drain(context) {
                let token = context.token();
                context.effects.push(Effect::Transmit {
                    body,
                    token,
                    to_everyone: false,
                });
            }
        }
    }

    pub(super) fn stage(&mut self, id: Id, stage: Stage) {
        if let Some(outgoing) = self.outgoing.iter_mut().find(|o| o.id == id) {
            outgoing.stage = stage;
        }
    }

    pub(super) fn fail(&mut self, id: Id, problem: Problem, context: &mut Context<'_>) {
        self.stage(id, Stage::NotSent);
        self.deliver(id, Delivery::NotSent { problem }, context);
    }

    fn told_waits(&mut self, context: &mut Context<'_>) {
        for id in self.ids(|o| matches!(o.stage, Stage::Waiting)) {
            let for_this_key = self
                .outgoing
                .iter()
                .any(|o| o.id == id && self.is_for_this_key(o));
            let wait = match self.wait() {
                Wait::Privacy | Wait::Shield if !for_this_key => {
                    self.tell_other_key(context);
                    Wait::NewKey
                }
                wait => wait,
            };
            self.deliver(id, Delivery::Waiting { wait }, context);
        }
    }

    /// Tells of a message as it is now.
    pub(super) fn tell(&self, id: Id, context: &mut Context<'_>) {
        let name = model::MessageId::from_bytes(id);
        if let Some(message) = self.history.iter().rev().find(|m| m.id == name) {
            context.effects.push(Effect::Changed(message.clone()));
        }
    }
}

fn not_taken_over() -> Problem {
    Problem::new(
        "message.arrival_unknown",
        "The connection was lost before the server said that it has this message. It may or may not have arrived; it is \
         not sent again by itself.",
    )
}

pub(crate) fn unknown_arrival() -> Problem {
    Problem::new(
        "message.arrival_unknown",
        "The private conversation ended before the contact's program confirmed this message. It may or may not have \
         arrived; it is not sent again by itself. Ask the contact, or send it once more.",
    )
}
