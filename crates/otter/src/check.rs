//! `otter check`: every room tries what its walls must refuse, and the outcome is told.
//! Nothing is sent beyond this machine, whatever comes of it.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{ExitCode, Stdio};

use model::Problem;
use walls::check::{Attempt, Outcome};
use walls::{Room, channel};

use crate::arguments::CheckRoom;
use crate::{say, supervisor};

const ROOMS: [&str; 5] = ["engine", "gate", "porter", "transport", "window"];
/// A file in each folder, for the others to try to read.
const KEPT: &str = "kept";
/// The folders of profile, Tor and transports.
const FOLDERS: [&str; 3] = ["profile", "tor", "transports"];

/// Starts each room to be tried, and tells the outcome: a line each, or JSON.
pub(crate) fn run(json: bool) -> ExitCode {
    match attempts() {
        Ok(attempts) => tell(&attempts, json),
        Err(problem) => say::wrong(&problem, 3),
    }
}

/// This process is a room: locks it, tries, and prints what came of it as JSON lines.
pub(crate) fn room(which: &CheckRoom) -> ExitCode {
    walls::close_inherited(&[]);
    let [profile, tor, transports] = FOLDERS.map(|name| which.folder.join(name));
    let profile_kept = ("read the profile", profile.join(KEPT));
    let tor_kept = ("read Tor's state", tor.join(KEPT));
    // It becomes no program here, but has to name one.
    let own = std::env::current_exe().unwrap_or_default();
    let (room, neighbours) = match which.name.as_str() {
        "engine" => (Room::Engine { profile: &profile }, vec![tor_kept]),
        "gate" => (
            Room::Gate {
                state: &tor,
                read: &[],
            },
            vec![profile_kept],
        ),
        "porter" => {
            let walls = Room::Porter {
                state: &transports,
                programs: &[],
            };
            (walls, vec![profile_kept, tor_kept])
        }
        "transport" => {
            let walls = Room::Transport {
                program: &own,
                state: &transports,
                datagrams: false,
            };
            (walls, vec![profile_kept, tor_kept])
        }
        _ => (Room::Window, vec![profile_kept, tor_kept]),
    };
    let locked = walls::lock(&room).and_then(|mut report| {
        if matches!(room, Room::Engine { .. } | Room::Gate { .. } | Room::Window) {
            walls::settle(&room, &mut report)?;
        }
        Ok(report)
    });
    let report = match locked {
        Ok(report) => report,
        Err(error) => return say::wrong(&Problem::new(error.code(), error.to_string()), 3),
    };
    for attempt in walls::check::run(&room, &report, &neighbours) {
        say::line(&serde_json::to_string(&attempt).unwrap_or_default());
    }
    ExitCode::SUCCESS
}

fn attempts() -> Result<Vec<Attempt>, Problem> {
    let folder = std::env::temp_dir().join(format!("otter-check-{}", std::process::id()));
    for name in FOLDERS {
        let inner = folder.join(name);
        supervisor::private_folder(&inner)
            .and_then(|()| std::fs::write(inner.join(KEPT), "kept"))
            .map_err(|error| failed(&error))?;
    }
    let mut all = Vec::new();
    let result = ROOMS.iter().try_for_each(|room| {
        all.extend(attempts_of(room, &folder)?);
        Ok(())
    });
    // A folder that stays behind does no harm.
    let _ = std::fs::remove_dir_all(&folder);
    result.map(|()| all)
}

fn attempts_of(room: &str, folder: &Path) -> Result<Vec<Attempt>, Problem> {
    let program = std::env::current_exe().map_err(|error| failed(&error))?;
    let arguments: [OsString; 4] = [room.into(), "--check".into(), "--profile".into(), folder.into()];
    let mut child =
        channel::spawn(&program, &arguments, &[], Stdio::null(), Stdio::piped()).map_err(|e| failed(&e))?;
    let mut attempts = Vec::new();
    for line in child
        .stdout
        .take()
        .into_iter()
        .flat_map(|out| BufReader::new(out).lines())
    {
        let line = line.map_err(|error| failed(&error))?;
        attempts.push(serde_json::from_str(&line).map_err(|error| failed(&error.into()))?);
    }
    let status = child.wait().map_err(|error| failed(&error))?;
    if status.success() && !attempts.is_empty() {
        return Ok(attempts);
    }
    let text = format!("The room `{room}` could not be tried: it ended with {status}.");
    Err(Problem::new("check.room_failed", text))
}

fn tell(attempts: &[Attempt], json: bool) -> ExitCode {
    if !json {
        say::line(&row(["", "room", "attempt", "expected", "seen", "wall"]));
    }
    for attempt in attempts {
        let text = if json {
            serde_json::to_string(attempt).unwrap_or_default()
        } else {
            sentence(attempt)
        };
        say::line(&text);
    }
    let wrong = attempts.iter().filter(|attempt| !attempt.as_expected()).count();
    let missing = attempts.iter().filter(|attempt| attempt.unguarded()).count();
    if !json {
        say::line(&format!(
            "{} attempts, {wrong} not as expected, {missing} without their wall",
            attempts.len()
        ));
    }
    if wrong == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// One line of the table.
fn sentence(attempt: &Attempt) -> String {
    let verdict = if attempt.as_expected() { "ok" } else { "WRONG" };
    let word = |outcome| match outcome {
        Outcome::Allowed => "allowed",
        Outcome::Refused => "refused",
    };
    let (expected, seen) = (word(attempt.expected), word(attempt.seen));
    row([
        verdict,
        &attempt.room,
        &attempt.attempt,
        expected,
        seen,
        &attempt.wall,
    ])
}

fn row([verdict, room, attempt, expected, seen, wall]: [&str; 6]) -> String {
    format!("{verdict:<6}{room:<10}{attempt:<29}{expected:<10}{seen:<9}{wall}")
}

fn failed(error: &std::io::Error) -> Problem {
    Problem::new(
        "check.failed",
        format!("The self-test could not be carried out: {error}."),
    )
}
