//! One message: tags, source, command, parameters.
//! Must never let a parameter become two, or a line grow beyond what a server takes.
//! RFC 1459 2.3.1, RFC 2812 2.3.1, IRCv3 message-tags.

use std::fmt;

use super::tags::{self, Tags};
use super::{LONGEST_BODY, LONGEST_TAGS};

/// Most parameters that are read; RFC 1459 knows 15.
const MOST_PARAMETERS: usize = 32;

/// A message that came in; it borrows from its line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message<'a> {
    /// What stands behind `@`.
    pub tags: Tags<'a>,
    /// Who says it; servers leave out themselves.
    pub source: Option<Source<'a>>,
    /// A word or three digits, as sent.
    pub command: &'a str,
    /// The parameters, the last one without its colon.
    pub parameters: Vec<&'a str>,
}

/// `nick!user@host`, or the name of a server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Source<'a> {
    /// A nick or the name of a server.
    pub name: &'a str,
    /// The user name.
    pub user: Option<&'a str>,
    /// The host, as the network shows it.
    pub host: Option<&'a str>,
}

/// Why something cannot be written as one line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unwritable {
    /// A line end, a NUL, or a space where none may be.
    Character,
    /// More than 512 bytes, or more than 8,191 in tags.
    TooLong,
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Character => "The line holds a character that cannot be sent.",
            Self::TooLong => "The line is too long.",
        })
    }
}

impl std::error::Error for Unwritable {}

impl<'a> Message<'a> {
    /// Reads a line without its end. `None`: it has no command, or holds a NUL or too many tags.
    #[must_use]
    pub fn parse(line: &'a str) -> Option<Self> {
        let illegal = |found, byte: u8| found | matches!(byte, b'\0' | b'\r' | b'\n');
        if line.bytes().fold(false, illegal) {
            return None;
        }
        let mut rest = line;
        let mut tags = Tags::default();
        let mut source = None;
        if let Some(tagged) = rest.strip_prefix('@') {
            let (raw, after) = tagged.split_once(' ')?;
            if raw.len() + 2 > LONGEST_TAGS {
                return None;
            }
            tags = Tags::new(raw);
            rest = after.trim_start_matches(' ');
        }
        if let Some(sourced) = rest.strip_prefix(':') {
            let (name, after) = sourced.split_once(' ')?;
            source = Some(Source::parse(name));
            rest = after.trim_start_matches(' ');
        }
        let (command, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let legal = !command.is_empty() && command.bytes().all(|byte| byte.is_ascii_alphanumeric());
        legal.then(|| Self {
            tags,
            source,
            command,
            parameters: parameters(rest),
        })
    }

    /// A parameter, empty where there is none.
    #[must_use]
    pub fn parameter(&self, index: usize) -> &'a str {
        self.parameters.get(index).copied().unwrap_or_default()
    }

    /// The last parameter, empty where there is none.
    #[must_use]
    pub fn last(&self) -> &'a str {
        self.parameters.last().copied().unwrap_or_default()
    }
}

fn parameters(mut rest: &str) -> Vec<&str> {
    let mut parameters = Vec::new();
    loop {
        rest = rest.trim_start_matches(' ');
        if rest.is_empty() || parameters.len() >= MOST_PARAMETERS {
            return parameters;
        }
        if let Some(last) = rest.strip_prefix(':') {
            parameters.push(last);
            return parameters;
        }
        let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
        parameters.push(word);
        rest = after;
    }
}

impl<'a> Source<'a> {
    /// Reads `nick!user@host`; each part but the first may be missing.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let (front, host) = match text.rsplit_once('@') {
            Some((front, host)) => (front, Some(host)),
            None => (text, None),
        };
        let (name, user) = match front.split_once('!') {
            Some((name, user)) => (name, Some(user)),
            None => (front, None),
        };
        Self { name, user, host }
    }
}

/// Writes one line with its end. Only the last of `parameters` may be empty, hold spaces or begin with a colon.
///
/// # Errors
/// [`Unwritable`]; nothing is cut or mended.
pub fn write(tags: &[(&str, &str)], command: &str, parameters: &[&str]) -> Result<Vec<u8>, Unwritable> {
    let mut line = String::new();
    for (index, (name, value)) in tags.iter().enumerate() {
        line.push(if index == 0 { '@' } else { ';' });
        line.push_str(name);
        if !value.is_empty() {
            line.push('=');
            line.push_str(&tags::escape(value));
        }
    }
    if !tags.is_empty() {
        line.push(' ');
    }
    let body = line.len();
    line.push_str(command);
    if let Some((last, middle)) = parameters.split_last() {
        for parameter in middle {
            if needs_colon(parameter) {
                return Err(Unwritable::Character);
            }
            line.push(' ');
            line.push_str(parameter);
        }
        line.push_str(if needs_colon(last) { " :" } else { " " });
        line.push_str(last);
    }
    if line.contains(['\0', '\r', '\n']) {
        return Err(Unwritable::Character);
    }
    line.push_str("\r\n");
    if body > LONGEST_TAGS || line.len() - body > LONGEST_BODY {
        return Err(Unwritable::TooLong);
    }
    Ok(line.into_bytes())
}

fn needs_colon(parameter: &str) -> bool {
    parameter.is_empty() || parameter.starts_with(':') || parameter.contains(' ')
}
