//! Two people talk: each with a program of their own, over a private Tor network, a real server
//! between them; and one of them with a program that is not ours.

use lab::PeerPolicy;
use model::{Command, ContactRef, Delivery, Event, Privacy, Transport};
use stories::{Peer, Person, Place, SOON, Trouble, proof};

#[test]
fn lab_two_people_talk_and_every_text_arrives_once_and_encrypted() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut alice = Person::arrive(&place, "alice", place.by_name(Transport::DirectTls))?;
    let mut bob = Person::arrive(&place, "bob", place.by_onion(Transport::StartTls))?;
    alice.acquaint(&mut bob)?;
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
    for crossed in proof::crossed(&place, &alice.jid, &bob.jid)? {
        assert!(crossed.body.starts_with("?OTR"), "{crossed:?}");
    }
    assert!(proof::only_relays(&place, &alice.otter)? > 0);
    alice.otter.stop()?;
    bob.otter.stop()
}

#[test]
fn lab_both_write_at_the_same_moment_and_nothing_is_lost() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut alice = Person::arrive(&place, "alice", place.by_name(Transport::DirectTls))?;
    let mut bob = Person::arrive(&place, "bob", place.by_name(Transport::StartTls))?;
    alice.acquaint(&mut bob)?;
    // Before any private conversation: both queue, both ask, the queries cross.
    for number in 0..20 {
        alice.send(&bob.jid, &format!("a{number}"))?;
        bob.send(&alice.jid, &format!("b{number}"))?;
    }
    alice.otter.wait_for_text("b19", SOON)?;
    bob.otter.wait_for_text("a19", SOON)?;
    let order: Vec<_> = bob.otter.incoming().map(|message| message.text.clone()).collect();
    assert_eq!(
        order,
        (0..20).map(|number| format!("a{number}")).collect::<Vec<_>>()
    );
    assert_eq!(
        alice
            .otter
            .received()
            .values()
            .filter(|count| **count == (1, 0))
            .count(),
        20
    );
    Ok(())
}

#[test]
fn lab_without_tls_only_to_an_onion_service() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut server = place.by_name(Transport::StartTls);
    server.transport = Transport::PlainOverOnion;
    let refused = Person::arrive(&place, "alice", server).err().unwrap().to_string();
    assert!(refused.contains("account.plain_needs_onion"), "{refused}");
    Ok(())
}

#[test]
fn lab_a_certificate_that_nobody_vouches_for_is_refused_and_nothing_is_sent() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let home = stories::Home::new(&place, "alice")?;
    let mut otter = stories::Otter::start(&place, "alice", home.path())?;
    otter.create_profile(stories::PASSPHRASE)?;
    let jid = format!("{}@{}", place.fresh("alice"), place.info().domain);
    let server = Some(place.by_name(Transport::DirectTls));
    let added = otter.add_account(&jid, "a word", server, true, &[])?;
    let refused = otter.wait_online(added.account, SOON).unwrap_err().to_string();
    assert!(refused.contains("tls.untrusted"), "{refused}");
    Ok(())
}

#[test]
fn lab_a_wrong_password_stops_at_once_and_asks() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut alice = Person::arrive(&place, "alice", place.by_name(Transport::DirectTls))?;
    let home = stories::Home::new(&place, "thief")?;
    let mut thief = stories::Otter::start(&place, "thief", home.path())?;
    thief.create_profile(stories::PASSPHRASE)?;
    let pin = place.info().spki_sha256.clone();
    let server = Some(place.by_name(Transport::DirectTls));
    let added = thief.add_account(&alice.jid, "a guess", server, false, &[&pin])?;
    let refused = thief.wait_online(added.account, SOON).unwrap_err().to_string();
    assert!(refused.contains("password"), "{refused}");
    alice.otter.snapshot().map(drop)
}

#[test]
fn lab_the_libotr_peer_answers_when_we_start() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut alice = Person::arrive(&place, "alice", place.by_name(Transport::DirectTls))?;
    let mut peer = Peer::start(&place, PeerPolicy::Required)?;
    befriend(&mut alice, &mut peer)?;
    converse(&place, &mut alice, &mut peer)?;
    let fingerprint = alice
        .otter
        .snapshot()?
        .contacts
        .first()
        .unwrap()
        .fingerprints
        .first()
        .unwrap()
        .fingerprint
        .clone();
    assert_eq!(fingerprint.replace(' ', "").to_lowercase(), peer.fingerprint);
    Ok(())
}

#[test]
fn lab_the_libotr_peer_starts_and_we_answer() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut alice = Person::arrive(&place, "alice", place.by_onion(Transport::DirectTls))?;
    let mut peer = Peer::start(&place, PeerPolicy::Required)?;
    befriend(&mut alice, &mut peer)?;
    peer.tell(&["start", &alice.jid])?;
    alice.otter.wait_private(&peer.jid, SOON)?;
    converse(&place, &mut alice, &mut peer)?;
    peer.tell(&["end", &alice.jid])?;
    alice
        .otter
        .until("the end of privacy", SOON, |event| match event {
            Event::PrivacyChanged {
                privacy: Privacy::Finished,
                ..
            } => Some(()),
            _ => None,
        })
}

#[test]
fn lab_the_private_conversation_ends_for_both_when_one_ends_it() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut alice = Person::arrive(&place, "alice", place.by_name(Transport::DirectTls))?;
    let mut peer = Peer::start(&place, PeerPolicy::Required)?;
    befriend(&mut alice, &mut peer)?;
    alice.send(&peer.jid, "hello")?;
    peer.wait_for_text("hello", SOON)?;
    let contact = ContactRef {
        account: alice.account,
        contact: peer.jid.parse().unwrap(),
    };
    alice.otter.ask(&Command::EndPrivate(contact))?;
    peer.wait_for("finished ", SOON)
}

fn befriend(alice: &mut Person, peer: &mut Peer) -> Result<(), Trouble> {
    alice.otter.add_contact(alice.account, &peer.jid)?;
    peer.tell(&["subscribe", &alice.jid])?;
    let jid = peer.jid.clone();
    alice
        .otter
        .until("the peer's presence", SOON, |event| match event {
            Event::ContactChanged { contact } if contact.presence == model::Presence::Online => {
                (contact.address.as_str() == jid).then_some(())
            }
            _ => None,
        })
}

fn converse(place: &Place, alice: &mut Person, peer: &mut Peer) -> Result<(), Trouble> {
    let long = "twenty thousand ".repeat(1250);
    let texts = ["hello", "سلام", "🦦 emoji", "?OTR: only text", "two\nlines", &long];
    for text in texts {
        alice.send(&peer.jid, text)?;
        peer.wait_for_text(text, SOON)?;
        let answer = format!("re: {text}");
        peer.send(&alice.jid, &answer)?;
        alice.otter.wait_for_text(&answer, SOON)?;
    }
    for text in texts {
        assert_eq!(peer.received(text), (1, 0));
        assert_eq!(alice.otter.received().get(&format!("re: {text}")), Some(&(1, 0)));
    }
    for crossed in proof::crossed(place, &alice.jid, &peer.jid)? {
        assert!(crossed.body.starts_with("?OTR"), "{crossed:?}");
    }
    Ok(())
}
