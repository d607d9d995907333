//! Receipts inside OTR: how two programs of ours agree on which messages arrived.
//!
//! Four TLV kinds that other programs ignore (OTRv3, "TLV records": unknown types are skipped). They
//! must never travel outside an encrypted data message. Decision: `docs/decisions/0003-receipts.md`.

use otr::Tlv;

/// Random name of one run of a program, one for each conversation: who restarts has forgotten which
/// messages it got, and says so by another epoch.
pub(crate) type Epoch = [u8; 8];

/// Sixteen random bytes that name a message on both sides.
pub(crate) type Id = [u8; 16];

/// At most this many ids in one record: 512 * 16 + 8 bytes fit a TLV's 65,535.
pub(crate) const MAX_IDS: usize = 512;

const NAME: u16 = 0x4f01;
const RECEIVED: u16 = 0x4f02;
const WHICH: u16 = 0x4f03;
const ANSWER: u16 = 0x4f04;

/// One receipt record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Receipt {
    /// "Of those you asked for, I have these"; the epoch is the answerer's.
    Answer(Epoch, Vec<Id>),
    /// "This message has this name"; the epoch is the writer's.
    Name(Epoch, Id),
    /// "I have these"; the epoch is the receiver's.
    Received(Epoch, Vec<Id>),
    /// "Which of these do you have?"; the epoch is the asker's.
    Which(Epoch, Vec<Id>),
}

impl Receipt {
    /// The record as a TLV.
    pub(crate) fn to_tlv(&self) -> Tlv {
        let (kind, epoch, ids) = match self {
            Self::Answer(epoch, ids) => (ANSWER, epoch, ids.as_slice()),
            Self::Name(epoch, id) => (NAME, epoch, std::slice::from_ref(id)),
            Self::Received(epoch, ids) => (RECEIVED, epoch, ids.as_slice()),
            Self::Which(epoch, ids) => (WHICH, epoch, ids.as_slice()),
        };
        let mut value = epoch.to_vec();
        value.extend(ids.iter().take(MAX_IDS).flatten());
        Tlv { kind, value }
    }

    /// The record in a TLV, or `None` where it is another kind or malformed.
    pub(crate) fn from_tlv(tlv: &Tlv) -> Option<Self> {
        let (epoch, rest) = tlv.value.split_first_chunk::<8>()?;
        let (ids, left) = rest.as_chunks::<16>();
        if !left.is_empty() || ids.len() > MAX_IDS {
            return None;
        }
        match (tlv.kind, ids) {
            (NAME, [id]) => Some(Self::Name(*epoch, *id)),
            (RECEIVED, ids) => Some(Self::Received(*epoch, ids.to_vec())),
            (WHICH, ids) => Some(Self::Which(*epoch, ids.to_vec())),
            (ANSWER, ids) => Some(Self::Answer(*epoch, ids.to_vec())),
            _ => None,
        }
    }
}

/// The names of the last messages that came in, so that one sent twice is shown once.
#[derive(Default)]
pub(crate) struct Seen {
    order: std::collections::VecDeque<Id>,
    set: std::collections::BTreeSet<Id>,
}

impl Seen {
    const CAPACITY: usize = 4096;

    /// Remembers an id; `false` if it was known.
    pub(crate) fn insert(&mut self, id: Id) -> bool {
        if !self.set.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > Self::CAPACITY
            && let Some(oldest) = self.order.pop_front()
        {
            self.set.remove(&oldest);
        }
        true
    }

    /// Whether an id is known.
    pub(crate) fn contains(&self, id: &Id) -> bool {
        self.set.contains(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let records = [
            Receipt::Name([1; 8], [2; 16]),
            Receipt::Received([1; 8], vec![[2; 16], [3; 16]]),
            Receipt::Which([1; 8], vec![]),
            Receipt::Answer([1; 8], vec![[9; 16]; MAX_IDS]),
        ];
        for record in records {
            assert_eq!(Receipt::from_tlv(&record.to_tlv()), Some(record));
        }
    }

    #[test]
    fn a_malformed_or_foreign_record_is_ignored() {
        for (kind, length) in [
            (NAME, 0),
            (NAME, 8),
            (NAME, 23),
            (NAME, 40),
            (WHICH, 9),
            (0, 24),
            (1, 24),
        ] {
            assert_eq!(
                Receipt::from_tlv(&Tlv {
                    kind,
                    value: vec![0; length]
                }),
                None,
                "{kind} {length}"
            );
        }
        assert_eq!(
            Receipt::from_tlv(&Tlv {
                kind: WHICH,
                value: vec![0; 8 + 16 * (MAX_IDS + 1)]
            }),
            None
        );
    }

    #[test]
    fn a_message_seen_before_is_known_until_thousands_later() {
        let mut seen = Seen::default();
        assert!(seen.insert([7; 16]));
        assert!(!seen.insert([7; 16]));
        for n in 0..Seen::CAPACITY as u128 {
            seen.insert(n.to_be_bytes());
        }
        assert!(!seen.contains(&[7; 16]));
    }
}
