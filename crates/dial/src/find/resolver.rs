//! A name server that is asked over TLS.
//! It must never be asked about an onion service, nor in clear.
//! Standard: RFC 7858 (DNS over TLS), RFC 1035 4.2.2 (length before each message).

use std::fmt;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::service::{self, Fault, Services};
use crate::{Host, HostError};

/// Port of DNS over TLS.
const PORT: u16 = 853;
/// Longest answer taken.
const LONGEST: usize = 16 * 1024;

/// A name server that speaks DNS over TLS (RFC 7858).
#[derive(Clone, PartialEq, Eq)]
pub struct Resolver {
    /// The name in its certificate.
    pub name: String,
    /// Where it is; an address saves the exit from looking up the name.
    pub host: Host,
    /// Its port.
    pub port: u16,
}

impl Resolver {
    /// Those that are asked unless the owner chose others: public ones of several operators, with the addresses that
    /// these published in 2026.
    pub fn usual() -> Vec<Resolver> {
        let usual = [
            "dns.quad9.net@9.9.9.9",
            "one.one.one.one@1.1.1.1",
            "dns.google@8.8.8.8",
        ];
        usual
            .iter()
            .filter_map(|text| Resolver::parse(text).ok())
            .collect()
    }

    /// Reads `name`, `name@address` or either with `:port` behind it.
    ///
    /// # Errors
    /// [`HostError`] where name or address is none, or of this machine.
    pub fn parse(text: &str) -> Result<Resolver, HostError> {
        let (name, place) = match text.split_once('@') {
            Some((name, place)) => (Some(name), place),
            None => (None, text),
        };
        // The colons of an address of IPv6 are in brackets, so the last one outside them is the port's.
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                let port = port.parse().ok().filter(|port| *port != 0);
                (host, port.ok_or(HostError::Malformed)?)
            }
            _ => (place, PORT),
        };
        Ok(Resolver {
            name: Host::parse(name.unwrap_or(host))?.to_string(),
            host: Host::parse(host)?,
            port,
        })
    }
}

/// As [`Resolver::parse`] reads it.
impl fmt::Display for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@", self.name)?;
        match self.host.address() {
            Some(std::net::IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
            _ => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resolver({self})")
    }
}

/// Asks for the services of `names`, on a secured stream; the answers in the same order.
///
/// # Errors
/// [`Fault::Malformed`] also where the stream ends too early.
pub(super) async fn ask<S>(stream: S, names: &[String], random: fn() -> u32) -> Result<Vec<Services>, Fault>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = stream;
    let mut answers = Vec::with_capacity(names.len());
    for name in names {
        let [high, low, ..] = random().to_be_bytes();
        let id = u16::from_be_bytes([high, low]);
        let question = service::question(id, name).ok_or(Fault::Malformed)?;
        let length = u16::try_from(question.len()).map_err(|_| Fault::Malformed)?;
        let framed = [&length.to_be_bytes()[..], &question].concat();
        stream.write_all(&framed).await.map_err(|_| Fault::Malformed)?;
        stream.flush().await.map_err(|_| Fault::Malformed)?;
        let length = usize::from(stream.read_u16().await.map_err(|_| Fault::Malformed)?);
        if length > LONGEST {
            return Err(Fault::Malformed);
        }
        let mut message = vec![0; length];
        stream
            .read_exact(&mut message)
            .await
            .map_err(|_| Fault::Malformed)?;
        answers.push(service::answer(&message, id, name)?);
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolver_is_named_with_or_without_address_and_port() {
        for (text, told) in [
            ("dns.example", "dns.example@dns.example:853"),
            ("dns.example:8853", "dns.example@dns.example:8853"),
            ("dns.example@9.9.9.9", "dns.example@9.9.9.9:853"),
            ("dns.example@9.9.9.9:8853", "dns.example@9.9.9.9:8853"),
            ("dns.example@[2620:fe::fe]:8853", "dns.example@[2620:fe::fe]:8853"),
        ] {
            assert_eq!(Resolver::parse(text).unwrap().to_string(), told, "{text}");
            assert_eq!(Resolver::parse(told).unwrap().to_string(), told);
        }
        for text in [
            "",
            "@",
            "dns.example@127.0.0.1",
            "dns.example:0",
            "dns.example:x",
            "a b",
        ] {
            assert!(Resolver::parse(text).is_err(), "{text}");
        }
        assert_eq!(Resolver::usual().len(), 3);
    }
}
