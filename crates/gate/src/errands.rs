//! What the gate cannot do behind its walls and has done by its porter: open a socket by its path, open a cookie, start
//! the program of a pluggable transport.
//! It must never open anything itself: each errand is carried out elsewhere, and checked there ([`Permissions`]).
//! Standard: unix(7) (`SCM_RIGHTS`); Tor's control-spec 3.24 (a cookie has exactly 32 bytes).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Component, Path, PathBuf};

use crate::environment::Environment;

/// The longest path in an errand, in bytes.
const MAX_PATH: usize = 1024;
/// Where distributions put Tor's sockets and cookies.
const FOLDERS: [&str; 3] = ["/run/tor", "/var/run/tor", "/run/anon-ws-disable-stacked-tor"];
/// Where programs of transports are looked for, besides beside this program.
const PROGRAM_FOLDERS: [&str; 3] = ["/usr/bin", "/usr/local/bin", "/usr/libexec"];

/// Carries out errands for the gate, in another process that the gate cannot command otherwise.
pub trait Errands: Send + Sync {
    /// Carries out one errand and gives the descriptor that came of it: a connected socket, an open file, or the
    /// standard input and output of a program. May block for some seconds.
    ///
    /// # Errors
    /// As the system says; `PermissionDenied` also for an errand that is not allowed.
    fn carry_out(&self, errand: &Errand) -> io::Result<OwnedFd>;
}

/// One errand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Errand {
    /// Open a cookie file for reading.
    Cookie(PathBuf),
    /// Open the file of a transport's program for reading: whether it is there.
    Look(Program),
    /// Connect to a socket in the file system.
    Socket(PathBuf),
    /// Start the program of a transport. Its standard input and output are one socket; before it runs, the launcher
    /// reads two lines from it: the names of the transports, and the proxy or nothing.
    Transport(Program),
}

/// A program that speaks pluggable transports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `lyrebird`: obfs4, meek, webtunnel, snowflake.
    Lyrebird,
    /// `obfs4proxy`: obfs4, meek.
    Obfs4proxy,
    /// `snowflake-client`.
    Snowflake,
    /// `webtunnel-client`.
    Webtunnel,
}

impl Program {
    /// All of them.
    pub const ALL: [Program; 4] = [
        Program::Lyrebird,
        Program::Obfs4proxy,
        Program::Snowflake,
        Program::Webtunnel,
    ];

    /// The name of its file.
    pub fn file_name(self) -> &'static str {
        match self {
            Program::Lyrebird => "lyrebird",
            Program::Obfs4proxy => "obfs4proxy",
            Program::Snowflake => "snowflake-client",
            Program::Webtunnel => "webtunnel-client",
        }
    }

    /// Whether it needs UDP: WebRTC does.
    pub fn needs_datagrams(self) -> bool {
        matches!(self, Program::Lyrebird | Program::Snowflake)
    }

    /// The program whose file is named so.
    pub fn named(name: &str) -> Option<Program> {
        Program::ALL
            .into_iter()
            .find(|program| program.file_name() == name)
    }

    /// Where it is installed: beside this program, or where the system keeps programs.
    pub fn find(self) -> Option<PathBuf> {
        let own = std::env::current_exe().ok();
        let beside = own
            .as_deref()
            .and_then(Path::parent)
            .map(|folder| folder.join("transports"));
        let folders = beside.into_iter().chain(PROGRAM_FOLDERS.map(PathBuf::from));
        folders
            .map(|folder| folder.join(self.file_name()))
            .find(|path| path.is_file())
    }
}

impl Errand {
    /// The errand as one line.
    pub fn encode(&self) -> Vec<u8> {
        let (word, rest): (&str, &[u8]) = match self {
            Errand::Cookie(path) => ("cookie ", path.as_os_str().as_bytes()),
            Errand::Look(program) => ("look ", program.file_name().as_bytes()),
            Errand::Socket(path) => ("socket ", path.as_os_str().as_bytes()),
            Errand::Transport(program) => ("transport ", program.file_name().as_bytes()),
        };
        [word.as_bytes(), rest, b"\n"].concat()
    }

    /// Reads one line; `None` for anything else than an errand.
    pub fn decode(line: &[u8]) -> Option<Errand> {
        let line = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
        let (word, rest) = line.split_once(' ')?;
        match word {
            "cookie" => path(rest).map(Errand::Cookie),
            "look" => Program::named(rest).map(Errand::Look),
            "socket" => path(rest).map(Errand::Socket),
            "transport" => Program::named(rest).map(Errand::Transport),
            _ => None,
        }
    }
}

/// An absolute path without detours.
fn path(text: &str) -> Option<PathBuf> {
    let path = Path::new(text);
    let plain = path
        .components()
        .all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    let fits = text.len() <= MAX_PATH && !text.bytes().any(|byte| byte.is_ascii_control());
    (path.is_absolute() && plain && fits).then(|| path.to_owned())
}

/// What the porter opens at all. A gate that was taken over can ask it for no more than this.
#[derive(Debug, Clone, Default)]
pub struct Permissions {
    sockets: Vec<PathBuf>,
    cookies: Vec<PathBuf>,
}

impl Permissions {
    /// Sockets and cookies in the system's folders for Tor, and those that the environment of the program names.
    pub fn of_this_system() -> Permissions {
        let environment = Environment::of_this_process();
        let mut permissions = Permissions::default();
        permissions.sockets.extend(FOLDERS.map(PathBuf::from));
        permissions
            .sockets
            .extend(environment.sockets().map(Path::to_owned));
        permissions
            .cookies
            .extend(environment.cookie().map(Path::to_owned));
        permissions
    }

    /// Allows sockets at `path` as well, or beneath it: for tests.
    pub fn allow_sockets(&mut self, path: &Path) {
        self.sockets.push(path.to_owned());
    }

    /// Connects to a socket.
    ///
    /// # Errors
    /// `PermissionDenied` for a place that is not Tor's; those of connect(2).
    pub fn socket(&self, path: &Path) -> io::Result<UnixStream> {
        if !self.sockets.iter().any(|allowed| path.starts_with(allowed)) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "a Tor that already runs listens on a path; the porter opens it for the gate"
        )]
        UnixStream::connect(path)
    }

    /// Opens a cookie: a plain file of 32 bytes whose name says that it is a cookie, unless the environment names it.
    ///
    /// # Errors
    /// `PermissionDenied` for another file; those of open(2).
    pub fn cookie(&self, path: &Path) -> io::Result<File> {
        const NONBLOCK: i32 = if cfg!(target_os = "macos") { 0x4 } else { 0o4000 };
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let named = name.ends_with("cookie") || self.cookies.iter().any(|allowed| path == allowed);
        if !named {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let file = OpenOptions::new().read(true).custom_flags(NONBLOCK).open(path)?;
        let found = file.metadata()?;
        if found.is_file() && found.len() == 32 {
            Ok(file)
        } else {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errand_survives_the_channel() {
        for errand in [
            Errand::Cookie("/run/tor/control.authcookie".into()),
            Errand::Socket("/run/tor/control".into()),
            Errand::Look(Program::Snowflake),
            Errand::Transport(Program::Obfs4proxy),
        ] {
            assert_eq!(Errand::decode(&errand.encode()), Some(errand));
        }
        for line in [
            "",
            "socket /run/tor/control",
            "socket run/tor\n",
            "socket /run/tor/../bus\n",
            "transport /bin/sh\n",
            "transport sh\n",
            "look sh\n",
            "cookie /a\nb\n",
            "exec /bin/sh\n",
        ] {
            assert_eq!(Errand::decode(line.as_bytes()), None, "{line:?}");
        }
    }

    #[test]
    fn the_porter_opens_sockets_of_tor_and_no_others() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("socket");
        #[expect(clippy::disallowed_methods, reason = "the other side of this test")]
        let _listener = std::os::unix::net::UnixListener::bind(&place).unwrap();
        let mut permissions = Permissions::default();
        let refused = permissions.socket(&place).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        permissions.allow_sockets(home.path());
        assert!(permissions.socket(&place).is_ok());
    }

    #[test]
    fn the_porter_opens_cookies_and_nothing_that_only_lies_about() {
        let home = tempfile::tempdir().unwrap();
        let permissions = Permissions::default();
        let kind = |path: &Path| permissions.cookie(path).map(drop).map_err(|error| error.kind());
        for (name, length, allowed) in [
            ("control_auth_cookie", 32, true),
            ("control.authcookie", 32, true),
            ("control_auth_cookie_", 32, false),
            ("id_ed25519", 32, false),
            ("long_cookie", 33, false),
        ] {
            let path = home.path().join(name);
            std::fs::write(&path, vec![0; length]).unwrap();
            let expected = if allowed {
                Ok(())
            } else {
                Err(io::ErrorKind::PermissionDenied)
            };
            assert_eq!(kind(&path), expected, "{name}");
        }
        assert_eq!(kind(&home.path().join("no_cookie")), Err(io::ErrorKind::NotFound));
        std::fs::create_dir(home.path().join("a_cookie")).unwrap();
        assert_eq!(
            kind(&home.path().join("a_cookie")),
            Err(io::ErrorKind::PermissionDenied)
        );
    }
}
