//! The streams that live, and over which relays they go.
//! It must never keep a circuit alive, nor remember where a stream leads.
//! Standard: hardening facts E8 ("path view per account").

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use door::{Connect, Hop, Isolation, Path, PathEnd, Purpose};
use tor_proto::client::stream::{ClientDataStreamCtrl, ClientStreamCtrl};

use crate::circuits::Family;
use crate::tor::Tor;

/// All streams of one gate that are being opened or stand.
#[derive(Default)]
pub(crate) struct Live {
    streams: Mutex<Streams>,
}

#[derive(Default)]
struct Streams {
    last: u64,
    all: BTreeMap<u64, Stream>,
}

struct Stream {
    isolation: Isolation,
    purpose: Purpose,
    end: PathEnd,
    family: u64,
    since: Instant,
    stands: bool,
    control: Option<Arc<ClientDataStreamCtrl>>,
}

/// A stream's place among them; left when it is dropped.
pub(crate) struct Place {
    live: Arc<Live>,
    number: u64,
}

/// A circuit of a Tor that runs elsewhere.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FamilyPath {
    /// [`Family::number`].
    pub(crate) number: u64,
    pub(crate) end: PathEnd,
    pub(crate) hops: Vec<Hop>,
    pub(crate) streams: u32,
}

impl Live {
    /// Enters a stream that is about to be opened.
    pub(crate) fn enter(self: &Arc<Live>, connect: &Connect, family: Family) -> Place {
        let mut streams = self.lock();
        streams.last += 1;
        let number = streams.last;
        let onion = connect.host.is_onion();
        let stream = Stream {
            isolation: connect.isolation.clone(),
            purpose: connect.purpose,
            end: if onion { PathEnd::Onion } else { PathEnd::Exit },
            family: family.number,
            since: Instant::now(),
            stands: false,
            control: None,
        };
        streams.all.insert(number, stream);
        Place {
            live: Arc::clone(self),
            number,
        }
    }

    /// The circuits that carry the streams of Arti.
    pub(crate) fn paths(&self, tor: &Tor) -> Vec<Path> {
        let mut paths: HashMap<(Isolation, Purpose, String), Path> = HashMap::new();
        for stream in self.lock().all.values().filter(|stream| stream.stands) {
            let Some(tunnel) = stream.control.as_ref().and_then(|control| control.tunnel()) else {
                continue;
            };
            let key = (
                stream.isolation.clone(),
                stream.purpose,
                tunnel.unique_id().to_string(),
            );
            let seconds = stream.since.elapsed().as_secs();
            let path = paths.entry(key).or_insert_with(|| Path {
                isolation: stream.isolation.clone(),
                purpose: stream.purpose,
                end: stream.end,
                hops: tor.hops(&tunnel),
                seconds,
                streams: 0,
            });
            path.streams += 1;
            path.seconds = path.seconds.max(seconds);
        }
        paths.into_values().collect()
    }

    /// The circuits that a Tor elsewhere tells of, with what is known here of their streams.
    pub(crate) fn paths_of_families(&self, told: Vec<FamilyPath>) -> Vec<Path> {
        let streams = self.lock();
        let path = |told: FamilyPath| {
            let mut family = streams
                .all
                .values()
                .filter(|stream| stream.stands && stream.family == told.number);
            let first = family.next()?;
            Some(Path {
                isolation: first.isolation.clone(),
                purpose: first.purpose,
                end: told.end,
                hops: told.hops,
                // In the order of their numbers: the first is the oldest.
                seconds: first.since.elapsed().as_secs(),
                streams: told.streams,
            })
        };
        told.into_iter().filter_map(path).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The stream is Arti's, and tells where it goes.
    pub(crate) fn follow(&mut self, control: Option<Arc<ClientDataStreamCtrl>>) {
        if let Some(stream) = self.live.lock().all.get_mut(&self.number) {
            stream.control = control;
        }
    }

    /// The stream stands.
    pub(crate) fn stand(&mut self) {
        if let Some(stream) = self.live.lock().all.get_mut(&self.number) {
            stream.stands = true;
            stream.since = Instant::now();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.live.lock().all.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::Circuits;
    use door::Host;

    #[test]
    fn a_circuit_is_shown_for_the_account_whose_streams_it_carries_while_they_stand() {
        let live = Arc::new(Live::default());
        let mut circuits = Circuits::default();
        let connect = |account: u8| Connect {
            isolation: Isolation::from_bytes([account; 16]),
            purpose: Purpose::Xmpp,
            host: Host::parse("xmpp.example.org").unwrap(),
            port: 5222,
        };
        let (alice, bob) = (connect(1), connect(2));
        let families = [&alice, &bob].map(|connect| circuits.family(&connect.isolation, connect.purpose));
        let mut place = live.enter(&alice, families[0]);
        let _opening = live.enter(&bob, families[1]);
        place.stand();
        let told = || {
            families.map(|family| FamilyPath {
                number: family.number,
                end: PathEnd::Exit,
                hops: Vec::new(),
                streams: 1,
            })
        };
        let shown = live.paths_of_families(told().into());
        assert_eq!(shown.len(), 1);
        assert_eq!(shown[0].isolation, alice.isolation);
        drop(place);
        assert!(live.paths_of_families(told().into()).is_empty());
    }
}
