//! The conversation partner that is not ours, as a story needs it: `lab::OtrPeer` with an account of
//! its own, and a memory of what came.

use std::time::{Duration, Instant};

use lab::{LabError, OtrPeer, PeerMessage, PeerPolicy};

use crate::{Place, Trouble};

/// Long enough for its keys to be made on a busy machine.
const START: Duration = Duration::from_secs(60);

/// One libotr client, logged in straight to the lab's server.
pub struct Peer {
    peer: OtrPeer,
    messages: Vec<PeerMessage>,
    /// How long its login took, from its fingerprint to "ready".
    pub login: Duration,
    /// Its own fingerprint: 40 lower-case digits.
    pub fingerprint: String,
    /// Its address.
    pub jid: String,
}

impl Peer {
    /// Registers an account with the lab's server and logs in.
    ///
    /// # Errors
    /// Where that does not succeed within a minute.
    pub fn start(place: &Place, policy: PeerPolicy) -> Result<Self, Trouble> {
        let (name, password) = (place.fresh("peer"), "peer's word");
        place
            .lab
            .control()
            .register(&name, password, None)
            .map_err(told)?;
        let mut peer = OtrPeer::start(place.info(), &name, password, policy, 0).map_err(told)?;
        let fingerprint = peer.wait_for("fingerprint ", START).map_err(told)?;
        let start = Instant::now();
        peer.wait_for("ready ", START).map_err(told)?;
        let (login, jid) = (start.elapsed(), peer.jid().to_owned());
        let messages = Vec::new();
        Ok(Self {
            peer,
            messages,
            login,
            fingerprint,
            jid,
        })
    }

    /// Gives it a command: see the head of `otr_peer.c`.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn tell(&mut self, words: &[&str]) -> Result<(), Trouble> {
        self.peer.command(words).map_err(told)
    }

    /// Has it send a text.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn send(&mut self, to: &str, text: &str) -> Result<(), Trouble> {
        self.peer.send(to, text).map_err(told)
    }

    /// Waits for a line that begins with `start`; what comes before it is passed over.
    ///
    /// # Errors
    /// Where none comes within `within`.
    pub fn wait_for(&mut self, start: &str, within: Duration) -> Result<(), Trouble> {
        self.peer.wait_for(start, within).map(drop).map_err(told)
    }

    /// Waits until a text came in encrypted.
    ///
    /// # Errors
    /// Where it does not within `within`.
    pub fn wait_for_text(&mut self, text: &str, within: Duration) -> Result<(), Trouble> {
        let until = Instant::now() + within;
        while self.received(text).0 == 0 {
            let left = until.saturating_duration_since(Instant::now());
            self.messages.push(self.peer.next_message(left).map_err(told)?);
        }
        Ok(())
    }

    /// How often a text came in, encrypted and not.
    pub fn received(&self, text: &str) -> (usize, usize) {
        let count = |encrypted| {
            let ours = |message: &&PeerMessage| message.encrypted == encrypted && message.text == text;
            self.messages.iter().filter(ours).count()
        };
        (count(true), count(false))
    }
}

fn told(error: LabError) -> Trouble {
    Trouble::new(error.to_string())
}
