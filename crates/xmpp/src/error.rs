//! What can go wrong: misuse by the caller (`Error`) and the end of a stream (`OfflineReason`).
//! Must never carry names, addresses or text that came from the network.
//! RFC 6120 4.9.3 (stream errors), 6.5 (SASL errors), 8.3.3 (stanza errors); XEP-0077, XEP-0198.

use std::fmt;

/// A command that could not be carried out. The session goes on as it was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Error {
    /// The text holds a character that XML 1.0 cannot carry. Nothing was sent.
    IllegalCharacter,
    /// There is no stream at the moment; the caller keeps the command for later.
    NotConnected,
    /// Too much waits for the server's acknowledgement; the caller keeps the command for later.
    QueueFull,
    /// The message is larger than a stanza may be. Nothing was sent.
    TooLong,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IllegalCharacter => "The text holds a character that cannot be sent.",
            Self::NotConnected => "The account is not connected.",
            Self::QueueFull => "Too many messages wait for the server.",
            Self::TooLong => "The message is too long.",
        })
    }
}

impl std::error::Error for Error {}

/// Why a stream ended or never came to stand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OfflineReason {
    /// The server says that this account is disabled.
    AccountDisabled,
    /// The transport went away.
    ConnectionLost,
    /// Bytes came in between the end of the unprotected stream and the start of TLS.
    InjectedBytes,
    /// What came in is not XML as XMPP allows it.
    MalformedXml,
    /// The server offers only weaker ways to log in than it used to.
    MechanismDowngrade,
    /// The account name is taken by someone else.
    NameTaken,
    /// The server offers no way to log in that is safe.
    NoMechanism,
    /// The server offers no TLS.
    NoTls,
    /// The server takes nothing but the password itself, and nobody has allowed that.
    OnlyPlain,
    /// The same account name is in use elsewhere under the same resource.
    Replaced,
    /// The server wants more than a name and a password to make an account.
    RegistrationNeedsForm,
    /// The server makes no account for us.
    RegistrationRefused,
    /// We went offline because we were told to.
    Requested,
    /// The server could not prove that it knows the password.
    ServerNotAuthentic,
    /// The server gave no resource to this session.
    SessionRefused,
    /// The server ended the stream in good order.
    StreamClosed,
    /// The server ended the stream with an error.
    StreamError(StreamCondition),
    /// Login is not possible just now; the server asks to try again later.
    TemporaryFailure,
    /// The server did not answer in time.
    Timeout,
    /// The server does not take the invitation any more.
    InvitationRefused,
    /// More came in than any stanza may hold.
    TooLarge,
    /// The server broke the rules of XMPP.
    UnexpectedElement,
    /// The password or name holds characters that cannot be used to log in, or that the server does not accept.
    UnusablePassword,
    /// Login demanded weaker or stronger parameters than are safe.
    UnsafeLogin,
    /// The server does not speak XMPP 1.0.
    UnsupportedVersion,
    /// The server acknowledged more than was sent.
    WrongAcknowledgement,
    /// The server refused name and password.
    WrongPassword,
}

impl OfflineReason {
    /// A fixed code for other programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::AccountDisabled => "account-disabled",
            Self::ConnectionLost => "connection-lost",
            Self::InjectedBytes => "injected-bytes",
            Self::InvitationRefused => "invitation-refused",
            Self::MalformedXml => "malformed-xml",
            Self::MechanismDowngrade => "mechanism-downgrade",
            Self::NameTaken => "name-taken",
            Self::NoMechanism => "no-mechanism",
            Self::NoTls => "no-tls",
            Self::OnlyPlain => "only-plain",
            Self::RegistrationNeedsForm => "registration-needs-form",
            Self::RegistrationRefused => "registration-refused",
            Self::Replaced => "replaced",
            Self::Requested => "requested",
            Self::ServerNotAuthentic => "server-not-authentic",
            Self::SessionRefused => "session-refused",
            Self::StreamClosed => "stream-closed",
            Self::StreamError(condition) => condition.code(),
            Self::TemporaryFailure => "temporary-failure",
            Self::Timeout => "timeout",
            Self::TooLarge => "too-large",
            Self::UnexpectedElement => "unexpected-element",
            Self::UnsafeLogin => "unsafe-login",
            Self::UnsupportedVersion => "unsupported-version",
            Self::UnusablePassword => "unusable-password",
            Self::WrongAcknowledgement => "wrong-acknowledgement",
            Self::WrongPassword => "wrong-password",
        }
    }

    /// Whether another attempt on a new transport can help without the person changing anything.
    #[must_use]
    pub fn retry(self) -> bool {
        matches!(
            self,
            Self::ConnectionLost
                | Self::InjectedBytes
                | Self::MalformedXml
                | Self::SessionRefused
                | Self::StreamClosed
                | Self::TemporaryFailure
                | Self::Timeout
                | Self::TooLarge
                | Self::UnexpectedElement
                | Self::WrongAcknowledgement
        ) || matches!(self, Self::StreamError(condition) if condition.retry())
    }
}

impl fmt::Display for OfflineReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccountDisabled => "The server has disabled this account. Ask its operator.",
            Self::ConnectionLost => "The connection was lost.",
            Self::InjectedBytes => {
                "Someone on the way put bytes into the connection before it was encrypted."
            }
            Self::InvitationRefused => {
                "The server does not take this invitation: it was used already, or it is too old. Ask for another one."
            }
            Self::MalformedXml => "The server sent something that is not valid XMPP.",
            Self::MechanismDowngrade => {
                "The server offers only weaker ways to log in than before. The password was not sent."
            }
            Self::NameTaken => "This account name is already taken. Choose another.",
            Self::NoMechanism => {
                "The server offers no safe way to log in. The password was not sent."
            }
            Self::NoTls => "The server offers no encryption. Nothing was sent.",
            Self::OnlyPlain => {
                "The server takes nothing but the password itself. It was not sent: allow that for this account if you trust the server with it."
            }
            Self::RegistrationNeedsForm => {
                "The server wants more than a name and a password for a new account. Make the account on its web page."
            }
            Self::RegistrationRefused => "The server does not make new accounts this way.",
            Self::Replaced => "This session was replaced by another one of the same account.",
            Self::Requested => "Offline as you asked.",
            Self::ServerNotAuthentic => {
                "The server could not prove that it knows this account. It may be an impostor."
            }
            Self::SessionRefused => "The server refused to open a session.",
            Self::StreamClosed => "The server closed the connection.",
            Self::StreamError(condition) => condition.sentence(),
            Self::TemporaryFailure => "The server cannot log anyone in at the moment.",
            Self::Timeout => "The server did not answer in time.",
            Self::TooLarge => "The server sent more than is safe to take in.",
            Self::UnexpectedElement => "The server did something that XMPP does not allow.",
            Self::UnsafeLogin => {
                "The server asked for a login that would be unsafe or would take too long."
            }
            Self::UnsupportedVersion => "The server is too old.",
            Self::UnusablePassword => {
                "The name or the password cannot be used with this server. Choose one of plain letters and digits."
            }
            Self::WrongAcknowledgement => "The server lost count of the messages.",
            Self::WrongPassword => "The server refused the name or the password.",
        })
    }
}

impl std::error::Error for OfflineReason {}

/// RFC 6120 4.9.3, as far as the difference matters to a person. `see-other-host` is never followed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StreamCondition {
    /// `host-gone`, `host-unknown`, `improper-addressing`: the server does not serve this domain.
    HostUnknown,
    /// `not-authorized`, `not-well-formed`, ...: the server faults us.
    Other,
    /// `policy-violation`.
    PolicyViolation,
    /// `reset`.
    Reset,
    /// `resource-constraint`.
    ResourceConstraint,
    /// `see-other-host`: ignored, because it could lead anywhere.
    SeeOtherHost,
    /// `system-shutdown`.
    SystemShutdown,
}

impl StreamCondition {
    /// Maps the element name of RFC 6120 4.9.3; `conflict` and `connection-timeout` have reasons of their own.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        match name {
            "host-gone" | "host-unknown" | "improper-addressing" => Self::HostUnknown,
            "policy-violation" => Self::PolicyViolation,
            "reset" => Self::Reset,
            "resource-constraint" => Self::ResourceConstraint,
            "see-other-host" => Self::SeeOtherHost,
            "system-shutdown" => Self::SystemShutdown,
            _ => Self::Other,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::HostUnknown => "stream-host-unknown",
            Self::Other => "stream-error",
            Self::PolicyViolation => "stream-policy-violation",
            Self::Reset => "stream-reset",
            Self::ResourceConstraint => "stream-resource-constraint",
            Self::SeeOtherHost => "stream-see-other-host",
            Self::SystemShutdown => "stream-system-shutdown",
        }
    }

    fn retry(self) -> bool {
        !matches!(self, Self::HostUnknown | Self::SeeOtherHost)
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::HostUnknown => "The server does not serve the domain of this account.",
            Self::Other => "The server ended the connection with an error.",
            Self::PolicyViolation => "The server ended the connection because of its rules.",
            Self::Reset => "The server asked to connect anew.",
            Self::ResourceConstraint => "The server is overloaded.",
            Self::SeeOtherHost => "The server sent us elsewhere, and we did not go.",
            Self::SystemShutdown => "The server is shutting down.",
        }
    }
}

/// RFC 6120 8.3.3, as far as the difference matters to a person whose message came back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StanzaCondition {
    /// `gone`, `item-not-found`: there is no such account.
    NotFound,
    /// Anything else.
    Other,
    /// `forbidden`, `not-allowed`, `not-acceptable`, `not-authorized`, `policy-violation`: refused.
    Refused,
    /// `remote-server-not-found`, `remote-server-timeout`: the other server cannot be reached.
    ServerUnreachable,
    /// `service-unavailable`, `recipient-unavailable`: offline, or unwilling to say.
    Unavailable,
    /// `resource-constraint`, `internal-server-error`: try again later.
    Overloaded,
}

impl StanzaCondition {
    /// Maps the element name of RFC 6120 8.3.3.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        match name {
            "gone" | "item-not-found" => Self::NotFound,
            "forbidden" | "not-acceptable" | "not-allowed" | "not-authorized" | "policy-violation" => {
                Self::Refused
            }
            "remote-server-not-found" | "remote-server-timeout" => Self::ServerUnreachable,
            "recipient-unavailable" | "service-unavailable" => Self::Unavailable,
            "internal-server-error" | "resource-constraint" => Self::Overloaded,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for StanzaCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "There is no such account.",
            Self::Other => "The message was not delivered.",
            Self::Overloaded => "The other server is overloaded; try again later.",
            Self::Refused => "The other side refused the message.",
            Self::ServerUnreachable => "The other server cannot be reached.",
            Self::Unavailable => "The other side cannot receive the message now.",
        })
    }
}
