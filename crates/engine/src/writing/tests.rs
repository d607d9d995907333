//! What is found in texts, what is left in peace, and how much of it is told.
//! Must never use a text that somebody really wrote. UAX #9, UTS #39.

use super::*;

fn found(text: &str) -> Vec<(String, String)> {
    let own = ["night-heron@example.org", "night-heron"].map(str::to_owned);
    let mut known = Names::default();
    known.add_address("paypal@example.org");
    known.add_address("caroline@example.net");
    let findings = check(text, &BTreeSet::from(own), &known).findings;
    findings.into_iter().map(|f| (f.kind, f.part)).collect()
}

fn parts(text: &str, kind: &str) -> Vec<String> {
    found(text)
        .into_iter()
        .map(|(k, part)| {
            assert_eq!(k, kind, "{text}");
            part
        })
        .collect()
}

#[test]
fn characters_that_nobody_sees_are_found_by_their_number() {
    assert_eq!(
        parts("a\u{200b}b\u{200b}c\u{feff}", "invisible"),
        ["U+200B", "U+FEFF"]
    );
    assert_eq!(
        parts("pay\u{ad}day \u{e0041}\u{0}", "invisible"),
        ["U+00AD", "U+E0041", "U+0000"]
    );
    assert_eq!(
        parts("a\u{202e}b\u{2066}c\u{200f}", "bidirectional"),
        ["U+202E", "U+2066", "U+200F"]
    );
}

#[test]
fn what_a_script_or_an_emoji_needs_is_left_in_peace() {
    for text in [
        "می\u{200c}خواهم",
        "क्\u{200d}ष",
        "👩\u{200d}👩\u{200d}👧 ❤\u{fe0f} 1\u{fe0f}\u{20e3}",
        "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
        "naïve café, Ёлка, سلام, 日本語カタカナ, 3D-печать, IP-адрес",
        "one\r\n\ttwo",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
    assert_eq!(parts("ab\u{200d}cd", "invisible"), ["U+200D"]);
}

#[test]
fn a_name_with_letters_of_another_script_is_a_look_alike() {
    assert_eq!(parts("write to pаypal!", "look_alike"), ["pаypal"]);
    assert_eq!(
        parts("carо1ine@example.net.", "look_alike"),
        ["carо1ine@example.net"]
    );
    assert_eq!(
        parts("ask paypa1 or car0line", "look_alike"),
        ["paypa1", "car0line"]
    );
    assert_eq!(parts("сагоІіпе", "look_alike"), Vec::<String>::new());
    assert_eq!(found("paypal Paypal caroline@example.net"), []);
}

#[test]
fn the_names_of_the_other_accounts_are_found_and_parts_of_words_are_not() {
    assert_eq!(
        parts("I am Night-Heron, night-heron@example.org.", "own_name"),
        ["Night-Heron", "night-heron@example.org"]
    );
    assert_eq!(found("nights heron nightheron"), []);
}

#[test]
fn paths_of_files_are_found_on_every_system() {
    for (text, path) in [
        ("see /home/nora/notes.txt.", "/home/nora/notes.txt"),
        ("(~/secret)", "~/secret"),
        ("at /srv/x/y", "/srv/x/y"),
        ("C:\\Users\\Nora\\x.doc", "C:\\Users\\Nora\\x.doc"),
        ("d:/work/a", "d:/work/a"),
        ("\\\\host\\share\\a", "\\\\host\\share\\a"),
        ("path=/Users/nora", "/Users/nora"),
        ("<file:///etc/passwd>", "file:///etc/passwd"),
        ("%APPDATA%\\x", "%APPDATA%\\x"),
    ] {
        assert_eq!(parts(text, "file_path"), [path], "{text}");
    }
    for text in [
        "/me waves",
        "and/or",
        "https://a.example/b/c/d",
        "1/2/3",
        "//",
        "/ /",
        "a: b",
        "s/x/y/",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn words_that_tell_the_time_zone_are_found() {
    for (text, zone) in [
        ("I live in Europe/Berlin.", "Europe/Berlin"),
        ("UTC+3", "UTC+3"),
        ("gmt-05:30 here", "gmt-05:30"),
        ("call at 14:05 CET", "CET"),
        ("2pm EST?", "EST"),
        ("9amPST", "9amPST"),
        ("2026-11-22T14:05:00+03:00", "2026-11-22T14:05:00+03:00"),
        ("14:05+0300", "14:05+0300"),
        ("it is 14:05 Local Time", "local time"),
        ("в 5 по Москве", "по москве"),
        ("ساعت به وقت تهران", "به وقت"),
    ] {
        assert_eq!(parts(text, "time_zone"), [zone], "{text}");
    }
    for text in [
        "at 14:05",
        "EAT MORE",
        "the WEST",
        "2-3",
        "a+b",
        "see you at 9",
        "Asia / Europe",
        "C++",
        "T-shirt",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn findings_come_in_the_order_of_the_text_and_no_more_than_thirty_two() {
    let kinds: Vec<String> = found("UTC+3 /home/a/b \u{200b} night-heron")
        .into_iter()
        .map(|(kind, _)| kind)
        .collect();
    assert_eq!(kinds, ["time_zone", "file_path", "invisible", "own_name"]);
    let many: String = (0..500).map(|n| format!("/home/u{n}/x ")).collect();
    let list = found(&many);
    assert_eq!(list.len(), MAX_FINDINGS);
    assert_eq!(list[0].1, "/home/u0/x");
    let long = format!("/home/{}/x", "é".repeat(500));
    assert_eq!(found(&long)[0].1.chars().count(), MAX_PART);
}

#[test]
fn the_skeleton_of_ascii_is_that_of_the_standard() {
    for byte in b' '..=b'~' {
        let c = char::from(byte).to_string();
        let standard: String = unicode_security::skeleton(&c)
            .flat_map(char::to_lowercase)
            .collect();
        let ours = skeleton(&c);
        assert_eq!(ours, standard, "{c:?}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_check_fail(text in ".{0,400}") {
        let _ = found(&text);
    }

    #[test]
    fn no_signs_make_the_check_fail(text in "[/\\\\:+@.~%T0-9a-zA-Zаое\u{200b}\u{202e} -]{0,200}") {
        let _ = found(&text);
    }
}
