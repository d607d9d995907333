//! Each room is really locked, in a child process, and really tries to get out.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use serde_json::Value;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use walls::channel;

/// The example `room`, which is built with the tests and beside them.
fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let path = own.parent().unwrap().parent().unwrap().join("examples/room");
    assert!(
        path.is_file(),
        "build it first: cargo build -p walls --example room"
    );
    path
}

fn start(words: &[&str], fds: &[(OwnedFd, i32)]) -> Child {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    channel::spawn(&program(), &words, fds, Stdio::null(), Stdio::piped()).unwrap()
}

fn finish(child: Child) -> Value {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the room ended with {}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn check(words: &[&str]) -> Value {
    finish(start(words, &[]))
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    folder
}

/// Asserts that every attempt ended as expected and gives back which were allowed.
fn allowed(found: &Value) -> Vec<String> {
    let attempts = found["attempts"].as_array().unwrap();
    assert!(attempts.len() > 10, "the self-test is too short: {attempts:?}");
    for attempt in attempts {
        assert_eq!(attempt["seen"], attempt["expected"], "{attempt}");
    }
    let allowed = attempts.iter().filter(|attempt| attempt["seen"] == "allowed");
    allowed
        .map(|attempt| attempt["attempt"].as_str().unwrap().to_owned())
        .collect()
}

fn stands(found: &Value, wall: &str) -> bool {
    found["report"]["walls"]
        .as_array()
        .unwrap()
        .iter()
        .any(|state| state["wall"] == wall && state["up"] == true)
}

#[test]
fn a_room_that_has_started_cannot_undo_what_locked_it() {
    let folder = folder();
    for room in ["engine", "gate", "window"] {
        let found = check(&[room, folder.path().to_str().unwrap()]);
        assert!(stands(&found, "second filter"), "{room}: {found}");
        let attempts = found["attempts"].as_array().unwrap().iter();
        let settled: Vec<_> = attempts.filter(|one| one["wall"] == "second filter").collect();
        assert_eq!(
            settled.len(),
            if room == "engine" { 4 } else { 3 },
            "{room}: {found}"
        );
        assert!(settled.iter().all(|one| one["seen"] == "refused"), "{settled:?}");
    }
}

#[test]
fn the_engine_reaches_nothing_but_its_profile() {
    let folder = folder();
    let found = check(&["engine", folder.path().to_str().unwrap()]);
    for wall in ["seccomp", "no dump", "no core"] {
        assert!(stands(&found, wall), "{wall}: {found}");
    }
    if !stands(&found, "landlock") {
        println!("landlock is missing here: {found}");
        return;
    }
    assert_eq!(allowed(&found), ["write in its own folder"]);
}

#[test]
fn the_gate_reaches_tcp_and_its_state_and_nothing_else() {
    let folder = folder();
    let found = check(&["gate", folder.path().to_str().unwrap()]);
    assert!(stands(&found, "seccomp") && stands(&found, "landlock"), "{found}");
    assert_eq!(
        allowed(&found),
        ["tcp connect", "tcp connect ipv6", "write in its own folder"]
    );
}

#[test]
fn the_window_reaches_local_sockets_and_neither_network_nor_files_nor_daemons_that_resolve_names() {
    let nscd = Path::new("/run/nscd");
    // Only root may make the folder of a daemon.
    let made = std::fs::create_dir(nscd).is_ok();
    let found = check(&["window", "/"]);
    let uncovered = |(_, folder): &(&str, &str)| {
        // Daemons whose folders are not there have nothing to cover.
        !stands(&found, "mount namespace") || !Path::new(folder).exists()
    };
    let daemons = [
        ("ask nscd", "/run/nscd"),
        ("ask systemd-resolved", "/run/systemd/resolve"),
        ("ask avahi", "/run/avahi-daemon"),
        ("ask the system bus", "/run/dbus"),
    ];
    let open = daemons.into_iter().filter(uncovered).map(|(name, _)| name);
    let expected: Vec<_> = std::iter::once("unix socket connect").chain(open).collect();
    if made {
        // Everybody else still sees it.
        std::fs::remove_dir(nscd).unwrap();
    }
    assert!(stands(&found, "seccomp") && stands(&found, "landlock"), "{found}");
    assert_eq!(allowed(&found), expected);
    assert!(!made || !expected.contains(&"ask nscd"), "{found}");
}

#[test]
fn the_engine_leaves_the_network_where_the_system_lets_it() {
    let folder = folder();
    let found = check(&["engine", folder.path().to_str().unwrap()]);
    let ours = std::fs::read_link("/proc/self/ns/net").unwrap();
    let apart = found["network"].as_str().unwrap() != ours.to_str().unwrap();
    assert_eq!(apart, stands(&found, "network namespace"), "{found}");
}

#[test]
fn an_engine_without_privileges_leaves_the_network_and_keeps_owning_its_files() {
    if !rustix::process::geteuid().is_root() {
        return; // The other tests run without privileges then.
    }
    let folder = folder();
    let (program, profile) = (folder.path().join("room"), folder.path().join("profile"));
    std::fs::copy(self::program(), &program).unwrap();
    std::fs::create_dir(&profile).unwrap();
    std::os::unix::fs::chown(&profile, Some(65534), Some(65534)).unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let (door, theirs) = channel::pair().unwrap();
    let words = [
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        program.to_str().unwrap(),
    ];
    let room = ["engine", profile.to_str().unwrap()];
    let run = |words: &[&str], fds: &[(OwnedFd, i32)]| {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        channel::spawn(
            Path::new("/usr/bin/setpriv"),
            &words,
            fds,
            Stdio::null(),
            Stdio::piped(),
        )
        .unwrap()
    };
    let found = finish(run(&[&words[..], &room[..]].concat(), &[]));
    assert_eq!(allowed(&found), ["write in its own folder"]);
    assert!(stands(&found, "network namespace"), "{found}");
    let child = run(&[&words[..], &["work"], &room[..]].concat(), &[(theirs, 3)]);
    hand_over(&door);
    assert_eq!(finish(child), "done");
    assert_eq!(
        std::fs::metadata(profile.join("inner/kept")).unwrap().uid(),
        65534
    );
}

/// Sends a new channel through the door and talks over it, as the supervisor does after a gate was restarted.
fn hand_over(door: &OwnedFd) {
    let (ours, theirs) = channel::pair().unwrap();
    channel::send_fd(door.as_fd(), theirs.as_fd(), b"gate\n").unwrap();
    drop(theirs);
    let mut stream = UnixStream::from(ours);
    let mut heard = [0; 5];
    stream.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"hello");
    stream.write_all(b"again").unwrap();
}

#[test]
fn an_engine_can_do_its_work() {
    let folder = folder();
    let (door, theirs) = channel::pair().unwrap();
    let child = start(
        &["work", "engine", folder.path().to_str().unwrap()],
        &[(theirs, 3)],
    );
    hand_over(&door);
    assert_eq!(finish(child), "done");
}

#[test]
fn a_gate_can_do_its_work_and_read_the_file_that_it_was_given() {
    let (folder, other) = (folder(), folder_with_file());
    let file = other.path().join("network.toml");
    let (door, theirs) = channel::pair().unwrap();
    let words = [
        "work",
        "gate",
        folder.path().to_str().unwrap(),
        file.to_str().unwrap(),
    ];
    let child = start(&words, &[(theirs, 3)]);
    hand_over(&door);
    assert_eq!(finish(child), "done");
}

/// The engine's room on a system that lets a program keep so much out of swap, and how much it keeps, in KiB.
fn engine_with_locked(allowed: &str) -> (Value, u64) {
    let folder = folder();
    let run = |words: &[&str], fds: &[(OwnedFd, i32)]| {
        let memory = format!("--memlock={allowed}:{allowed}");
        let program = program();
        let room = ["engine", folder.path().to_str().unwrap()];
        let words = [&[&*memory, program.to_str().unwrap()], words, &room].concat();
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let prlimit = Path::new("/usr/bin/prlimit");
        channel::spawn(prlimit, &words, fds, Stdio::null(), Stdio::piped()).unwrap()
    };
    let found = finish(run(&[], &[]));
    let (door, theirs) = channel::pair().unwrap();
    let child = run(&["work"], &[(theirs, 3)]);
    // Its folder is there once it works, behind its walls.
    while !folder.path().join("inner/kept").is_file() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmLck:"))
        .unwrap();
    hand_over(&door);
    assert_eq!(finish(child), "done");
    (found, line.trim().trim_end_matches(" kB").parse().unwrap())
}

#[test]
fn the_engine_keeps_small_blocks_out_of_swap_and_works_where_the_system_refuses() {
    let (found, locked) = engine_with_locked("8388608");
    assert!(stands(&found, "no swap") && locked == 8192, "{locked}: {found}");
    assert_eq!(allowed(&found), ["write in its own folder"]);
    let (found, locked) = engine_with_locked("65536");
    assert!(!stands(&found, "no swap") && locked == 0, "{locked}: {found}");
    assert!(found.to_string().contains("64 KiB"), "{found}");
}

fn folder_with_file() -> tempfile::TempDir {
    let folder = folder();
    std::fs::write(folder.path().join("network.toml"), "private = true").unwrap();
    folder
}

#[test]
fn a_missing_profile_folder_ends_the_room() {
    let child = start(&["engine", "/nowhere/at/all"], &[]);
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success() && output.stdout.is_empty());
}

#[test]
fn a_transport_reaches_tcp_and_its_folder_and_becomes_no_other_program() {
    let folder = folder();
    let found = check(&["transport", folder.path().to_str().unwrap(), "/usr/bin/tor"]);
    assert!(stands(&found, "seccomp") && stands(&found, "landlock"), "{found}");
    assert_eq!(
        allowed(&found),
        [
            "tcp connect",
            "tcp connect ipv6",
            "tcp bind",
            "tcp listen",
            "write in its own folder"
        ]
    );
}

#[test]
fn a_porter_writes_nowhere_else_and_runs_only_what_is_installed() {
    let folder = folder();
    let found = check(&["porter", folder.path().to_str().unwrap()]);
    assert!(stands(&found, "seccomp") && stands(&found, "landlock"), "{found}");
    let allowed = allowed(&found);
    for attempt in [
        "raw socket",
        "packet socket",
        "io_uring",
        "trace its parent",
        "write outside its folder",
    ] {
        assert!(
            !allowed.iter().any(|name| name == attempt),
            "{attempt}: {allowed:?}"
        );
    }
}

#[test]
fn a_process_with_threads_is_not_locked() {
    let lock = || walls::lock(&walls::Room::Window);
    let refused = std::thread::spawn(lock).join().unwrap();
    assert_eq!(refused, Err(walls::LockError::Threads));
}

#[test]
fn a_room_gets_the_descriptors_that_were_named_and_no_others() {
    let (one, other) = channel::pair().unwrap();
    let stray = rustix::io::fcntl_dupfd_cloexec(&one, 40).unwrap();
    rustix::io::fcntl_setfd(&stray, rustix::io::FdFlags::empty()).unwrap();
    // Crossed on purpose: each wanted number may be the other's source.
    let (first, second) = (one.as_raw_fd(), other.as_raw_fd());
    let fds = [(one, second), (other, first)];
    let list = [
        OsString::from("-c"),
        OsString::from("for fd in /proc/self/fd/*; do echo ${fd##*/}; done"),
    ];
    let child = channel::spawn(Path::new("/bin/sh"), &list, &fds, Stdio::null(), Stdio::piped()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let open: Vec<i32> = text.lines().map(|line| line.parse().unwrap()).collect();
    assert!(open.contains(&first) && open.contains(&second), "{text}");
    assert!(!open.contains(&stray.as_raw_fd()), "{text}");
}

#[test]
fn a_room_closes_what_it_inherited_and_did_not_ask_for() {
    let (one, other) = channel::pair().unwrap();
    let folder = folder();
    let child = start(
        &["engine", folder.path().to_str().unwrap()],
        &[(one, 3), (other, 9)],
    );
    assert_eq!(finish(child)["open"], serde_json::json!([0, 1, 2, 3]));
}

#[test]
fn a_room_does_not_outlive_what_started_it() {
    let start = || {
        channel::spawn(
            Path::new("/bin/sleep"),
            &["60".into()],
            &[],
            Stdio::null(),
            Stdio::null(),
        )
    };
    let mut child = std::thread::spawn(start).join().unwrap().unwrap();
    let ended = child.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended), Some(9));
}

#[test]
fn the_self_test_tells_an_open_process_from_a_locked_one() {
    let folder = folder();
    let room = walls::Room::Engine {
        profile: folder.path(),
    };
    let other = folder_with_file();
    let neighbours = [("read Tor's state", other.path().join("network.toml"))];
    let attempts = walls::check::run(&room, &walls::Report::default(), &neighbours);
    let must_show = [
        "tcp connect",
        "tcp bind",
        "tcp listen",
        "udp send",
        "netlink",
        "unix socket connect",
    ];
    let besides = [
        "datagram pair",
        "run another program",
        "replace itself by a program",
        "new user namespace",
    ];
    let files = [
        "read the list of users",
        "write outside its folder",
        "list the home folder",
    ];
    let daemons = [
        "ask nscd",
        "ask systemd-resolved",
        "ask avahi",
        "ask the system bus",
        "read Tor's state",
    ];
    let parent = ["signal its group", "make code", "write in its own folder"];
    for name in [
        &must_show[..],
        &besides[..],
        &files[..],
        &daemons[..],
        &parent[..],
    ]
    .concat()
    {
        let attempt = attempts.iter().find(|attempt| attempt.attempt == name).unwrap();
        assert_eq!(attempt.seen, walls::check::Outcome::Allowed, "{attempt:?}");
        assert_eq!(attempt.unguarded(), attempt.wall != "none");
    }
}

#[test]
fn a_program_that_cannot_be_started_is_an_error_even_when_every_low_number_is_wanted() {
    let fds: Vec<(OwnedFd, i32)> = (3..24)
        .map(|number| (channel::pair().unwrap().0, number))
        .collect();
    let started = channel::spawn(
        Path::new("/nowhere/at/all"),
        &[],
        &fds,
        Stdio::null(),
        Stdio::null(),
    );
    assert_eq!(started.unwrap_err().kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn a_number_wanted_twice_or_out_of_range_is_refused() {
    for numbers in [[3, 3], [2, 3], [3, 64]] {
        let (one, other) = channel::pair().unwrap();
        let fds = [(one, numbers[0]), (other, numbers[1])];
        let started = channel::spawn(Path::new("/bin/true"), &[], &fds, Stdio::null(), Stdio::null());
        assert_eq!(started.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
    }
}
