//! Gateways: accounts of the owner's in other networks, behind a service that can read what is not under OTR.
//! It must never take a gateway's word for a person's, nor forget the label of what goes through one.
//! Door 1: `gateway.*`; XEP-0100, XEP-0144.

use std::collections::BTreeMap;

use jid::BareJid;
use model::{
    AccountId, AccountState, Address, Command, Event, FindAtGateway, Gateway, GatewayContact,
    GatewayContacts, GatewayForm, Gateways, ListGateways, LoginStep, Problem, RegisterGateway,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use xmpp::Query;

use super::people::no_such_account;
use super::services::{About, FormFor, bare, done, plain};
use super::{Messenger, Open, locked, profile, services, to_value};
use crate::link::Wish;
use crate::text;

/// Gateways of one account.
const MAX_GATEWAYS: usize = 30;
/// People that one gateway names and who are no contacts.
const MAX_NAMED: usize = 1_000;
/// What is shown of a gateway's words, in characters.
const MAX_SAID: usize = 1_000;

/// A gateway at which the owner has an account.
pub(super) struct Known {
    shown: Gateway,
    /// People that it named, and what it calls them.
    named: BTreeMap<Address, Option<String>>,
}

/// What the profile keeps of one.
#[derive(Serialize, Deserialize)]
struct Kept {
    address: Address,
    name: Option<String>,
    network: String,
}

impl Known {
    pub(super) fn shown(&self) -> Gateway {
        self.shown.clone()
    }
}

impl Open {
    /// The gateway that an address is behind.
    pub(super) fn gateway_of(&self, account: AccountId, address: &Address) -> Option<Address> {
        let (_, server) = address.as_str().rsplit_once('@')?;
        let gateway = server.parse::<Address>().ok()?;
        self.gateways
            .contains_key(&(account, gateway.clone()))
            .then_some(gateway)
    }
}

impl Messenger {
    /// Begins what is about gateways; answered when the gateway has answered.
    pub(super) fn gateway_command(&mut self, command: Command, id: Option<&Value>) -> Result<(), Problem> {
        match command {
            Command::ListGateways(ListGateways { account, at }) => {
                self.inquire(account, at.as_ref(), About::Gateways, id)
            }
            Command::ShowGatewayForm(with) => {
                let query = Query::RegistrationForm(self.gateway_at(with.account, &with.gateway)?);
                self.ask(with.account, query, About::RegistrationForm(with.gateway), id)
            }
            Command::RegisterGateway(with) => self.register_gateway(with, id),
            Command::UnregisterGateway(with) => {
                let query = Query::Unregister(self.gateway_at(with.account, &with.gateway)?);
                self.ask(with.account, query, About::Unregistered(with.gateway), id)
            }
            Command::ShowGatewayPrompt(with) => {
                let query = Query::Prompt(self.gateway_at(with.account, &with.gateway)?);
                self.ask(with.account, query, About::Prompt, id)
            }
            Command::FindAtGateway(with) => self.find_at_gateway(with, id),
            _ => Err(Problem::new(
                "door.no_such_method",
                "This method is not carried out here.",
            )),
        }
    }

    /// A gateway's address: a service without a name. The account's own server is none: there the same requests would
    /// be about the account itself.
    fn gateway_at(&self, account: AccountId, gateway: &Address) -> Result<BareJid, Problem> {
        let at = bare(gateway)?;
        let open = self.open.as_ref().ok_or_else(locked)?;
        let owner = open.accounts.get(&account).ok_or_else(no_such_account)?;
        let own = BareJid::new(owner.shown.address.as_str());
        if at.node().is_some() || own.is_ok_and(|own| own.domain() == at.domain()) {
            let text = "This is no gateway: a gateway's address is that of a service, and not your server's.";
            return Err(Problem::new("gateway.none", text));
        }
        Ok(at)
    }

    fn register_gateway(&mut self, with: RegisterGateway, id: Option<&Value>) -> Result<(), Problem> {
        let at = self.gateway_at(with.account, &with.gateway)?;
        let open = self.open.as_ref().ok_or_else(locked)?;
        let count = open
            .gateways
            .keys()
            .filter(|(account, _)| *account == with.account)
            .count();
        if count >= MAX_GATEWAYS && !open.gateways.contains_key(&(with.account, with.gateway.clone())) {
            let text = format!("An account has at most {MAX_GATEWAYS} gateways: end one first.");
            return Err(Problem::new("gateway.too_many", text));
        }
        let form = (with.account, with.gateway.clone(), FormFor::Registration);
        let answers = self.filled(&form, &with.answers)?;
        let query = Query::Register { at, answers };
        self.ask(with.account, query, About::Registered(with.gateway), id)
    }

    fn find_at_gateway(&mut self, with: FindAtGateway, id: Option<&Value>) -> Result<(), Problem> {
        let gateway = self.gateway_at(with.account, &with.gateway)?;
        let name = with.name.trim().to_owned();
        if name.is_empty() || name.len() > Address::MAX_BYTES || name.contains('\0') {
            let text = "This is no name that anybody can have.";
            return Err(Problem::new("gateway.bad_name", text));
        }
        let about = About::Address {
            gateway: with.gateway,
            name: name.clone(),
        };
        self.ask(with.account, Query::AddressOf { gateway, name }, about, id)
    }

    /// Contacts at a gateway, and those whom it names.
    pub(super) fn list_gateway_contacts(
        &self,
        account: AccountId,
        gateway: &Address,
    ) -> Result<GatewayContacts, Problem> {
        let open = self.open.as_ref().ok_or_else(locked)?;
        open.accounts.get(&account).ok_or_else(no_such_account)?;
        let known = open.gateways.get(&(account, gateway.clone())).ok_or_else(|| {
            Problem::new(
                "gateway.unknown",
                "You have no account at this gateway: register first.",
            )
        })?;
        let mut contacts: BTreeMap<&Address, GatewayContact> = BTreeMap::new();
        for (address, name) in &known.named {
            let contact = GatewayContact {
                contact: address.clone(),
                name: name.clone(),
                added: false,
            };
            contacts.insert(address, contact);
        }
        for ((of, address), person) in &open.people {
            if *of == account
                && person.accepted
                && open.gateway_of(account, address).as_ref() == Some(gateway)
            {
                let named = known.named.get(address).cloned().flatten();
                let contact = GatewayContact {
                    contact: address.clone(),
                    name: person.name.clone().or(named),
                    added: true,
                };
                contacts.insert(address, contact);
            }
        }
        let contacts = contacts.into_values().collect();
        Ok(GatewayContacts { contacts })
    }

    /// What the server offers: those that are gateways, and those where the owner has an account already.
    pub(super) fn on_gateways(
        &mut self,
        account: AccountId,
        found: Vec<xmpp::Service>,
    ) -> Result<Value, Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        let mut gateways: BTreeMap<Address, Gateway> = BTreeMap::new();
        for service in &found {
            let Some(shown) = gateway(account, service) else {
                continue;
            };
            if let Some(known) = open.gateways.get_mut(&(account, shown.address.clone())) {
                known.shown.name = shown.name.or_else(|| known.shown.name.take());
                known.shown.network = shown.network;
            } else {
                gateways.insert(shown.address.clone(), shown);
            }
        }
        let known = open.gateways.iter().filter(|((of, _), _)| *of == account);
        let known = known.map(|((_, address), known)| (address.clone(), known.shown()));
        gateways.extend(known.collect::<Vec<_>>());
        let gateways = gateways.into_values().collect();
        to_value(&Gateways { gateways })
    }

    /// What the gateway wants to be told; and where it says that the owner has an account already, that is so.
    pub(super) fn on_registration_form(
        &mut self,
        (account, at): (AccountId, Address),
        form: xmpp::Form,
        registered: bool,
    ) -> Result<Value, Problem> {
        if registered && !self.is_gateway(account, &at) {
            self.on_registered(account, &at)?;
        }
        let shown = services::form(&form);
        let open = self.open.as_mut().ok_or_else(locked)?;
        open.asking.keep_form((account, at, FormFor::Registration), form);
        to_value(&GatewayForm {
            registered,
            form: shown,
        })
    }

    /// The owner has an account there from now on.
    pub(super) fn on_registered(&mut self, account: AccountId, address: &Address) -> Result<Value, Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        let key = (account, address.clone());
        let shown = Gateway {
            state: AccountState::Connecting {
                step: LoginStep::Login,
            },
            registered: true,
            ..unknown(account, address)
        };
        let known = Known {
            shown,
            named: BTreeMap::new(),
        };
        open.gateways.entry(key.clone()).or_insert(known);
        // It is no person, whatever it wrote before.
        if open.people.contains_key(&key) {
            let _ = self.forget(account, address);
        }
        let kept = self.keep_gateways(account);
        self.wish(account, address, Wish::Befriend);
        self.label_people(account);
        self.tell_gateway(account, address);
        kept.and_then(|()| done())
    }

    /// The owner has no account there any more.
    pub(super) fn on_unregistered(
        &mut self,
        account: AccountId,
        address: &Address,
    ) -> Result<Value, Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        if let Some(mut known) = open.gateways.remove(&(account, address.clone())) {
            known.shown.registered = false;
            known.shown.state = AccountState::Offline;
            self.queue.tell(Event::GatewayChanged { gateway: known.shown });
        }
        self.wish(account, address, Wish::Drop);
        let kept = self.keep_gateways(account);
        self.label_people(account);
        kept.and_then(|()| done())
    }

    /// A gateway came or went; `false`: this is none.
    pub(super) fn gateway_presence(&mut self, account: AccountId, from: &Address, available: bool) -> bool {
        let Some(known) = self.known_gateway(account, from) else {
            return false;
        };
        known.shown.state = match available {
            true => AccountState::Online,
            false => AccountState::Offline,
        };
        self.tell_gateway(account, from);
        true
    }

    /// A gateway said something about itself; `false`: this is none. Nothing of it reaches OTR.
    pub(super) fn gateway_said(&mut self, account: AccountId, from: &Address, words: &str) -> bool {
        let Some(known) = self.known_gateway(account, from) else {
            return false;
        };
        let words = text::plain(words);
        known.shown.said = Some(text::beginning(words.trim(), MAX_SAID)).filter(|words| !words.is_empty());
        self.tell_gateway(account, from);
        true
    }

    /// A gateway wants to see the owner's presence, as it has to (XEP-0100 4.1); `false`: this is none.
    pub(super) fn gateway_asks(&mut self, account: AccountId, from: &Address) -> bool {
        let known = self.known_gateway(account, from).is_some();
        if known {
            self.wish(account, from, Wish::Approve);
        }
        known
    }

    /// Whether this is a gateway at which the owner has an account, and no person.
    pub(super) fn is_gateway(&mut self, account: AccountId, address: &Address) -> bool {
        self.known_gateway(account, address).is_some()
    }

    /// A gateway names people of its own. A stranger's list is nothing.
    pub(super) fn on_suggested(
        &mut self,
        account: AccountId,
        gateway: &BareJid,
        suggestions: Vec<xmpp::Suggestion>,
    ) {
        let Ok(address) = gateway.as_str().parse::<Address>() else {
            return;
        };
        let Some(known) = self.known_gateway(account, &address) else {
            return;
        };
        for suggestion in suggestions {
            let Ok(person) = suggestion.jid.as_str().parse::<Address>() else {
                continue;
            };
            if !suggestion.add {
                known.named.remove(&person);
            } else if known.named.len() < MAX_NAMED || known.named.contains_key(&person) {
                known
                    .named
                    .insert(person, suggestion.name.map(|name| plain(&name)));
            }
        }
        self.tell_gateway(account, &address);
    }

    /// An account is no longer connected: nobody knows how its gateways are doing.
    pub(super) fn gateways_offline(&mut self, account: AccountId) {
        let Some(open) = &mut self.open else { return };
        let mut gone = Vec::new();
        for ((of, address), known) in &mut open.gateways {
            if *of == account && known.shown.state != AccountState::Offline {
                known.shown.state = AccountState::Offline;
                gone.push(address.clone());
            }
        }
        for address in gone {
            self.tell_gateway(account, &address);
        }
    }

    /// The gateways that the profile holds.
    pub(super) fn restore_gateways(&mut self) {
        let Some(open) = &mut self.open else { return };
        let accounts: Vec<AccountId> = open.accounts.keys().copied().collect();
        for account in &accounts {
            let kept = open.vault.profile().settings.get(&name(*account)).cloned();
            let kept: Option<Vec<Kept>> = kept.and_then(|value| serde_json::from_value(value).ok());
            for kept in kept.into_iter().flatten().take(MAX_GATEWAYS) {
                let shown = Gateway {
                    name: kept.name,
                    network: kept.network,
                    registered: true,
                    ..unknown(*account, &kept.address)
                };
                let named = BTreeMap::new();
                open.gateways
                    .insert((*account, kept.address), Known { shown, named });
            }
        }
        accounts
            .into_iter()
            .for_each(|account| self.label_people(account));
    }

    /// An account is gone, and its gateways with it.
    pub(super) fn forget_gateways(&mut self, account: AccountId) {
        let Some(open) = &mut self.open else { return };
        open.gateways.retain(|(of, _), _| *of != account);
        if open.vault.profile().settings.contains_key(&name(account)) {
            // The account is erased already.
            let _ = open
                .vault
                .change_for_good(|kept| _ = kept.settings.remove(&name(account)));
        }
    }

    fn known_gateway(&mut self, account: AccountId, address: &Address) -> Option<&mut Known> {
        let open = self.open.as_mut()?;
        open.gateways.get_mut(&(account, address.clone()))
    }

    fn keep_gateways(&mut self, account: AccountId) -> Result<(), Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        let known = open.gateways.iter().filter(|((of, _), _)| *of == account);
        let kept: Vec<Kept> = known
            .map(|((_, address), known)| Kept {
                address: address.clone(),
                name: known.shown.name.clone(),
                network: known.shown.network.clone(),
            })
            .collect();
        let value = to_value(&kept)?;
        open.vault
            .change(|profile| _ = profile.settings.insert(name(account), value))
            .map_err(|error| profile::told(&error))
    }

    /// Puts the label on everybody who is behind a gateway, and takes it from everybody else.
    fn label_people(&mut self, account: AccountId) {
        let Some(open) = &self.open else { return };
        let people = open.people.keys().filter(|(of, _)| *of == account);
        let labels = people.map(|(_, address)| (address.clone(), open.gateway_of(account, address)));
        let labels: Vec<(Address, Option<Address>)> = labels.collect();
        for (address, label) in labels {
            let Ok(person) = self.known(account, &address) else {
                continue;
            };
            if person.gateway != label {
                person.gateway = label;
                self.tell_contact(account, &address);
            }
        }
    }

    fn tell_gateway(&self, account: AccountId, address: &Address) {
        let Some(open) = &self.open else { return };
        if let Some(known) = open.gateways.get(&(account, address.clone())) {
            let gateway = known.shown();
            self.queue.tell(Event::GatewayChanged { gateway });
        }
    }
}

/// A service that leads into another network: one that says so, and biboumi, which calls itself rooms of IRC.
fn gateway(account: AccountId, service: &xmpp::Service) -> Option<Gateway> {
    let of_irc = service.is("conference").filter(|(kind, _)| *kind == "irc");
    let (network, called) = service.is("gateway").or(of_irc)?;
    let address = service.at.to_bare().as_str().parse().ok()?;
    Some(Gateway {
        name: called.map(plain),
        network: plain(network),
        ..unknown(account, &address)
    })
}

fn unknown(account: AccountId, address: &Address) -> Gateway {
    Gateway {
        account,
        address: address.clone(),
        name: None,
        network: String::new(),
        registered: false,
        state: AccountState::Offline,
        said: None,
        label: label(),
    }
}

/// What stands beside everything that goes through a gateway.
fn label() -> Problem {
    Problem::new(
        "gateway.operator_reads",
        "The gateway's operator can read this unless OTR is on.",
    )
}

fn name(account: AccountId) -> String {
    format!("gateways.{account}")
}
