//! As much of Tor's control protocol as the lab needs: one command, its whole answer.
//! Never used on a Tor of the machine: only on the lab's own control sockets, which ask no password.
//! Tor's control-spec, 2.3 (replies), 3.9 (GETINFO), 3.16 (CLOSECIRCUIT).

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::LabError;

/// Answers longer than this are cut: a descriptor has less than 64 KiB.
const LONGEST_ANSWER: u64 = 256 * 1024;

/// Sends one command and gives the answer's lines as they came.
pub(super) fn ask(socket: &Path, command: &str) -> Result<String, LabError> {
    let doing = || format!("ask Tor at {}", socket.display());
    let mut stream = UnixStream::connect(socket).map_err(LabError::io(doing()))?;
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .map_err(LabError::io(doing()))?;
    let text = format!("AUTHENTICATE\r\n{command}\r\nQUIT\r\n");
    stream.write_all(text.as_bytes()).map_err(LabError::io(doing()))?;
    let mut answer = String::new();
    stream
        .take(LONGEST_ANSWER)
        .read_to_string(&mut answer)
        .map_err(LabError::io(doing()))?;
    Ok(answer)
}

/// Circuits of an onion service that carry its visitors.
pub(super) fn rendezvous_circuits(status: &str) -> Vec<&str> {
    let visitors = status
        .lines()
        .filter(|line| line.contains("PURPOSE=HS_SERVICE_REND"));
    let line_start = |line: &'_ str| {
        line.rfind("circuit-status=")
            .map_or(0, |at| at + "circuit-status=".len())
    };
    visitors
        .filter_map(|line| line.get(line_start(line)..)?.split_whitespace().next())
        .filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_circuits_of_visitors_are_found() {
        let many = "250 OK\r\n250+circuit-status=\r\n5 BUILT $AA~a PURPOSE=HS_SERVICE_INTRO\r\n\
                    12 BUILT $BB~b PURPOSE=HS_SERVICE_REND HS_STATE=HSSR_JOINED\r\n.\r\n250 OK\r\n";
        assert_eq!(rendezvous_circuits(many), ["12"]);
        let one = "250-circuit-status=7 BUILT $AA~a PURPOSE=HS_SERVICE_REND\r\n250 OK\r\n";
        assert_eq!(rendezvous_circuits(one), ["7"]);
        assert!(rendezvous_circuits("250-circuit-status=\r\n250 OK\r\n").is_empty());
    }
}
