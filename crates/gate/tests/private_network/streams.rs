//! Streams through a Tor that the gate has built in, and what is told of it.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use dial::{Cause, Host, Phase, Refusal, Settings, TorStatus};
use gate::{GateConfig, GateError, Network};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::alice::{Alice, Lab, account_of, exchange, open};

fn noise(size: usize) -> Vec<u8> {
    (0..size)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect()
}

#[tokio::test]
async fn lab_tor_is_ready_within_twenty_seconds_and_says_so_on_the_way() {
    let lab = Lab::find();
    let began = Instant::now();
    let alice = Alice::connected(&lab).await;
    assert!(began.elapsed() < Duration::from_secs(20));
    drop(alice.dialer);
    let ended = tokio::task::spawn_blocking(|| alice.gate.join().unwrap());
    assert_eq!(
        timeout(Duration::from_secs(10), ended).await.unwrap().unwrap(),
        Ok(())
    );
    // With what it has kept it is there at once.
    let began = Instant::now();
    let (dialer, _gate) = open(lab.network(), alice.home.path().join("tor"));
    let mut status = dialer.status();
    timeout(Duration::from_secs(10), status.wait_for(TorStatus::is_ready))
        .await
        .unwrap()
        .unwrap();
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn lab_streams_go_by_name_by_address_and_to_an_onion_service() {
    let lab = Lab::find();
    let alice = Alice::connected(&lab).await;
    let address = Host::parse_allowing_local("127.0.0.1").unwrap();
    for host in [&lab.domain, &address, &lab.onion] {
        let mut stream = alice.call(1, host, lab.echo).await.unwrap();
        exchange(&mut stream, b"hello through tor").await;
    }
}

#[tokio::test]
async fn lab_a_stream_that_is_asked_for_before_tor_is_ready_waits_for_it() {
    let lab = Lab::find();
    let alice = Alice::on(lab.network());
    let mut stream = alice.call(1, &lab.domain, lab.echo).await.unwrap();
    exchange(&mut stream, b"patience").await;
}

#[tokio::test]
async fn lab_what_cannot_be_reached_is_named() {
    let lab = Lab::find();
    let alice = Alice::connected(&lab).await;
    let unknown = Host::parse("nobody.example.invalid").unwrap();
    assert_eq!(alice.refusal(&unknown, 5222).await, Refusal::HostNotFound);
    // A well-formed onion address whose service does not exist.
    let nobody = Host::parse("2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion").unwrap();
    assert_eq!(alice.refusal(&nobody, 5222).await, Refusal::OnionNotFound);
    // Nothing listens there; on loopback relays do not say more than that.
    let refusal = alice.refusal(&lab.domain, 1).await;
    assert!(
        matches!(refusal, Refusal::ConnectionRefused | Refusal::Internal),
        "{refusal:?}"
    );
}

#[tokio::test]
async fn lab_twenty_megabytes_arrive_unchanged_in_both_directions() {
    const SIZE: usize = 20 * 1024 * 1024;
    let lab = Lab::find();
    let alice = Alice::connected(&lab).await;
    for host in [&lab.domain, &lab.onion] {
        let stream = alice.call(1, host, lab.echo).await.unwrap();
        let (mut reader, mut writer) = tokio::io::split(stream);
        let sent = noise(SIZE);
        let expected = sent.clone();
        let sending = tokio::spawn(async move {
            writer.write_all(&sent).await.unwrap();
            writer.flush().await.unwrap();
            writer
        });
        let mut heard = vec![0; SIZE];
        timeout(Duration::from_secs(120), reader.read_exact(&mut heard))
            .await
            .unwrap()
            .unwrap();
        assert!(heard == expected, "the bytes differ");
        drop(sending.await.unwrap());
    }
}

#[tokio::test]
async fn lab_a_server_that_ends_the_stream_is_heard_to_its_last_byte() {
    const SIZE: usize = 2 * 1024 * 1024;
    let lab = Lab::find();
    let alice = Alice::connected(&lab).await;
    #[expect(clippy::disallowed_methods, reason = "the server of this test")]
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, lab.spare)).unwrap();
    let server = std::thread::spawn(move || {
        use std::io::Write;
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(&noise(SIZE)).unwrap();
    });
    let mut stream = alice.call(1, &lab.domain, lab.spare).await.unwrap();
    let mut heard = Vec::new();
    timeout(Duration::from_secs(60), stream.read_to_end(&mut heard))
        .await
        .unwrap()
        .unwrap();
    assert!(heard == noise(SIZE), "{} of {SIZE} bytes", heard.len());
    server.join().unwrap();
    // Tor knows no half-open streams: writing fails instead of waiting for ever.
    let writing = async { while stream.write_all(&[0; 4096]).await.is_ok() {} };
    timeout(Duration::from_secs(10), writing).await.unwrap();
}

#[tokio::test]
async fn lab_forty_streams_of_eight_accounts_run_side_by_side() {
    let lab = Lab::find();
    let alice = Alice::connected(&lab).await;
    let one = |number: u8| {
        let (alice, lab) = (&alice, &lab);
        async move {
            let mut stream = alice.call(number % 8, &lab.domain, lab.echo).await.unwrap();
            for round in 0..5 {
                exchange(&mut stream, &vec![number ^ round; 3000]).await;
            }
        }
    };
    let all = futures::future::join_all((0..40).map(one));
    timeout(Duration::from_secs(60), all).await.unwrap();
    alice.dialer.new_circuit(&account_of(1)).await.unwrap();
    alice
        .dialer
        .set(&Settings {
            dormant: Some(true),
            ..Settings::default()
        })
        .await
        .unwrap();
    let mut stream = alice.call(1, &lab.domain, lab.echo).await.unwrap();
    exchange(&mut stream, b"on a new circuit, and awake").await;
}

#[tokio::test]
async fn lab_a_second_gate_on_the_same_folder_is_refused() {
    let lab = Lab::find();
    let alice = Alice::connected(&lab).await;
    let (_dialer, second) = open(lab.network(), alice.home.path().join("tor"));
    assert_eq!(second.join().unwrap(), Err(GateError::InUse));
}

#[tokio::test]
async fn lab_a_gate_that_ended_gives_way_to_the_next_one() {
    let lab = Lab::find();
    let alice = Alice::connected(&lab).await;
    let mut old = alice.call(1, &lab.domain, lab.echo).await.unwrap();
    exchange(&mut old, b"before").await;
    let (channel, theirs) = UnixStream::pair().unwrap();
    channel.set_nonblocking(true).unwrap();
    let config = GateConfig {
        state: alice.home.path().join("next"),
        network: lab.network(),
        tor: None,
        self_test: None,
    };
    let _next = std::thread::spawn(move || gate::run(&config, theirs, None));
    alice
        .dialer
        .attach(tokio::net::UnixStream::from_std(channel).unwrap());
    let mut stream = alice.call(1, &lab.domain, lab.echo).await.unwrap();
    exchange(&mut stream, b"after").await;
}

#[tokio::test]
async fn lab_a_dead_network_is_told_with_its_cause_within_25_seconds() {
    let lab = Lab::find();
    // The same network, but nobody listens where its relays should be.
    let home = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(&lab.network_file).unwrap();
    let file = home.path().join("dead.toml");
    std::fs::write(&file, text.replace("127.0.0.1:", "127.0.0.2:")).unwrap();
    let alice = Alice::on(Network::Private { file });
    let stalled =
        |status: &TorStatus| matches!(status, TorStatus::Gate(gate) if gate.phase == Phase::Stalled);
    let status = alice.wait(Duration::from_secs(25), stalled).await;
    let TorStatus::Gate(status) = status else {
        panic!("no status")
    };
    assert!(status.advice.is_some(), "{status:?}");
    assert!(
        matches!(
            status.cause,
            Some(Cause::NoProgress | Cause::Offline | Cause::CannotReachTor)
        ),
        "{status:?}"
    );
    let refusal = timeout(Duration::from_secs(65), alice.refusal(&lab.domain, lab.echo))
        .await
        .unwrap();
    assert!(matches!(refusal, Refusal::TorNotReady(Some(_))), "{refusal:?}");
}

#[tokio::test]
async fn lab_the_tor_of_somebody_else_carries_streams_as_well() {
    let lab = Lab::find();
    let network = Network::parse(&format!("socks5://{}", lab.socks), None).unwrap();
    let alice = Alice::on(network);
    for host in [&lab.domain, &lab.onion] {
        let mut stream = alice.call(1, host, lab.echo).await.unwrap();
        exchange(&mut stream, b"through the other tor").await;
    }
    let unknown = Host::parse("nobody.example.invalid").unwrap();
    assert_eq!(alice.refusal(&unknown, 5222).await, Refusal::HostNotFound);
}

#[test]
fn lab_the_public_network_refuses_local_addresses_without_asking_anybody() {
    let _lab = Lab::find();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        // Inside the lab the public network cannot be reached at all.
        let alice = Alice::on(Network::Public);
        let local = Host::parse_allowing_local("127.0.0.1").unwrap();
        let refusal = timeout(Duration::from_secs(5), alice.refusal(&local, 5222))
            .await
            .unwrap();
        assert_eq!(refusal, Refusal::PrivateAddressRefused);
    });
}
