//! One account's session, of whatever network, as the link drives it.
//! It must never decide anything: it says the same thing to each protocol in its own words.
//! RFC 6120; RFC 2812.

use std::time::Duration;

use model::Problem;

use super::irc::Irc;
use super::xmpp_session::XmppSession;
use super::{Network, Order, Report, Setup};

/// The session of one account.
pub(crate) enum Session {
    Irc(Box<Irc>),
    Xmpp(Box<XmppSession>),
}

/// What a session is told of its stream.
pub(super) enum Told<'a> {
    /// What ties a login to the TLS of the stream that follows.
    Bindings(xmpp::Bindings),
    Bytes(&'a [u8]),
    Closed,
    Connected,
    TlsEstablished,
    Tick,
}

/// What a session wants done.
pub(super) enum Wanted {
    Close,
    /// It ended.
    Offline {
        why: Problem,
        retry: bool,
        /// Because the owner wants it so.
        requested: bool,
        /// Where the server wants TLS from now on: the port.
        tls_at: Option<u16>,
    },
    /// It stands; what the former one held is still held.
    Online {
        resumed: bool,
        report: Report,
    },
    /// The account was made on the server.
    Registered,
    Report(Report),
    Send(Vec<u8>),
    StartTls,
    /// The server wants TLS for so long from now on, where the stream led to (IRCv3 sts).
    TlsOnly(Duration),
    Wake(Duration),
}

/// How an order went.
pub(super) enum Taken {
    /// Not now: the order again.
    Later(Order),
    Yes,
}

impl Session {
    pub(super) fn new(setup: &Setup, transport: model::Transport) -> Self {
        match &setup.network {
            Network::Irc(way) => Self::Irc(Box::new(Irc::new(way, &setup.password, transport))),
            Network::Xmpp {
                jid,
                register,
                mechanism_seen,
                way,
            } => {
                let mut config = xmpp::Config::new(jid.clone(), setup.password.clone());
                config.credential = way.credential;
                config.allow_plain = way.allow_plain;
                config.token.clone_from(&way.token);
                config.invitation.clone_from(&way.invitation);
                config.tls = match transport {
                    model::Transport::DirectTls => xmpp::Tls::Direct,
                    model::Transport::PlainOverOnion => xmpp::Tls::PlainOverOnion,
                    model::Transport::StartTls => xmpp::Tls::StartTls,
                };
                config.register = *register;
                config.mechanism_seen = *mechanism_seen;
                Self::Xmpp(Box::new(XmppSession::new(config)))
            }
        }
    }

    pub(super) fn hear(&mut self, told: Told<'_>, now: Duration) {
        match self {
            Self::Irc(session) => session.hear(told, now),
            Self::Xmpp(session) => session.hear(told, now),
        }
    }

    /// Says goodbye; where nothing stands there is nothing to say goodbye to.
    pub(super) fn go_offline(&mut self, now: Duration) {
        match self {
            Self::Irc(session) => session.go_offline(now),
            Self::Xmpp(session) => session.go_offline(now),
        }
    }

    /// Carries out an order about people or rooms.
    pub(super) fn obey(&mut self, order: Order, now: Duration) -> Taken {
        match self {
            Self::Irc(session) => session.obey(order, now),
            Self::Xmpp(session) => session.obey(order, now),
        }
    }

    pub(super) fn poll(&mut self) -> Option<Wanted> {
        match self {
            Self::Irc(session) => session.poll(),
            Self::Xmpp(session) => session.poll(),
        }
    }
}
