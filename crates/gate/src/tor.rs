//! Arti, set up for this program: its configuration, its start, and what it says of itself.
//! It must never be started with anything from a profile, nor with local addresses allowed on the public network.
//! Standard: facts on Arti 0.47 (features, pitfalls); fs-mistrust for the state folder.

#[cfg(feature = "private-network")]
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arti_client::config::{CfgPath, TorClientConfigBuilder};
use arti_client::status::{Blockage, BlockageKind, BootstrapStatus};
use arti_client::{BootstrapBehavior, HasKind, TorClient, TorClientConfig};
use door::{Cause, GateStatus, Refusal};
use futures::StreamExt;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tor_rtcompat::PreferredRuntime;

use crate::progress::{Progress, Snapshot};
use crate::refuse::refusal;
use crate::state::{StateFolder, check_owner};
use crate::{GateError, Network};

/// How long an exit or onion service may take to answer once the circuit stands.
const ANSWER_WAIT: Duration = Duration::from_secs(45);
/// Memory for queues of cells, in bytes; beyond it Arti gives up circuits.
const QUEUES: usize = 64 * 1024 * 1024;
/// The first pause between two attempts to bootstrap; doubled up to the longest one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often progress is looked at when nothing happens.
const TICK: Duration = Duration::from_secs(1);

type Client = TorClient<PreferredRuntime>;

/// A running Arti.
pub(crate) struct Tor {
    client: Arc<Client>,
    status: watch::Receiver<GateStatus>,
    booted: watch::Receiver<bool>,
}

impl Tor {
    /// Starts Arti and lets it bootstrap on its own.
    pub(crate) async fn start(network: &Network, folder: &StateFolder) -> Result<Tor, GateError> {
        let config = config(network, folder)?;
        // Arti takes its TLS from the process-wide provider. An error means that one is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let fault = |error: &dyn std::fmt::Display| GateError::Tor(error.to_string());
        let runtime = PreferredRuntime::current().map_err(|error| fault(&error))?;
        let client = TorClient::with_runtime(runtime)
            .config(config)
            .bootstrap_behavior(BootstrapBehavior::Manual)
            .create_unbootstrapped_async()
            .await
            .map_err(|error| fault(&error))?;
        let (status_sender, status) = watch::channel(GateStatus::starting());
        let (booted_sender, booted) = watch::channel(false);
        tokio::spawn(follow(Arc::clone(&client), status_sender));
        tokio::spawn(bootstrap(Arc::clone(&client), booted_sender));
        Ok(Tor {
            client,
            status,
            booted,
        })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn status(&self) -> watch::Receiver<GateStatus> {
        self.status.clone()
    }

    /// Waits until Arti has a directory. From then on it is for Arti to try: it notices only by trying that a network is
    /// back.
    pub(crate) async fn booted(&self, limit: Duration) -> Result<(), Refusal> {
        let mut booted = self.booted.clone();
        match timeout(limit, booted.wait_for(|booted| *booted)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Refusal::TorNotReady(self.cause())),
        }
    }

    /// The refusal for a stream that took too long.
    pub(crate) fn timed_out(&self) -> Refusal {
        if self.status.borrow().is_ready() {
            Refusal::TimedOut
        } else {
            Refusal::TorNotReady(self.cause())
        }
    }

    /// The refusal for `error`.
    pub(crate) fn refusal(&self, error: &arti_client::Error, onion: bool) -> Refusal {
        match refusal(error.kind(), onion, self.cause()) {
            Refusal::TimedOut => self.timed_out(),
            other => other,
        }
    }

    fn cause(&self) -> Option<Cause> {
        self.status.borrow().cause.clone()
    }
}

fn config(network: &Network, folder: &StateFolder) -> Result<TorClientConfig, GateError> {
    let mut builder = match network {
        #[cfg(feature = "private-network")]
        Network::Private { file } => private(file)?,
        _ => TorClientConfigBuilder::default(),
    };
    builder
        .storage()
        .cache_dir(CfgPath::new_literal(folder.cache()))
        .state_dir(CfgPath::new_literal(folder.state()));
    check_owner(builder.storage().permissions(), network);
    builder.stream_timeouts().connect_timeout(ANSWER_WAIT);
    builder.system().memory().max(QUEUES);
    builder.address_filter().allow_onion_addrs(true);
    if *network == Network::Public {
        builder.address_filter().allow_local_addrs(false);
    }
    builder
        .build()
        .map_err(|error| GateError::BadNetwork(error.to_string()))
}

#[cfg(feature = "private-network")]
fn private(file: &Path) -> Result<TorClientConfigBuilder, GateError> {
    let text = std::fs::read_to_string(file).map_err(|error| GateError::BadNetwork(error.to_string()))?;
    toml::from_str(&text).map_err(|error| GateError::BadNetwork(error.message().to_owned()))
}

/// Tries until it has worked once. `bootstrap` may take for ever or return early: only its first success counts here,
/// and progress is watched elsewhere.
async fn bootstrap(client: Arc<Client>, booted: watch::Sender<bool>) {
    let mut pause = FIRST_PAUSE;
    while client.bootstrap().await.is_err() {
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    booted.send_replace(true);
    // The sender must live as long as somebody may wait for it.
    booted.closed().await;
}

/// Says at each event, and each second without one, where Tor stands.
async fn follow(client: Arc<Client>, status: watch::Sender<GateStatus>) {
    let mut events = client.bootstrap_events().fuse();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut progress = Progress::new(Instant::now());
    loop {
        tokio::select! {
            Some(_) = events.next() => {}
            _ = ticks.tick() => {}
        }
        let now = progress.observe(&snapshot(&client.bootstrap_status()), Instant::now());
        status.send_if_modified(|last| {
            let changed = *last != now;
            *last = now;
            changed
        });
    }
}

fn snapshot(status: &BootstrapStatus) -> Snapshot {
    Snapshot {
        ready: status.ready_for_traffic(),
        fraction: status.as_frac(),
        blocked: status.blocked().as_ref().and_then(cause),
    }
}

fn cause(blockage: &Blockage) -> Option<Cause> {
    match blockage.kind() {
        // Not told to begin yet: no cause of anything.
        BlockageKind::Disabled => None,
        BlockageKind::Offline => Some(Cause::Offline),
        BlockageKind::Filtering => Some(Cause::Filtered),
        BlockageKind::CantBootstrap => Some(Cause::Blocked),
        BlockageKind::ClockSkewed => Some(Cause::ClockWrong {
            detail: blockage.message().to_string(),
        }),
        _ => Some(Cause::CannotReachTor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_network_is_set_up_without_local_addresses() {
        let home = tempfile::tempdir().unwrap();
        let folder = StateFolder::claim(&home.path().join("tor"), &Network::Public).unwrap();
        let config = format!("{:?}", config(&Network::Public, &folder).unwrap());
        assert!(config.contains("allow_local_addrs: false"), "{config}");
        assert!(config.contains("allow_onion_addrs: true"), "{config}");
    }

    #[cfg(feature = "private-network")]
    #[test]
    fn a_private_network_that_is_none_is_refused_with_the_reason() {
        let home = tempfile::tempdir().unwrap();
        let folder = StateFolder::claim(&home.path().join("tor"), &Network::Public).unwrap();
        let file = home.path().join("net.toml");
        for text in [None, Some("tor_network = 5"), Some("=")] {
            if let Some(text) = text {
                std::fs::write(&file, text).unwrap();
            }
            let network = Network::Private { file: file.clone() };
            assert!(
                matches!(config(&network, &folder), Err(GateError::BadNetwork(_))),
                "{text:?}"
            );
        }
    }
}
