//! Tor and the walls, as a person is told of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How Tor is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tor {
    /// In one word.
    pub phase: TorPhase,
    /// How far the start is, 0 to 100.
    pub percent: u8,
    /// What Tor is doing, in a sentence.
    pub doing: String,
    /// Why it does not get on, where that is known.
    pub cause: Option<TorCause>,
    /// What the person can try, where there is something.
    pub advice: Option<String>,
    /// With the cause `clock_wrong`, where relays say so: by how many seconds this machine's clock is ahead, or behind if
    /// negative. An estimate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_seconds: Option<i64>,
}

/// How Tor is doing, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TorPhase {
    /// Connecting to the Tor network.
    Bootstrapping,
    /// Ready for traffic.
    Ready,
    /// The gate died and is being started again.
    Restarting,
    /// No progress for 20 seconds or a known obstacle.
    Stalled,
    /// The gate is starting.
    Starting,
}

/// Why Tor does not get on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TorCause {
    /// Connections to Tor are refused or cut: probably blocked by the network.
    Blocked,
    /// No Tor relay can be reached.
    CannotReachTor,
    /// This machine's clock is wrong.
    ClockWrong,
    /// Something on the way filters the connection.
    Filtered,
    /// Nothing moved for 20 seconds, cause unknown.
    NoProgress,
    /// This machine has no network.
    Offline,
    /// No Tor runs where one was to be used.
    RunningAbsent,
    /// A Tor seems to run, but this program may not read the cookie by which it proves to be one.
    RunningLocked,
    /// Something listens where a Tor should, and is none, or cannot prove to be one.
    RunningNotTor,
    /// The Tor that runs refuses the password of its control port.
    RunningPassword,
    /// The Tor that runs wants the password of its control port, and none was set.
    RunningPasswordMissing,
}

/// One wall of one room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Wall {
    /// `engine`, `gate` or `window`.
    pub room: String,
    /// `seccomp`, `second filter`, `landlock`, `network namespace`, `mount namespace`, `no dump`, `no core` or `no swap`.
    pub wall: String,
    /// Whether it stands.
    pub up: bool,
    /// Why not, where it does not.
    pub why: Option<String>,
}
