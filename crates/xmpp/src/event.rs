//! The language of a session: what goes in (`Input`, `Command`) and what comes out (`Output`, `Event`).
//! Must never hold more of a stanza than the engine acts on.
//! RFC 6120, RFC 6121; XEP-0077, XEP-0191, XEP-0198, XEP-0203, XEP-0280.

use std::fmt;
use std::time::Duration;

use jid::{BareJid, FullJid, Jid};
use zeroize::Zeroizing;

use crate::config::{FastToken, Mechanism};
use crate::error::{OfflineReason, StanzaCondition};
use crate::query::{Query, QueryFailure, Reply, Suggestion};
use crate::room::{FoundRoom, Invitation, RoomEvent, RoomOrder};

/// A password, wiped when it is dropped and never printed.
#[derive(Clone, Eq, PartialEq)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes a password over.
    #[must_use]
    pub fn new(password: String) -> Self {
        Self(Zeroizing::new(password))
    }

    /// The password itself.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// What ties a login to the TLS connection below it, where that has it.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Bindings {
    /// `tls-exporter` (RFC 9266), of TLS 1.3 only.
    pub exporter: Option<Vec<u8>>,
    /// `tls-server-end-point` (RFC 5929 4.1).
    pub end_point: Option<Vec<u8>>,
}

/// What a session is told.
pub enum Input<'a> {
    /// What ties a login to the TLS that stands now: to be said before `Connected` or `TlsEstablished`.
    Bindings(Bindings),
    /// A new transport stands; with `Tls::Direct`, TLS on it stands too.
    Connected,
    /// The TLS handshake that `Output::StartTls` asked for is done and the certificate is good.
    TlsEstablished,
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
    /// Start TLS on the transport now, then say `Input::TlsEstablished`. No byte may be read or written in between.
    StartTls,
    /// Tell the engine.
    Event(Event),
    /// Say `Input::Tick` when the clock of `now` reaches this reading. A later `Wake` replaces an earlier one.
    Wake(Duration),
    /// Write what is to be written, then close the transport and say `Input::Closed`.
    Close,
}

/// What the engine may ask for. While there is no `Online` stream, each is answered with `Error::NotConnected`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Command {
    /// Ask for the presence of someone.
    Subscribe(BareJid),
    /// The same with a token that they gave away: their server grants it by itself (XEP-0379).
    SubscribeWith {
        /// Whom.
        jid: BareJid,
        /// The token, at most 512 bytes.
        token: Password,
    },
    /// Let someone see our presence.
    Approve(BareJid),
    /// Refuse a request for our presence, or take back a permission.
    Refuse(BareJid),
    /// Add someone to the roster, or rename them.
    AddContact {
        /// Who.
        jid: BareJid,
        /// The name to show, kept on the server; `None` keeps no name there.
        name: Option<String>,
    },
    /// Refuse everything from these, on the server too where it can (XEP-0191); also what they ask of this session.
    Block(Vec<BareJid>),
    /// Have another password from now on (XEP-0077 3.3). `Event::AccountChange` follows.
    ChangePassword(Password),
    /// Have the server let in whoever shows this certificate (XEP-0257). `Event::AccountChange` follows.
    OfferCertificate {
        /// What it is called on the server.
        name: String,
        /// In DER.
        certificate: Vec<u8>,
    },
    /// Ask the account's server which rooms it lists.
    FindRooms,
    /// Take a block away.
    Unblock(BareJid),
    /// Have the server forget the account (XEP-0077 3.2). `Event::AccountChange` follows, or the end of the stream.
    RemoveAccount,
    /// Take someone off the roster; ends subscriptions both ways.
    RemoveContact(BareJid),
    /// Send initial presence. Needed after each `Online` that was not resumed.
    SetAvailable,
    /// Say to everybody who was told otherwise that nobody is there, and stay connected.
    SetUnavailable,
    /// Say to one person that somebody is there (RFC 6121 4.6).
    ShowTo(BareJid),
    /// Say to one person that nobody is there.
    HideFrom(BareJid),
    /// Say goodbye and close the stream for good.
    GoOffline,
    /// Test the stream now; no answer in time ends it.
    Ping,
    /// Ask somebody something. `Event::Answered` follows, once.
    Query {
        /// The engine's own number for it.
        token: u64,
        /// What.
        query: Query,
    },
    /// Do something with a room (XEP-0045).
    Room {
        /// Which.
        room: BareJid,
        /// What.
        order: RoomOrder,
    },
    /// Send a one-to-one message.
    Send {
        /// To whom: a full JID once a session with one device stands.
        to: Jid,
        /// The text.
        body: String,
        /// The engine's own number for it; comes back in `Acknowledged`, `Unacknowledged` and `MessageError`.
        token: u64,
        /// Mark as OTR: no copies, no archive (XEP-0280 private, XEP-0334), and say so (XEP-0380).
        otr: bool,
    },
}

/// What the engine is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// The server gave out another token, or no longer takes the one that there is: what is kept is to be replaced.
    Token(Option<FastToken>),
    /// What the server said of a change to the account itself.
    AccountChange {
        /// Which.
        change: AccountChange,
        /// Why it was refused; `None`: it was made.
        why: Option<StanzaCondition>,
    },
    /// What came of `Command::Query`.
    Answered {
        /// The number given with it.
        token: u64,
        /// The answer.
        reply: Result<Reply, QueryFailure>,
    },
    /// The account was made.
    Registered,
    /// The stream stands.
    Online {
        /// The address that the server gave us.
        jid: FullJid,
        /// The former stream goes on: presence and roster are as they were. Otherwise the roster follows and
        /// presence has to be sent anew.
        resumed: bool,
        /// How we logged in, to be kept as `Config::mechanism_seen`.
        mechanism: Mechanism,
    },
    /// The whole roster.
    Roster(Vec<RosterItem>),
    /// The server would not give the roster, or it was larger than a stanza may be.
    RosterUnavailable,
    /// One roster item changed.
    RosterItem(RosterItem),
    /// Someone asks to see our presence.
    SubscriptionRequest(BareJid),
    /// Someone lets us see their presence.
    Subscribed(BareJid),
    /// Someone no longer lets us see their presence, or refused to.
    Unsubscribed(BareJid),
    /// Someone came or went.
    Presence {
        /// Who.
        from: Jid,
        /// Whether they are there.
        available: bool,
    },
    /// Text came in.
    Message {
        /// From whom.
        from: Jid,
        /// The text.
        body: String,
        /// It waited somewhere (XEP-0203): no answer must be given by a machine.
        delayed: bool,
        /// The type of the stanza.
        kind: MessageKind,
        /// A copy of what another device of ours got (XEP-0280) or an archived text (XEP-0313), never a live message.
        forwarded_or_archived: bool,
    },
    /// Somebody asks us into a room.
    Invited(Invitation),
    /// Something happened in a room.
    Room {
        /// Which.
        room: BareJid,
        /// What.
        event: RoomEvent,
    },
    /// The rooms that `Command::FindRooms` asked for: at most 1,000.
    RoomsFound(Vec<FoundRoom>),
    /// Someone asked this session something and was told what an offline account's server would tell.
    RequestRefused {
        /// Who.
        from: Jid,
        /// What.
        request: Request,
    },
    /// A message came back.
    MessageError {
        /// From whom.
        from: Jid,
        /// Which one, if it is still known.
        token: Option<u64>,
        /// Why.
        condition: StanzaCondition,
    },
    /// A service says who of its own people should be on the list of contacts (XEP-0144). Nothing was changed.
    Suggested {
        /// The service: an address without a name.
        gateway: BareJid,
        /// What it says.
        suggestions: Vec<Suggestion>,
    },
    /// The server has taken over this message (XEP-0198).
    Acknowledged {
        /// The number given with `Command::Send`.
        token: u64,
    },
    /// The stream is gone for good and the server has not said that it took these over; in the order of sending.
    Unacknowledged {
        /// The numbers given with `Command::Send`.
        tokens: Vec<u64>,
    },
    /// The stream ended.
    Offline {
        /// Why.
        why: OfflineReason,
        /// Whether to try again without asking the person.
        retry: bool,
    },
}

/// A change to the account itself (XEP-0077).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AccountChange {
    /// A certificate to log in by (XEP-0257).
    Certificate,
    /// Another password.
    Password,
    /// Its end.
    Removal,
}

/// What was asked of a session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Request {
    /// What it can do (XEP-0030).
    Discovery,
    /// Since when its owner does nothing (XEP-0012).
    LastActivity,
    /// Anything else.
    Other,
    /// Whether it is there (XEP-0199).
    Ping,
    /// What time it has (XEP-0202, XEP-0090).
    Time,
    /// What program it is (XEP-0092).
    Version,
}

/// RFC 6121 5.2.2, without `error`; what rooms say comes as [`Event::Room`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MessageKind {
    /// `chat`.
    Chat,
    /// `headline`.
    Headline,
    /// `normal`, and everything unknown.
    Normal,
}

/// One entry of the roster (RFC 6121 2.1.2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RosterItem {
    /// Who.
    pub jid: BareJid,
    /// The name kept on the server.
    pub name: Option<String>,
    /// Who sees whose presence.
    pub subscription: Subscription,
    /// We asked and have no answer yet.
    pub asked: bool,
}

/// RFC 6121 2.1.2.5.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Subscription {
    /// Neither sees the other.
    None,
    /// They see us.
    From,
    /// We see them.
    To,
    /// Each sees the other.
    Both,
    /// The item was taken off the roster.
    Removed,
}

impl Subscription {
    /// Whether they may know that we are here.
    #[must_use]
    pub fn they_see_us(self) -> bool {
        matches!(self, Self::Both | Self::From)
    }
}
