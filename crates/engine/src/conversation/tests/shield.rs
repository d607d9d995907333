//! Alice hides when she writes: what leaves, and when, tells nothing of it.
//! Must never take the times from the shield itself, only from what is on the wire. `conversation::shield`.

use std::time::Duration;

use model::{Delivery, Policy, Wait};

use super::super::{LONGEST, SHORTEST};
use super::world::{ALICE, BOB, Dice, World};
use rand_core::TryRng;

fn shield(world: &mut World, up: bool) {
    world.act(ALICE, |c, x| c.set_shield(up, x));
}

/// Waits until something of alice's is on the wire, or for so long: when it came, and how long it is.
fn next_stroke(world: &mut World, within: Duration) -> Option<(Duration, usize)> {
    let until = world.now + within;
    while world.now < until {
        world.pass(250);
        if let Some(letter) = world.wires[ALICE].front() {
            let stroke = (world.now, letter.body.len());
            assert_eq!(world.wires[ALICE].len(), 1, "one at a time");
            world.settle();
            return Some(stroke);
        }
        world.settle();
    }
    None
}

/// Pearson's correlation.
fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let count = pairs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / count;
    let (one, other) = (mean(|p| p.0), mean(|p| p.1));
    let sum = |of: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>();
    let both = sum(&|p| (p.0 - one) * (p.1 - other));
    let (a, b) = (sum(&|p| (p.0 - one).powi(2)), sum(&|p| (p.1 - other).powi(2)));
    both / (a * b).sqrt()
}

/// What was on the wire; times are seconds since the stroke before.
#[derive(Default)]
struct Strokes {
    /// When she wrote, and when the next one came.
    written: Vec<(f64, f64)>,
    /// When the next one came where she did not.
    quiet: Vec<f64>,
    /// Lengths, where she did not write and where she did.
    sizes: [Vec<usize>; 2],
}

/// A thousand strokes. Between two of them alice writes, or does not, at a moment of her own.
fn a_thousand_strokes(up: bool) -> Strokes {
    let mut world = World::private(7);
    shield(&mut world, up);
    // The first message of a session is shorter than all others: it has no keys to give away yet.
    next_stroke(&mut world, LONGEST);
    let mut dice = Dice(8);
    let mut draw = |below: u64| dice.try_next_u64().unwrap() % below;
    let mut strokes = Strokes::default();
    for _ in 0..1_000 {
        let before = world.now;
        // Always before the clock can strike, so that the length of the gap does not choose who writes.
        let (moment, writes) = (100 * (1 + draw(40)), draw(2) == 0);
        world.pass(moment);
        if writes {
            world.write(ALICE, "at seven, by the bridge");
        }
        let waited = world.now - before;
        let Some((at, length)) = next_stroke(&mut world, LONGEST) else {
            continue;
        };
        let gap = (at - before).as_secs_f64();
        if writes {
            strokes.written.push((waited.as_secs_f64(), gap));
        } else {
            strokes.quiet.push(gap);
        }
        strokes.sizes[usize::from(writes)].push(length);
    }
    strokes
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

#[test]
fn behind_the_shield_neither_times_nor_lengths_nor_receipts_tell_whether_or_when_alice_writes() {
    let Strokes {
        written,
        quiet,
        sizes,
    } = a_thousand_strokes(true);
    assert!(written.len() + quiet.len() == 1_000 && written.len() > 400 && quiet.len() > 400);
    assert!(correlation(&written).abs() < 0.15, "{}", correlation(&written));
    let gaps: Vec<f64> = written.iter().map(|pair| pair.1).collect();
    // The standard error of either mean is 0.8 seconds.
    assert!(
        (mean(&gaps) - mean(&quiet)).abs() < 3.5,
        "{} {}",
        mean(&gaps),
        mean(&quiet)
    );
    for gap in gaps.iter().chain(&quiet) {
        assert!(
            *gap >= SHORTEST.as_secs_f64() && *gap <= LONGEST.as_secs_f64() + 0.3,
            "{gap}"
        );
    }
    let mut lengths = sizes.map(|mut lengths| {
        lengths.sort_unstable();
        lengths.dedup();
        lengths
    });
    lengths.sort();
    assert_eq!(lengths[0], lengths[1]);
    // The same measure sees it at once where there is no shield.
    let Strokes { written, quiet, .. } = a_thousand_strokes(false);
    assert!(quiet.is_empty() && correlation(&written) > 0.9);
}

#[test]
fn bob_confirms_an_empty_message_as_he_does_one_with_words_and_sees_none_of_it() {
    let mut world = World::private(9);
    shield(&mut world, true);
    let before = world.sides[BOB].transmitted;
    assert!(next_stroke(&mut world, LONGEST).is_some());
    world.wait(2);
    assert_eq!(world.sides[BOB].transmitted, before + 1);
    assert!(world.sides[BOB].came.is_empty() && world.sides[BOB].notices.is_empty());
    let cost = world.sides[ALICE].conversation.shield_cost();
    assert!(
        cost.empty == 1 && (300..1_000).contains(&cost.bytes),
        "{}",
        cost.bytes
    );
}

#[test]
fn messages_leave_one_a_stroke_in_order_and_all_at_once_when_the_shield_comes_down() {
    let mut world = World::private(10);
    shield(&mut world, true);
    let ids: Vec<_> = ["one", "two", "three", "four"]
        .map(|text| world.write(ALICE, text))
        .into();
    let held = Delivery::Waiting { wait: Wait::Shield };
    assert!(ids.iter().all(|id| *world.delivery(ALICE, id) == held));
    for sent in 1..=2 {
        assert!(next_stroke(&mut world, LONGEST).is_some());
        world.wait(2);
        assert_eq!(world.sides[BOB].texts().len(), sent);
    }
    assert_eq!(world.sides[ALICE].conversation.waiting(), 2);
    shield(&mut world, false);
    world.wait(2);
    assert_eq!(world.sides[BOB].texts(), ["one", "two", "three", "four"]);
    assert!(
        ids.iter()
            .all(|id| *world.delivery(ALICE, id) == Delivery::Received)
    );
    assert_eq!(next_stroke(&mut world, LONGEST), None);
}

#[test]
fn what_the_shield_held_survives_a_kill_and_leaves_once() {
    let mut world = World::private(11);
    shield(&mut world, true);
    let id = world.write(ALICE, "not lost");
    world.restart(ALICE);
    shield(&mut world, true);
    world.wait(10);
    for _ in 0..6 {
        next_stroke(&mut world, LONGEST);
        world.wait(2);
    }
    assert_eq!(world.sides[BOB].texts(), ["not lost"]);
    assert_eq!(*world.delivery(ALICE, &id), Delivery::Received);
}

#[test]
fn without_a_session_the_request_for_one_waits_for_the_clock_and_so_do_readable_messages_and_corrections() {
    let mut world = World::online(12);
    shield(&mut world, true);
    world.write(ALICE, "hello");
    assert!(
        world.wires[ALICE].is_empty(),
        "asking at once would tell when she wrote"
    );
    let (at, _) = next_stroke(&mut world, LONGEST).unwrap();
    assert!(at - Duration::from_secs(1000) >= SHORTEST);
    world.wait(LONGEST.as_secs() * 2);
    assert_eq!(world.sides[BOB].texts(), ["hello"]);
    let last = world.sides[ALICE].conversation.show().messages[0].id.clone();
    let corrected = world.act(ALICE, |c, x| c.correct(&last, "hello, bob".to_owned(), x));
    corrected.unwrap();
    world.settle();
    let text = |world: &World| world.sides[BOB].conversation.show().messages[0].text.clone();
    assert_eq!(text(&world), "hello");
    world.wait(LONGEST.as_secs() + 1);
    assert_eq!(text(&world), "hello, bob");
    world.set_policy(ALICE, Policy::Unencrypted);
    world.settle();
    world.write(ALICE, "for all to read");
    assert!(world.wires[ALICE].is_empty());
    let (_, length) = next_stroke(&mut world, LONGEST).unwrap();
    assert_eq!(length, "for all to read".len());
    assert_eq!(
        next_stroke(&mut world, LONGEST),
        None,
        "nothing pads what anybody can read"
    );
}
