//! A screen that nobody sees, and hands to type at it.
//! It must never be part of the program. Standard: `Xvfb`, `xdotool`.

#![expect(clippy::disallowed_methods, reason = "starts a screen and types at it")]
#![allow(dead_code, reason = "not every test uses both hands")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use model::Presence;
use stories::{Person, SOON, Trouble};

/// A screen that nobody sees.
pub(crate) struct Screen {
    server: Child,
    /// For `DISPLAY`.
    pub(crate) display: String,
}

impl Screen {
    pub(crate) fn start() -> Result<Self, Trouble> {
        let mut server = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                "1280x800x24",
                "-nolisten",
                "tcp",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| Trouble::new(format!("Xvfb cannot be started: {error}")))?;
        let mut number = String::new();
        if let Some(out) = server.stdout.take() {
            let _ = BufReader::new(out).read_line(&mut number);
        }
        let display = format!(":{}", number.trim());
        Ok(Self { server, display })
    }

    /// What `xdotool` says to these words.
    pub(crate) fn does(&self, words: &[&str]) -> Result<String, Trouble> {
        let output = Command::new("xdotool")
            .args(words)
            .env("DISPLAY", &self.display)
            .output()
            .map_err(|error| Trouble::new(format!("xdotool cannot be started: {error}")))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        } else {
            Err(Trouble::new(format!(
                "xdotool {words:?} ended with {}",
                output.status
            )))
        }
    }

    /// The one window on it, at 1000 to 700 pixels, once it is there.
    pub(crate) fn window(&self) -> Result<String, Trouble> {
        let found = self.does(&["search", "--sync", "--onlyvisible", "--name", "Attentive Otter"])?;
        let window = found.lines().next().unwrap_or_default().to_owned();
        self.does(&["windowmove", &window, "0", "0"])?;
        self.does(&["windowsize", "--sync", &window, "1000", "700"])?;
        self.does(&["windowfocus", "--sync", &window])?;
        std::thread::sleep(Duration::from_secs(3));
        Ok(window)
    }

    pub(crate) fn press(&self, x: u32, y: u32) -> Result<(), Trouble> {
        self.does(&["mousemove", &x.to_string(), &y.to_string(), "click", "1"])?;
        // On a busy machine a page takes its time, and what is typed before is lost.
        std::thread::sleep(Duration::from_secs(3));
        Ok(())
    }

    pub(crate) fn write(&self, text: &str) -> Result<(), Trouble> {
        self.does(&["type", "--delay", "60", text])?;
        self.does(&["key", "Return"])?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Waits until somebody is shown as there, or as away.
pub(crate) fn sees(person: &mut Person, whom: &str, presence: Presence) -> Result<(), Trouble> {
    let deadline = Instant::now() + SOON;
    while Instant::now() < deadline {
        let contacts = person.otter.snapshot()?.contacts;
        if contacts
            .iter()
            .any(|contact| contact.address.as_str() == whom && contact.presence == presence)
        {
            return Ok(());
        }
        person.otter.listen(Duration::from_millis(300))?;
    }
    Err(Trouble::new(format!("{whom} is not shown as {presence:?}")))
}
