//! Looks for secrets in all memory of running processes, which takes root.
//! Must never be used outside tests.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs::{File, read_dir, read_to_string};
use std::io::BufRead;
use std::os::unix::fs::FileExt;

/// The private number of the exported DSA key: as text, as bytes, and as bytes from the other end.
pub(crate) fn private_numbers(exported: &str) -> Vec<(String, Vec<u8>)> {
    let digits = exported
        .split("(x #")
        .nth(1)
        .and_then(|rest| rest.split('#').next());
    let digits = digits
        .expect("the export holds a private number")
        .trim_start_matches("00");
    let pairs = digits
        .as_bytes()
        .chunks_exact(2)
        .map(|pair| std::str::from_utf8(pair).unwrap());
    let bytes: Vec<u8> = pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    assert!(bytes.len() >= 16, "{}", bytes.len());
    let turned = bytes.iter().rev().copied().collect();
    vec![
        ("key in digits".into(), digits.into()),
        ("key".into(), bytes),
        ("key from its end".into(), turned),
    ]
}

/// A process and all that it started.
pub(crate) fn family(process: u32) -> Vec<u32> {
    let mut all = vec![process];
    for task in read_dir(format!("/proc/{process}/task"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let children = read_to_string(task.path().join("children")).unwrap_or_default();
        all.extend(
            children
                .split(' ')
                .filter_map(|child| child.parse().ok())
                .flat_map(family),
        );
    }
    all
}

/// How often each secret is in the memory of these processes.
pub(crate) fn search(processes: &[u32], secrets: &[(String, Vec<u8>)]) -> Vec<usize> {
    let mut found = vec![0; secrets.len()];
    for process in processes {
        let maps =
            read_to_string(format!("/proc/{process}/maps")).expect("reading another's memory takes root");
        let memory = File::open(format!("/proc/{process}/mem")).expect("reading another's memory takes root");
        for line in maps.lines().filter(|line| line.contains(" r")) {
            let (from, rest) = line.split_once('-').unwrap();
            let to = rest.split_once(' ').unwrap().0;
            let [from, to] = [from, to].map(|number| u64::from_str_radix(number, 16).unwrap());
            let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
            if memory.read_exact_at(&mut bytes, from).is_ok() {
                for ((_, secret), found) in secrets.iter().zip(&mut found) {
                    *found += count(&bytes, secret);
                }
            }
        }
    }
    found
}

fn count(bytes: &[u8], secret: &[u8]) -> usize {
    let (first, others) = secret.split_first().unwrap();
    let (mut rest, mut found) = (bytes, 0);
    while rest.skip_until(*first).unwrap() > 0 {
        found += usize::from(rest.starts_with(others));
    }
    found
}
