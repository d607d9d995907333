//! Decides on a server's certificate, and remembers the decision for whoever asked.
//! It must never let a certificate pass whose name is wrong or whose handshake signature does not verify.
//! Standard: RFC 5280 and RFC 9525 (by webpki), RFC 7469 2.6 (pins).

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use super::certificate;
use super::{KnownServer, SpkiHash, TlsError, TlsPolicy, UntrustedReason};

/// The cryptography of our TLS: ring. Its suites are those of TLS 1.3 and the AEAD ones of TLS 1.2.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// What became of the certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// It passed.
    Accepted(Accepted),
    /// It did not.
    Refused(TlsError),
}

/// What is known of a server that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Accepted {
    pub(super) server: KnownServer,
    pub(super) pinned: bool,
    pub(super) vouched: bool,
    /// The hash of the certificate (RFC 5929 4.1).
    pub(super) end_point: Option<Vec<u8>>,
}

/// Serves one handshake.
#[derive(Debug)]
pub(super) struct Verifier {
    authorities: Arc<WebPkiServerVerifier>,
    pins: Vec<SpkiHash>,
    known: Option<KnownServer>,
    onion_service: bool,
    seen: Mutex<Option<Seen>>,
}

impl Verifier {
    pub(super) fn new(policy: &TlsPolicy) -> Result<Verifier, TlsError> {
        let authorities = WebPkiServerVerifier::builder_with_provider(Arc::clone(&policy.roots), provider());
        let authorities = authorities.build().map_err(|_| TlsError::Broken)?;
        Ok(Verifier {
            authorities,
            pins: policy.pins.clone(),
            known: policy.known,
            onion_service: policy.onion_service,
            seen: Mutex::new(None),
        })
    }

    /// The decision, once the certificate was there.
    pub(super) fn seen(&self) -> Option<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn decide(
        &self,
        end_entity: &CertificateDer<'_>,
        name: &ServerName<'_>,
        by_authority: Result<(), Error>,
    ) -> Seen {
        let Ok(certificate) = ParsedCertificate::try_from(end_entity) else {
            return Seen::Refused(TlsError::BadCertificate);
        };
        let spki = SpkiHash::of(&certificate.subject_public_key_info());
        let right_name = verify_server_name(&certificate, name).is_ok();
        let untrusted = match by_authority {
            _ if !right_name => Some(UntrustedReason::WrongName),
            Ok(()) => None,
            Err(error) => Some(reason(&error)),
        };
        let server = KnownServer {
            key: spki,
            issuer: certificate::issuer(end_entity),
        };
        match self.judge(&server, untrusted) {
            Ok(pinned) => Seen::Accepted(Accepted {
                server,
                pinned,
                vouched: untrusted.is_none(),
                end_point: certificate::end_point(end_entity),
            }),
            Err(error) => Seen::Refused(error),
        }
    }

    /// Whether the key was accepted before.
    ///
    /// # Errors
    /// Where the server is not to be trusted.
    fn judge(&self, server: &KnownServer, untrusted: Option<UntrustedReason>) -> Result<bool, TlsError> {
        let refused = |reason| TlsError::Untrusted {
            spki_sha256: server.key,
            reason,
        };
        // No pin and no memory helps against a certificate for somebody else.
        if untrusted == Some(UntrustedReason::WrongName) && self.pins.is_empty() && self.known.is_none() {
            return Err(refused(UntrustedReason::WrongName));
        }
        let changed = |expected: Vec<SpkiHash>| TlsError::KeyChanged {
            expected,
            seen: server.key,
            untrusted,
        };
        let right_name = untrusted != Some(UntrustedReason::WrongName);
        if !self.pins.is_empty() {
            return match self.pins.contains(&server.key) {
                true if right_name => Ok(true),
                true => Err(refused(UntrustedReason::WrongName)),
                false => Err(changed(self.pins.clone())),
            };
        }
        match (self.known, untrusted) {
            (Some(known), _) if known.key == server.key && right_name => Ok(true),
            (Some(known), _) if known.key == server.key => Err(refused(UntrustedReason::WrongName)),
            // A renewal: another key from the same authority.
            (Some(known), None) if known.issuer.is_some() && known.issuer == server.issuer => Ok(false),
            (Some(known), _) => Err(changed(vec![known.key])),
            (None, None) => Ok(false),
            // The address of an onion service is its key.
            (None, Some(_)) if self.onion_service => Ok(false),
            (None, Some(reason)) => Err(refused(reason)),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let by_authority =
            self.authorities
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let seen = self.decide(end_entity, server_name, by_authority.map(drop));
        let accepted = matches!(seen, Seen::Accepted(_));
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        if accepted {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(
                CertificateError::ApplicationVerificationFailure,
            ))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}

fn reason(error: &Error) -> UntrustedReason {
    let Error::InvalidCertificate(error) = error else {
        return UntrustedReason::Other;
    };
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => UntrustedReason::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            UntrustedReason::NotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            UntrustedReason::WrongName
        }
        // An authority's name that another key has signed for is no authority.
        CertificateError::BadSignature | CertificateError::UnknownIssuer => UntrustedReason::UnknownIssuer,
        // What OpenSSL makes when asked for a self-signed certificate is one of an authority.
        CertificateError::Other(_) => UntrustedReason::UnknownIssuer,
        _ => UntrustedReason::Other,
    }
}
