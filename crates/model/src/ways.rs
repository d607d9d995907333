//! How the program reaches Tor, over which relays it goes, and what the walls refuse.
//! Passwords go down and never come up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::AccountId;
use crate::secret::Secret;

/// Which Tor is used. Kept in the sealed profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "use", rename_all = "snake_case", deny_unknown_fields)]
pub enum SetTor {
    /// Whichever the owner says at each start: from the next time that the profile is opened nothing is connected before
    /// `tor.set` was called with another choice. What is in use now stays.
    Ask {},
    /// The program's own.
    Embedded {
        /// Bridge lines as they are handed out: at most 16, one each. Empty: no bridge.
        #[serde(default)]
        bridges: Vec<String>,
        /// A proxy between this machine and the network: `socks5://host:port` or `http://host:port`, with a name and
        /// a password where it wants one.
        #[serde(default)]
        proxy: Option<Secret>,
        /// The only ports that the network lets out: at most 16. Empty: all.
        #[serde(default)]
        ports: Vec<u16>,
        /// For this run alone, where the owner wants to be asked: otherwise the choice is kept, and nobody asked again.
        #[serde(default)]
        once: bool,
    },
    /// One that runs already. It is found by itself where `control` is absent.
    Running {
        /// Its control port: `host:port` on this machine, or the path of a socket.
        #[serde(default)]
        control: Option<String>,
        /// The password of its control port.
        #[serde(default)]
        password: Option<Secret>,
        /// For this run alone, where the owner wants to be asked: otherwise the choice is kept, and nobody asked again.
        #[serde(default)]
        once: bool,
    },
}

/// Which Tor is used, for showing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TorSettings {
    /// Whether one that runs already is used.
    pub running: bool,
    /// Whether the owner wants to be asked at each start.
    #[serde(default)]
    pub ask: bool,
    /// Whether that choice is waited for now: nothing is connected before it.
    #[serde(default)]
    pub waits: bool,
    /// The bridge lines.
    #[serde(default)]
    pub bridges: Vec<String>,
    /// The proxy without name and password.
    #[serde(default)]
    pub proxy: Option<String>,
    /// The only ports that are used.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// The control port that the owner chose.
    #[serde(default)]
    pub control: Option<String>,
    /// Whether a password for it is kept.
    #[serde(default)]
    pub password: bool,
    /// The kinds of bridges for which a program was found on this machine: `obfs4`, `snowflake`, `webtunnel`, `meek_lite`.
    #[serde(default)]
    pub transports: Vec<String>,
}

/// The circuits in use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TorPaths {
    /// In the order of the accounts.
    pub paths: Vec<TorPath>,
}

/// One circuit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TorPath {
    /// The account that goes over it; absent: the program itself.
    #[serde(default)]
    pub account: Option<AccountId>,
    /// What for: `chat`, `discovery`, `certificate`, `file` or `registration`.
    pub purpose: String,
    /// Whether it ends at an onion service and not at an exit.
    pub onion: bool,
    /// Its relays, the nearest first. Of an onion service's half nothing is known.
    pub relays: Vec<TorRelay>,
    /// Its age in seconds.
    pub seconds: u64,
    /// Streams on it.
    pub streams: u32,
}

/// One relay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TorRelay {
    /// 40 hexadecimal digits, where it is known.
    #[serde(default)]
    pub fingerprint: Option<String>,
    /// What it calls itself.
    #[serde(default)]
    pub nickname: Option<String>,
    /// Whether it is a bridge.
    #[serde(default)]
    pub bridge: bool,
}

/// What the leak self-test saw, each room trying what it must not be able to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WallsCheck {
    /// In the order of rooms and attempts.
    pub attempts: Vec<Attempt>,
}

/// One attempt of the self-test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// `engine`, `gate` or `window`.
    pub room: String,
    /// What was tried, as `otter check` names it.
    pub attempt: String,
    /// Whether it has to be refused in this room.
    pub must_be_refused: bool,
    /// Whether it was refused.
    pub refused: bool,
    /// What the system said.
    pub seen: String,
}
