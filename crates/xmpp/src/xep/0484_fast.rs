//! XEP-0484 Fast Authentication: a token that stands for the password, tied to the TLS connection at each use.
//! Must never be used loose (`HT-*-NONE`): whoever heard such a login once could repeat it.
//! XEP-0484; draft-schmaus-kitten-sasl-ht (the mechanism).

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use minidom::Element;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::OfflineReason;
use crate::event::Bindings;
use crate::ns;

/// Longest token taken, in bytes.
const LONGEST_TOKEN: usize = 1_024;

/// What a server gave out at a login, for the next one. It belongs to one account and is as secret as a password.
#[derive(Clone, Eq, PartialEq)]
pub struct FastToken {
    /// 128 random bits as a UUID, drawn for this account alone: the server gives each program of the account a token of
    /// its own, and knows the program by this.
    pub agent: String,
    /// Whether it is tied to `tls-exporter`; else to `tls-server-end-point`.
    pub exporter: bool,
    /// The token.
    pub secret: Zeroizing<String>,
}

impl fmt::Debug for FastToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FastToken")
    }
}

/// The token's proof is sent; the server's own has to come.
pub(crate) struct AwaitingResponder {
    mac: Hmac<Sha256>,
}

impl AwaitingResponder {
    pub(crate) fn verify(self, proof: &[u8]) -> Result<(), OfflineReason> {
        self.mac
            .verify_slice(proof)
            .map_err(|_| OfflineReason::ServerNotAuthentic)
    }
}

/// The name of the mechanism.
pub(crate) fn name(exporter: bool) -> &'static str {
    if exporter {
        "HT-SHA-256-EXPR"
    } else {
        "HT-SHA-256-ENDP"
    }
}

/// Which kind of token to ask for: the better one that this connection and the server both can.
pub(crate) fn kind(offered: &[String], bindings: &Bindings) -> Option<bool> {
    let offers = |exporter| offered.iter().any(|offered| offered == name(exporter));
    if bindings.exporter.is_some() && offers(true) {
        Some(true)
    } else {
        (bindings.end_point.is_some() && offers(false)).then_some(false)
    }
}

/// The first message and what is awaited then; `None` where the token cannot be used on this connection.
pub(crate) fn start(
    token: &FastToken,
    user: &str,
    offered: &[String],
    bindings: &Bindings,
) -> Option<(Vec<u8>, AwaitingResponder)> {
    let data = if token.exporter {
        bindings.exporter.as_ref()?
    } else {
        bindings.end_point.as_ref()?
    };
    if !offered.iter().any(|offered| offered == name(token.exporter)) {
        return None;
    }
    let proof = |who: &[u8]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(token.secret.as_bytes()).ok()?;
        mac.update(who);
        mac.update(data);
        Some(mac)
    };
    let initiator = proof(b"Initiator")?.finalize().into_bytes();
    let mac = proof(b"Responder")?;
    let message = [user.as_bytes(), &[0], &initiator].concat();
    Some((message, AwaitingResponder { mac }))
}

/// The token in a `<success/>`, if there is one that can be used.
pub(crate) fn given(success: &Element) -> Option<Zeroizing<String>> {
    let secret = success.get_child("token", ns::FAST)?.attr("token")?;
    let fits = (1..=LONGEST_TOKEN).contains(&secret.len());
    fits.then(|| Zeroizing::new(secret.to_owned()))
}
