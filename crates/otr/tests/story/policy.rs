//! Nothing leaves unencrypted that should not.
//! Must never find the text of a user in a body.
//! Standard: OTR version 3, "Policies".

use otr::{Config, Error, Event, Input, Policy, State};

use crate::people::{Person, carry, private, tlv};

const SECRET: &str = "the secret text";

fn opportunist(key: u64, tag: u32) -> Person {
    Person::new(
        key,
        tag,
        Config {
            policy: Policy::Opportunistic,
            ..Config::default()
        },
    )
}

fn send(person: &mut Person) -> Result<(), Error> {
    person.give(Input::Send {
        text: SECRET,
        tlvs: &[],
        tag: 0,
    })
}

#[test]
fn under_required_no_text_leaves_in_any_state_without_a_session() {
    let (mut alice, mut bob) = (Person::alice(), Person::bob());
    assert_eq!(send(&mut alice), Err(Error::NotPrivate));
    assert_eq!(
        alice.give(Input::Notice { tlvs: &[], tag: 0 }),
        Err(Error::NotPrivate)
    );
    alice.start();
    assert_eq!(send(&mut alice), Err(Error::NotPrivate));
    for _ in 0..4 {
        for body in alice.take_outbox() {
            assert!(body.starts_with("?OTR") && !body.contains(SECRET));
            bob.hear(&body);
            assert_eq!(
                send(&mut bob).is_ok(),
                matches!(bob.conversation.state(), State::Private { .. })
            );
        }
        for body in bob.take_outbox() {
            assert!(body.starts_with("?OTR:") && !body.contains(SECRET));
            alice.hear(&body);
        }
    }
    alice.give(Input::End).unwrap();
    assert_eq!(send(&mut alice), Err(Error::NotPrivate));
}

#[test]
fn under_required_a_whitespace_tag_starts_the_exchange_and_is_never_sent() {
    let (mut alice, mut bob) = (Person::alice(), opportunist(1, 0xb0b0));
    send(&mut bob).unwrap();
    let body = bob.take_outbox().remove(0);
    assert!(body.starts_with(SECRET) && body.len() > SECRET.len());
    alice.hear(&body);
    assert_eq!(
        alice.take_events(),
        [Event::Plaintext {
            text: SECRET.to_owned(),
            alarmed: false
        }]
    );
    let crossed = carry(&mut alice, &mut bob);
    assert!(crossed.iter().all(|body| body.starts_with("?OTR:")));
    assert!(alice.is_private_with(&bob));
}

#[test]
fn under_opportunistic_the_tag_stops_once_plaintext_came_back() {
    let (mut alice, mut bob) = (opportunist(0, 0x1000), opportunist(1, 0x2000));
    alice.hear("hello");
    send(&mut alice).unwrap();
    assert_eq!(alice.take_outbox(), [SECRET]);
    send(&mut bob).unwrap();
    assert_ne!(bob.take_outbox(), [SECRET]);
}

#[test]
fn under_opportunistic_nothing_is_plain_once_a_session_stood_until_the_user_ends_it() {
    let (mut alice, mut bob) = private(opportunist(0, 0x1000), opportunist(1, 0x2000));
    bob.give(Input::End).unwrap();
    carry(&mut alice, &mut bob);
    assert_eq!(send(&mut alice), Err(Error::Finished));
    alice.start();
    alice.take_outbox();
    assert_eq!(send(&mut alice), Err(Error::NotPrivate));
    alice.tick_after(61);
    assert_eq!(alice.conversation.state(), State::Plain);
    assert_eq!(
        send(&mut alice),
        Err(Error::NotPrivate),
        "a failed start is no way back to plaintext"
    );
    alice.give(Input::End).unwrap();
    send(&mut alice).unwrap();
    assert!(alice.take_outbox()[0].starts_with(SECRET));
}

#[test]
fn under_opportunistic_text_that_looks_like_otr_and_records_do_not_leave_plain() {
    let mut alice = opportunist(0, 0x1000);
    let looks = Input::Send {
        text: "?OTRv3?",
        tlvs: &[],
        tag: 0,
    };
    assert_eq!(alice.give(looks), Err(Error::LooksLikeOtr));
    let records = [tlv(0x100, b"x")];
    let with_records = Input::Send {
        text: "x",
        tlvs: &records,
        tag: 0,
    };
    assert_eq!(alice.give(with_records), Err(Error::NotPrivate));
    assert!(alice.outbox.is_empty());
}

#[test]
fn a_query_inside_a_text_is_text() {
    let mut bob = Person::bob();
    bob.hear("he wrote ?OTRv3? to me");
    assert_eq!(
        bob.take_events(),
        [Event::Plaintext {
            text: "he wrote ?OTRv3? to me".to_owned(),
            alarmed: false
        }]
    );
    assert!(bob.outbox.is_empty());
}

#[test]
fn what_we_send_names_nobody() {
    let mut alice = Person::alice();
    alice.start();
    assert_eq!(alice.outbox.len(), 1);
    assert!(alice.outbox[0].starts_with("?OTRv3?") && alice.outbox[0].is_ascii());
}
