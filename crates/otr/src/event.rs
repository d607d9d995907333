//! What goes into a conversation and what comes out of it.
//! Must never mix what was encrypted with what was not: they are different events.
//! Standard: OTR version 3, "The protocol state machine".

use std::fmt;
use std::time::Duration;

use crate::data::ExtraKey;
use crate::key::Fingerprint;
use crate::tag::InstanceTag;
use crate::tlv::Tlv;

/// Something that happened or is wanted.
#[derive(Clone, Copy)]
pub enum Input<'a> {
    /// The user ends the private session: tells the other side and wipes the keys.
    End,
    /// An encrypted message without text, which the other side may ignore if it cannot read it.
    Notice {
        /// Records of types above 8.
        tlvs: &'a [Tlv],
        /// Comes back with each piece of the message.
        tag: u64,
    },
    /// From now on send to this client of the contact, which has a private session.
    Prefer(InstanceTag),
    /// The body of one message of the transport.
    Receive(&'a str),
    /// A message of the user.
    Send {
        /// The text, without NUL characters.
        text: &'a str,
        /// Records of types above 8.
        tlvs: &'a [Tlv],
        /// Comes back with each piece of the message.
        tag: u64,
    },
    /// Tells the other side that both now use an additional key (TLV 8); the key comes as
    /// [`Event::ExtraKey`] on both sides.
    ShareKey {
        /// What the key is for.
        usage: u32,
        /// Details that belong to the use.
        data: &'a [u8],
    },
    /// Asks the other side for a private conversation.
    Start,
    /// Time has passed: see [`Output::Wake`].
    Tick,
    /// Calls off the verification under way.
    VerifyAbort,
    /// Answers [`Event::VerifyAsked`] with the shared secret.
    VerifyAnswer {
        /// What both people know.
        secret: &'a [u8],
    },
    /// Begins the verification of the other side by a shared secret (SMP).
    VerifyStart {
        /// A question whose answer is the secret; it is sent encrypted.
        question: Option<&'a str>,
        /// What both people know.
        secret: &'a [u8],
    },
}

/// What to do after an input; taken by [`Conversation::poll`](crate::Conversation::poll).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Something to tell.
    Event(Event),
    /// A body to hand to the transport, in this order.
    Send {
        /// ASCII, at most [`max_message`](crate::Config::max_message) bytes (except for queries, errors
        /// and, where allowed, unencrypted text).
        body: String,
        /// The tag of the input; the same for all fragments of one message; `None` for the protocol's own.
        tag: Option<u64>,
    },
    /// Give [`Input::Tick`] at this time, of the same clock as `now`. A later one replaces it.
    Wake(Duration),
}

/// Something that happened in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The key exchange with one client met wrong numbers, hashes or signatures; it goes on waiting.
    ExchangeFailed {
        /// The client.
        instance: InstanceTag,
    },
    /// Both sides now hold an additional key (TLV 8).
    ExtraKey {
        /// What it is for.
        usage: u32,
        /// Details that belong to the use; of the other side's making.
        data: Vec<u8>,
        /// The key.
        key: ExtraKey,
        /// The client.
        instance: InstanceTag,
        /// Whether we shared it.
        ours: bool,
    },
    /// Another key than before stands at the other end. Comes before [`Event::Private`].
    FingerprintChanged {
        /// The key before.
        old: Fingerprint,
        /// The key now.
        new: Fingerprint,
    },
    /// The other side ended the session: sending is refused until a new one stands.
    Finished {
        /// The client.
        instance: InstanceTag,
    },
    /// A message for another client of this account came here.
    ForOtherInstance,
    /// A message that begins like OTR cannot be taken apart.
    Malformed,
    /// An encrypted text.
    Message {
        /// The text as UTF-8; it may hold any markup or control characters.
        text: String,
        /// Records that are not the protocol's own.
        tlvs: Vec<Tlv>,
        /// The client.
        instance: InstanceTag,
        /// The key that vouches for it.
        fingerprint: Fingerprint,
    },
    /// Encrypted records without a text.
    Notice {
        /// Records that are not the protocol's own.
        tlvs: Vec<Tlv>,
        /// The client.
        instance: InstanceTag,
        /// The key that vouches for it.
        fingerprint: Fingerprint,
    },
    /// The other side's program sent an OTR error; anyone on the way can have written this text.
    PeerError {
        /// The text.
        text: String,
    },
    /// An unencrypted text; anyone on the way can have written it.
    Plaintext {
        /// The text without whitespace tag.
        text: String,
        /// Whether a private session stands or stood until the other side ended it.
        alarmed: bool,
    },
    /// A private session stands.
    Private {
        /// The key at the other end.
        fingerprint: Fingerprint,
        /// The number that both ends can compare.
        ssid: SessionId,
        /// Whether a session with the same client and key stood before.
        refreshed: bool,
        /// The client.
        instance: InstanceTag,
    },
    /// The other side asks for OTR; if we speak the version, the exchange has begun.
    QuerySeen {
        /// Whether it offers a version that we speak.
        offers_ours: bool,
    },
    /// Our own message came back. Nothing was done.
    Reflected,
    /// A message came again, or one that was overtaken. Nothing was done and nothing answered.
    Replayed {
        /// The client.
        instance: InstanceTag,
    },
    /// The other side did not take up the conversation in time.
    StartTimedOut,
    /// An encrypted message could not be read.
    Unreadable {
        /// The client.
        instance: InstanceTag,
    },
    /// The verification was called off, by either side or by a wrong message.
    VerifyAborted {
        /// The client.
        instance: InstanceTag,
    },
    /// The other side asks for verification: answer with [`Input::VerifyAnswer`].
    VerifyAsked {
        /// Untrusted text of the other side.
        question: Option<String>,
        /// The client.
        instance: InstanceTag,
    },
    /// The verification is over.
    VerifyFinished {
        /// Whether both secrets were equal.
        equal: bool,
        /// Whether we asked. With a question, only the side that asked has learned something.
        asked_by_us: bool,
        /// The key that was verified.
        fingerprint: Fingerprint,
        /// The client.
        instance: InstanceTag,
    },
}

/// Where a conversation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The other side ended the session.
    Finished,
    /// No session and none asked for.
    Plain,
    /// A session stands; what is sent goes to this client.
    Private {
        /// The key at the other end.
        fingerprint: Fingerprint,
        /// The number that both ends can compare.
        ssid: SessionId,
        /// The client.
        instance: InstanceTag,
    },
    /// A session was asked for, or its key exchange is under way.
    Starting,
}

/// The number of a session (the standard's secure session id): 64 bits that both ends can read to
/// each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionId {
    bytes: [u8; 8],
    we_revealed: bool,
}

impl SessionId {
    pub(crate) fn new(bytes: [u8; 8], we_revealed: bool) -> Self {
        Self { bytes, we_revealed }
    }

    /// The 64 bits.
    pub fn bytes(&self) -> &[u8; 8] {
        &self.bytes
    }

    /// Whether the first half is the one that this side reads aloud; otherwise the second is.
    pub fn reads_first_half(&self) -> bool {
        self.we_revealed
    }
}

impl fmt::Display for SessionId {
    /// Two groups of eight hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, byte) in self.bytes.iter().enumerate() {
            if number == 4 {
                f.write_str(" ")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}
