//! What the owner of a conversation may choose.
//! Must never offer a choice that sends unencrypted text after a private session stood.
//! Standard: OTR version 3, "Policies".

use std::num::{NonZeroU16, NonZeroUsize};
use std::time::Duration;

use crate::version::Version;

/// The settings of one conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// What may leave without encryption.
    pub policy: Policy,
    /// The oldest version that is spoken: version 3, unless the user chose otherwise for this contact,
    /// whose program knows nothing newer. Whoever is on the way can then hold both to the older one,
    /// even if both speak the newer; see [`Conversation::version`](crate::Conversation::version).
    pub oldest: Version,
    /// The transport's limit in bytes for one message; longer ones are cut into fragments of up to
    /// this size. `None`: no limit.
    pub max_message: Option<NonZeroUsize>,
    /// How the length of a message is hidden.
    pub padding: Padding,
    /// Bounds on memory and time.
    pub limits: Limits,
}

/// What may leave without encryption.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Nothing. Text is refused unless a private session stands.
    #[default]
    Required,
    /// Text leaves unencrypted, with the whitespace tag, until the first private session; after one
    /// stood, only the user's own [`Input::End`](crate::Input::End) allows it again.
    Opportunistic,
}

/// How the length of a message is hidden, by a TLV of type 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Plaintexts grow to a multiple of so many bytes.
    Blocks(NonZeroU16),
    /// Lengths are visible.
    Off,
}

/// Bounds on memory and time. The defaults suit a chat over a slow network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest text of one outgoing message in bytes: 1 MiB.
    pub outgoing_text: usize,
    /// Longest armoured message that is decoded, in bytes: 2 MiB.
    pub incoming_message: usize,
    /// Fragments of all unfinished messages together in bytes: 4 MiB.
    pub fragments_total: usize,
    /// Unfinished fragmented messages at one time: 8.
    pub fragment_sources: usize,
    /// How long an unfinished fragmented message is kept: 60 s.
    pub fragment_life: Duration,
    /// Clients of the contact that are remembered: 8.
    pub instances: usize,
    /// How long an unfinished key exchange is kept: 60 s.
    pub exchange_life: Duration,
    /// Shortest time between two `?OTR Error` replies: 60 s.
    pub error_interval: Duration,
    /// An empty message answers a message if none was sent for so long (60 s), so that keys rotate;
    /// `None`: never.
    pub heartbeat: Option<Duration>,
}

impl Padding {
    /// The block in bytes; 0 when off.
    pub(crate) fn block(self) -> usize {
        match self {
            Self::Blocks(block) => usize::from(block.get()),
            Self::Off => 0,
        }
    }
}

impl Default for Padding {
    /// Blocks of 256 bytes.
    fn default() -> Self {
        Self::Blocks(NonZeroU16::MIN.saturating_add(255))
    }
}

impl Default for Limits {
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self {
            outgoing_text: 1 << 20,
            incoming_message: 2 << 20,
            fragments_total: 4 << 20,
            fragment_sources: 8,
            fragment_life: minute,
            instances: 8,
            exchange_life: minute,
            error_interval: minute,
            heartbeat: Some(minute),
        }
    }
}
