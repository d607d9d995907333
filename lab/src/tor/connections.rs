//! Which process of the lab holds TCP connections to which ports.
//! Never looks beyond the lab's own programs.
//! proc(5), `/proc/net/tcp` and `/proc/PID/fd`.

use std::collections::BTreeSet;
use std::fs;

use rustix::process::Pid;

use crate::LabError;

/// State "established" in `/proc/net/tcp`.
const ESTABLISHED: &str = "01";

/// Inode numbers of established sockets whose far end is one of the ports.
pub(super) fn sockets_to(ports: &BTreeSet<u16>) -> Result<BTreeSet<u64>, LabError> {
    let table = fs::read_to_string("/proc/net/tcp").map_err(LabError::io("read /proc/net/tcp"))?;
    Ok(table
        .lines()
        .skip(1)
        .filter_map(|line| socket_to(line, ports))
        .collect())
}

fn socket_to(line: &str, ports: &BTreeSet<u16>) -> Option<u64> {
    let mut fields = line.split_whitespace().skip(2);
    let (_, port) = fields.next()?.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let established = fields.next()? == ESTABLISHED;
    let inode = fields.nth(5)?.parse().ok()?;
    (established && ports.contains(&port)).then_some(inode)
}

/// True if the process holds one of the sockets.
pub(super) fn holds_any(pid: Pid, sockets: &BTreeSet<u64>) -> bool {
    let files = fs::read_dir(format!("/proc/{}/fd", pid.as_raw_pid()));
    let targets = files
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|file| fs::read_link(file.path()).ok());
    let inode = |target: std::path::PathBuf| -> Option<u64> {
        target
            .to_str()?
            .strip_prefix("socket:[")?
            .strip_suffix(']')?
            .parse()
            .ok()
    };
    targets.filter_map(inode).any(|inode| sockets.contains(&inode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_kernel_is_understood() {
        let line =
            "   3: 0100007F:9C40 0100007F:1466 01 00000000:00000000 02:000A 00000000     0        0 4711 2 0";
        assert_eq!(socket_to(line, &BTreeSet::from([5222])), Some(4711));
        assert_eq!(socket_to(line, &BTreeSet::from([5223])), None);
        assert_eq!(
            socket_to(&line.replace(" 01 ", " 06 "), &BTreeSet::from([5222])),
            None
        );
        assert_eq!(socket_to("", &BTreeSet::from([5222])), None);
    }
}
