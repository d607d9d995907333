//! Alice's rules: when her profile locks itself, when it is destroyed, and what remains when she panics.

use super::*;

fn set(desk: &mut Desk, rules: Value) -> Result<Value, Problem> {
    now(&mut desk.messenger, command("rules.set", rules))
}

fn profile(desk: &Desk) -> PathBuf {
    desk.folder.path().join("profile")
}

async fn unlock(desk: &mut Desk) -> bool {
    let unlock = command("profile.unlock", json!({ "passphrase": "otter" }));
    later(&mut desk.messenger, unlock).await;
    desk.messenger.open.is_some()
}

fn lock(desk: &mut Desk) {
    now(&mut desk.messenger, Command::Lock(Nothing {})).unwrap();
}

/// Changes the sealed day on which the profile was last open.
fn last_open(desk: &mut Desk, day: u32) {
    let vault = &mut desk.messenger.open.as_mut().unwrap().vault;
    vault
        .change(|kept| kept.settings.insert("last_open".to_owned(), json!(day)))
        .unwrap();
}

#[tokio::test]
async fn rules_out_of_range_are_refused_and_the_others_outlive_a_start() {
    let mut desk = Desk::new().await;
    for refused in [
        json!({ "lock_after_minutes": 0 }),
        json!({ "lock_after_minutes": 1441 }),
        json!({ "expire_after_days": 0 }),
        json!({ "expire_after_days": 3651 }),
    ] {
        assert_eq!(code(set(&mut desk, refused)), "rules.out_of_range");
    }
    set(&mut desk, json!({ "lock_after_minutes": 5 })).unwrap();
    lock(&mut desk);
    let show = || command("rules.show", json!({}));
    assert_eq!(code(now(&mut desk.messenger, show())), "profile.locked");
    assert!(unlock(&mut desk).await);
    let rules = now(&mut desk.messenger, show()).unwrap();
    assert_eq!(rules["lock_after_minutes"], 5);
    assert!(!profile(&desk).join("until").exists());
}

#[tokio::test]
async fn a_profile_that_its_owner_left_locks_itself_and_a_window_alone_does_not_hold_it_open() {
    let mut desk = Desk::new().await;
    set(&mut desk, json!({ "lock_after_minutes": 1 })).unwrap();
    desk.messenger.look_at_the_clock();
    assert!(desk.messenger.open.is_some());
    desk.messenger.origin -= Duration::from_secs(40);
    desk.messenger.attend(&Command::Snapshot(Nothing {}));
    assert!(desk.messenger.open.is_some());
    desk.messenger.attend(&command(
        "conversation.show",
        json!({ "account": 1, "contact": BOB }),
    ));
    desk.messenger.origin -= Duration::from_secs(40);
    desk.messenger.look_at_the_clock();
    assert!(desk.messenger.open.is_some());
    desk.messenger.origin -= Duration::from_secs(21);
    desk.messenger.attend(&Command::Snapshot(Nothing {}));
    assert!(desk.messenger.open.is_none());
}

#[tokio::test]
async fn a_profile_that_nobody_opened_is_destroyed_when_the_program_starts() {
    let mut desk = Desk::new().await;
    set(&mut desk, json!({ "expire_after_days": 30 })).unwrap();
    lock(&mut desk);
    // Forty days pass.
    let until = std::fs::read(profile(&desk).join("until")).unwrap();
    let day = u32::from_le_bytes(until[..4].try_into().unwrap()) - 40;
    let earlier = [day.to_le_bytes(), (!day).to_le_bytes()].concat();
    let mut started = messenger(desk.folder.path());
    started.look_at_the_clock();
    assert!(profile(&desk).exists());
    std::fs::write(profile(&desk).join("until"), earlier).unwrap();
    let mut started = messenger(desk.folder.path());
    started.look_at_the_clock();
    assert!(!profile(&desk).exists());
}

#[tokio::test]
async fn a_profile_that_is_opened_too_late_was_never_there_even_without_the_file_that_says_so() {
    let mut desk = Desk::new().await;
    set(&mut desk, json!({ "expire_after_days": 30 })).unwrap();
    last_open(&mut desk, 19_000);
    lock(&mut desk);
    std::fs::remove_file(profile(&desk).join("until")).unwrap();
    assert!(!unlock(&mut desk).await);
    assert!(!profile(&desk).exists());
    assert_eq!(desk.messenger.profile_state().unwrap(), ProfileState::Absent);
}

#[tokio::test]
async fn a_profile_opened_in_time_may_wait_as_long_again_and_a_restored_one_too() {
    let mut desk = Desk::new().await;
    set(&mut desk, json!({ "expire_after_days": 3650 })).unwrap();
    last_open(&mut desk, 18_000);
    now(&mut desk.messenger, command("profile.backup", json!({}))).unwrap();
    lock(&mut desk);
    assert!(unlock(&mut desk).await);
    let open = desk.messenger.open.as_ref().unwrap();
    assert!(open.vault.profile().settings["last_open"].as_u64().unwrap() > 20_000);
    assert!(profile(&desk).join("until").exists());
    set(&mut desk, json!({})).unwrap();
    assert!(!profile(&desk).join("until").exists());
}

#[tokio::test]
async fn whoever_panics_ends_private_conversations_and_leaves_nothing_open() {
    let (mut desk, _bob) = with_bob().await;
    desk.ordered();
    now(&mut desk.messenger, command("engine.panic", json!({}))).unwrap();
    assert!(desk.messenger.stopping);
    let started = std::time::Instant::now();
    desk.messenger.end_at_once().await;
    assert!(started.elapsed() < Duration::from_millis(900));
    assert!(desk.messenger.open.is_none());
    // Bob's program is told that the conversation ended.
    assert_eq!(desk.sent().len(), 1);
}
