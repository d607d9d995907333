//! Keys of other programs, in and out, and fingerprints in words.
//! Must never find a part of a faulty file imported. Formats of libotr 4.1.1; `docs/rpc.md`.

use super::*;

const BOBS: &str = "0123456789abcdef0123456789abcdef01234567";

fn export(desk: &mut Desk, understood: bool) -> Result<model::ExportedKeys, Problem> {
    let params = json!({ "account": 1, "understood": understood });
    let answer = now(&mut desk.messenger, command("key.export", params))?;
    Ok(serde_json::from_value(answer).unwrap())
}

fn import(desk: &mut Desk, files: Value) -> Result<model::Imported, Problem> {
    let mut params = json!({ "account": 1 });
    let files = files.as_object().unwrap().clone();
    params.as_object_mut().unwrap().extend(files);
    let answer = now(&mut desk.messenger, command("key.import", params))?;
    Ok(serde_json::from_value(answer).unwrap())
}

fn fingerprint(desk: &Desk) -> String {
    desk.messenger.snapshot().unwrap().accounts[0].fingerprint.clone()
}

#[tokio::test]
async fn a_key_and_what_is_known_of_contacts_move_to_another_profile() {
    let mut old = Desk::new().await;
    let lines = format!(
        "{BOB}\t{ALICE}\tprpl-jabber\t{BOBS}\tverified\neve@example.org\tother@example.org\txmpp\t{BOBS}\t\n"
    );
    let imported = import(&mut old, json!({ "fingerprints": lines })).unwrap();
    assert_eq!((imported.contacts, imported.left_out), (1, 1));
    assert_eq!(imported.fingerprint, fingerprint(&old));
    assert_eq!(code(export(&mut old, false)), "key.not_understood");
    let files = export(&mut old, true).unwrap();
    assert!(files.fingerprints.contains(BOBS));

    let mut new = Desk::new().await;
    let before = fingerprint(&new);
    let mut asked = serde_json::to_value(&files).unwrap();
    assert_eq!(code(import(&mut new, asked.clone())), "key.not_understood");
    assert_eq!(fingerprint(&new), before);
    asked["understood"] = true.into();
    let imported = import(&mut new, asked).unwrap();
    assert_eq!(imported.fingerprint, fingerprint(&old));
    assert_eq!((fingerprint(&new), imported.contacts), (fingerprint(&old), 1));
    let contact = new.contacts().remove(0);
    assert_eq!((contact.address.as_str(), contact.accepted), (BOB, false));
    assert!(contact.fingerprints[0].accepted && contact.fingerprints[0].verified);
    new.about("contact.add", BOB, json!({})).unwrap();
    assert!(new.contacts()[0].fingerprints[0].verified);
}

#[tokio::test]
async fn a_fault_in_one_file_imports_nothing() {
    let mut desk = Desk::new().await;
    let before = fingerprint(&desk);
    let key = export(&mut desk, true).unwrap().private_key;
    let refused = import(
        &mut desk,
        json!({ "private_key": key, "fingerprints": "half a li", "understood": true }),
    )
    .unwrap_err();
    assert_eq!(refused.code, "key.bad_file");
    assert!(refused.text.contains("line 1"), "{}", refused.text);
    let refused = import(
        &mut desk,
        json!({ "private_key": key, "name": "somebody else", "understood": true }),
    );
    assert_eq!(code(refused), "key.other_account");
    assert_eq!(fingerprint(&desk), before);
    assert!(desk.contacts().is_empty());
}

#[tokio::test]
async fn a_fingerprint_is_told_in_words_of_three_languages() {
    let mut desk = Desk::new().await;
    let mut words = |language: &str, fingerprint: &str| {
        let params = json!({ "fingerprint": fingerprint, "language": language });
        now(&mut desk.messenger, command("fingerprint.words", params))
            .map(|answer| serde_json::from_value::<model::Words>(answer).unwrap().words)
    };
    assert_eq!(words("en", BOBS).unwrap().len(), 20);
    assert_eq!(words("ar", &BOBS.to_uppercase()).unwrap().len(), 50);
    assert_eq!(
        words("fa", "01234567 89abcdef 01234567 89abcdef 01234567")
            .unwrap()
            .len(),
        50
    );
    assert_eq!(code(words("en", "0123")), "fingerprint.malformed");
}
