//! Onion services of our own: what the engine asks for, and what the gate tells of visitors.
//! It must never carry a service's key: the gate makes it, keeps it in memory, and forgets it with the service.
//! Standard: rend-spec-v3 (onion services), "Client authorization"; design.md section 1 ("host an onion service").

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Host;
use crate::line::{self, LineError};

/// A service to be hosted for as long as the stream stands on which it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Serve {
    /// The port that visitors name, 1 to 65535; all others are refused.
    pub port: u16,
    /// Who may find the service: nobody else learns where it is. With none, everybody who knows the address may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub visitors: Vec<VisitorKey>,
}

impl Serve {
    /// The most visitors that can be named.
    pub const MAX_VISITORS: usize = 100;
    /// The most services at once.
    pub const MAX_SERVICES: usize = 8;
    /// The most visits to one service that wait to be taken; more are refused.
    pub const MAX_WAITING: usize = 16;
    /// How long a visit waits to be taken, in seconds.
    pub const VISIT_SECONDS: u64 = 30;
}

/// The public key by which one visitor may find a service: 52 base 32 letters and digits, as C Tor writes it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VisitorKey(String);

impl VisitorKey {
    /// How many letters and digits a key has: 32 bytes.
    pub const LENGTH: usize = 52;

    /// Reads a key; lower case is taken as upper case. With or without C Tor's `descriptor:x25519:` before it.
    ///
    /// # Errors
    /// [`VisitorKeyError`].
    pub fn parse(text: &str) -> Result<VisitorKey, VisitorKeyError> {
        let digits = text.strip_prefix("descriptor:x25519:").unwrap_or(text);
        let is_base32 = |digit: u8| digit.is_ascii_alphabetic() || (b'2'..=b'7').contains(&digit);
        if digits.len() == VisitorKey::LENGTH && digits.bytes().all(is_base32) {
            Ok(VisitorKey(digits.to_ascii_uppercase()))
        } else {
            Err(VisitorKeyError)
        }
    }

    /// The key as C Tor writes it in a service's folder.
    pub fn to_line(&self) -> String {
        format!("descriptor:x25519:{}", self.0)
    }
}

impl fmt::Debug for VisitorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VisitorKey(..)")
    }
}

impl From<VisitorKey> for String {
    fn from(key: VisitorKey) -> String {
        key.0
    }
}

impl TryFrom<String> for VisitorKey {
    type Error = VisitorKeyError;

    fn try_from(text: String) -> Result<VisitorKey, VisitorKeyError> {
        VisitorKey::parse(&text)
    }
}

/// Not a key of a visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VisitorKeyError;

impl fmt::Display for VisitorKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key of a visitor is 52 letters and digits")
    }
}

impl std::error::Error for VisitorKeyError {}

/// One line on the stream of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Served {
    /// First: the address. It is reachable some seconds later.
    Address(Host),
    /// Somebody is there: [`crate::Header::Accept`] with this number takes the visit.
    Visit(u64),
}

impl Served {
    /// The line, its end included.
    ///
    /// # Errors
    /// [`LineError`], in practice never.
    pub fn encode(&self) -> Result<Vec<u8>, LineError> {
        line::encode(self)
    }

    /// Reads one line.
    ///
    /// # Errors
    /// [`LineError`] for anything else, an address included that is no onion address.
    pub fn decode(bytes: &[u8]) -> Result<Served, LineError> {
        match line::decode(bytes)? {
            Served::Address(host) if !host.is_onion() => Err(LineError::Malformed),
            served => Ok(served),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitors_key_is_read_as_c_tor_writes_it() {
        let digits = "ZPRRMIV6DV6SJFL7SFBSVLJ5VUNPGCDFEVZ7M23LTLVTCCXJQBKA";
        let key = VisitorKey::parse(digits).unwrap();
        assert_eq!(VisitorKey::parse(&key.to_line()), Ok(key.clone()));
        assert_eq!(VisitorKey::parse(&digits.to_ascii_lowercase()), Ok(key.clone()));
        assert_eq!(format!("{key:?}"), "VisitorKey(..)");
        for text in [
            "",
            "descriptor:x25519:",
            digits.get(1..).unwrap(),
            &digits.replace('Z', "1"),
        ] {
            assert_eq!(VisitorKey::parse(text), Err(VisitorKeyError), "{text}");
        }
    }

    #[test]
    fn the_lines_of_a_service_survive_the_wire_and_name_only_onions() {
        let onion = "2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion";
        for (line, expected) in [
            (
                Served::Address(Host::parse(onion).unwrap()),
                format!("{{\"address\":\"{onion}\"}}\n"),
            ),
            (Served::Visit(7), "{\"visit\":7}\n".to_owned()),
        ] {
            let bytes = line.encode().unwrap();
            assert_eq!(String::from_utf8(bytes.clone()).unwrap(), expected);
            assert_eq!(Served::decode(&bytes), Ok(line));
        }
        assert_eq!(
            Served::decode(br#"{"address":"example.org"}"#),
            Err(LineError::Malformed)
        );
    }
}
