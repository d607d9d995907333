//! The rows of a conversation, computed when they are about to be seen.
//! It must never put words about trust into a row that a contact's text can imitate: trust stands in the header.
//! Standard: design rule "messages are shown as plain text".

use std::collections::BTreeSet;
use std::ops::Range;

use model::{Delivery, Direction, Message, Privacy, RoomMessage, Wait};

use crate::log::{Entry, Log, What};
use crate::text::{self, Link, Shown};
use crate::{Name, Words, rooms};

/// Milliseconds between two messages of one group.
const GROUP: u64 = 5 * 60_000;
/// Rows that are computed at once.
pub const MAX_ROWS: usize = 1_000;

/// Who or what a row is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// The owner.
    Own,
    /// This program, about the conversation.
    System,
    /// The contact.
    Theirs,
}

/// How far an own message came. Shown as an icon with [`Row::delivery_words`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It was not sent, or may not have arrived.
    NotSent,
    /// The contact's program has it.
    Received,
    /// It is on its way.
    Sent,
    /// It has not left this program.
    Waiting,
}

impl Mark {
    /// The name of its icon.
    pub fn icon(self) -> &'static str {
        match self {
            Self::NotSent => "delivery-not-sent",
            Self::Received => "delivery-received",
            Self::Sent => "delivery-sent",
            Self::Waiting => "delivery-waiting",
        }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// A name for it that never changes: [`Entry::number`].
    pub number: u64,
    /// Who it is from.
    pub kind: RowKind,
    /// The day, where the row is the first of one.
    pub day: Option<String>,
    /// Whether the line "new messages" stands above it.
    pub first_new: bool,
    /// What the sender is called in a room, fit to be shown in a style of its own; empty where the header says who it is.
    pub sender: String,
    /// Whether it begins a group of the same sender.
    pub begins: bool,
    /// Whether it ends one.
    pub ends: bool,
    /// The text, fit to be shown as plain text.
    pub text: String,
    /// Whether the text runs from right to left.
    pub rtl: bool,
    /// Whether there is more of it: offer to show all.
    pub cut: bool,
    /// Whether something is shown otherwise than it was sent.
    pub altered: bool,
    /// Whether it tells what the sender does (`/me`).
    pub action: bool,
    /// Whether the sender said it otherwise before.
    pub corrected: bool,
    /// The time of day.
    pub time: String,
    /// Day and time.
    pub moment: String,
    /// How far an own message came.
    pub mark: Option<Mark>,
    /// The same in words; why, where it was not sent.
    pub delivery_words: String,
    /// Whether it crossed the network readable for others. Has to be said beside the text.
    pub unencrypted: bool,
    /// Whether it can be sent once more.
    pub can_retry: bool,
    /// Whether it can be taken back or forgotten.
    pub can_cancel: bool,
    /// Its links.
    pub links: Vec<Link>,
}

/// Everything that rows of one conversation are made with.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// The conversation.
    pub log: &'a Log,
    /// The language.
    pub words: Words,
    /// Milliseconds since 1970 UTC.
    pub now: u64,
    /// The contact's name.
    pub name: &'a Name,
    /// The owner's name for themselves in this conversation: their address.
    pub own_name: &'a str,
    /// Number of the entry above which "new messages" stands ([`Log::first_unread`] at the time of opening).
    pub first_new: Option<u64>,
    /// Numbers of the entries that are shown in full length.
    pub in_full: &'a BTreeSet<u64>,
}

impl Rows<'_> {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.log.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.log.is_empty()
    }

    /// The rows of a range, at most [`MAX_ROWS`].
    pub fn range(&self, range: Range<usize>) -> Vec<Row> {
        range.take(MAX_ROWS).map_while(|index| self.row(index)).collect()
    }

    /// One row.
    pub fn row(&self, index: usize) -> Option<Row> {
        let entry = self.log.entry(index)?;
        let before = index.checked_sub(1).and_then(|index| self.log.entry(index));
        let after = self.log.entry(index.saturating_add(1));
        let at = entry.what.at();
        let new_day =
            before.is_none_or(|it| self.words.day_number(it.what.at()) != self.words.day_number(at));
        let mut row = Row {
            number: entry.number,
            kind: kind(&entry.what),
            day: new_day.then(|| self.words.day(at, self.now)),
            first_new: self.first_new == Some(entry.number),
            sender: String::new(),
            begins: !before.is_some_and(|before| self.groups(before, entry)),
            ends: !after.is_some_and(|after| self.groups(entry, after)),
            text: String::new(),
            rtl: false,
            cut: false,
            altered: false,
            action: false,
            corrected: false,
            time: self.words.time(at),
            moment: self.words.moment(at, self.now),
            mark: None,
            delivery_words: String::new(),
            unencrypted: false,
            can_retry: false,
            can_cancel: false,
            links: Vec::new(),
        };
        match &entry.what {
            What::Message(message) => self.message(&mut row, message),
            What::Said(message) => self.said(&mut row, message),
            other => {
                row.text = self.told(other);
                row.rtl = text::is_rtl(&row.text);
            }
        }
        Some(row)
    }

    /// What goes to the clipboard for a row: a message as it came ([`text::copied`]), without name and time.
    pub fn copy(&self, index: usize) -> Option<String> {
        Some(match &self.log.entry(index)?.what {
            What::Message(message) => text::copied(&message.text),
            What::Said(message) => text::copied(&message.text),
            other => self.told(other),
        })
    }

    /// What a screen reader says for a row: who, what, when, how far.
    pub fn spoken(&self, row: &Row) -> String {
        let values = [
            ("name", self.sender(row)),
            ("text", row.text.as_str()),
            ("time", row.moment.as_str()),
            ("state", row.delivery_words.as_str()),
        ];
        let key = match row.kind {
            RowKind::System => "row.spoken.system",
            _ if row.delivery_words.is_empty() => "row.spoken",
            _ => "row.spoken.state",
        };
        self.words.fill(key, &values)
    }

    fn message(&self, row: &mut Row, message: &Message) {
        self.text(row, &message.text);
        row.corrected = message.corrected;
        row.unencrypted = !message.encrypted;
        if message.direction == Direction::Out {
            row.mark = Some(mark(&message.delivery));
            row.delivery_words = self.delivery(&message.delivery);
            row.can_cancel = matches!(
                message.delivery,
                Delivery::NotSent { .. } | Delivery::Waiting { .. }
            );
            row.can_retry = matches!(message.delivery, Delivery::NotSent { .. });
        } else if row.unencrypted {
            row.delivery_words = self.words.say("row.unencrypted");
        }
    }

    /// Said in a room: readable for everybody in it, which the page says once and for all.
    fn said(&self, row: &mut Row, message: &RoomMessage) {
        row.sender = match &message.nick {
            _ if message.own => String::new(),
            Some(nick) => rooms::nick(nick, &self.words).text,
            None => self.words.say("room.itself"),
        };
        self.text(row, &message.text);
        if let Some(problem) = &message.problem {
            row.mark = Some(Mark::NotSent);
            row.delivery_words = self.words.problem(problem);
        }
    }

    /// The words of a message, as they are shown.
    fn text(&self, row: &mut Row, original: &str) {
        let (words, action) = match original.strip_prefix("/me ") {
            Some(rest) => (rest, true),
            None => (original, false),
        };
        let Shown {
            text,
            cut,
            altered,
            rtl,
        } = text::message(words, self.in_full.contains(&row.number));
        row.text = if action {
            format!("* {} {text}", text::isolated(self.sender(row)))
        } else {
            text
        };
        (row.cut, row.altered, row.rtl, row.action) = (cut, altered, rtl, action);
        row.links = text::links(&row.text);
    }

    fn sender<'a>(&'a self, row: &'a Row) -> &'a str {
        match row.kind {
            RowKind::Own => self.own_name,
            RowKind::System => "",
            RowKind::Theirs if row.sender.is_empty() => &self.name.text,
            RowKind::Theirs => &row.sender,
        }
    }

    fn delivery(&self, delivery: &Delivery) -> String {
        let key = match delivery {
            Delivery::NotSent { problem } => return self.words.problem(problem),
            Delivery::Received => "delivery.received",
            Delivery::Sent => "delivery.sent",
            Delivery::Waiting { wait } => match wait {
                Wait::Connection => "delivery.waiting.connection",
                Wait::NewKey => "delivery.waiting.new_key",
                Wait::Privacy => "delivery.waiting.privacy",
                Wait::Shield => "delivery.waiting.shield",
            },
        };
        self.words.say(key)
    }

    /// A line of this program's own about the conversation.
    fn told(&self, what: &What) -> String {
        let name = [("name", self.name.text.as_str())];
        match what {
            What::Key { changed: true, .. } => self.words.fill("line.key_changed", &name),
            What::Key { changed: false, .. } => self.words.fill("line.key_first", &name),
            What::Message(_) | What::Said(_) => String::new(),
            What::Notice { notice, .. } => self.words.problem(notice),
            What::Privacy { privacy, .. } => match privacy {
                Privacy::Finished => self.words.fill("line.finished", &name),
                Privacy::Plain => self.words.say("line.plain"),
                Privacy::Private { verified: false, .. } => self.words.say("line.private"),
                Privacy::Private { verified: true, .. } => self.words.say("line.verified"),
                Privacy::Starting => self.words.say("line.starting"),
            },
        }
    }

    /// Whether two neighbours belong together: the same sender, kept apart by little time and no new day.
    fn groups(&self, earlier: &Entry, later: &Entry) -> bool {
        let same = match (&earlier.what, &later.what) {
            (What::Message(one), What::Message(other)) => {
                one.direction == other.direction && one.encrypted == other.encrypted
            }
            (What::Said(one), What::Said(other)) => one.own == other.own && one.nick == other.nick,
            _ => return false,
        };
        let (one, other) = (earlier.what.at(), later.what.at());
        same && self.first_new != Some(later.number)
            && other.abs_diff(one) < GROUP
            && self.words.day_number(one) == self.words.day_number(other)
    }
}

fn kind(what: &What) -> RowKind {
    match what {
        What::Message(message) if message.direction == Direction::Out => RowKind::Own,
        What::Said(message) if message.own => RowKind::Own,
        What::Message(_) | What::Said(_) => RowKind::Theirs,
        _ => RowKind::System,
    }
}

fn mark(delivery: &Delivery) -> Mark {
    match delivery {
        Delivery::NotSent { .. } => Mark::NotSent,
        Delivery::Received => Mark::Received,
        Delivery::Sent => Mark::Sent,
        Delivery::Waiting { .. } => Mark::Waiting,
    }
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
