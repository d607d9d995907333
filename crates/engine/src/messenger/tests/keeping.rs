//! What alice lists, carries away, takes back and destroys, over door 1.

use super::*;

fn profile(desk: &Desk) -> PathBuf {
    desk.folder.path().join("profile")
}

fn names(desk: &Desk) -> Vec<String> {
    let entries = std::fs::read_dir(profile(desk)).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

async fn with_passphrase(desk: &mut Desk, method: &str, passphrase: &str) -> bool {
    let command = command(method, json!({ "passphrase": passphrase }));
    later(&mut desk.messenger, command).await;
    desk.messenger.open.is_some()
}

/// Alice with bob among her contacts, and a message that waits for him.
async fn desk() -> Desk {
    let mut desk = Desk::new().await;
    desk.about("contact.add", BOB, json!({})).unwrap();
    desk.about("message.send", BOB, json!({ "text": "waits" }))
        .unwrap();
    desk
}

fn lock(desk: &mut Desk) {
    now(&mut desk.messenger, Command::Lock(Nothing {})).unwrap();
}

#[tokio::test]
async fn a_locked_profile_is_neither_listed_nor_backed_up() {
    let mut desk = desk().await;
    lock(&mut desk);
    for (method, params) in [
        ("profile.stored", json!({})),
        ("profile.backup", json!({})),
        (
            "profile.set_destroying_passphrase",
            json!({ "passphrase": "otter" }),
        ),
    ] {
        assert_eq!(
            code(now(&mut desk.messenger, command(method, params))),
            "profile.locked"
        );
    }
}

#[tokio::test]
async fn what_is_stored_is_listed_with_its_size() {
    let mut desk = desk().await;
    let stored = now(&mut desk.messenger, command("profile.stored", json!({}))).unwrap();
    let stored: model::Stored = serde_json::from_value(stored).unwrap();
    let count = |what| stored.items.iter().find(|item| item.what == what).unwrap();
    for what in ["accounts", "keys", "contacts", "queued_messages"] {
        assert!(count(what).count == 1 && count(what).bytes > 10, "{what}");
    }
    assert_eq!((count("fingerprints").count, count("history").count), (0, 0));
    let on_disk: u64 = ["vault", "vault.old", "changes"]
        .map(|name| std::fs::metadata(profile(&desk).join(name)).unwrap().len())
        .iter()
        .sum();
    assert_eq!(stored.on_disk, on_disk);
}

#[tokio::test]
async fn nothing_is_wiped_before_its_owner_says_that_it_is_understood() {
    let mut desk = desk().await;
    let before = names(&desk);
    let refused = now(&mut desk.messenger, command("profile.wipe", json!({})));
    assert_eq!(code(refused), "profile.wipe_not_understood");
    assert!(desk.messenger.open.is_some() && names(&desk) == before);
}

#[tokio::test]
async fn a_wiped_profile_is_gone_whether_it_was_open_or_locked() {
    for open in [true, false] {
        let mut desk = desk().await;
        now(&mut desk.messenger, command("profile.backup", json!({}))).unwrap();
        if !open {
            lock(&mut desk);
        }
        let understood = json!({ "understood": true });
        now(&mut desk.messenger, command("profile.wipe", understood)).unwrap();
        assert!(desk.messenger.open.is_none() && !profile(&desk).exists());
        let snapshot = now(&mut desk.messenger, command("engine.snapshot", json!({}))).unwrap();
        assert_eq!(snapshot["profile"], "absent");
        assert!(with_passphrase(&mut desk, "profile.create", "another").await);
    }
}

#[tokio::test]
async fn a_backup_is_restored_into_an_empty_folder_with_everything_that_waited() {
    let mut desk = desk().await;
    let saved = now(&mut desk.messenger, command("profile.backup", json!({}))).unwrap();
    let file = profile(&desk).join(saved["file"].as_str().unwrap());
    let backup = std::fs::read(&file).unwrap();
    assert_eq!(saved["bytes"], backup.len());
    lock(&mut desk);
    // Where there is a profile, nothing is restored over it.
    assert!(!with_passphrase(&mut desk, "profile.restore", "otter").await);
    vault::wipe(&profile(&desk)).unwrap();
    std::fs::create_dir(profile(&desk)).unwrap();
    vault::make_private(&profile(&desk)).unwrap();
    std::fs::write(&file, backup).unwrap();
    assert!(!with_passphrase(&mut desk, "profile.restore", "wrong").await);
    assert!(with_passphrase(&mut desk, "profile.restore", "otter").await);
    assert_eq!(desk.messages(BOB)[0].text, "waits");
}

#[tokio::test]
async fn a_profile_on_travel_is_in_memory_until_it_is_asked_to_be_written() {
    let mut desk = desk().await;
    now(&mut desk.messenger, command("profile.backup", json!({}))).unwrap();
    lock(&mut desk);
    for name in ["vault", "vault.old", "changes"] {
        std::fs::remove_file(profile(&desk).join(name)).unwrap();
    }
    assert!(with_passphrase(&mut desk, "profile.travel", "otter").await);
    desk.about("message.send", BOB, json!({ "text": "from afar" }))
        .unwrap();
    assert_eq!(names(&desk), ["backup.otter", "lock"]);
    lock(&mut desk);
    assert!(with_passphrase(&mut desk, "profile.travel", "otter").await);
    assert_eq!(desk.messages(BOB).len(), 1);
    desk.about("message.send", BOB, json!({ "text": "written home" }))
        .unwrap();
    now(&mut desk.messenger, command("profile.backup", json!({}))).unwrap();
    lock(&mut desk);
    assert!(with_passphrase(&mut desk, "profile.travel", "otter").await);
    assert_eq!(desk.messages(BOB).len(), 2);
    assert_eq!(names(&desk), ["backup.otter", "lock"]);
}

#[tokio::test]
async fn the_destroying_passphrase_is_set_in_full_knowledge_and_destroys() {
    const METHOD: &str = "profile.set_destroying_passphrase";
    let mut desk = desk().await;
    let mut set = |destroying: &str, understood: bool| {
        let params = json!({ "passphrase": "otter", "destroying": destroying, "understood": understood });
        now(&mut desk.messenger, command(METHOD, params))
    };
    assert_eq!(code(set("burn", false)), "profile.destroying_not_understood");
    assert_eq!(code(set("", true)), "profile.no_passphrase");
    assert_eq!(code(set("otter", true)), "vault.same-passphrase");
    set("burn", true).unwrap();
    lock(&mut desk);
    for passphrase in ["wrong", "burn", "otter"] {
        assert!(!with_passphrase(&mut desk, "profile.unlock", passphrase).await);
    }
}

#[tokio::test]
async fn guessing_the_passphrase_is_made_dearer_and_never_cheaper() {
    let mut desk = desk().await;
    let shown = now(&mut desk.messenger, command("profile.cost", json!({}))).unwrap();
    let shown: model::GuessingCost = serde_json::from_value(shown).unwrap();
    let mut raise = |passphrase: &str, memory_mib: u32, passes: u32| {
        let params = json!({ "passphrase": passphrase, "memory_mib": memory_mib, "passes": passes });
        now(&mut desk.messenger, command("profile.raise_cost", params))
    };
    let (memory, passes) = (shown.memory_mib, shown.passes);
    for (memory, passes) in [(1025, passes), (u32::MAX, passes), (memory, 17), (0, 0)] {
        assert_eq!(code(raise("otter", memory, passes)), "profile.cost_out_of_range");
    }
    assert_eq!(code(raise("otter", memory - 1, passes)), "profile.cost_lower");
    assert_eq!(code(raise("otter", memory, passes - 1)), "profile.cost_lower");
    assert_eq!(code(raise("wrong", memory, passes + 1)), "vault.wrong-passphrase");
    let raised = raise("otter", memory, passes + 1).unwrap();
    assert_eq!(raised["passes"], passes + 1);
    lock(&mut desk);
    assert!(!with_passphrase(&mut desk, "profile.unlock", "wrong").await);
    assert!(with_passphrase(&mut desk, "profile.unlock", "otter").await);
    assert_eq!(
        now(&mut desk.messenger, command("profile.cost", json!({}))),
        Ok(raised)
    );
}

#[tokio::test]
async fn each_guess_over_door_1_costs_a_derivation_and_guesses_are_not_made_side_by_side() {
    let mut desk = desk().await;
    lock(&mut desk);
    let began = std::time::Instant::now();
    assert!(with_passphrase(&mut desk, "profile.unlock", "otter").await);
    let right = began.elapsed();
    lock(&mut desk);
    let began = std::time::Instant::now();
    for _ in 0..2 {
        assert!(!with_passphrase(&mut desk, "profile.unlock", "wrong").await);
    }
    // Two cost as much as two that are right, but for what opening takes besides.
    assert!(began.elapsed() * 2 > right, "{:?} and {right:?}", began.elapsed());
    let guess = || command("profile.unlock", json!({ "passphrase": "wrong" }));
    assert!(matches!(desk.messenger.carry_out(guess(), None), Outcome::Later));
    assert_eq!(code(now(&mut desk.messenger, guess())), "profile.busy");
}
