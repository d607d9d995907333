//! Two people talk: each with a program of their own, over a private Tor network, a real server
//! between them.

use std::time::Duration;

use model::{AccountId, Delivery, Server, Transport};
use stories::{Home, Otter, Place, Trouble};

const SOON: Duration = Duration::from_secs(90);

/// One person: messenger, profile, account.
struct Person {
    otter: Otter,
    home: Home,
    jid: String,
    account: AccountId,
}

impl Person {
    /// From nothing to online.
    fn arrive(place: &Place, name: &str, server: Server) -> Result<Self, Trouble> {
        let home = Home::new(place, name)?;
        let mut otter = Otter::start(place, name, home.path())?;
        otter.create_profile("a passphrase of several words")?;
        let jid = format!("{}@{}", place.fresh(name), place.info().domain);
        let pin = place.info().spki_sha256.clone();
        let added = otter.add_account(&jid, "a word", Some(server), true, &[&pin])?;
        otter.wait_online(added.account, SOON)?;
        Ok(Self { otter, home, jid, account: added.account })
    }

    fn send(&mut self, to: &str, text: &str) -> Result<model::MessageId, Trouble> {
        self.otter.send(self.account, to, text)
    }
}

fn acquaint(alice: &mut Person, bob: &mut Person) -> Result<(), Trouble> {
    alice.otter.add_contact(alice.account, &bob.jid)?;
    bob.otter.accept_contact(bob.account, &alice.jid, SOON)
}

#[test]
fn lab_two_people_talk_and_every_text_arrives_once_and_encrypted() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut alice = Person::arrive(&place, "alice", place.by_name(Transport::DirectTls))?;
    let mut bob = Person::arrive(&place, "bob", place.by_onion(Transport::StartTls))?;
    acquaint(&mut alice, &mut bob)?;
    let texts = ["hello", "سلام", "🦦🦦", "?OTRv3? is only text here", "/me waves"];
    let mut sent = Vec::new();
    for text in texts {
        sent.push(alice.send(&bob.jid, text)?);
        bob.otter.wait_for_text(text, SOON)?;
        bob.send(&alice.jid, &format!("re: {text}"))?;
        alice.otter.wait_for_text(&format!("re: {text}"), SOON)?;
    }
    for id in sent {
        assert_eq!(alice.otter.wait_for_fate(&id, SOON)?, Delivery::Received);
    }
    for text in texts {
        assert_eq!(bob.otter.received().get(text), Some(&(1, 0)), "{text}");
    }
    let _ = (&alice.home, &bob.home);
    alice.otter.stop()?;
    bob.otter.stop()
}
