//! The lines of door 1: JSON-RPC 2.0 requests in, responses and notifications out, one a line.
//! A line that cannot be understood gets an answer that says why and changes nothing.
//! Standard: <https://www.jsonrpc.org/specification>.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Command, Notification, Problem};

/// The longest line in bytes that the engine reads. A longer one is answered with an error and skipped.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;

/// Standard code: the line is no JSON.
pub const PARSE_ERROR: i32 = -32700;
/// Standard code: the line is JSON but no request.
pub const INVALID_REQUEST: i32 = -32600;
/// Standard code: there is no such method.
pub const METHOD_NOT_FOUND: i32 = -32601;
/// Standard code: the method's parameters are wrong.
pub const INVALID_PARAMS: i32 = -32602;
/// The engine understood and could not do it; `data` is a [`Problem`].
pub const REFUSED: i32 = -32000;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The caller's name for it: a number or a text. Absent: the caller wants no answer.
    pub id: Option<Value>,
    /// What is asked.
    pub command: Command,
}

/// Why a line is no [`Request`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRequest {
    /// The caller's name for it, where it could be read.
    pub id: Option<Value>,
    /// One of the standard codes above.
    pub code: i32,
    /// What is wrong.
    pub problem: Problem,
}

#[derive(Deserialize)]
struct Raw {
    jsonrpc: String,
    #[serde(default)]
    id: Option<Value>,
    method: String,
    #[serde(default)]
    params: Option<Value>,
}

/// Reads one line.
///
/// # Errors
/// [`BadRequest`] with the standard's code, to be answered by [`failure`].
pub fn parse(line: &str) -> Result<Request, BadRequest> {
    let value = serde_json::from_str::<Value>(line).map_err(|error| {
        bad(
            None,
            PARSE_ERROR,
            "door.not_json",
            format!("The line is no JSON: {error}."),
        )
    })?;
    let id = value
        .get("id")
        .filter(|id| id.is_string() || id.is_number())
        .cloned();
    let raw = serde_json::from_value::<Raw>(value).map_err(|error| {
        bad(
            id.clone(),
            INVALID_REQUEST,
            "door.not_a_request",
            format!("The line is no JSON-RPC request: {error}."),
        )
    })?;
    if raw.jsonrpc != "2.0" {
        let text = "The member \"jsonrpc\" must be \"2.0\".".to_owned();
        return Err(bad(id, INVALID_REQUEST, "door.not_a_request", text));
    }
    if !Command::METHODS.iter().any(|method| method.name == raw.method) {
        let text = format!("There is no method {:?}.", clip(&raw.method));
        return Err(bad(id, METHOD_NOT_FOUND, "door.no_such_method", text));
    }
    let params = raw.params.unwrap_or_else(|| json!({}));
    let command =
        serde_json::from_value(json!({ "method": raw.method, "params": params })).map_err(|error| {
            bad(
                id,
                INVALID_PARAMS,
                "door.wrong_parameters",
                format!("Wrong parameters: {error}."),
            )
        })?;
    Ok(Request { id: raw.id, command })
}

/// The line that asks for something.
pub fn request(id: u64, command: &Command) -> String {
    let mut value = serde_json::to_value(command).unwrap_or_default();
    if let Some(object) = value.as_object_mut() {
        object.insert("jsonrpc".to_owned(), json!("2.0"));
        object.insert("id".to_owned(), json!(id));
    }
    value.to_string()
}

/// The line that answers a request.
pub fn success(id: &Value, result: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string()
}

/// The line that refuses a request.
pub fn failure(id: Option<&Value>, code: i32, problem: &Problem) -> String {
    let error = json!({ "code": code, "message": problem.text, "data": problem });
    json!({ "jsonrpc": "2.0", "id": id.unwrap_or(&Value::Null), "error": error }).to_string()
}

/// The line that tells an event.
pub fn notification(notification: &Notification) -> String {
    json!({ "jsonrpc": "2.0", "method": "event", "params": notification }).to_string()
}

fn bad(id: Option<Value>, code: i32, name: &str, text: String) -> BadRequest {
    BadRequest {
        id,
        code,
        problem: Problem::new(name, text),
    }
}

/// At most 60 characters of something that came in, for an error's text.
fn clip(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccountId, Event, ProfileState, SendMessage};

    fn code_of(line: &str) -> i32 {
        parse(line).unwrap_err().code
    }

    #[test]
    fn a_request_is_read_and_written_alike() {
        let command = Command::SendMessage(SendMessage {
            account: AccountId(3),
            contact: "bob@example.org".parse().unwrap(),
            text: "سلام 🦦\n?OTR".to_owned(),
        });
        let read = parse(&request(7, &command)).unwrap();
        assert_eq!(
            read,
            Request {
                id: Some(json!(7)),
                command
            }
        );
    }

    #[test]
    fn a_method_without_parameters_needs_none() {
        let line = r#"{"jsonrpc":"2.0","id":"x","method":"engine.snapshot"}"#;
        assert!(matches!(parse(line).unwrap().command, Command::Snapshot(_)));
    }

    #[test]
    fn bad_lines_get_the_codes_of_the_standard() {
        assert_eq!(code_of("{"), PARSE_ERROR);
        assert_eq!(code_of("[]"), INVALID_REQUEST);
        assert_eq!(
            code_of(r#"{"jsonrpc":"1.0","id":1,"method":"engine.stop"}"#),
            INVALID_REQUEST
        );
        assert_eq!(
            code_of(r#"{"jsonrpc":"2.0","id":1,"method":"engine.fly"}"#),
            METHOD_NOT_FOUND
        );
        assert_eq!(
            code_of(r#"{"jsonrpc":"2.0","id":1,"method":"account.connect"}"#),
            INVALID_PARAMS
        );
        let unknown = r#"{"jsonrpc":"2.0","id":1,"method":"account.connect","params":{"account":1,"x":1}}"#;
        assert_eq!(code_of(unknown), INVALID_PARAMS);
    }

    #[test]
    fn a_deeply_nested_line_is_an_error_and_no_crash() {
        assert_eq!(code_of(&"[".repeat(100_000)), PARSE_ERROR);
    }

    #[test]
    fn an_event_is_one_line() {
        let event = Event::ProfileChanged {
            state: ProfileState::Open,
        };
        let line = notification(&Notification { sequence: 1, event });
        assert!(!line.contains('\n'));
        assert!(line.contains(r#""type":"profile_changed""#));
    }

    #[test]
    fn a_password_is_not_shown_by_debug() {
        let line = r#"{"jsonrpc":"2.0","id":1,"method":"profile.unlock","params":{"passphrase":"hunter2"}}"#;
        assert!(!format!("{:?}", parse(line).unwrap()).contains("hunter2"));
    }
}
