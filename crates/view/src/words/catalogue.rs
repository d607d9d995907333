//! The catalogues, read from PO files that are part of the program.
//! It must never read a file at run time, nor fail: an entry that is not there is said in English.
//! Standard: <https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html>.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::language::Language;
use crate::stretch::stretch;

/// One entry: the forms of one sentence, in gettext's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// The English sentence, and its plural where it has one.
    pub(super) source: (String, String),
    /// The translation; in English empty.
    pub(super) forms: Vec<String>,
}

/// A language's entries by code.
pub(super) type Catalogue = BTreeMap<String, Entry>;

impl Entry {
    /// The form for a number.
    pub(super) fn form(&self, language: Language, number: u64) -> &str {
        let form = self.forms.get(language.form(language.plural(number)));
        let form = form.or(self.forms.first()).filter(|form| !form.is_empty());
        let english = if number == 1 || self.source.1.is_empty() {
            &self.source.0
        } else {
            &self.source.1
        };
        form.unwrap_or(english)
    }

    /// Whether every form that the language needs is there.
    pub(super) fn is_complete(&self, language: Language) -> bool {
        let needed = if self.source.1.is_empty() {
            1
        } else {
            language.forms()
        };
        self.forms.len() == needed && self.forms.iter().all(|form| !form.is_empty())
    }
}

/// The entry of a code; the English one where the language has none.
pub(super) fn find(language: Language, code: &str) -> Option<&'static Entry> {
    of(language)
        .get(code)
        .filter(|entry| entry.is_complete(language))
        .or_else(|| of(Language::English).get(code))
}

/// A language's catalogue.
pub(super) fn of(language: Language) -> &'static Catalogue {
    static READ: [OnceLock<Catalogue>; 8] = [const { OnceLock::new() }; 8];
    let (place, text) = match language {
        Language::Arabic => (&READ[0], include_str!("../../lang/ar.po")),
        Language::English => (&READ[1], include_str!("../../lang/en.po")),
        Language::French => (&READ[2], include_str!("../../lang/fr.po")),
        Language::German => (&READ[3], include_str!("../../lang/de.po")),
        Language::Persian => (&READ[4], include_str!("../../lang/fa.po")),
        Language::Russian => (&READ[5], include_str!("../../lang/ru.po")),
        Language::Spanish => (&READ[6], include_str!("../../lang/es.po")),
        Language::Pseudo => return READ[7].get_or_init(|| stretched(of(Language::English))),
    };
    place.get_or_init(|| parse(text))
}

/// The English sentences with longer words.
fn stretched(english: &Catalogue) -> Catalogue {
    let longer = |entry: &Entry| {
        let (one, more) = &entry.source;
        let forms = [one, more].into_iter().filter(|it| !it.is_empty());
        Entry {
            source: entry.source.clone(),
            forms: forms.map(|it| stretch(it)).collect(),
        }
    };
    let entries = english.iter();
    entries
        .map(|(code, entry)| (code.clone(), longer(entry)))
        .collect()
}

/// Which member of an entry the next quoted line continues.
#[derive(Clone, Copy)]
enum Member {
    Code,
    Form(usize),
    None,
    Plural,
    Source,
}

/// Reads a PO file. Lines that are not understood are left out; the tests refuse a file with one.
pub(super) fn parse(text: &str) -> Catalogue {
    let mut catalogue = Catalogue::new();
    let mut code = String::new();
    let mut entry = Entry::default();
    let mut member = Member::None;
    for line in text.lines().map(str::trim).chain([""]) {
        if line.is_empty() {
            let code = std::mem::take(&mut code);
            let entry = std::mem::take(&mut entry);
            if !code.is_empty() {
                catalogue.insert(code, entry);
            }
            member = Member::None;
            continue;
        }
        let quoted = match started(line) {
            Some((begun, rest)) => {
                member = begun;
                rest
            }
            None => line,
        };
        let Some(value) = unquoted(quoted) else { continue };
        match member {
            Member::Code => code.push_str(&value),
            Member::Form(index) => {
                // Arabic has the most forms: six.
                if index < 6 {
                    entry
                        .forms
                        .resize(entry.forms.len().max(index + 1), String::new());
                }
                if let Some(form) = entry.forms.get_mut(index) {
                    form.push_str(&value);
                }
            }
            Member::None => {}
            Member::Plural => entry.source.1.push_str(&value),
            Member::Source => entry.source.0.push_str(&value),
        }
    }
    catalogue
}

/// The member that a line begins, and the rest of the line.
fn started(line: &str) -> Option<(Member, &str)> {
    let (keyword, rest) = line.split_once(' ')?;
    let member = match keyword {
        "msgctxt" => Member::Code,
        "msgid" => Member::Source,
        "msgid_plural" => Member::Plural,
        "msgstr" => Member::Form(0),
        _ => {
            let index = keyword.strip_prefix("msgstr[")?.strip_suffix(']')?;
            Member::Form(index.parse().ok()?)
        }
    };
    Some((member, rest))
}

/// The text between two quotation marks, its escapes resolved.
pub(super) fn unquoted(text: &str) -> Option<String> {
    let inner = text.trim().strip_prefix('"')?.strip_suffix('"')?;
    let mut out = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match characters.next()? {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            other => out.push(other),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_with_plurals_escapes_and_lines_that_go_on() {
        let text = "# comment\nmsgid \"\"\nmsgstr \"Language: ru\\n\"\n\nmsgctxt \"a.b\"\nmsgid \"One \\\"x\\\"\"\n\
                    msgid_plural \"{count} x\"\nmsgstr[0] \"\"\n\"{count} икс\"\nmsgstr[1] \"{count} икса\"\n\
                    msgstr[2] \"{count} иксов\"\n";
        let catalogue = parse(text);
        let entry = &catalogue["a.b"];
        assert_eq!(entry.source, ("One \"x\"".to_owned(), "{count} x".to_owned()));
        assert_eq!(entry.form(Language::Russian, 21), "{count} икс");
        assert_eq!(entry.form(Language::Russian, 3), "{count} икса");
        assert_eq!(entry.form(Language::Russian, 11), "{count} иксов");
        assert!(entry.is_complete(Language::Russian));
        assert!(!entry.is_complete(Language::Arabic));
        assert_eq!(catalogue.len(), 1);
    }

    #[test]
    fn what_is_no_file_is_read_without_harm() {
        assert!(parse("msgctxt\nmsgstr[99999999] \"x\"\n\"\\\"\nmsgstr[x] \"\"").is_empty());
        assert_eq!(unquoted("\"a\\\""), None);
    }
}
