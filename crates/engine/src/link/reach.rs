//! From an address to a stream on which XMPP can begin: which hosts and ports, through Tor, and TLS.
//! It must never connect without TLS unless the owner chose plain and the host is an onion service.

use std::time::Duration;

use dial::tls::{self, Alpn, TlsError, TlsPolicy};
use dial::{DialError, Host, Purpose};
use model::{AccountState, LoginStep, Problem, Transport};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Candidate, Coming, End, Link, Order, new_session};

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
        for candidate in candidates {
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
        let policy = TlsPolicy::new(self.setup.pins.clone(), HANDSHAKE);
        let domain = self.setup.jid.domain().as_str().to_owned();
        let handshake = tls::handshake(stream, &domain, Some(Alpn::XmppClient), &policy);
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

    /// The owner's server, or the address' domain with direct TLS and then STARTTLS.
    fn candidates(&self) -> Result<Vec<Candidate>, Problem> {
        if let Some(server) = &self.setup.server {
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
            let port = server.port.unwrap_or(usual);
            return Ok(vec![Candidate {
                host,
                port,
                transport: server.transport,
            }]);
        }
        let host = parse_host(self.setup.jid.domain().as_str())?;
        let mut candidates = vec![
            Candidate {
                host: host.clone(),
                port: 5223,
                transport: Transport::DirectTls,
            },
            Candidate {
                host,
                port: 5222,
                transport: Transport::StartTls,
            },
        ];
        candidates.retain(|candidate| !self.proven || candidate.transport == self.transport);
        Ok(candidates)
    }

    /// Another kind of transport than last time needs a session that knows of it. The former one
    /// never logged in, so it holds nothing.
    fn adopt(&mut self, transport: Transport) {
        if transport != self.transport {
            self.transport = transport;
            self.session = new_session(&self.setup, transport, self.setup.register);
        }
    }
}

fn parse_host(text: &str) -> Result<Host, Problem> {
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
