//! The language of door 2: what the engine may ask of the gate, and what the gate answers.
//! It must never do I/O, hold a secret, or accept a line that is not exactly of this language.
//! Standard: design.md section 1 ("door 2"); onion addresses by rend-spec-v3, appendix G of the Tor specifications.
//!
//! A stream over door 2 begins with one [`Header`] line from the engine. The gate replies with one [`Answer`] line.
//! After `ok` a `connect` stream carries raw bytes in both directions, a `status` stream carries one
//! [`GateStatus`] line for each change, for as long as it stands; a `paths` stream carries one [`Path`] line for each
//! circuit in use and then ends, as a `check` stream does with [`Attempt`] lines and a `transports` stream with one of
//! [`Transports`]. A `serve` stream carries [`Served`] lines for as long as it stands, and with it the service; an `accept`
//! stream carries the bytes of one visitor. Every line ends with `\n` and has at most
//! [`MAX_LINE`] bytes, the end included.

mod answer;
mod bridge;
mod header;
mod host;
mod isolation;
mod line;
mod path;
mod refusal;
mod room;
mod serve;
mod settings;
mod status;

pub use answer::Answer;
pub use bridge::{Bridge, BridgeError};
pub use header::{Connect, Header, Purpose, VERSION};
pub use host::{Host, HostError};
pub use isolation::{Isolation, IsolationError};
pub use line::{LineError, LineReader, MAX_LINE};
pub use path::{Hop, Path, PathEnd};
pub use refusal::Refusal;
pub use room::{Attempt, Transports};
pub use serve::{Serve, Served, VisitorKey, VisitorKeyError};
pub use settings::{
    ControlPlace, Embedded, Password, Proxy, Running, Settings, SettingsProblem, TorSettings,
};
pub use status::{Backend, Cause, GateStatus, NextStep, Phase, Tried};
