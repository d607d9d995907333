//! Key files of other programs: identities, known fingerprints and instance tags, read and written.
//! Must never import a part of a file, nor trust a number, name or length that was not checked.
//! Standard: none; the formats are those of libotr 4.1.1 (`privkey.c`, `instag.c`), CoyIM and Adium.
//!
//! Everything here takes bytes and gives values; reading and writing files is the caller's. Each reader
//! refuses a file larger than [`LARGEST_FILE`] before it looks at it, and refuses the whole file when one
//! entry is wrong: [`KeyFileError`] names the line.
//!
//! # What the programs keep
//! | program | keys | fingerprints | accounts are called |
//! |---|---|---|---|
//! | Pidgin, Finch | `otr.private_key` | `otr.fingerprints` | `prpl-jabber`, `user@host/resource`; `prpl-irc`, `nick@server` |
//! | Tor Messenger, Thunderbird | `otr.private_key` | `otr.fingerprints` | `prpl-jabber`, `prpl-irc` |
//! | Profanity | `keys.txt` | `fingerprints.txt` | `xmpp`, the address |
//! | mcabber | `<address>.key` | `<address>.fpr` | `jabber`, the address |
//! | irssi | `otr.key` | `otr.fp` | `IRC`, the name of the network or `nick@server` |
//! | Adium | `otr.private_key` | `otr.fingerprints` | `libpurple-Jabber`, a number that [`adium_accounts`] explains |
//! | CoyIM | in `accounts.json` | the same file | the address |
//!
//! An instance tag belongs to one client on one device: take it over when a profile *moves*, never when it
//! is copied, or two clients answer to one tag.

mod account;
mod adium;
mod coyim;
mod cursor;
mod error;
mod json;
mod lines;
mod plist;
mod private_key;
mod sound;

pub use account::{Account, Program, Protocol};
pub use adium::{AdiumAccount, adium_accounts, name_adium_accounts};
pub use coyim::{CoyimAccount, coyim_accounts};
pub use error::{KeyFileError, KeyFileErrorKind};
pub use lines::{
    KnownFingerprint, OwnTag, Trust, read_fingerprints, read_instance_tags, write_fingerprints,
    write_instance_tags,
};
pub use private_key::{OwnKey, read_private_keys, write_private_keys};

/// Longest file in bytes that any reader looks at.
pub const LARGEST_FILE: usize = 1024 * 1024;
/// Most private keys in one file: each costs two exponentiations and two tests for primality.
pub const MOST_KEYS: usize = 64;

#[cfg(test)]
#[path = "keyfile/tests.rs"]
mod tests;
