//! A TCP server that sends back what it gets: the far end of throughput and leak tests.
//! Never listens anywhere but on loopback.
//! RFC 862.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use crate::LabError;

/// Serves 127.0.0.1 until the process ends.
///
/// # Errors
/// [`LabError::Io`] when the port cannot be had.
pub(crate) fn serve(port: u16) -> Result<(), LabError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = listener.map_err(LabError::io(format!("listen on 127.0.0.1:{port}")))?;
    let thread = std::thread::Builder::new().name("echo".to_owned());
    thread
        .spawn(move || accept(&listener))
        .map_err(LabError::io("start a thread"))
        .map(drop)
}

fn accept(listener: &TcpListener) {
    for stream in listener.incoming().flatten() {
        // Without a thread the connection closes, which its user notices.
        let _closed = std::thread::Builder::new().spawn(move || echo(&stream));
    }
}

fn echo(mut stream: &TcpStream) -> io::Result<u64> {
    stream.set_nodelay(true)?;
    let mut copy = stream;
    io::copy(&mut stream, &mut copy)
}
