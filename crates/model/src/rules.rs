//! The rules of an anonymous messenger: what the owner chose, what others can see, what a text gives away.
//! Everything is told as codes with arguments; the sentences are the window's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AccountId, Address};

/// What the owner chose for the whole profile. Kept in the sealed profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Lock the profile after so many minutes without a command from the owner, 1 to 1,440; absent: never.
    #[serde(default)]
    pub lock_after_minutes: Option<u32>,
    /// Destroy the profile when it was not opened for so many days, 1 to 3,650; absent: never.
    #[serde(default)]
    pub expire_after_days: Option<u32>,
    /// Release outgoing messages on a slow random clock and send empty ones in between: each waits 5 to 65 seconds, a
    /// second one behind it as long again. What it costs: `rules.shield`.
    #[serde(default)]
    pub shield: bool,
}

/// The send shield: messages to contacts, first requests for a private conversation and corrections leave one at a time
/// when a random clock of each conversation strikes; where none waits, a private conversation sends an empty message.
/// Receipts and steps of a verification are not held, nor is what is said in rooms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shield {
    /// Whether it is up.
    pub up: bool,
    /// Shortest time between two strokes, in seconds.
    pub shortest_wait: u32,
    /// Longest time between two strokes, in seconds.
    pub longest_wait: u32,
    /// Messages that were written and have not left, for whatever reason.
    pub waiting: u32,
    /// Empty messages sent in this run.
    pub empty: u64,
    /// Their length in bytes as OTR wrote them; the network adds about as much again.
    pub empty_bytes: u64,
}

/// When an account says that it is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub enum Visibility {
    /// To every contact that may see it, while it is connected.
    #[default]
    Always,
    /// To nobody. Servers then keep messages until the account is shown again.
    Never,
    /// To these contacts only (directed presence, RFC 6121 section 4.6).
    Only {
        /// Which: at most 64.
        contacts: Vec<Address>,
    },
    /// To every contact that may see it, between these times of day in UTC, up to ten minutes later by lot. Rounded to half hours.
    Timetable {
        /// Minutes after midnight UTC, a multiple of 30.
        from: u16,
        /// Minutes after midnight UTC, a multiple of 30. Before `from`: the next day.
        to: u16,
    },
}

/// Chooses when an account says that it is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetVisibility {
    /// The account.
    pub account: AccountId,
    /// When and to whom.
    pub visibility: Visibility,
}

/// Who can see what, from what was sent and received in this run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sights {
    /// One line for each observer and thing: at most 2,000.
    pub sights: Vec<Sight>,
}

/// One thing that one observer could see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sight {
    /// The account that it is about.
    pub account: AccountId,
    /// Who: `own_server`, `contact_server`, `contact`, `exit`, `name_server`, `room` or `room_server`.
    pub observer: String,
    /// Which: a domain, an address, a room; empty for an exit.
    pub whom: String,
    /// What: `address`, `contact_list`, `online_times`, `message_times`, `message_sizes`, `readable_text`,
    /// `otr_fingerprint`, `server_name`, `name_server`, `presence`, `receipts`, `room_list`, `nick`, `invitations`.
    pub what: String,
    /// How often in this run.
    pub count: u64,
}

/// Something that an account does not have to do with yet, to be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckLinks {
    /// The account; absent: one that is to be added.
    #[serde(default)]
    pub account: Option<AccountId>,
    /// The contact or room that it would have; of an account that is to be added, its own address.
    pub to: Address,
    /// What it would be called in a room; absent: as `room.enter` would call it.
    #[serde(default)]
    pub nick: Option<String>,
}

/// A text that was not sent yet, to be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckText {
    /// The account that would send it.
    pub account: AccountId,
    /// The contact or room that it is for.
    pub to: Address,
    /// The text.
    pub text: String,
}

/// What a text would give away, or what would tie two accounts together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Findings {
    /// At most 32, in the order of the text.
    pub findings: Vec<Finding>,
}

/// One thing that a text would give away, or that would tie two accounts together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// `invisible`, `bidirectional`, `look_alike`, `own_name`, `file_path`, `time_zone`, `same_text`, `same_contact`,
    /// `same_room` or `same_name`.
    pub kind: String,
    /// The part of the text that it is, or the account that it links to.
    pub part: String,
}
