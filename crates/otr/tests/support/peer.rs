//! Other people's implementations of OTR as child processes, steered by lines.
//! Must never be skipped in silence: without a peer the test fails and says what to install.
//! Standard: none; the lines are described at the top of `peers/libotr.c`.
#![allow(dead_code, reason = "each user of this file needs a part of it")]

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Whose implementation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Libotr,
    Otr3,
    Otrjs,
    Xcrypto,
}

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
    /// Starts libotr.
    pub(crate) fn new() -> Self {
        Self::start(Program::Libotr)
    }

    /// Starts a peer; the first time, its program is made.
    pub(crate) fn start(program: Program) -> Self {
        let mut child = program
            .command()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program:?} does not start ({error}): {}", program.needs()));
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

    /// A number that the peer measured: nanoseconds for each round, or bytes.
    pub(crate) fn measured(&mut self, measurement: &str) -> f64 {
        match self.command(&format!("bench {measurement}")).remove(0) {
            Line::Other(line) => line
                .split_once(' ')
                .expect("two words")
                .1
                .parse()
                .expect("a number"),
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

impl Program {
    fn needs(self) -> &'static str {
        match self {
            Self::Libotr => "install the Debian packages gcc, libc6-dev, libotr5-dev and libgcrypt20-dev",
            Self::Otr3 => "install the Debian packages golang-go and golang-github-twstrike-otr3-dev",
            Self::Otrjs => "install the Debian packages nodejs and npm, and run scripts/otrjs",
            Self::Xcrypto => "install the Debian packages golang-go and golang-golang-x-crypto-dev",
        }
    }

    fn command(self) -> Command {
        match self {
            Self::Libotr => program(&self.made("libotr.c")),
            Self::Otr3 => program(&self.made("otr3/peer.go")),
            Self::Xcrypto => program(&self.made("xcrypto/peer.go")),
            Self::Otrjs => {
                let modules = target().join("otrjs/node_modules");
                assert!(
                    modules.join("otr").is_dir(),
                    "otr.js is not there: {}",
                    self.needs()
                );
                let mut node = program(Path::new("node"));
                node.env("NODE_PATH", modules).arg(source("otrjs/peer.js"));
                node
            }
        }
    }

    /// Compiles a peer into the folder of the build, unless that was done since its source changed.
    fn made(self, file: &str) -> PathBuf {
        let folder = target().join("otr-peers");
        std::fs::create_dir_all(&folder).expect("the folder of the build can be written");
        let name = format!("{self:?}").to_lowercase();
        let (made, source) = (folder.join(&name), source(file));
        // Several tests may want the same peer at once: the first one makes it, the others wait.
        let lock = File::create(folder.join(format!("{name}.lock"))).expect("a file can be made");
        lock.lock().expect("a file can be locked");
        let changed = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
        if changed(&made) <= changed(&source) {
            let fresh = folder.join(format!("{name}.fresh"));
            let compiled = self.compiler(&source, &fresh).status();
            assert!(
                compiled.is_ok_and(|status| status.success()),
                "the peer cannot be compiled: {}",
                self.needs()
            );
            std::fs::rename(&fresh, &made).expect("the folder of the build can be written");
        }
        made
    }

    fn compiler(self, source: &Path, made: &Path) -> Command {
        let mut compiler;
        if self == Self::Libotr {
            compiler = program(Path::new("cc"));
            compiler.arg("-O2").arg("-o").arg(made).arg(source);
            compiler.args(["-lotr", "-lgcrypt"]);
        } else {
            compiler = program(Path::new("go"));
            compiler.arg("build").arg("-o").arg(made).arg(source);
            // Only what Debian installed is compiled: nothing is fetched.
            compiler
                .envs([
                    ("GO111MODULE", "off"),
                    ("GOFLAGS", ""),
                    ("GOPATH", "/usr/share/gocode"),
                ])
                .env("GOCACHE", target().join("otr-peers/go"));
        }
        compiler
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

#[expect(clippy::disallowed_methods, reason = "the oracle of this test is a program")]
pub(crate) fn program(path: &Path) -> Command {
    Command::new(path)
}

fn source(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/peers")
        .join(file)
}

/// The folder of the build: programs of tests lie three folders down in it.
fn target() -> PathBuf {
    let own = std::env::current_exe().expect("a program knows its place");
    let found = own
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").exists());
    found
        .expect("a folder of a build has a CACHEDIR.TAG")
        .to_path_buf()
}
