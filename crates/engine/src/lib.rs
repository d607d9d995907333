//! The engine: accounts, conversations, OTR policy. Commands in by door 1, events out.
//!
//! It must never open a connection (only [`dial`] can, through the gate), log anything, or let a word
//! out that is not OTR against the owner's policy. Where to start reading: [`run`], then `messenger` (what a command does), then
//! `conversation` (what a message meets on its way), then `link` (one account's way to its server).

#![forbid(unsafe_code)]

mod conversation;
mod door;
mod link;
mod messenger;
mod random;
#[cfg(test)]
mod recorder;
mod text;
mod writing;

use std::path::PathBuf;
use std::sync::Arc;

use dial::Dialer;
pub use dial::TorSettings;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

/// A channel to a gate: door 2.
pub trait Channel: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Channel for T {}

/// How the engine came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The owner panicked: what was open is wiped, and nothing that is still to be said is waited for.
    AtOnce,
    /// The owner stopped it, or door 1 was closed; everything was said.
    Stopped,
}

/// What the engine needs from outside.
pub struct Config {
    /// The folder of the sealed profile. Nothing outside is read or written.
    pub profile: PathBuf,
    /// The gates: each new one takes the place of the one before.
    pub gates: mpsc::Receiver<Box<dyn Channel>>,
    /// The walls around this room and the gate's, for showing.
    pub walls: Vec<model::Wall>,
    /// The Tor for a profile that keeps no choice.
    pub tor: TorSettings,
    /// The self-test of this room.
    pub self_test: Option<SelfTest>,
}

/// Tries what the walls of a room must refuse. Takes a few milliseconds.
#[derive(Clone)]
pub struct SelfTest(pub Arc<dyn Fn() -> Vec<model::Attempt> + Send + Sync>);

/// Serves door 1 until its input ends or `engine.stop` or `engine.panic` is called. One thread is enough; what takes
/// long (the passphrase's key, a new OTR key) runs on threads of its own.
///
/// # Errors
/// Where door 1 can no longer be written to.
pub async fn run(
    config: Config,
    input: impl AsyncRead + Unpin,
    output: impl AsyncWrite + Unpin,
) -> std::io::Result<End> {
    let dialer = Dialer::new();
    let mut gates = config.gates;
    let attached = dialer.clone();
    let gates = tokio::spawn(async move {
        while let Some(channel) = gates.recv().await {
            attached.attach(channel);
        }
    });
    let queue = door::Queue::default();
    let mut messenger = messenger::Messenger::new(config.profile, config.walls, dialer, queue.clone());
    messenger.ways.usual = config.tor;
    messenger.ways.self_test = config.self_test;
    let result = door::serve(messenger, queue, input, output).await;
    gates.abort();
    result
}
