//! One account's way to its server: reach it by Tor, secure it, keep the XMPP session on it, and
//! come back when it is lost. It must never go by another way than the dialer, nor decide what is said.
//! RFC 6120; XEP-0198 (the session outlives its streams); XEP-0368.

mod pump;
mod reach;

use std::collections::VecDeque;
use std::time::Duration;

use dial::{Dialer, Host, Isolation, TorStatus};
use jid::BareJid;
use model::{AccountId, AccountState, LoginStep, Problem, Server};
use rand_core::Rng;
use tokio::sync::mpsc;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::random::SystemRandom;

/// What a link needs to know of its account.
pub(crate) struct Setup {
    pub(crate) id: AccountId,
    pub(crate) jid: BareJid,
    pub(crate) password: Zeroizing<String>,
    pub(crate) server: Option<Server>,
    pub(crate) pins: Vec<dial::tls::SpkiHash>,
    pub(crate) register: bool,
    pub(crate) mechanism_seen: Option<xmpp::Mechanism>,
    pub(crate) isolation: Isolation,
    pub(crate) dialer: Dialer,
    /// Accounts of this profile that connect: with more than one, they never move in step.
    pub(crate) siblings: usize,
}

/// What a link is told.
#[derive(Debug)]
pub(crate) enum Order {
    Connect,
    Disconnect,
    /// Leave the circuit and come back over another.
    NewCircuit,
    Xmpp(xmpp::Command),
}

/// What a link tells.
#[derive(Debug)]
pub(crate) enum Report {
    State(AccountState),
    Xmpp(xmpp::Event),
    /// These went nowhere, in this order.
    Lost(Vec<u64>),
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
    session: xmpp::Session,
    origin: Instant,
    orders: mpsc::Receiver<Order>,
    reports: mpsc::Sender<(AccountId, Report)>,
    /// Messages that came while the stream was down: they follow what the session still holds.
    pending: VecDeque<(xmpp::Command, u64)>,
    /// The session stands on a stream, and the engine was told so.
    online: bool,
    failures: u32,
    transport: model::Transport,
    /// A login went well over this kind of transport: no other is tried any more, so that the
    /// session, and what it still holds, stays.
    proven: bool,
}

impl Link {
    pub(crate) fn new(
        setup: Setup,
        orders: mpsc::Receiver<Order>,
        reports: mpsc::Sender<(AccountId, Report)>,
    ) -> Self {
        let transport = setup
            .server
            .as_ref()
            .map_or_else(Default::default, |server| server.transport);
        let session = new_session(&setup, transport, setup.register);
        Self {
            setup,
            session,
            origin: Instant::now(),
            orders,
            reports,
            pending: VecDeque::new(),
            online: false,
            failures: 0,
            transport,
            proven: false,
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
                        if self.setup.siblings > 1 && !self.stagger().await {
                            return;
                        }
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
                Some(order) => self.queue(order).await,
                None => return false,
            }
        }
    }

    /// One connection from beginning to end.
    async fn once(&mut self) -> End {
        if let Some(end) = self.wait_for_tor().await {
            return end;
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

    async fn wait_for_tor(&mut self) -> Option<End> {
        let mut status = self.setup.dialer.status();
        loop {
            let told = match &*status.borrow_and_update() {
                status if status.is_ready() => None,
                TorStatus::Restarting => Some(AccountState::TorIsRestarting),
                TorStatus::Gate(_) => Some(AccountState::WaitingForTor),
            };
            self.state(told?).await;
            tokio::select! {
                changed = status.changed() => if changed.is_err() { return Some(End::Abandoned) },
                order = self.orders.recv() => match order {
                    Some(Order::Disconnect) => return Some(End::Disconnected),
                    Some(order) => self.queue(order).await,
                    None => return Some(End::Abandoned),
                },
            }
        }
    }

    /// Up to two minutes, so that several accounts do not come back in the same moment. `false`:
    /// nobody gives orders any more.
    async fn stagger(&mut self) -> bool {
        let wait = Duration::from_millis(u64::from(SystemRandom.next_u32()) % 120_000);
        let until = Instant::now() + wait;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(until) => return true,
                order = self.orders.recv() => match order {
                    Some(Order::Connect | Order::NewCircuit) => return true,
                    Some(Order::Disconnect) => {
                        self.state(AccountState::Offline).await;
                        return self.wait_for_order().await;
                    }
                    Some(order) => self.queue(order).await,
                    None => return false,
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
        let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX);
        self.state(AccountState::WaitingToReconnect { problem, seconds })
            .await;
        let until = Instant::now() + wait;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(until) => return Some(true),
                order = self.orders.recv() => match order? {
                    Order::Connect | Order::NewCircuit => return Some(true),
                    Order::Disconnect => return Some(false),
                    order => self.queue(order).await,
                },
            }
        }
    }

    /// One to two seconds at first, doubling to about five minutes; and up to two minutes more where
    /// other accounts could come back in the same moment. Always drawn anew.
    fn backoff(&self) -> Duration {
        let base = 1000_u64 << self.failures.min(8);
        let random = u64::from(SystemRandom.next_u32());
        let spread = if self.setup.siblings > 1 {
            u64::from(SystemRandom.next_u32()) % 120_000
        } else {
            0
        };
        Duration::from_millis(base + random % base + spread)
    }

    /// Keeps a message for later; what was lost with the stream is of no use later.
    async fn queue(&mut self, order: Order) {
        if let Order::Xmpp(command) = order
            && let xmpp::Command::Send { token, .. } = command
        {
            if self.pending.len() >= 512 {
                self.report(Report::Lost(vec![token])).await;
            } else {
                self.pending.push_back((command, token));
            }
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

fn new_session(setup: &Setup, transport: model::Transport, register: bool) -> xmpp::Session {
    let mut config = xmpp::Config::new(setup.jid.clone(), setup.password.clone());
    config.tls = match transport {
        model::Transport::DirectTls => xmpp::Tls::Direct,
        model::Transport::PlainOverOnion => xmpp::Tls::PlainOverOnion,
        model::Transport::StartTls => xmpp::Tls::StartTls,
    };
    config.register = register;
    config.mechanism_seen = setup.mechanism_seen;
    xmpp::Session::new(config)
}

/// Where a server is asked for, in this order.
pub(crate) struct Candidate {
    pub(crate) host: Host,
    pub(crate) port: u16,
    pub(crate) transport: model::Transport,
}

#[cfg(test)]
mod tests;
