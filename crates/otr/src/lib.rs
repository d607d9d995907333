//! Off-the-Record Messaging, version 3.
#![forbid(unsafe_code)]

mod group;
mod key;
mod tag;
#[cfg(test)]
mod testing;
mod wire;

pub use key::{Fingerprint, FingerprintError, KeyError, PrivateKey};
pub use tag::InstanceTag;
