//! Systems for which no walls are written yet (Windows, macOS): every wall is reported as missing.
//! It must never report a wall that it did not build.
//! Standards: none.

use crate::{LockError, Report, Room, Wall};

/// Builds nothing and says so, for each wall that `room` has on Linux.
pub(crate) fn lock(room: &Room<'_>) -> Result<Report, LockError> {
    let walls: &[Wall] = match room {
        Room::Supervisor => &[Wall::NoDump, Wall::NoCore],
        Room::Gate { .. } | Room::Porter { .. } | Room::Transport { .. } => {
            &[Wall::NoDump, Wall::NoCore, Wall::Landlock, Wall::Seccomp]
        }
        Room::Engine { .. } | Room::Window => &[
            Wall::NetworkNamespace,
            Wall::NoDump,
            Wall::NoCore,
            Wall::NoSwap,
            Wall::Landlock,
            Wall::Seccomp,
        ],
    };
    let mut report = Report::default();
    for wall in walls {
        miss(&mut report, *wall);
    }
    Ok(report)
}

/// See [`crate::settle`].
pub(crate) fn settle(_: &Room<'_>, report: &mut Report) -> Result<(), LockError> {
    miss(report, Wall::Settled);
    Ok(())
}

fn miss(report: &mut Report, wall: Wall) {
    let why = format!("This wall is not written yet for {}.", std::env::consts::OS);
    report.note(wall, Err(why));
}
