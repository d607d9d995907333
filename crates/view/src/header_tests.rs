//! The header as alice sees it.
//! They must never depend on the clock of the machine. Standard: none.

use super::*;
use crate::language::Language;
use crate::testing::{ACCOUNT, FINGERPRINT, NOON, bob, contact, outgoing, snapshot};
use model::{Delivery, Event, Problem};

fn state() -> State {
    let mut state = State::default();
    state.replace(snapshot(1, vec![]));
    state
}

fn shown(state: &State) -> Header {
    header(state, &Words::new(Language::English), &bob()).unwrap()
}

fn wait(state: &mut State, number: u32, wait: Wait) {
    let mut message = outgoing(number, "x");
    message.delivery = Delivery::Waiting { wait };
    state.apply(Event::MessageChanged { message }, NOON);
}

fn account(state: &mut State, now: AccountState) {
    let mut account = state.account(ACCOUNT).unwrap().clone();
    account.state = now;
    state.apply(Event::AccountChanged { account }, NOON);
}

#[test]
fn a_header_says_who_over_what_and_how_private() {
    let header = shown(&state());
    assert_eq!(header.name.text, "bob@example.org");
    assert_eq!(header.account, "alice@example.org");
    assert_eq!(
        (header.trust, header.trust_words.as_str()),
        (Trust::Private, "Private, not verified")
    );
    assert_eq!(header.fingerprint.as_deref(), Some(FINGERPRINT));
    assert_eq!((header.waiting, header.notice.as_str()), (0, ""));
    assert!(header.spoken.contains("Private, not verified") && header.spoken.contains("online"));
}

#[test]
fn a_message_that_waits_says_for_what() {
    let mut state = state();
    wait(&mut state, 1, Wait::Privacy);
    wait(&mut state, 2, Wait::Privacy);
    let header = shown(&state);
    assert_eq!(header.waiting, 2);
    assert_eq!(header.notice, "Waiting: a private conversation is being started.");
    account(&mut state, AccountState::WaitingForTor);
    assert!(shown(&state).notice.contains("connected"));
    wait(&mut state, 3, Wait::NewKey);
    assert!(shown(&state).notice.contains("key"));
}

#[test]
fn after_the_contact_ended_it_the_owner_is_told_to_start_again() {
    let mut state = state();
    let event = Event::PrivacyChanged {
        account: ACCOUNT,
        contact: bob().contact,
        privacy: model::Privacy::Finished,
    };
    state.apply(event, NOON);
    wait(&mut state, 1, Wait::Privacy);
    assert!(shown(&state).notice.contains("Start a new one"));
}

#[test]
fn an_account_that_cannot_connect_is_told_in_the_header() {
    let mut state = state();
    account(
        &mut state,
        AccountState::Failed {
            problem: Problem::new("wrong-password", "x"),
        },
    );
    assert!(!shown(&state).notice.is_empty());
}

#[test]
fn a_question_of_the_contacts_is_sanitised() {
    let mut state = state();
    state.apply(
        Event::VerificationChanged {
            account: ACCOUNT,
            contact: bob().contact,
            verification: Verification::Asked {
                question: Some("Where\u{202E} did we\nmeet?\0".to_owned()),
            },
        },
        NOON,
    );
    assert_eq!(
        shown(&state).question.as_deref(),
        Some("Where[U+202E] did we meet?[U+0000]")
    );
}

#[test]
fn a_name_that_imitates_trust_is_not_in_the_header() {
    let mut state = state();
    let mut bobs = contact("bob");
    bobs.name = Some("🔒 private, verified".to_owned());
    state.apply(Event::ContactChanged { contact: bobs }, NOON);
    assert_eq!(shown(&state).name.text, "bob@example.org");
}

#[test]
fn nobody_has_no_header() {
    assert_eq!(header(&State::default(), &Words::default(), &bob()), None);
}
