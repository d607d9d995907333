//! Alice's engine on door 2, with a gate in memory that follows a script.
//! These tests must never need a network.
//! Standard: design.md section 1; yamux specification.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::future::poll_fn;
use std::time::Duration;

use dial::{
    DialError, Dialer, GateStatus, Host, Isolation, Path, PathEnd, Phase, Purpose, Refusal, Running,
    SettingsProblem, TorSettings, TorStatus,
};
use door::{Answer, Header, LineReader};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::compat::{Compat, FuturesAsyncReadCompatExt, TokioAsyncReadCompatExt};
use yamux::{Config, Connection, Mode};

type Side = Compat<yamux::Stream>;

/// Runs the gate's side of a channel; each stream is handed to `serve` with its header.
fn gate<F, R>(serve: F) -> (DuplexStream, JoinHandle<()>)
where
    F: Fn(Header, Side) -> R + Clone + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let (ours, theirs) = duplex(64 * 1024);
    let running = tokio::spawn(async move {
        let mut config = Config::default();
        config
            .set_max_connection_receive_window(None)
            .set_max_num_streams(4096);
        let mut connection = Connection::new(theirs.compat(), config, Mode::Server);
        while let Some(Ok(stream)) = poll_fn(|cx| connection.poll_next_inbound(cx)).await {
            let serve = serve.clone();
            tokio::spawn(async move {
                let mut stream = stream.compat();
                let Some(header) = header(&mut stream).await else {
                    return;
                };
                serve(header, stream).await;
            });
        }
    });
    (ours, running)
}

async fn header(stream: &mut Side) -> Option<Header> {
    let mut reader = LineReader::new();
    loop {
        if let Some(line) = reader.push(stream.read_u8().await.ok()?).unwrap() {
            return Some(Header::decode(&line).unwrap());
        }
    }
}

async fn say(stream: &mut Side, answer: Answer) {
    stream.write_all(&answer.encode().unwrap()).await.unwrap();
    stream.flush().await.unwrap();
}

async fn ready(mut stream: Side) {
    say(&mut stream, Answer::Done).await;
    let status = GateStatus {
        phase: Phase::Ready,
        percent: 100,
        ..GateStatus::starting()
    };
    stream.write_all(&status.encode().unwrap()).await.unwrap();
    stream.flush().await.unwrap();
    let _ = stream.read(&mut [0; 1]).await;
}

/// Says yes to everything and sends back what it is sent.
async fn echo(header: Header, mut stream: Side) {
    match header {
        Header::Connect(_) => {
            say(&mut stream, Answer::Done).await;
            let (mut reader, mut writer) = tokio::io::split(stream);
            let _ = tokio::io::copy(&mut reader, &mut writer).await;
            let _ = writer.shutdown().await;
        }
        Header::Paths => {
            say(&mut stream, Answer::Done).await;
            for account in 1..=2 {
                stream.write_all(&path(account).encode().unwrap()).await.unwrap();
            }
            stream.shutdown().await.unwrap();
        }
        Header::Status => ready(stream).await,
        Header::Accept { .. }
        | Header::Check
        | Header::NewCircuit { .. }
        | Header::Serve(_)
        | Header::Settings(_)
        | Header::Transports => {
            say(&mut stream, Answer::Done).await;
        }
    }
}

fn path(account: u8) -> Path {
    Path {
        isolation: Isolation::from_bytes([account; 16]),
        purpose: Purpose::Xmpp,
        end: PathEnd::Exit,
        hops: Vec::new(),
        seconds: 1,
        streams: 1,
    }
}

fn alice() -> Isolation {
    Isolation::from_bytes([0xa1; 16])
}

fn server() -> Host {
    Host::parse("xmpp.example.org").unwrap()
}

async fn call(dialer: &Dialer) -> Result<dial::Stream, DialError> {
    dialer.connect(&alice(), Purpose::Xmpp, &server(), 5222).await
}

async fn wait_for(dialer: &Dialer, wanted: impl Fn(&TorStatus) -> bool) {
    let mut status = dialer.status();
    timeout(Duration::from_secs(10), status.wait_for(|now| wanted(now)))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn alice_gets_a_stream_and_the_gate_learns_only_what_it_needs() {
    let dialer = Dialer::new();
    let (seen, mut headers) = tokio::sync::mpsc::unbounded_channel();
    let (channel, _gate) = gate(move |header, stream| {
        seen.send(header.clone()).unwrap();
        echo(header, stream)
    });
    dialer.attach(channel);
    wait_for(&dialer, TorStatus::is_ready).await;
    assert_eq!(headers.recv().await, Some(Header::Status));
    let mut stream = call(&dialer).await.unwrap();
    let Some(Header::Connect(connect)) = headers.recv().await else {
        panic!("no connect")
    };
    assert_eq!(
        (connect.isolation, connect.purpose, connect.port),
        (alice(), Purpose::Xmpp, 5222)
    );
    assert_eq!(connect.host, server());
    stream.write_all(b"hello").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"hello");
    dialer.new_circuit(&alice()).await.unwrap();
    assert_eq!(
        headers.recv().await,
        Some(Header::NewCircuit { isolation: alice() })
    );
}

#[tokio::test]
async fn a_gate_that_died_shows_as_restarting_and_its_successor_goes_on() {
    let dialer = Dialer::new();
    let (channel, first) = gate(echo);
    dialer.attach(channel);
    wait_for(&dialer, TorStatus::is_ready).await;
    let mut old = call(&dialer).await.unwrap();
    first.abort();
    wait_for(&dialer, |status| *status == TorStatus::Restarting).await;
    assert_eq!(old.read(&mut [0; 8]).await.unwrap(), 0);
    assert!(old.write_all(b"lost").await.is_err() || old.flush().await.is_err());

    let calling = tokio::spawn({
        let dialer = dialer.clone();
        async move { call(&dialer).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!calling.is_finished());
    let (channel, _second) = gate(echo);
    dialer.attach(channel);
    assert!(calling.await.unwrap().is_ok());
    wait_for(&dialer, TorStatus::is_ready).await;
}

#[tokio::test]
async fn a_new_gate_is_told_first_which_tor_was_chosen() {
    let dialer = Dialer::new();
    let chosen = TorSettings::Running(Running::default());
    let (channel, first) = gate(echo);
    dialer.attach(channel);
    assert_eq!(dialer.tor_settings(), None);
    dialer.set_tor(&chosen).await.unwrap();
    assert_eq!(dialer.tor_settings(), Some(chosen.clone()));
    first.abort();
    let (seen, mut headers) = tokio::sync::mpsc::unbounded_channel();
    let (channel, _second) = gate(move |header, stream| {
        seen.send(header.clone()).unwrap();
        echo(header, stream)
    });
    dialer.attach(channel);
    wait_for(&dialer, TorStatus::is_ready).await;
    let Some(Header::Settings(settings)) = headers.recv().await else {
        panic!("no settings")
    };
    assert_eq!(settings.tor, Some(chosen));
    assert_eq!(headers.recv().await, Some(Header::Status));
}

#[tokio::test]
async fn a_choice_that_was_refused_is_not_remembered() {
    let dialer = Dialer::new();
    let refusal = Refusal::BadSettings(SettingsProblem::TransportMissing);
    let answer = Answer::Refused(refusal.clone());
    let (channel, _gate) = gate(move |header, mut stream| {
        let answer = answer.clone();
        async move {
            match header {
                Header::Settings(_) => say(&mut stream, answer).await,
                other => echo(other, stream).await,
            }
        }
    });
    dialer.attach(channel);
    let refused = dialer.set_tor(&TorSettings::default()).await;
    assert_eq!(refused, Err(DialError::Refused(refusal)));
    assert_eq!(dialer.tor_settings(), None);
}

#[tokio::test]
async fn paths_are_read_to_their_end() {
    let dialer = Dialer::new();
    let (channel, _gate) = gate(echo);
    dialer.attach(channel);
    assert_eq!(dialer.paths().await, Ok(vec![path(1), path(2)]));
}

#[tokio::test]
async fn a_gate_that_dies_before_its_answer_is_an_error_and_not_silence() {
    let dialer = Dialer::new();
    let (channel, gate) = gate(|header, stream| async move {
        if matches!(header, Header::Status) {
            return ready(stream).await;
        }
        std::future::pending::<()>().await;
    });
    dialer.attach(channel);
    wait_for(&dialer, TorStatus::is_ready).await;
    let calling = tokio::spawn({
        let dialer = dialer.clone();
        async move { call(&dialer).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    gate.abort();
    assert_eq!(calling.await.unwrap().unwrap_err(), DialError::GateRestarted);
}

#[tokio::test]
async fn a_refusal_comes_back_as_it_was_said() {
    let dialer = Dialer::new();
    let (channel, _gate) = gate(|_, mut stream| async move {
        say(&mut stream, Answer::Refused(Refusal::HostNotFound)).await;
    });
    dialer.attach(channel);
    assert_eq!(
        call(&dialer).await.unwrap_err(),
        DialError::Refused(Refusal::HostNotFound)
    );
}

#[tokio::test]
async fn an_answer_that_is_none_or_never_ends_is_refused() {
    for garbage in [
        b"yes\n".to_vec(),
        vec![b'{'; 2 * door::MAX_LINE],
        vec![0xff; 2 * door::MAX_LINE],
        b"[[[[[\n".to_vec(),
    ] {
        let dialer = Dialer::new();
        let (channel, _gate) = gate(move |_, mut stream| {
            let garbage = garbage.clone();
            async move {
                let _ = stream.write_all(&garbage).await;
                let _ = stream.flush().await;
                std::future::pending::<()>().await;
            }
        });
        dialer.attach(channel);
        assert!(matches!(call(&dialer).await.unwrap_err(), DialError::Garbled(_)));
    }
}

#[tokio::test]
async fn a_channel_full_of_noise_ends_it_and_nothing_else() {
    let dialer = Dialer::new();
    let (ours, mut theirs) = duplex(64 * 1024);
    dialer.attach(ours);
    let _ = theirs.write_all(&[0xa5; 4096]).await;
    wait_for(&dialer, |status| *status == TorStatus::Restarting).await;
    let (channel, _gate) = gate(echo);
    dialer.attach(channel);
    assert!(call(&dialer).await.is_ok());
}

#[tokio::test]
async fn thousands_of_streams_come_and_go_and_no_more_than_the_limit_stand_at_once() {
    let dialer = Dialer::new();
    let (channel, _gate) = gate(echo);
    dialer.attach(channel);
    for _ in 0..20 {
        let calls = (0..200).map(|_| call(&dialer));
        let streams = futures::future::join_all(calls).await;
        assert!(streams.iter().all(Result::is_ok));
    }
    let mut streams = Vec::new();
    for _ in 0..Refusal::MAX_STREAMS {
        streams.push(call(&dialer).await.unwrap());
    }
    assert_eq!(
        call(&dialer).await.unwrap_err(),
        DialError::Refused(Refusal::TooManyStreams)
    );
    streams.truncate(10);
    assert!(call(&dialer).await.is_ok());
    let mut kept = streams.pop().unwrap();
    kept.write_all(b"still here").await.unwrap();
    let mut heard = [0; 10];
    kept.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"still here");
}

#[tokio::test]
async fn calls_that_are_given_up_do_not_use_up_the_channel() {
    let dialer = Dialer::new();
    let (channel, _gate) = gate(|header, stream| async move {
        if matches!(header, Header::NewCircuit { .. }) {
            return echo(header, stream).await;
        }
        let mut stream = stream;
        let _ = stream.read(&mut [0; 1]).await;
    });
    dialer.attach(channel);
    for _ in 0..3000 {
        let _ = timeout(Duration::from_micros(50), call(&dialer)).await;
    }
    timeout(Duration::from_secs(5), dialer.new_circuit(&alice()))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_slow_reader_holds_back_its_own_stream_and_no_other() {
    const FLOOD: usize = 64 * 1024 * 1024;
    let dialer = Dialer::new();
    let (channel, _gate) = gate(|header, mut stream| async move {
        match header {
            Header::Connect(connect) if connect.port == 1 => {
                say(&mut stream, Answer::Done).await;
                let mut sent = 0;
                while sent < FLOOD && stream.write_all(&[7; 16 * 1024]).await.is_ok() {
                    sent += 16 * 1024;
                }
            }
            header => echo(header, stream).await,
        }
    });
    dialer.attach(channel);
    let mut slow = dialer
        .connect(&alice(), Purpose::Files, &server(), 1)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut quick = call(&dialer).await.unwrap();
    let mut heard = [0; 4];
    for _ in 0..100 {
        quick.write_all(b"ping").await.unwrap();
        timeout(Duration::from_secs(5), quick.read_exact(&mut heard))
            .await
            .unwrap()
            .unwrap();
    }
    let mut got = 0;
    let mut buffer = vec![0; 64 * 1024];
    while got < FLOOD {
        let read = slow.read(&mut buffer).await.unwrap();
        assert!(read > 0 && buffer[..read].iter().all(|byte| *byte == 7));
        got += read;
    }
}

#[tokio::test]
async fn megabytes_pass_in_both_directions_at_once_unchanged() {
    const SIZE: usize = 20 * 1024 * 1024;
    let dialer = Dialer::new();
    let (channel, _gate) = gate(echo);
    dialer.attach(channel);
    let (mut reader, mut writer) = tokio::io::split(call(&dialer).await.unwrap());
    let sent: Vec<u8> = (0..SIZE)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 16) as u8)
        .collect();
    let expected = sent.clone();
    let sending = tokio::spawn(async move {
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let mut heard = Vec::with_capacity(SIZE);
    reader.read_to_end(&mut heard).await.unwrap();
    sending.await.unwrap();
    assert!(heard == expected);
}

#[tokio::test]
async fn a_dialer_that_is_dropped_ends_its_channel() {
    let dialer = Dialer::new();
    let (channel, gate) = gate(echo);
    dialer.attach(channel);
    wait_for(&dialer, TorStatus::is_ready).await;
    drop(dialer);
    timeout(Duration::from_secs(5), gate).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_gate_that_opens_streams_itself_is_not_listened_to() {
    let dialer = Dialer::new();
    let (ours, theirs) = duplex(64 * 1024);
    dialer.attach(ours);
    let mut config = Config::default();
    config
        .set_max_connection_receive_window(None)
        .set_max_num_streams(4096);
    let mut connection = Connection::new(theirs.compat(), config, Mode::Server);
    let mut uninvited = Vec::new();
    for _ in 0..100 {
        let stream = poll_fn(|cx| connection.poll_new_outbound(cx)).await.unwrap();
        uninvited.push(stream.compat());
    }
    let running = tokio::spawn(async move {
        while let Some(Ok(stream)) = poll_fn(|cx| connection.poll_next_inbound(cx)).await {
            tokio::spawn(async move {
                let mut stream = stream.compat();
                if let Some(header) = header(&mut stream).await {
                    echo(header, stream).await;
                }
            });
        }
    });
    for stream in &mut uninvited {
        let _ = stream.write_all(b"let me in").await;
    }
    for stream in &mut uninvited {
        assert_eq!(
            timeout(Duration::from_secs(5), stream.read(&mut [0; 1]))
                .await
                .unwrap()
                .unwrap(),
            0
        );
    }
    assert!(call(&dialer).await.is_ok());
    running.abort();
}
