//! What bytes from a fuzzer are played to a session as a server's, and what must hold whatever they are.
//! Must never depend on anything but those bytes: the same ones always do the same.
//! Standard: none.
#![allow(dead_code, reason = "each target needs one part of it")]

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use xmpp::{BareJid, Bindings, Config, Event, Input, Output, Session, Tls};

/// The password of the story, which nobody may get to see.
const PASSWORD: &str = "correct horse battery";
const HEADER: &str =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";
const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";

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
    ended: bool,
    told: usize,
}

impl Alice {
    fn new(change: impl FnOnce(&mut Config)) -> Self {
        let jid = BareJid::new("alice@example.org").unwrap();
        let mut config = Config::new(jid, PASSWORD.to_owned().into());
        config.tls = Tls::Direct;
        config.limits.stanza_bytes = 1 << 12;
        config.limits.skipped_bytes = 1 << 14;
        change(&mut config);
        let mut alice = Self {
            session: Session::new(config),
            now: Duration::from_secs(1_000),
            random: Counter(0),
            said: String::new(),
            online: false,
            ended: false,
            told: 0,
        };
        alice.input(Input::Bindings(Bindings {
            exporter: Some(vec![5; 32]),
            end_point: Some(vec![6; 32]),
        }));
        alice.input(Input::Connected);
        alice
    }

    /// Alice with a stream that stands and is counted.
    fn online() -> Self {
        let mut alice = Self::new(|config| config.allow_plain = true);
        alice.hear(
            format!(
                "{HEADER}<stream:features><mechanisms xmlns='{SASL}'><mechanism>PLAIN</mechanism></mechanisms>\
                 </stream:features><success xmlns='{SASL}'/>{HEADER}<stream:features>\
                 <bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/></stream:features>"
            )
            .as_bytes(),
        );
        let id = alice.last_id();
        alice.hear(
            format!(
                "<iq type='result' id='{id}'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
                 <jid>alice@example.org/1</jid></bind></iq><enabled xmlns='urn:xmpp:sm:3' id='1' resume='1'/>"
            )
            .as_bytes(),
        );
        assert!(alice.online);
        alice.said.clear();
        alice
    }

    fn last_id(&self) -> String {
        let quoted = self.said.replace('"', "'");
        let id = quoted.rsplit(" id='").next().unwrap_or_default();
        id.split('\'').next().unwrap_or_default().to_owned()
    }

    fn input(&mut self, input: Input<'_>) {
        self.now += Duration::from_millis(200);
        // A command may be refused; whatever the network does is told.
        let _ = self.session.handle(input, self.now, &mut self.random);
        while let Some(output) = self.session.poll() {
            match output {
                Output::Send(bytes) => self.said.push_str(&String::from_utf8(bytes).unwrap()),
                Output::Event(event) => {
                    self.told += 1;
                    match event {
                        Event::Online { .. } => self.online = true,
                        Event::Offline { .. } => self.ended = true,
                        _ => {}
                    }
                }
                Output::Close | Output::StartTls | Output::Wake(_) => {}
            }
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        // In two pieces, cut where the bytes themselves say.
        let at = bytes
            .first()
            .map_or(0, |byte| usize::from(*byte))
            .min(bytes.len());
        let (first, rest) = bytes.split_at(at);
        self.input(Input::Bytes(first));
        self.input(Input::Bytes(rest));
        self.input(Input::Tick);
    }

    /// The password never goes out, neither as it is nor as SASL PLAIN would have it.
    fn keeps_the_password(&self) {
        let plain = STANDARD.encode(format!("\0alice\0{PASSWORD}"));
        assert!(
            !self.said.contains(PASSWORD) && !self.said.contains(&plain),
            "{}",
            self.said
        );
    }
}

/// A whole stream after TLS, from its header on. Answers whether it stood at its end.
pub(crate) fn stream(bytes: &[u8]) -> bool {
    let mut alice = Alice::new(|_| ());
    alice.hear(bytes);
    alice.input(Input::Closed);
    alice.keeps_the_password();
    assert!(alice.ended, "the end is always told");
    alice.online
}

/// What comes in on a stream that stands: nobody is spoken to but the server, and whoever asked. Answers how much was
/// told of it.
pub(crate) fn stanza(bytes: &[u8]) -> usize {
    let mut alice = Alice::online();
    let before = alice.told;
    alice.hear(bytes);
    assert!(
        !alice.said.contains("<message") && !alice.said.contains("<presence"),
        "{}",
        alice.said
    );
    alice.said.clear();
    alice.told - before
}

/// A server's side of a login. The first byte says whether XEP-0388 is offered; the rest follows what the server has
/// to say first. Answers whether the session came online.
pub(crate) fn sasl(bytes: &[u8]) -> bool {
    let mut alice = Alice::new(|_| ());
    let (first, rest) = bytes.split_at(bytes.len().min(1));
    let offered = "<mechanism>SCRAM-SHA-256-PLUS</mechanism><mechanism>SCRAM-SHA-256</mechanism><mechanism>PLAIN</mechanism>";
    let both = first.first().is_some_and(|byte| byte % 2 == 1);
    let second = if both {
        format!(
            "<authentication xmlns='urn:xmpp:sasl:2'>{offered}<inline><bind xmlns='urn:xmpp:bind:0'/>\
             <sm xmlns='urn:xmpp:sm:3'/></inline></authentication>"
        )
    } else {
        String::new()
    };
    alice.hear(
        format!(
            "{HEADER}<stream:features><mechanisms xmlns='{SASL}'>{offered}</mechanisms>{second}\
             <sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'><channel-binding type='tls-exporter'/>\
             </sasl-channel-binding></stream:features>"
        )
        .as_bytes(),
    );
    alice.hear(rest);
    alice.keeps_the_password();
    assert!(!alice.online, "nobody knows the password");
    alice.online
}

/// A form of somebody else's making, for a new account. Answers how often one was sent back.
pub(crate) fn forms(bytes: &[u8]) -> usize {
    let text = String::from_utf8_lossy(bytes);
    let mut alice = Alice::new(|config| config.register = true);
    alice.hear(
        format!("{HEADER}<stream:features><mechanisms xmlns='{SASL}'><mechanism>SCRAM-SHA-256</mechanism></mechanisms>\
                 </stream:features>")
        .as_bytes(),
    );
    let id = alice.last_id();
    alice.said.clear();
    alice.hear(
        format!("<iq type='result' id='{id}'><query xmlns='jabber:iq:register'>{text}</query></iq>")
            .as_bytes(),
    );
    alice.said.matches("jabber:iq:register").count()
}
