//! XEP-0280 Message Carbons and XEP-0313 archives: messages inside messages.
//! Must never believe one that does not come from our own account, and never make one look live.
//! XEP-0280 11 (CVE-2017-5589), XEP-0297, XEP-0313. We ask for neither; a server may send them all the same.

use jid::{BareJid, Jid};
use minidom::Element;

use crate::event::{Event, MessageKind};
use crate::ns;
use crate::session::body;

/// Whether this stanza holds another one.
pub(crate) fn wraps(message: &Element) -> bool {
    message.children().any(|child| {
        child.is("received", ns::CARBONS)
            || child.is("sent", ns::CARBONS)
            || child.is("forwarded", ns::FORWARD)
            || child.name() == "result" && child.ns().starts_with("urn:xmpp:mam:")
    })
}

/// The copy of what another device of ours received, marked as a copy. Everything else that wraps a message is nothing
/// to us: what we sent from elsewhere, archives that we never asked for, and forgeries.
pub(crate) fn received(message: &Element, from: &Jid, us: &BareJid) -> Option<Event> {
    if !from.is_bare() || from.to_bare() != *us {
        return None;
    }
    let inner = message
        .get_child("received", ns::CARBONS)?
        .get_child("forwarded", ns::FORWARD)?
        .get_child("message", ns::CLIENT)?;
    if inner.attr("type") == Some("error") || wraps(inner) {
        return None;
    }
    Some(Event::Message {
        from: Jid::new(inner.attr("from")?).ok()?,
        body: body(inner)?,
        delayed: true,
        kind: MessageKind::Chat,
        forwarded_or_archived: true,
    })
}
