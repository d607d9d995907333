//! XEP-0203 Delayed Delivery: a text that waited somewhere.
//! Must never believe the time in it: anyone can write one.
//! XEP-0203 2.0; XEP-0091 is its predecessor.

use minidom::Element;

use crate::ns;

/// Whether anyone on the way says that this message waited.
pub(crate) fn is_delayed(message: &Element) -> bool {
    message
        .children()
        .any(|child| child.is("delay", ns::DELAY) || child.is("x", ns::OLD_DELAY))
}
