//! The two threads of door 1: one waits for the engine's lines, one writes the window's.
//! They must never keep more than they say, and never make the screen wait for the engine.
//! Standard: `docs/rpc.md`, one JSON-RPC message a line.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, TrySendError, sync_channel};

use view::Line;
use view::client::MAX_HEARD_BYTES;

use crate::{App, Error};

/// Lines of the engine that wait for the screen; beyond, the engine waits, and tells what it had to drop.
const MAX_UNHEARD: usize = 1_024;
/// Lines for the engine that wait to be written; one more is refused.
const MAX_UNWRITTEN: usize = 256;
/// Lines taken between two pictures.
const BATCH: usize = 512;

thread_local! {
    /// The one app of the thread that draws: what another thread hands over finds it here.
    static APP: RefCell<Weak<App>> = const { RefCell::new(Weak::new()) };
}

/// Starts the thread that writes. What it gives back never waits: `false` where the line was not taken.
pub(crate) fn write(mut writer: impl Write + Send + 'static) -> Result<impl Fn(Line) -> bool, Error> {
    let (send, receive) = sync_channel::<Line>(MAX_UNWRITTEN);
    spawn("writer", move || {
        for line in receive {
            let written = writer
                .write_all(line.expose().as_bytes())
                .and_then(|()| writer.write_all(b"\n"))
                .and_then(|()| writer.flush());
            if written.is_err() {
                return;
            }
        }
    })?;
    Ok(move |line| {
        !matches!(
            send.try_send(line),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_))
        )
    })
}

/// Starts the thread that reads.
pub(crate) fn read(reader: impl Read + Send + 'static, app: &Rc<App>) -> Result<(), Error> {
    APP.with_borrow_mut(|it| *it = Rc::downgrade(app));
    let (send, receive) = sync_channel(MAX_UNHEARD);
    app.listen(receive);
    let poke = Poke::default();
    spawn("reader", move || {
        let mut reader = BufReader::new(reader);
        while let Some(line) = next_line(&mut reader) {
            if send.send(line).is_err() {
                return;
            }
            poke.now();
        }
        drop(send);
        poke.now();
    })
}

/// What came from the engine since the last look.
pub(crate) struct Batch {
    /// The lines, at most [`BATCH`].
    pub(crate) lines: Vec<String>,
    /// Whether there may be more.
    pub(crate) more: bool,
    /// Whether the engine has gone.
    pub(crate) ended: bool,
}

/// Takes what waits, without waiting.
pub(crate) fn take(receive: &Receiver<String>) -> Batch {
    let mut batch = Batch {
        lines: Vec::new(),
        more: false,
        ended: false,
    };
    while batch.lines.len() < BATCH {
        match receive.try_recv() {
            Ok(line) => batch.lines.push(line),
            Err(TryRecvError::Empty) => return batch,
            Err(TryRecvError::Disconnected) => {
                batch.ended = true;
                return batch;
            }
        }
    }
    batch.more = true;
    batch
}

/// Asks the thread that draws to look, once for however many lines.
#[derive(Clone, Default)]
struct Poke(Arc<AtomicBool>);

impl Poke {
    fn now(&self) {
        if self.0.swap(true, Ordering::AcqRel) {
            return;
        }
        let poke = self.clone();
        // It fails only once the window is closed, when nobody listens any more.
        let _ = slint::invoke_from_event_loop(move || {
            poke.0.store(false, Ordering::Release);
            let app = APP.with_borrow(Weak::upgrade);
            if app.is_some_and(|app| app.hear_waiting()) {
                poke.now();
            }
        });
    }
}

/// One line without its end; `None` at the end of the stream, at a line that is too long or no UTF-8: then the two
/// sides have lost each other.
fn next_line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    let limit = u64::try_from(MAX_HEARD_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let read = reader.by_ref().take(limit).read_line(&mut line).ok()?;
    if read == 0 || line.len() > MAX_HEARD_BYTES {
        return None;
    }
    Some(line)
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Error> {
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(work).map(drop).map_err(|_| Error::NoThread)
}

/// Where the lines come from, for [`App::listen`].
pub(crate) type Unheard = Receiver<String>;
