//! Starting a room as a child process with exactly the descriptors that it is to have.
//! It must never hand down a descriptor that was not named, nor leave a room running after its parent.
//! Standards: close_range(2), fcntl(2), prctl(2) (`PR_SET_PDEATHSIG`), signal-safety(7).

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Numbers below this belong to the standard streams.
const FIRST: RawFd = 3;
/// The highest number that a room may be given; [`super::inherited`] takes no higher.
const LAST: RawFd = 63;

/// Starts `program` with `args`, and each descriptor of `fds` under the number beside it (3 to 63, each once).
/// Every other descriptor but the standard streams is closed; the standard error stream and the environment are
/// inherited.
///
/// On Linux the child is killed when the *thread* that called this ends, so call it from one that lives as long
/// as the program.
///
/// # Errors
/// `InvalidInput` for a number out of range or named twice, and those of fork(2) and execve(2).
pub fn spawn(
    program: &Path,
    args: &[OsString],
    fds: &[(OwnedFd, RawFd)],
    stdin: Stdio,
    stdout: Stdio,
) -> io::Result<Child> {
    let mut wanted: Vec<RawFd> = fds.iter().map(|(_, number)| *number).collect();
    wanted.sort_unstable();
    let distinct = wanted.windows(2).all(|pair| pair.first() != pair.last());
    if !distinct || wanted.iter().any(|number| !(FIRST..=LAST).contains(number)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // The pipe by which the standard library reports a failed start must not land on a number that the child
    // overwrites: so each wanted number that is free is taken here until the child runs.
    let mut held = Vec::with_capacity(fds.len());
    for (fd, number) in fds {
        held.push(rustix::io::fcntl_dupfd_cloexec(fd, *number)?);
    }
    let moves = fds
        .iter()
        .map(|(fd, number)| Move {
            from: fd.as_raw_fd(),
            to: *number,
        })
        .collect();
    let child = start(program, args, Hands { moves, wanted }, stdin, stdout);
    drop(held);
    child
}

fn start(
    program: &Path,
    args: &[OsString],
    mut hands: Hands,
    stdin: Stdio,
    stdout: Stdio,
) -> io::Result<Child> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that starts the rooms, for the supervisor"
    )]
    let mut command = Command::new(program);
    command.args(args).stdin(stdin).stdout(stdout);
    let parent = std::process::id();
    #[expect(
        unsafe_code,
        reason = "descriptors can only be arranged between fork and exec"
    )]
    // SAFETY: between fork and exec the closure makes system calls only: it allocates nothing, takes no lock and
    // touches no descriptor that the child's own start needs (see `spawn`).
    unsafe {
        command.pre_exec(move || {
            die_with_parent(parent)?;
            hands.arrange()
        });
    }
    command.spawn()
}

#[cfg(target_os = "linux")]
fn die_with_parent(parent: u32) -> io::Result<()> {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let still_there = getppid().is_some_and(|pid| pid.as_raw_nonzero().get().cast_unsigned() == parent);
    if still_there {
        Ok(())
    } else {
        Err(rustix::io::Errno::SRCH.into())
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(_parent: u32) -> io::Result<()> {
    Ok(())
}

/// One descriptor of the parent and the number that it gets in the child.
struct Move {
    from: RawFd,
    to: RawFd,
}

/// All that the child is given. Runs between fork and exec: no allocation.
struct Hands {
    moves: Vec<Move>,
    /// The numbers in `moves`, ascending.
    wanted: Vec<RawFd>,
}

impl Hands {
    fn arrange(&mut self) -> io::Result<()> {
        // Two steps, so that a number may be wanted that is also the source of a later move.
        for step in &mut self.moves {
            step.from = duplicate_above(step.from)?;
        }
        for step in &self.moves {
            place(step.from, step.to)?;
        }
        for_each_gap(&self.wanted, close_on_exec)
    }
}

#[expect(unsafe_code, reason = "the numbers have no owner in the child")]
fn duplicate_above(fd: RawFd) -> io::Result<RawFd> {
    // SAFETY: fcntl with a number and an integer argument touches no memory; a closed number is an error.
    checked(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, LAST + 1) })
}

#[expect(unsafe_code, reason = "the numbers have no owner in the child")]
fn place(from: RawFd, to: RawFd) -> io::Result<()> {
    // SAFETY: what `to` names in the child is one of the duplicates that `spawn` holds, or a descriptor of the
    // parent that the child is not to have; no code of the child uses either.
    checked(unsafe { libc::dup2(from, to) }).map(drop)
}

fn checked(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// Calls `each` with the first and the last number of every gap from 3 upward between the numbers of `keep`,
/// which ascend; the last gap is open-ended.
fn for_each_gap(keep: &[RawFd], each: fn(u32, u32) -> io::Result<()>) -> io::Result<()> {
    let mut next = FIRST.cast_unsigned();
    for kept in keep.iter().filter_map(|fd| u32::try_from(*fd).ok()) {
        if kept > next {
            each(next, kept - 1)?;
        }
        if kept >= next {
            next = kept + 1;
        }
    }
    each(next, u32::MAX)
}

/// Closes every descriptor from 3 upward that is not in `keep`.
///
/// To be called first thing in a room's `main`: whoever owns a descriptor that is closed here would be left with
/// a number that may come to mean another file.
pub fn close_inherited(keep: &[RawFd]) {
    let mut keep = keep.to_vec();
    keep.sort_unstable();
    // Nothing can be refused here: a number that is not open is skipped.
    drop(for_each_gap(&keep, close));
}

fn close(first: u32, last: u32) -> io::Result<()> {
    if close_range(first, last, 0).is_err() {
        each_open(first, last, |fd| {
            #[expect(unsafe_code, reason = "inherited numbers have no owner")]
            // SAFETY: see `close_inherited`: nothing in this process owns a descriptor yet.
            unsafe {
                libc::close(fd);
            }
        });
    }
    Ok(())
}

fn close_on_exec(first: u32, last: u32) -> io::Result<()> {
    const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;
    if close_range(first, last, CLOSE_RANGE_CLOEXEC).is_err() {
        each_open(first, last, |fd| {
            #[expect(unsafe_code, reason = "the numbers have no owner in the child")]
            // SAFETY: fcntl with a number and an integer argument touches no memory; a closed number is an error.
            unsafe {
                libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
            }
        });
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn close_range(first: u32, last: u32, flags: libc::c_uint) -> io::Result<()> {
    #[expect(
        unsafe_code,
        reason = "close_range has no safe wrapper, as it may close what others own"
    )]
    // SAFETY: the call touches no memory; see `close_inherited` and `place` for whose descriptors these are.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

#[cfg(not(target_os = "linux"))]
fn close_range(_first: u32, _last: u32, _flags: libc::c_uint) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// For kernels before 5.11: every number from `first` to `last` that this process may have, open or not.
fn each_open(first: u32, last: u32, act: impl Fn(RawFd)) {
    const MOST: u64 = 1 << 20;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile)
        .current
        .unwrap_or(MOST)
        .min(MOST);
    let end = u64::from(last).min(limit);
    for fd in (u64::from(first)..=end).filter_map(|fd| RawFd::try_from(fd).ok()) {
        act(fd);
    }
}
