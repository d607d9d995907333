//! Alice in conversation with a peer that is not ours.
//! Must never hide a line of the peer that a test did not ask for.
//! Standard: none.
#![allow(dead_code, reason = "each test crate uses a part of it")]

use otr::{Event, State};

use crate::peer::{Line, Peer, hex};
use crate::people::Person;

/// Carries bodies both ways until nothing is left; gives the other lines of the peer.
pub(crate) fn carry(alice: &mut Person, peer: &mut Peer, mut lines: Vec<Line>) -> Vec<Line> {
    let mut kept = Vec::new();
    for _ in 0..500 {
        for line in std::mem::take(&mut lines) {
            match line {
                Line::Out(body) => alice.hear(&body),
                other => kept.push(other),
            }
        }
        let outbox = alice.take_outbox();
        if outbox.is_empty() {
            return kept;
        }
        for body in outbox {
            lines.extend(peer.command(&format!("receive {}", hex(body.as_bytes()))));
        }
    }
    panic!("the two never fall silent");
}

pub(crate) fn give(alice: &mut Person, peer: &mut Peer, command: &str) -> Vec<Line> {
    let lines = peer.command(command);
    carry(alice, peer, lines)
}

pub(crate) fn send(alice: &mut Person, peer: &mut Peer, text: &str) -> Vec<Line> {
    give(alice, peer, &format!("send {}", hex(text.as_bytes())))
}

/// Both sides name the same keys and the same session.
pub(crate) fn check_private(alice: &Person, peer: &mut Peer, lines: &[Line]) {
    let State::Private {
        fingerprint, ssid, ..
    } = alice.conversation.state()
    else {
        panic!("{:?} {lines:?}", alice.conversation.state());
    };
    assert_eq!(fingerprint.as_bytes().to_vec(), peer.fingerprint());
    let seen = Line::Secure {
        fingerprint: alice.fingerprint().as_bytes().to_vec(),
        ssid: ssid.bytes().to_vec(),
    };
    assert!(lines.contains(&seen), "{lines:?}");
}

pub(crate) fn talk(alice: &mut Person, peer: &mut Peer, rounds: usize) {
    for round in 0..rounds {
        let (text, answer) = (format!("سؤال {round} 🦦"), format!("جواب {round} 👩‍👩‍👧"));
        alice.say(&text);
        assert_eq!(carry(alice, peer, Vec::new()), [Line::Text(text)]);
        assert_eq!(send(alice, peer, &answer), []);
        assert_eq!(alice.texts(), [answer]);
    }
}

/// Whether a verification ended equal, and whether we had asked.
pub(crate) fn result(events: &[Event]) -> Option<(bool, bool)> {
    events.iter().find_map(|event| match event {
        Event::VerifyFinished {
            equal, asked_by_us, ..
        } => Some((*equal, *asked_by_us)),
        _ => None,
    })
}
