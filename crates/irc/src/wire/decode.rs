//! Bytes of a line to text.
//! Must never make one name of two: only the words of a message are guessed at, names are not.
//! WHATWG Encoding, windows-1252, for what is not UTF-8.

use std::borrow::Cow;

/// Reads a line as text. A character that the end of the line cut in two is dropped. In a line that is not UTF-8, the
/// last parameter is read as windows-1252; what stands before it gets U+FFFD, which no name may hold.
#[must_use]
pub fn decode(line: &[u8]) -> Cow<'_, str> {
    let error = match std::str::from_utf8(line) {
        Ok(text) => return Cow::Borrowed(text),
        Err(error) => error,
    };
    let valid = line.get(..error.valid_up_to()).unwrap_or_default();
    if error.error_len().is_none() {
        return String::from_utf8_lossy(valid);
    }
    let (head, words) = line.split_at_checked(words(line)).unwrap_or((line, &[]));
    let mut text = String::from_utf8_lossy(head).into_owned();
    text.extend(words.iter().copied().map(windows_1252));
    Cow::Owned(text)
}

/// Where the words of a line begin: behind the first ` :` that begins neither tags nor source.
fn words(line: &[u8]) -> usize {
    let mut at = 0;
    for mark in [b'@', b':'] {
        if line.get(at) == Some(&mark) {
            at = next_space(line, at);
        }
    }
    let rest = line.get(at.saturating_sub(1)..).unwrap_or_default();
    let found = rest.windows(2).position(|pair| pair == b" :");
    found.map_or(line.len(), |found| at.saturating_sub(1) + found + 2)
}

/// Behind the spaces that follow the word at `at`.
fn next_space(line: &[u8], at: usize) -> usize {
    let rest = line.get(at..).unwrap_or_default();
    let word = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
    let spaces = rest.iter().skip(word).take_while(|byte| **byte == b' ').count();
    at + word + spaces
}

fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    let high = byte
        .checked_sub(0x80)
        .and_then(|index| HIGH.get(usize::from(index)));
    high.copied().unwrap_or(char::from(byte))
}
