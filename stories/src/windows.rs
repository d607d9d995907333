//! The messenger with its window: two prepared profiles, one window each.
//! It prepares through door 1 and then only starts the program; what happens in a window is its person's.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use model::Transport;

use crate::{Home, PASSPHRASE, Person, Place, SOON, Trouble};

/// A messenger with its window. Ends with the value.
pub struct Windowed {
    child: Child,
}

impl Windowed {
    /// Starts the messenger with its window on a profile folder, on the screen of this process.
    ///
    /// # Errors
    /// Where the program cannot be started.
    pub fn start(place: &Place, home: &Path) -> Result<Self, Trouble> {
        Self::start_on(place, home, &[])
    }

    /// The same with variables of the environment, such as another screen's.
    ///
    /// # Errors
    /// Where the program cannot be started.
    pub fn start_on(place: &Place, home: &Path, variables: &[(&str, &str)]) -> Result<Self, Trouble> {
        let child = Command::new(&place.program)
            .args(["window", "--profile"])
            .arg(home)
            .arg("--private-network")
            .arg(&place.info().network_file)
            .envs(&place.info().env)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| Trouble::new(format!("The window cannot be started: {error}")))?;
        Ok(Self { child })
    }

    /// Process id of the supervisor.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the person closes the window.
    ///
    /// # Errors
    /// Where the program ends otherwise.
    pub fn wait(mut self) -> Result<(), Trouble> {
        match self.child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Trouble::new(format!("A window ended with {status}."))),
            Err(error) => Err(Trouble::new(format!("A window cannot be waited for: {error}"))),
        }
    }
}

impl Drop for Windowed {
    fn drop(&mut self) {
        // The rooms go with their supervisor.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Two people who know each other, each ready to be opened in a window.
///
/// # Errors
/// The first thing that does not go as it should.
pub fn acquainted(place: &Place, names: [&str; 2]) -> Result<[(Home, String); 2], Trouble> {
    let mut first = Person::arrive(place, names[0], place.by_name(Transport::DirectTls))?;
    let mut second = Person::arrive(place, names[1], place.by_onion(Transport::StartTls))?;
    first.acquaint(&mut second)?;
    first.send(&second.jid, "Hello!")?;
    second.otter.wait_for_text("Hello!", SOON)?;
    // What both programs agreed on is written down before they end.
    first.otter.listen(Duration::from_secs(2))?;
    let [first, second] = [first, second].map(|person| {
        let Person { otter, home, jid, .. } = person;
        otter.stop().map(|()| (home, jid))
    });
    Ok([first?, second?])
}

/// The demo on a screen: two windows, until both are closed. Whether they ended well.
pub fn demo() -> bool {
    let result = Place::find().and_then(|place| {
        say("Preparing two people on a private Tor network...");
        let [alice, bob] = acquainted(&place, ["alice", "bob"])?;
        let windows = [&alice, &bob].map(|(home, _)| Windowed::start(&place, home.path()));
        say(&format!("Two windows open: {} and {}.", alice.1, bob.1));
        say(&format!("The passphrase of both profiles: {PASSPHRASE}"));
        say("The demo ends when both windows are closed.");
        windows.into_iter().try_for_each(|window| window?.wait())
    });
    if let Err(trouble) = &result {
        say(&format!("The demo failed: {trouble}"));
    }
    result.is_ok()
}

fn say(line: &str) {
    // Where nobody listens the windows still open.
    let _ = writeln!(std::io::stderr().lock(), "demo: {line}");
}
