//! Messages on their way out: from waiting, through the transport, to confirmed.
//! A message must never be given to OTR twice where the contact cannot tell, and never vanish.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{Delivery, Direction, Problem};
use otr::Input;

use super::receipt::{Epoch, Id, MAX_IDS, Receipt};
use super::{BETWEEN_QUERIES, Context, Conversation, Effect, GREETING, STARTING, UNCONFIRMED};

/// How long an answer to "which of these do you have?" may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);

/// After how long the session is renewed, and the question asked again, where no answer came.
const ASK_AGAIN: Duration = Duration::from_secs(20);

/// Number of the sessions of earlier runs.
const BEFORE: u64 = u64::MAX;

/// One message that is not yet known to have arrived.
pub(crate) struct Outgoing {
    pub(crate) id: Id,
    pub(crate) text: String,
    /// When it was written, for showing.
    pub(crate) at: u64,
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
            Stage::Asked { .. } | Stage::Handed { .. } => Delivery::Sent,
        };
        self.outgoing.push_back(outgoing);
        let message = self.message(id, text, Direction::Out, true, at);
        self.remember(message, context);
        self.deliver(id, delivery, context);
    }

    /// Sends what waits, if it may be sent; starts what is missing.
    pub(crate) fn flush(&mut self, context: &mut Context<'_>) {
        let waiting = self.outgoing.iter().any(|o| matches!(o.stage, Stage::Waiting));
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
        // A lost query or key exchange is simply begun anew.
        self.asked_at = None;
        self.flush(context);
    }

    /// A server sent a transport message back: the contact's program did not get it. Where the
    /// contact's program can say which messages it has, it is asked once it is back.
    pub(crate) fn bounced(&mut self, token: u64, context: &mut Context<'_>) {
        let found = self.outgoing.iter().find_map(|o| match &o.stage {
            Stage::Handed { carried, epoch, .. } if carried.contains(&token) => Some((o.id, *epoch)),
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
            self.send_notice(&tlv, context);
        }
    }

    /// Asks the contact's program which messages of a lost session it has; where it cannot know,
    /// says so to the owner.
    pub(super) fn settle(&mut self, context: &mut Context<'_>) {
        if !self.may_send() {
            return;
        }
        let asked = |o: &Outgoing| matches!(o.stage, Stage::Asked { .. });
        let lost: Vec<Id> = self
            .outgoing
            .iter()
            .filter(|o| self.unsettled(o) || asked(o))
            .map(|o| o.id)
            .collect();
        let mut ask = Vec::new();
        for id in lost {
            self.settle_one(id, &mut ask, context);
        }
        for ids in ask.chunks(MAX_IDS) {
            let tlv = Receipt::Which(self.own_epoch, ids.to_vec()).to_tlv();
            self.send_notice(&tlv, context);
        }
        context.effects.push(Effect::Persist { new: None });
    }

    /// The contact's program said which messages it has.
    pub(super) fn settled(&mut self, epoch: Epoch, has: &[Id], context: &mut Context<'_>) {
        let asked: Vec<(Id, Option<Epoch>)> = self
            .outgoing
            .iter()
            .filter_map(|o| match o.stage {
                Stage::Asked { epoch, .. } => Some((o.id, epoch)),
                _ => None,
            })
            .collect();
        for (id, then) in asked {
            if has.contains(&id) {
                self.arrived(id, context);
            } else if then == Some(epoch) {
                self.stage(id, Stage::Waiting);
            } else {
                self.fail(id, unknown_arrival(), context);
            }
        }
        context.effects.push(Effect::Persist { new: None });
        self.flush(context);
    }

    /// The contact's program has a message.
    pub(super) fn arrived(&mut self, id: Id, context: &mut Context<'_>) {
        let name = model::MessageId::from_bytes(id);
        let believed = |m: &model::Message| {
            m.id == name && m.direction == Direction::Out && m.delivery == Delivery::Sent
        };
        if self.outgoing.iter().any(|o| o.id == id) || self.history.iter().any(believed) {
            self.outgoing.retain(|o| o.id != id);
            self.deliver(id, Delivery::Received, context);
        }
    }

    /// The contact's program said which run of it this is, in the session that stands: whatever was
    /// handed over in this session went to that run.
    pub(super) fn met(&mut self, run: Epoch, context: &mut Context<'_>) {
        self.peer_epoch = Some(run);
        self.greeting_until = None;
        self.silent = false;
        let current = self.session;
        let mut learned = false;
        for outgoing in &mut self.outgoing {
            if let Stage::Handed {
                session,
                epoch: epoch @ None,
                ..
            } = &mut outgoing.stage
                && *session == current
            {
                *epoch = Some(run);
                learned = true;
            }
        }
        if learned {
            context.effects.push(Effect::Persist { new: None });
        }
        if self.outgoing.iter().any(|o| self.unsettled(o)) {
            self.settle(context);
        }
    }

    /// Says which run of this program this is, first thing in a session.
    pub(super) fn greet(&mut self, context: &mut Context<'_>) {
        if !self.may_send() {
            return;
        }
        if self.peer_epoch.is_none() {
            self.greeting_until = Some(context.now + GREETING);
        }
        let tlv = Receipt::Received(self.own_epoch, Vec::new()).to_tlv();
        self.send_notice(&tlv, context);
    }

    /// The contact is in touch again: the time for its answers begins anew.
    pub(super) fn wait_afresh(&mut self, before: bool, now: Duration) {
        if before || !self.in_touch() {
            return;
        }
        for outgoing in &mut self.outgoing {
            if let Stage::Asked { since, .. } = &mut outgoing.stage {
                *since = now;
            }
        }
    }

    /// A query that nobody took up is forgotten.
    pub(super) fn stop_asking(&mut self, context: &mut Context<'_>) {
        if self.asked_at.is_some_and(|at| at + STARTING < context.now) {
            self.asked_at = None;
            self.told_privacy(context);
        }
    }

    /// Whoever was asked which messages it has and did not say is not one of ours, or is gone.
    pub(super) fn give_up_asking(&mut self, context: &mut Context<'_>) {
        if !self.in_touch() {
            return;
        }
        let now = context.now;
        let late =
            |o: &&Outgoing| matches!(o.stage, Stage::Asked { since, .. } if since + ANSWER_WITHIN < now);
        let late: Vec<Id> = self.outgoing.iter().filter(late).map(|o| o.id).collect();
        for id in late {
            self.fail(id, unknown_arrival(), context);
            context.effects.push(Effect::Persist { new: None });
        }
    }

    /// A program that does not confirm is believed to have what the server took over a while ago.
    pub(super) fn believe(&mut self, context: &mut Context<'_>) {
        if !self.silent || self.holding || self.greeting_until.is_some() {
            return;
        }
        let (now, before) = (context.now, self.outgoing.len());
        self.outgoing.retain(|o| match &o.stage {
            Stage::Handed {
                tokens,
                epoch: None,
                since,
                ..
            } => !tokens.is_empty() || *since + UNCONFIRMED >= now,
            _ => true,
        });
        if self.outgoing.len() != before {
            context.effects.push(Effect::Persist { new: None });
        }
    }

    /// Whether the contact's program, which confirms, has not confirmed for too long.
    pub(super) fn stalled(&self, now: Duration) -> bool {
        let current = self.session;
        self.in_touch()
            && !self.ended
            && self.outgoing.iter().any(|o| match &o.stage {
                Stage::Asked { last, .. } => *last + ASK_AGAIN < now,
                Stage::Handed {
                    session,
                    tokens,
                    epoch: Some(_),
                    since,
                    ..
                } => *session == current && tokens.is_empty() && *since + UNCONFIRMED < now,
                _ => false,
            })
    }

    /// Renews the session before anything else is sent in it.
    pub(super) fn renew(&mut self, context: &mut Context<'_>) {
        self.holding = true;
        self.ask(context);
    }

    /// Asks for a private conversation, not too often.
    pub(super) fn ask(&mut self, context: &mut Context<'_>) -> bool {
        if !self.connected || self.asked_at.is_some_and(|at| context.now < at + BETWEEN_QUERIES) {
            return self.connected;
        }
        self.asked_at = Some(context.now);
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

    fn unsettled(&self, outgoing: &Outgoing) -> bool {
        matches!(outgoing.stage, Stage::Handed { session, .. } if session != self.session)
    }

    fn settle_one(&mut self, id: Id, ask: &mut Vec<Id>, context: &mut Context<'_>) {
        let Some(outgoing) = self.outgoing.iter_mut().find(|o| o.id == id) else {
            return;
        };
        let (tokens, epoch, since) = match &outgoing.stage {
            Stage::Asked { epoch, since, .. } => {
                outgoing.stage = Stage::Asked {
                    epoch: *epoch,
                    since: *since,
                    last: context.now,
                };
                return ask.push(id);
            }
            Stage::Handed {
                tokens, epoch, since, ..
            } => (tokens, epoch, since),
            Stage::NotSent | Stage::Waiting => return,
        };
        let taken_long_ago = tokens.is_empty() && *since + UNCONFIRMED < context.now;
        match *epoch {
            epoch if epoch.is_some() || self.peer_epoch.is_some() => {
                outgoing.stage = Stage::Asked {
                    epoch,
                    since: context.now,
                    last: context.now,
                };
                ask.push(id);
            }
            // It may yet say that it is one of ours.
            _ if self.greeting_until.is_some() => {}
            // A program that is not ours. What the server took well before the session ended is not
            // in doubt; what was on its way while keys were exchanged is.
            _ if taken_long_ago => self.outgoing.retain(|o| o.id != id),
            _ => self.fail(id, unknown_arrival(), context),
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
        while let Some(next) = self.outgoing.iter().find(|o| matches!(o.stage, Stage::Waiting)) {
            let (id, text) = (next.id, next.text.clone());
            let mut tlvs = vec![Receipt::Name(self.own_epoch, id).to_tlv()];
            tlvs.extend(self.take_confirmation());
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
        self.fingerprint_of(id);
        self.deliver(id, Delivery::Sent, context);
    }

    /// Writes down which key a message was encrypted to.
    fn fingerprint_of(&mut self, id: Id) {
        let otr::State::Private { fingerprint, .. } = self.otr.state() else {
            return;
        };
        let name = model::MessageId::from_bytes(id);
        if let Some(message) = self.history.iter_mut().rev().find(|m| m.id == name) {
            message.fingerprint = Some(fingerprint.to_string());
        }
    }

    fn take_confirmation(&mut self) -> Option<otr::Tlv> {
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

    fn stage(&mut self, id: Id, stage: Stage) {
        if let Some(outgoing) = self.outgoing.iter_mut().find(|o| o.id == id) {
            outgoing.stage = stage;
        }
    }

    fn fail(&mut self, id: Id, problem: Problem, context: &mut Context<'_>) {
        self.stage(id, Stage::NotSent);
        self.deliver(id, Delivery::NotSent { problem }, context);
    }

    fn told_waits(&mut self, context: &mut Context<'_>) {
        let wait = self.wait();
        let waiting: Vec<Id> = self
            .outgoing
            .iter()
            .filter(|o| matches!(o.stage, Stage::Waiting))
            .map(|o| o.id)
            .collect();
        for id in waiting {
            self.deliver(id, Delivery::Waiting { wait }, context);
        }
    }
}

fn unknown_arrival() -> Problem {
    Problem::new(
        "message.arrival_unknown",
        "The private conversation ended before the contact's program confirmed this message. It may or may not have \
         arrived; it is not sent again by itself. Ask the contact, or send it once more.",
    )
}
