//! Trust over door 1: verification, policies, and the keys of both sides.
//! It must never weaken a policy, or give a key away or up, without the owner's word that they were told
//! what it means. OTRv3, "SMP", "Policies"; rules R46 to R52 of the engine's policy.

use std::sync::Arc;

use model::{
    AccountId, Address, Command, Event, OwnKey, Policy, Problem, RenewKey, SetAccountPolicy, SetPolicy,
};
use otr::{InstanceTag, PrivateKey};
use serde_json::{Value, json};

use super::effects::no_such_contact;
use super::people::{no_such_account, rules};
use super::profile::Job;
use super::{Messenger, Outcome, locked, profile, to_value};
use crate::conversation::{Context, Conversation, Rules};

impl Messenger {
    /// Carries out what is about trust.
    pub(super) fn trust_command(&mut self, command: Command) -> Result<Value, Problem> {
        match command {
            Command::AbortVerification(with) => {
                self.converse_or_refuse(with.account, &with.contact, |c, x| c.abort_verification(x))
            }
            Command::AnswerVerification(with) => {
                self.converse_or_refuse(with.account, &with.contact, |c, x| {
                    c.answer_verification(&with.secret, x)
                })
            }
            Command::DistrustFingerprint(with) => {
                self.converse_or_refuse(with.account, &with.contact, |c, x| {
                    c.distrust(&with.fingerprint, x)
                })
            }
            Command::ForgetFingerprint(with) => {
                self.converse_or_refuse(with.account, &with.contact, |c, x| {
                    c.forget_key(&with.fingerprint, x)
                })
            }
            Command::SetAccountPolicy(with) => self.set_account_policy(&with).map(|()| json!({})),
            Command::SetPolicy(with) => self.set_policy(&with).map(|()| json!({})),
            Command::StartVerification(with) => {
                self.converse_or_refuse(with.account, &with.contact, |c, x| {
                    c.start_verification(with.question.as_deref(), &with.secret, x)
                })
            }
            other => self.key_command(other),
        }
    }

    pub(super) fn converse_or_refuse(
        &mut self,
        account: AccountId,
        contact: &Address,
        act: impl FnOnce(&mut Conversation, &mut Context<'_>) -> Result<(), Problem>,
    ) -> Result<Value, Problem> {
        self.converse(account, contact, act)?.map(|()| json!({}))
    }

    fn set_policy(&mut self, with: &SetPolicy) -> Result<(), Problem> {
        check_understood(with)?;
        let open = self.open.as_mut().ok_or_else(locked)?;
        let owner = open.accounts.get(&with.account).ok_or_else(no_such_account)?;
        let of_account = owner.shown.policy;
        let key = (with.account, with.contact.clone());
        let person = open.people.get_mut(&key).filter(|person| person.accepted);
        let person = person.ok_or_else(no_such_contact)?;
        let before = (person.policy, person.version_2);
        (person.policy, person.version_2) = (with.policy, with.version_2);
        let kept = open.vault.change(|kept| profile::keep_person(kept, person));
        if let Err(error) = kept {
            (person.policy, person.version_2) = before;
            return Err(profile::told(&error));
        }
        let rules = rules(of_account, with.policy, with.version_2);
        self.converse(with.account, &with.contact, |c, x| c.set_rules(rules, x))?;
        self.tell_contact(with.account, &with.contact);
        Ok(())
    }

    fn set_account_policy(&mut self, with: &SetAccountPolicy) -> Result<(), Problem> {
        if with.policy == Policy::Unencrypted {
            return Err(Problem::new(
                "policy.not_for_accounts",
                "Sending everything unencrypted is chosen for one contact at a time, never for a whole account.",
            ));
        }
        let open = self.open.as_mut().ok_or_else(locked)?;
        let account = open.accounts.get_mut(&with.account).ok_or_else(no_such_account)?;
        open.vault
            .change(|kept| profile::keep_account_policy(kept, with.account, with.policy))
            .map_err(|error| profile::told(&error))?;
        account.shown.policy = with.policy;
        self.queue.tell(Event::AccountChanged {
            account: account.shown.clone(),
        });
        let own: Vec<(Address, Rules)> = open
            .people
            .iter()
            .filter(|((account, _), _)| *account == with.account)
            .map(|((_, address), person)| (address.clone(), person.rules(with.policy)))
            .collect();
        for (contact, rules) in own {
            let spoken = self.converse(with.account, &contact, |c, x| c.set_rules(rules, x));
            if spoken.is_err() {
                self.begin_anew(with.account, &contact);
            }
        }
        Ok(())
    }

    /// Has a new OTR key made on another thread: that takes up to seconds.
    pub(super) fn renew_key(&self, with: &RenewKey, id: Option<&Value>) -> Outcome {
        if !with.understood {
            return Outcome::Now(Err(Problem::new(
                "key.not_understood",
                "Every contact will see a key that they do not know, and has to accept and verify it anew; private \
                 conversations end. Nothing was changed: say that you understood this.",
            )));
        }
        let known = self.open.as_ref().ok_or_else(locked).and_then(|open| {
            open.accounts
                .get(&with.account)
                .map(|_| ())
                .ok_or_else(no_such_account)
        });
        if let Err(problem) = known {
            return Outcome::Now(Err(problem));
        }
        let (jobs, id, account) = (self.jobs.0.clone(), id.cloned(), with.account);
        tokio::spawn(async move {
            let made = tokio::task::spawn_blocking(profile::new_key).await;
            let key = made.map_err(|_| Problem::new("account.no_key", "The new OTR key could not be made."));
            // The messenger is gone only when the program ends.
            let _ = jobs.send(Job::KeyRenewed { id, account, key }).await;
        });
        Outcome::Later
    }

    /// The new key is made: it takes the place of the former one.
    pub(super) fn key_renewed(&mut self, id: AccountId, key: PrivateKey) -> Result<Value, Problem> {
        let open = self.open.as_ref().ok_or_else(locked)?;
        let tag = open.accounts.get(&id).ok_or_else(no_such_account)?.tag;
        let fingerprint = key.fingerprint().to_string();
        self.take_own_key(id, key, tag)?;
        to_value(&OwnKey { fingerprint })
    }

    /// Gives an account another key: kept first, then private conversations end and begin anew.
    pub(super) fn take_own_key(
        &mut self,
        id: AccountId,
        key: PrivateKey,
        tag: InstanceTag,
    ) -> Result<(), Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        let account = open.accounts.get_mut(&id).ok_or_else(no_such_account)?;
        open.vault
            .change(|kept| profile::keep_own_key(kept, id, &key, tag))
            .map_err(|error| profile::told(&error))?;
        account.shown.fingerprint = key.fingerprint().to_string();
        (account.key, account.tag) = (Arc::new(key), tag);
        let key = Arc::clone(&account.key);
        self.queue.tell(Event::AccountChanged {
            account: account.shown.clone(),
        });
        let contacts: Vec<Address> = open
            .people
            .keys()
            .filter(|(account, _)| *account == id)
            .map(|(_, address)| address.clone())
            .collect();
        for contact in contacts {
            let key = Arc::clone(&key);
            if self
                .converse(id, &contact, |c, x| c.set_own_key(key, tag, x))
                .is_err()
            {
                self.begin_anew(id, &contact);
            }
        }
        Ok(())
    }

    /// A conversation that nothing was said in, with somebody not accepted or blocked, begins under
    /// the present key and rules.
    fn begin_anew(&mut self, id: AccountId, contact: &Address) {
        let Some(open) = &mut self.open else { return };
        let (Some(account), Some(person)) = (
            open.accounts.get(&id),
            open.people.get_mut(&(id, contact.clone())),
        ) else {
            return;
        };
        let keys = person.conversation.keys().to_vec();
        let rules = person.rules(account.shown.policy);
        person.conversation = account.conversation(contact.clone(), keys, rules);
    }
}

fn check_understood(with: &SetPolicy) -> Result<(), Problem> {
    let text = if with.policy == Some(Policy::Unencrypted) {
        "Without encryption your server, the contact's server and whoever watches them can read and change every \
         message. Nothing was changed: say that you understood this."
    } else {
        "OTR version 2 lacks protections of version 3, and whoever is on the way can hold both programs to it even \
         where both speak version 3. Nothing was changed: say that you understood this."
    };
    let weaker = with.policy == Some(Policy::Unencrypted) || with.version_2;
    if weaker && !with.understood {
        return Err(Problem::new("policy.not_understood", text));
    }
    Ok(())
}
