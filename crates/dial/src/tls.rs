//! TLS on a stream: which server is let pass, and why another one is not.
//! It must never accept a server by anything but a public authority or a key that was accepted before, nor resume a session.
//! Standard: RFC 8446, RFC 5246 (AEAD suites only), RFC 7469 2.4 (hash of a key), RFC 7301, RFC 9266, RFC 7590 (XMPP).

mod certificate;
mod error;
mod identity;
mod pin;
mod stream;
mod verify;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

pub use certificate::IssuerHash;
pub use error::{TlsError, UntrustedReason};
pub use identity::Identity;
pub use pin::{SpkiHash, SpkiHashError};
pub use stream::TlsStream;
use verify::{Seen, Verifier};

/// What is spoken inside, as told to the server in the handshake (RFC 7301).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alpn {
    /// `xmpp-client`, for direct TLS (XEP-0368). A server that does not know it is let pass.
    XmppClient,
}

impl Alpn {
    fn name(self) -> &'static [u8] {
        match self {
            Alpn::XmppClient => b"xmpp-client",
        }
    }
}

/// What is remembered of a server to know it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownServer {
    /// Its key.
    pub key: SpkiHash,
    /// Who issued its certificate; absent where the owner accepted the key by hand.
    pub issuer: Option<IssuerHash>,
}

/// Whom to believe.
#[derive(Debug, Clone)]
pub struct TlsPolicy {
    /// Keys that this account's server may have. Empty: any key that a public authority vouches for. Otherwise only these,
    /// and they pass even without an authority (the name in the certificate must be right; its dates do not count).
    pub pins: Vec<SpkiHash>,
    /// The server as it was last time. Its key passes even without an authority; another key only if the same authority
    /// vouches for it. Has no effect beside pins.
    pub known: Option<KnownServer>,
    /// Whether the stream leads to the onion service that is the account's domain: Tor has proven its key then, and a
    /// certificate that it signed itself is let pass when it is first seen.
    pub onion_service: bool,
    /// How long the handshake may take.
    pub timeout: Duration,
    /// Who we are, where the server asks for a certificate; `None`: nobody.
    pub identity: Option<Identity>,
    roots: Arc<RootCertStore>,
}

impl TlsPolicy {
    /// The policy with the public authorities that Mozilla trusts.
    pub fn new(pins: Vec<SpkiHash>, timeout: Duration) -> TlsPolicy {
        let roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        TlsPolicy {
            pins,
            known: None,
            onion_service: false,
            timeout,
            identity: None,
            roots: Arc::new(roots),
        }
    }
}

/// Performs the handshake on `stream`, as client. `domain` is the domain of the account's address, whatever host the
/// stream leads to; it is checked against the certificate and sent as server name (not if it is an IP address, which
/// RFC 6066 forbids). The same call serves direct TLS and STARTTLS.
///
/// # Errors
/// [`TlsError`]; nothing but the handshake was sent then.
pub async fn handshake<S>(
    stream: S,
    domain: &str,
    alpn: Option<Alpn>,
    policy: &TlsPolicy,
) -> Result<TlsStream<S>, TlsError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let name = ServerName::try_from(domain)
        .map_err(|_| TlsError::BadDomain)?
        .to_owned();
    let verifier = Arc::new(Verifier::new(policy)?);
    let config = client_config(Arc::clone(&verifier), alpn, policy.identity.as_ref())?;
    let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
    let outcome = timeout(policy.timeout, connecting)
        .await
        .map_err(|_| TlsError::TimedOut)?;
    match (outcome, verifier.seen()) {
        (Ok(inner), Some(Seen::Accepted(accepted))) => Ok(TlsStream::new(inner, accepted)),
        // A connection whose certificate we did not see is no connection.
        (Ok(_), _) => Err(TlsError::Broken),
        (Err(_), Some(Seen::Refused(error))) => Err(error),
        (Err(error), _) => Err(sort(&error)),
    }
}

fn client_config(
    verifier: Arc<Verifier>,
    alpn: Option<Alpn>,
    identity: Option<&Identity>,
) -> Result<ClientConfig, TlsError> {
    let versions: &[_] = if identity.is_some() && alpn.is_some() {
        // Before TLS 1.3 everybody on the way reads the certificate of the client, which names its account on XMPP.
        &[&rustls::version::TLS13]
    } else {
        &[&rustls::version::TLS13, &rustls::version::TLS12]
    };
    let config = ClientConfig::builder_with_provider(verify::provider())
        .with_protocol_versions(versions)
        .map_err(|_| TlsError::Broken)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match identity {
        Some(identity) => config
            .with_client_auth_cert(identity.chain(), identity.key())
            .map_err(|_| TlsError::Broken)?,
        None => config.with_no_client_auth(),
    };
    // A ticket would let a server link two connections of an account over different circuits.
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    config.alpn_protocols = alpn.into_iter().map(|alpn| alpn.name().to_vec()).collect();
    Ok(config)
}

/// Sorts what ended the handshake into what the person can be told.
fn sort(error: &io::Error) -> TlsError {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::AlertReceived(_) | rustls::Error::NoApplicationProtocol) => TlsError::Refused,
        Some(rustls::Error::InvalidMessage(_)) => TlsError::NotTls,
        Some(rustls::Error::PeerIncompatible(_)) => TlsError::TooOld,
        Some(rustls::Error::PeerMisbehaved(
            rustls::PeerMisbehaved::SelectedUnofferedCipherSuite
            | rustls::PeerMisbehaved::SelectedUnusableCipherSuiteForVersion,
        )) => TlsError::TooOld,
        Some(_) => TlsError::Broken,
        None => TlsError::Closed,
    }
}

#[cfg(test)]
#[path = "tls/tls_tests.rs"]
pub(crate) mod tests;
