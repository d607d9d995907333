//! Walls, refused probes and what the profile holds, as the security page tells them.
//! It must never call a wall standing that was not said to stand, nor show a stranger's address unsanitised.
//! Standard: `docs/rpc.md`, `Wall`, `Probe`, `Stored`.

use model::{BackupSaved, Probe, Stored, Wall};

use crate::state::State;
use crate::{Words, text};

/// Characters of a reason in the system's own words.
const MAX_WHY_CHARS: usize = 200;

/// One wall of one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WallRow {
    /// The room.
    pub room: String,
    /// The wall's name.
    pub wall: String,
    /// What it keeps off, in a sentence.
    pub meaning: String,
    /// Whether it stands. Shown with [`WallRow::state`], never by colour alone.
    pub up: bool,
    /// The same in words.
    pub state: String,
    /// Why it does not stand, in the system's words; empty where it does.
    pub why: String,
}

/// The walls of the rooms, those that do not stand first.
pub fn walls(walls: &[Wall], words: &Words) -> Vec<WallRow> {
    let mut rows: Vec<_> = walls.iter().map(|wall| wall_row(wall, words)).collect();
    rows.sort_by_key(|row| row.up);
    rows
}

fn wall_row(wall: &Wall, words: &Words) -> WallRow {
    let name = wall.wall.replace(' ', "_");
    WallRow {
        room: words.say_or(&format!("room.{}", wall.room), &wall.room),
        meaning: words.say(&format!("wall.{name}.why")),
        wall: words.say_or(&format!("wall.{name}"), &wall.wall),
        up: wall.up,
        state: words.say(if wall.up { "wall.up" } else { "wall.down" }),
        why: wall
            .why
            .as_deref()
            .filter(|_| !wall.up)
            .map(|why| text::line(why, MAX_WHY_CHARS).text)
            .unwrap_or_default(),
    }
}

/// Somebody who was refused an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeRow {
    /// The sender's address, sanitised.
    pub from: String,
    /// The account that was asked, as its address, sanitised.
    pub account: String,
    /// What was tried, in a few words.
    pub kind: String,
    /// How often, in words.
    pub count: String,
    /// When last.
    pub when: String,
}

/// The refused probes, newest first. `now`: milliseconds since 1970 UTC.
pub fn probes(state: &State, words: &Words, now: u64) -> Vec<ProbeRow> {
    let probes = state.probes();
    probes
        .into_iter()
        .map(|probe| probe_row(state, probe, words, now))
        .collect()
}

fn probe_row(state: &State, probe: &Probe, words: &Words, now: u64) -> ProbeRow {
    let account = state.account(probe.account);
    ProbeRow {
        from: text::address(&probe.from),
        account: account
            .map(|it| text::address(it.address.as_str()))
            .unwrap_or_default(),
        kind: words.say_or(&format!("probe.{}", probe.kind), &words.say("probe.other")),
        count: words.count("probe.count", probe.count),
        when: words.moment(probe.last_at, now),
    }
}

/// Where a backup was written and how large it is, in a sentence.
pub fn backup_words(saved: &BackupSaved, words: &Words) -> String {
    let file = text::line(&saved.file, MAX_WHY_CHARS).text;
    let size = words.size(saved.bytes);
    words.fill("backup.saved", &[("file", &file), ("size", &size)])
}

/// One kind of thing that the profile holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRow {
    /// What.
    pub what: String,
    /// How many.
    pub count: String,
    /// How large.
    pub size: String,
}

/// What the profile holds, kind by kind; and how large it is on the disk.
pub fn stored(stored: &Stored, words: &Words) -> (Vec<StoredRow>, String) {
    let rows = stored.items.iter().map(|item| StoredRow {
        what: words.say_or(&format!("stored.{}", item.what), &item.what),
        count: words.number(item.count),
        size: words.size(item.bytes),
    });
    (rows.collect(), words.size(stored.on_disk))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ACCOUNT, NOON, snapshot};
    use model::StoredItem;

    fn wall(room: &str, wall: &str, up: bool) -> Wall {
        Wall {
            room: room.to_owned(),
            wall: wall.to_owned(),
            up,
            why: Some("because".to_owned()),
        }
    }

    #[test]
    fn a_wall_that_does_not_stand_comes_first_and_says_why() {
        let walls = [
            wall("engine", "seccomp", true),
            wall("gate", "network namespace", false),
        ];
        let rows = super::walls(&walls, &Words::default());
        assert!(!rows[0].up && rows[0].why == "because" && !rows[0].meaning.is_empty());
        assert!(rows[1].up && rows[1].why.is_empty() && !rows[1].meaning.is_empty());
        assert_ne!(rows[0].state, rows[1].state);
    }

    #[test]
    fn every_wall_that_a_room_has_is_known() {
        for name in [
            "seccomp",
            "landlock",
            "mount_namespace",
            "network_namespace",
            "no_dump",
            "no_core",
            "no_swap",
        ] {
            assert!(Words::default().knows(&format!("wall.{name}")), "{name}");
            assert!(Words::default().knows(&format!("wall.{name}.why")), "{name}");
        }
        for room in ["engine", "gate", "window"] {
            assert!(Words::default().knows(&format!("room.{room}")), "{room}");
        }
    }

    #[test]
    fn a_probe_says_who_tried_what_how_often_and_when() {
        let mut state = State::default();
        state.replace(snapshot(1, vec![]));
        state.take_probes(vec![Probe {
            account: ACCOUNT,
            from: "mallory\u{202E}@example.net".to_owned(),
            kind: "otr_query".to_owned(),
            count: 3,
            last_at: NOON,
        }]);
        let row = probes(&state, &Words::default(), NOON).remove(0);
        assert_eq!(row.from, "mallory[U+202E]@example.net");
        assert_eq!(
            (row.count.as_str(), row.when.as_str()),
            ("3 times", "Today, 13:37")
        );
        assert!(row.kind.contains("private conversation"));
    }

    #[test]
    fn a_backup_says_where_it_lies() {
        let saved = BackupSaved {
            file: "backup.otter".to_owned(),
            bytes: 65_536,
        };
        let said = backup_words(&saved, &Words::default());
        assert!(said.contains("backup.otter") && said.contains("66 KB"), "{said}");
    }

    #[test]
    fn what_is_stored_has_names_numbers_and_sizes() {
        let kinds = [
            "accounts",
            "keys",
            "contacts",
            "fingerprints",
            "queued_messages",
            "drafts",
            "rooms",
            "window",
            "history",
            "tor",
        ];
        let items = kinds.map(|what| StoredItem {
            what: what.to_owned(),
            count: 2,
            bytes: 1_500,
        });
        let stored = Stored {
            items: items.to_vec(),
            on_disk: 65_536,
        };
        let (rows, on_disk) = super::stored(&stored, &Words::default());
        assert_eq!(on_disk, "66 KB");
        for (row, kind) in rows.iter().zip(kinds) {
            assert!(Words::default().knows(&format!("stored.{kind}")), "{kind}");
            assert_eq!((row.count.as_str(), row.size.as_str()), ("2", "1.5 KB"));
        }
    }
}
