//! Which hosts and ports a link tries, and what is told when none of them answers.
//! It must never ask anybody where the owner chose the server, nor fall back from what the owner chose.
//! RFC 6120 3.2; XEP-0368; docs/decisions/0011-names.md.

use dial::Host;
use dial::find::{Finder, Place, Security};
use model::{Problem, Transport};
use rand_core::Rng;

use super::{Candidate, Network, Setup};
use crate::random::SystemRandom;

/// Most attempts that are told of.
const MOST_TOLD: usize = 12;

/// The finder of an account, on a network where servers are found by their domain.
pub(super) fn finder(setup: &Setup) -> Option<Finder> {
    let Network::Xmpp { jid, .. } = &setup.network else {
        return None;
    };
    let mut finder = Finder::new(
        setup.dialer.clone(),
        setup.isolation.clone(),
        jid.domain().as_str(),
        setup.resolvers.clone(),
        || SystemRandom.next_u32(),
    );
    if let Some(onion) = &setup.onion {
        finder.worked(onion.clone());
    }
    Some(finder)
}

/// A place as the profile holds it.
pub(crate) fn write_place(place: &Place) -> String {
    let security = match place.security {
        Security::DirectTls => "tls",
        Security::StartTls => "starttls",
    };
    format!("{security} {} {}", place.host, place.port)
}

/// A place that the profile holds; none where it cannot be read.
pub(crate) fn read_place(text: &str) -> Option<Place> {
    let mut words = text.split(' ');
    let security = match words.next()? {
        "tls" => Security::DirectTls,
        "starttls" => Security::StartTls,
        _ => return None,
    };
    let host = Host::parse(words.next()?).ok()?;
    let port = words.next()?.parse().ok().filter(|port| *port != 0)?;
    words.next().is_none().then_some(Place { host, port, security })
}

/// The one place that the owner chose.
///
/// # Errors
/// Where it is none, or plain and no onion service.
pub(super) fn chosen(server: &model::Server) -> Result<Candidate, Problem> {
    let host = parse_host(&server.host)?;
    if server.transport == Transport::PlainOverOnion && !host.is_onion() {
        let text = "A connection without TLS is possible only to an onion address.";
        return Err(Problem::new("account.plain_needs_onion", text));
    }
    let usual = match server.transport {
        Transport::DirectTls => 5223,
        Transport::PlainOverOnion | Transport::StartTls => 5222,
    };
    Ok(Candidate {
        host,
        port: server.port.unwrap_or(usual),
        transport: server.transport,
    })
}

/// Whether a server can be looked for at all.
///
/// # Errors
/// Where the domain is no host.
pub(super) fn check_domain(domain: &str) -> Result<(), Problem> {
    parse_host(domain).map(drop)
}

pub(super) fn parse_host(text: &str) -> Result<Host, Problem> {
    Host::parse(text).map_err(|error| Problem::new("account.bad_server", error.to_string()))
}

impl From<Place> for Candidate {
    fn from(place: Place) -> Self {
        Self {
            host: place.host,
            port: place.port,
            transport: match place.security {
                Security::DirectTls => Transport::DirectTls,
                Security::StartTls => Transport::StartTls,
            },
        }
    }
}

/// The same place as the finder knows it; `None` for one without TLS.
pub(super) fn place(candidate: &Candidate) -> Option<Place> {
    let security = match candidate.transport {
        Transport::DirectTls => Security::DirectTls,
        Transport::StartTls => Security::StartTls,
        Transport::PlainOverOnion => return None,
    };
    Some(Place {
        host: candidate.host.clone(),
        port: candidate.port,
        security,
    })
}

/// What was tried in one search, in order.
#[derive(Default)]
pub(super) struct Tried {
    told: Vec<String>,
    last: Option<Problem>,
}

impl Tried {
    /// A place that did not lead to the server.
    pub(super) fn place(&mut self, candidate: &Candidate, problem: Problem) {
        self.told
            .push(format!("{}:{} {}", candidate.host, candidate.port, problem.code));
        self.last = Some(problem);
    }

    /// Who was asked for places.
    pub(super) fn asked(&mut self, finder: &Finder) {
        let said = finder.said().iter();
        self.told
            .extend(said.map(|said| format!("{} {}", said.who, said.what)));
    }

    /// The end of a search that found nothing: of one place its own problem, of several the list.
    pub(super) fn problem(self) -> Problem {
        let Self { mut told, last } = self;
        let text = "No server could be found for this address.";
        match last {
            Some(last) if told.len() == 1 => last,
            _ => {
                told.truncate(MOST_TOLD);
                let list = told.join("; ");
                let text = if list.is_empty() {
                    text.to_owned()
                } else {
                    format!("{text} Tried: {list}.")
                };
                Problem::new("account.no_server", text).with(told)
            }
        }
    }
}
