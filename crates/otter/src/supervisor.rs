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

/// How long an engine may say goodbye to its servers after its window is gone.
const GOODBYE: Duration = Duration::from_secs(10);
/// The window's exit code that asks for everything to be started anew.
pub(crate) const AGAIN: u8 = 75;

/// Who is at the engine's door 1.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Front {
    /// Whoever started the program, on its standard input and output.
    Standard,
    /// A window.
    Window,
}

/// What a room's end is told by: its exit code, where it was not killed.
enum Ended {
    Engine(Option<i32>),
    Gate,
    Window(Option<i32>),
}

/// What follows the end of the rooms.
enum After {
    Again,
    End(ExitCode),
}

/// The rooms' folders, made private to their owner.
struct Folders {
    profile: PathBuf,
    tor: PathBuf,
    transports: PathBuf,
}

/// Runs the rooms until the engine or its window ends; the engine's code is ours.
pub(crate) fn run(options: &Options, front: Front) -> ExitCode {
    if let Err(error) = walls::lock(&walls::Room::Supervisor) {
        return say::wrong(&Problem::new(error.code(), error.to_string()), 3);
    }
    loop {
        match supervise(options, front) {
            Ok(After::Again) => {}
            Ok(After::End(code)) => return code,
            Err(problem) => return say::wrong(&problem, 3),
        }
    }
}

fn supervise(options: &Options, front: Front) -> Result<After, Problem> {
    let (ended, ends) = mpsc::channel();
    let (control, engine_control) = pair()?;
    let mut rooms = Rooms {
        program: std::env::current_exe().map_err(|error| problem("otter.no_program", &error))?,
        folders: folders(&options.folder)?,
        tor: &options.tor,
        control,
        ended,
        started: Instant::now(),
        pause: Duration::ZERO,
    };
    let door = rooms.start_gate()?;
    let (stdin, stdout) = match front {
        Front::Standard => (Stdio::inherit(), Stdio::inherit()),
        Front::Window => rooms.start_window()?,
    };
    rooms.start_engine([door, engine_control], stdin, stdout)?;
    rooms.follow(front, &ends)
}

/// The rooms that run, and what is needed to start them again.
struct Rooms<'a> {
    program: PathBuf,
    folders: Folders,
    tor: &'a Tor,
    /// Where the engine is handed the channel to a new gate.
    control: OwnedFd,
    ended: mpsc::Sender<Ended>,
    /// When the last gate was started.
    started: Instant,
    /// What the last gate waited for before it was started.
    pause: Duration,
}

impl Rooms<'_> {
    /// Starts gates that end anew, until the program is to end or to begin again.
    fn follow(&mut self, front: Front, ends: &mpsc::Receiver<Ended>) -> Result<After, Problem> {
        let begun = Instant::now();
        let mut engine = None;
        let mut gate_due: Option<Instant> = None;
        loop {
            let wait = gate_due.map_or(Duration::MAX, |due| due.saturating_duration_since(Instant::now()));
            match ends.recv_timeout(wait) {
                Ok(Ended::Engine(code)) if front == Front::Standard => {
                    return Ok(After::End(exit_code(code)));
                }
                // The window tells the person, who decides what follows.
                Ok(Ended::Engine(code)) => engine = Some(code),
                Ok(Ended::Window(code)) => return Ok(after_window(code, begun, engine, ends)),
                Ok(Ended::Gate) if engine.is_none() => {
                    self.pause = if self.started.elapsed() > HEALTHY {
                        Duration::ZERO
                    } else {
                        longer(self.pause)
                    };
                    gate_due = Some(Instant::now() + self.pause);
                }
                Ok(Ended::Gate) => {}
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    gate_due = None;
                    if engine.is_none() {
                        let door = self.start_gate()?;
                        // Where the engine is gone already its end is the next thing told.
                        let _ = channel::send_fd(self.control.as_fd(), door.as_fd(), b"gate\n");
                    }
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(After::End(ExitCode::FAILURE)),
            }
        }
    }

    fn start_engine(
        &self,
        [door, control]: [OwnedFd; 2],
        stdin: Stdio,
        stdout: Stdio,
    ) -> Result<(), Problem> {
        let mut arguments: Vec<OsString> = vec![
            "engine".into(),
            "--room".into(),
            "--profile".into(),
            self.folders.profile.clone().into(),
        ];
        arguments.extend(self.tor.arguments());
        let fds = [(door, rooms::DOOR), (control, rooms::CONTROL)];
        let engine = channel::spawn(&self.program, &arguments, &fds, stdin, stdout)
            .map_err(|error| problem("otter.no_engine", &error))?;
        self.watch(engine, Ended::Engine);
        Ok(())
    }

    /// Starts a gate and its porter, which ends with it; the engine's end of the channel to the gate.
    fn start_gate(&mut self) -> Result<OwnedFd, Problem> {
        let (engine_door, gate_door) = pair()?;
        let (errands, porter_door) = pair()?;
        let room = |name: &str, folder: &Path| -> Vec<OsString> {
            vec![name.into(), "--room".into(), "--profile".into(), folder.into()]
        };
        let start = |arguments: &[OsString], fds: &[(OwnedFd, i32)]| {
            channel::spawn(&self.program, arguments, fds, Stdio::null(), Stdio::null())
                .map_err(|error| problem("otter.no_gate", &error))
        };
        let porter = start(
            &room("porter", &self.folders.transports),
            &[(porter_door, rooms::DOOR)],
        )?;
        // Nobody waits for it but the system, which has to be told of its end.
        std::thread::spawn(move || {
            let mut porter = porter;
            let _ = porter.wait();
        });
        let mut arguments = room("gate", &self.folders.tor);
        arguments.extend(self.tor.arguments());
        let gate = start(&arguments, &[(gate_door, rooms::DOOR), (errands, rooms::PORTER)])?;
        self.started = Instant::now();
        self.watch(gate, |_| Ended::Gate);
        Ok(engine_door)
    }

    /// Starts the window; the engine's standard input and output, which lead to it.
    fn start_window(&self) -> Result<(Stdio, Stdio), Problem> {
        let (engine_door, window_door) = pair()?;
        let arguments: [OsString; 2] = ["window".into(), "--room".into()];
        let window = channel::spawn(
            &self.program,
            &arguments,
            &[(window_door, rooms::DOOR)],
            Stdio::null(),
            Stdio::null(),
        )
        .map_err(|error| problem("otter.no_window", &error))?;
        self.watch(window, Ended::Window);
        let output = engine_door
            .try_clone()
            .map_err(|error| problem("otter.no_channel", &error))?;
        Ok((engine_door.into(), output.into()))
    }

    /// Waits for a room's end on a thread of its own.
    fn watch(&self, child: Child, told: impl FnOnce(Option<i32>) -> Ended + Send + 'static) {
        let (mut child, ended) = (child, self.ended.clone());
        std::thread::spawn(move || {
            let code = child.wait().ok().and_then(|status| status.code());
            // The supervisor is gone only when the program ends.
            let _ = ended.send(told(code));
        });
    }
}

/// What follows the window's end. The engine's input ends with it: it says goodbye to its servers and ends too.
fn after_window(
    code: Option<i32>,
    begun: Instant,
    engine: Option<Option<i32>>,
    ends: &mpsc::Receiver<Ended>,
) -> After {
    let deadline = Instant::now() + GOODBYE;
    let mut engine = engine;
    while engine.is_none() {
        match ends.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Ended::Engine(code)) => engine = Some(code),
            Ok(_) => {}
            // Whatever still runs is killed with this process.
            Err(_) => return After::End(ExitCode::FAILURE),
        }
    }
    match code {
        Some(0) => After::End(engine.map_or(ExitCode::FAILURE, exit_code)),
        Some(code) if code == i32::from(AGAIN) => After::Again,
        // A window that could not even start would come back for ever.
        _ if begun.elapsed() > HEALTHY => After::Again,
        code => After::End(exit_code(code)),
    }
}

fn pair() -> Result<(OwnedFd, OwnedFd), Problem> {
    channel::pair().map_err(|error| problem("otter.no_channel", &error))
}

/// Half a second, then twice as long each time.
fn longer(pause: Duration) -> Duration {
    (pause * 2).clamp(Duration::from_millis(500), LONGEST_PAUSE)
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
