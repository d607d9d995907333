//! An IRC client as a state machine: bytes, time and randomness in, bytes and events out.
//!
//! [`Session`] is one account. It is handed one transport after another, logs in, keeps rooms and people, and turns
//! lines into [`Event`]s and [`Command`]s into lines. It opens no socket, reads no clock, logs nothing, and knows
//! nothing of the machine that it runs on.
//!
//! ```
//! use std::time::Duration;
//! use irc::{Config, Input, Nick, Output, Session};
//!
//! # let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
//! let nick = Nick::new("alice").ok_or("not a nick")?;
//! let mut session = Session::new(Config::new(nick));
//! session.handle(Input::Connected, Duration::ZERO, &mut rng)?;
//! let lines = std::iter::from_fn(|| session.poll()).filter(|output| matches!(output, Output::Send(_)));
//! assert_eq!(lines.count(), 3); // CAP, NICK, USER
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What it holds to:
//! * User name and real name are the same two words for everybody. QUIT and PART carry no word. Nothing that is sent
//!   depends on language, time zone, host or user of the machine.
//! * No question of another client (CTCP) is answered, no direct connection (DCC) taken or offered, nobody told that
//!   somebody types.
//! * A password is never sent without TLS, not sent at all where a proof will do, and the server has to prove itself
//!   too. Less than was ever used is refused.
//! * What was kept by a server or bouncer, and what another client of ours sent, is told apart from what is live
//!   ([`Origin`]): only live messages are for OTR.
//! * Whoever changes the nick or leaves is told at once ([`Event::PeerRenamed`], [`Event::PeerGone`],
//!   [`Event::NetworkSplit`]): the nick may be somebody else's now.
//! * Each `token` given to [`Command::Send`] comes back once: [`Event::Acknowledged`], [`Event::MessageRefused`] or
//!   [`Event::Unacknowledged`].
//! * Rooms, people, lists, batches, pieces and queues have caps ([`Limits`]).
#![forbid(unsafe_code)]

mod batch;
mod caps;
mod config;
mod error;
mod event;
mod flood;
mod isupport;
mod mask;
mod name;
mod nick;
mod payload;
pub mod presets;
mod rooms;
mod sasl;
mod session;
mod split;
mod sts;
mod time;
pub mod wire;

pub use config::{Config, Flood, Limits, Login, Mechanism, Tls};
pub use error::{Error, OfflineReason, Problem};
pub use event::{
    Command, Departure, DirectMessage, Event, Input, ListedRoom, LoginStep, Member, Origin, Output, Password,
    Probe, RoomMessage, SendKind, Sender, TextKind, Whois,
};
pub use mask::Mask;
pub use name::{Nick, Room, Target};
pub use nick::suggest as suggest_nick;
pub use payload::{LONGEST_OTR, read_action, write_action};
pub use sasl::LoginKey;
pub use session::{Session, is_service};
pub use sts::StsPolicy;
pub use time::ServerTime;
