//! The small part of Apple's property lists in XML that a list of accounts needs.
//! Must never follow an entity, a reference to a file or another form than this one.
//! Standard: Apple's PropertyList-1.0 document type; XML 1.0.

use std::collections::BTreeMap;

use super::cursor::Cursor;
use super::error::{KeyFileError, KeyFileErrorKind};

/// Deepest nesting of lists and dictionaries.
const DEEPEST: usize = 16;

/// A value of a property list.
pub(super) enum Value {
    Array(Vec<Value>),
    /// The values with the lines that they end in.
    Dictionary(BTreeMap<String, (Value, usize)>),
    /// Numbers, dates, data and truth values: nothing that is asked for.
    Other,
    Text(String),
}

/// Reads a whole property list in XML.
pub(super) fn read(file: &[u8]) -> Result<Value, KeyFileError> {
    let mut cursor = Cursor::new(file)?;
    if cursor.skip(b"bplist") {
        return Err(cursor.fail(KeyFileErrorKind::Unsupported));
    }
    cursor.skip(b"\xef\xbb\xbf");
    cursor.space();
    if cursor.skip(b"<?xml") {
        cursor.until(b"?>")?;
    }
    between(&mut cursor)?;
    if cursor.skip(b"<!DOCTYPE") && cursor.until(b">")?.contains(&b'[') {
        return Err(cursor.fail(KeyFileErrorKind::Unsupported));
    }
    between(&mut cursor)?;
    cursor.expect(b"<plist")?;
    cursor.until(b">")?;
    let value = value(&mut cursor, 0)?;
    between(&mut cursor)?;
    cursor.expect(b"</plist>")?;
    between(&mut cursor)?;
    match cursor.peek() {
        None => Ok(value),
        Some(_) => Err(cursor.wrong()),
    }
}

/// White space and remarks.
fn between(cursor: &mut Cursor<'_>) -> Result<(), KeyFileError> {
    cursor.space();
    while cursor.skip(b"<!--") {
        cursor.until(b"-->")?;
        cursor.space();
    }
    Ok(())
}

fn value(cursor: &mut Cursor<'_>, depth: usize) -> Result<Value, KeyFileError> {
    if depth > DEEPEST {
        return Err(cursor.fail(KeyFileErrorKind::Syntax));
    }
    between(cursor)?;
    cursor.expect(b"<")?;
    let tag = cursor.until(b">")?;
    match tag {
        b"array" => array(cursor, depth),
        b"array/" => Ok(Value::Array(Vec::new())),
        b"dict" => dictionary(cursor, depth),
        b"dict/" => Ok(Value::Dictionary(BTreeMap::new())),
        b"string" => text(cursor, b"string").map(Value::Text),
        b"string/" => Ok(Value::Text(String::new())),
        b"true/" | b"false/" => Ok(Value::Other),
        b"integer" | b"real" | b"date" | b"data" => text(cursor, tag).map(|_| Value::Other),
        _ => Err(cursor.fail(KeyFileErrorKind::Syntax)),
    }
}

fn array(cursor: &mut Cursor<'_>, depth: usize) -> Result<Value, KeyFileError> {
    let mut items = Vec::new();
    loop {
        between(cursor)?;
        if cursor.skip(b"</array>") {
            return Ok(Value::Array(items));
        }
        items.push(value(cursor, depth + 1)?);
    }
}

fn dictionary(cursor: &mut Cursor<'_>, depth: usize) -> Result<Value, KeyFileError> {
    let mut members = BTreeMap::new();
    loop {
        between(cursor)?;
        if cursor.skip(b"</dict>") {
            return Ok(Value::Dictionary(members));
        }
        cursor.expect(b"<key>")?;
        let name = text(cursor, b"key")?;
        let value = value(cursor, depth + 1)?;
        if members.insert(name, (value, cursor.line())).is_some() {
            return Err(cursor.fail(KeyFileErrorKind::Duplicate));
        }
    }
}

/// The text of an element up to its end, with the five entities and numbers resolved.
fn text(cursor: &mut Cursor<'_>, tag: &[u8]) -> Result<String, KeyFileError> {
    let raw = cursor.until(b"</")?;
    let result = std::str::from_utf8(raw).ok().and_then(resolved);
    cursor.expect(tag)?;
    cursor.expect(b">")?;
    result.ok_or_else(|| cursor.fail(KeyFileErrorKind::Syntax))
}

fn resolved(raw: &str) -> Option<String> {
    let mut parts = raw.split('&');
    let mut out = parts.next()?.to_owned();
    for part in parts {
        let (entity, rest) = part.split_once(';')?;
        out.push(match entity {
            "amp" => '&',
            "apos" => '\'',
            "gt" => '>',
            "lt" => '<',
            "quot" => '"',
            _ => numbered(entity.strip_prefix('#')?)?,
        });
        out.push_str(rest);
    }
    (!out.contains('\0') && !raw.contains('<')).then_some(out)
}

fn numbered(digits: &str) -> Option<char> {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let value = match digits.strip_prefix('x') {
        Some(digits) if plain(digits) => u32::from_str_radix(digits, 16).ok()?,
        None if plain(digits) => digits.parse().ok()?,
        _ => return None,
    };
    char::from_u32(value)
}

#[cfg(test)]
#[path = "plist/tests.rs"]
mod tests;
