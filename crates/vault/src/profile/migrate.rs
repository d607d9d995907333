//! From the JSON of any schema so far to today's [`Profile`]. Forward only: an older program refuses a newer file.
//! It must never change what an old field means, nor drop a field that it does not know.
//! Standards: none. `tests/schemas/` has a file of each schema.

use super::{Account, Contact, Profile, Queued, SCHEMA};
use crate::VaultError;
use serde::Deserialize;
use std::collections::BTreeMap;

const DAMAGED: VaultError = VaultError::Damaged { backup: false };

/// Read first, so that a later layout is told from damage.
#[derive(Deserialize)]
struct Header {
    schema: u32,
}

/// Schema 1: no history.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    #[serde(rename = "schema")]
    _schema: u32,
    accounts: Vec<Account>,
    contacts: Vec<Contact>,
    outbox: Vec<Queued>,
    next_id: u64,
    settings: BTreeMap<String, serde_json::Value>,
}

/// The profile that `json` holds.
///
/// # Errors
/// [`VaultError::Damaged`], [`VaultError::TooNew`].
pub(crate) fn read(json: &[u8]) -> Result<Profile, VaultError> {
    let header: Header = serde_json::from_slice(json).map_err(|_| DAMAGED)?;
    match header.schema {
        0 => Err(DAMAGED),
        1 => serde_json::from_slice(json).map(from_first).map_err(|_| DAMAGED),
        // Schema 2 is the same without changes beside it, which an older program would not read.
        2 | SCHEMA => serde_json::from_slice(json).map(today).map_err(|_| DAMAGED),
        _ => Err(VaultError::TooNew),
    }
}

fn today(mut profile: Profile) -> Profile {
    profile.schema = SCHEMA;
    profile
}

fn from_first(old: First) -> Profile {
    let mut profile = Profile::default();
    profile.accounts = old.accounts;
    profile.contacts = old.contacts;
    profile.outbox = old.outbox;
    profile.next_id = old.next_id;
    profile.settings = old.settings;
    profile
}
