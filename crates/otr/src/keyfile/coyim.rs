//! CoyIM's `accounts.json`: keys, fingerprints and instance tags of its accounts.
//! Must never copy a secret out of the file, nor read a file that CoyIM sealed as if it were empty.
//! Standard: none; CoyIM's types `config.Accounts`, `config.Account`, `config.Peer` and `config.Fingerprint`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::account::{self, Account, Protocol};
use super::error::{KeyFileError, KeyFileErrorKind};
use super::json::Json;
use super::lines::{KnownFingerprint, Trust, fingerprint};
use super::sound::has_prime_numbers;
use super::{LARGEST_FILE, MOST_KEYS};
use crate::key::{Fingerprint, PrivateKey};
use crate::tag::InstanceTag;
use crate::wire::Reader;

/// Key type of DSA in front of a stored key.
const TYPE_DSA: u16 = 0;

/// One account of CoyIM.
#[derive(Debug)]
pub struct CoyimAccount {
    /// The account.
    pub account: Account,
    /// What it knows of its contacts.
    pub fingerprints: Vec<KnownFingerprint>,
    /// Its private keys.
    pub keys: Vec<PrivateKey>,
    /// Its instance tag, if CoyIM has drawn one.
    pub tag: Option<InstanceTag>,
}

/// What was read of an account before its name was.
#[derive(Default)]
struct Parts {
    name: Option<String>,
    known: Vec<(String, Fingerprint, Trust)>,
    keys: Vec<PrivateKey>,
    tag: Option<InstanceTag>,
}

/// Reads the accounts of CoyIM. Everything that is not about OTR is passed over.
///
/// # Errors
/// [`KeyFileErrorKind::Encrypted`] if CoyIM has sealed the file with a passphrase, else [`KeyFileError`] with
/// the line; one wrong entry fails the file.
pub fn coyim_accounts(file: &[u8]) -> Result<Vec<CoyimAccount>, KeyFileError> {
    let mut json = Json::new(file)?;
    let (mut accounts, mut sealed, mut listed) = (Vec::new(), false, false);
    json.object(|json, name| match name {
        "Accounts" => {
            listed = true;
            json.array(|json| {
                let account = account(json)?;
                accounts.push(account);
                Ok(())
            })
        }
        "Data" | "Params" => {
            sealed = true;
            json.pass()
        }
        _ => json.pass(),
    })?;
    json.end()?;
    match (listed, sealed) {
        (false, true) => Err(json.fail(KeyFileErrorKind::Encrypted)),
        (false, false) => Err(json.fail(KeyFileErrorKind::Missing)),
        (true, _) => Ok(accounts),
    }
}

fn account(json: &mut Json<'_>) -> Result<CoyimAccount, KeyFileError> {
    let mut parts = Parts::default();
    json.object(|json, name| match name {
        "Account" => {
            let text = json.text()?;
            parts.name = Some(account::name(text.as_bytes()).map_err(|kind| json.fail(kind))?);
            Ok(())
        }
        "InstanceTag" => {
            let number = json.number()?;
            parts.tag = InstanceTag::from_u32(number);
            if parts.tag.is_none() && number != 0 {
                return Err(json.fail(KeyFileErrorKind::InstanceTag));
            }
            Ok(())
        }
        // Older versions kept the one key and the flat list.
        "KnownFingerprints" => json.array(|json| known_fingerprint(json, &mut parts)),
        "Peers" => json.array(|json| peer(json, &mut parts)),
        "PrivateKey" if json.null() => Ok(()),
        "PrivateKey" => private_key(json, &mut parts),
        "PrivateKeys" => json.array(|json| private_key(json, &mut parts)),
        _ => json.pass(),
    })?;
    let name = parts.name.ok_or_else(|| json.fail(KeyFileErrorKind::Missing))?;
    let account = Account {
        protocol: Protocol::Xmpp,
        name,
    };
    let known = parts
        .known
        .into_iter()
        .map(|(contact, fingerprint, trust)| KnownFingerprint {
            account: account.clone(),
            contact,
            fingerprint,
            trust,
        });
    Ok(CoyimAccount {
        fingerprints: known.collect(),
        keys: parts.keys,
        tag: parts.tag,
        account,
    })
}

/// A contact with its fingerprints.
fn peer(json: &mut Json<'_>, parts: &mut Parts) -> Result<(), KeyFileError> {
    let (mut contact, mut known) = (None, Vec::new());
    json.object(|json, name| match name {
        "UserID" => {
            contact = Some(json.text()?);
            Ok(())
        }
        "Fingerprints" => json.array(|json| {
            let (mut digits, mut trusted) = (None, false);
            json.object(|json, name| match name {
                "FingerprintHex" => {
                    digits = Some(json.plain()?);
                    Ok(())
                }
                "Trusted" => {
                    trusted = json.boolean()?;
                    Ok(())
                }
                _ => json.pass(),
            })?;
            known.push((digits, trusted));
            Ok(())
        }),
        _ => json.pass(),
    })?;
    for (digits, trusted) in known {
        add(json, parts, contact.as_deref(), digits, trusted)?;
    }
    Ok(())
}

/// A contact's fingerprint in the flat list of older versions.
fn known_fingerprint(json: &mut Json<'_>, parts: &mut Parts) -> Result<(), KeyFileError> {
    let (mut contact, mut digits, mut trusted) = (None, None, true);
    json.object(|json, name| match name {
        "UserID" => {
            contact = Some(json.text()?);
            Ok(())
        }
        "FingerprintHex" => {
            digits = Some(json.plain()?);
            Ok(())
        }
        "Untrusted" => {
            trusted = !json.boolean()?;
            Ok(())
        }
        _ => json.pass(),
    })?;
    add(json, parts, contact.as_deref(), digits, trusted)
}

fn add(
    json: &Json<'_>,
    parts: &mut Parts,
    contact: Option<&str>,
    digits: Option<&[u8]>,
    trusted: bool,
) -> Result<(), KeyFileError> {
    let (Some(contact), Some(digits)) = (contact, digits) else {
        return Err(json.fail(KeyFileErrorKind::Missing));
    };
    let contact = account::name(contact.as_bytes()).map_err(|kind| json.fail(kind))?;
    let fingerprint = fingerprint(digits).map_err(|kind| json.fail(kind))?;
    let doubled = |known: &(String, Fingerprint, Trust)| known.1 == fingerprint && known.0 == contact;
    if parts.known.iter().any(doubled) {
        return Err(json.fail(KeyFileErrorKind::Duplicate));
    }
    let trust = if trusted {
        Trust::Verified
    } else {
        Trust::Unverified
    };
    parts.known.push((contact, fingerprint, trust));
    Ok(())
}

/// A key in base64: its type, then p, q, g, y, x as MPIs.
fn private_key(json: &mut Json<'_>, parts: &mut Parts) -> Result<(), KeyFileError> {
    if parts.keys.len() == MOST_KEYS {
        return Err(json.fail(KeyFileErrorKind::TooManyKeys));
    }
    let text = json.plain()?;
    let key = stored_key(text).filter(has_prime_numbers);
    parts
        .keys
        .push(key.ok_or_else(|| json.fail(KeyFileErrorKind::Key))?);
    Ok(())
}

fn stored_key(text: &[u8]) -> Option<PrivateKey> {
    let mut bytes = Zeroizing::new(vec![0; text.len().min(LARGEST_FILE) / 4 * 3 + 3]);
    let length = STANDARD.decode_slice(text, &mut bytes).ok()?;
    let mut reader = Reader::new(bytes.get(..length)?);
    if reader.u16().ok()? != TYPE_DSA {
        return None;
    }
    let mut number = || reader.mpi().ok();
    let (p, q, g, y, x) = (number()?, number()?, number()?, number()?, number()?);
    reader.end().ok()?;
    PrivateKey::from_numbers(p, q, g, y, x).ok()
}

#[cfg(test)]
#[path = "coyim/tests.rs"]
mod tests;
