//! Channels as two rooms use them: handed down by number, handed over by message.
#![cfg(target_os = "linux")]

use std::io::{ErrorKind, IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd};
use std::os::unix::net::UnixStream;
use walls::channel::{self, ChannelError};

#[test]
fn an_inherited_channel_is_given_out_once() {
    let (ours, theirs) = channel::pair().unwrap();
    let theirs = rustix::io::fcntl_dupfd_cloexec(theirs, 20).unwrap();
    let number = theirs.into_raw_fd();
    let taken = channel::inherited(number).unwrap();
    assert_eq!(taken.as_raw_fd(), number);
    assert_eq!(channel::inherited(number).unwrap_err(), ChannelError::Taken);
    drop(taken);
    assert_eq!(channel::inherited(number).unwrap_err(), ChannelError::Closed);
    drop(ours);
}

#[test]
fn what_is_no_socket_is_no_channel() {
    let file = std::fs::File::open("/dev/null").unwrap();
    let file = rustix::io::fcntl_dupfd_cloexec(file, 30).unwrap();
    assert_eq!(
        channel::inherited(file.as_raw_fd()).unwrap_err(),
        ChannelError::NotASocket
    );
    assert_eq!(channel::inherited(-1).unwrap_err(), ChannelError::Taken);
    assert_eq!(channel::inherited(64).unwrap_err(), ChannelError::Taken);
    assert_eq!(channel::inherited(63).unwrap_err(), ChannelError::Closed);
}

#[test]
fn a_channel_arrives_with_its_line() {
    let (one, other) = channel::pair().unwrap();
    let (ours, theirs) = channel::pair().unwrap();
    channel::send_fd(one.as_fd(), theirs.as_fd(), b"first").unwrap();
    channel::send_fd(one.as_fd(), theirs.as_fd(), b"second").unwrap();
    for line in ["first", "second"] {
        let (heard, fd) = channel::receive_fd(other.as_fd()).unwrap();
        assert_eq!(heard, line.as_bytes());
        let flags = rustix::io::fcntl_getfd(fd.unwrap()).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
    }
    drop((one, ours));
    let (heard, fd) = channel::receive_fd(other.as_fd()).unwrap();
    assert!(heard.is_empty() && fd.is_none());
}

#[test]
fn plain_bytes_come_without_a_channel() {
    let (one, other) = channel::pair().unwrap();
    UnixStream::from(one).write_all(&[7; 6000]).unwrap();
    let (heard, fd) = channel::receive_fd(other.as_fd()).unwrap();
    assert!(heard.len() == channel::MAX_LINE && fd.is_none());
}

#[test]
fn an_empty_or_too_long_line_is_not_sent() {
    let (one, _other) = channel::pair().unwrap();
    for line in [vec![], vec![0; channel::MAX_LINE + 1]] {
        let sent = channel::send_fd(one.as_fd(), one.as_fd(), &line);
        assert_eq!(sent.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    channel::send_fd(one.as_fd(), one.as_fd(), &vec![0; channel::MAX_LINE]).unwrap();
}

#[test]
fn a_closed_peer_is_an_error_and_no_signal() {
    let (one, other) = channel::pair().unwrap();
    drop(other);
    let sent = channel::send_fd(one.as_fd(), one.as_fd(), b"gate");
    assert_eq!(sent.unwrap_err().kind(), ErrorKind::BrokenPipe);
}

#[test]
fn several_descriptors_at_once_are_closed_and_refused() {
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
    for count in [2, 3, 20] {
        let (one, other) = channel::pair().unwrap();
        let fds = vec![one.as_fd(); count];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(20))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        assert!(ancillary.push(SendAncillaryMessage::ScmRights(&fds)));
        rustix::net::sendmsg(&one, &[IoSlice::new(b"gate")], &mut ancillary, SendFlags::empty()).unwrap();
        let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        let before = open();
        assert_eq!(
            channel::receive_fd(other.as_fd()).unwrap_err().kind(),
            ErrorKind::InvalidData
        );
        if std::env::var_os("NEXTEST").is_some() {
            assert_eq!(open(), before, "descriptors were left open");
        }
    }
}
