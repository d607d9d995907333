//! Kernel walls around a process of ours: what a room is allowed to do, and the self-test that shows it.
//! It must never report a wall that does not stand, and never go on without seccomp in a room that needs it.
//! Standards: seccomp(2), landlock(7), network_namespaces(7), prctl(2); each room's rules stand at [`Room`].
//!
//! # Order in a room's `main`
//! [`close_inherited`], then [`channel::inherited`], then [`lock`], all before any thread, runtime or library
//! is started. Sockets opened before the lock would outlive it.
//!
//! # Other systems than Linux
//! [`lock`] reports every wall as missing, with the reason; nothing pretends.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

#[cfg(unix)]
pub mod channel;
pub mod check;
#[cfg(target_os = "linux")]
mod linux;
mod locked;
#[cfg(not(target_os = "linux"))]
mod unsupported;
mod wiping;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use unsupported as system;

#[cfg(unix)]
pub use channel::close_inherited;
pub use wiping::Wiping;

/// The process that is to be locked, with the paths that it may use.
///
/// Paths must exist when [`lock`] is called; a folder counts with everything beneath it.
#[derive(Clone, Copy, Debug)]
pub enum Room<'a> {
    /// Starts the others: no core file, not readable by other processes; may start programs.
    Supervisor,
    /// Accounts, OTR, vault: no socket of any family but socket pairs, no program, its profile folder only.
    Engine {
        /// The profile folder: read and write.
        profile: &'a Path,
    },
    /// Tor: TCP connections outward, no UDP, no listening, no program, its state folder only. The list of users
    /// is out of reach too, so that nothing in there can learn the person's name. Arti asks for it once in a
    /// process and keeps the answer: make and drop a `TorClientConfig::default()` before the lock, or it panics.
    Gate {
        /// The state folder of Tor: read and write.
        state: &'a Path,
        /// Files or folders that may be read besides, such as the file of a private network.
        read: &'a [PathBuf],
    },
    /// Runs errands for the gate: opens Tor's sockets and cookies, starts programs of transports. It may read any file
    /// (a Tor may keep its cookie anywhere) and start programs that are installed; it may write nowhere but in its
    /// folder. Its walls are those of the transports as well, so they leave room for TCP and UDP; it uses neither.
    Porter {
        /// The folder of the transports: read and write.
        state: &'a Path,
        /// Folders or files besides the system's from which programs may be started: this program's own.
        programs: &'a [PathBuf],
    },
    /// A pluggable transport: the one program that it becomes, TCP, its own folder.
    Transport {
        /// The program that is started next, in the place of this one.
        program: &'a Path,
        /// The folder of the transports: read and write.
        state: &'a Path,
        /// UDP as well, and the list of network interfaces: what WebRTC needs.
        datagrams: bool,
    },
    /// The screen: sockets of the family `AF_UNIX` only, no program.
    Window,
}

impl Room<'_> {
    /// The room's name in reports: `supervisor`, `engine`, `gate`, `porter`, `transport` or `window`.
    pub fn name(&self) -> &'static str {
        match self {
            Room::Supervisor => "supervisor",
            Room::Engine { .. } => "engine",
            Room::Gate { .. } => "gate",
            Room::Porter { .. } => "porter",
            Room::Transport { .. } => "transport",
            Room::Window => "window",
        }
    }
}

/// One kind of wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Wall {
    /// Daemons of the system that resolve names or act for whoever asks are out of sight: the folders of their sockets are
    /// covered (mount_namespaces(7)). Only the window has need of it, as no other room may open a socket by its path.
    #[serde(rename = "mount namespace")]
    Daemons,
    /// Files outside the room's own folders are out of reach (landlock(7)).
    #[serde(rename = "landlock")]
    Landlock,
    /// The room sees no network interface (network_namespaces(7)).
    #[serde(rename = "network namespace")]
    NetworkNamespace,
    /// The process writes no core file (`RLIMIT_CORE`).
    #[serde(rename = "no core")]
    NoCore,
    /// Other processes of the same user cannot read its memory (`PR_SET_DUMPABLE`).
    #[serde(rename = "no dump")]
    NoDump,
    /// Keys, passwords and short texts are not swapped out (mlock2(2)), as far as the system lets a program lock
    /// memory: the remark tells how much. Engine and window have it.
    #[serde(rename = "no swap")]
    NoSwap,
    /// System calls that the room does not need are refused (seccomp(2)).
    #[serde(rename = "seccomp")]
    Seccomp,
    /// What a room needs only until it has started is refused as well (seccomp(2), a second filter).
    #[serde(rename = "second filter")]
    Settled,
}

impl Wall {
    /// The wall's name as reports print it, such as `network namespace`.
    pub fn name(self) -> &'static str {
        match self {
            Wall::Daemons => "mount namespace",
            Wall::Landlock => "landlock",
            Wall::NetworkNamespace => "network namespace",
            Wall::NoCore => "no core",
            Wall::NoDump => "no dump",
            Wall::NoSwap => "no swap",
            Wall::Seccomp => "seccomp",
            Wall::Settled => "second filter",
        }
    }
}

/// Whether one wall stands, and what is to be known about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WallState {
    /// Which wall.
    pub wall: Wall,
    /// `true` if the kernel enforces it now.
    pub up: bool,
    /// Why it is missing, or what an older kernel leaves out of it. A sentence for a person, without names of
    /// files or people.
    pub why: Option<String>,
}

/// What [`lock`] built. A wall that the room is not meant to have is not listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// One entry a wall, in the order in which they were built.
    pub walls: Vec<WallState>,
}

impl Report {
    /// Whether `wall` is listed and stands.
    pub fn stands(&self, wall: Wall) -> bool {
        self.walls.iter().any(|state| state.wall == wall && state.up)
    }

    fn note(&mut self, wall: Wall, built: Result<Option<String>, String>) {
        let (up, why) = match built {
            Ok(remark) => (true, remark),
            Err(reason) => (false, Some(reason)),
        };
        self.walls.push(WallState { wall, up, why });
    }
}

/// Why a room could not be locked. The process must end: it is partly locked and not safe to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockError {
    /// Capabilities could not be dropped, or gaining privileges by starting a program could not be ruled out.
    Privileges(std::io::ErrorKind),
    /// A folder or file that the room was to be left with cannot be opened.
    Path(std::io::ErrorKind),
    /// The system refused the seccomp filters, or it has none.
    Seccomp,
    /// Other threads run already (they would stay outside the walls), or `/proc` does not tell.
    Threads,
}

impl LockError {
    /// A stable code for programs, such as `walls.seccomp`.
    pub fn code(self) -> &'static str {
        match self {
            LockError::Path(_) => "walls.path",
            LockError::Privileges(_) => "walls.privileges",
            LockError::Seccomp => "walls.seccomp",
            LockError::Threads => "walls.threads",
        }
    }
}

impl std::fmt::Display for LockError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LockError::Path(kind) => {
                write!(f, "A folder that this part of the program needs cannot be opened ({kind}). Check that it exists and is yours.")
            }
            LockError::Privileges(kind) => {
                write!(f, "This system did not let the program give up its privileges ({kind}), so it stopped.")
            }
            LockError::Seccomp => f.write_str(
                "This system refuses the seccomp filter that keeps the program from the network, so it stopped. \
                 A kernel with CONFIG_SECCOMP_FILTER is needed.",
            ),
            LockError::Threads => f.write_str(
                "The program could not lock itself because other threads were running already, or because /proc \
                 is missing.",
            ),
        }
    }
}

impl std::error::Error for LockError {}

/// Builds the walls of `room` around this process, for good.
///
/// To be called once, first thing in `main`, with a single thread. Seccomp in a room with a filter is a must;
/// Landlock and the network namespace are built where the kernel has them, and the report tells.
///
/// # Errors
/// [`LockError`]; the caller must then end the process.
pub fn lock(room: &Room<'_>) -> Result<Report, LockError> {
    system::lock(room)
}

/// Refuses what a locked room needed only for its start: from now on it cannot show its memory again, outlive its parent,
/// become another user or build walls of its own; the engine cannot make channels either. Binds all threads, for good.
/// Sockets, programs and files outside its folder are refused since [`lock`] already.
///
/// To be called once, when all channels and runtimes are made; `report` is what [`lock`] gave, and is added to.
///
/// # Errors
/// [`LockError::Seccomp`]; the caller must then end the process.
pub fn settle(room: &Room<'_>, report: &mut Report) -> Result<(), LockError> {
    system::settle(room, report)
}
