use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::timeout;

use super::*;

/// The time of grace in these tests.
const SHORT: Duration = Duration::from_millis(400);

/// A stream of the door in memory; `given_up` is what yamux would say after a reset.
struct Memory {
    stream: DuplexStream,
    given_up: bool,
}

impl Doorside for Memory {
    fn is_given_up(&self) -> bool {
        self.given_up
    }
}

impl AsyncRead for Memory {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Memory {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

fn between(given_up: bool) -> (DuplexStream, DuplexStream, tokio::task::JoinHandle<()>) {
    let (engine, inward) = duplex(1000);
    let (far, server) = duplex(700);
    let carrying = tokio::spawn(both_ways(
        Memory {
            stream: inward,
            given_up,
        },
        far,
    ));
    (engine, server, carrying)
}

fn noise(size: usize) -> Vec<u8> {
    (0..size)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect()
}

#[tokio::test]
async fn both_directions_run_at_once_and_every_byte_arrives() {
    const SIZE: usize = 3_000_000;
    let (mut engine, server, carrying) = between(false);
    let echoing = tokio::spawn(async move {
        let (mut reader, mut writer) = tokio::io::split(server);
        tokio::io::copy(&mut reader, &mut writer).await.unwrap();
    });
    let (mut reader, mut writer) = tokio::io::split(&mut engine);
    let sent = noise(SIZE);
    let sending = async {
        writer.write_all(&sent).await.unwrap();
    };
    let mut heard = vec![0; SIZE];
    let (_, read) = tokio::join!(sending, reader.read_exact(&mut heard));
    assert_eq!(read.unwrap(), SIZE);
    assert!(heard == sent);
    drop(engine);
    timeout(Duration::from_secs(30), carrying).await.unwrap().unwrap();
    echoing.abort();
}

#[tokio::test]
async fn the_end_of_the_far_side_comes_behind_its_last_byte() {
    let (mut engine, mut server, carrying) = between(false);
    let sent = noise(100_000);
    let expected = sent.clone();
    tokio::spawn(async move {
        server.write_all(&sent).await.unwrap();
    });
    let mut heard = Vec::new();
    engine.read_to_end(&mut heard).await.unwrap();
    assert!(heard == expected);
    carrying.await.unwrap();
}

#[tokio::test]
async fn after_the_engines_farewell_the_servers_one_still_arrives() {
    let (mut engine, mut server, carrying) = between(false);
    engine.write_all(b"</stream:stream>").await.unwrap();
    engine.shutdown().await.unwrap();
    let mut heard = [0; 16];
    server.read_exact(&mut heard).await.unwrap();
    for _ in 0..5 {
        sleep(SHORT / 2).await;
        server.write_all(b"more ").await.unwrap();
    }
    drop(server);
    let mut heard = Vec::new();
    engine.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"more more more more more ");
    carrying.await.unwrap();
}

#[tokio::test]
async fn a_server_that_says_nothing_after_the_farewell_is_left_after_a_time_of_grace() {
    let (mut engine, mut server, carrying) = between(false);
    let began = Instant::now();
    engine.shutdown().await.unwrap();
    assert_eq!(server.read(&mut [0; 1]).await.unwrap(), 0);
    carrying.await.unwrap();
    assert!(began.elapsed() >= SHORT);
}

#[tokio::test]
async fn an_engine_that_gives_up_ends_it_at_once() {
    let (mut engine, _server, carrying) = between(true);
    let began = Instant::now();
    engine.shutdown().await.unwrap();
    carrying.await.unwrap();
    assert!(began.elapsed() < SHORT);
}

#[tokio::test]
async fn a_side_that_does_not_read_holds_the_other_one_back() {
    let (mut engine, server, _carrying) = between(false);
    let mut written = 0;
    let chunk = noise(1000);
    while let Ok(Ok(())) = timeout(Duration::from_millis(200), engine.write_all(&chunk)).await {
        written += chunk.len();
        assert!(written < 2 * BUFFER);
    }
    drop(server);
}
