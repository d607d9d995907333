//! The window among the programs of a desktop: what a screen reader finds in it, and what the desktop is told.

#[path = "support/desktop.rs"]
mod desktop;
#[path = "support/screen.rs"]
mod screen;

use std::time::{Duration, Instant};

use desktop::{Control, Desktop};
use model::{Presence, SetVerified, Transport};
use screen::{Screen, sees};
use stories::windows::Windowed;
use stories::{PASSPHRASE, Person, Place, SOON, Trouble};

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

/// Every control has a name.
fn named(tree: &[Control]) {
    let controls: Vec<_> = tree
        .iter()
        .filter(|it| INTERACTIVE.contains(&it.role.as_str()))
        .collect();
    assert!(controls.len() > 2, "hardly anything to press in {tree:#?}");
    for it in controls {
        assert!(!it.name.trim().is_empty(), "{it:?} has no name in {tree:#?}");
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
    let _window = Windowed::start_on(&place, home.path(), &desktop.variables())?;
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
