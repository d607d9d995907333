//! Gateways into other networks: what the server offers, whether the owner has an account there, how it is doing.
//! A gateway's operator can read what goes through it unless OTR is on. XEP-0100.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::form::Answers;
use crate::{AccountId, AccountState, Address, Form, Problem};

/// A gateway, seen from one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gateway {
    /// The account that sees it.
    pub account: AccountId,
    /// Its address.
    pub address: Address,
    /// Its name: the words of others.
    pub name: Option<String>,
    /// The network that it leads into, such as `irc`: a word of others.
    pub network: String,
    /// Whether the owner has an account there.
    pub registered: bool,
    /// How that account is doing: only `offline`, `connecting` and `online`.
    pub state: AccountState,
    /// What the gateway itself said last: plain text of others, at most 1,000 characters.
    pub said: Option<String>,
    /// The label that stands beside everything that goes through it: `gateway.operator_reads`.
    pub label: Problem,
}

/// Asks which gateways there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListGateways {
    /// The account.
    pub account: AccountId,
    /// One that the server does not name: only this is asked what it is.
    #[serde(default)]
    pub at: Option<Address>,
}

/// Gateways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gateways {
    /// Those that the server names, and those where the owner has an account.
    pub gateways: Vec<Gateway>,
}

/// A gateway of one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatewayRef {
    /// The account.
    pub account: AccountId,
    /// The gateway's address.
    pub gateway: Address,
}

/// What has to be said to have an account at a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GatewayForm {
    /// Whether there is one already: the form changes it.
    pub registered: bool,
    /// What to fill in.
    pub form: Form,
}

/// Makes or changes an account at a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterGateway {
    /// The account.
    pub account: AccountId,
    /// The gateway's address.
    pub gateway: Address,
    /// What was filled in. The gateway's operator learns all of it, passwords too.
    pub answers: Answers,
}

/// What a gateway wants to be told to find somebody: the words of others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GatewayPrompt {
    /// What it explains.
    pub about: Option<String>,
    /// What it wants to be told, such as a number.
    pub wanted: Option<String>,
}

/// Asks what somebody of another network is called here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindAtGateway {
    /// The account.
    pub account: AccountId,
    /// The gateway's address.
    pub gateway: Address,
    /// What the network calls them.
    pub name: String,
}

/// What somebody is called here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FoundAtGateway {
    /// The address, for `contact.add`.
    pub contact: Address,
}

/// The people of a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GatewayContacts {
    /// Contacts, and those whom the gateway names.
    pub contacts: Vec<GatewayContact>,
}

/// Somebody at a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GatewayContact {
    /// The address.
    pub contact: Address,
    /// What the gateway or the owner calls them.
    pub name: Option<String>,
    /// Whether they are a contact: the others can be made one by `contact.add`.
    pub added: bool,
}
