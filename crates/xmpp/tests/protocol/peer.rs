//! A scripted XMPP server, and mallory where the story needs one.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use xmpp::{BareJid, Command, Config, Error, Event, Input, OfflineReason, Output, Session, Tls};

pub(super) const HEADER: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
    xmlns:stream='http://etherx.jabber.org/streams' from='example.org' id='s1' version='1.0' xml:lang='en'>";
pub(super) const SALT: &str = "W22ZaJ0SNY7soEsUEjb6gQ==";

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
    pub(super) start_tls: usize,
    pub(super) closed: usize,
    pub(super) wake: Option<Duration>,
    /// Bytes are handed over in pieces of this size.
    pub(super) chunk: usize,
    said: String,
    rng: Counter,
}

impl Peer {
    pub(super) fn new(change: impl FnOnce(&mut Config)) -> Self {
        let jid = BareJid::new("alice@example.org").unwrap();
        let mut config = Config::new(jid, String::from("pencil").into());
        config.tls = Tls::Direct;
        change(&mut config);
        Self {
            session: Session::new(config),
            now: Duration::from_secs(1_000),
            events: Vec::new(),
            start_tls: 0,
            closed: 0,
            wake: None,
            chunk: usize::MAX,
            said: String::new(),
            rng: Counter(0),
        }
    }

    /// Alice is online with stream management; nothing is left to look at.
    pub(super) fn online() -> Self {
        let mut peer = Self::new(|_| ());
        peer.log_in();
        peer
    }

    pub(super) fn log_in(&mut self) {
        self.input(Input::Connected).unwrap();
        self.authenticate("<mechanism>SCRAM-SHA-256</mechanism>");
        self.bind("<sm xmlns='urn:xmpp:sm:3'/>");
        self.hear("<enabled xmlns='urn:xmpp:sm:3' id='r1' resume='true' max='600'/>");
        self.give_roster("");
        self.take_events();
        self.take_said();
    }

    pub(super) fn input(&mut self, input: Input<'_>) -> Result<(), Error> {
        let result = self.session.handle(input, self.now, &mut self.rng);
        while let Some(output) = self.session.poll() {
            match output {
                Output::Send(bytes) => self.said.push_str(&String::from_utf8(bytes).unwrap()),
                Output::StartTls => self.start_tls += 1,
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

    pub(super) fn hear(&mut self, text: &str) {
        for bytes in text.as_bytes().chunks(self.chunk) {
            self.input(Input::Bytes(bytes)).unwrap();
        }
    }

    /// Goes to the next time that the session asked for.
    pub(super) fn sleep(&mut self) {
        self.now = self.wake.take().unwrap();
        self.input(Input::Tick).unwrap();
    }

    pub(super) fn take_said(&mut self) -> String {
        std::mem::take(&mut self.said).replace('"', "'")
    }

    pub(super) fn said(&self) -> &str {
        &self.said
    }

    pub(super) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    pub(super) fn features(&mut self, inner: &str) {
        self.hear(&format!("{HEADER}<stream:features>{inner}</stream:features>"));
    }

    /// The header and the mechanisms, from which Alice starts SASL; gives what she said.
    pub(super) fn offer(&mut self, mechanisms: &str) -> String {
        self.take_said();
        self.features(&format!(
            "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{mechanisms}</mechanisms>"
        ));
        self.take_said()
    }

    /// An honest SCRAM-SHA-256 server up to `<success/>`.
    pub(super) fn authenticate(&mut self, mechanisms: &str) {
        let auth = self.offer(mechanisms);
        let scram = Scram::new(&auth, 4_096);
        self.hear(&challenge(&scram.first));
        let response = payload(&self.take_said());
        let last = scram.verify(&response);
        let namespace = "urn:ietf:params:xml:ns:xmpp-sasl";
        self.hear(&format!(
            "<success xmlns='{namespace}'>{}</success>",
            STANDARD.encode(last)
        ));
    }

    /// Features after SASL, and the resource.
    pub(super) fn bind(&mut self, more: &str) {
        self.take_said();
        self.features(&format!("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>{more}"));
        self.give_resource();
    }

    pub(super) fn give_resource(&mut self) {
        let said = self.take_said();
        assert!(
            said.contains("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'></bind>"),
            "{said}"
        );
        let id = id(&said);
        self.hear(&format!(
            "<iq type='result' id='{id}'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
             <jid>alice@example.org/r0</jid></bind></iq>"
        ));
    }

    pub(super) fn give_roster(&mut self, items: &str) {
        let said = self.take_said();
        let id = id(said.split("<iq").last().unwrap());
        self.hear(&format!(
            "<iq type='result' id='{id}'><query xmlns='jabber:iq:roster'>{items}</query></iq>"
        ));
    }

    pub(super) fn offline(&self) -> Option<OfflineReason> {
        self.events.iter().find_map(|event| match event {
            Event::Offline { why, retry } => {
                assert_eq!(*retry, why.retry());
                Some(*why)
            }
            _ => None,
        })
    }

    pub(super) fn send(&mut self, token: u64) -> Result<(), Error> {
        self.command(Command::Send {
            to: "bob@example.net".parse().unwrap(),
            body: format!("text {token}"),
            token,
            otr: false,
        })
    }

    /// The tokens of all acknowledgements so far.
    pub(super) fn acknowledged(&self) -> Vec<u64> {
        let token = |event: &Event| match event {
            Event::Acknowledged { token } => Some(*token),
            _ => None,
        };
        self.events.iter().filter_map(token).collect()
    }

    /// The tokens of all losses so far.
    pub(super) fn unacknowledged(&self) -> Vec<u64> {
        let tokens = |event: &Event| match event {
            Event::Unacknowledged { tokens } => Some(tokens.clone()),
            _ => None,
        };
        self.events.iter().filter_map(tokens).flatten().collect()
    }
}

/// The server's side of SCRAM-SHA-256, for the password `pencil`.
pub(super) struct Scram {
    pub(super) first: String,
    client_first: String,
    rounds: u32,
}

impl Scram {
    pub(super) fn new(auth: &str, rounds: u32) -> Self {
        let client = payload(auth);
        let client_first = client.strip_prefix("n,,").unwrap().to_owned();
        let nonce = client_first.split("r=").nth(1).unwrap();
        Self {
            first: format!("r={nonce}server,s={SALT},i={rounds}"),
            client_first,
            rounds,
        }
    }

    /// Checks the proof; gives the last message.
    pub(super) fn verify(&self, response: &str) -> String {
        let (bare, proof) = response.split_once(",p=").unwrap();
        let signed = format!("{},{},{bare}", self.client_first, self.first);
        let salt = STANDARD.decode(SALT).unwrap();
        let salted = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(b"pencil", &salt, self.rounds);
        let client_key = mac(&salted, b"Client Key");
        let signature = mac(&Sha256::digest(&client_key), signed.as_bytes());
        let expected: Vec<u8> = client_key.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
        assert_eq!(STANDARD.decode(proof).unwrap(), expected);
        let server_key = mac(&salted, b"Server Key");
        format!("v={}", STANDARD.encode(mac(&server_key, signed.as_bytes())))
    }
}

fn mac(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

pub(super) fn challenge(message: &str) -> String {
    let namespace = "urn:ietf:params:xml:ns:xmpp-sasl";
    format!(
        "<challenge xmlns='{namespace}'>{}</challenge>",
        STANDARD.encode(message)
    )
}

/// The decoded text of a SASL element.
pub(super) fn payload(element: &str) -> String {
    let text = element.split('>').nth(1).unwrap().split('<').next().unwrap();
    String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()
}

/// The first id in what was said.
pub(super) fn id(said: &str) -> String {
    said.split(" id='")
        .nth(1)
        .unwrap()
        .split('\'')
        .next()
        .unwrap()
        .to_owned()
}
