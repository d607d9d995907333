//! Bytes between a stream and the session, until one of them ends.
//! It must never read or write in clear once the session asked for TLS.

use std::time::Duration;

use model::Problem;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::reach::Stream;
use super::session::{Taken, Told, Wanted};
use super::{Coming, End, Link, Network, Order, Report};

/// Bytes read at once.
const READ: usize = 16 * 1024;

/// What a round of outputs asks for beyond bytes and events.
#[derive(Default)]
pub(super) struct Asked {
    close: bool,
    tls: bool,
    wake: Option<Duration>,
}

enum Happened {
    Order(Option<Order>),
    Flushed(std::io::Result<()>),
    Read(std::io::Result<usize>),
    Time,
    Wrote(std::io::Result<usize>),
}

impl Link {
    /// Runs the session on a stream.
    pub(super) async fn pump(&mut self, stream: Stream) -> End {
        let mut stream = stream;
        let mut out = Vec::new();
        // Written and not yet flushed. Apart from writing, because only a bare write can be given up
        // half-way without losing count of what went.
        let mut unflushed = false;
        let mut buffer = vec![0; READ];
        let mut wake = None;
        let mut end = None;
        self.hear(Told::Connected);
        loop {
            let asked = self.outputs(&mut out, &mut end).await;
            wake = asked.wake.or(wake);
            if asked.tls {
                match self.upgrade(stream, &mut out).await {
                    Ok(secured) => stream = secured,
                    Err(ended) => return self.closed(ended).await,
                }
                continue;
            }
            if asked.close {
                let _ = tokio::time::timeout(Duration::from_secs(5), finish(&mut stream, &out)).await;
                return self.closed(end.unwrap_or_else(lost)).await;
            }
            match self.next(&mut stream, &out, unflushed, &mut buffer, wake).await {
                Happened::Order(order) => {
                    if let Some(ended) = self.obey(order).await {
                        return self.closed(ended).await;
                    }
                }
                Happened::Flushed(Ok(())) => unflushed = false,
                Happened::Read(Ok(0) | Err(_))
                | Happened::Wrote(Ok(0) | Err(_))
                | Happened::Flushed(Err(_)) => {
                    return self.closed(end.unwrap_or_else(lost)).await;
                }
                Happened::Read(Ok(length)) => {
                    let bytes = buffer.get(..length).unwrap_or_default();
                    self.hear(Told::Bytes(bytes));
                    // An acknowledgement may have made room.
                    self.catch_up();
                }
                Happened::Time => {
                    wake = None;
                    self.hear(Told::Tick);
                }
                Happened::Wrote(Ok(length)) => {
                    out.drain(..length.min(out.len()));
                    unflushed = true;
                }
            }
        }
    }

    async fn next(
        &mut self,
        stream: &mut Stream,
        out: &[u8],
        unflushed: bool,
        buffer: &mut [u8],
        wake: Option<Duration>,
    ) -> Happened {
        let at = wake.map_or_else(
            || Instant::now() + Duration::from_secs(3600),
            |wake| self.origin + wake,
        );
        let (mut reading, mut writing) = tokio::io::split(stream);
        tokio::select! {
            read = reading.read(buffer) => Happened::Read(read),
            done = write_or_flush(&mut writing, out), if !out.is_empty() || unflushed => done,
            order = self.orders.recv() => Happened::Order(order),
            () = Self::moment_to_go(self.leaves_at) => Happened::Order(Some(Order::Disconnect)),
            () = tokio::time::sleep_until(at) => Happened::Time,
        }
    }

    /// Takes everything that the session wants done.
    pub(super) async fn outputs(&mut self, out: &mut Vec<u8>, end: &mut Option<End>) -> Asked {
        let mut asked = Asked::default();
        while let Some(wanted) = self.session.poll() {
            match wanted {
                Wanted::Send(bytes) => out.extend_from_slice(&bytes),
                Wanted::StartTls => asked.tls = true,
                Wanted::Wake(at) => asked.wake = Some(at),
                Wanted::Close => asked.close = true,
                Wanted::Offline {
                    why,
                    retry,
                    requested,
                    tls_at,
                } => {
                    self.tls_at = tls_at.or(self.tls_at);
                    *end = Some(if requested {
                        End::Disconnected
                    } else {
                        self.told_offline(why, retry)
                    });
                }
                Wanted::Online { resumed, report } => self.stands(resumed, report).await,
                Wanted::Registered => {
                    if let Network::Xmpp { register, .. } = &mut self.setup.network {
                        *register = false;
                    }
                    self.report(Report::Xmpp(xmpp::Event::Registered)).await;
                }
                Wanted::Report(report) => {
                    if let (Network::Xmpp { way, .. }, Report::Xmpp(xmpp::Event::Token(token))) =
                        (&mut self.setup.network, &report)
                    {
                        way.token.clone_from(token);
                    }
                    self.report(report).await;
                }
                Wanted::TlsOnly(time) => self.keep_to_tls(time).await,
            }
        }
        asked
    }

    /// The server's wish to be reached by TLS only counts from now on, and after this run of the program.
    async fn keep_to_tls(&mut self, time: Duration) {
        let Some(place) = &self.place else { return };
        let port = place.port;
        self.tls_at = (!time.is_zero()).then_some(port);
        let seconds = time.as_secs();
        self.report(Report::TlsOnly { port, seconds }).await;
    }

    /// The session stands.
    pub(super) async fn stands(&mut self, resumed: bool, report: Report) {
        self.failures = 0;
        self.proven = true;
        if let (Some(finder), Some(place)) = (&mut self.finder, &self.place) {
            // Where an onion service is known it is tried first, even if it was silent once: no exit stands before it.
            let first = self.setup.onion.as_ref().filter(|_| !place.host.is_onion());
            finder.worked(first.unwrap_or(place).clone());
        }
        match (&mut self.setup.network, &report) {
            (Network::Xmpp { mechanism_seen, .. }, Report::Xmpp(xmpp::Event::Online { mechanism, .. }))
                if mechanism.proves_password() =>
            {
                *mechanism_seen = Some(*mechanism);
            }
            (Network::Irc(way), Report::Online { mechanism, .. }) => way.used(mechanism.as_deref()),
            _ => {}
        }
        self.report(report).await;
        self.remember().await;
        self.remember_onion().await;
        self.after_online(resumed).await;
    }

    /// An onion service that was found for the server's name, and proved by its certificate to be the server: from now
    /// on it is the first place to go to.
    async fn remember_onion(&mut self) {
        let found = self.finder.is_some() && self.setup.server.is_none();
        let proven = found && self.server.is_some() && !self.leads_to_itself();
        let place = self.place.clone().filter(|place| proven && place.host.is_onion());
        if let Some(place) = place.filter(|place| self.setup.onion.as_ref() != Some(place)) {
            self.setup.onion = Some(place.clone());
            self.report(Report::Onion(place)).await;
        }
    }

    /// The server is the right one: from now on it is known by its key.
    async fn remember(&mut self) {
        if let Some(server) = self.server.filter(|server| self.setup.known != Some(*server)) {
            self.setup.known = Some(server);
            self.report(Report::Server(server)).await;
        }
    }

    /// What waited follows what the session still held; on a new session it is the engine's to decide.
    async fn after_online(&mut self, resumed: bool) {
        self.online = true;
        if resumed {
            self.catch_up();
        } else {
            self.give_back().await;
        }
    }

    /// Hands over what waits, in order, as far as the session takes it.
    pub(super) fn catch_up(&mut self) {
        while self.online
            && let Some((order, token)) = self.pending.pop_front()
        {
            let now = self.now();
            if let Taken::Later(order) = self.session.obey(order, now) {
                self.pending.push_front((order, token));
                return;
            }
        }
    }

    /// Gives back what waits, in order.
    async fn give_back(&mut self) {
        let tokens: Vec<u64> = self.pending.drain(..).map(|(_, token)| token).collect();
        if !tokens.is_empty() {
            self.report(Report::Lost(tokens)).await;
        }
    }

    pub(super) async fn obey(&mut self, order: Option<Order>) -> Option<End> {
        match order {
            None => return Some(End::Abandoned),
            Some(Order::Connect | Order::Apart(Coming::Comes)) => self.leaves_at = None,
            Some(Order::Apart(Coming::Goes)) => self.go_apart(),
            Some(Order::Disconnect) => {
                self.leaves_at = None;
                self.go_offline();
                self.give_back().await;
            }
            Some(Order::Change(change)) => {
                self.change = Some(change);
                self.go_offline();
                self.give_back().await;
            }
            Some(Order::NewCircuit) => return Some(End::Turned),
            // Behind what waits already, so that the order stays.
            Some(order) if !self.pending.is_empty() && order.token().is_some() => self.queue(order).await,
            Some(order) => {
                let now = self.now();
                if let Taken::Later(order) = self.session.obey(order, now) {
                    self.queue(order).await;
                }
            }
        }
        None
    }

    fn hear(&mut self, told: Told<'_>) {
        let now = self.now();
        self.session.hear(told, now);
    }

    fn go_offline(&mut self) {
        let now = self.now();
        self.session.go_offline(now);
    }

    async fn upgrade(&mut self, stream: Stream, out: &mut Vec<u8>) -> Result<Stream, End> {
        let mut stream = stream;
        finish(&mut stream, out).await.map_err(|_| lost())?;
        out.clear();
        let stream = self.secure(stream).await?;
        self.hear(Told::TlsEstablished);
        Ok(stream)
    }

    /// The stream is gone: tells the session, and passes on what that makes of it.
    async fn closed(&mut self, end: End) -> End {
        self.online = false;
        let leaving = self.leaves_at.take().is_some();
        self.hear(Told::Closed);
        let mut why = None;
        let mut unsent = Vec::new();
        self.outputs(&mut unsent, &mut why).await;
        match (end, why) {
            // What the session says of a lost stream is more exact than "lost".
            (End::Lost(_), Some(why @ End::Refused(_))) => why,
            // It was about to go.
            (End::Lost(_), _) if leaving => End::Disconnected,
            (end, _) => end,
        }
    }
}

fn lost() -> End {
    End::Lost(Problem::new(
        "account.connection_lost",
        "The connection to the server was lost. It is tried again.",
    ))
}

/// Both can be given up half-way: a write tells how much went, and a flush is begun again.
async fn write_or_flush(writing: &mut (impl tokio::io::AsyncWrite + Unpin), out: &[u8]) -> Happened {
    if out.is_empty() {
        Happened::Flushed(writing.flush().await)
    } else {
        Happened::Wrote(writing.write(out).await)
    }
}

async fn finish(
    stream: &mut (impl AsyncRead + tokio::io::AsyncWrite + Unpin),
    out: &[u8],
) -> std::io::Result<()> {
    stream.write_all(out).await?;
    stream.flush().await
}
