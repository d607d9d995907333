//! Alice's gate on a real, private Tor network: the lab's.
//! These tests must never run on another network: each one fails with a sentence outside the lab.
//! Standard: facts on the private network; design.md section 4.
//!
//! `otter-lab-net run -- cargo nextest run -p gate --features private-network -E 'test(lab_)'`
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do"
)]

mod alice;
mod bridges;
mod causes;
mod paths;
mod peers;
mod running;
mod services;
mod streams;
mod wear;
