//! xmpp
#![allow(dead_code, unused_imports)]
mod config;
mod error;
mod event;
mod framing;
mod ns;
mod sasl;
mod scram;
pub use config::{Config, Limits, Mechanism, Tls};
pub use error::{Error, OfflineReason, StanzaCondition, StreamCondition};
pub use event::{Command, Event, Input, MessageKind, Output, RosterItem, Subscription};
