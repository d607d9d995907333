//! Channels between rooms: inherited socket pairs, handed over when a room is started or later by a message.
//! It must never leave a descriptor open across a program start unless it was asked to, nor name a channel by path.
//! Standards: unix(7) and cmsg(3) (`SCM_RIGHTS`), close_range(2), prctl(2) (`PR_SET_PDEATHSIG`).

mod start;

pub use start::{close_inherited, spawn};

use rustix::fs::FileType;
use rustix::io::{Errno, FdFlags};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};

/// The longest line that [`send_fd`] takes and [`receive_fd`] gives, in bytes.
pub const MAX_LINE: usize = 4096;

/// Why an inherited descriptor cannot be used as a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelError {
    /// The number was not handed down by the parent, or is closed.
    Closed,
    /// It is open and is no socket.
    NotASocket,
    /// It was taken by an earlier call, or its number is not one of 0 to 63.
    Taken,
    /// The system refused to look at it.
    Io(io::ErrorKind),
}

impl std::fmt::Display for ChannelError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ChannelError::Closed => f.write_str("The channel to the rest of the program is missing. Start the program itself, not one of its parts."),
            ChannelError::NotASocket => f.write_str("The channel to the rest of the program is not a channel. Start the program itself, not one of its parts."),
            ChannelError::Taken => f.write_str("The channel to the rest of the program is in use already."),
            ChannelError::Io(kind) => write!(f, "The channel to the rest of the program cannot be used ({kind})."),
        }
    }
}

impl std::error::Error for ChannelError {}

static TAKEN: AtomicU64 = AtomicU64::new(0);

/// Takes over descriptor `fd` (0 to 63), which the parent handed down, and marks it to be closed when a program
/// is started. Of the standard streams 0 to 2 a duplicate is given, because the standard library owns those.
///
/// # Errors
/// [`ChannelError`]. Each number is given out once.
pub fn inherited(fd: RawFd) -> Result<OwnedFd, ChannelError> {
    let bit = u32::try_from(fd)
        .ok()
        .and_then(|shift| 1u64.checked_shl(shift))
        .ok_or(ChannelError::Taken)?;
    require_socket(fd)?;
    if TAKEN.fetch_or(bit, Ordering::Relaxed) & bit != 0 {
        return Err(ChannelError::Taken);
    }
    #[expect(
        unsafe_code,
        reason = "a number handed down by the parent has to become an owned descriptor once"
    )]
    // SAFETY: `fd` was open a moment ago; the bit in TAKEN makes this the one place that owns it, as the standard
    // library opens nothing that it does not own through a handle of its own.
    let owned = (fd > 2).then(|| unsafe { OwnedFd::from_raw_fd(fd) });
    let owned = match owned {
        Some(owned) => owned,
        None => duplicate(fd)?,
    };
    rustix::io::fcntl_setfd(&owned, FdFlags::CLOEXEC).map_err(|error| ChannelError::Io(error.kind()))?;
    Ok(owned)
}

fn require_socket(fd: RawFd) -> Result<(), ChannelError> {
    #[expect(unsafe_code, reason = "an inherited number has no owner yet")]
    // SAFETY: `fd` is not negative; it is borrowed for one `fstat`, which fails cleanly if it is closed.
    let state = rustix::fs::fstat(unsafe { BorrowedFd::borrow_raw(fd) });
    match state {
        Ok(state) if FileType::from_raw_mode(state.st_mode) == FileType::Socket => Ok(()),
        Ok(_) => Err(ChannelError::NotASocket),
        Err(Errno::BADF) => Err(ChannelError::Closed),
        Err(error) => Err(ChannelError::Io(error.kind())),
    }
}

fn duplicate(fd: RawFd) -> Result<OwnedFd, ChannelError> {
    #[expect(unsafe_code, reason = "the standard streams are only named by number")]
    // SAFETY: the caller has seen that `fd` is open; the standard library does not close streams 0 to 2.
    let copy = rustix::io::fcntl_dupfd_cloexec(unsafe { BorrowedFd::borrow_raw(fd) }, 3);
    copy.map_err(|error| ChannelError::Io(error.kind()))
}

/// Two joined stream sockets, both closed when a program is started unless [`spawn`] hands them down.
///
/// # Errors
/// Those of socketpair(2), such as too many open files.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
    #[cfg(target_os = "linux")]
    let (one, other) = socketpair(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    #[cfg(not(target_os = "linux"))]
    let (one, other) = socketpair(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::empty(),
        None,
    )?;
    rustix::io::fcntl_setfd(&one, FdFlags::CLOEXEC)?;
    rustix::io::fcntl_setfd(&other, FdFlags::CLOEXEC)?;
    Ok((one, other))
}

/// Sends `line` (1 to [`MAX_LINE`] bytes) and a duplicate of `fd` over the stream socket `over`, all at once.
///
/// # Errors
/// `InvalidInput` for an empty or too long line, `WriteZero` if only a part went out (the channel is then of no
/// further use), and those of sendmsg(2). A closed peer is `BrokenPipe`, never a signal.
pub fn send_fd(over: BorrowedFd<'_>, fd: BorrowedFd<'_>, line: &[u8]) -> io::Result<()> {
    if line.is_empty() || line.len() > MAX_LINE {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let fds = [fd];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    #[cfg(target_os = "linux")]
    let flags = SendFlags::NOSIGNAL;
    #[cfg(not(target_os = "linux"))]
    let flags = SendFlags::empty();
    let sent = retry(|| rustix::net::sendmsg(over, &[IoSlice::new(line)], &mut ancillary, flags))?;
    if sent == line.len() {
        Ok(())
    } else {
        Err(io::ErrorKind::WriteZero.into())
    }
}

/// Waits for what [`send_fd`] sent: its line and the descriptor, which is closed when a program is started.
/// An empty line means that the peer has closed the channel. Bytes that were written plainly come without a
/// descriptor, and several writes may come as one.
///
/// # Errors
/// `InvalidData` if more than one descriptor came (all are closed), and those of recvmsg(2).
pub fn receive_fd(over: BorrowedFd<'_>) -> io::Result<(Vec<u8>, Option<OwnedFd>)> {
    let mut line = vec![0; MAX_LINE];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    #[cfg(target_os = "linux")]
    let flags = RecvFlags::CMSG_CLOEXEC;
    #[cfg(not(target_os = "linux"))]
    let flags = RecvFlags::empty();
    let got = retry(|| rustix::net::recvmsg(over, &mut [IoSliceMut::new(&mut line)], &mut ancillary, flags))?;
    let mut received: Vec<OwnedFd> = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(fds) = message {
            received.extend(fds);
        }
    }
    // On 64-bit systems the space for one descriptor has room for a second one.
    if received.len() > 1 || got.flags.contains(ReturnFlags::CTRUNC) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let fd = received.pop();
    if let Some(fd) = &fd {
        rustix::io::fcntl_setfd(fd, FdFlags::CLOEXEC)?;
    }
    line.truncate(got.bytes);
    Ok((line, fd))
}

fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> io::Result<T> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            other => return Ok(other?),
        }
    }
}
