//! Whether the server is the one that it was: its key, its authority, that it had TLS at all.
//! It must never let a login begin where the answer is no, nor change what is remembered before both sides have proven
//! themselves. RFC 7469 2.6; RFC 7590 3.1; docs/decisions/0011-names.md.

use std::time::Duration;

use dial::tls::{KnownServer, TlsError, TlsPolicy, TlsStream};
use dial::witness::{self, Verdict};
use dial::{Host, Isolation};
use model::Problem;
use rand_core::Rng;
use xmpp::OfflineReason;

use super::session::Told;
use super::{End, Link, Network, Report};
use crate::random::SystemRandom;

impl Link {
    /// Whom to believe on this account's streams.
    pub(super) fn policy(&self, patience: Duration) -> TlsPolicy {
        let mut policy = TlsPolicy::new(self.setup.pins.clone(), patience);
        policy.known = self.setup.known;
        policy.onion_service = self.leads_to_itself();
        policy
    }

    /// Whether the present stream ends at the onion service that is the account's own domain.
    pub(super) fn leads_to_itself(&self) -> bool {
        let own = Host::parse(&self.name).ok();
        let own = own.filter(Host::is_onion);
        own.is_some() && self.place.as_ref().map(|place| &place.host) == own.as_ref()
    }

    /// Takes down who the server is. When it is seen for the first time, two more circuits have to see the same key:
    /// one exit could show anybody a certificate of its own.
    pub(super) async fn recognise(&mut self, server: KnownServer, policy: &TlsPolicy) -> Result<(), End> {
        self.server = Some(server);
        // Each server of an IRC network has a key of its own: there is nothing to compare.
        let alone = matches!(self.setup.network, Network::Xmpp { .. });
        let first = alone && self.setup.known.is_none() && self.setup.pins.is_empty();
        let place = self.place.clone().filter(|place| first && !place.host.is_onion());
        let Some(place) = place else { return Ok(()) };
        self.report(Report::Witnessed).await;
        let (dialer, domain) = (self.setup.dialer.clone(), self.name.clone());
        let comparing = witness::compare(&dialer, &place, &domain, server.key, policy, fresh);
        match self.meanwhile(comparing).await? {
            Verdict::Same => Ok(()),
            Verdict::Differs(other) => {
                let text = "The server shows different keys to different circuits: somebody on the way may be \
                            listening. Nothing was sent to it.";
                let about = vec![server.key.to_string(), other.to_string()];
                Err(End::Refused(Problem::new("tls.keys_differ", text).with(about)))
            }
            Verdict::Unseen => {
                let text = "The server's key could not be compared over other circuits. It is tried again.";
                Err(End::Lost(Problem::new("tls.not_compared", text)))
            }
        }
    }

    /// What ties the login to the present stream.
    pub(super) fn tell_bindings<S>(&mut self, stream: &TlsStream<S>) {
        let bindings = xmpp::Bindings {
            exporter: stream.channel_binding().map(|bytes| bytes.to_vec()),
            end_point: stream.server_end_point().map(<[u8]>::to_vec),
        };
        let now = self.now();
        self.session.hear(Told::Bindings(bindings), now);
    }

    /// The end of a stream in the words of what is remembered: a server that had TLS does not lose it by itself.
    pub(super) fn told_offline(&self, why: Problem, retry: bool) -> End {
        if why.code == OfflineReason::NoTls.code() && self.setup.known.is_some() {
            let text = "This server always encrypted, and now it does not offer to: somebody on the way may be taking \
                        the offer out. Nothing was sent to it. Try another circuit.";
            return End::Refused(Problem::new("tls.stripped", text));
        }
        if retry { End::Lost(why) } else { End::Refused(why) }
    }
}

fn fresh() -> Isolation {
    let mut name = [0; 16];
    SystemRandom.fill_bytes(&mut name);
    Isolation::from_bytes(name)
}

/// The end of a handshake that did not succeed; where it is about keys, with the old ones and the new one, which stands
/// last.
pub(super) fn refused(error: &TlsError) -> End {
    let problem = Problem::new(error.code(), error.to_string());
    match error {
        TlsError::KeyChanged { expected, seen, .. } => {
            let keys = expected.iter().chain([seen]);
            End::Refused(problem.with(keys.map(ToString::to_string).collect()))
        }
        TlsError::Untrusted { spki_sha256, .. } => End::Refused(problem.with(vec![spki_sha256.to_string()])),
        TlsError::BadCertificate | TlsError::BadDomain | TlsError::TooOld => End::Refused(problem),
        TlsError::Broken | TlsError::Closed | TlsError::NotTls | TlsError::Refused | TlsError::TimedOut => {
            End::Lost(problem)
        }
    }
}
