//! Verification by a shared secret within a conversation.
//! Must never carry a result over to another key or session than the one it was computed in.
//! Standard: OTR version 3, "The SMP state machine".

use std::time::Duration;

use rand_core::CryptoRng;

use super::Conversation;
use crate::data::IGNORE_UNREADABLE;
use crate::error::Error;
use crate::event::Event;
use crate::instance::Instance;
use crate::smp::{self, Broken, Compared, Smp};
use crate::tag::InstanceTag;
use crate::tlv::Tlv;

/// Longest question that is shown, in bytes; the rest is cut off.
const LONGEST_QUESTION: usize = 4096;

impl Conversation {
    /// Begins a run; one under way is called off.
    pub(super) fn verify_start(
        &mut self,
        question: Option<&str>,
        secret: &[u8],
        now: Duration,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), Error> {
        if question.is_some_and(|question| question.contains('\0')) {
            return Err(Error::NulInText);
        }
        if question.is_some_and(|question| question.len() > LONGEST_QUESTION) {
            return Err(Error::MessageTooLarge);
        }
        let to = self.private_instance()?;
        if self.smp(to).is_some_and(|smp| smp.is_running()) {
            self.abort(to, now)?;
        }
        let x = self.compared(to, secret, true)?;
        let message = self.smp(to).ok_or(Error::NotPrivate)?.begin(x, rng);
        let (kind, value) = match question {
            Some(question) => (
                smp::MESSAGE_1_QUESTION,
                [question.as_bytes(), &[0], &message].concat(),
            ),
            None => (smp::MESSAGE_1, message),
        };
        self.send_smp(to, kind, value, now)
    }

    /// Answers the question of the other side.
    pub(super) fn verify_answer(
        &mut self,
        secret: &[u8],
        now: Duration,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), Error> {
        let to = self.private_instance()?;
        let y = self.compared(to, secret, false)?;
        let answer = self.smp(to).ok_or(Error::NotPrivate)?.answer(&y, rng);
        let message = answer.map_err(|Broken| Error::NothingToAnswer)?;
        self.send_smp(to, smp::MESSAGE_2, message, now)
    }

    /// Calls a run off.
    pub(super) fn verify_abort(&mut self, now: Duration) -> Result<(), Error> {
        let to = self.private_instance()?;
        self.abort(to, now)
    }

    /// A record of SMP came.
    pub(super) fn on_smp(&mut self, from: InstanceTag, tlv: &Tlv, now: Duration, rng: &mut dyn CryptoRng) {
        let running = self.smp(from).is_some_and(|smp| smp.is_running());
        let result = match tlv.kind {
            smp::MESSAGE_1 => self.on_asked(from, None, &tlv.value),
            smp::MESSAGE_1_QUESTION => self.on_question(from, &tlv.value),
            smp::MESSAGE_2 => self.on_second(from, &tlv.value, now, rng),
            smp::MESSAGE_3 => self.on_third(from, &tlv.value, now, rng),
            smp::MESSAGE_4 => self.on_fourth(from, &tlv.value),
            smp::ABORT => {
                if self.smp(from).is_some_and(Smp::reset) {
                    self.event(Event::VerifyAborted { instance: from });
                }
                Ok(())
            }
            _ => Ok(()),
        };
        if result.is_err() {
            if running {
                self.smp(from).map(Smp::reset);
                self.event(Event::VerifyAborted { instance: from });
            }
            // It can only fail where every message fails, and then the user's own one tells.
            let _unsent = self.send_smp(from, smp::ABORT, Vec::new(), now);
        }
    }

    fn on_question(&mut self, from: InstanceTag, value: &[u8]) -> Result<(), Broken> {
        let mut parts = value.splitn(2, |byte| *byte == 0);
        let question = parts.next().ok_or(Broken)?;
        let message = parts.next().ok_or(Broken)?;
        let shown = question.get(..LONGEST_QUESTION).unwrap_or(question);
        self.on_asked(from, Some(String::from_utf8_lossy(shown).into_owned()), message)
    }

    fn on_asked(&mut self, from: InstanceTag, question: Option<String>, value: &[u8]) -> Result<(), Broken> {
        self.smp(from).ok_or(Broken)?.on_first(value)?;
        self.event(Event::VerifyAsked {
            question,
            instance: from,
        });
        Ok(())
    }

    fn on_second(
        &mut self,
        from: InstanceTag,
        value: &[u8],
        now: Duration,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), Broken> {
        let message = self.smp(from).ok_or(Broken)?.on_second(value, rng)?;
        self.send_smp(from, smp::MESSAGE_3, message, now)
            .map_err(|_| Broken)
    }

    fn on_third(
        &mut self,
        from: InstanceTag,
        value: &[u8],
        now: Duration,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), Broken> {
        let (message, equal) = self.smp(from).ok_or(Broken)?.on_third(value, rng)?;
        self.send_smp(from, smp::MESSAGE_4, message, now)
            .map_err(|_| Broken)?;
        self.tell_result(from, equal, false);
        Ok(())
    }

    fn on_fourth(&mut self, from: InstanceTag, value: &[u8]) -> Result<(), Broken> {
        let equal = self.smp(from).ok_or(Broken)?.on_fourth(value)?;
        self.tell_result(from, equal, true);
        Ok(())
    }

    fn tell_result(&mut self, instance: InstanceTag, equal: bool, asked_by_us: bool) {
        let session = self.instances.get(&instance.value()).and_then(Instance::session);
        if let Some(fingerprint) = session.map(crate::data::Session::fingerprint) {
            self.event(Event::VerifyFinished {
                equal,
                asked_by_us,
                fingerprint,
                instance,
            });
        }
    }

    /// Sends an abort and forgets the run.
    fn abort(&mut self, to: InstanceTag, now: Duration) -> Result<(), Error> {
        if self.smp(to).is_some_and(Smp::reset) {
            self.event(Event::VerifyAborted { instance: to });
        }
        self.send_smp(to, smp::ABORT, Vec::new(), now)
    }

    fn send_smp(&mut self, to: InstanceTag, kind: u16, value: Vec<u8>, now: Duration) -> Result<(), Error> {
        self.encrypt(to, IGNORE_UNREADABLE, "", &[Tlv { kind, value }], None, now)
    }

    fn smp(&mut self, of: InstanceTag) -> Option<&mut Smp> {
        self.instances
            .get_mut(&of.value())
            .map(|instance| &mut instance.smp)
    }

    /// Binds a secret to both keys and the session.
    fn compared(&self, with: InstanceTag, secret: &[u8], we_ask: bool) -> Result<Compared, Error> {
        let session = self
            .instances
            .get(&with.value())
            .and_then(Instance::session)
            .ok_or(Error::NotPrivate)?;
        let (ours, theirs) = (self.key.fingerprint(), session.fingerprint());
        let (asking, answering) = if we_ask { (ours, theirs) } else { (theirs, ours) };
        Ok(Compared::new(asking, answering, session.id().bytes(), secret))
    }
}
