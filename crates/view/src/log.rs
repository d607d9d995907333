//! What was said in one conversation, oldest first, and what happened in between.
//! It must never grow past [`MAX_ENTRIES`] or [`MAX_BYTES`]: the oldest goes first, and is told as gone.
//! Standard: `docs/rpc.md`, `Message`.

use std::collections::{BTreeMap, VecDeque};

use model::{Delivery, Direction, Message, MessageId, Privacy, Problem, RoomMessage, Wait};

/// Entries kept of one conversation.
pub const MAX_ENTRIES: usize = 100_000;
/// Bytes of text kept of one conversation.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;
/// Number of the first entry that came; what was kept from before stands below it.
const FIRST: u64 = 1 << 40;

/// One thing in a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Counts up in the order of coming and never changes: a name for the row.
    pub number: u64,
    /// What it is.
    pub what: What,
}

/// What an [`Entry`] is.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The contact used a key never seen from it before.
    Key {
        /// When, in milliseconds since 1970 UTC.
        at: u64,
        /// 40 hexadecimal digits in five groups.
        fingerprint: String,
        /// Whether other keys of this contact were known.
        changed: bool,
    },
    /// A message.
    Message(Message),
    /// Something that the owner should know.
    Notice {
        /// When, in milliseconds since 1970 UTC.
        at: u64,
        /// What.
        notice: Problem,
    },
    /// The conversation became private, or stopped being so.
    Privacy {
        /// When, in milliseconds since 1970 UTC.
        at: u64,
        /// As it was then.
        privacy: Privacy,
    },
    /// Something said in a room.
    Said(RoomMessage),
}

impl What {
    /// When, in milliseconds since 1970 UTC.
    pub fn at(&self) -> u64 {
        match self {
            Self::Key { at, .. } | Self::Notice { at, .. } | Self::Privacy { at, .. } => *at,
            Self::Message(message) => message.at,
            Self::Said(message) => message.at,
        }
    }

    /// The name of the message that it is.
    pub fn id(&self) -> Option<&MessageId> {
        match self {
            Self::Message(message) => Some(&message.id),
            Self::Said(message) => Some(&message.id),
            Self::Key { .. } | Self::Notice { .. } | Self::Privacy { .. } => None,
        }
    }

    /// Whether it is a message of somebody else's that is to be read.
    pub fn came_in(&self) -> bool {
        match self {
            Self::Message(message) => message.direction == Direction::In,
            Self::Said(message) => !message.own && !message.earlier && message.nick.is_some(),
            Self::Key { .. } | Self::Notice { .. } | Self::Privacy { .. } => false,
        }
    }

    /// What an own message waits for, where it does.
    pub fn waits_for(&self) -> Option<Wait> {
        match self {
            Self::Message(Message {
                delivery: Delivery::Waiting { wait },
                ..
            }) => Some(*wait),
            _ => None,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Message(message) => message.text.len(),
            Self::Notice { notice, .. } => notice.text.len(),
            Self::Said(message) => message.text.len(),
            Self::Key { .. } | Self::Privacy { .. } => 0,
        }
    }
}

/// What a change did to the rows, for whoever shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowChange {
    /// A row came to the end; `dropped` rows went from the beginning.
    Added {
        /// Rows that are gone from the beginning.
        dropped: usize,
    },
    /// Everything may be different.
    All,
    /// The row at this index is different.
    Changed(usize),
}

/// One conversation's entries.
#[derive(Clone, Debug)]
pub struct Log {
    entries: VecDeque<Entry>,
    numbers: BTreeMap<MessageId, u64>,
    next: u64,
    bytes: usize,
    /// Entries from this number on were not read.
    read_to: u64,
    unread: u32,
    /// Own messages that have not left this program.
    waiting: usize,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            numbers: BTreeMap::new(),
            next: FIRST,
            bytes: 0,
            read_to: FIRST,
            unread: 0,
            waiting: 0,
        }
    }
}

impl Log {
    /// How many entries there are, which is how many rows.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of a row.
    pub fn entry(&self, index: usize) -> Option<&Entry> {
        self.entries.get(index)
    }

    /// The newest entry.
    pub fn last(&self) -> Option<&Entry> {
        self.entries.back()
    }

    /// What was said last, in a room.
    pub fn last_said(&self) -> Option<&RoomMessage> {
        self.entries.iter().rev().find_map(|entry| match &entry.what {
            What::Said(message) => Some(message),
            _ => None,
        })
    }

    /// The newest message.
    pub fn last_message(&self) -> Option<&Message> {
        self.entries.iter().rev().find_map(|entry| match &entry.what {
            What::Message(message) => Some(message),
            _ => None,
        })
    }

    /// The row of a message.
    pub fn row_of(&self, id: &MessageId) -> Option<usize> {
        self.index(*self.numbers.get(id)?)
    }

    /// The row of the entry with this number, unless it is gone.
    pub fn index(&self, number: u64) -> Option<usize> {
        let index = usize::try_from(number.checked_sub(self.first())?).ok()?;
        (index < self.entries.len()).then_some(index)
    }

    /// The message with this name.
    pub fn message(&self, id: &MessageId) -> Option<&Message> {
        match &self.entries.get(self.row_of(id)?)?.what {
            What::Message(message) => Some(message),
            _ => None,
        }
    }

    /// Messages of the contact that were not read.
    pub fn unread(&self) -> u32 {
        self.unread
    }

    /// How many own messages have not left this program, and what the newest of them waits for.
    pub fn waiting(&self) -> (usize, Option<Wait>) {
        if self.waiting == 0 {
            return (0, None);
        }
        let newest = self.entries.iter().rev().find_map(|entry| entry.what.waits_for());
        (self.waiting, newest)
    }

    /// The row of the first message of the contact that was not read.
    pub fn first_unread(&self) -> Option<usize> {
        if self.unread == 0 {
            return None;
        }
        let from = self.index(self.read_to.max(self.first()))?;
        (from..self.len()).find(|index| self.entry(*index).is_some_and(|entry| entry.what.came_in()))
    }

    /// Everything that is there was read. Says whether that is new.
    pub fn mark_read(&mut self) -> bool {
        self.read_to = self.next;
        std::mem::take(&mut self.unread) > 0
    }

    /// A message came, was written, or came further on its way.
    pub fn put(&mut self, what: What) -> RowChange {
        let row = what.id().and_then(|id| self.row_of(id));
        let Some(index) = row else {
            if let Some(id) = what.id() {
                self.numbers.insert(id.clone(), self.next);
            }
            return self.push(what);
        };
        self.count(&what);
        let Some(entry) = self.entries.get_mut(index) else {
            return RowChange::All;
        };
        let old = std::mem::replace(&mut entry.what, what);
        self.uncount(&old);
        RowChange::Changed(index)
    }

    /// Puts messages that were kept, oldest first, before everything that is there; those that are there already, and
    /// those for which there is no room, are left out. They were read. Says how many came.
    pub fn prepend(&mut self, messages: Vec<Message>) -> usize {
        let mut came = 0;
        for message in messages.into_iter().rev() {
            let what = What::Message(message);
            let full =
                self.entries.len() >= MAX_ENTRIES || self.bytes.saturating_add(what.bytes()) > MAX_BYTES;
            let known = what.id().is_some_and(|id| self.numbers.contains_key(id));
            if full || known {
                continue;
            }
            let number = self.first().saturating_sub(1);
            self.count(&what);
            if let Some(id) = what.id() {
                self.numbers.insert(id.clone(), number);
            }
            self.entries.push_front(Entry { number, what });
            came += 1;
        }
        came
    }

    /// The last message of the owner that left this program: the one that can be corrected.
    pub fn last_own(&self) -> Option<&Message> {
        self.entries.iter().rev().find_map(|entry| match &entry.what {
            What::Message(message) if message.direction == Direction::Out => Some(message),
            _ => None,
        })
    }

    /// Something happened.
    pub fn push(&mut self, what: What) -> RowChange {
        self.count(&what);
        if what.came_in() {
            self.unread = self.unread.saturating_add(1);
        }
        self.entries.push_back(Entry {
            number: self.next,
            what,
        });
        self.next = self.next.saturating_add(1);
        let mut dropped = 0;
        while self.entries.len() > MAX_ENTRIES || (self.bytes > MAX_BYTES && self.entries.len() > 1) {
            self.drop_oldest();
            dropped += 1;
        }
        RowChange::Added { dropped }
    }

    fn count(&mut self, what: &What) {
        self.bytes = self.bytes.saturating_add(what.bytes());
        self.waiting = self
            .waiting
            .saturating_add(usize::from(what.waits_for().is_some()));
    }

    fn uncount(&mut self, what: &What) {
        self.bytes = self.bytes.saturating_sub(what.bytes());
        self.waiting = self
            .waiting
            .saturating_sub(usize::from(what.waits_for().is_some()));
    }

    fn first(&self) -> u64 {
        self.entries.front().map_or(self.next, |entry| entry.number)
    }

    fn drop_oldest(&mut self) {
        let Some(entry) = self.entries.pop_front() else {
            return;
        };
        self.uncount(&entry.what);
        if entry.number >= self.read_to && entry.what.came_in() {
            self.unread = self.unread.saturating_sub(1);
        }
        if let Some(id) = entry.what.id() {
            self.numbers.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{incoming, outgoing};

    #[test]
    fn a_message_that_comes_further_keeps_its_row() {
        let mut log = Log::default();
        log.put(What::Message(incoming(1, "hello")));
        assert_eq!(
            log.put(What::Message(outgoing(2, "hi"))),
            RowChange::Added { dropped: 0 }
        );
        let mut again = outgoing(2, "hi");
        again.delivery = Delivery::Received;
        assert_eq!(log.put(What::Message(again.clone())), RowChange::Changed(1));
        assert_eq!(log.message(&again.id), Some(&again));
        assert_eq!(log.len(), 2);
    }

    #[test]
    fn only_what_came_in_is_unread_and_only_until_it_was_read() {
        let mut log = Log::default();
        log.put(What::Message(incoming(1, "read")));
        log.mark_read();
        log.put(What::Message(outgoing(2, "mine")));
        log.put(What::Message(incoming(3, "new")));
        log.put(What::Message(incoming(4, "newer")));
        assert_eq!((log.unread(), log.first_unread()), (2, Some(2)));
        assert!(log.mark_read());
        assert!(!log.mark_read());
        assert_eq!((log.unread(), log.first_unread()), (0, None));
    }

    #[test]
    fn what_waits_is_counted_until_it_leaves() {
        let mut log = Log::default();
        let mut message = outgoing(1, "hi");
        message.delivery = Delivery::Waiting { wait: Wait::Privacy };
        log.put(What::Message(message.clone()));
        log.put(What::Message(incoming(2, "x")));
        assert_eq!(log.waiting(), (1, Some(Wait::Privacy)));
        message.delivery = Delivery::Sent;
        log.put(What::Message(message));
        assert_eq!(log.waiting(), (0, None));
    }

    #[test]
    fn kept_messages_stand_before_the_others_each_once_and_are_read() {
        let mut log = Log::default();
        log.put(What::Message(incoming(3, "new")));
        let came = log.prepend(vec![incoming(1, "a"), outgoing(2, "b"), incoming(3, "new")]);
        assert_eq!((came, log.len(), log.unread()), (2, 3, 1));
        assert_eq!(log.first_unread(), Some(2));
        assert_eq!(log.row_of(&incoming(1, "").id), Some(0));
        assert_eq!(log.prepend(vec![incoming(1, "a")]), 0);
        assert_eq!(log.last_own().unwrap().text, "b");
        let numbers: Vec<u64> = (0..3).map(|row| log.entry(row).unwrap().number).collect();
        assert!(numbers.is_sorted());
        assert_eq!(log.index(numbers[0]), Some(0));
    }

    #[test]
    fn the_oldest_goes_when_the_log_is_full() {
        let mut log = Log::default();
        for number in 0..u32::try_from(MAX_ENTRIES).unwrap() {
            log.put(What::Message(incoming(number, "x")));
        }
        assert_eq!(
            log.put(What::Message(incoming(200_000, "one more"))),
            RowChange::Added { dropped: 1 }
        );
        assert_eq!(log.len(), MAX_ENTRIES);
        assert_eq!(log.unread() as usize, MAX_ENTRIES);
        assert_eq!(log.row_of(&incoming(0, "x").id), None);
        assert_eq!(log.row_of(&incoming(200_000, "").id), Some(MAX_ENTRIES - 1));
    }

    #[test]
    fn a_flood_of_long_texts_is_bounded_in_bytes() {
        let mut log = Log::default();
        let long = "x".repeat(1024 * 1024);
        for number in 0..64 {
            log.put(What::Message(incoming(number, &long)));
        }
        assert_eq!(log.len(), MAX_BYTES / long.len());
        assert_eq!(log.unread() as usize, log.len());
    }
}
