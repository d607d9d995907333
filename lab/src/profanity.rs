//! Debian's `profanity` as a conversation partner: a whole client that is not ours, OTR by libotr.
//! Never a part of what is tested: it logs in straight to the server on loopback, without Tor.
//! profanity(1); what it shows and logs is that of version 0.13.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::LabError;
use crate::children::wait_until;
use crate::info::{DOMAIN, LabInfo};
use crate::terminal::Terminal;

/// Long enough for one command on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running profanity; ends when it is dropped.
#[derive(Debug)]
pub struct Profanity {
    terminal: Terminal,
    /// Where it logs what it showed of its conversations.
    chatlogs: PathBuf,
    jid: String,
}

impl Profanity {
    /// Starts it for an account that exists on [`DOMAIN`], logs in and makes an OTR key.
    ///
    /// # Errors
    /// As [`Terminal::open`], and [`LabError::TooSlow`] when it does not come online within a minute.
    pub fn start(lab: &LabInfo, user: &str, password: &str) -> Result<Self, LabError> {
        let home = lab.dir.join(format!("tty-{user}"));
        let terminal = Terminal::open(&home, "profanity", &[])?;
        let jid = format!("{user}@{DOMAIN}");
        let profanity = Self {
            terminal,
            chatlogs: home.join("data/profanity/chatlogs"),
            jid,
        };
        profanity.terminal.wait_for("Type '/help'", 1, PATIENCE)?;
        let port = lab.ports.xmpp.to_string();
        profanity.command("/account add me", "Account created")?;
        for (name, value) in [
            ("jid", profanity.jid.as_str()),
            ("server", "127.0.0.1"),
            ("port", &port),
            // The certificate is the lab's own, and this is loopback.
            ("tls", "trust"),
            ("password", password),
        ] {
            profanity.command(&format!("/account set me {name} {value}"), "Updated ")?;
        }
        profanity.command("/otr log on", "OTR messages will be logged")?;
        profanity.command("/logging chat on", "Chat logging enabled")?;
        profanity.command("/connect me", "logged in successfully")?;
        profanity.command("/otr gen", "Private key generation complete")?;
        Ok(profanity)
    }

    /// Its bare JID.
    #[must_use]
    pub fn jid(&self) -> &str {
        &self.jid
    }

    /// Types a command or a text, and waits until `answer` is shown once more than before.
    ///
    /// # Errors
    /// [`LabError::TooSlow`] when it is not within a minute.
    pub fn command(&self, line: &str, answer: &str) -> Result<String, LabError> {
        let before = self.terminal.screen()?.matches(answer).count();
        self.terminal.type_line(line)?;
        self.terminal.wait_for(answer, before + 1, PATIENCE)
    }

    /// Types a command or a text.
    ///
    /// # Errors
    /// [`LabError::Program`] when it has ended.
    pub fn type_line(&self, line: &str) -> Result<(), LabError> {
        self.terminal.type_line(line)
    }

    /// Waits until `what` is on its screen `times` times.
    ///
    /// # Errors
    /// [`LabError::TooSlow`] with what is shown instead.
    pub fn wait_for(&self, what: &str, times: usize, patience: Duration) -> Result<String, LabError> {
        self.terminal.wait_for(what, times, patience)
    }

    /// Waits until it has logged `text`: what a contact wrote stands behind his address and a colon.
    ///
    /// # Errors
    /// [`LabError::TooSlow`] when it does not in time.
    pub fn wait_for_logged(&self, text: &str, patience: Duration) -> Result<(), LabError> {
        let start: String = text.chars().take(60).collect();
        let what = format!("{} to log {start:?}", self.jid);
        wait_until(&what, patience, || Ok(self.logged().contains(text)))
    }

    /// All that it logged of its conversations: times, who wrote, and the texts as they were shown.
    #[must_use]
    pub fn logged(&self) -> String {
        let mut all = String::new();
        let mut folders = vec![self.chatlogs.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => all.push_str(&fs::read_to_string(path).unwrap_or_default()),
                }
            }
        }
        all
    }
}
