//! How a conversation is asked for: query messages and the whitespace tag.
//! Must never name the user, his language or his programs in what is sent.
//! Standard: OTR version 3, "OTR Query Messages" and "Tagged plaintext messages".

/// The query that we send: version 3 only and fixed English words, the same for everybody.
pub(crate) const QUERY: &str = "?OTRv3? This contact asks for a private conversation. Your program does not seem to speak Off-the-Record.";

/// The whitespace tag for version 3: the base and one version.
pub(crate) const TAG: &str = " \t  \t\t\t\t \t \t \t    \t\t  \t\t";

/// What every whitespace tag begins with.
const TAG_BASE: &str = " \t  \t\t\t\t \t \t \t  ";
/// The eight letters that offer version 3.
const TAG_VERSION_3: &str = "  \t\t  \t\t";

/// Whether `body` is a query; `Some(true)` if it offers version 3.
///
/// Only the start of a body counts: a query in the middle of a text is text.
pub(crate) fn query(body: &str) -> Option<bool> {
    let rest = body.strip_prefix("?OTR")?;
    let (first, rest) = match rest.strip_prefix('?') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    match rest.strip_prefix('v').and_then(|rest| rest.split_once('?')) {
        Some((versions, _)) if is_version_list(versions) => Some(versions.contains('3')),
        _ if first => Some(false),
        _ => None,
    }
}

/// Version identifiers are single letters or digits; anything else is prose.
fn is_version_list(versions: &str) -> bool {
    versions.len() <= 64 && versions.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A text without its whitespace tag, and whether the tag offered version 3.
pub(crate) fn strip_tag(body: &str) -> (String, bool) {
    let Some((before, mut after)) = body.split_once(TAG_BASE) else {
        return (body.to_owned(), false);
    };
    let mut offered = false;
    while let Some((group, rest)) = after.split_at_checked(8) {
        if !group.bytes().all(|byte| byte == b' ' || byte == b'\t') {
            break;
        }
        offered |= group == TAG_VERSION_3;
        after = rest;
    }
    (format!("{before}{after}"), offered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_recognised_in_all_their_forms() {
        for (body, offers) in [
            ("?OTRv3?", Some(true)),
            ("?OTRv23? please", Some(true)),
            ("?OTR?v3?", Some(true)),
            ("?OTRv33?", Some(true)),
            ("?OTRv34x?", Some(true)),
            ("?OTRv4?", Some(false)),
            ("?OTRv2?", Some(false)),
            ("?OTR?", Some(false)),
            ("?OTR?v2?", Some(false)),
            ("?OTR?v?", Some(false)),
            ("?OTRv?", Some(false)),
            ("?OTR? vary 3?", Some(false)),
            ("?OTRv3", None),
            ("?OTRv is 3?", None),
            ("?OTR", None),
            ("?OT", None),
            ("", None),
        ] {
            assert_eq!(query(body), offers, "{body}");
        }
    }

    #[test]
    fn a_query_in_the_middle_of_a_text_is_text() {
        assert_eq!(query("they sent ?OTRv3? and left"), None);
        assert_eq!(query(" ?OTRv3?"), None);
    }

    #[test]
    fn our_query_names_nobody_and_is_plain_ascii() {
        assert_eq!(query(QUERY), Some(true));
        assert!(QUERY.is_ascii());
    }

    #[test]
    fn the_whitespace_tag_is_found_anywhere_and_stripped() {
        assert_eq!(strip_tag(&format!("hello{TAG}")), ("hello".to_owned(), true));
        assert_eq!(strip_tag(&format!("{TAG}hello")), ("hello".to_owned(), true));
        assert_eq!(
            strip_tag(&format!("hel{TAG_BASE}  \t\t  \t {TAG_VERSION_3}lo")),
            ("hello".to_owned(), true)
        );
        assert_eq!(strip_tag(&format!("سل{TAG}ام")), ("سلام".to_owned(), true));
    }

    #[test]
    fn a_tag_without_version_three_offers_nothing() {
        assert_eq!(
            strip_tag(&format!("hello{TAG_BASE}")),
            ("hello".to_owned(), false)
        );
        assert_eq!(
            strip_tag(&format!("hello{TAG_BASE}  \t\t  \t ")),
            ("hello".to_owned(), false)
        );
        assert_eq!(
            strip_tag(&format!("a{TAG_BASE}éèéèéèéè")),
            ("aéèéèéèéè".to_owned(), false)
        );
        assert_eq!(strip_tag("no tag"), ("no tag".to_owned(), false));
    }
}
