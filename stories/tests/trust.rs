//! People who verify each other, and people who choose what may be read: each with a program of their
//! own, over a private Tor network, a real server between them.

use model::{
    AccountState, AnswerVerification, ChangeAccount, Command, Delivery, Event, Policy, Secret, SetPolicy,
    StartVerification, Transport, Verification,
};
use stories::{Person, Place, SOON, Trouble, proof};

#[test]
fn lab_a_question_verifies_a_key_and_a_different_secret_does_not() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut alice = Person::arrive(&place, "alice", place.by_name(Transport::DirectTls))?;
    let mut bob = Person::arrive(&place, "bob", place.by_onion(Transport::StartTls))?;
    alice.acquaint(&mut bob)?;
    alice.send(&bob.jid, "hello")?;
    bob.otter.wait_for_text("hello", SOON)?;
    assert!(!compare(&mut alice, &mut bob, None, "mill lane", "high street")?);
    assert!(!verified(&mut alice, &bob)?);
    let question = Some("where did we meet?".to_owned());
    assert!(compare(&mut alice, &mut bob, question, "at sea", "at sea")?);
    assert!(verified(&mut alice, &bob)?);
    assert!(
        !verified(&mut bob, &alice)?,
        "a question proves nothing about who put it"
    );
    alice.otter.stop()?;
    bob.otter.stop()
}

#[test]
fn lab_one_contact_is_written_to_readable_by_choice_then_blocked() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut alice = Person::arrive(&place, "alice", place.by_name(Transport::DirectTls))?;
    let mut bob = Person::arrive(&place, "bob", place.by_name(Transport::StartTls))?;
    alice.acquaint(&mut bob)?;
    let policy = |understood| {
        Command::SetPolicy(SetPolicy {
            account: alice.account,
            contact: bob.jid.parse().unwrap(),
            policy: Some(Policy::Unencrypted),
            version_2: false,
            understood,
        })
    };
    let (refused, chosen) = (policy(false), policy(true));
    assert!(alice.otter.ask(&refused).is_err());
    alice.otter.ask(&chosen)?;
    let id = alice.send(&bob.jid, "as plain as day")?;
    bob.otter.until("the readable text", SOON, |event| match event {
        Event::MessageChanged { message } if message.text == "as plain as day" => {
            (!message.encrypted).then_some(())
        }
        _ => None,
    })?;
    alice
        .otter
        .until("the message as sent", SOON, |event| match event {
            Event::MessageChanged { message } if message.id == id && message.delivery == Delivery::Sent => {
                (!message.encrypted).then_some(())
            }
            _ => None,
        })?;
    assert_eq!(bob.otter.received().get("as plain as day"), Some(&(0, 1)));
    let crossed = proof::crossed(&place, &alice.jid, &bob.jid)?;
    assert!(crossed.iter().any(|message| message.body == "as plain as day"));

    bob.otter.ask(&Command::BlockContact(bob.contact(&alice)?))?;
    alice.send(&bob.jid, "are you there?")?;
    bob.otter.listen(std::time::Duration::from_secs(5))?;
    assert_eq!(bob.otter.received().get("are you there?"), None);
    alice.otter.stop()?;
    bob.otter.stop()
}

#[test]
fn lab_an_account_with_a_wrong_password_connects_once_it_was_changed() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut alice = Person::arrive(&place, "alice", place.by_name(Transport::DirectTls))?;
    let change = |word: &str| {
        Command::ChangeAccount(ChangeAccount {
            account: alice.account,
            password: Some(Secret::new(word.to_owned())),
            server: None,
            login: None,
            pins: None,
        })
    };
    let (wrong, right) = (change("another word"), change("a word"));
    alice.otter.ask(&wrong)?;
    alice.otter.until("a refusal", SOON, |event| match event {
        Event::AccountChanged { account } => match &account.state {
            AccountState::Failed { problem } => Some(problem.code.clone()),
            _ => None,
        },
        _ => None,
    })?;
    alice.otter.ask(&right)?;
    // The refusal may have been told more than once.
    alice.otter.until("a new attempt", SOON, |event| match event {
        Event::AccountChanged { account } => {
            matches!(account.state, AccountState::Connecting { .. }).then_some(())
        }
        _ => None,
    })?;
    alice.otter.wait_online(alice.account, SOON)?;
    alice.otter.stop()
}

/// Alice starts a verification, bob answers; whether both secrets were the same.
fn compare(
    alice: &mut Person,
    bob: &mut Person,
    question: Option<String>,
    secret: &str,
    answer: &str,
) -> Result<bool, Trouble> {
    let (from, to) = (alice.contact(bob)?, bob.contact(alice)?);
    alice.otter.ask(&Command::StartVerification(StartVerification {
        account: from.account,
        contact: from.contact,
        question: question.clone(),
        secret: Secret::new(secret.to_owned()),
    }))?;
    let asked = bob.otter.until("the request", SOON, |event| match event {
        Event::VerificationChanged {
            verification: Verification::Asked { question },
            ..
        } => Some(question.clone()),
        _ => None,
    })?;
    assert_eq!(asked, question);
    bob.otter.ask(&Command::AnswerVerification(AnswerVerification {
        account: to.account,
        contact: to.contact,
        secret: Secret::new(answer.to_owned()),
    }))?;
    let (mine, theirs) = (result(alice)?, result(bob)?);
    assert_eq!(mine, theirs);
    Ok(mine)
}

fn result(person: &mut Person) -> Result<bool, Trouble> {
    person.otter.until("the result", SOON, |event| match event {
        Event::VerificationChanged {
            verification: Verification::Done { same },
            ..
        } => Some(*same),
        _ => None,
    })
}

/// Whether `person` has the key of `other` recorded as verified.
fn verified(person: &mut Person, other: &Person) -> Result<bool, Trouble> {
    let snapshot = person.otter.snapshot()?;
    let contacts = snapshot
        .contacts
        .iter()
        .filter(|c| c.address.as_str() == other.jid);
    let mut keys = contacts.flat_map(|contact| &contact.fingerprints);
    Ok(keys.any(|key| key.fingerprint == other.fingerprint && key.verified))
}
