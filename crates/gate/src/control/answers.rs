//! What the answers of a control port mean: how to authenticate, where streams go in, how far Tor is, its circuits.
//! It must never panic on a strange answer, nor take a text out of it that could be shown or sent unbounded.
//! Standard: Tor's control-spec 2.1.1 (quoted strings), 3.9 (GETINFO), 3.21 (PROTOCOLINFO), 4.1.1 and 4.1.2 (CIRC, STREAM).

use std::net::SocketAddr;
use std::path::PathBuf;

use super::Reply;

/// The most circuits or streams that are looked at.
const MAX_ENTRIES: usize = 1024;
/// The most hops of one circuit.
const MAX_HOPS: usize = 12;

/// How a control port wants to be authenticated to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ProtocolInfo {
    /// Nothing is asked.
    pub(crate) null: bool,
    /// A password.
    pub(crate) password: bool,
    /// A cookie, proven by both sides.
    pub(crate) safe_cookie: bool,
    /// Where the cookie is.
    pub(crate) cookie_file: Option<PathBuf>,
    /// Tor's version.
    pub(crate) version: Option<String>,
}

impl ProtocolInfo {
    /// Reads the reply to `PROTOCOLINFO 1`; `None` if it is none.
    pub(crate) fn read(reply: &Reply) -> Option<ProtocolInfo> {
        let mut lines = reply.lines.iter();
        lines.find(|line| line.starts_with("PROTOCOLINFO "))?;
        let mut info = ProtocolInfo::default();
        for line in lines {
            if let Some(rest) = line.strip_prefix("AUTH METHODS=") {
                let (methods, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                for method in methods.split(',') {
                    match method {
                        "NULL" => info.null = true,
                        "HASHEDPASSWORD" => info.password = true,
                        "SAFECOOKIE" => info.safe_cookie = true,
                        _ => {}
                    }
                }
                info.cookie_file = rest
                    .strip_prefix("COOKIEFILE=")
                    .and_then(unquote)
                    .map(PathBuf::from);
            } else if let Some(rest) = line.strip_prefix("VERSION Tor=") {
                info.version = unquote(rest);
            }
        }
        Some(info)
    }
}

/// Reads the quoted string with which `text` begins.
fn unquote(text: &str) -> Option<String> {
    let mut bytes = text.strip_prefix('"')?.bytes();
    let mut found = Vec::new();
    loop {
        match bytes.next()? {
            b'"' => return String::from_utf8(found).ok(),
            b'\\' => found.push(match bytes.next()? {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                digit @ b'0'..=b'7' => octal(digit, &mut bytes)?,
                other => other,
            }),
            byte => found.push(byte),
        }
    }
}

/// One to three octal digits, the first of which was read.
fn octal(first: u8, rest: &mut std::str::Bytes<'_>) -> Option<u8> {
    let mut value = u32::from(first - b'0');
    for _ in 0..2 {
        let mut ahead = rest.clone();
        match ahead.next() {
            Some(digit @ b'0'..=b'7') => {
                value = value * 8 + u32::from(digit - b'0');
                *rest = ahead;
            }
            _ => break,
        }
    }
    u8::try_from(value).ok()
}

/// Writes `text` as a quoted string.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

/// A place where Tor takes streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listener {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// Reads the value of `net/listeners/socks`: quoted places with spaces between.
pub(crate) fn listeners(value: &str) -> Vec<Listener> {
    let mut found = Vec::new();
    for part in value.split('"').skip(1).step_by(2).take(16) {
        if let Some(path) = part.strip_prefix("unix:") {
            found.push(Listener::Unix(PathBuf::from(path.trim_matches('\\'))));
        } else if let Ok(address) = part.parse() {
            found.push(Listener::Tcp(address));
        }
    }
    found
}

/// How far a Tor is with its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bootstrap {
    /// 0 to 100.
    pub(crate) percent: u8,
    /// What it is at, in its own words, as a tag such as `conn_done`.
    pub(crate) tag: String,
    /// Why it does not get on, where it says.
    pub(crate) reason: Option<String>,
}

/// Reads the value of `status/bootstrap-phase`.
pub(crate) fn bootstrap(value: &str) -> Option<Bootstrap> {
    let word = |key: &str| {
        value
            .split(' ')
            .find_map(|word| word.strip_prefix(key))
            .map(str::to_owned)
    };
    let percent: u8 = word("PROGRESS=")?.parse().ok()?;
    Some(Bootstrap {
        percent: percent.min(100),
        tag: word("TAG=").unwrap_or_default(),
        reason: word("REASON="),
    })
}

/// A circuit that stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Circuit {
    /// Tor's name for it.
    pub(crate) id: String,
    /// Fingerprint and nickname of each relay.
    pub(crate) hops: Vec<(String, Option<String>)>,
    /// It leads to an onion service.
    pub(crate) onion: bool,
    /// The SOCKS name of the streams that it is kept for.
    pub(crate) user: Option<String>,
}

/// Reads the value of `circuit-status`: those that stand.
pub(crate) fn circuits(value: &str) -> Vec<Circuit> {
    value.lines().filter_map(circuit).take(MAX_ENTRIES).collect()
}

fn circuit(line: &str) -> Option<Circuit> {
    let mut words = line.split(' ');
    let (id, state, path) = (words.next()?, words.next()?, words.next()?);
    if state != "BUILT" || !path.starts_with('$') {
        return None;
    }
    let mut circuit = Circuit {
        id: id.to_owned(),
        hops: path.split(',').filter_map(hop).take(MAX_HOPS).collect(),
        ..Circuit::default()
    };
    for word in words {
        if let Some(purpose) = word.strip_prefix("PURPOSE=") {
            circuit.onion = purpose.starts_with("HS_CLIENT");
        } else if let Some(user) = word.strip_prefix("SOCKS_USERNAME=") {
            circuit.user = unquote(user);
        }
    }
    Some(circuit)
}

/// `$FINGERPRINT~nickname` or `$FINGERPRINT=nickname`.
fn hop(word: &str) -> Option<(String, Option<String>)> {
    let word = word.strip_prefix('$')?;
    match word.split_once(['~', '=']) {
        Some((fingerprint, nickname)) => Some((fingerprint.to_owned(), Some(nickname.to_owned()))),
        None => Some((word.to_owned(), None)),
    }
}

/// Reads the value of `stream-status`: the circuits of those streams that stand, each as often as it carries one.
pub(crate) fn streams(value: &str) -> Vec<String> {
    let circuit = |line: &str| {
        let mut words = line.split(' ').skip(1);
        let (state, circuit) = (words.next()?, words.next()?);
        (state == "SUCCEEDED").then(|| circuit.to_owned())
    };
    value.lines().filter_map(circuit).take(MAX_ENTRIES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reply(lines: &[&str]) -> Reply {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        Reply { status: 250, lines }
    }

    #[test]
    fn the_ways_to_authenticate_are_read() {
        let info = ProtocolInfo::read(&reply(&[
            "PROTOCOLINFO 1",
            r#"AUTH METHODS=COOKIE,SAFECOOKIE,HASHEDPASSWORD COOKIEFILE="/run/tor/a \"b\\\303\244""#,
            r#"VERSION Tor="0.4.9.11""#,
            "OK",
        ]))
        .unwrap();
        assert!(info.safe_cookie && info.password && !info.null);
        assert_eq!(info.cookie_file, Some(PathBuf::from("/run/tor/a \"b\\ä")));
        assert_eq!(info.version.as_deref(), Some("0.4.9.11"));
        let null = ProtocolInfo::read(&reply(&["PROTOCOLINFO 1", "AUTH METHODS=NULL", "OK"])).unwrap();
        assert!(null.null && !null.safe_cookie && null.cookie_file.is_none());
        assert_eq!(ProtocolInfo::read(&reply(&["OK"])), None);
    }

    #[test]
    fn listeners_are_read_and_strange_ones_left_out() {
        let found = listeners(r#""127.0.0.1:9050" "unix:/run/tor/socks" "localhost:1""#);
        assert_eq!(
            found,
            [
                Listener::Tcp("127.0.0.1:9050".parse().unwrap()),
                Listener::Unix("/run/tor/socks".into())
            ]
        );
        assert!(listeners("").is_empty());
    }

    #[test]
    fn progress_is_read() {
        let stuck =
            r#"WARN BOOTSTRAP PROGRESS=14 TAG=handshake SUMMARY="a b" WARNING="x" REASON=NOROUTE COUNT=1"#;
        let read = bootstrap(stuck).unwrap();
        assert_eq!(
            (read.percent, read.tag.as_str(), read.reason.as_deref()),
            (14, "handshake", Some("NOROUTE"))
        );
        assert_eq!(
            bootstrap("NOTICE BOOTSTRAP PROGRESS=255 TAG=done")
                .unwrap()
                .percent,
            100
        );
        assert_eq!(bootstrap("NOTICE BOOTSTRAP PROGRESS=999"), None);
        assert_eq!(bootstrap(""), None);
    }

    #[test]
    fn circuits_and_their_streams_are_read() {
        let value = "\n3 LAUNCHED PURPOSE=GENERAL\n7 BUILT $AA~one,$BB=two,$CC BUILD_FLAGS=NEED_CAPACITY PURPOSE=GENERAL \
                     TIME_CREATED=2026-01-01T00:00:00 SOCKS_USERNAME=\"p3\" SOCKS_PASSWORD=\"x\"\n\
                     8 BUILT $AA~one PURPOSE=HS_CLIENT_REND";
        let found = circuits(value);
        assert_eq!(found.len(), 2);
        let names: Vec<_> = found[0].hops.iter().map(|(_, name)| name.as_deref()).collect();
        assert_eq!(names, [Some("one"), Some("two"), None]);
        assert_eq!(
            (found[0].user.as_deref(), found[0].onion, found[1].onion),
            (Some("p3"), false, true)
        );
        assert_eq!(streams("9 SUCCEEDED 7 a.org:1\n10 SENTCONNECT 7 b.org:1"), ["7"]);
    }

    #[test]
    fn a_password_is_quoted() {
        assert_eq!(quote(r#"a"b\c"#), r#""a\"b\\c""#);
        assert_eq!(unquote(&quote(r#"a"b\c"#)).as_deref(), Some(r#"a"b\c"#));
    }

    proptest! {
        #[test]
        fn no_answer_makes_a_parser_panic(text in "\\PC{0,300}") {
            let _ = (listeners(&text), bootstrap(&text), circuits(&text), streams(&text), unquote(&text));
            let _ = ProtocolInfo::read(&reply(&["PROTOCOLINFO 1", &text]));
        }
    }
}
