//! What a text would give away, asked before it is sent; and what links one account to another.
//! It must never hold anything back, nor keep a text that was said: only a keyed sum of it, in memory.
//! Standards: see `writing`.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

use model::{AccountId, CheckText, Finding, Findings, MAX_TEXT_BYTES, Problem};

use super::people::no_such_account;
use super::{Messenger, Open, locked};
use crate::writing::{self, Names};

/// Texts of this run that are remembered by their sums.
const MAX_SAID: usize = 20_000;
/// Characters of the shortest text that links two accounts: everybody says "hello".
const SHORTEST_TEXT: usize = 12;
/// Names of other accounts shorter than this are words like any other.
const SHORTEST_NAME: usize = 3;

/// Which account said which text in this run. The key of the sums is random and never leaves this process.
#[derive(Default)]
pub(super) struct Said {
    key: RandomState,
    by: HashMap<u64, BTreeSet<AccountId>>,
    order: VecDeque<u64>,
}

impl Said {
    /// Remembers that an account said something.
    pub(super) fn remember(&mut self, account: AccountId, text: &str) {
        let Some(sum) = self.sum(text) else { return };
        if !self.by.contains_key(&sum) {
            if self.order.len() >= MAX_SAID
                && let Some(oldest) = self.order.pop_front()
            {
                self.by.remove(&oldest);
            }
            self.order.push_back(sum);
        }
        self.by.entry(sum).or_default().insert(account);
    }

    /// Another account that said the same.
    fn by_another(&self, account: AccountId, text: &str) -> Option<AccountId> {
        let by = self.by.get(&self.sum(text)?)?;
        by.iter().find(|who| **who != account).copied()
    }

    /// `None`: too short to tell anybody apart. Spaces and capitals make no other text of it.
    fn sum(&self, text: &str) -> Option<u64> {
        let plain: String = text
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .to_lowercase();
        (plain.chars().count() >= SHORTEST_TEXT).then(|| self.key.hash_one(plain))
    }

    pub(super) fn forget_account(&mut self, id: AccountId) {
        self.by.values_mut().for_each(|by| _ = by.remove(&id));
    }
}

impl Messenger {
    /// Door 1's `text.check`.
    pub(super) fn check_text(&self, with: &CheckText) -> Result<Findings, Problem> {
        if with.text.len() > MAX_TEXT_BYTES {
            let text = format!("The text is longer than {MAX_TEXT_BYTES} bytes.");
            return Err(Problem::new("message.too_long", text));
        }
        let open = self.open.as_ref().ok_or_else(locked)?;
        if !open.accounts.contains_key(&with.account) {
            return Err(no_such_account());
        }
        let known = open.names();
        let mut findings = open.links(Some(with.account), &with.to, &known);
        let same = open.said.by_another(with.account, &with.text);
        let same = same.and_then(|other| open.accounts.get(&other));
        findings.extend(same.map(|other| finding("same_text", other.shown.address.as_str())));
        let in_text = writing::check(&with.text, &open.other_names(with.account), &known);
        findings.extend(in_text.findings);
        findings.truncate(writing::MAX_FINDINGS);
        Ok(Findings { findings })
    }

    /// An account said something, to anybody.
    pub(super) fn said(&mut self, account: AccountId, text: &str) {
        if let Some(open) = &mut self.open {
            open.said.remember(account, text);
        }
    }
}

impl Open {
    /// Everybody and everything that something else could be taken for: the contacts, the rooms and the owner.
    pub(super) fn names(&self) -> Names {
        let mut names = Names::default();
        let accepted = self.people.values().filter(|person| person.accepted);
        accepted.for_each(|person| names.add_address(person.address.as_str()));
        self.rooms
            .chosen()
            .for_each(|room| names.add_address(room.address.as_str()));
        let own = self.accounts.values();
        own.for_each(|account| names.add_address(account.shown.address.as_str()));
        names
    }

    /// Addresses, names and nicks of the other accounts. What this account is called, too, tells nothing new.
    fn other_names(&self, id: AccountId) -> BTreeSet<String> {
        let of_account = |account: &super::Account| {
            let address = account.shown.address.as_str().to_lowercase();
            let name = address.split_once('@').map(|(name, _)| name.to_owned());
            let nicks = self
                .rooms
                .chosen()
                .filter(|room| room.account == account.shown.id);
            let nicks = nicks.map(|room| room.nick.to_lowercase());
            nicks.chain(name).chain([address]).collect::<Vec<_>>()
        };
        let own: BTreeSet<String> = self.accounts.get(&id).into_iter().flat_map(of_account).collect();
        let others = self.accounts.iter().filter(|(other, _)| **other != id);
        others
            .flat_map(|(_, account)| of_account(account))
            .filter(|name| name.chars().count() >= SHORTEST_NAME && !own.contains(name))
            .collect()
    }
}

pub(super) fn finding(kind: &str, part: &str) -> Finding {
    Finding {
        kind: kind.to_owned(),
        part: crate::text::beginning(part, 100),
    }
}
