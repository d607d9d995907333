//! The wire: bytes to lines, lines to messages, messages to bytes.
//! Must never keep more of a line than its limits say, nor write a byte that ends a line early.
//! RFC 1459 2.3, RFC 2812 2.3, IRCv3 message-tags.

mod decode;
mod message;
mod tags;

use std::borrow::Cow;

pub use decode::decode;
pub use message::{Message, Source, Unwritable, write};
pub use tags::Tags;

/// Bytes of a line without its tags, the line end included (RFC 1459 2.3).
pub const LONGEST_BODY: usize = 512;
/// Bytes of the tags of a line, `@` and the space behind them included (IRCv3 message-tags).
pub const LONGEST_TAGS: usize = 8_191;
/// Bytes that are thrown away in a row, while a line does not end, before the stream is given up.
const MOST_SKIPPED: usize = 1 << 20;

/// Cuts a stream of bytes into lines.
#[derive(Debug, Default)]
pub struct Lines {
    line: Vec<u8>,
    skipped: usize,
}

/// A line that has no end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Endless;

impl Lines {
    /// Takes bytes off the front up to the end of a line, and gives the line without its end. `None`: more bytes are
    /// needed. Empty lines and lines longer than tags and body may be together are passed over.
    ///
    /// # Errors
    /// [`Endless`] once a megabyte has gone by in one line.
    pub fn read<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, Endless> {
        loop {
            let Some(end) = line_end(bytes) else {
                self.keep(bytes);
                *bytes = &[];
                return if self.skipped > MOST_SKIPPED {
                    Err(Endless)
                } else {
                    Ok(None)
                };
            };
            let (piece, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
            *bytes = rest.get(1..).unwrap_or_default();
            let line = self.complete(piece);
            if std::mem::take(&mut self.skipped) == 0 && !line.is_empty() {
                return Ok(Some(line));
            }
        }
    }

    /// The line that ends with this piece; mostly the piece is all of it, and nothing has to be copied.
    fn complete<'a>(&mut self, piece: &'a [u8]) -> Cow<'a, [u8]> {
        if self.skipped == 0 && self.line.is_empty() && piece.len() <= LONGEST_TAGS + LONGEST_BODY {
            return Cow::Borrowed(piece);
        }
        self.keep(piece);
        Cow::Owned(std::mem::take(&mut self.line))
    }

    fn keep(&mut self, piece: &[u8]) {
        if self.skipped == 0 && self.line.len().saturating_add(piece.len()) <= LONGEST_TAGS + LONGEST_BODY {
            self.line.extend_from_slice(piece);
        } else if !piece.is_empty() {
            self.skipped = self
                .skipped
                .saturating_add(piece.len())
                .saturating_add(self.line.len());
            self.line = Vec::new();
        }
    }
}

/// Where the first line end is. Whole blocks are looked at at once, which takes a fraction of the time.
fn line_end(bytes: &[u8]) -> Option<usize> {
    const BLOCK: usize = 32;
    let ends = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let has_none = |block: &&[u8]| !block.iter().fold(false, |found, byte| found | ends(byte));
    let skipped = bytes.chunks_exact(BLOCK).take_while(has_none).count() * BLOCK;
    let rest = bytes.get(skipped..)?;
    rest.iter().position(ends).map(|end| skipped + end)
}

#[cfg(test)]
mod tests;
