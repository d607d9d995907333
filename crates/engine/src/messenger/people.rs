//! Contacts: who was accepted, who asks, who is there, and what comes from them.
//! Whoever was not accepted is remembered as asking and gets no answer, not even an error.

use std::collections::BTreeSet;

use jid::BareJid;
use model::{AccountId, AddContact, Address, Contact, Event, Policy, Presence, Problem, Subscription};

use super::effects::no_such_contact;
use super::history::Keeping;
use super::{Messenger, locked, network, profile};
use crate::conversation::{Conversation, Rules};
use crate::link::{Order, Wish};

/// Strangers that are remembered for one account: more ask in vain.
pub(super) const MAX_STRANGERS: usize = 200;

/// One person, seen from one account.
pub(super) struct Person {
    pub(super) account: AccountId,
    pub(super) address: Address,
    pub(super) name: Option<String>,
    pub(super) accepted: bool,
    pub(super) asks: bool,
    /// What a person who asks wrote first.
    pub(super) first_words: Option<String>,
    pub(super) blocked: bool,
    /// The owner's policy for the person; none: the account's.
    pub(super) policy: Option<Policy>,
    pub(super) version_2: bool,
    /// A text that was begun and not sent.
    pub(super) draft: String,
    pub(super) subscription: Subscription,
    pub(super) in_roster: bool,
    /// Programs of the person that are there.
    present: BTreeSet<String>,
    /// Programs of the person that were ever there in this run.
    met: BTreeSet<String>,
    /// The program that the last OTR message came from.
    last: Option<String>,
    /// The gateway that the person is behind.
    pub(super) gateway: Option<Address>,
    /// There where the owner has the messages kept.
    pub(super) keeping: Option<Keeping>,
    pub(super) conversation: Conversation,
}

impl Person {
    pub(super) fn new(account: AccountId, address: Address, conversation: Conversation) -> Self {
        Self {
            account,
            address,
            name: None,
            accepted: false,
            asks: false,
            first_words: None,
            blocked: false,
            policy: None,
            version_2: false,
            draft: String::new(),
            subscription: Subscription::None,
            in_roster: false,
            present: BTreeSet::new(),
            met: BTreeSet::new(),
            last: None,
            gateway: None,
            keeping: None,
            conversation,
        }
    }

    pub(super) fn shown(&self) -> Contact {
        Contact {
            account: self.account,
            address: self.address.clone(),
            name: self.name.clone(),
            presence: if self.present.is_empty() {
                Presence::Offline
            } else {
                Presence::Online
            },
            subscription: self.subscription,
            accepted: self.accepted,
            asks: self.asks,
            first_words: self.first_words.clone(),
            blocked: self.blocked,
            policy: self.policy,
            version_2: self.version_2,
            kept: self.keeping.is_some(),
            gateway: self.gateway.clone(),
            fingerprints: self.conversation.keys().to_vec(),
        }
    }

    /// The conversation for the door.
    pub(super) fn show_conversation(&self) -> model::Conversation {
        model::Conversation {
            draft: self.draft.clone(),
            before: self
                .keeping
                .as_ref()
                .and_then(|keeping| keeping.before(&self.conversation)),
            ..self.conversation.show()
        }
    }

    /// What the owner allows with this person.
    pub(super) fn rules(&self, of_account: Policy) -> Rules {
        rules(of_account, self.policy, self.version_2)
    }

    pub(super) fn check_not_blocked(&self) -> Result<(), Problem> {
        if self.blocked {
            let text = "You blocked this contact: nothing is sent to it, and nothing taken from it. Unblock it first.";
            return Err(Problem::new("contact.blocked", text));
        }
        Ok(())
    }

    /// Where to send: the program that the private conversation is with, while it is there.
    pub(super) fn answer_to(&self) -> Option<&str> {
        let last = self.last.as_deref();
        last.filter(|last| self.present.is_empty() || self.present.contains(*last))
    }

    /// The account's connection is new: who is there will be told again.
    pub(super) fn forget_presence(&mut self) {
        self.present.clear();
    }
}

impl Messenger {
    pub(super) fn add_contact(&mut self, with: AddContact) -> Result<(), Problem> {
        let contact = self.spelt(with.account, &with.contact)?;
        let person = self.person(with.account, &contact)?;
        person.check_not_blocked()?;
        person.accepted = true;
        person.asks = false;
        person.first_words = None;
        person.name = with.name.or_else(|| person.name.take());
        self.keep_new_person(with.account, &contact)?;
        match with.invitation {
            Some(token) => self.befriend_invited(with.account, &contact, &token),
            None => self.wish(with.account, &contact, Wish::Befriend),
        }
        self.warn_of_links(with.account, &contact);
        self.welcome(with.account, &contact);
        Ok(())
    }

    pub(super) fn accept_contact(&mut self, account: AccountId, contact: &Address) -> Result<(), Problem> {
        let person = self.known(account, contact)?;
        person.check_not_blocked()?;
        person.accepted = true;
        person.asks = false;
        person.first_words = None;
        self.keep_new_person(account, contact)?;
        self.wish(account, contact, Wish::Approve);
        self.wish(account, contact, Wish::Befriend);
        self.warn_of_links(account, contact);
        self.welcome(account, contact);
        Ok(())
    }

    pub(super) fn refuse_contact(&mut self, account: AccountId, contact: &Address) -> Result<(), Problem> {
        self.known(account, contact)?;
        self.wish(account, contact, Wish::Refuse);
        self.forget(account, contact)
    }

    pub(super) fn remove_contact(&mut self, account: AccountId, contact: &Address) -> Result<(), Problem> {
        self.known(account, contact)?;
        let _ = self.converse(account, contact, |conversation, context| {
            conversation.end(context);
        });
        self.wish(account, contact, Wish::Drop);
        self.forget(account, contact)
    }

    pub(super) fn tell_contact(&self, account: AccountId, contact: &Address) {
        let person = self
            .open
            .as_ref()
            .and_then(|open| open.people.get(&(account, contact.clone())));
        if let Some(person) = person {
            self.queue.tell(Event::ContactChanged {
                contact: person.shown(),
            });
        }
    }

    /// The whole contact list of the server. Whoever is on it was put there by the owner.
    pub(super) fn on_roster(&mut self, account: AccountId, items: Vec<xmpp::RosterItem>) {
        for item in items {
            self.on_roster_item(account, &item);
        }
        self.complete_roster(account);
        self.show_anew(account);
    }

    pub(super) fn on_roster_item(&mut self, account: AccountId, item: &xmpp::RosterItem) {
        let Ok(address) = item.jid.as_str().parse::<Address>() else {
            return;
        };
        if self.is_gateway(account, &address) {
            return;
        }
        if item.subscription == xmpp::Subscription::Removed {
            if let Ok(person) = self.known(account, &address) {
                if person.keeping.is_some() {
                    // No server has kept messages destroyed: the contact stays until its owner removes it.
                    person.in_roster = false;
                    person.subscription = Subscription::None;
                    return self.tell_contact(account, &address);
                }
                // Where it cannot be kept the next roster says the same.
                let _ = self.forget(account, &address);
            }
            return;
        }
        let Ok(person) = self.person(account, &address) else {
            return;
        };
        let fresh = !person.accepted;
        person.accepted = true;
        person.in_roster = true;
        person.subscription = subscription(item);
        if fresh {
            let _ = self.keep_new_person(account, &address);
            self.welcome(account, &address);
        } else {
            self.tell_contact(account, &address);
        }
    }

    pub(super) fn on_subscription_request(&mut self, account: AccountId, from: &BareJid) {
        let Ok(address) = from.as_str().parse::<Address>() else {
            return;
        };
        if self.gateway_asks(account, &address) {
            return;
        }
        match self.known(account, &address) {
            Ok(person) if person.blocked => {}
            Ok(person) if person.accepted => self.wish(account, &address, Wish::Approve),
            _ => self.on_stranger_request(account, &address),
        }
    }

    /// A program of somebody came or went; on networks that know none, the person.
    pub(super) fn on_presence(
        &mut self,
        account: AccountId,
        address: &Address,
        resource: String,
        available: bool,
    ) {
        if self.gateway_presence(account, address, available) {
            return;
        }
        let Ok(person) = self.known(account, address) else {
            return;
        };
        let mut anew = false;
        if available {
            anew = person.met.len() < 64 && person.met.insert(resource.clone());
            if person.present.len() < 64 {
                person.present.insert(resource);
            }
        } else {
            person.met.remove(&resource);
            person.present.remove(&resource);
        }
        let there = !person.present.is_empty();
        self.tell_contact(account, address);
        let _ = self.converse(account, address, |conversation, context| {
            conversation.presence(there, anew, context);
        });
    }

    /// While an account does not say that it is there, the server does not tell it who else is: whoever writes now is.
    fn notice_presence(&mut self, account: AccountId, address: &Address, program: Option<&str>, late: bool) {
        let program = program.unwrap_or_default();
        let known = self.known(account, address);
        let there = known.is_ok_and(|person| person.present.contains(program));
        if !late && !there && !self.is_shown_to_everybody(account) {
            self.on_presence(account, address, program.to_owned(), true);
        }
    }

    pub(super) fn on_message(
        &mut self,
        account: AccountId,
        address: &Address,
        program: Option<&str>,
        (body, late): (&str, bool),
    ) {
        if self.gateway_said(account, address, body) {
            return;
        }
        match self.known(account, address) {
            Ok(person) if person.blocked => {}
            Ok(person) if person.accepted => {
                if body.starts_with("?OTR") && !late {
                    person.last = program.map(str::to_owned);
                }
                self.notice_presence(account, address, program, late);
                let _ = self.converse(account, address, |conversation, context| {
                    conversation.receive(body, late, context);
                });
            }
            _ => self.on_stranger_message(account, address, body),
        }
    }

    /// Tells a conversation how things stand, now that its contact was accepted.
    pub(super) fn welcome(&mut self, account: AccountId, contact: &Address) {
        let online = self
            .open
            .as_ref()
            .is_some_and(|open| open.accounts.get(&account).is_some_and(|a| a.online));
        let there = self
            .known(account, contact)
            .is_ok_and(|person| !person.present.is_empty());
        let _ = self.converse(account, contact, |conversation, context| {
            conversation.connected(online, false, context);
            conversation.presence(there, false, context);
        });
        self.tell_contact(account, contact);
    }

    /// Contacts that were added while there was no connection.
    pub(super) fn complete_roster(&mut self, account: AccountId) {
        let Some(open) = &self.open else { return };
        let missing: Vec<Address> = open
            .people
            .values()
            .filter(|person| person.account == account && person.accepted && !person.in_roster)
            .map(|person| person.address.clone())
            .collect();
        for contact in missing {
            self.wish(account, &contact, Wish::Befriend);
        }
    }

    /// A contact's address as the account's network knows it.
    pub(super) fn spelt(&self, account: AccountId, contact: &Address) -> Result<Address, Problem> {
        let open = self.open.as_ref().ok_or_else(locked)?;
        let owner = open.accounts.get(&account).ok_or_else(no_such_account)?;
        network::contact_address(owner.shown.protocol, &owner.shown.address, contact)
    }

    /// The person, known or new.
    pub(super) fn person(&mut self, account: AccountId, address: &Address) -> Result<&mut Person, Problem> {
        self.spelt(account, address)?;
        let open = self.open.as_mut().ok_or_else(locked)?;
        let owner = open.accounts.get(&account).ok_or_else(no_such_account)?;
        let key = (account, address.clone());
        let gateway = open.gateway_of(account, address);
        let fresh = || Person {
            gateway,
            ..Person::new(
                account,
                address.clone(),
                owner.conversation(
                    address.clone(),
                    Vec::new(),
                    rules(owner.shown.policy, None, false),
                ),
            )
        };
        Ok(open.people.entry(key).or_insert_with(fresh))
    }

    pub(super) fn known(&mut self, account: AccountId, address: &Address) -> Result<&mut Person, Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        open.people
            .get_mut(&(account, address.clone()))
            .ok_or_else(no_such_contact)
    }

    pub(super) fn keep_new_person(&mut self, account: AccountId, address: &Address) -> Result<(), Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        let Some(person) = open.people.get(&(account, address.clone())) else {
            return Err(no_such_contact());
        };
        open.vault
            .change(|kept| profile::keep_person(kept, person))
            .map_err(|error| profile::told(&error))
    }

    pub(super) fn forget(&mut self, account: AccountId, contact: &Address) -> Result<(), Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        let person = open.people.get(&(account, contact.clone()));
        let blocked = person.is_some_and(|person| person.blocked);
        if person.is_some_and(|person| person.keeping.is_some()) {
            self.destroy_kept(account, contact)?;
        }
        let open = self.open.as_mut().ok_or_else(locked)?;
        if blocked {
            return self.forget_all_but_block(account, contact);
        }
        open.vault
            .change_for_good(|kept| profile::forget_person(kept, account, contact))
            .map_err(|error| profile::told(&error))?;
        open.people.remove(&(account, contact.clone()));
        self.queue.tell(Event::ContactRemoved {
            account,
            contact: contact.clone(),
        });
        Ok(())
    }

    /// A block outlives everything else that is known of a person.
    fn forget_all_but_block(&mut self, account: AccountId, contact: &Address) -> Result<(), Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        open.people.remove(&(account, contact.clone()));
        self.person(account, contact)?.blocked = true;
        self.keep_new_person(account, contact)?;
        self.tell_contact(account, contact);
        Ok(())
    }

    /// Gives an account's link an order; without a connection it is of no use and goes nowhere.
    pub(super) fn order(&self, account: AccountId, command: xmpp::Command) {
        if let Some(owner) = self.open.as_ref().and_then(|open| open.accounts.get(&account)) {
            if owner.online {
                self.seen_order(account, &command);
            }
            let _ = owner.orders.try_send(Order::Xmpp(command));
        }
    }
}

pub(super) fn no_such_account() -> Problem {
    Problem::new("account.unknown", "There is no such account in this profile.")
}

/// What the owner allows with a person.
pub(super) fn rules(of_account: Policy, of_person: Option<Policy>, version_2: bool) -> Rules {
    Rules {
        policy: of_person.unwrap_or(of_account),
        version_2,
    }
}

fn subscription(item: &xmpp::RosterItem) -> Subscription {
    match item.subscription {
        xmpp::Subscription::Both => Subscription::Both,
        xmpp::Subscription::From => Subscription::From,
        xmpp::Subscription::To => Subscription::To,
        _ if item.asked => Subscription::Pending,
        _ => Subscription::None,
    }
}
