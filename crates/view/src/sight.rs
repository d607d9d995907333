//! What the walls refused, and who could see what, as the security page tells them.
//! It must never call an attempt refused that was not, nor leave an observer out that it does not know.
//! Standard: `docs/rpc.md`, `walls.check` and `sight.list`.

use std::collections::BTreeMap;

use model::{Attempt, Sights, WallsCheck};

use crate::state::State;
use crate::{Words, text};

/// Characters of an attempt's name, and of what the system said.
const MAX_SEEN_CHARS: usize = 120;
/// Attempts, and observers, that are shown.
const MAX_ROWS: usize = 500;

/// One attempt of the leak self-test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRow {
    /// The part of the program that tried.
    pub room: String,
    /// What it tried, as `otter check` names it.
    pub attempt: String,
    /// Whether that went as it should. Shown with [`AttemptRow::verdict`], never by colour alone.
    pub good: bool,
    /// The same in words.
    pub verdict: String,
    /// What the system said.
    pub seen: String,
}

/// The attempts, those that went wrong first; and how many those are.
pub fn attempts(check: &WallsCheck, words: &Words) -> (Vec<AttemptRow>, usize) {
    let mut rows: Vec<AttemptRow> = check
        .attempts
        .iter()
        .take(MAX_ROWS)
        .map(|it| attempt_row(it, words))
        .collect();
    rows.sort_by_key(|row| row.good);
    let wrong = rows.iter().filter(|row| !row.good).count();
    (rows, wrong)
}

fn attempt_row(attempt: &Attempt, words: &Words) -> AttemptRow {
    let good = attempt.refused || !attempt.must_be_refused;
    AttemptRow {
        room: words.say_or(&format!("room.{}", attempt.room), &attempt.room),
        attempt: text::line(&attempt.attempt, MAX_SEEN_CHARS).text,
        good,
        verdict: words.say(match (attempt.refused, good) {
            (true, _) => "attempt.refused",
            (false, true) => "attempt.allowed",
            (false, false) => "attempt.leak",
        }),
        seen: text::line(&attempt.seen, MAX_SEEN_CHARS).text,
    }
}

/// What one observer could see of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SightRow {
    /// The account, as its address, sanitised.
    pub account: String,
    /// Who can see.
    pub observer: String,
    /// What, each with how often.
    pub what: Vec<String>,
}

/// Who could see what in this run, account by account.
pub fn sights(state: &State, sights: &Sights, words: &Words) -> Vec<SightRow> {
    let mut grouped: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for sight in &sights.sights {
        let key = (sight.account, sight.observer.as_str(), sight.whom.as_str());
        let what = words.say_or(&format!("sight.{}", sight.what), &sight.what);
        let count = words.number(sight.count);
        grouped
            .entry(key)
            .or_default()
            .push(words.fill("sight.count", &[("what", &what), ("count", &count)]));
    }
    grouped
        .into_iter()
        .take(MAX_ROWS)
        .map(|((account, observer, whom), what)| SightRow {
            account: state
                .account(account)
                .map(|it| text::address(it.address.as_str()))
                .unwrap_or_default(),
            observer: observer_words(observer, whom, words),
            what,
        })
        .collect()
}

fn observer_words(observer: &str, whom: &str, words: &Words) -> String {
    let whom = text::address(whom);
    let key = format!("observer.{observer}");
    if words.knows(&key) {
        words.fill(&key, &[("name", &whom)])
    } else {
        words.fill("observer.other", &[("name", &whom)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ACCOUNT, snapshot};
    use model::Sight;

    #[test]
    fn what_got_through_a_wall_comes_first_and_is_counted() {
        let attempt = |name: &str, must_be_refused, refused| Attempt {
            room: "engine".to_owned(),
            attempt: name.to_owned(),
            must_be_refused,
            refused,
            seen: "EPERM".to_owned(),
        };
        let check = WallsCheck {
            attempts: vec![
                attempt("udp send", true, true),
                attempt("tcp connect", true, false),
                attempt("write in its own folder", false, false),
            ],
        };
        let (rows, wrong) = attempts(&check, &Words::default());
        assert_eq!((rows[0].attempt.as_str(), wrong), ("tcp connect", 1));
        assert!(!rows[0].good && rows[1].good && rows[2].good);
        let mut verdicts: Vec<&str> = rows.iter().map(|row| row.verdict.as_str()).collect();
        verdicts.dedup();
        assert_eq!(verdicts.len(), 3);
    }

    #[test]
    fn everybody_who_sees_something_is_named_once_with_all_of_it() {
        let mut state = State::default();
        state.replace(snapshot(1, vec![]));
        let sight = |observer: &str, whom: &str, what: &str| Sight {
            account: ACCOUNT,
            observer: observer.to_owned(),
            whom: whom.to_owned(),
            what: what.to_owned(),
            count: 3,
        };
        let told = Sights {
            sights: vec![
                sight("own_server", "example.org", "message_times"),
                sight("exit", "", "server_name"),
                sight("own_server", "example.org", "contact_list"),
                sight("martian", "mars\u{202E}", "antennas"),
            ],
        };
        let rows = sights(&state, &told, &Words::default());
        assert_eq!(rows.len(), 3);
        let own = rows
            .iter()
            .find(|it| it.observer.contains("example.org"))
            .unwrap();
        assert_eq!((own.what.len(), own.account.as_str()), (2, "alice@example.org"));
        assert!(rows.iter().any(|it| it.observer.contains("mars[U+202E]")));
    }

    #[test]
    fn every_observer_and_every_thing_has_words() {
        for observer in [
            "own_server",
            "contact_server",
            "contact",
            "exit",
            "room",
            "room_server",
        ] {
            assert!(
                Words::default().knows(&format!("observer.{observer}")),
                "{observer}"
            );
        }
        for what in [
            "address",
            "contact_list",
            "online_times",
            "message_times",
            "message_sizes",
            "readable_text",
            "otr_fingerprint",
            "server_name",
            "presence",
            "receipts",
            "room_list",
            "nick",
        ] {
            assert!(Words::default().knows(&format!("sight.{what}")), "{what}");
        }
    }
}
