//! XEP-0045 10: making a room that is closed to strangers.
//! Must never leave a room open that was promised closed: what cannot be set so is destroyed again.
//! XEP-0045 10.1.3, 10.2, 10.9; XEP-0004.

use minidom::Element;
use xmpp_parsers::data_forms::{DataForm, DataFormType, Field, FieldType};
use xso::AsXml;

use crate::ns;

/// What is set wherever a service knows it, and whether a room without it is not what was promised. Names without
/// `muc#` are those of Prosody and ejabberd.
const CLOSED: &[(&str, &str, bool)] = &[
    ("muc#roomconfig_membersonly", "1", true),
    ("muc#roomconfig_publicroom", "0", true),
    ("muc#roomconfig_whois", "moderators", true),
    ("muc#roomconfig_persistentroom", "0", false),
    ("muc#roomconfig_enablelogging", "0", false),
    ("muc#roomconfig_enablearchiving", "0", false),
    ("muc#roomconfig_historylength", "0", false),
    ("muc#roomconfig_allowinvites", "0", false),
    ("allow_subscription", "0", false),
    ("mam", "0", false),
    ("public_list", "0", false),
];

#[derive(AsXml)]
#[xml(namespace = ns::MUC_OWNER, name = "query")]
struct Query {
    #[xml(child(default))]
    form: Option<DataForm>,
    #[xml(child(default))]
    destroy: Option<Destroy>,
}

#[derive(AsXml)]
#[xml(namespace = ns::MUC_OWNER, name = "destroy")]
struct Destroy;

/// The request for the form.
pub(crate) fn ask() -> Option<Element> {
    query(None, None)
}

/// XEP-0045 10.9.
pub(crate) fn destroy() -> Option<Element> {
    query(None, Some(Destroy))
}

/// The filled-in form; `None`: this service cannot make the room that was promised.
pub(crate) fn close(answer: &Element) -> Option<Element> {
    let form = answer
        .get_child("query", ns::MUC_OWNER)?
        .get_child("x", ns::DATA_FORMS)?;
    let offers = |var: &str| {
        let mut fields = form.children().filter(|child| child.is("field", ns::DATA_FORMS));
        fields.any(|field| field.attr("var") == Some(var))
    };
    let mut fields = Vec::new();
    for (var, value, needed) in CLOSED {
        if offers(var) {
            fields.push(Field::new(var, FieldType::TextSingle).with_value(value));
        } else if *needed {
            return None;
        }
    }
    query(
        Some(DataForm::new(DataFormType::Submit, ns::ROOM_CONFIG, fields)),
        None,
    )
}

fn query(form: Option<DataForm>, destroy: Option<Destroy>) -> Option<Element> {
    xso::transform(&Query { form, destroy }).ok()
}
