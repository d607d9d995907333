//! Messages, keys and forgeries as lines of text or JSON.
//! A transcript is written by others: what they wrote is printed without its control characters.

use otr::transcript::{Content, DataMessage, Header, MacKey, Message, Transcript};
use serde_json::{Value, json};

/// A line for each message.
pub(super) fn messages(transcript: &Transcript, as_json: bool) -> Vec<String> {
    let numbered = (1usize..).zip(transcript.messages());
    numbered
        .map(|(number, message)| {
            if as_json {
                message_json(number, message).to_string()
            } else {
                format!(
                    "{number} (line {}): {}",
                    message.line,
                    message_text(&message.content)
                )
            }
        })
        .collect()
}

/// A line for each revealed key.
pub(super) fn keys(transcript: &Transcript, as_json: bool) -> Vec<String> {
    let lines = transcript.revealed().into_iter().map(|revealed| {
        let (by, verifies) = (revealed.revealed_in + 1, numbers(&revealed.verifies));
        let key = revealed.key.to_string();
        if as_json {
            json!({"key": key, "revealed_in": by, "verifies": verifies}).to_string()
        } else if verifies.is_empty() {
            format!("{key}: revealed in message {by}; no message here verifies under it")
        } else {
            format!("{key}: revealed in message {by}, verifies {}", list(&verifies))
        }
    });
    lines.collect()
}

/// The messages that a key verifies.
pub(super) fn check(key: &MacKey, verified: &[usize], as_json: bool) -> String {
    let verifies = numbers(verified);
    if as_json {
        json!({"key": key.to_string(), "verifies": verifies}).to_string()
    } else {
        format!("verifies {}", list(&verifies))
    }
}

/// A forged message: without JSON it stands alone, to be put in the place of the true one.
pub(super) fn forged(number: usize, body: &str, as_json: bool) -> String {
    if as_json {
        json!({"message": number, "forged": body}).to_string()
    } else {
        body.to_owned()
    }
}

/// What a message says; the records behind the text are left out.
pub(super) fn text(number: usize, plain: &[u8], as_json: bool) -> String {
    let words = plain.split(|byte| *byte == 0).next().unwrap_or_default();
    let words = String::from_utf8_lossy(words);
    if as_json {
        json!({"message": number, "text": words}).to_string()
    } else {
        harmless(&words)
    }
}

fn message_text(content: &Content) -> String {
    match content {
        Content::Data(data) => format!("data, {}, {}", route(&data.header), data_text(data)),
        Content::DhCommit { header, .. } => format!("D-H commit, {}", route(header)),
        Content::DhKey { header, .. } => format!("D-H key, {}", route(header)),
        Content::Error(text) => format!("error: {}", harmless(text)),
        Content::Query(text) => format!("query: {}", harmless(text)),
        Content::RevealSignature { header, .. } => format!("reveal signature, {}", route(header)),
        Content::Signature { header, .. } => format!("signature, {}", route(header)),
        _ => "unreadable".to_owned(),
    }
}

fn route(header: &Header) -> String {
    let Header {
        version,
        sender,
        receiver,
    } = header;
    format!("version {version}, from {sender:08x} to {receiver:08x}")
}

fn data_text(data: &DataMessage) -> String {
    let mut out = format!(
        "keys {} and {}, counter {}, flags {}, {} bytes, MAC {}",
        data.sender_key,
        data.recipient_key,
        data.counter,
        data.flags,
        data.ciphertext.len(),
        hex(&data.mac)
    );
    for key in &data.revealed {
        out.push_str(&format!(", reveals {key}"));
    }
    out
}

fn message_json(number: usize, message: &Message) -> Value {
    let mut value = match &message.content {
        Content::Data(data) => data_json(data),
        Content::DhCommit {
            header,
            encrypted_gx,
            hashed_gx,
        } => with_route(
            header,
            json!({"kind": "dh_commit", "encrypted_gx": hex(encrypted_gx), "hashed_gx": hex(hashed_gx)}),
        ),
        Content::DhKey { header, gy } => with_route(header, json!({"kind": "dh_key", "gy": hex(gy)})),
        Content::Error(text) => json!({"kind": "error", "text": text}),
        Content::Query(text) => json!({"kind": "query", "text": text}),
        Content::RevealSignature {
            header,
            key,
            encrypted,
            mac,
        } => with_route(
            header,
            json!({"kind": "reveal_signature", "key": hex(key), "encrypted": hex(encrypted), "mac": hex(mac)}),
        ),
        Content::Signature {
            header,
            encrypted,
            mac,
        } => with_route(
            header,
            json!({"kind": "signature", "encrypted": hex(encrypted), "mac": hex(mac)}),
        ),
        _ => json!({"kind": "unreadable"}),
    };
    if let Value::Object(members) = &mut value {
        members.insert("message".to_owned(), number.into());
        members.insert("line".to_owned(), message.line.into());
    }
    value
}

fn data_json(data: &DataMessage) -> Value {
    let revealed: Vec<String> = data.revealed.iter().map(MacKey::to_string).collect();
    with_route(
        &data.header,
        json!({
            "kind": "data",
            "flags": data.flags,
            "sender_key": data.sender_key,
            "recipient_key": data.recipient_key,
            "next_key": hex(&data.next_key),
            "counter": data.counter,
            "ciphertext": hex(&data.ciphertext),
            "mac": hex(&data.mac),
            "revealed": revealed,
        }),
    )
}

fn with_route(header: &Header, mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        members.insert("version".to_owned(), header.version.into());
        members.insert("sender".to_owned(), format!("{:08x}", header.sender).into());
        members.insert("receiver".to_owned(), format!("{:08x}", header.receiver).into());
    }
    value
}

/// Places from 0 as numbers from 1.
fn numbers(places: &[usize]) -> Vec<usize> {
    places.iter().map(|place| place + 1).collect()
}

fn list(numbers: &[usize]) -> String {
    let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
    let word = if numbers.len() == 1 { "message" } else { "messages" };
    format!("{word} {}", numbers.join(", "))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A text that cannot steer a terminal: control and invisible characters are spelled out.
fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        let hidden = matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if letter.is_control() || hidden {
            out.extend(letter.escape_unicode());
        } else {
            out.push(letter);
        }
    }
    out
}
