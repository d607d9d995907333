//! What goes out: stanzas to bytes.
//! Must never let a character through that would break the stream, nor an id that tells what program this is.
//! RFC 6120 8, 11; XML 1.0 2.2.

use jid::{BareJid, Jid};
use minidom::{Element, ElementBuilder};
use rand_core::CryptoRng;
use rxml::NcName;
use xmpp_parsers::iq::{Iq, IqHeader, IqPayload};
use xmpp_parsers::message::{Id, Lang, Message};
use xmpp_parsers::stanza_error::{DefinedCondition, ErrorType, StanzaError};
use xso::AsXml;

use crate::error::Error;
use crate::hints;
use crate::ns;

/// The bytes of one stanza; fails only on characters that XML cannot carry.
pub(crate) fn encode<T: AsXml>(stanza: &T) -> Result<Vec<u8>, Error> {
    xso::to_vec(stanza).map_err(|_| Error::IllegalCharacter)
}

/// A stream header: no language, and no `from` but where the stream is protected and a server may ask for it before it
/// takes or gives a token (XEP-0484 3.1). Before TLS it says nothing but where it wants to go.
pub(crate) fn header(jid: &BareJid, from: bool) -> Vec<u8> {
    let (namespace, streams) = (ns::CLIENT, ns::STREAM);
    let domain = jid.domain().as_str();
    let from = if from {
        format!(" from='{}'", escape(jid.as_str()))
    } else {
        String::new()
    };
    format!(
        "<?xml version='1.0'?><stream:stream xmlns='{namespace}' xmlns:stream='{streams}'{from} to='{domain}' version='1.0'>"
    )
    .into_bytes()
}

/// The closing tag of a stream.
pub(crate) const FOOTER: &[u8] = b"</stream:stream>";

/// Text for the inside of an attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&apos;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push_str(&format!("&#{};", u32::from(c))),
            _ => out.push(c),
        }
    }
    out
}

/// 64 random bits in hexadecimal.
pub(crate) fn random_id(rng: &mut dyn CryptoRng) -> String {
    format!("{:016x}", rng.next_u64())
}

/// 128 random bits in hexadecimal.
pub(crate) fn nonce(rng: &mut dyn CryptoRng) -> String {
    format!("{}{}", random_id(rng), random_id(rng))
}

/// The server itself, as an address.
pub(crate) fn domain(jid: &BareJid) -> Jid {
    Jid::from(BareJid::from_parts(None, jid.domain()))
}

/// A one-to-one message.
pub(crate) fn message(to: Jid, id: &str, body: String, otr: bool) -> Result<Vec<u8>, Error> {
    let mut message = Message::chat(to).with_body(Lang::new(), body);
    message.id = Some(Id(id.to_owned()));
    if otr {
        message.payloads = hints::otr();
    }
    encode(&message)
}

/// RFC 6121 4.7; the one of `xmpp-parsers` always states a priority, by which a server could tell the library.
#[derive(AsXml)]
#[xml(namespace = ns::CLIENT, name = "presence")]
struct Presence {
    #[xml(attribute(name = "type", default))]
    kind: Option<String>,
    #[xml(attribute(default))]
    to: Option<Jid>,
}

/// Presence to the server, or about a subscription to someone. `kind` is one of RFC 6121 4.7.1; `None`: available.
pub(crate) fn presence(kind: Option<&str>, to: Option<BareJid>) -> Result<Vec<u8>, Error> {
    encode(&Presence {
        kind: kind.map(str::to_owned),
        to: to.map(Jid::from),
    })
}

/// An empty answer to a request.
pub(crate) fn result(to: Option<Jid>, id: String) -> Result<Vec<u8>, Error> {
    let header = IqHeader { from: None, to, id };
    encode(&header.assemble(IqPayload::Result(None)))
}

/// What an answer to a refused request says: the same as an offline account's server says, or that a limit was broken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    PolicyViolation,
    ServiceUnavailable,
}

/// A refusal of a request, with no word of explanation.
pub(crate) fn refuse(to: Option<Jid>, id: String, why: Refusal) -> Result<Vec<u8>, Error> {
    let (kind, condition) = match why {
        Refusal::PolicyViolation => (ErrorType::Modify, DefinedCondition::PolicyViolation),
        Refusal::ServiceUnavailable => (ErrorType::Cancel, DefinedCondition::ServiceUnavailable),
    };
    let mut error = StanzaError::new(kind, condition, "", "");
    error.texts.clear();
    let header = IqHeader { from: None, to, id };
    encode(&header.assemble(IqPayload::Error(error)))
}

/// The beginning of an element that no other crate knows.
pub(crate) fn element(name: &str, namespace: &str, attributes: &[(&str, &str)]) -> ElementBuilder {
    let start = Element::builder(name, namespace);
    attributes.iter().fold(start, |element, (name, value)| {
        // Every name is one of ours.
        match NcName::try_from(*name) {
            Ok(name) => element.attr(name, *value),
            Err(_) => element,
        }
    })
}

/// A request to the server or to our own account.
pub(crate) fn request(iq: Iq) -> Result<Vec<u8>, Error> {
    encode(&iq)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: Result<Vec<u8>, Error>) -> String {
        String::from_utf8(bytes.unwrap()).unwrap().replace('"', "'")
    }

    #[test]
    fn what_we_say_holds_nothing_but_what_is_needed() {
        let bob = Jid::new("bob@example.org/x").unwrap();
        assert_eq!(
            text(presence(None, None)),
            "<presence xmlns='jabber:client'></presence>"
        );
        assert_eq!(
            text(message(bob.clone(), "i", "a<b\u{1F600}".into(), false)),
            "<message xmlns='jabber:client' to='bob@example.org/x' id='i' type='chat'>\
             <body>a&lt;b\u{1F600}</body></message>"
        );
        assert_eq!(
            text(refuse(Some(bob), "q'<".into(), Refusal::ServiceUnavailable)),
            "<iq xmlns='jabber:client' type='error' to='bob@example.org/x' id='q&#39;&lt;'><error type='cancel'>\
             <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'></service-unavailable></error></iq>"
        );
        let header = header(&BareJid::new("alice@example.org").unwrap(), false);
        assert!(!String::from_utf8(header).unwrap().contains("alice"));
    }

    #[test]
    fn characters_that_xml_cannot_carry_are_refused() {
        let bob = Jid::new("bob@example.org").unwrap();
        for c in ["\0", "\u{1}", "\u{b}", "\u{1f}", "\u{fffe}", "\u{ffff}"] {
            let sent = message(bob.clone(), "i", format!("a{c}b"), false);
            assert_eq!(sent, Err(Error::IllegalCharacter), "{c:?}");
        }
        for c in ["\t", "\n", "\r", "\u{7f}", "\u{85}", "\u{200b}"] {
            assert!(
                message(bob.clone(), "i", format!("a{c}b"), false).is_ok(),
                "{c:?}"
            );
        }
    }
}
