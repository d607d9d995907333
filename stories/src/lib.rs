//! The messenger as its user meets it: one person, one program, driven through door 1 alone.
//!
//! The demo and the end-to-end tests are written with it. It knows nothing of the inside: what it
//! sees, any other program on door 1 sees. Its tests run in the lab; their names begin with `lab_`.

#![expect(
    clippy::disallowed_methods,
    reason = "starts the messenger and its peers, as a person would"
)]

pub mod demo;
pub mod figures;
mod otter;
mod peer;
mod person;
mod place;
pub mod proof;
pub mod windows;

pub use otter::{Otter, Trouble, room_of};
pub use peer::Peer;
pub use person::{PASSPHRASE, Person, SOON};
pub use place::{Home, Place};
