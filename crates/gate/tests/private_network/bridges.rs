//! The way to the network: bridges, pluggable transports, a proxy, few ports. Each time only what was set is contacted.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dial::{
    Backend, Bridge, DialError, Embedded, NextStep, Phase, Proxy, Refusal, SettingsProblem, TorSettings,
    TorStatus, Tried,
};

use crate::alice::{Alice, Lab, exchange};
use crate::peers::{Seen, Watch};
use crate::running::{Elsewhere, free};

/// A bridge of Debian's tor on the lab's network: plain, and by obfs4.
struct Bridges {
    _tor: Elsewhere,
    plain: Bridge,
    obfs4: Bridge,
}

impl Bridges {
    fn start(lab: &Lab) -> Bridges {
        let (plain, obfs4) = (free(), free());
        let lines = format!(
            "BridgeRelay 1\nORPort 127.0.0.1:{plain} IPv4Only\nExtORPort auto\nPublishServerDescriptor 0\nAssumeReachable 1\n\
             ExitRelay 0\nContactInfo lab@otter.test\nServerTransportPlugin obfs4 exec /usr/bin/obfs4proxy\n\
             ServerTransportListenAddr obfs4 127.0.0.1:{obfs4}\nSocksPort 0\n"
        );
        let tor = Elsewhere::new(lab, &lines);
        let data = tor.path("data");
        let fingerprint = wait_for_text(&data.join("fingerprint"), "");
        let fingerprint = fingerprint.split_whitespace().last().unwrap();
        let cert = wait_for_text(&data.join("pt_state/obfs4_bridgeline.txt"), "cert=");
        let cert = cert
            .split_whitespace()
            .find(|word| word.starts_with("cert="))
            .unwrap();
        wait_for_text(&tor.path("log"), "Bootstrapped 100%");
        Bridges {
            plain: Bridge::parse(&format!("127.0.0.1:{plain} {fingerprint}")).unwrap(),
            obfs4: Bridge::parse(&format!(
                "obfs4 127.0.0.1:{obfs4} {fingerprint} {cert} iat-mode=0"
            ))
            .unwrap(),
            _tor: tor,
        }
    }
}

pub(crate) fn wait_for_text(path: &Path, wanted: &str) -> String {
    let begun = Instant::now();
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let found = text
            .lines()
            .rfind(|line| !line.is_empty() && line.contains(wanted));
        if let Some(line) = found {
            return line.to_owned();
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "no {wanted:?} in {path:?}"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn over(bridges: &[&Bridge]) -> Embedded {
    Embedded {
        bridges: bridges.iter().map(|bridge| (*bridge).clone()).collect(),
        ..Embedded::default()
    }
}

/// Chooses the way, uses it, and gives what was contacted meanwhile.
async fn use_way(alice: &Alice, lab: &Lab, way: Embedded) -> Seen {
    take_way(alice, lab, way).await.end()
}

async fn take_way(alice: &Alice, lab: &Lab, way: Embedded) -> Watch {
    let bridges = way.bridges.len();
    alice
        .dialer
        .set_tor(&TorSettings::Embedded(Embedded::default()))
        .await
        .unwrap();
    // What the way before has spoken to is gone once the choice is made.
    alice.dialer.set_tor(&TorSettings::Embedded(way)).await.unwrap();
    let watch = Watch::begin();
    let ready = move |status: &TorStatus| matches!(status, TorStatus::Gate(gate) if gate.is_ready() && usize::from(gate.bridges) == bridges);
    alice.wait(Duration::from_secs(60), ready).await;
    for host in [&lab.domain, &lab.onion] {
        let mut stream = alice.call(1, host, lab.echo).await.unwrap();
        exchange(&mut stream, b"over the bridge").await;
    }
    watch
}

#[tokio::test]
async fn lab_with_bridges_only_the_bridge_is_contacted() {
    let lab = Lab::find();
    let bridges = Bridges::start(&lab);
    let alice = Alice::connected(&lab).await;
    let seen = use_way(&alice, &lab, over(&[&bridges.plain])).await;
    assert_eq!(seen.own, BTreeSet::from([bridges.plain.address()]));
    let stream = alice.call(1, &lab.domain, lab.echo).await.unwrap();
    let paths = alice.dialer.paths().await.unwrap();
    let first = paths[0].hops.first().unwrap();
    assert!(first.bridge, "{paths:?}");
    assert_eq!(first.fingerprint.as_deref(), Some(bridges.plain.fingerprint()));
    drop(stream);
    // By obfs4 the gate speaks to the transport on this computer, and the transport to the bridge.
    let seen = use_way(&alice, &lab, over(&[&bridges.obfs4])).await;
    assert_eq!(seen.children, BTreeSet::from([bridges.obfs4.address()]));
    assert_eq!(seen.own.len(), 1, "{seen:?}");
    assert!(!seen.own.contains(&bridges.plain.address()), "{seen:?}");
    // The watch itself sees relays where there are no bridges.
    let seen = use_way(
        &alice,
        &lab,
        Embedded {
            reachable_ports: relays(&lab),
            ..Embedded::default()
        },
    )
    .await;
    assert!(seen.own.iter().any(|peer| lab.relays.contains(peer)), "{seen:?}");
}

fn relays(lab: &Lab) -> Vec<u16> {
    lab.relays.iter().map(SocketAddr::port).collect()
}

#[tokio::test]
async fn lab_a_gate_that_is_to_use_bridges_contacts_nobody_until_it_is_told_them_again() {
    let lab = Lab::find();
    let bridges = Bridges::start(&lab);
    let alice = Alice::connected(&lab).await;
    let chosen = TorSettings::Embedded(over(&[&bridges.plain]));
    alice.dialer.set_tor(&chosen).await.unwrap();
    let (dialer, home) = (alice.dialer, alice.home);
    drop(dialer);
    tokio::task::spawn_blocking(|| alice.gate.join().unwrap().unwrap())
        .await
        .unwrap();
    let watch = Watch::begin();
    let (dialer, gate) = crate::alice::open(lab.network(), home.path().join("tor"));
    let alice = Alice { dialer, gate, home };
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(watch.end().own.is_empty());
    let watch = Watch::begin();
    alice.dialer.set_tor(&chosen).await.unwrap();
    alice.wait(Duration::from_secs(60), TorStatus::is_ready).await;
    assert_eq!(watch.end().own, BTreeSet::from([bridges.plain.address()]));
}

#[tokio::test]
async fn lab_bridges_that_cannot_be_used_are_refused_and_the_way_before_stays() {
    let lab = Lab::find();
    let alice = Alice::connected(&lab).await;
    let fingerprint = "0123456789ABCDEF0123456789ABCDEF01234567";
    let bridge = |name: &str| Bridge::parse(&format!("{name} 192.0.2.1:443 {fingerprint} a=b")).unwrap();
    for (name, problem) in [
        ("obfs2", SettingsProblem::TransportUnknown),
        ("webtunnel", SettingsProblem::TransportMissing),
    ] {
        let chosen = TorSettings::Embedded(over(&[&bridge(name)]));
        let refused = alice.dialer.set_tor(&chosen).await.unwrap_err();
        assert_eq!(refused, DialError::Refused(Refusal::BadSettings(problem)));
    }
    let mut stream = alice.call(1, &lab.domain, lab.echo).await.unwrap();
    exchange(&mut stream, b"as before").await;
}

#[tokio::test]
async fn lab_snowflake_and_meek_are_started_and_that_nobody_answers_them_is_told() {
    let lab = Lab::find();
    let fingerprint = "0123456789ABCDEF0123456789ABCDEF01234567";
    for line in [
        format!("snowflake 192.0.2.3:80 {fingerprint} url=http://127.0.0.1:9/ ice=stun:127.0.0.1:9"),
        format!("meek_lite 192.0.2.4:80 {fingerprint} url=http://127.0.0.1:9/"),
    ] {
        let alice = Alice::on(lab.network());
        let chosen = TorSettings::Embedded(over(&[&Bridge::parse(&line).unwrap()]));
        alice.dialer.set_tor(&chosen).await.unwrap();
        let watch = Watch::begin();
        let stalled = |status: &TorStatus| matches!(status, TorStatus::Gate(gate) if gate.phase == Phase::Stalled && gate.bridges == 1);
        let TorStatus::Gate(status) = alice.wait(Duration::from_secs(30), stalled).await else {
            panic!("no status")
        };
        assert!(status.cause.is_some(), "{status:?}");
        assert_eq!(status.tried, [Tried::Transport], "{status:?}");
        assert!(status.next.contains(&NextStep::UseOtherBridge), "{status:?}");
        // The gate itself has spoken to nobody but the program.
        let seen = watch.end();
        assert!(!seen.own.iter().any(|peer| lab.relays.contains(peer)), "{seen:?}");
    }
}

#[tokio::test]
async fn lab_with_few_reachable_ports_no_other_is_tried() {
    let lab = Lab::find();
    let alice = Alice::connected(&lab).await;
    let allowed = lab.relays[2];
    let way = Embedded {
        reachable_ports: vec![allowed.port()],
        ..Embedded::default()
    };
    let seen = use_way(&alice, &lab, way).await;
    assert_eq!(seen.own, BTreeSet::from([allowed]));
}

/// A proxy that speaks SOCKS 5 and CONNECT; one that refuses says so to everybody.
pub(crate) struct AProxy {
    pub(crate) address: SocketAddr,
    /// The near sides of the connections that it made.
    made: Arc<Mutex<BTreeSet<SocketAddr>>>,
    open: Arc<Mutex<Vec<TcpStream>>>,
    frozen: Arc<AtomicBool>,
    /// How many bytes it still hands down.
    allowance: Arc<AtomicU64>,
}

impl AProxy {
    pub(crate) fn start(refuses: bool) -> AProxy {
        #[expect(clippy::disallowed_methods, reason = "the proxy of this test")]
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let made = Arc::<Mutex<BTreeSet<SocketAddr>>>::default();
        let kept = Arc::clone(&made);
        let (open, frozen) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<AtomicBool>::default());
        let (held, ice) = (Arc::clone(&open), Arc::clone(&frozen));
        let allowance = Arc::new(AtomicU64::new(u64::MAX));
        let allowed = Arc::clone(&allowance);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                held.lock().unwrap().push(stream.try_clone().unwrap());
                if ice.load(Ordering::SeqCst) {
                    continue;
                }
                let (made, allowed) = (Arc::clone(&kept), Arc::clone(&allowed));
                std::thread::spawn(move || carry(stream, refuses, &made, &allowed));
            }
        });
        AProxy {
            address,
            made,
            open,
            frozen,
            allowance,
        }
    }

    /// From now on only so many bytes come down from the network; more are held back until there is room for them.
    pub(crate) fn allow(&self, bytes: u64) {
        self.allowance.store(bytes, Ordering::SeqCst);
    }

    /// Cuts every connection; how many there were.
    pub(crate) fn cut(&self) -> usize {
        let open = std::mem::take(&mut *self.open.lock().unwrap());
        let cut = open
            .iter()
            .filter(|stream| stream.shutdown(Shutdown::Both).is_ok());
        cut.count()
    }

    /// From now on connections are taken and never served, or served again; those that hang go on hanging.
    pub(crate) fn freeze(&self, frozen: bool) {
        self.frozen.store(frozen, Ordering::SeqCst);
    }

    /// The way through it.
    pub(crate) fn way(&self) -> TorSettings {
        TorSettings::Embedded(Embedded {
            proxy: Some(Proxy::parse(&format!("socks5://{}", self.address)).unwrap()),
            ..Embedded::default()
        })
    }
}

fn carry(
    mut near: TcpStream,
    refuses: bool,
    made: &Mutex<BTreeSet<SocketAddr>>,
    allowance: &AtomicU64,
) -> Option<()> {
    let mut first = [0];
    near.read_exact(&mut first).ok()?;
    let far = if first == [5] {
        socks(&mut near, refuses)?
    } else {
        connect(&mut near, refuses)?
    };
    #[expect(clippy::disallowed_methods, reason = "the proxy of this test")]
    let mut far = TcpStream::connect(far).ok()?;
    made.lock().unwrap().insert(far.local_addr().ok()?);
    let (mut up_near, mut up_far) = (near.try_clone().ok()?, far.try_clone().ok()?);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut up_near, &mut up_far);
        let _ = up_far.shutdown(Shutdown::Write);
    });
    let _ended = hand_down(&mut far, &mut near, allowance);
    near.shutdown(Shutdown::Both).ok()
}

fn hand_down(far: &mut TcpStream, near: &mut TcpStream, allowance: &AtomicU64) -> Option<()> {
    let mut bytes = [0; 4096];
    loop {
        let count = far.read(&mut bytes).ok().filter(|count| *count > 0)?;
        let rest = |left: u64| left.checked_sub(count as u64);
        while allowance
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, rest)
            .is_err()
        {
            std::thread::sleep(Duration::from_millis(50));
        }
        near.write_all(&bytes[..count]).ok()?;
    }
}

fn socks(near: &mut TcpStream, refuses: bool) -> Option<SocketAddr> {
    let mut count = [0];
    near.read_exact(&mut count).ok()?;
    near.read_exact(&mut vec![0; usize::from(count[0])]).ok()?;
    near.write_all(&[5, 0]).ok()?;
    let mut request = [0; 10];
    near.read_exact(&mut request).ok()?;
    let reply = if refuses { 2 } else { 0 };
    near.write_all(&[5, reply, 0, 1, 0, 0, 0, 0, 0, 0]).ok()?;
    let address = Ipv4Addr::new(request[4], request[5], request[6], request[7]);
    let port = u16::from_be_bytes([request[8], request[9]]);
    (!refuses).then_some(SocketAddr::from((address, port)))
}

fn connect(near: &mut TcpStream, refuses: bool) -> Option<SocketAddr> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        near.read_exact(&mut byte).ok()?;
        head.extend(byte);
    }
    let words = String::from_utf8(head).ok()?;
    let answer = if refuses {
        "HTTP/1.1 403 Forbidden\r\n\r\n"
    } else {
        "HTTP/1.1 200 OK\r\n\r\n"
    };
    near.write_all(answer.as_bytes()).ok()?;
    let target = words.split(' ').nth(1)?.parse().ok()?;
    (!refuses).then_some(target)
}

#[tokio::test]
async fn lab_with_a_proxy_only_the_proxy_is_contacted() {
    let lab = Lab::find();
    let alice = Alice::connected(&lab).await;
    for scheme in ["socks5", "http"] {
        let proxy = AProxy::start(false);
        let way = Embedded {
            proxy: Some(Proxy::parse(&format!("{scheme}://{}", proxy.address)).unwrap()),
            ..Embedded::default()
        };
        let watch = take_way(&alice, &lab, way).await;
        let seen = watch.end_but(&proxy.made.lock().unwrap().clone());
        assert_eq!(seen.own, BTreeSet::from([proxy.address]), "{scheme}");
    }
}

#[tokio::test]
async fn lab_a_proxy_that_refuses_is_told_within_thirty_seconds_and_another_way_helps() {
    let lab = Lab::find();
    let way = Embedded {
        proxy: Some(Proxy::parse(&format!("socks5://{}", AProxy::start(true).address)).unwrap()),
        ..Embedded::default()
    };
    // Without what it has kept from before.
    let alice = Alice::on(lab.network());
    alice.dialer.set_tor(&TorSettings::Embedded(way)).await.unwrap();
    let stalled = |status: &TorStatus| matches!(status, TorStatus::Gate(gate) if gate.phase == Phase::Stalled && gate.backend == Backend::Embedded);
    let TorStatus::Gate(status) = alice.wait(Duration::from_secs(30), stalled).await else {
        panic!("no status")
    };
    assert_eq!(status.tried, [Tried::Proxy, Tried::Direct], "{status:?}");
    assert!(status.next.contains(&NextStep::CheckProxy), "{status:?}");
    alice.dialer.set_tor(&TorSettings::default()).await.unwrap();
    alice.wait(Duration::from_secs(30), TorStatus::is_ready).await;
}
