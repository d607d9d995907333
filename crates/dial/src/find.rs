//! Where a domain's server is: what is known already, what its website and the DNS say, and what is usual.
//! It must never ask anything in clear or by another way than Tor, and never anybody about an onion service.
//! Standard: RFC 6120 3.2, RFC 2782, RFC 7858 (SRV over TLS), XEP-0156, XEP-0368, XEP-0487; docs/decisions/0011-names.md.

mod onions;
mod order;
mod resolver;
mod service;
mod web;

use std::fmt;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::tls::{self, TlsPolicy};
use crate::{Dialer, Host, Isolation, Purpose, Stream};
use order::{Ranked, ordered};
pub use resolver::Resolver;
use service::Services;

/// How long the website, and how long each resolver, may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Nothing is asked again sooner than this, and nothing is believed longer than this, in seconds.
const SHORTEST: u32 = 300;
const LONGEST: u32 = 86_400;
/// Most places that one lookup gives.
const MOST_PLACES: usize = 16;

/// How a place is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Security {
    /// TLS from the first byte (XEP-0368).
    DirectTls,
    /// TLS after a few lines of XMPP (RFC 6120 5).
    StartTls,
}

/// Where a server may be reached.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The host.
    pub host: Host,
    /// Its port.
    pub port: u16,
    /// How it is secured there.
    pub security: Security,
}

/// `host:port`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.address() {
            Some(std::net::IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
            _ => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place(..)")
    }
}

/// From what a place is known, in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The place that worked last.
    Worked,
    /// The domain is an onion service itself, or the list that comes with the program names one.
    Onion,
    /// The domain's website or its service records say so.
    Asked,
    /// The domain itself, on the usual ports.
    Usual,
}

impl Source {
    /// All, in order.
    pub const ALL: [Source; 4] = [Source::Worked, Source::Onion, Source::Asked, Source::Usual];
}

/// Finds the server of one account. What it learns it keeps in memory for this account alone.
pub struct Finder {
    dialer: Dialer,
    isolation: Isolation,
    domain: String,
    resolvers: Vec<Resolver>,
    random: fn() -> u32,
    worked: Option<Place>,
    learnt: Option<Learnt>,
    lookups: u64,
    policy: TlsPolicy,
}

/// What was learnt by asking.
struct Learnt {
    until: Instant,
    places: Vec<Place>,
    /// The domain says that it has no such service: then the usual ports are not tried either.
    none: bool,
    said: Vec<Said>,
}

/// What became of one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Who was asked: `https://…` or the name of a resolver.
    pub who: String,
    /// A short name: `found`, `nothing`, `no_service`, `failed`, or the code of a refusal.
    pub what: &'static str,
}

impl Finder {
    /// A finder for the accounts of `domain`, whose lookups share circuits with nothing but each other. `random` has to
    /// be a cryptographic source. No resolvers: none is asked.
    pub fn new(
        dialer: Dialer,
        isolation: Isolation,
        domain: &str,
        resolvers: Vec<Resolver>,
        random: fn() -> u32,
    ) -> Finder {
        Finder {
            dialer,
            isolation,
            domain: domain.to_ascii_lowercase(),
            resolvers,
            random,
            worked: None,
            learnt: None,
            lookups: 0,
            policy: TlsPolicy::new(Vec::new(), PATIENCE),
        }
    }

    /// This place led to the server: it is tried first from now on.
    pub fn worked(&mut self, place: Place) {
        self.worked = Some(place);
    }

    /// The places that `source` knows. Only [`Source::Asked`] asks somebody, at most once in five minutes, and takes at
    /// most about a minute.
    pub async fn places(&mut self, source: Source) -> Vec<Place> {
        match source {
            Source::Worked => self.worked.iter().cloned().collect(),
            Source::Onion => self.onions(),
            Source::Asked => self.asked().await,
            Source::Usual => self.usual(),
        }
    }

    /// How often somebody was asked; what is still believed is not asked again.
    pub fn lookups(&self) -> u64 {
        self.lookups
    }

    /// What was asked lately, and what came of it.
    pub fn said(&self) -> &[Said] {
        self.learnt.as_ref().map_or(&[], |learnt| &learnt.said)
    }

    fn onions(&self) -> Vec<Place> {
        let listed = onions::of(&self.domain);
        let own = Host::parse(&self.domain).ok().filter(Host::is_onion);
        let places = listed.into_iter().chain(own).flat_map(|host| {
            let ports = [(5222, Security::StartTls), (5223, Security::DirectTls)];
            ports.map(|(port, security)| Place {
                host: host.clone(),
                port,
                security,
            })
        });
        places.collect()
    }

    /// The domain where it is a name of DNS: no address, no onion service, no name of this machine.
    fn name(&self) -> Option<Host> {
        let host = Host::parse(&self.domain).ok()?;
        let plain = !host.is_onion() && host.address().is_none();
        plain.then_some(host)
    }

    fn usual(&self) -> Vec<Place> {
        if self.learnt.as_ref().is_some_and(|learnt| learnt.none) {
            return Vec::new();
        }
        let host = Host::parse(&self.domain).ok().filter(|host| !host.is_onion());
        let places = host.into_iter().flat_map(|host| {
            let ports = [(5223, Security::DirectTls), (5222, Security::StartTls)];
            ports.map(|(port, security)| Place {
                host: host.clone(),
                port,
                security,
            })
        });
        places.collect()
    }

    async fn asked(&mut self) -> Vec<Place> {
        let Some(host) = self.name() else {
            return Vec::new();
        };
        let now = Instant::now();
        if self.learnt.as_ref().is_none_or(|learnt| learnt.until <= now) {
            self.lookups = self.lookups.saturating_add(1);
            let (website, records) = tokio::join!(self.website(&host), self.records());
            self.learnt = Some(learn(website, records, self.random));
        }
        self.learnt
            .as_ref()
            .map(|learnt| learnt.places.clone())
            .unwrap_or_default()
    }

    async fn website(&self, host: &Host) -> (Said, Option<web::HostMeta>) {
        let asking = async {
            let stream = self.secured(host, 443, &self.domain).await?;
            Ok(web::host_meta(stream, &self.domain).await)
        };
        let found = timeout(PATIENCE, asking).await.unwrap_or(Err("timed_out"));
        let what = match &found {
            Ok(Some(_)) => "found",
            Ok(None) => "nothing",
            Err(code) => code,
        };
        let said = Said {
            who: format!("https://{}", self.domain),
            what,
        };
        (said, found.ok().flatten())
    }

    /// The service records, from the first resolver that answers; they are asked in an order of their own each time.
    async fn records(&self) -> (Vec<Said>, Option<[Services; 2]>) {
        let ranked = self.resolvers.iter().map(|place| Ranked {
            priority: 0,
            weight: 1,
            place,
        });
        let mut said = Vec::new();
        for resolver in ordered(ranked.collect(), self.random) {
            let asked = timeout(PATIENCE, self.ask(resolver)).await;
            let answer = asked.unwrap_or(Err("timed_out"));
            let what = match &answer {
                Ok(found) if found.iter().all(|it| it.services.is_empty()) => "nothing",
                Ok(found)
                    if found
                        .iter()
                        .flat_map(|it| &it.services)
                        .all(|it| it.target.is_none()) =>
                {
                    "no_service"
                }
                Ok(_) => "found",
                Err(code) => code,
            };
            let who = resolver.name.clone();
            said.push(Said { who, what });
            if let Ok(found) = answer {
                return (said, Some(found));
            }
        }
        (said, None)
    }

    async fn ask(&self, resolver: &Resolver) -> Result<[Services; 2], &'static str> {
        let stream = self
            .secured(&resolver.host, resolver.port, &resolver.name)
            .await?;
        let names = ["_xmpps-client", "_xmpp-client"];
        let names = names.map(|service| format!("{service}._tcp.{}", self.domain));
        let answers = resolver::ask(stream, &names, self.random).await;
        answers.map_err(|_| "failed")?.try_into().map_err(|_| "failed")
    }

    async fn secured(
        &self,
        host: &Host,
        port: u16,
        name: &str,
    ) -> Result<tls::TlsStream<Stream>, &'static str> {
        let connecting = self
            .dialer
            .connect(&self.isolation, Purpose::Discovery, host, port);
        let stream = connecting.await.map_err(|error| error.code())?;
        let secured = tls::handshake(stream, name, None, &self.policy).await;
        secured.map_err(|error| error.code())
    }
}

/// What website and DNS said together: the website's places first, because nobody could change them on the way.
fn learn(
    website: (Said, Option<web::HostMeta>),
    records: (Vec<Said>, Option<[Services; 2]>),
    random: fn() -> u32,
) -> Learnt {
    let (site, meta) = website;
    let (mut said, services) = records;
    said.insert(0, site);
    let none = said.iter().any(|said| said.what == "no_service") && meta.is_none();
    let mut seconds = u32::MAX;
    let mut places = Vec::new();
    if let Some(meta) = meta {
        seconds = seconds.min(meta.seconds);
        places.extend(ordered(meta.places, random));
    }
    let mut ranked = Vec::new();
    let kinds = [Security::DirectTls, Security::StartTls];
    for (found, security) in services.into_iter().flatten().zip(kinds) {
        if !found.services.is_empty() {
            seconds = seconds.min(found.seconds);
        }
        ranked.extend(found.services.into_iter().filter_map(|it| {
            let host = Host::parse(it.target.as_deref()?).ok()?;
            let usable = it.port != 0 && host.address().is_none();
            usable.then_some(Ranked {
                priority: it.priority,
                weight: it.weight,
                place: Place {
                    host,
                    port: it.port,
                    security,
                },
            })
        }));
    }
    places.extend(ordered(ranked, random));
    // No exit stands before an onion service that the server names.
    places.sort_by_key(|place| !place.host.is_onion());
    places.truncate(MOST_PLACES);
    // Where nothing was learnt the question is soon asked again.
    let seconds = if places.is_empty() { SHORTEST } else { seconds };
    let seconds = seconds.clamp(SHORTEST, LONGEST);
    Learnt {
        until: Instant::now() + Duration::from_secs(u64::from(seconds)),
        places,
        none,
        said,
    }
}

#[cfg(test)]
#[path = "find/find_tests.rs"]
pub(crate) mod tests;
