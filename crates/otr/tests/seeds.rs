//! The fuzzer's seeds and inputs bent from them, in every run: a smoke test of what `scripts/fuzz` does for hours.
//! Must never judge by other rules than the fuzzer.
//! Standard: none.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

#[path = "../fuzz/judge.rs"]
mod judge;
#[path = "support/people.rs"]
mod people;
#[path = "../fuzz/readers.rs"]
mod readers;

use std::path::Path;

use people::Dice;
use rand_core::Rng;

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

/// Changes, cuts, repeats and joins seeds; the same inputs in every run.
fn bent<R>(seeds: &[Vec<u8>], count: usize, judge: impl Fn(&[u8]) -> R) {
    let mut dice = Dice::new(4242);
    let mut below = |limit: usize| usize::try_from(dice.next_u32()).unwrap() % limit.max(1);
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
fn binary_messages_bent_from_true_ones_are_survived() {
    let seeds = seeds("wire");
    assert_eq!(
        seeds.iter().map(|seed| judge::wire(seed)).sum::<usize>(),
        2,
        "both talks reach their text"
    );
    bent(&seeds, 2000, judge::wire);
}

#[test]
fn fragments_bent_from_true_ones_are_survived() {
    let seeds = seeds("fragments");
    assert_eq!(
        seeds.iter().map(|seed| judge::fragments(seed)).sum::<usize>(),
        2,
        "both talks reach their text"
    );
    bent(&seeds, 800, judge::fragments);
}

#[test]
fn queries_and_tags_bent_from_true_ones_are_survived() {
    let seeds = seeds("queries");
    bent(&seeds, 1500, judge::queries);
}

#[test]
fn key_files_bent_from_true_ones_are_survived() {
    let seeds = seeds("key_files");
    assert!(
        seeds.iter().all(|seed| readers::key_files(seed) > 0),
        "each is a file of some program"
    );
    bent(&seeds, 500, readers::key_files);
}

#[test]
fn transcripts_bent_from_true_ones_are_survived() {
    let seeds = seeds("transcripts");
    assert!(
        seeds.iter().all(|seed| readers::transcripts(seed) > 4),
        "each holds a whole exchange"
    );
    bent(&seeds, 2000, readers::transcripts);
}

#[test]
fn sessions_under_bent_moves_of_mallory_are_survived() {
    let seeds = seeds("sessions");
    seeds.iter().for_each(|seed| judge::sessions(seed));
    bent(&seeds, 20, judge::sessions);
}
