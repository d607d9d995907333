//! libotr's files of lines: `otr.fingerprints` and `otr.instance_tags`.
//! Must never take a line that was cut short for a whole one.
//! Standard: libotr 4.1.1 `privkey.c` and `instag.c`.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::LARGEST_FILE;
use super::account::{self, Account, Program, Protocol, is_writable};
use super::error::{KeyFileError, KeyFileErrorKind};
use crate::key::Fingerprint;
use crate::tag::InstanceTag;

/// What libotr writes at the top of a file of instance tags, in our words.
const TAGS_HEADING: &str =
    "# Instance tags belong to one client on one device: move this file, never copy it.\n";

/// How far a fingerprint is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trust {
    /// It was compared by the socialist millionaires' protocol (SMP).
    Smp,
    /// It was seen, and not compared.
    Unverified,
    /// Its owner compared it himself.
    Verified,
}

impl Trust {
    /// The trust that a file means by `word`; `None` for a word that no known program writes.
    ///
    /// libotr itself takes every word for trust. That a file could hold an unknown one, such as `no`, is
    /// why the file is refused then.
    fn from_word(word: &str) -> Option<Self> {
        match word {
            "" => Some(Self::Unverified),
            "smp" => Some(Self::Smp),
            "manual" | "trusted" | "verified" => Some(Self::Verified),
            _ => None,
        }
    }

    /// The word that libotr's files have for it.
    const fn word(self) -> &'static str {
        match self {
            Self::Smp => "smp",
            Self::Unverified => "",
            Self::Verified => "verified",
        }
    }
}

/// A fingerprint that an account knows of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownFingerprint {
    /// The account that met it.
    pub account: Account,
    /// The contact's address as the file has it.
    pub contact: String,
    /// The fingerprint.
    pub fingerprint: Fingerprint,
    /// How far it is trusted.
    pub trust: Trust,
}

/// The instance tag of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnTag {
    /// The account.
    pub account: Account,
    /// Its tag on the device that wrote the file.
    pub tag: InstanceTag,
}

/// Reads `otr.fingerprints`: contact, account, protocol, 40 digits and a word for trust, between tabs.
///
/// # Errors
/// [`KeyFileError`] with the line; one wrong line fails the file, and so does one without its end.
pub fn read_fingerprints(file: &[u8]) -> Result<Vec<KnownFingerprint>, KeyFileError> {
    let mut seen = BTreeSet::new();
    read_lines(file, None, |line| {
        let mut fields = line.split(|byte| *byte == b'\t');
        let mut field = || fields.next().ok_or(KeyFileErrorKind::Missing);
        let contact = account::name(field()?)?;
        let account = account(field()?, field()?)?;
        let fingerprint = fingerprint(field()?)?;
        let word = fields.next().unwrap_or_default();
        if fields.next().is_some() {
            return Err(KeyFileErrorKind::Syntax);
        }
        let word = std::str::from_utf8(word).map_err(|_| KeyFileErrorKind::Trust)?;
        let trust = Trust::from_word(word).ok_or(KeyFileErrorKind::Trust)?;
        if !seen.insert((contact.clone(), account.clone(), fingerprint)) {
            return Err(KeyFileErrorKind::Duplicate);
        }
        Ok(KnownFingerprint {
            account,
            contact,
            fingerprint,
            trust,
        })
    })
}

/// Reads `otr.instance_tags`: account, protocol and eight digits between tabs; lines with `#` are remarks.
///
/// # Errors
/// [`KeyFileError`] with the line; one wrong line fails the file, and so does one without its end.
pub fn read_instance_tags(file: &[u8]) -> Result<Vec<OwnTag>, KeyFileError> {
    let mut seen = BTreeSet::new();
    read_lines(file, Some(b'#'), |line| {
        let mut fields = line.split(|byte| *byte == b'\t');
        let mut field = || fields.next().ok_or(KeyFileErrorKind::Missing);
        let account = account(field()?, field()?)?;
        let tag = tag(field()?).ok_or(KeyFileErrorKind::InstanceTag)?;
        if fields.next().is_some() {
            return Err(KeyFileErrorKind::Syntax);
        }
        if !seen.insert(account.clone()) {
            return Err(KeyFileErrorKind::Duplicate);
        }
        Ok(OwnTag { account, tag })
    })
}

/// Writes `otr.fingerprints` for `program`.
///
/// # Errors
/// [`KeyFileErrorKind::Name`] for a name that the format cannot carry, with the line it would have had.
pub fn write_fingerprints(known: &[KnownFingerprint], program: Program) -> Result<String, KeyFileError> {
    let mut out = String::new();
    for (index, entry) in known.iter().enumerate() {
        let (account, protocol) = written(&entry.account, program, index + 1)?;
        if !is_writable(&entry.contact) {
            return Err(KeyFileErrorKind::Name.at(index + 1));
        }
        out.push_str(&format!("{}\t{account}\t{protocol}\t", entry.contact));
        for byte in entry.fingerprint.as_bytes() {
            // Writing to a string does not fail.
            let _ = write!(out, "{byte:02x}");
        }
        out.push_str(&format!("\t{}\n", entry.trust.word()));
    }
    Ok(out)
}

/// Writes `otr.instance_tags` for `program`.
///
/// # Errors
/// [`KeyFileErrorKind::Name`] for a name that the format cannot carry, with the line it would have had.
pub fn write_instance_tags(tags: &[OwnTag], program: Program) -> Result<String, KeyFileError> {
    let mut out = TAGS_HEADING.to_owned();
    for (index, entry) in tags.iter().enumerate() {
        let (account, protocol) = written(&entry.account, program, index + 2)?;
        if account.starts_with('#') {
            return Err(KeyFileErrorKind::Name.at(index + 2));
        }
        out.push_str(&format!("{account}\t{protocol}\t{}\n", entry.tag));
    }
    Ok(out)
}

/// Whole lines, each with its own error; empty ones and those that begin with `remark` are passed over.
fn read_lines<T>(
    file: &[u8],
    remark: Option<u8>,
    mut read: impl FnMut(&[u8]) -> Result<T, KeyFileErrorKind>,
) -> Result<Vec<T>, KeyFileError> {
    if file.len() > LARGEST_FILE {
        return Err(KeyFileErrorKind::TooLarge.at(1));
    }
    let mut entries = Vec::new();
    for (index, line) in file.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let line = line
            .strip_suffix(b"\n")
            .ok_or_else(|| KeyFileErrorKind::CutShort.at(index + 1))?;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() || line.first().copied() == remark {
            continue;
        }
        entries.push(read(line).map_err(|kind| kind.at(index + 1))?);
    }
    Ok(entries)
}

fn account(name: &[u8], protocol: &[u8]) -> Result<Account, KeyFileErrorKind> {
    Ok(Account {
        protocol: Protocol::from_name(&account::name(protocol)?),
        name: account::name(name)?,
    })
}

/// Exactly 40 hexadecimal digits without spaces.
pub(super) fn fingerprint(digits: &[u8]) -> Result<Fingerprint, KeyFileErrorKind> {
    let text = std::str::from_utf8(digits).map_err(|_| KeyFileErrorKind::Fingerprint)?;
    if text.len() != 40 {
        return Err(KeyFileErrorKind::Fingerprint);
    }
    text.parse().map_err(|_| KeyFileErrorKind::Fingerprint)
}

/// Exactly eight hexadecimal digits.
fn tag(digits: &[u8]) -> Option<InstanceTag> {
    if digits.len() != 8 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let text = std::str::from_utf8(digits).ok()?;
    InstanceTag::from_u32(u32::from_str_radix(text, 16).ok()?)
}

/// Account and protocol as they go into a line.
fn written(account: &Account, program: Program, line: usize) -> Result<(&str, &str), KeyFileError> {
    let protocol = account.protocol.name_for(program);
    if is_writable(&account.name) && is_writable(protocol) {
        Ok((&account.name, protocol))
    } else {
        Err(KeyFileErrorKind::Name.at(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_a_bad_name_nor_a_bad_protocol_is_written() {
        let account = |protocol: &str, name: &str| Account {
            protocol: Protocol::Other(protocol.to_owned()),
            name: name.to_owned(),
        };
        for (entry, good) in [
            (account("prpl-x", "alice"), true),
            (account("prpl\tx", "alice"), false),
            (account("prpl-x", "ali\nce"), false),
        ] {
            assert_eq!(written(&entry, Program::Pidgin, 1).is_ok(), good, "{entry:?}");
        }
    }
}
