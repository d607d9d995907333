//! The attempts that need Linux's own calls. Addresses are loopback, port 9 (discard), and `name.invalid`.
//! It must never use an address beyond loopback, nor a call that changes anything if it gets through.
//! Standards: socket(7), io_uring(7), ptrace(2); RFC 6761 6.4 for `.invalid`.

use super::Trial;
use crate::{Room, Wall};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, Ipv4Addr, Ipv6Addr, SendFlags, SocketAddrUnix, SocketAddrV4, SocketAddrV6, SocketType,
    ipproto, socket,
};
use std::io;

const V4: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9);
const V6: SocketAddrV6 = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 9, 0, 0);

pub(super) fn trials(room: &Room<'_>) -> Vec<Trial> {
    if matches!(room, Room::Porter { .. }) {
        // Its walls are those of every transport as well, and leave room for TCP, UDP and programs. Those are not even
        // tried: a question to a name server would leave this machine.
        let mut trials = forbidden_sockets();
        trials.extend(neighbour_trials());
        return trials;
    }
    let mut trials = network_trials(room);
    trials.extend(forbidden_sockets());
    trials.extend(daemon_trials(room));
    trials.extend(neighbour_trials());
    trials.extend(process_trials());
    if !matches!(room, Room::Transport { .. }) {
        trials.push(Trial::new(
            "replace itself by a program",
            Some(Wall::Seccomp),
            execute,
        ));
    }
    if !matches!(room, Room::Transport { .. } | Room::Window) {
        trials.push(Trial::new("make code", Some(Wall::Seccomp), make_code));
    }
    trials
}

/// Daemons of this machine that resolve names or start programs for whoever asks. Only the connection is tried.
fn daemon_trials(room: &Room<'_>) -> Vec<Trial> {
    let window = matches!(room, Room::Window);
    let daemons = [
        ("ask nscd", "/run/nscd/socket"),
        ("ask systemd-resolved", "/run/systemd/resolve/io.systemd.Resolve"),
        ("ask avahi", "/run/avahi-daemon/socket"),
        ("ask the system bus", "/run/dbus/system_bus_socket"),
    ];
    let trial = |(name, path): (&'static str, &'static str)| {
        let wall = if window {
            // Without the daemon there is nothing to cover.
            covered(path).then_some(Wall::Daemons)
        } else {
            Some(Wall::Seccomp)
        };
        Trial::new(name, wall, move || {
            let fd = socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
            Ok(rustix::net::connect(fd, &SocketAddrUnix::new(path)?)?)
        })
    };
    daemons.into_iter().map(trial).collect()
}

/// Whether the folder of a daemon's socket is there.
fn covered(path: &str) -> bool {
    let folder = std::path::Path::new(path).parent();
    folder.is_some_and(std::path::Path::exists)
}

fn network_trials(room: &Room<'_>) -> Vec<Trial> {
    let wall = Some(Wall::Seccomp);
    let tcp = (!matches!(room, Room::Gate { .. } | Room::Transport { .. })).then_some(Wall::Seccomp);
    let listen = (!matches!(room, Room::Transport { .. })).then_some(Wall::Seccomp);
    let unix = if matches!(room, Room::Window) { None } else { wall };
    vec![
        Trial::new("tcp connect", tcp, || {
            Ok(rustix::net::connect(tcp_socket(AddressFamily::INET)?, &V4)?)
        }),
        Trial::new("tcp connect ipv6", tcp, || {
            Ok(rustix::net::connect(tcp_socket(AddressFamily::INET6)?, &V6)?)
        }),
        Trial::new("tcp bind", listen, || {
            let any = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
            Ok(rustix::net::bind(tcp_socket(AddressFamily::INET)?, &any)?)
        }),
        Trial::new("tcp listen", listen, || {
            Ok(rustix::net::listen(tcp_socket(AddressFamily::INET)?, 1)?)
        }),
        Trial::new("udp send", wall, || udp_send(AddressFamily::INET)),
        Trial::new("udp send ipv6", wall, || udp_send(AddressFamily::INET6)),
        Trial::new("dns", wall, resolve),
        Trial::new("netlink", wall, || {
            Ok(socket(AddressFamily::NETLINK, SocketType::RAW, None).map(drop)?)
        }),
        Trial::new("unix socket connect", unix, || {
            let fd = socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
            Ok(rustix::net::connect(fd, &SocketAddrUnix::new("/run/self-test")?)?)
        }),
    ]
}

/// Kinds of sockets that no room has a use for, and ways to have sockets all the same.
fn forbidden_sockets() -> Vec<Trial> {
    let wall = Some(Wall::Seccomp);
    vec![
        Trial::new("raw socket", wall, || {
            Ok(socket(AddressFamily::INET, SocketType::RAW, Some(ipproto::ICMP)).map(drop)?)
        }),
        Trial::new("packet socket", wall, || {
            Ok(socket(AddressFamily::PACKET, SocketType::RAW, None).map(drop)?)
        }),
        Trial::new("icmp socket", wall, || {
            Ok(socket(AddressFamily::INET, SocketType::DGRAM, Some(ipproto::ICMP)).map(drop)?)
        }),
        Trial::new("vsock", wall, || {
            Ok(socket(AddressFamily::VSOCK, SocketType::STREAM, None).map(drop)?)
        }),
        Trial::new("bluetooth", wall, || {
            Ok(socket(AddressFamily::BLUETOOTH, SocketType::SEQPACKET, None).map(drop)?)
        }),
        Trial::new("datagram pair", wall, datagram_pair),
        Trial::new("io_uring", wall, io_uring),
        #[cfg(target_arch = "x86_64")]
        Trial::new("x32 socket", wall, x32_socket),
    ]
}

/// What a room may do only until it has started. Nothing changes if an attempt gets through: it asks for what is so already.
pub(super) fn settled_trials(room: &Room<'_>) -> Vec<Trial> {
    let wall = Some(Wall::Settled);
    let mut trials = vec![
        Trial::new("unhide its memory", wall, || {
            let hidden = rustix::process::DumpableBehavior::NotDumpable;
            Ok(rustix::process::set_dumpable_behavior(hidden)?)
        }),
        Trial::new("change what ends it", wall, || {
            let kill = Some(rustix::process::Signal::KILL);
            Ok(rustix::process::set_parent_process_death_signal(kill)?)
        }),
        Trial::new("change its privileges", wall, || {
            let own = rustix::thread::capabilities(None)?;
            Ok(rustix::thread::set_capabilities(None, own)?)
        }),
    ];
    if matches!(room, Room::Engine { .. }) {
        trials.push(Trial::new("make a channel", wall, || {
            let stream = rustix::net::SocketFlags::empty();
            Ok(rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, stream, None).map(drop)?)
        }));
    }
    trials
}

/// Other processes.
fn neighbour_trials() -> Vec<Trial> {
    let wall = Some(Wall::Seccomp);
    vec![
        Trial::new("trace its parent", wall, trace_parent),
        Trial::new("read its parent's memory", wall, read_parent),
        Trial::new("new user namespace", wall, new_namespace),
    ]
}

fn process_trials() -> Vec<Trial> {
    let wall = Some(Wall::Seccomp);
    vec![
        Trial::new("signal its parent", wall, || match rustix::process::getppid() {
            Some(parent) => Ok(rustix::process::test_kill_process(parent)?),
            None => Ok(()),
        }),
        Trial::new("signal its group", wall, || {
            Ok(rustix::process::test_kill_current_process_group()?)
        }),
    ]
}

fn tcp_socket(family: AddressFamily) -> Result<rustix::fd::OwnedFd, Errno> {
    socket(family, SocketType::STREAM, None)
}

fn udp_send(family: AddressFamily) -> io::Result<()> {
    let fd = socket(family, SocketType::DGRAM, None)?;
    if family == AddressFamily::INET {
        rustix::net::sendto(fd, b"", SendFlags::empty(), &V4)?;
    } else {
        rustix::net::sendto(fd, b"", SendFlags::empty(), &V6)?;
    }
    Ok(())
}

/// A pair of datagram sockets could be given the address of any daemon that listens on a path.
fn datagram_pair() -> io::Result<()> {
    let flags = rustix::net::SocketFlags::CLOEXEC;
    Ok(rustix::net::socketpair(AddressFamily::UNIX, SocketType::DGRAM, flags, None).map(drop)?)
}

/// Asks the system resolver for a name that does not exist anywhere. "No such name" is an answer, so somebody was
/// asked; all else means that nobody could be.
fn resolve() -> io::Result<()> {
    let mut found: *mut libc::addrinfo = std::ptr::null_mut();
    #[expect(
        unsafe_code,
        reason = "the standard library does not tell the resolver's answers apart"
    )]
    // SAFETY: the name ends in NUL, no service and no hints are given, and `found` may be written to.
    let answer = unsafe {
        libc::getaddrinfo(
            c"name.invalid".as_ptr(),
            std::ptr::null(),
            std::ptr::null(),
            &raw mut found,
        )
    };
    if answer == 0 {
        #[expect(unsafe_code, reason = "the list that getaddrinfo made has to be given back")]
        // SAFETY: `found` was filled by the successful call above and is not used afterwards.
        unsafe {
            libc::freeaddrinfo(found);
        }
    }
    if answer == 0 || answer == libc::EAI_NONAME {
        Ok(())
    } else {
        Err(io::ErrorKind::PermissionDenied.into())
    }
}

fn checked(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

fn io_uring() -> io::Result<()> {
    let mut parameters = [0u64; 32];
    #[expect(unsafe_code, reason = "the self-test makes a call that must be refused")]
    // SAFETY: struct io_uring_params is 120 bytes, and the 256 here may be written to.
    let made = unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr()) };
    close(checked(made)?)
}

#[cfg(target_arch = "x86_64")]
fn x32_socket() -> io::Result<()> {
    const X32: libc::c_long = 0x4000_0000;
    #[expect(unsafe_code, reason = "the self-test makes a call that must be refused")]
    // SAFETY: socket takes three integers.
    let made = unsafe { libc::syscall(libc::SYS_socket | X32, libc::AF_INET, libc::SOCK_STREAM, 0) };
    close(checked(made)?)
}

fn close(fd: libc::c_long) -> io::Result<()> {
    let fd = libc::c_int::try_from(fd).map_err(|_| io::ErrorKind::InvalidData)?;
    #[expect(unsafe_code, reason = "the descriptor came from a raw call")]
    // SAFETY: `fd` was opened by the caller a moment ago and has no other owner.
    unsafe {
        libc::close(fd);
    }
    Ok(())
}

/// Asks for a page of memory that can be executed, and gives it back.
fn make_code() -> io::Result<()> {
    const PAGE: usize = 4096;
    let (access, kind) = (
        libc::PROT_READ | libc::PROT_EXEC,
        libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
    );
    #[expect(unsafe_code, reason = "the self-test makes a call that must be refused")]
    // SAFETY: without a wanted address the kernel chooses one where nothing is.
    let page = unsafe { libc::mmap(std::ptr::null_mut(), PAGE, access, kind, -1, 0) };
    if page == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    #[expect(unsafe_code, reason = "the page has to be given back")]
    // SAFETY: the page was mapped above, and nothing points into it.
    unsafe {
        libc::munmap(page, PAGE);
    }
    Ok(())
}

/// The program does not exist: "not found" would mean that the call got through.
fn execute() -> io::Result<()> {
    let nothing: [*const libc::c_char; 1] = [std::ptr::null()];
    #[expect(unsafe_code, reason = "the self-test makes a call that must be refused")]
    // SAFETY: the path ends in NUL, and both lists end in a null pointer.
    let result = unsafe {
        libc::syscall(
            libc::SYS_execve,
            c"/self-test".as_ptr(),
            nothing.as_ptr(),
            nothing.as_ptr(),
        )
    };
    checked(result).map(drop)
}

/// PTRACE_SEIZE does not stop its target, and ends with this process.
fn trace_parent() -> io::Result<()> {
    #[expect(unsafe_code, reason = "the self-test makes a call that must be refused")]
    // SAFETY: seizing takes integers only; address and data are zero.
    let result = unsafe { libc::syscall(libc::SYS_ptrace, libc::PTRACE_SEIZE, libc::getppid(), 0, 0) };
    checked(result).map(drop)
}

/// Reads no byte: the lists are empty.
fn read_parent() -> io::Result<()> {
    #[expect(unsafe_code, reason = "the self-test makes a call that must be refused")]
    // SAFETY: with no entries the two null lists are never looked at.
    let result = unsafe { libc::syscall(libc::SYS_process_vm_readv, libc::getppid(), 0, 0, 0, 0, 0) };
    checked(result).map(drop)
}

/// With an unknown flag besides, so that nothing happens if it gets through.
fn new_namespace() -> io::Result<()> {
    #[expect(unsafe_code, reason = "the self-test makes a call that must be refused")]
    // SAFETY: an unknown flag makes the call fail before it does anything; it takes an integer only.
    let result = unsafe { libc::syscall(libc::SYS_unshare, libc::CLONE_NEWUSER | 1) };
    checked(result).map(drop)
}
