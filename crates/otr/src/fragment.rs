//! Messages in pieces, for networks that carry only short ones.
//! Must never hold more memory for pieces than its limits say, nor take a piece of a piece.
//! Standard: OTR version 3, "Fragmentation"; OTR version 2, the same.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use crate::config::Limits;
use crate::error::Error;
use crate::version::Route;

/// What every piece begins with.
pub(crate) const OPENING: &str = "?OTR|";
/// What every piece of version 2 begins with.
pub(crate) const OPENING_2: &str = "?OTR,";
/// Bytes around a piece: `?OTR|xxxxxxxx|xxxxxxxx,kkkkk,nnnnn,` and the comma at its end.
const FRAME: usize = 36;
/// The same for version 2: `?OTR,kkkkk,nnnnn,` and the comma at its end.
const FRAME_2: usize = 18;

/// One received piece.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fragment<'a> {
    pub(crate) route: Route,
    number: u16,
    count: u16,
    piece: &'a str,
}

impl Fragment<'_> {
    /// Whose pieces belong together; 0 for the one client that speaks version 2.
    fn sender(&self) -> u32 {
        match self.route {
            Route::Two => 0,
            Route::Three { sender, .. } => sender,
        }
    }
}

/// Cuts an armoured message into bodies of at most `limit` bytes.
///
/// # Errors
/// [`Error::MessageTooLarge`] if more than 65,535 pieces would be needed.
pub(crate) fn split(body: String, route: Route, limit: NonZeroUsize) -> Result<Vec<String>, Error> {
    if body.len() <= limit.get() {
        return Ok(vec![body]);
    }
    let (opening, frame) = match route {
        Route::Two => (OPENING_2.to_owned(), FRAME_2),
        Route::Three { sender, receiver } => (format!("{OPENING}{sender:08x}|{receiver:08x},"), FRAME),
    };
    let room = limit
        .get()
        .checked_sub(frame)
        .filter(|room| *room > 0)
        .ok_or(Error::MessageTooLarge)?;
    let count = u16::try_from(body.len().div_ceil(room)).map_err(|_| Error::MessageTooLarge)?;
    let mut rest = body.as_str();
    let mut pieces = Vec::with_capacity(usize::from(count));
    for number in 1..=count {
        // Armoured messages are ASCII, so every place is between two letters.
        let (piece, after) = rest.split_at_checked(room).unwrap_or((rest, ""));
        pieces.push(format!("{opening}{number:05},{count:05},{piece},"));
        rest = after;
    }
    Ok(pieces)
}

/// Reads one piece; `None` if it is not one.
pub(crate) fn parse(body: &str) -> Option<Fragment<'_>> {
    let body = body.trim_ascii_end().strip_suffix(',')?;
    let (route, rest) = match body.strip_prefix(OPENING_2) {
        Some(rest) => (Route::Two, rest),
        None => tagged(body.strip_prefix(OPENING)?)?,
    };
    let (number, rest) = rest.split_once(',')?;
    let (count, piece) = rest.split_once(',')?;
    let (number, count) = (small(number)?, small(count)?);
    let legal = number > 0 && number <= count && !piece.is_empty() && !piece.contains(',');
    legal.then_some(Fragment {
        route,
        number,
        count,
        piece,
    })
}

/// The two tags of version 3, and what follows them.
fn tagged(text: &str) -> Option<(Route, &str)> {
    let (sender, rest) = text.split_once('|')?;
    let (receiver, rest) = rest.split_once(',')?;
    let (sender, receiver) = (hexadecimal(sender)?, hexadecimal(receiver)?);
    Some((Route::Three { sender, receiver }, rest))
}

/// Digits only: no sign, no white space, no digits of other scripts; leading zeros are legal.
fn small(text: &str) -> Option<u16> {
    let plain = text.len() <= 16 && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

fn hexadecimal(text: &str) -> Option<u32> {
    let plain = text.len() <= 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u32::from_str_radix(text, 16).ok())?
}

/// Messages of which some pieces have come, one for each sending client.
#[derive(Default)]
pub(crate) struct Assembly {
    partials: BTreeMap<u32, Partial>,
}

struct Partial {
    count: u16,
    text: String,
    /// Where each piece ends in `text`.
    ends: Vec<usize>,
    deadline: Duration,
}

impl Assembly {
    /// Takes a piece; answers the whole message once it is there.
    pub(crate) fn add(&mut self, fragment: &Fragment<'_>, now: Duration, limits: &Limits) -> Option<String> {
        let sender = fragment.sender();
        if fragment.number == 1 {
            self.begin(fragment, now, limits);
        } else {
            let partial = self.partials.get_mut(&sender)?;
            if partial.holds(fragment) {
                return None;
            }
            if !partial.append(fragment) {
                self.forget(sender);
                return None;
            }
        }
        self.enforce(sender, limits);
        let whole = self.partials.get(&sender).is_some_and(Partial::is_whole);
        whole
            .then(|| self.partials.remove(&sender))?
            .map(|partial| partial.text)
    }

    /// Forgets what one client has sent so far.
    pub(crate) fn forget(&mut self, sender: u32) {
        self.partials.remove(&sender);
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.partials.clear();
    }

    /// Forgets what has waited too long.
    pub(crate) fn expire(&mut self, now: Duration) {
        self.partials.retain(|_, partial| partial.deadline > now);
    }

    /// When something will have waited too long.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.partials.values().map(|partial| partial.deadline).min()
    }

    fn begin(&mut self, fragment: &Fragment<'_>, now: Duration, limits: &Limits) {
        let deadline = now.saturating_add(limits.fragment_life);
        let text = fragment.piece.to_owned();
        let ends = vec![text.len()];
        self.partials.insert(
            fragment.sender(),
            Partial {
                count: fragment.count,
                text,
                ends,
                deadline,
            },
        );
    }

    /// Drops the message that grew too large, and the oldest ones while all together are too large or too many.
    fn enforce(&mut self, sender: u32, limits: &Limits) {
        if self
            .partials
            .get(&sender)
            .is_some_and(|partial| partial.text.len() > limits.incoming_message)
        {
            self.forget(sender);
        }
        while self.partials.len() > limits.fragment_sources || self.size() > limits.fragments_total {
            let oldest = self.partials.iter().min_by_key(|(_, partial)| partial.deadline);
            let Some(tag) = oldest.map(|(tag, _)| *tag) else {
                return;
            };
            self.forget(tag);
        }
    }

    fn size(&self) -> usize {
        self.partials.values().map(Partial::size).sum()
    }
}

impl Partial {
    /// Bytes held, with what remembers the places of the pieces.
    fn size(&self) -> usize {
        self.text.len() + self.ends.len() * size_of::<usize>()
    }

    /// Whether this very piece is here already: the network delivered it again.
    fn holds(&self, fragment: &Fragment<'_>) -> bool {
        let Some(index) = usize::from(fragment.number).checked_sub(1) else {
            return false;
        };
        let start = index
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .copied()
            .unwrap_or(0);
        let held = self.ends.get(index).and_then(|end| self.text.get(start..*end));
        self.count == fragment.count && held == Some(fragment.piece)
    }

    /// Adds the next piece; `false` if this is not it.
    fn append(&mut self, fragment: &Fragment<'_>) -> bool {
        let next = self.ends.len() + 1;
        if fragment.count != self.count || usize::from(fragment.number) != next {
            return false;
        }
        self.text.push_str(fragment.piece);
        self.ends.push(self.text.len());
        true
    }

    fn is_whole(&self) -> bool {
        self.ends.len() == usize::from(self.count)
    }
}

#[cfg(test)]
#[path = "fragment/tests.rs"]
mod tests;
