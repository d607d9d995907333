//! `otter check`: every room tries what its walls must refuse, and the outcome is told.
//! Nothing is sent beyond this machine, whatever comes of it.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{ExitCode, Stdio};

use model::Problem;
use walls::check::Attempt;
use walls::{Room, channel};

use crate::arguments::CheckRoom;
use crate::{say, supervisor};

const ROOMS: [&str; 3] = ["engine", "gate", "window"];

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
    let room = match which.name.as_str() {
        "engine" => Room::Engine {
            profile: &which.folder,
        },
        "gate" => Room::Gate {
            state: &which.folder,
            read: &[],
            pluggable_transports: false,
        },
        _ => Room::Window,
    };
    let report = match walls::lock(&room) {
        Ok(report) => report,
        Err(error) => return say::wrong(&Problem::new(error.code(), error.to_string()), 3),
    };
    for attempt in walls::check::run(&room, &report) {
        say::line(&serde_json::to_string(&attempt).unwrap_or_default());
    }
    ExitCode::SUCCESS
}

fn attempts() -> Result<Vec<Attempt>, Problem> {
    let folder = std::env::temp_dir().join(format!("otter-check-{}", std::process::id()));
    supervisor::private_folder(&folder).map_err(|error| failed(&error))?;
    let mut all = Vec::new();
    let result = ROOMS.iter().try_for_each(|room| {
        all.extend(attempts_of(room, &folder)?);
        Ok(())
    });
    // An empty folder that stays behind does no harm.
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

fn sentence(attempt: &Attempt) -> String {
    let verdict = if attempt.as_expected() { "ok   " } else { "WRONG" };
    let Attempt {
        room,
        attempt,
        expected,
        seen,
        wall,
    } = attempt;
    format!("{verdict} {room:<8} {attempt:<28} expected {expected:?}, seen {seen:?} ({wall})")
}

fn failed(error: &std::io::Error) -> Problem {
    Problem::new(
        "check.failed",
        format!("The self-test could not be carried out: {error}."),
    )
}
