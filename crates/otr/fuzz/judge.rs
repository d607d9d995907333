//! What bytes from a fuzzer are made to do, and what must hold whatever they are.
//! Must never depend on anything but those bytes: the same ones always do the same.
//! Standard: none.
#![allow(dead_code, reason = "each target needs one part of it")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use otr::{Config, Event, Input, Version};

use crate::people::{Person, carry, private};

/// Steps of one session: more would only be slow.
const MOST_STEPS: usize = 64;
/// Bodies in one input.
const MOST_BODIES: usize = 64;

fn both_versions(key: u64, tag: u32) -> Person {
    let config = Config {
        oldest: Version::Two,
        ..Config::default()
    };
    Person::new(key, tag, config)
}

/// Binary messages: each 0xff 0xff parts one from the next, and each is armoured. Answers how many
/// private texts came of it.
pub(crate) fn wire(bytes: &[u8]) -> usize {
    let mut bob = both_versions(1, 0xb0b0);
    let mut rest = Some(bytes);
    let next = || {
        let now = rest?;
        let end = now.windows(2).position(|two| two == [0xff, 0xff]);
        rest = end.and_then(|end| now.get(end + 2..));
        now.get(..end.unwrap_or(now.len()))
    };
    let messages = std::iter::from_fn(next).take(MOST_BODIES);
    messages
        .map(|message| hear(&mut bob, &format!("?OTR:{}.", STANDARD.encode(message))))
        .sum()
}

/// Fragments, one a line, without their `?OTR|`, or for version 2 without their `?OTR`. Answers how
/// many private texts came of it.
pub(crate) fn fragments(bytes: &[u8]) -> usize {
    let mut bob = both_versions(1, 0xb0b0);
    let whole = |line: &str| match line.starts_with(',') {
        true => format!("?OTR{line}"),
        false => format!("?OTR|{line}"),
    };
    let text = String::from_utf8_lossy(bytes);
    let pieces = text.lines().take(MOST_BODIES);
    pieces.map(|line| hear(&mut bob, &whole(line))).sum()
}

/// Bodies, one a line, as they are. Answers how many private texts came of it.
pub(crate) fn queries(bytes: &[u8]) -> usize {
    let mut bob = both_versions(1, 0xb0b0);
    let text = String::from_utf8_lossy(bytes);
    let bodies = text.lines().take(MOST_BODIES);
    bodies.map(|line| hear(&mut bob, line)).sum()
}

/// Takes a body; answers how many private texts came of it. Bob draws the numbers that he drew when
/// the seeds were made, so that these lead to a session; but nothing is shown as private that alice
/// did not say in it, and nothing as a plain text that begins like OTR.
fn hear(bob: &mut Person, body: &str) -> usize {
    bob.hear(body);
    let (events, answers) = (bob.take_events(), bob.take_outbox());
    let openings = ["?OTR:", "?OTR|", "?OTR,"];
    let like_otr = openings.iter().any(|opening| body.starts_with(opening));
    let legitimate = |event: &Event| match event {
        Event::Message { text, tlvs, .. } => text == "hello" && tlvs.is_empty(),
        Event::Plaintext { .. } => !like_otr,
        Event::ExtraKey { .. } | Event::Notice { .. } | Event::VerifyFinished { .. } => false,
        _ => true,
    };
    assert!(events.iter().all(legitimate), "{events:?}");
    assert!(events.len() <= 4 && answers.len() <= 4);
    assert!(answers.iter().all(|body| body.starts_with("?OTR")));
    let private = |event: &&Event| matches!(event, Event::Message { .. });
    events.iter().filter(private).count()
}

/// One of two people, and what mallory has seen of her.
struct Side {
    person: Person,
    /// Bodies for the other one, all that were ever sent.
    sent: Vec<String>,
    said: Vec<String>,
    heard: Vec<String>,
}

/// Two people in private, and mallory between them: each two bytes are one step.
pub(crate) fn sessions(bytes: &[u8]) {
    let newer = bytes.first().is_none_or(|byte| byte & 1 == 0);
    let (mut alice, mut bob) = (both_versions(0, 0xa11c_e000), both_versions(1, 0xb0b0));
    if newer {
        (alice, bob) = private(alice, bob);
    } else {
        alice.hear("?OTRv2?");
        carry(&mut alice, &mut bob);
    }
    let mut sides = [alice, bob].map(|mut person| {
        person.take_events();
        Side {
            person,
            sent: Vec::new(),
            said: Vec::new(),
            heard: Vec::new(),
        }
    });
    for (number, step) in bytes.chunks(2).take(MOST_STEPS).enumerate() {
        let [what, how] = [step.first(), step.get(1)].map(|byte| byte.copied().unwrap_or(0));
        let [one, other] = &mut sides;
        match what & 0x80 {
            0 => one.step(other, what & 0x7f, how, number),
            _ => other.step(one, what & 0x7f, how, number),
        }
    }
    for (ours, theirs) in [(&sides[0], &sides[1]), (&sides[1], &sides[0])] {
        for (index, text) in ours.heard.iter().enumerate() {
            assert!(theirs.said.contains(text), "a text that nobody said");
            assert!(!ours.heard[..index].contains(text), "a text came twice");
        }
    }
    recover(sides);
}

/// Whatever mallory did, a new start over an honest network leads to talk again.
fn recover(sides: [Side; 2]) {
    let [mut alice, mut bob] = sides.map(|side| side.person);
    for person in [&mut alice, &mut bob] {
        person.tick_after(61);
        person.take_outbox();
    }
    alice.start();
    carry(&mut alice, &mut bob);
    alice.take_events();
    bob.take_events();
    alice.say("at last");
    carry(&mut alice, &mut bob);
    assert_eq!(bob.texts(), ["at last"]);
}

impl Side {
    fn step(&mut self, other: &mut Self, what: u8, how: u8, number: usize) {
        let secret = [how & 1];
        // What a person may not do just now is refused, and that is well.
        let _refused = match what % 12 {
            0 | 1 => self.say(&format!("{number}")),
            2 => self.person.give(Input::Start),
            3 if how < 16 => self.person.give(Input::End),
            4 => self.person.give(Input::VerifyStart {
                question: None,
                secret: &secret,
            }),
            5 => self.person.give(Input::VerifyAnswer { secret: &secret }),
            6 => self.person.give(Input::ShareKey { usage: 1, data: b"x" }),
            7 => {
                self.person.tick_after(u64::from(how));
                Ok(())
            }
            8 => {
                self.deliver_changed(other, how, number);
                Ok(())
            }
            _ => {
                self.deliver(other, how);
                Ok(())
            }
        };
        self.sent.extend(self.person.take_outbox());
        other.sent.extend(other.person.take_outbox());
        self.heard.extend(self.person.texts());
        other.heard.extend(other.person.texts());
    }

    fn say(&mut self, text: &str) -> Result<(), otr::Error> {
        self.person.give(Input::Send {
            text,
            tlvs: &[],
            tag: 0,
        })?;
        self.said.push(text.to_owned());
        Ok(())
    }

    /// Hands over one of the bodies that were sent; `how` counts from the last one.
    fn deliver(&self, other: &mut Side, how: u8) {
        if let Some(body) = self.sent.iter().rev().nth(usize::from(how)) {
            other.person.hear(body);
        }
    }

    /// Hands over the last body, changed in one place.
    fn deliver_changed(&self, other: &mut Side, how: u8, number: usize) {
        let Some(Ok(mut bytes)) = self.sent.last().and_then(|body| {
            let inner = body.strip_prefix("?OTR:")?.strip_suffix('.')?;
            Some(STANDARD.decode(inner))
        }) else {
            return;
        };
        let place = (usize::from(how) + number * 256) % bytes.len().max(1);
        if let Some(byte) = bytes.get_mut(place) {
            *byte ^= 1 << (number % 8);
        }
        other.person.hear(&format!("?OTR:{}.", STANDARD.encode(&bytes)));
    }
}
