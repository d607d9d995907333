//! The gate's answer to a header: one line.
//! It must never be trusted to be short or well-formed before it was read here.
//! Standard: design.md section 1 ("is answered with one line").

use serde::{Deserialize, Serialize};

use crate::line::{self, LineError};
use crate::{Cause, Refusal};

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Done; what follows on the stream belongs to the request.
    Done,
    /// Not done, and nothing follows.
    Refused(Refusal),
}

impl Answer {
    /// The answer as one line, its end included.
    ///
    /// # Errors
    /// [`LineError`], in practice never.
    pub fn encode(&self) -> Result<Vec<u8>, LineError> {
        line::encode(&match self {
            Answer::Done => Wire {
                ok: Some(Nothing {}),
                error: None,
            },
            Answer::Refused(refusal) => Wire {
                ok: None,
                error: Some(WireRefusal {
                    code: refusal.code().to_owned(),
                    text: refusal.to_string(),
                    cause: refusal.cause().cloned(),
                }),
            },
        })
    }

    /// Reads one line. The sentence on the wire is for people who look at the wire; the code decides.
    ///
    /// # Errors
    /// [`LineError`] for anything that is not an answer.
    pub fn decode(bytes: &[u8]) -> Result<Answer, LineError> {
        match line::decode(bytes)? {
            Wire {
                ok: Some(Nothing {}),
                error: None,
            } => Ok(Answer::Done),
            Wire {
                ok: None,
                error: Some(refusal),
            } => Ok(Answer::Refused(Refusal::from_code(&refusal.code, refusal.cause))),
            Wire { .. } => Err(LineError::Malformed),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ok: Option<Nothing>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<WireRefusal>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireRefusal {
    code: String,
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cause: Option<Cause>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_survives_the_wire() {
        let refusals = crate::refusal::every_refusal().into_iter().map(Answer::Refused);
        for answer in refusals.chain([Answer::Done]) {
            assert_eq!(Answer::decode(&answer.encode().unwrap()), Ok(answer));
        }
    }

    #[test]
    fn the_wire_form_of_an_answer_stays_as_it_is() {
        assert_eq!(Answer::Done.encode().unwrap(), b"{\"ok\":{}}\n");
        let refused = Answer::Refused(Refusal::TorNotReady(Some(Cause::Offline)))
            .encode()
            .unwrap();
        let expected = "{\"error\":{\"code\":\"tor.not_ready\",\"text\":\"Tor is not connected yet. \
                        This computer seems to be offline.\",\"cause\":\"offline\"}}\n";
        assert_eq!(String::from_utf8(refused).unwrap(), expected);
    }

    #[test]
    fn an_answer_that_says_both_or_neither_is_refused() {
        for line in [
            "{}",
            "{\"ok\":{},\"error\":{\"code\":\"a\",\"text\":\"b\"}}",
            "null",
            "{\"ok\":{\"more\":1}}",
        ] {
            assert_eq!(
                Answer::decode(line.as_bytes()),
                Err(LineError::Malformed),
                "{line}"
            );
        }
    }
}
