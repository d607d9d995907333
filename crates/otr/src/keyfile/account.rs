//! Whose key it is: the protocol and the account, as each program names them.
//! Must never take an account of one protocol for one of another.
//! Standard: none; the names were read from files that the programs wrote.

use super::error::KeyFileErrorKind;

/// Longest name in bytes: the longest address of XMPP (RFC 7622 section 3.1).
const LONGEST_NAME: usize = 3071;

/// A protocol.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// Internet Relay Chat.
    Irc,
    /// A protocol that is neither, under the name that the file has for it.
    Other(String),
    /// XMPP, also called Jabber.
    Xmpp,
}

/// A program that reads files of libotr's formats, each with names of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// irssi with its OTR plugin.
    Irssi,
    /// mcabber.
    Mcabber,
    /// Pidgin and Finch, Tor Messenger, Thunderbird.
    Pidgin,
    /// Profanity.
    Profanity,
}

impl Protocol {
    /// The protocol that a file means by `name`.
    pub fn from_name(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "irc" | "prpl-irc" | "libpurple-irc" => Self::Irc,
            "jabber" | "prpl-jabber" | "xmpp" => Self::Xmpp,
            lower if lower.starts_with("libpurple-jabber") => Self::Xmpp,
            _ => Self::Other(name.to_owned()),
        }
    }

    /// What `program` calls it in its files.
    pub fn name_for(&self, program: Program) -> &str {
        match (self, program) {
            (Self::Other(name), _) => name,
            (Self::Irc, Program::Irssi) => "IRC",
            (Self::Irc, Program::Pidgin) => "prpl-irc",
            (Self::Irc, Program::Mcabber | Program::Profanity) => "irc",
            (Self::Xmpp, Program::Mcabber) => "jabber",
            (Self::Xmpp, Program::Pidgin) => "prpl-jabber",
            (Self::Xmpp, Program::Irssi | Program::Profanity) => "xmpp",
        }
    }
}

/// An account of a person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    /// Its protocol.
    pub protocol: Protocol,
    /// Its name, as the file has it: Pidgin's has a resource, irssi's may be a network.
    pub name: String,
}

impl Account {
    /// The name as an address: without the resource of XMPP.
    pub fn address(&self) -> &str {
        match self.protocol {
            Protocol::Xmpp => bare(&self.name),
            Protocol::Irc | Protocol::Other(_) => &self.name,
        }
    }

    /// Nick and server of an IRC account that is named so; irssi may name the network alone.
    pub fn nick_and_server(&self) -> Option<(&str, &str)> {
        match self.protocol {
            Protocol::Irc => self.name.rsplit_once('@'),
            Protocol::Other(_) | Protocol::Xmpp => None,
        }
    }
}

/// An address without its resource.
fn bare(address: &str) -> &str {
    address.split_once('/').map_or(address, |(bare, _)| bare)
}

/// Checks a name out of a file.
pub(super) fn name(bytes: &[u8]) -> Result<String, KeyFileErrorKind> {
    let text = std::str::from_utf8(bytes).map_err(|_| KeyFileErrorKind::Name)?;
    if text.is_empty() || text.len() > LONGEST_NAME || text.chars().any(char::is_control) {
        return Err(KeyFileErrorKind::Name);
    }
    Ok(text.to_owned())
}

/// Whether `name` can be written into a file of lines and fields and read back.
pub(super) fn is_writable(name: &str) -> bool {
    self::name(name.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_limit_and_no_control_characters() {
        for (bytes, good) in [
            ("x".repeat(LONGEST_NAME), true),
            ("x".repeat(LONGEST_NAME + 1), false),
            ("bob\u{7f}@x".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(name(bytes.as_bytes()).is_ok(), good, "{}", bytes.len());
        }
    }
}
