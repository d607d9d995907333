//! Tests of what only some files of CoyIM hold: the forms of older versions, and contacts with several keys.
//! Must never weaken a check to make a test easier to write.
//! Standard: none; the same types as in `coyim`.

use super::*;
use crate::keyfile::tests::{DIGITS, coyim_file};
use crate::testing::alice_key;

fn read(file: &str) -> Result<CoyimAccount, KeyFileErrorKind> {
    let accounts = coyim_accounts(file.as_bytes()).map_err(|error| error.kind);
    accounts.map(|mut accounts| accounts.remove(0))
}

#[test]
fn the_one_key_of_older_versions_is_read_and_none_is_none() {
    let file = coyim_file();
    let older = file
        .replace("\"PrivateKeys\": [", "\"PrivateKey\": ")
        .replace("\"]\n", "\"\n");
    let keys = read(&older).unwrap().keys;
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].fingerprint(), alice_key().fingerprint());
    let none = file.replace(
        "\"InstanceTag\": 4096,",
        "\"PrivateKey\": null, \"InstanceTag\": 0,",
    );
    let account = read(&none).unwrap();
    assert_eq!((account.keys.len(), account.tag), (1, None));
    let wrong = file.replace("\"InstanceTag\": 4096,", "\"PrivateKey\": \"AAAA\",");
    assert_eq!(read(&wrong).unwrap_err(), KeyFileErrorKind::Key);
}

#[test]
fn a_contact_may_have_two_keys_but_no_key_twice() {
    let with = |contact: &str, digits: &str| {
        let one =
            format!(r#""KnownFingerprints": [ {{ "UserID": "{contact}", "FingerprintHex": "{digits}" }}, "#);
        read(&coyim_file().replace("\"KnownFingerprints\": [", &one))
    };
    let other = DIGITS.replace('0', "f");
    let known = with("bob@example.net", &other).unwrap().fingerprints;
    assert_eq!(known.len(), 3);
    assert_eq!(known[1].trust, Trust::Verified);
    assert_eq!(with("erin@example.net", DIGITS).unwrap().fingerprints.len(), 3);
    assert_eq!(
        with("bob@example.net", DIGITS).unwrap_err(),
        KeyFileErrorKind::Duplicate
    );
}
