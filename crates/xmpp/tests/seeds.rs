//! The fuzzer's seeds and inputs bent from them, in every run: a smoke test of what `scripts/fuzz` does for hours.
//! Must never judge by other rules than the fuzzer.
//! Standard: none.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

#[path = "../fuzz/judge.rs"]
mod judge;

use std::path::Path;

/// The seeds of a target, in the order of their names.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let files = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Cuts, repeats, joins and changes seeds; the same inputs in every run.
fn bent<R>(seeds: &[Vec<u8>], count: usize, judge: impl Fn(&[u8]) -> R) {
    // A linear congruential generator.
    let mut state = 4242_u64;
    let mut below = |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % limit.max(1)
    };
    for _ in 0..count {
        let mut input = seeds[below(seeds.len())].clone();
        for _ in 0..=below(4) {
            let (from, to) = (below(input.len()), below(input.len()));
            let (from, to) = (from.min(to), from.max(to));
            match below(5) {
                0 => drop(input.drain(from..to)),
                1 => input.truncate(to),
                2 => input.extend_from_within(from..to),
                3 => input.extend_from_slice(&seeds[below(seeds.len())]),
                _ if !input.is_empty() => input[from] ^= 1 << below(8),
                _ => {}
            }
        }
        input.truncate(1 << 14);
        judge(&input);
    }
}

#[test]
fn streams_bent_from_true_ones_are_survived_and_their_end_is_told() {
    let seeds = seeds("stream");
    assert!(seeds.iter().all(|seed| !judge::stream(seed)), "nobody gets in");
    bent(&seeds, 2000, judge::stream);
}

#[test]
fn stanzas_bent_from_true_ones_are_survived_in_silence() {
    let seeds = seeds("stanza");
    assert!(
        seeds.iter().all(|seed| judge::stanza(seed) > 0),
        "each tells something"
    );
    bent(&seeds, 2000, judge::stanza);
}

#[test]
fn logins_bent_from_true_ones_are_survived_and_the_password_stays_here() {
    let seeds = seeds("sasl");
    assert!(seeds.iter().all(|seed| !judge::sasl(seed)), "nobody gets in");
    bent(&seeds, 2000, judge::sasl);
}

#[test]
fn forms_bent_from_true_ones_are_survived() {
    let seeds = seeds("forms");
    assert!(
        seeds.iter().all(|seed| judge::forms(seed) > 0),
        "each is answered"
    );
    bent(&seeds, 2000, judge::forms);
}
