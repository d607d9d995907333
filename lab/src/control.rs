//! The lab's control socket: one JSON line in, one JSON line out, and the connection is over.
//! Never reachable from outside the lab: a Unix socket in the lab's own folder.
//! No standard applies.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::LabError;

/// The longest that a control request may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// What can be asked of the running lab.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Lets stopped relays go on.
    ContTor,
    /// Destroys every circuit that carries a stream to the server.
    CutCircuits,
    /// Kills the server with SIGKILL.
    KillXmpp,
    /// Makes an account on the server.
    Register {
        /// The part before the `@`.
        user: String,
        /// The password.
        password: String,
        /// The virtual host; [`crate::DOMAIN`] when absent.
        host: Option<String>,
    },
    /// Starts the server and waits until its ports answer. Does nothing when it runs.
    StartXmpp,
    /// Tells what runs.
    Status,
    /// Stops every relay with SIGSTOP: a network that stalls without a word.
    StopTor,
    /// Tells where the wiretap is.
    WiretapPath,
}

/// What `CutCircuits` cut.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Cut {
    /// Exits that carried streams to the server, and dropped every connection that they had.
    pub exits: Vec<String>,
    /// Rendezvous circuits of the onion service that were closed.
    pub onion_circuits: usize,
}

/// What runs in the lab.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Programs of the lab that run, by name.
    pub running: Vec<String>,
    /// Programs of the lab that do not.
    pub ended: Vec<String>,
    /// True between `StopTor` and `ContTor`.
    pub tor_stopped: bool,
}

/// The lab's answer.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// To `CutCircuits`.
    Cut(Cut),
    /// It is done.
    Done,
    /// It could not be done, and why.
    Error(String),
    /// To `Status`.
    Status(Status),
    /// To `WiretapPath`.
    WiretapPath(PathBuf),
}

/// A client of the control socket.
#[derive(Clone, Debug)]
pub struct Control {
    socket: PathBuf,
}

impl Control {
    /// A client of the socket at this path; connects with each request.
    #[must_use]
    pub fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// Sends one request and waits for its answer, at most 90 seconds.
    ///
    /// # Errors
    /// [`LabError::Io`] when the lab is not there, [`LabError::Answer`] when it says no.
    pub fn ask(&self, request: &Request) -> Result<Reply, LabError> {
        let doing = || format!("ask the lab at {}", self.socket.display());
        let mut line = serde_json::to_string(request)
            .map_err(|error| LabError::Input(format!("this cannot be asked of the lab: {error}")))?;
        line.push('\n');
        let mut stream = UnixStream::connect(&self.socket).map_err(LabError::io(doing()))?;
        stream
            .set_read_timeout(Some(PATIENCE))
            .map_err(LabError::io(doing()))?;
        stream.write_all(line.as_bytes()).map_err(LabError::io(doing()))?;
        let mut answer = String::new();
        BufReader::new(stream)
            .read_line(&mut answer)
            .map_err(LabError::io(doing()))?;
        match serde_json::from_str(&answer) {
            Ok(Reply::Error(text)) => Err(LabError::Answer(text)),
            Ok(reply) => Ok(reply),
            Err(error) => Err(LabError::Answer(format!(
                "the lab answered in an unknown way: {error}"
            ))),
        }
    }

    /// Kills the server; its accounts and stored messages stay.
    ///
    /// # Errors
    /// As [`Control::ask`].
    pub fn kill_xmpp(&self) -> Result<(), LabError> {
        self.ask(&Request::KillXmpp).map(drop)
    }

    /// Starts the server again and waits until it answers.
    ///
    /// # Errors
    /// As [`Control::ask`].
    pub fn start_xmpp(&self) -> Result<(), LabError> {
        self.ask(&Request::StartXmpp).map(drop)
    }

    /// Makes an account on `host`, or on [`crate::DOMAIN`].
    ///
    /// # Errors
    /// As [`Control::ask`].
    pub fn register(&self, user: &str, password: &str, host: Option<&str>) -> Result<(), LabError> {
        let (user, password) = (user.to_owned(), password.to_owned());
        self.ask(&Request::Register {
            user,
            password,
            host: host.map(str::to_owned),
        })
        .map(drop)
    }

    /// Destroys every circuit that carries a stream to the server and says which; an empty answer
    /// means that there was none. Clients mostly see it at once, sometimes only after seconds.
    ///
    /// # Errors
    /// As [`Control::ask`].
    pub fn cut_circuits(&self) -> Result<Cut, LabError> {
        match self.ask(&Request::CutCircuits)? {
            Reply::Cut(cut) => Ok(cut),
            other => Err(unexpected(&other)),
        }
    }

    /// Stops every relay (SIGSTOP), so that streams stall without being closed.
    ///
    /// # Errors
    /// As [`Control::ask`].
    pub fn stop_tor(&self) -> Result<(), LabError> {
        self.ask(&Request::StopTor).map(drop)
    }

    /// Lets stopped relays go on.
    ///
    /// # Errors
    /// As [`Control::ask`].
    pub fn cont_tor(&self) -> Result<(), LabError> {
        self.ask(&Request::ContTor).map(drop)
    }

    /// What runs.
    ///
    /// # Errors
    /// As [`Control::ask`].
    pub fn status(&self) -> Result<Status, LabError> {
        match self.ask(&Request::Status)? {
            Reply::Status(status) => Ok(status),
            other => Err(unexpected(&other)),
        }
    }
}

fn unexpected(reply: &Reply) -> LabError {
    LabError::Answer(format!("the lab answered another question: {reply:?}"))
}
