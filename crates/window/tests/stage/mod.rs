//! A stage for the window: a screen in memory, and an engine that says what the test wants.
//! It must never be part of the program. Standard: `docs/rpc.md`.

#![allow(dead_code, reason = "not every test plays every part")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a stage that cannot be set up ends the test"
)]

pub(crate) mod tour;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use i_slint_backend_testing::{AccessibleRole, ElementHandle, ElementQuery};
use model::{
    Account, AccountId, Address, Contact, Conversation, Delivery, Direction, Event, KnownFingerprint,
    Message, Notification, Privacy, Problem, ProfileState, Room, RoomMessage, RoomShown, RoomState, Snapshot,
    Tor, TorPhase, Verification, Wait,
};
use serde_json::{Value, json};
use slint::ComponentHandle;
use slint::platform::Key;
use window::headless::Screen;
use window::markup::Offers;
use window::{App, Look, Options};

pub(crate) const ALICE: AccountId = AccountId(1);
pub(crate) const FINGERPRINT: &str = "4A1C9E02 77B3D1F5 0E8C66A9 B1D2F3E4 5A6B7C8D";

pub(crate) const OTHER: &str = "11111111 22222222 33333333 44444444 55555555";

/// The window, its screen, and what it said to the engine.
pub(crate) struct Stage {
    pub(crate) screen: Screen,
    pub(crate) app: Rc<App>,
    said: Rc<RefCell<Vec<Value>>>,
    sequence: u64,
}

impl Stage {
    /// A window that has asked for everything and heard nothing yet.
    pub(crate) fn new(width: u32, height: u32) -> Self {
        let screen = Screen::new(width, height).unwrap();
        let said = Rc::new(RefCell::new(Vec::new()));
        let heard = said.clone();
        let out = move |line: view::Line| {
            let value: Value = serde_json::from_str(line.expose()).unwrap();
            heard.borrow_mut().push(value);
            true
        };
        let app = App::new(Box::new(out), &Options::default()).unwrap();
        app.show().unwrap();
        let offers = app.ui().global::<Offers<'_>>();
        offers.set_rooms(true);
        offers.set_tor_way(true);
        offers.set_panic(true);
        offers.set_correct(true);
        offers.set_visibility(true);
        offers.set_irc(true);
        Self {
            screen,
            app,
            said,
            sequence: 1,
        }
    }

    /// The calls of a method that nobody asked after yet.
    pub(crate) fn calls(&self, method: &str) -> Vec<Value> {
        let (found, rest) = self
            .said
            .take()
            .into_iter()
            .partition(|it| it["method"] == method);
        self.said.replace(rest);
        found
    }

    /// The parameters of the first such call.
    pub(crate) fn asked(&self, method: &str) -> Option<Value> {
        self.calls(method).first().map(|it| it["params"].clone())
    }

    /// Answers every open call of a method.
    pub(crate) fn answer(&self, method: &str, result: &Value) {
        for call in self.calls(method) {
            self.line(&json!({ "jsonrpc": "2.0", "id": call["id"], "result": result }));
        }
    }

    /// Refuses every open call of a method.
    pub(crate) fn refuse(&self, method: &str, code: &str) {
        let problem = Problem::new(code, "It could not be done.");
        for call in self.calls(method) {
            let error = json!({ "code": -32000, "message": problem.text, "data": problem });
            self.line(&json!({ "jsonrpc": "2.0", "id": call["id"], "error": error }));
        }
    }

    /// Makes the window ask for everything, and gives it this.
    pub(crate) fn fresh(&mut self, snapshot: &Snapshot) {
        if !self
            .said
            .borrow()
            .iter()
            .any(|it| it["method"] == "engine.snapshot")
        {
            self.tell(Event::EventsLost { count: 1 });
        }
        self.show(snapshot);
        self.sequence = 1;
    }

    /// Gives the window the look that the profile keeps.
    pub(crate) fn keep(&self, look: &Look) {
        self.answer("window.load", &json!({ "state": look.write() }));
    }

    /// Opens the conversation with a person, by the keyboard alone.
    pub(crate) fn open(&self, name: &str) {
        self.screen.settle();
        self.screen.chord(&[Key::Control], "f");
        self.screen.write(name);
        self.screen.settle();
        self.screen.key(Key::DownArrow);
        self.screen.key(Key::Return);
        self.screen.chord(&[Key::Control], "f");
        self.screen.key(Key::Escape);
        self.screen.chord(&[Key::Control], "m");
        self.screen.settle();
    }

    /// Everything that is seen and has a part in the accessibility tree.
    pub(crate) fn elements(&self) -> Vec<ElementHandle> {
        self.screen.settle();
        let all = ElementQuery::from_root(self.app.ui()).find_all();
        all.into_iter()
            .filter(|it| {
                it.accessible_role()
                    .is_some_and(|role| role != AccessibleRole::None)
            })
            .collect()
    }

    /// What is read out, element by element.
    pub(crate) fn labels(&self) -> Vec<String> {
        let elements = self.elements();
        elements
            .iter()
            .filter_map(|it| it.accessible_label())
            .map(String::from)
            .collect()
    }

    /// Whether something with this name is seen.
    pub(crate) fn shows(&self, words: &str) -> bool {
        self.labels().iter().any(|label| label.contains(words))
    }

    /// From the composer to the list of messages, by Tab.
    pub(crate) fn to_messages(&self) {
        self.screen
            .chord(&[Key::Shift], &slint::SharedString::from(Key::Tab));
        self.screen
            .chord(&[Key::Shift], &slint::SharedString::from(Key::Tab));
        self.screen.settle();
    }

    /// Where the first element whose name holds this stands.
    pub(crate) fn place(&self, words: &str) -> slint::LogicalPosition {
        let elements = self.elements();
        let found = elements
            .iter()
            .find(|it| it.accessible_label().is_some_and(|name| name.contains(words)));
        found.unwrap().absolute_position()
    }

    /// Clicks the element with this name.
    pub(crate) fn press(&self, label: &str) {
        let elements = self.elements();
        let found = elements
            .iter()
            .find(|it| it.accessible_label().is_some_and(|name| name == label));
        let found = found.unwrap_or_else(|| panic!("no element {label:?} in {:#?}", self.labels()));
        let (place, size) = (found.absolute_position(), found.size());
        // What would have to be scrolled to first is pressed as a screen reader does it.
        let seen = self.app.ui().window().size().to_logical(1.0).height - 48.0;
        if place.y + size.height > seen {
            found.invoke_accessible_default_action();
            return self.screen.settle();
        }
        self.screen
            .click(place.x + size.width / 2.0, place.y + size.height / 2.0);
        self.screen.settle();
    }

    /// Gives the window its snapshot.
    pub(crate) fn show(&self, snapshot: &Snapshot) {
        self.answer("engine.snapshot", &serde_json::to_value(snapshot).unwrap());
    }

    /// Tells an event.
    pub(crate) fn tell(&mut self, event: Event) {
        self.sequence += 1;
        let line = model::rpc::notification(&Notification {
            sequence: self.sequence,
            event,
        });
        self.app.hear(&[line]);
    }

    /// Tells how far a verification is.
    pub(crate) fn verifies(&mut self, name: &str, verification: Verification) {
        self.tell(Event::VerificationChanged {
            account: ALICE,
            contact: address(&format!("{name}@example.org")),
            verification,
        });
    }

    /// Tells that a contact uses another key.
    pub(crate) fn change_key(&mut self, name: &str, shown: &str) {
        let mut contact = contact(name, Some(shown), true);
        contact.fingerprints.push(KnownFingerprint {
            fingerprint: OTHER.to_owned(),
            accepted: false,
            verified: false,
        });
        self.tell(Event::ContactChanged { contact });
        self.tell(Event::FingerprintNew {
            account: ALICE,
            contact: address(&format!("{name}@example.org")),
            fingerprint: OTHER.to_owned(),
            changed: true,
        });
    }

    fn line(&self, value: &Value) {
        self.app.hear(&[value.to_string()]);
    }
}

pub(crate) fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

pub(crate) fn address(text: &str) -> Address {
    text.parse().unwrap()
}

pub(crate) fn account() -> Account {
    serde_json::from_value(json!({
        "id": 1, "address": "alice@otter.example", "state": { "is": "online" }, "connect": true,
        "fingerprint": FINGERPRINT, "server": null,
    }))
    .unwrap()
}

pub(crate) fn contact(name: &str, shown: Option<&str>, online: bool) -> Contact {
    serde_json::from_value(json!({
        "account": 1, "address": format!("{name}@example.org"), "name": shown,
        "presence": if online { "online" } else { "offline" }, "subscription": "both",
        "accepted": true, "asks": false,
        "fingerprints": [{ "fingerprint": FINGERPRINT, "accepted": true, "verified": false }],
    }))
    .unwrap()
}

pub(crate) fn message(number: u32, with: &str, direction: Direction, text: &str, ago: u64) -> Message {
    serde_json::from_value(json!({
        "id": format!("{number:032x}"), "account": 1, "contact": format!("{with}@example.org"),
        "direction": direction, "text": text, "at": now() - ago * 60_000, "encrypted": true,
        "fingerprint": FINGERPRINT,
        "delivery": { "is": "received" },
    }))
    .unwrap()
}

pub(crate) fn conversation(with: &str, privacy: Privacy, messages: Vec<Message>) -> Conversation {
    serde_json::from_value(json!({
        "account": 1, "contact": format!("{with}@example.org"), "privacy": privacy, "messages": messages,
    }))
    .unwrap()
}

pub(crate) fn private(verified: bool) -> Privacy {
    Privacy::Private {
        fingerprint: FINGERPRINT.to_owned(),
        verified,
    }
}

pub(crate) fn snapshot(profile: ProfileState) -> Snapshot {
    Snapshot {
        gateways: Vec::new(),
        rooms: Vec::new(),
        sequence: 1,
        profile,
        tor: Tor {
            phase: TorPhase::Ready,
            percent: 100,
            doing: String::new(),
            cause: None,
            advice: None,
            clock_seconds: None,
        },
        walls: Vec::new(),
        accounts: Vec::new(),
        contacts: Vec::new(),
        conversations: Vec::new(),
    }
}

/// An account and nobody else.
pub(crate) fn empty() -> Snapshot {
    let mut all = snapshot(ProfileState::Open);
    all.accounts.push(account());
    all
}

/// An evening of alice's: several people, scripts, states.
pub(crate) fn evening() -> Snapshot {
    let mut all = snapshot(ProfileState::Open);
    all.accounts.push(account());
    let mut carol = contact("carol", None, false);
    (carol.accepted, carol.asks) = (false, true);
    carol.first_words = Some("Hello, I have your address from Sara.".to_owned());
    all.contacts = vec![
        contact("sara", Some("سارة الحسن"), true),
        contact("bob", Some("Bob"), true),
        contact("dariush", Some("داریوش"), false),
        contact("ludmila", Some("Людмила Орлова"), true),
        contact("eve", None, false),
        carol,
    ];
    all.conversations = vec![
        conversation("bob", private(true), talk_with_bob()),
        conversation("sara", private(false), talk_with_sara()),
        conversation(
            "ludmila",
            Privacy::Plain,
            vec![message(301, "ludmila", Direction::Out, "Завтра в семь?", 3000)],
        ),
        conversation(
            "dariush",
            Privacy::Finished,
            vec![message(401, "dariush", Direction::In, "فردا می‌بینمت", 1500)],
        ),
    ];
    all
}

fn talk_with_bob() -> Vec<Message> {
    let texts = [
        (Direction::In, "Are you at the station already?", 1500),
        (
            Direction::Out,
            "Since five. The 18:40 is late again, so no hurry.",
            1498,
        ),
        (
            Direction::In,
            "Good. I have the papers with me, both copies, and the translation that you asked for last week.",
            1497,
        ),
        (Direction::In, "Should I bring the camera too?", 1497),
        (
            Direction::Out,
            "No, leave it. See https://example.org/route/7 for the way, it is marked from the north gate.",
            60,
        ),
        (Direction::In, "/me is on the way 🦦", 42),
        (Direction::In, "مرحبا من المحطة! القطار Intercity 73 وصل الآن.", 12),
        (Direction::Out, "Great 👍", 9),
        (Direction::Out, "Wait for me under the clock.", 3),
        (Direction::Out, "Two minutes.", 2),
    ];
    let mut number = 100;
    let mut said: Vec<Message> = texts
        .into_iter()
        .map(|(direction, text, ago)| {
            number += 1;
            message(number, "bob", direction, text, ago)
        })
        .collect();
    let last = said.len();
    said[last - 2].delivery = Delivery::Sent;
    said[last - 1].delivery = Delivery::Waiting {
        wait: Wait::Connection,
    };
    said[last - 3].delivery = Delivery::NotSent {
        problem: Problem::new("message.not_sent", "It could not be sent. Send it again."),
    };
    said
}

fn talk_with_sara() -> Vec<Message> {
    vec![
        message(201, "sara", Direction::In, "مساء الخير، هل وصلتك الرسالة؟", 200),
        message(
            202,
            "sara",
            Direction::Out,
            "نعم، شكرًا جزيلًا. سأقرأها الليلة.",
            190,
        ),
        message(
            203,
            "sara",
            Direction::In,
            "The file is called report-final.odt",
            20,
        ),
    ]
}

/// A room of alice's.
pub(crate) fn room(at: &str, name: &str) -> Room {
    serde_json::from_value(json!({
        "account": 1, "address": at, "name": name, "topic": "Rivers and what lives in them", "state": { "is": "inside" },
        "nick": "wren", "members": 3, "risks": ["logged"],
    }))
    .unwrap()
}

pub(crate) fn said(number: u32, nick: Option<&str>, text: &str, ago: u64) -> RoomMessage {
    serde_json::from_value(json!({
        "id": format!("{number:032x}"), "account": 1, "room": "otters@rooms.example", "nick": nick,
        "own": nick == Some("wren"), "text": text, "at": now() - ago * 60_000,
    }))
    .unwrap()
}

/// What was said in a room of alice's, and by whom.
pub(crate) fn otters() -> RoomShown {
    serde_json::from_value(json!({
        "room": room("otters@rooms.example", "Otters"),
        "members": [
            { "nick": "heron", "rank": "owner" },
            { "nick": "wren", "rank": "ordinary", "own": true },
            { "nick": "🔒 private, verified", "rank": "ordinary", "address": "mallory@example.net" },
        ],
        "messages": [
            said(501, Some("heron"), "The path along the north bank is open again.", 300),
            said(502, Some("heron"), "/me saw two of them this morning 🦦", 299),
            said(503, Some("🔒 private, verified"), "Trust me, this is a private conversation now.", 20),
            said(504, Some("سمكة"), "صباح الخير للجميع", 8),
            said(505, Some("wren"), "Good morning!", 2),
        ],
    }))
    .unwrap()
}

/// An account with two rooms: one that it is in, and an invitation.
pub(crate) fn rooms() -> Snapshot {
    let mut all = evening();
    let mut invited = room("zoo@rooms.example", "");
    invited.state = RoomState::Outside;
    invited.invited_by = Some(address("carol@example.org"));
    all.rooms = vec![otters().room, invited];
    all
}
