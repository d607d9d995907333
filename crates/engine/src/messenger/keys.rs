//! Keys of other programs, in and out, and fingerprints in words.
//! It must never import a part of what a file holds of an account, nor give a private key out without the
//! owner's word. The formats are those of `otr::keyfile`.

use std::collections::BTreeMap;

use model::{
    AccountId, Address, Command, ExportKeys, ExportedKeys, FingerprintWords, ImportKeys, Imported, Problem,
    Secret, WordLanguage, Words,
};
use otr::keyfile::{self, Account, KeyFileError, KnownFingerprint, OwnTag, Program, Protocol, Trust};
use otr::words::{self, Language};
use otr::{Fingerprint, InstanceTag, PrivateKey};
use serde_json::Value;

use super::people::no_such_account;
use super::{Messenger, locked, to_value};

/// Contacts whose keys are taken over from one file.
const MAX_CONTACTS: usize = 2000;

/// What the files hold of one account.
#[derive(Default)]
struct Found {
    key: Option<PrivateKey>,
    tag: Option<InstanceTag>,
    /// Keys by contact, and whether they were verified.
    known: BTreeMap<Address, Vec<(Fingerprint, bool)>>,
    left_out: u32,
}

impl Messenger {
    /// Carries out what is about keys of other programs.
    pub(super) fn key_command(&mut self, command: Command) -> Result<Value, Problem> {
        match command {
            Command::ExportKeys(with) => to_value(&self.export_keys(&with)?),
            Command::FingerprintWords(with) => to_value(&in_words(&with)?),
            Command::ImportKeys(with) => to_value(&self.import_keys(&with)?),
            other => self.settings_command(other),
        }
    }

    fn import_keys(&mut self, with: &ImportKeys) -> Result<Imported, Problem> {
        let open = self.open.as_ref().ok_or_else(locked)?;
        let account = open.accounts.get(&with.account).ok_or_else(no_such_account)?;
        let (key_now, tag_now) = (account.shown.fingerprint.clone(), account.tag);
        let found = Found::read(with, &account.shown)?;
        if found.key.is_some() && !with.understood {
            return Err(Problem::new(
                "key.not_understood",
                "The key of the file takes the place of the account's key: contacts who know the present one will see \
                 another, and private conversations end. Nothing was changed: say that you understood this.",
            ));
        }
        let tag = found.tag.unwrap_or(tag_now);
        let fingerprint = found.key.as_ref().map(|key| key.fingerprint().to_string());
        if let Some(key) = found.key {
            self.take_own_key(with.account, key, tag)?;
        }
        let mut contacts = 0;
        for (contact, keys) in found.known {
            contacts += u32::from(self.learn_keys(with.account, &contact, &keys)?);
        }
        Ok(Imported {
            fingerprint: fingerprint.unwrap_or(key_now),
            contacts,
            left_out: found.left_out,
        })
    }

    /// Takes keys over that were not known here; `false`: none was new.
    fn learn_keys(
        &mut self,
        account: AccountId,
        contact: &Address,
        keys: &[(Fingerprint, bool)],
    ) -> Result<bool, Problem> {
        let Ok(person) = self.person(account, contact) else {
            return Ok(false);
        };
        let mut learned = false;
        for (key, verified) in keys {
            learned |= person.conversation.learn_key(key.to_string(), *verified);
        }
        if learned {
            self.keep_new_person(account, contact)?;
            self.tell_contact(account, contact);
        }
        Ok(learned)
    }

    fn export_keys(&self, with: &ExportKeys) -> Result<ExportedKeys, Problem> {
        if !with.understood {
            return Err(Problem::new(
                "key.not_understood",
                "Whoever has the file can pretend to be you to all of your contacts. Nothing was given out: say that you \
                 understood this.",
            ));
        }
        let open = self.open.as_ref().ok_or_else(locked)?;
        let account = open.accounts.get(&with.account).ok_or_else(no_such_account)?;
        let named = Account {
            protocol: of_files(account.shown.protocol),
            name: account.shown.address.to_string(),
        };
        let mut known = Vec::new();
        let people = open.people.values().filter(|p| p.account == with.account);
        for (person, key) in people.flat_map(|p| p.conversation.keys().iter().map(move |key| (p, key))) {
            if let (true, Ok(fingerprint)) = (key.accepted, key.fingerprint.parse()) {
                known.push(KnownFingerprint {
                    account: named.clone(),
                    contact: person.address.to_string(),
                    fingerprint,
                    trust: if key.verified {
                        Trust::Verified
                    } else {
                        Trust::Unverified
                    },
                });
            }
        }
        let tag = OwnTag {
            account: named.clone(),
            tag: account.tag,
        };
        let program = Program::Pidgin;
        let private_key = keyfile::write_private_keys([(&named, &*account.key)], program).map_err(told)?;
        Ok(ExportedKeys {
            private_key: Secret::new(private_key.to_string()),
            fingerprints: keyfile::write_fingerprints(&known, program).map_err(told)?,
            instance_tags: keyfile::write_instance_tags(&[tag], program).map_err(told)?,
        })
    }
}

/// A network as key files name it.
fn of_files(protocol: model::Protocol) -> Protocol {
    match protocol {
        model::Protocol::Irc => Protocol::Irc,
        model::Protocol::Xmpp => Protocol::Xmpp,
    }
}

impl Found {
    /// Reads everything before anything is taken over.
    fn read(with: &ImportKeys, own: &model::Account) -> Result<Self, Problem> {
        let mut found = Self::default();
        let (protocol, address) = (of_files(own.protocol), own.address.as_str());
        let ours = |account: &Account| match &with.name {
            Some(name) => account.name == *name,
            None => account.protocol == protocol && account.address().eq_ignore_ascii_case(address),
        };
        if let Some(file) = &with.private_key {
            found.read_private(file.expose(), &ours)?;
        }
        if let Some(file) = &with.fingerprints {
            let known = keyfile::read_fingerprints(file.as_bytes()).map_err(told)?;
            found.take_known(known, &ours);
        }
        if let Some(file) = &with.instance_tags {
            let tags = keyfile::read_instance_tags(file.as_bytes()).map_err(told)?;
            found.left_out += count(tags.iter().filter(|tag| !ours(&tag.account)));
            found.tag = tags
                .into_iter()
                .find(|tag| ours(&tag.account))
                .map(|tag| tag.tag)
                .or(found.tag);
        }
        Ok(found)
    }

    /// libotr's file, or that of CoyIM, which begins as JSON does.
    fn read_private(&mut self, file: &str, ours: &impl Fn(&Account) -> bool) -> Result<(), Problem> {
        if file.trim_start().starts_with('{') {
            for account in keyfile::coyim_accounts(file.as_bytes()).map_err(told)? {
                if ours(&account.account) {
                    self.key = account.keys.into_iter().next();
                    self.tag = account.tag;
                    self.take_known(account.fingerprints, ours);
                } else {
                    self.left_out += 1;
                }
            }
        } else {
            for entry in keyfile::read_private_keys(file.as_bytes()).map_err(told)? {
                if ours(&entry.account) && self.key.is_none() {
                    self.key = Some(entry.key);
                } else {
                    self.left_out += 1;
                }
            }
        }
        if self.key.is_none() {
            let text = "The file holds no key of this account. Say what the account is called in the file.";
            return Err(Problem::new("key.other_account", text));
        }
        Ok(())
    }

    fn take_known(&mut self, known: Vec<KnownFingerprint>, ours: &impl Fn(&Account) -> bool) {
        for entry in known {
            let bare = entry.contact.split('/').next().unwrap_or_default();
            let room = self.known.len() < MAX_CONTACTS;
            match bare.parse::<Address>() {
                Ok(contact) if room && ours(&entry.account) => {
                    let verified = entry.trust != Trust::Unverified;
                    self.known
                        .entry(contact)
                        .or_default()
                        .push((entry.fingerprint, verified));
                }
                _ => self.left_out += 1,
            }
        }
    }
}

fn count(items: impl Iterator) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}

fn in_words(with: &FingerprintWords) -> Result<Words, Problem> {
    let digits: String = with.fingerprint.split_whitespace().collect();
    let fingerprint: Fingerprint = digits
        .parse()
        .map_err(|_| Problem::new("fingerprint.malformed", "A fingerprint is 40 hexadecimal digits."))?;
    let language = match with.language {
        WordLanguage::Ar => Language::Arabic,
        WordLanguage::En => Language::English,
        WordLanguage::Fa => Language::Persian,
    };
    let words = words::words(&fingerprint, language);
    Ok(Words {
        words: words.into_iter().map(str::to_owned).collect(),
    })
}

fn told(error: KeyFileError) -> Problem {
    Problem::new(
        "key.bad_file",
        format!("Nothing was imported. In line {}: {}.", error.line, error.kind),
    )
}
