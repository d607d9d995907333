//! Stories of what the mirror shows after what the engine told.
//! They must never reach past the public face. Standard: `docs/rpc.md`.

use model::{Event, Privacy, ProfileState};

use super::*;
use crate::testing::{ACCOUNT, FINGERPRINT, NOON, address, bob, contact, incoming, outgoing, snapshot};

fn opened() -> State {
    let mut state = State::default();
    state.replace(snapshot(1, vec![incoming(1, "hello")]));
    state
}

fn privacy(privacy: Privacy) -> Event {
    Event::PrivacyChanged {
        account: ACCOUNT,
        contact: bob().contact,
        privacy,
    }
}

#[test]
fn kept_messages_are_read_backwards_and_to_the_end() {
    let mut state = State::default();
    let mut all = snapshot(1, vec![incoming(9, "new")]);
    state.replace(all.clone());
    assert_eq!(state.earlier(&bob()), None, "nothing is kept before these");
    let mut state = State::default();
    all.contacts[0].kept = true;
    let told = std::mem::take(&mut all.conversations);
    state.replace(all.clone());
    assert_eq!(
        state.earlier(&bob()),
        Some(None),
        "whatever is kept was not read yet"
    );
    all.conversations = told;
    all.conversations[0].before = Some(90);
    state.replace(all);
    assert_eq!(state.earlier(&bob()), Some(Some(90)));
    let page = |messages, before| Kept { messages, before };
    let mut foreign = incoming(1, "of carol's");
    foreign.contact = address("carol@example.org");
    let first = page(
        vec![foreign, incoming(7, "c"), incoming(8, "d"), incoming(9, "new")],
        Some(40),
    );
    assert_eq!(state.take_kept(&bob(), first), 2);
    assert_eq!(state.earlier(&bob()), Some(Some(40)));
    assert_eq!(state.take_kept(&bob(), page(vec![incoming(6, "b")], Some(40))), 1);
    assert_eq!(
        state.earlier(&bob()),
        None,
        "a place that comes no nearer is the last one"
    );
    assert_eq!(state.talk(&bob()).unwrap().log.len(), 4);
}

#[test]
fn a_message_that_nobody_looks_at_is_unread_and_told() {
    let mut state = opened();
    let changes = state.apply(
        Event::MessageChanged {
            message: incoming(2, "there?"),
        },
        NOON,
    );
    assert!(changes.contains(&Change::Arrived(bob())));
    assert_eq!(state.unread(), 2);
}

#[test]
fn an_open_conversation_is_read_only_while_the_person_looks() {
    let mut state = opened();
    state.open(Some(bob()));
    assert_eq!(state.unread(), 1);
    assert_eq!(state.look(true), [Change::List]);
    assert_eq!(state.unread(), 0);
    let event = |number| Event::MessageChanged {
        message: incoming(number, "x"),
    };
    assert!(!state.apply(event(2), NOON).contains(&Change::Arrived(bob())));
    state.look(false);
    assert!(state.apply(event(3), NOON).contains(&Change::Arrived(bob())));
    assert_eq!(state.unread(), 1);
}

#[test]
fn a_second_snapshot_keeps_what_was_read_and_the_lines_in_between() {
    let mut state = opened();
    state.open(Some(bob()));
    state.look(true);
    state.look(false);
    state.apply(privacy(Privacy::Finished), NOON);
    state.replace(snapshot(9, vec![incoming(1, "hello"), incoming(2, "again")]));
    let log = &state.talk(&bob()).unwrap().log;
    assert_eq!((log.len(), log.unread()), (3, 1));
}

#[test]
fn a_renewed_conversation_makes_no_second_line() {
    let mut state = opened();
    let private = Privacy::Private {
        fingerprint: FINGERPRINT.to_owned(),
        verified: false,
    };
    state.apply(privacy(Privacy::Plain), NOON);
    for change in [
        Privacy::Starting,
        Privacy::Plain,
        Privacy::Starting,
        private.clone(),
        private,
    ] {
        state.apply(privacy(change), NOON);
    }
    assert_eq!(state.talk(&bob()).unwrap().log.len(), 3);
}

#[test]
fn a_locked_profile_leaves_nothing_in_the_mirror() {
    let mut state = opened();
    state.open(Some(bob()));
    let changes = state.apply(
        Event::ProfileChanged {
            state: ProfileState::Locked,
        },
        NOON,
    );
    assert!(changes.contains(&Change::Everything));
    assert_eq!((state.accounts().len(), state.contacts().len()), (0, 0));
    assert_eq!((state.talks().len(), state.opened()), (0, None));
}

#[test]
fn an_account_takes_its_contacts_along() {
    let mut state = opened();
    state.open(Some(bob()));
    state.apply(Event::AccountRemoved { account: ACCOUNT }, NOON);
    assert_eq!((state.contacts().len(), state.talks().len()), (0, 0));
    assert_eq!(state.opened(), None);
}

#[test]
fn what_the_engine_says_of_a_message_changes_its_row_alone() {
    let mut state = opened();
    state.apply(
        Event::MessageChanged {
            message: outgoing(2, "hi"),
        },
        NOON,
    );
    let mut message = outgoing(2, "hi");
    message.delivery = model::Delivery::Received;
    let changes = state.apply(Event::MessageChanged { message }, NOON);
    assert!(changes.contains(&Change::Row(bob(), RowChange::Changed(1))));
}

#[test]
fn probes_and_contacts_are_bounded() {
    let mut state = opened();
    for number in 0..MAX_PROBES + 50 {
        let probe = Probe {
            account: ACCOUNT,
            from: format!("mallory{number}@example.net"),
            kind: "message".to_owned(),
            count: 1,
            last_at: number as u64,
        };
        state.apply(Event::ProbeRefused { probe }, NOON);
    }
    assert_eq!(state.probes().len(), MAX_PROBES);
    assert_eq!(state.probes()[0].last_at, (MAX_PROBES + 49) as u64);
    for number in 0..MAX_CONTACTS + 50 {
        let contact = contact(&format!("c{number}"));
        state.apply(Event::ContactChanged { contact }, NOON);
    }
    assert_eq!(state.contacts().len(), MAX_CONTACTS);
}
