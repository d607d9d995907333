//! One account's way to its server: reach it by Tor, secure it, keep the session on it, and
//! come back when it is lost. It must never go by another way than the dialer, nor decide what is said.
//! RFC 6120; XEP-0198 (the session outlives its streams); XEP-0368; RFC 2812.

mod apart;
mod irc;
mod places;
mod pump;
mod reach;
mod session;
mod talk;
mod trust;
mod xmpp_session;
mod xmpp_way;

use std::collections::VecDeque;
use std::time::Duration;

use dial::find::{Finder, Place, Resolver};
use dial::tls::KnownServer;
use dial::{Dialer, Host, Isolation, TorStatus};
use jid::BareJid;
use model::{AccountId, AccountState, Address, LoginStep, Problem, Server};
use tokio::sync::mpsc;
use tokio::time::Instant;
use zeroize::Zeroizing;

pub(crate) use self::apart::{Chance, EACH, Siblings, moment};
pub(crate) use self::irc::{IrcLogin, IrcWay, mechanism_named, preset};
pub(crate) use self::places::{read_place, write_place};
use self::session::Session;
pub(crate) use self::talk::{PersonReport, RoomOrder, RoomReport, Wish};
pub(crate) use self::xmpp_way::XmppWay;

/// What a link needs to know of its account.
pub(crate) struct Setup {
    pub(crate) id: AccountId,
    pub(crate) network: Network,
    pub(crate) password: Zeroizing<String>,
    pub(crate) server: Option<Server>,
    pub(crate) pins: Vec<dial::tls::SpkiHash>,
    /// The server as it was at the last login.
    pub(crate) known: Option<KnownServer>,
    pub(crate) isolation: Isolation,
    pub(crate) dialer: Dialer,
    /// Who is asked where the server is.
    pub(crate) resolvers: Vec<Resolver>,
    /// The server wanted TLS on this port at an earlier login (IRCv3 sts), and that still counts.
    pub(crate) tls_at: Option<u16>,
    /// An onion service that proved at an earlier login to be the server: tried before everything else.
    pub(crate) onion: Option<Place>,
    /// Accounts of this profile that connect: with more than one, they never move in step.
    pub(crate) siblings: Siblings,
    /// Where the moments come from at which it moves.
    pub(crate) chance: Chance,
}

/// The network of an account, and what only it needs.
pub(crate) enum Network {
    Irc(IrcWay),
    Xmpp {
        jid: BareJid,
        register: bool,
        mechanism_seen: Option<xmpp::Mechanism>,
        way: XmppWay,
    },
}

/// What a link is told.
#[derive(Debug)]
pub(crate) enum Order {
    /// Come or go at a moment drawn by lot, because other accounts do so, too.
    Apart(Coming),
    /// Go another way from now on, at once where the account connects.
    Change(Box<Change>),
    Connect,
    Disconnect,
    /// Leave the circuit and come back over another.
    NewCircuit,
    /// Something about a person, on a network without a contact list.
    Person {
        who: Address,
        wish: Wish,
    },
    Room(RoomOrder),
    /// A message, on a network where an address is all that there is of a person.
    Say {
        to: Address,
        body: String,
        token: u64,
        otr: bool,
    },
    Xmpp(xmpp::Command),
}

impl Order {
    /// The number of a message, if it is one: only those are kept while there is no connection.
    fn token(&self) -> Option<u64> {
        match self {
            Self::Room(RoomOrder::Say { token, .. })
            | Self::Say { token, .. }
            | Self::Xmpp(xmpp::Command::Send { token, .. }) => Some(*token),
            _ => None,
        }
    }
}

/// Which way an account moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coming {
    Comes,
    Goes,
}

/// Another way to the same account.
pub(crate) struct Change {
    pub(crate) password: Zeroizing<String>,
    pub(crate) server: Option<Server>,
    pub(crate) pins: Vec<dial::tls::SpkiHash>,
    pub(crate) known: Option<KnownServer>,
    pub(crate) resolvers: Vec<Resolver>,
    pub(crate) tls_at: Option<u16>,
    /// Another way to log in, where there is a choice.
    pub(crate) login: Option<IrcLogin>,
    pub(crate) way: Option<XmppWay>,
}

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Change")
    }
}

/// What a link tells.
#[derive(Debug)]
pub(crate) enum Report {
    State(AccountState),
    /// A stream to the server begins at an exit: its first words name the server for whoever stands there.
    BehindExit,
    /// This message goes to nobody.
    Bounced {
        token: u64,
        problem: Problem,
    },
    /// Bytes that the name of a person and the text of one message share from now on.
    Line(usize),
    /// Both sides have proven themselves: this is the server, to be known again.
    Server(KnownServer),
    /// The server wants TLS on this port for so many seconds from now on; nought: not any more.
    TlsOnly {
        port: u16,
        seconds: u64,
    },
    /// These were asked where the server is, each with what became of it.
    Looked(Vec<(String, &'static str)>),
    /// These went nowhere, in this order.
    Lost(Vec<u64>),
    /// This onion service, which the owner did not name, proved to be the server.
    Onion(Place),
    /// The session stands, and everything begins anew; logged in like that.
    Online {
        mechanism: Option<String>,
    },
    /// The server's key is looked at over two more circuits.
    Witnessed,
    /// The account is called otherwise now.
    OwnName(String),
    Person(PersonReport),
    Room(RoomReport),
    /// The server has this message.
    Taken {
        token: u64,
    },
    Xmpp(xmpp::Event),
}

/// Why a stream ended.
pub(crate) enum End {
    /// Nobody gives orders any more.
    Abandoned,
    /// The owner wants to be offline.
    Disconnected,
    /// It is tried again.
    Lost(Problem),
    /// The owner has to do something first.
    Refused(Problem),
    /// The owner wants another circuit.
    Turned,
}

/// One account's link; a task of its own.
pub(crate) struct Link {
    setup: Setup,
    session: Session,
    origin: Instant,
    orders: mpsc::Receiver<Order>,
    reports: mpsc::Sender<(AccountId, Report)>,
    /// Messages that came while the stream was down: they follow what the session still holds.
    pending: VecDeque<(Order, u64)>,
    /// The session stands on a stream, and the engine was told so.
    online: bool,
    failures: u32,
    /// The owner wants another way; it begins with the next connection.
    change: Option<Box<Change>>,
    transport: model::Transport,
    /// Finds the server where the owner chose none; away only while it is asked.
    finder: Option<Finder>,
    /// The place of the present stream.
    place: Option<Place>,
    /// Who answered on the present stream, if TLS stands on it.
    server: Option<KnownServer>,
    /// A login went well over this kind of transport: no other is tried any more, so that the
    /// session, and what it still holds, stays.
    proven: bool,
    /// The name that the certificate of the server has to bear.
    name: String,
    /// The server wants to be reached by TLS on this port (IRCv3 sts).
    tls_at: Option<u16>,
    /// Others wait for the same as this account: it must not come in the same moment.
    together: bool,
    /// The moment at which it goes, where it does so apart from others.
    leaves_at: Option<Instant>,
}

impl Link {
    pub(crate) fn new(
        setup: Setup,
        orders: mpsc::Receiver<Order>,
        reports: mpsc::Sender<(AccountId, Report)>,
    ) -> Self {
        let transport = first_transport(&setup);
        let session = Session::new(&setup, transport);
        let finder = places::finder(&setup);
        let name = match &setup.network {
            Network::Irc(way) => way.network.clone(),
            Network::Xmpp { jid, .. } => jid.domain().as_str().to_owned(),
        };
        let tls_at = setup.tls_at;
        Self {
            setup,
            session,
            origin: Instant::now(),
            orders,
            reports,
            pending: VecDeque::new(),
            online: false,
            failures: 0,
            change: None,
            transport,
            finder,
            place: None,
            server: None,
            proven: false,
            name,
            tls_at,
            together: false,
            leaves_at: None,
        }
    }

    /// Runs until nobody gives orders any more.
    pub(crate) async fn run(mut self) {
        loop {
            if !self.wait_for_order().await {
                return;
            }
            loop {
                match self.once().await {
                    End::Abandoned => return,
                    End::Disconnected if self.change.is_some() => {}
                    End::Disconnected => {
                        self.state(AccountState::Offline).await;
                        break;
                    }
                    End::Refused(problem) => {
                        self.state(AccountState::Failed { problem }).await;
                        break;
                    }
                    End::Turned => self.failures = 0,
                    End::Lost(_) if self.tor_restarts().await => {
                        self.state(AccountState::TorIsRestarting).await;
                        self.together = true;
                    }
                    End::Lost(problem) => match self.pause(problem).await {
                        Some(true) => {}
                        Some(false) => {
                            self.state(AccountState::Offline).await;
                            break;
                        }
                        None => return,
                    },
                }
            }
        }
    }

    /// Waits, offline, until the owner wants to connect. `false`: nobody gives orders any more.
    async fn wait_for_order(&mut self) -> bool {
        loop {
            match self.orders.recv().await {
                Some(Order::Connect) => {
                    self.failures = 0;
                    return true;
                }
                Some(Order::Apart(Coming::Comes)) => {
                    self.failures = 0;
                    self.together = true;
                    return true;
                }
                Some(Order::Change(change)) => self.change = Some(change),
                Some(order) => self.queue(order).await,
                None => return false,
            }
        }
    }

    /// One connection from beginning to end.
    async fn once(&mut self) -> End {
        self.change_way().await;
        if let Some(end) = self.wait_for_tor().await {
            return end;
        }
        if std::mem::take(&mut self.together) {
            match self.come_apart().await {
                Some(true) if self.change.is_none() => {}
                Some(_) => return End::Disconnected,
                None => return End::Abandoned,
            }
        }
        let stream = match self.reach().await {
            Ok(stream) => stream,
            Err(end) => return end,
        };
        self.state(AccountState::Connecting {
            step: LoginStep::Login,
        })
        .await;
        self.pump(stream).await
    }

    /// What the session held is told as lost: another server cannot know of it.
    async fn change_way(&mut self) {
        let Some(change) = self.change.take() else { return };
        let now = self.now();
        self.session.go_offline(now);
        self.outputs(&mut Vec::new(), &mut None).await;
        let change = *change;
        self.setup.password = change.password;
        self.setup.server = change.server;
        self.setup.pins = change.pins;
        self.setup.known = change.known;
        self.setup.resolvers = change.resolvers;
        if let (Network::Irc(way), Some(login)) = (&mut self.setup.network, change.login) {
            way.login = login;
        }
        if let (Network::Xmpp { way, .. }, Some(new)) = (&mut self.setup.network, change.way) {
            *way = new;
        }
        self.finder = places::finder(&self.setup);
        self.transport = first_transport(&self.setup);
        self.session = Session::new(&self.setup, self.transport);
        self.tls_at = change.tls_at;
        self.proven = false;
        self.failures = 0;
    }

    async fn wait_for_tor(&mut self) -> Option<End> {
        let mut status = self.setup.dialer.status();
        loop {
            let told = match &*status.borrow_and_update() {
                status if status.is_ready() => None,
                TorStatus::Restarting => Some(AccountState::TorIsRestarting),
                TorStatus::Gate(_) => Some(AccountState::WaitingForTor),
            };
            self.state(told?).await;
            self.together = true;
            tokio::select! {
                changed = status.changed() => if changed.is_err() { return Some(End::Abandoned) },
                order = self.orders.recv() => match order {
                    Some(Order::Disconnect | Order::Apart(Coming::Goes)) => return Some(End::Disconnected),
                    Some(Order::Change(change)) => return Some(self.turn_to(change)),
                    Some(order) => self.queue(order).await,
                    None => return Some(End::Abandoned),
                },
            }
        }
    }

    /// Whether the stream was lost because the gate died: then there is nothing to wait for but Tor.
    async fn tor_restarts(&self) -> bool {
        // Stream and status end with the same channel, in either order.
        tokio::time::sleep(Duration::from_millis(50)).await;
        *self.setup.dialer.status().borrow() == TorStatus::Restarting
    }

    /// Waits before the next attempt. `Some(false)`: the owner wants to be offline.
    async fn pause(&mut self, problem: Problem) -> Option<bool> {
        let wait = self.backoff();
        self.failures = self.failures.saturating_add(1);
        self.rest(wait, problem).await
    }

    /// One to two seconds at first, doubling to about five minutes; and minutes more where other accounts could come
    /// back in the same moment. Always drawn anew.
    fn backoff(&mut self) -> Duration {
        let base = Duration::from_millis(1000_u64 << self.failures.min(8));
        base + moment(&mut *self.setup.chance, base) + self.own_moment()
    }

    /// Remembers another way, and leaves the present one.
    pub(super) fn turn_to(&mut self, change: Box<Change>) -> End {
        self.change = Some(change);
        End::Disconnected
    }

    /// Keeps a message for later; what was lost with the stream is of no use later.
    async fn queue(&mut self, order: Order) {
        let Some(token) = order.token() else { return };
        if self.pending.len() >= 512 {
            self.report(Report::Lost(vec![token])).await;
        } else {
            self.pending.push_back((order, token));
        }
    }

    async fn state(&mut self, state: AccountState) {
        self.report(Report::State(state)).await;
    }

    async fn report(&mut self, report: Report) {
        // The engine is gone only when the program ends.
        let _ = self.reports.send((self.setup.id, report)).await;
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }
}

fn first_transport(setup: &Setup) -> model::Transport {
    let server = setup.server.as_ref();
    server.map_or_else(Default::default, |server| server.transport)
}

/// Where a server is asked for, in this order.
pub(crate) struct Candidate {
    pub(crate) host: Host,
    pub(crate) port: u16,
    pub(crate) transport: model::Transport,
}

/// A server and the name that its certificate has to bear.
pub(crate) struct Target {
    pub(crate) candidate: Candidate,
    pub(crate) name: String,
}

#[cfg(test)]
mod tests;
