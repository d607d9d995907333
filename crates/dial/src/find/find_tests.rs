use std::future::poll_fn;
use std::sync::{Arc, Mutex};

use door::{Answer, Header, LineReader, Refusal};
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio_rustls::TlsAcceptor;
use tokio_util::compat::{FuturesAsyncReadCompatExt, TokioAsyncReadCompatExt};
use yamux::{Config, Connection, Mode};

use super::*;
use crate::tls::tests::{Authority, Identity, authority};

pub(crate) type Side = tokio_util::compat::Compat<yamux::Stream>;
pub(crate) type Calls = Arc<Mutex<Vec<String>>>;

fn random() -> u32 {
    7
}

/// A gate in memory: it notes who is called, and hands each call to `serve`.
pub(crate) fn gate<F, R>(serve: F) -> (Dialer, Calls)
where
    F: Fn(String, Side) -> R + Clone + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let calls = Calls::default();
    let seen = Arc::clone(&calls);
    tokio::spawn(async move {
        let mut connection = Connection::new(theirs.compat(), Config::default(), Mode::Server);
        while let Some(Ok(stream)) = poll_fn(|cx| connection.poll_next_inbound(cx)).await {
            let (serve, seen) = (serve.clone(), Arc::clone(&seen));
            tokio::spawn(async move {
                let mut stream = stream.compat();
                let mut reader = LineReader::new();
                let line = loop {
                    if let Some(line) = reader.push(stream.read_u8().await.unwrap()).unwrap() {
                        break line;
                    }
                };
                if let Header::Connect(connect) = Header::decode(&line).unwrap() {
                    assert!(matches!(
                        connect.purpose,
                        Purpose::Certificate | Purpose::Discovery
                    ));
                    let called = format!("{}:{}", connect.host, connect.port);
                    seen.lock().unwrap().push(called.clone());
                    serve(called, stream).await;
                }
            });
        }
    });
    let dialer = Dialer::new();
    dialer.attach(ours);
    (dialer, calls)
}

async fn refuse(_: String, mut stream: Side) {
    let answer = Answer::Refused(Refusal::ConnectionRefused).encode().unwrap();
    stream.write_all(&answer).await.unwrap();
    stream.flush().await.unwrap();
}

pub(crate) async fn accept(stream: &mut Side) {
    stream.write_all(&Answer::Done.encode().unwrap()).await.unwrap();
    stream.flush().await.unwrap();
}

fn finder(dialer: Dialer, domain: &str, authority: &Authority) -> Finder {
    let resolvers = vec![Resolver::parse("dns.example@9.9.9.9").unwrap()];
    let isolation = Isolation::from_bytes([9; 16]);
    let mut finder = Finder::new(dialer, isolation, domain, resolvers, random);
    finder.policy = authority.policy(&[]);
    finder
}

fn told(places: &[Place]) -> Vec<String> {
    places
        .iter()
        .map(|it| format!("{:?} {it}", it.security))
        .collect()
}

/// A website with one answer.
async fn website(identity: Identity, answer: &'static str, mut stream: Side) {
    accept(&mut stream).await;
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config
        .with_no_client_auth()
        .with_single_cert(identity.chain, identity.key);
    let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
    let Ok(mut secured) = acceptor.accept(stream).await else {
        return;
    };
    let mut request = vec![0; 1024];
    let length = secured.read(&mut request).await.unwrap();
    let request = std::str::from_utf8(&request[..length]).unwrap();
    assert!(request.starts_with("GET /.well-known/host-meta.json HTTP/1.1\r\nHost: example.org\r\n"));
    assert!(!request.contains("User-Agent") && !request.contains("alice"));
    secured.write_all(answer.as_bytes()).await.unwrap();
    let _ = secured.shutdown().await;
}

#[tokio::test]
async fn about_an_onion_service_or_an_address_nobody_is_asked() {
    let (dialer, calls) = gate(refuse);
    let authority = authority();
    // The example address of the onion service specification.
    let onion = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion";
    for domain in [onion, "192.0.2.1", "localhost", "a b", "-"] {
        let mut finder = finder(dialer.clone(), domain, &authority);
        assert!(finder.places(Source::Asked).await.is_empty(), "{domain}");
        assert_eq!(
            finder.places(Source::Onion).await.len(),
            if domain == onion { 2 } else { 0 }
        );
        assert!(
            finder
                .places(Source::Usual)
                .await
                .iter()
                .all(|place| !place.host.is_onion())
        );
    }
    assert!(calls.lock().unwrap().is_empty());
}

#[tokio::test]
async fn where_nobody_answers_the_usual_ports_are_left_and_what_was_tried_is_told() {
    let (dialer, calls) = gate(refuse);
    let mut finder = finder(dialer, "example.org", &authority());
    assert!(finder.places(Source::Asked).await.is_empty());
    let usual = told(&finder.places(Source::Usual).await);
    assert_eq!(usual, ["DirectTls example.org:5223", "StartTls example.org:5222"]);
    let said: Vec<_> = finder.said().iter().map(|said| said.who.as_str()).collect();
    assert_eq!(said, ["https://example.org", "dns.example"]);
    // A second question in the same five minutes is answered from memory.
    assert!(finder.places(Source::Asked).await.is_empty());
    assert_eq!(calls.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_server_on_the_list_is_reached_by_its_onion_service_first() {
    let (dialer, _calls) = gate(refuse);
    let mut finder = finder(dialer, "XMPP.is", &authority());
    let places = told(&finder.places(Source::Onion).await);
    assert_eq!(places.len(), 2);
    assert!(places[0].starts_with("StartTls 6voaf7") && places[0].ends_with(".onion:5222"));
    assert!(finder.places(Source::Worked).await.is_empty());
    let place = finder.places(Source::Usual).await.remove(0);
    finder.worked(place.clone());
    assert_eq!(finder.places(Source::Worked).await, [place]);
}

#[tokio::test]
async fn an_onion_service_that_the_website_names_comes_before_the_addresses_and_needs_the_domains_certificate()
 {
    const ANSWER: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\
        {\"xmpp\":{\"ttl\":1},\"links\":[{\"rel\":\"urn:xmpp:alt-connections:tls\",\"port\":443,\"ips\":[\"9.9.9.1\", \
        \"pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion\", \"mistyped.onion\"]}]}";
    for (name, found) in [("example.org", 2), ("evil.example", 0)] {
        let authority = Arc::new(authority());
        let vouching = Arc::clone(&authority);
        let (dialer, _calls) = gate(move |called, stream| {
            let identity = vouching.vouch(name, |_| {});
            async move {
                if called == "example.org:443" {
                    website(identity, ANSWER, stream).await;
                } else {
                    refuse(called, stream).await;
                }
            }
        });
        let mut finder = finder(dialer, "example.org", &authority);
        let places = finder.places(Source::Asked).await;
        assert_eq!(places.len(), found, "{:?}", finder.said());
        assert!(places.first().is_none_or(|first| first.host.is_onion()));
    }
}

#[tokio::test]
async fn the_website_is_believed_only_with_a_certificate_for_the_domain() {
    const ANSWER: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\
        {\"xmpp\":{\"ttl\":1},\"links\":[{\"rel\":\"urn:xmpp:alt-connections:tls\",\"port\":443,\"ips\":[\"9.9.9.1\"]}]}";
    for (name, found) in [("example.org", true), ("evil.example", false)] {
        let authority = Arc::new(authority());
        let vouching = Arc::clone(&authority);
        let (dialer, _calls) = gate(move |called, stream| {
            let identity = vouching.vouch(name, |_| {});
            async move {
                if called == "example.org:443" {
                    website(identity, ANSWER, stream).await;
                } else {
                    refuse(called, stream).await;
                }
            }
        });
        let mut finder = finder(dialer, "example.org", &authority);
        let places = told(&finder.places(Source::Asked).await);
        let expected: &[&str] = if found { &["DirectTls 9.9.9.1:443"] } else { &[] };
        assert_eq!(places, expected, "{:?}", finder.said());
    }
}

/// Debian's unbound, serving DNS over TLS on loopback with a few names of its own.
#[expect(
    clippy::disallowed_methods,
    reason = "a resolver of the test's own on loopback"
)]
async fn unbound(folder: &std::path::Path, identity: &Identity) -> (Child, u16) {
    // Below the ports that the system gives away by itself: on one of those a call could be answered by itself.
    let port = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    let pem = |kind: &str, der: &[u8]| {
        let text = base64_lines(der);
        format!("-----BEGIN {kind}-----\n{text}-----END {kind}-----\n")
    };
    let write = |name: &str, text: String| std::fs::write(folder.join(name), text).unwrap();
    write(
        "cert.pem",
        identity.chain.iter().map(|it| pem("CERTIFICATE", it)).collect(),
    );
    write("key.pem", pem("PRIVATE KEY", identity.key.secret_der()));
    let here = folder.display();
    write(
        "unbound.conf",
        format!(
            "server:\n interface: 127.0.0.1@{port}\n tls-port: {port}\n tls-service-key: {here}/key.pem\n \
             tls-service-pem: {here}/cert.pem\n do-daemonize: no\n username: \"\"\n chroot: \"\"\n \
             directory: {here}\n pidfile: {here}/pid\n use-syslog: no\n logfile: \"\"\n do-udp: no\n \
             module-config: \"iterator\"\n \
             local-zone: \"example.org.\" static\n local-zone: \"none.example.\" static\n \
             local-data: \"_xmpps-client._tcp.example.org. 900 IN SRV 20 0 443 b.example.org.\"\n \
             local-data: \"_xmpps-client._tcp.example.org. 900 IN SRV 5 0 5223 a.example.org.\"\n \
             local-data: \"_xmpp-client._tcp.example.org. 900 IN SRV 10 0 5222 c.example.org.\"\n \
             local-data: \"_xmpps-client._tcp.none.example. 900 IN SRV 0 0 0 .\"\n \
             local-data: \"_xmpp-client._tcp.none.example. 900 IN SRV 0 0 0 .\"\nremote-control:\n control-enable: no\n"
        ),
    );
    let mut command = Command::new("unbound");
    command
        .arg("-d")
        .arg("-c")
        .arg(folder.join("unbound.conf"))
        .kill_on_drop(true);
    let child = command.spawn().expect("./test installs unbound");
    for _ in 0..200 {
        if connect(port).await.is_some() {
            return (child, port);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("unbound does not answer");
}

fn base64_lines(der: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in der.chunks(3) {
        let number = (0..3).fold(0_usize, |sum, at| {
            sum << 8 | usize::from(*three.get(at).unwrap_or(&0))
        });
        for at in 0..4 {
            let letter = char::from(LETTERS[number >> (18 - 6 * at) & 63]);
            text.push(if at <= three.len() { letter } else { '=' });
        }
        if text.len() % 65 == 64 {
            text.push('\n');
        }
    }
    text + "\n"
}

#[expect(
    clippy::disallowed_methods,
    reason = "the gate of the test reaches a resolver on loopback"
)]
async fn connect(port: u16) -> Option<TcpStream> {
    TcpStream::connect(("127.0.0.1", port)).await.ok()
}

#[tokio::test]
async fn service_records_come_from_a_real_resolver_over_tls_in_the_order_of_their_priorities() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority();
    let (_unbound, port) = unbound(folder.path(), &authority.vouch("dns.example", |_| {})).await;
    let (dialer, calls) = gate(move |called, mut stream| async move {
        if called == "9.9.9.9:853" {
            accept(&mut stream).await;
            let mut resolver = connect(port).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut resolver).await;
        } else {
            refuse(called, stream).await;
        }
    });
    let mut found = finder(dialer.clone(), "Example.ORG", &authority);
    let places = told(&found.places(Source::Asked).await);
    let order = [
        "DirectTls a.example.org:5223",
        "StartTls c.example.org:5222",
        "DirectTls b.example.org:443",
    ];
    assert_eq!(places, order, "{:?}", found.said());
    let mut none = finder(dialer.clone(), "none.example", &authority);
    assert!(none.places(Source::Asked).await.is_empty());
    assert_eq!(none.said()[1].what, "no_service");
    assert!(
        none.places(Source::Usual).await.is_empty(),
        "the domain says there is none"
    );
    // Another resolver's certificate is no certificate of this one.
    let mut wrong = finder(dialer, "example.org", &authority);
    wrong.resolvers = vec![Resolver::parse("other.example@9.9.9.9").unwrap()];
    assert!(wrong.places(Source::Asked).await.is_empty());
    assert_eq!(wrong.said()[1].what, "tls.untrusted");
    assert_eq!(
        calls
            .lock()
            .unwrap()
            .iter()
            .filter(|call| *call == "9.9.9.9:853")
            .count(),
        3
    );
}
