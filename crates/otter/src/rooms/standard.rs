//! Standard input and output for the engine, each served by a thread of its own.
//! Reading them cannot be called off, so the engine must never wait for these threads to begin with; and nothing of what
//! passed stays behind in a buffer.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

/// Bytes between a thread and the engine.
const BETWEEN: usize = 64 * 1024;

/// What passed, wiped when it has.
type Chunk = Zeroizing<Vec<u8>>;

/// The engine's ends of the two streams.
pub(super) struct Standard {
    pub(super) input: Input,
    pub(super) output: Output,
    /// Ends when everything that the engine said is written out.
    pub(super) writer: JoinHandle<()>,
}

/// Starts both threads.
pub(super) fn open() -> Standard {
    let (filled, chunks) = mpsc::channel(1);
    let output = Output(Arc::default());
    let drained = Arc::clone(&output.0);
    std::thread::spawn(move || read(&filled));
    let writer = std::thread::spawn(move || write(&drained));
    let input = Input {
        chunks,
        rest: Chunk::default(),
    };
    Standard {
        input,
        output,
        writer,
    }
}

/// What the engine reads.
pub(super) struct Input {
    chunks: mpsc::Receiver<Chunk>,
    rest: Chunk,
}

impl AsyncRead for Input {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.rest.is_empty() {
            match self.chunks.poll_recv(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(chunk) => self.rest = chunk.unwrap_or_default(),
            }
        }
        let (now, later) = self.rest.split_at(self.rest.len().min(buffer.remaining()));
        buffer.put_slice(now);
        self.rest = Zeroizing::new(later.to_vec());
        Poll::Ready(Ok(()))
    }
}

/// What the engine writes.
pub(super) struct Output(Arc<Between>);

#[derive(Default)]
struct Between {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    chunks: VecDeque<Chunk>,
    bytes: usize,
    closed: bool,
    writer: Option<Waker>,
}

impl Between {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        let mut waiting = self.waiting();
        waiting.closed = true;
        if let Some(writer) = waiting.writer.take() {
            writer.wake();
        }
        self.changed.notify_all();
    }

    /// Waits for what the engine wrote; `None`: it will write no more.
    fn next(&self) -> Option<Chunk> {
        let mut waiting = self.waiting();
        loop {
            if let Some(chunk) = waiting.chunks.pop_front() {
                waiting.bytes -= chunk.len();
                if let Some(writer) = waiting.writer.take() {
                    writer.wake();
                }
                return Some(chunk);
            }
            if waiting.closed {
                return None;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl AsyncWrite for Output {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let mut waiting = self.0.waiting();
        if waiting.closed {
            return Poll::Ready(Err(std::io::ErrorKind::BrokenPipe.into()));
        }
        let room = BETWEEN.saturating_sub(waiting.bytes).min(bytes.len());
        if room == 0 && !bytes.is_empty() {
            waiting.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        let chunk = bytes.get(..room).unwrap_or_default().to_vec();
        waiting.chunks.push_back(Zeroizing::new(chunk));
        waiting.bytes += room;
        self.0.changed.notify_all();
        Poll::Ready(Ok(room))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.0.close();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Standard input to the engine, until either ends.
fn read(to: &mpsc::Sender<Chunk>) {
    let mut input = std::io::stdin().lock();
    // Longer than the buffer of standard input, which is therefore left out.
    let mut buffer = Zeroizing::new(vec![0; BETWEEN]);
    while let Ok(length @ 1..) = input.read(&mut buffer) {
        let chunk = Zeroizing::new(buffer.get(..length).unwrap_or_default().to_vec());
        // Lines can hold a passphrase.
        zeroize::Zeroize::zeroize(buffer.as_mut_slice());
        if to.blocking_send(chunk).is_err() {
            return;
        }
    }
}

/// The engine to standard output, until either ends.
fn write(from: &Between) {
    // Not std's own handle: it keeps what it wrote in a buffer.
    let Ok(mut output) = standard_output() else {
        return from.close();
    };
    while let Some(chunk) = from.next() {
        if output.write_all(&chunk).is_err() {
            return from.close();
        }
    }
}

fn standard_output() -> std::io::Result<std::fs::File> {
    use std::os::fd::AsFd;
    Ok(std::io::stdout().as_fd().try_clone_to_owned()?.into())
}
