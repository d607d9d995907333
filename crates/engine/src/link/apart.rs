//! Moments at which the accounts of one profile come and go: each drawn for itself, minutes apart, so that whoever
//! watches several of them cannot tell by the times that they are one person's.
//! It must never draw from anything but a cryptographic source, nor hold up an account that is alone.
//! Standards: none; the weakness is told of by others as "intersection by time".

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use model::{AccountState, Problem};
use rand_core::CryptoRng;
use tokio::time::Instant;

use super::{Coming, Link, Order};

/// Time that each other account adds to the span in which an account's moment lies.
pub(crate) const EACH: Duration = Duration::from_secs(120);
/// The longest such span.
const LONGEST: Duration = Duration::from_secs(20 * 60);

/// Where the moments come from: the system's random source, but for tests.
pub(crate) type Chance = Box<dyn CryptoRng + Send + Sync>;

/// How many accounts of the profile connect. Shared by their links.
#[derive(Clone, Default)]
pub(crate) struct Siblings(Arc<AtomicUsize>);

impl Siblings {
    /// So many accounts connect now.
    pub(crate) fn set(&self, accounts: usize) {
        self.0.store(accounts, Ordering::Relaxed);
    }

    /// The span in which moments lie: nothing for an account that is alone.
    fn span(&self) -> Duration {
        let others = self.0.load(Ordering::Relaxed).saturating_sub(1);
        let others = u32::try_from(others).unwrap_or(u32::MAX);
        EACH.saturating_mul(others).min(LONGEST)
    }
}

/// A moment within a span, in whole milliseconds.
pub(crate) fn moment(random: &mut dyn CryptoRng, span: Duration) -> Duration {
    let span = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(random.next_u64().checked_rem(span).unwrap_or_default())
}

impl Link {
    /// A moment of this account's own; none where it is alone.
    pub(super) fn own_moment(&mut self) -> Duration {
        let span = self.setup.siblings.span();
        moment(&mut *self.setup.chance, span)
    }

    /// Waits for a moment of its own, where this account would otherwise come in the same one as others.
    /// `Some(false)`: the owner wants to be offline. `None`: nobody gives orders any more.
    pub(super) async fn come_apart(&mut self) -> Option<bool> {
        let wait = self.own_moment();
        if wait.is_zero() {
            return Some(true);
        }
        let text = "This account connects a little later than the others, at a moment drawn by lot: so nobody can tell by the time that they belong together. Connect it again to go at once.";
        let why = Problem::new("account.kept_apart", text);
        self.rest(wait, why).await
    }

    /// Rests before the next attempt, unless the owner wants it now. `Some(false)`: the owner wants to be offline.
    pub(super) async fn rest(&mut self, wait: Duration, problem: Problem) -> Option<bool> {
        let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX);
        self.state(AccountState::WaitingToReconnect { problem, seconds })
            .await;
        let until = Instant::now() + wait;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(until) => return Some(true),
                order = self.orders.recv() => match order? {
                    Order::Connect | Order::NewCircuit => return Some(true),
                    Order::Change(change) => {
                        self.change = Some(change);
                        return Some(true);
                    }
                    Order::Disconnect | Order::Apart(Coming::Goes) => return Some(false),
                    order => self.queue(order).await,
                },
            }
        }
    }

    /// The owner wants this account to go, at a moment of its own.
    pub(super) fn go_apart(&mut self) {
        self.leaves_at = Some(Instant::now() + self.own_moment());
    }

    /// Ends when this account's moment to go has come; never where none was drawn.
    pub(super) async fn moment_to_go(leaves_at: Option<Instant>) {
        match leaves_at {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}
