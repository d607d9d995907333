//! Names that others gave themselves, made fit to stand beside our own words.
//! It must never let a name through that could pass for what this program says about trust.
//! Standard: UAX #15 (NFKD), UTS #39 for the idea of a skeleton.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory as Category, UnicodeGeneralCategory};

use super::sanitise;
use crate::words;

/// Characters of a name that are shown.
pub const MAX_NAME_CHARS: usize = 48;
/// Characters of an address that are shown.
const MAX_ADDRESS_CHARS: usize = 256;

/// A name that can be shown. The address has to stand beside it wherever trust matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// What to show: the name, or the address where there is none or it tells what only this program may tell.
    pub text: String,
    /// Whether it runs from right to left.
    pub rtl: bool,
    /// Whether something was left out of it, or all of it.
    pub altered: bool,
}

/// The name of somebody with this address.
pub fn name(given: Option<&str>, address: &str) -> Name {
    let shown = sanitise::line(given.unwrap_or_default(), MAX_NAME_CHARS);
    let kept: String = shown.text.chars().filter(|c| !is_sign(*c)).collect();
    let kept = kept.trim();
    let altered = shown.altered || kept != shown.text;
    if kept.is_empty() || imitates(kept) {
        let text = self::address(address);
        return Name {
            rtl: super::is_rtl(&text),
            text,
            altered: altered || !kept.is_empty(),
        };
    }
    Name {
        text: kept.to_owned(),
        rtl: super::is_rtl(kept),
        altered,
    }
}

/// An address fit to be shown, on one line.
pub fn address(address: &str) -> String {
    sanitise::line(address, MAX_ADDRESS_CHARS).text
}

/// Signs that this program, or others, use for trust, presence or warnings: locks, keys, shields, ticks, crosses,
/// warnings, coloured dots, and what stands for emoji styles.
fn is_sign(character: char) -> bool {
    matches!(
        character,
        '\u{1F50F}'..='\u{1F513}'
            | '\u{1F5DD}'
            | '\u{1F6E1}'
            | '\u{1F6AB}'
            | '\u{1F6D1}'
            | '\u{1F7E0}'..='\u{1F7EB}'
            | '\u{1F534}'
            | '\u{1F535}'
            | '\u{1F197}'
            | '\u{1F5F8}'
            | '\u{1F5F4}'..='\u{1F5F9}'
            | '\u{2705}'
            | '\u{2713}'..='\u{2718}'
            | '\u{274C}'
            | '\u{274E}'
            | '\u{2753}'..='\u{2757}'
            | '\u{2610}'..='\u{2612}'
            | '\u{26A0}'
            | '\u{26D4}'
            | '\u{26AA}'
            | '\u{26AB}'
            | '\u{26BF}'
            | '\u{25C9}'
            | '\u{25CB}'
            | '\u{25CF}'
            | '\u{2B24}'
            | '\u{2022}'
            | '\u{221A}'
            | '\u{203C}'
            | '\u{2049}'
            | '\u{FE0E}'
            | '\u{FE0F}'
    )
}

/// Whether a name says something that only this program may say, in any of its languages.
fn imitates(name: &str) -> bool {
    let skeleton = skeleton(name);
    words::trust_words().iter().any(|word| skeleton.contains(word))
}

/// Letters alone, without marks, in lower case, with the commonest look-alikes of Latin letters put back.
pub(crate) fn skeleton(text: &str) -> String {
    text.nfkd()
        .take(1_000)
        .flat_map(char::to_lowercase)
        .map(plain)
        .filter(|c| c.is_alphanumeric() && !matches!(c.general_category(), Category::NonspacingMark))
        .collect()
}

fn plain(character: char) -> char {
    match character {
        'а' | 'ɑ' | 'α' | '@' => 'a',
        'в' | 'β' => 'b',
        'с' | 'ϲ' | 'ⅽ' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' | '3' | 'є' => 'e',
        'і' | 'ı' | 'ι' | '1' | '!' | '|' | 'ɩ' | 'ӏ' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'м' => 'm',
        'ո' => 'n',
        'о' | 'ο' | 'σ' | '0' | 'օ' => 'o',
        'р' | 'ρ' => 'p',
        'г' => 'r',
        'ѕ' | '5' | '$' => 's',
        'т' | 'τ' => 't',
        'у' | 'γ' => 'y',
        'ν' | 'ѵ' | 'υ' => 'v',
        'х' | 'χ' => 'x',
        'ي' | 'ى' | 'ی' => 'ی',
        'ك' | 'ک' => 'ک',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(given: &str) -> String {
        name(Some(given), "mallory@example.net").text
    }

    #[test]
    fn a_name_stays_as_it_is() {
        for given in ["Bob", "سارة", "Ólafur 🦦", "Анна", "O'Brien-Smith"] {
            assert_eq!(shown(given), given);
        }
        assert_eq!(name(None, "bob@example.org").text, "bob@example.org");
    }

    #[test]
    fn a_name_cannot_say_what_only_the_program_says() {
        for given in [
            "🔒 private, verified",
            "Bob (Verified)",
            "v e r i f i e d",
            "vérified",
            "vеrifiеd", // with Cyrillic letters
            "𝐯𝐞𝐫𝐢𝐟𝐢𝐞𝐝",
            "ver\u{200B}ified",
            "VER1F1ED",
            "N0T PR1VATE",
            "🔒",
            "   ",
            "\u{202E}",
        ] {
            let name = name(Some(given), "mallory@example.net");
            assert!(
                name.text == "mallory@example.net" || name.text.contains("[U+"),
                "{given:?} is shown as {:?}",
                name.text
            );
        }
        assert_eq!(shown("✅ Bob 🔐"), "Bob");
    }

    #[test]
    fn a_name_is_one_short_line() {
        assert_eq!(shown("a\nb\tc"), "a b c");
        assert!(shown(&"x".repeat(1_000_000)).chars().count() <= MAX_NAME_CHARS + 1);
        assert_eq!(shown("Bob\u{202E}evil"), "Bob[U+202E]evil");
    }
}
