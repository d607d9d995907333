//! XEP-0055 Jabber Search: looking for people in a directory.
//! Must never search for anything but what the person typed; the directory learns it.
//! XEP-0055 2.1, 3; XEP-0004.

use minidom::Element;

use crate::forms::{self, Answers, Form, FormColumn, words};
use crate::{ns, write};

/// Most people that are told.
const MOST: usize = 1_000;

/// The question what can be searched for.
pub(crate) fn ask() -> Element {
    write::element("query", ns::SEARCH, &[]).build()
}

/// What can be searched for. Of the old form no field is needed.
pub(crate) fn form(result: &Element) -> Option<Form> {
    let query = result.get_child("query", ns::SEARCH)?;
    let mut form = forms::within(query).unwrap_or_else(|| forms::read_plain(query));
    if form.plain {
        form.fields.iter_mut().for_each(|field| field.required = false);
    }
    Some(form)
}

/// The search.
pub(crate) fn search(answers: &Answers) -> Element {
    forms::query(ns::SEARCH, answers)
}

/// Who was found, as a table.
pub(crate) fn found(result: &Element) -> Option<Form> {
    let query = result.get_child("query", ns::SEARCH)?;
    Some(forms::within(query).unwrap_or_else(|| plain(query)))
}

fn plain(query: &Element) -> Form {
    const NAMES: [&str; 5] = ["jid", "first", "last", "nick", "email"];
    let column = |name: &str| FormColumn {
        name: name.to_owned(),
        label: None,
    };
    let row = |item: &Element| {
        let value = |name: &&str| match *name {
            "jid" => item.attr("jid").map(str::to_owned),
            name => item.get_child(name, ns::SEARCH).and_then(words),
        };
        NAMES.iter().map(|name| value(name).unwrap_or_default()).collect()
    };
    let items = query.children().filter(|child| child.is("item", ns::SEARCH));
    Form {
        columns: NAMES.into_iter().map(column).collect(),
        rows: items.take(MOST).map(row).collect(),
        ..Form::default()
    }
}
