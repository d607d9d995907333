//! The window among the programs of a desktop: what a screen reader finds in it, and what the desktop is told.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "starts a desktop and reads what it says"
)]

#[path = "support/screen.rs"]
mod screen;

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use model::{Presence, SetVerified, Transport};
use screen::{Screen, sees};
use serde_json::Value;
use stories::windows::Windowed;
use stories::{Home, PASSPHRASE, Person, Place, SOON, Trouble};

/// What a person can press, choose or write in.
const INTERACTIVE: [&str; 10] = [
    "push button",
    "check box",
    "radio button",
    "toggle button",
    "entry",
    "password text",
    "combo box",
    "list item",
    "link",
    "slider",
];

/// A desktop's bus with a program that shows notifications, and one that writes down all that is said on it.
struct Desktop {
    programs: Vec<Child>,
    folder: Home,
    variables: Vec<(&'static str, String)>,
}

impl Desktop {
    fn start(place: &Place, screen: &Screen) -> Self {
        let folder = Home::new(place, "desktop").unwrap();
        let socket = folder.path().join("bus");
        let address = format!("unix:path={}", socket.display());
        let variables = vec![
            ("DISPLAY", screen.display.clone()),
            ("DBUS_SESSION_BUS_ADDRESS", address.clone()),
            ("XDG_RUNTIME_DIR", folder.path().display().to_string()),
        ];
        let mut desktop = Self {
            programs: Vec::new(),
            folder,
            variables,
        };
        desktop.run(
            "dbus-daemon",
            &[
                "--session",
                "--nofork",
                "--nopidfile",
                &format!("--address={address}"),
            ],
        );
        let deadline = Instant::now() + Duration::from_secs(20);
        while !socket.exists() {
            assert!(Instant::now() < deadline, "the bus did not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        desktop.run("dbus-monitor", &["--session"]);
        desktop.run("dunst", &[]);
        desktop.run("/usr/libexec/at-spi-bus-launcher", &["--launch-immediately"]);
        std::thread::sleep(Duration::from_secs(3));
        for status in ["IsEnabled", "ScreenReaderEnabled"] {
            let on = desktop
                .command("dbus-send")
                .args([
                    "--session",
                    "--print-reply",
                    "--dest=org.a11y.Bus",
                    "/org/a11y/bus",
                ])
                .args(["org.freedesktop.DBus.Properties.Set", "string:org.a11y.Status"])
                .args([&format!("string:{status}"), "variant:boolean:true"])
                .stdout(Stdio::null())
                .status();
            assert!(on.unwrap().success(), "no accessibility bus");
        }
        desktop
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn run(&mut self, program: &str, arguments: &[&str]) {
        let said = File::create(self.said(program)).unwrap();
        let child = self
            .command(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(said)
            .stderr(Stdio::null())
            .spawn();
        self.programs.push(child.unwrap());
    }

    /// The file that holds what a program said.
    fn said(&self, program: &str) -> std::path::PathBuf {
        let name = Path::new(program).file_name().unwrap();
        self.folder.path().join(name).with_extension("said")
    }

    /// Everything that crossed the bus so far.
    fn crossed(&self) -> String {
        std::fs::read_to_string(self.said("dbus-monitor")).unwrap()
    }

    /// What a screen reader finds: roles and names.
    fn tree(&self) -> Vec<(String, String)> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/tree.py");
        let output = self.command("/usr/bin/python3").arg(script).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let nodes = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        nodes
            .map(|node| {
                (
                    node["role"].as_str().unwrap().to_owned(),
                    node["name"].as_str().unwrap().to_owned(),
                )
            })
            .collect()
    }

    /// Waits until a screen reader finds these words.
    fn finds(&self, words: &str) -> Vec<(String, String)> {
        let deadline = Instant::now() + SOON;
        loop {
            let tree = self.tree();
            if tree.iter().any(|(_, name)| name.contains(words)) {
                return tree;
            }
            assert!(Instant::now() < deadline, "no {words:?} in {tree:#?}");
            std::thread::sleep(Duration::from_secs(1));
        }
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        for program in self.programs.iter_mut().rev() {
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}

/// Every control has a name.
fn named(tree: &[(String, String)]) {
    let controls: Vec<_> = tree
        .iter()
        .filter(|(role, _)| INTERACTIVE.contains(&role.as_str()))
        .collect();
    assert!(controls.len() > 2, "hardly anything to press in {tree:#?}");
    for (role, name) in controls {
        assert!(!name.trim().is_empty(), "a {role} without a name in {tree:#?}");
    }
}

#[test]
fn lab_a_screen_reader_finds_private_verified_and_the_desktop_learns_no_name_and_no_text()
-> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut alice = Person::arrive(&place, "alice", place.by_name(Transport::DirectTls))?;
    let mut bob = Person::arrive(&place, "bob", place.by_onion(Transport::StartTls))?;
    alice.acquaint(&mut bob)?;
    alice.send(&bob.jid, "Hello!")?;
    bob.otter.wait_for_text("Hello!", SOON)?;
    let fingerprint = alice.otter.wait_private(&bob.jid, SOON)?;
    let verified = SetVerified {
        account: alice.account,
        contact: bob.jid.parse().unwrap(),
        fingerprint,
        verified: true,
    };
    alice.otter.ask(&model::Command::SetVerified(verified))?;
    alice.otter.listen(Duration::from_secs(2))?;
    let Person { otter, home, jid, .. } = alice;
    otter.stop()?;
    sees(&mut bob, &jid, Presence::Offline)?;

    let screen = Screen::start()?;
    let desktop = Desktop::start(&place, &screen);
    let variables: Vec<_> = desktop
        .variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let _window = Windowed::start_on(&place, home.path(), &variables)?;
    screen.window()?;
    named(&desktop.finds("Passphrase"));
    screen.write(PASSPHRASE)?;
    sees(&mut bob, &jid, Presence::Online)?;
    screen.press(150, 88)?;
    screen.press(600, 670)?;
    screen.write("Hello from a window")?;
    bob.otter.wait_for_text("Hello from a window", SOON)?;
    named(&desktop.finds("Private, verified"));

    // The person turns to something else, and something comes.
    let root = screen.does(&["search", "--maxdepth", "0", ".*"])?;
    screen.does(&["windowfocus", root.lines().next().unwrap_or_default()])?;
    std::thread::sleep(Duration::from_secs(2));
    bob.send(&jid, "The papers are under the clock")?;
    let deadline = Instant::now() + SOON;
    while !desktop.crossed().contains("A message has come.") {
        assert!(Instant::now() < deadline, "nothing was told");
        bob.otter.listen(Duration::from_millis(500))?;
    }
    let crossed = desktop.crossed();
    for hidden in ["papers", "from a window", &bob.jid, &jid] {
        assert!(!crossed.contains(hidden), "the desktop was told {hidden:?}");
    }
    Ok(())
}
