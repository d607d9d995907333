//! IRC networks as people are told of them, and what a network says of somebody.
//! It must never ask about anybody by itself: whoever is asked about may be told. Door 1: `account.networks`, `contact.whois`.

use irc::presets::{LoginRule, NETWORKS, Network, Policy};
use model::{AccountId, Address, ContactRef, Known, NetworkHelp, Networks, Problem, Protocol};
use serde_json::Value;

use super::accounts::busy;
use super::people::no_such_account;
use super::{Messenger, Outcome, locked, network, to_value};
use crate::link::Wish;

/// People that networks were asked about and that wait for an answer.
const MAX_ASKED: usize = 8;

/// What each step of a network is called over door 1, in the order of the steps.
const STEPS: [(&str, &[&str]); 3] = [
    (
        "hackint",
        &["account.step_hackint_hashcash", "account.step_hackint_account"],
    ),
    (
        "Libera.Chat",
        &[
            "account.step_libera_elsewhere",
            "account.step_libera_tell",
            "account.step_libera_connect",
        ],
    ),
    ("OFTC", &["account.step_oftc_closed"]),
];

/// The networks that are known.
pub(super) fn list() -> Networks {
    let networks = NETWORKS.iter().map(help).collect();
    Networks { networks }
}

fn help(network: &Network) -> NetworkHelp {
    let codes = STEPS.iter().find(|(name, _)| *name == network.name);
    let codes = codes.map_or(&[][..], |(_, codes)| codes);
    let steps = codes.iter().zip(network.steps);
    NetworkHelp {
        name: network.name.to_owned(),
        onion_only: network.policy == Policy::OnionOnly,
        certificate_or_key: network
            .addresses
            .iter()
            .all(|address| address.login == LoginRule::CertificateOrKey),
        steps: steps.map(|(code, text)| Problem::new(*code, *text)).collect(),
        source: network.source.to_owned(),
        date: network.date.to_owned(),
    }
}

impl Messenger {
    /// Answered when the network has answered.
    pub(super) fn ask_whois(&mut self, with: &ContactRef, id: Option<&Value>) -> Outcome {
        match self.begin_asking_about(with, id) {
            Ok(()) => Outcome::Later,
            Err(problem) => Outcome::Now(Err(problem)),
        }
    }

    fn begin_asking_about(&mut self, with: &ContactRef, id: Option<&Value>) -> Result<(), Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        let owner = open.accounts.get(&with.account).ok_or_else(no_such_account)?;
        if owner.shown.protocol != Protocol::Irc {
            let text = "This cannot be done from here on this network.";
            return Err(Problem::new("account.not_on_this_network", text));
        }
        if !owner.online {
            return Err(offline());
        }
        let who = network::contact_address(Protocol::Irc, &owner.shown.address, &with.contact)?;
        let key = (with.account, who.clone());
        if open.curious.len() >= MAX_ASKED || open.curious.contains_key(&key) {
            return Err(busy());
        }
        open.curious.insert(key, id.cloned());
        self.wish(with.account, &who, Wish::Ask);
        Ok(())
    }

    /// What a network says of somebody who was asked about.
    pub(super) fn on_known(&mut self, account: AccountId, who: &Address, known: Result<Box<Known>, Problem>) {
        let Some(open) = &mut self.open else { return };
        if let Some(Some(id)) = open.curious.remove(&(account, who.clone())) {
            self.answer(Some(&id), known.and_then(|known| to_value(&*known)));
        }
    }

    /// The connection is gone: nobody answers any more.
    pub(super) fn nothing_known(&mut self, account: AccountId) {
        let Some(open) = &mut self.open else { return };
        let waiting = open.curious.keys().filter(|(owner, _)| *owner == account);
        let waiting: Vec<_> = waiting.map(|(_, who)| who.clone()).collect();
        for who in waiting {
            self.on_known(account, &who, Err(offline()));
        }
    }
}

fn offline() -> Problem {
    let text = "The account is not connected: connect it first.";
    Problem::new("account.not_connected", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_of_every_network_has_a_name_of_its_own() {
        for (network, help) in NETWORKS.iter().zip(list().networks) {
            assert_eq!(help.steps.len(), network.steps.len(), "{}", network.name);
            let texts = help.steps.iter().map(|step| step.text.as_str());
            assert!(texts.eq(network.steps.iter().copied()));
        }
        let codes = STEPS.iter().flat_map(|(_, codes)| codes.iter());
        let unique: std::collections::BTreeSet<_> = codes.clone().collect();
        assert_eq!(unique.len(), codes.count());
    }
}
