//! When the messenger wakes though nothing comes: as seldom as what is under way allows, and not at all for nothing.
//! It must never sleep past a moment at which something is due, nor wake for a conversation that rests.
//! Standards: none.

use std::time::Duration;

use model::Visibility;
use tokio::time::Instant;

use super::{Messenger, Open};
use crate::conversation::Conversation;

/// How long to sleep while a conversation is busy: its steps take seconds.
const STEP: Duration = Duration::from_millis(500);
/// While an account follows a timetable, whose steps are half hours.
const TIMETABLE: Duration = Duration::from_secs(20);
/// While a machine that slept has to be noticed.
const WATCHFUL: Duration = Duration::from_secs(1);
/// Otherwise: only the day can change.
const REST: Duration = Duration::from_secs(600);

impl Messenger {
    /// Time passed, or something that depends on it was changed.
    pub(super) fn tick(&mut self) {
        let now = self.origin.elapsed();
        let due = |conversation: &Conversation| {
            conversation.busy() || conversation.strikes_at().is_some_and(|at| at <= now)
        };
        self.for_those(due, |conversation, context| conversation.tick(context));
        self.follow_timetables();
        self.wake = Instant::now() + self.longest_rest();
        let next = self.open.as_ref().and_then(|open| {
            let people = open
                .people
                .values()
                .filter(|person| person.accepted && !person.blocked);
            people.filter_map(|person| next(&person.conversation, now)).min()
        });
        self.wake_by(next);
    }

    /// Wakes in time for a conversation that something was done with.
    pub(super) fn wake_by(&mut self, at: Option<Duration>) {
        if let Some(at) = at {
            self.wake = self.wake.min(self.origin + at);
        }
    }

    /// Looks at everything anew, at once.
    pub(super) fn wake_now(&mut self) {
        self.wake = Instant::now();
    }

    fn longest_rest(&self) -> Duration {
        let Some(open) = &self.open else { return REST };
        if self.attention.is_watchful() {
            WATCHFUL
        } else if open.follows_timetables() {
            TIMETABLE
        } else {
            REST
        }
    }
}

impl Open {
    fn follows_timetables(&self) -> bool {
        let by_time = |visibility: &Visibility| matches!(visibility, Visibility::Timetable { .. });
        self.accounts
            .values()
            .any(|account| by_time(&account.shown.visibility))
    }
}

/// When a conversation has something to do by itself.
pub(super) fn next(conversation: &Conversation, now: Duration) -> Option<Duration> {
    let step = conversation.busy().then(|| now + STEP);
    [step, conversation.strikes_at()].into_iter().flatten().min()
}
