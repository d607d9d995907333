//! How long the view takes where there is much of everything.
//! It must never be a part of the program. Standard: none.
//!
//! `cargo run --release -p view --example scale` prints one figure a line as JSON.
#![expect(clippy::print_stdout, reason = "the figures are what this is for")]

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::Instant;

use model::{
    AccountId, Address, Contact, Delivery, Direction, Event, Message, MessageId, Presence, Subscription,
};
use view::{Drafts, Language, Log, Peer, Query, Rows, State, Words, list, text};

const NOW: u64 = 1_795_268_220_000;
const TEXTS: [&str; 3] = [
    "A message as people write them, with a link: https://example.org/path",
    "پیامی که مردم می‌نویسند، با چند کلمه و یک عدد ۱۲۳",
    "👨‍👩‍👧‍👦 short",
];

fn main() {
    let Ok(address) = "bob@example.org".parse::<Address>() else {
        return;
    };
    let mut log = Log::default();
    let start = Instant::now();
    for number in 0..100_000 {
        log.put(view::What::Message(message(number, &address)));
    }
    tell("put_ns", start, 100_000);
    let name = text::name(Some("Bob"), "bob@example.org");
    let rows = Rows {
        log: &log,
        words: Words::new(Language::Persian),
        now: NOW,
        name: &name,
        own_name: "alice@example.org",
        first_new: None,
        in_full: &BTreeSet::new(),
    };
    let start = Instant::now();
    for first in (0..100_000).step_by(10_000) {
        black_box(rows.range(first..first + 30));
    }
    tell("row_ns", start, 300);
    let mut state = State::default();
    for number in 0..5_000 {
        contact(&mut state, number);
    }
    let start = Instant::now();
    let query = Query {
        previews: true,
        ..Query::default()
    };
    for _ in 0..10 {
        black_box(list(&state, &Drafts::default(), Words::default(), &query, NOW));
    }
    tell("list_of_5000_contacts_ns", start, 10);
}

fn message(number: u64, contact: &Address) -> Message {
    let mut id = [0; 16];
    for (byte, digit) in id.iter_mut().zip(number.to_be_bytes()) {
        *byte = digit;
    }
    let text = TEXTS
        .into_iter()
        .cycle()
        .nth(usize::try_from(number % 3).unwrap_or_default());
    Message {
        corrected: false,
        earlier: false,
        id: MessageId::from_bytes(id),
        account: AccountId(1),
        contact: contact.clone(),
        direction: if number.is_multiple_of(2) {
            Direction::In
        } else {
            Direction::Out
        },
        text: text.unwrap_or_default().to_owned(),
        at: NOW - (100_000 - number) * 60_000,
        encrypted: true,
        fingerprint: None,
        delivery: Delivery::Received,
    }
}

fn contact(state: &mut State, number: u64) {
    let Ok(address) = format!("contact{number}@example.org").parse::<Address>() else {
        return;
    };
    let peer = Peer::new(AccountId(1), address);
    let contact = Contact {
        gateway: None,
        kept: false,
        account: peer.account,
        address: peer.contact.clone(),
        name: Some(format!("Contact {number}")),
        presence: Presence::Online,
        subscription: Subscription::Both,
        accepted: true,
        asks: false,
        fingerprints: Vec::new(),
        first_words: None,
        blocked: false,
        policy: None,
        version_2: false,
    };
    state.apply(Event::ContactChanged { contact }, NOW);
    let message = message(number, &peer.contact);
    state.apply(Event::MessageChanged { message }, NOW);
}

fn tell(what: &str, start: Instant, times: u32) {
    let each = start.elapsed().as_nanos() / u128::from(times);
    println!(r#"{{"what":"view_{what}","value":{each}}}"#);
}
