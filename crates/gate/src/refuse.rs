//! Translates Arti's errors into refusals.
//! It must never pass on Arti's own text: it may name a host.
//! Standard: the `tor-error` crate's kinds; tor-spec, "Closing streams" (reasons).

use arti_client::ErrorKind;
use door::{Cause, Refusal};

/// The refusal for an error of `kind`. `cause` is why Tor is not ready, should it turn out not to be; `onion` says where
/// the stream was to go.
pub(crate) fn refusal(kind: ErrorKind, onion: bool, cause: Option<Cause>) -> Refusal {
    use ErrorKind as Kind;
    match kind {
        Kind::RemoteHostNotFound | Kind::RemoteHostResolutionFailed => Refusal::HostNotFound,
        Kind::OnionServiceAddressInvalid => Refusal::BadOnion,
        Kind::InvalidStreamTarget if onion => Refusal::BadOnion,
        Kind::InvalidStreamTarget => Refusal::HostNotFound,
        Kind::OnionServiceMissingClientAuth | Kind::OnionServiceWrongClientAuth => Refusal::OnionNeedsKey,
        Kind::OnionServiceNotFound
        | Kind::OnionServiceNotRunning
        | Kind::OnionServiceConnectionFailed
        | Kind::OnionServiceProtocolViolation => Refusal::OnionNotFound,
        Kind::ExitPolicyRejected | Kind::NoExit => Refusal::ExitRefused,
        Kind::ForbiddenStreamTarget => Refusal::PrivateAddressRefused,
        Kind::RemoteConnectionRefused
        | Kind::RemoteNetworkFailed
        | Kind::RemoteStreamClosed
        | Kind::RemoteStreamError
        | Kind::RemoteStreamReset => Refusal::ConnectionRefused,
        Kind::ExitTimeout | Kind::RemoteNetworkTimeout | Kind::TorNetworkTimeout => Refusal::TimedOut,
        Kind::BootstrapRequired
        | Kind::ClockSkew
        | Kind::DirectoryExpired
        | Kind::LocalNetworkError
        | Kind::NoPath
        | Kind::TorAccessFailed
        | Kind::TorDirectoryError
        | Kind::TorDirectoryUnusable => Refusal::TorNotReady(cause),
        Kind::ArtiShuttingDown | Kind::ReactorShuttingDown => Refusal::GateBusy,
        _ => Refusal::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_can_act_on_has_its_own_refusal() {
        for (kind, onion, expected) in [
            (ErrorKind::RemoteHostNotFound, false, Refusal::HostNotFound),
            (ErrorKind::InvalidStreamTarget, true, Refusal::BadOnion),
            (
                ErrorKind::OnionServiceMissingClientAuth,
                true,
                Refusal::OnionNeedsKey,
            ),
            (ErrorKind::OnionServiceNotFound, true, Refusal::OnionNotFound),
            (ErrorKind::ExitPolicyRejected, false, Refusal::ExitRefused),
            (
                ErrorKind::ForbiddenStreamTarget,
                false,
                Refusal::PrivateAddressRefused,
            ),
            (
                ErrorKind::TorAccessFailed,
                false,
                Refusal::TorNotReady(Some(Cause::Offline)),
            ),
            (ErrorKind::Internal, false, Refusal::Internal),
        ] {
            assert_eq!(refusal(kind, onion, Some(Cause::Offline)), expected);
        }
    }
}
