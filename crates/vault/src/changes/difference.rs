//! The step from one JSON to the next, as the few pieces in which they differ.
//! It must never make anything else of the first than the second, whatever is in them.
//! Standards: none; the layout is in `changes.rs`.

use std::ops::Range;
use zeroize::Zeroizing;

/// Where the parts of a profile begin, in their order. Only how short a step is depends on them.
const PARTS: [&[u8]; 7] = [
    b"\"contacts\":[",
    b"\"outbox\":[",
    b"\"history\":[",
    b"\"history_key\":",
    b"\"next_id\":",
    b"\"settings\":{",
    b"\"rooms\":[",
];

/// A stretch of the old bytes that goes, and one of the new bytes that comes in its place.
type Piece = (Range<usize>, Range<usize>);

/// The step in exactly `length` bytes, or `None` if it takes more.
pub(super) fn between(old: &[u8], new: &[u8], length: usize) -> Option<Zeroizing<Vec<u8>>> {
    let pieces = pieces(old, new);
    let mut text = Zeroizing::new(Vec::with_capacity(length));
    let come: usize = pieces.iter().map(|(_, comes)| comes.len()).sum();
    if 4 + 12 * pieces.len() + come > length {
        return None;
    }
    text.extend_from_slice(&u32::try_from(pieces.len()).ok()?.to_le_bytes());
    for (goes, comes) in &pieces {
        for number in [goes.start, goes.len(), comes.len()] {
            text.extend_from_slice(&u32::try_from(number).ok()?.to_le_bytes());
        }
    }
    for (_, comes) in pieces {
        text.extend_from_slice(new.get(comes)?);
    }
    text.resize(length, 0);
    Some(text)
}

/// What a step makes of the bytes that it was made for, or `None` if it cannot be theirs.
pub(super) fn applied(old: &[u8], text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (count, rest) = number(text)?;
    let (pieces, mut come) = rest.split_at_checked(count.checked_mul(12)?)?;
    // As much as can come out, so that nothing is left behind by growing.
    let mut new = Zeroizing::new(Vec::with_capacity(old.len() + text.len()));
    let mut done = 0;
    for piece in pieces.chunks_exact(12) {
        let (at, piece) = number(piece)?;
        let (goes, piece) = number(piece)?;
        let (comes, _) = number(piece)?;
        new.extend_from_slice(old.get(done..at)?);
        let (bytes, others) = come.split_at_checked(comes)?;
        new.extend_from_slice(bytes);
        (done, come) = (at.checked_add(goes)?, others);
    }
    new.extend_from_slice(old.get(done..)?);
    Some(new)
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((usize::try_from(u32::from_le_bytes(*number)).ok()?, rest))
}

/// What differs, part by part.
fn pieces(old: &[u8], new: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    // All parts lie between what both begin and end with, or need not be looked at.
    let Some((goes, comes)) = piece((old, 0..old.len()), (new, 0..new.len())) else {
        return pieces;
    };
    let (mut old_at, mut new_at) = (goes.start, comes.start);
    for part in PARTS {
        let ends = (
            find(old, old_at..goes.end, part),
            find(new, new_at..comes.end, part),
        );
        if let (Some(old_end), Some(new_end)) = ends {
            pieces.extend(piece((old, old_at..old_end), (new, new_at..new_end)));
            (old_at, new_at) = (old_end, new_end);
        }
    }
    pieces.extend(piece((old, old_at..goes.end), (new, new_at..comes.end)));
    pieces
}

fn find(bytes: &[u8], within: Range<usize>, part: &[u8]) -> Option<usize> {
    let from = within.start;
    let rest = bytes.get(within)?;
    let at = rest.windows(part.len()).position(|window| window == part)?;
    Some(from + at)
}

/// The part without what both begin and end with; `None` if they are the same.
fn piece((old, goes): (&[u8], Range<usize>), (new, comes): (&[u8], Range<usize>)) -> Option<Piece> {
    let (before, after) = (old.get(goes.clone())?, new.get(comes.clone())?);
    let same = |(one, other): &(&u8, &u8)| one == other;
    let start = before.iter().zip(after).take_while(same).count();
    let (before_rest, after_rest) = (before.get(start..)?, after.get(start..)?);
    let ends = before_rest.iter().rev().zip(after_rest.iter().rev());
    let end = ends.take_while(same).count();
    let piece = (
        goes.start + start..goes.end - end,
        comes.start + start..comes.end - end,
    );
    (!piece.0.is_empty() || !piece.1.is_empty()).then_some(piece)
}
