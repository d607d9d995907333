//! Our conversation against the real libotr, over bodies in memory.
//! Must never pass without libotr.
//! Standard: OTR version 3.
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
use otr::{Config, Event, Input, Padding, State, Version};
use peer::{Line, Peer, hex};
use people::{Person, tlv};

fn private(config: Config) -> (Person, Peer) {
    let (mut alice, mut peer) = (Person::new(0, 0xa11c_e000, config), Peer::new());
    alice.start();
    let lines = carry(&mut alice, &mut peer, Vec::new());
    check_private(&alice, &mut peer, &lines);
    alice.take_events();
    (alice, peer)
}

#[test]
fn libotr_answers_our_query_and_we_talk() {
    let (mut alice, mut peer) = private(Config::default());
    talk(&mut alice, &mut peer, 20);
}

#[test]
fn we_answer_the_query_of_libotr_and_talk() {
    let (mut alice, mut peer) = (Person::alice(), Peer::new());
    let lines = give(&mut alice, &mut peer, "start");
    check_private(&alice, &mut peer, &lines);
    alice.take_events();
    talk(&mut alice, &mut peer, 20);
}

#[test]
fn with_libotr_the_newer_version_is_spoken_and_the_older_one_only_if_asked_for() {
    let both = Config {
        oldest: Version::Two,
        ..Config::default()
    };
    for (config, versions, spoken) in [
        (both.clone(), "23", Some(Version::Three)),
        (both, "2", Some(Version::Two)),
        (Config::default(), "23", Some(Version::Three)),
        (Config::default(), "2", None),
    ] {
        for we_ask in [true, false] {
            let (mut alice, mut peer) = (Person::new(0, 0xa11c_e000, config.clone()), Peer::new());
            peer.command(&format!("versions {versions}"));
            if we_ask {
                alice.start();
                carry(&mut alice, &mut peer, Vec::new());
            } else {
                give(&mut alice, &mut peer, "start");
            }
            assert_eq!(alice.conversation.version(), spoken, "{versions} {we_ask}");
        }
    }
}

#[test]
fn a_text_that_libotr_held_back_comes_once_the_session_stands() {
    let (mut alice, mut peer) = (Person::alice(), Peer::new());
    let lines = send(&mut alice, &mut peer, "the first words");
    check_private(&alice, &mut peer, &lines);
    let texts = alice.texts();
    assert!(
        texts.len() == 1 && texts[0].contains("the first words"),
        "{texts:?}"
    );
}

#[test]
fn libotr_and_we_begin_at_once() {
    for _ in 0..4 {
        let (mut alice, mut peer) = (Person::alice(), Peer::new());
        alice.start();
        let lines = give(&mut alice, &mut peer, "start");
        check_private(&alice, &mut peer, &lines);
        alice.take_events();
        talk(&mut alice, &mut peer, 3);
    }
}

#[test]
fn crossing_messages_all_arrive_at_libotr_and_here() {
    let (mut alice, mut peer) = private(Config::default());
    for round in 0..10 {
        let mut crossing = Vec::new();
        for number in 0..3 {
            alice.say(&format!("a {round} {number}"));
            crossing.extend(peer.command(&format!("send {}", hex(format!("p {round} {number}").as_bytes()))));
        }
        let lines = carry(&mut alice, &mut peer, crossing);
        let sent: Vec<Line> = (0..3)
            .map(|number| Line::Text(format!("a {round} {number}")))
            .collect();
        assert_eq!(lines, sent);
        assert_eq!(alice.texts().len(), 3);
    }
}

#[test]
fn many_messages_in_one_direction_and_then_in_the_other() {
    let (mut alice, mut peer) = private(Config {
        padding: Padding::Off,
        ..Config::default()
    });
    for number in 0..30 {
        alice.say(&format!("{number}"));
    }
    assert_eq!(carry(&mut alice, &mut peer, Vec::new()).len(), 30);
    for number in 0..30 {
        assert_eq!(send(&mut alice, &mut peer, &format!("{number}")), []);
    }
    assert_eq!(alice.texts().len(), 30);
    talk(&mut alice, &mut peer, 3);
}

#[test]
fn long_texts_arrive_whole_and_in_fragments() {
    for limit in [None, NonZeroUsize::new(400), NonZeroUsize::new(3000)] {
        let (mut alice, mut peer) = private(Config {
            max_message: limit,
            ..Config::default()
        });
        peer.command(&format!("max {}", limit.map_or(0, NonZeroUsize::get)));
        for size in [1, 200, 800, 20_000] {
            let text = "ا".repeat(size / 2 + 1);
            alice.say(&text);
            let longest = alice.outbox.iter().map(String::len).max();
            assert!(limit.is_none_or(|limit| longest <= Some(limit.get())));
            assert_eq!(
                carry(&mut alice, &mut peer, Vec::new()),
                [Line::Text(text.clone())]
            );
            assert_eq!(send(&mut alice, &mut peer, &text), []);
            assert_eq!(alice.texts(), [text]);
        }
    }
}

#[test]
fn a_megabyte_arrives() {
    let (mut alice, mut peer) = private(Config::default());
    let text = "0123456789abcdef".repeat(1 << 16);
    alice.say(&text);
    assert_eq!(
        carry(&mut alice, &mut peer, Vec::new()),
        [Line::Text(text.clone())]
    );
    assert_eq!(send(&mut alice, &mut peer, &text), []);
    assert_eq!(alice.texts(), [text]);
}

#[test]
fn texts_that_look_like_otr_are_text() {
    let (mut alice, mut peer) = private(Config::default());
    for text in ["?OTRv3?", "?OTR:AAMD.", "?OTR Error: no", "a ?OTRv3? b"] {
        alice.say(text);
        // The other way is no test: libotr itself takes such a text of its user for a query.
        assert_eq!(
            carry(&mut alice, &mut peer, Vec::new()),
            [Line::Text(text.to_owned())]
        );
    }
}

#[test]
fn either_side_ends_and_begins_again() {
    let (mut alice, mut peer) = private(Config::default());
    talk(&mut alice, &mut peer, 2);
    give(&mut alice, &mut peer, "end");
    assert!(matches!(alice.take_events()[..], [Event::Finished { .. }]));
    assert_eq!(alice.conversation.state(), State::Finished);
    alice.start();
    let lines = carry(&mut alice, &mut peer, Vec::new());
    check_private(&alice, &mut peer, &lines);
    alice.take_events();
    talk(&mut alice, &mut peer, 2);
    alice.give(Input::End).unwrap();
    assert!(carry(&mut alice, &mut peer, Vec::new()).contains(&Line::Insecure));
    let lines = give(&mut alice, &mut peer, "start");
    check_private(&alice, &mut peer, &lines);
    alice.take_events();
    talk(&mut alice, &mut peer, 2);
}

#[test]
fn a_session_is_refreshed_in_the_middle_of_talk() {
    let (mut alice, mut peer) = private(Config::default());
    for _ in 0..3 {
        talk(&mut alice, &mut peer, 2);
        alice.start();
        let lines = carry(&mut alice, &mut peer, Vec::new());
        check_private(&alice, &mut peer, &lines);
        assert!(
            alice
                .take_events()
                .iter()
                .any(|event| matches!(event, Event::Private { refreshed: true, .. }))
        );
        talk(&mut alice, &mut peer, 2);
        let lines = give(&mut alice, &mut peer, "start");
        check_private(&alice, &mut peer, &lines);
        alice.take_events();
    }
}

#[test]
fn records_reach_libotr() {
    let (mut alice, mut peer) = private(Config::default());
    alice
        .give(Input::Notice {
            tlvs: &[tlv(0x100, b"GET")],
            tag: 1,
        })
        .unwrap();
    let lines = carry(&mut alice, &mut peer, Vec::new());
    assert!(
        lines.contains(&Line::Other(format!("tlv 256 {}", hex(b"GET")))),
        "{lines:?}"
    );
}

#[test]
fn the_extra_key_is_the_same_on_both_sides_whoever_shares_it() {
    let (mut alice, mut peer) = private(Config::default());
    alice
        .give(Input::ShareKey {
            usage: 7,
            data: b"call",
        })
        .unwrap();
    let lines = carry(&mut alice, &mut peer, Vec::new());
    let key = |alice: &mut Person| match alice.take_events().remove(0) {
        Event::ExtraKey { usage: 7, key, .. } => hex(key.expose_secret()),
        other => panic!("{other:?}"),
    };
    let ours = key(&mut alice);
    assert!(
        lines.contains(&Line::Other(format!("symkey 7 {} {ours}", hex(b"call")))),
        "{lines:?}"
    );
    let lines = give(&mut alice, &mut peer, &format!("symkey 7 {}", hex(b"file")));
    let ours = key(&mut alice);
    assert!(
        lines.contains(&Line::Other(format!("symkey 7 {} {ours}", hex(b"file")))),
        "{lines:?}"
    );
}

#[test]
fn verification_begun_by_us_tells_equal_from_different_secrets() {
    let (mut alice, mut peer) = private(Config::default());
    for (answer, equal, word) in [("otter", true, "smp equal"), ("other", false, "smp different")] {
        alice
            .give(Input::VerifyStart {
                question: Some("which animal?"),
                secret: b"otter",
            })
            .unwrap();
        let lines = carry(&mut alice, &mut peer, Vec::new());
        assert!(
            lines.contains(&Line::Other(format!("ask {}", hex(b"which animal?")))),
            "{lines:?}"
        );
        let lines = give(
            &mut alice,
            &mut peer,
            &format!("answer {}", hex(answer.as_bytes())),
        );
        assert!(lines.contains(&Line::Other(word.to_owned())), "{lines:?}");
        assert_eq!(result(&alice.take_events()), Some((equal, true)));
    }
}

#[test]
fn verification_begun_by_libotr_tells_equal_from_different_secrets() {
    let (mut alice, mut peer) = private(Config::default());
    for (answer, equal, word) in [("otter", true, "smp equal"), ("other", false, "smp different")] {
        give(&mut alice, &mut peer, &format!("smp {}", hex(b"otter")));
        assert!(matches!(
            alice.take_events()[..],
            [Event::VerifyAsked { question: None, .. }]
        ));
        alice
            .give(Input::VerifyAnswer {
                secret: answer.as_bytes(),
            })
            .unwrap();
        let lines = carry(&mut alice, &mut peer, Vec::new());
        assert!(lines.contains(&Line::Other(word.to_owned())), "{lines:?}");
        assert_eq!(result(&alice.take_events()), Some((equal, false)));
    }
    give(
        &mut alice,
        &mut peer,
        &format!("smpq {} {}", hex("کدام؟".as_bytes()), hex(b"x")),
    );
    assert!(
        matches!(&alice.take_events()[..], [Event::VerifyAsked { question: Some(q), .. }] if q == "کدام؟")
    );
    alice.give(Input::VerifyAbort).unwrap();
    let lines = carry(&mut alice, &mut peer, Vec::new());
    assert!(
        lines.contains(&Line::Other("smp aborted".to_owned())),
        "{lines:?}"
    );
}
