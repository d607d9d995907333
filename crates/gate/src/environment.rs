//! What the environment of the program says of a Tor that already runs: the variables of Tor Browser and Whonix.
//! It must never be asked for anything else, nor show the password.
//! Standard: Tor Browser's `TOR_CONTROL_*` and `TOR_SOCKS_*` variables.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use door::{ControlPlace, Password};

use crate::control::Listener;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Environment {
    control: Option<ControlPlace>,
    socks: Option<Listener>,
    cookie: Option<PathBuf>,
    password: Option<Password>,
}

impl Environment {
    /// Reads the variables of this process.
    pub(crate) fn of_this_process() -> Environment {
        Environment::read(|name| std::env::var(name).ok())
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Environment {
        let path = |name: &str| {
            let place = ControlPlace::parse(&format!("unix:{}", variable(name)?)).ok()?;
            match place {
                ControlPlace::Unix(path) => Some(path),
                ControlPlace::Tcp(_) => None,
            }
        };
        let address = |host: &str, port: &str, usual: u16| {
            let (host, port) = (variable(host), variable(port));
            if host.is_none() && port.is_none() {
                return None;
            }
            let host = host.map_or(Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)), |text| text.parse());
            let port = port.map_or(Ok(usual), |text| text.parse());
            Some(SocketAddr::new(host.ok()?, port.ok().filter(|port| *port != 0)?))
        };
        let control = path("TOR_CONTROL_IPC_PATH").map(ControlPlace::Unix);
        let socks = path("TOR_SOCKS_IPC_PATH").map(Listener::Unix);
        Environment {
            control: control
                .or_else(|| address("TOR_CONTROL_HOST", "TOR_CONTROL_PORT", 9151).map(ControlPlace::Tcp)),
            socks: socks.or_else(|| address("TOR_SOCKS_HOST", "TOR_SOCKS_PORT", 9150).map(Listener::Tcp)),
            cookie: path("TOR_CONTROL_COOKIE_AUTH_FILE"),
            password: variable("TOR_CONTROL_PASSWD").and_then(|text| {
                // Some write it in quotes, as it would stand in a command.
                Password::new(text.trim_matches('"').to_owned()).ok()
            }),
        }
    }

    /// The control port that is named.
    pub(crate) fn control(&self) -> Option<&ControlPlace> {
        self.control.as_ref()
    }

    /// The SOCKS port that is named.
    pub(crate) fn socks(&self) -> Option<&Listener> {
        self.socks.as_ref()
    }

    /// The cookie that is named.
    pub(crate) fn cookie(&self) -> Option<&Path> {
        self.cookie.as_deref()
    }

    /// The password that is named.
    pub(crate) fn password(&self) -> Option<&Password> {
        self.password.as_ref()
    }

    /// All sockets that are named.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = &Path> {
        let control = match &self.control {
            Some(ControlPlace::Unix(path)) => Some(path.as_path()),
            _ => None,
        };
        let socks = match &self.socks {
            Some(Listener::Unix(path)) => Some(path.as_path()),
            _ => None,
        };
        control.into_iter().chain(socks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Environment {
        Environment::read(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_variables_of_tor_browser_and_whonix_are_read() {
        let browser = read(&[
            ("TOR_CONTROL_PORT", "9251"),
            ("TOR_SOCKS_PORT", "9250"),
            ("TOR_CONTROL_PASSWD", "\"a\""),
        ]);
        assert_eq!(
            browser.control(),
            Some(&ControlPlace::Tcp("127.0.0.1:9251".parse().unwrap()))
        );
        assert_eq!(
            browser.socks(),
            Some(&Listener::Tcp("127.0.0.1:9250".parse().unwrap()))
        );
        assert_eq!(browser.password().unwrap().expose_secret(), "a");
        let whonix = read(&[
            ("TOR_CONTROL_IPC_PATH", "/run/anon/9151.sock"),
            ("TOR_SOCKS_IPC_PATH", "/run/anon/9150.sock"),
            ("TOR_CONTROL_COOKIE_AUTH_FILE", "/run/anon/authcookie"),
        ]);
        assert_eq!(whonix.sockets().count(), 2);
        assert_eq!(whonix.cookie(), Some(Path::new("/run/anon/authcookie")));
    }

    #[test]
    fn variables_that_make_no_sense_are_as_if_they_were_not_there() {
        let odd = read(&[
            ("TOR_CONTROL_HOST", "tor.example.org"),
            ("TOR_SOCKS_PORT", "0"),
            ("TOR_CONTROL_IPC_PATH", "run/x"),
            ("TOR_CONTROL_PASSWD", ""),
        ]);
        assert_eq!(odd, Environment::default());
        assert_eq!(read(&[]), Environment::default());
    }
}
