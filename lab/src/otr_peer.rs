//! A test's end of the conversation partner on libotr: starts it, speaks its lines, waits for its.
//! Never a part of what is tested: it logs in straight to the server on loopback, without Tor.
//! The lines are described at the top of `peers/otr_peer.c`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::LabError;
use crate::info::{DOMAIN, LabInfo};

/// Lines that may wait unread before the peer itself has to wait.
const UNREAD_LINES: usize = 4096;

/// When the peer wants a conversation to be encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerPolicy {
    /// Only when it is told to, or when its contact asks for it.
    Manual,
    /// Offers it with its first messages.
    Opportunistic,
    /// Always: a first message waits until the conversation is private.
    Required,
}

/// A message that the peer got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerMessage {
    /// The sender's bare JID.
    pub from: String,
    /// True when it came through OTR.
    pub encrypted: bool,
    /// What it says.
    pub text: String,
}

/// A running peer; ends when it is dropped.
#[derive(Debug)]
pub struct OtrPeer {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    jid: String,
}

impl OtrPeer {
    /// Starts a peer for an account that exists on [`DOMAIN`]. `fragment` bytes is its longest
    /// message, 0 for no limit. Its keys are kept for the life of the lab.
    ///
    /// # Errors
    /// [`LabError::Io`] when it cannot be started.
    pub fn start(
        lab: &LabInfo,
        user: &str,
        password: &str,
        policy: PeerPolicy,
        fragment: usize,
    ) -> Result<Self, LabError> {
        let jid = format!("{user}@{DOMAIN}");
        let policy = match policy {
            PeerPolicy::Manual => "manual",
            PeerPolicy::Opportunistic => "opportunistic",
            PeerPolicy::Required => "required",
        };
        let mut command = Command::new(&lab.otr_peer);
        command.args(["--jid", &jid, "--password", password, "--policy", policy]);
        command.args([
            "--port",
            &lab.ports.xmpp.to_string(),
            "--fragment",
            &fragment.to_string(),
        ]);
        command.arg("--dir").arg(lab.dir.join(format!("peer-{user}")));
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().map_err(LabError::io("start the OTR peer"))?;
        let ends = child.stdin.take().zip(child.stdout.take());
        let (input, output) =
            ends.ok_or_else(|| LabError::program("otr_peer", "it has no input or output"))?;
        let (sender, lines) = sync_channel(UNREAD_LINES);
        let read = move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new()
            .spawn(read)
            .map_err(LabError::io("start a thread"))?;
        Ok(Self {
            child,
            input,
            lines,
            jid,
        })
    }

    /// The peer's bare JID.
    #[must_use]
    pub fn jid(&self) -> &str {
        &self.jid
    }

    /// Gives one command: its name and words without blanks.
    ///
    /// # Errors
    /// [`LabError::Io`] when the peer has ended.
    pub fn command(&mut self, words: &[&str]) -> Result<(), LabError> {
        let line = words.join(" ") + "\n";
        self.input
            .write_all(line.as_bytes())
            .map_err(LabError::io("speak to the OTR peer"))
    }

    /// Sends a message, as the peer's policy has it.
    ///
    /// # Errors
    /// As [`OtrPeer::command`].
    pub fn send(&mut self, to: &str, text: &str) -> Result<(), LabError> {
        self.command(&["send", to, &BASE64.encode(text)])
    }

    /// Sends a message past OTR.
    ///
    /// # Errors
    /// As [`OtrPeer::command`].
    pub fn send_raw(&mut self, to: &str, text: &str) -> Result<(), LabError> {
        self.command(&["raw", to, &BASE64.encode(text)])
    }

    /// Passes over lines until one begins with `start`, and gives the rest of it.
    ///
    /// # Errors
    /// [`LabError::TooSlow`] when none came in time; [`LabError::Program`] when the peer ended.
    pub fn wait_for(&mut self, start: &str, patience: Duration) -> Result<String, LabError> {
        use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
        let end = Instant::now() + patience;
        loop {
            match self
                .lines
                .recv_timeout(end.saturating_duration_since(Instant::now()))
            {
                Ok(line) => {
                    if let Some(rest) = line.strip_prefix(start) {
                        return Ok(rest.trim_start().to_owned());
                    }
                }
                Err(Timeout) => {
                    let what = format!("{} to tell {start:?}", self.jid);
                    return Err(LabError::TooSlow {
                        what,
                        seconds: patience.as_secs(),
                    });
                }
                Err(Disconnected) => return Err(LabError::program("otr_peer", "it ended")),
            }
        }
    }

    /// Waits for the next message.
    ///
    /// # Errors
    /// As [`OtrPeer::wait_for`]; [`LabError::Program`] when its line is not as described.
    pub fn next_message(&mut self, patience: Duration) -> Result<PeerMessage, LabError> {
        let line = self.wait_for("message ", patience)?;
        parse_message(&line)
            .ok_or_else(|| LabError::program("otr_peer", "it told a message in an unknown way"))
    }
}

impl Drop for OtrPeer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn parse_message(line: &str) -> Option<PeerMessage> {
    let mut words = line.split(' ');
    let from = words.next()?.to_owned();
    let encrypted = match words.next()? {
        "encrypted" => true,
        "plain" => false,
        _ => return None,
    };
    let text = String::from_utf8(BASE64.decode(words.next()?).ok()?).ok()?;
    words.next().is_none().then_some(PeerMessage {
        from,
        encrypted,
        text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_line_is_understood_whole_or_not_at_all() {
        let message = parse_message("bob@chat.otter.test encrypted 2LPZhNin2YU=").unwrap();
        assert_eq!((message.text.as_str(), message.encrypted), ("سلام", true));
        for wrong in [
            "",
            "bob@x",
            "bob@x maybe YQ==",
            "bob@x plain *",
            "bob@x plain YQ== more",
        ] {
            assert_eq!(parse_message(wrong), None, "{wrong}");
        }
    }
}
