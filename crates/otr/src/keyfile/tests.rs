use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::testing::{alice_key, bob_key};
use crate::{Fingerprint, InstanceTag, PrivateKey};

fn account(protocol: Protocol, name: &str) -> Account {
    Account {
        protocol,
        name: name.to_owned(),
    }
}

fn alice() -> Account {
    account(Protocol::Xmpp, "alice@example.org/home")
}

/// Alice's key as Pidgin has it.
fn key_file() -> String {
    let key = alice_key();
    let text = write_private_keys([(&alice(), &*key)], Program::Pidgin).unwrap();
    text.to_string()
}

fn kind<T: std::fmt::Debug>(result: Result<T, KeyFileError>) -> KeyFileErrorKind {
    result.unwrap_err().kind
}

pub(super) const DIGITS: &str = "0123456789abcdef0123456789ABCDEF01234567";

fn line(fields: &[&str]) -> Vec<u8> {
    format!("{}\n", fields.join("\t")).into_bytes()
}

#[test]
fn keys_of_several_accounts_come_back_for_every_program() {
    let odd = account(
        Protocol::Other("prpl-\"odd\"".to_owned()),
        "a \\ \"quoted\" (name) سلام",
    );
    let irc = account(Protocol::Irc, "alice@irc.example.org");
    for program in [
        Program::Irssi,
        Program::Mcabber,
        Program::Pidgin,
        Program::Profanity,
    ] {
        let (one, two) = (alice_key(), bob_key());
        let keys = [(&alice(), &*one), (&irc, &*two), (&odd, &*one)];
        let file = write_private_keys(keys, program).unwrap();
        let read = read_private_keys(file.as_bytes()).unwrap();
        assert_eq!(read.len(), 3);
        for (entry, (account, key)) in read.iter().zip(keys) {
            assert_eq!(&entry.account, account);
            assert_eq!(*entry.key.to_bytes(), *key.to_bytes());
        }
    }
}

#[test]
fn a_key_file_that_irssi_wrote_is_read() {
    let keys = read_private_keys(include_bytes!("../../tests/data/irssi.key")).unwrap();
    assert_eq!(keys[0].account, account(Protocol::Irc, "alice@irc.example.org"));
    assert_eq!(
        keys[0].account.nick_and_server(),
        Some(("alice", "irc.example.org"))
    );
}

#[test]
fn names_of_protocols_and_accounts_are_understood() {
    for name in [
        "prpl-jabber",
        "jabber",
        "xmpp",
        "XMPP",
        "libpurple-Jabber",
        "libpurple-jabber-gtalk",
    ] {
        assert_eq!(Protocol::from_name(name), Protocol::Xmpp, "{name}");
    }
    for name in ["prpl-irc", "IRC", "irc"] {
        assert_eq!(Protocol::from_name(name), Protocol::Irc, "{name}");
    }
    let other = Protocol::from_name("prpl-oscar");
    assert_eq!(other, Protocol::Other("prpl-oscar".to_owned()));
    assert_eq!(alice().address(), "alice@example.org");
    assert_eq!(
        account(Protocol::Xmpp, "alice@example.org").address(),
        "alice@example.org"
    );
    assert_eq!(account(Protocol::Irc, "a/b@irc").address(), "a/b@irc");
    assert_eq!(account(Protocol::Irc, "network").nick_and_server(), None);
}

/// The file with another last digit of the number behind the last `name`.
fn bent(file: &str, name: &str) -> (Vec<u8>, usize) {
    let mut bytes = file.as_bytes().to_vec();
    let start = file.rfind(name).unwrap() + name.len();
    let end = start + bytes[start..].iter().position(|byte| *byte == b'#').unwrap();
    bytes[end - 1] = if bytes[end - 1] == b'1' { b'3' } else { b'1' };
    let line = 1 + bytes[..end].iter().filter(|byte| **byte == b'\n').count();
    (bytes, line)
}

#[test]
fn one_bad_key_fails_the_whole_file_and_its_line_is_told() {
    let (one, two) = (alice_key(), bob_key());
    let irc = account(Protocol::Irc, "alice@irc.example.org");
    let file = write_private_keys([(&alice(), &*one), (&irc, &*two)], Program::Pidgin).unwrap();
    for name in ["(p #", "(q #", "(g #", "(y #", "(x #"] {
        let (bad, line) = bent(&file, name);
        let error = read_private_keys(&bad).unwrap_err();
        assert_eq!(error.kind, KeyFileErrorKind::Key, "{name}");
        assert!((line..line + 5).contains(&error.line), "{name}");
    }
}

fn digits(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn a_secret_number_in_quotes_as_libgcrypt_sometimes_writes_it_is_read() {
    let file = key_file();
    let (before, rest) = file.split_once("(x #").unwrap();
    let (number, after) = rest.split_once('#').unwrap();
    let mut quoted = [before.as_bytes(), b"(x \""].concat();
    for byte in digits(number) {
        match byte {
            b'\\' | b'"' => quoted.extend([b'\\', byte]),
            0x20..=0x7e | 0xa1.. => quoted.push(byte),
            _ => quoted.extend(format!("\\{byte:03o}").into_bytes()),
        }
    }
    quoted.extend([b"\"", after.as_bytes()].concat());
    let keys = read_private_keys(&quoted).unwrap();
    assert_eq!(*keys[0].key.to_bytes(), *alice_key().to_bytes());
    let endless = file.replace(&format!("(x #{number}#"), &format!("(x \"{}\"", "a".repeat(401)));
    assert_eq!(
        kind(read_private_keys(endless.as_bytes())),
        KeyFileErrorKind::Syntax
    );
}

#[test]
fn a_key_whose_p_or_q_is_composite_is_refused_though_its_orders_are_right() {
    let composite_p = include_bytes!("../../tests/data/composite_p.key");
    let composite_q = include_bytes!("../../tests/data/composite_q.key");
    for file in [&composite_p[..], composite_q] {
        let text = std::str::from_utf8(file).unwrap();
        let [p, q, g, y, x] = [1, 3, 5, 7, 9].map(|at| digits(text.split('#').nth(at).unwrap()));
        assert!(PrivateKey::from_numbers(&p, &q, &g, &y, &x).is_ok());
        assert_eq!(kind(read_private_keys(file)), KeyFileErrorKind::Key);
    }
}

#[test]
fn other_forms_of_an_s_expression_are_read_or_refused_as_a_whole() {
    let file = key_file();
    let name = "\"alice@example.org/home\"";
    for (other, read) in [
        ("alice*", true),
        ("#616C6963 65#", true),
        ("\"\\x61\\154ice\"", true),
        ("5:alice", false),
        ("|YWxpY2U=|", false),
        ("#616C6963 6#", false),
        ("\"\\q\"", false),
        ("\"\\400\"", false),
        ("\"\"", false),
        ("\"a\\n\"", false),
        ("\"\\xff\"", false),
    ] {
        let result = read_private_keys(file.replace(name, other).as_bytes());
        assert_eq!(result.is_ok(), read, "{other} {result:?}");
    }
    for (from, to, error) in [
        ("(protocol \"prpl-jabber\")", "", KeyFileErrorKind::Missing),
        (
            "(protocol \"prpl-jabber\")",
            "(name again)",
            KeyFileErrorKind::Duplicate,
        ),
        (
            "(protocol \"prpl-jabber\")",
            "(colour red)",
            KeyFileErrorKind::Syntax,
        ),
        ("(dsa", "(rsa", KeyFileErrorKind::Syntax),
        ("(privkeys", "(pubkeys", KeyFileErrorKind::Syntax),
        ("(privkeys", "x (privkeys", KeyFileErrorKind::Syntax),
    ] {
        assert_eq!(
            kind(read_private_keys(file.replace(from, to).as_bytes())),
            error,
            "{to}"
        );
    }
    assert_eq!(
        kind(read_private_keys(format!("{file}(").as_bytes())),
        KeyFileErrorKind::Syntax
    );
    let doubled = file.replacen("(privkeys", file.trim_end().strip_suffix(')').unwrap(), 1);
    assert_eq!(
        kind(read_private_keys(doubled.as_bytes())),
        KeyFileErrorKind::Duplicate
    );
    assert_eq!(read_private_keys(b"(privkeys)").unwrap().len(), 0);
}

#[test]
fn files_too_large_are_refused_before_they_are_read() {
    let large = vec![b'\n'; LARGEST_FILE + 1];
    let too_large = KeyFileError {
        line: 1,
        kind: KeyFileErrorKind::TooLarge,
    };
    assert_eq!(read_private_keys(&large).unwrap_err(), too_large);
    assert_eq!(read_fingerprints(&large), Err(too_large));
    assert_eq!(read_instance_tags(&large), Err(too_large));
    assert_eq!(coyim_accounts(&large).unwrap_err(), too_large);
    assert_eq!(adium_accounts(&large), Err(too_large));
    let long = format!(
        "(privkeys (account (private-key (dsa (p #{}",
        "41".repeat(500_000)
    );
    assert_eq!(kind(read_private_keys(long.as_bytes())), KeyFileErrorKind::Syntax);
}

#[test]
fn every_prefix_of_a_key_file_is_refused() {
    let file = key_file();
    for length in 0..file.trim_end().len() {
        let result = read_private_keys(&file.as_bytes()[..length]);
        assert_eq!(kind(result), KeyFileErrorKind::CutShort, "{length}");
    }
}

#[test]
fn fingerprints_are_read_with_their_trust_and_come_back() {
    let mut file = Vec::new();
    for (contact, trust) in [("a@x", "verified"), ("b@x", "smp"), ("c@x", ""), ("#d", "manual")] {
        file.extend(line(&[
            contact,
            "alice@example.org/home",
            "prpl-jabber",
            DIGITS,
            trust,
        ]));
    }
    file.extend(line(&["e@x", "alice@irc.example.org", "IRC", DIGITS]));
    file.extend(b"f@x\tnet\tirc\t0123456789abcdef0123456789ABCDEF01234567\t\r\n\n");
    let known = read_fingerprints(&file).unwrap();
    let trust: Vec<Trust> = known.iter().map(|entry| entry.trust).collect();
    let (verified, unverified) = (Trust::Verified, Trust::Unverified);
    assert_eq!(
        trust,
        [verified, Trust::Smp, unverified, verified, unverified, unverified]
    );
    assert_eq!(known[0].account, alice());
    assert_eq!(known[0].fingerprint, DIGITS.parse::<Fingerprint>().unwrap());
    assert_eq!(known[3].contact, "#d");
    for program in [
        Program::Irssi,
        Program::Mcabber,
        Program::Pidgin,
        Program::Profanity,
    ] {
        let written = write_fingerprints(&known, program).unwrap();
        assert_eq!(read_fingerprints(written.as_bytes()).unwrap(), known);
    }
}

#[test]
fn one_bad_fingerprint_fails_the_whole_file_and_its_line_is_told() {
    let good = ["bob@x", "alice@x", "xmpp", DIGITS, "verified"];
    let change = |at: usize, field: &'static str| {
        let mut fields = good;
        fields[at] = field;
        line(&fields)
    };
    for (bad, kind) in [
        (change(0, ""), KeyFileErrorKind::Name),
        (change(1, ""), KeyFileErrorKind::Name),
        (change(2, ""), KeyFileErrorKind::Name),
        (change(0, "a\u{1}"), KeyFileErrorKind::Name),
        (change(3, "0123"), KeyFileErrorKind::Fingerprint),
        (
            change(3, "0123456789abcdef0123456789abcdef0123456g"),
            KeyFileErrorKind::Fingerprint,
        ),
        (
            change(3, "0123456 89abcdef0123456789abcdef01234567"),
            KeyFileErrorKind::Fingerprint,
        ),
        (change(4, "no"), KeyFileErrorKind::Trust),
        (change(4, "verif"), KeyFileErrorKind::Trust),
        (change(4, "smp\tx"), KeyFileErrorKind::Syntax),
        (line(&good[..3]), KeyFileErrorKind::Missing),
        (
            line(&["carol@x", "alice@x", "xmpp", DIGITS, "smp"]),
            KeyFileErrorKind::Duplicate,
        ),
        (line(&good)[..10].to_vec(), KeyFileErrorKind::CutShort),
    ] {
        let file = [line(&["carol@x", "alice@x", "xmpp", DIGITS]), bad].concat();
        assert_eq!(read_fingerprints(&file), Err(KeyFileError { line: 2, kind }));
    }
    assert_eq!(kind(read_fingerprints(b"\xff\ta\tb\n")), KeyFileErrorKind::Name);
}

#[test]
fn instance_tags_come_back_and_bad_ones_fail_the_file() {
    let tag = |value| InstanceTag::from_u32(value).unwrap();
    let tags = [
        OwnTag {
            account: alice(),
            tag: tag(0x0000_0100),
        },
        OwnTag {
            account: account(Protocol::Irc, "net"),
            tag: tag(0xffff_ffff),
        },
    ];
    let file = write_instance_tags(&tags, Program::Pidgin).unwrap();
    assert_eq!(read_instance_tags(file.as_bytes()).unwrap(), tags);
    for (digits, kind) in [
        ("1234567", KeyFileErrorKind::InstanceTag),
        ("000000ff", KeyFileErrorKind::InstanceTag),
        ("+1234567", KeyFileErrorKind::InstanceTag),
        ("0123456789", KeyFileErrorKind::InstanceTag),
        ("12345678\t", KeyFileErrorKind::Syntax),
    ] {
        let file = [&b"# remark\n"[..], &line(&["a", "xmpp", digits])].concat();
        assert_eq!(
            read_instance_tags(&file),
            Err(KeyFileError { line: 2, kind }),
            "{digits}"
        );
    }
    let twice = line(&["a", "xmpp", "12345678"]).repeat(2);
    assert_eq!(kind(read_instance_tags(&twice)), KeyFileErrorKind::Duplicate);
    let remark = OwnTag {
        account: account(Protocol::Irc, "#x"),
        tag: tag(0x100),
    };
    assert_eq!(
        kind(write_instance_tags(&[remark], Program::Irssi)),
        KeyFileErrorKind::Name
    );
}

#[test]
fn names_that_would_break_a_line_are_not_written() {
    let bad = account(Protocol::Xmpp, "alice\tmallory");
    let key = alice_key();
    assert_eq!(
        kind(write_private_keys([(&bad, &*key)], Program::Pidgin)),
        KeyFileErrorKind::Name
    );
    let known = KnownFingerprint {
        account: alice(),
        contact: "bob\nmallory".to_owned(),
        fingerprint: key.fingerprint(),
        trust: Trust::Verified,
    };
    assert_eq!(
        kind(write_fingerprints(&[known], Program::Pidgin)),
        KeyFileErrorKind::Name
    );
}

/// An account of CoyIM as it stands in `accounts.json`.
pub(super) fn coyim_file() -> String {
    let stored = alice_key().to_bytes();
    let key = STANDARD.encode([&[0, 0], &stored[1..]].concat());
    format!(
        r#"{{ "Bell": false, "RawLogFile": "", "Display": {{"x": [1, -2.5e3, null, true]}},
  "Accounts": [ {{
    "Account": "alice@example.org",
    "Proxies": ["tor-auto://"],
    "Peers": [ {{
      "UserID": "b\u006fb@example.net",
      "Nickname": "\ud83e\udda6\n",
      "Fingerprints": [ {{ "FingerprintHex": "{DIGITS}", "Trusted": true, "Tag": "" }} ],
      "Groups": null
    }}, {{ "UserID": "carol@example.net", "Fingerprints": null }} ],
    "KnownFingerprints": [ {{ "UserID": "dave@example.net", "FingerprintHex": "{DIGITS}", "Untrusted": true }} ],
    "InstanceTag": 4096,
    "PrivateKeys": ["{key}"]
  }} ]
}}
"#
    )
}

#[test]
fn accounts_of_coyim_are_read() {
    let accounts = coyim_accounts(coyim_file().as_bytes()).unwrap();
    assert_eq!(accounts.len(), 1);
    let account = &accounts[0];
    assert_eq!(account.account.address(), "alice@example.org");
    assert_eq!(account.keys[0].fingerprint(), alice_key().fingerprint());
    assert_eq!(account.tag, InstanceTag::from_u32(4096));
    let known: Vec<(&str, Trust)> = account
        .fingerprints
        .iter()
        .map(|entry| (entry.contact.as_str(), entry.trust))
        .collect();
    let expected = [
        ("bob@example.net", Trust::Verified),
        ("dave@example.net", Trust::Unverified),
    ];
    assert_eq!(known, expected);
}

#[test]
fn a_bad_or_sealed_file_of_coyim_is_refused() {
    let file = coyim_file();
    for (from, to, error) in [
        (DIGITS, "0123", KeyFileErrorKind::Fingerprint),
        ("4096", "4", KeyFileErrorKind::InstanceTag),
        ("4096", "99999999999", KeyFileErrorKind::Syntax),
        ("\"AAAA", "\"AAAB", KeyFileErrorKind::Key),
        (
            "\"PrivateKeys\": [\"",
            "\"PrivateKeys\": [\"A",
            KeyFileErrorKind::Key,
        ),
        (
            "\"Account\": \"alice@example.org\",",
            "",
            KeyFileErrorKind::Missing,
        ),
        ("\"UserID\": \"dave@example.net\",", "", KeyFileErrorKind::Missing),
        ("\"Proxies\"", "\"Account\"", KeyFileErrorKind::Duplicate),
        ("\\ud83e\\udda6", "\\ud83e", KeyFileErrorKind::Syntax),
        ("\"Accounts\"", "\"Others\"", KeyFileErrorKind::Missing),
        ("[1,", &format!("[{}", "[".repeat(50)), KeyFileErrorKind::Syntax),
    ] {
        assert_eq!(
            kind(coyim_accounts(file.replacen(from, to, 1).as_bytes())),
            error,
            "{to}"
        );
    }
    let sealed = br#"{"Params": {"Nonce": "00", "Salt": "00", "N": 1, "R": 8, "P": 1}, "Data": "00"}"#;
    assert_eq!(kind(coyim_accounts(sealed)), KeyFileErrorKind::Encrypted);
    for length in 0..file.trim_end().len() {
        assert!(coyim_accounts(&file.as_bytes()[..length]).is_err(), "{length}");
    }
}

const ADIUM: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>Accounts</key>
	<array>
		<dict>
			<key>ObjectID</key>
			<string>2</string>
			<key>Service</key>
			<string>Jabber</string>
			<key>Type</key>
			<string>libpurple-Jabber</string>
			<key>UID</key>
			<string>alice&amp;co@example.org</string>
		</dict>
		<!-- another -->
		<dict>
			<key>ObjectID</key> <string>11</string>
			<key>Type</key> <string>libpurple-oscar-AIM</string>
			<key>UID</key> <string>al&#105;ce</string>
			<key>Order</key> <real>1.5</real>
		</dict>
	</array>
	<key>TopAccountID</key>
	<integer>11</integer>
</dict>
</plist>
"#;

#[test]
fn numbers_of_adium_become_accounts_or_nothing_is_renamed() {
    let list = adium_accounts(ADIUM.as_bytes()).unwrap();
    assert_eq!(list[1].account.name, "alice");
    let mut known = read_fingerprints(&line(&["bob@x", "2", "libpurple-Jabber", DIGITS])).unwrap();
    name_adium_accounts(known.iter_mut().map(|entry| &mut entry.account), &list).unwrap();
    assert_eq!(known[0].account.address(), "alice&co@example.org");

    let file = [
        line(&["bob@x", "2", "libpurple-Jabber", DIGITS]),
        line(&["bob@x", "11", "libpurple-Jabber", DIGITS]),
    ];
    let mut known = read_fingerprints(&file.concat()).unwrap();
    let before = known.clone();
    let result = name_adium_accounts(known.iter_mut().map(|entry| &mut entry.account), &list);
    assert_eq!(
        result,
        Err(KeyFileError {
            line: 2,
            kind: KeyFileErrorKind::UnknownAccount
        })
    );
    assert_eq!(known, before);
}

#[test]
fn a_bad_list_of_adium_is_refused() {
    for (from, to, error) in [
        (
            "<plist version",
            "<!ENTITY x \"y\"><plist version",
            KeyFileErrorKind::Syntax,
        ),
        (
            "PropertyList-1.0.dtd\">",
            "PropertyList-1.0.dtd\" [<!ENTITY x \"y\">]>",
            KeyFileErrorKind::Unsupported,
        ),
        ("&amp;", "&other;", KeyFileErrorKind::Syntax),
        ("&#105;", "&#0;", KeyFileErrorKind::Syntax),
        ("<key>UID</key>", "<key>Uid</key>", KeyFileErrorKind::Missing),
        (
            "<string>11</string>",
            "<string>2</string>",
            KeyFileErrorKind::Duplicate,
        ),
        (
            "<key>Service</key>",
            "<key>ObjectID</key>",
            KeyFileErrorKind::Duplicate,
        ),
        ("<real>", &"<array>".repeat(40), KeyFileErrorKind::Syntax),
    ] {
        assert_eq!(
            kind(adium_accounts(ADIUM.replacen(from, to, 1).as_bytes())),
            error,
            "{to}"
        );
    }
    assert_eq!(
        kind(adium_accounts(b"bplist00\x01")),
        KeyFileErrorKind::Unsupported
    );
    for length in 0..ADIUM.trim_end().len() {
        assert!(adium_accounts(&ADIUM.as_bytes()[..length]).is_err(), "{length}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_bent_key_file_is_refused_or_holds_the_same_key(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut file = key_file().into_bytes();
        let place = at.index(file.len());
        file[place] = byte;
        if let Ok(keys) = read_private_keys(&file) {
            prop_assert!(keys.iter().all(|entry| entry.key.fingerprint() == alice_key().fingerprint()));
        }
    }

    #[test]
    fn any_prefix_of_fingerprints_is_an_error_or_a_smaller_set(cut in any::<prop::sample::Index>()) {
        let lines = [line(&["a@x", "alice@x", "xmpp", DIGITS, "verified"]), line(&["b@x", "alice@x", "xmpp", DIGITS, "smp"])];
        let file = lines.concat();
        let whole = read_fingerprints(&file).unwrap();
        if let Ok(known) = read_fingerprints(&file[..cut.index(file.len())]) {
            prop_assert!(whole.starts_with(&known));
        }
    }

    #[test]
    fn any_bytes_are_survived_by_every_reader(bytes in prop::collection::vec(any::<u8>(), 0..400), start in 0usize..5, bend in any::<(prop::sample::Index, u8)>()) {
        let heads = ["(privkeys (account (name ", "a\tb\txmpp\t", "{\"Accounts\":[{", "<plist><dict><key>", ""];
        let mut file = heads[start].as_bytes().to_vec();
        file.extend(bytes);
        let mut json = coyim_file().into_bytes();
        let mut plist = ADIUM.as_bytes().to_vec();
        for known in [&mut json, &mut plist] {
            let place = bend.0.index(known.len());
            known[place] = bend.1;
        }
        for bytes in [&file, &json, &plist] {
            drop(read_private_keys(bytes));
            drop(read_fingerprints(bytes));
            drop(read_instance_tags(bytes));
            drop(coyim_accounts(bytes));
            drop(adium_accounts(bytes));
        }
    }
}
