//! libFuzzer's way into `readers::transcripts`.
#![no_main]

#[path = "../readers.rs"]
mod readers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    readers::transcripts(bytes);
});
