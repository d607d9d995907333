//! Where a stream goes: a name that Tor resolves, an address, or an onion service.
//! It must never hold a text that was not checked, nor lead to the local machine or network unasked.
//! Standard: RFC 1035 2.3.1 and RFC 1123 2.1 (names), RFC 6890 (special addresses), rend-spec-v3 (onion addresses).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};
use sha3::{Digest, Sha3_256};

/// The longest host name in characters (RFC 1035 2.3.4, without the root's dot).
const MAX_NAME: usize = 253;
/// The longest label of a name in characters (RFC 1035 2.3.4).
const MAX_LABEL: usize = 63;
/// What an onion name ends with (RFC 7686).
const ONION: &str = ".onion";
/// Characters of a version 3 onion name before `.onion`: 35 bytes in base32.
const ONION_DIGITS: usize = 56;

/// A checked destination in one spelling: names are lower-case and without a final dot, addresses are canonical.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Host(Kind);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Kind {
    Address(IpAddr),
    Name(String),
    Onion(String),
}

impl Host {
    /// Checks `text`: a host name in ASCII (IDNA A-labels), an IP address (IPv6 with or without brackets), or a
    /// version 3 onion name.
    ///
    /// # Errors
    /// [`HostError::Local`] for an address or name of this machine or its local network; the other variants for
    /// text that names no host.
    pub fn parse(text: &str) -> Result<Host, HostError> {
        let host = Host::parse_allowing_local(text)?;
        if host.is_local() {
            Err(HostError::Local)
        } else {
            Ok(host)
        }
    }

    /// As [`Host::parse`], but lets local addresses and names pass. For private test networks; a gate on the public
    /// network refuses such hosts whatever the engine thinks of them.
    ///
    /// # Errors
    /// As [`Host::parse`], without [`HostError::Local`].
    pub fn parse_allowing_local(text: &str) -> Result<Host, HostError> {
        if text.is_empty() {
            return Err(HostError::Empty);
        }
        if text.len() > MAX_NAME + 1 {
            return Err(HostError::TooLong);
        }
        if let Some(address) = parse_address(text) {
            return Ok(Host(Kind::Address(address)));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        check_name(&name)?;
        if name == "onion" || name.ends_with(ONION) {
            check_onion(&name)?;
            return Ok(Host(Kind::Onion(name)));
        }
        Ok(Host(Kind::Name(name)))
    }

    /// The address, if the host is one.
    pub fn address(&self) -> Option<IpAddr> {
        match self.0 {
            Kind::Address(address) => Some(address),
            Kind::Name(_) | Kind::Onion(_) => None,
        }
    }

    /// Is it a version 3 onion service?
    pub fn is_onion(&self) -> bool {
        matches!(self.0, Kind::Onion(_))
    }

    /// Does it belong to this machine or its local network, or to no network at all?
    pub fn is_local(&self) -> bool {
        match &self.0 {
            Kind::Address(IpAddr::V4(address)) => is_local_v4(*address),
            Kind::Address(IpAddr::V6(address)) => is_local_v6(*address),
            Kind::Name(name) => ["localhost", "local", "internal"].contains(&last_label(name)),
            Kind::Onion(_) => false,
        }
    }
}

/// The text that Tor is given.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Address(address) => write!(f, "{address}"),
            Kind::Name(name) | Kind::Onion(name) => f.write_str(name),
        }
    }
}

/// Whom somebody talks to does not belong in a debug text.
impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Host(..)")
    }
}

impl From<Host> for String {
    fn from(host: Host) -> String {
        host.to_string()
    }
}

impl TryFrom<String> for Host {
    type Error = HostError;

    fn try_from(text: String) -> Result<Host, HostError> {
        Host::parse_allowing_local(&text)
    }
}

/// Why a text is no destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostError {
    /// An onion name whose length, alphabet, version or checksum is wrong: mistyped or cut off.
    BadOnion,
    /// Nothing at all.
    Empty,
    /// This machine or its local network, which Tor does not reach.
    Local,
    /// Neither a host name in ASCII nor an address.
    Malformed,
    /// Longer than a host name can be.
    TooLong,
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HostError::BadOnion => "This onion address is not complete or has a typing error. Copy it again.",
            HostError::Empty => "The server's address is missing.",
            HostError::Local => {
                "This address belongs to your own computer or local network, which Tor does not reach."
            }
            HostError::Malformed => "This is not the address of a server. Check its spelling.",
            HostError::TooLong => "This is too long for the address of a server.",
        })
    }
}

impl std::error::Error for HostError {}

fn parse_address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match bare {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    }
}

fn last_label(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn check_name(name: &str) -> Result<(), HostError> {
    if name.len() > MAX_NAME {
        return Err(HostError::TooLong);
    }
    if !name.split('.').all(is_label) {
        return Err(HostError::Malformed);
    }
    // A name that ends in a number is an old spelling of an address ("127.1", "0x7f000001"): some resolvers obey it.
    let last = last_label(name);
    let is_number = last.starts_with("0x") || last.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        Err(HostError::Malformed)
    } else {
        Ok(())
    }
}

fn is_label(label: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !label.is_empty()
        && label.len() <= MAX_LABEL
        && label.bytes().all(inside)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Checks the label before `.onion`: base32 of key (32 bytes), checksum (2) and version (1), rend-spec-v3.
fn check_onion(name: &str) -> Result<(), HostError> {
    let service = name.strip_suffix(ONION).ok_or(HostError::BadOnion)?;
    let digits = last_label(service);
    if digits.len() != ONION_DIGITS {
        return Err(HostError::BadOnion);
    }
    let bytes = base32(digits).ok_or(HostError::BadOnion)?;
    let (key, tail) = bytes.split_at_checked(32).ok_or(HostError::BadOnion)?;
    let digest = Sha3_256::new()
        .chain_update(b".onion checksum")
        .chain_update(key)
        .chain_update([3])
        .finalize();
    let expected = digest.iter().take(2).chain(&[3]);
    if tail.iter().eq(expected) {
        Ok(())
    } else {
        Err(HostError::BadOnion)
    }
}

/// Base32 (RFC 4648 6) in lower case, without padding; only whole bytes are kept.
fn base32(digits: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(digits.len() * 5 / 8);
    let (mut bits, mut count) = (0_u16, 0);
    for digit in digits.bytes() {
        let value = match digit {
            b'a'..=b'z' => digit - b'a',
            b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5) | u16::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).ok()?);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
}

fn is_local_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_multicast()
        || address.is_documentation()
        || first == 0
        || first >= 240
        || (first == 100 && (64..128).contains(&second))
        || (first == 198 && (second == 18 || second == 19))
}

fn is_local_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_local_v4(inner);
    }
    let [first, second, ..] = address.segments();
    address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || address.is_unique_local()
        || address.is_unicast_link_local()
        || (first & 0xffc0) == 0xfec0
        || (first == 0x2001 && second == 0x0db8)
        || address.to_ipv4().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    // The onion service of the Tor Project's own site: a published address with a valid checksum.
    const KNOWN_ONION: &str = "2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion";

    #[test]
    fn names_and_addresses_get_one_spelling() {
        for (text, expected) in [
            ("Jabber.Example.ORG.", "jabber.example.org"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("8.8.8.8", "8.8.8.8"),
            ("[2620:0:ccc::2]", "2620:0:ccc::2"),
            ("2620:0:CCC:0::2", "2620:0:ccc::2"),
            (KNOWN_ONION, KNOWN_ONION),
            (
                &format!("www.{}", KNOWN_ONION.to_uppercase()),
                &format!("www.{KNOWN_ONION}"),
            ),
        ] {
            assert_eq!(
                Host::parse(text).map(|host| host.to_string()),
                Ok(expected.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_mistyped_onion_address_is_refused_before_anything_is_sent() {
        let mistyped = KNOWN_ONION.replacen('g', "h", 1);
        let short = KNOWN_ONION.trim_start_matches("2g");
        for text in [
            mistyped.as_str(),
            short,
            "onion",
            ".onion",
            "expyuzz4wqqyqhjn.onion",
            "1.onion",
        ] {
            let error = Host::parse(text).unwrap_err();
            assert!(
                matches!(error, HostError::BadOnion | HostError::Malformed),
                "{text}: {error:?}"
            );
        }
    }

    #[test]
    fn the_local_network_is_refused_unless_asked_for() {
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.1",
            "172.16.0.1",
            "169.254.1.1",
            "0.0.0.0",
            "100.64.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "printer.local",
            "198.18.0.1",
            "224.0.0.1",
        ] {
            assert_eq!(Host::parse(text), Err(HostError::Local), "{text}");
            assert!(Host::parse_allowing_local(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        let long_label = format!("{}.example", "a".repeat(64));
        for text in [
            " ",
            "a b.example",
            "a\n.example",
            "a\0.example",
            "a..example",
            ".example",
            "-a.example",
            "a-.example",
            "exämple.org",
            "a/b",
            "user@example.org",
            "example.org:5222",
            "127.1",
            "0x7f000001",
            "2130706433",
            "[127.0.0.1]",
            "[::1",
            &long_label,
        ] {
            assert_eq!(Host::parse(text), Err(HostError::Malformed), "{text}");
        }
        assert_eq!(Host::parse(""), Err(HostError::Empty));
        assert_eq!(Host::parse(&"a.".repeat(200)), Err(HostError::TooLong));
    }

    #[test]
    fn a_host_is_not_shown_in_debug() {
        assert_eq!(format!("{:?}", Host::parse("example.org").unwrap()), "Host(..)");
    }
}
