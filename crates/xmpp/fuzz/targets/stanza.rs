//! libFuzzer's way into `judge::stanza`.
#![no_main]

#[path = "../judge.rs"]
mod judge;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    judge::stanza(bytes);
});
