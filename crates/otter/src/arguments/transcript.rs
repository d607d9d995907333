//! The command line of `otter transcript`.
//! A cipher key is a secret and comes from a file; revealed MAC keys are public.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use model::Problem;
use otr::transcript::MacKey;

use super::{value_after, wrong};

/// What is to be done with a captured conversation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Transcript {
    pub(crate) task: Task,
    /// The capture; standard input if there is none.
    pub(crate) file: Option<PathBuf>,
    pub(crate) json: bool,
}

/// One task. Messages are counted from 1, as `parse` lists them; without a number the first is taken that
/// verifies under the key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Check {
        key: MacKey,
    },
    Keys,
    Modify {
        key: MacKey,
        message: Option<NonZeroUsize>,
        words: Words,
    },
    Parse,
    /// Reads a message with its cipher key, or writes it again with a new text.
    Rewrite {
        key_file: PathBuf,
        message: Option<NonZeroUsize>,
        new: Option<String>,
    },
}

/// Words to be put in the place of others.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Words {
    /// Bytes before them in the text.
    pub(crate) offset: usize,
    pub(crate) old: String,
    pub(crate) new: String,
}

#[derive(Default)]
struct Given {
    file: Option<PathBuf>,
    json: bool,
    key_file: Option<PathBuf>,
    mac_key: Option<MacKey>,
    message: Option<NonZeroUsize>,
    new: Option<String>,
    offset: Option<usize>,
    old: Option<String>,
}

/// Reads the arguments behind `otter transcript`.
pub(super) fn parse(arguments: &mut impl Iterator<Item = OsString>) -> Result<Transcript, Problem> {
    let task = arguments.next().unwrap_or_default();
    let given = given(arguments)?;
    let (file, json) = (given.file.clone(), given.json);
    let task = match (task.to_string_lossy().as_ref(), given) {
        ("parse", given) if given.has_no_key_or_words() => Task::Parse,
        ("keys", given) if given.has_no_key_or_words() => Task::Keys,
        (
            "check",
            Given {
                mac_key: Some(key),
                key_file: None,
                message: None,
                new: None,
                offset: None,
                old: None,
                ..
            },
        ) => Task::Check { key },
        ("forge", given) => forge(given)?,
        _ => return Err(usage()),
    };
    Ok(Transcript { task, file, json })
}

fn forge(given: Given) -> Result<Task, Problem> {
    match given {
        Given {
            mac_key: Some(key),
            key_file: None,
            message,
            new: Some(new),
            offset: Some(offset),
            old: Some(old),
            ..
        } => Ok(Task::Modify {
            key,
            message,
            words: Words { offset, old, new },
        }),
        Given {
            mac_key: None,
            key_file: Some(key_file),
            message,
            new,
            offset: None,
            old: None,
            ..
        } => Ok(Task::Rewrite {
            key_file,
            message,
            new,
        }),
        _ => Err(usage()),
    }
}

impl Given {
    fn has_no_key_or_words(&self) -> bool {
        self.mac_key.is_none()
            && self.key_file.is_none()
            && self.message.is_none()
            && self.new.is_none()
            && self.offset.is_none()
            && self.old.is_none()
    }
}

fn given(arguments: &mut impl Iterator<Item = OsString>) -> Result<Given, Problem> {
    let mut given = Given::default();
    while let Some(argument) = arguments.next() {
        let name = argument.to_string_lossy().into_owned();
        let mut value = || value_after(&name, arguments);
        match name.as_str() {
            "--cipher-key-file" => given.key_file = Some(value()?.into()),
            "--json" => given.json = true,
            "--mac-key" => given.mac_key = Some(read(&name, value()?)?),
            "--message" => given.message = Some(read(&name, value()?)?),
            "--new" => given.new = Some(text(&name, value()?)?),
            "--offset" => given.offset = Some(read(&name, value()?)?),
            "--old" => given.old = Some(text(&name, value()?)?),
            option if option.starts_with("--") => {
                return Err(wrong(&format!(
                    "There is no option {option:?}. `otter --help` lists them."
                )));
            }
            _ if given.file.is_none() => given.file = Some(argument.into()),
            _ => return Err(usage()),
        }
    }
    Ok(given)
}

fn text(name: &str, value: OsString) -> Result<String, Problem> {
    value
        .into_string()
        .map_err(|_| wrong(&format!("What stands after {name} is not UTF-8.")))
}

fn read<T: FromStr>(name: &str, value: OsString) -> Result<T, Problem> {
    text(name, value)?
        .parse()
        .map_err(|_| wrong(&format!("What stands after {name} is not a key or number.")))
}

fn usage() -> Problem {
    wrong("`otter transcript` needs a task and what belongs to it: `otter --help` lists them.")
}
