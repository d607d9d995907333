//! The one object by which the engine asks for streams; it outlives the gates that come and go.
//! It must never fall back to anything else when there is no gate: a request then waits, and fails.
//! Standard: design.md section 1 ("restarts a gate that died and hands the engine the new channel").

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use door::{
    Answer, Attempt, Connect, GateStatus, Header, Host, Isolation, LineError, Path, Purpose, Refusal, Serve,
    Settings, SettingsProblem, TorSettings, Transports,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::link::{self, Link};
use crate::{DialError, Service, Stream};

/// How long a request waits for a gate when there is none.
const GATE_WAIT: Duration = Duration::from_secs(15);
/// How long a request waits for the gate's answer. The gate's own limits (60 seconds for Tor to be ready and 120 for an
/// onion service) end it earlier; this one is for a gate that hangs.
const ANSWER_WAIT: Duration = Duration::from_secs(200);
/// The most that a gate may say in one answer, in bytes: 256 streams on circuits of their own.
const MAX_TOLD: u64 = 1024 * 1024;

/// What is known of Tor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TorStatus {
    /// As the gate says; before it has said anything, [`GateStatus::starting`].
    Gate(GateStatus),
    /// The gate ended; its successor has not reported yet.
    Restarting,
}

impl TorStatus {
    /// Is traffic possible?
    pub fn is_ready(&self) -> bool {
        matches!(self, TorStatus::Gate(status) if status.is_ready())
    }
}

/// Asks the gate for streams. Clones share everything; when the last one goes, so does the channel.
#[derive(Clone)]
pub struct Dialer {
    shared: Arc<Shared>,
    gate_wait: Duration,
    answer_wait: Duration,
}

struct Shared {
    link: watch::Sender<Option<Numbered>>,
    last: AtomicU64,
    status: watch::Sender<TorStatus>,
    choice: Mutex<Choice>,
    /// Gates that are just being told which Tor was chosen: connections wait for that.
    telling: watch::Sender<usize>,
}

/// Which Tor was chosen.
#[derive(Default)]
struct Choice {
    /// The owner wants to be asked at each start: no gate begins with a way of its own.
    ask: bool,
    /// The choice that counts, for this gate and its successors.
    tor: Option<TorSettings>,
    /// Why the gate does not take it: nothing is connected then.
    refused: Option<Refusal>,
}

#[derive(Clone)]
struct Numbered {
    number: u64,
    link: Arc<Link>,
}

impl Default for Dialer {
    fn default() -> Dialer {
        Dialer::new()
    }
}

impl Dialer {
    /// A dialer without a gate. Requests wait up to 15 seconds for one.
    pub fn new() -> Dialer {
        Dialer::waiting(GATE_WAIT, ANSWER_WAIT)
    }

    fn waiting(gate_wait: Duration, answer_wait: Duration) -> Dialer {
        let (link, _) = watch::channel(None);
        let (status, _) = watch::channel(TorStatus::Gate(GateStatus::starting()));
        let last = AtomicU64::new(0);
        Dialer {
            shared: Arc::new(Shared {
                link,
                last,
                status,
                choice: Mutex::default(),
                telling: watch::channel(0).0,
            }),
            gate_wait,
            answer_wait,
        }
    }

    /// Takes `channel` as the way to a gate, in the place of the one before, and tells it the choice of Tor that was
    /// made before, if any. Must be called within a tokio runtime, on
    /// which it starts the tasks that serve the channel.
    pub fn attach<C>(&self, channel: C)
    where
        C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (link, driver) = link::start(channel);
        let link = Arc::new(link);
        let number = self.shared.last.fetch_add(1, Ordering::Relaxed);
        self.shared.link.send_replace(Some(Numbered {
            number,
            link: Arc::clone(&link),
        }));
        let ending = Ending {
            shared: Arc::downgrade(&self.shared),
            number,
        };
        tokio::spawn(async move {
            let _ending = ending;
            driver.await;
        });
        let (shared, link) = (Arc::downgrade(&self.shared), Arc::downgrade(&link));
        let telling = Telling::begin(&self.shared);
        tokio::spawn(async move {
            tell_choice(&shared, Weak::clone(&link)).await;
            drop(telling);
            follow_status(shared, number, link).await;
        });
    }

    /// Opens a stream through Tor to `host` and `port`. Streams share circuits only with streams of the same `identity`
    /// and `purpose`. Takes at most 215 seconds, and rarely more than 60; drop the future to give up earlier.
    ///
    /// # Errors
    /// [`DialError`]; nothing was sent to `host` then.
    pub async fn connect(
        &self,
        identity: &Isolation,
        purpose: Purpose,
        host: &Host,
        port: u16,
    ) -> Result<Stream, DialError> {
        self.shared.told(self.answer_wait).await?;
        let connect = Connect {
            isolation: identity.clone(),
            purpose,
            host: host.clone(),
            port,
        };
        self.ask(&Header::Connect(connect)).await
    }

    /// From now on streams of `identity` take new circuits; those that stand stay where they are.
    ///
    /// # Errors
    /// [`DialError`], if the gate could not be asked.
    pub async fn new_circuit(&self, identity: &Isolation) -> Result<(), DialError> {
        self.ask(&Header::NewCircuit {
            isolation: identity.clone(),
        })
        .await
        .map(drop)
    }

    /// Changes settings of the gate. They last as long as this gate: a successor begins with the defaults, but for the
    /// choice of Tor, which is told to it.
    ///
    /// # Errors
    /// [`DialError`], if the gate could not be asked, or refused them.
    pub async fn set(&self, settings: &Settings) -> Result<(), DialError> {
        self.ask(&Header::Settings(settings.clone())).await?;
        if let Some(tor) = &settings.tor {
            *self.shared.choice() = Choice {
                ask: settings.ask.unwrap_or_default(),
                tor: Some(tor.clone()),
                refused: None,
            };
        }
        Ok(())
    }

    /// Chooses which Tor to use and the way to it. Streams that stand end if that is another choice than the one in
    /// use. Until it was called the gate uses the Tor that is built in, unless the last choice that it was told on this
    /// computer was another one: then it waits for this call before it contacts anybody.
    ///
    /// # Errors
    /// [`DialError`]; a choice that cannot be used is [`door::Refusal::BadSettings`], and the one before stays.
    pub async fn set_tor(&self, tor: &TorSettings) -> Result<(), DialError> {
        self.set(&choice_of(Some(tor), false)).await
    }

    /// The same for this run alone: the gates of later runs contact nobody until they are told a way.
    ///
    /// # Errors
    /// As [`Dialer::set_tor`].
    pub async fn set_tor_for_now(&self, tor: &TorSettings) -> Result<(), DialError> {
        self.set(&choice_of(Some(tor), true)).await
    }

    /// Makes a choice that was made before count, without waiting: whatever is connected from now on waits until the gate
    /// has taken it, and is refused for as long as the gate does not take it. `None`: what was chosen cannot be read, and
    /// nothing is connected until another choice is made. To be called within a tokio runtime.
    pub fn begin_with(&self, tor: Option<TorSettings>) {
        let unreadable = Refusal::BadSettings(SettingsProblem::Unreadable);
        *self.shared.choice() = Choice {
            ask: false,
            refused: tor.is_none().then_some(unreadable),
            tor: tor.clone(),
        };
        if tor.is_some() {
            self.tell(tor);
        }
    }

    /// Lets nothing be connected, and no gate contact anybody, until a choice is made. Without waiting; to be called within
    /// a tokio runtime.
    pub fn begin_asking(&self) {
        *self.shared.choice() = Choice {
            ask: true,
            refused: Some(Refusal::BadSettings(SettingsProblem::NotChosen)),
            tor: None,
        };
        self.tell(None);
    }

    /// Whether a choice is waited for, after [`Dialer::begin_asking`].
    pub fn waits_for_choice(&self) -> bool {
        let choice = self.shared.choice();
        choice.ask && choice.tor.is_none()
    }

    /// Tells the gate of a choice; connections wait meanwhile.
    fn tell(&self, tor: Option<TorSettings>) {
        let telling = Telling::begin(&self.shared);
        let dialer = self.clone();
        tokio::spawn(async move {
            let settings = choice_of(tor.as_ref(), tor.is_none());
            // Without a gate the next one is told.
            let told = dialer.ask(&Header::Settings(settings)).await;
            dialer.shared.taken(tor.as_ref(), told.map(drop));
            drop(telling);
        });
    }

    /// The choice that counts; `None` if none was made through this dialer.
    pub fn tor_settings(&self) -> Option<TorSettings> {
        self.shared.choice().tor.clone()
    }

    /// The circuits that carry streams now.
    ///
    /// # Errors
    /// [`DialError`], if the gate could not be asked or ended meanwhile.
    pub async fn paths(&self) -> Result<Vec<Path>, DialError> {
        self.ask_lines(&Header::Paths, Path::decode).await
    }

    /// What the self-test of the gate's room sees now; empty where it has no walls.
    ///
    /// # Errors
    /// [`DialError`], if the gate could not be asked or ended meanwhile.
    pub async fn check(&self) -> Result<Vec<Attempt>, DialError> {
        self.ask_lines(&Header::Check, Attempt::decode).await
    }

    /// The names of the transports for whose bridges a program is installed.
    ///
    /// # Errors
    /// [`DialError`], if the gate could not be asked or ended meanwhile.
    pub async fn transports(&self) -> Result<Vec<String>, DialError> {
        let told = self.ask_lines(&Header::Transports, Transports::decode).await?;
        Ok(told.into_iter().flat_map(|told| told.names).collect())
    }

    /// Has the gate host an onion service, under a key that it makes, keeps in memory, and forgets with the service; the
    /// service stands until the value is dropped, the gate ends or another Tor is chosen. It is reachable some seconds after
    /// this returns. Only with the Tor that is built in.
    ///
    /// # Errors
    /// [`DialError`]; [`Refusal::TooManyStreams`] beyond [`Serve::MAX_SERVICES`].
    pub async fn serve(&self, serve: &Serve) -> Result<Service, DialError> {
        self.shared.told(self.answer_wait).await?;
        let stream = self.ask(&Header::Serve(serve.clone())).await?;
        Service::announced(self.clone(), stream).await
    }

    /// Takes a visit to a service.
    pub(crate) async fn accept(&self, visit: u64) -> Result<Stream, DialError> {
        self.ask(&Header::Accept { visit }).await
    }

    /// The state of Tor, now and at each change.
    pub fn status(&self) -> watch::Receiver<TorStatus> {
        self.shared.status.subscribe()
    }

    /// Asks for something that is answered in lines until the stream ends.
    async fn ask_lines<T>(
        &self,
        header: &Header,
        decode: fn(&[u8]) -> Result<T, LineError>,
    ) -> Result<Vec<T>, DialError> {
        let stream = self.ask(header).await?;
        let mut told = Vec::new();
        let reading = stream.take(MAX_TOLD);
        tokio::pin!(reading);
        timeout(self.answer_wait, reading.read_to_end(&mut told))
            .await
            .map_err(|_| DialError::NoAnswer)?
            .map_err(|_| DialError::GateRestarted)?;
        let lines = told.split_inclusive(|byte| *byte == b'\n');
        lines.map(|line| Ok(decode(line)?)).collect()
    }

    async fn ask(&self, header: &Header) -> Result<Stream, DialError> {
        let line = header.encode()?;
        let link = self.shared.live_link(self.gate_wait).await?;
        let stream = link.open().await?;
        timeout(self.answer_wait, request(stream, &line))
            .await
            .map_err(|_| DialError::NoAnswer)?
    }
}

impl Shared {
    fn choice(&self) -> std::sync::MutexGuard<'_, Choice> {
        self.choice.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the gate said to `tor`, unless another choice was made meanwhile.
    fn taken(&self, tor: Option<&TorSettings>, told: Result<(), DialError>) {
        let mut choice = self.choice();
        if tor.is_some() && choice.tor.as_ref() == tor {
            match told {
                Ok(()) => choice.refused = None,
                Err(DialError::Refused(refusal)) => choice.refused = Some(refusal),
                // No gate, or one that ended: the next one is told.
                Err(_) => {}
            }
        }
    }

    /// Waits until the gate was told which Tor was chosen.
    async fn told(&self, limit: Duration) -> Result<(), DialError> {
        let mut telling = self.telling.subscribe();
        let told = timeout(limit, telling.wait_for(|telling| *telling == 0)).await;
        told.map_err(|_| DialError::NoAnswer)?
            .map_err(|_| DialError::GateAbsent)?;
        match self.choice().refused.clone() {
            Some(refusal) => Err(DialError::Refused(refusal)),
            None => Ok(()),
        }
    }

    async fn live_link(&self, wait: Duration) -> Result<Arc<Link>, DialError> {
        let mut links = self.link.subscribe();
        let found = timeout(wait, links.wait_for(Option::is_some)).await;
        match found {
            Ok(Ok(link)) => link
                .as_ref()
                .map(|numbered| Arc::clone(&numbered.link))
                .ok_or(DialError::GateAbsent),
            Ok(Err(_)) | Err(_) => Err(DialError::GateAbsent),
        }
    }

    fn is_current(&self, number: u64) -> bool {
        matches!(&*self.link.borrow(), Some(current) if current.number == number)
    }

    fn forget(&self, number: u64) {
        let was_current = self.link.send_if_modified(|link| {
            let ended = matches!(link, Some(current) if current.number == number);
            if ended {
                *link = None;
            }
            ended
        });
        if was_current {
            self.status.send_replace(TorStatus::Restarting);
        }
    }
}

/// For as long as it is held, connections wait.
struct Telling(Weak<Shared>);

impl Telling {
    fn begin(shared: &Arc<Shared>) -> Telling {
        shared.telling.send_modify(|telling| *telling += 1);
        Telling(Arc::downgrade(shared))
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            shared
                .telling
                .send_modify(|telling| *telling = telling.saturating_sub(1));
        }
    }
}

/// Says that a channel has ended, however its task ended.
struct Ending {
    shared: Weak<Shared>,
    number: u64,
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.forget(self.number);
        }
    }
}

async fn request(mut stream: Stream, line: &[u8]) -> Result<Stream, DialError> {
    stream
        .write_all(line)
        .await
        .map_err(|_| DialError::GateRestarted)?;
    stream.flush().await.map_err(|_| DialError::GateRestarted)?;
    match Answer::decode(&stream.read_line().await?)? {
        Answer::Done => Ok(stream),
        Answer::Refused(refusal) => Err(DialError::Refused(refusal)),
    }
}

/// Tells a new gate which Tor was chosen. A gate that was chosen another way for before contacts nobody until then.
async fn tell_choice(shared: &Weak<Shared>, link: Weak<Link>) {
    let chosen = shared.upgrade().map(|shared| {
        let choice = shared.choice();
        (choice.tor.clone(), choice.ask)
    });
    let Some((tor, ask)) = chosen else { return };
    if tor.is_none() && !ask {
        return;
    }
    let settings = choice_of(tor.as_ref(), ask);
    // Where it is refused now, as when a program was removed, nothing is connected until another choice is made.
    let told = ask_as_status(link, &Header::Settings(settings)).await;
    if let Some(shared) = shared.upgrade() {
        shared.taken(tor.as_ref(), told.map(drop));
    }
}

fn choice_of(tor: Option<&TorSettings>, ask: bool) -> Settings {
    Settings {
        ask: Some(ask),
        dormant: None,
        tor: tor.cloned(),
    }
}

/// Passes on what the gate says of Tor, until its channel ends or another took its place.
async fn follow_status(shared: Weak<Shared>, number: u64, link: Weak<Link>) {
    let Ok(stream) = ask_as_status(link, &Header::Status).await else {
        return;
    };
    let mut stream = stream;
    while let Ok(line) = stream.read_line().await {
        let Ok(status) = GateStatus::decode(&line) else {
            return;
        };
        let Some(shared) = shared.upgrade() else { return };
        if !shared.is_current(number) {
            return;
        }
        shared.status.send_replace(TorStatus::Gate(status));
    }
}

/// Holds the link only while it opens the stream, so that a dialer that is dropped ends its channel.
async fn ask_as_status(link: Weak<Link>, header: &Header) -> Result<Stream, DialError> {
    let opening = link.upgrade().ok_or(DialError::GateRestarted)?;
    let stream = opening.open_for_status().await?;
    drop(opening);
    let line = header.encode()?;
    timeout(ANSWER_WAIT, request(stream, &line))
        .await
        .map_err(|_| DialError::NoAnswer)?
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(100);

    async fn call(dialer: &Dialer) -> DialError {
        let host = Host::parse("xmpp.example.org").unwrap();
        dialer
            .connect(&Isolation::from_bytes([1; 16]), Purpose::Xmpp, &host, 5222)
            .await
            .unwrap_err()
    }

    #[tokio::test]
    async fn without_a_gate_a_call_waits_and_then_fails() {
        let dialer = Dialer::waiting(SHORT, ANSWER_WAIT);
        assert_eq!(call(&dialer).await, DialError::GateAbsent);
        assert_eq!(*dialer.status().borrow(), TorStatus::Gate(GateStatus::starting()));
    }

    #[tokio::test]
    async fn a_gate_that_hangs_is_given_up() {
        let dialer = Dialer::waiting(GATE_WAIT, SHORT);
        let (ours, _theirs) = tokio::io::duplex(64 * 1024);
        dialer.attach(ours);
        assert_eq!(call(&dialer).await, DialError::NoAnswer);
    }
}
