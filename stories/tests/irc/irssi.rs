//! Somebody at irssi with its OTR plugin, which is built on libotr. It speaks to the server straight, on loopback.
//! Must never be shown anything of ours but what crosses the server.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use stories::{Home, Place, Trouble};

use super::servers::IrcServer;

pub(crate) struct Irssi {
    process: Child,
    home: Home,
    heard: usize,
}

impl Irssi {
    /// Somebody with that nick and a key, in the network.
    pub(crate) fn start(place: &Place, server: &IrcServer, nick: &str) -> Result<Self, Trouble> {
        let home = Home::new(place, nick)?;
        let folder = home.path();
        let made = Command::new("mkfifo").arg(folder.join("orders")).status();
        assert!(made.unwrap().success());
        let script = folder.join("person.pl");
        fs::write(&script, include_str!("irssi.pl")).unwrap();
        let port = server.plain;
        let settings = format!(
            "servers = ( {{ address = \"127.0.0.1\"; chatnet = \"test\"; port = \"{port}\"; autoconnect = \"yes\"; }} );\n\
             chatnets = {{ test = {{ type = \"IRC\"; nick = \"{nick}\"; }}; }};\n\
             settings = {{ core = {{ real_name = \"x\"; user_name = \"x\"; nick = \"{nick}\"; }}; }};\n"
        );
        fs::write(folder.join("config"), settings).unwrap();
        let startup = format!("load perl\nload otr\nscript load {}\n", script.display());
        fs::write(folder.join("startup"), startup).unwrap();
        // It wants a terminal.
        let command = format!("exec irssi --home={}", folder.display());
        let process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "script", "-qfec", &command, "/dev/null"])
            .env("TERM", "xterm")
            .env("HOME", folder)
            .stdin(Stdio::null())
            .stdout(File::create(folder.join("screen")).unwrap())
            .spawn()
            .unwrap();
        let heard = 0;
        let mut irssi = Self { process, home, heard };
        irssi.wait_for("print - -!- End of MOTD command")?;
        irssi.does(&format!("- rawlog open {}", irssi.file("raw").display()));
        irssi.does("- otr genkey test");
        irssi.wait_for("print - -!- Irssi: OTR key generation for test completed")?;
        Ok(irssi)
    }

    /// Types a command, in a conversation or, as `-`, anywhere.
    pub(crate) fn does(&mut self, order: &str) {
        let mut orders = File::options().write(true).open(self.file("orders")).unwrap();
        writeln!(orders, "{order}").unwrap();
    }

    /// Waits for a line that begins like this, after those waited for before; gives it.
    pub(crate) fn wait_for(&mut self, start: &str) -> Result<String, Trouble> {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let told = fs::read_to_string(self.file("told")).unwrap_or_default();
            let mut new = told.lines().enumerate().skip(self.heard);
            if let Some((number, line)) = new.find(|(_, line)| line.starts_with(start)) {
                self.heard = number + 1;
                return Ok(line.to_owned());
            }
            if Instant::now() > until {
                let last: Vec<_> = told.lines().rev().take(8).collect();
                return Err(Trouble::new(format!(
                    "irssi did not tell {start:?}; last told {last:?}"
                )));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The lines with texts for persons that it sent or got.
    pub(crate) fn crossed(&self) -> Vec<String> {
        let raw = fs::read(self.file("raw")).unwrap_or_default();
        let raw = String::from_utf8_lossy(&raw).into_owned();
        let lines = raw
            .lines()
            .filter(|line| line.contains("PRIVMSG") || line.contains("NOTICE"));
        lines.map(str::to_owned).collect()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }
}

impl Drop for Irssi {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
