//! The way out: opens streams through Tor for whoever asks over the door.
//! It must never reach a local address on the public network, nor open anything before Tor is there.
//! Standard: design.md section 4 ("Fail closed: no Tor, no bytes").

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arti_client::{DormantMode, IsolationToken, StreamPrefs};
use door::{Connect, GateStatus, Isolation, Refusal, Settings};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use crate::circuits::Circuits;
#[cfg(feature = "private-network")]
use crate::socks::Socks;
use crate::state::StateFolder;
use crate::tor::Tor;
use crate::{GateError, Network};

/// How long a stream that is asked for early waits for Tor.
const READY_WAIT: Duration = Duration::from_secs(60);
/// How long a connection through an exit may take.
const EXIT_WAIT: Duration = Duration::from_secs(60);
/// How long a connection to an onion service may take: it needs three circuits and a descriptor.
const ONION_WAIT: Duration = Duration::from_secs(120);

/// Bytes both ways, whatever carries them.
pub(crate) trait Carried: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Carried for T {}

/// Everything that the streams of one gate share.
pub(crate) struct Outward {
    way: Way,
    circuits: Mutex<Circuits>,
    places: Arc<Semaphore>,
    local_allowed: bool,
}

enum Way {
    Arti(Tor),
    #[cfg(feature = "private-network")]
    Socks(Socks),
}

impl Outward {
    /// Begins to connect to `network`, and does not wait for it.
    pub(crate) async fn open(network: &Network, folder: &StateFolder) -> Result<Arc<Outward>, GateError> {
        let way = match network {
            #[cfg(feature = "private-network")]
            Network::Socks(address) => Way::Socks(Socks::new(*address)),
            other => Way::Arti(Tor::start(other, folder).await?),
        };
        Ok(Arc::new(Outward {
            way,
            circuits: Mutex::new(Circuits::default()),
            places: Arc::new(Semaphore::new(Refusal::MAX_STREAMS)),
            local_allowed: *network != Network::Public,
        }))
    }

    /// The state of Tor, now and at each change.
    pub(crate) fn status(&self) -> watch::Receiver<GateStatus> {
        match &self.way {
            Way::Arti(tor) => tor.status(),
            #[cfg(feature = "private-network")]
            Way::Socks(socks) => socks.status(),
        }
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
    pub(crate) fn set(&self, settings: &Settings) {
        let Some(dormant) = settings.dormant else { return };
        match &self.way {
            Way::Arti(tor) => {
                tor.client().set_dormant(if dormant {
                    DormantMode::Soft
                } else {
                    DormantMode::Normal
                });
            }
            #[cfg(feature = "private-network")]
            Way::Socks(_) => {}
        }
    }

    /// Opens a stream to where `connect` says.
    pub(crate) async fn connect(&self, connect: &Connect) -> Result<Box<dyn Carried>, Refusal> {
        if connect.host.is_local() && !self.local_allowed {
            return Err(Refusal::PrivateAddressRefused);
        }
        match &self.way {
            Way::Arti(tor) => {
                tor.booted(READY_WAIT).await?;
                let limit = if connect.host.is_onion() {
                    ONION_WAIT
                } else {
                    EXIT_WAIT
                };
                let opened = timeout(limit, self.connect_by_arti(tor, connect)).await;
                opened.unwrap_or_else(|_| Err(tor.timed_out()))
            }
            #[cfg(feature = "private-network")]
            Way::Socks(socks) => {
                let opened = timeout(ONION_WAIT, socks.connect(connect)).await;
                opened.unwrap_or(Err(Refusal::TimedOut))
            }
        }
    }

    async fn connect_by_arti(&self, tor: &Tor, connect: &Connect) -> Result<Box<dyn Carried>, Refusal> {
        let mut preferences = StreamPrefs::new();
        preferences.set_isolation(self.token(connect));
        let target = (connect.host.to_string(), connect.port);
        match tor.client().connect_with_prefs(target, &preferences).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(tor.refusal(&error, connect.host.is_onion())),
        }
    }

    fn token(&self, connect: &Connect) -> IsolationToken {
        let mut circuits = self.circuits.lock().unwrap_or_else(PoisonError::into_inner);
        circuits.token(&connect.isolation, connect.purpose)
    }
}
