//! Tests of the reader of JSON alone.
//! Must never weaken a check to make a test easier to write.
//! Standard: RFC 8259, sections 2, 7 and 9.

use super::*;

fn text(file: &str) -> Result<String, KeyFileErrorKind> {
    let mut json = Json::new(file.as_bytes()).unwrap();
    json.text().map_err(|error| error.kind)
}

#[test]
fn every_escape_is_the_character_that_it_stands_for() {
    let file = r#""\"\\\/\b\f\n\r\t \u0041\u00E9\u20ac\ud83e\udda6\uDBFF\uDFFF""#;
    let expected = "\"\\/\u{8}\u{c}\n\r\t Aé€\u{1f9a6}\u{10ffff}";
    assert_eq!(text(file).as_deref(), Ok(expected));
}

#[test]
fn halves_of_characters_and_other_escapes_are_refused() {
    for bad in [
        r"\ud83e",
        r"\ud83ex",
        r"\ud83e\n",
        r"\ud83e\u0041",
        r"\ud83e\ud83e",
        r"\ud83e\ue000",
        r"\udda6",
        r"\u12g4",
        r"\u+123",
        r"\u12",
        r"\x41",
        "\n",
    ] {
        assert_eq!(
            text(&format!("\"{bad}\"")),
            Err(KeyFileErrorKind::Syntax),
            "{bad}"
        );
    }
}

#[test]
fn nothing_may_follow_the_value_but_white_space() {
    for (file, whole) in [("{} \r\n\t", true), ("{} {}", false), ("{},", false)] {
        let mut json = Json::new(file.as_bytes()).unwrap();
        json.pass().unwrap();
        assert_eq!(json.end().is_ok(), whole, "{file}");
    }
}

#[test]
fn only_what_is_nested_counts_as_depth() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let pass = |file: &str| Json::new(file.as_bytes()).unwrap().pass();
    let siblings = format!("[{}]", vec![nested(DEEPEST - 1); 40].join(","));
    assert_eq!(pass(&siblings), Ok(()));
    assert_eq!(pass(&nested(DEEPEST)), Ok(()));
    assert!(pass(&nested(DEEPEST + 1)).is_err());
}
