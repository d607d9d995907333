//! A strict reader of JSON that copies nothing it is not asked for.
//! Must never nest deeper than its limit, nor take a member of an object twice.
//! Standard: RFC 8259.

use std::collections::BTreeSet;

use super::cursor::Cursor;
use super::error::{KeyFileError, KeyFileErrorKind};

/// Deepest nesting of objects and arrays.
const DEEPEST: usize = 16;

/// Reads values one after the other.
pub(super) struct Json<'a> {
    cursor: Cursor<'a>,
    depth: usize,
}

impl<'a> Json<'a> {
    /// Begins at the first byte of a file that is not too large.
    pub(super) fn new(file: &'a [u8]) -> Result<Self, KeyFileError> {
        Ok(Self {
            cursor: Cursor::new(file)?,
            depth: 0,
        })
    }

    /// Nothing but white space may be left.
    pub(super) fn end(&mut self) -> Result<(), KeyFileError> {
        self.cursor.space();
        match self.cursor.peek() {
            None => Ok(()),
            Some(_) => Err(self.cursor.wrong()),
        }
    }

    /// An object: `member` reads the value of each name, or passes it with [`Json::pass`].
    pub(super) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &str) -> Result<(), KeyFileError>,
    ) -> Result<(), KeyFileError> {
        let mut names = BTreeSet::new();
        self.list(b"{", b"}", |json| {
            let name = json.text()?;
            if !names.insert(name.clone()) {
                return Err(json.fail(KeyFileErrorKind::Duplicate));
            }
            json.cursor.space();
            json.cursor.expect(b":")?;
            member(json, &name)
        })
    }

    /// An array, or `null` for an empty one: `item` reads each value.
    pub(super) fn array(
        &mut self,
        item: impl FnMut(&mut Self) -> Result<(), KeyFileError>,
    ) -> Result<(), KeyFileError> {
        if self.null() {
            return Ok(());
        }
        self.list(b"[", b"]", item)
    }

    /// A string with its escapes resolved.
    pub(super) fn text(&mut self) -> Result<String, KeyFileError> {
        self.cursor.space();
        self.cursor.expect(b"\"")?;
        let mut bytes = Vec::new();
        loop {
            bytes.extend_from_slice(
                self.cursor
                    .while_some(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\'),
            );
            match self.cursor.next()? {
                b'"' => break,
                b'\\' => self.escape(&mut bytes)?,
                _ => return Err(self.fail(KeyFileErrorKind::Syntax)),
            }
        }
        String::from_utf8(bytes).map_err(|_| self.fail(KeyFileErrorKind::Syntax))
    }

    /// A string of ASCII without escapes, as it stands in the file: for secrets, which are not copied.
    pub(super) fn plain(&mut self) -> Result<&'a [u8], KeyFileError> {
        self.cursor.space();
        self.cursor.expect(b"\"")?;
        let text = self
            .cursor
            .while_some(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
        self.cursor.expect(b"\"")?;
        Ok(text)
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self) -> Result<bool, KeyFileError> {
        self.cursor.space();
        if self.cursor.skip(b"true") {
            return Ok(true);
        }
        self.cursor.expect(b"false").map(|()| false)
    }

    /// A whole number of 32 bits.
    pub(super) fn number(&mut self) -> Result<u32, KeyFileError> {
        self.cursor.space();
        let digits = self.cursor.while_some(|byte| byte.is_ascii_digit());
        let text = std::str::from_utf8(digits).unwrap_or_default();
        text.parse().map_err(|_| self.cursor.wrong())
    }

    /// Passes `null` if it comes next.
    pub(super) fn null(&mut self) -> bool {
        self.cursor.space();
        self.cursor.skip(b"null")
    }

    /// Passes one value of any kind.
    pub(super) fn pass(&mut self) -> Result<(), KeyFileError> {
        self.cursor.space();
        match self.cursor.peek() {
            Some(b'{') => self.object(|json, _| json.pass()),
            Some(b'[') => self.array(Self::pass),
            Some(b'"') => self.text().map(|_| ()),
            Some(b't' | b'f') => self.boolean().map(|_| ()),
            Some(b'n') => self.cursor.expect(b"null"),
            _ => {
                let number = self
                    .cursor
                    .while_some(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
                if number.is_empty() {
                    return Err(self.cursor.wrong());
                }
                Ok(())
            }
        }
    }

    /// The error of `kind` here.
    pub(super) fn fail(&self, kind: KeyFileErrorKind) -> KeyFileError {
        self.cursor.fail(kind)
    }

    fn list(
        &mut self,
        open: &[u8],
        close: &[u8],
        mut item: impl FnMut(&mut Self) -> Result<(), KeyFileError>,
    ) -> Result<(), KeyFileError> {
        self.cursor.space();
        self.cursor.expect(open)?;
        if self.depth == DEEPEST {
            return Err(self.fail(KeyFileErrorKind::Syntax));
        }
        self.depth += 1;
        self.cursor.space();
        if !self.cursor.skip(close) {
            loop {
                item(self)?;
                self.cursor.space();
                if !self.cursor.skip(b",") {
                    break;
                }
            }
            self.cursor.expect(close)?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), KeyFileError> {
        let letter = match self.cursor.next()? {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.code_point()?,
            byte @ (b'"' | b'\\' | b'/') => char::from(byte),
            _ => return Err(self.fail(KeyFileErrorKind::Syntax)),
        };
        out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    /// What stands behind `\u`: one code unit, or two that belong together.
    fn code_point(&mut self) -> Result<char, KeyFileError> {
        let first = self.code_unit()?;
        let value = if (0xd800..0xdc00).contains(&first) {
            self.cursor.expect(b"\\u")?;
            let low = self.code_unit()?.checked_sub(0xdc00).filter(|low| *low < 0x400);
            low.map(|low| 0x10000 + ((first - 0xd800) << 10) + low)
        } else {
            Some(first)
        };
        value
            .and_then(char::from_u32)
            .ok_or_else(|| self.fail(KeyFileErrorKind::Syntax))
    }

    fn code_unit(&mut self) -> Result<u32, KeyFileError> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = char::from(self.cursor.next()?).to_digit(16);
            value = value << 4 | digit.ok_or_else(|| self.fail(KeyFileErrorKind::Syntax))?;
        }
        Ok(value)
    }
}

#[cfg(test)]
#[path = "json/tests.rs"]
mod tests;
