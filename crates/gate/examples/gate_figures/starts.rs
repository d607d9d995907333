//! How long a start takes, cold and warm, and what it needs then: each way in a process of its own, in alternating order.
//! It must never count as started what has not carried a stream: each way's own word for "ready" means something else.

use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dial::Dialer;
use tokio::time::sleep;

use crate::{Account, Lab, NAMES, ORDERS, Way, arti_alone, tell};

/// How long a process may rest before its memory is read.
const REST: Duration = Duration::from_secs(1);
/// The pause between two attempts while a way is not there yet.
const PAUSE: Duration = Duration::from_millis(5);
/// The word on the command line that makes this program Arti alone.
pub(crate) const ALONE: &str = "--arti-alone";

/// What the starts of one way have shown.
#[derive(Default)]
struct Seen {
    cold: Vec<f64>,
    warm: Vec<f64>,
    resident: Vec<f64>,
}

/// Starts each way `rounds` times cold and as often warm, and tells the medians.
pub(crate) async fn measure(lab: &Lab, rounds: u64) {
    let mut seen: [Seen; 3] = Default::default();
    for round in 0..rounds {
        for at in ORDERS[usize::try_from(round).unwrap() % ORDERS.len()] {
            let home = tempfile::tempdir().unwrap();
            let (cold, _) = start(lab, at, home.path()).await;
            let (warm, resident) = start(lab, at, home.path()).await;
            let seen = &mut seen[at];
            seen.cold.push(cold);
            seen.warm.push(warm);
            seen.resident.push(resident);
        }
    }
    let [ours, peers @ ..] = &seen;
    for (theirs, peer) in peers.iter().zip(&NAMES[1..]) {
        tell("gate.start_cold_ms", "ms", peer, &ours.cold, &theirs.cold, None);
        tell("gate.start_warm_ms", "ms", peer, &ours.warm, &theirs.warm, None);
        tell(
            "gate.resident_mb",
            "MB",
            peer,
            &ours.resident,
            &theirs.resident,
            None,
        );
    }
}

/// One start: milliseconds until a stream through an exit stands, and then megabytes of the process.
async fn start(lab: &Lab, at: usize, home: &Path) -> (f64, f64) {
    let began = Instant::now();
    let (mut child, way) = match at {
        0 => ours(lab, home),
        1 => (alone(home), None),
        _ => c_tor(lab, home),
    };
    match &way {
        Some(way) => {
            while way.open(Account::new(0), &lab.domain, lab.echo).await.is_none() {
                sleep(PAUSE).await;
            }
        }
        None => {
            let mut said = [0];
            let mut out = child.stdout.take().unwrap();
            tokio::task::spawn_blocking(move || std::io::Read::read_exact(&mut out, &mut said).unwrap())
                .await
                .unwrap();
        }
    }
    let took = began.elapsed().as_secs_f64() * 1e3;
    sleep(REST).await;
    let resident = resident_megabytes(child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    (took, resident)
}

fn program(path: &Path) -> Command {
    #[expect(clippy::disallowed_methods, reason = "what is measured")]
    Command::new(path)
}

fn ours(lab: &Lab, home: &Path) -> (Child, Option<Way>) {
    let own = std::env::current_exe().unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let child = program(&own.parent().unwrap().join("gate_room"))
        .arg(home.join("tor"))
        .arg(&lab.network_file)
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .spawn();
    ours.set_nonblocking(true).unwrap();
    let dialer = Dialer::new();
    dialer.attach(tokio::net::UnixStream::from_std(ours).unwrap());
    (child.unwrap(), Some(Way::Ours(dialer)))
}

fn alone(home: &Path) -> Child {
    let own = std::env::current_exe().unwrap();
    let mut command = program(&own);
    command.arg(ALONE).arg(home).stdout(Stdio::piped());
    command.spawn().unwrap()
}

/// Arti alone, as this program started again: says one byte once a stream stands, and stays.
pub(crate) async fn stand_alone(lab: &Lab, home: &Path) {
    let way = arti_alone(lab, home).await;
    let stream = way.open(Account::new(0), &lab.domain, lab.echo).await;
    if stream.is_some() {
        print!("!");
        std::io::Write::flush(&mut std::io::stdout()).unwrap();
        sleep(Duration::from_secs(600)).await;
    }
}

/// The C Tor client on the lab's network, with a folder and a port of its own.
fn c_tor(lab: &Lab, home: &Path) -> (Child, Option<Way>) {
    let text = std::fs::read_to_string(lab.dir.join("client/torrc")).unwrap();
    let other = [
        "ControlSocket",
        "ControlPort",
        "SocksPort",
        "DataDirectory",
        "Log ",
    ];
    let port = {
        #[expect(clippy::disallowed_methods, reason = "asks the system for a free port")]
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.local_addr().unwrap()
    };
    let kept = text
        .lines()
        .filter(|line| !other.iter().any(|name| line.starts_with(name)));
    let mut torrc: String = kept.map(|line| format!("{line}\n")).collect();
    let folder = home.display();
    torrc.push_str(&format!(
        "DataDirectory {folder}/data\nSocksPort {port} IsolateSOCKSAuth\n"
    ));
    std::fs::set_permissions(home, PermissionsExt::from_mode(0o700)).unwrap();
    std::fs::write(home.join("torrc"), torrc).unwrap();
    let child = program(Path::new("tor"))
        .args(["--quiet", "-f"])
        .arg(home.join("torrc"))
        .stdin(Stdio::null())
        .spawn();
    (child.unwrap(), Some(Way::Socks(port)))
}

/// The memory of a process.
pub(crate) fn resident_megabytes(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}
