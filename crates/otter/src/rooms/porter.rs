//! The porter: carries out the gate's errands, one at a time. It opens Tor's sockets and cookies, and starts programs of
//! transports; what it opens at all is decided in `gate::errands`.
//! It must never do anything for a line that is no errand, nor say more of a failure than its kind.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, Stdio};
use std::sync::{Mutex, PoisonError};

use gate::errands::{Errand, Errands, Permissions, Program};
use walls::{Room, channel};

use super::{DOOR, enter};
use crate::arguments::PorterRoom;
use crate::say;

/// Programs that may run at once.
const MAX_PROGRAMS: usize = 8;
/// The words of an answer.
const DONE: &[u8] = b"done\n";
const ABSENT: &[u8] = b"absent\n";
const DENIED: &[u8] = b"denied\n";
const FAILED: &[u8] = b"failed\n";

/// The porter's room.
pub(crate) fn run(room: &PorterRoom) -> ExitCode {
    walls::close_inherited(&[DOOR]);
    let own: Vec<PathBuf> = std::env::current_exe().into_iter().collect();
    let beside = own
        .iter()
        .filter_map(|path| path.parent())
        .map(|folder| folder.join("transports"));
    let programs: Vec<PathBuf> = own.iter().cloned().chain(beside).collect();
    let walls = Room::Porter {
        state: &room.state,
        programs: &programs,
    };
    match enter(&walls, [DOOR]) {
        Ok((_, [door])) => {
            serve(&door, &room.state);
            ExitCode::SUCCESS
        }
        Err(problem) => say::wrong(&problem, 3),
    }
}

/// Until the gate is gone.
fn serve(door: &OwnedFd, state: &Path) {
    let permissions = Permissions::of_this_system();
    let mut programs: Vec<Child> = Vec::new();
    while let Ok((line, _)) = channel::receive_fd(door.as_fd()) {
        if line.is_empty() {
            return;
        }
        // Those that ended are done with here.
        programs.retain_mut(|program| matches!(program.try_wait(), Ok(None)));
        let done = carry_out(&line, &permissions, state, &mut programs);
        if answer(door, done).is_err() {
            return;
        }
    }
}

fn carry_out(
    line: &[u8],
    permissions: &Permissions,
    state: &Path,
    programs: &mut Vec<Child>,
) -> io::Result<OwnedFd> {
    let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
    match Errand::decode(line).ok_or_else(denied)? {
        Errand::Cookie(path) => permissions.cookie(&path).map(OwnedFd::from),
        Errand::Look(program) => {
            let path = program.find().ok_or(io::ErrorKind::NotFound)?;
            std::fs::File::open(path).map(OwnedFd::from)
        }
        Errand::Socket(path) => permissions.socket(&path).map(OwnedFd::from),
        Errand::Transport(program) => {
            if programs.len() >= MAX_PROGRAMS {
                return Err(denied());
            }
            let (ours, child) = launch(program, state)?;
            programs.push(child);
            Ok(ours)
        }
    }
}

/// Starts this program as the launcher, which locks itself and becomes the transport.
fn launch(program: Program, state: &Path) -> io::Result<(OwnedFd, Child)> {
    program.find().ok_or(io::ErrorKind::NotFound)?;
    let own = std::env::current_exe()?;
    let arguments: [OsString; 6] = [
        "transport".into(),
        "--room".into(),
        "--profile".into(),
        state.into(),
        "--program".into(),
        program.file_name().into(),
    ];
    let (ours, theirs) = channel::pair()?;
    let copy = theirs.try_clone()?;
    let child = channel::spawn(&own, &arguments, &[], Stdio::from(theirs), Stdio::from(copy))?;
    Ok((ours, child))
}

fn answer(door: &OwnedFd, done: io::Result<OwnedFd>) -> io::Result<()> {
    let word = match done {
        Ok(fd) => return channel::send_fd(door.as_fd(), fd.as_fd(), DONE),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ABSENT,
            io::ErrorKind::PermissionDenied => DENIED,
            _ => FAILED,
        },
    };
    UnixStream::from(door.try_clone()?).write_all(word)
}

/// The gate's end.
pub(super) struct Porter {
    channel: Mutex<UnixStream>,
}

impl Porter {
    pub(super) fn new(channel: OwnedFd) -> Porter {
        Porter {
            channel: Mutex::new(UnixStream::from(channel)),
        }
    }
}

impl Errands for Porter {
    fn carry_out(&self, errand: &Errand) -> io::Result<OwnedFd> {
        let mut channel = self.channel.lock().unwrap_or_else(PoisonError::into_inner);
        channel.write_all(&errand.encode())?;
        match channel::receive_fd(channel.as_fd())? {
            (word, Some(fd)) if word == DONE => Ok(fd),
            (word, None) if word == ABSENT => Err(io::ErrorKind::NotFound.into()),
            (word, None) if word == DENIED => Err(io::ErrorKind::PermissionDenied.into()),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}
