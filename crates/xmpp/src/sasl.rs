//! Which way to log in, and the exchange itself.
//! Must never send the password where a proof of it would do, or to someone who once knew better.
//! RFC 6120 6, RFC 4422 A (EXTERNAL), RFC 4505 (ANONYMOUS), RFC 4616 (PLAIN), RFC 5802 (SCRAM), XEP-0178 (EXTERNAL),
//! XEP-0440 and XEP-0474 (what is offered).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minidom::Element;
use scram::{AwaitingServerFinal, AwaitingServerFirst, Binding, Fault, Hash};
use zeroize::Zeroizing;

use crate::config::{Config, Credential, Mechanism, Tls};
use crate::error::OfflineReason;
use crate::event::Bindings;
use crate::fast;
use crate::ns;
use crate::sasl2::Inline;

/// Where an exchange stands: what is awaited from the server.
pub(crate) enum Exchange {
    /// PLAIN, EXTERNAL, ANONYMOUS: the verdict.
    Outcome,
    /// A token: the server's own proof.
    Responder(fast::AwaitingResponder),
    /// SCRAM: the first challenge.
    ServerFirst(AwaitingServerFirst),
    /// SCRAM: the signature, as a challenge or with the verdict.
    ServerFinal(AwaitingServerFinal),
    /// SCRAM: the verdict, the signature being good.
    Verified,
}

/// What a server offers to log in with.
#[derive(Clone, Default)]
pub(crate) struct Offer {
    pub(crate) mechanisms: Vec<String>,
    /// Its kinds of channel binding, where it names them (XEP-0440).
    pub(crate) bindings: Option<Vec<String>>,
    /// What can be had in the same step, where the server speaks XEP-0388; its mechanisms are meant then.
    pub(crate) inline: Option<Inline>,
}

impl Offer {
    /// What to tie the login to, if both sides can: one of the kinds that the server names. A server that names none
    /// may know `tls-unique` only, as ejabberd 23.01 does, and would refuse any other: nothing is tied then, and the
    /// login does not say that it could be, because that would look like an attack to such a server.
    fn binding(&self, ours: &Bindings) -> Binding {
        let named = self.bindings.as_deref().unwrap_or_default();
        let offers = |kind: &str| named.iter().any(|offered| offered == kind);
        if !self.mechanisms.iter().any(|name| name.ends_with("-PLUS")) {
            return match (&ours.exporter, &ours.end_point) {
                (None, None) => Binding::Absent,
                _ => Binding::NotOffered,
            };
        }
        let kinds = [(EXPORTER, &ours.exporter), (END_POINT, &ours.end_point)];
        let common = kinds
            .into_iter()
            .find(|(kind, data)| data.is_some() && offers(kind));
        match common {
            Some((kind, Some(data))) => Binding::Bound {
                kind,
                data: data.clone(),
            },
            _ => Binding::Absent,
        }
    }
}

/// RFC 9266.
const EXPORTER: &str = "tls-exporter";
/// RFC 5929 4.
const END_POINT: &str = "tls-server-end-point";

/// Chooses the mechanism: the strongest on offer for a password, and the one that there is for anything else.
///
/// # Errors
/// `MechanismDowngrade` if all are weaker than what this account has used; `NoMechanism` if none is safe; `OnlyPlain` if
/// the password itself would have to be sent and nobody allowed that.
pub(crate) fn select(
    offer: &Offer,
    seen: Option<Mechanism>,
    config: &Config,
    bindings: &Bindings,
) -> Result<Mechanism, OfflineReason> {
    let single = match config.credential {
        Credential::Anonymous => Mechanism::Anonymous,
        Credential::Certificate => Mechanism::External,
        Credential::Password => return select_for_password(offer, seen, config, bindings),
    };
    let offered = offer.mechanisms.iter().any(|name| name == single.name());
    // Without TLS there is no certificate to be shown.
    let possible = single != Mechanism::External || config.tls != Tls::PlainOverOnion;
    if offered && possible {
        Ok(single)
    } else {
        Err(OfflineReason::NoMechanism)
    }
}

fn select_for_password(
    offer: &Offer,
    seen: Option<Mechanism>,
    config: &Config,
    bindings: &Bindings,
) -> Result<Mechanism, OfflineReason> {
    let offered = &offer.mechanisms;
    let bound = matches!(offer.binding(bindings), Binding::Bound { .. });
    let scram_offered = offered.iter().any(|name| name.starts_with("SCRAM-"));
    let usable = |mechanism: &Mechanism| mechanism.proves_password() && (bound || !mechanism.is_bound());
    let known = offered.iter().filter_map(|name| Mechanism::from_name(name));
    let best = match known.filter(usable).max() {
        Some(Mechanism::Plain) if scram_offered => return Err(OfflineReason::NoMechanism),
        Some(mechanism) => mechanism,
        None => return Err(OfflineReason::NoMechanism),
    };
    let seen = seen.filter(|seen| seen.proves_password());
    if seen.is_some_and(|seen| best < seen) {
        return Err(OfflineReason::MechanismDowngrade);
    }
    match best {
        Mechanism::Plain if config.tls == Tls::PlainOverOnion => Err(OfflineReason::NoMechanism),
        Mechanism::Plain if !config.allow_plain => Err(OfflineReason::OnlyPlain),
        best => Ok(best),
    }
}

/// Starts the exchange; gives the first message, which is not encoded yet.
pub(crate) fn start(
    mechanism: Mechanism,
    offer: &Offer,
    config: &Config,
    bindings: &Bindings,
    nonce: String,
) -> Result<(Zeroizing<String>, Exchange), OfflineReason> {
    let user = config.jid.node().map(|node| node.as_str()).unwrap_or_default();
    let hash = match mechanism {
        // No trace information: it would say something of somebody.
        Mechanism::Anonymous => return Ok((Zeroizing::default(), Exchange::Outcome)),
        Mechanism::External => return Ok((config.jid.to_string().into(), Exchange::Outcome)),
        Mechanism::Plain => {
            let message = Zeroizing::new(format!("\0{user}\0{}", *config.password));
            return Ok((message, Exchange::Outcome));
        }
        Mechanism::ScramSha1 | Mechanism::ScramSha1Plus => Hash::Sha1,
        Mechanism::ScramSha256 | Mechanism::ScramSha256Plus => Hash::Sha256,
        Mechanism::ScramSha512 | Mechanism::ScramSha512Plus => Hash::Sha512,
    };
    let binding = offer.binding(bindings);
    let (message, state) = scram::start_bound(hash, user, &config.password, nonce, binding)?;
    let state = state.checking(&offer.mechanisms, offer.bindings.as_deref());
    Ok((Zeroizing::new(message), Exchange::ServerFirst(state)))
}

/// The first element of RFC 6120 6.4.2.
pub(crate) fn auth(mechanism: Mechanism, message: &str) -> Vec<u8> {
    let (namespace, name) = (ns::SASL, mechanism.name());
    let encoded = Zeroizing::new(if message.is_empty() {
        "=".to_owned()
    } else {
        STANDARD.encode(message.as_bytes())
    });
    format!("<auth xmlns='{namespace}' mechanism='{name}'>{}</auth>", *encoded).into_bytes()
}

impl Exchange {
    /// Takes a `<challenge/>`; gives the `<response/>` of the same namespace.
    pub(crate) fn challenge(
        self,
        element: &Element,
        namespace: &str,
    ) -> Result<(Vec<u8>, Self), OfflineReason> {
        let message = text(decode(&element.text())?)?;
        let (answer, next) = match self {
            Self::ServerFirst(state) => {
                let (answer, next) = state.answer(&message)?;
                (answer, Self::ServerFinal(next))
            }
            Self::ServerFinal(state) => {
                state.verify(&message)?;
                (String::new(), Self::Verified)
            }
            Self::Outcome | Self::Responder(_) | Self::Verified => {
                return Err(OfflineReason::UnexpectedElement);
            }
        };
        let encoded = STANDARD.encode(answer);
        let response = format!("<response xmlns='{namespace}'>{encoded}</response>");
        Ok((response.into_bytes(), next))
    }

    /// Takes what came with `<success/>`: the login stands only if the server has proven itself.
    pub(crate) fn success(self, encoded: &str) -> Result<(), OfflineReason> {
        match self {
            Self::Outcome | Self::Verified => Ok(()),
            Self::Responder(state) => state.verify(&decode(encoded)?),
            Self::ServerFinal(state) => Ok(state.verify(&text(decode(encoded)?)?)?),
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

fn decode(encoded: &str) -> Result<Vec<u8>, OfflineReason> {
    match encoded.trim() {
        "" | "=" => Ok(Vec::new()),
        encoded => STANDARD
            .decode(encoded)
            .map_err(|_| OfflineReason::UnexpectedElement),
    }
}

fn text(bytes: Vec<u8>) -> Result<String, OfflineReason> {
    String::from_utf8(bytes).map_err(|_| OfflineReason::UnexpectedElement)
}

impl From<Fault> for OfflineReason {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Downgrade => Self::MechanismDowngrade,
            Fault::Malformed => Self::UnexpectedElement,
            Fault::Nonce | Fault::Signature => Self::ServerNotAuthentic,
            Fault::Refused => Self::WrongPassword,
            Fault::Rounds => Self::UnsafeLogin,
            Fault::Unusable => Self::UnusablePassword,
        }
    }
}
