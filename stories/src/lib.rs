//! The messenger as its user meets it: one person, one program, driven through door 1 alone.
//!
//! The demo and the end-to-end tests are written with it. It knows nothing of the inside: what it
//! sees, any other program on door 1 sees.

#![expect(clippy::disallowed_methods, reason = "starts the messenger and its peers, as a person would")]

mod otter;
mod peer;
mod place;

pub use otter::{Otter, Trouble};
pub use peer::Peer;
pub use place::{Home, Place};
