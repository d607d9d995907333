//! The words of Tor's control protocol that the gate needs: replies, authentication, and what it asks.
//! It must never send a cookie to who has not proven to know it, nor believe a reply to be short or well-formed.
//! Standard: Tor's control-spec 2.3 (replies), 3.5 (AUTHENTICATE), 3.9 (GETINFO), 3.21 (PROTOCOLINFO), 3.24 (AUTHCHALLENGE).

mod answers;
mod cookie;
mod port;

use std::fmt;
use std::io;

pub(crate) use answers::{Bootstrap, Listener, ProtocolInfo, bootstrap, circuits, listeners, quote, streams};
pub(crate) use cookie::{Challenge, Cookie};
pub(crate) use port::ControlPort;

/// The longest line, in bytes, its end included.
pub(crate) const MAX_LINE: usize = 16 * 1024;
/// The most lines of one reply: that of a busy Tor to `circuit-status` has some hundred.
const MAX_LINES: usize = 4096;
/// The most bytes of one reply.
const MAX_REPLY: usize = 1024 * 1024;

/// Why a control port did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ControlError {
    /// It closed the connection, or the connection broke.
    Closed,
    /// What it said is no reply.
    Garbled,
    /// It did not answer in time.
    Silent,
    /// It refused, with this status.
    Refused(u16),
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ControlError::Closed => f.write_str("the control port closed the connection"),
            ControlError::Garbled => f.write_str("the control port said what no Tor says"),
            ControlError::Silent => f.write_str("the control port did not answer"),
            ControlError::Refused(status) => write!(f, "the control port refused with status {status}"),
        }
    }
}

impl std::error::Error for ControlError {}

impl From<io::Error> for ControlError {
    fn from(_: io::Error) -> ControlError {
        ControlError::Closed
    }
}

/// One whole reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// Three digits; 250 is "done".
    pub(crate) status: u16,
    /// The texts behind the status; data of several lines are one text with line ends in it.
    pub(crate) lines: Vec<String>,
}

impl Reply {
    /// The value behind `KEY=` of a GETINFO.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        self.lines
            .iter()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
    }
}

/// Puts lines together to replies.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    lines: Vec<String>,
    data: Option<String>,
    bytes: usize,
}

impl Reader {
    /// Takes a line without its end. A reply is given when it is whole; one that nobody asked for (650) is dropped.
    ///
    /// # Errors
    /// [`ControlError::Garbled`] for what is no line of a reply, or once the reply is too large.
    pub(crate) fn push(&mut self, line: &str) -> Result<Option<Reply>, ControlError> {
        self.bytes += line.len() + 1;
        if self.bytes > MAX_REPLY || self.lines.len() >= MAX_LINES {
            return Err(ControlError::Garbled);
        }
        if let Some(data) = &mut self.data {
            if line == "." {
                self.lines.extend(self.data.take());
            } else {
                data.push('\n');
                data.push_str(line.strip_prefix('.').unwrap_or(line));
            }
            return Ok(None);
        }
        let (status, rest) = line.split_at_checked(3).ok_or(ControlError::Garbled)?;
        let digits = status.bytes().all(|byte| byte.is_ascii_digit());
        let status: u16 = status
            .parse()
            .ok()
            .filter(|_| digits)
            .ok_or(ControlError::Garbled)?;
        let (separator, text) = rest.split_at_checked(1).ok_or(ControlError::Garbled)?;
        match separator {
            "-" => self.lines.push(text.to_owned()),
            "+" => self.data = Some(text.to_owned()),
            " " => {
                self.lines.push(text.to_owned());
                let lines = std::mem::take(&mut self.lines);
                self.bytes = 0;
                return Ok((status / 100 != 6).then_some(Reply { status, lines }));
            }
            _ => return Err(ControlError::Garbled),
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Vec<Reply>, ControlError> {
        let mut reader = Reader::default();
        let mut replies = Vec::new();
        for line in text.lines() {
            replies.extend(reader.push(line)?);
        }
        Ok(replies)
    }

    #[test]
    fn replies_of_one_line_of_several_and_with_data_are_read() {
        let replies =
            read("250 OK\n250-version=0.4.9.11\n250 OK\n250+circuit-status=\n1 BUILT\n..2\n.\n250 OK\n")
                .unwrap();
        assert_eq!(replies.len(), 3);
        assert_eq!(replies[1].value("version"), Some("0.4.9.11"));
        assert_eq!(replies[2].value("circuit-status"), Some("\n1 BUILT\n.2"));
        assert_eq!(
            replies[0],
            Reply {
                status: 250,
                lines: vec!["OK".to_owned()]
            }
        );
    }

    #[test]
    fn what_nobody_asked_for_is_dropped() {
        let replies = read("650-CIRC 1 BUILT\n650 STREAM 2 NEW\n250 OK\n").unwrap();
        assert_eq!(
            replies,
            [Reply {
                status: 250,
                lines: vec!["OK".to_owned()]
            }]
        );
    }

    #[test]
    fn what_no_tor_says_is_refused() {
        let endless = "250-x\n".repeat(MAX_LINES + 1);
        let flood = format!("250+x=\n{}", "y\n".repeat(MAX_REPLY));
        for text in [
            "\n",
            "25\n",
            "HTTP/1.0 501 Tor\n",
            "+50 OK\n",
            "250\n",
            "250*OK\n",
            "é50 OK\n",
            &endless,
            &flood,
        ] {
            assert_eq!(read(text), Err(ControlError::Garbled), "{:?}", text.get(..20));
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_the_reader_panic(lines in proptest::collection::vec("\\PC{0,40}", 0..20)) {
            let mut reader = Reader::default();
            for line in lines {
                if reader.push(&line).is_err() {
                    break;
                }
            }
        }
    }
}
