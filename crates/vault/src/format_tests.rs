use super::*;
use crate::SCHEMA;
use crate::{
    Account, Contact, IrcLogin, KeptHistory, KnownFingerprint, Policy, Protocol, Queued, QueuedState, Room,
    SecretBytes, SecretText, TlsPolicy,
};
use proptest::prelude::*;

fn keys() -> Keys {
    Keys::generate(&right(), Kdf::MINIMUM).unwrap()
}

fn right() -> Passphrase {
    Passphrase::new("correct horse battery".into())
}

fn profile() -> Profile {
    let mut profile = Profile::default();
    profile.next_id = 8;
    profile
        .settings
        .insert("locale".into(), serde_json::json!({ "language": "ar" }));
    profile
}

/// Mallory's way: bytes changed and the digest made to fit.
fn forged(file: &[u8], offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    file[offset..offset + bytes.len()].copy_from_slice(bytes);
    let digest = Sha256::digest(&file[..SIGNED]);
    file[SIGNED..HEADER].copy_from_slice(&digest);
    file
}

fn parsed(file: &[u8]) -> Result<(), VaultError> {
    Sealed::parse(file).map(drop)
}

fn opened(file: &[u8]) -> Result<Profile, VaultError> {
    open_with(file, &right())
}

fn read_body(body: &[u8]) -> Result<Profile, VaultError> {
    migrate::read(&unpadded(body).ok_or(DAMAGED)?)
}

fn open_with(file: &[u8], passphrase: &Passphrase) -> Result<Profile, VaultError> {
    let sealed = Sealed::parse(file)?;
    Ok(sealed.open(&sealed.lock().derive(passphrase)?)?.1)
}

#[test]
fn what_was_sealed_comes_back() {
    assert_eq!(opened(&keys().seal(&profile()).unwrap()).unwrap(), profile());
}

#[test]
fn a_flipped_bit_anywhere_in_the_header_is_damage_and_not_a_wrong_passphrase() {
    let file = keys().seal(&profile()).unwrap();
    for bit in 0..HEADER * 8 {
        let mut broken = file.clone();
        broken[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(parsed(&broken), Err(DAMAGED), "bit {bit}");
    }
}

#[test]
fn a_file_cut_at_any_length_or_made_longer_is_damage() {
    let file = keys().seal(&profile()).unwrap();
    for length in 0..file.len() {
        assert_eq!(parsed(&file[..length]), Err(DAMAGED), "length {length}");
    }
    let mut longer = file;
    longer.push(0);
    assert_eq!(parsed(&longer), Err(DAMAGED));
}

#[test]
fn a_flipped_bit_in_the_body_is_damage() {
    let file = keys().seal(&profile()).unwrap();
    for byte in [
        HEADER,
        HEADER + 5,
        file.len() / 2,
        file.len() - 17,
        file.len() - 1,
    ] {
        let mut broken = file.clone();
        broken[byte] ^= 0x40;
        assert_eq!(opened(&broken), Err(DAMAGED), "byte {byte}");
    }
}

#[test]
fn a_wrong_passphrase_is_told_as_such() {
    let file = keys().seal(&profile()).unwrap();
    for wrong in ["", "correct horse batterz", "correct horse battery "] {
        let opened = open_with(&file, &Passphrase::new(wrong.into())).map(drop);
        assert_eq!(opened, Err(VaultError::WrongPassphrase));
    }
}

#[test]
fn a_forged_cost_is_refused_before_any_memory_is_taken() {
    let file = keys().seal(&profile()).unwrap();
    let mebi = 1024u32;
    for (offset, value) in [
        (12, 0),
        (12, 18 * mebi),
        (12, 1025 * mebi),
        (12, u32::MAX),
        (16, 1),
        (16, u32::MAX),
        (20, 0),
    ] {
        assert_eq!(parsed(&forged(&file, offset, &value.to_le_bytes())), Err(DAMAGED));
    }
}

#[test]
fn a_forged_header_opens_nothing() {
    let file = keys().seal(&profile()).unwrap();
    for (offset, expected) in [
        (12, VaultError::WrongPassphrase),  // memory
        (24, VaultError::WrongPassphrase),  // salt
        (79, VaultError::WrongPassphrase),  // nonce of the wrapped key
        (127, VaultError::WrongPassphrase), // wrapped key
        (128, DAMAGED),                     // nonce of the body
    ] {
        let flipped = file[offset] ^ 1;
        assert_eq!(
            opened(&forged(&file, offset, &[flipped])),
            Err(expected),
            "byte {offset}"
        );
    }
}

#[test]
fn a_later_version_is_told_from_damage() {
    let file = keys().seal(&profile()).unwrap();
    assert_eq!(
        parsed(&forged(&file, 8, &3u32.to_le_bytes())),
        Err(VaultError::TooNew)
    );
    assert_eq!(parsed(&forged(&file, 8, &0u32.to_le_bytes())), Err(DAMAGED));
    let mut later = profile();
    later.schema = SCHEMA + 1;
    assert_eq!(opened(&keys().seal(&later).unwrap()), Err(VaultError::TooNew));
}

#[test]
fn a_field_that_is_not_known_is_not_dropped_silently() {
    let mut json = serde_json::to_value(profile()).unwrap();
    json["surprise"] = serde_json::json!(1);
    let text = serde_json::to_vec(&json).unwrap();
    let body = [&u32::try_from(text.len()).unwrap().to_le_bytes(), &text[..]].concat();
    assert_eq!(read_body(&body), Err(DAMAGED));
}

#[test]
fn the_length_of_the_file_tells_steps_of_four_kibibytes_only() {
    let keys = keys();
    let mut lengths = std::collections::BTreeSet::new();
    for size in [0, 1, 100, 1000, 3000] {
        let mut profile = profile();
        profile.settings.insert("note".into(), "x".repeat(size).into());
        lengths.insert(keys.seal(&profile).unwrap().len());
    }
    assert_eq!(lengths, [HEADER + SLOT + STEP + TAG].into());
}

#[test]
fn the_same_profile_never_seals_to_the_same_bytes() {
    let keys = keys();
    let (one, other) = (keys.seal(&profile()).unwrap(), keys.seal(&profile()).unwrap());
    assert_ne!(one[128..152], other[128..152]);
    assert_ne!(one[HEADER..], other[HEADER..]);
}

#[test]
fn a_profile_beyond_the_limit_is_refused() {
    let mut profile = profile();
    profile
        .settings
        .insert("note".into(), "x".repeat(64 * 1024 * 1024).into());
    assert_eq!(keys().seal(&profile).map(drop), Err(VaultError::TooLarge));
}

#[test]
fn no_secret_shows_in_debug_output() {
    let shown = format!("{:?}", sample());
    for secret in ["swordfish", "alice", "bob", "onion", "Vale", "0123456789"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

/// The JSON as it is in people's files: changing a name here needs a migration.
#[test]
fn the_layout_stays() {
    let expected = serde_json::json!({
        "schema": 3, "next_id": 2, "settings": {}, "history_key": "Bwc=",
        "history": [{ "id": 1, "account": 1, "address": "bob@example.org", "key": "CAg=" }],
        "accounts": [{
            "id": 1, "otr_key": "AAEC", "instance_tag": 256, "connect": true, "policy": "opportunistic",
            "protocol": { "xmpp": {
                "jid": "alice@example.org", "password": "c3dvcmRmaXNo", "resource": null, "host": "abc.onion",
                "port": 5222, "tls": "plain-onion", "pins": [], "mechanism_seen": "SCRAM-SHA-256", "register": false,
                "learnt": {}, "login": { "by": "password", "plain": false },
            } },
        }],
        "contacts": [{
            "account": 1, "address": "bob@example.org", "name": "Bob", "accepted": true,
            "fingerprints": [{ "fingerprint": "0123456789", "accepted": true, "verified": true, "first_seen_day": 20778 }],
            "policy": "unencrypted", "version_2": true, "blocked": true, "draft": "RGVhcg==",
        }],
        "outbox": [{
            "id": "m1", "account": 1, "address": "bob@example.org", "text": "VmFsZQ==", "fingerprint": null,
            "also_for": ["A"], "unencrypted": true,
            "state": "waiting", "queued_at": 1_795_000_000, "epoch": null,
        }],
    });
    assert_eq!(serde_json::to_value(sample()).unwrap(), expected);
    assert_eq!(serde_json::from_value::<Profile>(expected).unwrap(), sample());
}

#[test]
fn the_layout_of_irc_accounts_and_rooms_stays() {
    let secret = |bytes: &[u8]| Some(SecretBytes::new(bytes.to_vec()));
    let mut profile = sample();
    profile.accounts[0].protocol = Protocol::Irc {
        address: "alice@irc.example".into(),
        login: IrcLogin::Certificate,
        password: SecretText::new(String::new()),
        host: None,
        port: Some(6697),
        tls: TlsPolicy::Direct,
        pins: Vec::new(),
        mechanism_seen: None,
        login_key: secret(&[1]),
        certificate: secret(&[2]),
        certificate_key: secret(&[3]),
        learnt: crate::Learnt::default(),
    };
    profile.rooms.push(Room {
        account: 1,
        address: "#otters".into(),
        nick: "alice".into(),
        password: None,
        enter: true,
        draft: None,
    });
    let json = serde_json::to_value(&profile).unwrap();
    let irc = serde_json::json!({ "irc": {
        "address": "alice@irc.example", "login": "certificate", "password": "", "host": null, "port": 6697,
        "tls": "direct", "pins": [], "mechanism_seen": null, "login_key": "AQ==", "certificate": "Ag==",
        "certificate_key": "Aw==", "learnt": {},
    } });
    let room = serde_json::json!({
        "account": 1, "address": "#otters", "nick": "alice", "password": null, "enter": true, "draft": null,
    });
    assert_eq!(
        (&json["accounts"][0]["protocol"], &json["rooms"][0]),
        (&irc, &room)
    );
    assert_eq!(serde_json::from_value::<Profile>(json).unwrap(), profile);
}

fn sample() -> Profile {
    let protocol = Protocol::Xmpp {
        jid: "alice@example.org".into(),
        password: SecretText::new("swordfish".into()),
        resource: None,
        host: Some("abc.onion".into()),
        port: Some(5222),
        tls: TlsPolicy::PlainOnion,
        pins: Vec::new(),
        mechanism_seen: Some("SCRAM-SHA-256".into()),
        register: false,
        learnt: crate::Learnt::default(),
        login: crate::XmppLogin::default(),
    };
    let otr_key = Some(SecretBytes::new(vec![0, 1, 2]));
    let known = KnownFingerprint {
        fingerprint: "0123456789".into(),
        verified: true,
        accepted: true,
        first_seen_day: 20778,
    };
    let mut profile = Profile::default();
    profile.next_id = 2;
    profile.accounts.push(Account {
        id: 1,
        protocol,
        otr_key,
        instance_tag: Some(256),
        connect: true,
        policy: Some(Policy::Opportunistic),
    });
    profile.contacts.push(Contact {
        account: 1,
        address: "bob@example.org".into(),
        name: Some("Bob".into()),
        accepted: true,
        fingerprints: vec![known],
        policy: Some(Policy::Unencrypted),
        version_2: true,
        blocked: true,
        draft: Some(SecretText::new("Dear".into())),
    });
    profile.outbox.push(Queued {
        id: "m1".into(),
        account: 1,
        address: "bob@example.org".into(),
        text: SecretText::new("Vale".into()),
        fingerprint: None,
        also_for: vec!["A".into()],
        unencrypted: true,
        state: QueuedState::Waiting,
        queued_at: 1_795_000_000,
        epoch: None,
    });
    profile.history_key = Some(SecretBytes::new(vec![7, 7]));
    profile.history.push(KeptHistory {
        id: 1,
        account: 1,
        address: "bob@example.org".into(),
        key: SecretBytes::new(vec![8, 8]),
    });
    profile
}

prop_compose! {
    fn any_profile()(
        text in ".{0,200}",
        password in ".*",
        key in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..5000)),
        name in proptest::option::of(".*"),
        numbers in any::<(u64, u64, u32, Option<u16>)>(),
        flag in any::<bool>(),
    ) -> Profile {
        let mut profile = sample();
        if let Protocol::Xmpp { jid, password: secret, port, .. } = &mut profile.accounts[0].protocol {
            (*jid, *secret, *port) = (text.clone(), SecretText::new(password), numbers.3);
        }
        profile.accounts[0].otr_key = key.map(SecretBytes::new);
        profile.accounts[0].connect = flag;
        profile.contacts[0].name = name;
        profile.contacts[0].fingerprints[0].first_seen_day = numbers.2;
        profile.outbox[0].text = SecretText::new(text.clone());
        profile.outbox[0].queued_at = numbers.1;
        profile.settings.insert(text, serde_json::json!([numbers.0, flag]));
        profile
    }
}

#[test]
fn a_profile_of_an_earlier_program_has_the_later_fields_at_their_defaults() {
    let mut json = serde_json::to_value(sample()).unwrap();
    let mut drop = |pointer: &str, names: &[&str]| {
        let entry = json.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
        names
            .iter()
            .for_each(|name| assert!(entry.remove(*name).is_some()));
    };
    drop("/accounts/0", &["policy"]);
    drop("/contacts/0", &["policy", "version_2", "blocked", "draft"]);
    drop("/outbox/0", &["also_for", "unencrypted"]);
    let profile: Profile = serde_json::from_value(json).unwrap();
    assert_eq!(profile.accounts[0].policy, None);
    let contact = &profile.contacts[0];
    assert!(contact.policy.is_none() && contact.draft.is_none());
    assert!(!contact.version_2 && !contact.blocked);
    assert!(!profile.outbox[0].unencrypted && profile.outbox[0].also_for.is_empty());
}

proptest! {
    #[test]
    fn any_profile_comes_back(profile in any_profile()) {
        let body = padded_json(&profile).unwrap();
        prop_assert_eq!(body.len() % STEP, 0);
        prop_assert_eq!(read_body(&body).unwrap(), profile);
    }

    #[test]
    fn no_bytes_make_the_parser_fail_otherwise_than_by_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert_eq!(parsed(&bytes), Err(DAMAGED));
        prop_assert!(read_body(&bytes).is_err());
    }
}
