//! The window's side of door 1: calls become lines, lines become answers and events.
//! It must never keep what a call said (a passphrase may be in it), nor wait for more answers than it can name.
//! Standard: JSON-RPC 2.0, <https://www.jsonrpc.org/specification>; `docs/rpc.md`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use model::{Command, Notification, Problem};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use zeroize::Zeroizing;

/// Calls that wait for an answer at once; one more is refused.
pub const MAX_PENDING: usize = 256;

/// The longest line in bytes that is read from the engine: a snapshot of a large profile fits.
pub const MAX_HEARD_BYTES: usize = 64 * 1024 * 1024;

/// The name of one call, never used twice by one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// One line for the engine, without the line end. Wiped when it is dropped; `Debug` shows nothing of it.
pub struct Line(Zeroizing<String>);

impl Line {
    /// The text of the line. Whoever copies it has to wipe the copy.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}

/// What a line of the engine was.
#[derive(Debug, PartialEq)]
pub enum Heard {
    /// The answer to a call.
    Answer(Answer),
    /// Something that the engine tells by itself.
    Event(Box<Notification>),
}

/// The answer to one call.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Which call.
    pub call: CallId,
    /// The method that was called, as on the wire.
    pub method: &'static str,
    /// What it gave, or why it could not be done. [`Answer::read`] gives it a type.
    pub result: Result<Given, Problem>,
}

/// What a call gave: the engine's line, not read further yet, so that a large one is read once and straight into its
/// type. Wiped when it is dropped; `Debug` shows nothing of it.
#[derive(Clone, PartialEq)]
pub struct Given(Zeroizing<String>);

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given")
    }
}

impl Answer {
    /// The result as the type that `docs/rpc.md` names.
    ///
    /// # Errors
    /// The engine's [`Problem`], or `door.wrong_answer` where the result is of another type.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, Problem> {
        #[derive(Deserialize)]
        struct Whole<T> {
            result: T,
        }
        let given = self.result?;
        let whole = serde_json::from_str::<Whole<T>>(&given.0);
        whole.map(|it| it.result).map_err(|_| {
            Problem::new(
                "door.wrong_answer",
                "Two parts of the program did not understand each other. Restart the program.",
            )
        })
    }
}

/// Why a call was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The line would be longer than the engine reads ([`model::rpc::MAX_LINE_BYTES`]).
    TooLong,
    /// [`MAX_PENDING`] calls wait already.
    TooMany,
}

impl CallError {
    /// The same with a code of the catalogue.
    pub fn problem(self) -> Problem {
        let code = match self {
            Self::TooLong => "door.line_too_long",
            Self::TooMany => "door.too_many_calls",
        };
        Problem::new(code, self.to_string())
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "This is too long to be handed on.",
            Self::TooMany => "The program has too much to do at the moment. Try again.",
        })
    }
}

impl std::error::Error for CallError {}

/// Why a line of the engine was not understood. It is skipped; nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HearError {
    /// It is no JSON-RPC message, or an event that this version does not know.
    NotUnderstood,
    /// It is longer than [`MAX_HEARD_BYTES`].
    TooLong,
    /// It answers a call that was never made or is answered already.
    UnknownCall,
}

impl fmt::Display for HearError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotUnderstood => "a line of the engine was not understood",
            Self::TooLong => "a line of the engine was too long",
            Self::UnknownCall => "the engine answered what was not asked",
        })
    }
}

impl std::error::Error for HearError {}

/// The state machine of one connection to the engine.
#[derive(Debug, Default)]
pub struct Client {
    last: u64,
    pending: BTreeMap<u64, &'static str>,
}

impl Client {
    /// Names a call and makes its line.
    ///
    /// # Errors
    /// [`CallError`]; nothing was sent then.
    pub fn call(&mut self, command: &Command) -> Result<(CallId, Line), CallError> {
        if self.pending.len() >= MAX_PENDING {
            return Err(CallError::TooMany);
        }
        let id = self.last.saturating_add(1);
        let line = Line(Zeroizing::new(model::rpc::request(id, command)));
        if line.expose().len() > model::rpc::MAX_LINE_BYTES {
            return Err(CallError::TooLong);
        }
        self.last = id;
        self.pending.insert(id, method_of(&line));
        Ok((CallId(id), line))
    }

    /// Reads one line of the engine, with or without the line end.
    ///
    /// # Errors
    /// [`HearError`]; the line is to be skipped then.
    pub fn hear(&mut self, line: &str) -> Result<Heard, HearError> {
        if line.len() > MAX_HEARD_BYTES {
            return Err(HearError::TooLong);
        }
        let head = serde_json::from_str::<Head<'_>>(line).map_err(|_| HearError::NotUnderstood)?;
        if let Some(method) = head.method {
            return event(&method, line);
        }
        let id = head.id.ok_or(HearError::NotUnderstood)?;
        let method = self.pending.remove(&id).ok_or(HearError::UnknownCall)?;
        let result = match head.error {
            Some(error) => Err(error.problem()),
            None => Ok(Given(Zeroizing::new(line.to_owned()))),
        };
        Ok(Heard::Answer(Answer {
            call: CallId(id),
            method,
            result,
        }))
    }

    /// How many calls wait for an answer.
    pub fn waiting(&self) -> usize {
        self.pending.len()
    }
}

/// What has to be known of a line before it is read into a type.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(default)]
    id: Option<u64>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(default)]
    error: Option<Refusal>,
}

/// Why a call was not carried out.
#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: Value,
}

impl Refusal {
    fn problem(self) -> Problem {
        serde_json::from_value(self.data).unwrap_or_else(|_| Problem::new("door.refused", self.message))
    }
}

fn event(method: &str, line: &str) -> Result<Heard, HearError> {
    #[derive(Deserialize)]
    struct Told {
        params: Notification,
    }
    if method != "event" {
        return Err(HearError::NotUnderstood);
    }
    let told = serde_json::from_str::<Told>(line).map_err(|_| HearError::NotUnderstood)?;
    Ok(Heard::Event(Box::new(told.params)))
}

/// The method that a line calls. Nothing else of the line is copied.
fn method_of(line: &Line) -> &'static str {
    #[derive(Deserialize)]
    struct Named<'a> {
        method: &'a str,
    }
    let named = serde_json::from_str::<Named<'_>>(line.expose());
    let name = named.map(|it| it.method).unwrap_or_default();
    let mut methods = Command::METHODS.iter();
    methods
        .find(|method| method.name == name)
        .map_or("", |method| method.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{CreateProfile, Nothing, ProfileState, Secret, Version};

    #[test]
    fn an_answer_finds_its_call_whatever_the_order() {
        let mut client = Client::default();
        let (first, line) = client.call(&Command::Version(Nothing {})).unwrap();
        assert!(line.expose().contains("engine.version"));
        let (second, _) = client.call(&Command::Lock(Nothing {})).unwrap();
        let Heard::Answer(answer) = client.hear(r#"{"jsonrpc":"2.0","id":2,"result":{}}"#).unwrap() else {
            panic!("it is an answer");
        };
        assert_eq!((answer.call, answer.method), (second, "profile.lock"));
        let line =
            r#"{"jsonrpc":"2.0","id":1,"result":{"name":"attentive-otter","version":"0.1.0","language":1}}"#;
        let Heard::Answer(answer) = client.hear(line).unwrap() else {
            panic!("it is an answer");
        };
        assert_eq!(answer.call, first);
        assert_eq!(answer.read::<Version>().unwrap().language, 1);
        assert_eq!(client.waiting(), 0);
    }

    #[test]
    fn an_answer_that_nobody_waits_for_is_skipped() {
        let mut client = Client::default();
        assert_eq!(
            client.hear(r#"{"id":7,"result":{}}"#),
            Err(HearError::UnknownCall)
        );
        assert_eq!(
            client.hear(r#"{"id":null,"result":{}}"#),
            Err(HearError::NotUnderstood)
        );
        assert_eq!(client.hear(&"[".repeat(100_000)), Err(HearError::NotUnderstood));
    }

    #[test]
    fn a_refusal_carries_its_problem() {
        let mut client = Client::default();
        client.call(&Command::Lock(Nothing {})).unwrap();
        let problem = Problem::new("profile.locked", "The profile is not open: unlock it first.");
        let line = model::rpc::failure(Some(&1.into()), model::rpc::REFUSED, &problem);
        let Heard::Answer(answer) = client.hear(&line).unwrap() else {
            panic!("it is an answer");
        };
        assert_eq!(answer.result, Err(problem));
    }

    #[test]
    fn an_event_comes_with_its_number() {
        let notification = Notification {
            sequence: 9,
            event: model::Event::ProfileChanged {
                state: ProfileState::Open,
            },
        };
        let line = model::rpc::notification(&notification);
        assert_eq!(
            Client::default().hear(&line),
            Ok(Heard::Event(Box::new(notification)))
        );
        let unknown = r#"{"jsonrpc":"2.0","method":"event","params":{"sequence":1,"event":{"type":"x"}}}"#;
        assert_eq!(Client::default().hear(unknown), Err(HearError::NotUnderstood));
    }

    #[test]
    fn calls_are_bounded_in_number_and_length() {
        let mut client = Client::default();
        for _ in 0..MAX_PENDING {
            client.call(&Command::Version(Nothing {})).unwrap();
        }
        assert_eq!(
            client.call(&Command::Version(Nothing {})).unwrap_err(),
            CallError::TooMany
        );
        let long = Command::CreateProfile(CreateProfile {
            passphrase: Secret::new("x".repeat(model::rpc::MAX_LINE_BYTES)),
        });
        assert_eq!(Client::default().call(&long).unwrap_err(), CallError::TooLong);
    }

    #[test]
    fn a_line_with_a_passphrase_is_not_shown_by_debug() {
        let command = Command::CreateProfile(CreateProfile {
            passphrase: Secret::new("hunter2".to_owned()),
        });
        let mut client = Client::default();
        let made = client.call(&command).unwrap();
        assert!(!format!("{made:?}{client:?}").contains("hunter2"));
    }
}
