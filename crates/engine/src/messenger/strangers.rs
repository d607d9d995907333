//! The stranger gate: what people whom the owner did not accept try, and what becomes of it.
//! Whoever is a stranger gets no answer of any kind; what they wrote and tried is bounded, and only shown.

use std::collections::BTreeMap;

use model::{AccountId, Address, Event, Probe, Probes, Problem};

use super::effects::unix_milliseconds;
use super::people::MAX_STRANGERS;
use super::{Messenger, locked};
use crate::text;

/// Senders and kinds of refused probes that are remembered in one run.
const MAX_PROBES: usize = 1000;
/// Characters of a stranger's first message that are kept.
const MAX_FIRST_WORDS: usize = 1000;
/// OTR's whitespace tag begins so (OTRv3, "Requesting an OTR conversation").
const WHITESPACE_TAG: &str = "\x20\x09\x20\x20\x09\x09\x09\x09\x20\x09\x20\x09\x20\x09\x20\x20";

/// The refused probes of this run, by account, sender and kind.
#[derive(Default)]
pub(super) struct Refused {
    probes: BTreeMap<(AccountId, String, &'static str), Probe>,
}

impl Refused {
    /// Counts one more; the probe where it is worth an event: the first, second, fourth, eighth...
    fn count(&mut self, account: AccountId, from: &str, kind: &'static str, now: u64) -> Option<Probe> {
        let key = (account, from.to_owned(), kind);
        if !self.probes.contains_key(&key) && self.probes.len() >= MAX_PROBES {
            let oldest = self.probes.iter().min_by_key(|(_, probe)| probe.last_at);
            let oldest = oldest.map(|(key, _)| key.clone())?;
            self.probes.remove(&oldest);
        }
        let probe = self.probes.entry(key).or_insert_with(|| Probe {
            account,
            from: from.to_owned(),
            kind: kind.to_owned(),
            count: 0,
            last_at: now,
        });
        probe.count += 1;
        probe.last_at = now;
        probe.count.is_power_of_two().then(|| probe.clone())
    }

    /// All, newest first.
    fn list(&self) -> Probes {
        let mut probes: Vec<Probe> = self.probes.values().cloned().collect();
        probes.sort_by_key(|probe| std::cmp::Reverse(probe.last_at));
        Probes { probes }
    }

    pub(super) fn forget_account(&mut self, id: AccountId) {
        self.probes.retain(|(account, ..), _| *account != id);
    }
}

impl Messenger {
    pub(super) fn list_probes(&self) -> Result<Probes, Problem> {
        Ok(self.open.as_ref().ok_or_else(locked)?.refused.list())
    }

    /// A stranger wrote. OTR never sees it.
    pub(super) fn on_stranger_message(&mut self, account: AccountId, from: &Address, body: &str) {
        let is_otr = body.starts_with("?OTR");
        let query = is_otr || body.contains(WHITESPACE_TAG);
        self.refuse(account, from, if query { "otr_query" } else { "message" });
        let words = (!is_otr).then(|| {
            let plain = text::plain(body);
            text::beginning(plain.trim(), MAX_FIRST_WORDS)
        });
        let words = words.filter(|words| !words.is_empty());
        self.remember_stranger(account, from, words);
    }

    /// A text that nobody may take for OTR: an accepted contact's is shown, a stranger's waits with the others.
    pub(super) fn on_readable(&mut self, account: AccountId, from: &Address, text: &str, earlier: bool) {
        match self.known(account, from) {
            Ok(person) if person.blocked => {}
            Ok(person) if person.accepted => {
                let text = text.to_owned();
                let _ = self.converse(account, from, |conversation, context| {
                    conversation.hear_readable(text, earlier, context);
                });
            }
            _ => self.on_stranger_message(account, from, text),
        }
    }

    /// A stranger asks to see the owner's presence.
    pub(super) fn on_stranger_request(&mut self, account: AccountId, from: &Address) {
        self.refuse(account, from, "subscription");
        self.remember_stranger(account, from, None);
    }

    /// Somebody asked this program something and was told what an offline account's server tells.
    pub(super) fn on_request_refused(&mut self, account: AccountId, from: &Address, kind: &'static str) {
        let known = self.open.as_ref().is_some_and(|open| {
            let people = open.people.values();
            people
                .filter(|person| person.account == account && person.address == *from)
                .any(|person| person.accepted || person.blocked)
        });
        if !known {
            self.refuse(account, from, kind);
        }
    }

    /// Counts what was refused, and tells of it now and then.
    pub(super) fn refuse(&mut self, account: AccountId, from: &Address, kind: &'static str) {
        let Some(open) = &mut self.open else { return };
        let probe = open
            .refused
            .count(account, from.as_str(), kind, unix_milliseconds());
        if let Some(probe) = probe {
            self.queue.tell(Event::ProbeRefused { probe });
        }
    }

    fn remember_stranger(&mut self, account: AccountId, address: &Address, words: Option<String>) {
        let Some(open) = &self.open else { return };
        let of_account = open.people.values().filter(|person| person.account == account);
        let strangers = of_account.filter(|person| !person.accepted && !person.blocked);
        if strangers.count() >= MAX_STRANGERS && !open.people.contains_key(&(account, address.clone())) {
            return;
        }
        let Ok(person) = self.person(account, address) else {
            return;
        };
        let fresh = !std::mem::replace(&mut person.asks, true);
        let first = person.first_words.is_none() && words.is_some();
        if first {
            person.first_words = words;
        }
        if fresh || first {
            self.tell_contact(account, address);
        }
    }
}

pub(super) fn kind(request: xmpp::Request) -> &'static str {
    match request {
        xmpp::Request::Discovery => "discovery",
        xmpp::Request::LastActivity => "last_activity",
        xmpp::Request::Other => "other",
        xmpp::Request::Ping => "ping",
        xmpp::Request::Time => "time",
        xmpp::Request::Version => "version",
    }
}
