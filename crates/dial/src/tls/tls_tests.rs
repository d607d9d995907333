use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PublicKeyData, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_rustls::TlsAcceptor;

use super::*;

const SOON: Duration = Duration::from_secs(5);
const DOMAIN: &str = "example.org";

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
}

pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
    pub(crate) spki: SpkiHash,
}

pub(crate) fn authority() -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&key).unwrap().der().clone();
    Authority {
        issuer: Issuer::new(params, key),
        root,
    }
}

impl Authority {
    pub(crate) fn policy(&self, pins: &[SpkiHash]) -> TlsPolicy {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        TlsPolicy {
            pins: pins.to_vec(),
            known: None,
            onion_service: false,
            timeout: SOON,
            roots: Arc::new(roots),
            identity: None,
        }
    }

    pub(crate) fn vouch(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        identity(certificate.der().clone(), &key)
    }
}

fn self_signed(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Identity {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    change(&mut params);
    let certificate = params.self_signed(&key).unwrap();
    identity(certificate.der().clone(), &key)
}

fn identity(certificate: CertificateDer<'static>, key: &KeyPair) -> Identity {
    let spki = SpkiHash::of(&key.subject_public_key_info());
    Identity {
        chain: vec![certificate],
        key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        spki,
    }
}

fn expired(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2001, 1, 1);
    params.not_after = date_time_ymd(2002, 1, 1);
}

fn of_the_future(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2901, 1, 1);
    params.not_after = date_time_ymd(2902, 1, 1);
}

/// A server that sends back what it is sent.
fn serve(identity: Identity, change: impl FnOnce(&mut ServerConfig)) -> DuplexStream {
    serve_versions(
        identity,
        &[&rustls::version::TLS13, &rustls::version::TLS12],
        change,
    )
}

fn serve_versions(
    identity: Identity,
    versions: &[&'static rustls::SupportedProtocolVersion],
    change: impl FnOnce(&mut ServerConfig),
) -> DuplexStream {
    let mut config = ServerConfig::builder_with_provider(verify::provider())
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(identity.chain, identity.key)
        .unwrap();
    change(&mut config);
    let (ours, theirs) = duplex(64 * 1024);
    tokio::spawn(async move {
        let Ok(stream) = TlsAcceptor::from(Arc::new(config)).accept(theirs).await else {
            return;
        };
        let (mut reader, mut writer) = tokio::io::split(stream);
        let _ = tokio::io::copy(&mut reader, &mut writer).await;
        let _ = writer.shutdown().await;
    });
    ours
}

/// A server that answers anything with `bytes`.
fn serve_bytes(bytes: Vec<u8>) -> DuplexStream {
    let (ours, mut theirs) = duplex(64 * 1024);
    tokio::spawn(async move {
        let mut hello = [0; 1024];
        let _ = theirs.read(&mut hello).await;
        let _ = theirs.write_all(&bytes).await;
        let _ = theirs.read_to_end(&mut Vec::new()).await;
    });
    ours
}

async fn meet(stream: DuplexStream, policy: &TlsPolicy) -> Result<TlsStream<DuplexStream>, TlsError> {
    handshake(stream, DOMAIN, Some(Alpn::XmppClient), policy).await
}

#[tokio::test]
async fn alice_reaches_a_server_that_an_authority_vouches_for_and_learns_its_key() {
    let authority = authority();
    let server = authority.vouch(DOMAIN, |_| {});
    let spki = server.spki;
    let mut stream = meet(serve(server, |_| {}), &authority.policy(&[])).await.unwrap();
    assert_eq!(stream.spki_sha256(), spki);
    assert!(stream.is_tls13() && !stream.is_pinned() && stream.channel_binding().is_some());
    stream.write_all(b"<stream:stream>").await.unwrap();
    stream.flush().await.unwrap();
    let mut echo = [0; 15];
    stream.read_exact(&mut echo).await.unwrap();
    assert_eq!(&echo, b"<stream:stream>");
}

#[tokio::test]
async fn a_key_that_was_accepted_before_is_let_pass_even_self_signed_and_expired() {
    let authority = authority();
    for change in [|_: &mut CertificateParams| {}, expired, of_the_future] {
        let server = self_signed(DOMAIN, change);
        let policy = authority.policy(&[SpkiHash::from_bytes([1; 32]), server.spki]);
        let stream = meet(serve(server, |_| {}), &policy).await.unwrap();
        assert!(stream.is_pinned());
    }
}

#[tokio::test]
async fn a_pinned_key_behind_an_authority_is_let_pass() {
    let authority = authority();
    let server = authority.vouch(DOMAIN, |_| {});
    let policy = authority.policy(&[server.spki]);
    assert!(meet(serve(server, |_| {}), &policy).await.unwrap().is_pinned());
}

#[tokio::test]
async fn a_pinned_key_with_the_wrong_name_is_refused() {
    let authority = authority();
    for server in [
        self_signed("mallory.example", |_| {}),
        authority.vouch("mallory.example", |_| {}),
    ] {
        let (spki, policy) = (server.spki, authority.policy(&[server.spki]));
        let error = meet(serve(server, |_| {}), &policy).await.unwrap_err();
        assert_eq!(
            error,
            TlsError::Untrusted {
                spki_sha256: spki,
                reason: UntrustedReason::WrongName
            }
        );
    }
}

#[tokio::test]
async fn a_changed_key_is_refused_whether_an_authority_vouches_for_it_or_not() {
    let authority = authority();
    let expected = vec![SpkiHash::from_bytes([9; 32])];
    let cases = [
        (authority.vouch(DOMAIN, |_| {}), None),
        (self_signed(DOMAIN, |_| {}), Some(UntrustedReason::UnknownIssuer)),
        (authority.vouch(DOMAIN, expired), Some(UntrustedReason::Expired)),
    ];
    for (server, untrusted) in cases {
        let seen = server.spki;
        let error = meet(serve(server, |_| {}), &authority.policy(&expected))
            .await
            .unwrap_err();
        assert_eq!(
            error,
            TlsError::KeyChanged {
                expected: expected.clone(),
                seen,
                untrusted
            }
        );
    }
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_refused_with_its_key_and_the_reason() {
    let authority = authority();
    let stranger = self::authority();
    let cases = [
        (self_signed(DOMAIN, |_| {}), UntrustedReason::UnknownIssuer),
        (
            self_signed(DOMAIN, |params| {
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            }),
            UntrustedReason::UnknownIssuer,
        ),
        (stranger.vouch(DOMAIN, |_| {}), UntrustedReason::UnknownIssuer),
        (authority.vouch(DOMAIN, expired), UntrustedReason::Expired),
        (
            authority.vouch(DOMAIN, of_the_future),
            UntrustedReason::NotYetValid,
        ),
        (
            authority.vouch("mallory.example", |_| {}),
            UntrustedReason::WrongName,
        ),
    ];
    for (server, reason) in cases {
        let spki_sha256 = server.spki;
        let error = meet(serve(server, |_| {}), &authority.policy(&[]))
            .await
            .unwrap_err();
        assert_eq!(error, TlsError::Untrusted { spki_sha256, reason });
    }
}

#[tokio::test]
async fn the_public_authorities_do_not_know_a_made_up_one() {
    let server = authority().vouch(DOMAIN, |_| {});
    let error = meet(serve(server, |_| {}), &TlsPolicy::new(Vec::new(), SOON))
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        TlsError::Untrusted {
            reason: UntrustedReason::UnknownIssuer,
            ..
        }
    ));
}

#[tokio::test]
async fn tls_1_2_is_spoken_with_aead_suites_and_without_channel_binding() {
    let authority = authority();
    let server = authority.vouch(DOMAIN, |_| {});
    let stream = serve_versions(server, &[&rustls::version::TLS12], |_| {});
    let stream = meet(stream, &authority.policy(&[])).await.unwrap();
    assert!(!stream.is_tls13() && stream.channel_binding().is_none());
    for suite in verify::provider().cipher_suites.iter() {
        let name = format!("{:?}", suite.suite());
        assert!(
            name.contains("GCM") || name.contains("CHACHA20_POLY1305"),
            "{name}"
        );
    }
}

/// A record with a ServerHello of `version` (RFC 5246 7.4.1.3) that chooses `suite`.
fn server_hello(version: [u8; 2], suite: [u8; 2]) -> Vec<u8> {
    let mut hello = version.to_vec();
    hello.extend([0x5a; 32]);
    hello.push(0);
    hello.extend(suite);
    hello.push(0);
    let length = u8::try_from(hello.len()).unwrap();
    let mut record = vec![0x16, version[0], version[1], 0, length + 4, 2, 0, 0, length];
    record.extend(hello);
    record
}

#[tokio::test]
async fn tls_1_1_and_suites_without_authentication_are_refused() {
    let policy = authority().policy(&[]);
    for (version, suite) in [
        ([3, 1], [0xc0, 0x13]),
        ([3, 2], [0xc0, 0x13]),
        ([3, 3], [0xc0, 0x13]),
        ([3, 3], [0, 5]),
    ] {
        let error = meet(serve_bytes(server_hello(version, suite)), &policy)
            .await
            .unwrap_err();
        assert_eq!(error, TlsError::TooOld, "{version:?} {suite:?}");
    }
}

#[tokio::test]
async fn whatever_is_not_tls_is_named() {
    let policy = authority().policy(&[]);
    let html = b"HTTP/1.1 400 Bad Request\r\n\r\n<html>".to_vec();
    assert_eq!(
        meet(serve_bytes(html), &policy).await.unwrap_err(),
        TlsError::NotTls
    );
    let alert = vec![0x15, 3, 3, 0, 2, 2, 40];
    assert_eq!(
        meet(serve_bytes(alert), &policy).await.unwrap_err(),
        TlsError::Refused
    );
    let (ours, theirs) = duplex(1024);
    drop(theirs);
    assert_eq!(meet(ours, &policy).await.unwrap_err(), TlsError::Closed);
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let (ours, _theirs) = duplex(64 * 1024);
    let policy = TlsPolicy {
        timeout: Duration::from_millis(200),
        ..authority().policy(&[])
    };
    assert_eq!(meet(ours, &policy).await.unwrap_err(), TlsError::TimedOut);
}

#[tokio::test]
async fn a_domain_that_is_none_is_refused_before_anything_is_sent() {
    let policy = authority().policy(&[]);
    for domain in ["", "a b", "a..b", "exämple.org"] {
        let (ours, mut theirs) = duplex(1024);
        assert_eq!(
            handshake(ours, domain, None, &policy).await.unwrap_err(),
            TlsError::BadDomain,
            "{domain}"
        );
        let mut sent = Vec::new();
        theirs.read_to_end(&mut sent).await.unwrap();
        assert!(sent.is_empty());
    }
}

#[tokio::test]
async fn the_server_hears_the_domain_and_the_protocol_and_no_address() {
    use rustls::server::Acceptor;
    let policy = TlsPolicy {
        timeout: Duration::from_millis(200),
        ..authority().policy(&[])
    };
    for (domain, expected) in [(DOMAIN, Some(DOMAIN)), ("192.0.2.7", None)] {
        let (ours, mut theirs) = duplex(64 * 1024);
        let _ = handshake(ours, domain, Some(Alpn::XmppClient), &policy).await;
        let mut sent = Vec::new();
        theirs.read_to_end(&mut sent).await.unwrap();
        let mut acceptor = Acceptor::default();
        acceptor.read_tls(&mut sent.as_slice()).unwrap();
        let accepted = acceptor.accept().unwrap().unwrap();
        let hello = accepted.client_hello();
        assert_eq!(hello.server_name(), expected);
        assert_eq!(hello.alpn().unwrap().collect::<Vec<_>>(), [b"xmpp-client"]);
    }
}

#[tokio::test]
async fn a_server_that_speaks_another_protocol_is_refused() {
    let authority = authority();
    let server = authority.vouch(DOMAIN, |_| {});
    let stream = serve(server, |config| {
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
    });
    assert_eq!(
        meet(stream, &authority.policy(&[])).await.unwrap_err(),
        TlsError::Refused
    );
}

#[tokio::test]
async fn no_session_is_resumed() {
    let authority = authority();
    let policy = authority.policy(&[]);
    let config = client_config(Arc::new(Verifier::new(&policy).unwrap()), None, None).unwrap();
    assert!(format!("{:?}", config.resumption).contains("NoClientSessionStorage"));
    assert!(!config.enable_early_data);
}

#[tokio::test]
async fn a_stream_that_mallory_cuts_ends_with_an_error_and_not_quietly() {
    let authority = authority();
    let server = authority.vouch(DOMAIN, |_| {});
    let inner = serve(server, |_| {});
    let (ours, mut between) = duplex(64 * 1024);
    let relay = tokio::spawn(async move {
        let mut inner = inner;
        let copying = tokio::io::copy_bidirectional(&mut between, &mut inner);
        let _ = timeout(Duration::from_millis(300), copying).await;
    });
    let mut stream = meet(ours, &authority.policy(&[])).await.unwrap();
    relay.await.unwrap();
    let error = stream.read(&mut [0; 16]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

fn knowing(authority: &Authority, key: SpkiHash, issuer: Option<IssuerHash>) -> TlsPolicy {
    let mut policy = authority.policy(&[]);
    policy.known = Some(KnownServer { key, issuer });
    policy
}

fn authority_named(name: &str) -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::OrganizationName, name);
    let root = params.self_signed(&key).unwrap().der().clone();
    Authority {
        issuer: Issuer::new(params, key),
        root,
    }
}

#[tokio::test]
async fn a_renewal_by_the_same_authority_goes_on_and_a_change_of_authority_stops() {
    let authority = authority_named("Let us");
    let first = meet(
        serve(authority.vouch(DOMAIN, |_| {}), |_| {}),
        &authority.policy(&[]),
    )
    .await;
    let first = first.unwrap();
    assert!(first.is_vouched() && !first.is_pinned() && first.server_end_point().is_some());
    let known = first.server();
    let policy = knowing(&authority, known.key, known.issuer);
    let renewed = meet(serve(authority.vouch(DOMAIN, |_| {}), |_| {}), &policy)
        .await
        .unwrap();
    assert!(renewed.server().key != known.key && renewed.server().issuer == known.issuer);
    // Another authority that is public as well, and somebody who is none.
    let other = authority_named("Others");
    let mut both = policy.clone();
    let mut roots = RootCertStore::empty();
    roots.add(authority.root.clone()).unwrap();
    roots.add(other.root.clone()).unwrap();
    both.roots = Arc::new(roots);
    for (identity, vouched) in [
        (other.vouch(DOMAIN, |_| {}), true),
        (self_signed(DOMAIN, |_| {}), false),
    ] {
        let seen = identity.spki;
        let refused = meet(serve(identity, |_| {}), &both).await.unwrap_err();
        let TlsError::KeyChanged {
            expected,
            seen: told,
            untrusted,
        } = refused
        else {
            panic!("{refused:?}");
        };
        assert_eq!(
            (expected, told, untrusted.is_none()),
            (vec![known.key], seen, vouched)
        );
    }
    // A key that the owner accepted by hand has no authority that could renew it.
    let by_hand = knowing(&authority, known.key, None);
    assert!(
        meet(serve(authority.vouch(DOMAIN, |_| {}), |_| {}), &by_hand)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_remembered_key_passes_without_an_authority_but_never_for_another_name() {
    let authority = authority();
    let server = self_signed(DOMAIN, expired);
    let policy = knowing(&authority, server.spki, None);
    assert!(meet(serve(server, |_| {}), &policy).await.unwrap().is_pinned());
    let server = self_signed("evil.example", |_| {});
    let policy = knowing(&authority, server.spki, None);
    let refused = meet(serve(server, |_| {}), &policy).await.unwrap_err();
    assert!(matches!(
        refused,
        TlsError::Untrusted {
            reason: UntrustedReason::WrongName,
            ..
        }
    ));
}

#[tokio::test]
async fn an_own_onion_service_may_sign_for_itself_when_first_seen_and_has_to_stay_the_same() {
    let authority = authority();
    let mut policy = authority.policy(&[]);
    policy.onion_service = true;
    let first = meet(serve(self_signed(DOMAIN, |_| {}), |_| {}), &policy)
        .await
        .unwrap();
    assert!(!first.is_vouched());
    policy.known = Some(first.server());
    let refused = meet(serve(self_signed(DOMAIN, |_| {}), |_| {}), &policy)
        .await
        .unwrap_err();
    assert!(matches!(refused, TlsError::KeyChanged { .. }));
}
