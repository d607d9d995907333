//! Verification of the contact's key by a secret that both people know (SMP).
//! It must never verify another key than the one that the secrets were compared in, nor take a key's
//! verification away. OTRv3, "Socialist Millionaires' Protocol"; R46 and R47 of the engine's policy.

use std::collections::VecDeque;
use std::time::Duration;

use model::{MAX_QUESTION_BYTES, MAX_SHARED_SECRET_BYTES, Problem, Secret, Verification};
use otr::{Event, Fingerprint, Input, InstanceTag};

use super::{Context, Conversation, Effect};
use crate::text;

/// Requests of a contact that are shown within [`PROMPTS_WITHIN`]; further ones are refused.
const MAX_PROMPTS: usize = 3;
const PROMPTS_WITHIN: Duration = Duration::from_secs(600);

/// How far it is, and what the contact asked lately.
#[derive(Default)]
pub(super) struct State {
    shown: Verification,
    /// The key of the result that is shown.
    key: Option<Fingerprint>,
    /// The contact put a question: our right answer proves us to the contact, and nothing to us.
    questioned: bool,
    prompts: VecDeque<Duration>,
    told_too_many: bool,
}

impl State {
    pub(super) fn shown(&self) -> &Verification {
        &self.shown
    }

    fn runs(&self) -> bool {
        matches!(self.shown, Verification::Asked { .. } | Verification::Waiting)
    }
}

impl Conversation {
    /// Starts a verification; one that the owner started before is broken off.
    ///
    /// # Errors
    /// Where no private conversation stands, the contact asked first, or secret or question cannot be used.
    pub(crate) fn start_verification(
        &mut self,
        question: Option<&str>,
        secret: &Secret,
        context: &mut Context<'_>,
    ) -> Result<(), Problem> {
        check_secret(secret)?;
        if question.is_some_and(|q| q.trim().is_empty() || q.len() > MAX_QUESTION_BYTES || q.contains('\0')) {
            let text = format!("A question has one to {MAX_QUESTION_BYTES} bytes and no NUL character.");
            return Err(Problem::new("verification.bad_question", text));
        }
        if matches!(self.verification.shown, Verification::Asked { .. }) {
            let text = "The contact asked for a verification: answer it, or refuse it first.";
            return Err(Problem::new("verification.asked", text));
        }
        let secret = secret.expose().as_bytes();
        let started = self
            .otr
            .handle(Input::VerifyStart { question, secret }, context.now, context.rng);
        self.drain(context);
        started.map_err(|_| not_private())?;
        self.show_verification(Verification::Waiting, context);
        Ok(())
    }

    /// Answers a verification that the contact started.
    ///
    /// # Errors
    /// Where there is none, or the secret cannot be used.
    pub(crate) fn answer_verification(
        &mut self,
        secret: &Secret,
        context: &mut Context<'_>,
    ) -> Result<(), Problem> {
        check_secret(secret)?;
        if !matches!(self.verification.shown, Verification::Asked { .. }) {
            return Err(nothing_under_way());
        }
        let secret = secret.expose().as_bytes();
        let answered = self
            .otr
            .handle(Input::VerifyAnswer { secret }, context.now, context.rng);
        self.drain(context);
        answered.map_err(|_| not_private())?;
        self.show_verification(Verification::Waiting, context);
        Ok(())
    }

    /// Breaks a verification off, or refuses one.
    ///
    /// # Errors
    /// Where none is under way.
    pub(crate) fn abort_verification(&mut self, context: &mut Context<'_>) -> Result<(), Problem> {
        if !self.verification.runs() {
            return Err(nothing_under_way());
        }
        let _ = self.otr.handle(Input::VerifyAbort, context.now, context.rng);
        self.drain(context);
        self.break_verification(context);
        Ok(())
    }

    /// The private conversation in which it ran is gone.
    pub(super) fn break_verification(&mut self, context: &mut Context<'_>) {
        if self.verification.runs() {
            self.show_verification(Verification::Broken, context);
        }
    }

    /// A private session stands: a result with another key says nothing about this one.
    pub(super) fn forget_result_of_other_key(&mut self, context: &mut Context<'_>) {
        self.break_verification(context);
        let now = match self.otr.state() {
            otr::State::Private { fingerprint, .. } => Some(fingerprint),
            _ => None,
        };
        if matches!(self.verification.shown, Verification::Done { .. }) && self.verification.key != now {
            self.show_verification(Verification::None, context);
        }
    }

    /// What OTR tells of verifications.
    pub(super) fn on_verification(&mut self, event: Event, context: &mut Context<'_>) {
        match event {
            Event::VerifyAborted { instance } if self.leads(instance) => self.break_verification(context),
            Event::VerifyAsked { question, instance } => self.on_asked(question, instance, context),
            Event::VerifyFinished {
                equal,
                asked_by_us,
                fingerprint,
                ..
            } => self.on_compared(equal, asked_by_us, fingerprint, context),
            _ => {}
        }
    }

    fn on_asked(&mut self, question: Option<String>, instance: InstanceTag, context: &mut Context<'_>) {
        if !self.may_prompt(context) {
            if self.leads(instance) {
                // Its messages are taken by the loop that this was called from.
                let _ = self.otr.handle(Input::VerifyAbort, context.now, context.rng);
            }
            return;
        }
        if !self.leads(instance) {
            let text = "Another program of the contact, with a key of its own, asks for a verification. Messages do not \
                        go there, so it cannot be answered.";
            return notice("verification.other_program", text, context);
        }
        self.verification.questioned = question.is_some();
        let question = question.map(|words| text::beginning(&text::plain(&words), MAX_QUESTION_BYTES));
        self.show_verification(Verification::Asked { question }, context);
    }

    /// Whether the contact may ask the owner once more; the owner is told once where it asks too often.
    fn may_prompt(&mut self, context: &mut Context<'_>) -> bool {
        let state = &mut self.verification;
        state.prompts.retain(|at| *at + PROMPTS_WITHIN > context.now);
        if state.prompts.is_empty() {
            state.told_too_many = false;
        }
        if state.prompts.len() < MAX_PROMPTS {
            state.prompts.push_back(context.now);
            return true;
        }
        if !std::mem::replace(&mut state.told_too_many, true) {
            let text = "The contact asks for verification again and again. Further requests are refused for ten minutes.";
            notice("verification.too_often", text, context);
        }
        false
    }

    fn on_compared(&mut self, same: bool, asked_by_us: bool, key: Fingerprint, context: &mut Context<'_>) {
        self.verification.key = Some(key);
        if same && (asked_by_us || !self.verification.questioned) {
            // It fails only for a key that was never seen, or was forgotten meanwhile.
            let _ = self.verify(&key.to_string(), true, context);
        } else if same {
            let text = "Your answer was right: the contact knows now that it is you. Whether it is really the contact you \
                        know only once you asked, too.";
            notice("verification.one_way", text, context);
        }
        self.show_verification(Verification::Done { same }, context);
    }

    fn show_verification(&mut self, now: Verification, context: &mut Context<'_>) {
        if self.verification.shown != now {
            self.verification.shown = now.clone();
            context.effects.push(Effect::Verification(now));
        }
    }
}

fn notice(code: &str, text: &str, context: &mut Context<'_>) {
    context.effects.push(Effect::Notice(Problem::new(code, text)));
}

fn check_secret(secret: &Secret) -> Result<(), Problem> {
    match secret.expose().len() {
        0 => Err(Problem::new(
            "verification.no_secret",
            "There is no answer and no secret to compare.",
        )),
        1..=MAX_SHARED_SECRET_BYTES => Ok(()),
        _ => Err(Problem::new(
            "verification.secret_too_long",
            format!("An answer or secret has at most {MAX_SHARED_SECRET_BYTES} bytes."),
        )),
    }
}

fn not_private() -> Problem {
    Problem::new(
        "verification.not_private",
        "Keys are verified within a private conversation: start one first.",
    )
}

fn nothing_under_way() -> Problem {
    Problem::new(
        "verification.not_under_way",
        "No verification is under way that this could be for.",
    )
}
