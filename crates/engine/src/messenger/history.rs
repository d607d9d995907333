//! Kept messages: switched on and off, written down as they come and go, read again.
//! It must never keep a message of a conversation for which that is off, nor one from before it was switched on.
//! Standards: none; `docs/decisions/0007-history-log.md`.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    AccountId, Address, Command, Delivery, Direction, Event, KeepMessages, Kept, Message, MessageId, Problem,
    ReadKept,
};
use otr::Fingerprint;
use serde_json::{Value, json};
use vault::{Entry, History, KeptDelivery, Page, SecretText};

use super::effects::no_such_contact;
use super::profile::told;
use super::{Messenger, Open, locked, to_value};
use crate::conversation::{Conversation, unknown_arrival};

/// The most messages of one page.
const MAX_PAGE: u32 = 200;
/// Messages of a page where no number is named; and those that are shown after a start.
const PAGE: u32 = 100;
/// The most bytes of text that are shown of one conversation after a start.
const MAX_SHOWN_BYTES: usize = 512 * 1024;
/// How many written messages are known by name, of one conversation.
const MAX_WRITTEN: usize = 4096;

/// A message's way and name: a contact may give its own the name of one of the owner's.
type Name = (bool, MessageId);

fn name(message: &Message) -> Name {
    (message.direction == Direction::In, message.id.clone())
}

/// What is known of the kept messages of one conversation.
#[derive(Default)]
pub(super) struct Keeping {
    /// Messages that were there when keeping was switched on: they are not kept.
    earlier: BTreeSet<Name>,
    /// Messages of this run, and those shown from earlier ones: where they were written down, and as what.
    written: BTreeMap<Name, (u32, KeptDelivery)>,
    /// The owner was told that a message could not be kept.
    failed: bool,
}

impl Keeping {
    /// From now on.
    fn after(conversation: &Conversation) -> Self {
        Self {
            earlier: conversation.messages().map(name).collect(),
            ..Self::default()
        }
    }

    /// The place before which there may be older ones than those in memory.
    pub(super) fn before(&self, conversation: &Conversation) -> Option<u32> {
        let first = conversation
            .messages()
            .find_map(|message| self.written.get(&name(message)));
        first.map(|(number, _)| *number).filter(|number| *number > 0)
    }

    fn know(&mut self, name: Name, number: u32, delivery: KeptDelivery) {
        self.written.insert(name, (number, delivery));
        if self.written.len() > MAX_WRITTEN {
            let oldest = self.written.iter().min_by_key(|(_, (number, _))| *number);
            if let Some(oldest) = oldest.map(|(id, _)| id.clone()) {
                self.written.remove(&oldest);
            }
        }
    }

    /// Writes a message down, or what became of it; nothing where that is known already.
    fn write(&mut self, mut history: History<'_>, message: &Message) -> Result<(), Problem> {
        let Some(delivery) = delivery(message) else {
            return Ok(());
        };
        let Some(mut entry) = entry(message, delivery) else {
            return Ok(());
        };
        let number = match self.written.get(&name(message)) {
            Some((_, before)) if *before == delivery && !message.corrected => return Ok(()),
            Some((number, _)) => {
                if !message.corrected {
                    entry.text = SecretText::new(String::new());
                }
                history.change(*number, &entry).map(|()| *number)
            }
            // It never left.
            None if delivery == KeptDelivery::NotSent => return Ok(()),
            None => history.append(&entry),
        };
        let number = number.map_err(|error| told(&error))?;
        self.know(name(message), number, delivery);
        Ok(())
    }
}

impl Messenger {
    /// Carries out what is about kept messages.
    pub(super) fn history_command(&mut self, command: Command) -> Result<Value, Problem> {
        match command {
            Command::KeepMessages(with) => self.keep_messages(&with).map(|()| json!({})),
            Command::ReadKept(with) => to_value(&self.read_kept(&with)?),
            other => self.rules_command(other),
        }
    }

    fn keep_messages(&mut self, with: &KeepMessages) -> Result<(), Problem> {
        let (account, contact) = (with.account, &with.contact);
        let person = self.known(account, contact)?;
        if !person.accepted {
            return Err(no_such_contact());
        }
        if person.keeping.is_some() == with.keep {
            return Ok(());
        }
        if with.keep {
            let keeping = Keeping::after(&person.conversation);
            let open = self.open.as_mut().ok_or_else(locked)?;
            open.vault
                .keep_history(account.0, contact.as_str())
                .map_err(|error| told(&error))?;
            self.known(account, contact)?.keeping = Some(keeping);
        } else {
            self.destroy_kept(account, contact)?;
        }
        self.tell_contact(account, contact);
        Ok(())
    }

    /// Destroys what was kept of a conversation, and keeps nothing more of it.
    pub(super) fn destroy_kept(&mut self, account: AccountId, contact: &Address) -> Result<(), Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        let erased = match open.vault.history(account.0, contact.as_str()) {
            Some(history) => history.erase(),
            None => Ok(()),
        };
        // Where only the log could not be written anew, the key is gone all the same.
        if !open.vault.keeps_history(account.0, contact.as_str()) {
            self.known(account, contact)?.keeping = None;
            self.tell_contact(account, contact);
        }
        erased.map_err(|error| told(&error))
    }

    fn read_kept(&mut self, with: &ReadKept) -> Result<Kept, Problem> {
        self.known(with.account, &with.contact)?;
        let limit = with.limit.unwrap_or(PAGE).clamp(1, MAX_PAGE);
        let open = self.open.as_mut().ok_or_else(locked)?;
        let Some(mut history) = open.vault.history(with.account.0, with.contact.as_str()) else {
            return Ok(Kept::default());
        };
        let limit = usize::try_from(limit).unwrap_or_default();
        let words = with.words.as_deref().filter(|words| !words.is_empty());
        let page = match words {
            Some(words) => history.search(words, with.before, limit),
            None => history.page(with.before, limit),
        };
        let page = page.map_err(|error| told(&error))?;
        self.tell_unreadable(with.account, &with.contact, page.unreadable);
        let message = |(_, entry): &(u32, Entry)| shown(with.account, &with.contact, entry);
        Ok(Kept {
            messages: page.entries.iter().map(message).collect(),
            before: page.older,
        })
    }

    /// Shows the newest kept messages of a conversation, after the profile was opened.
    pub(super) fn show_kept(&mut self, account: AccountId, contact: &Address) {
        let Some(Open { vault, people, .. }) = &mut self.open else {
            return;
        };
        let Some(person) = people.get_mut(&(account, contact.clone())) else {
            return;
        };
        let Some(mut history) = vault.history(account.0, contact.as_str()) else {
            return;
        };
        let mut keeping = Keeping::default();
        let page = history.page(None, usize::try_from(PAGE).unwrap_or_default());
        let page = page.map_err(|error| told(&error));
        if let Ok(page) = &page {
            person.conversation.show_kept(newest(page, |number, entry| {
                let message = shown(account, contact, entry);
                keeping.know(name(&message), number, entry.delivery);
                message
            }));
        }
        person.keeping = Some(keeping);
        match page {
            Ok(page) => self.tell_unreadable(account, contact, page.unreadable),
            Err(notice) => self.notice(account, contact, notice),
        }
    }

    /// Writes a message down as it is now, where the owner has the conversation kept.
    pub(super) fn write_down(&mut self, account: AccountId, contact: &Address, message: &Message) {
        let Some(Open { vault, people, .. }) = &mut self.open else {
            return;
        };
        let Some(keeping) = people
            .get_mut(&(account, contact.clone()))
            .and_then(|person| person.keeping.as_mut())
        else {
            return;
        };
        let Some(history) = vault.history(account.0, contact.as_str()) else {
            return;
        };
        if keeping.earlier.contains(&name(message)) {
            return;
        }
        match keeping.write(history, message) {
            Ok(()) => keeping.failed = false,
            Err(problem) => {
                if !std::mem::replace(&mut keeping.failed, true) {
                    self.notice(account, contact, problem);
                }
            }
        }
    }

    fn tell_unreadable(&self, account: AccountId, contact: &Address, unreadable: u32) {
        if unreadable > 0 {
            let text = format!(
                "{unreadable} kept messages cannot be read: the disk has a fault, or somebody changed the file."
            );
            self.notice(account, contact, Problem::new("history.unreadable", text));
        }
    }

    fn notice(&self, account: AccountId, contact: &Address, notice: Problem) {
        self.queue.tell(Event::Notice {
            account,
            contact: contact.clone(),
            notice,
        });
    }
}

/// The last messages of a page that are not too many bytes together, oldest first.
fn newest(page: &Page, mut shown: impl FnMut(u32, &Entry) -> Message) -> Vec<Message> {
    let mut bytes = 0;
    let mut fits = |entry: &Entry| {
        bytes += entry.text.expose_secret().len();
        bytes <= MAX_SHOWN_BYTES
    };
    let entries = page.entries.iter().rev();
    let mut messages: Vec<Message> = entries
        .take_while(|(_, entry)| fits(entry))
        .map(|(number, entry)| shown(*number, entry))
        .collect();
    messages.reverse();
    messages
}

/// As what a message is written down; `None`: it has not left this program.
fn delivery(message: &Message) -> Option<KeptDelivery> {
    match message.delivery {
        Delivery::NotSent { .. } => Some(KeptDelivery::NotSent),
        Delivery::Received => Some(KeptDelivery::Received),
        Delivery::Sent => Some(KeptDelivery::Sent),
        Delivery::Waiting { .. } => None,
    }
}

/// `None` where its name is none: all names here were made from bytes.
fn entry(message: &Message, delivery: KeptDelivery) -> Option<Entry> {
    let fingerprint = message.fingerprint.as_deref();
    let fingerprint = fingerprint.and_then(|text| text.parse::<Fingerprint>().ok());
    Some(Entry {
        id: message.id.to_bytes()?,
        at: message.at,
        incoming: message.direction == Direction::In,
        fingerprint: fingerprint
            .map(|fingerprint| *fingerprint.as_bytes())
            .filter(|_| message.encrypted),
        delivery,
        corrected: message.corrected,
        text: SecretText::new(message.text.clone()),
    })
}

fn shown(account: AccountId, contact: &Address, entry: &Entry) -> Message {
    Message {
        id: MessageId::from_bytes(entry.id),
        account,
        contact: contact.clone(),
        direction: if entry.incoming {
            Direction::In
        } else {
            Direction::Out
        },
        text: entry.text.expose_secret().to_owned(),
        at: entry.at,
        encrypted: entry.fingerprint.is_some(),
        fingerprint: entry
            .fingerprint
            .map(|bytes| Fingerprint::from_bytes(bytes).to_string()),
        corrected: entry.corrected,
        earlier: false,
        delivery: match entry.delivery {
            KeptDelivery::NotSent => Delivery::NotSent {
                problem: unknown_arrival(),
            },
            KeptDelivery::Received => Delivery::Received,
            KeptDelivery::Sent => Delivery::Sent,
        },
    }
}
