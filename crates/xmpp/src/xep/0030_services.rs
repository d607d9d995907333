//! XEP-0030 Service Discovery: what somebody is, and what a server offers beside itself.
//! Must never take more of an answer than its bounds, nor follow it further than one step.
//! XEP-0030 3 and 4.

use jid::Jid;
use minidom::Element;

use crate::forms::short;
use crate::query::Service;
use crate::{ns, write};

/// Most services of a server that are asked what they are.
const MOST_SERVICES: usize = 50;
/// Most identities of one.
const MOST_IDENTITIES: usize = 20;
/// Most features of one.
const MOST_FEATURES: usize = 300;

/// The question what somebody is.
pub(crate) fn what() -> Element {
    write::element("query", ns::DISCO_INFO, &[]).build()
}

/// The question what a server offers.
pub(crate) fn which() -> Element {
    write::element("query", ns::DISCO_ITEMS, &[]).build()
}

/// What a server offers.
pub(crate) fn listed(result: &Element) -> Vec<Jid> {
    let query = result.get_child("query", ns::DISCO_ITEMS);
    let items = query.into_iter().flat_map(Element::children);
    items
        .filter(|child| child.is("item", ns::DISCO_ITEMS))
        .filter_map(|item| Jid::new(item.attr("jid")?).ok())
        .take(MOST_SERVICES)
        .collect()
}

/// What `at` says that it is.
pub(crate) fn read(result: &Element, at: &Jid) -> Option<Service> {
    let query = result.get_child("query", ns::DISCO_INFO)?;
    let own = |name: &'static str| {
        query
            .children()
            .filter(move |child| child.is(name, ns::DISCO_INFO))
    };
    let identity = |child: &Element| {
        let (category, kind) = (short(child.attr("category"))?, short(child.attr("type"))?);
        Some((category, kind, short(child.attr("name"))))
    };
    Some(Service {
        at: at.clone(),
        identities: own("identity")
            .filter_map(identity)
            .take(MOST_IDENTITIES)
            .collect(),
        features: own("feature")
            .filter_map(|child| short(child.attr("var")))
            .take(MOST_FEATURES)
            .collect(),
    })
}
