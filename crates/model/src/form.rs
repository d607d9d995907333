//! Forms that services want filled in, and tables that they answer with.
//! All texts in them are the words of others; what a form hides never comes up. XEP-0004.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Secret;

/// The answers to a form: the name of a field, and its values. Fields without an answer keep what was in them.
pub type Answers = BTreeMap<String, Vec<Secret>>;

/// A form to fill in, or the outcome of one. All texts are the words of others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Form {
    /// What it is called.
    pub title: Option<String>,
    /// What its maker says about it; empty: nothing.
    pub instructions: String,
    /// What it asks for, at most 200.
    pub fields: Vec<FormField>,
    /// The heads of a table, where it is one.
    pub columns: Vec<String>,
    /// The rows of that table, at most 1,000: a value for each column.
    pub rows: Vec<Vec<String>>,
}

/// One field of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FormField {
    /// Its name in the answers; empty: it wants none.
    pub name: String,
    /// What it is called; absent: its name has to do.
    pub label: Option<String>,
    /// What is said about it.
    pub description: Option<String>,
    /// What it takes.
    pub kind: FieldKind,
    /// Whether the form is refused without it.
    pub required: bool,
    /// What is in it already.
    pub values: Vec<String>,
    /// What can be chosen.
    pub options: Vec<FormOption>,
}

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FormOption {
    /// What it is called.
    pub label: String,
    /// What the answer is.
    pub value: String,
}

/// What a field takes (XEP-0004 section 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// Yes or no: `1` or `0`.
    Boolean,
    /// Nothing: it is a text to be read.
    Fixed,
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
