//! OTR messages found in a capture, whatever stands around them.
//! Must never hold more of a message in pieces than there is of the capture.
//! Standard: OTR version 3, "Encoded messages", "Fragmentation", "OTR Query Messages", "OTR Error Messages".

use std::collections::BTreeMap;

use super::message::{Content, open};
use super::{MOST_MESSAGES, Message, TranscriptError};
use crate::query::query;
use crate::version::Version;
use crate::wire::disarm;

/// What a message of OTR begins with.
const OPENING: &str = "?OTR";
/// Messages in pieces that are followed at once; the oldest gives way.
const MOST_PARTIAL: usize = 64;
/// Most letters of a question that name versions.
const LONGEST_VERSIONS: usize = 80;

/// A message of which some pieces have come.
struct Partial {
    count: u16,
    next: u16,
    text: String,
}

/// Reads all messages of a capture.
pub(super) fn messages(capture: &[u8]) -> Result<Vec<Message>, TranscriptError> {
    let mut found = Vec::new();
    let mut partials = BTreeMap::new();
    for (line, bytes) in (1..).zip(capture.split(|byte| *byte == b'\n')) {
        let text = String::from_utf8_lossy(bytes);
        let mut rest = &*text;
        while let Some((_, after)) = rest.split_once(OPENING) {
            let (content, left) = message(after, &mut partials);
            rest = left;
            let Some(content) = content else { continue };
            if found.len() == MOST_MESSAGES {
                return Err(TranscriptError::TooManyMessages);
            }
            found.push(Message { content, line });
        }
    }
    Ok(found)
}

/// The message behind an opening, and what stands behind it; `None` for a piece, or for talk about OTR.
fn message<'a>(
    after: &'a str,
    partials: &mut BTreeMap<(String, String), Partial>,
) -> (Option<Content>, &'a str) {
    match after.as_bytes().first() {
        Some(b':') => {
            let (armoured, rest) = armoured(after);
            (Some(armoured.map_or(Content::Unreadable, binary)), rest)
        }
        Some(b'|' | b',') => {
            let (piece, rest) = fragment(after);
            let whole = piece.and_then(|piece| add(piece, partials));
            (whole.map(binary), rest)
        }
        Some(b' ') => match after.strip_prefix(" Error:") {
            Some(text) => (Some(Content::Error(text.trim().to_owned())), ""),
            None => (None, after),
        },
        // In a conversation only the start of a body counts; a capture does not show where bodies start.
        Some(b'?' | b'v') if is_query(after) => {
            let text = format!("{OPENING}{}", after.trim_end());
            (Some(Content::Query(text)), "")
        }
        _ => (None, after),
    }
}

/// Whether a question begins here; no more of the line is looked at than a question needs.
fn is_query(after: &str) -> bool {
    let start: String = OPENING
        .chars()
        .chain(after.chars().take(LONGEST_VERSIONS))
        .collect();
    query(&start, Version::Two).is_some()
}

/// The armoured message behind an opening, if it is whole, and what stands behind it.
fn armoured(after: &str) -> (Option<String>, &str) {
    let body = after.strip_prefix(':').unwrap_or(after);
    let digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    let length = body.bytes().take_while(|byte| digit(byte)).count();
    let (digits, rest) = body.split_at_checked(length).unwrap_or((body, ""));
    match rest.strip_prefix('.') {
        Some(rest) => (Some(format!("{OPENING}:{digits}.")), rest),
        None => (None, rest),
    }
}

fn binary(armoured: String) -> Content {
    disarm(&armoured)
        .and_then(|bytes| open(&bytes))
        .unwrap_or(Content::Unreadable)
}

/// A piece: whose it is, its number, how many there are, and its text.
struct Piece<'a> {
    route: (String, String),
    number: u16,
    count: u16,
    text: &'a str,
}

/// Reads `|sender|receiver,k,n,piece,` of version 3, or `,k,n,piece,` of version 2.
fn fragment(after: &str) -> (Option<Piece<'_>>, &str) {
    let mut parts = after.splitn(5, ',');
    let mut part = || parts.next().unwrap_or_default();
    let (route, number, count, text, rest) = (part(), part(), part(), part(), part());
    let mut tags = route.split('|').skip(1).map(str::to_owned);
    let route = (tags.next().unwrap_or_default(), tags.next().unwrap_or_default());
    let piece = match (number.parse(), count.parse()) {
        (Ok(number), Ok(count)) if number > 0 && number <= count => Some(Piece {
            route,
            number,
            count,
            text,
        }),
        _ => None,
    };
    (piece, rest)
}

/// Takes a piece; answers the whole message once it is there.
fn add(piece: Piece<'_>, partials: &mut BTreeMap<(String, String), Partial>) -> Option<String> {
    if piece.number == 1 {
        if partials.len() == MOST_PARTIAL {
            partials.pop_first();
        }
        let partial = Partial {
            count: piece.count,
            next: 1,
            text: String::new(),
        };
        partials.insert(piece.route.clone(), partial);
    }
    let partial = partials.get_mut(&piece.route)?;
    if partial.count != piece.count || partial.next != piece.number {
        partials.remove(&piece.route);
        return None;
    }
    partial.text.push_str(piece.text);
    partial.next = partial.next.saturating_add(1);
    if piece.number < piece.count {
        return None;
    }
    partials.remove(&piece.route).map(|partial| partial.text)
}
