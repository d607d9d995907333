//! The real libotr as a child process, steered by lines.
//! Must never be skipped in silence: without libotr the test fails and says what to install.
//! Standard: none; the lines are described at the top of `libotr/peer.c`.
#![allow(dead_code, reason = "each user of this file needs a part of it")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::LazyLock;

/// A running peer.
pub(crate) struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// One line of the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Out(String),
    Text(String),
    Plain(String),
    Secure { fingerprint: Vec<u8>, ssid: Vec<u8> },
    Insecure,
    Event(u32),
    Other(String),
}

impl Peer {
    pub(crate) fn new() -> Self {
        static PROGRAM: LazyLock<PathBuf> = LazyLock::new(compile);
        #[expect(clippy::disallowed_methods, reason = "the oracle of this test is a program")]
        let mut command = Command::new(&*PROGRAM);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the peer starts");
        let input = child.stdin.take().expect("piped");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, input, output }
    }

    /// Gives a command and takes all lines of the answer.
    pub(crate) fn command(&mut self, command: &str) -> Vec<Line> {
        writeln!(self.input, "{command}").expect("the peer reads");
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line).expect("the peer writes");
            assert!(read > 0, "the peer ended after: {command:.60}");
            match line.trim_end() {
                "done" => return lines,
                line => lines.push(Line::parse(line)),
            }
        }
    }

    pub(crate) fn fingerprint(&mut self) -> Vec<u8> {
        match self.command("fingerprint").remove(0) {
            Line::Other(line) => bytes(line.trim_start_matches("fingerprint ")),
            other => panic!("{other:?}"),
        }
    }

    /// Nanoseconds for each round of a measurement.
    pub(crate) fn nanoseconds(&mut self, measurement: &str) -> f64 {
        match self.command(&format!("bench {measurement}")).remove(0) {
            Line::Other(line) => line.trim_start_matches("ns ").parse().expect("a number"),
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Line {
    fn parse(line: &str) -> Self {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let text = || String::from_utf8(bytes(rest)).expect("UTF-8");
        match word {
            "out" => Self::Out(text()),
            "text" => Self::Text(text()),
            "plain" => Self::Plain(text()),
            "secure" => {
                let (fingerprint, ssid) = rest.split_once(' ').expect("two fields");
                Self::Secure {
                    fingerprint: bytes(fingerprint),
                    ssid: bytes(ssid),
                }
            }
            "insecure" => Self::Insecure,
            "event" => Self::Event(rest.parse().expect("a number")),
            _ => Self::Other(line.to_owned()),
        }
    }
}

/// Digits of bytes, `-` for none.
pub(crate) fn hex(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "-".to_owned();
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes of digits.
pub(crate) fn bytes(digits: &str) -> Vec<u8> {
    let digits = digits.as_bytes();
    let digit = |letter: u8| u8::try_from(char::from(letter).to_digit(16).expect("a digit")).expect("small");
    if digits == b"-" {
        Vec::new()
    } else {
        digits
            .chunks(2)
            .map(|two| digit(two[0]) << 4 | digit(two[1]))
            .collect()
    }
}

/// Compiles the peer beside the program that runs, unless that was done since the source changed.
fn compile() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/libotr/peer.c");
    let own = std::env::current_exe().expect("a program knows its place");
    let program = own.with_file_name("otr-libotr-peer");
    let changed = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    if changed(&program) > changed(&source) {
        return program;
    }
    // Several tests may compile at once: each makes its own file, and the last one stays.
    let fresh = own.with_file_name(format!("otr-libotr-peer-{}", std::process::id()));
    #[expect(clippy::disallowed_methods, reason = "the oracle of this test is a program")]
    let mut compiler = Command::new("cc");
    compiler
        .arg("-O2")
        .arg("-o")
        .arg(&fresh)
        .arg(&source)
        .args(["-lotr", "-lgcrypt"]);
    let made = compiler.status().is_ok_and(|status| status.success());
    assert!(
        made,
        "the libotr peer cannot be compiled: install the Debian packages gcc, libc6-dev, libotr5-dev and libgcrypt20-dev"
    );
    std::fs::rename(&fresh, &program).expect("the folder of the build can be written");
    program
}
