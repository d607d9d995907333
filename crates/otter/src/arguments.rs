//! The command line.
//! No secret is ever taken from it: other users of the machine can read it.

use std::ffi::OsString;
use std::path::PathBuf;

use gate::errands::Program;
use model::Problem;

/// What `--help` says.
pub(crate) const HELP: &str = "\
Attentive Otter: private conversations over Tor.

  otter                      the messenger with its window (not there yet: see `otter engine`)
  otter engine               the messenger without a window: JSON-RPC 2.0, one message a line, on standard
                             input and output; docs/rpc.md describes it
      --profile DIR          the folder of the profile (default: the user's data folder)
      --tor embedded         Tor inside the program (default)
      --tor running          a Tor that already runs, such as Tor Browser's
      --openrpc              prints the OpenRPC document of that language and ends
  otter check [--json]       tries in each room what its walls must refuse, and says what came of it
  otter --version | --help

Builds for tests alone accept --private-network FILE and --tor socks5://HOST:PORT.";

/// What the program is asked to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Check {
        json: bool,
    },
    /// This process is the named room, to be tried.
    CheckRoom(CheckRoom),
    Engine(Engine),
    /// This process is the gate.
    Gate(GateRoom),
    Help,
    /// This process is the porter.
    Porter(PorterRoom),
    /// This process becomes a pluggable transport.
    Transport(TransportRoom),
    Version,
    Window,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Document,
    /// This process is the engine's room.
    Room(EngineRoom),
    Supervise(Options),
}

/// A room to be tried.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CheckRoom {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
}

/// The engine's room.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EngineRoom {
    pub(crate) profile: PathBuf,
}

/// The gate's room.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct GateRoom {
    pub(crate) state: PathBuf,
    pub(crate) tor: Tor,
}

/// The porter's room.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PorterRoom {
    pub(crate) state: PathBuf,
}

/// A transport's room.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TransportRoom {
    pub(crate) state: PathBuf,
    pub(crate) program: Program,
}

/// What the supervisor needs to know.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) folder: PathBuf,
    pub(crate) tor: Tor,
}

/// Which Tor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tor {
    /// Inside the gate, on the public network.
    #[default]
    Embedded,
    /// Inside the gate, on a private network described by a file.
    Private(PathBuf),
    /// A Tor that already runs.
    Running,
    /// A SOCKS port, `HOST:PORT`.
    Socks(String),
}

impl Tor {
    /// The arguments that say the same.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        match self {
            Self::Embedded => vec!["--tor".into(), "embedded".into()],
            Self::Private(file) => vec!["--private-network".into(), file.into()],
            Self::Running => vec!["--tor".into(), "running".into()],
            Self::Socks(address) => vec!["--tor".into(), format!("socks5://{address}").into()],
        }
    }
}

/// Everything that may stand behind a command.
#[derive(Default)]
struct Given {
    check: bool,
    folder: Option<PathBuf>,
    json: bool,
    openrpc: bool,
    program: Option<Program>,
    room: bool,
    tor: Tor,
}

/// Reads the arguments behind the program's name.
///
/// # Errors
/// A code and a sentence for whoever typed them.
pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Command, Problem> {
    let mut arguments = arguments;
    let Some(first) = arguments.next() else {
        return Ok(Command::Window);
    };
    let name = first.to_string_lossy().into_owned();
    let given = given(&mut arguments)?;
    match name.as_str() {
        "--help" | "-h" | "help" => Ok(Command::Help),
        "--version" | "-V" => Ok(Command::Version),
        "check" => Ok(Command::Check { json: given.json }),
        "engine" | "gate" | "porter" | "transport" | "window" if given.check => {
            Ok(Command::CheckRoom(CheckRoom {
                name,
                folder: given.folder.ok_or_else(no_folder)?,
            }))
        }
        "engine" => engine(given).map(Command::Engine),
        "gate" if given.room => Ok(Command::Gate(GateRoom {
            state: given.folder.ok_or_else(no_folder)?,
            tor: given.tor,
        })),
        "porter" if given.room => Ok(Command::Porter(PorterRoom {
            state: given.folder.ok_or_else(no_folder)?,
        })),
        "transport" if given.room => Ok(Command::Transport(TransportRoom {
            state: given.folder.ok_or_else(no_folder)?,
            program: given
                .program
                .ok_or_else(|| wrong("A transport needs its program."))?,
        })),
        "gate" => Err(wrong("The gate is started by `otter engine`, not by hand.")),
        "window" => Ok(Command::Window),
        _ => Err(wrong(&format!(
            "There is no command {name:?}. `otter --help` lists them."
        ))),
    }
}

/// Why there is no window, and what to do instead.
pub(crate) fn no_window() -> Problem {
    Problem::new(
        "otter.no_window",
        "There is no window yet. `otter engine` is the same messenger without one, and `./run demo` shows two of them \
         talking.",
    )
}

fn engine(given: Given) -> Result<Engine, Problem> {
    if given.openrpc {
        return Ok(Engine::Document);
    }
    if given.room {
        return Ok(Engine::Room(EngineRoom {
            profile: given.folder.ok_or_else(no_folder)?,
        }));
    }
    let folder = given.folder.or_else(usual_folder).ok_or_else(|| {
        wrong(
            "No folder for the profile: neither XDG_DATA_HOME nor HOME is set. Name one with --profile DIR.",
        )
    })?;
    Ok(Engine::Supervise(Options {
        folder,
        tor: given.tor,
    }))
}

fn given(arguments: &mut impl Iterator<Item = OsString>) -> Result<Given, Problem> {
    let mut given = Given::default();
    while let Some(argument) = arguments.next() {
        let name = argument.to_string_lossy().into_owned();
        let mut value = || {
            arguments
                .next()
                .ok_or_else(|| wrong(&format!("Something is missing after {name}.")))
        };
        match name.as_str() {
            "--check" => given.check = true,
            "--json" => given.json = true,
            "--openrpc" => given.openrpc = true,
            "--private-network" => given.tor = private(Tor::Private(value()?.into()))?,
            "--profile" => given.folder = Some(value()?.into()),
            "--program" => {
                let name = value()?;
                let known = name.to_str().and_then(Program::named);
                given.program = Some(known.ok_or_else(|| wrong("No transport has a program of that name."))?);
            }
            "--room" => given.room = true,
            "--tor" => given.tor = tor(&value()?.to_string_lossy())?,
            _ => {
                return Err(wrong(&format!(
                    "There is no option {name:?}. `otter --help` lists them."
                )));
            }
        }
    }
    Ok(given)
}

fn tor(text: &str) -> Result<Tor, Problem> {
    match text {
        "embedded" => Ok(Tor::Embedded),
        "running" => Ok(Tor::Running),
        _ => match text.strip_prefix("socks5://") {
            Some(address) => private(Tor::Socks(address.to_owned())),
            None => Err(wrong(&format!("--tor {text:?}: it is `embedded` or `running`."))),
        },
    }
}

/// Private networks exist only in a build that nobody but a test gets: no profile, file or variable
/// can turn them on elsewhere.
fn private(tor: Tor) -> Result<Tor, Problem> {
    if cfg!(feature = "private-network") {
        Ok(tor)
    } else {
        let text =
            "This build talks to the public Tor network only. Private networks are in the build for tests.";
        Err(Problem::new("otter.no_private_networks", text))
    }
}

fn usual_folder() -> Option<PathBuf> {
    let data = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    Some(data.or_else(home)?.join("attentive-otter"))
}

fn no_folder() -> Problem {
    wrong("A room needs its folder: --profile DIR.")
}

fn wrong(text: &str) -> Problem {
    Problem::new("otter.usage", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, Problem> {
        super::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn the_engine_as_typed_is_the_supervisor() {
        let options = Options {
            folder: "/p".into(),
            tor: Tor::Embedded,
        };
        assert_eq!(
            parse("engine --profile /p"),
            Ok(Command::Engine(Engine::Supervise(options)))
        );
        assert_eq!(parse("engine --openrpc"), Ok(Command::Engine(Engine::Document)));
        assert_eq!(parse(""), Ok(Command::Window));
    }

    #[test]
    fn a_room_says_the_same_tor_as_its_supervisor() {
        for tor in [Tor::Embedded, Tor::Running] {
            let line: Vec<_> = tor
                .arguments()
                .iter()
                .map(|part| part.to_string_lossy().into_owned())
                .collect();
            let line = format!("gate --room --profile /s {}", line.join(" "));
            assert_eq!(
                parse(&line),
                Ok(Command::Gate(GateRoom {
                    state: "/s".into(),
                    tor
                }))
            );
        }
    }

    #[cfg(not(feature = "private-network"))]
    #[test]
    fn the_build_that_people_get_knows_no_private_network() {
        for line in [
            "engine --private-network /n",
            "engine --tor socks5://127.0.0.1:9050",
            "gate --room --private-network /n",
        ] {
            assert_eq!(parse(line).unwrap_err().code, "otter.no_private_networks");
        }
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for line in [
            "fly",
            "engine --fly",
            "engine --profile",
            "engine --tor never",
            "gate",
        ] {
            assert_eq!(parse(line).unwrap_err().code, "otter.usage", "{line}");
        }
    }
}
