//! `otter transcript`: what a captured conversation shows, and what anybody can make of it.
//! It opens no connection, starts no room, touches no profile, and parses nothing before it has locked itself.
//!
//! One process: the files it needs are opened first, then the walls of the engine's room go up around it, with
//! `/dev/null` in the place of a profile. What a hostile transcript could do in there is print.

mod tell;

use std::fs::File;
use std::io::{Read, stdin};
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;

use model::Problem;
use otr::transcript::{CipherKey, DataMessage, ForgeError, LARGEST_CAPTURE, MacKey, Transcript};
use walls::Room;
use zeroize::Zeroizing;

use crate::arguments::{self, Task};
use crate::say;

/// Longest file of a key in bytes: 32 digits and the end of the line.
const LARGEST_KEY_FILE: usize = 64;

/// What stands in the place of a profile: nothing.
const NO_PROFILE: &str = "/dev/null";

/// Does what was asked for: a line, or more, on standard output.
pub(crate) fn run(wanted: &arguments::Transcript) -> ExitCode {
    walls::close_inherited(&[]);
    match answer(wanted) {
        Ok(lines) => {
            let mut code = ExitCode::SUCCESS;
            for line in lines {
                code = say::line(&line);
            }
            code
        }
        Err((problem, code)) => say::wrong(&problem, code),
    }
}

/// The lines to print, or what went wrong and the code to end with.
fn answer(wanted: &arguments::Transcript) -> Result<Vec<String>, (Problem, u8)> {
    let mut capture: Box<dyn Read> = match &wanted.file {
        Some(path) => Box::new(open(path)?),
        None => Box::new(stdin()),
    };
    let mut key = match &wanted.task {
        Task::Rewrite { key_file, .. } => Some(open(key_file)?),
        _ => None,
    };
    let room = Room::Engine {
        profile: Path::new(NO_PROFILE),
    };
    walls::lock(&room).map_err(|error| (Problem::new(error.code(), error.to_string()), 3))?;
    let key = key.as_mut().map(cipher_key).transpose().map_err(failed)?;
    let capture = read(&mut capture, LARGEST_CAPTURE).map_err(failed)?;
    lines(wanted, &capture, key.as_ref()).map_err(failed)
}

/// The task itself, without the world around it.
fn lines(
    wanted: &arguments::Transcript,
    capture: &[u8],
    cipher_key: Option<&CipherKey>,
) -> Result<Vec<String>, Problem> {
    let transcript =
        Transcript::read(capture).map_err(|error| Problem::new("transcript.too_large", sentence(&error)))?;
    let json = wanted.json;
    match (&wanted.task, cipher_key) {
        (Task::Parse, _) => Ok(tell::messages(&transcript, json)),
        (Task::Keys, _) => Ok(tell::keys(&transcript, json)),
        (Task::Check { key }, _) => {
            let verified = transcript.verified_by(key);
            if verified.is_empty() {
                return Err(unverified());
            }
            Ok(vec![tell::check(key, &verified, json)])
        }
        (Task::Modify { key, message, words }, _) => {
            let (number, data) = chosen(&transcript, *message, key)?;
            let forged = data.modified(key, words.offset, words.old.as_bytes(), words.new.as_bytes());
            Ok(vec![tell::forged(number, &forged.map_err(not_forged)?, json)])
        }
        (Task::Rewrite { message, new, .. }, Some(key)) => {
            let (number, data) = chosen(&transcript, *message, &key.mac_key())?;
            Ok(vec![match new {
                Some(text) => {
                    let forged = data.rewritten(key, text.as_bytes()).map_err(not_forged)?;
                    tell::forged(number, &forged, json)
                }
                None => tell::text(number, &data.read(key).map_err(not_forged)?, json),
            }])
        }
        (Task::Rewrite { .. }, None) => Err(no_key()),
    }
}

/// The data message with this number, from 1, or the first that verifies under `key`.
fn chosen<'a>(
    transcript: &'a Transcript,
    number: Option<NonZeroUsize>,
    key: &MacKey,
) -> Result<(usize, &'a DataMessage), Problem> {
    let place = match number {
        Some(number) => Some(number.get() - 1),
        None => transcript.verified_by(key).first().copied(),
    };
    let place = place.ok_or_else(unverified)?;
    let data = transcript
        .messages()
        .get(place)
        .and_then(|message| message.data());
    let text = "There is no data message with this number: `otter transcript parse` lists them.";
    data.map(|data| (place + 1, data))
        .ok_or_else(|| Problem::new("transcript.no_message", text))
}

fn open(path: &Path) -> Result<File, (Problem, u8)> {
    File::open(path).map_err(|error| {
        let text = format!("The file {path:?} cannot be opened: {error}.");
        (Problem::new("transcript.no_file", text), 2)
    })
}

/// All of a stream that is not longer than `most` bytes.
fn read(stream: &mut dyn Read, most: usize) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let mut bytes = Zeroizing::new(Vec::new());
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let result = stream.take(limit).read_to_end(&mut bytes);
    let text = match result {
        Ok(length) if length <= most => return Ok(bytes),
        Ok(_) => "The file is too large.".to_owned(),
        Err(error) => format!("The file cannot be read: {error}."),
    };
    Err(Problem::new("transcript.no_file", text))
}

fn cipher_key(file: &mut File) -> Result<CipherKey, Problem> {
    let bytes = read(file, LARGEST_KEY_FILE)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| no_key())?;
    text.trim().parse().map_err(|_| no_key())
}

fn failed(problem: Problem) -> (Problem, u8) {
    (problem, 1)
}

fn no_key() -> Problem {
    Problem::new(
        "transcript.no_key",
        "The file of the cipher key does not hold 32 hexadecimal digits.",
    )
}

fn unverified() -> Problem {
    Problem::new(
        "transcript.unverified",
        "No message of this transcript verifies under this key.",
    )
}

fn not_forged(error: ForgeError) -> Problem {
    Problem::new("transcript.not_forged", sentence(&error))
}

/// An error as a sentence.
fn sentence(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    format!(
        "{}{}.",
        first.map(String::from).unwrap_or_default(),
        letters.as_str()
    )
}

#[cfg(test)]
#[path = "transcript/tests.rs"]
mod tests;
