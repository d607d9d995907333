//! The language of a session: what goes in (`Input`, `Command`) and what comes out (`Output`, `Event`).
//! Must never hand out a message without saying whether it is live, nor a name that was not checked.
//! RFC 1459, RFC 2812, IRCv3.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::config::Mechanism;
use crate::error::{OfflineReason, Problem};
use crate::mask::Mask;
use crate::name::{Nick, Room, Target};
use crate::sts::StsPolicy;
use crate::time::ServerTime;

/// What a session is told.
pub enum Input<'a> {
    /// A new transport stands; with `Tls::Direct`, TLS on it stands too.
    Connected,
    /// Bytes came in, decrypted.
    Bytes(&'a [u8]),
    /// The transport is gone, whoever ended it.
    Closed,
    /// The time of the last `Output::Wake` has come.
    Tick,
    /// The engine wants something.
    Command(Command),
}

/// What a session wants done, in this order.
#[derive(Debug)]
pub enum Output {
    /// Write these bytes.
    Send(Vec<u8>),
    /// Tell the engine.
    Event(Event),
    /// Say `Input::Tick` when the clock of `now` reaches this reading. A later `Wake` replaces an earlier one.
    Wake(Duration),
    /// Write what is to be written, then close the transport and say `Input::Closed`.
    Close,
}

/// What the engine may ask for. While there is no `Online` connection, each but `GoOffline`, `Ignore` and `Unignore` is
/// answered with `Error::NotConnected`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Command {
    /// Keep somebody out of a room.
    Ban {
        /// Where.
        room: Room,
        /// Whom.
        mask: Mask,
    },
    /// Take another nick; it becomes the wanted one.
    ChangeNick(Nick),
    /// Say goodbye, without a word, and close the connection for good.
    GoOffline,
    /// Tell NickServ the password of the nick in use. Refused without TLS. On a network without services whoever took
    /// that nick would read it: only for networks that are known to have them.
    Identify(Password),
    /// No longer hear somebody, in rooms or elsewhere.
    Ignore(Mask),
    /// Ask somebody into a room.
    Invite {
        /// Where.
        room: Room,
        /// Whom.
        nick: Nick,
    },
    /// Enter a room.
    Join {
        /// Which.
        room: Room,
        /// Its key, if it has one.
        key: Option<String>,
    },
    /// Throw somebody out of a room.
    Kick {
        /// Where.
        room: Room,
        /// Whom.
        nick: Nick,
        /// Words for all to read; may be empty.
        reason: String,
    },
    /// Leave a room, without a word.
    Leave(Room),
    /// Ask who is banned from a room.
    ListBans(Room),
    /// Ask for the rooms of the network.
    ListRooms {
        /// Part of a name; everything where it is empty.
        search: String,
    },
    /// Tell our own other clients, by the server, how far we have read (IRCv3 read-marker).
    MarkRead {
        /// Where.
        target: Target,
        /// Up to when.
        time: ServerTime,
    },
    /// Test the connection now; no answer in time ends it.
    Ping,
    /// Ask for old messages (IRCv3 chathistory).
    RequestHistory {
        /// Of whom.
        target: Target,
        /// Only those before this time; `None`: the latest.
        before: Option<ServerTime>,
        /// At most so many.
        limit: u16,
    },
    /// Send a message.
    Send {
        /// To whom.
        to: Target,
        /// The text. What is longer than a line becomes several, except with `SendKind::Otr`.
        text: String,
        /// The engine's own number for it; comes back in `Acknowledged`, `MessageRefused` or `Unacknowledged`.
        token: u64,
        /// How it is sent.
        kind: SendKind,
    },
    /// Change modes of a room or of ranks in it, such as `+i` or `+v` with a nick.
    SetModes {
        /// Where.
        room: Room,
        /// `+` or `-` and letters.
        modes: String,
        /// What the letters need, in their order.
        parameters: Vec<String>,
    },
    /// Give a room another topic; an empty one takes it away.
    SetTopic {
        /// Where.
        room: Room,
        /// The topic.
        topic: String,
    },
    /// Take back `Ban`.
    Unban {
        /// Where.
        room: Room,
        /// Whom.
        mask: Mask,
    },
    /// Take back `Ignore`.
    Unignore(Mask),
    /// Take back `Watch`.
    Unwatch(Nick),
    /// Be told when somebody comes or goes: by MONITOR, or by asking every one to two minutes (ISON).
    Watch(Nick),
    /// Ask what the network says of somebody. They may be told that somebody asked.
    Whois(Nick),
}

/// How a message is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SendKind {
    /// As an action (`/me`), readable by all on the way.
    Action,
    /// As it is, in one line, to one person: a body that OTR made, at most `Session::max_payload` bytes.
    Otr,
    /// As words, readable by all on the way.
    Text,
}

/// A password that shows nothing of itself.
#[derive(Clone, Eq, PartialEq)]
pub struct Password(pub(crate) Zeroizing<String>);

impl From<Zeroizing<String>> for Password {
    fn from(password: Zeroizing<String>) -> Self {
        Self(password)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// How far a login has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LoginStep {
    /// Finding out what the server can do.
    Negotiating,
    /// Logging in to the account.
    Authenticating,
    /// Waiting to be let in under a nick.
    Entering,
}

/// What the engine is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// Our account at the network's services; `None`: logged out.
    Account(Option<String>),
    /// The server has taken over this message.
    Acknowledged {
        /// The number given with `Command::Send`.
        token: u64,
    },
    /// Who is banned from a room.
    BansListed {
        /// Where.
        room: Room,
        /// The masks, not checked further.
        masks: Vec<String>,
        /// Whether these are all.
        complete: bool,
    },
    /// Somebody wrote to us alone, or a client of ours to them.
    DirectMessage(DirectMessage),
    /// All old messages that were asked for, or that a bouncer kept, have been told.
    HistoryListed {
        /// Of whom.
        target: Target,
        /// How many messages.
        messages: usize,
    },
    /// Somebody asks us into a room. Nothing was answered.
    Invited {
        /// Where.
        room: Room,
        /// Who asks.
        by: Nick,
    },
    /// The login was refused, and we go on without an account because `Config::login_required` is off.
    LoginRefused(OfflineReason),
    /// Something about a member changed.
    MemberChanged {
        /// Where.
        room: Room,
        /// How they are now.
        member: Member,
    },
    /// Somebody left a room, and is elsewhere still as far as is known.
    MemberLeft {
        /// Where.
        room: Room,
        /// Who.
        nick: Nick,
        /// Why.
        why: Departure,
    },
    /// People entered a room.
    MembersJoined {
        /// Where.
        room: Room,
        /// Who.
        members: Vec<Member>,
        /// They were cut off with their server, and are back.
        after_netsplit: bool,
    },
    /// Who is in a room that we entered.
    MembersListed {
        /// Where.
        room: Room,
        /// Everybody, us included.
        members: Vec<Member>,
        /// Whether these are all.
        complete: bool,
    },
    /// A message did not go to anybody.
    MessageRefused {
        /// The number given with `Command::Send`.
        token: u64,
        /// Why.
        problem: Problem,
    },
    /// Servers lost each other, and these people are gone with them.
    NetworkSplit {
        /// Who. A private conversation with any of them is over, as with `PeerGone`.
        gone: Vec<Nick>,
    },
    /// We have another nick now. To others we are somebody new.
    NickChanged(Nick),
    /// The connection ended.
    Offline {
        /// Why.
        why: OfflineReason,
        /// Whether to try again without asking the person.
        retry: bool,
    },
    /// The connection stands. Rooms are to be entered and people to be watched anew.
    Online {
        /// Our nick, which may not be the wanted one.
        nick: Nick,
        /// What the network calls itself.
        network: Option<String>,
        /// Our account, if we are logged in.
        account: Option<String>,
        /// How we logged in, to be kept as `Config::mechanism_seen`.
        mechanism: Option<Mechanism>,
    },
    /// Somebody is gone: a private conversation with them is over. Whoever comes under this nick next may be another.
    PeerGone {
        /// Who.
        nick: Nick,
        /// Why.
        why: Departure,
    },
    /// Somebody has another nick: a private conversation under the old one is over.
    PeerRenamed {
        /// The old nick, free for anybody now.
        from: Nick,
        /// The new one.
        to: Nick,
    },
    /// A watched nick came or went. When it went, a private conversation is over, as with `PeerGone`.
    Presence {
        /// Who.
        nick: Nick,
        /// Whether they are there.
        online: bool,
    },
    /// Somebody tried to find something out. Nothing was answered.
    Probed {
        /// Who.
        from: Nick,
        /// How.
        what: Probe,
    },
    /// How far another client of ours has read.
    ReadUpTo {
        /// Where.
        target: Target,
        /// Up to when; `None`: nothing.
        time: Option<ServerTime>,
    },
    /// Something that was asked for was refused.
    Refused {
        /// The nick or room in question, if the server named one.
        target: Option<Target>,
        /// Why.
        problem: Problem,
        /// What the server says of it, in whatever language.
        words: String,
    },
    /// We are in a room, asked for or not: servers may send us elsewhere. `MembersListed` follows.
    RoomJoined(Room),
    /// We are no longer in a room.
    RoomLeft {
        /// Which.
        room: Room,
        /// Why.
        why: Departure,
    },
    /// Somebody wrote in a room.
    RoomMessage(RoomMessage),
    /// The modes of a room were changed; ranks are told by `MemberChanged`.
    RoomModes {
        /// Where.
        room: Room,
        /// All modes that are set, such as `nt`.
        modes: String,
    },
    /// The rooms that were asked for.
    RoomsListed {
        /// In the order of the server.
        rooms: Vec<ListedRoom>,
        /// Whether these are all.
        complete: bool,
    },
    /// The server itself says something.
    ServerText(String),
    /// The login goes on.
    Step(LoginStep),
    /// The server wants to be reached by TLS only.
    Sts(StsPolicy),
    /// The topic of a room.
    Topic {
        /// Where.
        room: Room,
        /// Empty: there is none.
        topic: String,
        /// Who set it, if that is known.
        by: Option<Nick>,
        /// When, if that is known.
        time: Option<ServerTime>,
    },
    /// The connection is gone and the server has not said that it took these over; in the order of sending.
    Unacknowledged {
        /// The numbers given with `Command::Send`.
        tokens: Vec<u64>,
    },
    /// What the network says of somebody.
    Whois(Box<Whois>),
}

/// Whether a message was written just now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// Kept by the server or a bouncer and sent later: OTR must not see it.
    History,
    /// Just now, by somebody else.
    Live,
    /// Just now, by another client of our own: OTR must not see it.
    OwnElsewhere,
}

/// The kind of a text that came in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TextKind {
    /// `/me`.
    Action,
    /// A notice, to which no program ever answers.
    Notice,
    /// Words.
    Text,
}

/// Who wrote.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sender {
    /// Their nick.
    pub nick: Nick,
    /// User name and host as the network shows them, `user@host`, where it does.
    pub address: Option<String>,
    /// Their account, where the network says.
    pub account: Option<String>,
    /// They say that they are a machine.
    pub bot: bool,
}

/// A message to us alone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DirectMessage {
    /// The other side of the conversation.
    pub with: Nick,
    /// Who wrote: the other side, or we ourselves.
    pub from: Sender,
    /// The text, as it came.
    pub text: String,
    /// Its kind.
    pub kind: TextKind,
    /// Whether it is live.
    pub origin: Origin,
    /// When, by the server's clock.
    pub time: Option<ServerTime>,
    /// The server's name for it (`msgid`).
    pub id: Option<String>,
    /// The other side is a service of the network, or of a bouncer, and no person: no OTR.
    pub service: bool,
}

/// A message in a room.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RoomMessage {
    /// Where.
    pub room: Room,
    /// Who wrote.
    pub from: Sender,
    /// The text, as it came.
    pub text: String,
    /// Its kind.
    pub kind: TextKind,
    /// Whether it is live.
    pub origin: Origin,
    /// When, by the server's clock.
    pub time: Option<ServerTime>,
    /// The server's name for it (`msgid`).
    pub id: Option<String>,
}

/// Somebody in a room.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Member {
    /// Their nick.
    pub nick: Nick,
    /// The signs of their ranks, highest first, such as `@+`.
    pub ranks: String,
    /// User name and host as the network shows them, `user@host`, where it does.
    pub address: Option<String>,
    /// Their account, where the network says.
    pub account: Option<String>,
    /// They say that they are away.
    pub away: bool,
    /// They say that they are a machine.
    pub bot: bool,
}

/// Why somebody left.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Departure {
    /// Thrown out.
    Kicked {
        /// By whom, where that is a person.
        by: Option<Nick>,
        /// Their words.
        reason: String,
    },
    /// By themselves. For somebody who is gone: out of the last room that we had in common.
    Left,
    /// Offline.
    Quit,
}

/// How somebody tried to find something out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Probe {
    /// A question to the program: VERSION, TIME, PING, ...
    Ctcp,
    /// An offer to connect directly, past Tor.
    Dcc,
}

/// A room in a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListedRoom {
    /// Which.
    pub room: Room,
    /// How many people the server shows in it.
    pub members: u32,
    /// The topic.
    pub topic: String,
}

/// What a network says of somebody.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Whois {
    /// Who.
    pub nick: Nick,
    /// `user@host`.
    pub address: Option<String>,
    /// What they call themselves.
    pub real_name: Option<String>,
    /// The server that they are on.
    pub server: Option<String>,
    /// Their account.
    pub account: Option<String>,
    /// The rooms that the network shows.
    pub rooms: Vec<Room>,
    /// They say that they are away.
    pub away: bool,
    /// They say that they are a machine.
    pub bot: bool,
    /// They are connected by TLS.
    pub secure: bool,
    /// They watch over the network.
    pub operator: bool,
}
