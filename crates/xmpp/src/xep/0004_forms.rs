//! XEP-0004 Data Forms: what somebody wants to know, and what a person answers.
//! Must never send a value that the person did not give and the form did not hold, nor take in a form without bounds.
//! XEP-0004 3; the old forms of XEP-0077 and XEP-0055, whose elements are their fields.

use std::fmt;

use minidom::Element;
use zeroize::Zeroize as _;

use crate::{ns, write};

/// Most fields of a form, columns of a table.
const MOST_FIELDS: usize = 200;
/// Most choices of one field, and most values of one.
const MOST_VALUES: usize = 500;
/// Most rows of a table.
const MOST_ROWS: usize = 1_000;
/// Longest value, label or instruction, in bytes: what is longer is left out.
const LONGEST: usize = 16_384;

/// A form to fill in, or the outcome of one.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Form {
    /// What it is called: the words of others, as are all texts in it.
    pub title: Option<String>,
    /// What its maker says about it.
    pub instructions: String,
    /// What it asks for, at most 200.
    pub fields: Vec<FormField>,
    /// The heads of a table, where it is one.
    pub columns: Vec<FormColumn>,
    /// The rows of that table, at most 1,000: a value for each column.
    pub rows: Vec<Vec<String>>,
    /// It is of the old kind, without types: its answer has to be so, too.
    pub plain: bool,
}

/// One field of a form.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FormField {
    /// Its name in the answer; empty: it wants none.
    pub name: String,
    /// What it is called.
    pub label: Option<String>,
    /// What is said about it.
    pub description: Option<String>,
    /// What it takes.
    pub kind: FormFieldKind,
    /// Whether the form is refused without it.
    pub required: bool,
    /// What is in it already, or in a hidden one goes back as it came.
    pub values: Vec<String>,
    /// What can be chosen: label and value.
    pub options: Vec<(String, String)>,
}

/// What a field takes (XEP-0004 3.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FormFieldKind {
    /// Yes or no: `1` or `0`.
    Boolean,
    /// Nothing: it is a text to be read.
    Fixed,
    /// What the maker wants back as it came.
    Hidden,
    /// Addresses.
    JidMulti,
    /// An address.
    JidSingle,
    /// Some of the options.
    ListMulti,
    /// One of the options.
    ListSingle,
    /// Lines.
    TextMulti,
    /// A line that nobody should look at.
    TextPrivate,
    /// A line.
    TextSingle,
}

impl FormFieldKind {
    const NAMES: [(Self, &'static str); 9] = [
        (Self::Boolean, "boolean"),
        (Self::Fixed, "fixed"),
        (Self::Hidden, "hidden"),
        (Self::JidMulti, "jid-multi"),
        (Self::JidSingle, "jid-single"),
        (Self::ListMulti, "list-multi"),
        (Self::ListSingle, "list-single"),
        (Self::TextMulti, "text-multi"),
        (Self::TextPrivate, "text-private"),
    ];

    /// Reads the type on the wire; what is unknown is a line (XEP-0004 3.3).
    fn from_name(name: Option<&str>) -> Self {
        let mut names = Self::NAMES.into_iter();
        let known = names.find(|(_, one)| Some(*one) == name);
        known.map_or(Self::TextSingle, |(kind, _)| kind)
    }
}

/// The head of a column.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FormColumn {
    /// Its name.
    pub name: String,
    /// What it is called.
    pub label: Option<String>,
}

/// A form filled in: passwords may be in it, so it is wiped when it is dropped and never printed.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Answers {
    /// The form was of the old kind.
    pub plain: bool,
    /// Name of a field, and its values.
    pub values: Vec<(String, Vec<String>)>,
}

impl Answers {
    /// The answer to `form`: what it held, hidden fields included, with what the person gave in its place. What the form
    /// does not ask for is left out.
    #[must_use]
    pub fn to(form: &Form, given: impl Fn(&str) -> Option<Vec<String>>) -> Self {
        let wanted = form
            .fields
            .iter()
            .filter(|field| !field.name.is_empty() && !matches!(field.kind, FormFieldKind::Fixed));
        let values = wanted.filter_map(|field| {
            let own = given(&field.name).filter(|_| field.kind != FormFieldKind::Hidden);
            let values = own.unwrap_or_else(|| field.values.clone());
            (!values.is_empty()).then(|| (field.name.clone(), values))
        });
        Self {
            plain: form.plain,
            values: values.collect(),
        }
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answers")
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        for (_, values) in &mut self.values {
            values.zeroize();
        }
    }
}

impl Form {
    /// The first required field that `answers` leave empty.
    #[must_use]
    pub fn missing(&self, answers: &Answers) -> Option<&str> {
        let filled = |name: &str| {
            let mut values = answers.values.iter();
            values.any(|(other, values)| other == name && values.iter().any(|value| !value.is_empty()))
        };
        let mut required = self.fields.iter().filter(|field| field.required);
        required
            .find(|field| !filled(&field.name))
            .map(|field| field.name.as_str())
    }
}

/// The form in `parent`, if one is there.
pub(crate) fn within(parent: &Element) -> Option<Form> {
    parent.get_child("x", ns::DATA_FORMS).map(read)
}

/// Reads `<x/>`.
pub(crate) fn read(x: &Element) -> Form {
    let own = |name: &'static str| x.children().filter(move |child| child.is(name, ns::DATA_FORMS));
    let instructions: Vec<String> = own("instructions").take(MOST_FIELDS).filter_map(words).collect();
    let columns: Vec<FormColumn> = own("reported")
        .flat_map(Element::children)
        .filter_map(column)
        .take(MOST_FIELDS)
        .collect();
    let rows = own("item")
        .take(MOST_ROWS)
        .map(|item| row(item, &columns))
        .collect();
    Form {
        title: own("title").next().and_then(words),
        instructions: instructions.join("\n"),
        fields: own("field").filter_map(field).take(MOST_FIELDS).collect(),
        columns,
        rows,
        plain: false,
    }
}

/// Reads a form of the old kind from the children of `query` that are in its own namespace.
pub(crate) fn read_plain(query: &Element) -> Form {
    let namespace = query.ns();
    let own = || query.children().filter(|child| child.has_ns(namespace.as_str()));
    let text = own().find(|child| child.name() == "instructions");
    let silent = ["instructions", "item", "key", "registered", "remove"];
    let fields = own()
        .filter(|child| !silent.contains(&child.name()))
        .take(MOST_FIELDS);
    let mut fields: Vec<FormField> = fields.map(plain_field).collect();
    if let Some(key) = own().find(|child| child.name() == "key") {
        let kind = FormFieldKind::Hidden;
        fields.push(FormField {
            kind,
            required: false,
            ..plain_field(key)
        });
    }
    Form {
        instructions: text.and_then(words).unwrap_or_default(),
        fields,
        plain: true,
        ..Form::default()
    }
}

fn plain_field(child: &Element) -> FormField {
    let kind = match child.name() {
        "password" => FormFieldKind::TextPrivate,
        _ => FormFieldKind::TextSingle,
    };
    FormField {
        name: child.name().to_owned(),
        label: None,
        description: None,
        kind,
        required: true,
        values: words(child).into_iter().collect(),
        options: Vec::new(),
    }
}

/// `<x type='submit'/>`.
pub(crate) fn submit(answers: &Answers) -> Element {
    let fields = answers.values.iter().map(|(name, values)| {
        let value = |value: &String| {
            Element::builder("value", ns::DATA_FORMS)
                .append(value.clone())
                .build()
        };
        write::element("field", ns::DATA_FORMS, &[("var", name)])
            .append_all(values.iter().map(value))
            .build()
    });
    write::element("x", ns::DATA_FORMS, &[("type", "submit")])
        .append_all(fields)
        .build()
}

/// `<query/>` of `namespace` with the answers in the form that was asked for.
pub(crate) fn query(namespace: &str, answers: &Answers) -> Element {
    let query = Element::builder("query", namespace);
    if !answers.plain {
        return query.append(submit(answers)).build();
    }
    let fields = answers
        .values
        .iter()
        .filter(|(name, _)| is_name(name))
        .map(|(name, values)| {
            let value = values.first().cloned().unwrap_or_default();
            Element::builder(name.as_str(), namespace).append(value).build()
        });
    query.append_all(fields).build()
}

/// Whether this can be an element's name; those of the old forms are plain words.
fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

fn field(field: &Element) -> Option<FormField> {
    let kind = FormFieldKind::from_name(field.attr("type"));
    let name = field
        .attr("var")
        .filter(|name| name.len() <= LONGEST)
        .unwrap_or_default();
    if name.is_empty() && kind != FormFieldKind::Fixed {
        return None;
    }
    let own = |name: &'static str| {
        field
            .children()
            .filter(move |child| child.is(name, ns::DATA_FORMS))
    };
    let option = |option: &Element| {
        let value = option.get_child("value", ns::DATA_FORMS).and_then(words)?;
        let label = option.attr("label").filter(|label| label.len() <= LONGEST);
        Some((label.unwrap_or(&value).to_owned(), value))
    };
    Some(FormField {
        name: name.to_owned(),
        label: short(field.attr("label")),
        description: own("desc").next().and_then(words),
        kind,
        required: own("required").next().is_some(),
        values: own("value").filter_map(words).take(MOST_VALUES).collect(),
        options: own("option").filter_map(option).take(MOST_VALUES).collect(),
    })
}

fn column(field: &Element) -> Option<FormColumn> {
    let name = short(field.attr("var"))?;
    let label = short(field.attr("label"));
    field
        .is("field", ns::DATA_FORMS)
        .then_some(FormColumn { name, label })
}

fn row(item: &Element, columns: &[FormColumn]) -> Vec<String> {
    let value = |column: &FormColumn| {
        let mut fields = item.children().filter(|child| child.is("field", ns::DATA_FORMS));
        let field = fields.find(|field| field.attr("var") == Some(column.name.as_str()))?;
        field.get_child("value", ns::DATA_FORMS).and_then(words)
    };
    columns
        .iter()
        .map(|column| value(column).unwrap_or_default())
        .collect()
}

/// The text of an element; empty or over-long is none.
pub(crate) fn words(element: &Element) -> Option<String> {
    Some(element.text()).filter(|text| !text.is_empty() && text.len() <= LONGEST)
}

/// An attribute; empty or over-long is none.
pub(crate) fn short(attribute: Option<&str>) -> Option<String> {
    let fits = |text: &&str| !text.is_empty() && text.len() <= LONGEST;
    attribute.filter(fits).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(inner: &str) -> Form {
        let x: Element = format!("<x xmlns='jabber:x:data' type='form'>{inner}</x>")
            .parse()
            .unwrap();
        read(&x)
    }

    #[test]
    fn a_form_is_answered_with_what_was_asked_and_no_more() {
        let form = form(
            "<title>t</title><instructions>a</instructions><instructions>b</instructions>\
             <field var='FORM_TYPE' type='hidden'><value>urn:x</value></field>\
             <field type='fixed'><value>read me</value></field>\
             <field var='who'><required/></field>\
             <field var='how' type='list-single'><value>slow</value><option label='Slow'><value>slow</value></option>\
             <option><value>fast</value></option></field>",
        );
        assert_eq!((form.instructions.as_str(), form.fields.len()), ("a\nb", 4));
        let given = |name: &str| match name {
            "who" => Some(vec!["a<b".to_owned()]),
            "FORM_TYPE" => Some(vec!["urn:mallory".to_owned()]),
            _ => None,
        };
        assert_eq!(form.missing(&Answers::to(&form, |_| None)), Some("who"));
        let answers = Answers::to(&form, given);
        assert_eq!(form.missing(&answers), None);
        assert_eq!(format!("{answers:?}"), "Answers");
        let names: Vec<&str> = answers.values.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["FORM_TYPE", "who", "how"]);
        let sent = String::from(&submit(&answers));
        assert!(
            sent.contains("urn:x") && sent.contains("a&lt;b") && !sent.contains("mallory"),
            "{sent}"
        );
    }

    #[test]
    fn an_old_form_is_answered_in_its_own_words() {
        let query = "<query xmlns='jabber:iq:register'><instructions>x</instructions><nick/><password/><key>7</key></query>";
        let form = read_plain(&query.parse().unwrap());
        assert!(form.plain && form.fields.len() == 3);
        let answers = Answers::to(&form, |name| (name != "key").then(|| vec![format!("my {name}")]));
        let sent = String::from(&super::query("jabber:iq:register", &answers));
        for part in [
            "<nick>my nick</nick>",
            "<password>my password</password>",
            "<key>7</key>",
        ] {
            assert!(sent.contains(part), "{sent}");
        }
    }

    #[test]
    fn a_table_has_a_value_for_each_column() {
        let form = form(
            "<reported><field var='jid' label='Address'/><field var='nick'/></reported>\
             <item><field var='nick'><value>Bob</value></field><field var='jid'><value>bob@x</value></field></item>\
             <item><field var='other'><value>1</value></field></item>",
        );
        assert_eq!(
            form.rows,
            [vec!["bob@x".to_owned(), "Bob".to_owned()], vec![String::new(); 2]]
        );
    }

    #[test]
    fn a_form_without_end_is_cut_short() {
        let many = "<field var='a'/>".repeat(5_000);
        assert_eq!(form(&many).fields.len(), MOST_FIELDS);
        let long = format!(
            "<field var='a'><value>{}</value></field>",
            "x".repeat(LONGEST + 1)
        );
        assert_eq!(form(&long).fields[0].values, Vec::<String>::new());
        let odd = "<field/><field type='boolean'/><reported/><item/><field var='b' type='odd'/>";
        assert_eq!(form(odd).fields.len(), 1);
    }
}
