//! The list as alice sees it.
//! They must never depend on the clock of the machine. Standard: none.

use super::*;
use crate::language::Language;
use crate::testing::{ACCOUNT, NOON, contact, incoming, snapshot};
use model::{Event, Snapshot};

fn with(contacts: Vec<Contact>) -> State {
    let mut state = State::default();
    state.replace(Snapshot {
        contacts,
        conversations: vec![],
        ..snapshot(1, vec![])
    });
    state
}

fn write(state: &mut State, from: &str, number: u32, text: &str) {
    let mut message = incoming(number, text);
    message.contact = format!("{from}@example.org").parse().unwrap();
    state.apply(Event::MessageChanged { message }, NOON);
}

fn rows(state: &State, query: &Query) -> Vec<ListRow> {
    let words = Words::new(Language::English);
    list(state, &Drafts::default(), words, query, NOON)
}

fn names(state: &State, query: &Query) -> Vec<String> {
    rows(state, query).into_iter().map(|row| row.name.text).collect()
}

fn named(address: &str, name: &str) -> Contact {
    Contact {
        name: Some(name.to_owned()),
        ..contact(address)
    }
}

fn request(address: &str) -> Contact {
    Contact {
        accepted: false,
        asks: true,
        name: Some("🔒 Private, verified".to_owned()),
        first_words: Some("Hello,\nit's me".to_owned()),
        ..contact(address)
    }
}

#[test]
fn requests_come_first_then_who_wrote_last_then_names() {
    let mut state = with(vec![
        named("a", "Zoe"),
        named("b", "Anna"),
        named("c", "Bob"),
        request("mallory"),
    ]);
    write(&mut state, "a", 1, "first");
    write(&mut state, "c", 2, "second");
    assert_eq!(
        names(&state, &Query::default()),
        ["mallory@example.org", "Bob", "Zoe", "Anna"]
    );
    let by_name = Query {
        order: Order::Name,
        ..Query::default()
    };
    assert_eq!(
        names(&state, &by_name),
        ["mallory@example.org", "Anna", "Bob", "Zoe"]
    );
}

#[test]
fn a_request_shows_an_address_and_first_words_and_no_name_of_its_own() {
    let row = rows(&with(vec![request("mallory")]), &Query::default()).remove(0);
    assert_eq!(row.kind, ListKind::Request);
    assert_eq!(row.name.text, "mallory@example.org");
    assert_eq!(row.preview, "Hello, it's me");
}

#[test]
fn unread_messages_are_counted_shown_and_found() {
    let mut state = with(vec![contact("a"), contact("b")]);
    for number in 0..120 {
        write(&mut state, "b", number, "x");
    }
    let query = Query {
        filter: Filter::Unread,
        previews: true,
        ..Query::default()
    };
    let row = rows(&state, &query).remove(0);
    assert_eq!(
        (row.unread, row.badge.as_str(), row.preview.as_str()),
        (120, "99+", "x")
    );
    assert_eq!(row.when, "13:38");
    assert!(row.spoken.contains("120 unread messages"), "{}", row.spoken);
    assert_eq!(rows(&state, &query).len(), 1);
}

#[test]
fn a_search_finds_names_and_addresses_whatever_the_case_and_marks() {
    let state = with(vec![named("x", "Élodie"), named("y", "كريم"), contact("bob")]);
    let search = |text: &str| {
        let query = Query {
            search: text.to_owned(),
            ..Query::default()
        };
        names(&state, &query)
    };
    assert_eq!(search("elo"), ["Élodie"]);
    assert_eq!(search("کریم"), ["كريم"]);
    assert_eq!(search("BOB@"), ["bob@example.org"]);
    assert!(search("nobody").is_empty());
}

#[test]
fn who_is_blocked_stands_only_where_it_is_asked_for() {
    let blocked = Contact {
        blocked: true,
        ..contact("mallory")
    };
    let state = with(vec![blocked, contact("bob")]);
    assert_eq!(names(&state, &Query::default()), ["bob@example.org"]);
    let query = Query {
        filter: Filter::Blocked,
        ..Query::default()
    };
    assert_eq!(names(&state, &query), ["mallory@example.org"]);
}

#[test]
fn previews_and_drafts_are_shown_only_by_choice() {
    let mut state = with(vec![contact("bob")]);
    write(&mut state, "bob", 1, "a secret");
    assert_eq!(rows(&state, &Query::default())[0].preview, "");
    let mut drafts = Drafts::default();
    let peer = Peer::new(ACCOUNT, "bob@example.org".parse().unwrap());
    drafts.change(&peer, "half a sentence", NOON);
    let query = Query {
        previews: true,
        ..Query::default()
    };
    let row = list(&state, &drafts, Words::new(Language::English), &query, NOON).remove(0);
    assert_eq!((row.preview.as_str(), row.is_draft), ("half a sentence", true));
}

#[test]
fn one_account_alone_can_be_shown() {
    let query = Query {
        account: Some(AccountId(7)),
        ..Query::default()
    };
    assert!(rows(&with(vec![contact("bob")]), &query).is_empty());
}
