//! The contact's keys: met, accepted, verified, distrusted, forgotten; and which message is for which.
//! It must never accept a key by itself but the first that a contact ever used, nor let a message go to
//! another key than it was written for. OTRv3, "Fingerprints"; R49 of the engine's policy.

use model::{KnownFingerprint, Problem};
use otr::Input;

use super::outgoing::Stage;
use super::{Context, Conversation, Effect, MAX_KEYS};

impl Conversation {
    /// Accepts a key that the contact uses, so that messages go to it.
    ///
    /// # Errors
    /// Where the key was never seen.
    pub(crate) fn accept(&mut self, fingerprint: &str, context: &mut Context<'_>) -> Result<(), Problem> {
        self.key_mut(fingerprint)?.accepted = true;
        context.effects.push(Effect::Keys);
        self.write_for(fingerprint, context);
        self.trust(fingerprint, context);
        Ok(())
    }

    /// Records whether a key was checked. A checked key is accepted too.
    ///
    /// # Errors
    /// Where the key was never seen.
    pub(crate) fn verify(
        &mut self,
        fingerprint: &str,
        verified: bool,
        context: &mut Context<'_>,
    ) -> Result<(), Problem> {
        let key = self.key_mut(fingerprint)?;
        let newly = verified && !key.accepted;
        key.verified = verified;
        key.accepted |= verified;
        context.effects.push(Effect::Keys);
        self.told_privacy(context);
        if newly {
            self.write_for(fingerprint, context);
            self.trust(fingerprint, context);
        }
        Ok(())
    }

    /// Takes acceptance and verification from a key, and ends the private conversation with it.
    ///
    /// # Errors
    /// Where the key was never seen.
    pub(crate) fn distrust(&mut self, fingerprint: &str, context: &mut Context<'_>) -> Result<(), Problem> {
        let key = self.key_mut(fingerprint)?;
        (key.accepted, key.verified) = (false, false);
        context.effects.push(Effect::Keys);
        if self.stands_with(fingerprint) {
            self.end(context);
            // Not the owner's wish to speak readable from now on.
            self.stood = true;
        }
        self.flush(context);
        Ok(())
    }

    /// Forgets a key.
    ///
    /// # Errors
    /// Where the key was never seen, or a private conversation with it stands.
    pub(crate) fn forget_key(&mut self, fingerprint: &str, context: &mut Context<'_>) -> Result<(), Problem> {
        self.key_mut(fingerprint)?;
        if self.stands_with(fingerprint) {
            let text = "A private conversation with this key stands: end it first.";
            return Err(Problem::new("fingerprint.in_use", text));
        }
        let wanted = plain_fingerprint(fingerprint);
        self.keys
            .retain(|key| plain_fingerprint(&key.fingerprint) != wanted);
        context.effects.push(Effect::Keys);
        Ok(())
    }

    /// Takes over what another program knew of a key; `true` where it was not known here.
    pub(crate) fn learn_key(&mut self, fingerprint: String, verified: bool) -> bool {
        let known = self.keys.iter().any(|key| key.fingerprint == fingerprint);
        if known || self.keys.len() >= MAX_KEYS {
            return false;
        }
        self.keys.push(KnownFingerprint {
            fingerprint,
            accepted: true,
            verified,
        });
        true
    }

    /// The first key of a contact is accepted when it is first seen; a later one waits for the owner,
    /// also where the first one is not trusted any more.
    pub(super) fn meet(&mut self, fingerprint: String, context: &mut Context<'_>) {
        if self.keys.iter().any(|key| key.fingerprint == fingerprint) {
            return;
        }
        let changed = !self.keys.is_empty();
        let accepted = !changed;
        if self.keys.len() >= MAX_KEYS {
            let oldest = self.keys.iter().position(|key| !key.accepted && !key.verified);
            let Some(oldest) = oldest else { return };
            self.keys.remove(oldest);
        }
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

    /// The keys that a message goes to which is written now: that of the private conversation, else all
    /// that are accepted; none: the first that comes.
    pub(super) fn written_for(&self) -> Vec<String> {
        match self.otr.state() {
            otr::State::Private { fingerprint, .. } if self.accepted(&fingerprint.to_string()) => {
                vec![fingerprint.to_string()]
            }
            _ => {
                let accepted = self.keys.iter().filter(|key| key.accepted);
                accepted.map(|key| key.fingerprint.clone()).collect()
            }
        }
    }

    /// The owner said yes to a key: what waits may go to it.
    fn write_for(&mut self, fingerprint: &str, context: &mut Context<'_>) {
        let wanted = plain_fingerprint(fingerprint);
        let known = self
            .keys
            .iter()
            .find(|key| plain_fingerprint(&key.fingerprint) == wanted);
        let Some(name) = known.map(|key| key.fingerprint.clone()) else {
            return;
        };
        for outgoing in &mut self.outgoing {
            let bound = !outgoing.written_for.is_empty() && !outgoing.written_for.contains(&name);
            if bound && matches!(outgoing.stage, Stage::Waiting) {
                outgoing.written_for.push(name.clone());
                context.effects.push(Effect::Persist { new: None });
            }
        }
    }

    /// Tells once that a message waits because it was written for another accepted key.
    pub(super) fn tell_other_key(&mut self, context: &mut Context<'_>) {
        if !std::mem::replace(&mut self.told_other_key, true) {
            let text = "A message waits that was written for another key of the contact than the one of this private \
                        conversation. Accept this key once more to send it there, or take the message back.";
            let notice = Problem::new("message.other_key", text);
            context.effects.push(Effect::Notice(notice));
        }
    }

    fn stands_with(&self, fingerprint: &str) -> bool {
        let wanted = plain_fingerprint(fingerprint);
        self.otr
            .private_instances()
            .any(|(_, key)| plain_fingerprint(&key.to_string()) == wanted)
    }

    /// A key was accepted: messages go to the contact's program that has it, if it is there.
    fn trust(&mut self, fingerprint: &str, context: &mut Context<'_>) {
        let wanted = plain_fingerprint(fingerprint);
        let matches = |key: &otr::Fingerprint| plain_fingerprint(&key.to_string()) == wanted;
        let leads =
            matches!(self.otr.state(), otr::State::Private { fingerprint, .. } if matches(&fingerprint));
        let other = self.otr.private_instances().find(|(_, key)| matches(key));
        if !leads && let Some((instance, _)) = other {
            // It fails only where that session has ended, and then the one before stays.
            let _ = self.otr.handle(Input::Prefer(instance), context.now, context.rng);
            self.drain(context);
            self.begin_session(context);
            self.told_privacy(context);
        }
        // Nothing was said to this key before.
        self.greet(context);
        self.settle(context);
        self.flush(context);
    }

    /// Another session stands than before.
    pub(super) fn begin_session(&mut self, context: &mut Context<'_>) {
        self.session += 1;
        self.holding = false;
        self.suspect = false;
        self.ended = false;
        self.asked_at = None;
        self.peer_epoch = None;
        self.heard = false;
        self.greeting_until = None;
        self.stood = true;
        self.told_other_key = false;
        self.forget_result_of_other_key(context);
    }

    fn key_mut(&mut self, fingerprint: &str) -> Result<&mut KnownFingerprint, Problem> {
        let wanted = plain_fingerprint(fingerprint);
        let found = self
            .keys
            .iter_mut()
            .find(|key| plain_fingerprint(&key.fingerprint) == wanted);
        found.ok_or_else(|| {
            Problem::new(
                "fingerprint.unknown",
                "This key was never seen from this contact.",
            )
        })
    }

    pub(super) fn accepted(&self, fingerprint: &str) -> bool {
        self.keys
            .iter()
            .any(|key| key.fingerprint == fingerprint && key.accepted)
    }
}

fn plain_fingerprint(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace())
        .collect::<String>()
        .to_uppercase()
}
