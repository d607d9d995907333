//! What a capture shows to a bystander, and what he can make of it; the toolkit of libotr is the judge.
//! Must never pass without the toolkit.
//! Standard: OTR version 3; libotr 4.1.1 `toolkit/`.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

#[path = "support/people.rs"]
mod people;
#[path = "support/wire.rs"]
mod wire;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use ctr::cipher::{KeyIvInit, StreamCipher};
use hmac::{Hmac, KeyInit, Mac};
use otr::Input;
use otr::transcript::{
    CipherKey, Content, DataMessage, ForgeError, Header, LARGEST_CAPTURE, MOST_KEYS, MOST_MESSAGES, MacKey,
    Transcript, TranscriptError,
};
use people::{Person, carry};
use proptest::prelude::*;
use sha1::{Digest, Sha1};

#[test]
fn the_toolkit_of_libotr_reads_the_same_in_a_transcript() {
    let (capture, ..) = talk();
    let transcript = read(&capture);
    let ours: Vec<String> = transcript
        .messages()
        .iter()
        .map(|message| as_toolkit(&message.content))
        .collect();
    let output = toolkit("otr_parse", &[], &capture);
    let theirs = String::from_utf8(output.stdout).unwrap();
    let theirs: Vec<&str> = theirs
        .split("\n\n")
        .map(str::trim)
        .filter(|block| !block.is_empty())
        .collect();
    // The question is the first message, and the toolkit passes over it.
    assert!(matches!(&transcript.messages()[0].content, Content::Query(text) if text.starts_with("?OTRv3?")));
    assert_eq!(ours[1..], theirs);
    assert_eq!(theirs.len(), 4 + 8);
}

#[test]
fn every_revealed_key_was_given_away_by_the_receiver_of_exactly_one_earlier_message() {
    let (capture, ..) = talk();
    let transcript = read(&capture);
    let data = |place: usize| transcript.messages()[place].data().unwrap();
    let revealed = transcript.revealed();
    assert_eq!(revealed.len(), 5);
    for key in &revealed {
        assert_eq!(key.verifies.len(), 1);
        let (told, said) = (data(key.revealed_in), data(key.verifies[0]));
        assert!(key.verifies[0] < key.revealed_in);
        assert_eq!(told.header.sender, said.header.receiver);
        assert_eq!(transcript.verified_by(&key.key), key.verifies);
    }
    // The newest messages are still bound: their keys were not given away.
    let last = transcript.messages().len() - 1;
    assert!(revealed.iter().all(|key| key.verifies[0] < last - 1));
}

#[test]
fn at_its_end_a_conversation_reveals_the_keys_of_all_that_the_one_who_left_had_received() {
    let (mut capture, mut alice, mut bob) = talk();
    alice.give(Input::End).unwrap();
    capture.push('\n');
    capture.push_str(&carry(&mut alice, &mut bob).join("\n"));
    let transcript = read(&capture);
    let open: Vec<usize> = transcript
        .revealed()
        .into_iter()
        .flat_map(|key| key.verifies)
        .collect();
    for (place, message) in transcript.messages().iter().enumerate() {
        let from_bob = message
            .data()
            .is_some_and(|data| data.header.sender == bob.tag.value());
        assert!(!from_bob || open.contains(&place), "{place}");
    }
}

#[test]
fn a_message_modified_with_a_revealed_key_is_that_of_the_toolkit_and_verifies() {
    let (capture, ..) = talk();
    let transcript = read(&capture);
    let (said, key) = forgeable(&transcript);
    let forged = said.modified(&key, 11, b"100", b"999").unwrap();
    let arguments = [&key.to_string(), "100", "999", "11"];
    let output = toolkit("otr_modify", &arguments, &wire_text(&capture, &transcript, &key));
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), forged);
    // Nobody can tell by the key which of the two was sent.
    let both = read(&format!("{capture}\n{forged}"));
    assert_eq!(both.verified_by(&key).len(), 2);
    let Content::Data(data) = &both.messages().last().unwrap().content else {
        panic!("a data message");
    };
    assert_eq!(data.header, said.header);
    assert_ne!(data.ciphertext, said.ciphertext);
}

#[test]
fn a_live_session_refuses_every_forgery() {
    let (capture, mut alice, mut bob) = talk();
    let transcript = read(&capture);
    for person in [&mut alice, &mut bob] {
        person.take_events();
    }
    for revealed in transcript.revealed() {
        let said = transcript.messages()[revealed.verifies[0]].data().unwrap();
        let forged = said.modified(&revealed.key, 0, b"p", b"P").unwrap();
        for person in [&mut alice, &mut bob] {
            person.hear(&forged);
            assert_eq!(person.texts(), Vec::<String>::new());
        }
    }
    alice.say("still here");
    carry(&mut alice, &mut bob);
    assert_eq!(bob.texts(), ["still here"]);
}

#[test]
fn with_the_cipher_key_a_message_is_read_and_rewritten_as_by_the_toolkit() {
    let (text, digits) = message_under_known_key("the true words");
    let key: CipherKey = digits.parse().unwrap();
    let transcript = read(&text);
    let said = transcript.messages()[0].data().unwrap();
    assert_eq!(said.read(&key).unwrap().as_slice(), b"the true words");
    let output = toolkit("otr_readforge", &[&digits], &text);
    assert!(String::from_utf8_lossy(&output.stdout).contains("the true words"));
    let forged = said
        .rewritten(&key, b"quite other words, and more of them")
        .unwrap();
    let output = toolkit(
        "otr_readforge",
        &[&digits, "quite other words, and more of them"],
        &text,
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains(&forged));
    let output = toolkit("otr_mackey", &[&digits], "");
    let theirs = String::from_utf8_lossy(&output.stdout)
        .replace(' ', "")
        .to_lowercase();
    assert!(theirs.contains(&key.mac_key().to_string()), "{theirs}");
    let other: CipherKey = "00112233445566778899aabbccddeeff".parse().unwrap();
    assert_eq!(said.read(&other).unwrap_err(), ForgeError::Unverified);
    assert_eq!(said.rewritten(&other, b"x"), Err(ForgeError::Unverified));
    assert_eq!(format!("{key:?}"), "CipherKey(..)");
}

#[test]
fn a_forgery_with_a_wrong_key_length_or_place_is_not_made() {
    let (capture, ..) = talk();
    let transcript = read(&capture);
    let (said, key) = forgeable(&transcript);
    let wrong = MacKey::from_bytes([7; 20]);
    assert_eq!(
        said.modified(&wrong, 11, b"100", b"999"),
        Err(ForgeError::Unverified)
    );
    assert_eq!(said.modified(&key, 11, b"100", b"9999"), Err(ForgeError::Length));
    let size = said.ciphertext.len();
    assert_eq!(said.modified(&key, size, b"1", b"2"), Err(ForgeError::Offset));
    assert_eq!(
        said.modified(&key, usize::MAX, b"1", b"2"),
        Err(ForgeError::Offset)
    );
    for text in ["", "00", "zz", &"0".repeat(41), &"\u{661}".repeat(20)] {
        assert!(text.parse::<MacKey>().is_err() && text.parse::<CipherKey>().is_err());
    }
}

#[test]
fn a_transcript_shows_neither_fingerprints_nor_identity_keys() {
    let (capture, alice, bob) = talk();
    for message in capture.lines().filter(|line| line.starts_with("?OTR:")) {
        let bytes = wire::decode(message);
        for person in [&alice, &bob] {
            let print = person.fingerprint();
            // The public number y, as it would stand in a message.
            let stored = person.key.to_bytes();
            let y = &stored[stored.len() - 24 - 128..stored.len() - 24];
            let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
            assert!(!holds(print.as_bytes()) && !holds(y));
        }
    }
}

#[test]
fn messages_are_found_amid_talk_and_in_pieces_and_in_version_two() {
    let (capture, ..) = talk();
    let whole = read(&capture);
    let mut chat = String::from("12:01 <bob> hello, do you know ?OTR and ?OTR: nothing and ?OTRv.\r\n");
    for (number, line) in capture.lines().enumerate() {
        let quoted = if number % 2 == 0 {
            line.to_owned()
        } else {
            pieces(line, 90)
        };
        chat.extend(
            quoted
                .lines()
                .map(|line| format!("12:0{number} <alice> {line}\r\n")),
        );
    }
    let found = read(&chat);
    assert_eq!(found.messages()[0].content, Content::Unreadable);
    let contents = |transcript: &Transcript| -> Vec<Content> {
        transcript
            .messages()
            .iter()
            .map(|message| message.content.clone())
            .collect()
    };
    assert_eq!(contents(&found)[1..], contents(&whole));
    assert_eq!(found.messages()[1].line, 2);

    let mut second = wire::decode(capture.lines().last().unwrap());
    second[1] = 2;
    second.drain(3..11);
    let second = wire::encode(&second);
    let (first, rest) = second.split_at(50);
    let text = format!("?OTR,1,2,{first},\n?OTR,2,2,{rest},\n?OTR Error: no\n?OTR,2,2,{rest},");
    let found = read(&text);
    let data = found.messages()[0].data().unwrap();
    assert_eq!((data.header.version, data.header.sender), (2, 0));
    assert_eq!(found.messages()[1].content, Content::Error("no".to_owned()));
    assert_eq!(found.messages().len(), 2);
}

#[test]
fn a_capture_beyond_the_limits_is_refused() {
    let large = vec![b'x'; LARGEST_CAPTURE + 1];
    assert_eq!(Transcript::read(&large), Err(TranscriptError::TooLarge));
    // One line that begins a message again and again is read once, not once for each beginning.
    for start in ["?OTRv", "?OTR|", "?OTR,", "?OTR?", "?OTR "] {
        let line = start.repeat(LARGEST_CAPTURE / start.len());
        assert!(
            Transcript::read(line.as_bytes()).unwrap().messages().len() < 2,
            "{start}"
        );
    }
    let many = "?OTR:.\n".repeat(MOST_MESSAGES + 1);
    assert_eq!(
        Transcript::read(many.as_bytes()),
        Err(TranscriptError::TooManyMessages)
    );
    let (text, _) = message_under_known_key("x");
    let mut bytes = wire::decode(&text);
    let at = bytes.len() - 4;
    bytes.truncate(at);
    let count = MOST_KEYS + 1;
    bytes.extend(u32::try_from(count * 20).unwrap().to_be_bytes());
    bytes.extend(vec![7; count * 20]);
    assert_eq!(
        Transcript::read(wire::encode(&bytes).as_bytes()),
        Err(TranscriptError::TooManyKeys)
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_capture_is_survived(start in "\\?OTR[:|,?vE ]?[0-9a-f|,]{0,20}", body in any::<String>(), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for capture in [format!("{start}{body}").into_bytes(), bytes.clone(), wire::encode(&bytes).into_bytes()] {
            if let Ok(transcript) = Transcript::read(&capture) {
                transcript.revealed();
            }
        }
    }

    #[test]
    fn a_bent_message_verifies_under_no_revealed_key(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let (capture, ..) = talk();
        let transcript = read(&capture);
        let (said, key) = forgeable(&transcript);
        let mut bytes = wire::decode(&wire_text(&capture, &transcript, &key));
        let place = at.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let bent = read(&wire::encode(&bytes));
        // Behind the MAC stand the keys that the message itself reveals: they are covered by nothing.
        let covered = bytes.len() - 4 - said.revealed.len() * 20;
        prop_assert!(place >= covered || bent.verified_by(&key).is_empty());
    }
}

fn read(capture: &str) -> Transcript {
    Transcript::read(capture.as_bytes()).unwrap()
}

/// Alice's first message, and the key that bob gave away for it.
fn forgeable(transcript: &Transcript) -> (&DataMessage, MacKey) {
    let revealed = &transcript.revealed()[0];
    (
        transcript.messages()[revealed.verifies[0]].data().unwrap(),
        revealed.key,
    )
}

/// The body of the message that `key` verifies.
fn wire_text(capture: &str, transcript: &Transcript, key: &MacKey) -> String {
    let place = transcript.verified_by(key)[0];
    capture
        .lines()
        .nth(transcript.messages()[place].line - 1)
        .unwrap()
        .to_owned()
}

/// A body in pieces of version 3.
fn pieces(body: &str, size: usize) -> String {
    if !body.starts_with("?OTR:") {
        return body.to_owned();
    }
    let chunks: Vec<&[u8]> = body.as_bytes().chunks(size).collect();
    let (count, mut out) = (chunks.len(), String::new());
    for (index, chunk) in chunks.into_iter().enumerate() {
        let text = std::str::from_utf8(chunk).unwrap();
        out.push_str(&format!(
            "?OTR|5a73a599|27e31597,{:05},{count:05},{text},\n",
            index + 1
        ));
    }
    out
}

/// A data message under a key that is known here, and that key's digits.
fn message_under_known_key(text: &str) -> (String, String) {
    let key: [u8; 16] = std::array::from_fn(|n| u8::try_from(n * 7 + 1).unwrap());
    let counter = 5u64;
    let mut cipher = text.as_bytes().to_vec();
    let block = (u128::from(counter) << 64).to_be_bytes();
    ctr::Ctr128BE::<aes::Aes128>::new(&key.into(), &block.into()).apply_keystream(&mut cipher);
    let mut bytes = vec![
        0, 3, 3, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 9,
    ];
    bytes.extend(counter.to_be_bytes());
    bytes.extend(u32::try_from(cipher.len()).unwrap().to_be_bytes());
    bytes.extend(cipher);
    let mac_key = Sha1::digest(key);
    let mac = Hmac::<Sha1>::new_from_slice(&mac_key)
        .unwrap()
        .chain_update(&bytes)
        .finalize();
    bytes.extend(mac.into_bytes());
    bytes.extend([0; 4]);
    (wire::encode(&bytes), hex(&key))
}

/// A message as `otr_parse` prints it.
fn as_toolkit(content: &Content) -> String {
    let head = |name: &str, header: &Header, flags: &str| {
        let Header {
            version,
            sender,
            receiver,
        } = header;
        format!(
            "{name} Message:\n\tVersion: {version:02}\n{flags}\tSender instance: {sender}\n\tReceiver instance: {receiver}\n"
        )
    };
    match content {
        Content::Data(data) => {
            let mut out = head("Data", &data.header, &format!("\tFlags: {}\n", data.flags));
            out += &format!(
                "\tSender keyid: {}\n\tRcpt keyid: {}\n",
                data.sender_key, data.recipient_key
            );
            out += &format!(
                "\tDH y: {}\n\tCounter: {:016x}\n",
                hex(&data.next_key),
                data.counter
            );
            out += &format!(
                "\tEncrypted message: {}\n\tMAC: {}",
                hex(&data.ciphertext),
                hex(&data.mac)
            );
            for (index, key) in data.revealed.iter().enumerate() {
                let heading = if index == 0 { "\n\tRevealed MAC keys:" } else { "" };
                out += &format!("{heading}\n\t\tKey {}: {key}", index + 1);
            }
            out
        }
        Content::DhCommit {
            header,
            encrypted_gx,
            hashed_gx,
        } => {
            let (encrypted, hashed) = (hex(encrypted_gx), hex(hashed_gx));
            head("D-H Commit", header, "") + &format!("\tEncrypted Key: {encrypted}\n\tHashed Key: {hashed}")
        }
        Content::DhKey { header, gy } => head("D-H Key", header, "") + &format!("\tD-H Key: {}", hex(gy)),
        Content::RevealSignature {
            header,
            key,
            encrypted,
            mac,
        } => {
            let (key, encrypted, mac) = (hex(key), hex(encrypted), hex(mac));
            head("Reveal Signature", header, "")
                + &format!("\tKey: {key}\n\tEncrypted Signature: {encrypted}\n\tMAC: {mac}")
        }
        Content::Signature {
            header,
            encrypted,
            mac,
        } => {
            let (encrypted, mac) = (hex(encrypted), hex(mac));
            head("Signature", header, "") + &format!("\tEncrypted Signature: {encrypted}\n\tMAC: {mac}")
        }
        _ => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A captured conversation in which keys were revealed, with the two that are still in it.
fn talk() -> (String, Person, Person) {
    let (mut alice, mut bob) = (Person::alice(), Person::bob());
    alice.start();
    let mut crossed = carry(&mut alice, &mut bob);
    for round in 0..4 {
        alice.say(&format!("please pay 100 to bob, {round}"));
        crossed.extend(carry(&mut alice, &mut bob));
        bob.say(&format!("done, {round}"));
        crossed.extend(carry(&mut bob, &mut alice));
    }
    (crossed.join("\n"), alice, bob)
}

/// Runs a program of libotr's toolkit.
fn toolkit(program: &str, arguments: &[&str], input: &str) -> Output {
    #[expect(clippy::disallowed_methods, reason = "the oracle of this test is a program")]
    let mut command = Command::new(program);
    let mut child = command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the toolkit is missing: install the Debian package libotr5-bin");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}
