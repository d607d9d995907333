//! One channel to one gate: many streams over it, driven by one task.
//! It must never accept a stream from the gate, nor go on after the channel broke.
//! Standard: yamux specification; design.md section 1 ("many streams multiplexed over one inherited channel").

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use door::Refusal;
use tokio::io::{AsyncRead, AsyncWrite, BufStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};
use yamux::{Config, Connection, Mode};

use crate::DialError;
use crate::stream::{MAX_STREAMS, Stream};

/// Streams that yamux may know at once: more than we hold, because it hears of a dropped stream a little later.
/// Reaching it takes a gate that has stopped reading, and ends the channel.
const MAX_KNOWN_STREAMS: usize = 1024;
/// All receive windows together, in bytes: 256 KiB for each stream, and 64 MiB by which those in use may grow.
const MAX_WINDOWS: usize = (256 + 64) * 1024 * 1024;
/// The largest piece of data in one frame, in bytes: large enough to be cheap, small enough that streams take turns.
const FRAME: usize = 32 * 1024;
/// Buffer on the channel in each direction, in bytes.
const CHANNEL_BUFFER: usize = 64 * 1024;
/// Requests for a stream that may wait for the task.
const MAX_REQUESTS: usize = 64;

type OpenRequest = oneshot::Sender<yamux::Stream>;

/// The handle of a channel: as long as one exists, the channel stands.
pub(crate) struct Link {
    requests: mpsc::Sender<OpenRequest>,
    places: Arc<Semaphore>,
    status_place: Arc<Semaphore>,
}

impl Link {
    /// Opens a stream; fails at once if too many are open.
    pub(crate) async fn open(&self) -> Result<Stream, DialError> {
        self.open_on(&self.places).await
    }

    /// Opens a stream on the place that is kept for the status.
    pub(crate) async fn open_for_status(&self) -> Result<Stream, DialError> {
        self.open_on(&self.status_place).await
    }

    async fn open_on(&self, places: &Arc<Semaphore>) -> Result<Stream, DialError> {
        let place = Arc::clone(places);
        let place = place
            .try_acquire_owned()
            .map_err(|_| DialError::Refused(Refusal::TooManyStreams))?;
        let (reply, stream) = oneshot::channel();
        self.requests
            .send(reply)
            .await
            .map_err(|_| DialError::GateRestarted)?;
        let stream = stream.await.map_err(|_| DialError::GateRestarted)?;
        Ok(Stream::new(stream, place))
    }
}

/// Puts yamux on `channel`. The second value is the task that has to run; it ends with the channel.
pub(crate) fn start<C>(channel: C) -> (Link, impl Future<Output = ()> + Send + 'static)
where
    C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (requests, inbox) = mpsc::channel(MAX_REQUESTS);
    let link = Link {
        requests,
        places: Arc::new(Semaphore::new(MAX_STREAMS)),
        status_place: Arc::new(Semaphore::new(1)),
    };
    let channel = BufStream::with_capacity(CHANNEL_BUFFER, CHANNEL_BUFFER, channel).compat();
    let mut driver = Driver {
        connection: Connection::new(channel, config(), Mode::Client),
        inbox,
        waiting: None,
    };
    (link, async move { poll_fn(|cx| driver.poll(cx)).await })
}

fn config() -> Config {
    let mut config = Config::default();
    config.set_max_num_streams(MAX_KNOWN_STREAMS);
    config.set_max_connection_receive_window(Some(MAX_WINDOWS));
    config.set_split_send_size(FRAME);
    config
}

struct Driver<C> {
    connection: Connection<Compat<BufStream<C>>>,
    inbox: mpsc::Receiver<OpenRequest>,
    waiting: Option<OpenRequest>,
}

impl<C: AsyncRead + AsyncWrite + Unpin> Driver<C> {
    /// Ready once the channel has ended or nobody holds its handle any more.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            // Inbound first: it also carries out what dropped streams left behind.
            match self.connection.poll_next_inbound(cx) {
                // The gate opens no streams.
                Poll::Ready(Some(Ok(uninvited))) => {
                    drop(uninvited);
                    continue;
                }
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
                Poll::Pending => {}
            }
            if self.waiting.is_none() {
                match self.inbox.poll_recv(cx) {
                    Poll::Ready(Some(request)) => self.waiting = Some(request),
                    Poll::Ready(None) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
            }
            match self.connection.poll_new_outbound(cx) {
                Poll::Ready(Ok(stream)) => {
                    if let Some(request) = self.waiting.take() {
                        // A caller that has gone away drops the stream, which ends it.
                        let _ = request.send(stream);
                    }
                }
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
