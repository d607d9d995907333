//! Client and state in one: lines of the engine in; what changed, answers and lines for the engine out.
//! It must never show a state with a hole in it: where an event is missing, it asks for everything anew.
//! Standard: `docs/rpc.md`, "events are hints".

use std::collections::VecDeque;

use model::{Command, Nothing, Notification, Snapshot};

use crate::client::{Answer, CallError, CallId, Client, HearError, Heard, Line};
use crate::drafts::Drafts;
use crate::state::{Change, State};

/// Events that are held back while a snapshot is under way; more are forgotten, and a further snapshot is asked for.
pub const MAX_HELD: usize = 4_096;

/// What one line of the engine led to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The answer to a call of the window's own.
    pub answer: Option<Answer>,
    /// What has to be shown anew.
    pub changes: Vec<Change>,
    /// A line that has to go to the engine.
    pub send: Option<Line>,
}

/// The window's picture of the engine.
#[derive(Debug, Default)]
pub struct Mirror {
    client: Client,
    state: State,
    drafts: Drafts,
    sequence: u64,
    asked: Option<CallId>,
    held: VecDeque<Notification>,
    again: bool,
}

impl Mirror {
    /// A mirror that knows nothing yet, and the line that asks for everything.
    pub fn start() -> (Self, Option<Line>) {
        let mut mirror = Self::default();
        let line = mirror.ask();
        (mirror, line)
    }

    /// What is known.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What is known, to say what is open and whether the person looks.
    pub fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    /// Texts that were begun and not sent.
    pub fn drafts(&self) -> &Drafts {
        &self.drafts
    }

    /// The same, to change them.
    pub fn drafts_mut(&mut self) -> &mut Drafts {
        &mut self.drafts
    }

    /// Makes the line of a call; its answer comes as [`Outcome::answer`].
    ///
    /// # Errors
    /// [`CallError`]; nothing was sent then.
    pub fn call(&mut self, command: &Command) -> Result<(CallId, Line), CallError> {
        self.client.call(command)
    }

    /// Reads one line of the engine. `now`: milliseconds since 1970 UTC.
    ///
    /// # Errors
    /// [`HearError`]; the line is skipped then, and a hole in the events will be noticed.
    pub fn hear(&mut self, line: &str, now: u64) -> Result<Outcome, HearError> {
        match self.client.hear(line)? {
            Heard::Answer(answer) if self.asked == Some(answer.call) => Ok(self.everything(answer, now)),
            Heard::Answer(answer) => Ok(Outcome {
                answer: Some(answer),
                ..Outcome::default()
            }),
            Heard::Event(notification) => Ok(self.event(*notification, now)),
        }
    }

    fn event(&mut self, notification: Notification, now: u64) -> Outcome {
        if self.asked.is_some() {
            if self.held.len() < MAX_HELD {
                self.held.push_back(notification);
            } else {
                self.again = true;
            }
            return Outcome::default();
        }
        if notification.sequence <= self.sequence {
            return Outcome::default();
        }
        let lost = matches!(notification.event, model::Event::EventsLost { .. });
        if lost || notification.sequence != self.sequence.saturating_add(1) {
            return Outcome {
                send: self.ask(),
                ..Outcome::default()
            };
        }
        self.sequence = notification.sequence;
        let changes = self.state.apply(notification.event, now);
        self.forget_drafts(&changes);
        Outcome {
            changes,
            ..Outcome::default()
        }
    }

    fn everything(&mut self, answer: Answer, now: u64) -> Outcome {
        self.asked = None;
        let held = std::mem::take(&mut self.held);
        let Ok(snapshot) = answer.read::<Snapshot>() else {
            return Outcome::default();
        };
        self.sequence = snapshot.sequence;
        self.state.replace(snapshot);
        let mut outcome = Outcome {
            changes: vec![Change::Everything],
            ..Outcome::default()
        };
        self.forget_drafts(&outcome.changes);
        if std::mem::take(&mut self.again) {
            outcome.send = self.ask();
            return outcome;
        }
        for notification in held {
            let led_to = self.event(notification, now);
            outcome.changes.extend(led_to.changes);
            outcome.send = outcome.send.or(led_to.send);
        }
        outcome
    }

    fn forget_drafts(&mut self, changes: &[Change]) {
        if changes.contains(&Change::Everything) {
            let state = &self.state;
            self.drafts
                .keep_only(|peer| state.contact(peer).is_some() || state.room(peer).is_some());
        }
    }

    fn ask(&mut self) -> Option<Line> {
        let (call, line) = self.client.call(&Command::Snapshot(Nothing {})).ok()?;
        self.asked = Some(call);
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOON, bob, incoming, snapshot};
    use model::{Event, Message};

    fn event(sequence: u64, message: Message) -> String {
        model::rpc::notification(&Notification {
            sequence,
            event: Event::MessageChanged { message },
        })
    }

    fn answer(call: u64, sequence: u64, messages: Vec<Message>) -> String {
        let result = serde_json::to_value(snapshot(sequence, messages)).unwrap();
        model::rpc::success(&call.into(), &result)
    }

    fn texts(mirror: &Mirror) -> usize {
        mirror.state().talk(&bob()).unwrap().log.len()
    }

    #[test]
    fn events_that_overtake_the_snapshot_are_applied_after_it_and_only_once() {
        let (mut mirror, line) = Mirror::start();
        assert!(line.unwrap().expose().contains("engine.snapshot"));
        mirror.hear(&event(4, incoming(1, "a")), NOON).unwrap();
        mirror.hear(&event(5, incoming(2, "b")), NOON).unwrap();
        let outcome = mirror.hear(&answer(1, 4, vec![incoming(1, "a")]), NOON).unwrap();
        assert_eq!(outcome.changes[0], Change::Everything);
        assert!(outcome.send.is_none());
        assert_eq!(texts(&mirror), 2);
    }

    #[test]
    fn a_hole_in_the_events_leads_to_a_new_snapshot() {
        let (mut mirror, _) = Mirror::start();
        mirror.hear(&answer(1, 4, vec![]), NOON).unwrap();
        let outcome = mirror.hear(&event(6, incoming(2, "b")), NOON).unwrap();
        assert!(outcome.send.unwrap().expose().contains("engine.snapshot"));
        mirror.hear(&event(7, incoming(3, "c")), NOON).unwrap();
        let all = vec![incoming(1, "a"), incoming(2, "b")];
        mirror.hear(&answer(2, 6, all), NOON).unwrap();
        assert_eq!(texts(&mirror), 3);
    }

    #[test]
    fn lost_events_lead_to_a_new_snapshot() {
        let (mut mirror, _) = Mirror::start();
        mirror.hear(&answer(1, 4, vec![]), NOON).unwrap();
        let lost = Notification {
            sequence: 5,
            event: Event::EventsLost { count: 3 },
        };
        let outcome = mirror.hear(&model::rpc::notification(&lost), NOON).unwrap();
        assert!(outcome.send.is_some());
    }

    #[test]
    fn a_flood_during_a_snapshot_is_bounded_and_heals() {
        let (mut mirror, _) = Mirror::start();
        for number in 0..u32::try_from(MAX_HELD).unwrap() + 10 {
            let line = event(u64::from(number) + 5, incoming(number, "x"));
            mirror.hear(&line, NOON).unwrap();
        }
        let outcome = mirror.hear(&answer(1, 4, vec![]), NOON).unwrap();
        assert!(outcome.send.is_some());
    }

    #[test]
    fn the_windows_own_calls_are_answered_to_the_window() {
        let (mut mirror, _) = Mirror::start();
        let (call, _) = mirror.call(&Command::Lock(Nothing {})).unwrap();
        let outcome = mirror
            .hear(r#"{"jsonrpc":"2.0","id":2,"result":{}}"#, NOON)
            .unwrap();
        assert_eq!(outcome.answer.unwrap().call, call);
    }
}
