//! Landlock: the files that a room may open, the ports that it may not use, whom it may not signal.
//! It must never grant a right to execute but to the porter and its programs, none to make a device, nor fail because an old kernel knows only some of the rights.
//! Standards: landlock(7). Version 1 walls files; 4 adds TCP, 5 device ioctls, 6 signals and abstract sockets.

use crate::{LockError, Room};
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd,
    PathFdError, RestrictionStatus, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError,
    RulesetStatus, Scope,
};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The version whose rights are used; older kernels enforce fewer, and the report says so.
const WANTED: ABI = ABI::V6;

/// Read by the standard library, by the random number fallback and to measure memory. Missing ones are skipped.
const SYSTEM: [&str; 6] = [
    "/dev/random",
    "/dev/urandom",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
];

/// What the window's toolkit reads of the system: libraries, fonts, key maps, cursors, time zone. Neither the home
/// folder nor anything of the rest of `/etc`, `/run`, `/var` or `/tmp` is among them.
const SCREEN: [&str; 20] = [
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/etc/localtime",
    "/etc/X11",
    "/gnu/store",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/opt",
    "/proc/self",
    "/run/current-system",
    "/run/opengl-driver",
    "/snap",
    "/usr",
    "/var/cache/fontconfig",
    "/var/lib/dbus/machine-id",
    "/var/lib/flatpak",
    "/var/lib/ghostscript/fonts",
];

/// What it reads of its owner's: the same, set by the owner. Relative to the home folder.
const SCREEN_AT_HOME: [&str; 11] = [
    ".cache/fontconfig",
    ".config/fontconfig",
    ".fonts",
    ".fonts.conf",
    ".icons",
    ".local/share/fonts",
    ".local/share/icons",
    ".XCompose",
    ".Xauthority",
    ".Xdefaults",
    ".Xresources",
];

/// Where the picture is handed to the X server (MIT-SHM, POSIX shared memory).
const PICTURES: &str = "/dev/shm";

/// What a transport reads to find its servers by name and to check their certificates.
const RESOLVING: [&str; 6] = [
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/resolv.conf",
    "/etc/ssl/certs",
    "/usr/share/ca-certificates",
    "/run/systemd/resolve/stub-resolv.conf",
];

/// What [`restrict`] says of a wall: `Ok` with an optional remark if it stands, `Err` with the reason if not.
type Built = Result<Option<String>, String>;

/// Restricts this thread, and all that it starts, to the files of `room`.
///
/// # Errors
/// [`LockError::Path`] if the room's own folder or file cannot be opened; all else is in the inner result.
pub(super) fn restrict(room: &Room<'_>) -> Result<Built, LockError> {
    let mut writable = Vec::new();
    let mut readable = Vec::new();
    match room {
        Room::Engine { profile } => writable.push(open(profile)?),
        Room::Gate { state, read, .. } => {
            writable.push(open(state)?);
            for path in *read {
                readable.push((open(path)?, path.is_dir()));
            }
        }
        Room::Window => {
            writable.extend(PathFd::new(PICTURES));
            for path in screen() {
                if let Ok(fd) = PathFd::new(&path) {
                    readable.push((fd, path.is_dir()));
                }
            }
        }
        Room::Porter { state, .. } => {
            writable.push(open(state)?);
            readable.push((open(Path::new("/"))?, true));
        }
        Room::Transport { state, .. } => {
            writable.push(open(state)?);
            for path in RESOLVING.map(Path::new) {
                if let Ok(fd) = PathFd::new(path) {
                    readable.push((fd, path.is_dir()));
                }
            }
        }
        Room::Supervisor => {}
    }
    let mut runnable = Vec::new();
    for path in programs(room) {
        if let Ok(fd) = PathFd::new(&path) {
            runnable.push((fd, path.is_dir()));
        }
    }
    for path in SYSTEM.map(Path::new) {
        if let Ok(fd) = PathFd::new(path) {
            readable.push((fd, path.is_dir()));
        }
    }
    Ok(match enforce(room, writable, readable, runnable) {
        Ok(status) => describe(&status),
        Err(_) => Err("The kernel refused the Landlock rules.".into()),
    })
}

/// The files that a window needs, whether they exist or not.
fn screen() -> Vec<PathBuf> {
    let absolute = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let mut paths: Vec<PathBuf> = SCREEN.iter().map(PathBuf::from).collect();
    if let Some(home) = absolute("HOME").filter(|home| home != Path::new("/")) {
        paths.extend(SCREEN_AT_HOME.iter().map(|path| home.join(path)));
    }
    // A folder would open everything beneath it.
    paths.extend(absolute("XAUTHORITY").filter(|path| path.is_file()));
    paths
}

/// What a room may start, or has to load to become it.
fn programs(room: &Room<'_>) -> Vec<PathBuf> {
    let libraries = ["/lib", "/lib64", "/usr/lib", "/usr/lib64"].map(PathBuf::from);
    match room {
        Room::Porter { programs, .. } => {
            let system = ["/usr/bin", "/usr/local/bin", "/usr/libexec"].map(PathBuf::from);
            programs.iter().cloned().chain(system).chain(libraries).collect()
        }
        Room::Transport { program, .. } => {
            let loading = PathBuf::from("/etc/ld.so.cache");
            libraries
                .into_iter()
                .chain([program.to_path_buf(), loading])
                .collect()
        }
        _ => Vec::new(),
    }
}

fn open(path: &Path) -> Result<PathFd, LockError> {
    PathFd::new(path).map_err(|error| {
        LockError::Path(match error {
            PathFdError::OpenCall { source, .. } => source.kind(),
            _ => ErrorKind::Other,
        })
    })
}

fn enforce(
    room: &Room<'_>,
    writable: Vec<PathFd>,
    readable: Vec<(PathFd, bool)>,
    runnable: Vec<(PathFd, bool)>,
) -> Result<RestrictionStatus, RulesetError> {
    let mut rules = handled(room)?.create()?;
    for fd in writable {
        rules = rules.add_rule(PathBeneath::new(
            fd,
            AccessFs::from_all(WANTED) & !AccessFs::Execute,
        ))?;
    }
    for (fd, folder) in readable {
        let file = BitFlags::from(AccessFs::ReadFile);
        let rights = if folder { file | AccessFs::ReadDir } else { file };
        rules = rules.add_rule(PathBeneath::new(fd, rights))?;
    }
    for (fd, folder) in runnable {
        let file = AccessFs::ReadFile | AccessFs::Execute;
        let rights = if folder { file | AccessFs::ReadDir } else { file };
        rules = rules.add_rule(PathBeneath::new(fd, rights))?;
    }
    let device = AccessFs::ReadFile | AccessFs::WriteFile;
    if let Ok(null) = PathFd::new("/dev/null") {
        rules = rules.add_rule(PathBeneath::new(null, device))?;
    }
    RulesetCreated::restrict_self(rules)
}

/// What is refused unless a rule allows it.
fn handled(room: &Room<'_>) -> Result<Ruleset, RulesetError> {
    let rules = Ruleset::default().set_compatibility(CompatLevel::BestEffort);
    let rules = rules.scope(Scope::Signal)?;
    // A transport takes connections of the gate, on a port that the system chooses.
    if matches!(room, Room::Porter { .. } | Room::Transport { .. }) {
        return rules
            .handle_access(AccessFs::from_all(WANTED))?
            .scope(Scope::AbstractUnixSocket);
    }
    let rules = rules.handle_access(AccessNet::BindTcp)?;
    match room {
        Room::Supervisor => rules.handle_access(AccessNet::ConnectTcp),
        Room::Engine { .. } | Room::Window => rules
            .handle_access(AccessFs::from_all(WANTED))?
            .handle_access(AccessNet::ConnectTcp)?
            .scope(Scope::AbstractUnixSocket),
        Room::Gate { .. } | Room::Porter { .. } | Room::Transport { .. } => rules
            .handle_access(AccessFs::from_all(WANTED))?
            .scope(Scope::AbstractUnixSocket),
    }
}

fn describe(status: &RestrictionStatus) -> Built {
    let version = match status.landlock {
        LandlockStatus::NotEnabled => return Err("Landlock is switched off in this kernel.".into()),
        LandlockStatus::NotImplemented => return Err("This kernel has no Landlock.".into()),
        LandlockStatus::Available { effective_abi, .. } => effective_abi,
    };
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err("The kernel took the Landlock rules and enforces none.".into());
    }
    Ok((version < WANTED).then(|| {
        format!(
            "Landlock {} of this kernel: files only in part, no rules before {} for the rest.",
            version as i32, WANTED as i32
        )
    }))
}
