//! What a person types or pastes to add a contact: an address, or an `xmpp:` link.
//! It must never act on a link by itself: what it says is shown and asked first.
//! Standard: RFC 5122 (`xmpp:`), XEP-0147 (`roster`), XEP-0379 (`preauth`), XEP-0401.

use std::fmt::Write as _;

use model::Address;

/// The longest text that is looked at, in bytes.
const MAX_BYTES: usize = 4_096;
/// The longest token in bytes.
const MAX_TOKEN_BYTES: usize = 512;

/// Whom a text names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// The address.
    pub address: Address,
    /// The name that the link gives the person, unsanitised: somebody else's word. For a field to edit.
    pub name: Option<String>,
    /// The token by which the person's server lets us in (XEP-0379).
    pub token: Option<String>,
}

/// Reads what was typed or pasted. `None` where it names nobody, or something that is no person (`join`).
pub fn invitation(text: &str) -> Option<Invitation> {
    let text = text.trim();
    if text.len() > MAX_BYTES {
        return None;
    }
    let Some(rest) = without_scheme(text) else {
        return person(text, None, None);
    };
    // An authority (`xmpp://me@here/you@there`) names the account to act from: not ours to follow.
    let rest = rest.split('#').next().unwrap_or_default();
    if rest.starts_with("//") {
        return None;
    }
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut parts = query.split(';');
    let action = parts.next().unwrap_or_default();
    if !matches!(action, "" | "message" | "roster" | "subscribe") && !action.starts_with("preauth=") {
        return None;
    }
    let value = |wanted: &str| {
        query
            .split(';')
            .filter_map(|part| part.split_once('='))
            .find(|(name, _)| *name == wanted)
            .and_then(|(_, value)| decoded(value))
    };
    let name = value("name").map(|name| super::text::pasted(&name));
    let token = value("preauth").filter(|token| token.len() <= MAX_TOKEN_BYTES);
    person(&decoded(address)?, name, token)
}

fn without_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    scheme.eq_ignore_ascii_case("xmpp").then_some(rest)
}

fn person(address: &str, name: Option<String>, token: Option<String>) -> Option<Invitation> {
    // A program's name after the address is not part of the person's.
    let bare = address.split('/').next()?;
    let (local, domain) = bare.split_once('@')?;
    // RFC 7622 section 3.3.1: what the part before the @ never holds.
    let illegal = |c: char| matches!(c, '"' | '&' | '\'' | ':' | '<' | '>');
    if local.is_empty() || local.contains(illegal) || domain.is_empty() || domain.contains('@') {
        return None;
    }
    Some(Invitation {
        address: bare.parse().ok()?,
        name: name.filter(|name| !name.trim().is_empty()),
        token,
    })
}

/// The link by which somebody else's program adds this address: RFC 5122 section 2.2, everything but plain letters,
/// digits and `-._~` encoded.
pub fn link(address: &Address) -> String {
    let mut link = String::from("xmpp:");
    for &byte in address.as_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'@') {
            link.push(char::from(byte));
        } else {
            // Writing to a text never fails.
            let _ = write!(link, "%{byte:02X}");
        }
    }
    link
}

/// Percent-encoding resolved; `None` where it is broken or no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [char::from(rest.next()?), char::from(rest.next()?)];
        let [high, low] = digits.map(|digit| digit.to_digit(16));
        bytes.push(u8::try_from(high? * 16 + low?).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<String> {
        invitation(text).map(|it| it.address.to_string())
    }

    #[test]
    fn an_address_or_a_link_names_somebody() {
        for text in [
            "bob@example.org",
            " Bob@Example.org/phone ",
            "xmpp:bob@example.org",
            "XMPP:bob@example.org?message;body=hi",
            "xmpp:bob%40example.org?roster",
            "xmpp:bob@example.org#x",
        ] {
            assert_eq!(address(text).as_deref(), Some("bob@example.org"), "{text}");
        }
    }

    #[test]
    fn a_link_may_bring_a_name_and_a_token() {
        let invitation =
            invitation("xmpp:bob@example.org?roster;name=Bob%20%E2%80%AEx;preauth=tok%65n;ibr=y").unwrap();
        assert_eq!(invitation.name.as_deref(), Some("Bob x"));
        assert_eq!(invitation.token.as_deref(), Some("token"));
        let short = super::invitation("xmpp:bob@example.org?preauth=abc;ibr=y").unwrap();
        assert_eq!(short.token.as_deref(), Some("abc"));
    }

    #[test]
    fn the_own_link_is_read_back_as_the_same_address() {
        for text in [
            "bob@example.org",
            "bob+x?y#z;u=1@example.org",
            "سارة@مثال.example",
        ] {
            let own: Address = text.parse().unwrap();
            let link = link(&own);
            assert!(link.is_ascii(), "{link}");
            assert_eq!(invitation(&link).map(|it| it.address), Some(own), "{link}");
        }
    }

    #[test]
    fn what_names_no_person_is_refused() {
        for text in [
            "",
            "javascript:a@b",
            "bob",
            "@example.org",
            "bob@",
            "a@b@c",
            "xmpp:room@conference.example.org?join",
            "xmpp://alice@example.org/bob@example.org",
            "xmpp:bob%4@example.org",
            "xmpp:bob%ff@example.org",
            "xmpp:bob%00@example.org",
            "https://example.org/bob@example.org",
            "mailto:bob@example.org",
        ] {
            assert_eq!(address(text), None, "{text}");
        }
        assert_eq!(address(&format!("{}@b", "x".repeat(10_000))), None);
    }
}
