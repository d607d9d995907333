//! Stories of alice, bob and mallory over a network that we hold in our hands.
//! Must never reach into the crate: only what an application sees is used.
//! Standard: OTR version 3.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

#[path = "support/people.rs"]
mod people;
#[path = "support/wire.rs"]
mod wire;

mod story {
    mod attacks;
    mod conversation;
    mod fragments;
    mod instances;
    mod policy;
    mod verification;
    mod version_two;
}
