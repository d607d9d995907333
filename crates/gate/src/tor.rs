//! Arti, set up for this program: its configuration, its start, and what it says of itself.
//! It must never be started with anything from a profile, nor with local addresses allowed on the public network.
//! Standard: facts on Arti 0.47 (features, pitfalls); fs-mistrust for the state folder.

#[cfg(feature = "private-network")]
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arti_client::config::pt::TransportConfigBuilder;
use arti_client::config::{BoolOrAuto, BridgeConfigBuilder, CfgPath, Reconfigure, TorClientConfigBuilder};
use arti_client::status::{Blockage, BlockageKind, BootstrapStatus};
use arti_client::{
    BootstrapBehavior, DormantMode, HasKind, IsolationToken, StreamPrefs, TorClient, TorClientConfig,
};
use door::{Cause, Connect, Embedded, Hop, Refusal, Serve, Tried};
use futures::StreamExt;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tor_cell::relaycell::msg::Connected;
use tor_config::ExplicitOrAuto;
use tor_guardmgr::VanguardMode;
use tor_hsservice::StreamRequest;
use tor_keymgr::config::ArtiKeystoreKind;
use tor_linkspec::HasRelayIds;
use tor_netdir::Timeliness;
use tor_proto::client::ClientTunnel;
use tor_proto::client::circuit::PathEntry;
use tor_proto::client::stream::ClientDataStreamCtrl;
use tor_rtcompat::PreferredRuntime;

use crate::clock;
use crate::outward::Carried;
use crate::progress::{Progress, Snapshot};
use crate::refuse::refusal;
use crate::report::Reporter;
use crate::service::{self, Notes, Service};
use crate::state::{StateFolder, check_owner};
use crate::transports::Transport;
use crate::{GateError, Network};

/// Threads that carry cells and build circuits.
const WORKERS: usize = 2;
/// Threads for file access.
const FILE_WORKERS: usize = 2;
/// How long its tasks may still run after it was told to end.
const FAREWELL: Duration = Duration::from_secs(2);

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
/// What tells over which relays a stream goes.
pub(crate) type Control = Option<Arc<ClientDataStreamCtrl>>;

/// A running Arti, on threads of its own: when they end, everything of it has ended, its connections and its hold on the
/// state folder included.
pub(crate) struct Tor {
    /// Taken when it is stopped.
    parts: Mutex<Option<Parts>>,
    booted: watch::Receiver<bool>,
    reporter: Reporter,
    bridges: Vec<String>,
    /// Its configuration once it hosts a service.
    guarded: Box<TorClientConfig>,
}

struct Parts {
    client: Arc<Client>,
    runtime: Runtime,
}

impl Tor {
    /// Starts Arti and lets it bootstrap on its own.
    pub(crate) async fn start(
        network: &Network,
        folder: &StateFolder,
        way: &Embedded,
        transports: &[Transport],
        reporter: Reporter,
    ) -> Result<Tor, GateError> {
        let guarded = config(network, folder, way, transports, VanguardMode::Full)?;
        let config = config(network, folder, way, transports, VanguardMode::Lite)?;
        let beginners = clock::beginners(&config, &way.reachable_ports);
        // Arti takes its TLS from the process-wide provider. An error means that one is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = runtime().map_err(|error| GateError::Tor(error.to_string()))?;
        let created = runtime.spawn(create(config)).await;
        let client = match created.map_err(|error| GateError::Tor(error.to_string())) {
            Ok(Ok(client)) => client,
            Ok(Err(error)) | Err(error) => {
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let (booted_sender, booted) = watch::channel(false);
        let (off_sender, off) = watch::channel(None);
        runtime.spawn(clock::watch(Arc::clone(&client), beginners, off_sender));
        runtime.spawn(follow(Arc::clone(&client), reporter.clone(), tried(way), off));
        runtime.spawn(bootstrap(Arc::clone(&client), booted_sender));
        Ok(Tor {
            guarded: Box::new(guarded),
            parts: Mutex::new(Some(Parts { client, runtime })),
            booted,
            reporter,
            bridges: way
                .bridges
                .iter()
                .map(|bridge| bridge.fingerprint().to_owned())
                .collect(),
        })
    }

    /// Ends it, and waits until it has ended.
    pub(crate) async fn stop(&self) {
        let Some(parts) = self.lock().take() else { return };
        let Parts { client, runtime } = parts;
        drop(client);
        // Nothing is lost if it cannot be waited for: its threads end all the same.
        let _ = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(FAREWELL)).await;
    }

    /// Lets it rest, or wakes it.
    pub(crate) fn rest(&self, dormant: bool) {
        if let Some(parts) = self.lock().as_ref() {
            parts.client.set_dormant(if dormant {
                DormantMode::Soft
            } else {
                DormantMode::Normal
            });
        }
    }

    /// Opens a stream in the family of `token`.
    pub(crate) async fn connect(
        &self,
        connect: &Connect,
        token: IsolationToken,
    ) -> Result<(Box<dyn Carried>, Control), Refusal> {
        let target = (connect.host.to_string(), connect.port);
        let opening = {
            let parts = self.lock();
            let Parts { client, runtime } = parts.as_ref().ok_or(Refusal::GateBusy)?;
            let client = Arc::clone(client);
            let mut preferences = StreamPrefs::new();
            preferences.set_isolation(token);
            // Where its timers are: on another runtime they would outlive it.
            Opening(runtime.spawn(async move { client.connect_with_prefs(target, &preferences).await }))
        };
        match opening.done().await {
            Ok(Ok(stream)) => {
                let control = stream.client_stream_ctrl().map(Arc::clone);
                Ok((Box::new(stream), control))
            }
            Ok(Err(error)) => Err(self.refusal(&error, connect.host.is_onion())),
            Err(_) => Err(Refusal::GateBusy),
        }
    }

    /// Hosts a service. From the first one on, every path of Tor to and from onion services has relays of its own that change
    /// seldom: by quickly changing ones a visitor could find the way to a service (proposal 292).
    pub(crate) async fn serve(
        &self,
        network: Network,
        notes: Notes,
        serve: Serve,
    ) -> Result<Service, Refusal> {
        let launching = {
            let parts = self.lock();
            let Parts { client, runtime } = parts.as_ref().ok_or(Refusal::GateBusy)?;
            let (client, guarded) = (Arc::clone(client), self.guarded.clone());
            Opening(runtime.spawn(async move {
                let guarded = client.reconfigure(&guarded, Reconfigure::AllOrNothing);
                guarded.map_err(|_| Refusal::Internal)?;
                service::launch(&client, &network, notes, &serve)
            }))
        };
        launching.done().await.unwrap_or(Err(Refusal::GateBusy))
    }

    /// Lets a visitor of a service in.
    pub(crate) async fn accept(&self, request: StreamRequest) -> Result<Box<dyn Carried>, Refusal> {
        let accepting = {
            let parts = self.lock();
            let Parts { runtime, .. } = parts.as_ref().ok_or(Refusal::GateBusy)?;
            Opening(runtime.spawn(request.accept(Connected::new_empty())))
        };
        match accepting.done().await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(_)) => Err(Refusal::ConnectionRefused),
            Err(_) => Err(Refusal::GateBusy),
        }
    }

    /// The relays of a circuit.
    pub(crate) fn hops(&self, tunnel: &ClientTunnel) -> Vec<Hop> {
        let directory = self.lock().as_ref().and_then(|parts| parts.client.dirmgr().ok());
        let directory = directory.and_then(|directory| directory.netdir(Timeliness::Unchecked).ok());
        let hop = |entry: &PathEntry| {
            let Some(relay) = entry.as_chan_target() else {
                return Hop {
                    fingerprint: None,
                    nickname: None,
                    bridge: false,
                };
            };
            let fingerprint = relay.rsa_identity().map(|identity| {
                let digits = identity.as_bytes().iter().map(|byte| format!("{byte:02X}"));
                digits.collect::<String>()
            });
            let known = directory.as_ref().and_then(|directory| directory.by_ids(relay));
            let bridge = fingerprint.as_ref().is_some_and(|own| self.bridges.contains(own));
            Hop {
                nickname: known.map(|known| known.rs().nickname().to_owned()),
                fingerprint,
                bridge,
            }
        };
        let paths = tunnel.all_paths();
        let path = paths.first();
        path.map(|path| path.iter().map(hop).collect())
            .unwrap_or_default()
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

    /// Whether it has had a directory since it was started.
    pub(crate) fn has_booted(&self) -> bool {
        *self.booted.borrow()
    }

    /// The refusal for a stream that took too long.
    pub(crate) fn timed_out(&self) -> Refusal {
        if self.reporter.last().is_ready() {
            Refusal::TimedOut
        } else {
            Refusal::TorNotReady(self.cause())
        }
    }

    /// The refusal for `error`.
    fn refusal(&self, error: &arti_client::Error, onion: bool) -> Refusal {
        match refusal(error.kind(), onion, self.cause()) {
            Refusal::TimedOut => self.timed_out(),
            other => other,
        }
    }

    fn cause(&self) -> Option<Cause> {
        self.reporter.last().cause
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Parts>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task that ends with whoever waits for it.
struct Opening<T>(JoinHandle<T>);

impl<T> Opening<T> {
    async fn done(mut self) -> Result<T, JoinError> {
        (&mut self.0).await
    }
}

impl<T> Drop for Opening<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Drop for Tor {
    fn drop(&mut self) {
        // Never waited for here: this may be a worker of another runtime.
        if let Some(parts) = self.lock().take() {
            parts.runtime.shutdown_background();
        }
    }
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(FILE_WORKERS)
        .thread_name("tor")
        .enable_all()
        .build()
}

async fn create(config: TorClientConfig) -> Result<Arc<Client>, GateError> {
    let fault = |error: &dyn std::fmt::Display| GateError::Tor(error.to_string());
    let runtime = PreferredRuntime::current().map_err(|error| fault(&error))?;
    TorClient::with_runtime(runtime)
        .config(config)
        .bootstrap_behavior(BootstrapBehavior::Manual)
        .create_unbootstrapped_async()
        .await
        .map_err(|error| fault(&error))
}

/// What this way tries.
fn tried(way: &Embedded) -> Vec<Tried> {
    let mut tried = Vec::new();
    if way.proxy.is_some() {
        tried.push(Tried::Proxy);
    }
    if way.bridges.is_empty() {
        tried.push(Tried::Direct);
    }
    if way.bridges.iter().any(|bridge| bridge.transport().is_none()) {
        tried.push(Tried::Bridges);
    }
    if way.bridges.iter().any(|bridge| bridge.transport().is_some()) {
        tried.push(Tried::Transport);
    }
    tried
}

fn config(
    network: &Network,
    folder: &StateFolder,
    way: &Embedded,
    transports: &[Transport],
    vanguards: VanguardMode,
) -> Result<TorClientConfig, GateError> {
    let mut builder = match network {
        #[cfg(feature = "private-network")]
        Network::Private { file } => private(file)?,
        _ => TorClientConfigBuilder::default(),
    };
    let state = if way.bridges.is_empty() {
        folder.forget_bridges().map(|()| folder.state())
    } else {
        folder.state_for_bridges()
    };
    let state = state.map_err(|error| GateError::StateFolder(error.to_string()))?;
    builder
        .storage()
        .cache_dir(CfgPath::new_literal(folder.cache()))
        .state_dir(CfgPath::new_literal(state));
    check_owner(builder.storage().permissions(), network);
    // No key of a service or of a visitor to one is ever written.
    let keys = builder.storage().keystore().primary();
    keys.kind(ExplicitOrAuto::Explicit(ArtiKeystoreKind::Ephemeral));
    builder.vanguards().mode(ExplicitOrAuto::Explicit(vanguards));
    builder.stream_timeouts().connect_timeout(ANSWER_WAIT);
    builder.system().memory().max(QUEUES);
    builder.address_filter().allow_onion_addrs(true);
    if *network == Network::Public {
        builder.address_filter().allow_local_addrs(false);
    }
    set_way(&mut builder, way, transports).map_err(|why| GateError::Tor(why.to_owned()))?;
    builder
        .build()
        .map_err(|error| GateError::BadNetwork(error.to_string()))
}

/// Bridges, transports, proxy, reachable ports.
fn set_way(
    builder: &mut TorClientConfigBuilder,
    way: &Embedded,
    transports: &[Transport],
) -> Result<(), &'static str> {
    for bridge in &way.bridges {
        let bridge: BridgeConfigBuilder = bridge
            .to_string()
            .parse()
            .map_err(|_| "a bridge is not understood")?;
        builder.bridges().bridges().push(bridge);
    }
    for transport in transports {
        let mut config = TransportConfigBuilder::default();
        let name = transport
            .name
            .parse()
            .map_err(|_| "a transport has a strange name")?;
        config.protocols(vec![name]).proxy_addr(transport.address);
        builder.bridges().transports().push(config);
    }
    if !way.bridges.is_empty() {
        builder.bridges().enabled(BoolOrAuto::Explicit(true));
    }
    if let Some(proxy) = &way.proxy {
        let proxy = proxy
            .expose_secret()
            .parse()
            .map_err(|_| "the proxy is not understood")?;
        builder.channel().outbound_proxy(Some(proxy));
    }
    if !way.reachable_ports.is_empty() {
        let ports = way.reachable_ports.iter().map(|port| format!("*:{port}").parse());
        let ports = ports
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| "a port is not understood")?;
        builder.path_rules().set_reachable_addrs(ports);
    }
    Ok(())
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
async fn follow(
    client: Arc<Client>,
    reporter: Reporter,
    tried: Vec<Tried>,
    mut off: watch::Receiver<Option<i64>>,
) {
    let mut events = client.bootstrap_events().fuse();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut progress = Progress::new(Instant::now(), tried);
    loop {
        tokio::select! {
            Some(_) = events.next() => {}
            _ = ticks.tick() => {}
        }
        let snapshot = snapshot(&client.bootstrap_status(), *off.borrow_and_update());
        reporter.tell(progress.observe(&snapshot, Instant::now()));
    }
}

/// `off`: seconds by which the clock is ahead, where relays say so.
fn snapshot(status: &BootstrapStatus, off: Option<i64>) -> Snapshot {
    let wrong = off.map(|seconds| Cause::ClockWrong {
        seconds: Some(seconds),
    });
    Snapshot {
        ready: status.ready_for_traffic(),
        fraction: status.as_frac(),
        blocked: wrong.or_else(|| status.blocked().as_ref().and_then(cause)),
    }
}

fn cause(blockage: &Blockage) -> Option<Cause> {
    match blockage.kind() {
        // Not told to begin yet: no cause of anything.
        BlockageKind::Disabled => None,
        BlockageKind::Offline => Some(Cause::Offline),
        BlockageKind::Filtering => Some(Cause::Filtered),
        BlockageKind::CantBootstrap => Some(Cause::Blocked),
        BlockageKind::ClockSkewed => Some(Cause::ClockWrong { seconds: None }),
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
        let config = format!(
            "{:?}",
            config(
                &Network::Public,
                &folder,
                &Embedded::default(),
                &[],
                VanguardMode::Lite
            )
            .unwrap()
        );
        assert!(config.contains("Ephemeral"), "{config}");
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
                matches!(
                    config(&network, &folder, &Embedded::default(), &[], VanguardMode::Lite),
                    Err(GateError::BadNetwork(_))
                ),
                "{text:?}"
            );
        }
    }
}
