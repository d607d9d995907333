//! Kept messages, and messages that are corrected.
//! Nothing is kept unless the owner switched it on for that conversation; what is kept lies in the sealed profile only.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AccountId, Address, Message, MessageId};

/// Switches the keeping of messages of one conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeepMessages {
    /// The account.
    pub account: AccountId,
    /// The contact.
    pub contact: Address,
    /// Whether messages are kept from now on. Switched off, what was kept is destroyed.
    pub keep: bool,
}

/// Asks for kept messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadKept {
    /// The account.
    pub account: AccountId,
    /// The contact.
    pub contact: Address,
    /// Words to look for; absent: every message.
    #[serde(default)]
    pub words: Option<String>,
    /// Place before which to read, as a page before told it; absent: from the end.
    #[serde(default)]
    pub before: Option<u32>,
    /// How many, 1 to 200; absent: 100.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Kept messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Kept {
    /// Oldest first.
    pub messages: Vec<Message>,
    /// Place before which the next page is; absent: there is nothing before.
    #[serde(default)]
    pub before: Option<u32>,
}

/// Corrects a message that the owner sent: the last one to this contact only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectMessage {
    /// The account.
    pub account: AccountId,
    /// The contact.
    pub contact: Address,
    /// Which.
    pub message: MessageId,
    /// What it shall say.
    pub text: String,
}
