//! The send shield: what the owner writes leaves when a slow random clock strikes, one message at a time, and an empty
//! one goes where there is none. It must never let the time of writing show, nor hold back what it would lose.
//! OTRv3, "Receiving messages" (a message without text is a heartbeat); hardening list E10.

use std::time::Duration;

use otr::{Input, Tlv};
use rand_core::CryptoRng;

use super::receipt::Receipt;
use super::transfer::random_id;
use super::{Context, Conversation, Effect, Outgoing, Stage};

/// The shortest and the longest time between two strokes.
pub(crate) const SHORTEST: Duration = Duration::from_secs(5);
pub(crate) const LONGEST: Duration = Duration::from_secs(65);
/// Milliseconds between those two, both counted.
const SPAN: u64 = 60_001;

/// A clock that strikes at random, whether something waits or not.
#[derive(Default)]
pub(super) struct Clock {
    /// When it strikes next; none: there is no shield.
    next: Option<Duration>,
    /// It strikes now, and nothing has left yet.
    open: bool,
    cost: Cost,
}

/// What the shield sent in this run for no other reason than to hide the rest.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cost {
    /// Messages without text.
    pub(crate) empty: u64,
    /// Their length as OTR wrote them, in bytes.
    pub(crate) bytes: u64,
}

impl Conversation {
    /// Puts the shield up, or takes it down: then what it held goes at once.
    pub(crate) fn set_shield(&mut self, up: bool, context: &mut Context<'_>) {
        if self.clock.next.is_some() == up {
            return;
        }
        self.clock.next = up.then(|| context.now + gap(context.rng));
        self.flush(context);
    }

    /// When the clock strikes next, where that makes a difference.
    pub(crate) fn strikes_at(&self) -> Option<Duration> {
        let waits = || self.connected && (self.pads() || self.outgoing.iter().any(is_waiting));
        self.clock.next.filter(|_| waits())
    }

    /// What the shield cost so far.
    pub(crate) fn shield_cost(&self) -> Cost {
        self.clock.cost
    }

    /// Messages that were written and have not left.
    pub(crate) fn waiting(&self) -> usize {
        self.outgoing.iter().filter(|o| is_waiting(o)).count()
    }

    /// Whether nothing that the owner wrote may leave now.
    pub(super) fn holds_back(&self) -> bool {
        self.has_shield() && !self.clock.open
    }

    pub(super) fn has_shield(&self) -> bool {
        self.clock.next.is_some()
    }

    /// Something left: until the next stroke nothing else does.
    pub(super) fn one_left(&mut self) {
        self.clock.open = false;
    }

    /// Lets one message go, or an empty one, where the clock strikes.
    pub(super) fn strike(&mut self, context: &mut Context<'_>) {
        if self.clock.next.is_none_or(|next| context.now < next) {
            return;
        }
        self.clock.next = Some(context.now + gap(context.rng));
        self.clock.open = true;
        self.send_held_correction(context);
        if self.clock.open {
            self.flush(context);
        }
        if self.clock.open && self.pads() {
            self.send_empty(context);
        }
        self.clock.open = false;
    }

    /// Whether empty messages go: the contact is there to get them, in a session that surely stands.
    fn pads(&self) -> bool {
        self.in_touch() && !self.ended && !self.suspect && !self.holding && self.may_send()
    }

    /// An empty message is confirmed as one with a text is: else the receipts would tell which is which.
    pub(super) fn confirm_empty(&mut self, tlvs: &[Tlv], context: &mut Context<'_>) {
        for receipt in tlvs.iter().filter_map(Receipt::from_tlv) {
            if let Receipt::Name(_, id) = receipt
                && self.may_send()
            {
                self.confirm_later(id, context);
            }
        }
    }

    /// By its outside a message like any other: the same flags, a name, the same length as a short text.
    fn send_empty(&mut self, context: &mut Context<'_>) {
        let name = Receipt::Name(self.own_epoch, random_id(context));
        let mut tlvs = vec![name.to_tlv()];
        tlvs.extend(self.take_confirmation());
        let tag = context.token();
        let empty = Input::Send {
            text: "",
            tlvs: &tlvs,
            tag,
        };
        // It can only fail where every message fails.
        let _ = self.otr.handle(empty, context.now, context.rng);
        for body in self.drain(context) {
            self.clock.cost.empty += 1;
            self.clock.cost.bytes += body.len() as u64;
            let token = context.token();
            context.effects.push(Effect::Transmit {
                body,
                token,
                to_everyone: false,
            });
        }
        if tlvs.len() > 1 {
            context.confirmed();
        }
    }
}

fn is_waiting(outgoing: &Outgoing) -> bool {
    matches!(outgoing.stage, Stage::Waiting)
}

/// Time until the next stroke: every millisecond between the shortest and the longest is as likely.
fn gap(rng: &mut dyn CryptoRng) -> Duration {
    SHORTEST + Duration::from_millis(rng.next_u64() % SPAN)
}
