//! One line of the door: collects its bytes and turns it into a typed value.
//! It must never hold more than `MAX_LINE` bytes, nor take a byte that comes after the end of the line.
//! Standard: design.md section 1; JSON by RFC 8259.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest line, in bytes, its end (`\n`) included.
pub const MAX_LINE: usize = 16 * 1024;

/// Collects one line byte by byte, so that no byte behind its end is ever taken from the stream.
#[derive(Debug, Default)]
pub struct LineReader {
    line: Vec<u8>,
}

impl LineReader {
    /// A reader at the beginning of a line.
    pub fn new() -> LineReader {
        LineReader::default()
    }

    /// Takes the next byte; returns the line without its end when `byte` was that end.
    ///
    /// # Errors
    /// [`LineError::TooLong`] once the line cannot end within [`MAX_LINE`] bytes. The stream is then of no use.
    pub fn push(&mut self, byte: u8) -> Result<Option<Vec<u8>>, LineError> {
        if byte == b'\n' {
            return Ok(Some(std::mem::take(&mut self.line)));
        }
        if self.line.len() + 1 >= MAX_LINE {
            return Err(LineError::TooLong);
        }
        self.line.push(byte);
        Ok(None)
    }
}

/// Why a line was not understood, or could not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineError {
    /// Not the JSON that this door speaks: unknown field, wrong type, a value out of range.
    Malformed,
    /// More than [`MAX_LINE`] bytes.
    TooLong,
    /// Another version of the door's language.
    Version,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LineError::Malformed => "a line between engine and gate was not understood",
            LineError::TooLong => "a line between engine and gate was too long",
            LineError::Version => "engine and gate are not of the same version",
        })
    }
}

impl std::error::Error for LineError {}

/// Writes `value` as one line, its end included.
pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, LineError> {
    let mut line = serde_json::to_vec(value).map_err(|_| LineError::Malformed)?;
    line.push(b'\n');
    if line.len() > MAX_LINE {
        Err(LineError::TooLong)
    } else {
        Ok(line)
    }
}

/// Reads `line`, with or without its end.
pub(crate) fn decode<T: DeserializeOwned>(line: &[u8]) -> Result<T, LineError> {
    if line.len() > MAX_LINE {
        return Err(LineError::TooLong);
    }
    serde_json::from_slice(line).map_err(|_| LineError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_where_it_ends_and_not_a_byte_later() {
        let mut reader = LineReader::new();
        let mut lines = Vec::new();
        for byte in b"one\ntwo\n" {
            lines.extend(reader.push(*byte).unwrap());
        }
        assert_eq!(lines, [b"one".to_vec(), b"two".to_vec()]);
    }

    #[test]
    fn a_line_without_end_is_refused_at_the_limit() {
        let mut reader = LineReader::new();
        for _ in 0..MAX_LINE - 1 {
            assert_eq!(reader.push(b'a'), Ok(None));
        }
        assert_eq!(reader.push(b'a'), Err(LineError::TooLong));
    }
}
