//! The name of a conversation: an account of the owner's, and who is on the other side.
//! It must never hold anything that is shown without being sanitised first ([`crate::text`]).
//! Standard: `docs/rpc.md`, `ContactRef`.

use model::{AccountId, Address, ContactRef};

/// One conversation's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer {
    /// The owner's account.
    pub account: AccountId,
    /// The contact.
    pub contact: Address,
}

impl Peer {
    /// From its two halves.
    pub fn new(account: AccountId, contact: Address) -> Self {
        Self { account, contact }
    }

    /// As the parameter of a method that wants one contact.
    pub fn reference(&self) -> ContactRef {
        ContactRef {
            account: self.account,
            contact: self.contact.clone(),
        }
    }
}
