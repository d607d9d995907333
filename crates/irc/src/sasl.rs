//! Logging in: which mechanism, and the exchange itself.
//! Must never send the password where a proof of it would do, nor believe a server that has not proven itself.
//! IRCv3 sasl-3.1 and sasl-3.2; RFC 4616 (PLAIN), RFC 4422 A (EXTERNAL), RFC 7677 (SCRAM-SHA-256).

mod chunks;
mod key;

use scram::{AwaitingServerFinal, AwaitingServerFirst, Fault, Hash};
use zeroize::Zeroizing;

pub(crate) use chunks::{Chunks, split};
pub use key::LoginKey;

use crate::config::{Config, Login, Mechanism, Tls};
use crate::error::OfflineReason;

/// Where an exchange stands: what is awaited from the server.
pub(crate) enum Exchange {
    /// The empty message that lets us begin, and what is said then.
    Go(Zeroizing<Vec<u8>>, Box<Exchange>),
    /// ECDSA-NIST256P-CHALLENGE: 32 bytes to sign.
    Challenge,
    /// SCRAM: the first message.
    ServerFirst(AwaitingServerFirst),
    /// SCRAM: the signature.
    ServerFinal(AwaitingServerFinal),
    /// The verdict; whatever the server had to prove is proven.
    Verdict,
}

/// Chooses a mechanism. `offered` is the value of the capability, empty where the server lists none.
///
/// # Errors
/// `MechanismDowngrade` if all are weaker than what this account has used; `NoMechanism` if none is safe.
pub(crate) fn select(
    offered: &str,
    seen: Option<Mechanism>,
    config: &Config,
) -> Result<Mechanism, OfflineReason> {
    let listed = |mechanism: Mechanism| {
        offered.is_empty()
            || offered
                .split(',')
                .any(|name| name.eq_ignore_ascii_case(mechanism.name()))
    };
    let protected = config.tls == Tls::Direct;
    let mechanism = match &config.login {
        Login::Certificate { .. } if protected && listed(Mechanism::External) => Mechanism::External,
        Login::Key { .. } if listed(Mechanism::EcdsaNist256pChallenge) => Mechanism::EcdsaNist256pChallenge,
        Login::Password { allow_plain, .. } => {
            // A server that lists nothing is asked for what is known of it, or for what most of them know.
            let unlisted = seen
                .filter(|seen| *seen > Mechanism::Plain)
                .unwrap_or(Mechanism::ScramSha256);
            let scram = [Mechanism::ScramSha512, Mechanism::ScramSha256];
            let scram = scram
                .into_iter()
                .find(|it| listed(*it) && (!offered.is_empty() || *it == unlisted));
            let plain = *allow_plain && protected && listed(Mechanism::Plain);
            let best = scram.or(plain.then_some(Mechanism::Plain));
            let best = best.ok_or(OfflineReason::NoMechanism)?;
            if seen.is_some_and(|seen| best < seen) {
                return Err(OfflineReason::MechanismDowngrade);
            }
            best
        }
        _ => return Err(OfflineReason::NoMechanism),
    };
    Ok(mechanism)
}

/// Prepares an exchange; what is said first waits for the server's empty message. `nonce` is for SCRAM.
pub(crate) fn start(mechanism: Mechanism, config: &Config, nonce: String) -> Result<Exchange, OfflineReason> {
    let (first, next) = match (&config.login, mechanism) {
        (Login::Certificate { account }, Mechanism::External) => {
            (account.clone().unwrap_or_default(), Exchange::Verdict)
        }
        (Login::Key { account, .. }, Mechanism::EcdsaNist256pChallenge) => {
            (format!("{account}\0{account}"), Exchange::Challenge)
        }
        (
            Login::Password {
                account, password, ..
            },
            Mechanism::Plain,
        ) => {
            if account.contains('\0') || password.contains('\0') {
                return Err(OfflineReason::UnusablePassword);
            }
            (format!("\0{account}\0{}", **password), Exchange::Verdict)
        }
        (
            Login::Password {
                account, password, ..
            },
            mechanism,
        ) => {
            let hash = match mechanism {
                Mechanism::ScramSha512 => Hash::Sha512,
                _ => Hash::Sha256,
            };
            let (message, state) = scram::start(hash, account, password, nonce)?;
            (message, Exchange::ServerFirst(state))
        }
        _ => return Err(OfflineReason::NoMechanism),
    };
    Ok(Exchange::Go(Zeroizing::new(first.into_bytes()), Box::new(next)))
}

impl Exchange {
    /// Takes a whole message of the server; gives the answer.
    pub(crate) fn answer(
        self,
        message: &[u8],
        config: &Config,
    ) -> Result<(Zeroizing<Vec<u8>>, Self), OfflineReason> {
        match self {
            Self::Go(first, next) if message.is_empty() => Ok((first, *next)),
            Self::Challenge => {
                let Login::Key { key, .. } = &config.login else {
                    return Err(OfflineReason::UnexpectedMessage);
                };
                let signature = key.sign(message).ok_or(OfflineReason::UnsafeLogin)?;
                Ok((Zeroizing::new(signature), Self::Verdict))
            }
            Self::ServerFirst(state) => {
                let (answer, next) = state.answer(text(message)?)?;
                Ok((Zeroizing::new(answer.into_bytes()), Self::ServerFinal(next)))
            }
            Self::ServerFinal(state) => {
                state.verify(text(message)?)?;
                Ok((Zeroizing::new(Vec::new()), Self::Verdict))
            }
            Self::Go(..) | Self::Verdict => Err(OfflineReason::UnexpectedMessage),
        }
    }

    /// The server says that we are logged in. That counts only if it has proven itself where it had to.
    pub(crate) fn success(&self) -> Result<(), OfflineReason> {
        match self {
            Self::Verdict => Ok(()),
            Self::ServerFirst(_) | Self::ServerFinal(_) => Err(OfflineReason::ServerNotAuthentic),
            Self::Go(..) | Self::Challenge => Err(OfflineReason::UnexpectedMessage),
        }
    }

    /// Nothing of ours was said yet.
    pub(crate) fn is_untouched(&self) -> bool {
        matches!(self, Self::Go(..))
    }
}

fn text(message: &[u8]) -> Result<&str, OfflineReason> {
    std::str::from_utf8(message).map_err(|_| OfflineReason::UnexpectedMessage)
}

impl From<Fault> for OfflineReason {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Malformed => Self::UnexpectedMessage,
            Fault::Downgrade | Fault::Nonce | Fault::Signature => Self::ServerNotAuthentic,
            Fault::Refused => Self::WrongPassword,
            Fault::Rounds => Self::UnsafeLogin,
            Fault::Unusable => Self::UnusablePassword,
        }
    }
}
