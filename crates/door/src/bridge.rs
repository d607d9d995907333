//! A bridge line, as bridges.torproject.org and friends hand it out, read strictly.
//! It must never accept a line that Tor would understand in another way, nor a name that would have to be resolved.
//! Standard: tor(1), "Bridge"; pt-spec 3.5 (arguments); control characters and anything but ASCII are refused.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// A bridge: where it is, who it is, and how it is spoken to. One spelling for each: that of [`fmt::Display`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bridge {
    transport: Option<String>,
    address: SocketAddr,
    fingerprint: String,
    arguments: Vec<(String, String)>,
}

/// Why a line is no bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BridgeError {
    /// The address is not `IP:PORT`, with an IPv6 address in brackets.
    Address,
    /// An argument is not `key=value`, or arguments stand behind a bridge that has no transport.
    Argument,
    /// Nothing stands there.
    Empty,
    /// The fingerprint is missing or is not 40 hexadecimal digits.
    Fingerprint,
    /// The name of the transport is not made of letters, digits and `_`.
    Transport,
    /// Characters that no bridge line has.
    Text,
    /// More than [`Bridge::MAX_LINE`] bytes or [`Bridge::MAX_ARGUMENTS`] arguments.
    TooLong,
}

impl Bridge {
    /// The longest line, in bytes.
    pub const MAX_LINE: usize = 640;
    /// The most arguments behind a bridge.
    pub const MAX_ARGUMENTS: usize = 16;

    /// Reads `[Bridge] [TRANSPORT] IP:PORT FINGERPRINT [KEY=VALUE...]`.
    ///
    /// # Errors
    /// [`BridgeError`], the first thing that is wrong from left to right.
    pub fn parse(line: &str) -> Result<Bridge, BridgeError> {
        if line.len() > Bridge::MAX_LINE {
            return Err(BridgeError::TooLong);
        }
        if !line
            .bytes()
            .all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte))
        {
            return Err(BridgeError::Text);
        }
        let mut words = line.split_ascii_whitespace().peekable();
        words.next_if(|word| word.eq_ignore_ascii_case("bridge"));
        let first = *words.peek().ok_or(BridgeError::Empty)?;
        let transport = if first.contains(':') { None } else { words.next() };
        if transport.is_some_and(|name| !is_name(name)) {
            return Err(BridgeError::Transport);
        }
        let address = words.next().and_then(address).ok_or(BridgeError::Address)?;
        let fingerprint = words
            .next()
            .and_then(fingerprint)
            .ok_or(BridgeError::Fingerprint)?;
        let arguments = words.map(argument).collect::<Option<Vec<_>>>();
        let arguments = arguments.ok_or(BridgeError::Argument)?;
        if transport.is_none() && !arguments.is_empty() {
            return Err(BridgeError::Argument);
        }
        if arguments.len() > Bridge::MAX_ARGUMENTS {
            return Err(BridgeError::TooLong);
        }
        Ok(Bridge {
            transport: transport.map(str::to_owned),
            address,
            fingerprint,
            arguments,
        })
    }

    /// The name of the pluggable transport; `None` for a plain bridge.
    pub fn transport(&self) -> Option<&str> {
        self.transport.as_deref()
    }

    /// Where the bridge is. Some transports reach it elsewhere and have a placeholder here.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// 40 upper-case hexadecimal digits.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

fn is_name(word: &str) -> bool {
    let mut bytes = word.bytes();
    let first = bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    first && word.len() <= 32 && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn address(word: &str) -> Option<SocketAddr> {
    let address: SocketAddr = word.parse().ok()?;
    (address.port() != 0 && !address.ip().is_unspecified()).then_some(address)
}

fn fingerprint(word: &str) -> Option<String> {
    let digits = word.strip_prefix('$').unwrap_or(word);
    let valid = digits.len() == 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    valid.then(|| digits.to_ascii_uppercase())
}

fn argument(word: &str) -> Option<(String, String)> {
    let (key, value) = word.split_once('=')?;
    (!key.is_empty()).then(|| (key.to_owned(), value.to_owned()))
}

impl fmt::Display for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(transport) = &self.transport {
            write!(f, "{transport} ")?;
        }
        write!(f, "{} {}", self.address, self.fingerprint)?;
        self.arguments
            .iter()
            .try_for_each(|(key, value)| write!(f, " {key}={value}"))
    }
}

impl From<Bridge> for String {
    fn from(bridge: Bridge) -> String {
        bridge.to_string()
    }
}

impl TryFrom<String> for Bridge {
    type Error = BridgeError;

    fn try_from(line: String) -> Result<Bridge, BridgeError> {
        Bridge::parse(&line)
    }
}

impl BridgeError {
    /// A short name that never changes, for programs and tests.
    pub fn code(self) -> &'static str {
        match self {
            BridgeError::Address => "bridge.address",
            BridgeError::Argument => "bridge.argument",
            BridgeError::Empty => "bridge.empty",
            BridgeError::Fingerprint => "bridge.fingerprint",
            BridgeError::Transport => "bridge.transport",
            BridgeError::Text => "bridge.text",
            BridgeError::TooLong => "bridge.too_long",
        }
    }
}

/// What is wrong, in a sentence.
impl fmt::Display for BridgeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BridgeError::Address => "The address of the bridge has to be an IP address, a colon and a port.",
            BridgeError::Argument => "What follows the fingerprint has to be pairs such as cert=..., behind the name of a transport.",
            BridgeError::Empty => "The bridge line is empty.",
            BridgeError::Fingerprint => "The fingerprint of the bridge has to be 40 hexadecimal digits. Copy the whole line.",
            BridgeError::Transport => "The bridge line has to begin with the name of a transport, such as obfs4, or with an address.",
            BridgeError::Text => "The bridge line has characters that no bridge line has. Copy it again.",
            BridgeError::TooLong => "The bridge line is too long.",
        })
    }
}

impl std::error::Error for BridgeError {}

#[cfg(test)]
mod tests {
    use super::*;

    const FINGERPRINT: &str = "0123456789ABCDEF0123456789ABCDEF01234567";

    #[test]
    fn the_lines_that_people_are_given_are_read() {
        for (line, transport, address) in [
            (format!("192.0.2.1:443 {FINGERPRINT}"), None, "192.0.2.1:443"),
            (
                format!("Bridge  [2001:db8::1]:9001\t${FINGERPRINT}"),
                None,
                "[2001:db8::1]:9001",
            ),
            (
                format!(
                    "obfs4 192.0.2.1:1234 {} cert=abc/+=,x iat-mode=0",
                    FINGERPRINT.to_lowercase()
                ),
                Some("obfs4"),
                "192.0.2.1:1234",
            ),
            (
                format!("webtunnel 192.0.2.3:1 {FINGERPRINT} url=https://example.com/path?a=b ver=0.0.1"),
                Some("webtunnel"),
                "192.0.2.3:1",
            ),
        ] {
            let bridge = Bridge::parse(&line).unwrap();
            assert_eq!(
                (bridge.transport(), bridge.address().to_string().as_str()),
                (transport, address)
            );
            assert_eq!(bridge.fingerprint(), FINGERPRINT);
            assert_eq!(Bridge::parse(&bridge.to_string()), Ok(bridge));
        }
    }

    #[test]
    fn each_fault_of_a_line_has_its_own_name() {
        let many = "a=b ".repeat(Bridge::MAX_ARGUMENTS + 1);
        for (line, error) in [
            (String::new(), BridgeError::Empty),
            ("Bridge".to_owned(), BridgeError::Empty),
            ("x".repeat(Bridge::MAX_LINE + 1), BridgeError::TooLong),
            (
                format!("obfs4 192.0.2.1:1 {FINGERPRINT} {many}"),
                BridgeError::TooLong,
            ),
            (format!("192.0.2.1:1 {FINGERPRINT}\u{202e}"), BridgeError::Text),
            (
                format!("192.0.2.1:1 {FINGERPRINT}\n192.0.2.2:1 {FINGERPRINT}"),
                BridgeError::Text,
            ),
            (
                format!("ob-fs4 192.0.2.1:1 {FINGERPRINT}"),
                BridgeError::Transport,
            ),
            (
                format!("bridge.example.org:443 {FINGERPRINT}"),
                BridgeError::Address,
            ),
            (format!("192.0.2.1:0 {FINGERPRINT}"), BridgeError::Address),
            (format!("0.0.0.0:443 {FINGERPRINT}"), BridgeError::Address),
            ("obfs4".to_owned(), BridgeError::Address),
            ("192.0.2.1:443".to_owned(), BridgeError::Fingerprint),
            (
                format!("192.0.2.1:443 {}", &FINGERPRINT[1..]),
                BridgeError::Fingerprint,
            ),
            (
                format!("192.0.2.1:443 {FINGERPRINT} cert=x"),
                BridgeError::Argument,
            ),
            (
                format!("obfs4 192.0.2.1:443 {FINGERPRINT} cert"),
                BridgeError::Argument,
            ),
        ] {
            assert_eq!(Bridge::parse(&line), Err(error), "{line:?}");
            assert!(error.to_string().ends_with('.'), "{}", error.code());
        }
    }
}
