//! Which way to log in, and the exchange itself.
//! Must never send the password where a proof of it would do, or to someone who once knew better.
//! RFC 6120 6, RFC 4616 (PLAIN), RFC 5802 (SCRAM).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minidom::Element;
use scram::{AwaitingServerFinal, AwaitingServerFirst, Fault, Hash};
use zeroize::Zeroizing;

use crate::config::{Config, Mechanism, Tls};
use crate::error::OfflineReason;
use crate::ns;

/// Where an exchange stands: what is awaited from the server.
pub(crate) enum Exchange {
    /// PLAIN: the verdict.
    Outcome,
    /// SCRAM: the first challenge.
    ServerFirst(AwaitingServerFirst),
    /// SCRAM: the signature, as a challenge or with the verdict.
    ServerFinal(AwaitingServerFinal),
    /// SCRAM: the verdict, the signature being good.
    Verified,
}

/// Chooses the strongest mechanism on offer.
///
/// # Errors
/// `MechanismDowngrade` if all are weaker than what this account has used; `NoMechanism` if none is safe.
pub(crate) fn select(
    offered: &[String],
    seen: Option<Mechanism>,
    config: &Config,
) -> Result<Mechanism, OfflineReason> {
    let scram_offered = offered.iter().any(|name| name.starts_with("SCRAM-"));
    let best = offered.iter().filter_map(|name| Mechanism::from_name(name)).max();
    let best = match best {
        Some(Mechanism::Plain) if scram_offered => return Err(OfflineReason::NoMechanism),
        Some(mechanism) => mechanism,
        None => return Err(OfflineReason::NoMechanism),
    };
    if seen.is_some_and(|seen| best < seen) {
        return Err(OfflineReason::MechanismDowngrade);
    }
    let plain_allowed = config.allow_plain && config.tls != Tls::PlainOverOnion;
    if best == Mechanism::Plain && !plain_allowed {
        return Err(OfflineReason::NoMechanism);
    }
    Ok(best)
}

/// Starts the exchange; gives the `<auth/>` element.
pub(crate) fn start(
    mechanism: Mechanism,
    config: &Config,
    nonce: String,
) -> Result<(Vec<u8>, Exchange), OfflineReason> {
    let user = config.jid.node().map(|node| node.as_str()).unwrap_or_default();
    let (initial, exchange) = match hash(mechanism) {
        None => (
            Zeroizing::new(format!("\0{user}\0{}", *config.password)),
            Exchange::Outcome,
        ),
        Some(hash) => {
            let (message, state) = scram::start(hash, user, &config.password, nonce)?;
            (Zeroizing::new(message), Exchange::ServerFirst(state))
        }
    };
    let encoded = Zeroizing::new(STANDARD.encode(initial.as_bytes()));
    let (namespace, name) = (ns::SASL, mechanism.name());
    let auth = format!("<auth xmlns='{namespace}' mechanism='{name}'>{}</auth>", *encoded);
    Ok((auth.into_bytes(), exchange))
}

/// The hash function of SCRAM; `None`: the password itself is sent.
fn hash(mechanism: Mechanism) -> Option<Hash> {
    match mechanism {
        Mechanism::Plain => None,
        Mechanism::ScramSha1 => Some(Hash::Sha1),
        Mechanism::ScramSha256 => Some(Hash::Sha256),
        Mechanism::ScramSha512 => Some(Hash::Sha512),
    }
}

impl Exchange {
    /// Takes a `<challenge/>`; gives the `<response/>`.
    pub(crate) fn challenge(self, element: &Element) -> Result<(Vec<u8>, Self), OfflineReason> {
        let message = decode(element)?;
        let (answer, next) = match self {
            Self::ServerFirst(state) => {
                let (answer, next) = state.answer(&message)?;
                (answer, Self::ServerFinal(next))
            }
            Self::ServerFinal(state) => {
                state.verify(&message)?;
                (String::new(), Self::Verified)
            }
            Self::Outcome | Self::Verified => return Err(OfflineReason::UnexpectedElement),
        };
        let (namespace, encoded) = (ns::SASL, STANDARD.encode(answer));
        let response = format!("<response xmlns='{namespace}'>{encoded}</response>");
        Ok((response.into_bytes(), next))
    }

    /// Takes `<success/>`: the login stands only if the server has proven itself.
    pub(crate) fn success(self, element: &Element) -> Result<(), OfflineReason> {
        match self {
            Self::Outcome | Self::Verified => Ok(()),
            Self::ServerFinal(state) => Ok(state.verify(&decode(element)?)?),
            Self::ServerFirst(_) => Err(OfflineReason::ServerNotAuthentic),
        }
    }
}

/// RFC 6120 6.5.
pub(crate) fn failure(element: &Element) -> OfflineReason {
    let condition = element.children().find(|child| child.name() != "text");
    match condition.map(Element::name) {
        Some("account-disabled" | "credentials-expired") => OfflineReason::AccountDisabled,
        Some("temporary-auth-failure" | "aborted") => OfflineReason::TemporaryFailure,
        Some("encryption-required" | "invalid-mechanism" | "mechanism-too-weak") => {
            OfflineReason::NoMechanism
        }
        _ => OfflineReason::WrongPassword,
    }
}

fn decode(element: &Element) -> Result<String, OfflineReason> {
    let text = element.text();
    if text.is_empty() || text == "=" {
        return Ok(String::new());
    }
    let bytes = STANDARD
        .decode(text.trim())
        .map_err(|_| OfflineReason::UnexpectedElement)?;
    String::from_utf8(bytes).map_err(|_| OfflineReason::UnexpectedElement)
}

impl From<Fault> for OfflineReason {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Malformed => Self::UnexpectedElement,
            Fault::Nonce | Fault::Signature => Self::ServerNotAuthentic,
            Fault::Refused => Self::WrongPassword,
            Fault::Rounds => Self::UnsafeLogin,
            Fault::Unusable => Self::UnusablePassword,
        }
    }
}
