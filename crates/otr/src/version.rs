//! The versions of the protocol, and what of them stands at the head of a message.
//! Must never make a version out of a number that has no wire format here.
//! Standard: OTR version 3, "Requesting an OTR conversation" and "Encoded messages"; OTR version 2, the same.

/// A version of the protocol. They are in order; version 4 will be a variant of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Version {
    /// OTR version 2: the same cryptography, without instance tags, so that several clients of one
    /// account disturb each other.
    Two,
    /// OTR version 3.
    #[default]
    Three,
}

impl Version {
    /// The number in a message's header.
    pub const fn number(self) -> u16 {
        match self {
            Self::Two => 2,
            Self::Three => 3,
        }
    }

    /// The version with this number.
    pub(crate) const fn from_number(number: u16) -> Option<Self> {
        match number {
            2 => Some(Self::Two),
            3 => Some(Self::Three),
            _ => None,
        }
    }
}

/// The head of a message or fragment: its version and, since version 3, who sends it to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Two,
    Three { sender: u32, receiver: u32 },
}

impl Route {
    /// The version.
    pub(crate) const fn version(self) -> Version {
        match self {
            Self::Two => Version::Two,
            Self::Three { .. } => Version::Three,
        }
    }
}
