//! Three accounts of one person, a thousand times: whoever sees when they log in, come back and log out learns nothing
//! from one of them about another. Must never use a clock but the paused one. `link::apart`.

use std::collections::HashMap;

use rand_core::{Rng, TryCryptoRng, TryRng};

use super::*;
use crate::recorder::{self, Record, Seen};

const RUNS: u64 = 1_000;
const ACCOUNTS: usize = 3;
/// Three and a half standard deviations of a correlation of 1,000 independent pairs.
const MOST_CORRELATION: f64 = 0.11;

/// Randomness that is the same in each run of the test (splitmix64); no secret hangs on it.
struct Seeded(u64);

impl TryRng for Seeded {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.try_next_u64().map(|n| (n >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut n = self.0;
        n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(n ^ (n >> 31))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        bytes.iter_mut().for_each(|byte| *byte = self.next_u64() as u8);
        Ok(())
    }
}

impl TryCryptoRng for Seeded {}

/// Three accounts on one dialer.
struct Trio {
    dialer: Dialer,
    record: Record,
    orders: Vec<mpsc::Sender<Order>>,
}

impl Trio {
    fn new(seeds: [u64; ACCOUNTS]) -> Self {
        let (dialer, record) = (Dialer::new(), Record::default());
        let siblings = siblings_of(ACCOUNTS);
        let start = |(number, seed): (usize, u64)| {
            let (orders, inbox) = mpsc::channel(16);
            let (reports, mut told) = mpsc::channel(16);
            let mut link = link(onion(), ACCOUNTS).0;
            link.setup.isolation = Isolation::from_bytes([number as u8; 16]);
            link.setup.dialer = dialer.clone();
            link.setup.siblings = siblings.clone();
            link.setup.chance = Box::new(Seeded(seed));
            link.setup.password = Zeroizing::new(recorder::PASSWORD.to_owned());
            link.session = Session::new(&link.setup, link.transport);
            (link.orders, link.reports) = (inbox, reports);
            tokio::spawn(link.run());
            tokio::spawn(async move { while told.recv().await.is_some() {} });
            orders
        };
        let orders = seeds.into_iter().enumerate().map(start).collect();
        Self {
            dialer,
            record,
            orders,
        }
    }

    /// All do the same from now on; seconds until the server sees each of them do it first.
    async fn all(&self, order: impl Fn() -> Option<Order>, sees: impl Fn(&Seen) -> bool) -> [f64; ACCOUNTS] {
        self.record.take();
        let begin = Instant::now();
        for orders in &self.orders {
            if let Some(order) = order() {
                orders.send(order).await.unwrap();
            }
        }
        tokio::time::sleep(Duration::from_secs(300)).await;
        let mut first = HashMap::new();
        for line in self.record.take().iter().filter(|line| sees(&line.seen)) {
            let after = line.at.saturating_duration_since(begin).as_secs_f64();
            first.entry(line.of.clone()).or_insert(after);
        }
        std::array::from_fn(|number| first[&Isolation::from_bytes([number as u8; 16]).to_hex()])
    }
}

/// What a watcher of all servers writes down: for each run and account the seconds until it came, came back and went.
async fn watched(runs: u64, seeds: impl Fn(u64) -> [u64; ACCOUNTS]) -> [Vec<[f64; ACCOUNTS]>; 3] {
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for run in 0..runs {
        let trio = Trio::new(seeds(run));
        let gate = recorder::gate(&trio.dialer, &trio.record);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let came = |seen: &Seen| matches!(seen, Seen::Came);
        let comes = || Some(Order::Apart(Coming::Comes));
        times[0].push(trio.all(comes, came).await);
        drop(gate);
        tokio::time::sleep(Duration::from_secs(5)).await;
        let _gate = recorder::gate(&trio.dialer, &trio.record);
        times[1].push(trio.all(|| None, came).await);
        let goes = || Some(Order::Apart(Coming::Goes));
        times[2].push(trio.all(goes, |seen| matches!(seen, Seen::Went)).await);
    }
    times
}

fn mean(of: &[f64]) -> f64 {
    of.iter().sum::<f64>() / of.len() as f64
}

/// Pearson's coefficient.
fn correlation(one: &[f64], other: &[f64]) -> f64 {
    let (a, b) = (mean(one), mean(other));
    let shared: f64 = one.iter().zip(other).map(|(x, y)| (x - a) * (y - b)).sum();
    let spread = |of: &[f64], middle: f64| of.iter().map(|x| (x - middle).powi(2)).sum::<f64>();
    shared / (spread(one, a) * spread(other, b)).sqrt()
}

fn ranks(of: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..of.len()).collect();
    order.sort_by(|a, b| of[*a].total_cmp(&of[*b]));
    let mut ranks = vec![0.0; of.len()];
    for (rank, at) in order.into_iter().enumerate() {
        ranks[at] = rank as f64;
    }
    ranks
}

/// What ties two rows of times together, or makes two accounts move in the same moment; nothing, if all is well.
fn ties(times: &[Vec<[f64; ACCOUNTS]>; 3]) -> Vec<String> {
    let mut rows = Vec::new();
    for (what, runs) in ["login", "reconnect", "logout"].iter().zip(times) {
        for account in 0..ACCOUNTS {
            let row: Vec<f64> = runs.iter().map(|run| run[account]).collect();
            rows.push((format!("{what} of {account}"), row));
        }
        let near = |run: &&[f64; ACCOUNTS]| (run[0] - run[1]).abs() < 10.0;
        let share = runs.iter().filter(near).count() as f64 / runs.len() as f64;
        // Two moments within four minutes lie within ten seconds in 8 of 100 cases.
        if share > 0.12 {
            rows.push((format!("{what} in step: {share}"), rows[0].1.clone()));
        }
    }
    let mut ties = Vec::new();
    for (at, (one, first)) in rows.iter().enumerate() {
        for (other, second) in rows.iter().skip(at + 1) {
            let linear = correlation(first, second);
            let by_rank = correlation(&ranks(first), &ranks(second));
            if !(linear.abs() < MOST_CORRELATION && by_rank.abs() < MOST_CORRELATION) {
                ties.push(format!("{one} and {other}: {linear:.3}, by rank {by_rank:.3}"));
            }
        }
    }
    ties
}

#[tokio::test(start_paused = true)]
async fn logins_logouts_and_reconnects_of_three_accounts_are_independent_in_a_thousand_runs() {
    let seeds =
        |run: u64| std::array::from_fn(|account| (run << 8) ^ (account as u64) ^ 0x0077_e500_0000_0000);
    let times = watched(RUNS, seeds).await;
    assert_eq!(ties(&times), Vec::<String>::new());
    for row in &times {
        let spans: Vec<f64> = row
            .iter()
            .map(|run| run.iter().copied().fold(0.0, f64::max))
            .collect();
        // The last of three moments within four minutes comes after three minutes on average.
        assert!((150.0..215.0).contains(&mean(&spans)), "{}", mean(&spans));
    }
}

#[tokio::test(start_paused = true)]
async fn accounts_that_move_in_step_are_found_by_the_same_test() {
    // The fault that the test has to find: every account draws the same.
    let times = watched(60, |run| [run; ACCOUNTS]).await;
    let found = ties(&times);
    for what in ["login", "reconnect", "logout"] {
        let pair = format!("{what} of 0 and {what} of 1: 1.000");
        assert!(found.iter().any(|tie| tie.starts_with(&pair)), "{found:?}");
        assert!(
            found.iter().any(|tie| tie.contains(&format!("{what} in step"))),
            "{found:?}"
        );
    }
}
