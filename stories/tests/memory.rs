//! What a live conversation leaves in memory: all of alice's program, searched while she talks and once she locked it.
//!
//! Reading another program's memory takes root, which the lab's namespace gives.

#[path = "../../crates/otter/tests/support/memory.rs"]
mod memory;

use std::time::Duration;

use memory::{family, private_numbers, search};
use model::{Command, ExportKeys, Nothing, Transport};
use stories::{PASSPHRASE, Person, Place, SOON, Trouble};

const QUESTION: &str = "does the dormouse dream of treacle";
const ANSWER: &str = "only on thursdays, says the hatter";

/// The passphrase and what alice's key, hers and bob's names and what they said look like in memory.
fn secrets(alice: &mut Person, bob: &Person) -> Result<Vec<(String, Vec<u8>)>, Trouble> {
    let export = Command::ExportKeys(ExportKeys {
        account: alice.account,
        understood: true,
    });
    let mut secrets = private_numbers(&alice.otter.ask(&export)?.to_string());
    for text in [PASSPHRASE, &alice.jid, &bob.jid, QUESTION, ANSWER] {
        secrets.push((text.to_owned(), text.into()));
    }
    for fingerprint in [&alice.fingerprint, &bob.fingerprint] {
        let ungrouped = fingerprint.replace(' ', "");
        for text in [
            fingerprint.clone(),
            ungrouped.to_lowercase(),
            ungrouped.to_uppercase(),
        ] {
            secrets.push((text.clone(), text.into()));
        }
    }
    Ok(secrets)
}

#[test]
fn lab_nothing_of_a_live_conversation_is_left_in_memory_once_it_is_locked() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut alice = Person::arrive(&place, "alice", place.by_name(Transport::DirectTls))?;
    let mut bob = Person::arrive(&place, "bob", place.by_name(Transport::DirectTls))?;
    alice.acquaint(&mut bob)?;
    alice.send(&bob.jid, QUESTION)?;
    bob.otter.wait_for_text(QUESTION, SOON)?;
    bob.send(&alice.jid, ANSWER)?;
    alice.otter.wait_for_text(ANSWER, SOON)?;
    let secrets = secrets(&mut alice, &bob)?;
    let processes = family(alice.otter.pid());
    let open = search(&processes, &secrets);
    alice.otter.ask(&Command::Lock(Nothing {}))?;
    std::thread::sleep(Duration::from_secs(1));
    let locked = search(&processes, &secrets);
    let told = |found: &[usize]| {
        let names = secrets.iter().map(|(name, _)| name.clone());
        names.zip(found.to_vec()).collect::<Vec<_>>()
    };
    println!("open {:?}", told(&open));
    // While it is open both names and both texts are found: the search works.
    assert!(
        processes.len() >= 3 && open.iter().filter(|found| **found > 0).count() >= 4,
        "{:?}",
        told(&open)
    );
    assert!(locked.iter().all(|found| *found == 0), "{:?}", told(&locked));
    Ok(())
}
