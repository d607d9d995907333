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

use super::{SpkiHash, TlsError, TlsPolicy, UntrustedReason};

/// The cryptography of our TLS: ring. Its suites are those of TLS 1.3 and the AEAD ones of TLS 1.2.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// What became of the certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// It passed.
    Accepted { spki: SpkiHash, pinned: bool },
    /// It did not.
    Refused(TlsError),
}

/// Serves one handshake.
#[derive(Debug)]
pub(super) struct Verifier {
    authorities: Arc<WebPkiServerVerifier>,
    pins: Vec<SpkiHash>,
    seen: Mutex<Option<Seen>>,
}

impl Verifier {
    pub(super) fn new(policy: &TlsPolicy) -> Result<Verifier, TlsError> {
        let authorities = WebPkiServerVerifier::builder_with_provider(Arc::clone(&policy.roots), provider());
        let authorities = authorities.build().map_err(|_| TlsError::Broken)?;
        Ok(Verifier {
            authorities,
            pins: policy.pins.clone(),
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
        let pinned = self.pins.contains(&spki);
        match untrusted {
            Some(_) | None if pinned && right_name => Seen::Accepted { spki, pinned },
            None if self.pins.is_empty() => Seen::Accepted { spki, pinned },
            untrusted if !self.pins.is_empty() && !pinned => Seen::Refused(TlsError::KeyChanged {
                expected: self.pins.clone(),
                seen: spki,
                untrusted,
            }),
            untrusted => Seen::Refused(TlsError::Untrusted {
                spki_sha256: spki,
                reason: untrusted.unwrap_or(UntrustedReason::Other),
            }),
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
        let accepted = matches!(seen, Seen::Accepted { .. });
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
