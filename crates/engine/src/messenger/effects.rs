//! What conversations want done, done in order: kept, told, handed to the transport.
//! It must never transmit what could not be kept first.

use std::collections::BTreeSet;
use std::time::SystemTime;

use model::{AccountId, Address, Event, Policy, Privacy, Problem};

use super::{Messenger, Open, locked, network, profile, waking};
use crate::conversation::{Context, Conversation, Effect};
use crate::random::SystemRandom;

impl Messenger {
    /// Does something with one conversation, and then what it wants done.
    ///
    /// # Errors
    /// Where the profile is locked, or there is no such account or contact.
    pub(super) fn converse<T>(
        &mut self,
        account: AccountId,
        contact: &Address,
        act: impl FnOnce(&mut Conversation, &mut Context<'_>) -> T,
    ) -> Result<T, Problem> {
        let (result, effects) = self.act_on(account, contact, act)?;
        self.apply(account, contact, effects);
        Ok(result)
    }

    /// Does something with one conversation; what it wants done is the caller's.
    fn act_on<T>(
        &mut self,
        account: AccountId,
        contact: &Address,
        act: impl FnOnce(&mut Conversation, &mut Context<'_>) -> T,
    ) -> Result<(T, Vec<Effect>), Problem> {
        let mut effects = Vec::new();
        let now = self.origin.elapsed();
        let open = self.open.as_mut().ok_or_else(locked)?;
        let person = open.people.get_mut(&(account, contact.clone()));
        let person = person
            .filter(|person| person.accepted)
            .ok_or_else(no_such_contact)?;
        person.check_not_blocked()?;
        let mut context = Context {
            now,
            clock: unix_milliseconds(),
            rng: &mut SystemRandom,
            tokens: &mut self.tokens,
            effects: &mut effects,
        };
        person
            .conversation
            .set_shield(self.attention.is_shielded(), &mut context);
        let result = act(&mut person.conversation, &mut context);
        let next = waking::next(&person.conversation, now);
        self.wake_by(next);
        Ok((result, effects))
    }

    /// Does something with every conversation of accepted contacts.
    pub(super) fn for_everyone(&mut self, act: impl Fn(&mut Conversation, &mut Context<'_>)) {
        self.for_some(|_| true, |_| true, act);
    }

    /// Does something with those conversations of accepted contacts that want it.
    pub(super) fn for_those(
        &mut self,
        wants: impl Fn(&Conversation) -> bool,
        act: impl Fn(&mut Conversation, &mut Context<'_>),
    ) {
        self.for_some(|_| true, wants, act);
    }

    /// Does something with every conversation of accepted contacts of one account.
    pub(super) fn for_account(&mut self, id: AccountId, act: impl Fn(&mut Conversation, &mut Context<'_>)) {
        self.for_some(|account| account == id, |_| true, act);
    }

    fn for_some(
        &mut self,
        of: impl Fn(AccountId) -> bool,
        wants: impl Fn(&Conversation) -> bool,
        act: impl Fn(&mut Conversation, &mut Context<'_>),
    ) {
        let Some(open) = &self.open else { return };
        let names: Vec<_> = open
            .people
            .iter()
            .filter(|((account, _), person)| of(*account) && wants(&person.conversation))
            .map(|(name, _)| name.clone())
            .collect();
        for (account, contact) in names {
            // Only a contact who was not accepted is refused here, and nothing is to be done for one.
            let _ = self.converse(account, &contact, &act);
        }
    }

    fn apply(&mut self, account: AccountId, contact: &Address, effects: Vec<Effect>) {
        let mut kept: Option<Result<(), Problem>> = None;
        let mut held_back = BTreeSet::new();
        let mut new = Vec::new();
        for effect in effects {
            if matches!(effect, Effect::Persist { .. } | Effect::Keys) {
                kept.get_or_insert_with(|| self.keep(account, contact));
            }
            let failed = matches!(kept, Some(Err(_)));
            match effect {
                Effect::Persist { new: message } if failed => new.extend(message),
                Effect::Transmit { token, .. } | Effect::TransmitReadable { token, .. } if failed => {
                    held_back.insert(token);
                }
                effect => self.apply_one(account, contact, effect),
            }
        }
        if let Some(Err(problem)) = kept {
            self.could_not_keep(account, contact, (&new, &held_back), &problem);
        }
    }

    fn apply_one(&mut self, account: AccountId, contact: &Address, effect: Effect) {
        let contact = contact.clone();
        match effect {
            Effect::Changed(message) => {
                self.write_down(account, &contact, &message);
                self.queue.tell(Event::MessageChanged { message });
            }
            Effect::Confirmed(token) => {
                if let Some(open) = &self.open {
                    open.seen.borrow_mut().confirms(token);
                }
            }
            Effect::Keys => self.tell_contact(account, &contact),
            Effect::NewFingerprint { fingerprint, changed } => {
                self.queue.tell(Event::FingerprintNew {
                    account,
                    contact,
                    fingerprint,
                    changed,
                });
            }
            Effect::Notice(notice) => self.queue.tell(Event::Notice {
                account,
                contact,
                notice,
            }),
            Effect::Persist { .. } => {}
            Effect::Privacy(privacy) => {
                if matches!(privacy, Privacy::Private { .. }) {
                    self.seen_private(account, &contact);
                }
                self.queue.tell(Event::PrivacyChanged {
                    account,
                    contact,
                    privacy,
                });
            }
            Effect::Transmit {
                body,
                token,
                to_everyone,
            } => self.transmit(account, &contact, body, token, to_everyone),
            Effect::TransmitReadable { body, token } => {
                self.transmit_readable(account, &contact, body, token);
            }
            Effect::Verification(verification) => self.queue.tell(Event::VerificationChanged {
                account,
                contact,
                verification,
            }),
        }
    }

    /// Hands one OTR message to the account's link. Anything else is dropped here, whatever made it.
    fn transmit(
        &mut self,
        account: AccountId,
        contact: &Address,
        body: String,
        token: u64,
        to_everyone: bool,
    ) {
        if !body.starts_with("?OTR") {
            return;
        }
        let Some(open) = &self.open else { return };
        let Some(person) = open.people.get(&(account, contact.clone())) else {
            return;
        };
        let program = person.answer_to().filter(|_| !to_everyone).map(str::to_owned);
        self.send(account, contact, program.as_deref(), (body, token, true));
    }

    /// Hands a readable message to the account's link. Without the owner's leave it is dropped here,
    /// whatever made it.
    fn transmit_readable(&mut self, account: AccountId, contact: &Address, body: String, token: u64) {
        let Some(open) = &self.open else { return };
        let (Some(owner), Some(person)) = (
            open.accounts.get(&account),
            open.people.get(&(account, contact.clone())),
        ) else {
            return;
        };
        if person.rules(owner.shown.policy).policy == Policy::Required {
            return;
        }
        self.send(account, contact, None, (body, token, false));
    }

    fn send(
        &mut self,
        account: AccountId,
        contact: &Address,
        program: Option<&str>,
        message: (String, u64, bool),
    ) {
        let (token, otr) = (message.1, message.2);
        if let Some(open) = &self.open {
            let mut seen = open.seen.borrow_mut();
            seen.handed(token, account, contact.clone(), otr);
        }
        let owner = self
            .open
            .as_mut()
            .and_then(|open| open.accounts.get_mut(&account));
        let Some(owner) = owner else { return };
        let order = network::message(owner.shown.protocol, contact, program, message);
        if order.is_none_or(|order| owner.orders.try_send(order).is_err()) {
            owner.lost.push(token);
        }
    }

    /// Writes queue and keys of one contact to the profile.
    fn keep(&mut self, account: AccountId, contact: &Address) -> Result<(), Problem> {
        let Some(Open { vault, people, .. }) = &mut self.open else {
            return Err(locked());
        };
        let Some(person) = people.get(&(account, contact.clone())) else {
            return Ok(());
        };
        vault
            .change(|kept| profile::keep_person(kept, person))
            .map_err(|error| profile::told(&error))
    }

    /// Tells that a profile could not be written, and which messages did not go because of it.
    fn could_not_keep(
        &mut self,
        account: AccountId,
        contact: &Address,
        (new, held_back): (&[[u8; 16]], &BTreeSet<u64>),
        problem: &Problem,
    ) {
        self.queue.tell(Event::Notice {
            account,
            contact: contact.clone(),
            notice: problem.clone(),
        });
        let told = self.act_on(account, contact, |conversation, context| {
            conversation.not_kept(new, held_back, problem, context);
        });
        // Only accepted contacts have effects, so there is one here.
        let effects = told.map(|((), effects)| effects).unwrap_or_default();
        for effect in effects {
            if let Effect::Changed(message) = effect {
                self.queue.tell(Event::MessageChanged { message });
            }
        }
    }
}

/// Milliseconds since 1970 by this machine's clock; 0 where it stands before that.
pub(super) fn unix_milliseconds() -> u64 {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn no_such_contact() -> Problem {
    Problem::new(
        "contact.unknown",
        "There is no such contact, or it was not accepted yet.",
    )
}
