//! The conversation partner that is not ours: libotr, driven by lines (`lab/peers/otr_peer.c`).

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::{Home, Place, Trouble};

/// One libotr client, logged in straight to the lab's server.
pub struct Peer {
    child: Child,
    input: ChildStdin,
    lines: mpsc::Receiver<String>,
    /// Everything it said, in order.
    said: Vec<String>,
    /// How long its login took, from its fingerprint to "ready".
    pub login: Duration,
    /// Its own fingerprint: 40 lower-case digits.
    pub fingerprint: String,
    /// Its address.
    pub jid: String,
    _home: Home,
}

impl Peer {
    /// Registers an account with the lab's server and logs in.
    ///
    /// # Errors
    /// Where that does not succeed within a minute.
    pub fn start(place: &Place, policy: &str) -> Result<Self, Trouble> {
        let home = Home::new(place, "peer")?;
        let name = place.fresh("peer");
        let told = |error: lab::LabError| Trouble::new(error.to_string());
        place
            .lab
            .control()
            .register(&name, "peer's word", None)
            .map_err(told)?;
        let jid = format!("{name}@{}", place.info().domain);
        let mut child = Command::new(&place.info().otr_peer)
            .args([
                "--jid",
                &jid,
                "--password",
                "peer's word",
                "--policy",
                policy,
                "--dir",
            ])
            .arg(home.path())
            .args(["--port", &place.info().ports.xmpp.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| Trouble::new(format!("otr_peer cannot be started: {error}")))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Trouble::new("otr_peer has no streams"));
        };
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut peer = Self {
            child,
            input,
            lines,
            said: Vec::new(),
            login: Duration::ZERO,
            fingerprint: String::new(),
            jid,
            _home: home,
        };
        let limit = Duration::from_secs(60);
        let line = peer.until("its fingerprint", limit, |line| {
            line.strip_prefix("fingerprint ").map(str::to_owned)
        })?;
        peer.fingerprint = line;
        let start = Instant::now();
        peer.until("ready", limit, |line| line.starts_with("ready ").then_some(()))?;
        peer.login = start.elapsed();
        Ok(peer)
    }

    /// Gives it a command: see the head of `otr_peer.c`.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn tell(&mut self, command: &str) -> Result<(), Trouble> {
        writeln!(self.input, "{command}")
            .and_then(|()| self.input.flush())
            .map_err(|error| Trouble::new(format!("otr_peer is gone: {error}")))
    }

    /// Has it send a text.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn send(&mut self, to: &str, text: &str) -> Result<(), Trouble> {
        self.tell(&format!("send {to} {}", STANDARD.encode(text)))
    }

    /// Waits for a line that `find` recognises; lines before it are kept.
    ///
    /// # Errors
    /// Where none comes within `within`.
    pub fn until<T>(
        &mut self,
        what: &str,
        within: Duration,
        mut find: impl FnMut(&str) -> Option<T>,
    ) -> Result<T, Trouble> {
        let until = Instant::now() + within;
        loop {
            let wait = until.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(wait) else {
                let last: Vec<_> = self.said.iter().rev().take(5).collect();
                return Err(Trouble::new(format!(
                    "otr_peer: waited in vain for {what}; last came {last:?}"
                )));
            };
            let found = find(&line);
            self.said.push(line);
            if let Some(found) = found {
                return Ok(found);
            }
        }
    }

    /// Waits until a text came in encrypted.
    ///
    /// # Errors
    /// Where it does not within `within`.
    pub fn wait_for_text(&mut self, text: &str, within: Duration) -> Result<(), Trouble> {
        let coded = STANDARD.encode(text);
        let is_it = |line: &str| {
            line.starts_with("message ") && line.contains(" encrypted ") && line.ends_with(&coded)
        };
        if self.said.iter().any(|line| is_it(line)) {
            return Ok(());
        }
        self.until("a text", within, |line| is_it(line).then_some(()))
    }

    /// How often a text came in, encrypted and not.
    pub fn received(&self, text: &str) -> (usize, usize) {
        let coded = STANDARD.encode(text);
        let count = |how: &str| {
            let ours =
                |line: &&String| line.starts_with("message ") && line.contains(how) && line.ends_with(&coded);
            self.said.iter().filter(ours).count()
        };
        (count(" encrypted "), count(" plain "))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
