//! The lab from its start to its end: brings everything up, runs a command in it, answers the
//! control socket meanwhile.
//! Never ends before the command does, and never leaves a program behind when it ends.
//! No standard applies.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use crate::LabError;
use crate::children::{bound_command, write_file};
use crate::control::{Reply, Request, Status};
use crate::info::{DOMAIN, LAB_VARIABLE, LabInfo, Ports};
use crate::isolation::Ground;
use crate::progress::Progress;
use crate::prosody::{Prosody, make_certificate};
use crate::tor::{TorNetwork, relay_addresses};
use crate::{dns, echo, packages, peer, socks};

/// How often the end of the command is looked for.
const TICK: Duration = Duration::from_millis(20);

/// The longest control request.
const LONGEST_REQUEST: u64 = 4096;

/// Unix socket paths end at 107 bytes; the longest name that Tor gives one is well below 40.
const LONGEST_FOLDER: usize = 64;

/// The lab, up.
#[derive(Debug)]
pub struct RunningLab {
    info: LabInfo,
    tor: TorNetwork,
    prosody: Prosody,
    requests: Receiver<(Request, SyncSender<Reply>)>,
}

impl RunningLab {
    /// Brings the lab up in this folder.
    ///
    /// # Errors
    /// [`LabError`] with the step that failed. Programs that were started die with this process.
    pub fn bring_up(dir: &Path, ground: &Ground, progress: &mut Progress) -> Result<Self, LabError> {
        packages::check()?;
        let mut info = plan(dir, ground)?;
        let name_server = dns::serve(&info.ports)?;
        echo::serve(info.ports.echo)?;
        progress.tell("Making keys and laying out the private Tor network");
        let mut tor = TorNetwork::lay_out(&info, name_server)?;
        // The peer is made while the relays wait for their moment.
        let program = info.otr_peer.clone();
        let workshop = std::thread::spawn(move || peer::build(&program));
        progress.tell("Starting six relays and waiting for their first consensus");
        tor.start_relays()?;
        progress.tell("Starting the Tor client, the onion service and the XMPP server");
        info.onion = tor.start_ends()?;
        info.spki_sha256 = make_certificate(&info.dir, &info.onion)?;
        workshop
            .join()
            .map_err(|_| LabError::program("the lab", "its workshop broke"))??;
        let mut prosody = Prosody::lay_out(&info)?;
        prosody.start()?;
        tor.wait_for_ends(&info.dir.join("client"), &info.onion)?;
        prosody.wait()?;
        progress.tell("Asking for the server by name and by onion, through Tor");
        socks::wait_for(info.socks, DOMAIN, info.ports.xmpp)?;
        socks::wait_for(info.socks, &info.onion, info.ports.xmpp)?;
        let text = serde_json::to_string_pretty(&info).map_err(|error| LabError::Input(error.to_string()))?;
        write_file(&info.dir.join("lab.json"), &text)?;
        let requests = listen(&info.control)?;
        progress.tell("The lab is up");
        Ok(Self {
            info,
            tor,
            prosody,
            requests,
        })
    }

    /// Runs a command in the lab and gives its exit code; 128 and the signal if one ended it.
    ///
    /// # Errors
    /// [`LabError::Io`] when the command cannot be started.
    pub fn run(&mut self, command: &[OsString]) -> Result<u8, LabError> {
        let mut child = self.start_command(command)?;
        loop {
            if let Ok((request, answer)) = self.requests.recv_timeout(TICK) {
                let reply = self
                    .handle(request)
                    .unwrap_or_else(|error| Reply::Error(error.to_string()));
                // Whoever asked may have gone meanwhile.
                let _gone = answer.send(reply);
            }
            let ended = child.try_wait().map_err(LabError::io("wait for the command"))?;
            if let Some(status) = ended {
                let code = status.code().or(status.signal().map(|signal| 128 + signal));
                return Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1));
            }
        }
    }

    /// Ends every program of the lab.
    ///
    /// # Errors
    /// [`LabError::Io`] when one cannot be ended.
    pub fn take_down(&mut self) -> Result<(), LabError> {
        self.prosody.kill()?;
        self.tor.daemons().try_for_each(crate::children::Daemon::kill)
    }

    fn start_command(&self, command: &[OsString]) -> Result<Child, LabError> {
        let (program, arguments) = command
            .split_first()
            .ok_or_else(|| LabError::Input("no command was given".to_owned()))?;
        let mut bound: Command = bound_command(program)?;
        bound
            .args(arguments)
            .env(LAB_VARIABLE, self.info.dir.join("lab.json"))
            .envs(&self.info.env);
        bound
            .spawn()
            .map_err(LabError::io(format!("start {}", program.display())))
    }

    fn handle(&mut self, request: Request) -> Result<Reply, LabError> {
        match request {
            Request::ContTor => self.tor.stop(false)?,
            Request::CutCircuits => return self.cut(),
            Request::KillXmpp => self.prosody.kill()?,
            Request::Register { user, password, host } => {
                self.prosody
                    .register(&user, &password, host.as_deref().unwrap_or(DOMAIN))?;
            }
            Request::StartXmpp => {
                self.prosody.start()?;
                self.prosody.wait()?;
            }
            Request::Status => return Ok(Reply::Status(self.status())),
            Request::StopTor => self.tor.stop(true)?,
            Request::WiretapPath => return Ok(Reply::WiretapPath(self.info.wiretap.clone())),
        }
        Ok(Reply::Done)
    }

    fn cut(&mut self) -> Result<Reply, LabError> {
        if self.tor.is_stopped() {
            return Err(LabError::Answer(
                "Tor is stopped: let it go on (cont-tor) before circuits are cut".to_owned(),
            ));
        }
        let ports = &self.info.ports;
        let ports = BTreeSet::from([ports.xmpp, ports.xmpp_tls, ports.xmpp_plain]);
        self.tor.cut(&ports).map(Reply::Cut)
    }

    fn status(&mut self) -> Status {
        let mut status = Status {
            tor_stopped: self.tor.is_stopped(),
            ..Status::default()
        };
        for daemon in self.tor.daemons().chain([self.prosody.daemon()]) {
            let list = if daemon.runs() {
                &mut status.running
            } else {
                &mut status.ended
            };
            list.push(daemon.name().to_owned());
        }
        status
    }
}

/// Everything that is known before anything runs.
fn plan(dir: &Path, ground: &Ground) -> Result<LabInfo, LabError> {
    if dir.as_os_str().len() > LONGEST_FOLDER {
        let dir = dir.display();
        return Err(LabError::Input(format!(
            "the lab's folder {dir} has too long a name for sockets in it: {LONGEST_FOLDER} bytes at most"
        )));
    }
    let isolated = matches!(ground, Ground::Namespaces { .. });
    let base = if isolated { 15000 } else { free_block()? };
    let ports = if isolated {
        Ports {
            xmpp: 5222,
            xmpp_tls: 5223,
            xmpp_plain: 25222,
            echo: 7007,
            spare: 7008,
        }
    } else {
        Ports {
            xmpp: base + 222,
            xmpp_tls: base + 223,
            xmpp_plain: base + 224,
            echo: base + 207,
            spare: base + 208,
        }
    };
    let mut env = BTreeMap::new();
    if matches!(ground, Ground::Namespaces { user: true }) {
        // In a user namespace `/` belongs to nobody, which Arti rightly mistrusts.
        env.insert("ARTI_FS_DISABLE_PERMISSION_CHECKS".to_owned(), "1".to_owned());
    }
    let local = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    let program = std::env::current_exe().map_err(LabError::io("find the lab's own program"))?;
    Ok(LabInfo {
        program,
        isolated,
        network_file: dir.join("network.toml"),
        domain: DOMAIN.to_owned(),
        onion: String::new(),
        onion_plain_port: if isolated { 5224 } else { ports.xmpp_plain },
        ports,
        spki_sha256: String::new(),
        socks: local(base + 200),
        socks_socket: dir.join("client/socks.sock"),
        tor_control: local(base + 201),
        relays: relay_addresses(base),
        otr_peer: dir.join("otr_peer"),
        wiretap: dir.join("wiretap.jsonl"),
        xmpp_log: dir.join("prosody/prosody.log"),
        control: dir.join("control"),
        env,
        dir: dir.to_owned(),
    })
}

/// The first of 300 ports of which the ones that the lab takes seem free.
fn free_block() -> Result<u16, LabError> {
    let free = |base: u16| {
        let offsets = (0..6).chain(100..106).chain([200, 201, 207, 208, 222, 223, 224]);
        offsets
            .into_iter()
            .all(|offset| TcpListener::bind((Ipv4Addr::LOCALHOST, base + offset)).is_ok())
    };
    let block = (15000..30000).step_by(300).find(|base| free(*base));
    block.ok_or_else(|| LabError::Input("no 300 free ports were found on 127.0.0.1".to_owned()))
}

fn listen(path: &Path) -> Result<Receiver<(Request, SyncSender<Reply>)>, LabError> {
    let listener = UnixListener::bind(path);
    let listener = listener.map_err(LabError::io(format!(
        "open the control socket {}",
        path.display()
    )))?;
    let (requests, queue) = sync_channel(8);
    let serve = move || {
        for stream in listener.incoming().flatten() {
            let requests = requests.clone();
            let _closed = std::thread::Builder::new().spawn(move || answer(&stream, &requests));
        }
    };
    std::thread::Builder::new()
        .name("control".to_owned())
        .spawn(serve)
        .map_err(LabError::io("start a thread"))?;
    Ok(queue)
}

fn answer(
    mut stream: &UnixStream,
    requests: &SyncSender<(Request, SyncSender<Reply>)>,
) -> std::io::Result<()> {
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST_REQUEST)).read_line(&mut line)?;
    let reply = match serde_json::from_str(&line) {
        Ok(request) => {
            let (sender, reply) = sync_channel(1);
            let gone = |_| std::io::Error::other("the lab ends");
            requests.send((request, sender)).map_err(|_| gone(()))?;
            reply.recv().map_err(|_| gone(()))?
        }
        Err(error) => Reply::Error(format!("this is no request: {error}")),
    };
    let mut text = serde_json::to_string(&reply)?;
    text.push('\n');
    stream.write_all(text.as_bytes())
}
