//! libFuzzer's way into `judge::sasl`.
#![no_main]

#[path = "../judge.rs"]
mod judge;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    judge::sasl(bytes);
});
