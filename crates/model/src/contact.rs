//! Contacts: people that an account may talk with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AccountId, Address, Policy};

/// One person, seen from one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Contact {
    /// The account that sees the person.
    pub account: AccountId,
    /// The person's address.
    pub address: Address,
    /// The name that the owner gave, if any.
    pub name: Option<String>,
    /// Whether the person is there.
    pub presence: Presence,
    /// Who may see whose presence.
    pub subscription: Subscription,
    /// Whether the owner accepted the person: nobody else gets any answer from this program.
    pub accepted: bool,
    /// Whether the person asks to be a contact and waits for an answer.
    pub asks: bool,
    /// What a person who asks wrote first: plain text, at most 1,000 characters, never answered.
    #[serde(default)]
    pub first_words: Option<String>,
    /// Whether everything from the person is refused.
    #[serde(default)]
    pub blocked: bool,
    /// What may cross the network without OTR; absent: the account's policy.
    #[serde(default)]
    pub policy: Option<Policy>,
    /// Whether OTR version 2 is spoken where the person's program cannot speak version 3.
    #[serde(default)]
    pub version_2: bool,
    /// Whether the messages with this person are kept in the sealed profile.
    #[serde(default)]
    pub kept: bool,
    /// The gateway that the person is reached through: its operator can read what is not under OTR.
    #[serde(default)]
    pub gateway: Option<Address>,
    /// The OTR keys seen from this person.
    pub fingerprints: Vec<KnownFingerprint>,
}

/// Whether a contact is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Said to be away, or nothing is known.
    #[default]
    Offline,
    /// At least one program of the contact is connected.
    Online,
}

/// Who may see whose presence (RFC 6121 section 2.1.2.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Subscription {
    /// Both see each other.
    Both,
    /// The contact sees the owner.
    From,
    /// Neither sees the other.
    #[default]
    None,
    /// The owner asked and waits for an answer.
    Pending,
    /// The owner sees the contact.
    To,
}

/// An OTR key that a contact used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KnownFingerprint {
    /// 40 hexadecimal digits in five groups.
    pub fingerprint: String,
    /// Whether messages go to this key. The first key of a contact is accepted when it is first
    /// seen; every later one waits for the owner.
    pub accepted: bool,
    /// Whether the owner checked that it is the contact's.
    pub verified: bool,
}
