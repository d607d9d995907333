//! One person with a session, a socket, and eyes for events; and one with a socket only.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use irc::{
    Command, Config, Error, Event, Input, Nick, OfflineReason, Output, Room, SendKind, Session, Target,
};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use super::server::{Certificate, NAME, Server};

const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn nick(name: &str) -> Nick {
    Nick::new(name).unwrap()
}

pub(super) fn room(name: &str) -> Room {
    Room::new(name).unwrap()
}

pub(super) struct Client {
    session: Session,
    transport: Option<Transport>,
    start: Instant,
    wake: Option<Duration>,
    pub(super) seen: Vec<Event>,
}

enum Transport {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Transport {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Plain(socket) => socket.write_all(bytes),
            Self::Tls(stream) => stream.write_all(bytes),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a loopback server of the test's own")]
fn socket(port: u16) -> TcpStream {
    let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_nodelay(true).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    socket
}

impl Client {
    pub(super) fn new(name: &str, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(nick(name));
        // People in these stories take turns; nobody tends the queue of who waits.
        config.flood.burst = 50;
        change(&mut config);
        Self {
            session: Session::new(config),
            transport: None,
            start: Instant::now(),
            wake: None,
            seen: Vec::new(),
        }
    }

    /// Somebody who is online.
    pub(super) fn online(name: &str, server: &Server) -> Self {
        let mut client = Self::new(name, |_| ());
        client.connect(server);
        client.await_online();
        client
    }

    pub(super) fn connect(&mut self, server: &Server) {
        self.transport = Some(Transport::Plain(socket(server.plain_port)));
        self.input(Input::Connected).unwrap();
    }

    pub(super) fn connect_by_tls(&mut self, server: &Server, ours: Option<&Certificate>) {
        let socket = socket(server.tls_port);
        socket.set_read_timeout(None).unwrap();
        let name = ServerName::try_from(NAME).unwrap();
        let connection = ClientConnection::new(server.tls(ours), name).unwrap();
        let mut stream = StreamOwned::new(connection, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).unwrap();
        }
        stream
            .sock
            .set_read_timeout(Some(Duration::from_millis(20)))
            .unwrap();
        self.transport = Some(Transport::Tls(Box::new(stream)));
        self.input(Input::Connected).unwrap();
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    pub(super) fn command(&mut self, command: Command) -> Result<(), Error> {
        self.input(Input::Command(command))
    }

    pub(super) fn send(&mut self, to: &str, text: &str, token: u64, kind: SendKind) {
        let to = Target::new(to).unwrap();
        self.command(Command::Send {
            to,
            text: text.to_owned(),
            token,
            kind,
        })
        .unwrap();
    }

    fn input(&mut self, input: Input<'_>) -> Result<(), Error> {
        let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
        let result = self.session.handle(input, self.start.elapsed(), &mut rng);
        while let Some(output) = self.session.poll() {
            match output {
                Output::Send(bytes) => {
                    // What cannot be written any more is noticed in reading.
                    let _ = self.transport.as_mut().unwrap().write(&bytes);
                }
                Output::Event(event) => self.seen.push(event),
                Output::Wake(at) => self.wake = Some(at),
                Output::Close => {
                    self.transport = None;
                    self.input(Input::Closed).unwrap();
                }
            }
        }
        result
    }

    /// Lets things happen for a moment.
    pub(super) fn live(&mut self) {
        if self.wake.is_some_and(|wake| wake <= self.start.elapsed()) {
            self.wake = None;
            self.input(Input::Tick).unwrap();
        }
        let mut buffer = [0; 4096];
        let Some(transport) = &mut self.transport else {
            return;
        };
        match transport.read(&mut buffer) {
            Ok(n) if n > 0 => self.input(Input::Bytes(&buffer[..n])).unwrap(),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            _ => {
                self.transport = None;
                self.input(Input::Closed).unwrap();
            }
        }
    }

    /// Waits for an event that `take` wants, and takes it out.
    pub(super) fn wait<T>(&mut self, what: &str, take: impl Fn(&Event) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(at) = self.seen.iter().position(|event| take(event).is_some()) {
                return take(&self.seen.remove(at)).unwrap();
            }
            assert!(
                start.elapsed() < PATIENCE,
                "waited for {what}, saw {:?}",
                self.seen
            );
            self.live();
        }
    }

    /// Waits for exactly this.
    pub(super) fn expect(&mut self, expected: &Event) {
        self.wait(&format!("{expected:?}"), |event| {
            (event == expected).then_some(())
        });
    }

    pub(super) fn await_online(&mut self) -> Option<String> {
        self.wait("Online", |event| match event {
            Event::Online { account, .. } => Some(account.clone()),
            _ => None,
        })
    }

    pub(super) fn await_offline(&mut self) -> OfflineReason {
        self.wait("Offline", |event| match event {
            Event::Offline { why, .. } => Some(*why),
            _ => None,
        })
    }

    pub(super) fn join(&mut self, name: &str) {
        self.command(Command::Join {
            room: room(name),
            key: None,
        })
        .unwrap();
        self.wait("MembersListed", |event| {
            matches!(event, Event::MembersListed { .. }).then_some(())
        });
    }

    /// What was seen since, after a while in which anything unwanted had the time to come.
    pub(super) fn rest(&mut self, milliseconds: u64) -> Vec<Event> {
        let end = Instant::now() + Duration::from_millis(milliseconds);
        while Instant::now() < end {
            self.live();
        }
        std::mem::take(&mut self.seen)
    }
}

/// Somebody who types IRC by hand.
pub(super) struct Raw {
    transport: Transport,
    heard: String,
}

impl Raw {
    pub(super) fn online(name: &str, server: &Server) -> Self {
        let mut raw = Self {
            transport: Transport::Plain(socket(server.plain_port)),
            heard: String::new(),
        };
        raw.say(&format!("NICK {name}\r\nUSER x 0 * x"));
        raw.await_text(" 001 ");
        raw
    }

    pub(super) fn say(&mut self, line: &str) {
        self.transport.write(format!("{line}\r\n").as_bytes()).unwrap();
    }

    fn live(&mut self) {
        let mut buffer = [0; 4096];
        if let Ok(n) = self.transport.read(&mut buffer) {
            self.heard.push_str(&String::from_utf8_lossy(&buffer[..n]));
        }
        for line in self.heard.clone().lines().filter(|line| line.starts_with("PING")) {
            self.say(&line.replacen("PING", "PONG", 1));
            self.heard = self.heard.replacen("PING", "ping", 1);
        }
    }

    /// Waits until this was heard, and forgets it.
    pub(super) fn await_text(&mut self, text: &str) {
        self.await_heard_until(text);
        self.heard.clear();
    }

    /// Waits until this was heard, and keeps it.
    pub(super) fn await_heard_until(&mut self, text: &str) {
        let start = Instant::now();
        while !self.heard.contains(text) {
            assert!(
                start.elapsed() < PATIENCE,
                "waited for {text:?}, heard {}",
                self.heard
            );
            self.live();
        }
    }

    /// What was heard since.
    pub(super) fn take_heard(&mut self) -> String {
        std::mem::take(&mut self.heard)
    }

    pub(super) fn rest(&mut self) {
        self.live();
    }
}
