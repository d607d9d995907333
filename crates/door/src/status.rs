//! How far Tor is, and if it does not get on, why and what helps.
//! It must never name a server, an account or a message.
//! Standard: design.md section 1 ("bootstrap status"); facts on Arti's progress reports.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::line::{self, LineError};

/// The longest text of the gate that is passed on, in characters.
const MAX_TEXT: usize = 200;
/// The most steps of each kind.
const MAX_STEPS: usize = 8;

/// The state of Tor, as the gate reports it on a `status` stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateStatus {
    /// What to do with it: wait, go on, or tell the person.
    pub phase: Phase,
    /// Progress of the start, 0 to 100.
    pub percent: u8,
    /// What Tor does at the moment: a short sentence in English, at most 200 characters.
    pub doing: String,
    /// Why it does not get on, as far as is known. An estimate: Tor cannot always tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// What the person can do about it: a sentence in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// Seconds since the last progress, in steps of five; 0 while Tor is ready.
    pub seconds_without_progress: u32,
    /// Which Tor this is about.
    #[serde(default)]
    pub backend: Backend,
    /// The version of a Tor that already runs, where it tells: at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How many bridges are set; with any, nothing else of the network is contacted.
    #[serde(default)]
    pub bridges: u8,
    /// While Tor does not get on: what was tried so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<Tried>,
    /// While Tor does not get on: what to try next, the most promising first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<NextStep>,
}

impl GateStatus {
    /// The status before the gate has said anything.
    pub fn starting() -> GateStatus {
        GateStatus {
            phase: Phase::Starting,
            percent: 0,
            doing: "Tor is starting.".to_owned(),
            cause: None,
            advice: None,
            seconds_without_progress: 0,
            backend: Backend::Embedded,
            version: None,
            bridges: 0,
            tried: Vec::new(),
            next: Vec::new(),
        }
    }

    /// Is traffic possible?
    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    /// The status as one line, its end included; texts are cut to 200 characters.
    ///
    /// # Errors
    /// [`LineError`], in practice never.
    pub fn encode(&self) -> Result<Vec<u8>, LineError> {
        line::encode(&self.clone().bounded())
    }

    /// Reads one line; texts are cut to 200 characters and the percentage to 100.
    ///
    /// # Errors
    /// [`LineError`] for anything that is not a status.
    pub fn decode(bytes: &[u8]) -> Result<GateStatus, LineError> {
        line::decode(bytes).map(GateStatus::bounded)
    }

    fn bounded(mut self) -> GateStatus {
        self.percent = self.percent.min(100);
        self.doing = one_line(&self.doing);
        self.advice = self.advice.as_deref().map(one_line);
        self.version = self.version.as_deref().map(one_line);
        self.tried.truncate(MAX_STEPS);
        self.next.truncate(MAX_STEPS);
        self
    }
}

fn one_line(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(MAX_TEXT)
        .collect()
}

/// Which Tor is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// The one that is built in.
    #[default]
    Embedded,
    /// One that already runs.
    Running,
}

/// A way to the network that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tried {
    /// Over bridges, spoken to plainly.
    Bridges,
    /// Straight to relays.
    Direct,
    /// Through the proxy that was set.
    Proxy,
    /// By a Tor that already runs.
    Running,
    /// Over bridges, by a pluggable transport.
    Transport,
}

/// What a person can try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NextStep {
    /// See whether the computer has a connection at all.
    CheckConnection,
    /// See whether the proxy is there and its address right.
    CheckProxy,
    /// Enter the password of the control port.
    EnterPassword,
    /// Let the program read the cookie of the Tor that runs, as by its group.
    GrantCookie,
    /// Set date, time and time zone.
    SetClock,
    /// Start the Tor that is to be used.
    StartTor,
    /// Set a bridge.
    UseBridge,
    /// Use the Tor that is built in.
    UseEmbedded,
    /// Set another bridge.
    UseOtherBridge,
    /// Set the proxy of this network, if it has one.
    UseProxy,
    /// Use a Tor that already runs, such as Tor Browser's.
    UseRunningTor,
    /// Wait: Tor goes on trying.
    Wait,
}

impl NextStep {
    /// A short name that never changes, for programs and tests.
    pub fn code(self) -> &'static str {
        match self {
            NextStep::CheckConnection => "check_connection",
            NextStep::CheckProxy => "check_proxy",
            NextStep::EnterPassword => "enter_password",
            NextStep::GrantCookie => "grant_cookie",
            NextStep::SetClock => "set_clock",
            NextStep::StartTor => "start_tor",
            NextStep::UseBridge => "use_bridge",
            NextStep::UseEmbedded => "use_embedded",
            NextStep::UseOtherBridge => "use_other_bridge",
            NextStep::UseProxy => "use_proxy",
            NextStep::UseRunningTor => "use_running_tor",
            NextStep::Wait => "wait",
        }
    }
}

/// Where Tor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing was tried yet, or the gate waits to be told which way to take.
    Starting,
    /// Tor is connecting and gets on.
    Bootstrapping,
    /// Traffic is possible.
    Ready,
    /// Tor has not got on for 20 seconds, or knows what stops it.
    Stalled,
}

/// Why Tor does not get on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Cause {
    /// Connections begin, but the directory of the Tor network cannot be fetched.
    Blocked,
    /// Relays are found, but no connection to them holds.
    CannotReachTor,
    /// The clock of this computer is off by more than Tor bears.
    ClockWrong {
        /// By how many seconds it is ahead, or behind if negative, where relays say so: an estimate.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seconds: Option<i64>,
    },
    /// Connections to relays open and are then cut: something in between does not want Tor.
    Filtered,
    /// Nothing moves and Tor cannot say why.
    NoProgress,
    /// No connection to the internet at all.
    Offline,
    /// No Tor that already runs was found.
    RunningAbsent,
    /// A Tor seems to run, but proves that it is one only to who may read its cookie, and this program may not.
    RunningLocked,
    /// Something listens where a Tor should, and is none, or cannot prove to be one.
    RunningNotTor,
    /// The Tor that runs wants the password of its control port, and the one that was set is wrong.
    RunningPassword,
    /// The Tor that runs wants the password of its control port, and none was set.
    RunningPasswordMissing,
}

impl Cause {
    /// A short name that never changes, for programs and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Cause::Blocked => "tor.blocked",
            Cause::CannotReachTor => "tor.cannot_reach_tor",
            Cause::ClockWrong { .. } => "tor.clock_wrong",
            Cause::Filtered => "tor.filtered",
            Cause::NoProgress => "tor.no_progress",
            Cause::Offline => "tor.offline",
            Cause::RunningAbsent => "tor.running_absent",
            Cause::RunningLocked => "tor.running_locked",
            Cause::RunningNotTor => "tor.running_not_tor",
            Cause::RunningPassword => "tor.running_password",
            Cause::RunningPasswordMissing => "tor.running_password_missing",
        }
    }

    /// What the person can do.
    pub fn advice(&self) -> &'static str {
        match self {
            Cause::Blocked | Cause::CannotReachTor | Cause::Filtered => {
                "Try another network. If it stays like this, your network may block Tor: a bridge helps."
            }
            Cause::ClockWrong { .. } => "Set date, time and time zone of this computer right.",
            Cause::NoProgress => {
                "Check the connection of this computer. If it works, your network may block Tor."
            }
            Cause::Offline => "Connect this computer to the internet.",
            Cause::RunningAbsent => {
                "Start Tor or Tor Browser with its control port, or use the Tor that is built in."
            }
            Cause::RunningLocked => {
                "Let this program read Tor's cookie, as by adding your user to its group, or use the Tor that is built in."
            }
            Cause::RunningNotTor => "Find out which program listens there, or use the Tor that is built in.",
            Cause::RunningPassword | Cause::RunningPasswordMissing => {
                "Enter the password of Tor's control port, or use the Tor that is built in."
            }
        }
    }
}

/// What happened, in a sentence.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::ClockWrong {
                seconds: Some(seconds),
            } => return off_by(f, *seconds),
            Cause::Blocked => "The directory of the Tor network cannot be fetched.",
            Cause::CannotReachTor => "The Tor network cannot be reached.",
            Cause::ClockWrong { seconds: None } => "The clock of this computer seems to be wrong.",
            Cause::Filtered => "Something on the way cuts connections to Tor.",
            Cause::NoProgress => "Tor does not get any further.",
            Cause::Offline => "This computer seems to be offline.",
            Cause::RunningAbsent => "No running Tor was found.",
            Cause::RunningLocked => "A Tor runs here, but this program may not read its cookie.",
            Cause::RunningNotTor => "A program listens where Tor should, and does not prove to be Tor.",
            Cause::RunningPassword => "The password of Tor's control port is wrong.",
            Cause::RunningPasswordMissing => "The Tor that runs wants the password of its control port.",
        })
    }
}

/// Days from two on, hours from two on, otherwise minutes.
fn off_by(f: &mut fmt::Formatter<'_>, seconds: i64) -> fmt::Result {
    let minutes = seconds.unsigned_abs() / 60;
    let (amount, unit) = match minutes {
        0..120 => (minutes, "minutes"),
        120..2880 => (minutes / 60, "hours"),
        _ => (minutes / 1440, "days"),
    };
    let side = if seconds < 0 { "behind" } else { "ahead" };
    write!(
        f,
        "The clock of this computer seems to be {amount} {unit} {side}."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_survives_the_wire() {
        let status = GateStatus {
            phase: Phase::Stalled,
            percent: 15,
            doing: "Tor is connecting.".to_owned(),
            cause: Some(Cause::ClockWrong {
                seconds: Some(-259_200),
            }),
            advice: Some("Set the clock right.".to_owned()),
            seconds_without_progress: 20,
            backend: Backend::Running,
            version: Some("0.4.9.11".to_owned()),
            bridges: 2,
            tried: vec![Tried::Direct, Tried::Transport],
            next: vec![NextStep::SetClock, NextStep::Wait],
        };
        assert_eq!(GateStatus::decode(&status.encode().unwrap()), Ok(status));
        let starting = GateStatus::starting();
        assert_eq!(GateStatus::decode(&starting.encode().unwrap()), Ok(starting));
    }

    #[test]
    fn a_wrong_clock_is_told_with_its_amount() {
        for (seconds, amount) in [
            (-259_200, "3 days behind"),
            (7_200, "2 hours ahead"),
            (3_660, "61 minutes ahead"),
            (i64::MIN, "106751991167300 days behind"),
        ] {
            let cause = Cause::ClockWrong {
                seconds: Some(seconds),
            };
            assert!(cause.to_string().contains(amount), "{cause}");
        }
    }

    #[test]
    fn texts_of_a_status_are_cut_and_stay_on_one_line() {
        let mut status = GateStatus::starting();
        status.doing = "\u{1b}[2J\nx".repeat(5_000);
        status.percent = 255;
        let line = status.encode().unwrap();
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        let read = GateStatus::decode(&line).unwrap();
        assert_eq!((read.percent, read.doing.chars().count()), (100, MAX_TEXT));
        assert!(!read.doing.contains('\u{1b}'));
    }
}
