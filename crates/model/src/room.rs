//! Rooms: conversations of many, readable by everyone in them and by their server.
//! Nothing said in a room is private; a room is never fed to OTR. XEP-0045; RFC 2812 section 3.2.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::secret::Secret;
use crate::{AccountId, Address, MessageId, Problem};

/// One room, seen from one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Room {
    /// The account that sees it.
    pub account: AccountId,
    /// Its address: a bare JID, or a channel's name with its sign.
    pub address: Address,
    /// Its name, where it has one besides its address: the words of others.
    #[serde(default)]
    pub name: Option<String>,
    /// What it says it is about: the words of others.
    #[serde(default)]
    pub topic: Option<String>,
    /// Whether the account is in it.
    pub state: RoomState,
    /// What the account is called in it.
    pub nick: String,
    /// What the account may do in it.
    #[serde(default)]
    pub rank: Rank,
    /// How many are in it.
    #[serde(default)]
    pub members: u32,
    /// What is worse than in any other room, in the order of this list's type.
    #[serde(default)]
    pub risks: Vec<RoomRisk>,
    /// Whether the account enters it by itself whenever it connects.
    #[serde(default)]
    pub enter: bool,
    /// Who invites the owner, where somebody does and the owner did not answer yet.
    #[serde(default)]
    pub invited_by: Option<Address>,
}

/// Whether an account is in a room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum RoomState {
    /// It entered.
    Inside,
    /// It is on its way in.
    Entering,
    /// It is not in the room.
    #[default]
    Outside,
    /// It was not let in, or put out.
    Refused {
        /// Why, and what can be done.
        problem: Problem,
    },
}

/// What somebody may do in a room: roles and affiliations of XEP-0045 and channel modes of IRC, folded into one row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// May only listen.
    Listener,
    /// As most are.
    #[default]
    Ordinary,
    /// May speak where others may not (voice), or belongs to the room (member).
    Trusted,
    /// May put others out (moderator, half-operator).
    Moderator,
    /// May change the room (administrator, operator).
    Administrator,
    /// It is their room.
    Owner,
}

/// What is worse in one room than in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoomRisk {
    /// What is said is written down where others can read it.
    Logged,
    /// Everybody in it sees the account's address.
    AddressShown,
    /// Anybody can find it and enter.
    Open,
}

/// Somebody in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// What they are called in it: the words of others.
    pub nick: String,
    /// Their address, where the room shows it.
    #[serde(default)]
    pub address: Option<Address>,
    /// What they may do.
    pub rank: Rank,
    /// Whether it is the account itself.
    #[serde(default)]
    pub own: bool,
}

/// Something said in a room. It crossed the network readable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomMessage {
    /// Its name in this program.
    pub id: MessageId,
    /// The account.
    pub account: AccountId,
    /// The room.
    pub room: Address,
    /// Who said it; absent: the room itself.
    #[serde(default)]
    pub nick: Option<String>,
    /// Whether the owner said it.
    #[serde(default)]
    pub own: bool,
    /// What was said; `/me` as it was written.
    pub text: String,
    /// When it came, in milliseconds since 1970-01-01 UTC by this machine's clock.
    pub at: u64,
    /// Whether it was said before the account entered.
    #[serde(default)]
    pub earlier: bool,
    /// Why it went nowhere, where it is the owner's and did.
    #[serde(default)]
    pub problem: Option<Problem>,
}

/// A room as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomShown {
    /// The room.
    pub room: Room,
    /// Who is in it, the highest rank first: at most the first 10,000.
    pub members: Vec<Member>,
    /// What was said, oldest first: at most the last 1,000.
    pub messages: Vec<RoomMessage>,
    /// What was begun and not said; empty: nothing.
    #[serde(default)]
    pub draft: String,
}

/// One room of one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomRef {
    /// The account.
    pub account: AccountId,
    /// The room.
    pub room: Address,
}

/// Enters a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnterRoom {
    /// The account.
    pub account: AccountId,
    /// The room.
    pub room: Address,
    /// What to be called in it; absent: a name that says nothing, drawn anew for each room.
    #[serde(default)]
    pub nick: Option<String>,
    /// The room's password, where it has one.
    #[serde(default)]
    pub password: Option<Secret>,
    /// Whether to make the room where there is none: closed to strangers, addresses hidden, nothing logged.
    #[serde(default)]
    pub create: bool,
    /// Whether to enter by itself whenever the account connects.
    #[serde(default)]
    pub enter: bool,
}

/// Something to say in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SayInRoom {
    /// The account.
    pub account: AccountId,
    /// The room.
    pub room: Address,
    /// The text: at most [`crate::MAX_TEXT_BYTES`] bytes, no NUL.
    pub text: String,
}

/// A text for a room: its topic, or a draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomText {
    /// The account.
    pub account: AccountId,
    /// The room.
    pub room: Address,
    /// The text; empty: none.
    pub text: String,
}

/// Invites somebody into a room. Their server learns of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteToRoom {
    /// The account.
    pub account: AccountId,
    /// The room.
    pub room: Address,
    /// Whom.
    pub contact: Address,
}

/// What to do with somebody in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModerateRoom {
    /// The account.
    pub account: AccountId,
    /// The room.
    pub room: Address,
    /// Whom.
    pub nick: String,
    /// What.
    pub action: Moderation,
}

/// What can be done with somebody in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Moderation {
    /// Put out, and not let in again.
    Ban,
    /// Put out.
    Kick,
    /// Given another rank.
    Rank {
        /// Which.
        rank: Rank,
    },
}

/// A search for rooms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindRooms {
    /// The account whose server is asked.
    pub account: AccountId,
    /// Words in the address, the name or the topic; empty: all.
    #[serde(default)]
    pub words: String,
}

/// A room that a server lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FoundRoom {
    /// Its address.
    pub room: Address,
    /// Its name or topic: the words of others.
    pub about: String,
    /// How many are in it, where the server says so.
    #[serde(default)]
    pub members: Option<u32>,
}

/// Rooms that a server lists: at most 1,000.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FoundRooms {
    /// The largest first.
    pub rooms: Vec<FoundRoom>,
}
