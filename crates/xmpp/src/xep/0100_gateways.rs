//! XEP-0100 Gateway Interaction: what somebody of another network is called here.
//! Must never take an address for the gateway's that is not under its own name.
//! XEP-0100 6.3 (jabber:iq:gateway), XEP-0106 (addresses with signs that none may have).

use jid::{BareJid, Jid};
use minidom::Element;

use crate::forms::words;
use crate::query::Reply;
use crate::{ns, write};

/// The question what the gateway wants to be told.
pub(crate) fn ask() -> Element {
    write::element("query", ns::GATEWAY, &[]).build()
}

/// What it wants to be told.
pub(crate) fn prompt(result: &Element) -> Option<Reply> {
    let query = result.get_child("query", ns::GATEWAY)?;
    let text = |name| query.get_child(name, ns::GATEWAY).and_then(words);
    Some(Reply::Prompt {
        about: text("desc"),
        wanted: text("prompt"),
    })
}

/// The question what somebody is called.
pub(crate) fn find(name: String) -> Element {
    let prompt = write::element("prompt", ns::GATEWAY, &[]).append(name).build();
    write::element("query", ns::GATEWAY, &[]).append(prompt).build()
}

/// What somebody is called. Old gateways answer in the element that asked.
pub(crate) fn found(result: &Element) -> Option<Jid> {
    let query = result.get_child("query", ns::GATEWAY)?;
    let answer = query
        .get_child("jid", ns::GATEWAY)
        .or_else(|| query.get_child("prompt", ns::GATEWAY));
    Jid::new(words(answer?)?.trim()).ok()
}

/// Signs that no local part of an address may hold (XEP-0106 4.2), the sign of the escape itself last.
const ESCAPES: [(char, &str); 10] = [
    (' ', "20"),
    ('"', "22"),
    ('&', "26"),
    ('\'', "27"),
    ('/', "2f"),
    (':', "3a"),
    ('<', "3c"),
    ('>', "3e"),
    ('@', "40"),
    ('\\', "5c"),
];

/// The address of `name` at `gateway` by the rule of XEP-0106, for gateways that cannot be asked. `None`: there is none.
#[must_use]
pub fn escaped_address(name: &str, gateway: &BareJid) -> Option<BareJid> {
    let name = name.trim();
    let mut local = String::new();
    for (at, sign) in name.char_indices() {
        let rest = name.get(at.saturating_add(1)..).unwrap_or_default();
        match ESCAPES.into_iter().find(|(escaped, _)| *escaped == sign) {
            Some(('\\', _)) if !ESCAPES.iter().any(|(_, code)| rest.starts_with(code)) => local.push(sign),
            Some((_, code)) => local.extend(['\\'].into_iter().chain(code.chars())),
            None => local.push(sign),
        }
    }
    BareJid::new(&format!("{local}@{}", gateway.domain())).ok()
}

/// What the local part of an address stands for (XEP-0106 4.3).
#[must_use]
pub fn unescaped_name(local: &str) -> String {
    let mut name = String::new();
    let mut rest = local;
    while let Some(sign) = rest.chars().next() {
        let after = rest.get(sign.len_utf8()..).unwrap_or_default();
        let known = ESCAPES
            .into_iter()
            .find(|(_, code)| sign == '\\' && after.starts_with(code));
        name.push(known.map_or(sign, |(escaped, _)| escaped));
        rest = known.map_or(after, |(_, code)| after.get(code.len()..).unwrap_or_default());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard_are_met() {
        let gateway = BareJid::new("example.com").unwrap();
        for (name, local) in [
            ("space cadet", "space\\20cadet"),
            ("call me \"ishmael\"", "call\\20me\\20\\22ishmael\\22"),
            ("at&t guy", "at\\26t\\20guy"),
            ("d'artagnan", "d\\27artagnan"),
            ("/.fanboy", "\\2f.fanboy"),
            ("::foo::", "\\3a\\3afoo\\3a\\3a"),
            ("<foo>", "\\3cfoo\\3e"),
            ("user@host", "user\\40host"),
            ("c:\\net", "c\\3a\\net"),
            ("c:\\\\net", "c\\3a\\\\net"),
            ("c:\\cool stuff", "c\\3a\\cool\\20stuff"),
            ("c:\\5commas", "c\\3a\\5c5commas"),
        ] {
            let address = escaped_address(name, &gateway).unwrap();
            assert_eq!(address.as_str(), format!("{local}@example.com"), "{name}");
            assert_eq!(unescaped_name(local), name);
        }
        assert_eq!(escaped_address("  ", &gateway), None);
        assert_eq!(unescaped_name("a\\2"), "a\\2");
    }
}
