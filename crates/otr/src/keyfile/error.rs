//! Why a key file was refused, and in which line.
//! Must never hold a piece of the file: it can be secret.
//! Standard: none.

use std::fmt;

/// Why a file was refused; nothing of it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyFileError {
    /// The line, counted from 1, in which the reader stopped.
    pub line: usize,
    /// What was wrong there.
    pub kind: KeyFileErrorKind,
}

/// What was wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFileErrorKind {
    /// The file ends in the middle of something.
    CutShort,
    /// The same thing is said twice.
    Duplicate,
    /// The file is sealed with a passphrase of the other program.
    Encrypted,
    /// A fingerprint is not 40 hexadecimal digits.
    Fingerprint,
    /// An instance tag is not eight hexadecimal digits, or below 0x100.
    InstanceTag,
    /// The numbers of a private key do not belong together, are weak, or are of an unknown kind.
    Key,
    /// An entry lacks one of its parts.
    Missing,
    /// A name is empty, too long, not UTF-8, or holds control characters.
    Name,
    /// This is not the format that was expected.
    Syntax,
    /// The file is larger than [`LARGEST_FILE`](super::LARGEST_FILE).
    TooLarge,
    /// There are more private keys than [`MOST_KEYS`](super::MOST_KEYS).
    TooManyKeys,
    /// A word for trust that no known program writes.
    Trust,
    /// An account number of Adium that its list of accounts does not have.
    UnknownAccount,
    /// The file is in a form that is not read, such as a binary property list.
    Unsupported,
}

impl KeyFileErrorKind {
    /// The error of this kind in a line.
    pub(super) const fn at(self, line: usize) -> KeyFileError {
        KeyFileError { line, kind: self }
    }
}

impl fmt::Display for KeyFileErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CutShort => "the file ends in the middle of an entry",
            Self::Duplicate => "the same entry stands twice",
            Self::Encrypted => "the file is sealed with a passphrase: unseal it in its own program first",
            Self::Fingerprint => "a fingerprint is not 40 hexadecimal digits",
            Self::InstanceTag => "an instance tag is not valid",
            Self::Key => "a private key is unsound",
            Self::Missing => "an entry is incomplete",
            Self::Name => "a name is not valid",
            Self::Syntax => "this is not the expected format",
            Self::TooLarge => "the file is too large",
            Self::TooManyKeys => "the file has too many private keys",
            Self::Trust => "the word for trust is unknown",
            Self::UnknownAccount => "the list of accounts does not have this account",
            Self::Unsupported => "this form of the file cannot be read",
        })
    }
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.kind)
    }
}

impl std::error::Error for KeyFileError {}
