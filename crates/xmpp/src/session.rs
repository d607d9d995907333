//! One account's session: what comes in moves it from phase to phase, what has to be done is polled from it.
//! Must never block, touch a socket, read a clock, or trust a stanza further than its sender.
//! RFC 6120, RFC 6121, XEP-0077, XEP-0198.

mod commands;
mod incoming;
mod life;
mod login;
mod queries;
mod requests;
mod stanza;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jid::{BareJid, FullJid};
use minidom::Element;
use rand_core::CryptoRng;

use crate::config::{Config, Mechanism};
use crate::error::{Error, OfflineReason};
use crate::event::{Bindings, Event, Input, Output, Subscription};
use crate::framing::{Frame, Framer};
use crate::ns;
use crate::room_list::Search;
use crate::rooms::Rooms;
use crate::sm::Management;
use crate::write;
use life::Clock;
pub(crate) use login::{Login, Next, Stage, condition};
pub(crate) use queries::{Asked, Queries};
use requests::Requests;
pub(crate) use requests::{Answer, Kind, RoomStep, SearchStep};
pub(crate) use stanza::body;

/// An XMPP client for one account, over whatever transport it is handed, one after another.
///
/// Each transport starts with `Input::Connected` and ends with `Input::Closed`. Between two transports the session
/// keeps what was not acknowledged (XEP-0198) and takes it up again on the next one.
pub struct Session {
    pub(crate) config: Config,
    phase: Phase,
    framer: Framer,
    out: VecDeque<Output>,
    clock: Clock,
    /// Outlives the transport.
    pub(crate) management: Option<Management>,
    /// Without XEP-0198: messages that no later answer of the server's has confirmed yet.
    unconfirmed: VecDeque<u64>,
    requests: Requests,
    /// The ids of messages lately sent, to tell which one came back.
    sent: VecDeque<Sent>,
    contacts: BTreeMap<BareJid, Subscription>,
    /// Whoever is refused everything, contact or not (XEP-0191).
    pub(crate) blocked: BTreeSet<BareJid>,
    /// Where we are beside one-to-one conversations (XEP-0045).
    pub(crate) rooms: Rooms,
    /// The search for rooms that is under way.
    pub(crate) search: Option<Search>,
    queries: Queries,
    jid: Option<FullJid>,
    /// The strongest mechanism that this account has used, or that was offered to it.
    pub(crate) seen: Option<Mechanism>,
    /// The mechanism of this stream.
    pub(crate) mechanism: Mechanism,
    /// The session stands, and the server's features have to come yet (XEP-0388).
    pub(crate) awaits_features: bool,
    registration: Registration,
    /// Of the transport that stands.
    bindings: Bindings,
}

/// Where a stream stands. A login has states of its own.
pub(crate) enum Phase {
    /// No transport, or a stream that is over and waits for its transport to go.
    Down,
    /// From the first header to a resource.
    Login(Login),
    /// Stanzas flow.
    Online,
    /// Our closing tag is sent; theirs, and acknowledgements before it, may come.
    Closing,
}

/// How far the making of the account has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Registration {
    /// Not asked for, or done.
    Unneeded,
    /// To be made.
    Wanted,
    /// The form was sent and no answer came: the account may have been made.
    Attempted,
}

/// What a message error is matched against.
struct Sent {
    id: String,
    to: BareJid,
    token: u64,
}

/// What each step may use.
pub(crate) struct Step<'a> {
    pub(crate) now: Duration,
    pub(crate) rng: &'a mut dyn CryptoRng,
}

impl Session {
    /// A session that waits for its first transport.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            phase: Phase::Down,
            framer: Framer::new(config.limits.clone()),
            out: VecDeque::new(),
            clock: Clock::default(),
            management: None,
            unconfirmed: VecDeque::new(),
            requests: Requests::default(),
            sent: VecDeque::new(),
            contacts: BTreeMap::new(),
            blocked: BTreeSet::new(),
            rooms: Rooms::default(),
            search: None,
            queries: Queries::default(),
            jid: None,
            seen: config.mechanism_seen,
            mechanism: Mechanism::Plain,
            awaits_features: false,
            bindings: Bindings::default(),
            registration: if config.register {
                Registration::Wanted
            } else {
                Registration::Unneeded
            },
            config,
        }
    }

    /// Takes one input. `now` is the reading of any monotonic clock, the same at each call; `rng` feeds ids, nonces and
    /// the jitter of timers. Afterwards `poll` until it is empty.
    ///
    /// # Errors
    /// Only a command can fail; whatever the network does wrong becomes `Event::Offline`.
    pub fn handle(&mut self, input: Input<'_>, now: Duration, rng: &mut dyn CryptoRng) -> Result<(), Error> {
        let mut step = Step { now, rng };
        let done = match input {
            Input::Bindings(bindings) => {
                self.bindings = bindings;
                Ok(())
            }
            Input::Connected => {
                self.connected(&mut step);
                Ok(())
            }
            Input::TlsEstablished => {
                self.tls_established();
                Ok(())
            }
            Input::Bytes(bytes) => {
                self.take_bytes(bytes, &mut step);
                Ok(())
            }
            Input::Closed => {
                self.end(OfflineReason::ConnectionLost, step.now);
                Ok(())
            }
            Input::Tick => {
                self.tick(&mut step);
                Ok(())
            }
            Input::Command(command) => self.command(command, &mut step),
        };
        self.schedule();
        done
    }

    /// The next thing to do, in order; `None` until the next input.
    #[must_use]
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    fn take_bytes(&mut self, mut bytes: &[u8], step: &mut Step<'_>) {
        self.clock.heard(step.now);
        while !matches!(self.phase, Phase::Down) {
            if self.awaits_tls() {
                if !bytes.is_empty() {
                    self.end(OfflineReason::InjectedBytes, step.now);
                }
                return;
            }
            let taken = match self.framer.read(&mut bytes) {
                Ok(None) => return,
                Ok(Some(frame)) => self.take_frame(frame, step),
                Err(reason) => Err(reason),
            };
            if let Err(reason) = taken {
                self.end(reason, step.now);
            }
        }
    }

    fn take_frame(&mut self, frame: Frame, step: &mut Step<'_>) -> Result<(), OfflineReason> {
        match frame {
            Frame::Ended => Err(self.closed_by_server()),
            Frame::Element(element) if element.is("error", ns::STREAM) => Err(stream_error(&element)),
            frame => match std::mem::replace(&mut self.phase, Phase::Down) {
                Phase::Login(login) => {
                    self.phase = Phase::Login(Login::Over);
                    self.phase = self.log_in(login, frame, step)?;
                    Ok(())
                }
                phase => {
                    self.phase = phase;
                    self.take_stanza(frame, step)
                }
            },
        }
    }

    fn closed_by_server(&self) -> OfflineReason {
        match self.phase {
            Phase::Closing => OfflineReason::Requested,
            _ => OfflineReason::StreamClosed,
        }
    }

    /// Writes something that is no stanza.
    pub(crate) fn write(&mut self, bytes: Vec<u8>) {
        self.out.push_back(Output::Send(bytes));
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }

    /// Starts a stream anew on the same transport (RFC 6120 4.3.3).
    fn open_stream(&mut self, from: bool) {
        self.framer = Framer::new(self.config.limits.clone());
        self.write(write::header(&self.config.jid, from));
    }
}

/// RFC 6120 4.9.3.
fn stream_error(element: &Element) -> OfflineReason {
    let condition = element
        .children()
        .find(|child| child.has_ns(ns::STREAM_ERRORS) && child.name() != "text");
    match condition.map(Element::name) {
        Some("conflict") => OfflineReason::Replaced,
        Some("connection-timeout") => OfflineReason::Timeout,
        Some("unsupported-version") => OfflineReason::UnsupportedVersion,
        name => {
            OfflineReason::StreamError(crate::error::StreamCondition::from_name(name.unwrap_or_default()))
        }
    }
}
