//! Captured conversations: what they show to anybody, and what anybody can make of them.
//! Must never be used in a conversation: what it accepts, no conversation would.
//! Standard: OTR version 3, "Data Message", "Revealing MAC Keys"; the toolkit of libotr 4.1.1.
//!
//! OTR gives away the keys that authenticated a message as soon as nobody will accept them any more. From
//! then on everybody who has the transcript can write messages that verify just as well as the true ones:
//! [`check`](DataMessage::verifies) a key against a message, [`modify`](DataMessage::modified) a message whose
//! words are guessed, or [`rewrite`](DataMessage::rewritten) one whose cipher key is known.
//! `docs/deniability.md` says in plain words what follows.

mod forge;
mod message;
mod scan;

use std::fmt;

pub use forge::{CipherKey, ForgeError, KeyTextError, MacKey};
pub use message::{Content, DataMessage, Header};

/// Longest capture in bytes.
pub const LARGEST_CAPTURE: usize = 16 * 1024 * 1024;
/// Most messages in a capture.
pub const MOST_MESSAGES: usize = 16_384;
/// Most revealed MAC keys in a capture: each is tried on every message.
pub const MOST_KEYS: usize = 4096;

/// A captured conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    messages: Vec<Message>,
}

/// One message of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it is.
    pub content: Content,
    /// The line, counted from 1, in which it begins; for a message in pieces that of the last piece.
    pub line: usize,
}

/// A MAC key that a message gave away, and what it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revealed {
    /// The key.
    pub key: MacKey,
    /// The place, from 0, of the message that gave it away.
    pub revealed_in: usize,
    /// The places of the data messages that verify under it.
    pub verifies: Vec<usize>,
}

/// Why a capture was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TranscriptError {
    /// It is longer than [`LARGEST_CAPTURE`].
    TooLarge,
    /// It reveals more keys than [`MOST_KEYS`].
    TooManyKeys,
    /// It has more messages than [`MOST_MESSAGES`].
    TooManyMessages,
}

impl Transcript {
    /// Finds the OTR messages in a capture. Anything may stand around them: names, times, other talk.
    ///
    /// Messages in pieces are put together. What begins like an OTR message and is none is told as
    /// [`Content::Unreadable`].
    ///
    /// # Errors
    /// [`TranscriptError`] for a capture beyond the limits.
    pub fn read(capture: &[u8]) -> Result<Self, TranscriptError> {
        if capture.len() > LARGEST_CAPTURE {
            return Err(TranscriptError::TooLarge);
        }
        let messages = scan::messages(capture)?;
        let keys = messages.iter().filter_map(Message::data);
        if keys.map(|data| data.revealed.len()).sum::<usize>() > MOST_KEYS {
            return Err(TranscriptError::TooManyKeys);
        }
        Ok(Self { messages })
    }

    /// The messages in the order of the capture.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The places, from 0, of the data messages that verify under `key`.
    pub fn verified_by(&self, key: &MacKey) -> Vec<usize> {
        let data = self.messages.iter().enumerate();
        data.filter(|(_, message)| message.data().is_some_and(|data| data.verifies(key)))
            .map(|(place, _)| place)
            .collect()
    }

    /// Every MAC key that was given away, with the messages that it could have made.
    pub fn revealed(&self) -> Vec<Revealed> {
        let mut all = Vec::new();
        for (place, message) in self.messages.iter().enumerate() {
            for key in message.data().into_iter().flat_map(|data| &data.revealed) {
                all.push(Revealed {
                    key: *key,
                    revealed_in: place,
                    verifies: self.verified_by(key),
                });
            }
        }
        all
    }
}

impl Message {
    /// The data message, if it is one.
    pub fn data(&self) -> Option<&DataMessage> {
        match &self.content {
            Content::Data(data) => Some(data),
            _ => None,
        }
    }
}

impl fmt::Display for TranscriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the transcript is too large",
            Self::TooManyKeys => "the transcript reveals too many keys",
            Self::TooManyMessages => "the transcript has too many messages",
        })
    }
}

impl std::error::Error for TranscriptError {}
