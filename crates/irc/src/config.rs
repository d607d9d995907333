//! What a session is told before it starts: nick, login, kind of transport, every limit.
//! Must never print, clone or log a secret, nor take anything of this machine.
//! RFC 1459 4.1, IRCv3 sasl-3.2.

use std::time::Duration;

use zeroize::Zeroizing;

use crate::name::Nick;
use crate::sasl::LoginKey;

/// Everything that one account's session needs to know. It has no `Debug`, because it holds secrets.
pub struct Config {
    /// The nick that the person wants. While it is taken, another made from it is used.
    pub nick: Nick,
    /// How to log in to an account of the network's services.
    pub login: Login,
    /// Whether to leave when the login is not possible, rather than go on as somebody without an account.
    pub login_required: bool,
    /// What protects the transports that this session will be given.
    pub tls: Tls,
    /// The password of a bouncer or closed server (PASS), as it wants it written. Never sent without TLS.
    pub server_password: Option<Zeroizing<String>>,
    /// The strongest mechanism that this account has ever used with its password.
    pub mechanism_seen: Option<Mechanism>,
    /// Whether to take the wanted nick back as soon as it is free.
    pub regain: bool,
    /// How fast lines may be sent.
    pub flood: Flood,
    /// Caps on what the server and strangers can make us hold.
    pub limits: Limits,
}

impl Config {
    /// TLS, no account, no password, default limits.
    #[must_use]
    pub fn new(nick: Nick) -> Self {
        Self {
            nick,
            login: Login::None,
            login_required: true,
            tls: Tls::Direct,
            server_password: None,
            mechanism_seen: None,
            regain: true,
            flood: Flood::default(),
            limits: Limits::default(),
        }
    }
}

/// How to log in to the network's services.
pub enum Login {
    /// Not at all.
    None,
    /// By the client certificate of the TLS connection (EXTERNAL). Needs [`Tls::Direct`].
    Certificate {
        /// The account; `None`: whichever the certificate belongs to.
        account: Option<String>,
    },
    /// By signing a challenge (ECDSA-NIST256P-CHALLENGE).
    Key {
        /// The account.
        account: String,
        /// Its key.
        key: LoginKey,
    },
    /// By a password: proven (SCRAM-SHA-512, SCRAM-SHA-256), or sent (PLAIN).
    Password {
        /// The account.
        account: String,
        /// Its password.
        password: Zeroizing<String>,
        /// Whether the password may be sent as it is when the server offers nothing better. Even then never without
        /// TLS, and never once SCRAM was offered.
        allow_plain: bool,
    },
}

impl Login {
    /// The account that is asked for, if it is known.
    pub(crate) fn account(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Certificate { account } => account.as_deref(),
            Self::Key { account, .. } | Self::Password { account, .. } => Some(account),
        }
    }
}

/// What protects a transport.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tls {
    /// TLS stands before the first byte of IRC.
    Direct,
    /// No TLS: only for an onion address, whose circuit is encrypted to the server itself.
    PlainOverOnion,
}

/// A way to log in. The first three are in the order of their strength.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Mechanism {
    /// RFC 4616: the password itself.
    Plain,
    /// RFC 7677.
    ScramSha256,
    /// SCRAM with SHA-512, as registered with IANA.
    ScramSha512,
    /// Atheme's: a signature over what the server draws.
    EcdsaNist256pChallenge,
    /// RFC 4422 A: the client certificate.
    External,
}

impl Mechanism {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::EcdsaNist256pChallenge => "ECDSA-NIST256P-CHALLENGE",
            Self::External => "EXTERNAL",
        }
    }
}

/// How fast lines are sent: servers throw out who is faster (RFC 1459 8.10).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Flood {
    /// Lines that may go at once.
    pub burst: u32,
    /// Time after which one more may go.
    pub every: Duration,
}

impl Default for Flood {
    fn default() -> Self {
        Self {
            burst: 5,
            every: Duration::from_secs(2),
        }
    }
}

/// Caps on everything that the other side can make grow, and the times that are waited.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Rooms that we are in at once.
    pub rooms: usize,
    /// Members of one room; of a larger one the rest is not shown.
    pub members: usize,
    /// People known in all rooms together.
    pub people: usize,
    /// Rooms of one list.
    pub listed: usize,
    /// Entries of one list of bans.
    pub bans: usize,
    /// Batches that are open at once.
    pub batches: usize,
    /// Lines that wait to be sent.
    pub queue: usize,
    /// Messages that the server has not confirmed.
    pub unconfirmed: usize,
    /// Lines that one message may become.
    pub pieces: usize,
    /// Masks that are ignored.
    pub ignored: usize,
    /// Nicks that are watched.
    pub watched: usize,
    /// Time from a standing transport to `Online`.
    pub login: Duration,
    /// Time in which the server has to answer a ping.
    pub answer: Duration,
    /// Shortest quiet time after which the stream is tested; the longest is twice that, drawn anew each time.
    pub quiet: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rooms: 200,
            members: 20_000,
            people: 50_000,
            listed: 5_000,
            bans: 500,
            batches: 16,
            queue: 512,
            unconfirmed: 256,
            pieces: 64,
            ignored: 256,
            watched: 128,
            login: Duration::from_secs(120),
            answer: Duration::from_secs(60),
            quiet: Duration::from_secs(60),
        }
    }
}
