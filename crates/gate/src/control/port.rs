//! A connection to a control port: commands out, replies in, one at a time, each bounded in time and size.
//! It must never send a line with a line end in it, nor wait for ever.
//! Standard: Tor's control-spec 2 (the message format).

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::time::timeout;

use super::{Challenge, ControlError, Cookie, MAX_LINE, ProtocolInfo, Reader, Reply, quote};
use crate::outward::Carried;

/// How long a control port may take for one answer.
const PATIENCE: Duration = Duration::from_millis(if cfg!(test) { 200 } else { 5000 });

/// A connection to a control port.
pub(crate) struct ControlPort {
    stream: BufReader<Box<dyn Carried>>,
}

impl ControlPort {
    pub(crate) fn new(stream: Box<dyn Carried>) -> ControlPort {
        ControlPort {
            stream: BufReader::new(stream),
        }
    }

    /// How it wants to be authenticated to.
    ///
    /// # Errors
    /// [`ControlError::Garbled`] where something else than a Tor listens; the others as they are.
    pub(crate) async fn protocol_info(&mut self) -> Result<ProtocolInfo, ControlError> {
        let reply = self.command("PROTOCOLINFO 1").await?;
        ProtocolInfo::read(&reply).ok_or(ControlError::Garbled)
    }

    /// Proves to know the cookie, once the other side has proven the same.
    ///
    /// # Errors
    /// [`ControlError::Garbled`] if it has not.
    pub(crate) async fn authenticate_by_cookie(&mut self, cookie: &Cookie) -> Result<(), ControlError> {
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).map_err(|_| ControlError::Closed)?;
        let challenge = Challenge::new(nonce);
        let reply = self.command(&challenge.command()).await?;
        let answer = challenge.answer(&reply, cookie).ok_or(ControlError::Garbled)?;
        self.command(&answer).await.map(drop)
    }

    /// Gives the password.
    pub(crate) async fn authenticate_by_password(&mut self, password: &str) -> Result<(), ControlError> {
        let command = zeroize::Zeroizing::new(format!("AUTHENTICATE {}", quote(password)));
        self.command(&command).await.map(drop)
    }

    /// Gives nothing.
    pub(crate) async fn authenticate_by_nothing(&mut self) -> Result<(), ControlError> {
        self.command("AUTHENTICATE").await.map(drop)
    }

    /// Asks for one value. `None` if this port does not give it: filters in front of Tor let only some through.
    ///
    /// # Errors
    /// Only those after which the connection is of no use.
    pub(crate) async fn info(&mut self, key: &str) -> Result<Option<String>, ControlError> {
        match self.command(&format!("GETINFO {key}")).await {
            Ok(reply) => Ok(reply.value(key).map(str::to_owned)),
            Err(ControlError::Refused(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends one command and waits for its reply.
    async fn command(&mut self, command: &str) -> Result<Reply, ControlError> {
        if command.contains(['\r', '\n', '\0']) {
            return Err(ControlError::Garbled);
        }
        let reply = timeout(PATIENCE, self.exchange(command)).await;
        let reply = reply.map_err(|_| ControlError::Silent)??;
        match reply.status {
            250..=259 => Ok(reply),
            status => Err(ControlError::Refused(status)),
        }
    }

    async fn exchange(&mut self, command: &str) -> Result<Reply, ControlError> {
        let line = zeroize::Zeroizing::new(format!("{command}\r\n"));
        self.stream.get_mut().write_all(line.as_bytes()).await?;
        self.stream.get_mut().flush().await?;
        let mut reader = Reader::default();
        loop {
            let line = self.line().await?;
            if let Some(reply) = reader.push(&line)? {
                return Ok(reply);
            }
        }
    }

    async fn line(&mut self) -> Result<String, ControlError> {
        let mut line = Vec::new();
        let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
        (&mut self.stream)
            .take(limit)
            .read_until(b'\n', &mut line)
            .await?;
        if line.is_empty() {
            return Err(ControlError::Closed);
        }
        let line = line.strip_suffix(b"\n").ok_or(ControlError::Garbled)?;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        String::from_utf8(line.to_vec()).map_err(|_| ControlError::Garbled)
    }
}

#[cfg(test)]
#[path = "port_tests.rs"]
mod tests;
