//! Messages, conversations and how private they are.
//! Texts are plain text; whoever shows them must show them as such.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AccountId, Address, MessageId, Problem, Verification};

/// The longest text of one message in bytes of UTF-8. Longer ones are refused, never cut.
pub const MAX_TEXT_BYTES: usize = 100_000;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// Its name.
    pub id: MessageId,
    /// The account it belongs to.
    pub account: AccountId,
    /// The contact it was written to, or came from.
    pub contact: Address,
    /// Which way it went.
    pub direction: Direction,
    /// What it says.
    pub text: String,
    /// When it was written or came, in milliseconds since 1970-01-01 UTC by this machine's clock.
    pub at: u64,
    /// Whether it crossed, or will cross, the network under OTR.
    pub encrypted: bool,
    /// Fingerprint of the key that it was encrypted to or came from, where it was encrypted.
    pub fingerprint: Option<String>,
    /// Whether its text was corrected since it was written.
    #[serde(default)]
    pub corrected: bool,
    /// Whether a server or a bouncer kept it and handed it over late: it was written some time before it came. Told of
    /// messages that came in this run.
    #[serde(default)]
    pub earlier: bool,
    /// How far it came. For messages that came in: always [`Delivery::Received`].
    pub delivery: Delivery,
}

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the contact.
    In,
    /// From the owner.
    Out,
}

/// How far a message came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Delivery {
    /// It was not sent, or nobody knows whether it arrived; it will not be sent again by itself.
    NotSent {
        /// Why, and what can be done.
        problem: Problem,
    },
    /// The contact's program has it.
    Received,
    /// It is on its way: the server has it, or it will be sent again.
    Sent,
    /// It has not left this program.
    Waiting {
        /// What it waits for.
        wait: Wait,
    },
}

/// What a message waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// The account is not connected.
    Connection,
    /// The contact uses a key that was never accepted, or another one than the message was written for: the
    /// owner has to accept it, once more where it was accepted before.
    NewKey,
    /// No private conversation stands: it is being started, or, where the contact ended the last one
    /// ([`Privacy::Finished`]), waits for the owner to start one.
    Privacy,
    /// The next stroke of the slow clock by which the owner's shield lets messages go.
    Shield,
}

/// How private a conversation is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Privacy {
    /// The contact ended the private conversation: nothing is sent until the owner starts a new one.
    Finished,
    /// No private conversation. With OTR required nothing is sent.
    #[default]
    Plain,
    /// A private conversation stands.
    Private {
        /// Fingerprint of the contact's key: 40 hexadecimal digits in five groups.
        fingerprint: String,
        /// Whether the owner checked that the key is the contact's.
        verified: bool,
    },
    /// A private conversation is being started.
    Starting,
}

/// A conversation with one contact, as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Conversation {
    /// The owner's account.
    pub account: AccountId,
    /// The contact.
    pub contact: Address,
    /// How private it is.
    pub privacy: Privacy,
    /// How far the verification of the contact's key is.
    #[serde(default)]
    pub verification: Verification,
    /// What was begun and not sent; empty: nothing.
    #[serde(default)]
    pub draft: String,
    /// The messages kept in memory, oldest first: at most the last 1,000.
    pub messages: Vec<Message>,
    /// Place before which older kept messages are, for `history.read`; absent: none are kept before these.
    #[serde(default)]
    pub before: Option<u32>,
}
