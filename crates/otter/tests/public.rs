//! The program as people get it: `OTTER_PUBLIC` names it. `./test public` builds and runs this.
//!
//! Where the gate is started, it is in a network namespace without a network: no test ever reaches
//! for the real Tor network.

#![expect(clippy::disallowed_methods, reason = "starts the program as a person would")]
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn otter(arguments: &[&str]) -> Output {
    let program =
        std::env::var_os("OTTER_PUBLIC").expect("OTTER_PUBLIC names the program: run ./test public");
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Talks with `otter engine`, cut off from every network; what it answered.
fn engine(input: &str, wait: &str) -> (Vec<Value>, bool) {
    let folder = tempfile();
    let program = std::env::var("OTTER_PUBLIC").expect("OTTER_PUBLIC names the program: run ./test public");
    let mut child = Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--net",
            &program,
            "engine",
            "--profile",
            &folder,
        ])
        .env("ARTI_FS_DISABLE_PERMISSION_CHECKS", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    let mut lines = Vec::new();
    for line in std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap())) {
        let line = line.unwrap();
        let found = line.contains(wait);
        lines.push(serde_json::from_str(&line).expect("every line is JSON"));
        if found {
            break;
        }
    }
    drop(stdin);
    let ended = child.wait().unwrap().success();
    std::fs::remove_dir_all(folder).unwrap();
    (lines, ended)
}

fn tempfile() -> String {
    let folder = std::env::temp_dir().join(format!(
        "otter-public-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    std::fs::create_dir(&folder).unwrap();
    folder.to_string_lossy().into_owned()
}

fn answer(lines: &[Value], id: u64) -> &Value {
    lines.iter().find(|line| line["id"] == id).expect("an answer")
}

#[test]
fn public_a_private_network_cannot_be_named() {
    for arguments in [
        ["engine", "--private-network", "/etc/hostname"],
        ["engine", "--tor", "socks5://127.0.0.1:9050"],
    ] {
        let output = otter(&arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("otter.no_private_networks"));
    }
    // Nor by going round the supervisor.
    let output = otter(&[
        "gate",
        "--room",
        "--profile",
        "/tmp",
        "--private-network",
        "/etc/hostname",
    ]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn public_without_a_screen_the_program_says_so() {
    let folder = tempfile();
    let program = std::env::var("OTTER_PUBLIC").expect("OTTER_PUBLIC names the program: run ./test public");
    let output = Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--net",
            &program,
            "--profile",
            &folder,
        ])
        .env("ARTI_FS_DISABLE_PERMISSION_CHECKS", "1")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("otter.no_window"), "{said}");
    assert_eq!(output.status.code(), Some(5), "{said}");
}

#[test]
fn public_the_openrpc_document_is_printed() {
    let output = otter(&["engine", "--openrpc"]);
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed, model::openrpc::document());
}

#[test]
fn public_every_wall_refuses_what_it_has_to() {
    let output = otter(&["check", "--json"]);
    let lines: Vec<Value> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let refused = |room: &str, attempt: &str| {
        let line = lines
            .iter()
            .find(|line| line["room"] == room && line["attempt"] == attempt);
        line.unwrap_or_else(|| panic!("no {attempt} in {room}"))["seen"] == "refused"
    };
    for attempt in [
        "tcp connect",
        "udp send",
        "run another program",
        "raw socket",
        "io_uring",
    ] {
        assert!(refused("engine", attempt), "{attempt}");
    }
    assert!(refused("gate", "udp send") && !refused("gate", "tcp connect"));
    assert!(refused("window", "tcp connect"));
    for (room, attempt) in [
        ("engine", "ask systemd-resolved"),
        ("engine", "read Tor's state"),
        ("gate", "read the profile"),
        ("porter", "raw socket"),
        ("porter", "write outside its folder"),
        ("transport", "udp send"),
        ("transport", "read the profile"),
        ("transport", "run another program"),
    ] {
        assert!(refused(room, attempt), "{room}: {attempt}");
    }
    assert!(lines.iter().all(|line| line["seen"] == line["expected"]));
    assert!(output.status.success());
}

#[test]
fn public_no_variable_leaves_a_wall_out() {
    let program =
        std::env::var_os("OTTER_PUBLIC").expect("OTTER_PUBLIC names the program: run ./test public");
    let output = Command::new(program)
        .args(["check", "--json"])
        .env(
            "OTTER_LAB_WITHOUT",
            "engine seccomp, gate seccomp, window seccomp",
        )
        .output()
        .unwrap();
    assert!(output.status.success());
    assert!(!String::from_utf8_lossy(&output.stdout).contains("seccomp (missing)"));
}

#[test]
fn public_a_room_cannot_be_entered_by_hand() {
    let output = otter(&["engine", "--room", "--profile", "/tmp"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("otter.no_channel"));
}

#[test]
fn public_bad_lines_are_answered_and_the_engine_goes_on() {
    let input = concat!(
        "this is no JSON\n",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"message.send\",\"params\":{\"account\":1,\"contact\":\"b@c\",\"text\":\"x\"}}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"profile.create\",\"params\":{\"passphrase\":\"\"}}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"profile.unlock\",\"params\":{\"passphrase\":\"x\"}}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"engine.version\"}\n",
    );
    let (lines, ended) = engine(input, "\"id\":3");
    assert_eq!(
        lines
            .iter()
            .find(|line| line["id"].is_null() && line.get("error").is_some())
            .unwrap()["error"]["code"],
        -32700
    );
    assert_eq!(answer(&lines, 1)["error"]["data"]["code"], "profile.locked");
    assert_eq!(
        answer(&lines, 2)["error"]["data"]["code"],
        "profile.no_passphrase"
    );
    assert_eq!(answer(&lines, 3)["error"]["data"]["code"], "vault.absent");
    assert_eq!(answer(&lines, 4)["result"]["name"], "attentive-otter");
    assert!(ended, "it ends with its input");
}

#[test]
fn public_without_any_network_tor_says_why_it_stands_still() {
    let (lines, _) = engine("", "\"stalled\"");
    let told = lines.last().unwrap().pointer("/params/event/tor").unwrap();
    assert!(!told["cause"].is_null() && !told["advice"].is_null(), "{told}");
}

#[test]
fn public_a_transcript_is_read_behind_the_walls() {
    let program =
        std::env::var_os("OTTER_PUBLIC").expect("OTTER_PUBLIC names the program: run ./test public");
    let mut child = Command::new(program)
        .args(["transcript", "parse"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It waits for the transcript: by then its walls must stand.
    let status = format!("/proc/{}/status", child.id());
    let locked = || std::fs::read_to_string(&status).unwrap().contains("Seccomp:\t2");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !locked() {
        assert!(std::time::Instant::now() < deadline, "no seccomp filter");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let capture = include_bytes!("data/conversation.txt");
    child.stdin.take().unwrap().write_all(capture).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 13);
}

#[test]
fn public_a_message_is_forged_with_a_revealed_key() {
    let capture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/conversation.txt");
    let keys = otter(&["transcript", "keys", "--json", capture]);
    let line = String::from_utf8(keys.stdout).unwrap();
    let revealed: Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
    let key = revealed["key"].as_str().unwrap();
    let words = ["--offset", "11", "--old", "100", "--new", "999"];
    let forged = otter(&[&["transcript", "forge", "--mac-key", key, capture], &words[..]].concat());
    assert!(forged.status.success());
    assert!(forged.stdout.starts_with(b"?OTR:AAMD"));
    let missing = otter(&["transcript", "parse", "/nowhere"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("transcript.no_file"));
}
