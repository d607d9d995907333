//! Servers that lose each other: a flood of departures and returns, told as one.
//! Must never keep anybody waiting for long, nor collect without end.
//! RFC 1459 4.1.6; IRCv3 batch types netsplit and netjoin.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::name::{Key, Nick};

/// How long departures are collected before they are told.
const WINDOW: Duration = Duration::from_millis(500);
/// How long those who went are expected back.
const MEMORY: Duration = Duration::from_secs(30 * 60);
/// So many are told at once.
const MOST: usize = 10_000;

/// What was collected.
#[derive(Debug, Default)]
pub(crate) struct Split {
    gone: Vec<Nick>,
    back: BTreeMap<Key, Vec<Key>>,
    due: Option<Duration>,
    expected: BTreeSet<Key>,
    expected_until: Duration,
}

impl Split {
    pub(crate) fn lose(&mut self, key: Key, nick: Nick, now: Duration) {
        self.gone.push(nick);
        if self.expected.len() < MOST {
            self.expected.insert(key);
        }
        self.expected_until = now.saturating_add(MEMORY);
        self.collect(now, self.gone.len());
    }

    /// Whether somebody who enters was lost in a split.
    pub(crate) fn expects(&mut self, key: &Key, now: Duration) -> bool {
        if self.expected_until <= now {
            self.expected.clear();
        }
        self.expected.contains(key)
    }

    pub(crate) fn find(&mut self, room: Key, member: Key, now: Duration) {
        let back = self.back.entry(room).or_default();
        back.push(member);
        let count = back.len();
        self.collect(now, count);
    }

    fn collect(&mut self, now: Duration, count: usize) {
        let due = if count >= MOST {
            now
        } else {
            now.saturating_add(WINDOW)
        };
        self.due = Some(self.due.map_or(due, |old| old.min(due)));
    }

    pub(crate) fn due(&self) -> Option<Duration> {
        self.due
    }

    /// What is to be told now: who is gone, who is back in which room.
    pub(crate) fn take(&mut self) -> (Vec<Nick>, BTreeMap<Key, Vec<Key>>) {
        self.due = None;
        let back = std::mem::take(&mut self.back);
        for member in back.values().flatten() {
            self.expected.remove(member);
        }
        (std::mem::take(&mut self.gone), back)
    }
}

/// Whether these words of a QUIT are the names of two servers, which only a server says.
pub(crate) fn names_two_servers(words: &str) -> bool {
    let server = |name: &str| {
        let legal = name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'*' | b'_'));
        let dots = name.contains('.') && !name.starts_with('.') && !name.ends_with('.');
        legal && dots && !name.contains("..")
    };
    words
        .split_once(' ')
        .is_some_and(|(a, b)| a != b && server(a) && server(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_people_are_not_taken_for_servers() {
        assert!(names_two_servers("irc.a.example irc.b.example") && names_two_servers("*.net *.split"));
        for words in [
            "",
            "a.b",
            "Quit: a.b c.d",
            "good bye",
            "see you. bye.",
            "a.b a.b",
            "a.b c.d e.f",
        ] {
            assert!(!names_two_servers(words), "{words}");
        }
    }
}
