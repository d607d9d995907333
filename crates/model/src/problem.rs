//! What went wrong, as a code for programs and a sentence for people.
//! It must never carry a secret, a message's text or a stack trace.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that went wrong and what a person can do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// Stable, dotted and lower case, e.g. `account.wrong_password`. Programs match on this.
    pub code: String,
    /// One or two sentences in English for a person. May change between versions.
    pub text: String,
    /// What the sentence is about, piece by piece, where a code alone does not say it: places that were tried, keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub about: Vec<String>,
}

impl Problem {
    /// A problem with its code and its sentence.
    pub fn new(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            text: text.into(),
            about: Vec::new(),
        }
    }

    /// The same problem with what it is about.
    #[must_use]
    pub fn with(self, about: Vec<String>) -> Self {
        Self { about, ..self }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.text, self.code)
    }
}

impl std::error::Error for Problem {}
