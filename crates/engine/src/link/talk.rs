//! What links and the messenger say to each other of people and rooms, whatever network it is.
//! It must never name a protocol: each link says these things in its own protocol's words.
//! Standard: none. IRC's words are in `link/irc.rs`; XMPP's for people in `messenger/network.rs`.

use model::{Address, FoundRoom, Member, Moderation, Problem, RoomRisk};
use zeroize::Zeroizing;

/// What is wanted of a network about one person.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wish {
    /// Say what the network knows of the person.
    Ask,
    /// Let the person see that the account is there.
    Approve,
    /// Take nothing from the person any more.
    Block,
    /// Tell when the person comes and goes, and keep it on the network's list where there is one.
    Befriend,
    /// Take the person off that list.
    Drop,
    /// Say nothing of the account to the person.
    Refuse,
    /// Take things from the person again.
    Unblock,
}

/// What is wanted of a network about rooms. A room's address is always spelt as the messenger spells it.
#[derive(Clone, Eq, PartialEq)]
pub(crate) enum RoomOrder {
    /// Enter it. [`RoomReport::Entered`] or [`RoomReport::Left`] follows.
    Enter {
        room: Address,
        nick: String,
        password: Option<Zeroizing<String>>,
        /// Make it where there is none: closed to strangers, addresses hidden, nothing logged.
        create: bool,
    },
    /// Ask for the rooms that the server lists. [`RoomReport::Found`] follows.
    Find { words: String },
    /// Let somebody in, or ask them in.
    Invite { room: Address, who: Address },
    /// Leave it, without a word. [`RoomReport::Left`] follows.
    Leave { room: Address },
    /// Put somebody out, or change their rank.
    Moderate {
        room: Address,
        nick: String,
        action: Moderation,
    },
    /// Say something. [`super::Report::Taken`], [`super::Report::Bounced`] or [`super::Report::Lost`] follows, once.
    Say { room: Address, text: String, token: u64 },
    /// Change what it says it is about.
    Topic { room: Address, topic: String },
}

impl std::fmt::Debug for RoomOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RoomOrder")
    }
}

/// What a network says of rooms. Texts are as they came; the messenger makes them plain and bounds them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum RoomReport {
    /// The account is in it, under this nick. [`Self::Members`] follows.
    Entered { room: Address, nick: String },
    /// What the server lists.
    Found { rooms: Result<Vec<FoundRoom>, Problem> },
    /// Somebody asks the account in.
    Invited {
        room: Address,
        by: Address,
        /// The room's password, where they sent it along.
        password: Option<Zeroizing<String>>,
    },
    /// The account is not in it, or not any more; `why`: it was not let in, or put out.
    Left { room: Address, why: Option<Problem> },
    /// Everybody in it.
    Members { room: Address, members: Vec<Member> },
    /// Somebody is new in it or changed.
    Member { room: Address, member: Member },
    /// Somebody is in it no more; without a room: in none.
    MemberGone { room: Option<Address>, nick: String },
    /// Somebody, perhaps the account, is called otherwise now; without a room: in each.
    Renamed {
        room: Option<Address>,
        from: String,
        to: String,
    },
    /// Its name, and what is worse in it than elsewhere.
    Told {
        room: Address,
        name: Option<String>,
        risks: Vec<RoomRisk>,
    },
    /// Something that was asked for was refused.
    Refused { room: Address, problem: Problem },
    /// Something was said. What the account itself said over this very link is not reported here but by its token.
    Said {
        room: Address,
        /// Nobody: the room itself.
        nick: Option<String>,
        own: bool,
        text: String,
        /// Said before the account entered.
        earlier: bool,
    },
    /// What it is about; empty: nothing.
    Topic { room: Address, topic: String },
}

/// What a network without a contact list says of people; and what any says of a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum PersonReport {
    /// Whoever has this address now may be somebody else: a private conversation is over.
    Gone { who: Address, why: Problem },
    /// What the network says of it, or why nothing.
    Known {
        who: Address,
        known: Result<Box<model::Known>, Problem>,
    },
    /// A text that nobody may take for OTR: a notice, an action, or one that was kept.
    Readable {
        who: Address,
        text: String,
        /// It was kept on the way.
        earlier: bool,
    },
    /// A live text.
    Said { who: Address, text: String },
    /// It is there, or not.
    There { who: Address, there: bool },
    /// It tried to find something out, and got no answer.
    Tried { who: Address, what: &'static str },
}
