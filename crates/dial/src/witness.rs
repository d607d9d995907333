//! A server's key as it is seen from elsewhere: over circuits that end at other exits.
//! It must never say anything of the account: a witness names the domain and nothing else.
//! Standard: RFC 6120 5.4 (STARTTLS up to the handshake); design.md section 4 (TLS rules).

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::find::{Place, Security};
use crate::tls::{self, Alpn, SpkiHash, TlsError, TlsPolicy};
use crate::{Dialer, Isolation, Purpose, Stream};

/// How often each witness is asked, each time over another circuit.
const TRIES: usize = 3;
/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest answer before TLS.
const LONGEST: usize = 64 * 1024;

/// What two witnesses say of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Both saw this key.
    Same,
    /// One saw this other one.
    Differs(SpkiHash),
    /// One of them never came to see a key.
    Unseen,
}

/// Has the key of the server at `place` looked at over two more circuits, at the same time. `isolation` draws a new name
/// for each circuit, from a cryptographic source. Takes at most about three minutes, and rarely more than a few seconds.
pub async fn compare(
    dialer: &Dialer,
    place: &Place,
    domain: &str,
    key: SpkiHash,
    policy: &TlsPolicy,
    isolation: fn() -> Isolation,
) -> Verdict {
    let look = || look(dialer, place, domain, policy, isolation);
    let (one, two) = tokio::join!(look(), look());
    match (one, two) {
        (Some(other), _) | (_, Some(other)) if other != key => Verdict::Differs(other),
        (Some(_), Some(second)) if second != key => Verdict::Differs(second),
        (Some(_), Some(_)) => Verdict::Same,
        _ => Verdict::Unseen,
    }
}

async fn look(
    dialer: &Dialer,
    place: &Place,
    domain: &str,
    policy: &TlsPolicy,
    isolation: fn() -> Isolation,
) -> Option<SpkiHash> {
    for _ in 0..TRIES {
        let looking = key(dialer, place, domain, policy, isolation());
        if let Ok(Some(key)) = timeout(PATIENCE, looking).await {
            return Some(key);
        }
    }
    None
}

async fn key(
    dialer: &Dialer,
    place: &Place,
    domain: &str,
    policy: &TlsPolicy,
    isolation: Isolation,
) -> Option<SpkiHash> {
    let connecting = dialer.connect(&isolation, Purpose::Certificate, &place.host, place.port);
    let mut stream = connecting.await.ok()?;
    if place.security == Security::StartTls {
        start_tls(&mut stream, domain).await?;
    }
    match tls::handshake(stream, domain, Some(Alpn::XmppClient), policy).await {
        Ok(stream) => Some(stream.spki_sha256()),
        Err(TlsError::Untrusted { spki_sha256: key, .. } | TlsError::KeyChanged { seen: key, .. }) => {
            Some(key)
        }
        Err(_) => None,
    }
}

/// Says what has to be said before TLS. What comes back is only waited for: all that counts is the key.
async fn start_tls(stream: &mut Stream, domain: &str) -> Option<()> {
    // A domain that came this far is a host name: it holds nothing that XML would have to escape.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    if !domain.bytes().all(plain) {
        return None;
    }
    let header = format!(
        "<?xml version='1.0'?><stream:stream to='{domain}' version='1.0' xmlns='jabber:client' \
         xmlns:stream='http://etherx.jabber.org/streams'>"
    );
    say(stream, &header, "</stream:features>").await?;
    say(
        stream,
        "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        "<proceed",
    )
    .await
}

/// Writes, then reads up to the end of an element that `until` begins or ends.
async fn say(stream: &mut Stream, words: &str, until: &str) -> Option<()> {
    stream.write_all(words.as_bytes()).await.ok()?;
    stream.flush().await.ok()?;
    let mut heard = Vec::new();
    loop {
        // Byte by byte, so that nothing of the handshake is taken.
        heard.push(stream.read_u8().await.ok()?);
        if heard.ends_with(b">") && heard.windows(until.len()).any(|part| part == until.as_bytes()) {
            return Some(());
        }
        if heard.len() > LONGEST {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

    use rustls::ServerConfig;
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::Host;
    use crate::find::tests::{Side, accept, gate};
    use crate::tls::tests::{Authority, authority};

    fn fresh() -> Isolation {
        static NEXT: AtomicU8 = AtomicU8::new(0);
        Isolation::from_bytes([NEXT.fetch_add(1, Ordering::Relaxed); 16])
    }

    fn place(security: Security) -> Place {
        let host = Host::parse("xmpp.example.org").unwrap();
        let port = 5222;
        Place { host, port, security }
    }

    fn acceptor(authority: &Authority) -> (TlsAcceptor, SpkiHash) {
        let identity = authority.vouch("example.org", |_| {});
        let spki = identity.spki;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.unwrap().with_no_client_auth();
        let config = config.with_single_cert(identity.chain, identity.key).unwrap();
        (TlsAcceptor::from(Arc::new(config)), spki)
    }

    async fn features(mut stream: Side) -> Side {
        let mut heard = [0; 512];
        let length = stream.read(&mut heard).await.unwrap();
        assert!(
            std::str::from_utf8(&heard[..length])
                .unwrap()
                .contains("to='example.org'")
        );
        let features = "<stream:stream><stream:features><starttls/></stream:features>";
        stream.write_all(features.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        let _ = stream.read(&mut heard).await.unwrap();
        stream
            .write_all(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
            .await
            .unwrap();
        stream.flush().await.unwrap();
        stream
    }

    #[tokio::test]
    async fn two_witnesses_see_the_same_key_each_over_a_circuit_of_its_own() {
        for security in [Security::DirectTls, Security::StartTls] {
            let authority = authority();
            let (acceptor, key) = acceptor(&authority);
            let (dialer, calls) = gate(move |_, mut stream| {
                let acceptor = acceptor.clone();
                async move {
                    accept(&mut stream).await;
                    let stream = match security {
                        Security::DirectTls => stream,
                        Security::StartTls => features(stream).await,
                    };
                    let _ = acceptor.accept(stream).await;
                }
            });
            let policy = authority.policy(&[]);
            let verdict = compare(&dialer, &place(security), "example.org", key, &policy, fresh).await;
            assert_eq!(verdict, Verdict::Same);
            assert_eq!(calls.lock().unwrap().len(), 2);
        }
    }

    #[tokio::test]
    async fn a_key_that_one_exit_alone_shows_is_found_out() {
        let authority = authority();
        let ((honest, key), (forged, other)) = (acceptor(&authority), acceptor(&authority));
        let count = Arc::new(AtomicUsize::new(0));
        let (dialer, _calls) = gate(move |_, mut stream| {
            let acceptor = match count.fetch_add(1, Ordering::Relaxed) {
                0 => forged.clone(),
                _ => honest.clone(),
            };
            async move {
                accept(&mut stream).await;
                let _ = acceptor.accept(stream).await;
            }
        });
        let policy = authority.policy(&[]);
        let place = place(Security::DirectTls);
        let verdict = compare(&dialer, &place, "example.org", key, &policy, fresh).await;
        assert_eq!(verdict, Verdict::Differs(other));
    }

    #[tokio::test]
    async fn a_server_that_hides_from_other_exits_is_not_taken_for_compared() {
        let (dialer, calls) = gate(|_, mut stream| async move { accept(&mut stream).await });
        let policy = authority().policy(&[]);
        let key = SpkiHash::from_bytes([1; 32]);
        let place = place(Security::StartTls);
        let verdict = compare(&dialer, &place, "example.org", key, &policy, fresh).await;
        assert_eq!(verdict, Verdict::Unseen);
        assert_eq!(calls.lock().unwrap().len(), 2 * TRIES);
    }
}
