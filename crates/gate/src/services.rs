//! The door's side of services: tells the engine of visits, and hands over those that it takes.
//! It must never open a stream towards the engine, nor keep a visit that nobody takes.
//! Standard: design.md section 1 ("host an onion service"); [`door::Served`].

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use door::{Answer, Refusal, Serve, Served};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep_until};
use tor_cell::relaycell::msg::{End, EndReason};
use tor_hsservice::StreamRequest;

use crate::carry;
use crate::outward::Outward;
use crate::request::{Inward, finish, say};

/// How long a visit waits to be taken.
const PATIENCE: Duration = Duration::from_secs(Serve::VISIT_SECONDS);

/// The visits that wait to be taken, of all services.
#[derive(Default)]
pub(crate) struct Visits {
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    last: u64,
    all: BTreeMap<u64, StreamRequest>,
}

impl Visits {
    fn enter(&self, request: StreamRequest) -> u64 {
        let mut waiting = self.lock();
        waiting.last += 1;
        let number = waiting.last;
        waiting.all.insert(number, request);
        number
    }

    fn take(&self, number: u64) -> Option<StreamRequest> {
        self.lock().all.remove(&number)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The visits to one service that were told and may not be taken yet, the oldest first; forgotten when it is dropped.
struct Told {
    visits: Arc<Visits>,
    all: Vec<(u64, Instant)>,
}

impl Told {
    /// Whether one more may wait.
    fn has_room(&mut self) -> bool {
        let waiting = self.visits.lock();
        self.all.retain(|(number, _)| waiting.all.contains_key(number));
        self.all.len() < Serve::MAX_WAITING
    }

    fn enter(&mut self, request: StreamRequest) -> u64 {
        let number = self.visits.enter(request);
        self.all.push((number, Instant::now() + PATIENCE));
        number
    }

    /// When the oldest one has waited long enough.
    async fn overdue(&self) {
        match self.all.first() {
            Some((_, until)) => sleep_until(*until).await,
            None => std::future::pending().await,
        }
    }

    fn forget_oldest(&mut self) {
        if !self.all.is_empty() {
            let (number, _) = self.all.remove(0);
            drop(self.visits.take(number));
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        for (number, _) in &self.all {
            drop(self.visits.take(*number));
        }
    }
}

/// Sends a visitor away as every other service does; who is gone does not hear it.
pub(crate) async fn refuse(request: StreamRequest) {
    let _ = request.reject(End::new_with_reason(EndReason::DONE)).await;
}

/// Hosts a service until the engine ends the stream, or Tor ends.
pub(crate) async fn serve(mut stream: Inward, serve: &Serve, outward: &Outward) -> io::Result<()> {
    let hosted = tokio::select! {
        hosted = outward.serve(serve) => hosted,
        _ = stream.read_u8() => return Ok(()),
    };
    let (mut service, _place) = match hosted {
        Ok(hosted) => hosted,
        Err(refusal) => return finish(stream, Answer::Refused(refusal)).await,
    };
    say(&mut stream, &Answer::Done).await?;
    tell(&mut stream, &Served::Address(service.address.clone())).await?;
    let mut told = Told {
        visits: Arc::clone(&outward.visits),
        all: Vec::new(),
    };
    loop {
        tokio::select! {
            visit = service.visits.recv() => match visit {
                Some(request) if told.has_room() => {
                    let number = told.enter(request);
                    tell(&mut stream, &Served::Visit(number)).await?;
                }
                Some(request) => refuse(request).await,
                None => return stream.shutdown().await,
            },
            () = told.overdue() => told.forget_oldest(),
            // The engine says nothing more: whatever comes means that the service has to go.
            _ = stream.read_u8() => return Ok(()),
        }
    }
}

async fn tell(stream: &mut Inward, line: &Served) -> io::Result<()> {
    let line = line
        .encode()
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    stream.write_all(&line).await?;
    stream.flush().await
}

/// Hands a visit over that the engine takes.
pub(crate) async fn accept(mut stream: Inward, visit: u64, outward: &Outward) -> io::Result<()> {
    let place = match outward.place() {
        Ok(place) => place,
        Err(refusal) => return finish(stream, Answer::Refused(refusal)).await,
    };
    let accepted = match outward.visits.take(visit) {
        Some(request) => outward.accept(request).await,
        None => Err(Refusal::TimedOut),
    };
    match accepted {
        Ok(far) => {
            say(&mut stream, &Answer::Done).await?;
            carry::both_ways(stream, far).await;
        }
        Err(refusal) => finish(stream, Answer::Refused(refusal)).await?,
    }
    drop(place);
    Ok(())
}
