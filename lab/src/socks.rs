//! Asks the lab's C Tor client for a connection, to see that the network carries one.
//! Never resolves a name itself: the name goes to the exit.
//! RFC 1928.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::LabError;
use crate::children::wait_until;

/// For all attempts together.
const PATIENCE: Duration = Duration::from_secs(90);

/// For one attempt: Tor would keep it for two minutes, though a new one may succeed at once.
const ATTEMPT: Duration = Duration::from_secs(15);

/// One connection to `host` and `port` through the SOCKS port.
///
/// # Errors
/// The system's error; `ConnectionRefused` when Tor says no, `WouldBlock` when it says nothing for 15
/// seconds (which stays the stream's read timeout).
pub fn connect(socks: SocketAddr, host: &str, port: u16) -> io::Result<TcpStream> {
    let too_long = |_| io::Error::from(io::ErrorKind::InvalidInput);
    let mut stream = TcpStream::connect(socks)?;
    stream.set_read_timeout(Some(ATTEMPT))?;
    stream.write_all(&[5, 1, 0])?;
    let mut greeting = [0; 2];
    stream.read_exact(&mut greeting)?;
    let mut request = vec![5, 1, 0, 3, u8::try_from(host.len()).map_err(too_long)?];
    request.extend(host.bytes());
    request.extend(port.to_be_bytes());
    stream.write_all(&request)?;
    let mut answer = [0; 10];
    stream.read_exact(&mut answer)?;
    match answer {
        [5, 0, ..] => Ok(stream),
        _ => Err(io::ErrorKind::ConnectionRefused.into()),
    }
}

/// Connects again and again until it succeeds.
pub(crate) fn wait_for(socks: SocketAddr, host: &str, port: u16) -> Result<(), LabError> {
    let what = format!("a connection to {host}:{port} through Tor");
    wait_until(&what, PATIENCE, || Ok(connect(socks, host, port).is_ok()))
}
