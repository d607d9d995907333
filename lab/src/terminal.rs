//! A client with a screen, as a test sits before it: types lines, and reads what is shown.
//! Never a part of what is tested, and never left behind: its `tmux` ends with it.
//! No standard applies; tmux(1).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::LabError;
use crate::children::{output_of, private_folder, wait_until};
use crate::packages::find;

/// Wide enough that no line of a client is broken, high enough that nothing scrolls away in one story.
const SIZE: [&str; 4] = ["-x", "250", "-y", "200"];

/// A program in a terminal of its own; ends when it is dropped.
#[derive(Debug)]
pub struct Terminal {
    tmux: PathBuf,
    socket: PathBuf,
    name: String,
}

impl Terminal {
    /// Starts a program whose home is `home`, which is made. The program must be installed.
    ///
    /// # Errors
    /// [`LabError::MissingPackages`] without the program or `tmux`, [`LabError::Program`] when it
    /// cannot be started.
    pub fn open(home: &Path, program: &'static str, arguments: &[&str]) -> Result<Self, LabError> {
        let missing = |name| LabError::MissingPackages(vec![name]);
        let tmux = find("tmux").ok_or_else(|| missing("tmux"))?;
        let path = find(program).ok_or_else(|| missing(program))?;
        private_folder(home)?;
        let terminal = Self {
            tmux,
            socket: home.join("tmux"),
            name: program.to_owned(),
        };
        let mut command = terminal.tmux(&["-f", "/dev/null", "new-session", "-d"]);
        command
            .args(SIZE)
            .arg(path)
            .args(arguments)
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_DATA_HOME", home.join("data"))
            .env("LANG", "C.UTF-8")
            .env("TERM", "xterm-256color")
            .env_remove("TMUX");
        output_of(&mut command)?;
        Ok(terminal)
    }

    /// Types one line and the key that ends it.
    ///
    /// # Errors
    /// [`LabError::Program`] when the program has ended.
    pub fn type_line(&self, line: &str) -> Result<(), LabError> {
        output_of(self.tmux(&["send-keys", "-l", "--"]).arg(line))?;
        output_of(&mut self.tmux(&["send-keys", "Enter"])).map(drop)
    }

    /// All that is shown now.
    ///
    /// # Errors
    /// [`LabError::Program`] when the program has ended.
    pub fn screen(&self) -> Result<String, LabError> {
        let shown = output_of(&mut self.tmux(&["capture-pane", "-p"]))?;
        Ok(String::from_utf8_lossy(&shown).into_owned())
    }

    /// Waits until `what` is shown `times` times; gives the screen.
    ///
    /// # Errors
    /// [`LabError::TooSlow`] with the last lines that were shown.
    pub fn wait_for(&self, what: &str, times: usize, patience: Duration) -> Result<String, LabError> {
        let mut screen = String::new();
        let waited = wait_until(what, patience, || {
            screen = self.screen()?;
            Ok(screen.matches(what).count() >= times)
        });
        match waited {
            Ok(()) => Ok(screen),
            Err(LabError::TooSlow { what, seconds }) => {
                let lines: Vec<_> = screen.lines().filter(|line| !line.trim().is_empty()).collect();
                let last = lines.iter().rev().take(12).rev();
                let last = last.map(|line| line.trim_end()).collect::<Vec<_>>().join(" | ");
                let what = format!("{} to show {what:?}; it shows: {last}", self.name);
                Err(LabError::TooSlow { what, seconds })
            }
            Err(other) => Err(other),
        }
    }

    fn tmux(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.tmux);
        command.arg("-u").arg("-S").arg(&self.socket).args(words);
        command
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = output_of(&mut self.tmux(&["kill-server"]));
    }
}
