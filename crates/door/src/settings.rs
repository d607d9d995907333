//! What the engine may choose of the gate: which Tor, and the way to it.
//! It must never hold a name that would have to be resolved, nor show a password in `Debug`.
//! Standard: design.md section 4; RFC 1928 and RFC 1929 (SOCKS 5), RFC 9110 9.3.6 (CONNECT) for the proxy.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::Bridge;

/// Settings of the gate; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `true`: every gate from the next one on contacts nobody until it is told a way; and this one as well, if no way is
    /// told along with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<bool>,
    /// `true` lets Tor rest while nobody is connected; the next use wakes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dormant: Option<bool>,
    /// Which Tor, and the way to it. Another choice than the one in use ends all streams that stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tor: Option<TorSettings>,
}

/// Which Tor, and the way to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TorSettings {
    /// The Tor that is built in.
    Embedded(Embedded),
    /// A Tor that already runs.
    Running(Running),
}

impl Default for TorSettings {
    fn default() -> TorSettings {
        TorSettings::Embedded(Embedded::default())
    }
}

/// The way to the network for the Tor that is built in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedded {
    /// Bridges, at most [`Embedded::MAX_BRIDGES`]; with any, nothing else of the network is contacted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bridges: Vec<Bridge>,
    /// A proxy of the local network through which everything goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
    /// The only ports that the local network lets out, at most [`Embedded::MAX_PORTS`]; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reachable_ports: Vec<u16>,
}

impl Embedded {
    /// The most bridges.
    pub const MAX_BRIDGES: usize = 16;
    /// The most reachable ports.
    pub const MAX_PORTS: usize = 16;
}

/// Where a Tor that already runs is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Running {
    /// Its control port; absent: the environment and the usual places are tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<ControlPlace>,
    /// The password of its control port, where it wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
}

/// Where a control port is: `IP:PORT`, or `unix:` and an absolute path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ControlPlace {
    /// A TCP port; of another machine only where the environment of the program names it.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl ControlPlace {
    /// The longest path, in bytes (that of unix(7)).
    pub const MAX_PATH: usize = 107;

    /// Reads `IP:PORT` or `unix:/PATH`.
    ///
    /// # Errors
    /// [`SettingsProblem::Control`] for anything else.
    pub fn parse(text: &str) -> Result<ControlPlace, SettingsProblem> {
        let place = match text.strip_prefix("unix:") {
            Some(path) => unix_path(path).map(ControlPlace::Unix),
            None => text.parse().ok().map(ControlPlace::Tcp),
        };
        place.ok_or(SettingsProblem::Control)
    }
}

fn unix_path(text: &str) -> Option<PathBuf> {
    let path = Path::new(text);
    let plain = path
        .components()
        .all(|part| !matches!(part, std::path::Component::ParentDir));
    let fits = text.len() <= ControlPlace::MAX_PATH && !text.bytes().any(|byte| byte.is_ascii_control());
    (path.is_absolute() && plain && fits).then(|| path.to_owned())
}

impl fmt::Display for ControlPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ControlPlace::Tcp(address) => write!(f, "{address}"),
            ControlPlace::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl From<ControlPlace> for String {
    fn from(place: ControlPlace) -> String {
        place.to_string()
    }
}

impl TryFrom<String> for ControlPlace {
    type Error = SettingsProblem;

    fn try_from(text: String) -> Result<ControlPlace, SettingsProblem> {
        ControlPlace::parse(&text)
    }
}

/// The password of a control port, wiped when it is dropped. At most [`Password::MAX`] bytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Password(String);

impl Password {
    /// The longest password, in bytes.
    pub const MAX: usize = 256;

    /// Takes a password.
    ///
    /// # Errors
    /// [`SettingsProblem::Password`] if it is empty, longer than [`Password::MAX`] bytes, or holds a line end or NUL.
    pub fn new(text: String) -> Result<Password, SettingsProblem> {
        let password = Password(text);
        let fits = !password.0.is_empty() && password.0.len() <= Password::MAX;
        if fits && !password.0.contains(['\r', '\n', '\0']) {
            Ok(password)
        } else {
            Err(SettingsProblem::Password)
        }
    }

    /// The password itself.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl Drop for Password {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

impl TryFrom<String> for Password {
    type Error = SettingsProblem;

    fn try_from(text: String) -> Result<Password, SettingsProblem> {
        Password::new(text)
    }
}

/// A proxy: `socks5://[USER:PASSWORD@]IP:PORT` or `http://[USER:PASSWORD@]IP:PORT` (CONNECT). User and password are
/// percent-encoded. Wiped when it is dropped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Proxy(String);

impl Proxy {
    /// The longest spelling, in bytes.
    pub const MAX: usize = 512;

    /// Reads one.
    ///
    /// # Errors
    /// [`SettingsProblem::Proxy`] for anything else, a host name included: nobody is there to resolve it.
    pub fn parse(text: &str) -> Result<Proxy, SettingsProblem> {
        let problem = || SettingsProblem::Proxy;
        let rest = ["socks5://", "http://"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme))
            .ok_or_else(problem)?;
        let (user, address) = match rest.rsplit_once('@') {
            Some((user, address)) => (Some(user), address),
            None => (None, rest),
        };
        let address: SocketAddr = address.parse().map_err(|_| problem())?;
        let plain = |text: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%:".contains(&byte);
            text.bytes().all(allowed) && !text.starts_with(':') && text.matches(':').count() == 1
        };
        if address.port() == 0 || text.len() > Proxy::MAX || !user.is_none_or(plain) {
            return Err(problem());
        }
        Ok(Proxy(text.to_owned()))
    }

    /// The spelling, which may hold a password.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxy(..)")
    }
}

impl TryFrom<String> for Proxy {
    type Error = SettingsProblem;

    fn try_from(text: String) -> Result<Proxy, SettingsProblem> {
        let mut text = text;
        let proxy = Proxy::parse(&text);
        text.zeroize();
        proxy
    }
}

/// Why the gate does not take settings. The ones before stay in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingsProblem {
    /// The place of the control port is not `IP:PORT` or `unix:/PATH`.
    Control,
    /// The control port is in a place that the gate does not reach: another machine, or a socket that the environment
    /// of the program does not name and that is not in a folder for Tor's sockets.
    ControlOutOfReach,
    /// The owner wants to be asked for the way, and has not chosen it for this run.
    NotChosen,
    /// The password of the control port cannot be one.
    Password,
    /// A port is 0.
    Ports,
    /// The proxy is not understood.
    Proxy,
    /// More bridges or ports than there may be.
    TooMany,
    /// No program for the transport of a bridge is installed.
    TransportMissing,
    /// The transport of a bridge is none that this program knows.
    TransportUnknown,
    /// The program of a transport ended, or did not say that it is ready within 15 seconds.
    TransportFailed,
    /// A Tor that already runs cannot be used from here: the gate was started without a porter.
    Unavailable,
    /// What was kept of the choice cannot be read.
    Unreadable,
}

impl SettingsProblem {
    /// All of them.
    pub const ALL: [SettingsProblem; 12] = [
        SettingsProblem::Control,
        SettingsProblem::ControlOutOfReach,
        SettingsProblem::NotChosen,
        SettingsProblem::Password,
        SettingsProblem::Ports,
        SettingsProblem::Proxy,
        SettingsProblem::TooMany,
        SettingsProblem::TransportMissing,
        SettingsProblem::TransportUnknown,
        SettingsProblem::TransportFailed,
        SettingsProblem::Unavailable,
        SettingsProblem::Unreadable,
    ];

    /// A short name that never changes, for programs and tests.
    pub fn code(self) -> &'static str {
        match self {
            SettingsProblem::Control => "tor.settings.control",
            SettingsProblem::ControlOutOfReach => "tor.settings.control_out_of_reach",
            SettingsProblem::NotChosen => "tor.settings.not_chosen",
            SettingsProblem::Password => "tor.settings.password",
            SettingsProblem::Ports => "tor.settings.ports",
            SettingsProblem::Proxy => "tor.settings.proxy",
            SettingsProblem::TooMany => "tor.settings.too_many",
            SettingsProblem::TransportMissing => "tor.settings.transport_missing",
            SettingsProblem::TransportUnknown => "tor.settings.transport_unknown",
            SettingsProblem::TransportFailed => "tor.settings.transport_failed",
            SettingsProblem::Unavailable => "tor.settings.unavailable",
            SettingsProblem::Unreadable => "tor.settings.unreadable",
        }
    }
}

/// What is wrong and what the person can do.
impl fmt::Display for SettingsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SettingsProblem::Control => "The control port has to be an IP address and a port, or unix: and a path.",
            SettingsProblem::ControlOutOfReach => {
                "The control port of this Tor is out of reach. Choose one of this computer, or name it in TOR_CONTROL_HOST or TOR_CONTROL_IPC_PATH."
            }
            SettingsProblem::NotChosen => "Choose the way to Tor first: nothing is connected before that.",
            SettingsProblem::Password => "The password of the control port is empty, too long, or has a line end in it.",
            SettingsProblem::Ports => "A port has to be between 1 and 65535.",
            SettingsProblem::Proxy => {
                "The proxy has to look like socks5://192.0.2.1:1080 or http://user:password@192.0.2.1:8080, with an IP address."
            }
            SettingsProblem::TooMany => "There are too many bridges or ports. Leave some out.",
            SettingsProblem::TransportMissing => {
                "The program for this kind of bridge is not installed. Install obfs4proxy, lyrebird or snowflake-client, or choose another bridge."
            }
            SettingsProblem::TransportUnknown => "This kind of bridge is not known here. Choose another bridge.",
            SettingsProblem::TransportFailed => "The program for this kind of bridge does not start. Choose another bridge.",
            SettingsProblem::Unavailable => "This part of the program was started without what this choice needs.",
            SettingsProblem::Unreadable => "What was kept of the way to Tor cannot be read. Choose it again.",
        })
    }
}

impl std::error::Error for SettingsProblem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_control_ports_are_read_strictly() {
        for text in ["127.0.0.1:9051", "[::1]:9151", "unix:/run/tor/control"] {
            assert_eq!(ControlPlace::parse(text).unwrap().to_string(), text);
        }
        let long = format!("unix:/{}", "x".repeat(ControlPlace::MAX_PATH));
        for text in [
            "",
            "localhost:9051",
            "9051",
            "unix:run/tor",
            "unix:/run/../etc",
            "unix:/a\nb",
            &long,
        ] {
            assert_eq!(ControlPlace::parse(text), Err(SettingsProblem::Control), "{text}");
        }
    }

    #[test]
    fn proxies_are_read_strictly_and_not_shown() {
        for text in ["socks5://127.0.0.1:1080", "http://al:p%40ss@[2001:db8::1]:3128"] {
            let proxy = Proxy::parse(text).unwrap();
            assert_eq!(
                (proxy.expose_secret(), format!("{proxy:?}").as_str()),
                (text, "Proxy(..)")
            );
        }
        for text in [
            "",
            "127.0.0.1:1080",
            "socks5://proxy.example.org:1080",
            "socks5://127.0.0.1:0",
            "https://127.0.0.1:1",
            "http://a b:c@127.0.0.1:1",
            "http://:c@127.0.0.1:1",
            "http://a@127.0.0.1:1",
            "http://127.0.0.1:1/",
        ] {
            assert_eq!(Proxy::parse(text), Err(SettingsProblem::Proxy), "{text}");
        }
    }

    #[test]
    fn a_password_is_not_shown_and_cannot_end_a_line() {
        let password = Password::new("geheim".to_owned()).unwrap();
        assert_eq!(format!("{password:?}"), "Password(..)");
        for text in [
            String::new(),
            "a\r\nSIGNAL HALT".to_owned(),
            "x".repeat(Password::MAX + 1),
        ] {
            assert_eq!(Password::new(text), Err(SettingsProblem::Password));
        }
    }

    #[test]
    fn every_problem_has_its_own_code_and_a_sentence() {
        let mut codes: Vec<_> = SettingsProblem::ALL
            .iter()
            .map(|problem| problem.code())
            .collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), SettingsProblem::ALL.len());
        assert!(
            SettingsProblem::ALL
                .iter()
                .all(|problem| problem.to_string().ends_with('.'))
        );
    }
}
