//! XEP-0144 Roster Item Exchange: what a gateway says about our list of contacts.
//! Must never change the list, nor tell what a gateway says of people who are not its own.
//! XEP-0144 3, 6.1.

use jid::{BareJid, Jid};
use minidom::Element;

use crate::event::Event;
use crate::forms::short;
use crate::ns;
use crate::query::Suggestion;

/// Most people in one message.
const MOST: usize = 500;

/// Whether a stanza holds suggestions.
pub(crate) fn held_by(stanza: &Element) -> Option<&Element> {
    stanza.get_child("x", ns::ROSTER_EXCHANGE)
}

/// What a service (an address without a name) says of people under its own name; `None`: nothing.
pub(crate) fn read(x: &Element, from: &Jid) -> Option<Event> {
    if !from.is_bare() || from.node().is_some() {
        return None;
    }
    let gateway = from.to_bare();
    let item = |item: &Element| {
        let jid = BareJid::new(item.attr("jid")?).ok()?;
        let own = jid.node().is_some() && jid.domain() == gateway.domain();
        own.then(|| Suggestion {
            jid,
            name: short(item.attr("name")),
            add: item.attr("action") != Some("delete"),
        })
    };
    let items = x.children().filter(|child| child.is("item", ns::ROSTER_EXCHANGE));
    let suggestions: Vec<Suggestion> = items.filter_map(item).take(MOST).collect();
    Some(Event::Suggested { gateway, suggestions }).filter(|_| x.children().next().is_some())
}
