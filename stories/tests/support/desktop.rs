//! A desktop that nobody sees: its bus, its notifications, and what a screen reader is told.
//! It must never be part of the program. Standard: AT-SPI2, the desktop notifications specification.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "starts a desktop and reads what it says"
)]
#![allow(dead_code, reason = "not every test looks at everything")]

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use stories::{Home, Place, SOON};

use crate::screen::Screen;

/// Something that a screen reader finds: what it is, what it is called, and where it stands on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Control {
    pub(crate) role: String,
    pub(crate) name: String,
    /// Left, top, width, height in pixels.
    pub(crate) at: [i64; 4],
}

impl Control {
    fn read(line: &Value) -> Self {
        let text = |key: &str| line[key].as_str().unwrap().to_owned();
        Self {
            role: text("role"),
            name: text("name"),
            at: std::array::from_fn(|n| line["at"][n].as_i64().unwrap_or_default()),
        }
    }
}

/// A desktop's bus with a program that shows notifications, and one that writes down all that is said on it.
pub(crate) struct Desktop {
    programs: Vec<Child>,
    folder: Home,
    variables: Vec<(&'static str, String)>,
}

impl Desktop {
    pub(crate) fn start(place: &Place, screen: &Screen) -> Self {
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
    pub(crate) fn crossed(&self) -> String {
        std::fs::read_to_string(self.said("dbus-monitor")).unwrap()
    }

    /// What a screen reader finds.
    pub(crate) fn tree(&self) -> Vec<Control> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/tree.py");
        let output = self.command("/usr/bin/python3").arg(script).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines()
            .map(|line| Control::read(&serde_json::from_str(line).unwrap()))
            .collect()
    }

    /// For a program that belongs to this desktop.
    pub(crate) fn variables(&self) -> Vec<(&str, &str)> {
        let all = self.variables.iter();
        all.map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// Waits until a screen reader finds these words.
    pub(crate) fn finds(&self, words: &str) -> Vec<Control> {
        let deadline = Instant::now() + SOON;
        loop {
            let tree = self.tree();
            if tree.iter().any(|it| it.name.contains(words)) {
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
