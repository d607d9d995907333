//! XEP-0077 In-Band Registration at a service that is not our server, such as a gateway.
//! Must never send anything that the person did not type or the service did not want back.
//! XEP-0077 3.1, 3.2; XEP-0100 4.1, 4.3; XEP-0004.

use minidom::Element;

use crate::forms::{self, Answers};
use crate::query::Reply;
use crate::{ns, write};

/// The question what has to be said.
pub(crate) fn ask() -> Element {
    write::element("query", ns::REGISTER, &[]).build()
}

/// What has to be said, and whether it was said before.
pub(crate) fn form(result: &Element) -> Option<Reply> {
    let query = result.get_child("query", ns::REGISTER)?;
    let registered = query.get_child("registered", ns::REGISTER).is_some();
    let form = forms::within(query).unwrap_or_else(|| forms::read_plain(query));
    Some(Reply::Registration { form, registered })
}

/// The form, filled in.
pub(crate) fn register(answers: &Answers) -> Element {
    forms::query(ns::REGISTER, answers)
}

/// The end.
pub(crate) fn unregister() -> Element {
    let remove = write::element("remove", ns::REGISTER, &[]).build();
    write::element("query", ns::REGISTER, &[]).append(remove).build()
}
