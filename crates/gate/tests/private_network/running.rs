//! A Tor that already runs: Debian's, with each way to authenticate; and programs that only listen.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use dial::{
    Backend, Cause, ControlPlace, Password, PathEnd, Phase, Refusal, Running, SettingsProblem, TorSettings,
    TorStatus,
};
use tempfile::TempDir;

use crate::alice::{Alice, Lab, account_of, exchange};

/// The hash of "geheim" for `HashedControlPassword`, made by `tor --hash-password`.
const HASHED: &str = "16:681FE92AA8F713D3609A7C2336E8F5E8F7C4F3DF8B523C17956FE76071";

/// A Tor of Debian on the lab's network, as somebody else on this computer might run it.
pub(crate) struct Elsewhere {
    folder: TempDir,
    child: Option<Child>,
}

impl Elsewhere {
    /// With these lines for its control port; `SOCKS` and `DIR` stand for its places.
    pub(crate) fn new(lab: &Lab, lines: &str) -> Elsewhere {
        let folder = tempfile::tempdir().unwrap();
        let client = lab.dir.join("client");
        let text = std::fs::read_to_string(client.join("torrc")).unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o700)).unwrap();
        let own = [
            "ControlSocket",
            "ControlPort",
            "SocksPort",
            "CookieAuthentication",
            "DataDirectory",
            "Log ",
            "ORPort",
        ];
        let mut torrc: String = text
            .lines()
            .filter(|line| !own.iter().any(|name| line.starts_with(name)))
            .map(|line| format!("{line}\n"))
            .collect();
        let dir = folder.path().display().to_string();
        torrc.push_str(&format!("DataDirectory {dir}/data\nLog notice file {dir}/log\n"));
        torrc.push_str(&lines.replace("DIR", &dir));
        std::fs::write(folder.path().join("torrc"), torrc).unwrap();
        let mut elsewhere = Elsewhere { folder, child: None };
        elsewhere.start();
        elsewhere
    }

    fn start(&mut self) {
        #[expect(clippy::disallowed_methods, reason = "the Tor that somebody else runs")]
        let child = Command::new("tor")
            .args(["--quiet", "-f"])
            .arg(self.folder.path().join("torrc"))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.stop();
    }
}

fn at(control: &str, password: Option<&str>) -> TorSettings {
    TorSettings::Running(Running {
        control: Some(ControlPlace::parse(control).unwrap()),
        password: password.map(|text| Password::new(text.to_owned()).unwrap()),
    })
}

fn socket(path: &Path) -> String {
    format!("unix:{}", path.display())
}

/// A port that nothing listens on now.
pub(crate) fn free() -> u16 {
    #[expect(clippy::disallowed_methods, reason = "asks the system for a free port")]
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

async fn cause(alice: &Alice, wanted: Cause) {
    let told =
        |status: &TorStatus| matches!(status, TorStatus::Gate(gate) if gate.cause.as_ref() == Some(&wanted));
    let status = alice.wait(Duration::from_secs(20), told).await;
    let TorStatus::Gate(status) = status else {
        panic!("no status")
    };
    assert_eq!((status.phase, status.backend), (Phase::Stalled, Backend::Running));
    assert!(!status.next.is_empty() && status.advice.is_some(), "{status:?}");
}

async fn is_there(alice: &Alice) {
    let ready = |status: &TorStatus| matches!(status, TorStatus::Gate(gate) if gate.is_ready() && gate.backend == Backend::Running);
    alice.wait(Duration::from_secs(60), ready).await;
}

#[tokio::test]
async fn lab_a_tor_that_runs_is_used_whatever_it_wants_for_authentication() {
    let lab = Lab::find();
    let (cookie, password, null) = (free(), free(), free());
    let cases = [
        (
            format!("CookieAuthentication 1\nControlPort {cookie}\nSocksPort auto\n"),
            Some(cookie),
            None,
        ),
        (
            "CookieAuthentication 1\nControlSocket DIR/c.sock\nSocksPort unix:DIR/s.sock\n".to_owned(),
            None,
            None,
        ),
        (
            format!("HashedControlPassword {HASHED}\nControlPort {password}\nSocksPort auto\n"),
            Some(password),
            Some("geheim"),
        ),
        (
            format!(
                "HashedControlPassword {HASHED}\nControlSocket DIR/c.sock\nSocksPort {}\n",
                free()
            ),
            None,
            Some("geheim"),
        ),
        (format!("ControlPort {null}\nSocksPort auto\n"), Some(null), None),
        (
            "ControlSocket DIR/c.sock\nSocksPort unix:DIR/s.sock\n".to_owned(),
            None,
            None,
        ),
    ];
    let alice = Alice::connected(&lab).await;
    for (lines, port, password) in cases {
        let tor = Elsewhere::new(&lab, &lines);
        let place = port.map_or_else(|| socket(&tor.path("c.sock")), |port| format!("127.0.0.1:{port}"));
        // From one running Tor to the next, without a new gate.
        alice.dialer.set_tor(&at(&place, password)).await.unwrap();
        is_there(&alice).await;
        for host in [&lab.domain, &lab.onion] {
            let mut stream = alice.call(1, host, lab.echo).await.unwrap();
            exchange(&mut stream, b"through the other tor").await;
        }
        let status = alice.dialer.status().borrow().clone();
        assert!(
            matches!(&status, TorStatus::Gate(gate) if gate.version.as_deref().is_some_and(|text| text.starts_with("0.4"))),
            "{status:?}"
        );
    }
    alice.dialer.set_tor(&TorSettings::default()).await.unwrap();
    let built_in = |status: &TorStatus| matches!(status, TorStatus::Gate(gate) if gate.is_ready() && gate.backend == Backend::Embedded);
    alice.wait(Duration::from_secs(20), built_in).await;
    let mut stream = alice.call(1, &lab.domain, lab.echo).await.unwrap();
    exchange(&mut stream, b"and back").await;
}

#[tokio::test]
async fn lab_what_the_tor_that_runs_lacks_is_told() {
    let lab = Lab::find();
    let alice = Alice::connected(&lab).await;
    let port = free();
    let place = format!("127.0.0.1:{port}");
    alice.dialer.set_tor(&at(&place, None)).await.unwrap();
    cause(&alice, Cause::RunningAbsent).await;
    let tor = Elsewhere::new(
        &lab,
        &format!("HashedControlPassword {HASHED}\nControlPort {port}\nSocksPort auto\n"),
    );
    cause(&alice, Cause::RunningPasswordMissing).await;
    alice
        .dialer
        .set_tor(&at(&place, Some("geheimnis")))
        .await
        .unwrap();
    cause(&alice, Cause::RunningPassword).await;
    drop(tor);
    // A cookie that Alice may not have: under that name the porter opens none.
    let lines = format!("CookieAuthentication 1\nCookieAuthFile DIR/c\nControlPort {port}\nSocksPort auto\n");
    let _tor = Elsewhere::new(&lab, &lines);
    cause(&alice, Cause::RunningLocked).await;
    // A control port of another machine is not even tried.
    let refused = alice
        .dialer
        .set_tor(&at("192.0.2.1:9051", None))
        .await
        .unwrap_err();
    let expected = Refusal::BadSettings(SettingsProblem::ControlOutOfReach);
    assert_eq!(refused, dial::DialError::Refused(expected));
}

/// Where mallory says that her cookie is.
static COOKIE: OnceLock<String> = OnceLock::new();

/// Answers every connection as `answer` says, for as long as the test runs.
fn impostor(port: u16, answer: fn(&str) -> Option<String>) {
    #[expect(clippy::disallowed_methods, reason = "mallory's program")]
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let (mut stream, mut heard) = (stream, [0; 4096]);
                while let Ok(length @ 1..) = stream.read(&mut heard) {
                    let heard = String::from_utf8_lossy(&heard[..length]).into_owned();
                    match answer(&heard) {
                        Some(text) if stream.write_all(text.as_bytes()).is_ok() => {}
                        _ => return,
                    }
                }
            });
        }
    });
}

#[tokio::test]
async fn lab_a_program_that_only_listens_where_tor_would_is_refused() {
    let lab = Lab::find();
    let alice = Alice::connected(&lab).await;
    // A SOCKS server in the usual place, and no control port: nothing proves what it is.
    impostor(9050, |_| Some("\u{5}\u{0}".to_owned()));
    alice
        .dialer
        .set_tor(&TorSettings::Running(Running::default()))
        .await
        .unwrap();
    cause(&alice, Cause::RunningNotTor).await;
    // A web server, and mallory who claims to know a cookie.
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("a_cookie"), [7; 32]).unwrap();
    let (web, mallory) = (free(), free());
    impostor(web, |_| Some("HTTP/1.1 400 Bad Request\r\n\r\n".to_owned()));
    let path = home.path().join("a_cookie").display().to_string();
    COOKIE.set(path).unwrap();
    impostor(mallory, |heard| {
        let zeros = "0".repeat(64);
        let path = COOKIE.get().unwrap();
        Some(match heard {
            heard if heard.starts_with("PROTOCOLINFO") => format!(
                "250-PROTOCOLINFO 1\r\n250-AUTH METHODS=COOKIE,SAFECOOKIE COOKIEFILE=\"{path}\"\r\n250 OK\r\n"
            ),
            heard if heard.starts_with("AUTHCHALLENGE") => {
                format!("250 AUTHCHALLENGE SERVERHASH={zeros} SERVERNONCE={zeros}\r\n")
            }
            _ => "250 OK\r\n".to_owned(),
        })
    });
    for port in [web, mallory] {
        alice.dialer.set_tor(&TorSettings::default()).await.unwrap();
        alice.wait(Duration::from_secs(20), TorStatus::is_ready).await;
        alice
            .dialer
            .set_tor(&at(&format!("127.0.0.1:{port}"), None))
            .await
            .unwrap();
        cause(&alice, Cause::RunningNotTor).await;
    }
    let refused = tokio::time::timeout(Duration::from_secs(70), alice.refusal(&lab.domain, lab.echo));
    assert_eq!(
        refused.await.unwrap(),
        Refusal::TorNotReady(Some(Cause::RunningNotTor))
    );
}

#[tokio::test]
async fn lab_a_tor_that_stops_and_comes_back_is_followed() {
    let lab = Lab::find();
    let port = free();
    let lines = format!("CookieAuthentication 1\nControlPort {port}\nSocksPort auto\n");
    let mut tor = Elsewhere::new(&lab, &lines);
    let alice = Alice::connected(&lab).await;
    alice
        .dialer
        .set_tor(&at(&format!("127.0.0.1:{port}"), None))
        .await
        .unwrap();
    is_there(&alice).await;
    let mut stream = alice.call(1, &lab.domain, lab.echo).await.unwrap();
    exchange(&mut stream, b"before").await;
    tor.stop();
    cause(&alice, Cause::RunningAbsent).await;
    tor.start();
    is_there(&alice).await;
    let mut stream = alice.call(1, &lab.domain, lab.echo).await.unwrap();
    exchange(&mut stream, b"after").await;
}

#[tokio::test]
async fn lab_the_tor_that_runs_keeps_accounts_and_purposes_apart_and_says_so_itself() {
    let lab = Lab::find();
    let tor = Elsewhere::new(
        &lab,
        "CookieAuthentication 1\nControlSocket DIR/c.sock\nSocksPort unix:DIR/s.sock\n",
    );
    let alice = Alice::connected(&lab).await;
    alice
        .dialer
        .set_tor(&at(&socket(&tor.path("c.sock")), None))
        .await
        .unwrap();
    is_there(&alice).await;
    let first = alice.call(1, &lab.domain, lab.echo).await.unwrap();
    let second = alice.call(1, &lab.domain, lab.echo).await.unwrap();
    let other = alice.call(2, &lab.domain, lab.echo).await.unwrap();
    let onion = alice.call(3, &lab.onion, lab.echo).await.unwrap();
    let paths = alice.dialer.paths().await.unwrap();
    let of = |account: u8| {
        paths
            .iter()
            .filter(move |path| path.isolation == account_of(account))
    };
    assert_eq!(of(1).map(|path| path.streams).sum::<u32>(), 2, "{paths:?}");
    assert_eq!((of(2).count(), of(3).count()), (1, 1), "{paths:?}");
    assert!(
        of(1)
            .chain(of(2))
            .all(|path| path.end == PathEnd::Exit && path.hops.len() == 3)
    );
    assert!(of(3).all(|path| path.end == PathEnd::Onion));
    let named = |path: &dial::Path| path.hops.iter().all(|hop| hop.fingerprint.is_some());
    assert!(paths.iter().all(named), "{paths:?}");
    drop((first, second, other, onion));
}
