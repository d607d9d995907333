//! The leak self-test: tries, inside a locked room, what the room must not be able to do, and says what came of it.
//! It must never send a packet beyond loopback, nor harm anything if an attempt gets through.
//! Standards: none; the wall behind each attempt is named beside it.

#[cfg(target_os = "linux")]
mod linux;

use crate::{Report, Room, Wall};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

/// How an attempt ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The kernel let it through: it worked, or failed for a reason that is no wall (nobody listens there).
    Allowed,
    /// The kernel refused it.
    Refused,
}

/// One attempt, as `otter check --json` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// [`Room::name`].
    pub room: String,
    /// What was tried, such as `tcp connect`.
    pub attempt: String,
    /// What has to come of it, given the walls that stand.
    pub expected: Outcome,
    /// What came of it.
    pub seen: Outcome,
    /// What the system said, such as `permission denied`; `done` where it worked.
    pub said: String,
    /// The wall that has to refuse it: its name, with `(missing)` behind if it does not stand; `none` for an
    /// attempt that the room may make.
    pub wall: String,
}

impl Attempt {
    /// Whether the outcome is the expected one.
    pub fn as_expected(&self) -> bool {
        self.seen == self.expected
    }

    /// Whether the room may not do it, so that a wall has to refuse it.
    pub fn must_be_refused(&self) -> bool {
        self.wall != NO_WALL
    }

    /// Whether a wall that this attempt needs does not stand.
    pub fn unguarded(&self) -> bool {
        self.wall.ends_with(MISSING)
    }
}

const MISSING: &str = " (missing)";
const NO_WALL: &str = "none";

/// Makes every attempt that concerns `room`, in the calling thread, which has to be locked as `report` tells.
/// An attempt whose wall is missing is expected to be allowed, and marked. Takes a few milliseconds.
///
/// `neighbours` are files of other rooms, each with the name of the attempt to read it, such as `read the profile`.
///
/// The supervisor has no walls against these attempts: its list is empty.
pub fn run(room: &Room<'_>, report: &Report, neighbours: &[(&'static str, PathBuf)]) -> Vec<Attempt> {
    if matches!(room, Room::Supervisor) {
        return Vec::new();
    }
    let mut attempts = Vec::new();
    for trial in trials(room, neighbours) {
        attempts.push(trial.carry_out(room, report));
    }
    #[cfg(target_os = "linux")]
    if report.walls.iter().any(|state| state.wall == Wall::Settled) {
        let trials = linux::settled_trials(room).into_iter();
        attempts.extend(trials.map(|trial| trial.carry_out(room, report)));
    }
    attempts
}

/// Something to try, and the wall that has to refuse it; `None` if the room may do it.
struct Trial {
    name: &'static str,
    wall: Option<Wall>,
    attempt: Box<dyn Fn() -> io::Result<()>>,
}

impl Trial {
    fn new(name: &'static str, wall: Option<Wall>, attempt: impl Fn() -> io::Result<()> + 'static) -> Self {
        Trial {
            name,
            wall,
            attempt: Box::new(attempt),
        }
    }

    fn carry_out(&self, room: &Room<'_>, report: &Report) -> Attempt {
        let result = (self.attempt)();
        let guarded = self.wall.is_some_and(|wall| report.stands(wall));
        Attempt {
            room: room.name().into(),
            attempt: self.name.into(),
            expected: if guarded {
                Outcome::Refused
            } else {
                Outcome::Allowed
            },
            seen: outcome(&result),
            said: said(&result),
            wall: match self.wall {
                None => NO_WALL.into(),
                Some(wall) if guarded => wall.name().into(),
                Some(wall) => format!("{}{MISSING}", wall.name()),
            },
        }
    }
}

fn outcome(result: &io::Result<()>) -> Outcome {
    match result {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Outcome::Refused,
        // A call that this kernel does not have.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Outcome::Refused,
        _ => Outcome::Allowed,
    }
}

/// The kind of an error alone: its text could name a path.
fn said(result: &io::Result<()>) -> String {
    match result {
        Ok(()) => "done".to_owned(),
        Err(error) => error.kind().to_string(),
    }
}

fn trials(room: &Room<'_>, neighbours: &[(&'static str, PathBuf)]) -> Vec<Trial> {
    let mut trials = Vec::new();
    #[cfg(target_os = "linux")]
    trials.extend(linux::trials(room));
    trials.push(Trial::new(
        "run another program",
        // The porter starts programs, for the transports.
        (!matches!(room, Room::Porter { .. })).then_some(Wall::Seccomp),
        run_program,
    ));
    trials.extend(file_trials(room));
    for (name, path) in neighbours {
        let path = path.clone();
        let wall = (!matches!(room, Room::Porter { .. })).then_some(Wall::Landlock);
        trials.push(Trial::new(name, wall, move || {
            std::fs::File::open(&path).map(drop)
        }));
    }
    trials
}

fn file_trials(room: &Room<'_>) -> Vec<Trial> {
    let wall = Some(Wall::Landlock);
    let own = match room {
        Room::Engine { profile: own } | Room::Gate { state: own, .. } => Some(own.to_path_buf()),
        Room::Porter { state, .. } | Room::Transport { state, .. } => Some(state.to_path_buf()),
        Room::Window => None,
        Room::Supervisor => return Vec::new(),
    };
    // The porter reads what it likes: a Tor may keep its cookie anywhere.
    let reading = if matches!(room, Room::Porter { .. }) {
        None
    } else {
        wall
    };
    let mut trials = vec![
        Trial::new("read the list of users", reading, || {
            std::fs::File::open(USERS).map(drop)
        }),
        Trial::new("write outside its folder", wall, || {
            write_and_remove(&std::env::temp_dir())
        }),
    ];
    let strange = |home: &PathBuf| home.is_dir() && own.as_ref().is_none_or(|own| !home.starts_with(own));
    if let Some(home) = std::env::home_dir().filter(strange) {
        trials.push(Trial::new("list the home folder", reading, move || {
            std::fs::read_dir(&home).map(drop)
        }));
    }
    if let Some(own) = own {
        trials.push(Trial::new("write in its own folder", None, move || {
            write_and_remove(&own)
        }));
    }
    trials
}

const USERS: &str = if cfg!(windows) {
    "C:\\Windows\\win.ini"
} else {
    "/etc/passwd"
};

fn write_and_remove(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!("self-test-{}", std::process::id()));
    std::fs::File::create_new(&path)?;
    std::fs::remove_file(path)
}

fn run_program() -> io::Result<()> {
    let program = if cfg!(windows) {
        "C:\\Windows\\System32\\whoami.exe"
    } else {
        "/bin/true"
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "the self-test tries what must be refused"
    )]
    std::process::Command::new(program)
        .stdout(std::process::Stdio::null())
        .status()
        .map(drop)
}
