//! A Tor that already runs: found, made to prove that it is one, followed when it goes and comes back.
//! It must never hand a stream to a program that has not proven to be Tor, nor fall back to another way.
//! Standard: Tor's control-spec; facts on control ports (filters let only some GETINFOs through: each is optional).

mod search;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use door::{Cause, Connect, GateStatus, Hop, NextStep, PathEnd, Phase, Refusal, Running, Tried};
use tokio::sync::{Mutex, watch};
use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::circuits::Family;
use crate::control::{Bootstrap, ControlError, ControlPort, bootstrap, circuits, streams};
use crate::hands::Hands;
use crate::outward::{Carried, FamilyPath, wait_for};
use crate::progress::doing;
use crate::report::Reporter;
use crate::socks;

use search::Found;

/// How often a Tor that is there is asked how it is, and one that is not is looked for.
const TICK: Duration = Duration::from_secs(2);
/// Without progress for this long a Tor that is still starting counts as stalled.
const STALL: Duration = Duration::from_secs(20);

/// A Tor that somebody else started.
pub(crate) struct RunningTor {
    hands: Hands,
    /// Random for each run, so that nobody can tell our streams from names alone, or join them.
    prefix: String,
    found: watch::Receiver<Option<Arc<Tor>>>,
    reporter: Reporter,
    following: AbortHandle,
}

/// One that was found.
struct Tor {
    found: Found,
    control: Mutex<ControlPort>,
}

impl RunningTor {
    /// Begins to look, and goes on for as long as the value lives.
    pub(crate) fn start(settings: Running, hands: Hands, reporter: Reporter) -> Result<RunningTor, Refusal> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|_| Refusal::Internal)?;
        let prefix: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let (sender, found) = watch::channel(None);
        let following = tokio::spawn(follow(settings, hands.clone(), reporter.clone(), sender));
        Ok(RunningTor {
            hands,
            prefix,
            found,
            reporter,
            following: following.abort_handle(),
        })
    }

    /// Opens a stream, once a Tor is there, for which it waits as long as `limit`.
    pub(crate) async fn connect(
        &self,
        connect: &Connect,
        family: Family,
        limit: Duration,
    ) -> Result<Box<dyn Carried>, Refusal> {
        let tor = wait_for(self.found.clone(), limit).await;
        let tor = tor.ok_or_else(|| Refusal::TorNotReady(self.reporter.last().cause))?;
        let stream = self.hands.open(&tor.found.socks).await;
        let mut stream = stream.map_err(|_| Refusal::TorNotReady(Some(Cause::RunningAbsent)))?;
        let user = format!("{}-{}", self.prefix, family.number);
        socks::negotiate(&mut stream, &user, "otter", connect).await?;
        Ok(stream)
    }

    /// The circuits of our streams, where this Tor tells.
    pub(crate) async fn paths(&self) -> Vec<FamilyPath> {
        let tor = self.found.borrow().clone();
        let Some(tor) = tor else { return Vec::new() };
        let mut control = tor.control.lock().await;
        let (Ok(Some(standing)), Ok(carried)) = (
            control.info("circuit-status").await,
            control.info("stream-status").await,
        ) else {
            return Vec::new();
        };
        drop(control);
        let mut counts: HashMap<String, u32> = HashMap::new();
        for circuit in streams(&carried.unwrap_or_default()) {
            *counts.entry(circuit).or_default() += 1;
        }
        let ours = circuits(&standing).into_iter().filter_map(|circuit| {
            let number = circuit
                .user
                .as_deref()?
                .strip_prefix(&self.prefix)?
                .strip_prefix('-')?;
            let hop = |(fingerprint, nickname)| Hop {
                fingerprint: Some(fingerprint),
                nickname,
                bridge: false,
            };
            Some(FamilyPath {
                number: number.parse().ok()?,
                end: if circuit.onion {
                    PathEnd::Onion
                } else {
                    PathEnd::Exit
                },
                hops: circuit.hops.into_iter().map(hop).collect(),
                streams: counts.get(&circuit.id).copied().unwrap_or_default(),
            })
        });
        ours.filter(|path| path.streams > 0).collect()
    }
}

impl Drop for RunningTor {
    fn drop(&mut self) {
        self.following.abort();
    }
}

/// Looks for a Tor, follows it until it is gone, and looks again.
async fn follow(
    settings: Running,
    hands: Hands,
    reporter: Reporter,
    sender: watch::Sender<Option<Arc<Tor>>>,
) {
    loop {
        match search::search(&settings, &hands).await {
            Ok((found, control)) => {
                let tor = Arc::new(Tor {
                    found,
                    control: Mutex::new(control),
                });
                watch_over(&tor, &reporter, &sender).await;
                sender.send_replace(None);
                reporter.tell(stalled(Cause::RunningAbsent));
            }
            Err(cause) => reporter.tell(stalled(cause)),
        }
        sleep(TICK).await;
    }
}

/// Until it is gone.
async fn watch_over(tor: &Arc<Tor>, reporter: &Reporter, sender: &watch::Sender<Option<Arc<Tor>>>) {
    let (mut best, mut moved) = (0, Instant::now());
    loop {
        let Ok(told) = progress(&tor.control).await else {
            return;
        };
        let ready = told.as_ref().is_none_or(|told| told.percent == 100);
        let percent = told.as_ref().map_or(100, |told| told.percent);
        if percent > best {
            (best, moved) = (percent, Instant::now());
        }
        if ready {
            sender.send_if_modified(|last| {
                let changed = last.is_none();
                if changed {
                    *last = Some(Arc::clone(tor));
                }
                changed
            });
        }
        let status = match told {
            Some(told) if !ready => underway(&told, moved.elapsed()),
            _ => there(),
        };
        reporter.tell(GateStatus {
            version: tor.found.version.clone(),
            ..status
        });
        sleep(TICK).await;
    }
}

/// How far it is; `None` where it does not tell, which counts as ready: a filter in front of Tor is set up by systems
/// that start Tor themselves.
async fn progress(control: &Mutex<ControlPort>) -> Result<Option<Bootstrap>, ControlError> {
    let mut control = control.lock().await;
    let phase = control.info("status/bootstrap-phase").await?;
    if let Some(told) = phase.as_deref().and_then(bootstrap) {
        return Ok(Some(told));
    }
    let established = control.info("status/circuit-established").await?;
    Ok((established.as_deref() == Some("0")).then(|| Bootstrap {
        percent: 0,
        tag: String::new(),
        reason: None,
    }))
}

fn there() -> GateStatus {
    GateStatus {
        phase: Phase::Ready,
        percent: 100,
        doing: "Tor is connected.".to_owned(),
        ..GateStatus::starting()
    }
}

fn underway(told: &Bootstrap, still: Duration) -> GateStatus {
    let stalled = still >= STALL;
    let cause = stalled.then(|| match told.reason.as_deref() {
        Some("NOROUTE" | "RESOURCELIMIT") => Cause::Offline,
        Some("CONNECTREFUSED" | "TIMEOUT") => Cause::CannotReachTor,
        Some("CONNECTRESET" | "TLS_ERROR" | "DONE") => Cause::Filtered,
        _ if told.tag.contains("descriptors") || told.tag.contains("status") => Cause::Blocked,
        _ => Cause::NoProgress,
    });
    let seconds = u32::try_from(still.as_secs()).unwrap_or(u32::MAX);
    GateStatus {
        phase: if stalled {
            Phase::Stalled
        } else {
            Phase::Bootstrapping
        },
        percent: told.percent.min(99),
        doing: doing(f32::from(told.percent) / 100.0).to_owned(),
        advice: cause.as_ref().map(|cause| cause.advice().to_owned()),
        tried: if stalled { vec![Tried::Running] } else { Vec::new() },
        next: if stalled { next(cause.as_ref()) } else { Vec::new() },
        cause,
        seconds_without_progress: seconds - seconds % 5,
        ..GateStatus::starting()
    }
}

fn stalled(cause: Cause) -> GateStatus {
    GateStatus {
        phase: Phase::Stalled,
        doing: "Looking for a Tor that runs.".to_owned(),
        advice: Some(cause.advice().to_owned()),
        tried: vec![Tried::Running],
        next: next(Some(&cause)),
        cause: Some(cause),
        ..GateStatus::starting()
    }
}

fn next(cause: Option<&Cause>) -> Vec<NextStep> {
    let first = match cause {
        Some(Cause::RunningAbsent | Cause::RunningNotTor) => NextStep::StartTor,
        Some(Cause::RunningLocked) => NextStep::GrantCookie,
        Some(Cause::RunningPassword | Cause::RunningPasswordMissing) => NextStep::EnterPassword,
        _ => NextStep::CheckConnection,
    };
    vec![first, NextStep::UseEmbedded, NextStep::Wait]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_tor_that_stands_still_is_told_with_its_reason() {
        let told = |reason: Option<&str>, tag: &str| Bootstrap {
            percent: 14,
            tag: tag.to_owned(),
            reason: reason.map(str::to_owned),
        };
        let early = underway(&told(Some("NOROUTE"), "conn"), Duration::from_secs(3));
        assert_eq!((early.phase, early.cause), (Phase::Bootstrapping, None));
        for (reason, tag, cause) in [
            (Some("NOROUTE"), "conn", Cause::Offline),
            (Some("TIMEOUT"), "conn", Cause::CannotReachTor),
            (Some("CONNECTRESET"), "handshake", Cause::Filtered),
            (None, "requesting_descriptors", Cause::Blocked),
            (None, "conn", Cause::NoProgress),
        ] {
            let late = underway(&told(reason, tag), STALL);
            assert_eq!((late.phase, late.cause), (Phase::Stalled, Some(cause)));
            assert!(!late.next.is_empty());
        }
    }

    #[test]
    fn every_way_to_find_no_tor_has_a_first_step_of_its_own() {
        for (cause, step) in [
            (Cause::RunningAbsent, NextStep::StartTor),
            (Cause::RunningLocked, NextStep::GrantCookie),
            (Cause::RunningPassword, NextStep::EnterPassword),
        ] {
            assert_eq!(stalled(cause).next.first(), Some(&step));
        }
    }
}
