//! People with conversations, and predictable dice for them.
//! Must never be more clever than a network: it carries, drops, repeats and reorders bodies.
//! Standard: none.
#![allow(dead_code, reason = "each test crate uses a part of it")]

use std::convert::Infallible;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use otr::{
    Config, Conversation, Error, Event, Fingerprint, Input, InstanceTag, Output, PrivateKey, State, Tlv,
};
use rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest, Sha256};

/// A predictable source of "random" numbers: SHA-256 of a seed and a counter.
pub(crate) struct Dice {
    seed: u64,
    counter: u64,
    /// All 64-bit numbers that were drawn, from which the exponents of key pairs are made.
    pub(crate) drawn: Vec<u64>,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            counter: 0,
            drawn: Vec::new(),
        }
    }

    fn block(&mut self) -> [u8; 32] {
        self.counter += 1;
        Sha256::new()
            .chain_update(self.seed.to_be_bytes())
            .chain_update(self.counter.to_be_bytes())
            .finalize()
            .into()
    }
}

impl TryRng for Dice {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.block()[..4]
            .iter()
            .fold(0, |all, byte| all << 8 | u32::from(*byte)))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let number = self.block()[..8]
            .iter()
            .fold(0, |all, byte| all << 8 | u64::from(*byte));
        self.drawn.push(number);
        Ok(number)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(32) {
            let block = self.block();
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Dice {}

/// Keys are made once for all stories.
pub(crate) fn key(number: u64) -> Arc<PrivateKey> {
    static KEYS: LazyLock<Vec<Arc<PrivateKey>>> = LazyLock::new(|| {
        (0..3)
            .map(|n| Arc::new(PrivateKey::generate(&mut Dice::new(9000 + n))))
            .collect()
    });
    Arc::clone(&KEYS[usize::try_from(number).unwrap()])
}

/// One client of one person, in conversation with one contact.
pub(crate) struct Person {
    pub(crate) conversation: Conversation,
    pub(crate) dice: Dice,
    pub(crate) now: Duration,
    pub(crate) key: Arc<PrivateKey>,
    pub(crate) tag: InstanceTag,
    /// What happened since it was last taken.
    pub(crate) events: Vec<Event>,
    /// Bodies to carry, in order.
    pub(crate) outbox: Vec<String>,
    /// The tags that came with them.
    pub(crate) tags: Vec<Option<u64>>,
    /// When the conversation wants to be woken.
    pub(crate) wake: Option<Duration>,
}

impl Person {
    pub(crate) fn new(key_number: u64, tag: u32, config: Config) -> Self {
        let (key, tag) = (key(key_number), InstanceTag::from_u32(tag).unwrap());
        Self {
            conversation: Conversation::new(Arc::clone(&key), tag, config),
            dice: Dice::new(u64::from(tag.value())),
            now: Duration::from_secs(1000),
            key,
            tag,
            events: Vec::new(),
            outbox: Vec::new(),
            tags: Vec::new(),
            wake: None,
        }
    }

    pub(crate) fn alice() -> Self {
        Self::new(0, 0xa11c_e000, Config::default())
    }

    pub(crate) fn bob() -> Self {
        Self::new(1, 0x0000_b0b0, Config::default())
    }

    pub(crate) fn mallory() -> Self {
        Self::new(2, 0x00ba_d000, Config::default())
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.key.fingerprint()
    }

    pub(crate) fn give(&mut self, input: Input<'_>) -> Result<(), Error> {
        let result = self.conversation.handle(input, self.now, &mut self.dice);
        while let Some(output) = self.conversation.poll() {
            match output {
                Output::Event(event) => self.events.push(event),
                Output::Send { body, tag } => {
                    self.outbox.push(body);
                    self.tags.push(tag);
                }
                Output::Wake(at) => self.wake = Some(at),
            }
        }
        result
    }

    pub(crate) fn start(&mut self) {
        self.give(Input::Start).unwrap();
    }

    pub(crate) fn hear(&mut self, body: &str) {
        self.give(Input::Receive(body)).unwrap();
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.give(Input::Send {
            text,
            tlvs: &[],
            tag: 7,
        })
        .unwrap();
    }

    /// Says something and takes the only body it made.
    pub(crate) fn sealed(&mut self, text: &str) -> String {
        self.say(text);
        assert_eq!(self.outbox.len(), 1, "one body expected");
        self.take_outbox().remove(0)
    }

    pub(crate) fn tick_after(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.give(Input::Tick).unwrap();
    }

    pub(crate) fn take_outbox(&mut self) -> Vec<String> {
        self.tags.clear();
        std::mem::take(&mut self.outbox)
    }

    pub(crate) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The texts that came encrypted, in order; takes all events.
    pub(crate) fn texts(&mut self) -> Vec<String> {
        let text = |event| match event {
            Event::Message { text, .. } => Some(text),
            _ => None,
        };
        self.take_events().into_iter().filter_map(text).collect()
    }

    pub(crate) fn is_private_with(&self, other: &Person) -> bool {
        matches!(self.conversation.state(), State::Private { fingerprint, .. } if fingerprint == other.fingerprint())
    }
}

/// Carries bodies both ways until nothing is left; gives all that crossed.
pub(crate) fn carry(one: &mut Person, other: &mut Person) -> Vec<String> {
    let mut crossed = Vec::new();
    for _ in 0..100 {
        let (there, back) = (one.take_outbox(), other.take_outbox());
        if there.is_empty() && back.is_empty() {
            return crossed;
        }
        for body in there {
            other.hear(&body);
            crossed.push(body);
        }
        for body in back {
            one.hear(&body);
            crossed.push(body);
        }
    }
    panic!("the two never fall silent");
}

/// Two people with a private session, begun by the first; their events are taken.
pub(crate) fn private_pair() -> (Person, Person) {
    private(Person::alice(), Person::bob())
}

pub(crate) fn private(mut one: Person, mut other: Person) -> (Person, Person) {
    one.start();
    carry(&mut one, &mut other);
    assert!(one.is_private_with(&other) && other.is_private_with(&one));
    one.take_events();
    other.take_events();
    (one, other)
}

pub(crate) fn tlv(kind: u16, value: &[u8]) -> Tlv {
    Tlv {
        kind,
        value: value.to_vec(),
    }
}
