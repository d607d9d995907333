//! The writing check: what a text would give away of its writer, looked at before it is sent.
//! It must never hold a text back, change it, keep it, or let it leave this process.
//! Unicode UAX #9 (direction), UTS #39 (look-alikes, `ContextJ` of joiners); RFC 8089 (file URIs); the tz database (zone names).

mod characters;
mod names;
mod places;
#[cfg(test)]
mod tests;
mod zones;

use std::collections::BTreeSet;

use model::{Finding, Findings};

pub(crate) use names::{Names, is_mixed, skeleton};

/// Findings of one text; more are not listed.
pub(crate) const MAX_FINDINGS: usize = 32;
/// Characters of a text that stand in a finding.
const MAX_PART: usize = 100;
/// Bytes of one piece between spaces that are looked at as a path, a zone or an address.
const MAX_PIECE: usize = 2_048;

/// What was found so far. The same thing found again is not listed twice.
#[derive(Default)]
struct Found {
    list: Vec<(usize, Finding)>,
    seen: BTreeSet<(&'static str, String)>,
}

impl Found {
    /// Something that begins at this byte of the text.
    fn add(&mut self, at: usize, kind: &'static str, part: &str) {
        let part = crate::text::beginning(part, MAX_PART);
        // Each of the five looks may find as many as fit, and the first in the text are kept.
        if self.list.len() < 5 * MAX_FINDINGS && self.seen.insert((kind, part.clone())) {
            let kind = kind.to_owned();
            self.list.push((at, Finding { kind, part }));
        }
    }
}

/// Looks at a text of at most [`model::MAX_TEXT_BYTES`]; about a tenth of a microsecond a byte.
///
/// `own` are the names of the writer's other accounts, `known` the names that others could be taken for.
/// The findings come in the order of the text, at most [`MAX_FINDINGS`].
pub(crate) fn check(text: &str, own: &BTreeSet<String>, known: &Names) -> Findings {
    let mut found = Found::default();
    characters::look(text, &mut found);
    zones::look(text, &mut found);
    for (at, piece) in pieces(text) {
        places::look(at, piece, &mut found);
        names::look(at, piece, (own, known), &mut found);
    }
    found.list.sort_by_key(|(at, _)| *at);
    let findings = found.list.into_iter().map(|(_, finding)| finding);
    Findings {
        findings: findings.take(MAX_FINDINGS).collect(),
    }
}

/// The parts between spaces with the byte at which each begins, without quotes and brackets round them.
fn pieces(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let start = text.as_ptr() as usize;
    text.split_whitespace().filter_map(move |piece| {
        let piece = piece.trim_matches([
            '"', '\'', '(', ')', '<', '>', '[', ']', ',', ';', '«', '»', '“', '”',
        ]);
        let at = piece.as_ptr() as usize - start;
        (!piece.is_empty() && piece.len() <= MAX_PIECE).then_some((at, piece))
    })
}
