//! Figures that need the whole messenger: login beside libstrophe, and memory.
//! Ours and the peer take turns in the same run; a figure is the median of several rounds.

use std::time::{Duration, Instant};

use model::{AccountState, Command, Event, Transport};
use serde_json::json;

use crate::{Person, Place, SOON, Trouble, proof};

const ROUNDS: usize = 7;

/// Time from the order to connect until the account is online, ours over Tor; beside it the C peer on
/// loopback without Tor, so the goal is an absolute one.
///
/// # Errors
/// The first thing that does not go as it should.
pub fn login(place: &Place) -> Result<String, Trouble> {
    let mut alice = Person::arrive(place, "alice", place.by_name(Transport::DirectTls))?;
    let account = alice.account;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alice.otter.order(Command::Disconnect, account)?;
        alice.otter.until("being offline", SOON, |event| match event {
            Event::AccountChanged { account } if account.state == AccountState::Offline => Some(()),
            _ => None,
        })?;
        let start = Instant::now();
        alice.otter.order(Command::Connect, account)?;
        alice.otter.wait_online(account, SOON)?;
        ours.push(start.elapsed());
        theirs.push(peer_login(place)?);
    }
    let (ours, theirs) = (median(ours), median(theirs));
    let figure = json!({
        "figure": "xmpp.login_over_tor", "ours": ours, "peer": "libstrophe without Tor", "theirs": theirs,
        "unit": "ms", "ratio": round(ours / theirs), "goal": null, "met": null,
    });
    Ok(figure.to_string())
}

/// Resident memory of engine and gate with one account connected.
///
/// # Errors
/// The first thing that does not go as it should.
pub fn memory(place: &Place) -> Result<Vec<String>, Trouble> {
    let alice = Person::arrive(place, "alice", place.by_name(Transport::DirectTls))?;
    std::thread::sleep(Duration::from_secs(5));
    let mut lines = Vec::new();
    let mut together = 0.0;
    for room in ["engine", "gate"] {
        let id = alice
            .otter
            .room(room)
            .ok_or_else(|| Trouble::new(format!("There is no {room}")))?;
        let kib = u32::try_from(proof::resident_kib(id)?).unwrap_or(u32::MAX);
        let mib = f64::from(kib) / 1024.0;
        together += mib;
        lines.push(figure(&format!("memory.{room}"), mib, None));
    }
    lines.push(figure("memory.engine_and_gate", together, Some(60.0)));
    Ok(lines)
}

fn figure(name: &str, ours: f64, goal: Option<f64>) -> String {
    let met = goal.map(|goal| ours <= goal);
    json!({
        "figure": name, "ours": round(ours), "peer": null, "theirs": null, "unit": "MiB", "ratio": null,
        "goal": goal, "met": met,
    })
    .to_string()
}

/// Starts the C peer anew and waits until it is logged in: its process and key file are made before.
fn peer_login(place: &Place) -> Result<Duration, Trouble> {
    let peer = crate::Peer::start(place, lab::PeerPolicy::Required)?;
    Ok(peer.login)
}

fn median(times: Vec<Duration>) -> f64 {
    let mut times = times;
    times.sort_unstable();
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    round(middle.as_secs_f64() * 1000.0)
}

fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}
