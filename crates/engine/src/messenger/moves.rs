//! When the accounts come and go: never two of them for the same reason in the same moment.
//! It must never hold up an account that moves alone, nor one whose owner insists by asking twice.
//! Standards: none; see `link::apart`.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{AccountId, AccountState, Problem};
use tokio::time::Instant;

use super::accounts::busy;
use super::people::no_such_account;
use super::{Messenger, locked};
use crate::link::{self, Coming, Order, Report, Siblings};
use crate::random::SystemRandom;

/// Time in which the accounts go at the end of the program, each at a moment of its own. More is not to be had: whoever
/// closes a program waits for its end, and the supervisor does so for ten seconds.
const LAST_MOMENTS: Duration = Duration::from_secs(6);
/// Time for one goodbye.
const GOODBYE: Duration = Duration::from_secs(3);

/// Which account was last told to move, and when.
#[derive(Default)]
pub(super) struct Moves {
    last: BTreeMap<AccountId, (Coming, Instant)>,
    pub(super) siblings: Siblings,
}

impl Moves {
    /// The order for an account that the owner wants to move alone, as far as it knows.
    fn alone(&mut self, id: AccountId, way: Coming, now: Instant) -> Order {
        let lately = |at: Instant| now.saturating_duration_since(at) < link::EACH;
        let insists = self
            .last
            .get(&id)
            .is_some_and(|(before, at)| *before == way && lately(*at));
        let mut others = self.last.iter().filter(|(other, _)| **other != id);
        let with_others = others.any(|(_, (_, at))| lately(*at));
        self.last.insert(id, (way, now));
        match way {
            _ if with_others && !insists => Order::Apart(way),
            Coming::Comes => Order::Connect,
            Coming::Goes => Order::Disconnect,
        }
    }

    pub(super) fn forget(&mut self, id: AccountId) {
        self.last.remove(&id);
    }
}

impl Messenger {
    /// Lets an account come or go: now, or, where another one did so lately, at a moment of its own.
    pub(super) fn move_account(&mut self, id: AccountId, way: Coming) -> Result<(), Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        let wanted = open.accounts.values().filter(|account| account.shown.connect);
        open.moves.siblings.set(wanted.count());
        let account = open.accounts.get(&id).ok_or_else(no_such_account)?;
        let order = open.moves.alone(id, way, Instant::now());
        account.orders.try_send(order).map_err(|_| busy())
    }

    /// Lets every account that shall be connected come, each at a moment of its own: the profile was opened.
    pub(super) fn let_all_come(&mut self) {
        let Some(open) = &mut self.open else { return };
        let now = Instant::now();
        let wanted: Vec<_> = open
            .accounts
            .iter()
            .filter(|(_, account)| account.shown.connect)
            .collect();
        open.moves.siblings.set(wanted.len());
        for (id, account) in wanted {
            open.moves.last.insert(*id, (Coming::Comes, now));
            // Nothing was ordered yet, so there is room.
            let _ = account.orders.try_send(Order::Apart(Coming::Comes));
        }
    }

    /// Ends every stream in good order, each at a moment of its own; nobody waits longer than nine seconds for that.
    pub(super) async fn say_goodbye(&mut self) {
        let Some(open) = self.open.take() else { return };
        let online = open.accounts.values().filter(|account| account.online).count();
        let span = if online > 1 { LAST_MOMENTS } else { Duration::ZERO };
        for account in open.accounts.values() {
            let orders = account.orders.clone();
            let wait = if account.online {
                link::moment(&mut SystemRandom, span)
            } else {
                Duration::ZERO
            };
            tokio::spawn(async move {
                tokio::time::sleep(wait).await;
                let _ = orders.send(Order::Disconnect).await;
            });
        }
        let _ = tokio::time::timeout(span + GOODBYE, self.all_gone(online)).await;
    }

    async fn all_gone(&mut self, online: usize) {
        let mut online = online;
        while online > 0 {
            match self.reports.1.recv().await {
                Some((_, Report::State(AccountState::Offline))) => online -= 1,
                Some(_) => {}
                None => return,
            }
        }
    }
}
