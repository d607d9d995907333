//! Accounts and how they are doing.
//! No passwords: those go down with a command and never come up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AccountId, Address, Policy, Problem, Visibility};

/// One account of the owner of the profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// Its network.
    #[serde(default)]
    pub protocol: Protocol,
    /// Its address; on IRC `nick@network`.
    pub address: Address,
    /// How it is doing.
    pub state: AccountState,
    /// Whether it connects by itself when the profile is unlocked.
    pub connect: bool,
    /// Fingerprint of its own OTR key: 40 hexadecimal digits in five groups.
    pub fingerprint: String,
    /// The server that the owner chose, if not found from the address.
    pub server: Option<Server>,
    /// What may cross the network without OTR, for contacts without a policy of their own.
    #[serde(default)]
    pub policy: Policy,
    /// When it says that it is there.
    #[serde(default)]
    pub visibility: Visibility,
    /// What became of its server: `server.onion` (it proved that an onion service is its own, which is used first from
    /// now on), or, where it could not be reached on three days in a row, `server.gone`, `server.refuses` or
    /// `server.silent`. `about` holds the onion service, or since when in days since 1970-01-01 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_story: Option<Problem>,
}

/// The network of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// IRC (RFC 2812, IRCv3).
    Irc,
    /// XMPP (RFC 6120).
    #[default]
    Xmpp,
}

/// How an IRC account proves to the services of its network who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServicesLogin {
    /// By the password of the server itself (PASS), which a bouncer or a closed server asks for, such as
    /// `name/network:password` for znc. Never without TLS.
    Bouncer,
    /// By a certificate that the program made (EXTERNAL).
    Certificate,
    /// By a key that the program made (ECDSA-NIST256P-CHALLENGE).
    Key,
    /// By its password, told to NickServ once it is in: for networks without SASL. Never without TLS.
    NickServ,
    /// Not at all: it has no account there.
    None,
    /// By its password.
    Password,
}

/// What the services of an IRC network have to be told to know an account again. Nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoginKeys {
    /// How the account logs in.
    pub login: ServicesLogin,
    /// SHA-256 of its certificate: 64 hexadecimal digits.
    pub certificate_sha256: String,
    /// SHA-512 of its certificate: 128 hexadecimal digits.
    pub certificate_sha512: String,
    /// Its public key on the curve P-256, compressed and in Base64.
    pub public_key: String,
}

/// How an account is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum AccountState {
    /// On its way to the server.
    Connecting {
        /// What it is doing.
        step: LoginStep,
    },
    /// It cannot connect and does not try again by itself: the owner has to do something.
    Failed {
        /// Why, and what can be done.
        problem: Problem,
    },
    /// Not connected, because the owner wants it so.
    Offline,
    /// Connected.
    Online,
    /// The gate died and is being started again; the account connects as soon as it is back.
    TorIsRestarting,
    /// The connection was lost; it tries again.
    WaitingToReconnect {
        /// What ended the connection.
        problem: Problem,
        /// Seconds until the next attempt.
        seconds: u32,
    },
    /// Tor is not ready; the account connects as soon as it is.
    WaitingForTor,
}

/// What an account does while it connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoginStep {
    /// Proves who both sides are, and fetches the contact list.
    Login,
    /// Asks Tor for a connection.
    Reach,
    /// Sets up TLS.
    Secure,
}

/// A server chosen by the owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Host name, address or `.onion`.
    pub host: String,
    /// TCP port; the usual one of the transport when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub transport: Transport,
}

/// How the connection to a server is protected below OTR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// Direct TLS (XEP-0368).
    #[default]
    DirectTls,
    /// No TLS: only to a `.onion`, which authenticates and encrypts by itself.
    PlainOverOnion,
    /// STARTTLS, refused if the server does not offer it (RFC 6120 section 5).
    StartTls,
}
