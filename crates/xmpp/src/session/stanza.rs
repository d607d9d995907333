//! Reading messages and roster items out of guarded elements.
//! Must never let a copy or an archived text pass for a live message, whoever sends it.
//! RFC 6121 2.1.2, 5.2; the XEPs in `src/xep`.

use jid::{BareJid, Jid};
use minidom::Element;

use super::login::condition;
use crate::event::{Event, MessageKind, Request, RosterItem, Subscription};
use crate::{carbons, delay, invitations, ns, suggestions};

/// Longest roster name that is kept, in bytes; a longer one is left out.
const LONGEST_NAME: usize = 1_023;

/// What a message stanza comes to.
pub(super) enum Incoming {
    /// Text.
    Message(Event),
    /// One of ours, back again, with the name of the reason.
    Error {
        from: Jid,
        id: Option<String>,
        name: String,
    },
}

/// Reads a message from `from` to the account `us`; `None` if there is nothing to tell.
pub(super) fn message(element: &Element, from: Jid, us: &BareJid) -> Option<Incoming> {
    let kind = match element.attr("type") {
        Some("error") => {
            return Some(Incoming::Error {
                from,
                id: element.attr("id").map(str::to_owned),
                name: condition(element).unwrap_or_default().to_owned(),
            });
        }
        Some("chat") => MessageKind::Chat,
        // From a room that was entered it does not come here.
        Some("groupchat") => return None,
        Some("headline") => MessageKind::Headline,
        _ => MessageKind::Normal,
    };
    if carbons::wraps(element) {
        return carbons::received(element, &from, us).map(Incoming::Message);
    }
    if let Some(x) = suggestions::held_by(element) {
        return suggestions::read(x, &from).map(Incoming::Message);
    }
    if let Some(invitation) = invitations::read(element, &from) {
        return Some(Incoming::Message(Event::Invited(invitation)));
    }
    let body = body(element)?;
    Some(Incoming::Message(Event::Message {
        from,
        body,
        delayed: delay::is_delayed(element),
        kind,
        forwarded_or_archived: false,
    }))
}

/// Whether a message with a room's address is the room's own: not an error, not an invitation, not a message that holds
/// another one.
pub(super) fn is_from_room(message: &Element) -> bool {
    message.attr("type") != Some("error") && !carbons::wraps(message)
}

/// The body without a language, or else the first one (RFC 6121 5.2.3).
pub(crate) fn body(message: &Element) -> Option<String> {
    let mut bodies = message.children().filter(|child| child.is("body", ns::CLIENT));
    let first = bodies.next()?;
    let plain = |body: &&Element| {
        body.attr_ns("http://www.w3.org/XML/1998/namespace", "lang")
            .is_none()
    };
    let chosen = if plain(&first) {
        first
    } else {
        bodies.find(plain).unwrap_or(first)
    };
    Some(chosen.text())
}

/// What a request asks for.
pub(super) fn request(payload: Option<&Element>) -> Request {
    match payload.map(|payload| payload.ns()).as_deref() {
        Some(ns::DISCO_INFO | ns::DISCO_ITEMS) => Request::Discovery,
        Some(ns::LAST_ACTIVITY) => Request::LastActivity,
        Some(ns::PING) => Request::Ping,
        Some(ns::OLD_TIME | ns::TIME) => Request::Time,
        Some(ns::VERSION) => Request::Version,
        _ => Request::Other,
    }
}

/// One `<item/>`; `None` if it names nobody.
pub(super) fn roster_item(item: &Element) -> Option<RosterItem> {
    if !item.is("item", ns::ROSTER) {
        return None;
    }
    Some(RosterItem {
        jid: BareJid::new(item.attr("jid")?).ok()?,
        name: item
            .attr("name")
            .filter(|name| !name.is_empty() && name.len() <= LONGEST_NAME)
            .map(str::to_owned),
        subscription: match item.attr("subscription") {
            Some("both") => Subscription::Both,
            Some("from") => Subscription::From,
            Some("remove") => Subscription::Removed,
            Some("to") => Subscription::To,
            _ => Subscription::None,
        },
        asked: item.attr("ask") == Some("subscribe"),
    })
}
