//! Why the gate could not begin.
//! It must never name a server or an account.
//! Standard: design.md section 4 ("Every error says what happened and what the person can do").

use std::fmt;
use std::io;

/// The gate did not begin its work, or could not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateError {
    /// What was given as the way to Tor is none of `embedded`, `running`, `socks5://HOST:PORT`.
    BadChoice,
    /// The description of a private network cannot be used, and why.
    BadNetwork(String),
    /// The channel to the engine, or the threads to serve it, cannot be used.
    Channel(io::ErrorKind),
    /// Another gate uses the same folder.
    InUse,
    /// A private network was asked for in a program that knows none.
    NotInThisBuild,
    /// The folder for Tor's files cannot be used, and why.
    StateFolder(String),
    /// Tor could not be set up, and why.
    Tor(String),
}

impl GateError {
    /// A short name that never changes, for programs and tests.
    pub fn code(&self) -> &'static str {
        match self {
            GateError::BadChoice => "gate.bad_choice",
            GateError::BadNetwork(_) => "gate.bad_network",
            GateError::Channel(_) => "gate.channel",
            GateError::InUse => "gate.in_use",
            GateError::NotInThisBuild => "gate.not_in_this_build",
            GateError::StateFolder(_) => "gate.state_folder",
            GateError::Tor(_) => "gate.tor",
        }
    }
}

/// What happened and what the person can do.
impl fmt::Display for GateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GateError::BadChoice => f.write_str("The way to Tor has to be \"embedded\"."),
            GateError::BadNetwork(why) => {
                write!(f, "The description of the private network cannot be used: {why}.")
            }
            GateError::Channel(kind) => {
                write!(f, "Two parts of the program cannot reach each other: {kind}.")
            }
            GateError::InUse => f.write_str(
                "Another copy of the program uses this profile. Close it, or choose another profile.",
            ),
            GateError::NotInThisBuild => f.write_str("This program reaches the public Tor network only."),
            GateError::StateFolder(why) => write!(f, "The folder for Tor's files cannot be used: {why}."),
            GateError::Tor(why) => write!(f, "Tor could not be set up: {why}."),
        }
    }
}

impl std::error::Error for GateError {}
