//! Tests of the reader of property lists alone.
//! Must never weaken a check to make a test easier to write.
//! Standard: Apple's PropertyList-1.0 document type; XML 1.0.

use super::*;

fn list(value: &str) -> Result<Value, KeyFileError> {
    read(format!("<plist version=\"1.0\">{value}</plist>").as_bytes())
}

fn is_text(value: Option<&(Value, usize)>, expected: &str) -> bool {
    matches!(value, Some((Value::Text(text), _)) if text == expected)
}

#[test]
fn empty_elements_are_read_in_both_forms_and_lines_are_counted() {
    let Ok(Value::Dictionary(members)) = list(
        "<dict><key>a</key><array/>\n<key>b</key><dict/><key>c</key><string/>\n\n<key>d</key><string></string>\
         <key>e</key><array></array><key>f</key><dict></dict><key>g</key><true/><key>h</key><false/></dict>",
    ) else {
        panic!("a dictionary");
    };
    for name in ["a", "e"] {
        assert!(matches!(members.get(name), Some((Value::Array(items), _)) if items.is_empty()));
    }
    for name in ["b", "f"] {
        assert!(matches!(members.get(name), Some((Value::Dictionary(inner), _)) if inner.is_empty()));
    }
    for name in ["c", "d"] {
        assert!(is_text(members.get(name), ""));
    }
    for name in ["g", "h"] {
        assert!(matches!(members.get(name), Some((Value::Other, _))));
    }
    let lines = ["a", "b", "d"].map(|name| members.get(name).map(|(_, line)| *line));
    assert_eq!(lines, [Some(1), Some(2), Some(4)]);
}

#[test]
fn entities_and_numbers_are_resolved_and_others_refused() {
    let Ok(Value::Text(text)) = list("<string>&amp;&apos;&gt;&lt;&quot;&#65;&#x42;&#x1f9a6;</string>") else {
        panic!("a text");
    };
    assert_eq!(text, "&'><\"AB\u{1f9a6}");
    for bad in [
        "&#xd800;",
        "&#x110000;",
        "&#+5;",
        "&#x+5;",
        "&#;",
        "&nbsp;",
        "&amp",
        "&#0;",
        "&#5a;",
    ] {
        assert!(list(&format!("<string>{bad}</string>")).is_err(), "{bad}");
    }
}

#[test]
fn only_what_is_nested_counts_as_depth() {
    let nested = |depth: usize| "<array>".repeat(depth) + &"</array>".repeat(depth);
    assert!(list(&nested(DEEPEST + 1)).is_ok());
    assert!(list(&nested(DEEPEST + 2)).is_err());
    assert!(list(&format!("<array>{}</array>", nested(DEEPEST).repeat(20))).is_ok());
}
