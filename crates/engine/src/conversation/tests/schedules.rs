//! Any order of writing, delivery, loss, repetition, disconnection and restart.
//! Must never let a text come twice in one run of a program, nor vanish without a word.
//! `docs/decisions/0003-receipts.md`.

use std::collections::BTreeMap;

use model::{Delivery, MessageId};
use proptest::prelude::*;

use super::super::{MAX_HISTORY, MAX_OUTGOING};
use super::world::{ALICE, BOB, World};

#[derive(Clone, Debug)]
enum Step {
    Deliver(usize),
    Disconnect(usize),
    Connect(usize),
    /// Delivered, and once more.
    Duplicate(usize),
    /// Taken over by the server and lost there.
    Drop(usize),
    End(usize),
    Restart(usize),
    Start(usize),
    Tick(u64),
    Write(usize),
}

fn step(drops: u32, restarts: u32) -> impl Strategy<Value = Step> {
    let side = || ALICE..=BOB;
    prop_oneof![
        12 => side().prop_map(Step::Deliver),
        2 => side().prop_map(Step::Disconnect),
        3 => side().prop_map(Step::Connect),
        1 => side().prop_map(Step::Duplicate),
        drops => side().prop_map(Step::Drop),
        1 => side().prop_map(Step::Start),
        restarts => side().prop_map(Step::End),
        restarts => side().prop_map(Step::Restart),
        5 => (100_u64..20_000).prop_map(Step::Tick),
        5 => side().prop_map(Step::Write),
    ]
}

/// A run of the world, and what was written in it.
struct Run {
    world: World,
    written: [BTreeMap<String, MessageId>; 2],
}

impl Run {
    fn new(seed: u64) -> Self {
        Self {
            world: World::online(seed),
            written: [BTreeMap::new(), BTreeMap::new()],
        }
    }

    fn step(&mut self, step: &Step) {
        let world = &mut self.world;
        match *step {
            Step::Deliver(from) => _ = world.deliver(from),
            Step::Disconnect(who) => world.disconnect(who),
            Step::Connect(who) => world.connect(who),
            Step::Duplicate(from) => {
                let letter = world.wires[from].front().cloned();
                if world.deliver(from)
                    && let Some(letter) = letter
                {
                    world.hand(1 - from, &letter.body);
                }
            }
            Step::Drop(from) => _ = world.take(from),
            Step::End(who) => world.act(who, |c, x| c.end(x)),
            Step::Restart(who) => world.restart(who),
            Step::Start(who) => _ = world.act(who, |c, x| c.start(x)),
            Step::Tick(milliseconds) => world.pass(milliseconds),
            Step::Write(who) => {
                let text = format!("{who}: {}", self.written[who].len());
                let id = world.write(who, &text);
                self.written[who].insert(text, id);
            }
        }
        self.check();
    }

    /// What holds at every moment.
    fn check(&self) {
        for side in &self.world.sides {
            let mut texts = side.texts();
            let all = texts.len();
            texts.sort_unstable();
            texts.dedup();
            assert_eq!(texts.len(), all, "a text came twice");
            assert!(side.came.iter().all(|message| message.encrypted));
            assert!(side.conversation.outgoing().count() <= MAX_OUTGOING);
            assert!(side.conversation.show().messages.len() <= MAX_HISTORY);
        }
    }

    /// Everybody is connected again and nothing gets lost any more.
    fn heal(&mut self) {
        for who in [ALICE, BOB] {
            self.world.connect(who);
        }
        self.world.wait(200);
        self.check();
    }

    /// The owners send again what is shown as not sent.
    fn retry(&mut self) {
        for who in [ALICE, BOB] {
            for id in self.written[who].values() {
                if let Some(Delivery::NotSent { problem }) = self.world.sides[who].deliveries.get(id) {
                    let codes = ["message.arrival_unknown", "message.returned"];
                    assert!(codes.contains(&problem.code.as_str()));
                    let tried = self.world.act(who, |c, x| c.retry(id, x));
                    tried.unwrap();
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn without_restarts_and_silent_losses_each_text_arrives_exactly_once_at_the_latest_when_tried_again(
        seed in any::<u64>(),
        steps in proptest::collection::vec(step(0, 0), 1..50),
    ) {
        let mut run = Run::new(seed);
        // Steps of no weight come back when a failure is made smaller.
        let harmless = |step: &&Step| !matches!(step, Step::Drop(_) | Step::End(_) | Step::Restart(_));
        steps.iter().filter(harmless).for_each(|step| run.step(step));
        run.heal();
        run.retry();
        run.heal();
        for who in [ALICE, BOB] {
            let mut came = run.world.sides[1 - who].texts();
            came.sort_unstable();
            let mut written: Vec<&str> = run.written[who].keys().map(String::as_str).collect();
            written.sort_unstable();
            prop_assert_eq!(came, written);
            for id in run.written[who].values() {
                prop_assert_eq!(run.world.delivery(who, id), &Delivery::Received);
            }
        }
    }

    #[test]
    fn whatever_happens_no_text_comes_twice_and_none_received_is_a_lie(
        seed in any::<u64>(),
        steps in proptest::collection::vec(step(2, 1), 1..60),
    ) {
        let mut run = Run::new(seed);
        let mut seen = [Vec::new(), Vec::new()];
        for step in &steps {
            if let Step::Restart(who) = step {
                // What the former run of this program showed, its owner has read.
                let texts: Vec<String> = run.world.sides[*who].texts().into_iter().map(str::to_owned).collect();
                seen[*who].extend(texts);
            }
            run.step(step);
        }
        run.heal();
        for who in [ALICE, BOB] {
            let came: Vec<String> = run.world.sides[1 - who].texts().into_iter().map(str::to_owned).collect();
            seen[1 - who].extend(came);
            for (text, id) in &run.written[who] {
                let times = seen[1 - who].iter().filter(|seen| *seen == text).count();
                prop_assert!(times <= 1, "{text} was shown {times} times");
                if run.world.sides[who].deliveries.get(id) == Some(&Delivery::Received) {
                    prop_assert_eq!(times, 1, "{} is said to have arrived", text);
                }
            }
        }
    }
}
