//! One person with a session, a socket, and eyes for events.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use xmpp::{BareJid, Bindings, Command, Config, Error, Event, Input, Output, Session, Tls};

use super::server::{DOMAIN, Identity, Server};

const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Client {
    session: Session,
    transport: Option<Transport>,
    tls: Tls,
    start: Instant,
    wake: Option<Duration>,
    seen: Vec<Event>,
    online: bool,
    /// Every byte that came under TLS.
    heard: Vec<u8>,
    /// What is shown in the handshake.
    pub(super) identity: Option<Identity>,
    /// What is written is lost, as on a circuit that is about to break.
    pub(super) black_hole: bool,
}

enum Transport {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Client {
    pub(super) fn new(name: &str, password: &str, change: impl FnOnce(&mut Config)) -> Self {
        let jid = BareJid::new(&format!("{name}@{DOMAIN}")).unwrap();
        let mut config = Config::new(jid, password.to_owned().into());
        change(&mut config);
        Self {
            tls: config.tls,
            session: Session::new(config),
            transport: None,
            start: Instant::now(),
            wake: None,
            seen: Vec::new(),
            online: false,
            heard: Vec::new(),
            identity: None,
            black_hole: false,
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a loopback server of the test's own")]
    pub(super) fn connect(&mut self, server: &Server) {
        self.black_hole = false;
        let direct = self.tls == Tls::Direct;
        let port = if direct {
            server.direct_port
        } else {
            server.starttls_port
        };
        let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        self.transport = Some(Transport::Plain(socket));
        if direct {
            self.start_tls(server);
        }
        self.input(Input::Connected, server).unwrap();
    }

    fn start_tls(&mut self, server: &Server) {
        let Some(Transport::Plain(socket)) = self.transport.take() else {
            panic!("TLS twice");
        };
        let name = ServerName::try_from(DOMAIN).unwrap();
        let connection = ClientConnection::new(server.tls(self.identity.as_ref()), name).unwrap();
        socket.set_read_timeout(None).unwrap();
        let mut stream = StreamOwned::new(connection, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).unwrap();
        }
        stream
            .sock
            .set_read_timeout(Some(Duration::from_millis(20)))
            .unwrap();
        // As the engine does: a server that knows no such tie must not stumble over the word of it.
        let label = b"EXPORTER-Channel-Binding";
        let exporter = stream.conn.export_keying_material([0; 32], label, None).unwrap();
        self.transport = Some(Transport::Tls(Box::new(stream)));
        let bindings = Bindings {
            exporter: Some(exporter.to_vec()),
            end_point: None,
        };
        self.input(Input::Bindings(bindings), server).unwrap();
    }

    /// The circuit breaks: no goodbye from TLS or XMPP.
    pub(super) fn cut(&mut self, server: &Server) {
        match self.transport.take().unwrap() {
            Transport::Plain(socket) => socket.shutdown(Shutdown::Both).unwrap(),
            Transport::Tls(stream) => stream.sock.shutdown(Shutdown::Both).unwrap(),
        }
        self.input(Input::Closed, server).unwrap();
    }

    pub(super) fn command(&mut self, command: Command, server: &Server) -> Result<(), Error> {
        self.input(Input::Command(command), server)
    }

    fn input(&mut self, input: Input<'_>, server: &Server) -> Result<(), Error> {
        let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
        let result = self.session.handle(input, self.start.elapsed(), &mut rng);
        while let Some(output) = self.session.poll() {
            match output {
                Output::Send(bytes) if !self.black_hole => {
                    let _ = match self.transport.as_mut().unwrap() {
                        Transport::Plain(socket) => socket.write_all(&bytes),
                        Transport::Tls(stream) => stream.write_all(&bytes),
                    };
                }
                Output::Send(_) => {}
                Output::StartTls => {
                    self.start_tls(server);
                    self.input(Input::TlsEstablished, server).unwrap();
                }
                Output::Event(event) => {
                    match event {
                        Event::Online { .. } => self.online = true,
                        Event::Offline { .. } => self.online = false,
                        _ => {}
                    }
                    self.seen.push(event);
                }
                Output::Wake(at) => self.wake = Some(at),
                Output::Close => {
                    self.transport = None;
                    self.input(Input::Closed, server).unwrap();
                }
            }
        }
        result
    }

    /// What no honest session would write.
    pub(super) fn write_raw(&mut self, bytes: &[u8]) {
        match self.transport.as_mut().unwrap() {
            Transport::Plain(socket) => socket.write_all(bytes).unwrap(),
            Transport::Tls(stream) => stream.write_all(bytes).unwrap(),
        }
    }

    /// Takes what was heard so far.
    pub(super) fn heard(&mut self) -> String {
        String::from_utf8(std::mem::take(&mut self.heard)).unwrap()
    }

    /// Lets things happen for a moment.
    pub(super) fn live(&mut self, server: &Server) {
        if self.wake.is_some_and(|wake| wake <= self.start.elapsed()) {
            self.wake = None;
            self.input(Input::Tick, server).unwrap();
        }
        let mut buffer = [0; 4096];
        let read = match &mut self.transport {
            None => return,
            Some(Transport::Plain(socket)) => socket.read(&mut buffer),
            Some(Transport::Tls(stream)) => stream.read(&mut buffer),
        };
        match read {
            Ok(n) if n > 0 => {
                self.heard.extend_from_slice(&buffer[..n]);
                self.input(Input::Bytes(&buffer[..n]), server).unwrap();
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            _ => {
                self.transport = None;
                self.input(Input::Closed, server).unwrap();
            }
        }
    }

    /// Waits for an event that `take` wants, and takes it out.
    pub(super) fn wait<T>(&mut self, server: &Server, what: &str, take: impl Fn(&Event) -> Option<T>) -> T {
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
            self.live(server);
        }
    }

    /// What was seen since.
    pub(super) fn take_seen(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.seen)
    }

    /// Whether the last that was told of the stream is that it stands.
    pub(super) fn is_online(&self) -> bool {
        self.online
    }

    /// What was seen since, after a while in which anything unwanted had the time to come.
    pub(super) fn rest(&mut self, server: &Server) -> Vec<Event> {
        for _ in 0..25 {
            self.live(server);
        }
        std::mem::take(&mut self.seen)
    }
}
