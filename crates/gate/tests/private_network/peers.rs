//! Whom a process has spoken to over TCP, by looking again and again at what the kernel says of it.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Watches this process and the transports that it starts.
pub(crate) struct Watch {
    seen: Arc<Mutex<Found>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Connections as near and far side.
type Connections = BTreeSet<(SocketAddr, SocketAddr)>;

#[derive(Default)]
struct Found {
    own: Connections,
    children: Connections,
}

/// Who was spoken to.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) own: BTreeSet<SocketAddr>,
    pub(crate) children: BTreeSet<SocketAddr>,
}

impl Watch {
    pub(crate) fn begin() -> Watch {
        let (seen, stop) = (
            Arc::new(Mutex::new(Found::default())),
            Arc::new(AtomicBool::new(false)),
        );
        let thread = std::thread::spawn({
            let (seen, stop) = (Arc::clone(&seen), Arc::clone(&stop));
            move || {
                while !stop.load(Ordering::Relaxed) {
                    look(&mut seen.lock().unwrap());
                    std::thread::sleep(Duration::from_millis(3));
                }
            }
        });
        Watch {
            seen,
            stop,
            thread: Some(thread),
        }
    }

    pub(crate) fn end(self) -> Seen {
        self.end_but(&BTreeSet::new())
    }

    /// Without the connections of this process that begin at `others`: they are not the gate's.
    pub(crate) fn end_but(mut self, others: &BTreeSet<SocketAddr>) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
        let found = self.seen.lock().unwrap();
        let far = |connections: &Connections| {
            let gates = connections.iter().filter(|(near, _)| !others.contains(near));
            gates.map(|(_, far)| *far).collect()
        };
        Seen {
            own: far(&found.own),
            children: far(&found.children),
        }
    }
}

fn look(seen: &mut Found) {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let (own, children) = (sockets("self"), children());
    for line in table.lines().skip(1) {
        let fields: Vec<_> = line.split_whitespace().collect();
        // State 0A only listens; a far side of all zeros is none.
        let (Some(near), Some(far), Ok(inode)) = (address(fields[1]), address(fields[2]), fields[9].parse())
        else {
            continue;
        };
        if fields[3] == "0A" || accepted(&fields, &table) {
            continue;
        }
        if own.contains(&inode) {
            seen.own.insert((near, far));
        } else if children.contains(&inode) {
            seen.children.insert((near, far));
        }
    }
}

/// Whether the near side is a port that somebody listens on: then the connection was taken, not made.
fn accepted(fields: &[&str], table: &str) -> bool {
    let port = fields[1].split_once(':').unwrap().1;
    table.lines().skip(1).any(|line| {
        let mut parts = line.split_whitespace().skip(1);
        let near = parts.next().unwrap();
        near.ends_with(&format!(":{port}")) && parts.nth(1) == Some("0A")
    })
}

fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let ip = Ipv4Addr::from(u32::from_str_radix(ip, 16).ok()?.to_be());
    let port = u16::from_str_radix(port, 16).ok()?;
    (port != 0).then_some(SocketAddr::from((ip, port)))
}

fn sockets(process: &str) -> BTreeSet<u64> {
    let entries = std::fs::read_dir(format!("/proc/{process}/fd"));
    let links = entries.into_iter().flatten().flatten();
    links
        .filter_map(|entry| std::fs::read_link(entry.path()).ok())
        .filter_map(|link| {
            link.to_str()?
                .strip_prefix("socket:[")?
                .strip_suffix(']')?
                .parse()
                .ok()
        })
        .collect()
}

fn children() -> BTreeSet<u64> {
    let mut all = BTreeSet::new();
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let list = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in list.split_whitespace() {
            let name = std::fs::read_to_string(format!("/proc/{child}/comm")).unwrap_or_default();
            // The other children of a test are other people's: a Tor that runs, a bridge.
            if name.trim() == "obfs4proxy" {
                all.extend(sockets(child));
            }
        }
    }
    all
}
