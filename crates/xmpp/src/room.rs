//! The language of rooms: what the engine may ask of one, and what it is told.
//! Must never carry a room's password where it could be printed, nor more of a stanza than the engine acts on.
//! XEP-0045, XEP-0249, XEP-0410, XEP-0421.

use jid::{BareJid, Jid};

use crate::error::StanzaCondition;
use crate::event::Password;

/// What the engine may ask of a room. All but `Enter` and `Leave` need a room that was entered; elsewhere they are
/// answered with [`RoomEvent::Failed`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RoomOrder {
    /// Enter it. The room is asked first what it is; it is given no history to send.
    Enter {
        /// What to be called; where that is taken, digits are put behind it.
        nick: String,
        /// The room's password, where it has one.
        password: Option<Password>,
        /// Make the room where there is none: hidden, for members only, addresses hidden, nothing written down, gone
        /// when the last one leaves. A room that cannot be made so is not made.
        create: bool,
    },
    /// Ask somebody into it: by name on the list of members where the room has one, then by a message to them
    /// (XEP-0249).
    Invite(BareJid),
    /// Leave it.
    Leave,
    /// Do something with somebody in it.
    Moderate {
        /// Whom.
        nick: String,
        /// What.
        action: RoomModeration,
    },
    /// Say something that everybody in it and its server can read.
    Say {
        /// The text.
        body: String,
        /// The engine's own number for it; comes back in `Event::Acknowledged`, `Event::Unacknowledged`,
        /// `Event::MessageError` and [`RoomEvent::Said`].
        token: u64,
    },
    /// Change what it says it is about.
    SetTopic(String),
}

/// What can be done with somebody in a room (XEP-0045 8, 9).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RoomModeration {
    /// A lasting rank; [`Affiliation::Outcast`] is a ban. The room has to show their address.
    Affiliation(Affiliation),
    /// A rank for this visit; [`Role::None`] puts them out.
    Role(Role),
}

/// A lasting rank in a room (XEP-0045 5.2), the lowest first.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Affiliation {
    /// Not let in.
    Outcast,
    /// As most are.
    #[default]
    None,
    /// Belongs to the room.
    Member,
    /// May change who belongs to it.
    Admin,
    /// May change everything.
    Owner,
}

impl Affiliation {
    /// The value on the wire.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Member => "member",
            Self::None => "none",
            Self::Outcast => "outcast",
            Self::Owner => "owner",
        }
    }

    /// Reads the value on the wire; what is unknown is nothing special.
    pub(crate) fn from_name(name: Option<&str>) -> Self {
        [Self::Outcast, Self::Member, Self::Admin, Self::Owner]
            .into_iter()
            .find(|one| Some(one.name()) == name)
            .unwrap_or_default()
    }
}

/// A rank for one visit (XEP-0045 5.1), the lowest first.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Role {
    /// Not in the room.
    None,
    /// May only listen.
    Visitor,
    /// May speak.
    #[default]
    Participant,
    /// May put others out.
    Moderator,
}

impl Role {
    /// The value on the wire.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Moderator => "moderator",
            Self::None => "none",
            Self::Participant => "participant",
            Self::Visitor => "visitor",
        }
    }

    /// Reads the value on the wire; what is unknown may speak, as far as we can tell.
    pub(crate) fn from_name(name: Option<&str>) -> Self {
        [Self::None, Self::Visitor, Self::Moderator]
            .into_iter()
            .find(|one| Some(one.name()) == name)
            .unwrap_or_default()
    }
}

/// Somebody in a room.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Occupant {
    /// What they are called: the words of others.
    pub nick: String,
    /// Their address, where the room shows it to us.
    pub jid: Option<BareJid>,
    /// Their lasting rank.
    pub affiliation: Affiliation,
    /// Their rank for this visit.
    pub role: Role,
}

/// What a room says of itself (XEP-0045 6.4).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own that the standard names"
)]
pub struct RoomInfo {
    /// Its name: the words of others.
    pub name: Option<String>,
    /// What is said is written down: the room says so, keeps an archive or names a place where it can be read.
    pub logged: bool,
    /// Everybody in it sees the addresses of the others.
    pub addresses_shown: bool,
    /// Anybody can find it and enter.
    pub open: bool,
    /// Only those on its list are let in.
    pub members_only: bool,
}

/// Why a room was not entered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RoomRefusal {
    /// We are banned from it.
    Banned,
    /// The service makes no rooms for us.
    CreationRefused,
    /// It is full.
    Full,
    /// Only its members are let in.
    MembersOnly,
    /// The name cannot be used there, or every one that was tried is taken.
    NickRefused,
    /// There is no such room.
    NoSuchRoom,
    /// There is something, and it is no room.
    NotARoom,
    /// The room was made and could not be closed to strangers, so it was destroyed again.
    NotClosed,
    /// Anything else.
    Other,
    /// It wants a password, or another one.
    PasswordNeeded,
    /// Its server cannot be reached, or does not answer.
    Unreachable,
}

/// How a room was left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RoomExit {
    /// Put out for good.
    Banned,
    /// The room is gone.
    Destroyed,
    /// Put out.
    Kicked,
    /// The connection to the room, or ours to the server, broke: the room can be entered again.
    Lost,
    /// No longer a member, and only members may stay.
    MembersOnly,
    /// As we wanted.
    Requested,
    /// Its server shuts down.
    Shutdown,
}

/// What was asked of a room and did not come about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RoomAction {
    /// [`RoomOrder::Invite`].
    Invite,
    /// [`RoomOrder::Moderate`].
    Moderate,
    /// [`RoomOrder::Say`] in a room that was not entered; carries the token.
    Say(u64),
    /// [`RoomOrder::SetTopic`].
    SetTopic,
}

/// What happened in a room.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RoomEvent {
    /// We are in, under this name. Those who were there before have been told of already.
    Entered {
        /// What we are called.
        nick: String,
        /// The room was made for us.
        created: bool,
    },
    /// What was asked for did not come about.
    Failed {
        /// What.
        action: RoomAction,
        /// Why.
        condition: StanzaCondition,
    },
    /// Somebody left, or is called otherwise from now on; then they are told of anew.
    Gone {
        /// What they were called.
        nick: String,
    },
    /// What the room says of itself; before `Entered`, and again when it changes.
    Info(RoomInfo),
    /// Somebody is there, or has another rank.
    Member {
        /// Who.
        occupant: Occupant,
        /// It is us.
        own: bool,
    },
    /// We are no longer in it.
    Out(RoomExit),
    /// Somebody in the room wrote to us alone, through the room. It got no answer.
    Private {
        /// Who: the words of others.
        nick: String,
    },
    /// We were not let in.
    Refused(RoomRefusal),
    /// Something was said.
    Said {
        /// By whom: the words of others; `None`: by the room itself.
        nick: Option<String>,
        /// The text.
        body: String,
        /// It was said before (XEP-0203).
        earlier: bool,
        /// It is ours, come back; from another program of the account if there is no token.
        own: bool,
        /// The number given with [`RoomOrder::Say`].
        token: Option<u64>,
    },
    /// What the room is about: the words of others; empty: nothing.
    Topic(String),
}

/// Somebody asks us into a room.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Invitation {
    /// The room.
    pub room: BareJid,
    /// Who asks. From a room's own message (XEP-0045 7.8) it is only what the room says.
    pub by: Jid,
    /// The address was proven by the servers: the invitation came from it directly (XEP-0249).
    pub direct: bool,
    /// The room's password, where it has one.
    pub password: Option<Password>,
}

/// A room that a service lists.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FoundRoom {
    /// Its address.
    pub room: BareJid,
    /// Its name: the words of others.
    pub name: Option<String>,
    /// How many are in it, where the service says so.
    pub occupants: Option<u32>,
}
