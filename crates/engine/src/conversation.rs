//! One conversation: OTR, the messages that wait, and what is known of those that went.
//!
//! Pure: time and randomness are passed in, and what shall happen comes out as [`Effect`]s. It must
//! never let anything but OTR out against the owner's policy, send a message to a key that it was not
//! written for, or send one twice where the contact cannot tell. OTRv3; `docs/decisions/0003-receipts.md`.

mod correcting;
mod keys;
mod outgoing;
mod policy;
mod receipt;
mod settling;
mod shield;
mod transfer;
mod verification;

use std::collections::{BTreeSet, VecDeque};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use model::{
    AccountId, Address, Delivery, Direction, KnownFingerprint, Message, MessageId, Policy, Privacy, Problem,
    Verification, Wait,
};
use otr::{Input, InstanceTag, Output, PrivateKey};
use rand_core::CryptoRng;

pub(crate) use self::outgoing::{Outgoing, Stage, unknown_arrival};
pub(crate) use self::receipt::Epoch;
use self::receipt::{Id, Seen};
pub(crate) use self::shield::{Cost, LONGEST, SHORTEST};

/// Messages kept in memory for one conversation.
const MAX_HISTORY: usize = 1000;
/// Bytes of text kept in memory for one conversation, beyond what is still on its way out.
const MAX_HISTORY_BYTES: usize = 8 << 20;
/// Keys remembered of one contact: with more, the oldest that was never accepted is forgotten.
const MAX_KEYS: usize = 64;
/// Messages that may wait in one conversation.
const MAX_OUTGOING: usize = 256;
/// Time between two attempts to start a private conversation.
const BETWEEN_QUERIES: Duration = Duration::from_secs(30);
/// How long a query may stay without an answer before nothing is said to be starting any more.
const STARTING: Duration = Duration::from_secs(60);
/// How long a contact's program may take to say which run of it this is.
const GREETING: Duration = Duration::from_secs(5);
/// A program that confirms, and has not confirmed a message for so long, has lost the session.
const UNCONFIRMED: Duration = Duration::from_secs(20);

/// Time, randomness and where effects go, for one call.
pub(crate) struct Context<'a> {
    /// Since any fixed origin; never goes back.
    pub(crate) now: Duration,
    /// Milliseconds since 1970 by this machine's clock, for showing only.
    pub(crate) clock: u64,
    pub(crate) rng: &'a mut dyn CryptoRng,
    /// Last token given to a transport message.
    pub(crate) tokens: &'a mut u64,
    pub(crate) effects: &'a mut Vec<Effect>,
}

impl Context<'_> {
    fn token(&mut self) -> u64 {
        *self.tokens += 1;
        *self.tokens
    }

    /// What was transmitted last told the contact that its messages arrived.
    fn confirmed(&mut self) {
        let tokens = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Transmit { token, .. } => Some(*token),
            _ => None,
        });
        self.effects.extend(tokens.map(Effect::Confirmed));
    }
}

/// What shall happen, in this order.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Tell of a message as it is now.
    Changed(Message),
    /// The message of this number, handed over before, tells the contact that its messages arrived.
    Confirmed(u64),
    /// The known keys changed: keep them.
    Keys,
    /// Tell of a new key.
    NewFingerprint { fingerprint: String, changed: bool },
    /// Tell the owner something.
    Notice(Problem),
    /// The queue changed: keep it. Nothing may be transmitted after this if that fails. `new` is a
    /// message that the owner just gave; it is only taken over if it is kept.
    Persist { new: Option<Id> },
    /// Tell how private the conversation is.
    Privacy(Privacy),
    /// Hand one OTR message to the transport.
    Transmit {
        body: String,
        token: u64,
        to_everyone: bool,
    },
    /// Hand one readable message to the transport: only where the owner's policy is not "required".
    TransmitReadable { body: String, token: u64 },
    /// Tell how far the verification is.
    Verification(Verification),
}

/// One conversation with one contact.
pub(crate) struct Conversation {
    account: AccountId,
    contact: Address,
    key: Arc<PrivateKey>,
    tag: InstanceTag,
    /// The longest OTR message that the transport takes in one piece.
    longest: Option<NonZeroUsize>,
    otr: otr::Conversation,
    rules: Rules,
    keys: Vec<KnownFingerprint>,
    history: VecDeque<Message>,
    outgoing: VecDeque<Outgoing>,
    own_epoch: Epoch,
    /// The run of the contact's program that holds the session that stands.
    peer_epoch: Option<Epoch>,
    seen: Seen,
    unconfirmed: Vec<Id>,
    confirm_at: Option<Duration>,
    /// Something came in the session that stands: the contact's program has it too.
    heard: bool,
    /// Counts the private sessions that stood in this run.
    session: u64,
    /// The account is connected.
    connected: bool,
    /// The contact is there, or was never seen and may be.
    reachable: bool,
    /// The session may be dead on the other side: renew it before the next message.
    suspect: bool,
    /// Nothing is sent until the session was renewed.
    holding: bool,
    /// The owner ended the private conversation: it is not started again by itself.
    ended: bool,
    asked_at: Option<Duration>,
    /// A new session stands, and until then the contact's program may say which run of it this is:
    /// only then can it be asked later which messages it has.
    greeting_until: Option<Duration>,
    /// The contact's program did not say so: it is not one of ours, and is not waited for again.
    silent: bool,
    /// What OTR wants to answer is dropped: what came in had waited on a server.
    quiet: bool,
    /// What is being heard was kept on the way.
    late: bool,
    told: Privacy,
    /// A private session stood, and the owner did not end it: nothing goes readable by itself.
    stood: bool,
    verification: verification::State,
    /// The owner was told that a message was written for another key than the one that stands.
    told_other_key: bool,
    correcting: Option<correcting::Correcting>,
    clock: shield::Clock,
    /// The owner was told that the contact wants a private conversation in spite of the policy.
    told_wants_privacy: bool,
}

/// What the owner allows in one conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) policy: Policy,
    /// OTR version 2 is spoken where the contact's program knows nothing newer.
    pub(crate) version_2: bool,
}

/// What a conversation is made from.
pub(crate) struct Setup {
    pub(crate) account: AccountId,
    pub(crate) contact: Address,
    pub(crate) key: Arc<PrivateKey>,
    pub(crate) tag: InstanceTag,
    /// The longest OTR message that the transport takes in one piece; none: no limit.
    pub(crate) longest: Option<NonZeroUsize>,
    pub(crate) keys: Vec<KnownFingerprint>,
    pub(crate) epoch: Epoch,
    pub(crate) rules: Rules,
}

impl Conversation {
    pub(crate) fn new(setup: Setup) -> Self {
        Self {
            account: setup.account,
            contact: setup.contact,
            otr: policy::machine(&setup.key, setup.tag, setup.longest, setup.rules),
            key: setup.key,
            tag: setup.tag,
            longest: setup.longest,
            rules: setup.rules,
            keys: setup.keys,
            history: VecDeque::new(),
            outgoing: VecDeque::new(),
            own_epoch: setup.epoch,
            peer_epoch: None,
            seen: Seen::default(),
            unconfirmed: Vec::new(),
            confirm_at: None,
            heard: false,
            session: 0,
            connected: false,
            reachable: false,
            suspect: false,
            holding: false,
            ended: false,
            asked_at: None,
            greeting_until: None,
            silent: false,
            quiet: false,
            late: false,
            told: Privacy::Plain,
            stood: false,
            verification: verification::State::default(),
            told_other_key: false,
            correcting: None,
            clock: shield::Clock::default(),
            told_wants_privacy: false,
        }
    }

    /// The conversation for the door.
    pub(crate) fn show(&self) -> model::Conversation {
        model::Conversation {
            account: self.account,
            contact: self.contact.clone(),
            privacy: self.privacy(),
            verification: self.verification.shown().clone(),
            draft: String::new(),
            messages: self.history.iter().cloned().collect(),
            before: None,
        }
    }

    /// The messages in memory, oldest first.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &Message> {
        self.history.iter()
    }

    /// Shows messages that an earlier run kept, oldest first, before everything else. The contact's are known then:
    /// one that is sent once more is not shown twice.
    pub(crate) fn show_kept(&mut self, messages: Vec<Message>) {
        for message in messages.into_iter().rev() {
            if let (Direction::In, Some(id)) = (message.direction, message.id.to_bytes()) {
                self.seen.insert(id);
            }
            self.history.push_front(message);
        }
    }

    pub(crate) fn keys(&self) -> &[KnownFingerprint] {
        &self.keys
    }

    /// How private it is now.
    pub(crate) fn privacy(&self) -> Privacy {
        match self.otr.state() {
            _ if self.rules.policy == Policy::Unencrypted => Privacy::Plain,
            otr::State::Private { fingerprint, .. } => {
                let fingerprint = fingerprint.to_string();
                let verified = self
                    .keys
                    .iter()
                    .any(|key| key.fingerprint == fingerprint && key.verified);
                Privacy::Private {
                    fingerprint,
                    verified,
                }
            }
            otr::State::Finished => Privacy::Finished,
            otr::State::Starting => Privacy::Starting,
            otr::State::Plain if self.asked_at.is_some() => Privacy::Starting,
            otr::State::Plain => Privacy::Plain,
        }
    }

    /// Takes a text over for sending.
    ///
    /// # Errors
    /// Where the text is empty, too long, holds a NUL, or too many messages wait.
    pub(crate) fn write(&mut self, text: String, context: &mut Context<'_>) -> Result<MessageId, Problem> {
        check_text(&text)?;
        self.check_readable(&text)?;
        if self.outgoing.len() >= MAX_OUTGOING {
            let text =
                format!("{MAX_OUTGOING} messages to this contact wait already: wait, or take some back.");
            return Err(Problem::new("message.queue_full", text));
        }
        let mut id: Id = [0; 16];
        context.rng.fill_bytes(&mut id);
        self.ended = false;
        let encrypted = !self.would_be_readable();
        self.outgoing.push_back(Outgoing {
            id,
            text: text.clone(),
            at: context.clock,
            encrypted,
            written_for: self.written_for(),
            stage: Stage::Waiting,
        });
        let message = self.message(id, text, Direction::Out, encrypted, context.clock);
        self.remember(message, context);
        context.effects.push(Effect::Persist { new: Some(id) });
        self.flush(context);
        Ok(MessageId::from_bytes(id))
    }

    /// Takes a waiting message back, or forgets one that was not sent.
    ///
    /// # Errors
    /// Where there is no such message, or it went already.
    pub(crate) fn cancel(&mut self, id: &MessageId, context: &mut Context<'_>) -> Result<(), Problem> {
        let bytes = id.to_bytes().ok_or_else(no_such_message)?;
        let went = |o: &Outgoing| o.id == bytes && !matches!(o.stage, Stage::Waiting | Stage::NotSent);
        if self.outgoing.iter().any(went) {
            return Err(Problem::new(
                "message.already_sent",
                "The message went already and cannot be taken back.",
            ));
        }
        if !self.outgoing.iter().any(|o| o.id == bytes) {
            return Err(no_such_message());
        }
        self.outgoing.retain(|o| o.id != bytes);
        let problem = Problem::new(
            "message.cancelled",
            "The message was taken back before it was sent.",
        );
        self.deliver(bytes, Delivery::NotSent { problem }, context);
        context.effects.push(Effect::Persist { new: None });
        Ok(())
    }

    /// Sends a message once more that was not sent.
    ///
    /// # Errors
    /// Where there is no such message.
    pub(crate) fn retry(&mut self, id: &MessageId, context: &mut Context<'_>) -> Result<(), Problem> {
        let bytes = id.to_bytes().ok_or_else(no_such_message)?;
        let not_sent = |o: &&Outgoing| o.id == bytes && matches!(o.stage, Stage::NotSent);
        let found = self.outgoing.iter().find(not_sent).ok_or_else(no_such_message)?;
        self.check_readable(&found.text)?;
        let readable = self.would_be_readable();
        if let Some(outgoing) = self.outgoing.iter_mut().find(|o| o.id == bytes) {
            outgoing.stage = Stage::Waiting;
            outgoing.encrypted = !readable;
        }
        self.show_encrypted(bytes, !readable);
        self.ended = false;
        context.effects.push(Effect::Persist { new: Some(bytes) });
        self.flush(context);
        Ok(())
    }

    /// Starts a private conversation, or renews the one that stands. `false` where that has to wait.
    ///
    /// # Errors
    /// Where the owner's policy for the contact is to send everything unencrypted.
    pub(crate) fn start(&mut self, context: &mut Context<'_>) -> Result<bool, Problem> {
        self.check_privacy_allowed()?;
        self.ended = false;
        self.asked_at = None;
        Ok(self.ask(context))
    }

    /// Ends the private conversation and tells the contact so.
    pub(crate) fn end(&mut self, context: &mut Context<'_>) {
        self.ended = true;
        self.asked_at = None;
        self.holding = false;
        let _ = self.otr.handle(Input::End, context.now, context.rng);
        self.drain(context);
        self.stood = false;
        self.break_verification(context);
        self.told_privacy(context);
    }

    /// The account got connected or lost its connection; `anew` where the server has forgotten the
    /// former connection, and with it perhaps what was on its way.
    pub(crate) fn connected(&mut self, connected: bool, anew: bool, context: &mut Context<'_>) {
        let before = self.in_touch();
        self.connected = connected;
        self.suspect |= anew && matches!(self.otr.state(), otr::State::Private { .. });
        self.wait_afresh(before, context.now);
        self.flush(context);
    }

    /// The contact is there or not; `anew` where a program of it appeared that was not there before.
    pub(crate) fn presence(&mut self, reachable: bool, anew: bool, context: &mut Context<'_>) {
        let before = self.in_touch();
        self.reachable = reachable;
        self.wait_afresh(before, context.now);
        let private = matches!(self.otr.state(), otr::State::Private { .. });
        self.suspect |= anew && private;
        if anew {
            // What was asked of a program that is gone is asked again of the new one.
            self.asked_at = None;
            if private
                && self
                    .outgoing
                    .iter()
                    .any(|o| matches!(o.stage, Stage::Handed { .. }))
            {
                self.renew(context);
            }
        }
        self.flush(context);
    }

    /// Time passed.
    pub(crate) fn tick(&mut self, context: &mut Context<'_>) {
        let _ = self.otr.handle(Input::Tick, context.now, context.rng);
        self.drain(context);
        if self.confirm_at.is_some_and(|at| at <= context.now) {
            self.confirm(context);
        }
        self.give_up_asking(context);
        self.stop_asking(context);
        self.give_up_correcting(context);
        self.believe(context);
        self.forget_readable(context);
        if self.greeting_until.is_some_and(|until| until <= context.now) {
            self.greeting_until = None;
            self.silent = true;
            self.settle(context);
        }
        if self.stalled(context.now) {
            self.renew(context);
        }
        self.strike(context);
        self.flush(context);
    }

    /// Whether [`Self::tick`] has anything to do in the next seconds. What only a contact that is not there could
    /// settle is taken up when it is back.
    pub(crate) fn busy(&self) -> bool {
        self.confirm_at.is_some()
            || self.greeting_until.is_some()
            || self.correcting.is_some()
            || self.outgoing.iter().any(|o| match o.stage {
                Stage::Asked { .. } | Stage::Handed { epoch: Some(_), .. } => self.in_touch(),
                Stage::Handed { epoch: None, .. } => true,
                Stage::NotSent => false,
                Stage::Readable { taken, .. } => taken.is_some(),
                Stage::Waiting => self.in_touch() && !self.has_shield(),
            })
            || self.asked_at.is_some()
    }

    /// Hands everything to OTR's outputs until there are none.
    fn drain(&mut self, context: &mut Context<'_>) -> Vec<String> {
        let mut tagged = Vec::new();
        while let Some(output) = self.otr.poll() {
            match output {
                Output::Send { body, tag: Some(_) } => tagged.push(body),
                Output::Send { tag: None, .. } if self.quiet => {}
                Output::Send { body, tag: None } => {
                    let token = context.token();
                    let to_everyone = body.starts_with("?OTRv");
                    context.effects.push(Effect::Transmit {
                        body,
                        token,
                        to_everyone,
                    });
                }
                Output::Event(event) => self.on_event(event, context),
                Output::Wake(_) => {}
            }
        }
        tagged
    }

    fn told_privacy(&mut self, context: &mut Context<'_>) {
        let privacy = self.privacy();
        if privacy != self.told {
            self.told = privacy.clone();
            context.effects.push(Effect::Privacy(privacy));
        }
    }

    fn message(&self, id: Id, text: String, direction: Direction, encrypted: bool, at: u64) -> Message {
        let fingerprint = match self.otr.state() {
            otr::State::Private { fingerprint, .. } if encrypted => Some(fingerprint.to_string()),
            _ => None,
        };
        let delivery = match direction {
            Direction::In => Delivery::Received,
            Direction::Out => Delivery::Waiting { wait: self.wait() },
        };
        Message {
            id: MessageId::from_bytes(id),
            account: self.account,
            contact: self.contact.clone(),
            direction,
            text,
            at,
            encrypted,
            fingerprint,
            corrected: false,
            earlier: direction == Direction::In && self.late,
            delivery,
        }
    }

    /// Keeps a message for showing, and drops the oldest ones where there are too many, but none that
    /// is still on its way out.
    fn remember(&mut self, message: Message, context: &mut Context<'_>) {
        self.history.push_back(message.clone());
        context.effects.push(Effect::Changed(message));
        let mut bytes: usize = self.history.iter().map(|message| message.text.len()).sum();
        while self.history.len() > MAX_HISTORY || bytes > MAX_HISTORY_BYTES {
            let moving: BTreeSet<MessageId> = self
                .outgoing
                .iter()
                .map(|o| MessageId::from_bytes(o.id))
                .collect();
            let last = self.history.len().saturating_sub(1);
            let oldest = self
                .history
                .iter()
                .take(last)
                .position(|m| !moving.contains(&m.id));
            let Some(dropped) = oldest.and_then(|oldest| self.history.remove(oldest)) else {
                return;
            };
            bytes = bytes.saturating_sub(dropped.text.len());
        }
    }

    /// What a message waits for that is written now.
    fn wait(&self) -> Wait {
        match self.otr.state() {
            _ if !self.connected => Wait::Connection,
            otr::State::Private { fingerprint, .. } if !self.accepted(&fingerprint.to_string()) => {
                Wait::NewKey
            }
            otr::State::Private { .. } if self.has_shield() => Wait::Shield,
            otr::State::Plain if self.has_shield() && self.asked_at.is_none() => Wait::Shield,
            _ => Wait::Privacy,
        }
    }

    /// Whether a private session stands, with a key that was accepted.
    fn may_send(&self) -> bool {
        matches!(self.otr.state(), otr::State::Private { fingerprint, .. } if self.accepted(&fingerprint.to_string()))
    }

    /// Whether the contact can answer at all.
    fn in_touch(&self) -> bool {
        self.connected && self.reachable
    }
}

fn check_text(text: &str) -> Result<(), Problem> {
    if text.trim().is_empty() {
        return Err(Problem::new("message.empty", "There is nothing in the message."));
    }
    if text.len() > model::MAX_TEXT_BYTES {
        let text = format!(
            "The message is longer than {} bytes: send it in parts.",
            model::MAX_TEXT_BYTES
        );
        return Err(Problem::new("message.too_long", text));
    }
    if text.contains('\0') {
        return Err(Problem::new(
            "message.illegal_character",
            "The message holds a NUL character.",
        ));
    }
    Ok(())
}

fn no_such_message() -> Problem {
    Problem::new(
        "message.unknown",
        "There is no such message, or nothing can be done with it any more.",
    )
}

#[cfg(test)]
mod tests;
