//! What a domain's website says of its XMPP servers: one GET over TLS, and a strict reading of the answer.
//! It must never send more than the name of the domain, follow the answer elsewhere, or read more than 64 KiB.
//! Standard: RFC 9112 (HTTP/1.1), RFC 6415 (host-meta), XEP-0156, XEP-0487 3.1.

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::order::Ranked;
use super::{Place, Security};
use crate::Host;

/// Longest answer, its head included.
const LONGEST: usize = 64 * 1024;
/// Links looked at, and addresses of each.
const MOST_LINKS: usize = 32;
const MOST_ADDRESSES: usize = 8;
/// Direct TLS for clients. What is spoken inside HTTP is of no use here.
const RELATION: &str = "urn:xmpp:alt-connections:tls";

/// What the website says, and for how many seconds.
pub(super) struct HostMeta {
    pub(super) places: Vec<Ranked<Place>>,
    pub(super) seconds: u32,
}

/// Asks for the description of `domain` on a stream that is secured for it. `None`: there is none to be had.
pub(super) async fn host_meta<S>(stream: S, domain: &str) -> Option<HostMeta>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = stream;
    let request = format!(
        "GET /.well-known/host-meta.json HTTP/1.1\r\nHost: {domain}\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    stream.flush().await.ok()?;
    let mut answer = Vec::new();
    let mut part = vec![0; 8 * 1024];
    loop {
        // An end without farewell is an end: what is missing then shows in the answer.
        let length = stream.read(&mut part).await.unwrap_or(0);
        answer.extend_from_slice(part.get(..length)?);
        if length == 0 || answer.len() > LONGEST {
            break;
        }
        if let Some(body) = body(&answer, false) {
            return read(&body, domain);
        }
    }
    read(&body(&answer, true)?, domain)
}

/// The body of a good answer; `None` while it is not whole, or for any other answer.
fn body(answer: &[u8], ended: bool) -> Option<Vec<u8>> {
    if answer.len() > LONGEST {
        return None;
    }
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    let rest = answer.get(end + 4..)?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?;
    let good = ["HTTP/1.1 200", "HTTP/1.0 200"];
    if !good.iter().any(|good| status.starts_with(good)) {
        return None;
    }
    let headers: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(':')).collect();
    let header = |wanted: &str| {
        let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.trim())
    };
    match (header("transfer-encoding"), header("content-length")) {
        (Some(coding), _) if coding.eq_ignore_ascii_case("chunked") => unchunked(rest),
        (Some(_), _) => None,
        (None, Some(length)) => rest.get(..length.parse().ok()?).map(<[u8]>::to_vec),
        (None, None) => ended.then(|| rest.to_vec()),
    }
}

/// RFC 9112 7.1; `None` while the last chunk is not there.
fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let line = std::str::from_utf8(rest.get(..end)?).ok()?;
        let digits = line.split(';').next()?.trim();
        let length = usize::from_str_radix(digits, 16).ok()?;
        let from = end + 2;
        if length == 0 {
            return Some(body);
        }
        let to = from.checked_add(length)?;
        body.extend_from_slice(rest.get(from..to)?);
        rest = rest.get(to..)?.strip_prefix(b"\r\n")?;
    }
}

#[derive(Deserialize)]
struct Document {
    xmpp: Option<About>,
    #[serde(default)]
    links: Vec<Link>,
}

#[derive(Deserialize)]
struct About {
    ttl: u32,
}

#[derive(Deserialize)]
struct Link {
    rel: String,
    #[serde(default)]
    port: Option<u16>,
    #[serde(default)]
    ips: Vec<String>,
    #[serde(default)]
    priority: u16,
    #[serde(default)]
    weight: u16,
    #[serde(default)]
    sni: Option<String>,
}

/// XEP-0487: direct TLS on addresses, or on an onion service among them: a website that has shown the domain's certificate
/// may name one, and whatever is reached there has to show it, too. A link whose certificate would be for another name than the account's domain is
/// left out, because no other name is accepted.
fn read(body: &[u8], domain: &str) -> Option<HostMeta> {
    let document: Document = serde_json::from_slice(body).ok()?;
    let seconds = document.xmpp?.ttl;
    let mut places = Vec::new();
    for link in document.links.iter().take(MOST_LINKS) {
        let named = link
            .sni
            .as_deref()
            .is_none_or(|sni| sni.eq_ignore_ascii_case(domain));
        let Some(port) = link
            .port
            .filter(|port| *port != 0 && named && link.rel == RELATION)
        else {
            continue;
        };
        let addresses = link.ips.iter().take(MOST_ADDRESSES);
        let hosts = addresses.filter_map(|address| Host::parse(address).ok());
        places.extend(
            hosts
                .filter(|host| host.address().is_some() || host.is_onion())
                .map(|host| Ranked {
                    priority: link.priority,
                    weight: link.weight,
                    place: Place {
                        host,
                        port,
                        security: Security::DirectTls,
                    },
                }),
        );
    }
    Some(HostMeta { places, seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{"xmpp":{"ttl":3000},"links":[
        {"rel":"urn:xmpp:alt-connections:websocket","href":"wss://example.org/ws","ips":["192.0.2.1"],"priority":1,"weight":1,"sni":"example.org"},
        {"rel":"urn:xmpp:alt-connections:tls","port":443,"ips":["192.0.2.1","2001:db8::1","127.0.0.1","evil.example"],"priority":10,"weight":50,"sni":"example.org"},
        {"rel":"urn:xmpp:alt-connections:tls","port":444,"ips":["192.0.2.2"],"priority":5,"weight":50,"sni":"other.example"},
        {"rel":"urn:xmpp:alt-connections:tls","port":0,"ips":["192.0.2.2"],"priority":5,"weight":50,"sni":"example.org"},
        {"rel":"urn:xmpp:alt-connections:s2s-tls","port":5270,"ips":["192.0.2.3"],"priority":1,"weight":1,"sni":"example.org"}]}"#;

    #[test]
    fn direct_tls_for_the_domain_is_taken_and_nothing_else() {
        let meta = read(DOCUMENT.as_bytes(), "example.org").unwrap();
        let places: Vec<String> = meta.places.iter().map(|it| it.place.to_string()).collect();
        // The documentation's addresses are no local ones; 127.0.0.1 is, and a name is no address.
        assert!(places.iter().all(|place| place.ends_with(":443")), "{places:?}");
        assert!(
            !places.iter().any(|place| place.starts_with("127.")),
            "{places:?}"
        );
        assert_eq!(meta.seconds, 3000);
    }

    #[test]
    fn a_description_without_the_part_for_xmpp_says_nothing() {
        for body in [
            "",
            "{}",
            "[]",
            r#"{"links":[]}"#,
            r#"{"xmpp":{"ttl":-1}}"#,
            r#"{"xmpp":{"ttl":1},"links":7}"#,
        ] {
            assert!(read(body.as_bytes(), "example.org").is_none(), "{body}");
        }
    }

    #[test]
    fn an_answer_is_read_by_its_length_by_its_chunks_or_to_its_end() {
        let whole = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}more";
        assert_eq!(body(whole, false).unwrap(), b"{}");
        let chunks =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\n{\r\n1\r\n}\r\n0\r\n\r\n";
        assert_eq!(body(chunks, false).unwrap(), b"{}");
        let open = b"HTTP/1.0 200 OK\r\n\r\n{}";
        assert_eq!(
            (body(open, false), body(open, true)),
            (None, Some(b"{}".to_vec()))
        );
        for length in 0..chunks.len() - 7 {
            assert_eq!(body(&chunks[..length], true), None, "{length}");
        }
    }

    #[test]
    fn other_answers_and_broken_ones_are_nothing() {
        for answer in [
            "HTTP/1.1 301 Moved\r\nLocation: https://evil.example/\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n{}",
            "SSH-2.0-OpenSSH\r\n\r\n",
        ] {
            assert_eq!(body(answer.as_bytes(), true), None, "{answer}");
        }
        assert_eq!(body(&vec![b'a'; LONGEST + 1], true), None);
    }

    #[tokio::test]
    async fn an_endless_answer_is_left() {
        let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
        let serving = tokio::spawn(async move {
            let head = b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n";
            let _ = theirs.write_all(head).await;
            while theirs.write_all(&[b' '; 4096]).await.is_ok() {}
        });
        assert!(host_meta(ours, "example.org").await.is_none());
        serving.await.unwrap();
    }
}
