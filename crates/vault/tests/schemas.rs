//! A profile of every schema that was ever released opens today, and is of today's schema after the next change.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

#[path = "support/desk.rs"]
mod desk;

use desk::{Desk, right, said, texts};
use std::fs;
use vault::{Protocol, SCHEMA, Vault};

/// A desk with the file of an old schema on it.
fn with_file_of(schema: u32) -> Desk {
    let desk = Desk::new();
    vault::wipe(&desk.dir).unwrap();
    drop(desk.create());
    let file = format!("{}/tests/schemas/{schema}.vault", env!("CARGO_MANIFEST_DIR"));
    fs::copy(file, desk.path("vault")).unwrap();
    desk
}

fn assert_all_is_there(vault: &Vault) {
    let profile = vault.profile();
    assert_eq!((profile.schema, profile.next_id), (SCHEMA, 2));
    let account = &profile.accounts[0];
    let Protocol::Xmpp {
        jid,
        password,
        pins,
        port,
        ..
    } = &account.protocol
    else {
        panic!("an account of another network")
    };
    assert_eq!(
        (jid.as_str(), password.expose_secret()),
        ("alice@example.org", "looking-glass")
    );
    assert_eq!(
        (pins.len(), *port, account.instance_tag),
        (1, Some(5223), Some(0x1234_5678))
    );
    assert_eq!(account.otr_key.as_ref().unwrap().expose_secret().len(), 41);
    let contact = &profile.contacts[0];
    assert_eq!(
        (contact.address.as_str(), contact.name.as_deref()),
        ("bob@example.org", Some("Bob"))
    );
    assert!(contact.fingerprints[0].verified && contact.accepted);
    assert_eq!(
        profile.outbox[0].text.expose_secret(),
        "see you at the caucus-race"
    );
    assert_eq!(profile.settings["locale"]["language"], "ar");
}

#[test]
fn a_profile_of_schema_1_opens_and_moves_forward() {
    let desk = with_file_of(1);
    let mut vault = desk.open().unwrap();
    assert_all_is_there(&vault);
    assert!(
        vault.profile().rooms.is_empty()
            && vault.profile().history.is_empty()
            && !vault.keeps_history(1, "bob@example.org")
    );
    vault
        .change(|profile| profile.contacts[0].accepted = false)
        .unwrap();
    vault
        .change(|profile| profile.contacts[0].accepted = true)
        .unwrap();
    drop(vault);
    assert_eq!(fs::read(desk.path("vault")).unwrap()[8], 2);
    let vault = desk.open().unwrap();
    assert_all_is_there(&vault);
}

#[test]
fn what_a_newer_schema_brings_works_on_a_profile_of_schema_1() {
    let desk = with_file_of(1);
    let mut vault = desk.open().unwrap();
    vault
        .set_destroying_passphrase(&right(), Some(&desk::other()))
        .unwrap();
    vault.keep_history(1, "bob@example.org").unwrap();
    vault
        .history(1, "bob@example.org")
        .unwrap()
        .append(&said("hello"))
        .unwrap();
    drop(vault);
    assert_eq!(texts(&mut desk.open().unwrap(), "bob@example.org"), ["hello"]);
}

#[test]
fn a_file_of_schema_1_with_any_byte_flipped_is_refused() {
    let desk = with_file_of(1);
    let whole = fs::read(desk.path("vault")).unwrap();
    // In the header any byte; of the body, where each opening costs a derivation, some.
    for at in (0..192).chain((192..whole.len()).step_by(397)) {
        let mut broken = whole.clone();
        broken[at] ^= 4;
        fs::write(desk.path("vault"), broken).unwrap();
        assert!(desk.open().is_err(), "byte {at}");
    }
}
