//! Pluggable transports: which program speaks one, and what it says when it was started.
//! It must never start a program itself (the porter does, in walls of its own), nor use a port of another machine.
//! Standard: pt-spec 3.2 (configuration by environment), 3.3 (the program's messages).

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use door::{Bridge, Proxy, SettingsProblem};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::errands::{Errand, Program};
use crate::hands::Hands;

/// How long a program may take to say that it is ready.
const START: Duration = Duration::from_secs(15);
/// The longest line of a program, in bytes.
const MAX_LINE: u64 = 4096;
/// The most lines before it is ready.
const MAX_LINES: usize = 64;

/// A transport that is running: it ends when the value is dropped.
#[derive(Debug)]
pub(crate) struct Transport {
    /// The name in bridge lines.
    pub(crate) name: String,
    /// Where Arti reaches it, on this computer.
    pub(crate) address: SocketAddr,
    listening: AbortHandle,
}

impl Drop for Transport {
    fn drop(&mut self) {
        // The task holds the program's standard input; without it the program ends.
        self.listening.abort();
    }
}

/// The transports that `bridges` need.
///
/// # Errors
/// [`SettingsProblem::TransportUnknown`].
pub(crate) fn needed(bridges: &[Bridge]) -> Result<BTreeSet<&str>, SettingsProblem> {
    let names: BTreeSet<&str> = bridges.iter().filter_map(Bridge::transport).collect();
    if names.iter().any(|name| programs(name).is_empty()) {
        return Err(SettingsProblem::TransportUnknown);
    }
    Ok(names)
}

/// The names of transports that are known here.
const NAMES: [&str; 4] = ["obfs4", "snowflake", "webtunnel", "meek_lite"];

/// Those for which a program is installed; none without a porter.
pub(crate) async fn installed(hands: &Hands) -> Vec<String> {
    let mut found = Vec::new();
    for program in Program::ALL {
        if hands.carry_out(Errand::Look(program)).await.is_ok() {
            found.push(program);
        }
    }
    let spoken = |name: &&str| programs(name).iter().any(|program| found.contains(program));
    NAMES.into_iter().filter(spoken).map(str::to_owned).collect()
}

/// The programs that speak a transport, the preferred one first.
fn programs(transport: &str) -> &'static [Program] {
    match transport {
        "obfs4" | "meek_lite" => &[Program::Lyrebird, Program::Obfs4proxy],
        "snowflake" => &[Program::Snowflake, Program::Lyrebird],
        "webtunnel" => &[Program::Webtunnel, Program::Lyrebird],
        _ => &[],
    }
}

/// Has the program of a transport started. `ended` is told when it ends by itself.
///
/// # Errors
/// [`SettingsProblem::TransportMissing`] if none is installed, [`SettingsProblem::TransportFailed`] if it does not come
/// up, [`SettingsProblem::Unavailable`] without a porter.
pub(crate) async fn start(
    name: &str,
    proxy: Option<&Proxy>,
    hands: &Hands,
    ended: mpsc::Sender<()>,
) -> Result<Transport, SettingsProblem> {
    if !hands.any() {
        return Err(SettingsProblem::Unavailable);
    }
    let mut stream = None;
    for program in programs(name) {
        match hands.stream(Errand::Transport(*program)).await {
            Ok(found) => {
                stream = Some(found);
                break;
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(_) => return Err(SettingsProblem::TransportFailed),
        }
    }
    let stream = stream.ok_or(SettingsProblem::TransportMissing)?;
    let ready = timeout(START, greet(stream, name, proxy)).await;
    let (stream, address) = ready.ok().flatten().ok_or(SettingsProblem::TransportFailed)?;
    let listening = tokio::spawn(async move {
        drain(stream).await;
        // Nobody may be left to hear it.
        let _ = ended.send(()).await;
    });
    Ok(Transport {
        name: name.to_owned(),
        address,
        listening: listening.abort_handle(),
    })
}

/// Tells the launcher what to start, and waits until the program says where it listens.
async fn greet(
    mut stream: UnixStream,
    name: &str,
    proxy: Option<&Proxy>,
) -> Option<(BufReader<UnixStream>, SocketAddr)> {
    let proxy = proxy.map(Proxy::expose_secret).unwrap_or_default();
    let order = Zeroizing::new(format!("{name}\n{proxy}\n"));
    stream.write_all(order.as_bytes()).await.ok()?;
    let mut stream = BufReader::new(stream);
    let mut greeting = Greeting::new(name, !proxy.is_empty());
    for _ in 0..MAX_LINES {
        let mut line = String::new();
        (&mut stream).take(MAX_LINE).read_line(&mut line).await.ok()?;
        match greeting.push(line.strip_suffix('\n')?) {
            Heard::More => {}
            Heard::Ready(address) => return Some((stream, address)),
            Heard::Failed => return None,
        }
    }
    None
}

/// Lets the program talk until it ends.
async fn drain(mut stream: BufReader<UnixStream>) {
    let mut buffer = [0; 1024];
    while let Ok(1..) = stream.read(&mut buffer).await {}
}

/// What a program has said so far.
#[derive(Debug)]
struct Greeting {
    name: String,
    proxied: bool,
    address: Option<SocketAddr>,
}

/// What a line means.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Failed,
    More,
    Ready(SocketAddr),
}

impl Greeting {
    fn new(name: &str, proxied: bool) -> Greeting {
        Greeting {
            name: name.to_owned(),
            // Without the program's word that it uses the proxy it would go past it.
            proxied,
            address: None,
        }
    }

    fn push(&mut self, line: &str) -> Heard {
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("CMETHOD"), Some(name), Some("socks5"), Some(address)) if name == self.name => {
                let address = address
                    .parse()
                    .ok()
                    .filter(|address: &SocketAddr| address.ip().is_loopback());
                self.address = address;
                if address.is_some() {
                    Heard::More
                } else {
                    Heard::Failed
                }
            }
            (Some("CMETHODS"), Some("DONE"), ..) => match self.address {
                Some(address) if !self.proxied => Heard::Ready(address),
                _ => Heard::Failed,
            },
            (Some("PROXY"), Some("DONE"), ..) => {
                self.proxied = false;
                Heard::More
            }
            (Some("ENV-ERROR" | "VERSION-ERROR" | "PROXY-ERROR" | "CMETHOD-ERROR"), ..) => Heard::Failed,
            _ => Heard::More,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(proxied: bool, lines: &[&str]) -> Heard {
        let mut greeting = Greeting::new("obfs4", proxied);
        for line in lines {
            match greeting.push(line) {
                Heard::More => {}
                other => return other,
            }
        }
        Heard::More
    }

    #[test]
    fn a_program_is_ready_once_it_has_said_so() {
        let address = "127.0.0.1:4711".parse().unwrap();
        let lines = [
            "VERSION 1",
            "CMETHOD obfs4 socks5 127.0.0.1:4711",
            "CMETHODS DONE",
        ];
        assert_eq!(hear(false, &lines), Heard::Ready(address));
        assert_eq!(hear(false, &lines[..2]), Heard::More);
        let proxied = ["VERSION 1", "PROXY DONE", lines[1], lines[2]];
        assert_eq!(hear(true, &proxied), Heard::Ready(address));
    }

    #[test]
    fn a_program_that_would_go_past_the_proxy_or_listens_elsewhere_is_not_used() {
        let method = "CMETHOD obfs4 socks5 127.0.0.1:4711";
        assert_eq!(hear(true, &[method, "CMETHODS DONE"]), Heard::Failed);
        assert_eq!(hear(true, &["PROXY-ERROR no"]), Heard::Failed);
        assert_eq!(
            hear(false, &["CMETHOD obfs4 socks5 192.0.2.1:4711"]),
            Heard::Failed
        );
        assert_eq!(hear(false, &["CMETHOD-ERROR obfs4 no"]), Heard::Failed);
        assert_eq!(
            hear(false, &["CMETHOD obfs3 socks5 127.0.0.1:1", "CMETHODS DONE"]),
            Heard::Failed
        );
    }

    #[test]
    fn a_transport_that_nobody_speaks_is_known_at_once() {
        let fingerprint = "0123456789ABCDEF0123456789ABCDEF01234567";
        let bridge = |name: &str| Bridge::parse(&format!("{name} 192.0.2.1:1 {fingerprint}")).unwrap();
        let bridges = [bridge("obfs4"), bridge("snowflake"), bridge("obfs4")];
        assert_eq!(
            needed(&bridges).unwrap().into_iter().collect::<Vec<_>>(),
            ["obfs4", "snowflake"]
        );
        assert_eq!(needed(&[bridge("obfs2")]), Err(SettingsProblem::TransportUnknown));
    }
}
