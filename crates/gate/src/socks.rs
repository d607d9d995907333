//! The SOCKS port of a Tor that somebody else runs, for networks of tests.
//! It must never be part of a program that people get, nor be used without a name that isolates the stream.
//! Standard: RFC 1928 and RFC 1929 (SOCKS 5 with a name); socks-extensions of the Tor specifications (replies F0 to F7).

use std::io;
use std::net::{IpAddr, SocketAddr};

use door::{Cause, Connect, GateStatus, Phase, Refusal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::outward::Carried;

/// A SOCKS port, and whether it was there when it was last needed.
pub(crate) struct Socks {
    address: SocketAddr,
    status: watch::Sender<GateStatus>,
}

impl Socks {
    pub(crate) fn new(address: SocketAddr) -> Socks {
        let (status, _) = watch::channel(there());
        Socks { address, status }
    }

    pub(crate) fn status(&self) -> watch::Receiver<GateStatus> {
        self.status.subscribe()
    }

    /// Opens a stream; the account and its purpose are the name by which Tor isolates it.
    pub(crate) async fn connect(&self, connect: &Connect) -> Result<Box<dyn Carried>, Refusal> {
        let stream = open(self.address).await;
        self.status.send_if_modified(|last| {
            let now = if stream.is_ok() { there() } else { absent() };
            let changed = *last != now;
            *last = now;
            changed
        });
        let mut stream = stream.map_err(|_| Refusal::TorNotReady(Some(Cause::CannotReachTor)))?;
        let reply = negotiate(&mut stream, connect)
            .await
            .map_err(|_| Refusal::GateBusy)?;
        if reply == 0 {
            Ok(Box::new(stream))
        } else {
            Err(refusal(reply))
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the way out itself, to the Tor of a network of tests"
)]
async fn open(address: SocketAddr) -> io::Result<TcpStream> {
    TcpStream::connect(address).await
}

fn there() -> GateStatus {
    let doing = "Tor runs elsewhere.".to_owned();
    GateStatus {
        phase: Phase::Ready,
        percent: 100,
        doing,
        ..GateStatus::starting()
    }
}

fn absent() -> GateStatus {
    let cause = Cause::CannotReachTor;
    GateStatus {
        phase: Phase::Stalled,
        doing: "The Tor that runs elsewhere does not answer.".to_owned(),
        advice: Some(cause.advice().to_owned()),
        cause: Some(cause),
        ..GateStatus::starting()
    }
}

/// Asks for the stream; returns the reply code (RFC 1928 6).
async fn negotiate(stream: &mut TcpStream, connect: &Connect) -> io::Result<u8> {
    let garbled = || io::Error::from(io::ErrorKind::InvalidData);
    stream.write_all(&[5, 1, 2]).await?;
    let mut chosen = [0; 2];
    stream.read_exact(&mut chosen).await?;
    if chosen != [5, 2] {
        return Err(garbled());
    }
    let mut message = vec![1];
    push_short(&mut message, connect.isolation.to_hex().as_bytes())?;
    push_short(&mut message, format!("{:?}", connect.purpose).as_bytes())?;
    stream.write_all(&message).await?;
    let mut accepted = [0; 2];
    stream.read_exact(&mut accepted).await?;
    if accepted != [1, 0] {
        return Err(garbled());
    }
    stream.write_all(&request(connect)?).await?;
    let mut reply = [0; 4];
    stream.read_exact(&mut reply).await?;
    let [5, code, _, kind] = reply else {
        return Err(garbled());
    };
    let rest: &mut [u8] = match kind {
        1 => &mut [0; 4 + 2],
        4 => &mut [0; 16 + 2],
        _ => return Err(garbled()),
    };
    stream.read_exact(rest).await?;
    Ok(code)
}

fn request(connect: &Connect) -> io::Result<Vec<u8>> {
    let mut message = vec![5, 1, 0];
    match connect.host.address() {
        Some(IpAddr::V4(address)) => {
            message.push(1);
            message.extend(address.octets());
        }
        Some(IpAddr::V6(address)) => {
            message.push(4);
            message.extend(address.octets());
        }
        None => {
            message.push(3);
            push_short(&mut message, connect.host.to_string().as_bytes())?;
        }
    }
    message.extend(connect.port.to_be_bytes());
    Ok(message)
}

fn push_short(message: &mut Vec<u8>, text: &[u8]) -> io::Result<()> {
    message.push(u8::try_from(text.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?);
    message.extend(text);
    Ok(())
}

fn refusal(reply: u8) -> Refusal {
    match reply {
        0x02 => Refusal::ExitRefused,
        0x03 | 0x05 => Refusal::ConnectionRefused,
        0x04 => Refusal::HostNotFound,
        0x06 => Refusal::TimedOut,
        0xf0 | 0xf2 | 0xf3 | 0xf7 => Refusal::OnionNotFound,
        0xf1 | 0xf6 => Refusal::BadOnion,
        0xf4 | 0xf5 => Refusal::OnionNeedsKey,
        _ => Refusal::Internal,
    }
}
