//! Off-the-Record Messaging, version 3 and on request version 2, as a pure state machine: bytes, text and time go in, bytes
//! and events come out. There is no input or output in it, no clock, no source of randomness, no
//! task and no `unsafe`.
//!
//! # Where to start
//! [`Conversation`] holds all sessions between one own account and one contact. Give it
//! [`Input`]s with [`Conversation::handle`] and drain its [`Output`]s with [`Conversation::poll`].
//! A [`PrivateKey`] says who we are, its [`Fingerprint`] is what people compare, an [`InstanceTag`]
//! tells the clients of one account apart.
//!
//! # What the caller must do
//! * Trust nothing before [`Event::Private`] named the fingerprint that he expected, and look again
//!   after [`Event::FingerprintChanged`]: a text that waited for a session belongs to one person.
//! * Show [`Event::Plaintext`] and [`Event::PeerError`] as what they are: anyone can write them.
//! * Clean texts before showing them: they can hold markup, control and invisible characters.
//! * Keep the instance tag of an account and device, and never copy it to another device.
//!
//! # Layout
//! `wire` has the bytes, `version` what differs between the versions, `group` the numbers, `key` the identities, `ake` the key exchange, `data` the
//! sessions, `smp` the verification, `fragment`, `query` and `tlv` what their names say, `instance` one client
//! of the contact, and `conversation` puts all together.
//!
//! Beside the protocol, and unused by it: [`keyfile`] reads and writes the key files of other programs, [`words`]
//! makes fingerprints speakable, [`transcript`] reads and forges captured conversations.
//!
//! # Hazards of the protocol itself
//! Version 3 fixes DSA with 1024 bits, SHA-1 and Diffie-Hellman with 1536 bits. They are not broken
//! for this use, but they are not what one would choose today. Version 2 is spoken only where
//! [`Config::oldest`] says so: it knows no instance tags, and who may speak it can be held to it.
#![forbid(unsafe_code)]

mod ake;
mod config;
mod conversation;
mod data;
mod error;
mod event;
mod fragment;
mod group;
mod instance;
mod key;
pub mod keyfile;
mod query;
mod smp;
mod tag;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod timing;
mod tlv;
pub mod transcript;
mod version;
mod wire;
pub mod words;

pub use config::{Config, Limits, Padding, Policy};
pub use conversation::Conversation;
pub use data::ExtraKey;
pub use error::Error;
pub use event::{Event, Input, Output, SessionId, State};
pub use key::{Fingerprint, FingerprintError, KeyError, PrivateKey};
pub use tag::InstanceTag;
pub use tlv::{LONGEST_TLV, Tlv};
pub use version::Version;

/// The examples of the README are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
