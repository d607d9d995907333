//! The lab's programs as child processes that cannot outlive it.
//! Never starts a program from a thread that may end first: Linux sends the death signal when the
//! parent *thread* ends (prctl(2), `PR_SET_PDEATHSIG`), so all starts happen on the main thread.

use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getppid, kill_process, set_parent_process_death_signal};

use crate::LabError;

/// The hidden subcommand that binds a program to the life of its parent and becomes it.
pub const BOUND: &str = "bound";

/// How often a wait looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(30);

/// A long-running program of the lab.
#[derive(Debug)]
pub(crate) struct Daemon {
    name: String,
    program: OsString,
    arguments: Vec<OsString>,
    log: PathBuf,
    child: Option<Child>,
}

impl Daemon {
    /// Describes a program; starts nothing. Both outputs are appended to `log`.
    pub(crate) fn new<I, A>(name: &str, program: &str, arguments: I, log: PathBuf) -> Self
    where
        I: IntoIterator<Item = A>,
        A: AsRef<OsStr>,
    {
        let arguments = arguments.into_iter().map(|one| one.as_ref().to_owned()).collect();
        Self {
            name: name.to_owned(),
            program: program.into(),
            arguments,
            log,
            child: None,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Starts the program, unless it runs.
    pub(crate) fn start(&mut self) -> Result<(), LabError> {
        if self.runs() {
            return Ok(());
        }
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.map_err(LabError::io(format!("open {}", self.log.display())))?;
        let copy = log.try_clone().map_err(LabError::io("copy a file handle"))?;
        let mut command = bound_command(&self.program)?;
        command
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(copy);
        let child = command
            .spawn()
            .map_err(LabError::io(format!("start {}", self.name)))?;
        self.child = Some(child);
        Ok(())
    }

    /// Kills the program and waits for its end.
    pub(crate) fn kill(&mut self) -> Result<(), LabError> {
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        let doing = || format!("end {}", self.name);
        child.kill().map_err(LabError::io(doing()))?;
        child.wait().map_err(LabError::io(doing()))?;
        Ok(())
    }

    /// Sends a signal, if the program runs.
    pub(crate) fn signal(&self, signal: Signal) -> Result<(), LabError> {
        let Some(pid) = self.pid() else { return Ok(()) };
        kill_process(pid, signal).map_err(|error| LabError::Io {
            doing: format!("signal {}", self.name),
            source: error.into(),
        })
    }

    pub(crate) fn pid(&self) -> Option<Pid> {
        self.child.as_ref().map(Pid::from_child)
    }

    pub(crate) fn runs(&mut self) -> bool {
        self.child
            .as_mut()
            .is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// An error if the program has ended by itself, with the last lines that it wrote.
    pub(crate) fn must_run(&mut self) -> Result<(), LabError> {
        if self.runs() {
            return Ok(());
        }
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let mut last: Vec<_> = text.lines().rev().take(6).collect();
        last.reverse();
        Err(LabError::program(
            &self.name,
            format!("it ended; it last wrote: {}", last.join(" | ")),
        ))
    }
}

/// A command that dies with the process that starts it.
pub(crate) fn bound_command(program: &OsStr) -> Result<Command, LabError> {
    let own = std::env::current_exe().map_err(LabError::io("find the lab's own program"))?;
    let mut command = Command::new(own);
    command
        .arg(BOUND)
        .arg(std::process::id().to_string())
        .arg(program);
    Ok(command)
}

/// Becomes `program`, bound to the life of `parent`. Returns only on failure.
///
/// # Errors
/// [`LabError::Io`] when the program cannot be started, [`LabError::Input`] when the parent has
/// already gone.
pub fn become_bound(parent: i32, program: &OsStr, arguments: &[OsString]) -> LabError {
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        return LabError::Io {
            doing: "bind a program to the lab's life".to_owned(),
            source: error.into(),
        };
    }
    if getppid().map(Pid::as_raw_pid) != Some(parent) {
        return LabError::Input("the lab ended before its program began".to_owned());
    }
    let error = Command::new(program).args(arguments).exec();
    LabError::Io {
        doing: format!("start {}", program.display()),
        source: error,
    }
}

/// Runs a short program to its end and gives its standard output.
pub(crate) fn output_of(command: &mut Command) -> Result<Vec<u8>, LabError> {
    let name = command.get_program().display().to_string();
    let done = command
        .stdin(Stdio::null())
        .output()
        .map_err(LabError::io(format!("start {name}")))?;
    if done.status.success() {
        return Ok(done.stdout);
    }
    let (out, err) = (
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr),
    );
    Err(LabError::program(
        name,
        format!("{}: {} {}", done.status, out.trim(), err.trim()),
    ))
}

/// Looks again and again until `ready` says yes.
pub(crate) fn wait_until(
    what: &str,
    patience: Duration,
    mut ready: impl FnMut() -> Result<bool, LabError>,
) -> Result<(), LabError> {
    let start = Instant::now();
    while !ready()? {
        if start.elapsed() > patience {
            return Err(LabError::TooSlow {
                what: what.to_owned(),
                seconds: patience.as_secs(),
            });
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    Ok(())
}

/// A new, private (0700) folder, whose parents may be missing.
pub(crate) fn private_folder(path: &std::path::Path) -> Result<(), LabError> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path);
    made.map_err(LabError::io(format!("make the folder {}", path.display())))
}

/// Writes a file of the lab.
pub(crate) fn write_file(path: &std::path::Path, text: &str) -> Result<(), LabError> {
    std::fs::write(path, text).map_err(LabError::io(format!("write {}", path.display())))
}
