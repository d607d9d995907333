//! From an address to a stream on which a session can begin: which hosts and ports, through Tor, and TLS.
//! It must never connect without TLS unless the owner chose plain and the host is an onion service.

use std::time::Duration;

use dial::tls::{self, Alpn, TlsError, TlsPolicy};
use dial::{DialError, Host, Purpose};
use model::{AccountState, LoginStep, Problem, Server, Transport};
use tokio::io::{AsyncRead, AsyncWrite};

use super::irc::Place;
use super::{Candidate, Coming, End, Link, Network, Order, Session};

/// Limit for one TLS handshake over Tor.
const HANDSHAKE: Duration = Duration::from_secs(60);

/// A stream to a server, secured or not.
pub(super) type Stream = Box<dyn Io>;

/// What a stream has to do.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

impl Link {
    /// Opens a stream to the first candidate that answers.
    pub(super) async fn reach(&mut self) -> Result<Stream, End> {
        let candidates = self.candidates().map_err(End::Refused)?;
        let mut last = Problem::new("account.no_server", "No server could be found for this address.");
        for Place { candidate, name } in candidates {
            self.name = name;
            self.state(AccountState::Connecting {
                step: LoginStep::Reach,
            })
            .await;
            match self.reach_one(&candidate).await {
                Ok(stream) => {
                    self.adopt(candidate.transport);
                    return Ok(stream);
                }
                Err(End::Lost(problem)) => last = problem,
                Err(end) => return Err(end),
            }
        }
        Err(End::Lost(last))
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
        let mut policy = TlsPolicy::new(self.setup.pins.clone(), HANDSHAKE);
        let alpn = match &self.setup.network {
            Network::Irc(way) => {
                policy.identity = way.identity();
                None
            }
            Network::Xmpp { .. } => Some(Alpn::XmppClient),
        };
        let name = self.name.clone();
        let handshake = tls::handshake(stream, &name, alpn, &policy);
        match self.meanwhile(handshake).await? {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => {
                let problem = Problem::new(error.code(), error.to_string());
                Err(if is_about_trust(&error) {
                    End::Refused(problem)
                } else {
                    End::Lost(problem)
                })
            }
        }
    }

    async fn reach_one(&mut self, candidate: &Candidate) -> Result<Stream, End> {
        let (dialer, isolation) = (self.setup.dialer.clone(), self.setup.isolation.clone());
        let connect = dialer.connect(&isolation, Purpose::Xmpp, &candidate.host, candidate.port);
        let stream = match self.meanwhile(connect).await? {
            Ok(stream) => Box::new(stream),
            Err(error) => return Err(End::Lost(told(&error))),
        };
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

    /// Where to try, in this order.
    fn candidates(&self) -> Result<Vec<Place>, Problem> {
        let server = self.setup.server.as_ref();
        let jid = match &self.setup.network {
            Network::Irc(way) => return way.places(server, self.tls_at),
            Network::Xmpp { jid, .. } => jid,
        };
        let name = jid.domain().as_str();
        let mut candidates = match server {
            Some(server) => vec![chosen(server)?],
            None => found(parse_host(name)?),
        };
        candidates
            .retain(|candidate| server.is_some() || !self.proven || candidate.transport == self.transport);
        let named = candidates.into_iter().map(|candidate| Place {
            candidate,
            name: name.to_owned(),
        });
        Ok(named.collect())
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

/// The server of the owner's choice.
fn chosen(server: &Server) -> Result<Candidate, Problem> {
    let host = parse_host(&server.host)?;
    if server.transport == Transport::PlainOverOnion && !host.is_onion() {
        let text = "A connection without TLS is possible only to an onion address.";
        return Err(Problem::new("account.plain_needs_onion", text));
    }
    let usual = if server.transport == Transport::DirectTls {
        5223
    } else {
        5222
    };
    Ok(Candidate {
        host,
        port: server.port.unwrap_or(usual),
        transport: server.transport,
    })
}

/// The address' domain, with direct TLS and then STARTTLS.
fn found(host: Host) -> Vec<Candidate> {
    let with = |host, port, transport| Candidate {
        host,
        port,
        transport,
    };
    vec![
        with(host.clone(), 5223, Transport::DirectTls),
        with(host, 5222, Transport::StartTls),
    ]
}

pub(super) fn parse_host(text: &str) -> Result<Host, Problem> {
    Host::parse(text).map_err(|error| Problem::new("account.bad_server", error.to_string()))
}

/// Whether trying again is of no use, or not safe, before the owner has decided something.
fn is_about_trust(error: &TlsError) -> bool {
    match error {
        TlsError::BadCertificate
        | TlsError::BadDomain
        | TlsError::KeyChanged { .. }
        | TlsError::TooOld
        | TlsError::Untrusted { .. } => true,
        TlsError::Broken | TlsError::Closed | TlsError::NotTls | TlsError::Refused | TlsError::TimedOut => {
            false
        }
    }
}

fn told(error: &DialError) -> Problem {
    Problem::new(error.code(), error.to_string())
}
