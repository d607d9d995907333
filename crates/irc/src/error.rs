//! What can go wrong: misuse by the caller (`Error`), what the server refuses (`Problem`), the end of a connection
//! (`OfflineReason`). Must never carry names, addresses or words that came from the network.
//! RFC 1459 6.1, RFC 2812 5.2, IRCv3 sasl-3.1 and standard-replies.

use std::fmt;

/// A command that could not be carried out. The session goes on as it was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Error {
    /// A line end or another character that IRC cannot carry. Nothing was sent.
    IllegalCharacter,
    /// There is no connection at the moment; the caller keeps the command for later.
    NotConnected,
    /// The server cannot do this.
    NotSupported,
    /// Too much waits to be sent or confirmed; the caller keeps the command for later.
    QueueFull,
    /// The text is longer than may be sent, or empty. Nothing was sent.
    TooLong,
    /// A password would go unencrypted. Nothing was sent.
    Unprotected,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IllegalCharacter => "The text holds a character that cannot be sent.",
            Self::NotConnected => "The account is not connected.",
            Self::NotSupported => "This network cannot do that.",
            Self::QueueFull => "Too many messages wait for the server.",
            Self::TooLong => "The message is empty or too long.",
            Self::Unprotected => "The password would be readable on the way. It was not sent.",
        })
    }
}

impl std::error::Error for Error {}

/// Why the server did not do what was asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Problem {
    /// 443: they are in that room already.
    AlreadyThere,
    /// 474: banned from the room.
    Banned,
    /// 404, 407: nothing can be sent there.
    CannotSend,
    /// 471: the room is full.
    Full,
    /// 473: by invitation only.
    InviteOnly,
    /// 478, 734: the list is full.
    ListFull,
    /// 475: the room has a key.
    NeedsKey,
    /// 477, 487 and others: only for those who have an account.
    NeedsAccount,
    /// 431, 432, 476, 479: no name that may be used here.
    NameUnusable,
    /// 433, 436: the nick is in use.
    NickTaken,
    /// 401, 402: there is nobody of that name.
    NoSuchNick,
    /// 403: there is no room of that name.
    NoSuchRoom,
    /// 481, 482, 485: not allowed to.
    NotAllowed,
    /// 441, 442: not in that room.
    NotThere,
    /// Anything else.
    Other,
    /// 437, 439, 263 and others: later.
    TryLater,
    /// 405: too many rooms.
    TooManyRooms,
    /// 421, 472, 501: the server does not know what was asked.
    Unknown,
}

impl Problem {
    /// The problem of an error numeric; `None` if the number is no error.
    pub(crate) fn from_numeric(numeric: &str) -> Option<Self> {
        Some(match numeric {
            "263" | "437" | "439" | "480" => Self::TryLater,
            "401" | "402" | "406" => Self::NoSuchNick,
            "403" => Self::NoSuchRoom,
            "404" | "407" | "408" | "411" | "412" | "415" | "416" | "531" => Self::CannotSend,
            "405" => Self::TooManyRooms,
            "421" | "472" | "501" | "461" => Self::Unknown,
            "431" | "432" | "476" | "479" => Self::NameUnusable,
            "433" | "436" => Self::NickTaken,
            "441" | "442" => Self::NotThere,
            "443" => Self::AlreadyThere,
            "471" => Self::Full,
            "473" => Self::InviteOnly,
            "474" => Self::Banned,
            "475" => Self::NeedsKey,
            "477" | "487" | "489" | "716" => Self::NeedsAccount,
            "478" | "734" => Self::ListFull,
            "481" | "482" | "483" | "484" | "485" | "502" => Self::NotAllowed,
            _ if numeric.len() == 3 && numeric.starts_with(['4', '5']) => Self::Other,
            _ => return None,
        })
    }

    /// A fixed code for other programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::AlreadyThere => "already-there",
            Self::Banned => "banned",
            Self::CannotSend => "cannot-send",
            Self::Full => "full",
            Self::InviteOnly => "invite-only",
            Self::ListFull => "list-full",
            Self::NeedsKey => "needs-key",
            Self::NeedsAccount => "needs-account",
            Self::NameUnusable => "name-unusable",
            Self::NickTaken => "nick-taken",
            Self::NoSuchNick => "no-such-nick",
            Self::NoSuchRoom => "no-such-room",
            Self::NotAllowed => "not-allowed",
            Self::NotThere => "not-there",
            Self::Other => "other",
            Self::TryLater => "try-later",
            Self::TooManyRooms => "too-many-rooms",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlreadyThere => "They are in that room already.",
            Self::Banned => "You are banned from this room.",
            Self::CannotSend => "Nothing can be sent there.",
            Self::Full => "The room is full.",
            Self::InviteOnly => "Only people who are invited can enter this room.",
            Self::ListFull => "The list is full.",
            Self::NeedsKey => "The room has a password. Enter it and try again.",
            Self::NeedsAccount => "Only people with an account on this network can do that.",
            Self::NameUnusable => "This name cannot be used here. Choose another.",
            Self::NickTaken => "Somebody else has this nick. Choose another.",
            Self::NoSuchNick => "There is nobody of that name at the moment.",
            Self::NoSuchRoom => "There is no room of that name.",
            Self::NotAllowed => "You are not allowed to do that.",
            Self::NotThere => "They, or you, are not in that room.",
            Self::Other => "The server refused.",
            Self::TryLater => "The server asks to try again later.",
            Self::TooManyRooms => "You are in as many rooms as the server allows.",
            Self::Unknown => "The server does not know how to do that.",
        })
    }
}

/// Why a connection ended or never came to stand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OfflineReason {
    /// The network does not let this address or account in.
    Banned,
    /// The server closed the connection and said so.
    ClosedByServer,
    /// The transport went away.
    ConnectionLost,
    /// No login is possible at the moment: the services are away.
    LoginUnavailable,
    /// The server offers only weaker ways to log in than it used to.
    MechanismDowngrade,
    /// The server will not accept any nick.
    NickRefused,
    /// The server offers no way to log in that is safe.
    NoMechanism,
    /// We went offline because we were told to.
    Requested,
    /// The server could not prove that it knows the password.
    ServerNotAuthentic,
    /// The server wants to be reached by TLS, on this port.
    StsUpgrade {
        /// The port.
        port: u16,
    },
    /// The server did not answer in time.
    Timeout,
    /// More came in than any line may hold.
    TooLarge,
    /// The server broke the rules of IRC.
    UnexpectedMessage,
    /// A password would have to go unencrypted.
    Unprotected,
    /// Login demanded parameters that are not safe.
    UnsafeLogin,
    /// The name or password holds characters that cannot be used to log in.
    UnusablePassword,
    /// The server refused account, password, key or certificate.
    WrongPassword,
}

impl OfflineReason {
    /// A fixed code for other programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Banned => "banned",
            Self::ClosedByServer => "closed-by-server",
            Self::ConnectionLost => "connection-lost",
            Self::LoginUnavailable => "login-unavailable",
            Self::MechanismDowngrade => "mechanism-downgrade",
            Self::NickRefused => "nick-refused",
            Self::NoMechanism => "no-mechanism",
            Self::Requested => "requested",
            Self::ServerNotAuthentic => "server-not-authentic",
            Self::StsUpgrade { .. } => "sts-upgrade",
            Self::Timeout => "timeout",
            Self::TooLarge => "too-large",
            Self::UnexpectedMessage => "unexpected-message",
            Self::Unprotected => "unprotected",
            Self::UnsafeLogin => "unsafe-login",
            Self::UnusablePassword => "unusable-password",
            Self::WrongPassword => "wrong-password",
        }
    }

    /// Whether another attempt on a new transport can help without the person changing anything.
    #[must_use]
    pub fn retry(self) -> bool {
        matches!(
            self,
            Self::ClosedByServer
                | Self::ConnectionLost
                | Self::LoginUnavailable
                | Self::StsUpgrade { .. }
                | Self::Timeout
                | Self::TooLarge
                | Self::UnexpectedMessage
        )
    }
}

impl fmt::Display for OfflineReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Banned => "The network does not let you in. It may refuse connections by Tor.",
            Self::ClosedByServer => "The server closed the connection.",
            Self::ConnectionLost => "The connection was lost.",
            Self::LoginUnavailable => "The network cannot log anyone in at the moment.",
            Self::MechanismDowngrade => {
                "The server offers only weaker ways to log in than before. The password was not sent."
            }
            Self::NickRefused => "The server accepts no nick like this one. Choose another.",
            Self::NoMechanism => "The server offers no safe way to log in. The password was not sent.",
            Self::Requested => "Offline as you asked.",
            Self::ServerNotAuthentic => {
                "The server could not prove that it knows this account. It may be an impostor."
            }
            Self::StsUpgrade { .. } => "The server wants to be reached by TLS. Connecting again.",
            Self::Timeout => "The server did not answer in time.",
            Self::TooLarge => "The server sent more than is safe to take in.",
            Self::UnexpectedMessage => "The server did something that IRC does not allow.",
            Self::Unprotected => "The password would be readable on the way. It was not sent.",
            Self::UnsafeLogin => "The server asked for a login that would be unsafe or would take too long.",
            Self::UnusablePassword => {
                "The name or the password cannot be used with this network. Choose one of plain letters and digits."
            }
            Self::WrongPassword => "The network refused the account, password, key or certificate.",
        })
    }
}

impl std::error::Error for OfflineReason {}
