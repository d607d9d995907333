//! A gate and an XMPP server in memory that record every byte with its time, for the engine's own tests.
//! It must never be a part of the program, nor say anything of its own accord.
//! design.md 1 (door 2); RFC 6120, RFC 5802, XEP-0198 as far as a client needs them.

mod alike;
mod habits;
mod mallory;
mod server;
mod sights;

use std::future::poll_fn;
use std::sync::{Arc, Mutex};

use dial::{Dialer, GateStatus, Phase};
use door::{Answer, Connect, Header, LineReader};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::compat::{Compat, FuturesAsyncReadCompatExt, TokioAsyncReadCompatExt};
use yamux::{Config, Connection, Mode};

pub(crate) use self::server::PASSWORD;

pub(crate) type Side = Compat<yamux::Stream>;

/// What the server saw.
#[derive(Clone, Debug)]
pub(crate) enum Seen {
    /// A circuit of this name was asked for.
    Came,
    /// Something was said: one stanza, or what stands for one.
    Said(String),
    /// The server itself said something: any number of stanzas.
    Told(String),
    /// The stream ended, whoever ended it.
    Went,
}

/// One thing that the server saw, of whom, and when.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) at: Instant,
    /// The account's name for circuits, in hexadecimal digits.
    pub(crate) of: String,
    pub(crate) seen: Seen,
}

/// All that was seen, and ways to say something on the streams that stand.
#[derive(Clone, Default)]
pub(crate) struct Record {
    pub(crate) lines: Arc<Mutex<Vec<Line>>>,
    says: Arc<Mutex<Vec<mpsc::UnboundedSender<String>>>>,
}

impl Record {
    fn note(&self, connect: &Connect, seen: Seen) {
        self.lines.lock().unwrap().push(Line {
            at: Instant::now(),
            of: connect.isolation.to_hex(),
            seen,
        });
    }

    /// Takes what was seen since the last time.
    pub(crate) fn take(&self) -> Vec<Line> {
        std::mem::take(&mut *self.lines.lock().unwrap())
    }

    /// Says something on every stream that stands.
    pub(crate) fn say(&self, stanza: &str) {
        let says = self.says.lock().unwrap();
        says.iter().for_each(|say| _ = say.send(stanza.to_owned()));
    }
}

/// A gate that stands until it is dropped.
pub(crate) struct Gate(Vec<JoinHandle<()>>);

impl Drop for Gate {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// Puts a gate at the other end of a dialer's door, with a server behind every address.
pub(crate) fn gate(dialer: &Dialer, record: &Record) -> Gate {
    let (ours, theirs) = duplex(64 * 1024);
    dialer.attach(ours);
    serve_channel(theirs, record)
}

/// The gate's side of a channel.
fn serve_channel(theirs: DuplexStream, record: &Record) -> Gate {
    let record = record.clone();
    Gate(vec![tokio::spawn(async move {
        let mut streams = tokio::task::JoinSet::new();
        let mut connection = Connection::new(theirs.compat(), Config::default(), Mode::Server);
        while let Some(Ok(stream)) = poll_fn(|cx| connection.poll_next_inbound(cx)).await {
            streams.spawn(serve(stream.compat(), record.clone()));
        }
        // Every stream ends with its channel, and is seen to.
        drop(connection);
        while streams.join_next().await.is_some() {}
    })])
}

async fn serve(mut stream: Side, record: Record) {
    let mut reader = LineReader::new();
    let header = loop {
        let Ok(byte) = stream.read_u8().await else { return };
        if let Some(line) = reader.push(byte).unwrap() {
            break Header::decode(&line).unwrap();
        }
    };
    stream.write_all(&Answer::Done.encode().unwrap()).await.unwrap();
    match header {
        Header::Connect(connect) => {
            record.note(&connect, Seen::Came);
            let (say, says) = mpsc::unbounded_channel();
            record.says.lock().unwrap().push(say);
            let note = |words: &str, told| {
                let words = words.to_owned();
                record.note(
                    &connect,
                    if told {
                        Seen::Told(words)
                    } else {
                        Seen::Said(words)
                    },
                );
            };
            server::serve(stream, says, note).await;
            record.note(&connect, Seen::Went);
        }
        Header::Status => {
            let status = GateStatus {
                phase: Phase::Ready,
                percent: 100,
                ..GateStatus::starting()
            };
            let _ = stream.write_all(&status.encode().unwrap()).await;
            let _ = stream.flush().await;
            let _ = stream.read(&mut [0; 1]).await;
        }
        _ => _ = stream.flush().await,
    }
}
