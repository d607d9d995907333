//! What a test needs to know of the running lab: the file `lab.json`, found through `OTTER_LAB`.
//! Never holds anything that is worth keeping: all of it ends with the lab.
//! No standard applies; the fields are this crate's own and are only ever added to.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Control, LabError};

/// The environment variable that holds the path of `lab.json`.
pub const LAB_VARIABLE: &str = "OTTER_LAB";

/// The name that only the private exits resolve, and the first virtual host of the server.
pub const DOMAIN: &str = "chat.otter.test";

/// Ports on 127.0.0.1, seen from inside the lab. The first three and the last two have the same
/// number on the onion service, but for the plain one (see [`LabInfo::onion_plain_port`]).
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Ports {
    /// XMPP with STARTTLS (RFC 6120 5).
    pub xmpp: u16,
    /// XMPP with TLS from the first byte (XEP-0368).
    pub xmpp_tls: u16,
    /// XMPP that demands no TLS of accounts at the onion host.
    pub xmpp_plain: u16,
    /// A TCP server of the lab that sends back what it gets.
    pub echo: u16,
    /// Nothing listens here: a test may, and is then reachable by name and by onion service.
    pub spare: u16,
}

/// Everything about the lab that its users need.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LabInfo {
    /// The lab's folder.
    pub dir: PathBuf,
    /// The lab's program, for `ctl`.
    pub program: PathBuf,
    /// True when the lab has its own network and process namespaces; false on plain loopback.
    pub isolated: bool,
    /// TOML for `arti_client::config::TorClientConfigBuilder`: the private network.
    pub network_file: PathBuf,
    /// [`DOMAIN`]: has A and SRV records in the lab's name server, and SCRAM-SHA-256 accounts.
    pub domain: String,
    /// The onion service's host name, with `.onion`; also a virtual host, with SCRAM-SHA-1
    /// accounts and without TLS.
    pub onion: String,
    /// Ports on loopback.
    pub ports: Ports,
    /// The onion service's port for [`Ports::xmpp_plain`].
    pub onion_plain_port: u16,
    /// SHA-256 of the server certificate's SubjectPublicKeyInfo, 64 lower-case hex digits.
    pub spki_sha256: String,
    /// SOCKS port of the C Tor client.
    pub socks: SocketAddr,
    /// SOCKS socket of the C Tor client.
    pub socks_socket: PathBuf,
    /// Control port of the C Tor client (cookie authentication).
    pub tor_control: SocketAddr,
    /// Onion-routing addresses of the private relays: all that a gate may speak to.
    pub relays: Vec<SocketAddr>,
    /// The OTR peer built on libotr.
    pub otr_peer: PathBuf,
    /// JSON lines of every message that crossed the server.
    pub wiretap: PathBuf,
    /// The server's log.
    pub xmpp_log: PathBuf,
    /// The control socket, for [`Control`].
    pub control: PathBuf,
    /// Variables that the lab sets for its command, and that programs in it must be given.
    pub env: BTreeMap<String, String>,
}

/// The running lab, as a test inside it sees it.
#[derive(Clone, Debug)]
pub struct Lab {
    info: LabInfo,
}

/// A test's turn in the lab; ends when it is dropped.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "held for its lock, which ends with it")] File);

impl Lab {
    /// Finds the lab that this process runs in.
    ///
    /// # Errors
    /// [`LabError::Input`] outside a lab, and when `lab.json` cannot be read.
    pub fn find() -> Result<Self, LabError> {
        let Some(path) = std::env::var_os(LAB_VARIABLE) else {
            return Err(LabError::Input(format!(
                "{LAB_VARIABLE} is not set: this must run inside the lab, as `otter-lab-net run -- COMMAND`"
            )));
        };
        Self::open(Path::new(&path))
    }

    /// Reads a `lab.json`.
    ///
    /// # Errors
    /// [`LabError::Io`] when the file cannot be read, [`LabError::Input`] when it is no `lab.json`.
    pub fn open(file: &Path) -> Result<Self, LabError> {
        let text = fs::read_to_string(file).map_err(LabError::io(format!("read {}", file.display())))?;
        let info = serde_json::from_str(&text)
            .map_err(|error| LabError::Input(format!("{} is no lab.json: {error}", file.display())))?;
        Ok(Self { info })
    }

    /// What the lab says of itself.
    #[must_use]
    pub fn info(&self) -> &LabInfo {
        &self.info
    }

    /// A client of the lab's control socket.
    #[must_use]
    pub fn control(&self) -> Control {
        Control::new(self.info.control.clone())
    }

    /// Waits for a turn beside other tests that disturb nothing.
    ///
    /// # Errors
    /// [`LabError::Io`] when the lock file cannot be used.
    pub fn share(&self) -> Result<Turn, LabError> {
        let file = self.turn_file()?;
        file.lock_shared()
            .map_err(LabError::io("wait for a shared turn in the lab"))?;
        Ok(Turn(file))
    }

    /// Waits for a turn alone: for tests that kill servers or cut circuits.
    ///
    /// # Errors
    /// [`LabError::Io`] when the lock file cannot be used.
    pub fn alone(&self) -> Result<Turn, LabError> {
        let file = self.turn_file()?;
        file.lock()
            .map_err(LabError::io("wait for a turn alone in the lab"))?;
        Ok(Turn(file))
    }

    fn turn_file(&self) -> Result<File, LabError> {
        let path = self.info.dir.join("turn");
        File::create(&path).map_err(LabError::io(format!("open {}", path.display())))
    }
}
