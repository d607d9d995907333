//! The languages of the window: direction, digits, plural forms.
//! It must never ask the system for its language: that is the window's to do, and nothing of it leaves the window.
//! Standard: CLDR 46 plural rules (cardinal), <https://www.unicode.org/cldr/charts/46/supplemental/language_plural_rules.html>.

/// A language that the window speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// Arabic.
    Arabic,
    /// English, the source of the others.
    #[default]
    English,
    /// French.
    French,
    /// German.
    German,
    /// Persian (Farsi).
    Persian,
    /// English with longer words, by which texts are found that do not fit. Not offered to anybody: in no list.
    Pseudo,
    /// Russian.
    Russian,
    /// Spanish.
    Spanish,
}

/// A class of numbers that take the same form of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plural {
    /// Arabic: 3 to 10, and the same at the end of larger ones. Russian: 2 to 4, likewise.
    Few,
    /// Arabic: 11 to 99, likewise. Russian: 0, 5 to 20, likewise. French and Spanish: whole millions.
    Many,
    /// One; in French and Persian also zero; in Russian 21, 31 and so on too.
    One,
    /// All others.
    Other,
    /// Two, in Arabic.
    Two,
    /// Zero, in Arabic.
    Zero,
}

impl Language {
    /// Every language that people are offered, in the order of their own names' alphabets: Latin, Cyrillic, Arabic.
    pub const ALL: [Self; 7] = [
        Self::German,
        Self::English,
        Self::Spanish,
        Self::French,
        Self::Russian,
        Self::Arabic,
        Self::Persian,
    ];

    /// Its tag (BCP 47), as in names of folders: `ar`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Arabic => "ar",
            Self::English => "en",
            Self::French => "fr",
            Self::German => "de",
            Self::Persian => "fa",
            Self::Pseudo => "qps",
            Self::Russian => "ru",
            Self::Spanish => "es",
        }
    }

    /// What its speakers call it.
    pub fn own_name(self) -> &'static str {
        match self {
            Self::Arabic => "العربية",
            Self::English => "English",
            Self::French => "Français",
            Self::German => "Deutsch",
            Self::Persian => "فارسی",
            Self::Pseudo => "[Éénglíísh]",
            Self::Russian => "Русский",
            Self::Spanish => "Español",
        }
    }

    /// The language of a tag or of a locale's name: `fa`, `fa-IR`, `fa_IR.UTF-8`. `None` where there is none for it.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let first = tag.split(['-', '_', '.', '@']).next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .chain([Self::Pseudo])
            .find(|language| language.tag().eq_ignore_ascii_case(first))
    }

    /// Whether it is written from right to left.
    pub fn is_rtl(self) -> bool {
        matches!(self, Self::Arabic | Self::Persian)
    }

    /// The class of a whole number.
    pub fn plural(self, number: u64) -> Plural {
        let (tens, hundreds) = (number % 10, number % 100);
        match self {
            Self::Arabic => match (number, hundreds) {
                (0, _) => Plural::Zero,
                (1, _) => Plural::One,
                (2, _) => Plural::Two,
                (_, 3..=10) => Plural::Few,
                (_, 11..=99) => Plural::Many,
                _ => Plural::Other,
            },
            Self::English | Self::German | Self::Pseudo => one(number == 1),
            Self::French => match number {
                0 | 1 => Plural::One,
                _ => millions(number),
            },
            Self::Persian => one(number <= 1),
            Self::Russian => match (tens, hundreds) {
                (1, 0..=10 | 12..=99) => Plural::One,
                (2..=4, 0..=11 | 15..=99) => Plural::Few,
                _ => Plural::Many,
            },
            Self::Spanish => match number {
                1 => Plural::One,
                _ => millions(number),
            },
        }
    }

    /// Which form of a translation is for a class: `msgstr[n]` in the catalogues, in gettext's order.
    pub(crate) fn form(self, plural: Plural) -> usize {
        match (self, plural) {
            (Self::Arabic, Plural::Zero) => 0,
            (Self::Arabic, Plural::One) => 1,
            (Self::Arabic, Plural::Two) => 2,
            (Self::Arabic, Plural::Few) => 3,
            (Self::Arabic, Plural::Many) => 4,
            (Self::Arabic, Plural::Other) => 5,
            (_, Plural::One) => 0,
            (Self::Russian, Plural::Few) => 1,
            (Self::Russian, _) => 2,
            _ => 1,
        }
    }

    /// How many forms its translations have.
    pub(crate) fn forms(self) -> usize {
        match self {
            Self::Arabic => 6,
            Self::Russian => 3,
            _ => 2,
        }
    }
}

fn one(is_one: bool) -> Plural {
    if is_one { Plural::One } else { Plural::Other }
}

fn millions(number: u64) -> Plural {
    if number != 0 && number.is_multiple_of(1_000_000) {
        Plural::Many
    } else {
        Plural::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(language: Language, numbers: &[u64], plural: Plural) {
        for number in numbers {
            assert_eq!(language.plural(*number), plural, "{language:?} {number}");
        }
    }

    #[test]
    fn plurals_are_those_of_the_standards_samples() {
        of(Language::Arabic, &[0], Plural::Zero);
        of(Language::Arabic, &[1], Plural::One);
        of(Language::Arabic, &[2], Plural::Two);
        of(Language::Arabic, &[3, 10, 103, 110, 1003], Plural::Few);
        of(Language::Arabic, &[11, 26, 111, 1011], Plural::Many);
        of(Language::Arabic, &[100, 102, 200, 202, 1_000_000], Plural::Other);
        of(Language::Russian, &[1, 21, 31, 101, 1001], Plural::One);
        of(Language::Russian, &[2, 4, 22, 24, 102, 1002], Plural::Few);
        of(
            Language::Russian,
            &[0, 5, 11, 12, 14, 19, 100, 111, 112],
            Plural::Many,
        );
        of(Language::French, &[0, 1], Plural::One);
        of(Language::French, &[2, 17, 100_000], Plural::Other);
        of(Language::French, &[1_000_000], Plural::Many);
        of(Language::Persian, &[0, 1], Plural::One);
        of(Language::Persian, &[2, 100], Plural::Other);
        of(Language::Spanish, &[1], Plural::One);
        of(Language::Spanish, &[0, 2, 16], Plural::Other);
        of(Language::German, &[0, 2, 16], Plural::Other);
        of(Language::English, &[1], Plural::One);
    }

    #[test]
    fn a_locale_of_the_system_leads_to_its_language() {
        assert_eq!(Language::from_tag("fa_IR.UTF-8"), Some(Language::Persian));
        assert_eq!(Language::from_tag("de-AT"), Some(Language::German));
        assert_eq!(Language::from_tag("C"), None);
        for language in Language::ALL {
            assert_eq!(Language::from_tag(language.tag()), Some(language));
        }
    }
}
