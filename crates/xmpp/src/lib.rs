//! An XMPP client as a state machine: bytes, time and randomness in, bytes and events out.
//!
//! [`Session`] is one account. It is handed one transport after another, logs in, resumes what was cut off (XEP-0198),
//! and turns stanzas into [`Event`]s and [`Command`]s into stanzas. It opens no socket, reads no clock, logs nothing.
//!
//! ```
//! use std::time::Duration;
//! use xmpp::{Config, Input, Output, Session};
//!
//! # let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
//! let jid = xmpp::BareJid::new("alice@example.org")?;
//! let mut session = Session::new(Config::new(jid, String::from("secret").into()));
//! session.handle(Input::Connected, Duration::ZERO, &mut rng)?;
//! assert!(matches!(session.poll(), Some(Output::Send(_))));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What it holds to:
//! * Before TLS nothing is said but where we want to go. No TLS, no login ([`Tls::PlainOverOnion`] aside).
//! * The password is proven, not sent: SCRAM, and the server has to prove itself too. Less than was ever used is refused.
//! * Every stanza passes the [`Limits`] before an element is built of it. One that breaks them is thrown away; the
//!   stream lives on.
//! * Strangers get the answer that an offline account's server would give, and no other.
//! * Each `token` given to [`Command::Send`] comes back once: [`Event::Acknowledged`] or [`Event::Unacknowledged`].
//! * Nothing that is sent tells which program sends it.

mod config;
mod error;
mod event;
mod framing;
mod ns;
mod query;
mod room;
mod sasl;
mod session;
mod write;

#[path = "xep/0077_account.rs"]
mod account;
#[path = "xep/0191_blocking.rs"]
mod blocking;
#[path = "xep/0280_carbons.rs"]
mod carbons;
#[path = "xep/0257_certificates.rs"]
mod certificates;
#[path = "xep/0050_commands.rs"]
mod commands;
#[path = "xep/0045_configuration.rs"]
mod configuration;
#[path = "xep/0203_delay.rs"]
mod delay;
#[path = "xep/0077_elsewhere.rs"]
mod elsewhere;
#[path = "xep/0484_fast.rs"]
mod fast;
#[path = "xep/0004_forms.rs"]
mod forms;
#[path = "xep/0100_gateways.rs"]
mod gateways;
#[path = "xep/0334_hints.rs"]
mod hints;
#[path = "xep/0249_invitations.rs"]
mod invitations;
#[path = "xep/0055_people_search.rs"]
mod people_search;
#[path = "xep/0379_preauth.rs"]
mod preauth;
#[path = "xep/0077_registration.rs"]
mod registration;
#[path = "xep/0030_room_list.rs"]
mod room_list;
#[path = "xep/0045_stanzas.rs"]
mod room_stanzas;
#[path = "xep/0045_rooms.rs"]
mod rooms;
#[path = "xep/0388_sasl2.rs"]
mod sasl2;
#[path = "xep/0410_self_ping.rs"]
mod self_ping;
#[path = "xep/0030_services.rs"]
mod services;
#[path = "xep/0198_sm.rs"]
mod sm;
#[path = "xep/0144_suggestions.rs"]
mod suggestions;

pub use config::{Config, Credential, FastToken, Limits, Mechanism, Tls};
pub use error::{Error, OfflineReason, StanzaCondition, StreamCondition};
pub use event::{
    AccountChange, Bindings, Command, Event, Input, MessageKind, Output, Password, Request, RosterItem,
    Subscription,
};
pub use forms::{Answers, Form, FormColumn, FormField, FormFieldKind};
pub use gateways::{escaped_address, unescaped_name};
pub use jid::{BareJid, FullJid, Jid};
pub use query::{
    CommandAction, CommandStage, CommandStep, Listed, Query, QueryFailure, Reply, Service, Suggestion,
};
pub use room::{
    Affiliation, FoundRoom, Invitation, Occupant, Role, RoomAction, RoomEvent, RoomExit, RoomInfo,
    RoomModeration, RoomOrder, RoomRefusal,
};
pub use session::Session;
