//! Names for things: accounts, addresses, messages. Newtypes, so that they cannot be mixed up.
//! They must never be longer than they say. Addresses: RFC 7622.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Number of an account in one profile. Never reused within a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct AccountId(pub u64);

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Address of a person on a network; on XMPP a bare JID (RFC 7622 section 3), at most 2,047 bytes.
///
/// It is checked for length and for characters that no network allows; the network's own crate
/// checks the rest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Address(String);

/// Why a text is no [`Address`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// Nothing was given.
    Empty,
    /// A space or a control character.
    IllegalCharacter,
    /// Over 2,047 bytes.
    TooLong,
}

impl Address {
    /// The longest address in bytes: 1,023 for each side of an `@`, and the `@` (RFC 7622 3.1).
    pub const MAX_BYTES: usize = 2047;

    /// The text of the address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(AddressError::TooLong);
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(AddressError::IllegalCharacter);
        }
        Ok(Self(text.to_lowercase()))
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the address is empty",
            Self::IllegalCharacter => "the address holds a space or a control character",
            Self::TooLong => "the address is longer than 2,047 bytes",
        })
    }
}

impl std::error::Error for AddressError {}

/// Name of one message: 32 hexadecimal digits, random, the same on both sides of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct MessageId(String);

impl MessageId {
    /// From 16 random bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The 16 bytes, where the text is well formed.
    pub fn to_bytes(&self) -> Option<[u8; 16]> {
        if self.0.len() != 32 || !self.0.is_ascii() {
            return None;
        }
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(self.0.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(bytes)
    }

    /// The 32 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for MessageId {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_trimmed_and_lower_case() {
        assert_eq!(
            " Bob@Example.ORG ".parse::<Address>().unwrap().as_str(),
            "bob@example.org"
        );
    }

    #[test]
    fn an_address_with_a_space_or_without_end_is_refused() {
        assert_eq!(
            "bob smith@x".parse::<Address>(),
            Err(AddressError::IllegalCharacter)
        );
        assert_eq!("".parse::<Address>(), Err(AddressError::Empty));
        assert_eq!("a".repeat(2048).parse::<Address>(), Err(AddressError::TooLong));
    }

    #[test]
    fn a_message_id_is_the_same_as_bytes_and_as_digits() {
        let id = MessageId::from_bytes(*b"0123456789abcdef");
        assert_eq!(id.to_bytes(), Some(*b"0123456789abcdef"));
        assert_eq!(MessageId::from("zz".repeat(16)).to_bytes(), None);
        assert_eq!(MessageId::from("é".repeat(16)).to_bytes(), None);
    }
}
