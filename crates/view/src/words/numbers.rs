//! Numbers as a language writes them: its digits, its separators, its units.
//! It must never be used for what people compare digit by digit: fingerprints stay in ASCII.
//! Standard: CLDR 46, `numbers` (default numbering systems: Arabic `arab`, Persian `arabext`).

use super::Words;
use crate::language::Language;

impl Words {
    /// A whole number, with separators between thousands.
    pub fn number(&self, number: u64) -> String {
        let plain = number.to_string();
        let separator = match self.language() {
            Language::Arabic | Language::Persian => '٬',
            Language::English | Language::Pseudo => ',',
            Language::French => '\u{202F}',
            Language::Russian => '\u{A0}',
            Language::German | Language::Spanish => '.',
        };
        // Spanish groups only from five digits on.
        let grouped = number >= 10_000 || (number >= 1_000 && self.language() != Language::Spanish);
        let mut out = String::with_capacity(plain.len() * 2);
        for (index, digit) in plain.chars().enumerate() {
            let left = plain.len() - index;
            if grouped && index > 0 && left.is_multiple_of(3) {
                out.push(separator);
            }
            out.push(digit);
        }
        self.digits(&out)
    }

    /// A number for a small badge: more than 99 is "99+".
    pub fn badge(&self, number: u32) -> String {
        if number > 99 {
            format!("{}+", self.digits("99"))
        } else {
            self.digits(&number.to_string())
        }
    }

    /// Parts of a hundred.
    pub fn percent(&self, percent: u8) -> String {
        let number = self.digits(&percent.min(100).to_string());
        match self.language() {
            Language::Arabic | Language::Persian => format!("{number}٪"),
            Language::English | Language::Pseudo => format!("{number}%"),
            Language::French => format!("{number}\u{202F}%"),
            _ => format!("{number}\u{A0}%"),
        }
    }

    /// A size in bytes, KB (1,000 bytes), MB or GB, with one digit after the mark where it is below ten.
    pub fn size(&self, bytes: u64) -> String {
        const UNITS: [(u64, &str); 3] = [
            (1_000_000_000, "unit.gigabytes"),
            (1_000_000, "unit.megabytes"),
            (1_000, "unit.kilobytes"),
        ];
        for (unit, key) in UNITS {
            // What would be rounded up to the next unit is told in the next unit.
            if bytes < unit - unit / 2_000 {
                continue;
            }
            let tenths = bytes.saturating_add(unit / 20) / (unit / 10);
            let number = if tenths < 100 && !tenths.is_multiple_of(10) {
                let mark = if self.language() == Language::English {
                    '.'
                } else {
                    self.mark()
                };
                format!("{}{mark}{}", self.number(tenths / 10), self.number(tenths % 10))
            } else {
                self.number(tenths.saturating_add(5) / 10)
            };
            return super::filled(&self.say(key), &[("count", number)]);
        }
        self.count("unit.bytes", bytes)
    }

    /// A length of time: the largest unit alone, rounded down.
    pub fn duration(&self, seconds: u64) -> String {
        match seconds {
            0..=59 => self.count("unit.seconds", seconds),
            60..=3_599 => self.count("unit.minutes", seconds / 60),
            3_600..=86_399 => self.count("unit.hours", seconds / 3_600),
            _ => self.count("unit.days", seconds / 86_400),
        }
    }

    /// The same text with its ASCII digits in the language's own.
    pub(super) fn digits(&self, text: &str) -> String {
        let zero = match self.language() {
            Language::Arabic => '٠',
            Language::Persian => '۰',
            _ => return text.to_owned(),
        };
        let own = |c: char| {
            c.to_digit(10)
                .and_then(|digit| char::from_u32(u32::from(zero) + digit))
        };
        text.chars().map(|c| own(c).unwrap_or(c)).collect()
    }

    fn mark(&self) -> char {
        match self.language() {
            Language::Arabic | Language::Persian => '٫',
            _ => ',',
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(language: Language) -> Words {
        Words::new(language)
    }

    #[test]
    fn thousands_are_told_apart_as_the_language_does() {
        assert_eq!(words(Language::English).number(1_234_567), "1,234,567");
        assert_eq!(words(Language::German).number(1_234), "1.234");
        assert_eq!(words(Language::Spanish).number(1_234), "1234");
        assert_eq!(words(Language::Spanish).number(12_345), "12.345");
        assert_eq!(words(Language::Arabic).number(1_234), "١٬٢٣٤");
        assert_eq!(words(Language::Persian).number(45), "۴۵");
        assert_eq!(words(Language::English).number(0), "0");
        assert_eq!(words(Language::English).number(u64::MAX).len(), 26);
    }

    #[test]
    fn sizes_and_lengths_of_time_are_short() {
        let english = words(Language::English);
        assert_eq!(english.size(1), "1 byte");
        assert_eq!(english.size(999), "999 bytes");
        assert_eq!(english.size(1_500), "1.5 KB");
        assert_eq!(english.size(64_000), "64 KB");
        assert_eq!(english.size(999_999), "1 MB");
        assert_eq!(english.size(9_960_000), "10 MB");
        assert_eq!(english.duration(59), "59 seconds");
        assert_eq!(english.duration(7_300), "2 hours");
        assert_eq!(english.badge(100), "99+");
        assert_eq!(words(Language::Persian).percent(42), "۴۲٪");
        assert!(!english.size(u64::MAX).is_empty());
    }
}
