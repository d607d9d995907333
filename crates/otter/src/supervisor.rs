//! Starts the rooms, hands them their channels, and starts a gate again that ended.
//! It parses nothing, talks to nobody, and ends with the engine; the rooms end with it.

use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use model::Problem;
use walls::channel;

use crate::arguments::{Options, Tor};
use crate::{rooms, say};

/// A gate that ran for so long did not fail at its start.
const HEALTHY: Duration = Duration::from_secs(20);
/// The longest pause before a gate is started again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What a room's end is told by.
enum Ended {
    Engine(Option<i32>),
    Gate,
}

/// The rooms' folders, made private to their owner.
struct Folders {
    profile: PathBuf,
    tor: PathBuf,
    transports: PathBuf,
}

/// Runs engine and gate until the engine ends; its code is ours.
pub(crate) fn run(options: &Options) -> ExitCode {
    if let Err(error) = walls::lock(&walls::Room::Supervisor) {
        return say::wrong(&Problem::new(error.code(), error.to_string()), 3);
    }
    match supervise(options) {
        Ok(code) => code,
        Err(problem) => say::wrong(&problem, 3),
    }
}

fn supervise(options: &Options) -> Result<ExitCode, Problem> {
    let program = std::env::current_exe().map_err(|error| problem("otter.no_program", &error))?;
    let folders = folders(&options.folder)?;
    let (ended, ends) = mpsc::channel();
    let (engine_door, gate_door) = channel::pair().map_err(|error| problem("otter.no_channel", &error))?;
    let (control, engine_control) = channel::pair().map_err(|error| problem("otter.no_channel", &error))?;
    let engine = start_engine(&program, &folders.profile, [engine_door, engine_control])?;
    watch(engine, ended.clone(), Ended::Engine);
    let gate = start_gate(&program, &folders, &options.tor, gate_door)?;
    watch(gate, ended.clone(), |_| Ended::Gate);
    let mut started = Instant::now();
    let mut pause = Duration::ZERO;
    loop {
        match ends.recv() {
            Ok(Ended::Engine(code)) => return Ok(exit_code(code)),
            Ok(Ended::Gate) => {
                pause = if started.elapsed() > HEALTHY {
                    Duration::ZERO
                } else {
                    longer(pause)
                };
                // An engine that ends in the meantime is seen right after.
                if let Ok(Ended::Engine(code)) = ends.recv_timeout(pause) {
                    return Ok(exit_code(code));
                }
                started = Instant::now();
                let (engine_door, gate_door) =
                    channel::pair().map_err(|error| problem("otter.no_channel", &error))?;
                let gate = start_gate(&program, &folders, &options.tor, gate_door)?;
                watch(gate, ended.clone(), |_| Ended::Gate);
                // Where the engine is gone already its end is the next thing told.
                let _ = channel::send_fd(control.as_fd(), engine_door.as_fd(), b"gate\n");
            }
            Err(mpsc::RecvError) => return Ok(ExitCode::FAILURE),
        }
    }
}

/// Half a second, then twice as long each time.
fn longer(pause: Duration) -> Duration {
    (pause * 2).clamp(Duration::from_millis(500), LONGEST_PAUSE)
}

fn start_engine(program: &Path, profile: &Path, [door, control]: [OwnedFd; 2]) -> Result<Child, Problem> {
    let arguments: [OsString; 4] = [
        "engine".into(),
        "--room".into(),
        "--profile".into(),
        profile.into(),
    ];
    let fds = [(door, rooms::DOOR), (control, rooms::CONTROL)];
    channel::spawn(program, &arguments, &fds, Stdio::inherit(), Stdio::inherit())
        .map_err(|error| problem("otter.no_engine", &error))
}

/// Starts a gate and its porter, which ends with it.
fn start_gate(program: &Path, folders: &Folders, tor: &Tor, door: OwnedFd) -> Result<Child, Problem> {
    let (errands, porter_door) = channel::pair().map_err(|error| problem("otter.no_channel", &error))?;
    let room = |name: &str, folder: &Path| -> Vec<OsString> {
        vec![name.into(), "--room".into(), "--profile".into(), folder.into()]
    };
    let start = |arguments: &[OsString], fds: &[(OwnedFd, i32)]| {
        channel::spawn(program, arguments, fds, Stdio::null(), Stdio::null())
            .map_err(|error| problem("otter.no_gate", &error))
    };
    let porter = start(
        &room("porter", &folders.transports),
        &[(porter_door, rooms::DOOR)],
    )?;
    // Nobody waits for it but the system, which has to be told of its end.
    std::thread::spawn(move || {
        let mut porter = porter;
        let _ = porter.wait();
    });
    let mut arguments = room("gate", &folders.tor);
    arguments.extend(tor.arguments());
    start(&arguments, &[(door, rooms::DOOR), (errands, rooms::PORTER)])
}

/// Waits for a room's end on a thread of its own.
fn watch(child: Child, ended: mpsc::Sender<Ended>, told: impl FnOnce(Option<i32>) -> Ended + Send + 'static) {
    let mut child = child;
    std::thread::spawn(move || {
        let code = child.wait().ok().and_then(|status| status.code());
        // The supervisor is gone only when the program ends.
        let _ = ended.send(told(code));
    });
}

fn exit_code(code: Option<i32>) -> ExitCode {
    // A room that was killed has no code of its own.
    code.and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::from(101), ExitCode::from)
}

fn folders(folder: &Path) -> Result<Folders, Problem> {
    let folders = Folders {
        profile: folder.join("profile"),
        tor: folder.join("tor"),
        transports: folder.join("transports"),
    };
    for path in [folder, &folders.profile, &folders.tor, &folders.transports] {
        private_folder(path).map_err(|error| problem("otter.no_folder", &error))?;
    }
    let absolute = |path: &Path| {
        path.canonicalize()
            .map_err(|error| problem("otter.no_folder", &error))
    };
    Ok(Folders {
        profile: absolute(&folders.profile)?,
        tor: absolute(&folders.tor)?,
        transports: absolute(&folders.transports)?,
    })
}

/// Makes a folder that only its owner can enter, if it is not there yet.
pub(crate) fn private_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

fn problem(code: &str, error: &std::io::Error) -> Problem {
    let what = match code {
        "otter.no_folder" => "The profile's folder cannot be made or used",
        "otter.no_channel" => "The rooms' channels cannot be made",
        "otter.no_program" => "The program cannot find its own file",
        _ => "A part of the program cannot be started",
    };
    Problem::new(code, format!("{what}: {error}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_that_fails_at_once_is_started_ever_more_rarely() {
        let mut pause = Duration::ZERO;
        let pauses: Vec<_> = std::iter::repeat_with(|| {
            pause = longer(pause);
            pause.as_millis()
        })
        .take(8)
        .collect();
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
    }
}
