//! The way out: opens streams through Tor for whoever asks over the door.
//! It must never reach a local address on the public network, nor open anything before Tor is there.
//! Standard: design.md section 4 ("Fail closed: no Tor, no bytes").

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use door::{
    Backend, Connect, GateStatus, Isolation, Path, Purpose, Refusal, Serve, Settings, SettingsProblem,
    TorSettings,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::{sleep, timeout};
use tor_hsservice::StreamRequest;

use crate::circuits::{Circuits, Family};
use crate::errands::Errands;
use crate::hands::Hands;
use crate::live::{Live, Place};
use crate::report::Reports;
use crate::running::RunningTor;
use crate::service::{Notes, Service};
use crate::services::Visits;
#[cfg(feature = "private-network")]
use crate::socks_port::SocksPort;
use crate::state::StateFolder;
use crate::tor::Tor;
use crate::transports::{self, Transport};
use crate::{GateConfig, GateError, Network, SelfTest};

pub(crate) use crate::live::FamilyPath;

/// How long a stream that is asked for early waits for Tor.
const READY_WAIT: Duration = Duration::from_secs(60);
/// How long a connection through an exit may take.
const EXIT_WAIT: Duration = Duration::from_secs(60);
/// How long a connection to an onion service may take: it needs three circuits and a descriptor.
const ONION_WAIT: Duration = Duration::from_secs(120);
/// The pause before a transport whose program ended is started again.
const RESTART_PAUSE: Duration = Duration::from_secs(3);

/// A Tor that was never ready and has not moved for this many seconds is begun anew; doubled up to the longest.
const FIRST_PATIENCE: u32 = 40;
const LONGEST_PATIENCE: u32 = 600;
/// How often that is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// Bytes both ways, whatever carries them.
pub(crate) trait Carried: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Carried for T {}

/// A stream through Tor, with its place among those that live.
pub(crate) struct Opened {
    pub(crate) stream: Box<dyn Carried>,
    pub(crate) place: Place,
}

/// Everything that the streams of one gate share.
pub(crate) struct Outward {
    network: Network,
    folder: StateFolder,
    hands: Hands,
    reports: Reports,
    /// The way in use; none while the gate waits to be told one.
    way: watch::Sender<Option<Arc<Way>>>,
    /// What was chosen last; held while a choice is carried out.
    chosen: tokio::sync::Mutex<Option<TorSettings>>,
    /// The owner wants to be asked at each start.
    ask: AtomicBool,
    circuits: Mutex<Circuits>,
    live: Arc<Live>,
    places: Arc<Semaphore>,
    /// Places for services, and their numbers.
    services: Arc<Semaphore>,
    last_service: AtomicU64,
    pub(crate) visits: Arc<Visits>,
    broken: mpsc::Sender<()>,
    pub(crate) self_test: Option<SelfTest>,
}

enum Way {
    Arti(
        Tor,
        #[expect(dead_code, reason = "they end when they are dropped")] Vec<Transport>,
    ),
    Running(RunningTor),
    #[cfg(feature = "private-network")]
    Socks(SocksPort),
}

impl Outward {
    /// Takes the way that was chosen, begins to connect, and does not wait for it. Where another way was chosen in an
    /// earlier run, and none now, it waits to be told.
    pub(crate) async fn open(
        config: &GateConfig,
        folder: StateFolder,
        errands: Option<Arc<dyn Errands>>,
    ) -> Result<Arc<Outward>, GateError> {
        let left = folder.forget_services();
        left.map_err(|error| GateError::StateFolder(error.to_string()))?;
        let (broken, breaks) = mpsc::channel(1);
        let (way, _) = watch::channel(None);
        let outward = Arc::new(Outward {
            network: config.network.clone(),
            folder,
            hands: Hands::new(errands),
            reports: Reports::new(),
            way,
            chosen: tokio::sync::Mutex::new(None),
            ask: AtomicBool::new(false),
            circuits: Mutex::new(Circuits::default()),
            live: Arc::default(),
            places: Arc::new(Semaphore::new(Refusal::MAX_STREAMS)),
            services: Arc::new(Semaphore::new(Serve::MAX_SERVICES)),
            last_service: AtomicU64::new(0),
            visits: Arc::default(),
            broken,
            self_test: config.self_test.clone(),
        });
        tokio::spawn(mend(Arc::downgrade(&outward), breaks));
        tokio::spawn(rouse(Arc::downgrade(&outward)));
        #[cfg(feature = "private-network")]
        if let Network::Socks(address) = config.network {
            let port = SocksPort::new(address, outward.reports.reporter(Backend::Running, 0));
            outward.way.send_replace(Some(Arc::new(Way::Socks(port))));
            return Ok(outward);
        }
        let chosen = match &config.tor {
            Some(tor) => Some(tor.clone()),
            None if outward.folder.waits_for_choice() => None,
            None => Some(TorSettings::default()),
        };
        if let Some(tor) = chosen {
            outward.begin(&tor).await?;
            *outward.chosen.lock().await = Some(tor);
        }
        Ok(outward)
    }

    /// The state of Tor, now and at each change.
    pub(crate) fn status(&self) -> watch::Receiver<GateStatus> {
        self.reports.subscribe()
    }

    /// Takes one of the places for streams.
    pub(crate) fn place(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| Refusal::TooManyStreams)
    }

    /// From now on the account's streams take new circuits.
    pub(crate) fn renew(&self, isolation: &Isolation) {
        self.circuits
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .renew(isolation);
    }

    /// Changes what is given.
    pub(crate) async fn set(&self, settings: &Settings) -> Result<(), Refusal> {
        if let Some(ask) = settings.ask {
            self.ask.store(ask, Ordering::SeqCst);
        }
        match &settings.tor {
            Some(tor) => self.choose(tor).await?,
            None if settings.ask == Some(true) => self.wait_to_be_told().await?,
            None => {}
        }
        if let (Some(dormant), Some(way)) = (settings.dormant, self.current())
            && let Way::Arti(tor, _) = way.as_ref()
        {
            tor.rest(dormant);
        }
        Ok(())
    }

    /// Ends the way in use, and contacts nobody until another one is told.
    async fn wait_to_be_told(&self) -> Result<(), Refusal> {
        let mut chosen = self.chosen.lock().await;
        self.folder.wait_for_choice(true).map_err(|_| Refusal::Internal)?;
        *chosen = None;
        self.end_way().await;
        // Whoever spoke for the way is not heard any more.
        self.reports
            .reporter(Backend::Embedded, 0)
            .tell(GateStatus::starting());
        Ok(())
    }

    /// Takes another way, if it is another one. What can be found wrong beforehand leaves the old one in use.
    async fn choose(&self, tor: &TorSettings) -> Result<(), Refusal> {
        check(tor, &self.hands).map_err(Refusal::BadSettings)?;
        #[cfg(feature = "private-network")]
        if matches!(self.network, Network::Socks(_)) {
            return Ok(());
        }
        let mut chosen = self.chosen.lock().await;
        // Kept before anything is begun: should the gate end now, the next one contacts nobody on its own.
        let wait = self.ask.load(Ordering::SeqCst) || *tor != TorSettings::default();
        let remembered = self.folder.wait_for_choice(wait);
        remembered.map_err(|_| Refusal::Internal)?;
        if chosen.as_ref() == Some(tor) {
            return Ok(());
        }
        self.replace(tor).await?;
        *chosen = Some(tor.clone());
        Ok(())
    }

    /// Ends the way in use, for good, before the next one begins.
    async fn replace(&self, tor: &TorSettings) -> Result<(), Refusal> {
        let transports = self.transports(tor).await.map_err(Refusal::BadSettings)?;
        self.end_way().await;
        self.begin_with(tor, transports)
            .await
            .map_err(|_| Refusal::Internal)
    }

    async fn end_way(&self) {
        if let Some(old) = self.way.send_replace(None)
            && let Way::Arti(tor, _) = old.as_ref()
        {
            tor.stop().await;
        }
    }

    async fn begin(&self, tor: &TorSettings) -> Result<(), GateError> {
        check(tor, &self.hands).map_err(|problem| GateError::Tor(problem.to_string()))?;
        let transports = self.transports(tor).await;
        let transports = transports.map_err(|problem| GateError::Tor(problem.to_string()))?;
        self.begin_with(tor, transports).await
    }

    /// Has the programs started that the bridges need.
    async fn transports(&self, tor: &TorSettings) -> Result<Vec<Transport>, SettingsProblem> {
        let TorSettings::Embedded(embedded) = tor else {
            return Ok(Vec::new());
        };
        let mut started = Vec::new();
        for name in transports::needed(&embedded.bridges)? {
            let broken = self.broken.clone();
            started.push(transports::start(name, embedded.proxy.as_ref(), &self.hands, broken).await?);
        }
        Ok(started)
    }

    async fn begin_with(&self, tor: &TorSettings, transports: Vec<Transport>) -> Result<(), GateError> {
        let way = match tor {
            TorSettings::Embedded(embedded) => {
                let reporter = self.reports.reporter(Backend::Embedded, embedded.bridges.len());
                let tor = Tor::start(&self.network, &self.folder, embedded, &transports, reporter).await?;
                Way::Arti(tor, transports)
            }
            TorSettings::Running(running) => {
                let reporter = self.reports.reporter(Backend::Running, 0);
                let running = RunningTor::start(running.clone(), self.hands.clone(), reporter);
                Way::Running(running.map_err(|refusal| GateError::Tor(refusal.to_string()))?)
            }
        };
        self.way.send_replace(Some(Arc::new(way)));
        Ok(())
    }

    /// The transports for which a program is installed.
    pub(crate) async fn transports_here(&self) -> door::Transports {
        door::Transports {
            names: transports::installed(&self.hands).await,
        }
    }

    fn current(&self) -> Option<Arc<Way>> {
        self.way.borrow().clone()
    }

    /// Opens a stream to where `connect` says.
    pub(crate) async fn connect(&self, connect: &Connect) -> Result<Opened, Refusal> {
        if connect.host.is_local() && self.network == Network::Public {
            return Err(Refusal::PrivateAddressRefused);
        }
        let way = wait_for(self.way.subscribe(), READY_WAIT).await;
        let way = way.ok_or(Refusal::TorNotReady(None))?;
        let limit = if connect.host.is_onion() {
            ONION_WAIT
        } else {
            EXIT_WAIT
        };
        let family = self.family(&connect.isolation, connect.purpose);
        let mut place = self.live.enter(connect, family);
        let stream = match way.as_ref() {
            Way::Arti(tor, _) => {
                tor.booted(READY_WAIT).await?;
                let opened = timeout(limit, tor.connect(connect, family.token)).await;
                let (stream, control) = opened.unwrap_or_else(|_| Err(tor.timed_out()))?;
                place.follow(control);
                stream
            }
            Way::Running(tor) => {
                let opened = timeout(limit + READY_WAIT, tor.connect(connect, family, READY_WAIT)).await;
                opened.unwrap_or(Err(Refusal::TimedOut))?
            }
            #[cfg(feature = "private-network")]
            Way::Socks(port) => {
                let opened = timeout(ONION_WAIT, port.connect(connect, family)).await;
                opened.unwrap_or(Err(Refusal::TimedOut))?
            }
        };
        place.stand();
        Ok(Opened { stream, place })
    }

    /// Hosts a service until the value goes, or Tor ends.
    pub(crate) async fn serve(&self, serve: &Serve) -> Result<(Service, OwnedSemaphorePermit), Refusal> {
        let place = Arc::clone(&self.services).try_acquire_owned();
        let place = place.map_err(|_| Refusal::TooManyStreams)?;
        let way = wait_for(self.way.subscribe(), READY_WAIT).await;
        let way = way.ok_or(Refusal::TorNotReady(None))?;
        let Way::Arti(tor, _) = way.as_ref() else {
            return Err(Refusal::BadSettings(SettingsProblem::Unavailable));
        };
        tor.booted(READY_WAIT).await?;
        let number = self.last_service.fetch_add(1, Ordering::Relaxed);
        let notes = Notes::at(self.folder.notes_of_service(number));
        let service = tor.serve(self.network.clone(), notes, serve.clone()).await?;
        Ok((service, place))
    }

    /// Lets a visitor in.
    pub(crate) async fn accept(&self, request: StreamRequest) -> Result<Box<dyn Carried>, Refusal> {
        match self.current().as_deref() {
            Some(Way::Arti(tor, _)) => tor.accept(request).await,
            _ => Err(Refusal::GateBusy),
        }
    }

    /// The circuits that carry streams now.
    pub(crate) async fn paths(&self) -> Vec<Path> {
        let Some(way) = self.current() else {
            return Vec::new();
        };
        match way.as_ref() {
            Way::Arti(tor, _) => self.live.paths(tor),
            Way::Running(tor) => self.live.paths_of_families(tor.paths().await),
            #[cfg(feature = "private-network")]
            Way::Socks(_) => Vec::new(),
        }
    }

    fn family(&self, isolation: &Isolation, purpose: Purpose) -> Family {
        let mut circuits = self.circuits.lock().unwrap_or_else(PoisonError::into_inner);
        circuits.family(isolation, purpose)
    }
}

/// Waits for a value to be there.
pub(crate) async fn wait_for<T: Clone>(mut values: watch::Receiver<Option<T>>, limit: Duration) -> Option<T> {
    let waiting = async {
        values
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|value| value.clone())
    };
    timeout(limit, waiting).await.ok().flatten()
}

/// What can be seen to be wrong without trying.
fn check(tor: &TorSettings, hands: &Hands) -> Result<(), SettingsProblem> {
    use door::{ControlPlace, Embedded};
    match tor {
        TorSettings::Embedded(embedded) => {
            if embedded.bridges.len() > Embedded::MAX_BRIDGES
                || embedded.reachable_ports.len() > Embedded::MAX_PORTS
            {
                return Err(SettingsProblem::TooMany);
            }
            if embedded.reachable_ports.contains(&0) {
                return Err(SettingsProblem::Ports);
            }
            transports::needed(&embedded.bridges).map(drop)
        }
        TorSettings::Running(running) => match &running.control {
            Some(place @ ControlPlace::Tcp(address)) => {
                let named = hands.environment.control() == Some(place);
                let reached = address.port() != 0 && (address.ip().is_loopback() || named);
                if reached {
                    Ok(())
                } else {
                    Err(SettingsProblem::ControlOutOfReach)
                }
            }
            Some(ControlPlace::Unix(_)) if !hands.any() => Err(SettingsProblem::Unavailable),
            Some(ControlPlace::Unix(_)) | None => Ok(()),
        },
    }
}

/// Begins anew where the Tor that is built in was never ready and does not move: after a freeze of the network or of this
/// computer it can wait for answers that will not come.
async fn rouse(outward: std::sync::Weak<Outward>) {
    let mut patience = FIRST_PATIENCE;
    loop {
        sleep(LOOK).await;
        let Some(outward) = outward.upgrade() else { return };
        let way = outward.current();
        let begun = match way.as_deref() {
            Some(Way::Arti(tor, _)) => !tor.has_booted(),
            _ => false,
        };
        if !begun {
            patience = FIRST_PATIENCE;
        } else if outward.status().borrow().seconds_without_progress >= patience {
            patience = (patience * 2).min(LONGEST_PATIENCE);
            // Where the channel is full it is begun anew already.
            let _ = outward.broken.try_send(());
        }
    }
}

/// Takes the same way anew each time that the program of a transport has ended by itself, or Tor got stuck.
async fn mend(outward: std::sync::Weak<Outward>, mut breaks: mpsc::Receiver<()>) {
    while breaks.recv().await.is_some() {
        sleep(RESTART_PAUSE).await;
        let Some(outward) = outward.upgrade() else { return };
        let chosen = outward.chosen.lock().await;
        if let Some(tor) = chosen.as_ref()
            && outward.replace(tor).await.is_err()
        {
            // It stays as it is, and is tried again.
            let _ = outward.broken.try_send(());
        }
    }
}
