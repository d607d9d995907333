//! libFuzzer's way into `readers::key_files`.
#![no_main]

#[path = "../readers.rs"]
mod readers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    readers::key_files(bytes);
});
