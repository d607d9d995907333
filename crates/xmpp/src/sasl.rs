//! Which way to log in, and the exchange itself.
//! Must never send the password where a proof of it would do, or to someone who once knew better.
//! RFC 6120 6, RFC 4616 (PLAIN), RFC 5802 (SCRAM), XEP-0440 and XEP-0474 (what is offered).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minidom::Element;
use scram::{AwaitingServerFinal, AwaitingServerFirst, Binding, Fault, Hash};
use zeroize::Zeroizing;

use crate::config::{Config, Mechanism, Tls};
use crate::error::OfflineReason;
use crate::event::Bindings;
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

/// What a server offers to log in with.
#[derive(Clone, Default)]
pub(crate) struct Offer {
    pub(crate) mechanisms: Vec<String>,
    /// Its kinds of channel binding, where it names them (XEP-0440).
    pub(crate) bindings: Option<Vec<String>>,
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

/// Chooses the strongest mechanism on offer.
///
/// # Errors
/// `MechanismDowngrade` if all are weaker than what this account has used; `NoMechanism` if none is safe.
pub(crate) fn select(
    offer: &Offer,
    seen: Option<Mechanism>,
    config: &Config,
    bindings: &Bindings,
) -> Result<Mechanism, OfflineReason> {
    let offered = &offer.mechanisms;
    let bound = matches!(offer.binding(bindings), Binding::Bound { .. });
    let scram_offered = offered.iter().any(|name| name.starts_with("SCRAM-"));
    let usable = |mechanism: &Mechanism| bound || !mechanism.is_bound();
    let known = offered.iter().filter_map(|name| Mechanism::from_name(name));
    let best = match known.filter(usable).max() {
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
    offer: &Offer,
    config: &Config,
    bindings: &Bindings,
    nonce: String,
) -> Result<(Vec<u8>, Exchange), OfflineReason> {
    let user = config.jid.node().map(|node| node.as_str()).unwrap_or_default();
    let (initial, exchange) = match hash(mechanism) {
        None => (
            Zeroizing::new(format!("\0{user}\0{}", *config.password)),
            Exchange::Outcome,
        ),
        Some(hash) => {
            let binding = offer.binding(bindings);
            let (message, state) = scram::start_bound(hash, user, &config.password, nonce, binding)?;
            let state = state.checking(&offer.mechanisms, offer.bindings.as_deref());
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
        Mechanism::ScramSha1 | Mechanism::ScramSha1Plus => Some(Hash::Sha1),
        Mechanism::ScramSha256 | Mechanism::ScramSha256Plus => Some(Hash::Sha256),
        Mechanism::ScramSha512 | Mechanism::ScramSha512Plus => Some(Hash::Sha512),
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
            Fault::Downgrade => Self::MechanismDowngrade,
            Fault::Malformed => Self::UnexpectedElement,
            Fault::Nonce | Fault::Signature => Self::ServerNotAuthentic,
            Fault::Refused => Self::WrongPassword,
            Fault::Rounds => Self::UnsafeLogin,
            Fault::Unusable => Self::UnusablePassword,
        }
    }
}
