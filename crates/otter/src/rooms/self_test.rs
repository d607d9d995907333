//! The self-test of a room that is at work: the walls' attempts, in the words of whoever asks.
//! It must never try anything that `otter check` does not try as well.

use std::path::PathBuf;
use std::sync::Arc;

use walls::check::{self, Attempt, Outcome};
use walls::{Report, Room};

pub(super) fn of_engine(profile: PathBuf, report: Report) -> engine::SelfTest {
    engine::SelfTest(Arc::new(move || {
        let room = Room::Engine { profile: &profile };
        check::run(&room, &report, &[]).iter().map(told).collect()
    }))
}

pub(super) fn of_gate(state: PathBuf, report: Report) -> gate::SelfTest {
    gate::SelfTest(Arc::new(move || {
        let room = Room::Gate {
            state: &state,
            read: &[],
        };
        let attempts = check::run(&room, &report, &[]).into_iter();
        attempts
            .map(|attempt| gate::Attempt {
                must_be_refused: attempt.must_be_refused(),
                refused: attempt.seen == Outcome::Refused,
                attempt: attempt.attempt,
                seen: attempt.said,
            })
            .collect()
    }))
}

pub(super) fn of_window(report: Report) -> window::SelfTest {
    window::SelfTest(Arc::new(move || {
        check::run(&Room::Window, &report, &[]).iter().map(told).collect()
    }))
}

fn told(attempt: &Attempt) -> model::Attempt {
    model::Attempt {
        room: attempt.room.clone(),
        attempt: attempt.attempt.clone(),
        must_be_refused: attempt.must_be_refused(),
        refused: attempt.seen == Outcome::Refused,
        seen: attempt.said.clone(),
    }
}
