//! The name server of the private exits: one name, its SRV records, and "no such name" for the rest.
//! Never asks anybody else, and never answers more than one question of at most 512 bytes.
//! RFC 1035 4 (format), RFC 2782 (SRV), RFC 6120 3.2 and XEP-0368 (the names).

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use crate::LabError;
use crate::info::{DOMAIN, Ports};

/// The port that Tor's exits ask; no other can be named to them.
const PORT: u16 = 53;
const LONGEST_QUESTION: usize = 512;
const LONGEST_NAME: usize = 255;
const TYPE_A: u16 = 1;
const TYPE_SRV: u16 = 33;
const CLASS_IN: u16 = 1;
const SECONDS_TO_LIVE: u32 = 60;
const NO_SUCH_NAME: u8 = 3;

/// Serves port 53 by UDP and TCP until the process ends, on the first loopback address where it is
/// free. Gives that address.
///
/// # Errors
/// [`LabError::Io`] when it is free nowhere, or not allowed.
pub(crate) fn serve(ports: &Ports) -> Result<Ipv4Addr, LabError> {
    let (address, udp, tcp) = bind().map_err(LabError::io(
        "be a name server on port 53 of 127.0.0.1 (needs namespaces, or root)",
    ))?;
    let names = Names {
        direct_tls: ports.xmpp_tls,
        start_tls: ports.xmpp,
    };
    let thread = std::thread::Builder::new().name("dns udp".to_owned());
    thread
        .spawn(move || serve_udp(&udp, names))
        .map_err(LabError::io("start a thread"))?;
    let thread = std::thread::Builder::new().name("dns tcp".to_owned());
    thread
        .spawn(move || serve_tcp(&tcp, names))
        .map_err(LabError::io("start a thread"))?;
    Ok(address)
}

/// In the lab's own network the first address is free; on the machine's another lab may have it.
fn bind() -> io::Result<(Ipv4Addr, UdpSocket, TcpListener)> {
    let mut refused = io::Error::from(io::ErrorKind::AddrInUse);
    for address in [Ipv4Addr::LOCALHOST]
        .into_iter()
        .chain((1..20).map(|last| Ipv4Addr::new(127, 0, 77, last)))
    {
        let place = SocketAddr::from((address, PORT));
        match UdpSocket::bind(place).and_then(|udp| Ok((address, udp, TcpListener::bind(place)?))) {
            Ok(bound) => return Ok(bound),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// The ports that SRV records point to.
#[derive(Clone, Copy, Debug)]
struct Names {
    direct_tls: u16,
    start_tls: u16,
}

fn serve_udp(socket: &UdpSocket, names: Names) {
    let mut question = [0; LONGEST_QUESTION];
    while let Ok((length, from)) = socket.recv_from(&mut question) {
        if let Some(answer) = question.get(..length).and_then(|question| names.answer(question)) {
            // A lost answer is asked for again.
            let _lost = socket.send_to(&answer, from);
        }
    }
}

fn serve_tcp(listener: &TcpListener, names: Names) {
    for stream in listener.incoming().flatten() {
        // The asker sees a closed connection and asks again.
        let _closed = std::thread::Builder::new().spawn(move || serve_stream(stream, names));
    }
}

fn serve_stream(mut stream: TcpStream, names: Names) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut question = vec![0; usize::from(u16::from_be_bytes(length)).min(LONGEST_QUESTION)];
        stream.read_exact(&mut question)?;
        let answer = names.answer(&question).ok_or(io::ErrorKind::InvalidData)?;
        let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
        stream.write_all(&length.to_be_bytes())?;
        stream.write_all(&answer)?;
    }
}

/// The one question of a message.
struct Question<'a> {
    id: &'a [u8],
    /// Name, type and class as they came.
    raw: &'a [u8],
    name: String,
    kind: u16,
    class: u16,
}

impl<'a> Question<'a> {
    fn parse(message: &'a [u8]) -> Option<Self> {
        let (header, rest) = message.split_at_checked(12)?;
        if header.get(4..6)? != [0, 1] {
            return None;
        }
        let (name, after) = parse_name(rest)?;
        let fields = rest.get(after..after + 4)?;
        let kind = u16::from_be_bytes(fields.get(..2)?.try_into().ok()?);
        let class = u16::from_be_bytes(fields.get(2..)?.try_into().ok()?);
        Some(Self {
            id: header.get(..2)?,
            raw: rest.get(..after + 4)?,
            name,
            kind,
            class,
        })
    }
}

/// A name without compression, in lower case, and how many bytes it took.
fn parse_name(bytes: &[u8]) -> Option<(String, usize)> {
    let mut name = String::new();
    let mut at = 0;
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1;
        if length == 0 {
            return Some((name, at));
        }
        let label = bytes.get(at..at + length)?;
        if length > 63 || name.len() + length >= LONGEST_NAME || !label.is_ascii() {
            return None;
        }
        if !name.is_empty() {
            name.push('.');
        }
        name.extend(label.iter().map(|byte| char::from(byte.to_ascii_lowercase())));
        at += length;
    }
}

fn encode_name(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.') {
        bytes.extend(u8::try_from(label.len()).ok());
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    bytes
}

impl Names {
    /// The answer to a message, or nothing when it is no question.
    fn answer(self, message: &[u8]) -> Option<Vec<u8>> {
        let question = Question::parse(message)?;
        let known = self.records(&question);
        let data = known.as_ref().and_then(Option::as_ref);
        let mut answer = Vec::with_capacity(LONGEST_QUESTION);
        answer.extend(question.id);
        // Answer, authoritative, recursion wished for and had.
        answer.extend([0x85, 0x80 | if known.is_some() { 0 } else { NO_SUCH_NAME }]);
        answer.extend([0, 1, 0, u8::from(data.is_some()), 0, 0, 0, 0]);
        answer.extend(question.raw);
        if let Some(data) = data {
            answer.extend([0xc0, 12]); // the name of the question
            answer.extend(question.kind.to_be_bytes());
            answer.extend(CLASS_IN.to_be_bytes());
            answer.extend(SECONDS_TO_LIVE.to_be_bytes());
            answer.extend(u16::try_from(data.len()).ok()?.to_be_bytes());
            answer.extend(data);
        }
        Some(answer)
    }

    /// `None` for a name that is not; `Some(None)` for one without a record of this type.
    fn records(self, question: &Question<'_>) -> Option<Option<Vec<u8>>> {
        let asked = |kind| question.kind == kind && question.class == CLASS_IN;
        if question.name == DOMAIN {
            return Some(asked(TYPE_A).then(|| Ipv4Addr::LOCALHOST.octets().to_vec()));
        }
        let service = question.name.strip_suffix(DOMAIN)?;
        let port = match service {
            "_xmpps-client._tcp." => self.direct_tls,
            "_xmpp-client._tcp." => self.start_tls,
            // Names between these and the domain, so that they are not denied.
            "_tcp." => return Some(None),
            _ => return None,
        };
        Some(asked(TYPE_SRV).then(|| service_record(port)))
    }
}

fn service_record(port: u16) -> Vec<u8> {
    let mut data = Vec::new();
    for number in [5, 0, port] {
        data.extend(u16::to_be_bytes(number));
    }
    data.extend(encode_name(DOMAIN));
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: Names = Names {
        direct_tls: 5223,
        start_tls: 5222,
    };

    fn ask(name: &str, kind: u16) -> Vec<u8> {
        let mut message = vec![7, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        message.extend(encode_name(name));
        message.extend(kind.to_be_bytes());
        message.extend([0, 1]);
        NAMES.answer(&message).unwrap()
    }

    #[test]
    fn the_domain_lies_on_loopback() {
        let answer = ask("Chat.Otter.Test", TYPE_A);
        assert_eq!(answer[..4], [7, 9, 0x85, 0x80]);
        assert!(answer.ends_with(&[0, 4, 127, 0, 0, 1]));
    }

    #[test]
    fn services_point_to_their_ports() {
        let answer = ask("_xmpps-client._tcp.chat.otter.test", TYPE_SRV);
        assert!(answer.ends_with(&service_record(5223)));
        let answer = ask("_xmpp-client._tcp.chat.otter.test", TYPE_SRV);
        assert!(answer.ends_with(&service_record(5222)));
    }

    #[test]
    fn a_known_name_without_the_record_is_an_empty_answer() {
        let answer = ask(DOMAIN, 28);
        assert_eq!((answer[3] & 15, answer[7]), (0, 0));
    }

    #[test]
    fn other_names_do_not_exist() {
        for name in [
            "example.org",
            "otter.test",
            "xchat.otter.test",
            "_other._tcp.chat.otter.test",
        ] {
            assert_eq!(ask(name, TYPE_A)[3] & 15, NO_SUCH_NAME, "{name}");
        }
    }

    #[test]
    fn a_broken_question_gets_no_answer() {
        let whole = [
            &[0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..],
            &encode_name(DOMAIN),
            &[0, 1, 0, 1],
        ]
        .concat();
        assert!(NAMES.answer(&whole).is_some());
        for length in 0..whole.len() {
            assert!(NAMES.answer(&whole[..length]).is_none(), "{length}");
        }
    }
}
