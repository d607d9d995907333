//! The window as a person meets it: the whole program on a screen, pressed and typed at, in the lab.

use std::time::{Duration, Instant};

use model::{Presence, Transport};
use screen::{Screen, sees};
use stories::windows::Windowed;
use stories::{PASSPHRASE, Person, Place, SOON, Trouble};

#[path = "support/screen.rs"]
mod screen;

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
