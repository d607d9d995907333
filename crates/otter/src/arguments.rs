//! The command line.
//! No secret is ever taken from it: other users of the machine can read it.

mod transcript;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use gate::errands::Program;
use model::Problem;

#[cfg(test)]
pub(crate) use transcript::Words;
pub(crate) use transcript::{Task, Transcript};

/// What `--help` says.
pub(crate) const HELP: &str = "\
Attentive Otter: private conversations over Tor.

  otter                      the messenger with its window; takes --profile and --tor like `otter engine`
  otter engine               the messenger without a window: JSON-RPC 2.0, one message a line, on standard
                             input and output; docs/rpc.md describes it
      --profile DIR          the folder of the profile (default: the user's data folder)
      --tor embedded         Tor inside the program (default)
      --tor running          a Tor that already runs, such as Tor Browser's
      --openrpc              prints the OpenRPC document of that language and ends
  otter check [--json]       tries in each room what its walls must refuse, and says what came of it
  otter transcript TASK [FILE]
                             what a captured OTR conversation shows, and what anybody can make of it; reads FILE
                             or standard input; docs/deniability.md explains it. TASK is one of
      parse                  lists the messages with all their fields
      keys                   lists the revealed MAC keys and the messages that each could have made
      check --mac-key KEY    tells which messages KEY could have made
      forge --mac-key KEY --offset N --old TEXT --new TEXT [--message N]
                             writes a message again with other words in the place of guessed ones
      forge --cipher-key-file FILE [--new TEXT] [--message N]
                             reads a message with its cipher key, or writes it again
      --json                 with every task: a JSON object a line
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
    Transcript(Transcript),
    /// This process becomes a pluggable transport.
    Transport(TransportRoom),
    Version,
    Window(Window),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Document,
    /// This process is the engine's room.
    Room(EngineRoom),
    Supervise(Options),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Window {
    /// This process is the window's room.
    Room,
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
    pub(crate) tor: Tor,
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
    let mut arguments = arguments.peekable();
    let name = match arguments.next_if(|first| !is_option(first)) {
        Some(first) => first.to_string_lossy().into_owned(),
        None => "window".to_owned(),
    };
    if name == "transcript" {
        return transcript::parse(&mut arguments).map(Command::Transcript);
    }
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
        "window" if given.room => Ok(Command::Window(Window::Room)),
        "window" => options(given).map(|options| Command::Window(Window::Supervise(options))),
        _ => Err(wrong(&format!(
            "There is no command {name:?}. `otter --help` lists them."
        ))),
    }
}

/// Whether a first argument belongs to the window, which has no name of its own.
fn is_option(argument: &OsStr) -> bool {
    let argument = argument.to_string_lossy();
    argument.starts_with("--") && !matches!(argument.as_ref(), "--help" | "--version")
}

fn engine(given: Given) -> Result<Engine, Problem> {
    if given.openrpc {
        return Ok(Engine::Document);
    }
    if given.room {
        return Ok(Engine::Room(EngineRoom {
            profile: given.folder.ok_or_else(no_folder)?,
            tor: given.tor,
        }));
    }
    options(given).map(Engine::Supervise)
}

fn options(given: Given) -> Result<Options, Problem> {
    let folder = given.folder.or_else(usual_folder).ok_or_else(|| {
        wrong(
            "No folder for the profile: neither XDG_DATA_HOME nor HOME is set. Name one with --profile DIR.",
        )
    })?;
    Ok(Options {
        folder,
        tor: given.tor,
    })
}

/// What stands behind an option that needs something.
fn value_after(name: &str, arguments: &mut impl Iterator<Item = OsString>) -> Result<OsString, Problem> {
    arguments
        .next()
        .ok_or_else(|| wrong(&format!("Something is missing after {name}.")))
}

fn given(arguments: &mut impl Iterator<Item = OsString>) -> Result<Given, Problem> {
    let mut given = Given::default();
    while let Some(argument) = arguments.next() {
        let name = argument.to_string_lossy().into_owned();
        let mut value = || value_after(&name, arguments);
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
    }

    #[test]
    fn without_a_command_it_is_the_window() {
        for line in [
            "--profile /p",
            "window --profile /p",
            "--tor embedded --profile /p",
        ] {
            let options = Options {
                folder: "/p".into(),
                tor: Tor::Embedded,
            };
            assert_eq!(
                parse(line),
                Ok(Command::Window(Window::Supervise(options))),
                "{line}"
            );
        }
        assert!(matches!(parse(""), Ok(Command::Window(Window::Supervise(_)))));
        assert_eq!(parse("window --room"), Ok(Command::Window(Window::Room)));
        assert_eq!(parse("--version"), Ok(Command::Version));
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
    fn the_tasks_with_a_transcript_are_understood() {
        let key = "00112233445566778899aabbccddeeff00112233";
        let forge = format!(
            "transcript forge --mac-key {key} --offset 3 --old ab --new cd --message 7 chat.txt --json"
        );
        let Ok(Command::Transcript(Transcript { task, file, json })) = parse(&forge) else {
            panic!("{forge}");
        };
        let words = Words {
            offset: 3,
            old: "ab".to_owned(),
            new: "cd".to_owned(),
        };
        assert_eq!(
            task,
            Task::Modify {
                key: key.parse().unwrap(),
                message: std::num::NonZeroUsize::new(7),
                words
            }
        );
        assert_eq!((file, json), (Some("chat.txt".into()), true));
        let plain = Transcript {
            task: Task::Keys,
            file: None,
            json: false,
        };
        assert_eq!(parse("transcript keys"), Ok(Command::Transcript(plain)));
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for line in [
            "fly",
            "engine --fly",
            "engine --profile",
            "engine --tor never",
            "gate",
            "transcript",
            "transcript fly",
            "transcript parse --fly",
            "transcript parse one two",
            "transcript check",
            "transcript check --mac-key 12",
            "transcript forge --new x",
            "transcript forge --cipher-key-file k --offset 1",
            "transcript forge --mac-key 0000000000000000000000000000000000000000 --new x --old y",
            "transcript keys --message 0",
        ] {
            assert_eq!(parse(line).unwrap_err().code, "otter.usage", "{line}");
        }
    }
}
