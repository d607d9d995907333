//! What the owner allows to cross the network readable, and how such messages go.
//! It must never send readable what was written to be encrypted, nor fall back to readable text once a
//! private conversation stood. Rules R48 to R52 of the engine's policy; OTRv3, "Policies".

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use model::{Delivery, Policy, Problem};
use otr::{Input, InstanceTag, PrivateKey};

use super::outgoing::{Outgoing, Stage, unknown_arrival};
use super::receipt::Id;
use super::{Context, Conversation, Effect, Rules};

/// How long a readable message is kept after the server took it over, in case it is sent back.
const MAY_COME_BACK: Duration = Duration::from_secs(120);

/// OTR's own machine under these rules.
pub(super) fn machine(
    key: &Arc<PrivateKey>,
    tag: InstanceTag,
    longest: Option<NonZeroUsize>,
    rules: Rules,
) -> otr::Conversation {
    let config = otr::Config {
        max_message: longest,
        policy: match rules.policy {
            Policy::Opportunistic => otr::Policy::Opportunistic,
            Policy::Required | Policy::Unencrypted => otr::Policy::Required,
        },
        oldest: if rules.version_2 {
            otr::Version::Two
        } else {
            otr::Version::Three
        },
        ..otr::Config::default()
    };
    otr::Conversation::new(Arc::clone(key), tag, config)
}

impl Conversation {
    /// Other rules from now on. A private conversation that stands is ended first.
    pub(crate) fn set_rules(&mut self, rules: Rules, context: &mut Context<'_>) {
        if self.rules == rules {
            return;
        }
        let ended = self.ended;
        self.end(context);
        self.ended = ended;
        self.rules = rules;
        self.rebuild(context);
        for id in self.ids(|o| matches!(o.stage, Stage::Waiting)) {
            self.wait_under_new_rules(id, context);
        }
        if rules.policy == Policy::Unencrypted {
            // No session will stand in which the contact could be asked.
            for id in self.ids(|o| matches!(o.stage, Stage::Asked { .. } | Stage::Handed { .. })) {
                self.fail(id, unknown_arrival(), context);
            }
        }
        context.effects.push(Effect::Persist { new: None });
        self.flush(context);
    }

    /// Another key of the owner from now on. A private conversation that stands is ended first.
    pub(crate) fn set_own_key(&mut self, key: Arc<PrivateKey>, tag: InstanceTag, context: &mut Context<'_>) {
        let ended = self.ended;
        self.end(context);
        self.ended = ended;
        (self.key, self.tag) = (key, tag);
        self.rebuild(context);
        self.flush(context);
    }

    /// The transport takes OTR messages of up to so many bytes from now on.
    pub(crate) fn set_longest(&mut self, longest: Option<NonZeroUsize>) {
        self.longest = longest;
        self.otr.set_max_message(longest);
    }

    /// Whoever has the contact's name now may be somebody else: the private conversation is over without a word to
    /// them, and nothing begins by itself, readable or not, until the owner writes or the contact comes back with its
    /// key. What was written waits for that key.
    pub(crate) fn freeze(&mut self, why: Problem, context: &mut Context<'_>) {
        let stood = self.stood;
        let private = matches!(self.otr.state(), otr::State::Private { .. });
        if !private && !matches!(self.otr.state(), otr::State::Starting) {
            return;
        }
        self.rebuild(context);
        (self.stood, self.ended) = (stood || private, true);
        if private {
            context.effects.push(Effect::Notice(why));
        }
        self.flush(context);
    }

    /// Drops the private conversation without a word to the contact, and what waits for it.
    pub(crate) fn cut(&mut self, why: &Problem, context: &mut Context<'_>) {
        self.rebuild(context);
        for id in self.ids(|o| !matches!(o.stage, Stage::NotSent)) {
            self.fail(id, why.clone(), context);
        }
        context.effects.push(Effect::Persist { new: None });
    }

    /// Whether a message that is written now would go readable.
    pub(super) fn would_be_readable(&self) -> bool {
        match self.rules.policy {
            Policy::Opportunistic => {
                !self.stood && matches!(self.otr.state(), otr::State::Plain | otr::State::Starting)
            }
            Policy::Required => false,
            Policy::Unencrypted => true,
        }
    }

    pub(super) fn check_readable(&self, text: &str) -> Result<(), Problem> {
        if self.would_be_readable() && text.starts_with("?OTR") {
            let text = "The message begins like one of OTR, and would not be shown by the contact's program: put \
                        something before it.";
            return Err(Problem::new("message.looks_like_otr", text));
        }
        Ok(())
    }

    pub(super) fn check_privacy_allowed(&self) -> Result<(), Problem> {
        if self.rules.policy == Policy::Unencrypted {
            let text = "You chose to send everything to this contact unencrypted. Change that first to start a private \
                        conversation.";
            return Err(Problem::new("policy.unencrypted", text));
        }
        Ok(())
    }

    /// Whether something of the contact that begins OTR is left alone, because the owner wants none.
    pub(super) fn is_left_alone(&mut self, body: &str, context: &mut Context<'_>) -> bool {
        if self.rules.policy != Policy::Unencrypted || !body.starts_with("?OTR") {
            return false;
        }
        if !std::mem::replace(&mut self.told_wants_privacy, true) {
            let text = "The contact wants a private conversation, and you chose to send everything to this contact \
                        unencrypted. Nothing was answered.";
            let notice = Problem::new("conversation.privacy_wanted", text);
            context.effects.push(Effect::Notice(notice));
        }
        true
    }

    /// Sends what waits and may go readable.
    pub(super) fn send_readable(&mut self, context: &mut Context<'_>) {
        if !self.connected || self.ended || self.asked_at.is_some() || !self.would_be_readable() {
            return;
        }
        for id in self.ids(|o| matches!(o.stage, Stage::Waiting) && !o.encrypted) {
            if self.holds_back() {
                return;
            }
            let found = self.outgoing.iter().find(|o| o.id == id);
            let Some(body) = found
                .map(|o| o.text.clone())
                .and_then(|text| self.readable_body(text, context))
            else {
                return;
            };
            self.hand_readable(id, body, context);
        }
    }

    /// The server has readable messages for good, or sends them back soon.
    pub(super) fn forget_readable(&mut self, context: &mut Context<'_>) {
        let (now, before) = (context.now, self.outgoing.len());
        self.outgoing.retain(
            |o| !matches!(o.stage, Stage::Readable { taken: Some(at), .. } if at + MAY_COME_BACK < now),
        );
        if self.outgoing.len() != before {
            context.effects.push(Effect::Persist { new: None });
        }
    }

    /// Shows whether a message goes, or went, under OTR.
    pub(super) fn show_encrypted(&mut self, id: Id, encrypted: bool) {
        let name = model::MessageId::from_bytes(id);
        if let Some(message) = self.history.iter_mut().rev().find(|m| m.id == name) {
            message.encrypted = encrypted;
        }
    }

    pub(super) fn ids(&self, which: impl Fn(&Outgoing) -> bool) -> Vec<Id> {
        self.outgoing.iter().filter(|o| which(o)).map(|o| o.id).collect()
    }

    /// Under opportunistic rules the text carries OTR's whitespace tag.
    fn readable_body(&mut self, text: String, context: &mut Context<'_>) -> Option<String> {
        if self.rules.policy == Policy::Unencrypted {
            return Some(text);
        }
        let (tlvs, tag) = (&[], context.token());
        let text = &text;
        let _ = self
            .otr
            .handle(Input::Send { text, tlvs, tag }, context.now, context.rng);
        self.drain(context).into_iter().next()
    }

    fn hand_readable(&mut self, id: Id, body: String, context: &mut Context<'_>) {
        let token = context.token();
        self.stage(id, Stage::Readable { token, taken: None });
        // Kept first: after a crash a message that may have gone must not go again by itself.
        context.effects.push(Effect::Persist { new: None });
        context.effects.push(Effect::TransmitReadable { body, token });
        self.one_left();
        self.show_encrypted(id, false);
        self.deliver(id, Delivery::Sent, context);
    }

    fn wait_under_new_rules(&mut self, id: Id, context: &mut Context<'_>) {
        let Some(outgoing) = self.outgoing.iter_mut().find(|o| o.id == id) else {
            return;
        };
        match self.rules.policy {
            Policy::Unencrypted if outgoing.encrypted => {
                let text = "The message was written to be encrypted, and you chose to send everything to this contact \
                            unencrypted. It was not sent; sent once more, it goes readable.";
                self.fail(id, Problem::new("message.policy_changed", text), context);
            }
            Policy::Required if !outgoing.encrypted => {
                outgoing.encrypted = true;
                self.show_encrypted(id, true);
                self.tell(id, context);
            }
            _ => {}
        }
    }

    /// OTR begins anew, under the present rules and key.
    fn rebuild(&mut self, context: &mut Context<'_>) {
        self.otr = machine(&self.key, self.tag, self.longest, self.rules);
        self.session += 1;
        self.asked_at = None;
        self.confirm_at = None;
        self.greeting_until = None;
        self.peer_epoch = None;
        self.heard = false;
        self.holding = false;
        self.stood = false;
        self.suspect = false;
        self.silent = false;
        self.told_wants_privacy = false;
        self.unconfirmed.clear();
        self.break_verification(context);
        self.told_privacy(context);
    }
}
