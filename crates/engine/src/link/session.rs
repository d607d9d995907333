//! One account's session, of whatever network, as the link drives it.
//! It must never decide anything: it says the same thing to each protocol in its own words.
//! RFC 6120; RFC 2812.

use std::time::Duration;

use model::Problem;

use super::irc::Irc;
use super::{Network, Order, Report, Setup};
use crate::random::SystemRandom;

/// The session of one account.
pub(crate) enum Session {
    Irc(Box<Irc>),
    Xmpp(Box<xmpp::Session>),
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
            } => {
                let mut config = xmpp::Config::new(jid.clone(), setup.password.clone());
                config.tls = match transport {
                    model::Transport::DirectTls => xmpp::Tls::Direct,
                    model::Transport::PlainOverOnion => xmpp::Tls::PlainOverOnion,
                    model::Transport::StartTls => xmpp::Tls::StartTls,
                };
                config.register = *register;
                config.mechanism_seen = *mechanism_seen;
                Self::Xmpp(Box::new(xmpp::Session::new(config)))
            }
        }
    }

    pub(super) fn hear(&mut self, told: Told<'_>, now: Duration) {
        match self {
            Self::Irc(session) => session.hear(told, now),
            Self::Xmpp(session) => {
                let input = match told {
                    Told::Bindings(bindings) => xmpp::Input::Bindings(bindings),
                    Told::Bytes(bytes) => xmpp::Input::Bytes(bytes),
                    Told::Closed => xmpp::Input::Closed,
                    Told::Connected => xmpp::Input::Connected,
                    Told::TlsEstablished => xmpp::Input::TlsEstablished,
                    Told::Tick => xmpp::Input::Tick,
                };
                // Only a command can fail.
                let _ = session.handle(input, now, &mut SystemRandom);
            }
        }
    }

    /// Says goodbye; where nothing stands there is nothing to say goodbye to.
    pub(super) fn go_offline(&mut self, now: Duration) {
        match self {
            Self::Irc(session) => session.go_offline(now),
            Self::Xmpp(session) => {
                let goodbye = xmpp::Input::Command(xmpp::Command::GoOffline);
                let _ = session.handle(goodbye, now, &mut SystemRandom);
            }
        }
    }

    /// Carries out an order about people or rooms.
    pub(super) fn obey(&mut self, order: Order, now: Duration) -> Taken {
        match (self, order) {
            (Self::Irc(session), order) => session.obey(order, now),
            (Self::Xmpp(session), Order::Xmpp(command)) => {
                let again = command.clone();
                let done = session.handle(xmpp::Input::Command(command), now, &mut SystemRandom);
                done.map_or_else(|_| Taken::Later(Order::Xmpp(again)), |()| Taken::Yes)
            }
            (Self::Xmpp(_), _) => Taken::Yes,
        }
    }

    pub(super) fn poll(&mut self) -> Option<Wanted> {
        match self {
            Self::Irc(session) => session.poll(),
            Self::Xmpp(session) => session.poll().map(|output| match output {
                xmpp::Output::Close => Wanted::Close,
                xmpp::Output::Event(event) => of_xmpp(event),
                xmpp::Output::Send(bytes) => Wanted::Send(bytes),
                xmpp::Output::StartTls => Wanted::StartTls,
                xmpp::Output::Wake(at) => Wanted::Wake(at),
            }),
        }
    }
}

fn of_xmpp(event: xmpp::Event) -> Wanted {
    match event {
        xmpp::Event::Offline { why, retry } => Wanted::Offline {
            why: Problem::new(why.code(), why.to_string()),
            retry,
            requested: why == xmpp::OfflineReason::Requested,
            tls_at: None,
        },
        xmpp::Event::Online { resumed, .. } => Wanted::Online {
            resumed,
            report: Report::Xmpp(event),
        },
        xmpp::Event::Registered => Wanted::Registered,
        event => Wanted::Report(Report::Xmpp(event)),
    }
}
