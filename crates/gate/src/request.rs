//! One stream of the door: reads what it is for, answers, and does it.
//! It must never do anything before the whole header was understood, nor go on when the engine has gone.
//! Standard: design.md section 1 ("a stream starts with one line that says what it is for").

use std::io;
use std::sync::Arc;
use std::time::Duration;

use door::{Answer, Attempt, Connect, Header, LineError, LineReader, Path};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_util::compat::{Compat, FuturesAsyncReadCompatExt};

use crate::SelfTest;
use crate::carry;
use crate::outward::{Opened, Outward};
use crate::services;

/// How long the engine may take for its header line.
const HEADER_WAIT: Duration = Duration::from_secs(10);

/// A stream of the door.
pub(crate) type Inward = Compat<yamux::Stream>;

/// Serves one stream to its end. What goes wrong ends the stream; the engine sees that, and nobody else has to.
pub(crate) async fn answer(stream: yamux::Stream, outward: Arc<Outward>) {
    let mut stream = stream.compat();
    let Ok(Ok(header)) = timeout(HEADER_WAIT, header(&mut stream)).await else {
        return;
    };
    let _ended = match header {
        Header::Accept { visit } => services::accept(stream, visit, &outward).await,
        Header::Check => check(stream, &outward).await,
        Header::Connect(request) => connect(stream, &request, &outward).await,
        Header::NewCircuit { isolation } => {
            outward.renew(&isolation);
            finish(stream, Answer::Done).await
        }
        Header::Paths => lines(stream, outward.paths().await.iter().map(Path::encode)).await,
        Header::Serve(serve) => services::serve(stream, &serve, &outward).await,
        Header::Settings(settings) => {
            let answer = match outward.set(&settings).await {
                Ok(()) => Answer::Done,
                Err(refusal) => Answer::Refused(refusal),
            };
            finish(stream, answer).await
        }
        Header::Status => status(stream, &outward).await,
        Header::Transports => lines(stream, [outward.transports_here().await.encode()]).await,
    };
}

async fn header(stream: &mut Inward) -> io::Result<Header> {
    let garbled = |_| io::Error::from(io::ErrorKind::InvalidData);
    let mut reader = LineReader::new();
    loop {
        if let Some(line) = reader.push(stream.read_u8().await?).map_err(garbled)? {
            return Header::decode(&line).map_err(garbled);
        }
    }
}

pub(crate) async fn say(stream: &mut Inward, answer: &Answer) -> io::Result<()> {
    let line = answer
        .encode()
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    stream.write_all(&line).await?;
    stream.flush().await
}

pub(crate) async fn finish(mut stream: Inward, answer: Answer) -> io::Result<()> {
    say(&mut stream, &answer).await?;
    stream.shutdown().await
}

async fn connect(mut stream: Inward, request: &Connect, outward: &Outward) -> io::Result<()> {
    let place = match outward.place() {
        Ok(place) => place,
        Err(refusal) => return finish(stream, Answer::Refused(refusal)).await,
    };
    let opened = tokio::select! {
        opened = outward.connect(request) => opened,
        // The engine sends nothing before the answer: whatever comes means that it has given up.
        _ = stream.read_u8() => return Ok(()),
    };
    match opened {
        Ok(opened) => {
            say(&mut stream, &Answer::Done).await?;
            let Opened {
                stream: far,
                place: _live,
            } = opened;
            carry::both_ways(stream, far).await;
        }
        Err(refusal) => finish(stream, Answer::Refused(refusal)).await?,
    }
    drop(place);
    Ok(())
}

/// Agrees, says `lines`, and ends the stream.
async fn lines(
    mut stream: Inward,
    lines: impl IntoIterator<Item = Result<Vec<u8>, LineError>>,
) -> io::Result<()> {
    say(&mut stream, &Answer::Done).await?;
    for line in lines {
        stream
            .write_all(&line.map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?)
            .await?;
    }
    stream.flush().await?;
    stream.shutdown().await
}

async fn check(stream: Inward, outward: &Outward) -> io::Result<()> {
    let Some(SelfTest(test)) = outward.self_test.clone() else {
        return lines(stream, []).await;
    };
    let tried = tokio::task::spawn_blocking(move || test()).await;
    let tried = tried.map_err(|_| io::Error::from(io::ErrorKind::Other))?;
    lines(stream, tried.iter().map(Attempt::encode)).await
}

async fn status(mut stream: Inward, outward: &Outward) -> io::Result<()> {
    let mut status = outward.status();
    say(&mut stream, &Answer::Done).await?;
    loop {
        let line = status.borrow_and_update().encode();
        stream
            .write_all(&line.map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?)
            .await?;
        stream.flush().await?;
        tokio::select! {
            changed = status.changed() => if changed.is_err() { return Ok(()) },
            _ = stream.read_u8() => return Ok(()),
        }
    }
}
