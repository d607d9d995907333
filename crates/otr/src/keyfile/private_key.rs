//! libotr's `otr.private_key`: an S-expression with one private key for each account.
//! Must never leave a copy of a secret number behind, nor take a key whose numbers are not sound.
//! Standard: libotr 4.1.1 `privkey.c`; the text form of libgcrypt's S-expressions.

use std::fmt::Write;

use zeroize::Zeroizing;

use super::MOST_KEYS;
use super::account::{self, Account, Program, Protocol, is_writable};
use super::cursor::Cursor;
use super::error::{KeyFileError, KeyFileErrorKind};
use super::sound::has_prime_numbers;
use crate::key::PrivateKey;
use crate::wire::Reader;

/// Longest number in bytes, with a leading zero.
const LONGEST_NUMBER: usize = 400;
/// Longest name in bytes as it stands in the file, with escapes.
const LONGEST_WORD: usize = 8192;
/// Longest account in a file that is written: two names with every letter escaped, and the numbers.
const LONGEST_ENTRY: usize = 16_384;
/// The numbers of a key in the order of libotr.
const NUMBERS: [&str; 5] = ["p", "q", "g", "y", "x"];

/// A private key and the account it belongs to.
#[derive(Debug)]
pub struct OwnKey {
    /// The account.
    pub account: Account,
    /// Its key.
    pub key: PrivateKey,
}

/// Reads a file of private keys.
///
/// Each key is checked: sizes, that p and q are prime, that g and y are of order q, and that x fits.
///
/// # Errors
/// [`KeyFileError`] with the line; one wrong entry fails the file.
pub fn read_private_keys(file: &[u8]) -> Result<Vec<OwnKey>, KeyFileError> {
    let mut cursor = Cursor::new(file)?;
    open(&mut cursor, "privkeys")?;
    let mut keys: Vec<OwnKey> = Vec::new();
    while !close(&mut cursor) {
        if keys.len() == MOST_KEYS {
            return Err(cursor.fail(KeyFileErrorKind::TooManyKeys));
        }
        let entry = entry(&mut cursor)?;
        if keys.iter().any(|known| known.account == entry.account) {
            return Err(cursor.fail(KeyFileErrorKind::Duplicate));
        }
        keys.push(entry);
    }
    cursor.space();
    if cursor.peek().is_some() {
        return Err(cursor.wrong());
    }
    Ok(keys)
}

/// Writes a file of private keys for `program`; it is wiped when dropped.
///
/// # Errors
/// [`KeyFileErrorKind::Name`] for an account that the format cannot carry, and
/// [`KeyFileErrorKind::TooManyKeys`]; the line is the place in `keys`, counted from 1.
pub fn write_private_keys<'a>(
    keys: impl IntoIterator<Item = (&'a Account, &'a PrivateKey)>,
    program: Program,
) -> Result<Zeroizing<String>, KeyFileError> {
    let keys: Vec<_> = keys.into_iter().collect();
    if keys.len() > MOST_KEYS {
        return Err(KeyFileErrorKind::TooManyKeys.at(MOST_KEYS + 1));
    }
    // Room for all of it at once: a string that grows leaves copies behind.
    let mut out = Zeroizing::new(String::with_capacity((keys.len() + 1) * LONGEST_ENTRY));
    out.push_str("(privkeys\n");
    for (number, (account, key)) in keys.into_iter().enumerate() {
        let protocol = account.protocol.name_for(program);
        if !is_writable(&account.name) || !is_writable(protocol) {
            return Err(KeyFileErrorKind::Name.at(number + 1));
        }
        out.push_str(" (account\n  (name ");
        put_word(&mut out, &account.name);
        out.push_str(")\n  (protocol ");
        put_word(&mut out, protocol);
        out.push_str(")\n  (private-key \n   (dsa \n");
        put_numbers(&mut out, key);
        out.push_str("    )\n   )\n  )\n");
    }
    out.push_str(")\n");
    Ok(out)
}

/// One account with its three parts, in any order.
fn entry(cursor: &mut Cursor<'_>) -> Result<OwnKey, KeyFileError> {
    open(cursor, "account")?;
    let (mut name, mut protocol, mut key) = (None, None, None);
    while !close(cursor) {
        let doubled = match opened(cursor)? {
            b"name" => name.replace(named(cursor)?).is_some(),
            b"protocol" => protocol.replace(named(cursor)?).is_some(),
            b"private-key" => key.replace(private_key(cursor)?).is_some(),
            _ => return Err(cursor.wrong()),
        };
        if doubled {
            return Err(cursor.fail(KeyFileErrorKind::Duplicate));
        }
        end(cursor)?;
    }
    let (Some(name), Some(protocol), Some(key)) = (name, protocol, key) else {
        return Err(cursor.fail(KeyFileErrorKind::Missing));
    };
    let account = Account {
        protocol: Protocol::from_name(&protocol),
        name,
    };
    Ok(OwnKey { account, key })
}

/// `(dsa (p #..#) (q #..#) (g #..#) (y #..#) (x #..#))`. About one key in two hundred has an `x` without a byte that
/// libgcrypt takes for binary: then it stands in quotes.
fn private_key(cursor: &mut Cursor<'_>) -> Result<PrivateKey, KeyFileError> {
    open(cursor, "dsa")?;
    let mut named = |name| {
        open(cursor, name)?;
        let number = number(cursor)?;
        end(cursor)?;
        Ok(number)
    };
    let [p, q, g, y, x] = NUMBERS.map(&mut named);
    let key = PrivateKey::from_numbers(&p?, &q?, &g?, &y?, &x?);
    let key = key.ok().filter(has_prime_numbers);
    let key = key.ok_or_else(|| cursor.fail(KeyFileErrorKind::Key))?;
    end(cursor)?;
    Ok(key)
}

/// An opening parenthesis and the word `name`.
fn open(cursor: &mut Cursor<'_>, name: &str) -> Result<(), KeyFileError> {
    if opened(cursor)? == name.as_bytes() {
        Ok(())
    } else {
        Err(cursor.wrong())
    }
}

/// An opening parenthesis and the bare word behind it.
fn opened<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], KeyFileError> {
    cursor.space();
    cursor.expect(b"(")?;
    cursor.space();
    Ok(cursor.while_some(is_bare))
}

/// Passes a closing parenthesis if it comes next.
fn close(cursor: &mut Cursor<'_>) -> bool {
    cursor.space();
    cursor.skip(b")")
}

/// Passes a closing parenthesis, which must come next.
fn end(cursor: &mut Cursor<'_>) -> Result<(), KeyFileError> {
    if close(cursor) {
        Ok(())
    } else {
        Err(cursor.wrong())
    }
}

/// A name: a bare word, a quoted text or hexadecimal digits.
fn named(cursor: &mut Cursor<'_>) -> Result<String, KeyFileError> {
    cursor.space();
    let bytes = match cursor.peek() {
        Some(b'"') => quoted(cursor, LONGEST_WORD, KeyFileErrorKind::Name)?.to_vec(),
        Some(b'#') => hexadecimal(cursor)?.to_vec(),
        // A word that begins with a digit would be a length in this notation.
        Some(byte) if is_bare(byte) && !byte.is_ascii_digit() => cursor.while_some(is_bare).to_vec(),
        _ => return Err(cursor.wrong()),
    };
    account::name(&bytes).map_err(|kind| cursor.fail(kind))
}

/// Letters of words that need no quotes.
fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-./_:*+=".contains(&byte)
}

/// A number: hexadecimal digits, or its bytes as they are, in quotes or, where all of them are letters of words, bare.
fn number(cursor: &mut Cursor<'_>) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    cursor.space();
    match cursor.peek() {
        Some(b'"') => quoted(cursor, LONGEST_NUMBER, KeyFileErrorKind::Syntax),
        Some(byte) if is_bare(byte) && !byte.is_ascii_digit() => {
            Ok(Zeroizing::new(cursor.while_some(is_bare).to_vec()))
        }
        _ => hexadecimal(cursor),
    }
}

/// Bytes in quotes with the escapes of C; more than `most` of them are wrong in the given way.
fn quoted(
    cursor: &mut Cursor<'_>,
    most: usize,
    too_long: KeyFileErrorKind,
) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    cursor.expect(b"\"")?;
    // As long as it can be from the start: a vector that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(most));
    loop {
        let byte = match cursor.next()? {
            b'"' => return Ok(bytes),
            b'\\' => escaped(cursor)?,
            byte => byte,
        };
        if bytes.len() == most {
            return Err(cursor.fail(too_long));
        }
        bytes.push(byte);
    }
}

/// What stands behind a backslash.
fn escaped(cursor: &mut Cursor<'_>) -> Result<u8, KeyFileError> {
    Ok(match cursor.next()? {
        b'b' => 8,
        b't' => b'\t',
        b'v' => 11,
        b'n' => b'\n',
        b'f' => 12,
        b'r' => b'\r',
        byte @ (b'"' | b'\'' | b'\\') => byte,
        b'x' => {
            let (high, low) = (digit(cursor, 16)?, digit(cursor, 16)?);
            high << 4 | low
        }
        byte @ b'0'..=b'3' => {
            let (middle, low) = (digit(cursor, 8)?, digit(cursor, 8)?);
            (byte & 3) << 6 | middle << 3 | low
        }
        _ => return Err(cursor.fail(KeyFileErrorKind::Syntax)),
    })
}

fn digit(cursor: &mut Cursor<'_>, radix: u32) -> Result<u8, KeyFileError> {
    let byte = cursor.next()?;
    let value = char::from(byte)
        .to_digit(radix)
        .and_then(|value| u8::try_from(value).ok());
    value.ok_or_else(|| cursor.fail(KeyFileErrorKind::Syntax))
}

/// `#` digits `#`, with white space allowed between the digits.
fn hexadecimal(cursor: &mut Cursor<'_>) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    cursor.space();
    cursor.expect(b"#")?;
    // As long as it can be from the start: a vector that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_NUMBER));
    loop {
        cursor.space();
        if cursor.skip(b"#") {
            return Ok(bytes);
        }
        if bytes.len() == LONGEST_NUMBER {
            return Err(cursor.fail(KeyFileErrorKind::Syntax));
        }
        let (high, low) = (digit(cursor, 16)?, digit(cursor, 16)?);
        bytes.push(high << 4 | low);
    }
}

/// A name in quotes; control characters were refused before.
fn put_word(out: &mut String, word: &str) {
    out.push('"');
    for letter in word.chars() {
        if matches!(letter, '"' | '\\') {
            out.push('\\');
        }
        out.push(letter);
    }
    out.push('"');
}

/// The five numbers, with a leading zero byte where the sign bit would be set.
fn put_numbers(out: &mut String, key: &PrivateKey) {
    let stored = key.to_bytes();
    let mut reader = Reader::new(stored.get(1..).unwrap_or_default());
    for name in NUMBERS {
        // These bytes are our own: the numbers are there.
        let number = reader.mpi().unwrap_or_default();
        out.push_str("    (");
        out.push_str(name);
        out.push_str(" #");
        if number.first().is_some_and(|byte| *byte >= 0x80) {
            out.push_str("00");
        }
        for byte in number {
            // Writing to a string does not fail.
            let _ = write!(out, "{byte:02X}");
        }
        out.push_str("#)\n");
    }
}
