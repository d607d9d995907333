//! Rooms for the lab: an own network, process and mount namespace, so that nothing it starts can
//! reach the machine's network or outlive it.
//! Never leaves a process behind: the kernel ends all of a process namespace with its first process.
//! See namespaces(7), pid_namespaces(7), user_namespaces(7), netlink(7), rtnetlink(7).

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, unmount};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, recv, send, socket};
use rustix::process::{Signal, WaitOptions, getegid, geteuid, set_parent_process_death_signal, wait};
use rustix::thread::{UnshareFlags, unshare_unsafe};

use crate::LabError;

/// The file whose lock says that the outer process lives.
const ALIVE: &str = ".alive";

/// Where the lab will run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ground {
    /// In namespaces; `user` when a user namespace was needed because we are not root.
    Namespaces {
        /// True in a user namespace: the system's files then seem to belong to nobody.
        user: bool,
    },
    /// On plain loopback, because the kernel refused namespaces, and why.
    Loopback {
        /// What the kernel said.
        why: String,
    },
}

/// Leaves the machine's namespaces, for the children of this process. Call it while the process has
/// one thread only (a user namespace demands it), and after [`leave_namespaces`] has been tried in a
/// process of its own: a half-way failure cannot be undone.
///
/// # Errors
/// [`LabError::Io`] when namespaces are refused. True: a user namespace was needed.
pub fn leave_namespaces() -> Result<bool, LabError> {
    let (uid, gid) = (geteuid(), getegid());
    let flags = UnshareFlags::NEWNET | UnshareFlags::NEWPID | UnshareFlags::NEWNS;
    if uid.is_root() && leave(flags).is_ok() {
        return Ok(false);
    }
    leave(flags | UnshareFlags::NEWUSER).map_err(LabError::io("make namespaces"))?;
    let map = |file: &str, text: String| {
        fs::write(file, text).map_err(LabError::io(format!("set up the user namespace in {file}")))
    };
    map("/proc/self/setgroups", "deny".to_owned())?;
    map("/proc/self/uid_map", format!("0 {} 1", uid.as_raw()))?;
    map("/proc/self/gid_map", format!("0 {} 1", gid.as_raw()))?;
    Ok(true)
}

/// Puts the calling thread, and whatever it starts from now on, into a network of its own with nothing but loopback.
/// Other threads stay where they are.
///
/// # Errors
/// [`LabError::Io`] when that is refused: outside the lab's namespaces it needs root.
pub fn leave_network() -> Result<(), LabError> {
    leave(UnshareFlags::NEWNET).map_err(LabError::io("make a network namespace"))?;
    raise_loopback().map_err(LabError::io("raise the loopback interface"))
}

fn leave(flags: UnshareFlags) -> io::Result<()> {
    #[expect(unsafe_code, reason = "the only call that makes namespaces")]
    // SAFETY: only the sharing of file descriptor tables (FILES) is dangerous, and it is not asked for.
    let left = unsafe { unshare_unsafe(flags) };
    Ok(left?)
}

/// The outer process's sign of life; it ends with the process, whatever ends that.
#[derive(Debug)]
pub struct SignOfLife(#[expect(dead_code, reason = "held for its lock, which ends with it")] File);

/// Gives the sign of life in the lab's folder.
///
/// # Errors
/// [`LabError::Io`] when the folder cannot be written, or another lab lives in it.
pub fn give_sign_of_life(dir: &Path) -> Result<SignOfLife, LabError> {
    let path = dir.join(ALIVE);
    let file = File::create(&path).map_err(LabError::io(format!("write {}", path.display())))?;
    let locked = file.try_lock().map_err(io::Error::from);
    locked.map_err(LabError::io(format!(
        "take {} (does another lab run there?)",
        dir.display()
    )))?;
    Ok(SignOfLife(file))
}

/// Binds this process to the outer one: it is killed when the outer one has gone.
///
/// # Errors
/// [`LabError::Io`] when the outer process has gone already, or the thread cannot be started.
pub fn end_with_the_outer_process(dir: &Path) -> Result<(), LabError> {
    // Two ways: the signal is immediate, and the lock has no moment at which it can be missed.
    let signal = set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from);
    signal.map_err(LabError::io("bind the lab to the life of its parent"))?;
    let path = dir.join(ALIVE);
    let file = File::open(&path).map_err(LabError::io(format!("open {}", path.display())))?;
    let watch = move || {
        // The lock comes when the outer process has gone, and not before.
        let outcome = file.lock();
        std::process::exit(if outcome.is_ok() { 137 } else { 1 });
    };
    let thread = std::thread::Builder::new().name("alive".to_owned()).spawn(watch);
    thread.map_err(LabError::io("start a thread")).map(drop)
}

/// Makes the namespaces fit to live in: own `/proc`, loopback up, and, when the lab's folder is its
/// own, memory in its place, which nothing has to tidy up.
///
/// # Errors
/// [`LabError::Io`] with what could not be set up.
pub fn furnish(dir: &Path, in_memory: bool) -> Result<(), LabError> {
    let doing = |what: &'static str| LabError::io(what);
    let private = MountPropagationFlags::REC | MountPropagationFlags::PRIVATE;
    mount_change("/", private)
        .map_err(io::Error::from)
        .map_err(doing("make mounts private"))?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    mount("proc", "/proc", "proc", flags | MountFlags::NOEXEC, None)
        .map_err(io::Error::from)
        .map_err(doing("mount /proc"))?;
    if in_memory {
        // Opened already by whoever watches it; the folder under the memory then stays empty.
        fs::remove_file(dir.join(ALIVE)).map_err(doing("empty the lab's folder"))?;
        mount("otter-lab", dir, "tmpfs", flags, c"mode=0700")
            .map_err(io::Error::from)
            .map_err(doing("mount memory at the lab's folder"))?;
    }
    raise_loopback().map_err(doing("raise the loopback interface"))
}

/// Waits for the lab's main process and for every orphan, as the first process of a namespace must.
/// Returns the exit code of `main`.
pub fn wait_for_all(main: u32) -> u8 {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_pid().cast_unsigned() == main => {
                let code = status
                    .exit_status()
                    .or(status.terminating_signal().map(|signal| 128 + signal));
                return code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
            }
            Err(error) if error != rustix::io::Errno::INTR => return 1,
            _ => {}
        }
    }
}

/// A folder for a lab that was given none. The name holds our process id; those of dead labs are
/// removed.
///
/// # Errors
/// [`LabError::Io`] when it cannot be made.
pub fn own_folder() -> Result<PathBuf, LabError> {
    let parent = std::env::temp_dir();
    let prefix = "otter-lab-";
    for entry in fs::read_dir(&parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(prefix));
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            remove_dead(&entry.path());
        }
    }
    let dir = parent.join(format!("{prefix}{}", std::process::id()));
    crate::children::private_folder(&dir)?;
    Ok(dir)
}

/// Removes what a dead lab has left; its process id alone is no proof, for it may live in another
/// process namespace.
fn remove_dead(dir: &Path) {
    // Fails, rightly, for a folder that is not empty or on which memory is mounted.
    let emptied = fs::remove_dir(dir);
    if emptied.is_err() && File::open(dir.join(ALIVE)).is_ok_and(|file| file.try_lock().is_ok()) {
        let _stays = fs::remove_dir_all(dir);
    }
}

/// Removes a folder of [`own_folder`] and what is mounted on it. Never fails: at worst an empty folder
/// stays, which the next lab removes.
pub fn remove_own_folder(dir: &Path) {
    let _not_mounted = unmount(dir, UnmountFlags::DETACH);
    let _stays = fs::remove_dir_all(dir);
}

/// Sets the flag "up" on interface 1, which is `lo` in every network namespace.
fn raise_loopback() -> io::Result<()> {
    const NEWLINK: u16 = 16;
    const REQUEST_WITH_ANSWER: u16 = 1 | 4;
    const UP: u32 = 1;
    // No protocol is protocol 0, which is NETLINK_ROUTE.
    let socket = socket(AddressFamily::NETLINK, SocketType::RAW, None)?;
    let mut message = Vec::with_capacity(32);
    message.extend(32_u32.to_ne_bytes());
    message.extend(NEWLINK.to_ne_bytes());
    message.extend(REQUEST_WITH_ANSWER.to_ne_bytes());
    message.extend([0; 8]); // sequence, port
    message.extend([0; 4]); // family, padding, type
    message.extend(1_i32.to_ne_bytes());
    message.extend(UP.to_ne_bytes());
    message.extend(UP.to_ne_bytes());
    send(&socket, &message, SendFlags::empty())?;
    let mut answer = [0_u8; 256];
    let (_, length) = recv(&socket, &mut answer, RecvFlags::empty())?;
    let error = answer
        .get(..length)
        .and_then(|answer| answer.get(16..20))
        .and_then(|code| code.try_into().ok());
    match error.map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(code) => Err(io::Error::from_raw_os_error(-code)),
        None => Err(io::Error::other("the kernel's answer was too short")),
    }
}
