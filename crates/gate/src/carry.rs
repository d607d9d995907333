//! Carries bytes between a stream of the door and a stream of Tor, both ways at once.
//! It must never lose or reorder a byte, hold more than its two buffers, or leave written bytes unsent.
//! Standard: tor-spec, "Closing streams": an END closes both directions, so Tor knows no half-closed streams.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use crate::request::Inward;

/// Bytes that wait in each direction.
const BUFFER: usize = 32 * 1024;
/// After the engine has ended its direction, the other one stays open until nothing came for this long.
const LINGER: Duration = Duration::from_secs(10);

/// A stream of the door, as far as carrying needs to know it.
pub(crate) trait Doorside: AsyncRead + AsyncWrite + Unpin {
    /// Has the engine given the stream up, rather than ended its own direction?
    fn is_given_up(&self) -> bool;
}

impl Doorside for Inward {
    fn is_given_up(&self) -> bool {
        self.get_ref().is_closed()
    }
}

/// Carries until the far side ends or the engine gives up. Both streams are dropped then: on the door that tells the
/// engine, behind the last byte, that neither direction goes on.
pub(crate) async fn both_ways<D: Doorside, T: AsyncRead + AsyncWrite + Unpin>(inward: D, far: T) {
    lingering(inward, far, LINGER).await;
}

async fn lingering<D: Doorside, T: AsyncRead + AsyncWrite + Unpin>(
    mut inward: D,
    mut far: T,
    time: Duration,
) {
    let (mut down, mut up) = (OneWay::new(), OneWay::new());
    let mut linger = Linger {
        time,
        timer: None,
        carried: 0,
    };
    poll_fn(|cx| {
        if down.poll(cx, &mut far, &mut inward).is_ready() {
            return Poll::Ready(());
        }
        if !linger.is_set() {
            match up.poll(cx, &mut inward, &mut far) {
                Poll::Ready(Ok(())) if !inward.is_given_up() => linger.set(down.carried),
                Poll::Ready(Ok(())) => return Poll::Ready(()),
                // The far side takes no more; what it has sent already is still to be fetched.
                Poll::Ready(Err(_)) => linger.set(down.carried),
                Poll::Pending => {}
            }
        }
        linger.poll(cx, down.carried)
    })
    .await;
}

/// One direction.
struct OneWay {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    ended: bool,
    unsent: bool,
    carried: u64,
}

impl OneWay {
    fn new() -> OneWay {
        OneWay {
            buffer: vec![0; BUFFER].into_boxed_slice(),
            start: 0,
            end: 0,
            ended: false,
            unsent: false,
            carried: 0,
        }
    }

    /// Ready once the reader has ended and everything was written and sent.
    fn poll<R, W>(&mut self, cx: &mut Context<'_>, reader: &mut R, writer: &mut W) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            // Tor hands out single cells: they are collected, so that the door carries fewer and larger frames.
            let starved = self.fill(cx, reader)?;
            ready!(self.drain(cx, writer))?;
            if (self.ended || starved) && self.unsent {
                ready!(Pin::new(&mut *writer).poll_flush(cx))?;
                self.unsent = false;
            }
            if self.ended {
                return Poll::Ready(Ok(()));
            }
            if starved {
                return Poll::Pending;
            }
        }
    }

    /// Reads until the buffer is full or nothing is there; says whether nothing was there.
    fn fill<R: AsyncRead + Unpin>(&mut self, cx: &mut Context<'_>, reader: &mut R) -> io::Result<bool> {
        while !self.ended {
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            if room.is_empty() {
                return Ok(false);
            }
            let mut room = ReadBuf::new(room);
            match Pin::new(&mut *reader).poll_read(cx, &mut room) {
                Poll::Ready(Ok(())) => {
                    let read = room.filled().len();
                    self.end += read;
                    self.ended = read == 0;
                }
                // What came before the error is still delivered.
                Poll::Ready(Err(_)) => self.ended = true,
                Poll::Pending => return Ok(true),
            }
        }
        Ok(false)
    }

    fn drain<W: AsyncWrite + Unpin>(&mut self, cx: &mut Context<'_>, writer: &mut W) -> Poll<io::Result<()>> {
        loop {
            let waiting = self.buffer.get(self.start..self.end).unwrap_or_default();
            if waiting.is_empty() {
                (self.start, self.end) = (0, 0);
                return Poll::Ready(Ok(()));
            }
            let written = ready!(Pin::new(&mut *writer).poll_write(cx, waiting))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.start += written;
            self.carried += written as u64;
            self.unsent = true;
        }
    }
}

/// The time after the engine's end, extended while something still comes.
struct Linger {
    time: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    carried: u64,
}

impl Linger {
    fn is_set(&self) -> bool {
        self.timer.is_some()
    }

    fn set(&mut self, carried: u64) {
        self.timer = Some(Box::pin(sleep(self.time)));
        self.carried = carried;
    }

    fn poll(&mut self, cx: &mut Context<'_>, carried: u64) -> Poll<()> {
        let Some(timer) = &mut self.timer else {
            return Poll::Pending;
        };
        loop {
            ready!(timer.as_mut().poll(cx));
            if carried == self.carried {
                return Poll::Ready(());
            }
            self.carried = carried;
            timer.as_mut().reset(Instant::now() + self.time);
        }
    }
}

#[cfg(test)]
#[path = "carry_tests.rs"]
mod tests;
