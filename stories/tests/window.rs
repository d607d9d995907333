//! The window as a person meets it: the whole program on a screen, pressed and typed at, in the lab.

#![expect(clippy::disallowed_methods, reason = "starts a screen and types at it")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use model::{Presence, Transport};
use stories::windows::Windowed;
use stories::{PASSPHRASE, Person, Place, SOON, Trouble};

/// A screen that nobody sees.
struct Screen {
    server: Child,
    display: String,
}

impl Screen {
    fn start() -> Result<Self, Trouble> {
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
    fn does(&self, words: &[&str]) -> Result<String, Trouble> {
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
    fn window(&self) -> Result<String, Trouble> {
        let found = self.does(&["search", "--sync", "--onlyvisible", "--name", "Attentive Otter"])?;
        let window = found.lines().next().unwrap_or_default().to_owned();
        self.does(&["windowmove", &window, "0", "0"])?;
        self.does(&["windowsize", "--sync", &window, "1000", "700"])?;
        self.does(&["windowfocus", "--sync", &window])?;
        std::thread::sleep(Duration::from_secs(3));
        Ok(window)
    }

    fn press(&self, x: u32, y: u32) -> Result<(), Trouble> {
        self.does(&["mousemove", &x.to_string(), &y.to_string(), "click", "1"])?;
        // On a busy machine a page takes its time, and what is typed before is lost.
        std::thread::sleep(Duration::from_secs(3));
        Ok(())
    }

    fn write(&self, text: &str) -> Result<(), Trouble> {
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

#[test]
fn lab_a_message_typed_in_the_window_arrives() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut alice = Person::arrive(&place, "alice", place.by_name(Transport::DirectTls))?;
    let mut bob = Person::arrive(&place, "bob", place.by_onion(Transport::StartTls))?;
    alice.acquaint(&mut bob)?;
    alice.otter.listen(Duration::from_secs(2))?;
    let Person { otter, home, jid, .. } = alice;
    otter.stop()?;
    sees(&mut bob, &jid, Presence::Offline)?;

    let screen = Screen::start()?;
    let window = Windowed::start_on(&place, home.path(), &[("DISPLAY", &screen.display)])?;
    screen.window()?;
    walled(&window, home.path())?;
    screen.write(PASSPHRASE)?;
    sees(&mut bob, &jid, Presence::Online)?;
    // The only contact, and the field to write in.
    screen.press(150, 88)?;
    screen.press(600, 670)?;
    screen.write("Hello from a window")?;
    bob.otter.wait_for_text("Hello from a window", SOON)?;
    assert_eq!(
        bob.otter.received().get("Hello from a window"),
        Some(&(1, 0)),
        "once, and encrypted"
    );
    walled(&window, home.path())
}

/// Waits until somebody is shown as there, or as away.
fn sees(person: &mut Person, whom: &str, presence: Presence) -> Result<(), Trouble> {
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

/// Whether the window's process is filtered, sees no network, and has no file of the profile.
fn walled(window: &Windowed, home: &std::path::Path) -> Result<(), Trouble> {
    let deadline = Instant::now() + Duration::from_secs(20);
    let room = loop {
        if let Some(room) = stories::room_of(window.pid(), "window") {
            break room;
        }
        if Instant::now() > deadline {
            return Err(Trouble::new("There is no room of the window."));
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    let read = |name: &str| {
        std::fs::read_to_string(format!("/proc/{room}/{name}"))
            .map_err(|error| Trouble::new(format!("/proc/{room}/{name}: {error}")))
    };
    assert!(
        read("status")?.contains("Seccomp:\t2"),
        "the window is not filtered"
    );
    for table in ["net/tcp", "net/tcp6", "net/udp", "net/udp6"] {
        assert_eq!(
            read(table)?.lines().count(),
            1,
            "the window sees sockets in {table}"
        );
    }
    let open = std::fs::read_dir(format!("/proc/{room}/fd"))
        .map_err(|error| Trouble::new(format!("/proc/{room}/fd: {error}")))?;
    for entry in open.flatten() {
        if let Ok(target) = std::fs::read_link(entry.path()) {
            assert!(
                !target.starts_with(home),
                "the window has {} open",
                target.display()
            );
        }
    }
    Ok(())
}
