//! IRC networks that people use over Tor, and what a network says of somebody.
//! Texts of a network are plain text; whoever shows them must show them as such.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Address, Problem};

/// The networks, in the order of the alphabet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Networks {
    /// Each of them.
    pub networks: Vec<NetworkHelp>,
}

/// One network, and how to get in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NetworkHelp {
    /// Its name, which is also what follows the `@` in an account's address.
    pub name: String,
    /// Whether it lets in people over Tor only at its onion address.
    pub onion_only: bool,
    /// Whether it lets in over Tor only people who have an account and log in by certificate or key.
    pub certificate_or_key: bool,
    /// What to do, in order, each with a code for the words of a language; empty: just connect.
    pub steps: Vec<Problem>,
    /// Where this was read.
    pub source: String,
    /// When it was read: `YYYY-MM-DD`.
    pub date: String,
}

/// What a network says of somebody. Nothing of it is proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Known {
    /// Who.
    pub contact: Address,
    /// `user@host`.
    #[serde(default)]
    pub address: Option<String>,
    /// What they call themselves.
    #[serde(default)]
    pub real_name: Option<String>,
    /// The server that they are on.
    #[serde(default)]
    pub server: Option<String>,
    /// Their account at the network's services.
    #[serde(default)]
    pub account: Option<String>,
    /// The rooms that the network shows: at most 100.
    pub rooms: Vec<String>,
    /// They say that they are away.
    pub away: bool,
    /// They say that they are a machine.
    pub bot: bool,
    /// They are connected by TLS.
    pub secure: bool,
    /// They watch over the network.
    pub operator: bool,
}
