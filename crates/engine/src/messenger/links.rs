//! What ties two accounts of one owner together: the same contact, room or name; asked before, and told after.
//! It must never hold up whoever goes on all the same.
//! hardening.md E5; UTS #39 (addresses that look like others).

use model::{AccountId, Address, CheckLinks, Event, Finding, Findings, Problem, Protocol};

use super::network::{check_room, server_of};
use super::people::no_such_account;
use super::writing::finding;
use super::{Messenger, Open, locked};
use crate::writing::{self, Names};

impl Messenger {
    /// Door 1's `link.check`.
    pub(super) fn check_links(&self, with: &CheckLinks) -> Result<Findings, Problem> {
        let open = self.open.as_ref().ok_or_else(locked)?;
        let spelt = match with.account {
            Some(id) if !open.accounts.contains_key(&id) => return Err(no_such_account()),
            Some(id) => self.spelt(id, &with.to).ok(),
            None => None,
        };
        let to = spelt.as_ref().unwrap_or(&with.to);
        let mut findings = open.links(with.account, to, &open.names());
        let name = open.name_to_be(with);
        let other = name.and_then(|name| open.called(with.account, &name));
        findings.extend(other.map(|other| finding("same_name", other.as_str())));
        Ok(Findings { findings })
    }

    /// Tells the owner where a new contact links two accounts, or looks like another contact.
    pub(super) fn warn_of_links(&self, account: AccountId, contact: &Address) {
        let Some(open) = &self.open else { return };
        let tell = |notice: Problem| {
            self.queue.tell(Event::Notice {
                account,
                contact: contact.clone(),
                notice,
            });
        };
        if open.linked_by_contact(account, contact).is_some() {
            let text = "Another of your accounts has this contact, too. Whoever sees both accounts talk with the same person can guess that they belong together.";
            tell(Problem::new("contact.in_two_accounts", text));
        }
        if looks_like_another(contact, &open.names()) {
            let text = "This address looks like another one, but is written with other letters. Compare it letter by letter.";
            tell(Problem::new("contact.looks_like_another", text));
        }
    }

    /// Tells the owner, in the room itself, where a room or the account's name in it links two accounts, or where it
    /// looks like another one.
    pub(super) fn warn_of_linked_room(&mut self, id: AccountId, address: &Address) {
        let Some(open) = &self.open else { return };
        let mut problems = Vec::new();
        if open.linked_by_room(id, address).is_some() {
            let text = "Another of your accounts has this room, too. Whoever watches the room can guess that they belong together.";
            problems.push(Problem::new("room.in_two_accounts", text));
        }
        let own = open.rooms.find(id, address);
        if own.is_some_and(|own| open.called_in_a_room(Some(id), &own.nick).is_some()) {
            let text = "Another of your accounts goes by this name in a room. Whoever meets both can guess that they belong together.";
            problems.push(Problem::new("room.nick_in_two_accounts", text));
        }
        if looks_like_another(address, &open.names()) {
            let text = "This address looks like another one, but is written with other letters. Compare it letter by letter.";
            problems.push(Problem::new("contact.looks_like_another", text));
        }
        for problem in problems {
            let text = problem.text.clone();
            self.say(id, address, None, (false, false), &text, Some(problem));
        }
    }
}

impl Open {
    /// What an address that an account is to have to do with would tell: whom it looks like, who has it, too.
    pub(super) fn links(&self, id: Option<AccountId>, to: &Address, known: &Names) -> Vec<Finding> {
        let mut findings = Vec::new();
        if looks_like_another(to, known) {
            findings.push(finding("look_alike", to.as_str()));
        }
        let Some(id) = id else { return findings };
        let contact = self
            .linked_by_contact(id, to)
            .map(|other| ("same_contact", other));
        let room = || self.linked_by_room(id, to).map(|other| ("same_room", other));
        let linked = contact.or_else(room);
        findings.extend(linked.map(|(kind, other)| finding(kind, other.as_str())));
        findings
    }

    /// Another account that has this contact, too.
    fn linked_by_contact(&self, id: AccountId, contact: &Address) -> Option<&Address> {
        self.another_with(id, contact, |other| {
            let person = self.people.get(&(other, contact.clone()));
            person.is_some_and(|person| person.accepted)
        })
    }

    /// Another account that has this room, too.
    fn linked_by_room(&self, id: AccountId, address: &Address) -> Option<&Address> {
        let name = address.as_str().to_lowercase();
        self.another_with(id, address, |other| {
            let mut rooms = self.rooms.chosen().filter(|room| room.account == other);
            rooms.any(|room| room.address.as_str().to_lowercase() == name)
        })
    }

    /// Another account for which something holds. A name without a server is somebody else's on another network.
    fn another_with(
        &self,
        id: AccountId,
        to: &Address,
        holds: impl Fn(AccountId) -> bool,
    ) -> Option<&Address> {
        let network = |account: AccountId| {
            let owner = self.accounts.get(&account);
            owner.map(|owner| server_of(&owner.shown.address))
        };
        let alone = server_of(to).is_empty();
        let others = self.accounts.iter().filter(|(other, _)| **other != id);
        others
            .filter(|(other, _)| !alone || network(**other) == network(id))
            .find(|(other, _)| holds(**other))
            .map(|(_, account)| &account.shown.address)
    }

    /// What an account would be called; none where a name is drawn by lot, or others see none.
    fn name_to_be(&self, with: &CheckLinks) -> Option<String> {
        let local = |address: &Address| address.as_str().split_once('@').map(|(name, _)| name.to_owned());
        let Some(id) = with.account else {
            return local(&with.to);
        };
        let shown = &self.accounts.get(&id)?.shown;
        let is_room = check_room(shown.protocol, &with.to).is_ok();
        match (shown.protocol, &with.nick) {
            (Protocol::Xmpp, Some(nick)) => Some(nick.clone()),
            (Protocol::Irc, _) if is_room => local(&shown.address),
            _ => None,
        }
    }

    /// Another account that goes by this name, in its address or in a room.
    fn called(&self, id: Option<AccountId>, name: &str) -> Option<&Address> {
        let wanted = name.trim().to_lowercase();
        let others = self.accounts.values().map(|account| &account.shown.address);
        let mut others = others.filter(|other| id.is_none_or(|id| !self.is_of(id, other)));
        let bears = |address: &&Address| {
            let address = address.as_str().to_lowercase();
            address.split_once('@').is_some_and(|(local, _)| local == wanted)
        };
        others.find(bears).or_else(|| self.called_in_a_room(id, name))
    }

    /// Another account that goes by this name in a room.
    fn called_in_a_room(&self, id: Option<AccountId>, name: &str) -> Option<&Address> {
        let wanted = name.trim().to_lowercase();
        let mut others = self.rooms.chosen().filter(|room| Some(room.account) != id);
        let room = others.find(|room| room.nick.to_lowercase() == wanted)?;
        let other = self.accounts.get(&room.account);
        other.map(|other| &other.shown.address)
    }

    fn is_of(&self, id: AccountId, address: &Address) -> bool {
        let account = self.accounts.get(&id);
        account.is_some_and(|account| account.shown.address == *address)
    }
}

/// Whether an address is one of mixed scripts, or looks like another one that is known.
fn looks_like_another(address: &Address, known: &Names) -> bool {
    writing::is_mixed(address.as_str()) || known.resembled(address.as_str()).is_some()
}
