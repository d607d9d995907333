//! What the owner set, and what a window wants kept between two starts.
//! All of it lies in the sealed profile, never beside it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ServicesLogin;
use crate::secret::Secret;
use crate::{AccountId, Address, Server};

/// The longest state that a window can keep, in bytes.
pub const MAX_WINDOW_STATE_BYTES: usize = 64 * 1024;

/// A window's own state: the engine keeps it and does not read it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowState {
    /// At most [`MAX_WINDOW_STATE_BYTES`]; empty where nothing was kept yet.
    pub state: String,
}

/// A text that was begun and not sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetDraft {
    /// The account.
    pub account: AccountId,
    /// The contact.
    pub contact: Address,
    /// The text; empty: none.
    pub text: String,
}

/// Another name for a contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameContact {
    /// The account.
    pub account: AccountId,
    /// The contact.
    pub contact: Address,
    /// The name; absent: none. It stays in the profile and is not told to the server.
    #[serde(default)]
    pub name: Option<String>,
}

/// Another way to an account that exists. What is absent stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeAccount {
    /// The account.
    pub account: AccountId,
    /// Another password to log in with. The password on the server stays.
    #[serde(default)]
    pub password: Option<Secret>,
    /// Another server, or none: found from the address.
    #[serde(default)]
    pub server: Option<ChosenServer>,
    /// Another way to log in to the services of an IRC network; on XMPP `password`, or `certificate` where the server has
    /// taken one.
    #[serde(default)]
    pub login: Option<ServicesLogin>,
    /// Other pins, as in `account.add`.
    #[serde(default)]
    pub pins: Option<Vec<String>>,
}

/// A server's key that the owner accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustServer {
    /// The account.
    pub account: AccountId,
    /// SHA-256 of the public key in hexadecimal digits, as the problem told it.
    pub key: String,
}

/// Who is asked where an account's server is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountResolvers {
    /// The account.
    pub account: AccountId,
    /// Name servers that speak DNS over TLS: `name` or `name@address`, each with `:port` behind it where it is not 853.
    /// At most 8. Empty: none is asked. Absent: they stay as they are.
    #[serde(default)]
    pub resolvers: Option<Vec<String>>,
}

/// The name servers that are asked where an account's server is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resolvers {
    /// Each as `name@host:port`.
    pub resolvers: Vec<String>,
}

/// The server of an account: chosen, or found from its address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum ChosenServer {
    /// Chosen by the owner.
    Chosen {
        /// Which.
        server: Server,
    },
    /// Found from the address.
    Found,
}

/// Asks for something that destroys data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wipe {
    /// Has to be `true`: the owner was told what is lost.
    #[serde(default)]
    pub understood: bool,
}

/// A passphrase that destroys the profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetDestroying {
    /// The passphrase that opens the profile.
    pub passphrase: Secret,
    /// The one that destroys it; absent: none does.
    #[serde(default)]
    pub destroying: Option<Secret>,
    /// Has to be `true` where one is set: the owner was told what it does and what it cannot do.
    #[serde(default)]
    pub understood: bool,
}

/// A higher cost of guessing the passphrase: neither number may be lower than it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RaiseCost {
    /// The passphrase of the profile.
    pub passphrase: Secret,
    /// Memory that one guess takes, in MiB: 19 to 1,024. The machine needs it each time the profile is opened.
    pub memory_mib: u32,
    /// How often that memory is gone through: 2 to 16.
    pub passes: u32,
}

/// What guessing one passphrase costs: Argon2id (RFC 9106), and opening the profile once costs the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GuessingCost {
    /// Memory in MiB.
    pub memory_mib: u32,
    /// How often that memory is gone through.
    pub passes: u32,
    /// How many parts of it could be filled at the same time.
    pub lanes: u32,
}

/// A backup that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupSaved {
    /// Its name in the profile's folder.
    pub file: String,
    /// Its length in bytes.
    pub bytes: u64,
}

/// What somebody whom the owner did not accept tried, and got no answer to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Probe {
    /// The account that was asked.
    pub account: AccountId,
    /// Who tried: the sender's address as the server told it.
    pub from: String,
    /// What: `message`, `otr_query`, `subscription`, `version`, `time`, `last_activity`, `ping`,
    /// `discovery`, `invitation`, `ctcp`, or `other`.
    pub kind: String,
    /// How often.
    pub count: u64,
    /// When last, in milliseconds since 1970-01-01 UTC by this machine's clock.
    pub last_at: u64,
}

/// The refused probes of this run, newest first: at most 1,000.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Probes {
    /// One line for each sender and kind.
    pub probes: Vec<Probe>,
}

/// One kind of thing that the profile holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoredItem {
    /// `accounts`, `keys`, `contacts`, `fingerprints`, `queued_messages`, `drafts`,
    /// `rooms`, `window`, `history`, `tor`.
    pub what: String,
    /// How many.
    pub count: u64,
    /// About how large, in bytes, before sealing and padding.
    pub bytes: u64,
}

/// What the profile holds, and how large it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stored {
    /// Kind by kind.
    pub items: Vec<StoredItem>,
    /// Bytes on the disk, all files together.
    pub on_disk: u64,
}
