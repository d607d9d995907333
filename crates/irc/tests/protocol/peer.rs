//! A scripted IRC server, and mallory where the story needs one.

use std::time::Duration;

use irc::{
    Command, Config, Error, Event, Input, Nick, OfflineReason, Output, Room, SendKind, Session, Target,
};

/// What a modern server offers.
pub(super) const MODERN: &str = "account-notify account-tag away-notify batch cap-notify chghost draft/chathistory \
    draft/read-marker echo-message extended-join extended-monitor invite-notify labeled-response message-tags \
    multi-prefix server-time setname standard-replies userhost-in-names";

/// Randomness that tells two draws apart and is the same in each run.
pub(super) struct Counter(u64);

impl rand_core::TryRng for Counter {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.try_next_u64().map(|n| n as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.0 += 1;
        Ok(self.0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        bytes.fill(self.0 as u8);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Counter {}

pub(super) struct Peer {
    pub(super) session: Session,
    pub(super) now: Duration,
    pub(super) events: Vec<Event>,
    pub(super) closed: usize,
    pub(super) wake: Option<Duration>,
    /// The server answers pings while time goes by.
    pub(super) answers: bool,
    said: String,
    rng: Counter,
}

pub(super) fn nick(name: &str) -> Nick {
    Nick::new(name).unwrap()
}

pub(super) fn room(name: &str) -> Room {
    Room::new(name).unwrap()
}

impl Peer {
    pub(super) fn new(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(nick("alice"));
        // Tests of other things do not wait for their turn.
        config.flood.burst = 1_000;
        change(&mut config);
        Self {
            session: Session::new(config),
            now: Duration::from_secs(1_000),
            events: Vec::new(),
            closed: 0,
            wake: None,
            answers: false,
            said: String::new(),
            rng: Counter(0),
        }
    }

    /// Alice is on a server of RFC 1459, which knows no capabilities.
    pub(super) fn plain() -> Self {
        let mut peer = Self::new(|_| ());
        peer.connect();
        peer.hear(":irc 421 alice CAP :Unknown command");
        peer.greet("");
        peer.forget();
        peer
    }

    /// Alice is on a server that can do all there is.
    pub(super) fn modern() -> Self {
        Self::modern_with(|_| ())
    }

    pub(super) fn modern_with(change: impl FnOnce(&mut Config)) -> Self {
        let mut peer = Self::new(change);
        peer.connect();
        peer.agree(MODERN);
        peer.greet(
            "PREFIX=(qaohv)~&@%+ STATUSMSG=~&@%+ MONITOR=100 WHOX BOT=B CHATHISTORY=50 CASEMAPPING=ascii",
        );
        peer.forget();
        peer
    }

    pub(super) fn connect(&mut self) {
        self.input(Input::Connected).unwrap();
    }

    /// Offers these capabilities and grants whatever is asked for.
    pub(super) fn agree(&mut self, offer: &str) {
        self.forget_said();
        self.hear(&format!(":irc CAP * LS :{offer}"));
        self.grant();
    }

    pub(super) fn grant(&mut self) {
        for line in self.take_said().lines() {
            if let Some(names) = line.strip_prefix("CAP REQ :") {
                self.hear(&format!(":irc CAP alice ACK :{names}"));
            }
        }
    }

    pub(super) fn greet(&mut self, tokens: &str) {
        let nick = self.session.nick().clone();
        self.hear(&format!(
            "@time=2026-01-01T12:00:00.000Z :irc 001 {nick} :Welcome {nick}!~user@host.example"
        ));
        self.hear(&format!(":irc 005 {nick} NETWORK=Test {tokens} :are supported"));
        self.hear(&format!(":irc 422 {nick} :No MOTD"));
    }

    /// Alice is in a room with these people.
    pub(super) fn enter(&mut self, name: &str, people: &str) {
        let nick = self.session.nick().clone();
        self.hear(&format!(":{nick}!~user@host.example JOIN {name}"));
        self.hear(&format!(":irc 353 {nick} = {name} :{nick} {people}"));
        self.hear(&format!(":irc 366 {nick} {name} :End"));
    }

    pub(super) fn input(&mut self, input: Input<'_>) -> Result<(), Error> {
        let result = self.session.handle(input, self.now, &mut self.rng);
        while let Some(output) = self.session.poll() {
            match output {
                Output::Send(bytes) => {
                    assert!(bytes.ends_with(b"\r\n"));
                    self.said.push_str(&String::from_utf8(bytes).unwrap());
                }
                Output::Event(event) => self.events.push(event),
                Output::Wake(at) => self.wake = Some(at),
                Output::Close => self.closed += 1,
            }
        }
        result
    }

    pub(super) fn command(&mut self, command: Command) -> Result<(), Error> {
        self.input(Input::Command(command))
    }

    pub(super) fn send(&mut self, to: &str, text: &str, token: u64) -> Result<(), Error> {
        self.send_as(to, text, token, SendKind::Text)
    }

    pub(super) fn send_as(&mut self, to: &str, text: &str, token: u64, kind: SendKind) -> Result<(), Error> {
        self.command(Command::Send {
            to: Target::new(to).unwrap(),
            text: text.to_owned(),
            token,
            kind,
        })
    }

    pub(super) fn hear(&mut self, lines: &str) {
        let text = format!("{lines}\r\n");
        self.input(Input::Bytes(text.as_bytes())).unwrap();
    }

    /// Goes to the next time that the session asked for.
    pub(super) fn sleep(&mut self) {
        self.now = self.wake.take().unwrap().max(self.now);
        self.input(Input::Tick).unwrap();
        assert!(
            self.wake.is_none_or(|wake| wake > self.now),
            "a session that never sleeps"
        );
    }

    /// Lets so many seconds go by.
    pub(super) fn rest(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        while self.wake.is_some_and(|wake| wake <= end) {
            self.sleep();
            self.answer();
        }
        self.now = end;
    }

    pub(super) fn answer(&mut self) {
        let asked = self.said.lines().filter_map(|line| line.strip_prefix("PING "));
        let answers: Vec<String> = asked.map(|token| format!(":irc PONG irc :{token}")).collect();
        if self.answers {
            answers.iter().for_each(|line| self.hear(line));
        }
    }

    pub(super) fn take_said(&mut self) -> String {
        std::mem::take(&mut self.said)
    }

    pub(super) fn forget_said(&mut self) {
        self.said.clear();
    }

    pub(super) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    pub(super) fn forget(&mut self) {
        self.forget_said();
        self.events.clear();
    }

    pub(super) fn offline(&self) -> Option<OfflineReason> {
        self.events.iter().find_map(|event| match event {
            Event::Offline { why, .. } => Some(*why),
            _ => None,
        })
    }

    pub(super) fn is_online(&self) -> bool {
        self.events
            .iter()
            .any(|event| matches!(event, Event::Online { .. }))
    }
}
