//! What the engine tells by itself.
//! Events are hints with everything needed to redraw; the engine's state is the truth ([`crate::Snapshot`]).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Account, AccountId, Address, Contact, Gateway, Message, Privacy, Probe, Problem, ProfileState, Room,
    RoomMessage, Rules, Tor, Verification,
};

/// One event with its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notification {
    /// Counts from 1 without a gap; a gap cannot happen, a loss is told by [`Event::EventsLost`].
    pub sequence: u64,
    /// What happened.
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// An account is new or changed.
    AccountChanged {
        /// As it is now.
        account: Account,
    },
    /// An account is gone from the profile.
    AccountRemoved {
        /// Which.
        account: AccountId,
    },
    /// A contact is new or changed: presence, request, keys.
    ContactChanged {
        /// As it is now.
        contact: Contact,
    },
    /// A contact is gone.
    ContactRemoved {
        /// The account that saw it.
        account: AccountId,
        /// Which.
        contact: Address,
    },
    /// The reader was too slow and this many events were dropped: ask for a snapshot.
    EventsLost {
        /// How many.
        count: u64,
    },
    /// A contact uses a key never seen from it before.
    FingerprintNew {
        /// The owner's account.
        account: AccountId,
        /// The contact.
        contact: Address,
        /// 40 hexadecimal digits in five groups.
        fingerprint: String,
        /// Whether other keys of this contact are known: then this one deserves suspicion.
        changed: bool,
    },
    /// A gateway at which the owner has, or had, an account is new or changed.
    GatewayChanged {
        /// As it is now.
        gateway: Gateway,
    },
    /// A message came, was written, or came further on its way.
    MessageChanged {
        /// As it is now.
        message: Message,
    },
    /// Something that the owner should know, in a conversation.
    Notice {
        /// The owner's account.
        account: AccountId,
        /// The contact.
        contact: Address,
        /// What.
        notice: Problem,
    },
    /// A conversation became private, or stopped being so.
    PrivacyChanged {
        /// The owner's account.
        account: AccountId,
        /// The contact.
        contact: Address,
        /// As it is now.
        privacy: Privacy,
    },
    /// Somebody who was not accepted tried something and got no answer.
    ProbeRefused {
        /// How often and when, by now.
        probe: Probe,
    },
    /// The profile was made, opened or locked.
    ProfileChanged {
        /// As it is now.
        state: ProfileState,
    },
    /// A room is new or changed: entered, left, named, another number of members.
    RoomChanged {
        /// As it is now.
        room: Room,
    },
    /// Who is in a room changed: ask for the room again if it is shown.
    RoomMembersChanged {
        /// The account.
        account: AccountId,
        /// The room.
        room: Address,
    },
    /// A room is gone from the profile.
    RoomRemoved {
        /// The account.
        account: AccountId,
        /// The room.
        room: Address,
    },
    /// Something was said in a room, or what was said changed.
    RoomSaid {
        /// As it is now.
        message: RoomMessage,
    },
    /// The owner chose other rules.
    RulesChanged {
        /// As they are now.
        rules: Rules,
    },
    /// Tor got on, or got stuck.
    TorChanged {
        /// As it is now.
        tor: Tor,
    },
    /// A verification was asked for, got on or ended.
    VerificationChanged {
        /// The owner's account.
        account: AccountId,
        /// The contact.
        contact: Address,
        /// As it is now.
        verification: Verification,
    },
}
