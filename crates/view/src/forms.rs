//! Forms and tables of services, as a person sees them: every word in them is somebody else's.
//! It must never show more of a form than fits on a page, nor a word that was not made harmless. Standard: XEP-0004.

use model::{Answers, FieldKind, Form, FormField, Gateway, Secret};

use crate::status::state_words;
use crate::text;
use crate::words::Words;

/// Characters of a label, and of an explanation.
const MAX_LABEL: usize = 120;
const MAX_SAID: usize = 1_000;

/// Fields, options of one field, and rows of a table that are shown.
const MAX_FIELDS: usize = 60;
const MAX_OPTIONS: usize = 100;
const MAX_ROWS: usize = 200;

/// What a field looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldLook {
    /// A box to tick.
    Box,
    /// Several lines.
    Lines,
    /// One of a list.
    OneOf,
    /// A text to be read.
    Read,
    /// A line that nobody should look at.
    Secret,
    /// Some of a list.
    SomeOf,
    /// A line.
    Text,
}

/// One field, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldRow {
    /// What it looks like.
    pub look: FieldLook,
    /// What it is called.
    pub label: String,
    /// What is said about it.
    pub hint: String,
    /// What stands in it: lines, or the text to be read.
    pub text: String,
    /// What can be chosen, and whether it is.
    pub options: Vec<(String, bool)>,
    /// Whether the form is refused without it.
    pub required: bool,
}

/// A form or a table, ready to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormPage {
    /// What it is called.
    pub title: String,
    /// What its maker says about it.
    pub said: String,
    /// Its fields. The place of one is its place in [`Form::fields`].
    pub fields: Vec<FieldRow>,
    /// The rows of a table: `head: value` for each value.
    pub rows: Vec<String>,
}

/// A gateway in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayRow {
    /// What it calls itself.
    pub name: String,
    /// Its address.
    pub address: String,
    /// How the owner's account there is doing; empty without one.
    pub state: String,
    /// What it said last.
    pub said: String,
    /// What its operator can read.
    pub label: String,
    /// Whether the owner has an account there.
    pub registered: bool,
}

/// A form of somebody's.
pub fn form_page(form: &Form) -> FormPage {
    let row = |row: &Vec<String>| {
        let heads = form
            .columns
            .iter()
            .map(String::as_str)
            .chain(std::iter::repeat(""));
        let told = row.iter().zip(heads).map(|(value, head)| {
            let (head, value) = (label(head), label(value));
            if head.is_empty() {
                value
            } else {
                format!("{head}: {value}")
            }
        });
        told.filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" · ")
    };
    FormPage {
        title: form.title.as_deref().map(label).unwrap_or_default(),
        said: text::line(&form.instructions, MAX_SAID).text,
        fields: form.fields.iter().take(MAX_FIELDS).map(field).collect(),
        rows: form.rows.iter().take(MAX_ROWS).map(row).collect(),
    }
}

fn field(field: &FormField) -> FieldRow {
    let look = match field.kind {
        FieldKind::Boolean => FieldLook::Box,
        FieldKind::Fixed => FieldLook::Read,
        FieldKind::JidMulti | FieldKind::TextMulti => FieldLook::Lines,
        FieldKind::ListMulti => FieldLook::SomeOf,
        FieldKind::ListSingle => FieldLook::OneOf,
        FieldKind::TextPrivate => FieldLook::Secret,
        FieldKind::JidSingle | FieldKind::TextSingle => FieldLook::Text,
    };
    let options = field.options.iter().take(MAX_OPTIONS);
    let values: Vec<String> = field
        .values
        .iter()
        .map(|it| text::line(it, MAX_SAID).text)
        .collect();
    FieldRow {
        look,
        label: label(field.label.as_deref().unwrap_or(&field.name)),
        hint: field
            .description
            .as_deref()
            .map(|it| text::line(it, MAX_SAID).text)
            .unwrap_or_default(),
        // A secret that its maker already knows is not shown back.
        text: if look == FieldLook::Secret {
            String::new()
        } else {
            values.join("\n")
        },
        options: options
            .map(|it| (label(&it.label), field.values.contains(&it.value)))
            .collect(),
        required: field.required,
    }
}

/// A name that somebody else gave; where that is empty, another word of theirs.
pub fn named(name: Option<&str>, other: &str) -> String {
    let name = name.map(label).filter(|it| !it.is_empty());
    name.unwrap_or_else(|| label(other))
}

fn label(said: &str) -> String {
    text::line(said, MAX_LABEL).text
}

/// Whether a box is ticked at first.
pub fn is_ticked(field: &FormField) -> bool {
    field.values.iter().any(|it| it == "1" || it == "true")
}

/// Writes down what was put into a field; what stays as it was is not sent.
pub fn answer(form: &Form, answers: &mut Answers, place: usize, values: Vec<String>) {
    let Some(field) = form.fields.get(place).filter(|it| !it.name.is_empty()) else {
        return;
    };
    answers.insert(field.name.clone(), values.into_iter().map(Secret::new).collect());
}

/// Writes down which options of a field were chosen, by their places.
pub fn choose(form: &Form, answers: &mut Answers, place: usize, chosen: &[usize]) {
    let Some(field) = form.fields.get(place) else {
        return;
    };
    let options = chosen.iter().filter_map(|at| field.options.get(*at));
    let values = options.map(|it| it.value.clone()).collect();
    answer(form, answers, place, values);
}

/// A gateway of a server.
pub fn gateway_row(gateway: &Gateway, words: &Words) -> GatewayRow {
    let address = text::address(gateway.address.as_str());
    let name = gateway.name.as_deref().map(label).filter(|it| !it.is_empty());
    GatewayRow {
        name: name.unwrap_or_else(|| address.clone()),
        address,
        state: if gateway.registered {
            state_words(&gateway.state, words).0
        } else {
            String::new()
        },
        said: gateway
            .said
            .as_deref()
            .map(|it| text::line(it, MAX_SAID).text)
            .unwrap_or_default(),
        label: words.problem(&gateway.label),
        registered: gateway.registered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::FormOption;

    fn field_of(kind: FieldKind, name: &str, values: &[&str]) -> FormField {
        FormField {
            name: name.to_owned(),
            label: None,
            description: None,
            kind,
            required: false,
            values: values.iter().map(|it| (*it).to_owned()).collect(),
            options: ["red", "blue"]
                .map(|it| FormOption {
                    label: it.to_uppercase(),
                    value: it.to_owned(),
                })
                .to_vec(),
        }
    }

    fn form_of(fields: Vec<FormField>) -> Form {
        Form {
            title: Some("Join\u{202E} us".to_owned()),
            instructions: "Say\nwho you are".to_owned(),
            fields,
            columns: vec!["Name".to_owned(), String::new()],
            rows: vec![vec!["Bob".to_owned(), "bob@example.org".to_owned()]],
        }
    }

    #[test]
    fn a_form_shows_its_makers_words_made_harmless() {
        let form = form_of(vec![
            field_of(FieldKind::TextPrivate, "password", &["known already"]),
            field_of(FieldKind::ListSingle, "colour", &["blue"]),
        ]);
        let page = form_page(&form);
        assert!(!page.title.contains('\u{202E}'), "{:?}", page.title);
        assert!(!page.said.contains('\n'));
        assert_eq!(page.rows, ["Name: Bob · bob@example.org"]);
        assert_eq!(
            (page.fields[0].look, page.fields[0].text.as_str()),
            (FieldLook::Secret, "")
        );
        assert_eq!(
            page.fields[1].options,
            [("RED".to_owned(), false), ("BLUE".to_owned(), true)]
        );
    }

    #[test]
    fn answers_go_by_the_names_and_values_of_the_form_and_never_beyond_it() {
        let form = form_of(vec![
            field_of(FieldKind::Fixed, "", &["read me"]),
            field_of(FieldKind::ListMulti, "colours", &[]),
        ]);
        let mut answers = Answers::new();
        answer(&form, &mut answers, 0, vec!["x".to_owned()]);
        answer(&form, &mut answers, 9, vec!["x".to_owned()]);
        choose(&form, &mut answers, 1, &[1, 7]);
        assert_eq!(answers.keys().collect::<Vec<_>>(), ["colours"]);
        assert_eq!(answers["colours"][0].expose(), "blue");
        assert_eq!(answers["colours"].len(), 1);
    }
}
