//! Which way a text runs, by its first strong character.
//! It must never look at more than [`LOOKED_AT`] characters. Standard: UAX #9, rules P2 and P3.

use unicode_bidi::BidiClass;

/// Characters that are looked at for a strong one.
const LOOKED_AT: usize = 1_000;

/// Whether the text runs from right to left. One without a strong character among the first 1,000 does not.
pub fn is_rtl(text: &str) -> bool {
    let mut depth = 0_u32;
    for character in text.chars().take(LOOKED_AT) {
        match unicode_bidi::bidi_class(character) {
            BidiClass::FSI | BidiClass::LRI | BidiClass::RLI => depth = depth.saturating_add(1),
            BidiClass::PDI => depth = depth.saturating_sub(1),
            BidiClass::L if depth == 0 => return false,
            BidiClass::AL | BidiClass::R if depth == 0 => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::is_rtl;

    #[test]
    fn the_first_strong_character_decides() {
        assert!(is_rtl("123 - سلام hello"));
        assert!(is_rtl("  😀 שלום"));
        assert!(!is_rtl("hello سلام"));
        assert!(!is_rtl("123 😀"));
        assert!(!is_rtl(""));
    }

    #[test]
    fn what_is_isolated_does_not_decide() {
        assert!(is_rtl("\u{2068}bob\u{2069} آمد"));
    }
}
