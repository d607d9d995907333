//! What the window shows, computed: the client of door 1, the mirror of the engine's state, rows and words.
//! It must never do I/O, know a toolkit or hold a key; and nothing that others wrote leaves it without being sanitised.
//! Standard: `docs/rpc.md` (door 1); UAX #9, UTS #39 and UTS #51 for texts; CLDR for languages.
//!
//! A window makes a [`Mirror`], hands it every line of the engine ([`Mirror::hear`]) and sends the lines that come
//! out. For each [`Change`] it computes what is on the screen: [`list()`], [`header()`], [`Rows`], each a plain
//! struct with nothing left to decide. [`Words`] says everything in the chosen [`Language`].

#![forbid(unsafe_code)]

pub mod client;
mod drafts;
pub mod emoji;
mod findings;
mod forms;
mod header;
mod invitation;
mod keys;
mod language;
mod list;
mod log;
mod mirror;
mod peer;
mod rooms;
mod rows;
mod search;
mod security;
mod sight;
mod state;
mod status;
mod strength;
mod stretch;
#[cfg(test)]
mod testing;
pub mod text;
mod trust;
mod ways;
mod words;

pub use client::{Answer, CallError, CallId, HearError, Line};
pub use drafts::{Drafts, MAX_DRAFTS, PAUSE};
pub use findings::findings;
pub use forms::{
    FieldLook, FieldRow, FormPage, GatewayRow, answer, choose, form_page, gateway_row, is_ticked, named,
};
pub use header::{Header, header};
pub use invitation::{Invitation, invitation, link};
pub use keys::{KeyRow, KeyState, fingerprint, keys, verification};
pub use language::{Language, Plural};
pub use list::{Filter, ListKind, ListRow, Order, Query, list};
pub use log::{Entry, Log, MAX_BYTES, MAX_ENTRIES, RowChange, What};
pub use mirror::{MAX_HELD, Mirror, Outcome};
pub use peer::Peer;
pub use rooms::{MemberRow, RoomHeader, RoomRow, member_row, room_header, rooms};
pub use rows::{MAX_ROWS, Mark, Row, RowKind, Rows};
pub use search::{FoundMessage, search};
pub use security::{ProbeRow, StoredRow, WallRow, backup_words, probes, stored, walls};
pub use sight::{AttemptRow, SightRow, attempts, sights};
pub use state::{
    Change, KeptTo, MAX_ACCOUNTS, MAX_CONTACTS, MAX_MEMBERS, MAX_PROBES, MAX_ROOMS, RoomTalk, State, Talk,
};
pub use status::{AccountRow, TorRow, account_row, tor_row, visibility_words};
pub use strength::Strength;
pub use stretch::stretch;
pub use text::Name;
pub use trust::{Trust, policy};
pub use ways::{PathRow, own_tor, paths};
pub use words::{Words, Zone};
