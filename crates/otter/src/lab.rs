//! The program. Everything is in the library, so that `otter-lab` is the same.
fn main() {}
