//! What a session is told before it starts: the account, the kind of transport, and every limit.
//! Must never print, clone or log the password.
//! RFC 6120 (streams), RFC 7590 (TLS), XEP-0368 (direct TLS).

use std::time::Duration;

use jid::BareJid;
use zeroize::Zeroizing;

pub use crate::fast::FastToken;

/// Everything that one account's session needs to know. It has no `Debug`, because it holds the password.
pub struct Config {
    /// The account. Its local part is the user name for SASL.
    pub jid: BareJid,
    /// By what the account shows that it is itself.
    pub credential: Credential,
    /// A token that the server gave out at an earlier login (XEP-0484): it stands for the password.
    pub token: Option<FastToken>,
    /// The password, wiped when the session is dropped; empty where the credential is another.
    pub password: Zeroizing<String>,
    /// How TLS comes about on the transports that this session will be given.
    pub tls: Tls,
    /// Make the account by XEP-0077 before the first login. Once it is made, later logins skip this.
    pub register: bool,
    /// The token of an invitation, shown to the server before it is asked for the account (XEP-0445).
    pub invitation: Option<Zeroizing<String>>,
    /// Whether the password may be sent as it is (SASL PLAIN) when the server offers nothing better.
    /// Even then never without TLS, and never once SCRAM was offered.
    pub allow_plain: bool,
    /// The strongest mechanism that this account has ever used. A server that offers only weaker ones is refused.
    pub mechanism_seen: Option<Mechanism>,
    /// Caps on what the server and strangers can make us hold.
    pub limits: Limits,
}

impl Config {
    /// An ordinary login: STARTTLS, no registration, no PLAIN, nothing remembered, default limits.
    #[must_use]
    pub fn new(jid: BareJid, password: Zeroizing<String>) -> Self {
        Self {
            jid,
            credential: Credential::Password,
            token: None,
            password,
            tls: Tls::StartTls,
            register: false,
            invitation: None,
            allow_plain: false,
            mechanism_seen: None,
            limits: Limits::default(),
        }
    }
}

/// How the stream is protected on the way to the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tls {
    /// TLS stands before the first byte of XMPP (XEP-0368).
    Direct,
    /// No TLS at all: only for an onion address, whose circuit is encrypted to the server itself.
    PlainOverOnion,
    /// The stream asks for TLS first, and ends if it does not get it (RFC 6120 5).
    StartTls,
}

/// By what an account shows that it is itself.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Credential {
    /// By nothing: the server makes an account up that ends with the session (RFC 4505). `Config::jid` is the domain
    /// alone; `Event::Online` tells the address.
    Anonymous,
    /// By the certificate that the caller showed in the TLS handshake (XEP-0178).
    Certificate,
    /// By the password.
    #[default]
    Password,
}

/// A way to log in. Of those for passwords the order is the strength, weakest first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Mechanism {
    /// RFC 4505: nobody in particular.
    Anonymous,
    /// RFC 4422 A: by the certificate of the TLS connection.
    External,
    /// RFC 4616: the password itself.
    Plain,
    /// RFC 5802.
    ScramSha1,
    /// RFC 7677.
    ScramSha256,
    /// SCRAM with SHA-512, as registered with IANA.
    ScramSha512,
    /// RFC 5802, tied to the TLS connection (RFC 5929, RFC 9266): worth more than any hash, because nobody in the middle
    /// can pass it on.
    ScramSha1Plus,
    /// RFC 7677, tied to the TLS connection.
    ScramSha256Plus,
    /// SCRAM with SHA-512, tied to the TLS connection.
    ScramSha512Plus,
}

impl Mechanism {
    const ALL: [Self; 9] = [
        Self::Anonymous,
        Self::External,
        Self::Plain,
        Self::ScramSha1,
        Self::ScramSha256,
        Self::ScramSha512,
        Self::ScramSha1Plus,
        Self::ScramSha256Plus,
        Self::ScramSha512Plus,
    ];

    /// Whether the login is tied to the TLS connection.
    #[must_use]
    pub fn is_bound(self) -> bool {
        self >= Self::ScramSha1Plus
    }

    /// Whether it is for accounts with a password.
    #[must_use]
    pub fn proves_password(self) -> bool {
        self >= Self::Plain
    }

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "ANONYMOUS",
            Self::External => "EXTERNAL",
            Self::Plain => "PLAIN",
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::ScramSha1Plus => "SCRAM-SHA-1-PLUS",
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Self::ScramSha512Plus => "SCRAM-SHA-512-PLUS",
        }
    }

    /// The mechanism of that name, if it is one of ours.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name() == name)
    }
}

/// Caps on everything that the other side can make grow. A stanza beyond one of the first five is discarded and the
/// stream lives on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Bytes of one stanza, as sent.
    pub stanza_bytes: usize,
    /// Levels of elements in one stanza, itself included.
    pub depth: usize,
    /// Attributes of one element, namespace declarations included.
    pub attributes: usize,
    /// Children of one element.
    pub children: usize,
    /// Elements of one stanza, all levels together.
    pub elements: usize,
    /// Bytes that are skipped to find the end of a discarded stanza, before the stream is given up.
    pub skipped_bytes: usize,
    /// Stanzas that wait for the server's acknowledgement (XEP-0198).
    pub unacknowledged: usize,
    /// Bytes of the stanzas that wait for the server's acknowledgement.
    pub unacknowledged_bytes: usize,
    /// Contacts that are remembered from the roster.
    pub contacts: usize,
    /// Time from a standing transport to `Online`.
    pub login: Duration,
    /// Time in which the server has to answer an acknowledgement request or a ping.
    pub answer: Duration,
    /// Shortest quiet time after which the stream is tested; the longest is twice that, drawn anew each time.
    pub quiet: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            stanza_bytes: 1 << 20,
            depth: 64,
            attributes: 64,
            children: 10_000,
            elements: 40_000,
            skipped_bytes: 16 << 20,
            unacknowledged: 1_000,
            unacknowledged_bytes: 8 << 20,
            contacts: 20_000,
            login: Duration::from_secs(120),
            answer: Duration::from_secs(60),
            quiet: Duration::from_secs(60),
        }
    }
}
