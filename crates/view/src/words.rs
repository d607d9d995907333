//! Everything that this crate says to a person, in every language: sentences, numbers, dates.
//! It must never put a foreign text into a sentence without isolating it, nor say a code where a sentence is known.
//! Standard: gettext's PO files, `lang/*.po`, `msgctxt` being the code.

mod catalogue;
mod dates;
mod numbers;

use std::sync::LazyLock;

use model::Problem;

pub use dates::Zone;

use crate::language::Language;
use crate::text;

/// Characters of an engine's own sentence that are shown where the catalogue has none.
const MAX_PROBLEM_CHARS: usize = 600;

/// A language's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Words {
    language: Language,
    zone: Zone,
}

impl Words {
    /// The words of a language, with times told in UTC.
    pub fn new(language: Language) -> Self {
        Self {
            language,
            zone: Zone::default(),
        }
    }

    /// The same, with times told in a zone.
    #[must_use]
    pub fn in_zone(self, zone: Zone) -> Self {
        Self { zone, ..self }
    }

    /// Which language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The sentence of a key, in English where the language has none; empty where there is none at all.
    pub fn say(&self, key: &str) -> String {
        catalogue::find(self.language, key)
            .map(|entry| entry.form(self.language, 1).to_owned())
            .unwrap_or_default()
    }

    /// The sentence of a key; where there is none, another text on one line.
    pub(crate) fn say_or(&self, key: &str, other: &str) -> String {
        let said = self.say(key);
        if said.is_empty() {
            text::line(other, MAX_PROBLEM_CHARS).text
        } else {
            said
        }
    }

    /// The sentence of a key with `{name}` and the like filled in. Values are isolated, so that their direction does
    /// not reorder the sentence; they have to be sanitised before ([`crate::text`]).
    pub fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        let values: Vec<_> = values
            .iter()
            .map(|(name, value)| (*name, text::isolated(value)))
            .collect();
        filled(&self.say(key), &values)
    }

    /// The sentence of a key for a number, which stands at `{count}`.
    pub fn count(&self, key: &str, count: u64) -> String {
        let form = catalogue::find(self.language, key)
            .map(|entry| entry.form(self.language, count).to_owned())
            .unwrap_or_default();
        filled(&form, &[("count", self.number(count))])
    }

    /// That something came, for people who may stand beside the owner: who wrote is told only where a name is given.
    pub fn arrived(&self, name: Option<&str>) -> String {
        match name {
            Some(name) => self.fill("arrived.who", &[("name", name)]),
            None => self.say("arrived.something"),
        }
    }

    /// What went wrong and what can be done, as a sentence. Codes that the catalogue does not have are told in the
    /// engine's English.
    pub fn problem(&self, problem: &Problem) -> String {
        let sentence = self.say_or(&problem.code, &problem.text);
        if problem.about.is_empty()
            || !self.knows(&problem.code)
            || KEY_CODES.contains(&problem.code.as_str())
        {
            return sentence;
        }
        let about: Vec<String> = problem.about.iter().map(|it| text::isolated(it)).collect();
        format!("{sentence} ({})", about.join(", "))
    }

    /// Whether there is a sentence for a problem's code.
    pub fn knows(&self, code: &str) -> bool {
        catalogue::find(Language::English, code).is_some()
    }
}

/// Problems that are about keys of a server: those are shown where they can be compared, not in a sentence.
const KEY_CODES: [&str; 3] = ["tls.key_changed", "tls.keys_differ", "tls.untrusted"];

/// Puts values into the places of a sentence. A place without a value stays as it is.
fn filled(sentence: &str, values: &[(&str, String)]) -> String {
    let mut out = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        match values.iter().find(|(it, _)| *it == name) {
            Some((_, value)) => out.push_str(value),
            None => out.extend(["{", name, "}"]),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// What only this program may say about trust, in every language, as [`text`]'s skeletons: a name that holds one of
/// them is not shown.
pub(crate) fn trust_words() -> &'static [String] {
    static WORDS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let mut words: Vec<String> = Language::ALL
            .into_iter()
            .flat_map(|language| {
                let listed = Words::new(language).say("name.trust_words");
                listed.split(',').map(text::skeleton).collect::<Vec<_>>()
            })
            .filter(|word| !word.is_empty())
            .collect();
        words.sort();
        words.dedup();
        words
    });
    &WORDS
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
