//! The lab's own life: it comes up in time, gives back its command's exit code, and nothing of it
//! survives whatever ends it. Runs outside a lab; each test makes its own.
//! No standard applies.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "starts and ends labs; a failed step is a failed test"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A lab in the middle of its life, in a folder of its own.
struct Started {
    dir: PathBuf,
    child: Child,
}

impl Started {
    fn new(name: &str, options: &[&str], command: &[&str]) -> Self {
        let dir = std::env::temp_dir().join(format!("lab-test-{}-{name}", std::process::id()));
        let child = Command::new(env!("CARGO_BIN_EXE_otter-lab-net"))
            .args(["run", "--dir"])
            .arg(&dir)
            .args(options)
            .arg("--")
            .args(command)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self { dir, child }
    }

    fn wait_until(&self, what: &str, patience: Duration, ready: impl Fn(&Path) -> bool) {
        let start = Instant::now();
        while !ready(&self.dir) {
            assert!(start.elapsed() < patience, "waited in vain for {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn end_with(&mut self, signal: Signal) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
        let _stays = fs::remove_dir_all(&self.dir);
    }
}

/// Command lines, of all processes that we can see, that name this folder.
fn processes_of(dir: &Path) -> Vec<String> {
    let dir = dir.to_str().unwrap();
    let all = fs::read_dir("/proc").unwrap().flatten();
    let lines = all.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(dir))
        .collect()
}

fn relays_run(dir: &Path) -> bool {
    processes_of(dir)
        .iter()
        .filter(|line| line.contains("/relay"))
        .count()
        == 6
}

/// proc(5), `SigIgn` in `/proc/self/status`.
fn is_ignored(signal: Signal) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap() >> (signal.as_raw() - 1) & 1 == 1
}

#[test]
fn nothing_of_a_lab_survives_whatever_ends_it() {
    let labs = [
        ("kill", Signal::KILL, &[][..]),
        ("term", Signal::TERM, &[]),
        ("int", Signal::INT, &[]),
        ("plain", Signal::KILL, &["--loopback"]),
    ];
    // Shells start background programs with SIGINT ignored, which is handed down to the lab.
    let wanted = labs.into_iter().filter(|(_, signal, _)| !is_ignored(*signal));
    let labs: Vec<_> = wanted
        .map(|(name, signal, options)| (Started::new(name, options, &["sleep", "600"]), signal))
        .collect();
    for (mut lab, signal) in labs {
        lab.wait_until("six relays", Duration::from_secs(60), relays_run);
        lab.end_with(signal);
        lab.wait_until("the end of every process", Duration::from_secs(5), |dir| {
            processes_of(dir).is_empty()
        });
    }
}

#[test]
fn the_lab_is_up_in_45_seconds_and_gives_back_the_exit_code() {
    let start = Instant::now();
    let mut lab = Started::new(
        "code",
        &["--json"],
        &["sh", "-c", "test -s \"$OTTER_LAB\" && exit 7"],
    );
    assert_eq!(lab.child.wait().unwrap().code(), Some(7));
    assert!(
        start.elapsed() < Duration::from_secs(45),
        "it took {:?}",
        start.elapsed()
    );
    assert!(processes_of(&lab.dir).is_empty());
    assert!(
        lab.dir.join("wiretap.jsonl").exists(),
        "a folder that was asked for stays"
    );
}

#[test]
fn a_folder_with_other_things_in_it_is_left_alone() {
    let dir = std::env::temp_dir().join(format!("lab-test-{}-full", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("diary.txt"), "dear diary").unwrap();
    let mut lab = Started::new("full", &[], &["true"]);
    assert_eq!(lab.child.wait().unwrap().code(), Some(125));
    assert!(dir.join("diary.txt").exists());
}
