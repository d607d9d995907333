//! An empty network namespace: no interface, no route, not even loopback.
//! It must never change who owns the files that the process makes: ids are mapped to themselves.
//! Standards: network_namespaces(7), user_namespaces(7).

use crate::LockError;
use rustix::io::Errno;
use rustix::thread::{CapabilitySet, UnshareFlags};

/// Leaves the network of this machine, by a user namespace where the process has no privilege to do it plainly.
/// The inner result is the wall: why it is missing; the process is then where it was.
///
/// # Errors
/// [`LockError::Privileges`] if the new user namespace cannot be made usable: the process could create no file.
pub(super) fn leave() -> Result<Result<Option<String>, String>, LockError> {
    if may_administer() && unshare(UnshareFlags::NEWNET).is_ok() {
        return Ok(Ok(None));
    }
    let (user, group) = (
        rustix::process::getuid().as_raw(),
        rustix::process::getgid().as_raw(),
    );
    if let Err(error) = unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNET) {
        return Ok(Err(format!(
            "This system does not let a program leave the network ({error})."
        )));
    }
    std::fs::write("/proc/self/setgroups", "deny")
        .and_then(|()| std::fs::write("/proc/self/uid_map", format!("{user} {user} 1")))
        .and_then(|()| std::fs::write("/proc/self/gid_map", format!("{group} {group} 1")))
        .map_err(|error| LockError::Privileges(error.kind()))?;
    Ok(Ok(None))
}

fn may_administer() -> bool {
    rustix::thread::capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_ADMIN))
}

pub(super) fn unshare(flags: UnshareFlags) -> Result<(), Errno> {
    #[expect(
        unsafe_code,
        reason = "no safe wrapper: with FILES or FS the flags could take others' descriptors away"
    )]
    // SAFETY: only NEWUSER, NEWNET and NEWNS are ever passed; none of them touches memory or the descriptor table, and the
    // process has a single thread.
    unsafe {
        rustix::thread::unshare_unsafe(flags)
    }
}
