//! The engine's side of door 2: streams that the gate opens through Tor, and TLS on them.
//! It must never hold a socket of its own, resolve a name, or let a byte pass by another way than the gate.
//! Standard: design.md section 1 ("door 2") and section 4 (TLS rules).
//!
//! ```no_run
//! # async fn example(channel: tokio::io::DuplexStream) -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use dial::{Dialer, Host, Isolation, Purpose, tls};
//!
//! let dialer = Dialer::new();
//! dialer.attach(channel);
//! let account = Isolation::from_bytes([7; 16]); // from a cryptographic random source
//! let stream = dialer.connect(&account, Purpose::Xmpp, &Host::parse("xmpp.example.org")?, 5223).await?;
//! let policy = tls::TlsPolicy::new(Vec::new(), Duration::from_secs(30));
//! let stream = tls::handshake(stream, "example.org", Some(tls::Alpn::XmppClient), &policy).await?;
//! let key_to_remember = stream.spki_sha256();
//! # Ok(()) }
//! ```

mod dialer;
mod error;
pub mod find;
mod link;
mod service;
mod stream;
pub mod tls;
pub mod witness;

pub use dialer::{Dialer, TorStatus};
pub use door::{
    Attempt, Backend, Bridge, BridgeError, Cause, ControlPlace, Embedded, GateStatus, Hop, Host, HostError,
    Isolation, NextStep, Password, Path, PathEnd, Phase, Proxy, Purpose, Refusal, Running, Serve, Settings,
    SettingsProblem, TorSettings, Tried, VisitorKey, VisitorKeyError,
};
pub use error::DialError;
pub use service::Service;
pub use stream::Stream;
