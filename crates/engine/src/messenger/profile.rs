//! The profile: made, opened, locked; and what of the messenger's state is kept in it.
//! It must never keep a message longer than it takes to arrive, nor hold up others while it unlocks.

use model::{
    AccountId, AddAccount, Address, Event, KnownFingerprint, MessageId, Problem, ProfileState, Secret,
};
use otr::{InstanceTag, PrivateKey};
use serde_json::{Value, json};
use vault::{Kdf, Passphrase, Profile, Queued, QueuedState, SecretBytes, SecretText, Vault, VaultError};

use super::moves::Moves;
use super::people::{Person, rules};
use super::rooms::Rooms;
use super::services::Asking;
use super::strangers::Refused;
use super::tor::Choice;
use super::visibility::Shown;
use super::writing::Said;
use std::cell::RefCell;
use std::collections::BTreeMap;

use super::{Messenger, Open, Outcome};
use crate::conversation::{Outgoing, Stage};

/// What another thread has done.
pub(super) enum Job {
    /// An OTR key was made for a new account.
    KeyMade {
        id: Option<Value>,
        with: Box<AddAccount>,
        key: Result<Box<PrivateKey>, Problem>,
    },
    /// A new OTR key was made for an account.
    KeyRenewed {
        id: Option<Value>,
        account: AccountId,
        key: Result<Box<PrivateKey>, Problem>,
    },
    /// What was asked is known now.
    Answered {
        id: Option<Value>,
        result: Result<Value, Problem>,
    },
    /// The gate has taken a choice of Tor, or not.
    TorChosen {
        id: Option<Value>,
        choice: Box<Choice>,
        taken: Result<(), Problem>,
    },
    /// A profile was made or unlocked.
    Opened {
        id: Option<Value>,
        vault: Result<Box<Vault>, VaultError>,
    },
}

impl Messenger {
    pub(super) fn create_profile(&mut self, passphrase: &Secret, id: Option<&Value>) -> Outcome {
        if let Err(problem) = check_passphrase(passphrase) {
            return Outcome::Now(Err(problem));
        }
        let (folder, passphrase) = (
            self.folder.clone(),
            Passphrase::new(passphrase.expose().to_owned()),
        );
        self.open_elsewhere(id, move || {
            Vault::create(&folder, &passphrase, Kdf::for_this_machine())
        })
    }

    pub(super) fn unlock(&mut self, passphrase: &Secret, id: Option<&Value>) -> Outcome {
        let (folder, passphrase) = (
            self.folder.clone(),
            Passphrase::new(passphrase.expose().to_owned()),
        );
        self.open_elsewhere(id, move || {
            Vault::open(&folder, &passphrase).and_then(super::rules::unless_late)
        })
    }

    pub(super) fn restore_backup(&mut self, passphrase: &Secret, id: Option<&Value>) -> Outcome {
        let (folder, passphrase) = (
            self.folder.clone(),
            Passphrase::new(passphrase.expose().to_owned()),
        );
        self.open_elsewhere(id, move || Vault::restore_backup(&folder, &passphrase))
    }

    /// About two seconds in which nothing else happens: the vault can have only one holder.
    pub(super) fn change_passphrase(&mut self, old: &Secret, new: &Secret) -> Result<(), Problem> {
        check_passphrase(new)?;
        let open = self.open.as_mut().ok_or_else(super::locked)?;
        let (old, new) = (
            Passphrase::new(old.expose().to_owned()),
            Passphrase::new(new.expose().to_owned()),
        );
        open.vault
            .change_passphrase(&old, &new)
            .map_err(|error| told(&error))
    }

    /// Seals the profile: connections end, keys and messages are dropped and wiped.
    pub(super) fn lock(&mut self) -> Result<(), Problem> {
        // Links end when nobody gives them orders any more; the server notices.
        drop(self.open.take().ok_or_else(super::locked)?);
        vault::wipe_stack();
        self.queue.tell(Event::ProfileChanged {
            state: ProfileState::Locked,
        });
        Ok(())
    }

    /// What another thread has done.
    pub(super) fn job(&mut self, job: Job) {
        match job {
            Job::KeyMade { id, with, key } => {
                let result = key.and_then(|key| self.key_made(&with, &key));
                self.answer(id.as_ref(), result);
            }
            Job::KeyRenewed { id, account, key } => {
                let result = key.and_then(|key| self.key_renewed(account, *key));
                self.answer(id.as_ref(), result);
            }
            Job::Answered { id, result } => self.answer(id.as_ref(), result),
            Job::TorChosen { id, choice, taken } => {
                let result = taken.and_then(|()| self.tor_chosen(*choice));
                self.answer(id.as_ref(), result);
            }
            Job::Opened { id, vault } => {
                self.busy = false;
                let result = vault
                    .map_err(|error| told(&error))
                    .and_then(|vault| self.opened(*vault));
                self.answer(id.as_ref(), result.map(|()| json!({})));
            }
        }
    }

    pub(super) fn open_elsewhere(
        &mut self,
        id: Option<&Value>,
        work: impl FnOnce() -> Result<Vault, VaultError> + Send + 'static,
    ) -> Outcome {
        if self.open.is_some() {
            return Outcome::Now(Err(Problem::new(
                "profile.already_open",
                "The profile is open already.",
            )));
        }
        if self.busy {
            return Outcome::Now(Err(Problem::new(
                "profile.busy",
                "The profile is being opened already.",
            )));
        }
        self.busy = true;
        let (jobs, id) = (self.jobs.0.clone(), id.cloned());
        tokio::spawn(async move {
            let opened = tokio::task::spawn_blocking(move || {
                work().map(|mut vault| {
                    vault.prepare_history();
                    vault::wipe_stack();
                    vault
                })
            });
            let vault = opened.await;
            let vault = vault
                .unwrap_or(Err(VaultError::Io(std::io::ErrorKind::Other)))
                .map(Box::new);
            // The messenger is gone only when the program ends.
            let _ = jobs.send(Job::Opened { id, vault }).await;
        });
        Outcome::Later
    }

    fn opened(&mut self, vault: Vault) -> Result<(), Problem> {
        let numbers: Vec<u64> = vault
            .profile()
            .accounts
            .iter()
            .map(|account| account.id)
            .collect();
        self.open = Some(Open {
            vault,
            accounts: BTreeMap::new(),
            people: BTreeMap::new(),
            refused: Refused::default(),
            rooms: Rooms::default(),
            asking: Asking::default(),
            gateways: BTreeMap::new(),
            asked: BTreeMap::new(),
            curious: BTreeMap::new(),
            said: Said::default(),
            moves: Moves::default(),
            seen: RefCell::default(),
            shown: Shown::default(),
        });
        self.queue.tell(Event::ProfileChanged {
            state: ProfileState::Open,
        });
        self.begin_tor();
        for number in numbers {
            // An account that cannot be read is left alone; the others go on.
            let _ = self.start_account(AccountId(number));
        }
        self.restore_people();
        self.restore_rooms();
        self.restore_gateways();
        self.take_rules();
        self.let_all_come();
        Ok(())
    }

    fn restore_people(&mut self) {
        let Some(open) = &mut self.open else { return };
        let profile = open.vault.profile();
        let mut queues = Vec::new();
        for kept in &profile.contacts {
            let id = AccountId(kept.account);
            let Some(account) = open.accounts.get(&id) else {
                continue;
            };
            let Ok(address) = kept.address.parse::<Address>() else {
                continue;
            };
            let policy = kept.policy.map(read_policy);
            let rules = rules(account.shown.policy, policy, kept.version_2);
            let keys = kept.fingerprints.iter().map(read_key).collect();
            let conversation = account.conversation(address.clone(), keys, rules);
            let mut person = Person::new(id, address.clone(), conversation);
            person.name = kept.name.clone();
            person.accepted = kept.accepted;
            person.policy = policy;
            person.version_2 = kept.version_2;
            person.blocked = kept.blocked;
            person.draft = kept
                .draft
                .as_ref()
                .map(|draft| draft.expose_secret().to_owned())
                .unwrap_or_default();
            open.people.insert((id, address.clone()), person);
            let of_contact =
                |queued: &&Queued| queued.account == kept.account && queued.address == kept.address;
            let queue: Vec<Outgoing> = profile
                .outbox
                .iter()
                .filter(of_contact)
                .filter_map(read_queued)
                .collect();
            queues.push((id, address, queue));
        }
        for (account, contact, queue) in queues {
            self.show_kept(account, &contact);
            let _ = self.converse(account, &contact, |conversation, context| {
                queue
                    .into_iter()
                    .for_each(|outgoing| conversation.restore(outgoing, context));
            });
            self.tell_contact(account, &contact);
        }
    }
}

/// A new OTR key, of which nothing stays on the stack that it was made on.
pub(super) fn new_key() -> Box<PrivateKey> {
    let key = Box::new(PrivateKey::generate(&mut crate::random::SystemRandom));
    vault::wipe_stack();
    key
}

fn check_passphrase(passphrase: &Secret) -> Result<(), Problem> {
    if passphrase.expose().is_empty() {
        return Err(Problem::new(
            "profile.no_passphrase",
            "The profile needs a passphrase.",
        ));
    }
    Ok(())
}

/// Puts what is known of a person, and what waits for it, into the profile.
pub(super) fn keep_person(kept: &mut Profile, person: &Person) {
    let (account, address) = (person.account.0, person.address.as_str());
    kept.contacts
        .retain(|contact| contact.account != account || contact.address != address);
    kept.contacts.push(vault::Contact {
        account,
        address: address.to_owned(),
        name: person.name.clone(),
        accepted: person.accepted,
        fingerprints: person.conversation.keys().iter().map(keep_key).collect(),
        policy: person.policy.map(keep_policy),
        version_2: person.version_2,
        blocked: person.blocked,
        draft: (!person.draft.is_empty()).then(|| SecretText::new(person.draft.clone())),
    });
    kept.outbox
        .retain(|queued| queued.account != account || queued.address != address);
    kept.outbox.extend(
        person
            .conversation
            .outgoing()
            .map(|outgoing| keep_outgoing(person, outgoing)),
    );
}

/// Takes a person, and what waits for it, out of the profile.
pub(super) fn forget_person(kept: &mut Profile, account: AccountId, contact: &Address) {
    let (account, address) = (account.0, contact.as_str());
    kept.contacts
        .retain(|contact| contact.account != account || contact.address != address);
    kept.outbox
        .retain(|queued| queued.account != account || queued.address != address);
}

pub(super) fn keep_connect(kept: &mut Profile, id: AccountId, wanted: bool) {
    if let Some(account) = kept.accounts.iter_mut().find(|account| account.id == id.0) {
        account.connect = wanted;
    }
}

pub(super) fn keep_account_policy(kept: &mut Profile, id: AccountId, policy: model::Policy) {
    if let Some(account) = kept.accounts.iter_mut().find(|account| account.id == id.0) {
        account.policy = Some(keep_policy(policy));
    }
}

pub(super) fn keep_own_key(kept: &mut Profile, id: AccountId, key: &PrivateKey, tag: InstanceTag) {
    if let Some(account) = kept.accounts.iter_mut().find(|account| account.id == id.0) {
        account.otr_key = Some(SecretBytes::new(key.to_bytes().to_vec()));
        account.instance_tag = Some(tag.value());
    }
}

/// SHA-256 of a server's public key in hexadecimal digits.
///
/// # Errors
/// Where it is something else.
pub(super) fn parse_pin(text: &str) -> Result<dial::tls::SpkiHash, Problem> {
    dial::tls::SpkiHash::from_hex(text).map_err(|_| {
        Problem::new(
            "account.bad_pin",
            "A server key is named by 64 hexadecimal digits: the SHA-256 of its public key.",
        )
    })
}

/// What went wrong with the profile, for door 1.
pub(super) fn told(error: &VaultError) -> Problem {
    Problem::new(error.code(), error.to_string())
}

pub(super) fn keep_policy(policy: model::Policy) -> vault::Policy {
    match policy {
        model::Policy::Opportunistic => vault::Policy::Opportunistic,
        model::Policy::Required => vault::Policy::Required,
        model::Policy::Unencrypted => vault::Policy::Unencrypted,
    }
}

pub(super) fn read_policy(kept: vault::Policy) -> model::Policy {
    match kept {
        vault::Policy::Opportunistic => model::Policy::Opportunistic,
        vault::Policy::Required => model::Policy::Required,
        vault::Policy::Unencrypted => model::Policy::Unencrypted,
    }
}

fn keep_key(key: &KnownFingerprint) -> vault::KnownFingerprint {
    vault::KnownFingerprint {
        fingerprint: key.fingerprint.clone(),
        accepted: key.accepted,
        verified: key.verified,
        first_seen_day: 0,
    }
}

fn read_key(kept: &vault::KnownFingerprint) -> KnownFingerprint {
    KnownFingerprint {
        fingerprint: kept.fingerprint.clone(),
        accepted: kept.accepted,
        verified: kept.verified,
    }
}

fn keep_outgoing(person: &Person, outgoing: &Outgoing) -> Queued {
    let (state, epoch) = match &outgoing.stage {
        Stage::Asked { epoch, .. } | Stage::Handed { epoch, .. } => (QueuedState::Sent, epoch.as_ref()),
        Stage::NotSent => (QueuedState::Failed, None),
        Stage::Readable { .. } => (QueuedState::Sent, None),
        Stage::Waiting => (QueuedState::Waiting, None),
    };
    Queued {
        id: MessageId::from_bytes(outgoing.id).to_string(),
        account: person.account.0,
        address: person.address.as_str().to_owned(),
        text: SecretText::new(outgoing.text.clone()),
        fingerprint: outgoing.written_for.first().cloned(),
        also_for: outgoing.written_for.iter().skip(1).cloned().collect(),
        unencrypted: !outgoing.encrypted,
        state,
        queued_at: outgoing.at / 1000,
        epoch: epoch.map(|epoch| format!("{:016x}", u64::from_be_bytes(*epoch))),
    }
}

/// A message that an earlier run left. What was sent and cannot be asked for is not known to have arrived.
fn read_queued(kept: &Queued) -> Option<Outgoing> {
    let epoch = kept
        .epoch
        .as_deref()
        .and_then(|text| u64::from_str_radix(text, 16).ok())
        .map(u64::to_be_bytes);
    let stage = match (kept.state, epoch) {
        (QueuedState::Waiting, _) => Stage::Waiting,
        (QueuedState::Sent, Some(epoch)) => Stage::handed_before(epoch),
        (QueuedState::Sent, None) | (QueuedState::Failed, _) => Stage::NotSent,
    };
    let id = MessageId::from(kept.id.clone()).to_bytes()?;
    Some(Outgoing {
        id,
        text: kept.text.expose_secret().to_owned(),
        at: kept.queued_at * 1000,
        encrypted: !kept.unencrypted,
        written_for: kept.fingerprint.iter().chain(&kept.also_for).cloned().collect(),
        stage,
    })
}
