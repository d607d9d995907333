//! Door 1: lines in, lines out. A slow reader loses the oldest events and is told how many.
//! It must never let a reader that stands still hold up the engine, nor a long line its memory.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use model::{Event, Notification, Problem, rpc};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, mpsc};

use crate::End;
use crate::messenger::Messenger;

/// Events kept for a slow reader.
const MAX_EVENTS: usize = 10_000;
/// Answers kept for a slow reader; with more, no further line is read.
const MAX_ANSWERS: usize = 256;

/// What waits to be written. Shared within one thread; never held across a wait.
#[derive(Clone, Default)]
pub(crate) struct Queue {
    inner: Rc<Inner>,
}

#[derive(Default)]
struct Inner {
    lines: RefCell<Lines>,
    filled: Notify,
    drained: Notify,
}

#[derive(Default)]
struct Lines {
    answers: VecDeque<String>,
    events: VecDeque<Notification>,
    sequence: u64,
    lost: u64,
    closed: bool,
}

impl Queue {
    /// Tells an event.
    pub(crate) fn tell(&self, event: Event) {
        let mut lines = self.inner.lines.borrow_mut();
        lines.sequence += 1;
        let sequence = lines.sequence;
        lines.events.push_back(Notification { sequence, event });
        if lines.events.len() > MAX_EVENTS {
            lines.events.pop_front();
            lines.lost += 1;
        }
        self.inner.filled.notify_one();
    }

    /// Answers a request.
    pub(crate) fn answer(&self, line: String) {
        self.inner.lines.borrow_mut().answers.push_back(line);
        self.inner.filled.notify_one();
    }

    /// Number of the last event told.
    pub(crate) fn sequence(&self) -> u64 {
        self.inner.lines.borrow().sequence
    }

    /// Nothing more will come: the writer ends when everything is written.
    pub(crate) fn close(&self) {
        self.inner.lines.borrow_mut().closed = true;
        self.inner.filled.notify_one();
    }

    fn next(&self) -> Option<String> {
        let mut lines = self.inner.lines.borrow_mut();
        if let Some(answer) = lines.answers.pop_front() {
            self.inner.drained.notify_one();
            return Some(answer);
        }
        if lines.lost > 0 {
            let count = std::mem::take(&mut lines.lost);
            let sequence = lines
                .events
                .front()
                .map_or(lines.sequence, |next| next.sequence.saturating_sub(1));
            return Some(rpc::notification(&Notification {
                sequence,
                event: Event::EventsLost { count },
            }));
        }
        lines.events.pop_front().map(|event| rpc::notification(&event))
    }

    /// The next line that would be written.
    #[cfg(test)]
    pub(crate) fn next_line(&self) -> Option<String> {
        self.next()
    }

    fn is_closed(&self) -> bool {
        self.inner.lines.borrow().closed
    }

    /// Waits until there is room for another answer.
    async fn room(&self) {
        while self.inner.lines.borrow().answers.len() >= MAX_ANSWERS {
            self.inner.drained.notified().await;
        }
    }
}

/// Runs the messenger between its input and its output.
pub(crate) async fn serve(
    messenger: Messenger,
    queue: Queue,
    input: impl AsyncRead + Unpin,
    output: impl AsyncWrite + Unpin,
) -> std::io::Result<End> {
    let (requests, inbox) = mpsc::channel(64);
    let reading = async {
        read(input, &queue, &requests).await;
        drop(requests);
        std::future::pending::<()>().await;
    };
    let working = async {
        let end = messenger.run(inbox).await;
        queue.close();
        if end == End::Stopped {
            std::future::pending::<()>().await;
        }
        end
    };
    tokio::select! {
        result = write(&queue, output) => result.map(|()| End::Stopped),
        () = reading => Ok(End::Stopped),
        end = working => Ok(end),
    }
}

async fn read(input: impl AsyncRead + Unpin, queue: &Queue, requests: &mpsc::Sender<rpc::Request>) {
    let mut input = Input::new(input);
    let mut line = Vec::new();
    while let Some(whole) = input.read_line(&mut line).await {
        queue.room().await;
        match understand(&line, whole) {
            Ok(None) => {}
            Ok(Some(request)) => {
                if requests.send(request).await.is_err() {
                    return;
                }
            }
            Err(bad) => queue.answer(rpc::failure(bad.id.as_ref(), bad.code, &bad.problem)),
        }
        zeroize::Zeroize::zeroize(&mut line);
    }
}

/// Bytes read at a time.
const CHUNK: usize = 64 * 1024;

/// What comes in, of which nothing stays behind: lines can hold a passphrase.
struct Input<R> {
    from: R,
    /// What was read and not yet taken.
    rest: zeroize::Zeroizing<Vec<u8>>,
}

impl<R: AsyncRead + Unpin> Input<R> {
    fn new(from: R) -> Self {
        let rest = zeroize::Zeroizing::new(Vec::new());
        Self { from, rest }
    }

    /// Reads one line into `line`. `Some(false)`: it was too long and is skipped. `None`: the end.
    async fn read_line(&mut self, line: &mut Vec<u8>) -> Option<bool> {
        line.clear();
        let mut whole = true;
        loop {
            if self.rest.is_empty() {
                self.read().await?;
            }
            let (part, end) = match self.rest.iter().position(|byte| *byte == b'\n') {
                Some(end) => (self.rest.get(..end).unwrap_or_default(), Some(end + 1)),
                None => (self.rest.as_slice(), None),
            };
            whole &= line.len() + part.len() <= rpc::MAX_LINE_BYTES;
            if whole {
                line.extend_from_slice(part);
            }
            let left = self
                .rest
                .get(end.unwrap_or(self.rest.len())..)
                .unwrap_or_default();
            self.rest = zeroize::Zeroizing::new(left.to_vec());
            if end.is_some() {
                return Some(whole);
            }
        }
    }

    async fn read(&mut self) -> Option<()> {
        let mut chunk = zeroize::Zeroizing::new(vec![0; CHUNK]);
        let length = self
            .from
            .read(&mut chunk)
            .await
            .ok()
            .filter(|length| *length > 0)?;
        self.rest.extend_from_slice(chunk.get(..length)?);
        Some(())
    }
}

fn understand(line: &[u8], whole: bool) -> Result<Option<rpc::Request>, rpc::BadRequest> {
    let bad = |name: &str, text: &str| rpc::BadRequest {
        id: None,
        code: rpc::INVALID_REQUEST,
        problem: Problem::new(name, text),
    };
    if !whole {
        return Err(bad("door.line_too_long", "The line is longer than 1 MiB."));
    }
    let text = std::str::from_utf8(line).map_err(|_| bad("door.not_utf8", "The line is not UTF-8."))?;
    if text.trim().is_empty() {
        Ok(None)
    } else {
        rpc::parse(text).map(Some)
    }
}

async fn write(queue: &Queue, output: impl AsyncWrite + Unpin) -> std::io::Result<()> {
    let mut output = output;
    loop {
        match queue.next() {
            Some(line) => {
                output.write_all(line.as_bytes()).await?;
                output.write_all(b"\n").await?;
            }
            None => {
                output.flush().await?;
                if queue.is_closed() {
                    return Ok(());
                }
                queue.inner.filled.notified().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines_of(input: &[u8]) -> Vec<(bool, usize)> {
        let mut input = Input::new(input);
        let mut line = Vec::new();
        let mut lines = Vec::new();
        while let Some(whole) = input.read_line(&mut line).await {
            lines.push((whole, line.len()));
        }
        lines
    }

    #[tokio::test]
    async fn a_line_over_the_limit_is_skipped_and_the_next_one_read() {
        let mut input = vec![b'x'; rpc::MAX_LINE_BYTES + 1];
        input.extend_from_slice(b"\nabc\nhalf a line");
        let lines = lines_of(&input).await;
        assert_eq!(lines.len(), 2);
        assert!(!lines[0].0);
        assert!(lines[0].1 <= rpc::MAX_LINE_BYTES);
        assert_eq!(lines[1], (true, 3));
    }

    #[test]
    fn a_slow_reader_loses_the_oldest_events_and_is_told_how_many() {
        let queue = Queue::default();
        for _ in 0..MAX_EVENTS + 7 {
            queue.tell(Event::EventsLost { count: 0 });
        }
        let first = queue.next().unwrap();
        assert!(
            first.contains(r#""count":7"#) && first.contains(r#""sequence":7"#),
            "{first}"
        );
        assert!(queue.next().unwrap().contains(r#""sequence":8"#));
        assert_eq!(queue.sequence(), MAX_EVENTS as u64 + 7);
    }

    #[test]
    fn what_is_no_request_gets_a_code() {
        assert_eq!(
            understand(b"\xff", true).unwrap_err().problem.code,
            "door.not_utf8"
        );
        assert_eq!(
            understand(b"", false).unwrap_err().problem.code,
            "door.line_too_long"
        );
        assert_eq!(understand(b"  ", true), Ok(None));
    }
}
