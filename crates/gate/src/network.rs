//! Which network the gate is to reach, as chosen when the program starts.
//! It must never let a program that people get reach anything but the public Tor network.
//! Standard: design.md section 4 ("Fail closed"); the format of a private network is Arti's configuration, in TOML.

#[cfg(feature = "private-network")]
use std::net::SocketAddr;
use std::path::Path;
#[cfg(feature = "private-network")]
use std::path::PathBuf;

use crate::GateError;

/// The network to reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Network {
    /// The Tor network.
    Public,
    /// A Tor network for tests, described by a file: relays, authorities and address rules.
    #[cfg(feature = "private-network")]
    Private {
        /// TOML with Arti's sections `tor_network`, `path_rules`, `address_filter`, ...
        file: PathBuf,
    },
    /// The SOCKS port of a Tor that somebody else runs on a network for tests.
    #[cfg(feature = "private-network")]
    Socks(SocketAddr),
}

impl Network {
    /// Reads what a person typed: `tor` is `embedded`, `running` or `socks5://HOST:PORT` (HOST being an address),
    /// `private_network` a file. Whether the Tor that is built in is used, or one that runs, is not for the network to
    /// say: see [`crate::GateConfig::tor`].
    ///
    /// # Errors
    /// [`GateError::NotInThisBuild`] for a private network or SOCKS port in a
    /// program built without them; [`GateError::BadChoice`] for anything else.
    pub fn parse(tor: &str, private_network: Option<&Path>) -> Result<Network, GateError> {
        match (tor, private_network) {
            ("embedded" | "running", None) => Ok(Network::Public),
            ("embedded" | "running", Some(file)) => private(file),
            (other, _) => socks(other.strip_prefix("socks5://").ok_or(GateError::BadChoice)?),
        }
    }
}

#[cfg(feature = "private-network")]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the same shape as where there is no private network"
)]
fn private(file: &Path) -> Result<Network, GateError> {
    Ok(Network::Private {
        file: file.to_owned(),
    })
}

#[cfg(not(feature = "private-network"))]
fn private(_file: &Path) -> Result<Network, GateError> {
    Err(GateError::NotInThisBuild)
}

#[cfg(feature = "private-network")]
fn socks(address: &str) -> Result<Network, GateError> {
    address
        .parse()
        .map(Network::Socks)
        .map_err(|_| GateError::BadChoice)
}

#[cfg(not(feature = "private-network"))]
fn socks(_address: &str) -> Result<Network, GateError> {
    Err(GateError::NotInThisBuild)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_of_tor_is_read_strictly() {
        assert_eq!(Network::parse("embedded", None), Ok(Network::Public));
        assert_eq!(Network::parse("running", None), Ok(Network::Public));
        for text in ["", "direct", "none", "socks4://127.0.0.1:9050", "EMBEDDED"] {
            assert_eq!(Network::parse(text, None), Err(GateError::BadChoice), "{text}");
        }
    }

    #[cfg(not(feature = "private-network"))]
    #[test]
    fn a_program_that_people_get_knows_no_private_network() {
        assert_eq!(
            Network::parse("embedded", Some(Path::new("net.toml"))),
            Err(GateError::NotInThisBuild)
        );
        assert_eq!(
            Network::parse("socks5://127.0.0.1:9050", None),
            Err(GateError::NotInThisBuild)
        );
    }

    #[cfg(feature = "private-network")]
    #[test]
    fn a_program_for_tests_knows_private_networks() {
        let file = PathBuf::from("net.toml");
        assert_eq!(
            Network::parse("embedded", Some(&file)),
            Ok(Network::Private { file })
        );
        let socks = Network::Socks(SocketAddr::from(([127, 0, 0, 1], 9050)));
        assert_eq!(Network::parse("socks5://127.0.0.1:9050", None), Ok(socks));
        assert_eq!(
            Network::parse("socks5://localhost:9050", None),
            Err(GateError::BadChoice)
        );
    }
}
