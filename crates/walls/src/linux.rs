//! The walls on Linux, in the one order that works.
//! It must never run with a second thread, and never go on when seccomp or the drop of privileges failed.
//! Standards: prctl(2), capabilities(7), getrlimit(2).
//!
//! Order: the namespace first (its id maps cannot be written once the process is undumpable), then the
//! capabilities that it gave, then the parent's death signal (a change of credentials clears it), then Landlock,
//! which needs `open`, and seccomp last.

mod breach;
mod daemons;
mod files;
mod memory;
mod network;
mod syscalls;

use crate::{LockError, Report, Room, Wall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use rustix::thread::{CapabilitySet, CapabilitySets};
use std::io;

/// See [`crate::lock`].
pub(crate) fn lock(room: &Room<'_>) -> Result<Report, LockError> {
    let mut report = Report::default();
    if matches!(room, Room::Supervisor) {
        hide_memory(&mut report);
        return Ok(report);
    }
    require_single_thread()?;
    if matches!(room, Room::Engine { .. } | Room::Window) {
        raise(&mut report, room, Wall::NetworkNamespace, network::leave)?;
    }
    if matches!(room, Room::Window) {
        raise(&mut report, room, Wall::Daemons, || Ok(daemons::cover()))?;
    }
    drop_privileges().map_err(|error| LockError::Privileges(error.kind()))?;
    hide_memory(&mut report);
    if matches!(room, Room::Engine { .. } | Room::Window) {
        raise(&mut report, room, Wall::NoSwap, || Ok(memory::lock()))?;
    }
    raise(&mut report, room, Wall::Landlock, || files::restrict(room))?;
    raise(&mut report, room, Wall::Seccomp, || {
        let restricted = syscalls::restrict(room).map_err(|syscalls::Refused| LockError::Seccomp);
        restricted.map(|()| Ok(None))
    })?;
    Ok(report)
}

/// See [`crate::settle`].
pub(crate) fn settle(room: &Room<'_>, report: &mut Report) -> Result<(), LockError> {
    raise(report, room, Wall::Settled, || {
        let settled = syscalls::settle(room).map_err(|syscalls::Refused| LockError::Seccomp);
        settled.map(|()| Ok(None))
    })
}

/// What became of a wall: a remark, or why it is missing.
type Built = Result<Option<String>, String>;

fn raise(
    report: &mut Report,
    room: &Room<'_>,
    wall: Wall,
    build: impl FnOnce() -> Result<Built, LockError>,
) -> Result<(), LockError> {
    let built = if breach::is_left_out(room, wall) {
        Err("This test leaves it out.".to_owned())
    } else {
        build()?
    };
    report.note(wall, built);
    Ok(())
}

/// Landlock and the namespace bind one thread; any other would stay outside.
fn require_single_thread() -> Result<(), LockError> {
    let threads = std::fs::read_dir("/proc/self/task").map_err(|_| LockError::Threads)?;
    if threads.count() == 1 {
        Ok(())
    } else {
        Err(LockError::Threads)
    }
}

/// No capabilities, none to be had by starting a program, and no life after the parent's.
fn drop_privileges() -> io::Result<()> {
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::clear_ambient_capability_set()?;
    rustix::thread::set_capabilities(None, none)?;
    rustix::thread::set_no_new_privs(true)?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(())
}

/// Keeps this process's memory out of core files and away from other processes of the same user.
fn hide_memory(report: &mut Report) {
    let undumpable = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
    report.note(
        Wall::NoDump,
        undumpable
            .map(|()| None)
            .map_err(|error| format!("The kernel refused ({error}).")),
    );
    let nothing = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let coreless = rustix::process::setrlimit(Resource::Core, nothing);
    report.note(
        Wall::NoCore,
        coreless
            .map(|()| None)
            .map_err(|error| format!("The kernel refused ({error}).")),
    );
}
