//! Why the gate did not do what it was asked, as a code for programs and a sentence for the person.
//! It must never carry text that came from the network.
//! Standard: design.md section 4 ("Every error says what happened and what the person can do").

use std::fmt;

use crate::{Cause, SettingsProblem};

/// The gate's answer to a stream that it did not open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The onion address is not valid.
    BadOnion,
    /// The settings were not taken, and why.
    BadSettings(SettingsProblem),
    /// The server (or the network on its side) refused or dropped the connection.
    ConnectionRefused,
    /// No exit relay carries streams to this address and port, or the chosen one declined.
    ExitRefused,
    /// The gate is shutting down or asleep.
    GateBusy,
    /// Tor found no address for the name.
    HostNotFound,
    /// A fault of our own, or one that has no better name.
    Internal,
    /// The onion service wants a key from its visitors that this account does not have, or has a wrong one.
    OnionNeedsKey,
    /// The onion service is unknown to the Tor network, or is not reachable now.
    OnionNotFound,
    /// An address of this machine or its local network, or Tor resolved the name to one.
    PrivateAddressRefused,
    /// No connection within the time: 60 seconds, 120 for an onion service.
    TimedOut,
    /// More than [`Refusal::MAX_STREAMS`] streams at once.
    TooManyStreams,
    /// Tor itself has no connection yet (after 60 seconds of waiting), and if known why.
    TorNotReady(Option<Cause>),
}

impl Refusal {
    /// How many streams the gate carries at once.
    pub const MAX_STREAMS: usize = 256;

    /// A short name that never changes, for programs and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::BadOnion => "tor.bad_onion",
            Refusal::BadSettings(problem) => problem.code(),
            Refusal::ConnectionRefused => "tor.connection_refused",
            Refusal::ExitRefused => "tor.exit_refused",
            Refusal::GateBusy => "tor.gate_busy",
            Refusal::HostNotFound => "tor.host_not_found",
            Refusal::Internal => "tor.internal",
            Refusal::OnionNeedsKey => "tor.onion_needs_key",
            Refusal::OnionNotFound => "tor.onion_not_found",
            Refusal::PrivateAddressRefused => "tor.private_address_refused",
            Refusal::TimedOut => "tor.timed_out",
            Refusal::TooManyStreams => "tor.too_many_streams",
            Refusal::TorNotReady(_) => "tor.not_ready",
        }
    }

    /// The refusal that `code` names; a code from a newer gate becomes [`Refusal::Internal`].
    pub fn from_code(code: &str, cause: Option<Cause>) -> Refusal {
        if let Some(problem) = SettingsProblem::ALL.iter().find(|problem| problem.code() == code) {
            return Refusal::BadSettings(*problem);
        }
        match code {
            "tor.bad_onion" => Refusal::BadOnion,
            "tor.connection_refused" => Refusal::ConnectionRefused,
            "tor.exit_refused" => Refusal::ExitRefused,
            "tor.gate_busy" => Refusal::GateBusy,
            "tor.host_not_found" => Refusal::HostNotFound,
            "tor.onion_needs_key" => Refusal::OnionNeedsKey,
            "tor.onion_not_found" => Refusal::OnionNotFound,
            "tor.private_address_refused" => Refusal::PrivateAddressRefused,
            "tor.timed_out" => Refusal::TimedOut,
            "tor.too_many_streams" => Refusal::TooManyStreams,
            "tor.not_ready" => Refusal::TorNotReady(cause),
            _ => Refusal::Internal,
        }
    }

    /// Why Tor is not ready, where that is the refusal and the reason is known.
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Refusal::TorNotReady(cause) => cause.as_ref(),
            _ => None,
        }
    }
}

/// What happened and what the person can do.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::BadOnion => "This onion address is not complete or has a typing error. Copy it again.",
            Refusal::BadSettings(problem) => return write!(f, "{problem}"),
            Refusal::ConnectionRefused => {
                "The server did not accept the connection. It may be down, or the port may be wrong."
            }
            Refusal::ExitRefused => {
                "No Tor exit relay connects to this server and port. Try another port of the server, or its onion address."
            }
            Refusal::GateBusy => "Tor is about to close or asleep. Try again in a moment.",
            Refusal::HostNotFound => "There is no server with this name. Check its spelling.",
            Refusal::Internal => "The connection through Tor failed for an unknown reason. Try again.",
            Refusal::OnionNeedsKey => {
                "This onion service lets only visitors in who have a key. Ask its owner for one."
            }
            Refusal::OnionNotFound => {
                "This onion service is not reachable. It may be switched off, or the address may be old."
            }
            Refusal::PrivateAddressRefused => {
                "This address belongs to a local network, which Tor does not reach."
            }
            Refusal::TimedOut => "The server did not answer in time. It may be down, or Tor may be slow: try again.",
            Refusal::TooManyStreams => "Too many connections are open at once. Close some and try again.",
            Refusal::TorNotReady(None) => "Tor is not connected yet. The connection is tried again when it is.",
            Refusal::TorNotReady(Some(cause)) => return write!(f, "Tor is not connected yet. {cause}"),
        })
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
pub(crate) fn every_refusal() -> Vec<Refusal> {
    vec![
        Refusal::BadOnion,
        Refusal::BadSettings(SettingsProblem::Control),
        Refusal::BadSettings(SettingsProblem::TransportMissing),
        Refusal::ConnectionRefused,
        Refusal::ExitRefused,
        Refusal::GateBusy,
        Refusal::HostNotFound,
        Refusal::Internal,
        Refusal::OnionNeedsKey,
        Refusal::OnionNotFound,
        Refusal::PrivateAddressRefused,
        Refusal::TimedOut,
        Refusal::TooManyStreams,
        Refusal::TorNotReady(None),
        Refusal::TorNotReady(Some(Cause::Offline)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_own_code_and_comes_back_from_it() {
        for refusal in every_refusal() {
            assert_eq!(
                Refusal::from_code(refusal.code(), refusal.cause().cloned()),
                refusal
            );
            assert!(refusal.to_string().ends_with('.'), "{}", refusal.code());
        }
        assert_eq!(Refusal::from_code("tor.of_next_year", None), Refusal::Internal);
    }
}
