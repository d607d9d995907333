//! A private Tor network, a real server and real peers on loopback: what the demo, the end-to-end
//! tests and the figures stand on. Programs come from Debian packages (`packages.txt`).
//! Never a part of the messenger: nothing of ours depends on this crate but tests and the demo.
//!
//! # How to use it
//! `otter-lab-net run -- COMMAND` leaves the machine's network behind (own network, process and mount
//! namespaces), brings the lab up, runs COMMAND in it with `OTTER_LAB` naming `lab.json`, and gives back
//! its exit code. Whatever ends the outer process ends all of it. Inside:
//! * [`Lab::find`] reads `lab.json`; [`LabInfo`] says what is where;
//! * [`Control`] (or `otter-lab-net ctl`) kills and starts the server, cuts circuits, stalls Tor;
//! * `otr_peer` (see `peers/otr_peer.c`) is a conversation partner on libotr, and [`OtrPeer`] a test's
//!   end of it;
//! * `wiretap.jsonl` is what the server saw of messages.
//!
//! # How tests use it
//! A test that needs the lab has a name that begins with `lab_` and runs inside one; outside it fails
//! and says so. All of them share one lab:
//! `otter-lab-net run -- cargo nextest run -E 'test(/^lab_/)'`, and without a lab
//! `cargo nextest run -E 'not test(/^lab_/)'`. A test takes a turn first: [`Lab::share`], or
//! [`Lab::alone`] if it disturbs others.

#![expect(
    clippy::disallowed_methods,
    reason = "the lab is the other side of the network: it starts programs, listens and connects, on loopback only"
)]

mod children;
mod control;
mod dns;
mod echo;
mod error;
mod info;
mod isolation;
mod keys;
mod otr_peer;
mod packages;
mod peer;
mod profanity;
mod progress;
mod prosody;
mod running;
mod socks;
mod terminal;
mod tor;

pub use children::{BOUND, become_bound};
pub use control::{Control, Cut, Reply, Request, Status};
pub use error::LabError;
pub use info::{DOMAIN, LAB_VARIABLE, Lab, LabInfo, Ports, Turn};
pub use isolation::{
    Ground, SignOfLife, end_with_the_outer_process, furnish, give_sign_of_life, leave_namespaces,
    leave_network, own_folder, remove_own_folder, wait_for_all,
};
pub use otr_peer::{OtrPeer, PeerMessage, PeerPolicy};
pub use profanity::Profanity;
pub use progress::Progress;
pub use running::RunningLab;
pub use socks::connect as connect_through_tor;
pub use terminal::Terminal;
