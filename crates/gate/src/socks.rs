//! The SOCKS port of a Tor that already runs: one stream each, under a name that isolates it.
//! It must never ask for a stream without such a name, nor hand a name of a host to anybody but Tor.
//! Standard: RFC 1928 and RFC 1929 (SOCKS 5 with a name); socks-extensions of the Tor specifications (replies F0 to F7).

use std::io;
use std::net::IpAddr;

use door::{Connect, Refusal};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Asks for the stream that `connect` describes, isolated by `user` and `password` (1 to 255 bytes each).
///
/// # Errors
/// The refusal; [`Refusal::GateBusy`] where the other side does not speak SOCKS.
pub(crate) async fn negotiate<S>(
    stream: &mut S,
    user: &str,
    password: &str,
    connect: &Connect,
) -> Result<(), Refusal>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let reply = exchange(stream, user, password, connect).await;
    match reply.map_err(|_| Refusal::GateBusy)? {
        0 => Ok(()),
        reply => Err(refusal(reply)),
    }
}

/// Returns the reply code (RFC 1928 6).
async fn exchange<S>(stream: &mut S, user: &str, password: &str, connect: &Connect) -> io::Result<u8>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let garbled = || io::Error::from(io::ErrorKind::InvalidData);
    stream.write_all(&[5, 1, 2]).await?;
    let mut chosen = [0; 2];
    stream.read_exact(&mut chosen).await?;
    if chosen != [5, 2] {
        return Err(garbled());
    }
    let mut message = vec![1];
    push_short(&mut message, user.as_bytes())?;
    push_short(&mut message, password.as_bytes())?;
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
