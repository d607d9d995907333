//! Alice hides when she writes: the rule, its cost over door 1, and the messenger's sleep.

use super::*;

async fn shielded() -> Desk {
    let (mut desk, _bob) = with_bob().await;
    desk.ordered();
    now(
        &mut desk.messenger,
        command("rules.set", json!({ "shield": true })),
    )
    .unwrap();
    desk
}

fn cost(desk: &mut Desk) -> Value {
    now(&mut desk.messenger, command("rules.shield", json!({}))).unwrap()
}

/// Lets so many seconds pass at once.
fn pass(desk: &mut Desk, seconds: u64) {
    desk.messenger.origin -= Duration::from_secs(seconds);
    desk.messenger.tick();
}

#[tokio::test]
async fn the_shield_holds_messages_back_tells_its_cost_and_keeps_what_waits_when_the_profile_is_locked() {
    let mut desk = shielded().await;
    desk.about("message.send", BOB, json!({ "text": "waits for the clock" }))
        .unwrap();
    assert_eq!(desk.sent(), Vec::<String>::new());
    let message = desk.messages(BOB).pop().unwrap();
    assert_eq!(
        message.delivery,
        Delivery::Waiting {
            wait: model::Wait::Shield
        }
    );
    let told = cost(&mut desk);
    assert_eq!(
        (&told["up"], &told["waiting"], &told["empty"]),
        (&json!(true), &json!(1), &json!(0))
    );
    assert_eq!(
        (&told["shortest_wait"], &told["longest_wait"]),
        (&json!(5), &json!(65))
    );
    pass(&mut desk, 70);
    assert_eq!(desk.sent().len(), 1);
    pass(&mut desk, 70);
    assert_eq!(desk.sent().len(), 1, "an empty one");
    let told = cost(&mut desk);
    assert!(
        told["empty"] == 1 && told["empty_bytes"].as_u64().unwrap() > 300,
        "{told}"
    );
    desk.about("message.send", BOB, json!({ "text": "kept" }))
        .unwrap();
    now(&mut desk.messenger, Command::Lock(Nothing {})).unwrap();
    later(
        &mut desk.messenger,
        command("profile.unlock", json!({ "passphrase": "otter" })),
    )
    .await;
    assert_eq!(cost(&mut desk)["up"], true);
    let waits = |m: &model::Message| m.text == "kept" && matches!(m.delivery, Delivery::Waiting { .. });
    assert!(desk.messages(BOB).iter().any(waits));
}

#[tokio::test]
async fn an_idle_messenger_sleeps_and_wakes_in_time_for_what_is_due() {
    let rests = |desk: &mut Desk| {
        desk.messenger.tick();
        desk.messenger.wake.duration_since(Instant::now())
    };
    let mut desk = Desk::new().await;
    assert!(rests(&mut desk) > Duration::from_secs(500));
    // A message that waits for a contact who is away is no reason to wake.
    desk.about("contact.add", BOB, json!({})).unwrap();
    desk.about("message.send", BOB, json!({ "text": "waits" }))
        .unwrap();
    desk.messenger.origin -= Duration::from_secs(90);
    desk.messenger.tick();
    assert!(rests(&mut desk) > Duration::from_secs(500));
    desk.appears(&format!("{BOB}/a"));
    assert!(desk.messenger.wake <= Instant::now() + Duration::from_secs(1));
    let mut desk = shielded().await;
    pass(&mut desk, 70);
    desk.sent();
    let rest = rests(&mut desk);
    assert!(
        rest > Duration::from_secs(1) && rest < Duration::from_secs(66),
        "{rest:?}"
    );
    now(
        &mut desk.messenger,
        command("rules.set", json!({ "lock_after_minutes": 1 })),
    )
    .unwrap();
    assert!(rests(&mut desk) <= Duration::from_secs(1));
}
