//! From an address to a stream on which a session can begin: which hosts and ports, through Tor, and TLS.
//! It must never connect without TLS unless the owner chose plain and the host is an onion service.

use std::time::Duration;

use dial::find::{Place, Source};
use dial::tls::{self, Alpn};
use dial::{DialError, Purpose};
use model::{AccountState, LoginStep, Problem, Transport};
use tokio::io::{AsyncRead, AsyncWrite};

use super::places::{self, Tried};
use super::{Candidate, Coming, End, Link, Network, Order, Report, Session, Target, trust};

/// Limit for one TLS handshake over Tor.
const HANDSHAKE: Duration = Duration::from_secs(60);

/// A stream to a server, secured or not.
pub(super) type Stream = Box<dyn Io>;

/// What a stream has to do.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

impl Link {
    /// Opens a stream to the first place that answers: the one that the owner chose, or one that is found.
    pub(super) async fn reach(&mut self) -> Result<Stream, End> {
        let mut tried = Tried::default();
        if let Some(targets) = self.targets().map_err(End::Refused)? {
            for Target { candidate, name } in targets {
                self.name = name;
                if let Some(stream) = self.attempt(&candidate, &mut tried).await? {
                    return Ok(stream);
                }
            }
            return Err(End::Lost(tried.problem()));
        }
        places::check_domain(&self.name).map_err(End::Refused)?;
        let mut seen: Vec<Place> = Vec::new();
        for source in Source::ALL {
            for place in self.places(source, &mut tried).await? {
                let known = self.proven && Candidate::from(place.clone()).transport != self.transport;
                if known || seen.contains(&place) {
                    continue;
                }
                seen.push(place.clone());
                if let Some(stream) = self.attempt(&place.into(), &mut tried).await? {
                    return Ok(stream);
                }
            }
        }
        Err(End::Lost(tried.problem()))
    }

    /// Where nothing has to be found: the server that the owner chose, and those of an IRC network.
    fn targets(&self) -> Result<Option<Vec<Target>>, Problem> {
        let server = self.setup.server.as_ref();
        if let Network::Irc(way) = &self.setup.network {
            return way.targets(server, self.tls_at).map(Some);
        }
        let Some(server) = server else { return Ok(None) };
        Ok(Some(vec![Target {
            candidate: places::chosen(server)?,
            name: self.name.clone(),
        }]))
    }

    async fn places(&mut self, source: Source, tried: &mut Tried) -> Result<Vec<Place>, End> {
        self.state(AccountState::Connecting {
            step: LoginStep::Reach,
        })
        .await;
        // Out of the link while it asks, so that orders are heard meanwhile.
        let Some(mut finder) = self.finder.take() else {
            return Ok(Vec::new());
        };
        let before = finder.lookups();
        let found = self.meanwhile(finder.places(source)).await;
        if source == Source::Asked {
            tried.asked(&finder);
        }
        if finder.lookups() != before {
            let asked = finder.said().iter().map(|said| (said.who.clone(), said.what));
            self.report(Report::Looked(asked.collect())).await;
        }
        self.finder = Some(finder);
        found
    }

    /// One place. `None`: it did not answer, and the next one may.
    async fn attempt(&mut self, candidate: &Candidate, tried: &mut Tried) -> Result<Option<Stream>, End> {
        self.state(AccountState::Connecting {
            step: LoginStep::Reach,
        })
        .await;
        match self.reach_one(candidate).await {
            Ok(stream) => Ok(Some(stream)),
            Err(End::Lost(problem)) => {
                tried.place(candidate, problem);
                Ok(None)
            }
            Err(end) => Err(end),
        }
    }

    /// Runs TLS on a stream for the account's domain.
    ///
    /// # Errors
    /// [`End::Refused`] where the certificate is not the one to trust.
    pub(super) async fn secure(&mut self, stream: Stream) -> Result<Stream, End> {
        self.state(AccountState::Connecting {
            step: LoginStep::Secure,
        })
        .await;
        let mut policy = self.policy(HANDSHAKE);
        let alpn = match &self.setup.network {
            Network::Irc(way) => {
                policy.identity = way.identity();
                None
            }
            Network::Xmpp { way, .. } => {
                policy.identity = way.identity();
                Some(Alpn::XmppClient)
            }
        };
        let name = self.name.clone();
        let handshake = tls::handshake(stream, &name, alpn, &policy);
        let stream = match self.meanwhile(handshake).await? {
            Ok(stream) => stream,
            Err(error) => return Err(trust::refused(&error)),
        };
        self.recognise(stream.server(), &policy).await?;
        self.tell_bindings(&stream);
        Ok(Box::new(stream))
    }

    async fn reach_one(&mut self, candidate: &Candidate) -> Result<Stream, End> {
        self.place = places::place(candidate);
        self.server = None;
        // The session that gets the stream has to be there before it is told of its TLS.
        self.adopt(candidate.transport);
        let (dialer, isolation) = (self.setup.dialer.clone(), self.setup.isolation.clone());
        let connect = dialer.connect(&isolation, Purpose::Xmpp, &candidate.host, candidate.port);
        let stream = match self.meanwhile(connect).await? {
            Ok(stream) => Box::new(stream),
            Err(error) => return Err(End::Lost(told(&error))),
        };
        if !candidate.host.is_onion() {
            self.report(Report::BehindExit).await;
        }
        match candidate.transport {
            Transport::DirectTls => self.secure(stream).await,
            Transport::PlainOverOnion | Transport::StartTls => Ok(stream),
        }
    }

    /// Waits for something, unless the owner wants to be offline. Messages wait with it.
    pub(super) async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Result<T, End> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                order = self.orders.recv() => match order {
                    Some(Order::Change(change)) => return Err(self.turn_to(change)),
                    Some(Order::Connect) => {}
                    Some(Order::Disconnect | Order::Apart(Coming::Goes)) => return Err(End::Disconnected),
                    Some(Order::NewCircuit) => return Err(End::Turned),
                    Some(order) => self.queue(order).await,
                    None => return Err(End::Abandoned),
                },
            }
        }
    }

    /// Another kind of transport than last time needs a session that knows of it. The former one
    /// never logged in, so it holds nothing.
    fn adopt(&mut self, transport: Transport) {
        if transport != self.transport {
            self.transport = transport;
            self.session = Session::new(&self.setup, transport);
        }
    }
}

fn told(error: &DialError) -> Problem {
    Problem::new(error.code(), error.to_string())
}
