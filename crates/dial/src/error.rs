//! Why a stream through the gate was not to be had.
//! It must never carry a host name: the caller knows whom it called.
//! Standard: design.md section 4 ("Every error says what happened and what the person can do").

use std::fmt;

use door::{LineError, Refusal};

/// What went wrong with a request to the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DialError {
    /// There was no gate for as long as a request waits for one (15 seconds).
    GateAbsent,
    /// The gate ended while the request was under way; the next one waits for its successor.
    GateRestarted,
    /// The gate wrote something that is no answer. A fault of our own.
    Garbled(LineError),
    /// The gate is there and said neither yes nor no in 200 seconds.
    NoAnswer,
    /// The gate said no, and why.
    Refused(Refusal),
}

impl DialError {
    /// A short name that never changes, for programs and tests.
    pub fn code(&self) -> &'static str {
        match self {
            DialError::GateAbsent => "gate.absent",
            DialError::GateRestarted => "gate.restarted",
            DialError::Garbled(_) => "gate.garbled",
            DialError::NoAnswer => "gate.no_answer",
            DialError::Refused(refusal) => refusal.code(),
        }
    }
}

/// What happened and what the person can do.
impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DialError::GateAbsent => {
                f.write_str("The part of the program that speaks to Tor is not running. Restart the program.")
            }
            DialError::GateRestarted => f.write_str("Tor is restarting. The connection is tried again."),
            DialError::Garbled(_) => {
                f.write_str("Two parts of the program did not understand each other. Restart the program.")
            }
            DialError::NoAnswer => f.write_str("Tor did not answer in time. The connection is tried again."),
            DialError::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl std::error::Error for DialError {}

impl From<LineError> for DialError {
    fn from(error: LineError) -> DialError {
        DialError::Garbled(error)
    }
}
