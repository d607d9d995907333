//! Why a TLS handshake did not succeed.
//! It must never carry text that the server chose.
//! Standard: design.md section 4 ("a change is explained in words before anything is sent").

use std::fmt;

use super::SpkiHash;

/// The outcome of a handshake that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsError {
    /// The server's certificate cannot be read.
    BadCertificate,
    /// The account's domain is no name that a certificate can hold.
    BadDomain,
    /// The handshake broke a rule of the protocol, or could not begin.
    Broken,
    /// The connection ended in the middle of the handshake.
    Closed,
    /// The server has another key than it had before.
    KeyChanged {
        /// The keys it may have.
        expected: Vec<SpkiHash>,
        /// The key that it has now.
        seen: SpkiHash,
        /// `None`: a public authority vouches for the new key. Otherwise why none does.
        untrusted: Option<UntrustedReason>,
    },
    /// What answered does not speak TLS.
    NotTls,
    /// The server ended the handshake with an alert.
    Refused,
    /// The handshake took longer than the policy allows.
    TimedOut,
    /// The server knows only TLS before 1.2, or only suites without authenticated encryption.
    TooOld,
    /// No public authority vouches for the server, and its key was not accepted before.
    Untrusted {
        /// The key, to show and, should the person decide so, to accept.
        spki_sha256: SpkiHash,
        /// Why nobody vouches for it.
        reason: UntrustedReason,
    },
}

/// Why the public authorities do not vouch for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UntrustedReason {
    /// Its time is over.
    Expired,
    /// Its time has not come; or the clock of this computer is wrong.
    NotYetValid,
    /// Something else is wrong with it.
    Other,
    /// Signed by itself or by somebody unknown.
    UnknownIssuer,
    /// Meant for another server. A pin does not help against this.
    WrongName,
}

impl TlsError {
    /// A short name that never changes, for programs and tests.
    pub fn code(&self) -> &'static str {
        match self {
            TlsError::BadCertificate => "tls.bad_certificate",
            TlsError::BadDomain => "tls.bad_domain",
            TlsError::Broken => "tls.broken",
            TlsError::Closed => "tls.closed",
            TlsError::KeyChanged { .. } => "tls.key_changed",
            TlsError::NotTls => "tls.not_tls",
            TlsError::Refused => "tls.refused",
            TlsError::TimedOut => "tls.timed_out",
            TlsError::TooOld => "tls.too_old",
            TlsError::Untrusted { .. } => "tls.untrusted",
        }
    }
}

/// What happened and what the person can do.
impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TlsError::BadCertificate => {
                f.write_str("The server's certificate cannot be read. Ask the server's operator.")
            }
            TlsError::BadDomain => {
                f.write_str("The part of the account's address after the @ is no domain. Check its spelling.")
            }
            TlsError::Broken => {
                f.write_str("The encrypted connection to the server could not be made. Try again.")
            }
            TlsError::Closed => f.write_str("The connection ended before it was encrypted. Try again."),
            TlsError::KeyChanged { untrusted, .. } => {
                f.write_str("The server has another key than before, and nothing was sent to it. ")?;
                f.write_str(match untrusted {
                    None => "An authority vouches for the new key. Ask the operator, or accept it if you expected the change.",
                    Some(_) => "No authority vouches for the new key: somebody may be listening. Ask the operator on another way before you accept it.",
                })
            }
            TlsError::NotTls => f.write_str("What answered is not an encrypted server. Check host and port."),
            TlsError::Refused => {
                f.write_str("The server refused the encrypted connection. Check host and port.")
            }
            TlsError::TimedOut => f.write_str("The server did not answer in time. Try again."),
            TlsError::TooOld => {
                f.write_str("The server's encryption is too old to be safe. Choose another server.")
            }
            TlsError::Untrusted { reason, .. } => write!(
                f,
                "The server cannot be trusted: {reason}. Nothing was sent to it."
            ),
        }
    }
}

impl std::error::Error for TlsError {}

impl fmt::Display for UntrustedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UntrustedReason::Expired => "its certificate has expired",
            UntrustedReason::NotYetValid => {
                "its certificate is not valid yet, or the clock of this computer is wrong"
            }
            UntrustedReason::Other => "its certificate is not in order",
            UntrustedReason::UnknownIssuer => "no authority vouches for its certificate",
            UntrustedReason::WrongName => "its certificate is meant for another server",
        })
    }
}
