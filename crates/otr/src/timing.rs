//! Whether the time of an operation tells something of its secret: Welch's t over two classes of inputs.
//! Must never be part of a build that is not a test, nor fail a test: noise is not a defect.
//! Standard: none; the method is that of "Dude, is my code constant time?" (Reparaz, Balasch, Verbauwhede, 2017).

use std::hint::black_box;
use std::time::Instant;

use rand_core::Rng;

use crate::testing::Dice;

/// Beyond this |t| two classes are taken for different.
const SUSPICIOUS: f64 = 4.5;
/// Shares of the fastest measurements that are looked at: what a machine does beside slows some down.
const CROPS: [usize; 3] = [100, 95, 75];

/// Measures an operation on inputs of two classes in random order, and prints the greatest |t|.
pub(crate) fn compare<I, R>(
    name: &str,
    samples: usize,
    mut prepare: impl FnMut(bool, &mut Dice) -> I,
    mut operation: impl FnMut(&mut I) -> R,
) {
    let mut dice = Dice::new(77);
    let mut times: Vec<(u128, bool)> = Vec::with_capacity(samples);
    for number in 0..samples + samples / 20 {
        let class = dice.next_u32() & 1 == 1;
        let mut input = black_box(prepare(class, &mut dice));
        let begin = Instant::now();
        black_box(operation(&mut input));
        let time = begin.elapsed().as_nanos();
        // The first ones warm the caches.
        if number >= samples / 20 {
            times.push((time, class));
        }
    }
    times.sort_unstable();
    let greatest = CROPS.map(|percent| {
        // Equal times stay together, or their order would tell the classes apart.
        let (slowest, _) = times[(times.len() - 1) * percent / 100];
        let kept = times.partition_point(|(time, _)| *time <= slowest);
        welch(&times[..kept]).abs()
    });
    let t = greatest.into_iter().fold(0.0, f64::max);
    let met = t < SUSPICIOUS;
    println!(
        "\n{{\"figure\": \"otr.timing.{name}\", \"ours\": {t:.2}, \"unit\": \"|t|\", \"goal\": {SUSPICIOUS}, \"met\": {met}}}"
    );
}

/// Welch's t between the two classes.
fn welch(times: &[(u128, bool)]) -> f64 {
    let [(one, mean_1, variance_1), (other, mean_2, variance_2)] =
        [false, true].map(|class| moments(times.iter().filter(|(_, of)| *of == class)));
    (mean_1 - mean_2) / (variance_1 / one + variance_2 / other).sqrt()
}

/// Number, mean and variance.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds of short operations")]
fn moments<'a>(times: impl Iterator<Item = &'a (u128, bool)>) -> (f64, f64, f64) {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for (time, _) in times {
        count += 1.0;
        let distance = *time as f64 - mean;
        mean += distance / count;
        squares += distance * (*time as f64 - mean);
    }
    (count, mean, squares / (count - 1.0))
}

#[test]
fn two_classes_that_differ_are_told_from_two_that_do_not() {
    let like = |number: u128| (1000 + number * 7919 % 100, number & 1 == 0);
    let same: Vec<_> = (0..10_000).map(like).collect();
    assert!(welch(&same).abs() < SUSPICIOUS);
    let slower = |(time, class)| (time + u128::from(class) * 5, class);
    let different: Vec<_> = same.into_iter().map(slower).collect();
    assert!(welch(&different).abs() > SUSPICIOUS);
}
