//! The room that reaches the network: Tor, and nothing else.
//! It must never open a connection but through Tor, resolve a name itself, or know an account, a key or a message.
//! Standard: design.md sections 1 and 4; the Tor specifications, by Arti.
//!
//! [`run`] serves one channel until it closes: bootstraps Tor, says how far it is and what stops it, and opens streams for
//! the engine. No other code of ours opens a socket; Arti itself opens TCP connections to relays only (seen by strace).
//! Nothing is logged: no subscriber for Arti's traces is ever installed.

mod carry;
mod circuits;
mod clock;
mod control;
mod environment;
pub mod errands;
mod error;
mod hands;
mod live;
mod network;
mod outward;
mod progress;
mod refuse;
mod report;
mod request;
mod running;
mod server;
mod service;
mod services;
mod socks;
#[cfg(feature = "private-network")]
mod socks_port;
mod state;
mod tor;
mod transports;

use std::fmt;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

pub use door::{Attempt, Running, TorSettings};
pub use error::GateError;
pub use network::Network;

use errands::Errands;
use outward::Outward;
use state::StateFolder;

/// Threads that carry bytes over the door: one for the channel, one for the streams. Tor has its own.
const WORKERS: usize = 2;
/// Threads for file access.
const FILE_WORKERS: usize = 2;
/// How long tasks may still run after the channel closed.
const FAREWELL: Duration = Duration::from_millis(500);

/// What a gate needs to know.
#[derive(Debug, Clone)]
pub struct GateConfig {
    /// Folder for Tor's own files (guards, directory). Made with mode 0700 if absent; refused if others may enter it. One
    /// gate at a time.
    pub state: PathBuf,
    /// Which network.
    pub network: Network,
    /// The way to Tor from the start on; `None`: the usual one, unless the last choice over the door was another one, in
    /// which case the gate contacts nobody until it is told.
    pub tor: Option<TorSettings>,
    /// The self-test of the gate's room, for whoever asks over the door; `None`: there are no walls to test.
    pub self_test: Option<SelfTest>,
}

/// Tries what the walls of the gate's room must refuse. Takes a few milliseconds.
#[derive(Clone)]
pub struct SelfTest(pub Arc<dyn Fn() -> Vec<Attempt> + Send + Sync>);

impl fmt::Debug for SelfTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SelfTest(..)")
    }
}

/// Asks the system once who runs the program, and remembers it. To be called before the room is locked: Arti asks for it
/// when it starts (for the default of a setting that we do not even use), panics if it gets no answer, and a locked room may
/// read neither `/etc/passwd` nor `/etc/group`. Opens no network socket; the system's look-up may try its local cache daemon.
///
/// # Errors
/// [`GateError::StateFolder`], if the system does not know.
pub fn prepare() -> Result<(), GateError> {
    state::know_user()
}

/// Serves door 2 on `channel` until its other side closes. Blocks; starts its own threads and leaves none behind.
/// `errands` carries out what the walls keep the gate from; without it there are no pluggable transports, and a Tor that
/// already runs can be used only by a TCP control port without a cookie.
///
/// # Errors
/// [`GateError`], before anything was sent to anybody.
pub fn run(
    config: &GateConfig,
    channel: UnixStream,
    errands: Option<Arc<dyn Errands>>,
) -> Result<(), GateError> {
    prepare()?;
    let folder = StateFolder::claim(&config.state, &config.network)?;
    let runtime = runtime().map_err(|error| GateError::Channel(error.kind()))?;
    let served = runtime.block_on(async {
        let channel = open(channel).map_err(|error| GateError::Channel(error.kind()))?;
        let outward = Outward::open(config, folder, errands).await?;
        // On a worker thread, where waking it costs least.
        let serving = tokio::spawn(server::serve(channel, outward));
        serving
            .await
            .map_err(|_| GateError::Channel(io::ErrorKind::Other))
    });
    runtime.shutdown_timeout(FAREWELL);
    served
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(FILE_WORKERS)
        .thread_name("gate")
        .enable_all()
        .build()
}

fn open(channel: UnixStream) -> io::Result<tokio::net::UnixStream> {
    channel.set_nonblocking(true)?;
    tokio::net::UnixStream::from_std(channel)
}
