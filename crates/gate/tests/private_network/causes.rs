//! What stands in Tor's way, each with a cause of its own within thirty seconds, and how it goes on without a restart: a clock
//! that is wrong, a list of relays that never comes. (A dead network: `streams`; a proxy that refuses: `bridges`.)

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use dial::{Cause, Dialer, GateStatus, NextStep, Phase, TorStatus};
use tokio::time::timeout;

use crate::alice::{Alice, Lab};
use crate::bridges::AProxy;
use crate::wear::gate_process_with;

/// Within which a cause has to be told.
const SOON: Duration = Duration::from_secs(30);

/// What greets a client costs less than this, and the list of relays more.
const GREETING: u64 = 6_000;

async fn stalled(dialer: &Dialer) -> GateStatus {
    let mut status = dialer.status();
    let wanted = |status: &TorStatus| matches!(status, TorStatus::Gate(gate) if gate.phase == Phase::Stalled);
    let found = timeout(SOON, status.wait_for(wanted)).await;
    match found.map(|found| found.unwrap().clone()) {
        Ok(TorStatus::Gate(status)) => status,
        _ => panic!("no cause in {SOON:?}: {:?}", dialer.status().borrow()),
    }
}

/// The library that lies to a program about the time, of Debian's package `faketime`.
fn liar() -> PathBuf {
    let mut places = std::fs::read_dir("/usr/lib").unwrap().flatten();
    let found = places.find_map(|place| {
        let path = place.path().join("faketime/libfaketime.so.1");
        path.is_file().then_some(path)
    });
    found.unwrap_or_else(|| panic!("the Debian package faketime is missing: ./test installs it"))
}

#[tokio::test]
async fn lab_a_wrong_clock_is_told_with_the_amount_and_tor_goes_on_once_it_is_set() {
    const DAY: i64 = 24 * 3600;
    let lab = Lab::find();
    for (wrong, amount) in [("+8d", 8 * DAY), ("-8d", -8 * DAY)] {
        let home = tempfile::tempdir().unwrap();
        let (clock, liar) = (home.path().join("clock"), liar());
        std::fs::write(&clock, wrong).unwrap();
        let variables = [
            ("LD_PRELOAD", liar.as_os_str()),
            ("FAKETIME_TIMESTAMP_FILE", clock.as_os_str()),
            ("FAKETIME_NO_CACHE", OsStr::new("1")),
            ("FAKETIME_DONT_FAKE_MONOTONIC", OsStr::new("1")),
            ("DONT_FAKE_MONOTONIC", OsStr::new("1")),
        ];
        let dialer = Dialer::new();
        let mut gate = gate_process_with(&lab, &home.path().join("tor"), &dialer, &variables);
        let status = stalled(&dialer).await;
        match &status.cause {
            Some(Cause::ClockWrong {
                seconds: Some(seconds),
            }) => assert!((seconds - amount).abs() < 60, "{wrong}: {seconds}"),
            other => panic!("{wrong}: {other:?}"),
        }
        assert_eq!(status.next.first(), Some(&NextStep::SetClock));
        std::fs::write(&clock, "+0").unwrap();
        let mut now = dialer.status();
        let ready = timeout(Duration::from_secs(90), now.wait_for(TorStatus::is_ready)).await;
        assert!(ready.is_ok(), "{wrong}: {:?}", dialer.status().borrow());
        gate.kill().unwrap();
        gate.wait().unwrap();
    }
}

#[tokio::test]
async fn lab_a_list_of_relays_that_never_comes_is_told_and_tor_goes_on_once_it_does() {
    let lab = Lab::find();
    let proxy = AProxy::start(false);
    proxy.allow(GREETING);
    let alice = Alice::on(lab.network());
    alice.dialer.set_tor(&proxy.way()).await.unwrap();
    let status = stalled(&alice.dialer).await;
    assert!(status.cause.is_some(), "{status:?}");
    assert!(status.doing.contains("list of its relays"), "{status:?}");
    proxy.allow(u64::MAX);
    alice.wait(Duration::from_secs(90), TorStatus::is_ready).await;
}
