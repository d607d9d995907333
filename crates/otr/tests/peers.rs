//! Our conversation against other people's implementations, subject by subject, in both versions.
//! Must never pass without a peer, nor leave out in silence what a peer cannot do: it stands in `Other`.
//! Standard: OTR versions 2 and 3.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

#[path = "support/meeting.rs"]
mod meeting;
#[path = "support/peer.rs"]
mod peer;
#[path = "support/people.rs"]
mod people;

use std::num::NonZeroUsize;

use meeting::{carry, check_private, give, result, send, talk};
use otr::{Config, Event, Input, State, Version};
use peer::{Line, Peer, Program, hex};
use people::{Person, key};

/// A peer, the version spoken with it, and what it cannot do.
#[derive(Clone, Copy)]
struct Other {
    program: Program,
    version: Version,
    /// Its user learns of an extra key that we share.
    takes_extra_key: bool,
    /// Its user can share an extra key.
    shares_extra_key: bool,
    /// It answers a query while it is private.
    refreshes: bool,
    /// It begins a new session with what is left of an ended one.
    begins_again: bool,
    /// Asked by us, it tells us that the secrets differ; otherwise it calls the run off.
    tells_difference: bool,
}

/// Everything; the peers below say what they lack.
const LIBOTR: Other = Other {
    program: Program::Libotr,
    version: Version::Three,
    takes_extra_key: true,
    shares_extra_key: true,
    refreshes: true,
    begins_again: true,
    tells_difference: true,
};
const LIBOTR_2: Other = Other {
    version: Version::Two,
    ..LIBOTR
};
/// Debian has its state of 2016, in which no program can learn of an extra key that came; a query
/// is ignored for a minute after a session began, and a wrong secret is answered by an abort.
const OTR3: Other = Other {
    program: Program::Otr3,
    takes_extra_key: false,
    refreshes: false,
    tells_difference: false,
    ..LIBOTR
};
const OTR3_2: Other = Other {
    version: Version::Two,
    ..OTR3
};
/// Knows the extra key in version 3 only; after an end it names keys that it has no more, until its
/// program makes a new object.
const OTRJS: Other = Other {
    program: Program::Otrjs,
    begins_again: false,
    ..LIBOTR
};
const OTRJS_2: Other = Other {
    version: Version::Two,
    shares_extra_key: false,
    ..OTRJS
};
/// Version 2 only, and no extra key.
const XCRYPTO: Other = Other {
    program: Program::Xcrypto,
    version: Version::Two,
    takes_extra_key: false,
    shares_extra_key: false,
    ..LIBOTR
};

macro_rules! peers {
    ($($name:ident: $other:ident,)*) => {$(
        mod $name {
            use super::$other as OTHER;

            #[test]
            fn answers_our_query_and_we_answer_its_own() { super::exchanges(OTHER); }
            #[test]
            fn gets_and_sends_two_hundred_crossing_messages() { super::bursts(OTHER); }
            #[test]
            fn rotates_keys_in_talk_and_keeps_them_in_a_monologue() { super::rotation(OTHER); }
            #[test]
            fn takes_and_sends_fragments_down_to_a_hundred_bytes() { super::fragments(OTHER); }
            #[test]
            fn verifies_when_we_ask() { super::verification_by_us(OTHER); }
            #[test]
            fn verifies_when_it_asks() { super::verification_by_them(OTHER); }
            #[test]
            fn derives_the_same_extra_key() { super::extra_key(OTHER); }
            #[test]
            fn ends_and_hears_our_end_and_begins_again() { super::ends(OTHER); }
        }
    )*};
}

peers! {
    libotr: LIBOTR,
    libotr_version_2: LIBOTR_2,
    otr3: OTR3,
    otr3_version_2: OTR3_2,
    otrjs: OTRJS,
    otrjs_version_2: OTRJS_2,
    xcrypto_version_2: XCRYPTO,
}

impl Other {
    fn start(self) -> Peer {
        let mut peer = Peer::start(self.program);
        if self.program != Program::Libotr {
            // A key of ours, for some of them take minutes to make one: type DSA and its numbers.
            let stored = key(2).to_bytes();
            peer.command(&format!("key 0000{}", hex(&stored[1..])));
        }
        peer.command(&format!("versions {}", self.version.number()));
        peer
    }

    fn config(self) -> Config {
        Config {
            oldest: self.version,
            ..Config::default()
        }
    }

    fn meet(self, config: Config) -> (Person, Peer) {
        (Person::new(0, 0xa11c_e000, config), self.start())
    }

    fn private(self, config: Config) -> (Person, Peer) {
        let (mut alice, mut peer) = self.meet(config);
        alice.start();
        let lines = carry(&mut alice, &mut peer, Vec::new());
        check_private(&alice, &mut peer, &lines);
        assert_eq!(alice.conversation.version(), Some(self.version));
        alice.take_events();
        (alice, peer)
    }
}

fn exchanges(other: Other) {
    let (mut alice, mut peer) = other.private(other.config());
    talk(&mut alice, &mut peer, 2);
    if other.refreshes {
        alice.start();
        let lines = carry(&mut alice, &mut peer, Vec::new());
        check_private(&alice, &mut peer, &lines);
        alice.take_events();
        talk(&mut alice, &mut peer, 2);
    }
    let (mut alice, mut peer) = other.meet(other.config());
    let lines = give(&mut alice, &mut peer, "start");
    check_private(&alice, &mut peer, &lines);
    assert_eq!(alice.conversation.version(), Some(other.version));
    alice.take_events();
    talk(&mut alice, &mut peer, 2);
}

fn bursts(other: Other) {
    let (mut alice, mut peer) = other.private(other.config());
    for round in 0..20 {
        let (mut crossing, mut said, mut answered) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..5 {
            let (text, answer) = (format!("a {round} {number}"), format!("p {round} {number}"));
            alice.say(&text);
            crossing.extend(peer.command(&format!("send {}", hex(answer.as_bytes()))));
            said.push(Line::Text(text));
            answered.push(answer);
        }
        assert_eq!(carry(&mut alice, &mut peer, crossing), said);
        assert_eq!(alice.texts(), answered);
    }
}

fn rotation(other: Other) {
    let (mut alice, mut peer) = other.private(other.config());
    talk(&mut alice, &mut peer, 8);
    for number in 0..10 {
        alice.say(&format!("{number}"));
    }
    assert_eq!(carry(&mut alice, &mut peer, Vec::new()).len(), 10);
    talk(&mut alice, &mut peer, 2);
    for number in 0..10 {
        assert_eq!(send(&mut alice, &mut peer, &format!("{number}")), []);
    }
    assert_eq!(alice.texts().len(), 10);
    talk(&mut alice, &mut peer, 2);
}

fn fragments(other: Other) {
    for limit in [100, 141, 400] {
        let config = Config {
            max_message: NonZeroUsize::new(limit),
            ..other.config()
        };
        let (mut alice, mut peer) = other.private(config);
        peer.command(&format!("max {limit}"));
        for size in [1, 300, 3000] {
            let text = "ا".repeat(size);
            alice.say(&text);
            assert!(alice.outbox.len() > 1);
            assert!(alice.outbox.iter().all(|body| body.len() <= limit));
            assert_eq!(
                carry(&mut alice, &mut peer, Vec::new()),
                [Line::Text(text.clone())]
            );
            let pieces = peer.command(&format!("send {}", hex(text.as_bytes())));
            let longest = pieces.iter().map(|piece| match piece {
                Line::Out(body) => body.len(),
                other => panic!("{other:?}"),
            });
            assert!(longest.max() <= Some(limit));
            assert_eq!(carry(&mut alice, &mut peer, pieces), []);
            assert_eq!(alice.texts(), [text]);
        }
    }
}

fn verification_by_us(other: Other) {
    let (mut alice, mut peer) = other.private(other.config());
    let runs = [
        (None, "سنجاب", true),
        (Some("which animal?"), "سنجاب", true),
        (Some("which animal?"), "other", false),
    ];
    for (question, answer, equal) in runs {
        let secret = "سنجاب".as_bytes();
        alice.give(Input::VerifyStart { question, secret }).unwrap();
        let lines = carry(&mut alice, &mut peer, Vec::new());
        let asked = format!("ask {}", hex(question.unwrap_or_default().as_bytes()));
        assert!(lines.contains(&Line::Other(asked)), "{lines:?}");
        let lines = give(
            &mut alice,
            &mut peer,
            &format!("answer {}", hex(answer.as_bytes())),
        );
        check_verdict(&lines, equal);
        let told = (equal || other.tells_difference).then_some((equal, true));
        assert_eq!(result(&alice.take_events()), told);
    }
}

fn verification_by_them(other: Other) {
    let (mut alice, mut peer) = other.private(other.config());
    let secret = hex("سنجاب".as_bytes());
    let asked = hex("کدام؟".as_bytes());
    let runs = [
        (format!("smp {secret}"), None, "سنجاب", true),
        (format!("smpq {asked} {secret}"), Some("کدام؟"), "سنجاب", true),
        (format!("smp {secret}"), None, "other", false),
    ];
    for (command, question, answer, equal) in runs {
        assert_eq!(give(&mut alice, &mut peer, &command), []);
        let events = alice.take_events();
        assert!(
            matches!(&events[..], [Event::VerifyAsked { question: seen, .. }] if seen.as_deref() == question),
            "{events:?}"
        );
        let secret = answer.as_bytes();
        alice.give(Input::VerifyAnswer { secret }).unwrap();
        let lines = carry(&mut alice, &mut peer, Vec::new());
        check_verdict(&lines, equal);
        assert_eq!(result(&alice.take_events()), Some((equal, false)));
    }
}

fn check_verdict(lines: &[Line], equal: bool) {
    let verdict = if equal { "smp equal" } else { "smp different" };
    assert!(lines.contains(&Line::Other(verdict.to_owned())), "{lines:?}");
}

fn extra_key(other: Other) {
    let (mut alice, mut peer) = other.private(other.config());
    let (usage, data) = (1, &b"holiday.jpg"[..]);
    alice.give(Input::ShareKey { usage, data }).unwrap();
    let lines = carry(&mut alice, &mut peer, Vec::new());
    let told = symkey(&mut alice);
    assert_eq!(lines.contains(&told), other.takes_extra_key, "{lines:?}");
    talk(&mut alice, &mut peer, 2);
    if other.shares_extra_key {
        let lines = give(&mut alice, &mut peer, &format!("symkey 1 {}", hex(data)));
        assert!(lines.contains(&symkey(&mut alice)), "{lines:?}");
        talk(&mut alice, &mut peer, 2);
    }
}

/// The line by which a peer tells of the key that alice has now.
fn symkey(alice: &mut Person) -> Line {
    let events = alice.take_events();
    let [Event::ExtraKey { usage, data, key, .. }] = &events[..] else {
        panic!("{events:?}");
    };
    Line::Other(format!(
        "symkey {usage} {} {}",
        hex(data),
        hex(key.expose_secret())
    ))
}

fn ends(other: Other) {
    let (mut alice, mut peer) = other.private(other.config());
    talk(&mut alice, &mut peer, 2);
    give(&mut alice, &mut peer, "end");
    assert!(matches!(alice.take_events()[..], [Event::Finished { .. }]));
    assert_eq!(alice.conversation.state(), State::Finished);
    if other.begins_again {
        alice.start();
        let lines = carry(&mut alice, &mut peer, Vec::new());
        check_private(&alice, &mut peer, &lines);
    } else {
        (alice, peer) = other.private(other.config());
    }
    alice.take_events();
    talk(&mut alice, &mut peer, 2);
    alice.give(Input::End).unwrap();
    assert!(carry(&mut alice, &mut peer, Vec::new()).contains(&Line::Insecure));
    if other.begins_again {
        let lines = give(&mut alice, &mut peer, "start");
        check_private(&alice, &mut peer, &lines);
        alice.take_events();
        talk(&mut alice, &mut peer, 2);
    }
}
