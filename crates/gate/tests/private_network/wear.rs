//! What wears a gate down: circuits cut and gates killed again and again, under the traffic of several accounts; and a network
//! that freezes at the first start.
//! These tests must never let an error of a stream pass for a byte of another account.
//!
//! `OTTER_CUTS` and `OTTER_GATE_KILLS` ask for more than the usual numbers (1000 and 50 for a release).

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dial::{Dialer, Phase, Purpose, TorStatus};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use crate::alice::{Alice, Lab, account_of};
use crate::bridges::AProxy;

const ACCOUNTS: u8 = 3;

fn number(name: &str, usual: usize) -> usize {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

/// A gate in a process of its own, at the other end of `dialer`'s door.
fn gate_process(lab: &Lab, state: &Path, dialer: &Dialer) -> Child {
    gate_process_with(lab, state, dialer, &[])
}

/// The same with variables of the environment.
pub(crate) fn gate_process_with(
    lab: &Lab,
    state: &Path,
    dialer: &Dialer,
    variables: &[(&str, &OsStr)],
) -> Child {
    let own = std::env::current_exe().unwrap();
    let program = own.parent().unwrap().parent().unwrap().join("examples/gate_room");
    assert!(
        program.is_file(),
        "build it first: cargo build -p gate --example gate_room"
    );
    let (ours, theirs) = UnixStream::pair().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the gate of this test")]
    let mut command = Command::new(program);
    let child = command
        .arg(state)
        .arg(&lab.network_file)
        .envs(variables.iter().copied())
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .spawn();
    ours.set_nonblocking(true).unwrap();
    dialer.attach(tokio::net::UnixStream::from_std(ours).unwrap());
    child.unwrap()
}

/// Memory of a process in KiB.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Speaks as one account for ever, over a new stream whenever one broke; counts what came back.
async fn speak(dialer: Dialer, lab: Arc<Lab>, account: u8, heard: Arc<AtomicU64>) {
    let (isolation, mut round) = (account_of(account), 0_u64);
    loop {
        let opening = dialer.connect(&isolation, Purpose::Xmpp, &lab.domain, lab.echo);
        let Ok(mut stream) = opening.await else {
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        loop {
            round += 1;
            let mut words = vec![account; 600];
            words.extend(round.to_be_bytes());
            if stream.write_all(&words).await.is_err() || stream.flush().await.is_err() {
                break;
            }
            let mut answer = vec![0; words.len()];
            let read = timeout(Duration::from_secs(10), stream.read_exact(&mut answer)).await;
            if !matches!(read, Ok(Ok(_))) {
                break;
            }
            assert_eq!(answer, words, "account {account} heard what it did not say");
            heard.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Waits until every account has heard something since `before`.
async fn all_heard(heard: &[Arc<AtomicU64>], what: &str) {
    let before: Vec<u64> = heard.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    let begun = Instant::now();
    while heard
        .iter()
        .zip(&before)
        .any(|(now, before)| now.load(Ordering::Relaxed) <= *before)
    {
        assert!(
            begun.elapsed() < Duration::from_secs(90),
            "an account is silent after {what}"
        );
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn lab_circuits_are_cut_and_gates_killed_under_traffic_and_no_stream_mixes_accounts() {
    let lab = Arc::new(Lab::find());
    let (cuts, kills) = (number("OTTER_CUTS", 30), number("OTTER_GATE_KILLS", 3));
    let home = tempfile::tempdir().unwrap();
    let (state, proxy, dialer) = (home.path().join("tor"), AProxy::start(false), Dialer::new());
    let mut gate = gate_process(&lab, &state, &dialer);
    dialer.set_tor(&proxy.way()).await.unwrap();
    let heard: Vec<Arc<AtomicU64>> = (0..ACCOUNTS).map(|_| Arc::default()).collect();
    let speakers = heard.iter().zip(1..).map(|(heard, account)| {
        tokio::spawn(speak(
            dialer.clone(),
            Arc::clone(&lab),
            account,
            Arc::clone(heard),
        ))
    });
    let speakers: Vec<_> = speakers.collect();
    all_heard(&heard, "the start").await;
    let mut first = 0;
    for cut in 0..cuts {
        assert!(proxy.cut() > 0, "nothing was there to cut");
        all_heard(&heard, &format!("cut {cut}")).await;
        // What it needs for the first few is no growth.
        if cut == cuts / 3 {
            first = resident(gate.id());
        }
    }
    let last = resident(gate.id());
    println!("{cuts} cuts: {first} KiB after a third of them, {last} KiB at the end");
    assert!(
        last <= first + first / 10 + 1024,
        "the gate grew from {first} to {last} KiB"
    );
    for kill in 0..kills {
        gate.kill().unwrap();
        gate.wait().unwrap();
        gate = gate_process(&lab, &state, &dialer);
        all_heard(&heard, &format!("kill {kill}")).await;
    }
    for speaker in &speakers {
        assert!(!speaker.is_finished(), "a stream mixed accounts");
        speaker.abort();
    }
    gate.kill().unwrap();
    gate.wait().unwrap();
}

#[tokio::test]
async fn lab_a_first_start_into_a_frozen_network_gets_on_when_it_thaws() {
    let lab = Lab::find();
    let proxy = AProxy::start(false);
    proxy.freeze(true);
    let alice = Alice::on(lab.network());
    alice.dialer.set_tor(&proxy.way()).await.unwrap();
    let stalled =
        |status: &TorStatus| matches!(status, TorStatus::Gate(gate) if gate.phase == Phase::Stalled);
    alice.wait(Duration::from_secs(30), stalled).await;
    proxy.freeze(false);
    alice.wait(Duration::from_secs(60), TorStatus::is_ready).await;
}
