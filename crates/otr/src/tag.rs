//! Instance tags: which client of an account speaks.
//! Must never be a value below 0x100, which the standard keeps for itself.
//! Standard: OTR version 3, "Instance Tags".

use std::fmt;

use rand_core::CryptoRng;

use crate::version::Version;

/// The number by which the clients of one account tell each other apart; at least 0x100.
///
/// One is drawn for each account on each device and kept for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceTag(u32);

impl InstanceTag {
    /// The smallest tag.
    const SMALLEST: u32 = 0x100;

    /// Stands for the client of a contact that speaks version 2, which knows no tags: there is one at
    /// most in a conversation. It is no tag of ours and [`from_u32`](Self::from_u32) never makes it.
    pub const UNTAGGED: Self = Self(0);

    /// Draws a new tag.
    pub fn random(rng: &mut dyn CryptoRng) -> Self {
        loop {
            if let Some(tag) = Self::from_u32(rng.next_u32()) {
                return tag;
            }
        }
    }

    /// Takes a stored tag; `None` if it is below 0x100.
    pub const fn from_u32(value: u32) -> Option<Self> {
        if value < Self::SMALLEST {
            None
        } else {
            Some(Self(value))
        }
    }

    /// The version that the client with this tag speaks.
    pub(crate) const fn version(self) -> Version {
        if self.0 == Self::UNTAGGED.0 {
            Version::Two
        } else {
            Version::Three
        }
    }

    /// The number.
    pub const fn value(self) -> u32 {
        self.0
    }
}

impl fmt::Display for InstanceTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_below_0x100_do_not_exist_and_high_ones_do() {
        assert_eq!(InstanceTag::from_u32(0), None);
        assert_eq!(InstanceTag::from_u32(0xff), None);
        for value in [0x100, 0x1111_1112, u32::MAX] {
            assert_eq!(InstanceTag::from_u32(value).map(InstanceTag::value), Some(value));
        }
    }
}
