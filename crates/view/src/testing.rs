//! Alice's profile as tests see it: one account, bob, and messages between them.
//! It must never be built outside tests. Standard: `docs/rpc.md`.

use model::{
    Account, AccountId, AccountState, Address, Contact, Conversation, Delivery, Direction, KnownFingerprint,
    Message, MessageId, Policy, Presence, Privacy, ProfileState, Rank, Room, RoomMessage, RoomState,
    Snapshot, Subscription, Tor, TorPhase, Verification,
};

use crate::Peer;

pub(crate) const FINGERPRINT: &str = "AAAAAAAA BBBBBBBB CCCCCCCC DDDDDDDD EEEEEEEE";
pub(crate) const ACCOUNT: AccountId = AccountId(1);
/// 2026-11-21 13:37:00 UTC, a Saturday.
pub(crate) const NOON: u64 = 1_795_268_220_000;

pub(crate) fn address(text: &str) -> Address {
    text.parse().unwrap()
}

pub(crate) fn bob() -> Peer {
    Peer::new(ACCOUNT, address("bob@example.org"))
}

pub(crate) fn message(number: u32, direction: Direction, text: &str) -> Message {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    Message {
        corrected: false,
        earlier: false,
        id: MessageId::from_bytes(bytes),
        account: ACCOUNT,
        contact: bob().contact,
        direction,
        text: text.to_owned(),
        at: NOON + u64::from(number) * 1000,
        encrypted: true,
        fingerprint: Some(FINGERPRINT.to_owned()),
        delivery: match direction {
            Direction::In => Delivery::Received,
            Direction::Out => Delivery::Sent,
        },
    }
}

pub(crate) fn incoming(number: u32, text: &str) -> Message {
    message(number, Direction::In, text)
}

pub(crate) fn outgoing(number: u32, text: &str) -> Message {
    message(number, Direction::Out, text)
}

pub(crate) fn contact(name: &str) -> Contact {
    Contact {
        kept: false,
        account: ACCOUNT,
        address: address(&format!("{name}@example.org")),
        name: None,
        presence: Presence::Online,
        subscription: Subscription::Both,
        accepted: true,
        asks: false,
        gateway: None,
        fingerprints: vec![KnownFingerprint {
            fingerprint: FINGERPRINT.to_owned(),
            accepted: true,
            verified: false,
        }],
        first_words: None,
        blocked: false,
        policy: None,
        version_2: false,
    }
}

pub(crate) fn conversation(messages: Vec<Message>) -> Conversation {
    Conversation {
        account: ACCOUNT,
        contact: bob().contact,
        privacy: Privacy::Private {
            fingerprint: FINGERPRINT.to_owned(),
            verified: false,
        },
        messages,
        before: None,
        verification: Verification::None,
        draft: String::new(),
    }
}

pub(crate) fn snapshot(sequence: u64, messages: Vec<Message>) -> Snapshot {
    Snapshot {
        gateways: Vec::new(),
        rooms: Vec::new(),
        sequence,
        profile: ProfileState::Open,
        tor: Tor {
            phase: TorPhase::Ready,
            percent: 100,
            doing: "Tor is connected.".to_owned(),
            cause: None,
            advice: None,
            clock_seconds: None,
        },
        walls: Vec::new(),
        accounts: vec![Account {
            visibility: model::Visibility::Always,
            server_story: None,
            protocol: model::Protocol::Xmpp,
            id: ACCOUNT,
            address: address("alice@example.org"),
            state: AccountState::Online,
            connect: true,
            fingerprint: FINGERPRINT.to_owned(),
            server: None,
            policy: Policy::Required,
        }],
        contacts: vec![contact("bob")],
        conversations: vec![conversation(messages)],
    }
}

pub(crate) fn room(at: &str) -> Room {
    Room {
        account: ACCOUNT,
        address: address(at),
        name: None,
        topic: None,
        state: RoomState::Inside,
        nick: "wren".to_owned(),
        rank: Rank::Ordinary,
        members: 2,
        risks: Vec::new(),
        enter: false,
        invited_by: None,
    }
}

pub(crate) fn said(number: u32, nick: Option<&str>, text: &str) -> RoomMessage {
    let message = incoming(number, text);
    RoomMessage {
        id: message.id,
        account: ACCOUNT,
        room: address("otters@rooms.example"),
        nick: nick.map(str::to_owned),
        own: false,
        text: message.text,
        at: message.at,
        earlier: false,
        problem: None,
    }
}
