//! The catalogues against the program: every code has a sentence, every sentence its places.
//! They must never pass because a file could not be read. Standard: gettext's PO files.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;

/// Languages whose translation is finished: a missing string is an error there.
const FINISHED: &[Language] = &Language::ALL;

fn places(text: &str) -> BTreeSet<&str> {
    text.split('{')
        .skip(1)
        .filter_map(|it| it.split_once('}'))
        .map(|it| it.0)
        .collect()
}

#[test]
fn every_finished_language_has_every_string() {
    for language in FINISHED {
        let missing: Vec<_> = catalogue::of(Language::English)
            .keys()
            .filter(|code| {
                *language != Language::English
                    && catalogue::of(*language)
                        .get(*code)
                        .is_none_or(|it| !it.is_complete(*language))
            })
            .collect();
        assert!(missing.is_empty(), "{}.po misses {missing:#?}", language.tag());
    }
}

#[test]
fn every_translation_belongs_to_a_sentence_and_has_its_places() {
    for language in Language::ALL {
        for (code, entry) in catalogue::of(language) {
            let english = &catalogue::of(Language::English).get(code);
            let english = english.unwrap_or_else(|| panic!("{}.po: {code} is no code", language.tag()));
            assert_eq!(
                english.source,
                entry.source,
                "{}.po: {code} has another source",
                language.tag()
            );
            let wanted = places(&entry.source.0);
            for form in entry.forms.iter().filter(|form| !form.is_empty()) {
                let has = places(form);
                let missing: Vec<_> = wanted.difference(&has).collect();
                // A form for one or two may say the number in words.
                let only_count = missing == [&"count"] && !entry.source.1.is_empty();
                assert!(
                    missing.is_empty() || only_count,
                    "{}.po: {code} misses {missing:?}",
                    language.tag()
                );
                assert!(
                    has.difference(&wanted).all(|it| *it == "count"),
                    "{}.po: {code}",
                    language.tag()
                );
            }
        }
    }
}

#[test]
fn every_file_is_whole_and_clean() {
    for language in Language::ALL {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("lang/{}.po", language.tag()));
        let text = std::fs::read_to_string(path).unwrap();
        let codes: Vec<_> = text
            .lines()
            .filter_map(|it| it.strip_prefix("msgctxt "))
            .collect();
        assert_eq!(
            codes.len(),
            catalogue::of(language).len(),
            "{}.po: a code stands twice",
            language.tag()
        );
        for line in text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let quoted = line.find('"').and_then(|at| line.get(at..));
            assert!(
                quoted.and_then(catalogue::unquoted).is_some(),
                "{}.po: {line}",
                language.tag()
            );
        }
        let bidi = |c: char| matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\0');
        assert!(
            !text.contains(bidi),
            "{}.po holds a bidirectional control",
            language.tag()
        );
    }
}

/// Codes and keys that a source file names: quoted texts of lower case, digits, `_`, `-` and dots.
fn quoted(source: &str) -> BTreeSet<&str> {
    source
        .split("#[cfg(test)]")
        .next()
        .unwrap_or_default()
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split('"').skip(1).step_by(2))
        .collect()
}

fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for item in std::fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        let name = path.display().to_string();
        if path.is_dir() {
            if !name.ends_with("tests") {
                sources(&path, found);
            }
        } else if name.ends_with(".rs") && !name.contains("tests") && !name.contains("testing") {
            found.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
}

fn crate_sources(name: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(name)
            .join("src"),
        &mut found,
    );
    assert!(!found.is_empty(), "{name} has no source");
    found
}

fn is_code(text: &str) -> bool {
    let groups = [
        "account",
        "bridge",
        "check",
        "history",
        "contact",
        "conversation",
        "door",
        "engine",
        "fingerprint",
        "gate",
        "key",
        "message",
        "otter",
        "policy",
        "probe",
        "profile",
        "room",
        "tls",
        "tor",
        "vault",
        "verification",
        "walls",
        "window",
    ];
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.');
    text.split_once('.')
        .is_some_and(|(group, rest)| groups.contains(&group) && !rest.is_empty() && rest.chars().all(plain))
}

#[test]
fn every_code_that_a_room_can_send_has_a_sentence() {
    let methods: BTreeSet<_> = model::Command::METHODS.iter().map(|method| method.name).collect();
    let mut missing = BTreeSet::new();
    let mut seen = 0;
    for name in [
        "dial", "door", "engine", "gate", "model", "otter", "vault", "walls",
    ] {
        for (file, text) in crate_sources(name) {
            for code in quoted(&text)
                .into_iter()
                .filter(|it| is_code(it) && !methods.contains(it))
            {
                seen += 1;
                // Names of files look like codes.
                let is_file = code == "gate.lock"
                    || code.ends_with(".otter")
                    || code.ends_with(".index")
                    || code.ends_with(".new")
                    || code.ends_with(".old");
                if !is_file && !Words::default().knows(code) {
                    missing.insert(format!("{code} ({file})"));
                }
            }
        }
    }
    assert!(seen > 80, "hardly any code was found: has their form changed?");
    assert!(missing.is_empty(), "lang/en.po misses {missing:#?}");
}

#[test]
fn every_reason_for_which_a_session_ends_has_a_sentence() {
    let (_, text) = crate_sources("xmpp")
        .into_iter()
        .find(|(name, _)| name.ends_with("src/error.rs"))
        .expect("the reasons stand there");
    let mut seen = 0;
    for function in text.split("fn code(self)").skip(1) {
        for code in quoted(function.split("\n    }\n").next().unwrap_or_default()) {
            seen += 1;
            assert!(Words::default().knows(code), "lang/en.po misses {code}");
        }
    }
    assert!(seen > 25, "hardly any code was found: has their form changed?");
}

#[test]
fn every_key_that_this_crate_says_is_there() {
    let groups = [
        "account_state",
        "date",
        "day",
        "delivery",
        "emoji",
        "header",
        "line",
        "list",
        "month",
        "name",
        "notice",
        "presence",
        "keys",
        "row",
        "verify",
        "strength",
        "tor_phase",
        "tor_short",
        "trust",
        "unit",
    ];
    let mut seen = 0;
    for (file, text) in crate_sources("view") {
        for key in quoted(&text) {
            let Some((group, rest)) = key.split_once('.') else {
                continue;
            };
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.');
            if groups.contains(&group) && rest.chars().all(plain) {
                seen += 1;
                assert!(Words::default().knows(key), "{file}: lang/en.po misses {key}");
            }
        }
    }
    assert!(seen > 60, "hardly any key was found: has their form changed?");
}

#[test]
fn a_foreign_name_cannot_reorder_a_sentence() {
    let said = Words::default().fill("line.finished", &[("name", "سارة {count}")]);
    assert!(said.contains("\u{2068}سارة {count}\u{2069}"), "{said}");
}

#[test]
fn places_without_a_value_and_lone_braces_stay() {
    assert_eq!(filled("{a} {b} {", &[("a", "{b}".to_owned())]), "{b} {b} {");
}

#[test]
fn an_unknown_code_is_told_in_the_engines_words_and_bounded() {
    let problem = Problem::new("x.y", "Something\n\u{202E}happened. ".repeat(1_000));
    let said = Words::default().problem(&problem);
    assert!(said.starts_with("Something [U+202E]happened."));
    assert!(said.chars().count() <= MAX_PROBLEM_CHARS + 32);
}

#[test]
fn the_words_of_trust_are_in_the_list_that_names_may_not_hold() {
    for language in Language::ALL {
        for trust in crate::Trust::ALL {
            // Starting and having ended promise nothing.
            if matches!(trust, crate::Trust::Private | crate::Trust::Verified) {
                let said = text::skeleton(&trust.words(&Words::new(language)));
                assert!(
                    trust_words().iter().any(|word| said.contains(word)),
                    "{language:?}: {said}"
                );
            }
        }
    }
}
