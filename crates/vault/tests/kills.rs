//! Alice's program is killed while it writes, some hundred times: what she was told was kept is there.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "support/desk.rs"]
mod desk;

use desk::{Desk, right, said, texts};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use vault::Vault;

/// How often, unless `VAULT_KILLS` says otherwise.
const ROUNDS: u64 = 200;
const BOB: &str = "bob@example.org";

/// Started by the test below, to be killed. Says each number once it is kept.
#[test]
#[ignore = "runs until it is killed"]
fn a_writer_that_never_stops() {
    let Some(dir) = std::env::var_os("VAULT_TO_WRITE") else {
        return;
    };
    let mut vault = Vault::open(Path::new(&dir), &right()).unwrap();
    // Now and then from the beginning, so that the log stays short and is written anew under fire.
    if texts(&mut vault, BOB).len() > 300 {
        vault.history(1, BOB).unwrap().erase().unwrap();
    }
    vault.keep_history(1, BOB).unwrap();
    vault.keep_history(1, "carol@example.org").unwrap();
    loop {
        let number = vault.profile().next_id + 1;
        vault.change(|profile| profile.next_id = number).unwrap();
        println!("kept={number}");
        for address in [BOB, "carol@example.org"] {
            let entry = said(&number.to_string());
            vault.history(1, address).unwrap().append(&entry).unwrap();
        }
        println!("said={number}");
        if number.is_multiple_of(16) {
            vault.history(1, "carol@example.org").unwrap().erase().unwrap();
            vault.keep_history(1, "carol@example.org").unwrap();
        }
    }
}

fn start(desk: &Desk) -> Child {
    #[expect(
        clippy::disallowed_methods,
        reason = "the test starts itself again, to kill it"
    )]
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "a_writer_that_never_stops", "--ignored", "--nocapture"])
        .env("VAULT_TO_WRITE", &desk.dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The last number that was told after `word`, or 0. The last line may be cut; whole ones end in a newline.
fn told(text: &str, word: &str) -> u64 {
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let last = whole.rsplit_once(word).map(|(_, rest)| rest);
    last.map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap())
}

#[test]
fn a_kill_at_any_moment_loses_nothing_that_was_kept() {
    let desk = Desk::new();
    let mut vault = desk.create();
    vault.keep_history(1, BOB).unwrap();
    drop(vault);
    let rounds = std::env::var("VAULT_KILLS").map_or(ROUNDS, |number| number.parse().unwrap());
    for round in 0..rounds {
        let mut child = start(&desk);
        let mut words = BufReader::new(child.stdout.take().unwrap());
        let mut text = String::new();
        while !text.contains("kept=") {
            assert_ne!(words.read_line(&mut text).unwrap(), 0, "the writer ended: {text}");
        }
        std::thread::sleep(Duration::from_micros(round * 331 % 20_000));
        child.kill().unwrap();
        child.wait().unwrap();
        words.read_to_string(&mut text).unwrap();
        let mut vault = desk.open().unwrap();
        let kept = told(&text, "kept=");
        assert!(
            vault.profile().next_id >= kept,
            "{} after {kept}",
            vault.profile().next_id
        );
        let said = told(&text, "said=");
        let found = texts(&mut vault, BOB);
        assert!(
            said == 0 || found.contains(&said.to_string()),
            "{said} is not in {found:?}"
        );
        assert!(found.is_sorted_by_key(|text| text.parse::<u64>().unwrap()));
    }
    assert!(
        desk.open().unwrap().profile().next_id > rounds,
        "the writer hardly ran"
    );
}
