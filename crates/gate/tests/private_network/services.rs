//! Onion services of the gate: another client reaches one through the network, one who is not meant to does not, and nothing of
//! its key is ever on disk.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use dial::{DialError, Host, Refusal, Serve, Service, VisitorKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::alice::{Alice, Lab, exchange};
use crate::bridges::wait_for_text;
use crate::running::{Elsewhere, free};

/// A visitor's key, made for this test alone: the secret half and the public one, in base 32.
const SECRET: &str = "3C4AVE7FDN2A2ZOPPHW4XRWQW35FS6FHQ6P7OVNU4HCOATR5EVIQ";
const PUBLIC: &str = "H7DCMW56T6JOPHYO3HEU2RJY43VPMAQ35ZDLKW55FAZ6TJLY5FHA";
/// Within which a service is found.
const SOON: Duration = Duration::from_secs(90);
const PORT: u16 = 5222;

fn serve(visitors: Vec<VisitorKey>) -> Serve {
    Serve { port: PORT, visitors }
}

/// Lets everybody in and says again what they say, until the service ends.
fn echo(mut service: Service) -> JoinHandle<()> {
    tokio::spawn(async move {
        while let Ok(visitor) = service.visitor().await {
            tokio::spawn(async move {
                let (mut from, mut to) = tokio::io::split(visitor);
                let mut bytes = [0; 1024];
                while let Ok(count @ 1..) = from.read(&mut bytes).await {
                    if to.write_all(&bytes[..count]).await.is_err() || to.flush().await.is_err() {
                        return;
                    }
                }
            });
        }
    })
}

/// Over C Tor, as any program would.
async fn by_c_tor(socks: SocketAddr, host: &Host, port: u16) -> Option<TcpStream> {
    #[expect(clippy::disallowed_methods, reason = "the visitor of this test")]
    let mut stream = TcpStream::connect(socks).await.ok()?;
    stream.write_all(&[5, 1, 0]).await.ok()?;
    stream.read_exact(&mut [0; 2]).await.ok()?;
    let host = host.to_string();
    let mut request = vec![5, 1, 0, 3, u8::try_from(host.len()).unwrap()];
    request.extend(host.as_bytes());
    request.extend(port.to_be_bytes());
    stream.write_all(&request).await.ok()?;
    let mut reply = [0; 10];
    stream.read_exact(&mut reply).await.ok()?;
    (reply[1] == 0).then_some(stream)
}

/// Tries until the service is found and answers.
async fn reached(socks: SocketAddr, host: &Host) {
    let begun = Instant::now();
    let mut stream = loop {
        if let Some(stream) = by_c_tor(socks, host, PORT).await {
            break stream;
        }
        assert!(begun.elapsed() < SOON, "C Tor does not find the service");
        sleep(Duration::from_millis(500)).await;
    };
    stream.write_all(b"from C Tor").await.unwrap();
    let mut heard = [0; 10];
    timeout(Duration::from_secs(30), stream.read_exact(&mut heard))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&heard, b"from C Tor");
}

/// Every file below `folder`.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.flatten().map(|entry| entry.path());
    paths
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect()
}

/// Keys as Arti and C Tor write them, and the folder in which Arti would.
fn no_key_below(folder: &Path) {
    for path in files(folder) {
        let place = path.to_string_lossy().into_owned();
        assert!(
            !place.contains("keystore") && !place.contains("private"),
            "{path:?}"
        );
        let bytes = std::fs::read(&path).unwrap_or_default();
        for mark in ["PRIVATE KEY", "openssh-key-v1", "ed25519v1-secret"] {
            let found = bytes.windows(mark.len()).any(|part| part == mark.as_bytes());
            assert!(!found, "a key lies in {path:?}");
        }
    }
}

#[tokio::test]
async fn lab_a_service_is_reached_by_others_and_goes_when_asked_and_its_key_is_nowhere_on_disk() {
    let lab = Lab::find();
    let (alice, bob) = (Alice::connected(&lab).await, Alice::connected(&lab).await);
    let service = alice.dialer.serve(&serve(Vec::new())).await.unwrap();
    let address = service.address().clone();
    let serving = echo(service);
    let socks = lab.socks.parse().unwrap();
    reached(socks, &address).await;
    let mut stream = bob.call(1, &address, PORT).await.unwrap();
    exchange(&mut stream, b"from another gate").await;
    assert!(
        by_c_tor(socks, &address, PORT + 1).await.is_none(),
        "a port that is not served"
    );
    let state = alice.home.path().join("tor");
    let notes = state.join("services");
    assert!(notes.join("0").is_dir());
    no_key_below(alice.home.path());
    // Another service has another key.
    let another = alice.dialer.serve(&serve(Vec::new())).await.unwrap();
    assert_ne!(*another.address(), address);
    drop(another);
    serving.abort();
    let _ = serving.await;
    let begun = Instant::now();
    while files(&notes).len() + usize::from(notes.join("0").exists()) > 0 {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "its notes stay: {:?}",
            files(&notes)
        );
        sleep(Duration::from_millis(50)).await;
    }
    let gone = timeout(Duration::from_secs(125), bob.call(2, &address, PORT)).await;
    assert!(gone.unwrap().is_err(), "the service is still there");
    no_key_below(alice.home.path());
}

#[tokio::test]
async fn lab_a_service_for_one_visitor_is_found_by_nobody_else() {
    let lab = Lab::find();
    let alice = Alice::connected(&lab).await;
    let key = VisitorKey::parse(PUBLIC).unwrap();
    let service = alice.dialer.serve(&serve(vec![key])).await.unwrap();
    let address = service.address().clone();
    let _serving = echo(service);
    let keys = tempfile::tempdir().unwrap();
    let name = address.to_string();
    let name = name.strip_suffix(".onion").unwrap();
    std::fs::write(
        keys.path().join("alice.auth_private"),
        format!("{name}:descriptor:x25519:{SECRET}\n"),
    )
    .unwrap();
    let port = free();
    let lines = format!("SocksPort {port}\nClientOnionAuthDir {}\n", keys.path().display());
    let invited = Elsewhere::new(&lab, &lines);
    wait_for_text(&invited.path("log"), "Bootstrapped 100%");
    reached(SocketAddr::from(([127, 0, 0, 1], port)), &address).await;
    // Neither C Tor nor a gate without the key.
    assert!(
        by_c_tor(lab.socks.parse().unwrap(), &address, PORT)
            .await
            .is_none()
    );
    let bob = Alice::connected(&lab).await;
    assert_eq!(bob.refusal(&address, PORT).await, Refusal::OnionNeedsKey);
}

#[tokio::test]
async fn lab_only_so_many_services_and_visits_are_held_at_once() {
    let lab = Lab::find();
    let (alice, bob) = (Alice::connected(&lab).await, Alice::connected(&lab).await);
    let mut service = alice.dialer.serve(&serve(Vec::new())).await.unwrap();
    let mut others = Vec::new();
    for _ in 1..Serve::MAX_SERVICES {
        others.push(alice.dialer.serve(&serve(Vec::new())).await.unwrap());
    }
    let more = alice.dialer.serve(&serve(Vec::new())).await;
    assert_eq!(more.unwrap_err(), DialError::Refused(Refusal::TooManyStreams));
    drop(others);
    let address = service.address().clone();
    let begun = Instant::now();
    // The first visit is let in; those after it wait, and those beyond the limit are refused.
    let knock = |account: u8| {
        let (dialer, address) = (bob.dialer.clone(), address.clone());
        tokio::spawn(async move {
            let account = crate::alice::account_of(account);
            dialer
                .connect(&account, dial::Purpose::Files, &address, PORT)
                .await
        })
    };
    let mut first = knock(1);
    let mut visitor = loop {
        tokio::select! {
            visitor = service.visitor() => break visitor.unwrap(),
            failed = &mut first => {
                assert!(begun.elapsed() < SOON, "{failed:?}");
                first = knock(1);
            }
        }
    };
    let mut there = first.await.unwrap().unwrap();
    there.write_all(b"x").await.unwrap();
    there.flush().await.unwrap();
    assert_eq!(visitor.read_u8().await.unwrap(), b'x');
    // More streams than one circuit may carry, so of several accounts.
    let crowd: Vec<_> = (0..3 * Serve::MAX_WAITING)
        .map(|number| knock(2 + u8::try_from(number / 12).unwrap()))
        .collect();
    let mut refused = 0;
    let begun = Instant::now();
    while refused < Serve::MAX_WAITING {
        assert!(begun.elapsed() < SOON, "only {refused} of the crowd were refused");
        sleep(Duration::from_millis(200)).await;
        refused = crowd.iter().filter(|knock| knock.is_finished()).count();
    }
    assert!(refused <= 2 * Serve::MAX_WAITING, "{refused}");
    for knock in &crowd {
        knock.abort();
    }
}
