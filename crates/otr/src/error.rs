//! What can go wrong when something is asked of a conversation.
//! Must never be caused by what the network sends: that becomes an event.
//! Standard: none.

use std::fmt;

/// Why an [`Input`](crate::Input) was refused; nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The keys are used up (2^64 messages under one pair): start again.
    Exhausted,
    /// The other side has ended the session; sending waits for a new one.
    Finished,
    /// An unencrypted text that begins like an OTR message would be taken for one.
    LooksLikeOtr,
    /// The text, a record, or the number of fragments is beyond its limit.
    MessageTooLarge,
    /// There is no private session, and nothing leaves without one.
    NotPrivate,
    /// The text holds a NUL character, which the message format cannot carry.
    NulInText,
    /// A record of types 0 to 8 belongs to the protocol itself.
    ReservedTlv,
    /// Nobody asked for this verification step.
    NothingToAnswer,
    /// There is no such client of the contact with a private session.
    UnknownInstance,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exhausted => "the keys of this session are used up",
            Self::Finished => "the other side has ended the private session",
            Self::LooksLikeOtr => "an unencrypted text must not begin like an OTR message",
            Self::MessageTooLarge => "the message is too large",
            Self::NotPrivate => "there is no private session",
            Self::NulInText => "the text holds a NUL character",
            Self::ReservedTlv => "records of types 0 to 8 belong to the protocol",
            Self::NothingToAnswer => "nobody asked for this verification step",
            Self::UnknownInstance => "the contact has no such client with a private session",
        })
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyfile::{KeyFileError, KeyFileErrorKind};
    use crate::transcript::{ForgeError, MacKey, TranscriptError};
    use crate::words::WordsError;
    use crate::{FingerprintError, InstanceTag, KeyError};

    #[test]
    fn what_went_wrong_is_said_and_places_are_counted_from_one() {
        let kind = KeyFileErrorKind::Trust;
        let said = KeyFileError { line: 7, kind }.to_string();
        assert_eq!(said, format!("line 7: {kind}"));
        assert!(WordsError::Misplaced(4).to_string().contains(" 5 "));
        assert!(WordsError::Unknown(0).to_string().contains(" 1 "));
        for said in [
            kind.to_string(),
            Error::Finished.to_string(),
            FingerprintError.to_string(),
            ForgeError::Length.to_string(),
            KeyError::Unsound.to_string(),
            TranscriptError::TooLarge.to_string(),
            WordsError::Count.to_string(),
        ] {
            assert!(said.split(' ').count() > 3, "{said}");
        }
    }

    #[test]
    fn tags_and_keys_are_written_as_libotr_writes_them() {
        let tag = InstanceTag::from_u32(0x0a1b_2c3d).map(|tag| tag.to_string());
        assert_eq!(tag.as_deref(), Some("0a1b2c3d"));
        let digits = "00ff10".repeat(6) + "abcd";
        let key: Result<MacKey, _> = digits.parse();
        assert_eq!(key.map(|key| key.to_string()), Ok(digits));
    }
}
