//! Messages as a bystander reads them: every field, and nothing believed.
//! Must never refuse a message for its numbers, as a conversation does: it only shows them.
//! Standard: OTR versions 2 and 3, "D-H Commit Message" to "Data Message".

use super::forge::MacKey;
use crate::wire::{Malformed, Reader};

/// What stands at the head of a binary message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The version of the protocol: 2 or 3.
    pub version: u16,
    /// The tag of the sender; 0 in version 2, which has none.
    pub sender: u32,
    /// The tag of the receiver; 0 if it was not known, and in version 2.
    pub receiver: u32,
}

/// What a message is. Numbers are big endian, as they stand in the message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// A text under the keys of a session.
    Data(DataMessage),
    /// The first message of an exchange.
    DhCommit {
        /// The head of the message.
        header: Header,
        /// g^x, encrypted.
        encrypted_gx: Vec<u8>,
        /// The hash of g^x.
        hashed_gx: Vec<u8>,
    },
    /// The second message of an exchange.
    DhKey {
        /// The head of the message.
        header: Header,
        /// g^y.
        gy: Vec<u8>,
    },
    /// An error message, with its text: anybody can write one.
    Error(String),
    /// A question for a private session, as it stands there.
    Query(String),
    /// The third message of an exchange.
    RevealSignature {
        /// The head of the message.
        header: Header,
        /// The key that opens the first message.
        key: Vec<u8>,
        /// The signature, encrypted.
        encrypted: Vec<u8>,
        /// Its MAC.
        mac: [u8; 20],
    },
    /// The last message of an exchange.
    Signature {
        /// The head of the message.
        header: Header,
        /// The signature, encrypted.
        encrypted: Vec<u8>,
        /// Its MAC.
        mac: [u8; 20],
    },
    /// It begins like an OTR message, and is none.
    Unreadable,
}

/// A data message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataMessage {
    /// The head of the message.
    pub header: Header,
    /// Flags; 1: no answer if it cannot be read.
    pub flags: u8,
    /// The serial number of the sender's key.
    pub sender_key: u32,
    /// The serial number of the recipient's key.
    pub recipient_key: u32,
    /// The sender's next public key.
    pub next_key: Vec<u8>,
    /// The upper half of the first counter block.
    pub counter: u64,
    /// The text, encrypted.
    pub ciphertext: Vec<u8>,
    /// The MAC over everything before it.
    pub mac: [u8; 20],
    /// The MAC keys that the sender gives away: he accepted messages under them, and never will again.
    pub revealed: Vec<MacKey>,
    /// Everything that the MAC covers.
    pub(super) covered: Vec<u8>,
}

/// Reads a binary message.
pub(super) fn open(bytes: &[u8]) -> Result<Content, Malformed> {
    let mut reader = Reader::new(bytes);
    let version = reader.u16()?;
    let kind = reader.u8()?;
    let (sender, receiver) = match version {
        2 => (0, 0),
        3 => (reader.u32()?, reader.u32()?),
        _ => return Err(Malformed),
    };
    let header = Header {
        version,
        sender,
        receiver,
    };
    let content = match kind {
        0x02 => Content::DhCommit {
            header,
            encrypted_gx: reader.data()?.to_vec(),
            hashed_gx: reader.data()?.to_vec(),
        },
        0x03 => Content::Data(data(header, bytes, &mut reader)?),
        0x0a => Content::DhKey {
            header,
            gy: reader.data()?.to_vec(),
        },
        0x11 => Content::RevealSignature {
            header,
            key: reader.data()?.to_vec(),
            encrypted: reader.data()?.to_vec(),
            mac: *reader.array()?,
        },
        0x12 => Content::Signature {
            header,
            encrypted: reader.data()?.to_vec(),
            mac: *reader.array()?,
        },
        _ => return Err(Malformed),
    };
    reader.end()?;
    Ok(content)
}

fn data(header: Header, bytes: &[u8], reader: &mut Reader<'_>) -> Result<DataMessage, Malformed> {
    let flags = reader.u8()?;
    let (sender_key, recipient_key) = (reader.u32()?, reader.u32()?);
    let next_key = reader.data()?.to_vec();
    let counter = u64::from_be_bytes(*reader.array()?);
    let ciphertext = reader.data()?.to_vec();
    let length = bytes.len().saturating_sub(reader.rest().len());
    let covered = bytes.get(..length).ok_or(Malformed)?.to_vec();
    let mac = *reader.array()?;
    let (keys, rest) = reader.data()?.as_chunks::<20>();
    if !rest.is_empty() {
        return Err(Malformed);
    }
    Ok(DataMessage {
        header,
        flags,
        sender_key,
        recipient_key,
        next_key,
        counter,
        ciphertext,
        mac,
        revealed: keys.iter().copied().map(MacKey::from_bytes).collect(),
        covered,
    })
}
