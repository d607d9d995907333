//! Over which relays an account's streams go: what a person is shown of a circuit.
//! It must never name an account, a server or a message: only the account's name for circuits, and relays.
//! Standard: hardening facts E8 ("path view per account"); tor-spec, "Creating circuits".

use serde::{Deserialize, Serialize};

use crate::line::{self, LineError};
use crate::{Isolation, Purpose};

/// The longest nickname of a relay, in characters (dir-spec 2.1.1).
const MAX_NICKNAME: usize = 19;
/// The most hops that are told of one circuit: to an onion service it has seven or eight.
const MAX_HOPS: usize = 12;

/// One circuit that carries streams now: one line on a `paths` stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Path {
    /// Whose streams.
    pub isolation: Isolation,
    /// What for.
    pub purpose: Purpose,
    /// Where it ends.
    pub end: PathEnd,
    /// The relays from the near end on.
    pub hops: Vec<Hop>,
    /// Seconds since it first carried a stream.
    pub seconds: u64,
    /// How many streams it carries.
    pub streams: u32,
}

/// Where a circuit ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathEnd {
    /// At an exit, which sees the server's address.
    Exit,
    /// Within the network, at an onion service.
    Onion,
}

/// One relay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hop {
    /// 40 upper-case hexadecimal digits; `None` for the onion service's side of a circuit, which nobody here knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// What its owner calls it; at most 19 letters and digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// It is one of the bridges that were set.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bridge: bool,
}

impl Path {
    /// The path as one line, its end included.
    ///
    /// # Errors
    /// [`LineError`], in practice never.
    pub fn encode(&self) -> Result<Vec<u8>, LineError> {
        line::encode(&self.clone().bounded())
    }

    /// Reads one line; what is no fingerprint or nickname is left out.
    ///
    /// # Errors
    /// [`LineError`] for anything that is not a path.
    pub fn decode(bytes: &[u8]) -> Result<Path, LineError> {
        line::decode(bytes).map(Path::bounded)
    }

    fn bounded(mut self) -> Path {
        self.hops.truncate(MAX_HOPS);
        for hop in &mut self.hops {
            hop.fingerprint = hop.fingerprint.take().filter(|text| is_fingerprint(text));
            hop.nickname = hop.nickname.take().filter(|text| is_nickname(text));
        }
        self
    }
}

fn is_fingerprint(text: &str) -> bool {
    text.len() == 40
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte))
}

fn is_nickname(text: &str) -> bool {
    (1..=MAX_NICKNAME).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_survives_the_wire_and_foreign_texts_do_not() {
        let hop = Hop {
            fingerprint: Some("0123456789ABCDEF0123456789ABCDEF01234567".to_owned()),
            nickname: Some("relay1".to_owned()),
            bridge: true,
        };
        let path = Path {
            isolation: Isolation::from_bytes([1; 16]),
            purpose: Purpose::Xmpp,
            end: PathEnd::Onion,
            hops: vec![
                hop.clone(),
                Hop {
                    fingerprint: None,
                    nickname: None,
                    bridge: false,
                },
            ],
            seconds: 7,
            streams: 2,
        };
        assert_eq!(Path::decode(&path.encode().unwrap()), Ok(path.clone()));
        let strange = Hop {
            fingerprint: Some("\u{202e}".to_owned()),
            nickname: Some("a b".to_owned()),
            bridge: false,
        };
        let told = Path {
            hops: vec![strange; 40],
            ..path
        };
        let read = Path::decode(&told.encode().unwrap()).unwrap();
        assert_eq!(read.hops.len(), MAX_HOPS);
        assert!(
            read.hops
                .iter()
                .all(|hop| hop.fingerprint.is_none() && hop.nickname.is_none())
        );
    }
}
