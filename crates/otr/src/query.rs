//! How a conversation is asked for: query messages and the whitespace tag.
//! Must never name the user, his language or his programs in what is sent.
//! Standard: OTR versions 2 and 3, "OTR Query Messages" and "Tagged plaintext messages".

use crate::version::Version;

/// The fixed English words of the query that we send, the same for everybody.
const WORDS: &str =
    "This contact asks for a private conversation. Your program does not seem to speak Off-the-Record.";

/// What every whitespace tag begins with.
const TAG_BASE: &str = " \t  \t\t\t\t \t \t \t  ";
/// The eight letters that offer version 3.
const TAG_VERSION_3: &str = "  \t\t  \t\t";
/// The eight letters that offer version 2.
const TAG_VERSION_2: &str = "  \t\t  \t ";

/// The query that we send: it offers all versions from `oldest` on.
pub(crate) fn offer(oldest: Version) -> String {
    let versions = match oldest {
        Version::Two => "23",
        Version::Three => "3",
    };
    format!("?OTRv{versions}? {WORDS}")
}

/// The whitespace tag that we send: the base and all versions from `oldest` on.
pub(crate) fn tag(oldest: Version) -> String {
    let older = match oldest {
        Version::Two => TAG_VERSION_2,
        Version::Three => "",
    };
    format!("{TAG_BASE}{older}{TAG_VERSION_3}")
}

/// Whether `body` is a query, and the newest version in it that is not older than `oldest`.
///
/// Only the start of a body counts: a query in the middle of a text is text.
pub(crate) fn query(body: &str, oldest: Version) -> Option<Option<Version>> {
    let rest = body.strip_prefix("?OTR")?;
    let (first, rest) = match rest.strip_prefix('?') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    match rest.strip_prefix('v').and_then(|rest| rest.split_once('?')) {
        Some((versions, _)) if is_version_list(versions) => Some(newest(versions, oldest)),
        _ if first => Some(None),
        _ => None,
    }
}

/// Version identifiers are single letters or digits; anything else is prose.
fn is_version_list(versions: &str) -> bool {
    versions.len() <= 64 && versions.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn newest(versions: &str, oldest: Version) -> Option<Version> {
    let numbers = versions.chars().filter_map(|letter| letter.to_digit(10));
    let known = numbers.filter_map(|number| Version::from_number(u16::try_from(number).ok()?));
    known.filter(|version| *version >= oldest).max()
}

/// A text without its whitespace tag, and the newest version in the tag that is not older than `oldest`.
pub(crate) fn strip_tag(body: &str, oldest: Version) -> (String, Option<Version>) {
    let Some((before, mut after)) = body.split_once(TAG_BASE) else {
        return (body.to_owned(), None);
    };
    let mut offered = None;
    while let Some((group, rest)) = after.split_at_checked(8) {
        if !group.bytes().all(|byte| byte == b' ' || byte == b'\t') {
            break;
        }
        offered = offered.max(match group {
            TAG_VERSION_3 => Some(Version::Three),
            TAG_VERSION_2 => Some(Version::Two),
            _ => None,
        });
        after = rest;
    }
    let offered = offered.filter(|version| *version >= oldest);
    (format!("{before}{after}"), offered)
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: Option<Version> = Some(Version::Three);
    const TWO: Option<Version> = Some(Version::Two);

    #[test]
    fn queries_are_recognised_in_all_their_forms() {
        for (body, offers) in [
            ("?OTRv3?", Some(THREE)),
            ("?OTRv23? please", Some(THREE)),
            ("?OTR?v3?", Some(THREE)),
            ("?OTRv33?", Some(THREE)),
            ("?OTRv34x?", Some(THREE)),
            ("?OTRv4?", Some(None)),
            ("?OTRv2?", Some(None)),
            ("?OTR?", Some(None)),
            ("?OTR?v2?", Some(None)),
            ("?OTR?v?", Some(None)),
            ("?OTRv?", Some(None)),
            ("?OTR? vary 3?", Some(None)),
            ("?OTRv3", None),
            ("?OTRv is 3?", None),
            ("?OTR", None),
            ("?OT", None),
            ("", None),
        ] {
            assert_eq!(query(body, Version::Three), offers, "{body}");
        }
    }

    #[test]
    fn of_the_versions_in_a_query_the_newest_allowed_one_counts() {
        for (body, offers) in [
            ("?OTRv2?", TWO),
            ("?OTR?v2?", TWO),
            ("?OTRv23?", THREE),
            ("?OTRv32?", THREE),
            ("?OTRv124?", TWO),
            ("?OTR?", None),
            ("?OTRv1?", None),
            ("?OTRv4?", None),
        ] {
            assert_eq!(query(body, Version::Two), Some(offers), "{body}");
        }
        assert_eq!(query(&offer(Version::Two), Version::Two), Some(THREE));
        assert_eq!(
            query(&offer(Version::Two).replace('3', ""), Version::Two),
            Some(TWO)
        );
        assert_eq!(strip_tag(&tag(Version::Two), Version::Two).1, THREE);
        let older = format!("{TAG_BASE}{TAG_VERSION_2}");
        assert_eq!(strip_tag(&older, Version::Two), (String::new(), TWO));
    }

    #[test]
    fn a_query_in_the_middle_of_a_text_is_text() {
        assert_eq!(query("they sent ?OTRv3? and left", Version::Three), None);
        assert_eq!(query(" ?OTRv3?", Version::Three), None);
    }

    #[test]
    fn our_query_names_nobody_and_is_plain_ascii() {
        let ours = offer(Version::Three);
        assert_eq!(query(&ours, Version::Three), Some(THREE));
        assert!(ours.is_ascii() && ours.starts_with("?OTRv3? "));
    }

    #[test]
    fn the_whitespace_tag_is_found_anywhere_and_stripped() {
        let tag = tag(Version::Three);
        for (body, text) in [
            (format!("hello{tag}"), "hello"),
            (format!("{tag}hello"), "hello"),
            (format!("hel{TAG_BASE}{TAG_VERSION_2}{TAG_VERSION_3}lo"), "hello"),
            (format!("سل{tag}ام"), "سلام"),
        ] {
            assert_eq!(strip_tag(&body, Version::Three), (text.to_owned(), THREE));
        }
    }

    #[test]
    fn a_tag_without_version_three_offers_nothing() {
        for (body, text) in [
            (format!("hello{TAG_BASE}"), "hello"),
            (format!("hello{TAG_BASE}{TAG_VERSION_2}"), "hello"),
            (format!("a{TAG_BASE}éèéèéèéè"), "aéèéèéèéè"),
            ("no tag".to_owned(), "no tag"),
        ] {
            assert_eq!(strip_tag(&body, Version::Three), (text.to_owned(), None));
        }
    }
}
