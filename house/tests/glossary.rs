//! The words of the window: one thing has one name in each language.
//! It must never judge a sentence by more than the stems of `docs/glossary.md`. Standard: that page.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a page or a catalogue that cannot be read ends the test"
)]

use std::fs;
use std::path::PathBuf;

const LANGUAGES: [&str; 6] = ["ar", "fa", "fr", "es", "ru", "de"];

fn read(path: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::read_to_string(root.join(path)).unwrap()
}

/// The English words, each with its stems in the order of [`LANGUAGES`].
fn words() -> Vec<(String, Vec<Vec<String>>)> {
    let page = read("docs/glossary.md");
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains('['));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let stems = |cell: &str| {
            let inside = cell.split_once('[').unwrap().1.trim_end_matches(']');
            inside.split(',').map(|stem| stem.trim().to_lowercase()).collect()
        };
        (
            cells[1].to_owned(),
            cells[3..9].iter().map(|cell| stems(cell)).collect(),
        )
    })
    .collect()
}

/// What stands between the quotes of a line that begins with a keyword.
fn quoted<'a>(line: &'a str, keyword: &str) -> Option<&'a str> {
    line.strip_prefix(keyword)?.split_once('"')?.1.strip_suffix('"')
}

/// English sentences with all forms of their translation.
fn sentences(catalogue: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in catalogue.lines() {
        if let Some(english) = quoted(line, "msgid ") {
            found.push((english.to_lowercase(), String::new()));
        } else if let (Some(said), Some(last)) = (quoted(line, "msgstr"), found.last_mut()) {
            last.1.push_str(&said.to_lowercase());
            last.1.push(' ');
        }
    }
    found
}

/// Whether a sentence has a word, or a word made from it ("verified", "keys").
fn has(sentence: &str, word: &str) -> bool {
    let stem = word.trim_end_matches('y');
    let starts = sentence
        .match_indices(stem)
        .filter_map(|(at, _)| sentence.get(..at));
    let mut whole = starts.filter(|before| !before.ends_with(char::is_alphanumeric));
    match word {
        "key" => sentence
            .split(|c: char| !c.is_alphanumeric())
            .any(|it| it == "key" || it == "keys"),
        _ => whole.next().is_some(),
    }
}

/// Keys of a keyboard have another name.
fn is_of_the_keyboard(sentence: &str) -> bool {
    ["enter key", "f1 shows", "keyboard", "shortcut"]
        .iter()
        .any(|it| sentence.contains(it))
}

#[test]
fn every_translation_uses_the_words_of_the_glossary() {
    let words = words();
    assert_eq!(words.len(), 8, "the table was not read");
    let mut wrong = Vec::new();
    for (at, language) in LANGUAGES.iter().enumerate() {
        let catalogues = [
            format!("crates/view/lang/{language}.po"),
            format!("crates/window/lang/{language}/LC_MESSAGES/window.po"),
        ];
        for (english, said) in catalogues.iter().flat_map(|path| sentences(&read(path))) {
            for (word, stems) in &words {
                // A list of words is no sentence.
                let sentence = english.contains(' ') && !said.trim().is_empty();
                let asked = sentence && has(&english, word) && !is_of_the_keyboard(&english);
                if asked && !stems[at].iter().any(|stem| said.contains(stem)) {
                    wrong.push(format!("{language}, {word}: {english:?}: {said}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
