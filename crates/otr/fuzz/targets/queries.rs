//! libFuzzer's way into `judge::queries`.
#![no_main]

#[path = "../judge.rs"]
mod judge;
#[path = "../../tests/support/people.rs"]
mod people;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    judge::queries(bytes);
});
