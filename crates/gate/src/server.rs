//! The gate's side of the channel: takes in streams and lets each be served by a task of its own.
//! It must never open a stream towards the engine, nor hold more of them than are allowed.
//! Standard: yamux specification; design.md section 1 ("door 2").

use std::future::poll_fn;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite, BufStream};
use tokio_util::compat::TokioAsyncReadCompatExt;
use yamux::{Config, Connection, Mode};

use crate::outward::Outward;
use crate::request::answer;

/// Streams of all kinds at once, the answered and the refused included; the engine's side holds 257.
const MAX_STREAMS: usize = 1024;
/// All receive windows together, in bytes: 256 KiB for each stream, and 64 MiB by which those in use may grow.
const MAX_WINDOWS: usize = (256 + 64) * 1024 * 1024;
/// The largest piece of data in one frame, in bytes: large enough to be cheap, small enough that streams take turns.
const FRAME: usize = 32 * 1024;
/// Buffer on the channel in each direction, in bytes.
const CHANNEL_BUFFER: usize = 64 * 1024;

/// Serves `channel` until it closes or breaks.
pub(crate) async fn serve<C>(channel: C, outward: Arc<Outward>)
where
    C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let channel = BufStream::with_capacity(CHANNEL_BUFFER, CHANNEL_BUFFER, channel).compat();
    let mut connection = Connection::new(channel, config(), Mode::Server);
    while let Some(Ok(stream)) = poll_fn(|cx| connection.poll_next_inbound(cx)).await {
        tokio::spawn(answer(stream, Arc::clone(&outward)));
    }
}

fn config() -> Config {
    let mut config = Config::default();
    config.set_max_num_streams(MAX_STREAMS);
    config.set_max_connection_receive_window(Some(MAX_WINDOWS));
    config.set_split_send_size(FRAME);
    config
}
