//! Hostile texts, and texts of people who only write their language.
//! They must never take longer than a moment. Standard: UAX #9, UTS #51.

use std::time::{Duration, Instant};

use super::*;

fn shown(text: &str) -> String {
    message(text, false).text
}

fn is_safe(text: &str) -> bool {
    text.chars().all(|c| {
        (c == '\n' || !c.is_control())
            && !matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' | '\u{61C}')
    })
}

#[test]
fn ordinary_texts_stay_as_they_are() {
    for text in [
        "Hello, Bob!\nSecond line.",
        "می‌خواهم کتاب‌ها را ببینم",
        "مرحبا، كيف حالك؟ 123",
        "שלום עולם",
        "क्‍ष हिन्दी",
        "👨‍👩‍👧‍👦 🏳️‍🌈 👍🏽 1️⃣ ☎️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "e\u{301}cole Việt ё",
        "日本語テキスト",
        "a\u{a0}b",
    ] {
        let shown = message(text, false);
        assert_eq!((shown.text.as_str(), shown.altered), (text, false));
    }
}

#[test]
fn what_turns_text_around_is_written_out() {
    let turned = message("photo\u{202E}gpj.exe", false);
    assert_eq!(turned.text, "photo[U+202E]gpj.exe");
    assert!(turned.altered);
    assert_eq!(message(&"\u{202E}".repeat(10_000), false).text, "[U+202E ×10000]");
}

#[test]
fn marks_of_direction_are_left_out_of_messages() {
    assert_eq!(shown("a\u{200E}b\u{200F}c\u{61C}d"), "abcd");
}

#[test]
fn nul_and_other_controls_are_written_out() {
    assert_eq!(shown("a\0b\u{7}"), "a[U+0000]b[U+0007]");
    assert_eq!(shown("a\r\nb\rc\u{2028}d"), "a\nb\nc\nd");
}

#[test]
fn what_is_blank_is_written_out() {
    assert_eq!(
        shown("a\u{200B}\u{3164}\u{2800}\u{E000}\u{FEFF}"),
        "a[U+200B][U+3164][U+2800][U+E000][U+FEFF]"
    );
    assert_eq!(shown("pay\u{200C}pal \u{200D}x"), "pay[U+200C]pal [U+200D]x");
    assert_eq!(shown("\u{E0041}\u{E0042}"), "[U+E0041][U+E0042]");
}

#[test]
fn at_most_eight_marks_stand_on_one_character() {
    let zalgo = format!("a{}b", "\u{301}".repeat(10_000));
    let shown = message(&zalgo, false);
    assert_eq!(shown.text, format!("a{}b", "\u{301}".repeat(MAX_MARKS)));
    assert!(shown.altered);
    assert_eq!(message("\u{301}x", false).text, "\u{25CC}\u{301}x");
}

#[test]
fn a_long_text_is_cut_and_can_be_shown() {
    let long = "word ".repeat(10_000);
    let first = message(&long, false);
    assert_eq!((first.text.chars().count(), first.cut), (MAX_SHOWN_CHARS, true));
    let all = message(&long, true);
    assert_eq!((all.text.as_str(), all.cut), (long.as_str(), false));
    let lines = message(&"x\n".repeat(1_000), false);
    assert_eq!((lines.text.lines().count(), lines.cut), (MAX_LINES, true));
}

#[test]
fn one_line_is_one_line() {
    let shown = line("  a \n\t b  c\n\n", 100);
    assert_eq!(shown.text, "a b c");
    assert_eq!(line("abcdef", 3).text, "abc…");
    assert!(!line("a\u{202E}b", 100).text.contains('\u{202E}'));
}

#[test]
fn hostile_texts_take_a_moment_and_are_safe() {
    let texts = [
        "x".repeat(1024 * 1024),
        "\u{301}".repeat(10_000),
        "\u{202E}\u{2066}".repeat(100_000),
        "a\u{300}\u{489}\u{20DD}".repeat(100_000),
        "😀".repeat(500),
        "👨‍👩‍👧‍👦\u{200D}".repeat(100_000),
        "\0".repeat(1024 * 1024),
        "\n".repeat(1024 * 1024),
        "\u{E0041}".repeat(100_000),
        "ﷺ".repeat(100_000),
    ];
    let start = Instant::now();
    for text in &texts {
        for all in [false, true] {
            let shown = message(text, all);
            assert!(is_safe(&shown.text));
            assert!(shown.text.chars().count() <= MAX_ALL_CHARS + 32);
        }
        assert!(is_safe(&line(text, 60).text));
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn a_paste_has_no_controls_but_line_ends_and_tabs() {
    assert_eq!(pasted("a\0\u{202E}b\r\nc\td\u{200B}"), "ab\nc\td");
    assert_eq!(pasted("می‌خواهم 👨‍👩‍👧"), "می‌خواهم 👨‍👩‍👧");
}

#[test]
fn a_copy_is_the_original_without_nul() {
    assert_eq!(crate::text::copied("a\0\u{202E}b"), "a\u{202E}b");
}

proptest::proptest! {
    #[test]
    fn any_text_is_shown_safely(text in "\\PC*|[\u{0}-\u{10FFFF}]{0,200}") {
        let shown = message(&text, false);
        proptest::prop_assert!(is_safe(&shown.text));
        proptest::prop_assert!(!line(&text, 40).text.contains('\n'));
        // What is shown is fit to be shown.
        proptest::prop_assert_eq!(message(&shown.text, true).text, shown.text);
    }
}
