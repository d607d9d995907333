//! Turns what Arti says of itself into what a person is told, with a clock of its own.
//! It must never take silence for progress: without a cache and without a network Arti says nothing at all.
//! Standard: facts on Arti's bootstrap (the return value of `bootstrap` and a quiet `blocked` prove nothing).

use std::time::{Duration, Instant};

use door::{Cause, GateStatus, NextStep, Phase, Tried};

/// Without progress for this long, Tor counts as stalled.
const STALL: Duration = Duration::from_secs(20);
/// A cause that stands for this long is told before that.
const CERTAIN: Duration = Duration::from_secs(5);
/// Steps in which seconds without progress are told, so that not every second is a change.
const STEP: u32 = 5;
/// The part of the way that is connecting; the rest is the directory.
const CONNECTED: f32 = 0.15;

/// What Arti says at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Snapshot {
    /// Traffic is possible.
    pub(crate) ready: bool,
    /// How far, 0 to 1.
    pub(crate) fraction: f32,
    /// What stops it, if it knows.
    pub(crate) blocked: Option<Cause>,
}

/// The way so far.
#[derive(Debug)]
pub(crate) struct Progress {
    best: f32,
    moved: Instant,
    blocked: Option<(Cause, Instant)>,
    was_ready: bool,
    tried: Vec<Tried>,
}

impl Progress {
    /// Begins at `now`, on the way that `tried` describes.
    pub(crate) fn new(now: Instant, tried: Vec<Tried>) -> Progress {
        Progress {
            best: 0.0,
            moved: now,
            blocked: None,
            was_ready: false,
            tried,
        }
    }

    fn again(&mut self, now: Instant) -> Progress {
        Progress::new(now, std::mem::take(&mut self.tried))
    }

    /// Takes in a snapshot and says where Tor stands. To be called at each event, and each second without one.
    pub(crate) fn observe(&mut self, snapshot: &Snapshot, now: Instant) -> GateStatus {
        if snapshot.ready {
            *self = Progress {
                was_ready: true,
                ..self.again(now)
            };
            return ready();
        }
        if self.was_ready {
            *self = self.again(now);
        }
        if snapshot.fraction > self.best {
            self.best = snapshot.fraction;
            self.moved = now;
        }
        self.note_cause(snapshot.blocked.as_ref(), now);
        self.underway(snapshot, now)
    }

    fn note_cause(&mut self, cause: Option<&Cause>, now: Instant) {
        let same = matches!((&self.blocked, cause), (Some((old, _)), Some(new)) if old.code() == new.code());
        if !same {
            self.blocked = cause.map(|cause| (cause.clone(), now));
        }
    }

    fn underway(&self, snapshot: &Snapshot, now: Instant) -> GateStatus {
        let still = now.saturating_duration_since(self.moved);
        let certain = self
            .blocked
            .as_ref()
            .is_some_and(|(_, since)| now.saturating_duration_since(*since) >= CERTAIN && still >= CERTAIN);
        let stalled = certain || still >= STALL;
        let cause = stalled.then(|| {
            self.blocked
                .as_ref()
                .map_or(Cause::NoProgress, |(cause, _)| cause.clone())
        });
        let seconds = u32::try_from(still.as_secs()).unwrap_or(u32::MAX);
        GateStatus {
            phase: if stalled {
                Phase::Stalled
            } else {
                Phase::Bootstrapping
            },
            percent: percent(snapshot.fraction),
            doing: doing(snapshot.fraction).to_owned(),
            advice: cause.as_ref().map(|cause| cause.advice().to_owned()),
            tried: if stalled { self.tried.clone() } else { Vec::new() },
            next: cause
                .as_ref()
                .map(|cause| next(cause, &self.tried))
                .unwrap_or_default(),
            cause,
            seconds_without_progress: seconds - seconds % STEP,
            ..GateStatus::starting()
        }
    }
}

/// What to try next, the most promising first: what the cause asks for, then what was not tried yet, then to wait.
fn next(cause: &Cause, tried: &[Tried]) -> Vec<NextStep> {
    let proxied = tried.contains(&Tried::Proxy);
    let bridged = tried.contains(&Tried::Bridges) || tried.contains(&Tried::Transport);
    let bridge = if bridged {
        NextStep::UseOtherBridge
    } else {
        NextStep::UseBridge
    };
    let proxy = if proxied {
        NextStep::CheckProxy
    } else {
        NextStep::UseProxy
    };
    let mut steps = match cause {
        Cause::ClockWrong { .. } => vec![NextStep::SetClock],
        Cause::Blocked | Cause::Filtered => vec![bridge, NextStep::SetClock, proxy],
        Cause::CannotReachTor if proxied => vec![proxy, bridge, NextStep::CheckConnection],
        Cause::CannotReachTor => vec![bridge, NextStep::CheckConnection, proxy],
        Cause::Offline if proxied => vec![proxy, NextStep::CheckConnection, bridge],
        _ => vec![NextStep::CheckConnection, bridge, NextStep::SetClock, proxy],
    };
    steps.extend([NextStep::UseRunningTor, NextStep::Wait]);
    steps
}

fn ready() -> GateStatus {
    GateStatus {
        phase: Phase::Ready,
        percent: 100,
        doing: "Tor is connected.".to_owned(),
        ..GateStatus::starting()
    }
}

/// 100 is kept for [`Phase::Ready`].
fn percent(fraction: f32) -> u8 {
    let steps = (0_u8..99).take_while(|step| f32::from(*step + 1) <= fraction * 100.0);
    steps.last().map_or(0, |step| step + 1)
}

pub(crate) fn doing(fraction: f32) -> &'static str {
    if fraction <= 0.0 {
        "Tor is looking for its network."
    } else if fraction < CONNECTED {
        "Tor is connecting to its network."
    } else {
        "Tor is fetching the list of its relays."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(fraction: f32) -> Snapshot {
        Snapshot {
            ready: false,
            fraction,
            blocked: None,
        }
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn silence_for_twenty_seconds_is_a_stall() {
        let start = Instant::now();
        let mut progress = Progress::new(start, vec![Tried::Direct]);
        assert_eq!(
            progress.observe(&at(0.0), after(start, 19)).phase,
            Phase::Bootstrapping
        );
        let status = progress.observe(&at(0.0), after(start, 20));
        assert_eq!(
            (status.phase, status.cause),
            (Phase::Stalled, Some(Cause::NoProgress))
        );
        assert_eq!(status.seconds_without_progress, 20);
        assert!(status.advice.is_some());
    }

    #[test]
    fn progress_ends_a_stall_and_going_back_and_forth_does_not() {
        let start = Instant::now();
        let mut progress = Progress::new(start, vec![Tried::Direct]);
        for second in 0..30 {
            let flapping = if second % 2 == 0 { 0.1 } else { 0.05 };
            progress.observe(&at(flapping), after(start, second));
        }
        assert_eq!(progress.observe(&at(0.1), after(start, 30)).phase, Phase::Stalled);
        let status = progress.observe(&at(0.2), after(start, 31));
        assert_eq!((status.phase, status.percent), (Phase::Bootstrapping, 20));
    }

    #[test]
    fn a_cause_is_told_once_it_has_stood_for_a_while() {
        let start = Instant::now();
        let mut progress = Progress::new(start, vec![Tried::Direct]);
        let offline = Snapshot {
            blocked: Some(Cause::Offline),
            ..at(0.0)
        };
        assert_eq!(progress.observe(&offline, after(start, 1)).cause, None);
        assert_eq!(progress.observe(&at(0.0), after(start, 3)).cause, None);
        progress.observe(&offline, after(start, 4));
        let status = progress.observe(&offline, after(start, 9));
        assert_eq!(
            (status.phase, status.cause),
            (Phase::Stalled, Some(Cause::Offline))
        );
    }

    #[test]
    fn a_network_that_is_lost_later_is_noticed_from_then_on() {
        let start = Instant::now();
        let mut progress = Progress::new(start, vec![Tried::Direct]);
        let ready = Snapshot {
            ready: true,
            ..at(1.0)
        };
        assert!(progress.observe(&ready, start).is_ready());
        assert!(progress.observe(&ready, after(start, 3600)).is_ready());
        let lost = progress.observe(&at(0.9), after(start, 3601));
        assert_eq!(
            (lost.phase, lost.seconds_without_progress),
            (Phase::Bootstrapping, 0)
        );
        assert_eq!(
            progress.observe(&at(0.9), after(start, 3621)).phase,
            Phase::Stalled
        );
    }

    #[test]
    fn after_a_stall_it_is_said_what_was_tried_and_what_to_try_in_which_order() {
        let start = Instant::now();
        let status = |tried: Vec<Tried>, cause: Cause| {
            let blocked = Snapshot {
                blocked: Some(cause),
                ..at(0.1)
            };
            let mut progress = Progress::new(start, tried);
            progress.observe(&blocked, start);
            progress.observe(&blocked, after(start, 20))
        };
        let direct = status(vec![Tried::Direct], Cause::Filtered);
        assert_eq!(direct.tried, [Tried::Direct]);
        assert_eq!(direct.next.first(), Some(&NextStep::UseBridge));
        let bridged = status(vec![Tried::Transport], Cause::Filtered);
        assert_eq!(bridged.next.first(), Some(&NextStep::UseOtherBridge));
        let proxied = status(vec![Tried::Proxy, Tried::Direct], Cause::CannotReachTor);
        assert_eq!(proxied.next.first(), Some(&NextStep::CheckProxy));
        let clock = status(
            vec![Tried::Direct],
            Cause::ClockWrong {
                seconds: Some(-259_200),
            },
        );
        assert_eq!(
            clock.next,
            [NextStep::SetClock, NextStep::UseRunningTor, NextStep::Wait]
        );
        assert_eq!(
            clock.cause,
            Some(Cause::ClockWrong {
                seconds: Some(-259_200)
            })
        );
    }

    #[test]
    fn a_hundred_percent_is_kept_for_readiness() {
        for (fraction, expected) in [
            (0.0, 0),
            (0.155, 15),
            (0.999, 99),
            (1.0, 99),
            (f32::NAN, 0),
            (9.0, 99),
            (-1.0, 0),
        ] {
            assert_eq!(percent(fraction), expected, "{fraction}");
        }
    }
}
