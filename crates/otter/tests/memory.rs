//! Mallory reads all memory of alice's program once she locked it: nothing of hers is there. `OTTER_PUBLIC` names the
//! program, as for `public.rs`; reading another program's memory takes root.
//!
//! The program is in a network namespace without a network.

#![expect(clippy::disallowed_methods, reason = "starts the program as a person would")]
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test")]
#![cfg(target_os = "linux")]

#[path = "support/memory.rs"]
mod memory;

use memory::{family, private_numbers, search};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const SECRETS: [&str; 8] = [
    "walrus-and-carpenter-7",
    "jabberwocky-brillig9",
    "alice.liddell@exam.pl",
    "cheshire.cat@grin.exam",
    "The grinning cat 4",
    "meet me at the treacle well",
    "über den Tränenteich",
    "the dormouse is in the tea",
];

struct Alice {
    child: Child,
    input: ChildStdin,
    lines: BufReader<ChildStdout>,
    asked: u64,
}

impl Alice {
    fn start(home: &str) -> Self {
        let program =
            std::env::var("OTTER_PUBLIC").expect("OTTER_PUBLIC names the program: run ./test public");
        let mut child = Command::new("unshare")
            .args([
                "--user",
                "--map-root-user",
                "--net",
                &program,
                "engine",
                "--profile",
                home,
            ])
            .env("ARTI_FS_DISABLE_PERMISSION_CHECKS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            input,
            lines,
            asked: 0,
        }
    }

    fn say(&mut self, method: &str, params: Value) -> u64 {
        self.asked += 1;
        let line = json!({ "jsonrpc": "2.0", "id": self.asked, "method": method, "params": params });
        writeln!(self.input, "{line}").unwrap();
        self.asked
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.say(method, params);
        loop {
            let mut line = String::new();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "the program ended");
            let mut said: Value = serde_json::from_str(&line).unwrap();
            if said.get("id") == Some(&json!(id)) {
                assert!(said.get("error").is_none(), "{method}: {said}");
                return said.get_mut("result").unwrap().take();
            }
        }
    }

    /// A day: a profile is made, filled, locked, opened and looked at. More that must not be found.
    fn live(&mut self) -> Vec<(String, Vec<u8>)> {
        let [passphrase, password, own, contact, name, text, text_2, draft] = SECRETS;
        self.ask("profile.create", json!({ "passphrase": passphrase }));
        let account = json!({ "address": own, "password": password, "connect": false });
        let added = self.ask("account.add", account);
        let account = added.get("account").unwrap();
        let about = |more: Value| {
            let mut params = json!({ "account": account, "contact": contact });
            params
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            params
        };
        self.ask("contact.add", about(json!({ "name": name })));
        self.ask("history.keep", about(json!({ "keep": true })));
        for _ in 0..20 {
            self.ask("message.send", about(json!({ "text": text })));
        }
        self.ask("message.send", about(json!({ "text": text_2 })));
        self.ask("conversation.draft", about(json!({ "text": draft })));
        self.ask("profile.lock", json!({}));
        self.ask("profile.unlock", json!({ "passphrase": passphrase }));
        for _ in 0..5 {
            self.ask("engine.snapshot", json!({}));
            self.ask("conversation.show", about(json!({})));
        }
        let exported = self.ask("key.export", json!({ "account": account, "understood": true }));
        let fingerprint = added.get("fingerprint").and_then(Value::as_str).unwrap();
        let mut secrets = private_numbers(&exported.to_string());
        secrets.push(("fingerprint".into(), fingerprint.into()));
        let ungrouped = fingerprint.replace(' ', "");
        secrets.push(("fingerprint, small".into(), ungrouped.to_lowercase().into()));
        secrets.push(("fingerprint, ungrouped".into(), ungrouped.into()));
        secrets
    }
}

#[test]
fn public_nothing_of_a_locked_profile_is_left_in_the_programs_memory_and_panic_ends_it_within_a_second() {
    let home = std::env::temp_dir().join(format!("otter-memory-{}", std::process::id()));
    let mut alice = Alice::start(home.to_str().unwrap());
    let mut secrets = alice.live();
    for secret in SECRETS {
        secrets.push((secret.to_owned(), secret.into()));
        let escaped: String = secret
            .encode_utf16()
            .map(|unit| format!("\\u{unit:04x}"))
            .collect();
        secrets.push((format!("{secret} escaped"), escaped.into()));
    }
    let processes = family(alice.child.id());
    let open = search(&processes, &secrets);
    alice.ask("profile.lock", json!({}));
    std::thread::sleep(Duration::from_secs(1));
    let locked = search(&processes, &secrets);
    let began = Instant::now();
    alice.say("engine.panic", json!({}));
    alice.child.wait().unwrap();
    let ended = began.elapsed();
    std::fs::remove_dir_all(home).unwrap();
    let names: Vec<&str> = secrets.iter().map(|(name, _)| name.as_str()).collect();
    println!("open {:?}", names.iter().zip(&open).collect::<Vec<_>>());
    // While it is open, addresses, names, texts and the password are found: the search works.
    assert!(
        processes.len() >= 3 && open.iter().filter(|found| **found > 0).count() >= 7,
        "{open:?}"
    );
    assert!(
        locked.iter().all(|found| *found == 0),
        "{:?}",
        names.iter().zip(&locked).collect::<Vec<_>>()
    );
    assert!(ended < Duration::from_secs(1), "{ended:?}");
}
