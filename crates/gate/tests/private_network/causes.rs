//! What stands in Tor's way, told within thirty seconds, and how it goes on without a restart: a list of relays that never
//! comes. (A dead network: `streams`; a proxy that refuses: `bridges`.)

use std::time::Duration;

use dial::{Dialer, GateStatus, Phase, TorStatus};
use tokio::time::timeout;

use crate::alice::{Alice, Lab};
use crate::bridges::AProxy;

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
