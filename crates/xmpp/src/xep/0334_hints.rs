//! XEP-0334 Message Processing Hints, XEP-0280 privacy and XEP-0380: what an OTR message asks of the servers.
//! Must never be the only thing that keeps a text secret: a server may ignore all of it.
//! XEP-0334 0.4, XEP-0280 6, XEP-0380 0.4, XEP-0364 5.

use minidom::Element;
use xmpp_parsers::carbons::Private;
use xmpp_parsers::eme::ExplicitMessageEncryption;
use xso::AsXml;

use crate::ns;

/// XEP-0334 4.3: no copies to other devices.
#[derive(AsXml)]
#[xml(namespace = ns::HINTS, name = "no-copy")]
struct NoCopy;

/// XEP-0334 4.1: not to be archived.
#[derive(AsXml)]
#[xml(namespace = ns::HINTS, name = "no-permanent-store")]
struct NoPermanentStore;

/// The elements that every OTR message carries beside its body.
pub(crate) fn otr() -> Vec<Element> {
    let encryption = ExplicitMessageEncryption {
        namespace: ns::OTR.to_owned(),
        name: None,
    };
    [
        element(&Private),
        element(&NoCopy),
        element(&NoPermanentStore),
        element(&encryption),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn element<T: AsXml>(from: &T) -> Option<Element> {
    xso::transform(from).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_four_elements_are_there() {
        let names: Vec<_> = otr().iter().map(|e| format!("{} {}", e.name(), e.ns())).collect();
        assert_eq!(
            names,
            [
                "private urn:xmpp:carbons:2",
                "no-copy urn:xmpp:hints",
                "no-permanent-store urn:xmpp:hints",
                "encryption urn:xmpp:eme:0",
            ]
        );
        assert_eq!(otr()[3].attr("namespace"), Some("urn:xmpp:otr:0"));
    }
}
