//! The sockets of the system's daemons, covered: folders that nobody may enter lie over theirs, in this process's view alone.
//! It must never cover anything that the screen needs: X11, Wayland, the session's bus.
//! Standards: mount_namespaces(7), mount(2), tmpfs(5).
//!
//! Landlock cannot refuse a connection to a socket by its path (before its ABI 9), and seccomp does not see paths.

use rustix::thread::UnshareFlags;
use std::ffi::CString;
use std::io;
use std::path::Path;

/// Where daemons listen that resolve names, or (the system bus) do much else for whoever asks.
const FOLDERS: [&str; 4] = [
    "/run/nscd",
    "/run/systemd/resolve",
    "/run/avahi-daemon",
    "/run/dbus",
];

/// Covers what is there. To be called while the process still may mount: as root, or in a user namespace of its own.
pub(super) fn cover() -> Result<Option<String>, String> {
    let why = |error: &dyn std::fmt::Display| {
        format!("This system does not let a program cover folders ({error}).")
    };
    super::network::unshare(UnshareFlags::NEWNS).map_err(|error| why(&error))?;
    // Nothing of this may reach the view of others.
    mount(None, "/", libc::MS_REC | libc::MS_PRIVATE, None).map_err(|error| why(&error))?;
    for folder in FOLDERS.into_iter().filter(|folder| Path::new(folder).is_dir()) {
        let flags = libc::MS_NODEV | libc::MS_NOEXEC | libc::MS_NOSUID | libc::MS_RDONLY;
        mount(Some(c"tmpfs"), folder, flags, Some(c"mode=000,size=4k")).map_err(|error| why(&error))?;
    }
    Ok(None)
}

fn mount(
    kind: Option<&std::ffi::CStr>,
    place: &str,
    flags: libc::c_ulong,
    options: Option<&std::ffi::CStr>,
) -> io::Result<()> {
    let place = CString::new(place)?;
    let text = |text: Option<&std::ffi::CStr>| text.map_or(std::ptr::null(), std::ffi::CStr::as_ptr);
    #[expect(
        unsafe_code,
        reason = "no safe wrapper without another feature of a shared crate"
    )]
    // SAFETY: every pointer is null or a text that ends in NUL and outlives the call.
    let done = unsafe {
        libc::mount(
            text(kind),
            place.as_ptr(),
            text(kind),
            flags,
            text(options).cast(),
        )
    };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
