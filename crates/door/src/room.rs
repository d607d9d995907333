//! What the gate tells of its own room: what the self-test saw there, and which transports it can have started.
//! It must never carry a path or any other text of the machine but what the system says of a refused call.
//! Standard: design.md section 1 ("The proof").

use serde::{Deserialize, Serialize};

use crate::line::{self, LineError};

/// The longest text of an attempt, in characters.
const MAX_TEXT: usize = 120;
/// The most kinds of transports.
const MAX_TRANSPORTS: usize = 16;

/// Something that the gate tried in its room: one line on a `check` stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// What was tried, as `otter check` names it; at most 120 characters.
    pub attempt: String,
    /// Whether a wall has to refuse it.
    pub must_be_refused: bool,
    /// Whether it was refused.
    pub refused: bool,
    /// What the system said; at most 120 characters.
    pub seen: String,
}

impl Attempt {
    /// The attempt as one line, its end included.
    ///
    /// # Errors
    /// [`LineError`], in practice never.
    pub fn encode(&self) -> Result<Vec<u8>, LineError> {
        line::encode(&self.clone().bounded())
    }

    /// Reads one line.
    ///
    /// # Errors
    /// [`LineError`] for anything that is not an attempt.
    pub fn decode(bytes: &[u8]) -> Result<Attempt, LineError> {
        line::decode(bytes).map(Attempt::bounded)
    }

    fn bounded(mut self) -> Attempt {
        for text in [&mut self.attempt, &mut self.seen] {
            *text = text
                .chars()
                .filter(|letter| !letter.is_control())
                .take(MAX_TEXT)
                .collect();
        }
        self
    }
}

/// The transports for whose bridges a program is installed: the one line on a `transports` stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transports {
    /// Their names in bridge lines, such as `obfs4`; at most 16.
    pub names: Vec<String>,
}

impl Transports {
    /// The names as one line, its end included.
    ///
    /// # Errors
    /// [`LineError`], in practice never.
    pub fn encode(&self) -> Result<Vec<u8>, LineError> {
        line::encode(self)
    }

    /// Reads one line; what is no name of a transport is left out.
    ///
    /// # Errors
    /// [`LineError`] for anything else than such a line.
    pub fn decode(bytes: &[u8]) -> Result<Transports, LineError> {
        let mut told: Transports = line::decode(bytes)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        told.names
            .retain(|name| (1..=32).contains(&name.len()) && name.bytes().all(plain));
        told.names.truncate(MAX_TRANSPORTS);
        Ok(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_survives_the_wire_and_its_texts_stay_short() {
        let attempt = Attempt {
            attempt: "tcp bind".to_owned(),
            must_be_refused: true,
            refused: true,
            seen: "Permission denied".to_owned(),
        };
        assert_eq!(Attempt::decode(&attempt.encode().unwrap()), Ok(attempt.clone()));
        let long = Attempt {
            seen: "\u{1b}x".repeat(9_000),
            ..attempt
        };
        let read = Attempt::decode(&long.encode().unwrap()).unwrap();
        assert_eq!(read.seen, "x".repeat(MAX_TEXT));
    }

    #[test]
    fn names_of_transports_are_read_strictly() {
        let told = Transports {
            names: vec!["obfs4".to_owned(), "a b".to_owned(), String::new()],
        };
        let read = Transports::decode(&told.encode().unwrap()).unwrap();
        assert_eq!(read.names, ["obfs4"]);
    }
}
