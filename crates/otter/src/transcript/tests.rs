use otr::transcript::Content;
use serde_json::Value;

use super::*;
use crate::arguments::{Transcript as Wanted, Words};

/// A true conversation: the question, the exchange, eight messages by turns.
const CAPTURE: &str = include_str!("../../tests/data/conversation.txt");

fn wanted(task: Task, json: bool) -> Wanted {
    Wanted {
        task,
        file: None,
        json,
    }
}

fn told(task: Task, json: bool) -> Vec<String> {
    lines(&wanted(task, json), CAPTURE.as_bytes(), None).unwrap()
}

/// The first revealed key and the number of the message that it verifies.
fn revealed() -> (MacKey, usize) {
    let all = Transcript::read(CAPTURE.as_bytes()).unwrap().revealed();
    (all[0].key, all[0].verifies[0] + 1)
}

#[test]
fn messages_are_told_as_lines_and_as_json() {
    let (text, json) = (told(Task::Parse, false), told(Task::Parse, true));
    assert_eq!((text.len(), json.len()), (13, 13));
    assert!(text[0].starts_with("1 (line 1): query: ?OTRv3?"), "{}", text[0]);
    assert!(
        text[1].starts_with("2 (line 2): D-H commit, version 3, from "),
        "{}",
        text[1]
    );
    let kinds: Vec<String> = json
        .iter()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["kind"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(
        kinds[..5],
        ["query", "dh_commit", "dh_key", "reveal_signature", "signature"]
    );
    assert!(kinds[5..].iter().all(|kind| kind == "data"));
    let data: Value = serde_json::from_str(&json[12]).unwrap();
    assert_eq!(
        (
            data["message"].as_u64(),
            data["revealed"].as_array().unwrap().len()
        ),
        (Some(13), 1)
    );
}

#[test]
fn revealed_keys_are_told_with_the_messages_they_could_have_made() {
    let (text, json) = (told(Task::Keys, false), told(Task::Keys, true));
    assert_eq!((text.len(), json.len()), (5, 5));
    let (key, number) = revealed();
    assert!(
        text[0].starts_with(&key.to_string()) && text[0].ends_with(&format!("verifies message {number}"))
    );
    let line: Value = serde_json::from_str(&json[0]).unwrap();
    assert_eq!(line["verifies"], serde_json::json!([number]));
    assert_eq!(
        told(Task::Check { key }, false),
        [format!("verifies message {number}")]
    );
    let other = Task::Check {
        key: MacKey::from_bytes([1; 20]),
    };
    let error = lines(&wanted(other, false), CAPTURE.as_bytes(), None).unwrap_err();
    assert_eq!(error.code, "transcript.unverified");
}

#[test]
fn a_forged_message_verifies_like_the_true_one() {
    let (key, number) = revealed();
    for message in [None, NonZeroUsize::new(number)] {
        let words = Words {
            offset: 11,
            old: "100".to_owned(),
            new: "999".to_owned(),
        };
        let forged = told(Task::Modify { key, message, words }, false);
        let both = Transcript::read(format!("{CAPTURE}\n{}", forged[0]).as_bytes()).unwrap();
        assert_eq!(both.verified_by(&key).len(), 2);
        assert!(matches!(both.messages()[13].content, Content::Data(_)));
    }
    for (message, code) in [
        (1, "transcript.no_message"),
        (number + 1, "transcript.not_forged"),
    ] {
        let message = NonZeroUsize::new(message);
        let words = Words {
            offset: 0,
            old: String::new(),
            new: String::new(),
        };
        let task = Task::Modify { key, message, words };
        let error = lines(&wanted(task, false), CAPTURE.as_bytes(), None).unwrap_err();
        assert_eq!(error.code, code);
    }
}

#[test]
fn what_others_wrote_cannot_steer_a_terminal() {
    let capture = "?OTR Error:\u{1b}[2J\u{202e}\u{7} سلام";
    let text = lines(&wanted(Task::Parse, false), capture.as_bytes(), None).unwrap();
    assert_eq!(text, ["1 (line 1): error: \\u{1b}[2J\\u{202e}\\u{7} سلام"]);
}

#[test]
fn too_much_is_refused_with_a_sentence() {
    let mut endless = std::io::repeat(b'x');
    assert_eq!(read(&mut endless, 100).unwrap_err().code, "transcript.no_file");
    let large = vec![b'x'; LARGEST_CAPTURE + 1];
    let error = lines(&wanted(Task::Parse, false), &large, None).unwrap_err();
    assert_eq!(error.text, "The transcript is too large.");
}
