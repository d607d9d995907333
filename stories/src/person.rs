//! One person in a story: messenger, profile, account.

use std::time::Duration;

use model::{AccountId, ContactRef, MessageId, Server};

use crate::{Home, Otter, Place, Trouble};

/// Long enough for anything that succeeds at all on a busy machine.
pub const SOON: Duration = Duration::from_secs(120);

/// The passphrase of every profile in the stories.
pub const PASSPHRASE: &str = "a passphrase of several words";

/// One person.
pub struct Person {
    /// The messenger.
    pub otter: Otter,
    /// The profile's folder.
    pub home: Home,
    /// The account's address.
    pub jid: String,
    /// The account.
    pub account: AccountId,
    /// Fingerprint of the account's OTR key.
    pub fingerprint: String,
    name: String,
}

impl Person {
    /// From nothing to online.
    ///
    /// # Errors
    /// The first thing that does not go as it should.
    pub fn arrive(place: &Place, name: &str, server: Server) -> Result<Self, Trouble> {
        Self::arrive_under(place, name, server, &[])
    }

    /// The same, with the messenger under another program such as `strace`.
    ///
    /// # Errors
    /// The first thing that does not go as it should.
    pub fn arrive_under(place: &Place, name: &str, server: Server, under: &[&str]) -> Result<Self, Trouble> {
        let home = Home::new(place, name)?;
        let mut otter = Otter::start_under(place, name, home.path(), under)?;
        otter.create_profile(PASSPHRASE)?;
        let jid = format!("{}@{}", place.fresh(name), place.info().domain);
        let pin = place.info().spki_sha256.clone();
        let added = otter.add_account(&jid, "a word", Some(server), true, &[&pin])?;
        otter.wait_online(added.account, SOON)?;
        let name = name.to_owned();
        Ok(Self {
            otter,
            home,
            jid,
            account: added.account,
            fingerprint: added.fingerprint,
            name,
        })
    }

    /// Starts the messenger again on the same profile, after it was stopped or killed.
    ///
    /// # Errors
    /// Where it does not come back online.
    pub fn come_back(&mut self, place: &Place) -> Result<(), Trouble> {
        self.otter = Otter::start(place, &self.name, self.home.path())?;
        self.otter.unlock(PASSPHRASE)?;
        self.otter.wait_online(self.account, SOON)
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The engine's refusal.
    pub fn send(&mut self, to: &str, text: &str) -> Result<MessageId, Trouble> {
        self.otter.send(self.account, to, text)
    }

    /// Another person, as this one's account sees it.
    ///
    /// # Errors
    /// Where the other's address is none.
    pub fn contact(&self, other: &Self) -> Result<ContactRef, Trouble> {
        let contact = other.jid.parse();
        Ok(ContactRef {
            account: self.account,
            contact: contact.map_err(|error| Trouble::new(format!("{error}")))?,
        })
    }

    /// Makes two people contacts of each other.
    ///
    /// # Errors
    /// Where the request does not arrive.
    pub fn acquaint(&mut self, other: &mut Self) -> Result<(), Trouble> {
        self.otter.add_contact(self.account, &other.jid)?;
        other.otter.accept_contact(other.account, &self.jid, SOON)
    }
}
