//! Adium's `Accounts.plist`: what the account numbers in its OTR files mean.
//! Must never leave a key under a number when the list has no name for it.
//! Standard: none; Adium keeps libotr's files with the `ObjectID` of each account as its name.

use std::collections::BTreeMap;

use super::account::{self, Account, Protocol};
use super::error::{KeyFileError, KeyFileErrorKind};
use super::plist::{self, Value};

/// One account of Adium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdiumAccount {
    /// The account by its true name.
    pub account: Account,
    /// What Adium's OTR files call it: a number.
    pub id: String,
}

/// Reads Adium's list of accounts, as XML. A binary list is made readable by `plutil -convert xml1`.
///
/// # Errors
/// [`KeyFileErrorKind::Unsupported`] for a binary list, else [`KeyFileError`] with the line.
pub fn adium_accounts(file: &[u8]) -> Result<Vec<AdiumAccount>, KeyFileError> {
    let missing = KeyFileErrorKind::Missing;
    let Value::Dictionary(mut members) = plist::read(file)? else {
        return Err(missing.at(1));
    };
    let Some((Value::Array(items), line)) = members.remove("Accounts") else {
        return Err(missing.at(1));
    };
    let mut accounts: Vec<AdiumAccount> = Vec::new();
    for item in items {
        let Value::Dictionary(members) = item else {
            return Err(missing.at(line));
        };
        let account = adium_account(&members, line)?;
        if accounts.iter().any(|known| known.id == account.id) {
            return Err(KeyFileErrorKind::Duplicate.at(line));
        }
        accounts.push(account);
    }
    Ok(accounts)
}

/// Gives the accounts of entries that were read from Adium's OTR files their true names.
///
/// # Errors
/// [`KeyFileErrorKind::UnknownAccount`] with the number of the entry, counted from 1; then nothing is renamed.
pub fn name_adium_accounts<'a>(
    entries: impl IntoIterator<Item = &'a mut Account>,
    list: &[AdiumAccount],
) -> Result<(), KeyFileError> {
    let mut renamed = Vec::new();
    for (index, account) in entries.into_iter().enumerate() {
        let known = list
            .iter()
            .find(|known| known.id == account.name && known.account.protocol == account.protocol)
            .ok_or_else(|| KeyFileErrorKind::UnknownAccount.at(index + 1))?;
        renamed.push((account, &known.account));
    }
    for (account, known) in renamed {
        account.clone_from(known);
    }
    Ok(())
}

fn adium_account(
    members: &BTreeMap<String, (Value, usize)>,
    line: usize,
) -> Result<AdiumAccount, KeyFileError> {
    let text = |name: &str| match members.get(name) {
        Some((Value::Text(text), line)) => account::name(text.as_bytes()).map_err(|kind| kind.at(*line)),
        _ => Err(KeyFileErrorKind::Missing.at(line)),
    };
    Ok(AdiumAccount {
        account: Account {
            protocol: Protocol::from_name(&text("Type")?),
            name: text("UID")?,
        },
        id: text("ObjectID")?,
    })
}
