//! Onion services that the gate hosts for the engine, each with a key that exists nowhere but in memory.
//! It must never write a service's key, keep a service longer than its stream stands, or hold more visits than are allowed.
//! Standard: rend-spec-v3; proposal 292 (full vanguards, which guard the place of a service against its visitors).

use std::path::PathBuf;
use std::sync::Arc;

use arti_client::TorClient;
use arti_client::config::{CfgPathResolver, onion_service::OnionServiceConfigBuilder};
use door::{Host, Refusal, Serve};
use fs_mistrust::{Mistrust, MistrustBuilder};
use futures::{Stream, StreamExt, pin_mut};
use safelog::DisplayRedacted;
use tokio::sync::mpsc;
use tor_hscrypto::pk::HsClientDescEncKey;
use tor_hsservice::config::restricted_discovery::HsClientNickname;
use tor_hsservice::{HsNickname, OnionService, RendRequest, RunningOnionService, StreamRequest};
use tor_keymgr::{ArtiEphemeralKeystore, KeyMgrBuilder};
use tor_persist::state_dir::StateDirectory;
use tor_proto::stream::IncomingStreamRequest;
use tor_rtcompat::PreferredRuntime;

use crate::Network;
use crate::services::refuse;
use crate::state::check_owner;

/// The most circuits of visitors at once to one service; further visitors wait.
const MAX_CIRCUITS: usize = 32;
/// The most streams of one visitor's circuit.
const MAX_STREAMS_OF_CIRCUIT: u32 = 16;
/// The name of every service in a folder of its own; nobody else sees it.
const NICKNAME: &str = "service";

/// A service that stands for as long as its visits are waited for.
pub(crate) struct Service {
    /// Where visitors find it.
    pub(crate) address: Host,
    /// Who asks to come in; ends with Tor.
    pub(crate) visits: mpsc::Receiver<StreamRequest>,
}

/// A folder for what a service has to remember of its introduction points while it runs: no keys. Gone with the value.
pub(crate) struct Notes(PathBuf);

impl Notes {
    /// The folder at `path`, which is made when it is needed.
    pub(crate) fn at(path: PathBuf) -> Notes {
        Notes(path)
    }
}

impl Drop for Notes {
    fn drop(&mut self) {
        // Whatever is left is removed at the next start.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Launches a service and says where it will be found. To be called on the threads of `client`.
pub(crate) fn launch(
    client: &TorClient<PreferredRuntime>,
    network: &Network,
    notes: Notes,
    serve: &Serve,
) -> Result<Service, Refusal> {
    let keys = KeyMgrBuilder::default()
        .primary_store(Box::new(ArtiEphemeralKeystore::new("memory".to_owned())))
        .build()
        .map_err(|_| Refusal::Internal)?;
    let service = OnionService::builder()
        .config(config(serve).ok_or(Refusal::Internal)?)
        .keymgr(Arc::new(keys))
        .state_dir(state(&notes, network).ok_or(Refusal::Internal)?)
        .build()
        .map_err(|_| Refusal::Internal)?;
    let (Ok(directory), Ok(circuits)) = (client.dirmgr(), client.hs_circ_pool()) else {
        return Err(Refusal::TorNotReady(None));
    };
    let launched = service.launch(
        client.runtime().clone(),
        directory,
        circuits,
        Arc::new(CfgPathResolver::default()),
    );
    let (running, requests) = launched.ok().flatten().ok_or(Refusal::Internal)?;
    let address = running.onion_address().ok_or(Refusal::Internal)?;
    let address = Host::parse(&address.display_unredacted().to_string()).map_err(|_| Refusal::Internal)?;
    let (sender, visits) = mpsc::channel(Serve::MAX_WAITING);
    tokio::spawn(pass_on(running, requests, serve.port, sender, notes));
    Ok(Service { address, visits })
}

fn config(serve: &Serve) -> Option<arti_client::config::onion_service::OnionServiceConfig> {
    let mut config = OnionServiceConfigBuilder::default();
    config
        .nickname(HsNickname::try_from(NICKNAME.to_owned()).ok()?)
        .max_concurrent_streams_per_circuit(MAX_STREAMS_OF_CIRCUIT);
    if !serve.visitors.is_empty() {
        let restricted = config.restricted_discovery();
        restricted.enabled(true);
        for (number, key) in serve.visitors.iter().enumerate() {
            let name: HsClientNickname = format!("visitor{number}").parse().ok()?;
            let key: HsClientDescEncKey = key.to_line().parse().ok()?;
            restricted.static_keys().access().push((name, key));
        }
    }
    config.build().ok()
}

fn state(notes: &Notes, network: &Network) -> Option<StateDirectory> {
    let mut trust: MistrustBuilder = Mistrust::builder();
    check_owner(&mut trust, network);
    StateDirectory::new(&notes.0, &trust.build().ok()?).ok()
}

/// Hands visits on until nobody waits for them any more; then the service ends, and with it its key.
async fn pass_on(
    running: Arc<RunningOnionService>,
    requests: impl Stream<Item = RendRequest> + Send + 'static,
    port: u16,
    visits: mpsc::Sender<StreamRequest>,
    notes: Notes,
) {
    let streams = requests.flat_map_unordered(MAX_CIRCUITS, |visitor| {
        let accepting = Box::pin(visitor.accept());
        futures::stream::once(accepting)
            .filter_map(|accepted| std::future::ready(accepted.ok()))
            .flatten()
    });
    pin_mut!(streams);
    loop {
        let request = tokio::select! {
            request = streams.next() => request,
            () = visits.closed() => None,
        };
        let Some(request) = request else { break };
        let refused = match request.request() {
            IncomingStreamRequest::Begin(begin) if begin.port() == port => match visits.try_send(request) {
                Ok(()) => continue,
                Err(full) => full.into_inner(),
            },
            _ => request,
        };
        refuse(refused).await;
    }
    drop((running, notes));
}
