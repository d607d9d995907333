//! A private Tor network on loopback: six relays that are everything at once, a C Tor client and the
//! Tor of an onion service.
//! Never touches the public Tor network: it trusts the lab's own authorities only.
//! tor(1), "TESTING NETWORK OPTIONS".

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::Signal;

use crate::LabError;
use crate::children::{Daemon, private_folder, wait_until, write_file};
use crate::control::Cut;
use crate::info::LabInfo;
use crate::keys::{KeyStore, RelayNames};

mod configuration;
mod connections;
mod control_port;

/// Relays in the network.
const RELAYS: u16 = 6;

/// A start this long after a multiple of the first voting interval still precedes the votes.
const LATE: Duration = Duration::from_millis(1500);

/// How often the relays are started before the lab gives up.
const ATTEMPTS: u32 = 3;

/// Two rounds of votes, and time to fetch what came of them.
const CONSENSUS_PATIENCE: Duration = Duration::from_secs(30);

/// For each other step of the start, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// One relay's place and names.
#[derive(Debug)]
struct Relay {
    name: String,
    dir: PathBuf,
    or_port: u16,
    dir_port: u16,
    names: RelayNames,
}

/// The network's programs.
#[derive(Debug)]
pub(crate) struct TorNetwork {
    relays: Vec<Relay>,
    daemons: Vec<Daemon>,
    client: Daemon,
    service: Daemon,
    service_dir: PathBuf,
    stopped: bool,
}

/// Ports of the relays from a first one on.
pub(crate) fn relay_addresses(first_port: u16) -> Vec<SocketAddr> {
    (0..RELAYS)
        .map(|number| SocketAddr::from((Ipv4Addr::LOCALHOST, first_port + number)))
        .collect()
}

impl TorNetwork {
    /// Lays out keys and configuration, and writes the network file for Arti. Starts nothing.
    pub(crate) fn lay_out(info: &LabInfo, name_server: Ipv4Addr) -> Result<Self, LabError> {
        let names: Vec<_> = (0..info.relays.len())
            .map(|number| format!("relay{number}"))
            .collect();
        let keys = KeyStore::open(&names)?;
        let mut relays = Vec::new();
        for (name, address) in names.into_iter().zip(&info.relays) {
            let dir = info.dir.join(&name);
            let names = keys.hand_out(&name, &dir)?;
            write_file(&dir.join("resolv.conf"), &format!("nameserver {name_server}\n"))?;
            relays.push(Relay {
                name,
                dir,
                or_port: address.port(),
                dir_port: address.port() + 100,
                names,
            });
        }
        let mut daemons = Vec::new();
        for relay in &relays {
            daemons.push(tor(
                &relay.name,
                &relay.dir,
                &configuration::relay(relay, &relays),
            )?);
        }
        let (client_dir, service_dir) = (info.dir.join("client"), info.dir.join("service"));
        private_folder(&client_dir)?;
        private_folder(&service_dir)?;
        let client = tor(
            "client",
            &client_dir,
            &configuration::client(&client_dir, info, &relays),
        )?;
        let service = tor(
            "service",
            &service_dir,
            &configuration::service(&service_dir, info, &relays),
        )?;
        write_file(&info.network_file, &configuration::arti(&relays))?;
        Ok(Self {
            relays,
            daemons,
            client,
            service,
            service_dir,
            stopped: false,
        })
    }

    /// Starts the relays at a moment that lets all their descriptors precede the first vote, and
    /// waits for the first consensus. On a machine that is too busy a relay may miss that vote, and
    /// would be missing for minutes: then all begin anew.
    pub(crate) fn start_relays(&mut self) -> Result<(), LabError> {
        for _attempt in 1..ATTEMPTS {
            if self.try_to_start_relays()? {
                return Ok(());
            }
            self.daemons.iter_mut().try_for_each(Daemon::kill)?;
            self.relays.iter().try_for_each(|relay| forget(&relay.dir))?;
        }
        if self.try_to_start_relays()? {
            return Ok(());
        }
        Err(LabError::program(
            "the private Tor network",
            "this machine is too busy for all relays to be voted for",
        ))
    }

    /// False when the consensus lacks a relay, or does not come.
    fn try_to_start_relays(&mut self) -> Result<bool, LabError> {
        std::thread::sleep(until_aligned());
        for daemon in &mut self.daemons {
            daemon.start()?;
        }
        let relays = &self.relays;
        let waited = wait_until("the first consensus", CONSENSUS_PATIENCE, || {
            self.daemons.iter_mut().try_for_each(Daemon::must_run)?;
            Ok(relays.iter().all(|relay| relays_in_consensus(&relay.dir) > 0))
        });
        match waited {
            Ok(()) => Ok(relays
                .iter()
                .all(|relay| relays_in_consensus(&relay.dir) == relays.len())),
            Err(LabError::TooSlow { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Starts client and onion service, once there is a consensus: those that ask earlier wait for
    /// up to 20 seconds before they ask again. Gives the onion service's host name.
    pub(crate) fn start_ends(&mut self) -> Result<String, LabError> {
        self.service.start()?;
        self.client.start()?;
        let file = self.service_dir.join("onion/hostname");
        let mut name = String::new();
        wait_until("the onion service's name", PATIENCE, || {
            self.service.must_run()?;
            name = fs::read_to_string(&file).unwrap_or_default().trim().to_owned();
            Ok(name.ends_with(".onion"))
        })?;
        Ok(name)
    }

    /// Waits until client and onion service are of use.
    pub(crate) fn wait_for_ends(&mut self, client_dir: &Path, onion: &str) -> Result<(), LabError> {
        let log = client_dir.join("notice.log");
        wait_until("the Tor client", PATIENCE, || {
            self.client.must_run()?;
            Ok(fs::read_to_string(&log)
                .unwrap_or_default()
                .contains("Bootstrapped 100%"))
        })?;
        let name = onion.trim_end_matches(".onion");
        let question = format!("GETINFO hs/service/desc/id/{name}");
        wait_until("the onion service's descriptor", PATIENCE, || {
            self.service.must_run()?;
            let answer = control_port::ask(&self.service_socket(), &question);
            Ok(answer.is_ok_and(|answer| answer.contains("hs-descriptor")))
        })
    }

    /// Destroys every circuit that carries a stream to one of these ports.
    pub(crate) fn cut(&mut self, ports: &BTreeSet<u16>) -> Result<Cut, LabError> {
        let sockets = connections::sockets_to(ports)?;
        let mut cut = Cut {
            onion_circuits: self.close_rendezvous()?,
            ..Cut::default()
        };
        for (daemon, relay) in self.daemons.iter_mut().zip(&self.relays) {
            let Some(pid) = daemon.pid() else { continue };
            if !connections::holds_any(pid, &sockets) {
                continue;
            }
            // A relay's circuits cannot be closed from outside, but they end with its connections.
            // Its process must live: it holds onion service descriptors in memory only.
            let socket = relay.dir.join("control.sock");
            for disabled in [1, 0] {
                control_port::ask(&socket, &format!("SETCONF DisableNetwork={disabled}"))?;
            }
            wait_until("a relay to come back", PATIENCE, || {
                daemon.must_run()?;
                Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, relay.or_port)).is_ok())
            })?;
            cut.exits.push(relay.name.clone());
        }
        Ok(cut)
    }

    /// Stops the relays, or lets them go on.
    pub(crate) fn stop(&mut self, stop: bool) -> Result<(), LabError> {
        let signal = if stop { Signal::STOP } else { Signal::CONT };
        self.daemons.iter().try_for_each(|daemon| daemon.signal(signal))?;
        self.stopped = stop;
        Ok(())
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// All programs of the network.
    pub(crate) fn daemons(&mut self) -> impl Iterator<Item = &mut Daemon> {
        self.daemons
            .iter_mut()
            .chain([&mut self.client, &mut self.service])
    }

    fn close_rendezvous(&self) -> Result<usize, LabError> {
        let socket = self.service_socket();
        let status = control_port::ask(&socket, "GETINFO circuit-status")?;
        let circuits = control_port::rendezvous_circuits(&status);
        for id in &circuits {
            control_port::ask(&socket, &format!("CLOSECIRCUIT {id}"))?;
        }
        Ok(circuits.len())
    }

    fn service_socket(&self) -> PathBuf {
        self.service_dir.join("control.sock")
    }
}

/// How many relays the consensus in a data folder names; none when there is no consensus.
fn relays_in_consensus(dir: &Path) -> usize {
    let text = fs::read_to_string(dir.join("cached-microdesc-consensus")).unwrap_or_default();
    // The end of the file is its signatures: without them it is still being written.
    if !text.contains("\ndirectory-signature ") {
        return 0;
    }
    text.lines().filter(|line| line.starts_with("r ")).count()
}

/// Removes what a relay has learnt of the network, but not its keys and configuration.
fn forget(dir: &Path) -> Result<(), LabError> {
    const KEPT: [&str; 5] = [
        "keys",
        "fingerprint",
        "fingerprint-ed25519",
        "resolv.conf",
        "torrc",
    ];
    let doing = || format!("empty {}", dir.display());
    for entry in fs::read_dir(dir).map_err(LabError::io(doing()))?.flatten() {
        if KEPT.iter().any(|kept| entry.file_name() == *kept) {
            continue;
        }
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let removed = if is_folder {
            fs::remove_dir_all(entry.path())
        } else {
            fs::remove_file(entry.path())
        };
        removed.map_err(LabError::io(doing()))?;
    }
    Ok(())
}

fn tor(name: &str, dir: &Path, text: &str) -> Result<Daemon, LabError> {
    let file = dir.join("torrc");
    write_file(&file, text)?;
    let program = crate::packages::find("tor").ok_or(LabError::MissingPackages(vec!["tor"]))?;
    let arguments = ["--quiet".as_ref(), "-f".as_ref(), file.as_os_str()];
    Ok(Daemon::new(
        name,
        &program.to_string_lossy(),
        arguments,
        dir.join("out.log"),
    ))
}

/// How long to wait for the next good moment to start authorities.
fn until_aligned() -> Duration {
    let interval = Duration::from_secs(configuration::INITIAL_INTERVAL).as_millis();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis();
    let past = now % interval;
    if past <= LATE.as_millis() {
        return Duration::ZERO;
    }
    Duration::from_millis(u64::try_from(interval - past).unwrap_or_default() + 100)
}
