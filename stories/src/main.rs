//! The demo: two people talk, and every step is told.
fn main() {}
