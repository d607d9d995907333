//! What becomes of messages when a session is lost: the contact's program is asked which it has.
//! It must never send a message again that may have been shown in an earlier run of that program.
//! Decision: `docs/decisions/0003-receipts.md`.

use std::time::Duration;

use model::{Delivery, Direction};

use super::outgoing::{Outgoing, Stage, unknown_arrival};
use super::receipt::{Epoch, Id, MAX_IDS, Receipt};
use super::{Context, Conversation, Effect, GREETING, STARTING, UNCONFIRMED};

/// How long an answer to "which of these do you have?" may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);

/// After how long the session is renewed, and the question asked again, where no answer came.
const ASK_AGAIN: Duration = Duration::from_secs(20);

/// How long it takes to believe that a program has a message that does not confirm and was not heard
/// in the session: it may have never had the session.
const UNHEARD: Duration = Duration::from_secs(120);

impl Conversation {
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
        let enough = if self.heard { UNCONFIRMED } else { UNHEARD };
        self.outgoing.retain(|o| match &o.stage {
            Stage::Handed {
                tokens,
                epoch: None,
                since,
                ..
            } => !tokens.is_empty() || *since + enough >= now,
            _ => true,
        });
        if self.outgoing.len() != before {
            context.effects.push(Effect::Persist { new: None });
        }
    }

    /// Whether the contact's program, which confirms, has not confirmed for too long.
    pub(super) fn stalled(&self, now: Duration) -> bool {
        let current = self.session;
        // Where the contact ended it, the owner decides.
        let finished = matches!(self.otr.state(), otr::State::Finished);
        self.in_touch()
            && !self.ended
            && !finished
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

    pub(super) fn unsettled(&self, outgoing: &Outgoing) -> bool {
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
            Stage::NotSent | Stage::Readable { .. } | Stage::Waiting => return,
        };
        let taken_long_ago = tokens.is_empty() && *since + UNHEARD < context.now;
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
}
