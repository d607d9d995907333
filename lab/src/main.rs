//! `otter-lab-net`: runs a command in a lab of its own, and controls a lab that runs.
//! Never touches the machine's network: the lab lives in its own, or on loopback.
//! No standard applies.

#![expect(
    clippy::disallowed_methods,
    reason = "this program starts itself again, as the first process of new namespaces"
)]

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use lab::{
    BOUND, Control, Ground, LAB_VARIABLE, Lab, LabError, Progress, Reply, Request, RunningLab, become_bound,
};

const USAGE: &str = "usage:
  otter-lab-net run [--dir DIR] [--json] [--loopback] -- COMMAND...
      brings the lab up, runs COMMAND in it with OTTER_LAB=DIR/lab.json, gives back its exit code;
      --loopback uses the machine's own loopback, as happens by itself where namespaces are refused
  otter-lab-net ctl [--dir DIR] REQUEST
      asks the running lab (of DIR, or of OTTER_LAB) for one of: kill-xmpp, start-xmpp, cut-circuits,
      stop-tor, cont-tor, register USER PASSWORD [HOST], status, wiretap-path
";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let Some((subcommand, rest)) = arguments.split_first() else {
        return usage();
    };
    let outcome = match subcommand.to_str() {
        Some("run") => outer(rest),
        Some("init") => init(rest),
        Some("inside") => inside(rest),
        Some("probe") => probe(),
        Some("furnish") => lab::furnish(Path::new("/"), false).map(|()| 0),
        Some("ctl") => control(rest),
        Some(BOUND) => bound(rest),
        Some("help" | "--help" | "-h") => {
            tell(USAGE);
            return ExitCode::SUCCESS;
        }
        _ => return usage(),
    };
    outcome.map_or_else(
        |error| {
            let _unheard = writeln!(std::io::stderr(), "otter-lab-net: {error}");
            ExitCode::from(125)
        },
        ExitCode::from,
    )
}

/// What `run` was asked, and what its inner processes are told.
#[derive(Debug, Default)]
struct Options {
    dir: Option<PathBuf>,
    json: bool,
    loopback: bool,
    /// The lab's folder is its own, and lies in memory.
    own: bool,
    /// Told to the inner processes.
    ground: Option<String>,
    command: Vec<OsString>,
}

impl Options {
    fn parse(arguments: &[OsString]) -> Result<Self, LabError> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.to_str() {
                Some("--") => {
                    options.command = arguments.cloned().collect();
                    return Ok(options);
                }
                Some("--json") => options.json = true,
                Some("--loopback") => options.loopback = true,
                Some("--own") => options.own = true,
                Some("--dir") => options.dir = Some(absolute(arguments.next())?),
                Some("--ground") => {
                    options.ground = arguments
                        .next()
                        .map(|ground| ground.to_string_lossy().into_owned());
                }
                _ => {
                    return Err(LabError::Input(format!(
                        "unknown argument {}\n{USAGE}",
                        argument.display()
                    )));
                }
            }
        }
        Err(LabError::Input(format!("no `-- COMMAND` was given\n{USAGE}")))
    }

    fn dir(&self) -> Result<&Path, LabError> {
        self.dir
            .as_deref()
            .ok_or_else(|| LabError::Input("no folder was given".to_owned()))
    }

    /// The command line of an inner process.
    fn inner(&self, subcommand: &str) -> Result<Command, LabError> {
        let own = std::env::current_exe();
        let own = own.map_err(|source| LabError::Io {
            doing: "find the lab's own program".to_owned(),
            source,
        })?;
        let mut command = Command::new(own);
        command.arg(subcommand).arg("--dir").arg(self.dir()?);
        command
            .args(self.json.then_some("--json"))
            .args(self.own.then_some("--own"));
        if let Some(ground) = &self.ground {
            command.arg("--ground").arg(ground);
        }
        command.arg("--").args(&self.command);
        Ok(command)
    }
}

fn absolute(path: Option<&OsString>) -> Result<PathBuf, LabError> {
    let path = path.ok_or_else(|| LabError::Input("--dir needs a folder".to_owned()))?;
    let doing = format!("find the folder {}", path.display());
    std::path::absolute(path).map_err(|source| LabError::Io { doing, source })
}

/// The process that was typed: makes the namespaces, starts the first process in them, waits.
fn outer(arguments: &[OsString]) -> Result<u8, LabError> {
    let mut options = Options::parse(arguments)?;
    let mut progress = Progress::new(options.json);
    let ground = choose_ground(&options)?;
    if let Some(dir) = &options.dir {
        make_empty(dir)?;
    } else {
        options.dir = Some(lab::own_folder()?);
        options.own = true;
    }
    let sign_of_life = lab::give_sign_of_life(options.dir()?)?;
    let first = match &ground {
        Ground::Namespaces { user } => {
            options.ground = Some(if *user { "user" } else { "root" }.to_owned());
            "init"
        }
        Ground::Loopback { why } => {
            progress.tell(&format!("The lab runs on the machine's own loopback: {why}"));
            "inside"
        }
    };
    let start = |source| LabError::Io {
        doing: "run the lab".to_owned(),
        source,
    };
    let status = options.inner(first)?.status().map_err(start)?;
    drop(sign_of_life);
    if options.own {
        lab::remove_own_folder(options.dir()?);
    }
    Ok(code_of(status))
}

fn code_of(status: ExitStatus) -> u8 {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// Namespaces, unless they are not wanted or a try of them in another process failed.
fn choose_ground(options: &Options) -> Result<Ground, LabError> {
    if options.loopback {
        return Ok(Ground::Loopback {
            why: "it was asked to".to_owned(),
        });
    }
    let start = |source| LabError::Io {
        doing: "try namespaces".to_owned(),
        source,
    };
    let tried = own_program()?
        .arg("probe")
        .stdin(Stdio::null())
        .output()
        .map_err(start)?;
    if tried.status.success() {
        return lab::leave_namespaces().map(|user| Ground::Namespaces { user });
    }
    let why = String::from_utf8_lossy(&tried.stderr)
        .trim()
        .trim_start_matches("otter-lab-net: ")
        .to_owned();
    Ok(Ground::Loopback { why })
}

/// Tries, in a process of its own, whether namespaces can be had and furnished.
fn probe() -> Result<u8, LabError> {
    lab::leave_namespaces()?;
    let start = |source| LabError::Io {
        doing: "try namespaces".to_owned(),
        source,
    };
    own_program()?.arg("furnish").status().map(code_of).map_err(start)
}

fn own_program() -> Result<Command, LabError> {
    let own = std::env::current_exe();
    let own = own.map_err(|source| LabError::Io {
        doing: "find the lab's own program".to_owned(),
        source,
    })?;
    Ok(Command::new(own))
}

/// The first process of the namespaces.
fn init(arguments: &[OsString]) -> Result<u8, LabError> {
    let options = Options::parse(arguments)?;
    lab::end_with_the_outer_process(options.dir()?)?;
    lab::furnish(options.dir()?, options.own)?;
    let start = |source| LabError::Io {
        doing: "start the lab".to_owned(),
        source,
    };
    let child = options.inner("inside")?.spawn().map_err(start)?;
    Ok(lab::wait_for_all(child.id()))
}

/// The lab itself.
fn inside(arguments: &[OsString]) -> Result<u8, LabError> {
    let options = Options::parse(arguments)?;
    let ground = match options.ground.as_deref() {
        Some(ground) => Ground::Namespaces {
            user: ground == "user",
        },
        None => {
            lab::end_with_the_outer_process(options.dir()?)?;
            Ground::Loopback { why: String::new() }
        }
    };
    let mut progress = Progress::new(options.json);
    let mut lab = RunningLab::bring_up(options.dir()?, &ground, &mut progress)?;
    let code = lab.run(&options.command)?;
    lab.take_down()?;
    Ok(code)
}

fn bound(arguments: &[OsString]) -> Result<u8, LabError> {
    let wrong = || LabError::Input("this subcommand is for the lab itself".to_owned());
    let [parent, program, arguments @ ..] = arguments else {
        return Err(wrong());
    };
    let parent = parent
        .to_str()
        .and_then(|parent| parent.parse().ok())
        .ok_or_else(wrong)?;
    Err(become_bound(parent, program, arguments))
}

/// A folder that a person chose must be new or empty, or a lab's: its files are then replaced.
fn make_empty(dir: &Path) -> Result<(), LabError> {
    use std::os::unix::fs::DirBuilderExt;
    let io = |doing: &str| {
        let doing = format!("{doing} {}", dir.display());
        move |source| LabError::Io { doing, source }
    };
    let mut entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
            return made.map_err(io("make the folder"));
        }
        Err(error) => return Err(io("read the folder")(error)),
    };
    if entries.next().is_none() {
        return Ok(());
    }
    let dir_text = dir.display();
    if !dir.join("network.toml").exists() {
        return Err(LabError::Input(format!(
            "{dir_text} is not empty and holds no lab: choose another folder"
        )));
    }
    // Taken here so that a lab that runs there is not swept away.
    drop(lab::give_sign_of_life(dir)?);
    std::fs::remove_dir_all(dir).map_err(io("empty the folder"))?;
    make_empty(dir)
}

fn control(arguments: &[OsString]) -> Result<u8, LabError> {
    let (dir, words) = match arguments {
        [flag, dir, words @ ..] if flag == "--dir" => (Some(absolute(Some(dir))?), words),
        words => (None, words),
    };
    let words: Option<Vec<&str>> = words.iter().map(|word| OsStr::to_str(word)).collect();
    let request = words
        .as_deref()
        .and_then(parse_request)
        .ok_or_else(|| LabError::Input(USAGE.to_owned()))?;
    let control = match dir {
        Some(dir) => Control::new(dir.join("control")),
        None if std::env::var_os(LAB_VARIABLE).is_some() => Lab::find()?.control(),
        None => {
            return Err(LabError::Input(format!(
                "neither --dir nor {LAB_VARIABLE} says which lab is meant"
            )));
        }
    };
    match control.ask(&request)? {
        Reply::WiretapPath(path) => tell(&format!("{}\n", path.display())),
        reply => tell(&format!(
            "{}\n",
            serde_json::to_string(&reply).unwrap_or_default()
        )),
    }
    Ok(0)
}

fn parse_request(words: &[&str]) -> Option<Request> {
    Some(match words {
        ["cont-tor"] => Request::ContTor,
        ["cut-circuits"] => Request::CutCircuits,
        ["kill-xmpp"] => Request::KillXmpp,
        ["register", user, password, host @ ..] if host.len() < 2 => Request::Register {
            user: (*user).to_owned(),
            password: (*password).to_owned(),
            host: host.first().map(|host| (*host).to_owned()),
        },
        ["start-xmpp"] => Request::StartXmpp,
        ["status"] => Request::Status,
        ["stop-tor"] => Request::StopTor,
        ["wiretap-path"] => Request::WiretapPath,
        _ => return None,
    })
}

fn usage() -> ExitCode {
    let _unheard = std::io::stderr().write_all(USAGE.as_bytes());
    ExitCode::from(2)
}

fn tell(text: &str) {
    let _unheard = std::io::stdout().write_all(text.as_bytes());
}
