//! The markup itself, read as text: what mirrors, what can be read, what can be translated.
//! It must never need a screen. Standard: WCAG 2.2, 1.4.3 and 1.4.11 for contrast.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Languages that must be complete.
const COMPLETE: [&str; 6] = ["ar", "de", "es", "fa", "fr", "ru"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn markup() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder("ui")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "slint") {
                found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(found.len() > 10);
    found
}

/// The elements that stand directly in the element whose brace opens at `start`: their texts.
fn children(text: &str, start: usize) -> Vec<&str> {
    let (mut depth, mut from, mut found) = (0, start + 1, Vec::new());
    for (at, letter) in text.char_indices().skip_while(|(at, _)| *at < start) {
        match letter {
            '{' if depth == 1 => {
                let opening = text[from..at].rsplit([';', '}']).next().unwrap();
                if opening
                    .split(':')
                    .next_back()
                    .is_some_and(|it| is_element(it.trim_start_matches('=').trim()))
                {
                    found.push(at);
                }
                depth += 1;
            }
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
                if depth == 1 {
                    from = at + 1;
                }
            }
            _ => (),
        }
    }
    found.iter().map(|at| &text[*at..end(text, *at)]).collect()
}

fn is_element(name: &str) -> bool {
    name.starts_with(|it: char| it.is_ascii_uppercase()) && name.chars().all(char::is_alphanumeric)
}

fn end(text: &str, start: usize) -> usize {
    let mut depth = 0;
    for (at, letter) in text[start..].char_indices() {
        depth += match letter {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        if depth == 0 {
            return start + at + 1;
        }
    }
    text.len()
}

#[test]
fn every_row_turns_round_with_the_language() {
    let mut wrong = Vec::new();
    for (file, text) in markup() {
        for (at, _) in text.match_indices("HorizontalLayout {") {
            let start = at + text[at..].find('{').unwrap();
            let children = children(&text, start);
            let still = children
                .iter()
                .filter(|child| !own_level(child).contains("layout-order:"))
                .count();
            if children.len() > 1 && still > 0 {
                let line = text[..at].lines().count();
                wrong.push(format!(
                    "{file}:{line}: {still} of {} do not turn",
                    children.len()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What stands in an element itself and not in its children.
fn own_level(element: &str) -> String {
    let mut depth = 0;
    element
        .chars()
        .filter(|letter| {
            depth += match letter {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            depth == 1
        })
        .collect()
}

#[test]
fn nothing_is_aligned_to_a_side_that_does_not_turn() {
    for (file, text) in markup() {
        for (number, line) in text.lines().enumerate() {
            let fixed =
                line.contains("horizontal-alignment: left") || line.contains("horizontal-alignment: right");
            let fixed = fixed || line.contains("alignment: start;") && line.contains("horizontal");
            assert!(!fixed, "{file}:{}: {line}", number + 1);
        }
    }
}

#[test]
fn colours_stand_in_one_file() {
    for (file, text) in markup() {
        if file.ends_with("ui.slint") {
            continue;
        }
        let literal = text
            .split(|it: char| !(it.is_ascii_alphanumeric() || it == '#'))
            .find(|word| {
                word.len() >= 4 && word.starts_with('#') && word[1..].chars().all(|it| it.is_ascii_hexdigit())
            });
        assert_eq!(literal, None, "{file}");
    }
}

/// The colours of the dark and of the light theme.
fn colours() -> BTreeMap<String, [[f64; 3]; 2]> {
    let text = fs::read_to_string(folder("ui/ui.slint")).unwrap();
    let mut found = BTreeMap::new();
    for line in text.lines() {
        let Some((name, value)) = line
            .trim()
            .strip_prefix("out property <color> ")
            .and_then(|it| it.split_once(": dark ? "))
        else {
            continue;
        };
        let pair: Vec<[f64; 3]> = value.trim_end_matches(';').split(" : ").map(rgb).collect();
        found.insert(name.to_owned(), [pair[0], pair[1]]);
    }
    assert!(found.len() > 20);
    found
}

fn rgb(hex: &str) -> [f64; 3] {
    let part = |at: usize| f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
    [part(1), part(3), part(5)]
}

/// WCAG 2.2, "contrast ratio".
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let linear = |it: f64| {
        if it <= 0.04045 {
            it / 12.92
        } else {
            ((it + 0.055) / 1.055).powf(2.4)
        }
    };
    let light = |it: [f64; 3]| 0.2126 * linear(it[0]) + 0.7152 * linear(it[1]) + 0.0722 * linear(it[2]);
    let (one, other) = (light(one), light(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn writing_can_be_read_on_every_ground_in_both_themes() {
    let colours = colours();
    let grounds = ["paper", "surface", "own", "hover", "chosen"];
    let mut pairs: Vec<(&str, &str, f64)> = Vec::new();
    for ground in grounds {
        for ink in ["ink", "muted", "accent", "danger"] {
            pairs.push((ink, ground, 4.5));
        }
    }
    for ground in ["paper", "surface", "own"] {
        pairs.extend([
            ("verified", ground, 4.5),
            ("private", ground, 4.5),
            ("edge", ground, 3.0),
        ]);
    }
    pairs.extend([
        ("on-accent", "accent", 4.5),
        ("on-accent", "accent-hover", 4.5),
        ("on-danger", "danger", 4.5),
        ("verified", "verified-ground", 4.5),
        ("private", "private-ground", 4.5),
        ("danger", "danger-ground", 4.5),
        ("ink", "private-ground", 4.5),
        ("muted", "private-ground", 4.5),
        ("ink", "danger-ground", 4.5),
        ("muted", "pressed", 4.5),
    ]);
    let mut poor = Vec::new();
    for (ink, ground, least) in pairs {
        for theme in 0..2 {
            let ratio = contrast(colours[ink][theme], colours[ground][theme]);
            if ratio < least {
                poor.push(format!(
                    "{ink} on {ground}, {}: {ratio:.2}",
                    ["dark", "light"][theme]
                ));
            }
        }
    }
    assert!(poor.is_empty(), "{poor:#?}");
}

/// Every string of the markup that is to be translated.
fn strings() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, text) in markup() {
        for (at, _) in text.match_indices("@tr(\"") {
            let rest = &text[at + 5..];
            let end = rest
                .match_indices('"')
                .find(|(it, _)| !rest[..*it].ends_with('\\'))
                .unwrap()
                .0;
            found.insert(rest[..end].to_owned());
        }
    }
    found
}

/// The strings that a catalogue translates.
fn translated(language: &str) -> BTreeSet<String> {
    let file = folder("lang").join(language).join("LC_MESSAGES/window.po");
    let text = fs::read_to_string(file).unwrap();
    let mut found = BTreeSet::new();
    for entry in text.split("\n\n").skip(1) {
        let id = entry
            .lines()
            .find_map(|line| line.strip_prefix("msgid \"")?.strip_suffix('"'));
        let empty = entry
            .lines()
            .any(|line| line.starts_with("msgstr") && line.ends_with(" \"\""));
        if let (Some(id), false) = (id, empty) {
            found.insert(id.to_owned());
        }
    }
    found
}

#[test]
fn no_string_is_missing_in_a_complete_language() {
    let strings = strings();
    for language in ["ar", "de", "es", "fa", "fr", "ru"] {
        let translated = translated(language);
        let missing: Vec<_> = strings.difference(&translated).collect();
        let idle: Vec<_> = translated.difference(&strings).collect();
        println!(
            "{language}: {} of {} missing: {missing:#?}",
            missing.len(),
            strings.len()
        );
        assert!(
            idle.is_empty(),
            "{language} translates what nobody says: {idle:#?}"
        );
        assert!(
            missing.is_empty() || !COMPLETE.contains(&language),
            "{language}: {missing:#?}"
        );
    }
}
