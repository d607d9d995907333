//! What the rooms do, seen from outside: every network call, every connection, and their memory.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use model::Transport;
use stories::{Person, Place, SOON, Trouble, proof};

/// Resident memory of engine and gate together, in KiB, that one connected account may cost.
const MEMORY_KIB: u64 = 60 * 1024;

#[test]
fn lab_a_trace_of_the_whole_run_shows_no_packet_but_to_the_private_relays() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let trace = place.info().dir.join(format!("trace-{}", place.fresh("t")));
    let file = trace.to_string_lossy().into_owned();
    let calls =
        "trace=socket,connect,bind,listen,accept,accept4,sendto,sendmsg,sendmmsg,socketpair,execve,execveat";
    let under = ["strace", "-f", "-qq", "-s", "0", "-e", calls, "-o", &file];
    let mut alice = Person::arrive_under(&place, "alice", place.by_name(Transport::DirectTls), &under)?;
    let mut bob = Person::arrive(&place, "bob", place.by_onion(Transport::StartTls))?;
    alice.acquaint(&mut bob)?;
    alice.send(&bob.jid, "hello")?;
    bob.otter.wait_for_text("hello", SOON)?;
    bob.send(&alice.jid, "hello yourself")?;
    alice.otter.wait_for_text("hello yourself", SOON)?;
    alice.otter.stop()?;
    let text = std::fs::read_to_string(&trace).unwrap();
    let relays = place.info().relays.iter().copied().collect();
    let connected = judge(&text, &relays)?;
    assert!(connected > 0, "the trace shows no connection at all:\n{text}");
    Ok(())
}

#[test]
fn a_trace_with_a_packet_elsewhere_does_not_pass() {
    let relays: BTreeSet<SocketAddr> = ["127.0.0.1:15000".parse().unwrap()].into();
    let inet = "7 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 9\n";
    let good = "7 connect(9, {sa_family=AF_INET, sin_port=htons(15000), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0\n";
    assert_eq!(judge(&format!("{inet}{good}"), &relays), Ok(1));
    for bad in [
        "7 connect(9, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0\n",
        "7 socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_IP) = 9\n",
        "7 socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE) = 3\n",
        "7 sendto(3, \"\"..., 20, 0, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr(\"8.8.8.8\")}, 16) = 20\n",
        "7 bind(3, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr(\"0.0.0.0\")}, 16) = 0\n",
    ] {
        assert!(judge(&format!("{inet}{good}{bad}"), &relays).is_err(), "{bad}");
    }
}

#[test]
fn lab_engine_and_gate_fit_in_sixty_megabytes_with_one_account_connected() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let alice = Person::arrive(&place, "alice", place.by_name(Transport::DirectTls))?;
    let mut together = 0;
    for room in ["engine", "gate"] {
        together += proof::resident_kib(alice.otter.room(room).unwrap())?;
    }
    assert!(together <= MEMORY_KIB, "engine and gate hold {together} KiB");
    Ok(())
}

/// Reads a trace: how many connections to relays it shows.
///
/// # Errors
/// The first call that should not be there.
fn judge(trace: &str, relays: &BTreeSet<SocketAddr>) -> Result<usize, Trouble> {
    let mut connected = 0;
    // A call that was refused sent nothing.
    let done = trace
        .lines()
        .filter(|line| !line.contains(" = -1 E") || line.contains("EINPROGRESS"));
    for line in done {
        let wrong = || Err(Trouble::new(format!("This should not be in the trace: {line}")));
        let inet = line.contains("AF_INET");
        if line.contains(" socket(")
            && !line.contains("AF_INET, SOCK_STREAM")
            && !line.contains("AF_INET6, SOCK_STREAM")
        {
            // The system's list of users may ask a daemon by a Unix socket before the walls are up.
            if !line.contains("AF_UNIX") {
                return wrong();
            }
        }
        if line.contains(" connect(") && inet {
            match peer(line) {
                Some(peer) if relays.contains(&peer) => connected += 1,
                _ => return wrong(),
            }
        }
        if inet
            && [" bind(", " listen(", " sendto(", " sendmsg("]
                .iter()
                .any(|call| line.contains(call))
        {
            return wrong();
        }
    }
    Ok(connected)
}

fn peer(line: &str) -> Option<SocketAddr> {
    let port = line.split_once("htons(")?.1.split_once(')')?.0;
    let host = line.split_once("inet_addr(\"")?.1.split_once('"')?.0;
    format!("{host}:{port}").parse().ok()
}
