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
    assert_eq!(kinds, ["same_room", "same_text"]);
    assert_eq!(enter(&mut desk, 2, ROOM), ["room.in_two_accounts"]);
    // The same name on another network is another room; but who is in it is called the same.
    assert_eq!(enter(&mut desk, 3, ROOM), ["room.nick_in_two_accounts"]);
}

/// What would tie an account to others, kind and other account.
fn links(desk: &mut Desk, asked: Value) -> Vec<(String, String)> {
    let found = now(&mut desk.messenger, command("link.check", asked)).unwrap();
    let found: model::Findings = serde_json::from_value(found).unwrap();
    found.findings.into_iter().map(|f| (f.kind, f.part)).collect()
}

fn ties(list: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(kind, part): &(&str, &str)| ((*kind).to_owned(), (*part).to_owned());
    list.iter().map(owned).collect()
}

#[tokio::test]
async fn on_irc_a_contact_a_room_and_a_name_are_warned_of_before_two_accounts_share_them() {
    let mut desk = desk().await;
    let namesake = ("same_name", "alice@irc.example.net");
    let room = |account: u64| json!({ "account": account, "to": "#Otters" });
    assert_eq!(links(&mut desk, room(1)), ties(&[namesake]));
    enter(&mut desk, 1, ROOM);
    assert_eq!(
        links(&mut desk, room(2)),
        ties(&[("same_room", "alice@irc.example")])
    );
    // The room of the same name on another network is another room.
    assert_eq!(
        links(&mut desk, room(3)),
        ties(&[("same_name", "alice@irc.example")])
    );
    desk.about("contact.add", "bob", json!({})).unwrap();
    let bob = |account: u64| json!({ "account": account, "to": "bob" });
    assert_eq!(
        links(&mut desk, bob(2)),
        ties(&[("same_contact", "alice@irc.example")])
    );
    assert_eq!(links(&mut desk, bob(3)), []);
    assert_eq!(links(&mut desk, bob(1)), []);
    // An account that is not there yet.
    let new = |address: &str| json!({ "to": address });
    assert_eq!(
        links(&mut desk, new("Rose@irc.example.com")),
        ties(&[("same_name", "rose@irc.example")])
    );
    assert_eq!(links(&mut desk, new("heron@irc.example.com")), []);
    let nobody = json!({ "account": 9, "to": "bob" });
    let refused = now(&mut desk.messenger, command("link.check", nobody));
    assert_eq!(code(refused), "account.unknown");
}

#[tokio::test]
async fn on_xmpp_a_contact_a_room_and_a_name_are_warned_of_before_two_accounts_share_them() {
    let mut desk = Desk::new().await;
    let night = desk.second_account("night-heron@example.com").await;
    let den = "den@rooms.example.org";
    let asked = |to: &str, nick: Option<&str>| json!({ "account": night, "to": to, "nick": nick });
    assert_eq!(links(&mut desk, asked(BOB, None)), []);
    assert_eq!(links(&mut desk, asked(den, Some("otter"))), []);
    desk.about("contact.add", BOB, json!({})).unwrap();
    let enter = json!({ "account": desk.account, "room": den, "nick": "Otter" });
    now(&mut desk.messenger, command("room.enter", enter)).unwrap();
    assert_eq!(
        links(&mut desk, asked(BOB, None)),
        ties(&[("same_contact", ALICE)])
    );
    assert_eq!(
        links(&mut desk, asked(den, Some("otter"))),
        ties(&[("same_room", ALICE), ("same_name", ALICE)])
    );
    let elsewhere = "pond@rooms.example.org";
    assert_eq!(
        links(&mut desk, asked(elsewhere, Some("alice"))),
        ties(&[("same_name", ALICE)])
    );
    assert_eq!(links(&mut desk, asked(elsewhere, None)), []);
    // A room, and a contact, that only look like one that is known.
    let alike = "d\u{435}n@rooms.example.org";
    assert_eq!(
        links(&mut desk, asked(alike, None)),
        ties(&[("look_alike", alike)])
    );
    let alike = "b0b@example.net";
    assert_eq!(
        links(&mut desk, asked(alike, None)),
        ties(&[("look_alike", alike)])
    );
    // Nothing is held up: whoever goes on is told again, and has the contact.
    let add = json!({ "account": night, "contact": BOB });
    now(&mut desk.messenger, command("contact.add", add)).unwrap();
    assert_eq!(
        desk.contacts()
            .iter()
            .filter(|c| c.address.as_str() == BOB)
            .count(),
        2
    );
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
