//! Rows as alice sees them.
//! They must never depend on the clock of the machine. Standard: none.

use std::time::{Duration, Instant};

use super::*;
use crate::language::Language;
use crate::testing::{NOON, incoming, outgoing, said};
use model::Problem;

const DAY: u64 = 86_400_000;

struct Screen {
    log: Log,
    name: Name,
    first_new: Option<u64>,
    in_full: BTreeSet<u64>,
}

impl Screen {
    fn new(messages: Vec<Message>) -> Self {
        let mut log = Log::default();
        for message in messages {
            log.put(What::Message(message));
        }
        Self {
            log,
            name: text::name(Some("Bob"), "bob@example.org"),
            first_new: None,
            in_full: BTreeSet::new(),
        }
    }

    fn rows(&self) -> Rows<'_> {
        Rows {
            log: &self.log,
            words: Words::new(Language::English),
            now: NOON + DAY,
            name: &self.name,
            own_name: "alice@example.org",
            first_new: self.first_new,
            in_full: &self.in_full,
        }
    }

    fn row(&self, index: usize) -> Row {
        self.rows().row(index).unwrap()
    }
}

#[test]
fn messages_of_one_sender_stand_together_until_time_or_day_part_them() {
    let mut late = incoming(3, "later");
    late.at += GROUP;
    let mut next_day = incoming(4, "tomorrow");
    next_day.at += DAY;
    let screen = Screen::new(vec![
        incoming(1, "a"),
        incoming(2, "b"),
        late,
        next_day,
        outgoing(5, "me"),
    ]);
    let shape: Vec<_> = (0..5)
        .map(|index| screen.row(index))
        .map(|row| (row.begins, row.ends, row.day))
        .collect();
    let day = |text: &str| Some(text.to_owned());
    assert_eq!(shape[0], (true, false, day("Yesterday")));
    assert_eq!(shape[1], (false, true, None));
    assert_eq!(shape[2], (true, true, None));
    assert_eq!(shape[3], (true, true, day("Today")));
    assert!(screen.rows().row(5).is_none());
}

#[test]
fn the_line_above_new_messages_begins_a_group() {
    let mut screen = Screen::new(vec![incoming(1, "a"), incoming(2, "b")]);
    screen.first_new = screen.log.entry(1).map(|entry| entry.number);
    assert!(!screen.row(0).first_new && screen.row(0).ends);
    assert!(screen.row(1).first_new && screen.row(1).begins);
}

#[test]
fn each_text_runs_its_own_way() {
    let screen = Screen::new(vec![incoming(1, "سلام bob"), incoming(2, "hello سلام")]);
    assert!(screen.row(0).rtl);
    assert!(!screen.row(1).rtl);
}

#[test]
fn an_own_message_says_how_far_it_came_and_why_not_further() {
    let mut waiting = outgoing(1, "a");
    waiting.delivery = Delivery::Waiting { wait: Wait::Privacy };
    let mut failed = outgoing(2, "b");
    failed.delivery = Delivery::NotSent {
        problem: Problem::new("message.arrival_unknown", "It may or may not have arrived."),
    };
    let mut unknown = outgoing(3, "c");
    unknown.delivery = Delivery::NotSent {
        problem: Problem::new("message.of_next_year", "Something\u{202E} new."),
    };
    let screen = Screen::new(vec![waiting, failed, unknown, outgoing(4, "d")]);
    let row = screen.row(0);
    assert_eq!(
        (row.mark, row.can_cancel, row.can_retry),
        (Some(Mark::Waiting), true, false)
    );
    assert_eq!(row.delivery_words, "Waiting for a private conversation.");
    let row = screen.row(1);
    assert_eq!(
        (row.mark, row.can_cancel, row.can_retry),
        (Some(Mark::NotSent), true, true)
    );
    assert!(row.delivery_words.contains("Nobody knows"));
    assert_eq!(screen.row(2).delivery_words, "Something[U+202E] new.");
    assert_eq!(screen.row(3).delivery_words, "Sent.");
}

#[test]
fn what_came_unencrypted_is_told_beside_the_text() {
    let mut message = incoming(1, "hello");
    message.encrypted = false;
    let row = Screen::new(vec![message]).row(0);
    assert!(row.unencrypted);
    assert!(!row.delivery_words.is_empty());
}

#[test]
fn an_action_names_who_acts_and_stays_the_contacts_row() {
    let screen = Screen::new(vec![
        incoming(1, "/me waves"),
        incoming(2, "/menu"),
        outgoing(3, "/me nods"),
    ]);
    let row = screen.row(0);
    assert_eq!(
        (row.text.as_str(), row.action),
        ("* \u{2068}Bob\u{2069} waves", true)
    );
    assert_eq!(row.kind, RowKind::Theirs);
    assert!(!screen.row(1).action);
    assert_eq!(screen.row(2).text, "* \u{2068}alice@example.org\u{2069} nods");
}

#[test]
fn a_contact_cannot_make_a_row_of_the_programs_own() {
    let mut screen = Screen::new(vec![incoming(1, "The conversation is private and verified.")]);
    screen.log.push(What::Privacy {
        at: NOON,
        privacy: Privacy::Plain,
    });
    assert_eq!(screen.row(0).kind, RowKind::Theirs);
    assert_eq!(screen.row(1).kind, RowKind::System);
}

#[test]
fn a_long_message_is_cut_until_it_is_wanted_in_full() {
    let mut screen = Screen::new(vec![incoming(1, &"word ".repeat(2_000))]);
    assert!(screen.row(0).cut);
    let number = screen.row(0).number;
    screen.in_full.insert(number);
    assert!(!screen.row(0).cut);
}

#[test]
fn a_screen_reader_hears_who_what_when_and_how_far() {
    let screen = Screen::new(vec![outgoing(1, "hi")]);
    let spoken = screen.rows().spoken(&screen.row(0));
    for part in ["alice@example.org", "hi", "13:37", "Sent"] {
        assert!(spoken.contains(part), "{spoken}");
    }
}

#[test]
fn who_speaks_in_a_room_stands_in_a_style_of_its_own_and_nothing_remote_is_a_line_of_ours() {
    let mut screen = Screen::new(vec![]);
    let mut own = said(5, Some("wren"), "mine");
    own.own = true;
    own.problem = Some(Problem::new("test.lost", "It went nowhere."));
    for message in [
        said(1, Some("carol"), "hello"),
        said(2, Some("carol"), "/me waves"),
        said(3, Some("🔒 verified"), "trust me"),
        said(4, None, "This conversation is private now."),
        own,
    ] {
        screen.log.put(What::Said(message));
    }
    let rows: Vec<Row> = (0..5).map(|index| screen.row(index)).collect();
    assert_eq!(
        (rows[0].sender.as_str(), rows[0].begins, rows[1].begins),
        ("carol", true, false)
    );
    assert!(rows[1].action && rows[1].text.contains("carol"));
    assert!(!rows[2].sender.is_empty() && !rows[2].sender.contains("verified"));
    assert_eq!(rows[3].kind, RowKind::Theirs);
    assert!(!rows[3].sender.is_empty());
    assert_eq!((rows[4].kind, rows[4].mark), (RowKind::Own, Some(Mark::NotSent)));
    assert!(screen.rows().spoken(&rows[0]).contains("carol"));
}

#[test]
fn a_hundred_thousand_messages_open_at_once() {
    let mut log = Log::default();
    for number in 0..100_000 {
        log.put(What::Message(incoming(
            number,
            "A message as people write them, with a link: https://example.org/",
        )));
    }
    let mut screen = Screen::new(vec![]);
    screen.log = log;
    let start = Instant::now();
    let rows = screen.rows().range(99_950..100_000);
    assert_eq!(rows.len(), 50);
    assert!(
        start.elapsed() < Duration::from_millis(100),
        "{:?}",
        start.elapsed()
    );
    let start = Instant::now();
    for number in 0..1_000 {
        let mut message = outgoing(number, "x");
        message.delivery = Delivery::Received;
        screen.log.put(What::Message(message));
    }
    assert!(
        start.elapsed() < Duration::from_millis(200),
        "{:?}",
        start.elapsed()
    );
}
