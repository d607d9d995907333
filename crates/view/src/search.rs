//! Searching in one conversation: in what this window holds, and in what the engine found among the kept messages.
//! It must never send what is searched for anywhere but to the engine. Standard: none.

use model::{Direction, Message};

use crate::Words;
use crate::log::{Log, What};
use crate::text::{self, Name};

/// Messages that are found at once, the newest.
const MAX_FOUND: usize = 200;

/// One message that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundMessage {
    /// Who said it and when.
    pub about: String,
    /// What was said, fit to be shown.
    pub text: String,
    /// Whether that runs from right to left.
    pub rtl: bool,
}

/// The messages that hold some words, the newest first. Case, marks and look-alikes do not matter. `kept`: what the
/// engine found among the kept ones; `now`: milliseconds since 1970 UTC.
pub fn search(
    log: &Log,
    kept: &[Message],
    wanted: &str,
    name: &Name,
    words: &Words,
    now: u64,
) -> Vec<FoundMessage> {
    let wanted = text::skeleton(wanted);
    if wanted.is_empty() {
        return Vec::new();
    }
    let here = (0..log.len())
        .rev()
        .filter_map(|row| match &log.entry(row)?.what {
            What::Message(message) if text::skeleton(&message.text).contains(&wanted) => Some(message),
            _ => None,
        });
    let mut found: Vec<&Message> = here.take(MAX_FOUND).collect();
    found.extend(kept.iter().filter(|it| log.row_of(&it.id).is_none()));
    found.sort_by_key(|message| std::cmp::Reverse(message.at));
    found
        .into_iter()
        .take(MAX_FOUND)
        .map(|message| found_row(message, name, words, now))
        .collect()
}

fn found_row(message: &Message, name: &Name, words: &Words, now: u64) -> FoundMessage {
    let time = words.moment(message.at, now);
    let about = match message.direction {
        Direction::In => words.fill("search.theirs", &[("name", &name.text), ("time", &time)]),
        Direction::Out => words.fill("search.own", &[("time", &time)]),
    };
    let shown = text::message(&message.text, false);
    FoundMessage {
        about,
        text: shown.text,
        rtl: shown.rtl,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOON, incoming, outgoing};

    #[test]
    fn what_is_here_and_what_was_kept_is_found_each_once_newest_first() {
        let mut log = Log::default();
        log.put(What::Message(incoming(5, "The TRAIN is late")));
        log.put(What::Message(outgoing(6, "no hurry")));
        let kept = [incoming(5, "The TRAIN is late"), outgoing(2, "which train?")];
        let name = text::name(Some("Bob"), "bob@example.org");
        let found = search(&log, &kept, "train", &name, &Words::default(), NOON);
        let texts: Vec<&str> = found.iter().map(|it| it.text.as_str()).collect();
        assert_eq!(texts, ["The TRAIN is late", "which train?"]);
        assert!(found[0].about.contains("Bob") && !found[1].about.contains("Bob"));
        assert!(search(&log, &kept, " ", &name, &Words::default(), NOON).is_empty());
    }
}
