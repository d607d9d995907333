//! Two accounts that meet in rooms, invitations of strangers, and what a room sees. Must never reach a network.

use model::RoomMessage;

use super::*;
use crate::link::RoomReport;

const ROOM: &str = "#otters";

/// Alice with two accounts on one network and one on another; only the first is connected.
async fn desk() -> Desk {
    let account =
        json!({ "protocol": "irc", "address": "alice@irc.example", "password": "", "connect": false });
    let mut desk = Desk::with(account).await;
    for other in ["rose@irc.example", "alice@irc.example.net"] {
        let account = json!({ "protocol": "irc", "address": other, "password": "", "connect": false });
        later(&mut desk.messenger, command("account.add", account)).await;
    }
    desk.messenger.report(desk.account, Report::Line(450));
    desk.messenger
        .report(desk.account, Report::Online { mechanism: None });
    desk
}

fn report(desk: &mut Desk, report: RoomReport) {
    desk.messenger.report(desk.account, Report::Room(report));
}

fn room() -> Address {
    ROOM.parse().unwrap()
}

fn enter(desk: &mut Desk, account: u64, room: &str) -> Vec<String> {
    let with = json!({ "account": account, "room": room });
    now(&mut desk.messenger, command("room.enter", with.clone())).unwrap();
    let shown = now(&mut desk.messenger, command("room.show", with)).unwrap();
    let messages: Vec<RoomMessage> = serde_json::from_value(shown["messages"].clone()).unwrap();
    let codes = messages.into_iter().filter_map(|message| message.problem);
    codes.map(|problem| problem.code).collect()
}

#[tokio::test]
async fn the_same_room_or_name_in_two_accounts_is_told_when_it_is_entered_and_a_text_before_it_is_said() {
    let mut desk = desk().await;
    assert!(enter(&mut desk, 1, ROOM).is_empty());
    let text = "I have seen an otter by the old mill today.";
    report(
        &mut desk,
        RoomReport::Entered {
            room: room(),
            nick: "alice".to_owned(),
        },
    );
    let say = json!({ "account": 1, "room": ROOM, "text": text });
    now(&mut desk.messenger, command("room.say", say)).unwrap();
    let check = json!({ "account": 2, "to": ROOM, "text": text });
    let found = now(&mut desk.messenger, command("text.check", check)).unwrap();
    let kinds: Vec<&str> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["same_contact", "same_text"]);
    assert_eq!(enter(&mut desk, 2, ROOM), ["room.in_two_accounts"]);
    // The same name on another network is another room; but who is in it is called the same.
    assert_eq!(enter(&mut desk, 3, ROOM), ["room.nick_in_two_accounts"]);
}

#[tokio::test]
async fn an_invitation_of_a_stranger_is_counted_among_the_probes_and_one_of_a_contact_is_not() {
    let mut desk = desk().await;
    desk.about("contact.add", "bob", json!({})).unwrap();
    for by in ["mallory", "mallory", "bob"] {
        let by = by.parse().unwrap();
        report(
            &mut desk,
            RoomReport::Invited {
                room: room(),
                by,
                password: None,
            },
        );
    }
    let probes = now(&mut desk.messenger, command("probe.list", json!({}))).unwrap();
    let probes = probes["probes"].as_array().unwrap();
    assert_eq!(probes.len(), 1);
    assert_eq!(
        (&probes[0]["from"], &probes[0]["kind"], &probes[0]["count"]),
        (&json!("mallory"), &json!("invitation"), &json!(2))
    );
    assert_eq!(desk.ordered(), []);
}

#[tokio::test]
async fn what_a_room_and_its_server_see_is_counted_when_the_server_has_it_and_not_before() {
    let mut desk = desk().await;
    enter(&mut desk, 1, ROOM);
    let counts = |desk: &mut Desk| -> BTreeMap<String, u64> {
        let sights = now(&mut desk.messenger, command("sight.list", json!({}))).unwrap();
        let lines = sights["sights"].as_array().unwrap().iter();
        let word = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
        lines
            .filter(|line| {
                line["observer"] == "room" || line["what"] == "room_list" || line["what"] == "readable_text"
            })
            .map(|line| {
                (
                    word(line, "observer") + " " + &word(line, "what"),
                    line["count"].as_u64().unwrap(),
                )
            })
            .collect()
    };
    assert!(counts(&mut desk).is_empty());
    report(
        &mut desk,
        RoomReport::Entered {
            room: room(),
            nick: "alice".to_owned(),
        },
    );
    let entered = [("own_server room_list", 1), ("room nick", 1)];
    let expect = |pairs: &[(&str, u64)]| -> BTreeMap<String, u64> {
        pairs
            .iter()
            .map(|(line, count)| ((*line).to_owned(), *count))
            .collect()
    };
    assert_eq!(counts(&mut desk), expect(&entered));
    let say = json!({ "account": 1, "room": ROOM, "text": "hello" });
    now(&mut desk.messenger, command("room.say", say)).unwrap();
    assert_eq!(counts(&mut desk), expect(&entered));
    let token = desk.messenger.tokens;
    desk.messenger.report(desk.account, Report::Taken { token });
    let said = |nick: &str, own, earlier| RoomReport::Said {
        room: room(),
        nick: Some(nick.to_owned()),
        own,
        text: "x".to_owned(),
        earlier,
    };
    // Her own words come back, and what was said before she came was not said to her.
    report(&mut desk, said("alice", true, false));
    report(&mut desk, said("bob", false, true));
    report(&mut desk, said("bob", false, false));
    let all = [
        ("own_server readable_text", 2),
        ("own_server room_list", 1),
        ("room message_sizes", 1),
        ("room message_times", 1),
        ("room nick", 1),
        ("room readable_text", 1),
    ];
    assert_eq!(counts(&mut desk), expect(&all));
}

#[tokio::test]
async fn whoever_panics_in_a_room_leaves_nothing_open_within_a_second() {
    let mut desk = desk().await;
    enter(&mut desk, 1, ROOM);
    report(
        &mut desk,
        RoomReport::Entered {
            room: room(),
            nick: "alice".to_owned(),
        },
    );
    now(&mut desk.messenger, command("engine.panic", json!({}))).unwrap();
    let started = std::time::Instant::now();
    desk.messenger.end_at_once().await;
    assert!(started.elapsed() < Duration::from_millis(900));
    assert!(desk.messenger.open.is_none());
}
