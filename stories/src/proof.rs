//! What can be seen from outside: what crossed the server, and to whom the rooms' sockets lead.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde_json::Value;

use crate::{Otter, Place, Trouble};

/// One message as the server saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossed {
    /// Who sent it: a bare JID.
    pub from: String,
    /// To whom: a bare JID.
    pub to: String,
    /// Its body.
    pub body: String,
}

/// Every message with a body that crossed the server between two people, in order.
///
/// # Errors
/// Where the wiretap cannot be read.
pub fn crossed(place: &Place, one: &str, other: &str) -> Result<Vec<Crossed>, Trouble> {
    let text =
        fs::read_to_string(&place.info().wiretap).map_err(|e| Trouble::new(format!("No wiretap: {e}")))?;
    let field = |value: &Value, name: &str| {
        value
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let crossed = lines.filter(|line| line.get("direction").and_then(Value::as_str) == Some("in"));
    let crossed = crossed.map(|line| Crossed {
        from: field(&line, "from"),
        to: field(&line, "to"),
        body: field(&line, "body"),
    });
    let ours = |c: &Crossed| (c.from == one && c.to == other) || (c.from == other && c.to == one);
    Ok(crossed.filter(|c| ours(c) && !c.body.is_empty()).collect())
}

/// Checks a running messenger's sockets: none of the internet in the engine, only TCP to the private
/// relays in the gate. The number of such connections.
///
/// # Errors
/// Says which socket should not be there.
pub fn only_relays(place: &Place, otter: &Otter) -> Result<usize, Trouble> {
    let engine = otter
        .room("engine")
        .ok_or_else(|| Trouble::new("There is no engine"))?;
    let gate = otter
        .room("gate")
        .ok_or_else(|| Trouble::new("There is no gate"))?;
    let stray = sockets(engine)?;
    if let Some(stray) = stray.first() {
        return Err(Trouble::new(format!("The engine has a socket: {stray:?}")));
    }
    let relays: BTreeSet<SocketAddr> = place.info().relays.iter().copied().collect();
    let sockets = sockets(gate)?;
    match sockets
        .iter()
        .find(|socket| socket.protocol != "tcp" || !relays.contains(&socket.peer))
    {
        Some(stray) => Err(Trouble::new(format!(
            "The gate has a socket that leads elsewhere: {stray:?}"
        ))),
        None => Ok(sockets.len()),
    }
}

/// One internet socket of a process.
#[derive(Debug)]
struct Socket {
    protocol: &'static str,
    peer: SocketAddr,
}

/// The internet sockets that a process holds, by its descriptors and its own network's tables.
fn sockets(pid: u32) -> Result<Vec<Socket>, Trouble> {
    let cannot =
        |error: std::io::Error| Trouble::new(format!("The sockets of {pid} cannot be listed: {error}"));
    let mut held = BTreeSet::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fd")).map_err(cannot)? {
        let Ok(target) = fs::read_link(entry.map_err(cannot)?.path()) else {
            continue;
        };
        let target = target.to_string_lossy().into_owned();
        if let Some(inode) = target
            .strip_prefix("socket:[")
            .and_then(|rest| rest.strip_suffix(']'))
        {
            held.insert(inode.to_owned());
        }
    }
    let mut sockets = Vec::new();
    for protocol in ["tcp", "tcp6", "udp", "udp6", "raw", "raw6"] {
        let table = fs::read_to_string(format!("/proc/{pid}/net/{protocol}")).unwrap_or_default();
        for line in table.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (Some(peer), Some(inode)) = (fields.get(2), fields.get(9)) else {
                continue;
            };
            if held.contains(*inode) {
                sockets.push(Socket {
                    protocol,
                    peer: address(peer),
                });
            }
        }
    }
    Ok(sockets)
}

/// An IPv4 address as `/proc/net/tcp` writes it; anything else is told as an address that is no relay.
fn address(text: &str) -> SocketAddr {
    let parsed = text.split_once(':').and_then(|(host, port)| {
        let host = u32::from_str_radix(host, 16).ok()?;
        Some((
            Ipv4Addr::from(host.swap_bytes()),
            u16::from_str_radix(port, 16).ok()?,
        ))
    });
    let (host, port) = parsed.unwrap_or((Ipv4Addr::UNSPECIFIED, 0));
    SocketAddr::new(IpAddr::V4(host), port)
}

/// Resident memory of a process in KiB.
///
/// # Errors
/// Where there is no such process.
pub fn resident_kib(pid: u32) -> Result<u64, Trouble> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))
        .map_err(|error| Trouble::new(format!("There is no process {pid}: {error}")))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line
        .and_then(|line| line.split_whitespace().next())
        .and_then(|number| number.parse().ok());
    number.ok_or_else(|| Trouble::new(format!("Process {pid} tells no memory")))
}
