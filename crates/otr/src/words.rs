//! Fingerprints as words to read aloud, and back.
//! Must never name one fingerprint in two ways, nor accept words that were doubled, dropped or swapped.
//! Sources: the PGP word list (`words/english.rs`); for Arabic and Persian the names of the digits as Unicode
//! CLDR 42 spells them out (`rbnf`, rule set spellout, 2022; Unicode licence).
//!
//! English takes one word for each byte, twenty in all, of two and of three syllables by turns: a word that
//! was dropped or said twice is heard. For Arabic and Persian there is no published list that is free *and*
//! made to be told apart by ear: the lists that exist are translations for wallets in which most words have
//! a neighbour that differs in one letter. So these languages read numbers: ten groups of five decimal
//! digits, each group 16 bits, digit by digit.

mod english;

use std::fmt;

use crate::key::Fingerprint;

/// A language to read a fingerprint aloud in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Arabic: fifty digits.
    Arabic,
    /// English: twenty words.
    English,
    /// Persian: fifty digits.
    Persian,
}

/// Why words are not a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordsError {
    /// There are too few words, or too many.
    Count,
    /// The word at this place, from 0, belongs to another place: one before it is missing or doubled. For
    /// digits: the group that ends here is above 65535.
    Misplaced(usize),
    /// The word at this place, from 0, is not on the list.
    Unknown(usize),
}

/// Bytes of a fingerprint.
const BYTES: usize = 20;
/// Digits of one group of two bytes.
const GROUP: usize = 5;
/// Longest text in bytes that is read: fifty of the longest digits fit many times over.
const LONGEST: usize = 4096;

/// The digits 0 to 9 in Arabic.
const ARABIC: [&str; 10] = [
    "صفر",
    "واحد",
    "إثنان",
    "ثلاثة",
    "أربعة",
    "خمسة",
    "ستة",
    "سبعة",
    "ثمانية",
    "تسعة",
];
/// The digits 0 to 9 in Persian.
const PERSIAN: [&str; 10] = ["صفر", "یک", "دو", "سه", "چهار", "پنج", "شش", "هفت", "هشت", "نه"];

impl Language {
    /// How many words are read in one breath: a place to pause and to compare.
    pub const fn words_in_a_group(self) -> usize {
        match self {
            Self::Arabic | Self::Persian => GROUP,
            Self::English => 4,
        }
    }

    /// The names of the digits; `None` for a language with a word for each byte.
    const fn digits(self) -> Option<&'static [&'static str; 10]> {
        match self {
            Self::Arabic => Some(&ARABIC),
            Self::English => None,
            Self::Persian => Some(&PERSIAN),
        }
    }
}

/// The words of a fingerprint, in the order in which they are read: 20 in English, 50 in the others.
pub fn words(fingerprint: &Fingerprint, language: Language) -> Vec<&'static str> {
    match language.digits() {
        None => {
            let lists = [&english::TWO_SYLLABLES, &english::THREE_SYLLABLES];
            let bytes = fingerprint.as_bytes().iter().zip(lists.into_iter().cycle());
            bytes
                .filter_map(|(byte, list)| list.get(usize::from(*byte)).copied())
                .collect()
        }
        Some(names) => {
            let (pairs, _) = fingerprint.as_bytes().as_chunks::<2>();
            let digits = pairs.iter().flat_map(|pair| {
                let number = usize::from(u16::from_be_bytes(*pair));
                [10_000, 1_000, 100, 10, 1].map(|place| number / place % 10)
            });
            digits.filter_map(|digit| names.get(digit).copied()).collect()
        }
    }
}

/// Reads what [`words`] gave. Case does not matter; white space, commas, full stops and hyphens stand
/// between words. Digits may also be written as digits of any of the three scripts.
///
/// # Errors
/// [`WordsError`] with the place of the first word that is wrong.
pub fn parse_words(text: &str, language: Language) -> Result<Fingerprint, WordsError> {
    if text.len() > LONGEST {
        return Err(WordsError::Count);
    }
    let between = |letter: char| letter.is_whitespace() || ",.-،".contains(letter);
    let given = text.split(between).filter(|word| !word.is_empty());
    let bytes: Vec<u8> = match language.digits() {
        None => given
            .enumerate()
            .map(|(place, word)| byte(place, word))
            .collect::<Result<_, _>>()?,
        Some(names) => numbers(given, names)?,
    };
    let bytes: [u8; BYTES] = bytes.try_into().map_err(|_| WordsError::Count)?;
    Ok(Fingerprint::from_bytes(bytes))
}

/// The byte that an English word means at its place.
fn byte(place: usize, word: &str) -> Result<u8, WordsError> {
    let mut lists = [&english::TWO_SYLLABLES, &english::THREE_SYLLABLES];
    if place % 2 == 1 {
        lists.reverse();
    }
    let [right, wrong] = lists.map(|list| list.iter().position(|known| known.eq_ignore_ascii_case(word)));
    match (right.and_then(|index| u8::try_from(index).ok()), wrong) {
        (Some(byte), _) => Ok(byte),
        (None, Some(_)) => Err(WordsError::Misplaced(place)),
        (None, None) => Err(WordsError::Unknown(place)),
    }
}

/// The bytes that digits mean, in groups of five.
fn numbers<'a>(given: impl Iterator<Item = &'a str>, names: &[&str; 10]) -> Result<Vec<u8>, WordsError> {
    let mut digits: Vec<u32> = Vec::new();
    for word in given {
        match names.iter().position(|name| *name == word) {
            Some(digit) => digits.extend(u32::try_from(digit)),
            None => {
                let written: Option<Vec<u32>> = word.chars().map(written_digit).collect();
                digits.extend(written.ok_or(WordsError::Unknown(digits.len()))?);
            }
        }
    }
    let (groups, rest) = digits.as_chunks::<GROUP>();
    if !rest.is_empty() {
        return Err(WordsError::Count);
    }
    let mut bytes = Vec::with_capacity(BYTES);
    for (index, group) in groups.iter().enumerate() {
        let number = group.iter().fold(0, |number, digit| number * 10 + digit);
        let number = u16::try_from(number).map_err(|_| WordsError::Misplaced(index * GROUP + GROUP - 1))?;
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    Ok(bytes)
}

/// A digit in European, Arabic or Persian writing.
fn written_digit(letter: char) -> Option<u32> {
    let code = u32::from(letter);
    [0x30, 0x660, 0x6f0]
        .into_iter()
        .find_map(|zero: u32| code.checked_sub(zero).filter(|digit| *digit < 10))
}

impl fmt::Display for WordsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count => f.write_str("there are too few or too many words"),
            Self::Misplaced(place) => write!(f, "before word {} one is missing or doubled", place + 1),
            Self::Unknown(place) => write!(f, "word {} is not on the list", place + 1),
        }
    }
}

impl std::error::Error for WordsError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    use super::*;

    const ALL: [Language; 3] = [Language::Arabic, Language::English, Language::Persian];

    #[test]
    fn the_english_list_is_the_published_one() {
        let lists = [english::TWO_SYLLABLES, english::THREE_SYLLABLES].concat();
        let text: String = lists.iter().map(|word| format!("{word}\n")).collect();
        let sum: String = Sha256::digest(text)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            sum,
            "7e5237abee2c4ed4374b29a853b0ac3ac108a0ea11e8c7f50f6dc667402a49b6"
        );
    }

    #[test]
    fn no_two_words_of_a_list_are_alike() {
        let (two, three) = (&english::TWO_SYLLABLES[..], &english::THREE_SYLLABLES[..]);
        for list in [two, three, &ARABIC, &PERSIAN] {
            for (index, word) in list.iter().enumerate() {
                assert!(word.chars().all(char::is_alphabetic));
                for other in &list[..index] {
                    let least = if list.len() == 256 { 2 } else { 1 };
                    assert!(distance(word, other) >= least, "{word} {other}");
                }
            }
        }
        assert!(
            two.iter()
                .all(|word| !three.iter().any(|other| other.eq_ignore_ascii_case(word)))
        );
    }

    /// Letters to change, add or leave out to make one word of the other.
    fn distance(one: &str, other: &str) -> usize {
        let other: Vec<char> = other.to_lowercase().chars().collect();
        let mut row: Vec<usize> = (0..=other.len()).collect();
        for (i, letter) in one.to_lowercase().chars().enumerate() {
            let mut next = vec![i + 1];
            for (j, known) in other.iter().enumerate() {
                let changed = row[j] + usize::from(letter != *known);
                next.push(changed.min(row[j + 1] + 1).min(next[j] + 1));
            }
            row = next;
        }
        row[other.len()]
    }

    #[test]
    fn a_known_fingerprint_has_its_known_words() {
        // The example of the PGP word list: a fingerprint of PGP itself.
        let print = "E58294F2 E9A22748 6E8B061B 31CC528F D7FA3F19".parse().unwrap();
        let english = "topmost Istanbul Pluto vagabond treadmill Pacific brackish dictator goldfish Medusa \
                       afflict bravado chatter revolver Dupont midsummer stopwatch whimsical cowbell bottomless";
        assert_eq!(words(&print, Language::English).join(" "), english);
        assert_eq!(parse_words(&english.to_uppercase(), Language::English), Ok(print));
        let arabic = words(&print, Language::Arabic);
        assert_eq!(arabic.len(), 50);
        // 0xE582 is 58754.
        assert_eq!(arabic[..5], ["خمسة", "ثمانية", "سبعة", "خمسة", "أربعة"]);
    }

    #[test]
    fn digits_may_be_written_in_three_scripts() {
        let print = Fingerprint::from_bytes([0x30, 0x39].repeat(10).try_into().unwrap());
        for group in [
            "12345",
            "١٢٣٤٥",
            "۱۲۳۴۵",
            "1 2 3 4 5",
            "یک، دو، سه، چهار، پنج",
            "یک 2 ۳ ٤ پنج",
        ] {
            let text = [group].repeat(10).join(" - ");
            assert_eq!(parse_words(&text, Language::Persian), Ok(print), "{group}");
        }
    }

    #[test]
    fn words_dropped_doubled_or_unknown_are_told_by_their_place() {
        let print = Fingerprint::from_bytes(std::array::from_fn(|n| u8::try_from(n * 11).unwrap()));
        let good = words(&print, Language::English);
        let read = |words: &[&str]| parse_words(&words.join(" "), Language::English);
        for place in 0..19 {
            let mut dropped = good.clone();
            dropped.remove(place);
            assert_eq!(read(&dropped), Err(WordsError::Misplaced(place)));
            let mut doubled = good.clone();
            doubled.insert(place, good[place]);
            assert_eq!(read(&doubled), Err(WordsError::Misplaced(place + 1)));
            let mut swapped = good.clone();
            swapped.swap(place, place + 1);
            assert_eq!(read(&swapped), Err(WordsError::Misplaced(place)));
            let mut unknown = good.clone();
            unknown[place] = "otter";
            assert_eq!(read(&unknown), Err(WordsError::Unknown(place)));
        }
        assert_eq!(read(&good[..18]), Err(WordsError::Count));
        assert_eq!(
            parse_words(&"99999 ".repeat(10), Language::Arabic),
            Err(WordsError::Misplaced(4))
        );
        assert_eq!(
            parse_words("12345 99999", Language::Arabic),
            Err(WordsError::Misplaced(9))
        );
        assert_eq!(
            parse_words("1234:", Language::Arabic),
            Err(WordsError::Unknown(0))
        );
        assert_eq!(parse_words("1234", Language::Arabic), Err(WordsError::Count));
        assert_eq!(parse_words("", Language::Arabic), Err(WordsError::Count));
        let padded = |length: usize| format!("{:length$}", good.join(" "));
        assert_eq!(parse_words(&padded(LONGEST), Language::English), Ok(print));
        let too_long = parse_words(&padded(LONGEST + 1), Language::English);
        assert_eq!(too_long, Err(WordsError::Count));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn words_and_fingerprints_are_one_to_one(one in any::<[u8; 20]>(), other in any::<[u8; 20]>()) {
            for language in ALL {
                let said = words(&Fingerprint::from_bytes(one), language);
                prop_assert_eq!(parse_words(&said.join(" "), language), Ok(Fingerprint::from_bytes(one)));
                prop_assert_eq!(said == words(&Fingerprint::from_bytes(other), language), one == other);
            }
        }

        #[test]
        fn any_text_is_survived(text in any::<String>()) {
            for language in ALL {
                let _ = parse_words(&text, language);
            }
        }
    }
}
