//! How far Tor is, and if it does not get on, why and what helps.
//! It must never name a server, an account or a message.
//! Standard: design.md section 1 ("bootstrap status"); facts on Arti's progress reports.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::line::{self, LineError};

/// The longest text of the gate that is passed on, in characters.
const MAX_TEXT: usize = 200;

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
        if let Some(Cause::ClockWrong { detail }) = &mut self.cause {
            *detail = one_line(detail);
        }
        self
    }
}

fn one_line(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(MAX_TEXT)
        .collect()
}

/// Where Tor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing was tried yet.
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
        /// By how much, in words; may be empty.
        detail: String,
    },
    /// Connections to relays open and are then cut: something in between does not want Tor.
    Filtered,
    /// Nothing moves and Tor cannot say why.
    NoProgress,
    /// No connection to the internet at all.
    Offline,
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
        }
    }
}

/// What happened, in a sentence.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::Blocked => "The directory of the Tor network cannot be fetched.",
            Cause::CannotReachTor => "The Tor network cannot be reached.",
            Cause::ClockWrong { .. } => "The clock of this computer seems to be wrong.",
            Cause::Filtered => "Something on the way cuts connections to Tor.",
            Cause::NoProgress => "Tor does not get any further.",
            Cause::Offline => "This computer seems to be offline.",
        })
    }
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
                detail: "slow by 3 days".to_owned(),
            }),
            advice: Some("Set the clock right.".to_owned()),
            seconds_without_progress: 20,
        };
        assert_eq!(GateStatus::decode(&status.encode().unwrap()), Ok(status));
        let starting = GateStatus::starting();
        assert_eq!(GateStatus::decode(&starting.encode().unwrap()), Ok(starting));
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
