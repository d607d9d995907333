//! What bytes from a fuzzer are played to a session as a server's, and what must hold whatever they are.
//! Must never depend on anything but those bytes: the same ones always do the same.
//! Standard: none.
#![allow(dead_code, reason = "each target needs one part of it")]

use std::time::Duration;

use irc::wire::{LONGEST_BODY, LONGEST_TAGS, Lines, Message, decode, write};
use irc::{Config, Event, Input, Login, Nick, Output, Session};

/// The password of the story, which nobody may get to see.
const PASSWORD: &str = "correct horse battery";

/// Randomness that is the same in each run.
struct Counter(u8);

impl rand_core::TryRng for Counter {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.try_next_u64()
            .map(|number| u32::try_from(number).unwrap_or_default())
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.0 = self.0.wrapping_add(1);
        Ok(u64::from(self.0))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.0 = self.0.wrapping_add(1);
        bytes.fill(self.0);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Counter {}

/// Alice, who does nothing by herself.
struct Alice {
    session: Session,
    now: Duration,
    random: Counter,
    said: String,
    online: bool,
    members: usize,
}

impl Alice {
    fn new(login: Login) -> Self {
        let mut config = Config::new(Nick::new("alice").unwrap());
        config.login = login;
        let mut alice = Self {
            session: Session::new(config),
            now: Duration::from_secs(1_000),
            random: Counter(0),
            said: String::new(),
            online: false,
            members: 0,
        };
        alice.input(Input::Connected);
        alice
    }

    fn input(&mut self, input: Input<'_>) {
        self.now += Duration::from_millis(200);
        self.session.handle(input, self.now, &mut self.random).unwrap();
        while let Some(output) = self.session.poll() {
            match output {
                Output::Send(bytes) => self.said.push_str(&String::from_utf8(bytes).unwrap()),
                Output::Event(Event::Online { .. }) => self.online = true,
                Output::Event(Event::MembersListed { .. }) => self.members += 1,
                Output::Close | Output::Event(_) | Output::Wake(_) => {}
            }
        }
    }

    /// What a server says, each line in a moment of its own, as long as the session listens.
    fn hear(&mut self, bytes: &[u8]) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.input(Input::Bytes(line));
            self.input(Input::Tick);
        }
    }

    /// Nothing goes out that is no line of IRC, that speaks to a person or a room, or that answers one.
    fn check(&self) {
        for line in self.said.split_terminator("\r\n") {
            let tagless = line.strip_prefix('@').and_then(|rest| rest.split_once(' '));
            let body = tagless.map_or(line, |(_, body)| body);
            let command = body.split(' ').next().unwrap_or_default();
            let silent =
                !["PRIVMSG", "NOTICE", "TAGMSG", "JOIN", "AWAY", "TOPIC", "INVITE"].contains(&command);
            let whole = body.len() <= LONGEST_BODY - 2 && !body.contains(['\r', '\n', '\0']);
            // A server's own word comes back to it as it is, and to nobody else.
            let asks = body.contains('\u{1}') && command != "PONG";
            assert!(silent && whole && !asks, "{line}");
            assert!(!line.contains(PASSWORD), "{line}");
        }
        assert!(self.said.is_empty() || self.said.ends_with("\r\n"));
    }
}

/// Bytes as lines, lines as messages; what was read of a message can be written, and reads the same again. Answers how
/// many messages were read.
pub(crate) fn wire(bytes: &[u8]) -> usize {
    let (mut lines, mut rest, mut read) = (Lines::default(), bytes, 0);
    while let Ok(Some(line)) = lines.read(&mut rest) {
        assert!(line.len() <= LONGEST_BODY + LONGEST_TAGS);
        let text = decode(&line);
        let Some(message) = Message::parse(&text) else {
            continue;
        };
        read += 1;
        let Ok(written) = write(&[], message.command, &message.parameters) else {
            continue;
        };
        let written = String::from_utf8(written).unwrap();
        let again = Message::parse(written.trim_end_matches("\r\n")).unwrap();
        assert_eq!(again.command, message.command);
        assert_eq!(again.parameters, message.parameters);
    }
    read
}

/// A server's side of capabilities and of a login by password: the password is only ever proven. Answers whether the
/// session came online.
pub(crate) fn login(bytes: &[u8]) -> bool {
    let mut alice = Alice::new(Login::Password {
        account: "alice".to_owned(),
        password: PASSWORD.to_owned().into(),
        allow_plain: false,
    });
    alice.hear(bytes);
    alice.check();
    let plain = "AUTHENTICATE PLAIN";
    assert!(alice.said.split_terminator("\r\n").all(|line| line != plain));
    alice.online
}

/// What a server says of rooms and people once it has greeted. Answers how many lists of members were taken in.
pub(crate) fn rooms(bytes: &[u8]) -> usize {
    let mut alice = Alice::new(Login::None);
    alice.hear(
        b":irc CAP * LS :batch labeled-response message-tags multi-prefix server-time userhost-in-names\r\n\
          :irc CAP * ACK :batch labeled-response message-tags multi-prefix server-time userhost-in-names\r\n\
          :irc 001 alice :Welcome alice!u@h\r\n\
          :irc 005 alice PREFIX=(qaohv)~&@%+ STATUSMSG=~&@%+ MONITOR=100 WHOX CASEMAPPING=ascii :are supported\r\n\
          :irc 422 alice :No MOTD\r\n",
    );
    alice.hear(bytes);
    alice.check();
    alice.members
}
