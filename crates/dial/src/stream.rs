//! One stream through the gate, as the protocol crates see it.
//! It must never outlive its place among the streams that the gate carries at once.
//! Standard: yamux specification (stream identity, flow control, half close).

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use door::{LineReader, Refusal};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::compat::{Compat, FuturesAsyncReadCompatExt};

use crate::DialError;

/// A stream through Tor: bytes both ways.
///
/// The end of reading means that the other side or the way to it is gone: Tor knows no half-open streams, so writing
/// fails from then on. `shutdown` ends writing and leaves reading open for a few seconds more. Dropping it ends both.
pub struct Stream {
    inner: Compat<yamux::Stream>,
    _place: OwnedSemaphorePermit,
}

impl Stream {
    pub(crate) fn new(inner: yamux::Stream, place: OwnedSemaphorePermit) -> Stream {
        Stream {
            inner: inner.compat(),
            _place: place,
        }
    }

    /// Reads one line of the door and not a byte more; the end of the stream counts as the end of the gate.
    pub(crate) async fn read_line(&mut self) -> Result<Vec<u8>, DialError> {
        let mut reader = LineReader::new();
        loop {
            let byte = self.inner.read_u8().await.map_err(|_| DialError::GateRestarted)?;
            if let Some(line) = reader.push(byte)? {
                return Ok(line);
            }
        }
    }
}

/// How many streams a [`crate::Dialer`] opens at once; one more is for the status.
pub(crate) const MAX_STREAMS: usize = Refusal::MAX_STREAMS;

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream(..)")
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
