//! A place in a file that only moves forward and knows its line.
//! Must never move past the end, index, or allocate.
//! Standard: none.

use super::LARGEST_FILE;
use super::error::{KeyFileError, KeyFileErrorKind};

/// Where the reader of a file stands.
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    line: usize,
}

impl<'a> Cursor<'a> {
    /// Begins at the first byte of a file that is not too large.
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, KeyFileError> {
        if bytes.len() > LARGEST_FILE {
            return Err(KeyFileErrorKind::TooLarge.at(1));
        }
        Ok(Self { rest: bytes, line: 1 })
    }

    /// The line, counted from 1.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// The next byte, left where it is.
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next byte.
    pub(super) fn next(&mut self) -> Result<u8, KeyFileError> {
        let byte = self.peek().ok_or_else(|| self.wrong())?;
        self.pass(1);
        Ok(byte)
    }

    /// Takes `expected` if it comes next.
    pub(super) fn skip(&mut self, expected: &[u8]) -> bool {
        let comes = self.rest.starts_with(expected);
        if comes {
            self.pass(expected.len());
        }
        comes
    }

    /// Takes `expected`, which must come next.
    pub(super) fn expect(&mut self, expected: &[u8]) -> Result<(), KeyFileError> {
        if self.skip(expected) {
            return Ok(());
        }
        if expected.starts_with(self.rest) {
            self.pass(self.rest.len());
        }
        Err(self.wrong())
    }

    /// Takes all bytes up to the next `end`, and the end itself.
    pub(super) fn until(&mut self, end: &[u8]) -> Result<&'a [u8], KeyFileError> {
        let Some(length) = self.rest.windows(end.len()).position(|window| window == end) else {
            self.pass(self.rest.len());
            return Err(self.wrong());
        };
        let taken = self.pass(length);
        self.pass(end.len());
        Ok(taken)
    }

    /// Takes all bytes that `accept` likes.
    pub(super) fn while_some(&mut self, accept: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self.rest.iter().take_while(|byte| accept(**byte)).count();
        self.pass(length)
    }

    /// Passes white space.
    pub(super) fn space(&mut self) {
        self.while_some(|byte| byte.is_ascii_whitespace());
    }

    /// The error of `kind` here.
    pub(super) fn fail(&self, kind: KeyFileErrorKind) -> KeyFileError {
        kind.at(self.line)
    }

    /// What comes next is not what should: another form, or the end.
    pub(super) fn wrong(&self) -> KeyFileError {
        self.fail(if self.rest.is_empty() {
            KeyFileErrorKind::CutShort
        } else {
            KeyFileErrorKind::Syntax
        })
    }

    /// Moves over `length` bytes, or to the end, and counts their lines.
    fn pass(&mut self, length: usize) -> &'a [u8] {
        let (passed, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.line += passed.iter().filter(|byte| **byte == b'\n').count();
        self.rest = rest;
        passed
    }
}
