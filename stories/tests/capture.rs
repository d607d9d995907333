//! The whole program where nothing but the private relays can be reached, and every other packet is caught; and the proof
//! that the catch would see a leak: the same with walls left out.

#![expect(
    clippy::disallowed_methods,
    reason = "the relays' other side, and the programs that watch"
)]

use std::fs::File;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command as Program, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use model::{Command, Nothing, Transport, WallsCheck};
use stories::{Home, Otter, Person, Place, SOON, Trouble};

/// Time for a packet to be written down.
const SETTLE: Duration = Duration::from_millis(700);
/// The system's resolver does not wait long for answers that cannot come.
const HASTY_RESOLVER: &str = "RES_OPTIONS=timeout:1 attempts:1";

/// A network with the relays in it, a way to everywhere else that leads nowhere, and a watch on every packet.
struct Cage {
    watch: Child,
    caught: PathBuf,
    seen: usize,
}

impl Cage {
    /// Puts the calling thread, and what it starts from now on, into the cage.
    fn enter(place: &Place) -> Result<Self, Trouble> {
        let relays = place.info().relays.clone();
        let (sender, listeners) = mpsc::channel::<(TcpListener, SocketAddr)>();
        // This thread stays in the lab's network: what it connects is the relays themselves.
        std::thread::spawn(move || {
            for (listener, relay) in listeners {
                std::thread::spawn(move || pass_on(&listener, relay));
            }
        });
        lab::leave_network().map_err(|error| Trouble::new(error.to_string()))?;
        for relay in &relays {
            let listener = TcpListener::bind(relay).map_err(|error| told("listen", &error))?;
            let _ = sender.send((listener, *relay));
        }
        for family in ["-4", "-6"] {
            run("ip", &[family, "route", "add", "default", "dev", "lo"])?;
        }
        let ports: Vec<String> = relays
            .iter()
            .map(|relay| format!("port {}", relay.port()))
            .collect();
        // The gate may connect by TCP: its self-test does so, to the port "discard" of loopback.
        let others = format!(
            "not (tcp and host 127.0.0.1 and ({})) and not (tcp and port 9)",
            ports.join(" or ")
        );
        let caught = place.info().dir.join(place.fresh("caught"));
        Self::watch(caught, &others)
    }

    fn watch(caught: PathBuf, others: &str) -> Result<Self, Trouble> {
        let notes = caught.with_extension("notes");
        let file = |path: &PathBuf| File::create(path).map_err(|error| told("write", &error));
        let watch = Program::new("tcpdump")
            .args(["-i", "any", "-nn", "-l", "-U", "-Z", "root", others])
            .stdout(file(&caught)?)
            .stderr(file(&notes)?)
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| told("start tcpdump", &error))?;
        let begun = Instant::now();
        while !std::fs::read_to_string(&notes).is_ok_and(|text| text.contains("listening on")) {
            if begun.elapsed() > Duration::from_secs(20) {
                return Err(Trouble::new("tcpdump does not start"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(Self {
            watch,
            caught,
            seen: 0,
        })
    }

    /// The packets to others than the relays since the last question.
    fn caught(&mut self) -> Vec<String> {
        std::thread::sleep(SETTLE);
        let text = std::fs::read_to_string(&self.caught).unwrap_or_default();
        let new: Vec<String> = text.lines().skip(self.seen).map(str::to_owned).collect();
        self.seen += new.len();
        new
    }
}

impl Drop for Cage {
    fn drop(&mut self) {
        let _ = self.watch.kill();
        let _ = self.watch.wait();
    }
}

fn told(what: &str, error: &std::io::Error) -> Trouble {
    Trouble::new(format!("cannot {what}: {error}"))
}

fn run(program: &str, words: &[&str]) -> Result<(), Trouble> {
    match Program::new(program).args(words).status() {
        Ok(status) if status.success() => Ok(()),
        _ => Err(Trouble::new(format!("{program} {words:?} failed"))),
    }
}

/// Carries what comes to a relay's address in the cage to the relay.
fn pass_on(listener: &TcpListener, relay: SocketAddr) {
    for near in listener.incoming().flatten() {
        let Ok(far) = TcpStream::connect(relay) else {
            continue;
        };
        let ends = (near.try_clone(), far.try_clone());
        let (Ok(near_too), Ok(far_too)) = ends else {
            continue;
        };
        std::thread::spawn(move || copy(near, far));
        std::thread::spawn(move || copy(far_too, near_too));
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

/// Lets engine and gate try their walls; the attempts that got through and should not have.
fn try_walls(otter: &mut Otter) -> Result<Vec<String>, Trouble> {
    let answer = otter.ask(&Command::CheckWalls(Nothing {}))?;
    let tried: WallsCheck =
        serde_json::from_value(answer).map_err(|error| Trouble::new(error.to_string()))?;
    let wrong = tried
        .attempts
        .into_iter()
        .filter(|attempt| attempt.must_be_refused && !attempt.refused);
    Ok(wrong
        .map(|attempt| format!("{}: {}", attempt.room, attempt.attempt))
        .collect())
}

#[test]
fn lab_the_whole_program_sends_no_packet_but_to_the_private_relays() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut bob = Person::arrive(&place, "bob", place.by_onion(Transport::StartTls))?;
    let mut cage = Cage::enter(&place)?;
    let mut alice = Person::arrive(&place, "alice", place.by_name(Transport::DirectTls))?;
    alice.acquaint(&mut bob)?;
    alice.send(&bob.jid, "hello")?;
    bob.otter.wait_for_text("hello", SOON)?;
    bob.send(&alice.jid, "hello yourself")?;
    alice.otter.wait_for_text("hello yourself", SOON)?;
    assert_eq!(try_walls(&mut alice.otter)?, Vec::<String>::new());
    alice.otter.kill_room("gate")?;
    alice.otter.wait_online(alice.account, SOON)?;
    alice.otter.stop()?;
    assert_eq!(cage.caught(), Vec::<String>::new());
    Ok(())
}

#[test]
fn lab_the_watch_sees_a_leak_once_the_last_wall_before_it_is_left_out() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut cage = Cage::enter(&place)?;
    for (without, leaks) in [
        ("", false),
        // Either of the engine's two is enough.
        ("engine network namespace", false),
        ("engine seccomp", false),
        ("engine seccomp, engine network namespace", true),
        ("gate seccomp", true),
    ] {
        let home = Home::new(&place, "mallory")?;
        let left_out = format!("OTTER_LAB_WITHOUT={without}");
        let under = ["env", HASTY_RESOLVER, &left_out];
        let mut otter = Otter::start_under(&place, "mallory", home.path(), &under)?;
        let through = try_walls(&mut otter)?;
        assert_eq!(
            !through.is_empty(),
            without.contains("seccomp"),
            "without {without:?}: {through:?}"
        );
        otter.stop()?;
        let caught = cage.caught();
        assert_eq!(!caught.is_empty(), leaks, "without {without:?}: {caught:?}");
    }
    // The window, of which the test of the walls itself starts a room.
    for (without, leaks) in [
        ("", false),
        ("window network namespace", false),
        ("window seccomp", false),
        ("window seccomp, window network namespace", true),
    ] {
        let check = Program::new("env")
            .arg(HASTY_RESOLVER)
            .arg(format!("OTTER_LAB_WITHOUT={without}"))
            .arg(&place.program)
            .arg("check")
            .stdout(Stdio::null())
            .status();
        check.map_err(|error| told("check", &error))?;
        let caught = cage.caught();
        assert_eq!(!caught.is_empty(), leaks, "without {without:?}: {caught:?}");
    }
    Ok(())
}
