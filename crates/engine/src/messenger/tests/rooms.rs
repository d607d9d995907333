//! Rooms of an XMPP account over door 1. Must never reach a network. Door 1: `docs/rpc.md`.

use model::{RoomRisk, RoomShown, RoomState};

use super::*;
use crate::link::{RoomOrder, RoomReport};

const ROOM: &str = "den@rooms.example.org";

impl Desk {
    fn xmpp_room(&mut self, method: &str, more: Value) -> Result<Value, Problem> {
        let mut params = json!({ "account": self.account, "room": ROOM });
        let params_map = params.as_object_mut().unwrap();
        params_map.extend(more.as_object().unwrap().clone());
        now(&mut self.messenger, command(method, params))
    }

    fn room_orders(&mut self) -> Vec<RoomOrder> {
        std::iter::from_fn(|| self.orders.try_recv().ok())
            .filter_map(|order| match order {
                Order::Room(order) => Some(order),
                _ => None,
            })
            .collect()
    }

    fn room_is(&mut self, report: RoomReport) -> RoomShown {
        self.messenger.report(self.account, Report::Room(report));
        serde_json::from_value(self.xmpp_room("room.show", json!({})).unwrap()).unwrap()
    }
}

fn den() -> Address {
    ROOM.parse().unwrap()
}

#[tokio::test]
async fn a_room_of_an_xmpp_server_is_entered_under_a_name_that_says_nothing() {
    let mut desk = Desk::new().await;
    desk.xmpp_room("room.enter", json!({ "create": true })).unwrap();
    let orders = desk.room_orders();
    let [
        RoomOrder::Enter {
            nick, create: true, ..
        },
    ] = &orders[..]
    else {
        panic!("one order to enter");
    };
    assert!(!nick.is_empty() && !nick.contains("alice"), "{nick}");
    let (room, nick) = (den(), nick.clone());
    let shown = desk.room_is(RoomReport::Entered { room, nick });
    assert_eq!(shown.room.state, RoomState::Inside);
    let shown = desk.room_is(RoomReport::Told {
        room: den(),
        name: Some("The den".to_owned()),
        risks: vec![RoomRisk::Logged],
    });
    assert_eq!(shown.room.risks, [RoomRisk::Logged]);
    let invite = json!({ "contact": BOB });
    desk.xmpp_room("room.invite", invite).unwrap();
    assert!(matches!(desk.room_orders()[..], [RoomOrder::Invite { .. }]));
    let bad = desk.xmpp_room("room.enter", json!({ "room": "#otters" }));
    assert_eq!(bad.unwrap_err().code, "room.bad_address");
}

#[tokio::test]
async fn a_room_that_was_lost_with_the_connection_is_entered_again_on_the_next_one() {
    let mut desk = Desk::new().await;
    desk.xmpp_room("room.enter", json!({ "nick": "al" })).unwrap();
    let (room, nick) = (den(), "al".to_owned());
    desk.room_is(RoomReport::Entered { room, nick });
    desk.room_orders();
    desk.messenger
        .report(desk.account, Report::State(model::AccountState::Offline));
    desk.room_is(RoomReport::Left {
        room: den(),
        why: None,
    });
    desk.tell(xmpp::Event::Online {
        jid: "alice@example.org/2".parse().unwrap(),
        resumed: false,
        mechanism: xmpp::Mechanism::ScramSha256,
    });
    let orders = desk.room_orders();
    assert!(matches!(&orders[..], [RoomOrder::Enter { nick, .. }] if nick == "al"));
}

#[tokio::test]
async fn a_name_in_a_room_that_looks_like_another_is_told_in_the_room() {
    let mut desk = Desk::new().await;
    desk.xmpp_room("room.enter", json!({ "nick": "alice" })).unwrap();
    let (room, nick) = (den(), "alice".to_owned());
    desk.room_is(RoomReport::Entered { room, nick });
    let member = |nick: &str, own| model::Member {
        nick: nick.to_owned(),
        address: None,
        rank: model::Rank::Ordinary,
        own,
    };
    let members = vec![member("alice", true), member("bob", false)];
    let shown = desk.room_is(RoomReport::Members { room: den(), members });
    assert!(shown.messages.is_empty());
    let mallory = member("b\u{43e}b", false);
    let (room, twice) = (den(), mallory.clone());
    desk.room_is(RoomReport::Member {
        room,
        member: mallory,
    });
    let shown = desk.room_is(RoomReport::Member {
        room: den(),
        member: twice,
    });
    let [message] = &shown.messages[..] else {
        panic!("{:?}", shown.messages);
    };
    let problem = message.problem.as_ref().unwrap();
    assert_eq!(problem.code, "room.name_looks_like_another");
    assert_eq!(
        (&message.nick, &problem.about[..]),
        (&None, &["b\u{43e}b".to_owned()][..])
    );
    let renamed = RoomReport::Renamed {
        room: None,
        from: "bob".to_owned(),
        to: "a1ice".to_owned(),
    };
    let shown = desk.room_is(renamed);
    assert_eq!(shown.messages[1].problem.as_ref().unwrap().about, ["a1ice"]);
}
