//! The house rules as functions: each takes what is there and says, in sentences, what breaks a rule.
//! It must never be a part of the program, nor mend what it finds; nothing depends on it.
//! Standard: ARCHITECTURE.md (arrows), CONTRIBUTING.md (rules), THREATS.md and STANDARDS.md (claims and their tests).
//!
//! `tests/house.rs` runs them over this tree, and over made-up trees that break each rule.

#![forbid(unsafe_code)]

pub mod graph;
pub mod papers;
pub mod reach;
pub mod tree;

/// What breaks a rule, one sentence each. Empty: nothing does.
pub type Complaints = Vec<String>;
