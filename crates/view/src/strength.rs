//! How strong a passphrase is, in words.
//! It must never keep or send the passphrase. The estimate makes copies in memory that are not wiped, as the field in
//! which it was typed does. Standard: zxcvbn (Wheeler, USENIX Security 2016).

use zeroize::Zeroizing;

use crate::Words;

/// Characters that are looked at: what is longer is at least as strong.
const LOOKED_AT: usize = 100;

/// How strong a passphrase is against somebody who has the profile's file. Argon2id makes each guess slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// There is none.
    Empty,
    /// Fewer than ten million guesses.
    Weak,
    /// Fewer than ten thousand million guesses.
    Fair,
    /// Fewer than 10^15 guesses.
    Good,
    /// More.
    Strong,
}

impl Strength {
    /// The strength of a passphrase. Takes a few milliseconds; `known` are words that a guesser knows (names,
    /// addresses), of which the first ten count.
    pub fn of(passphrase: &str, known: &[&str]) -> Self {
        if passphrase.is_empty() {
            return Self::Empty;
        }
        let looked_at: Zeroizing<String> = Zeroizing::new(passphrase.chars().take(LOOKED_AT).collect());
        let known: Vec<&str> = known.iter().take(10).copied().collect();
        match zxcvbn::zxcvbn(&looked_at, &known).guesses() {
            0..=9_999_999 => Self::Weak,
            10_000_000..=9_999_999_999 => Self::Fair,
            10_000_000_000..=999_999_999_999_999 => Self::Good,
            _ => Self::Strong,
        }
    }

    /// From 0 to 4, for a bar of four parts.
    pub fn level(self) -> u8 {
        match self {
            Self::Empty => 0,
            Self::Weak => 1,
            Self::Fair => 2,
            Self::Good => 3,
            Self::Strong => 4,
        }
    }

    /// The same in words.
    pub fn words(self, words: &Words) -> String {
        words.say(match self {
            Self::Empty => "strength.empty",
            Self::Weak => "strength.weak",
            Self::Fair => "strength.fair",
            Self::Good => "strength.good",
            Self::Strong => "strength.strong",
        })
    }

    /// What makes it stronger; empty where it is strong enough.
    pub fn advice(self, words: &Words) -> String {
        if self >= Self::Good {
            String::new()
        } else {
            words.say("strength.advice")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn guessable_passphrases_are_weak_and_unrelated_words_are_not() {
        assert_eq!(Strength::of("", &[]), Strength::Empty);
        for weak in ["password", "qwerty123", "alice1990", "aaaaaaaaaaaaaaaa"] {
            assert_eq!(Strength::of(weak, &[]), Strength::Weak, "{weak}");
        }
        assert!(Strength::of("correct horse battery staple", &[]) >= Strength::Good);
        assert!(Strength::of("زرافه بلند روی کوه نشسته است", &[]) >= Strength::Good);
        assert!(Strength::of("wonderland.alice", &["wonderland.alice"]) <= Strength::Weak);
    }

    #[test]
    fn a_very_long_passphrase_takes_a_moment() {
        let start = Instant::now();
        for text in [
            "x1".repeat(500_000),
            "password".repeat(10_000),
            "سلام".repeat(1_000),
        ] {
            Strength::of(&text, &["سلام"]);
        }
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    }
}
