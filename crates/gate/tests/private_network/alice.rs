//! Alice: a gate on a thread, a porter without walls, and the engine's side of the door.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use dial::{DialError, Dialer, Host, Isolation, Purpose, Refusal, TorStatus};
use gate::errands::{Errand, Errands, Permissions};
use gate::{GateConfig, GateError, Network};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// What the lab says of itself, as far as a gate needs it.
pub(crate) struct Lab {
    pub(crate) network_file: PathBuf,
    pub(crate) domain: Host,
    pub(crate) onion: Host,
    pub(crate) echo: u16,
    pub(crate) spare: u16,
    pub(crate) socks: String,
    pub(crate) dir: PathBuf,
    pub(crate) relays: Vec<SocketAddr>,
    _turn: std::fs::File,
}

impl Lab {
    pub(crate) fn find() -> Lab {
        let path = std::env::var("OTTER_LAB").unwrap_or_else(|_| {
            panic!("OTTER_LAB is not set: this test runs inside the lab, as `otter-lab-net run -- COMMAND`")
        });
        let info: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let text = |name: &str| info.get(name).unwrap().as_str().unwrap().to_owned();
        let port = |name: &str| {
            let port = info.get("ports").unwrap().get(name).unwrap().as_u64().unwrap();
            u16::try_from(port).unwrap()
        };
        // Other tests of the lab may want to be alone in it.
        let turn = std::fs::File::create(PathBuf::from(text("dir")).join("turn")).unwrap();
        turn.lock_shared().unwrap();
        Lab {
            network_file: text("network_file").into(),
            domain: Host::parse(&text("domain")).unwrap(),
            onion: Host::parse(&text("onion")).unwrap(),
            echo: port("echo"),
            spare: port("spare"),
            socks: text("socks"),
            dir: text("dir").into(),
            relays: info["relays"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one.as_str().unwrap().parse().unwrap())
                .collect(),
            _turn: turn,
        }
    }

    pub(crate) fn network(&self) -> Network {
        Network::Private {
            file: self.network_file.clone(),
        }
    }
}

/// A gate on a thread, and the engine's side of its door.
pub(crate) struct Alice {
    pub(crate) dialer: Dialer,
    pub(crate) gate: JoinHandle<Result<(), GateError>>,
    pub(crate) home: TempDir,
}

impl Alice {
    pub(crate) fn on(network: Network) -> Alice {
        let home = tempfile::tempdir().unwrap();
        let (dialer, gate) = open(network, home.path().join("tor"));
        Alice { dialer, gate, home }
    }

    pub(crate) async fn connected(lab: &Lab) -> Alice {
        let alice = Alice::on(lab.network());
        alice.wait(Duration::from_secs(20), TorStatus::is_ready).await;
        alice
    }

    pub(crate) async fn wait(&self, limit: Duration, wanted: impl Fn(&TorStatus) -> bool) -> TorStatus {
        let mut status = self.dialer.status();
        let found = timeout(limit, status.wait_for(|now| wanted(now))).await;
        let found = found.map(|found| found.unwrap().clone());
        found.unwrap_or_else(|_| panic!("not in {limit:?}: {:?}", self.dialer.status().borrow()))
    }

    pub(crate) async fn call(&self, account: u8, host: &Host, port: u16) -> Result<dial::Stream, DialError> {
        self.dialer
            .connect(&account_of(account), Purpose::Xmpp, host, port)
            .await
    }

    pub(crate) async fn refusal(&self, host: &Host, port: u16) -> Refusal {
        match self.call(1, host, port).await {
            Err(DialError::Refused(refusal)) => refusal,
            other => panic!("no refusal: {other:?}"),
        }
    }
}

pub(crate) fn open(network: Network, state: PathBuf) -> (Dialer, JoinHandle<Result<(), GateError>>) {
    open_with(GateConfig {
        state,
        network,
        tor: None,
        self_test: None,
    })
}

pub(crate) fn open_with(config: GateConfig) -> (Dialer, JoinHandle<Result<(), GateError>>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let porter = Arc::new(Porter::new());
    let gate = std::thread::spawn(move || gate::run(&config, theirs, Some(porter)));
    ours.set_nonblocking(true).unwrap();
    let dialer = Dialer::new();
    dialer.attach(tokio::net::UnixStream::from_std(ours).unwrap());
    (dialer, gate)
}

pub(crate) fn account_of(number: u8) -> Isolation {
    Isolation::from_bytes([number; 16])
}

pub(crate) async fn exchange(stream: &mut dial::Stream, words: &[u8]) {
    stream.write_all(words).await.unwrap();
    stream.flush().await.unwrap();
    let mut heard = vec![0; words.len()];
    timeout(Duration::from_secs(30), stream.read_exact(&mut heard))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(heard, words);
}

/// Does the porter's work in this process: what it may open is decided by the same code.
struct Porter(Permissions);

impl Porter {
    fn new() -> Porter {
        let mut permissions = Permissions::of_this_system();
        permissions.allow_sockets(&std::env::temp_dir());
        permissions.allow_sockets("/run".as_ref());
        permissions.allow_sockets("/dev/shm".as_ref());
        Porter(permissions)
    }
}

impl Errands for Porter {
    fn carry_out(&self, errand: &Errand) -> std::io::Result<OwnedFd> {
        match errand {
            Errand::Cookie(path) => self.0.cookie(path).map(OwnedFd::from),
            Errand::Look(program) => {
                let path = program.find().ok_or(std::io::ErrorKind::NotFound)?;
                std::fs::File::open(path).map(OwnedFd::from)
            }
            Errand::Socket(path) => self.0.socket(path).map(OwnedFd::from),
            Errand::Transport(program) => {
                let path = program.find().ok_or(std::io::ErrorKind::NotFound)?;
                launch(&path)
            }
        }
    }
}

/// Reads the order as the launcher does, and starts the program.
fn launch(program: &std::path::Path) -> std::io::Result<OwnedFd> {
    let (ours, theirs) = UnixStream::pair()?;
    let program = program.to_owned();
    std::thread::spawn(move || {
        let order = [(); 2].map(|()| line(&theirs));
        let folder = tempfile::tempdir().unwrap();
        let end = || Stdio::from(OwnedFd::from(theirs.try_clone().unwrap()));
        #[expect(clippy::disallowed_methods, reason = "the launcher of these tests")]
        let mut command = Command::new(program);
        let proxy = order[1].clone();
        command
            .env_clear()
            .env("TOR_PT_MANAGED_TRANSPORT_VER", "1")
            .env("TOR_PT_CLIENT_TRANSPORTS", &order[0])
            .env("TOR_PT_EXIT_ON_STDIN_CLOSE", "1")
            .env("TOR_PT_STATE_LOCATION", folder.path())
            .envs((!proxy.is_empty()).then_some(("TOR_PT_PROXY", proxy)))
            .stdin(end())
            .stdout(end())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        drop((command, theirs));
        child.wait().unwrap();
    });
    Ok(ours.into())
}

/// One line, and not a byte more.
fn line(stream: &UnixStream) -> String {
    use std::io::Read;
    let (mut stream, mut line) = (stream, Vec::new());
    loop {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        if byte == *b"\n" {
            return String::from_utf8(line).unwrap();
        }
        line.extend(byte);
    }
}
