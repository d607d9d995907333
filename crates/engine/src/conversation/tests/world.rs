//! Two conversations and the server between them, all in memory.
//! Must never deliver what was not transmitted, nor let anything but OTR be transmitted.
//! XEP-0198: each transport message is either taken over by the server or reported as lost.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use model::{
    AccountId, Delivery, Direction, KnownFingerprint, Message, MessageId, Policy, Privacy, Verification,
};
use otr::{InstanceTag, PrivateKey};
use rand_core::{TryCryptoRng, TryRng};

use crate::conversation::{Context, Conversation, Effect, Epoch, Outgoing, Rules, Setup, Stage};

pub(super) const ALICE: usize = 0;
pub(super) const BOB: usize = 1;

/// A predictable source of "random" numbers (splitmix64).
pub(super) struct Dice(pub(super) u64);

impl TryRng for Dice {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|number| (number >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(mixed ^ (mixed >> 31))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(8) {
            let bytes = self.try_next_u64()?.to_be_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Dice {}

/// The OTR key of alice (0), bob (1) or mallory (2): the same in all tests.
pub(super) fn key(who: usize) -> Arc<PrivateKey> {
    static KEYS: [LazyLock<Arc<PrivateKey>>; 3] = [
        LazyLock::new(|| Arc::new(PrivateKey::generate(&mut Dice(100)))),
        LazyLock::new(|| Arc::new(PrivateKey::generate(&mut Dice(200)))),
        LazyLock::new(|| Arc::new(PrivateKey::generate(&mut Dice(300)))),
    ];
    Arc::clone(&KEYS[who])
}

/// A message as it is kept on disk.
#[derive(Clone)]
struct Kept {
    id: [u8; 16],
    text: String,
    at: u64,
    waiting: bool,
    epoch: Option<Epoch>,
    encrypted: bool,
    written_for: Vec<String>,
}

/// One transport message on its way.
#[derive(Clone)]
pub(super) struct Letter {
    pub(super) body: String,
    pub(super) token: u64,
}

/// One of the two programs, and what its owner saw.
pub(super) struct Side {
    pub(super) conversation: Conversation,
    key: Arc<PrivateKey>,
    tag: InstanceTag,
    keys: Vec<KnownFingerprint>,
    disk: Vec<Kept>,
    tokens: u64,
    connected: bool,
    /// Transport messages that went nowhere, told once the account is back.
    lost: Vec<u64>,
    /// Messages that came in, in this run.
    pub(super) came: Vec<Message>,
    pub(super) deliveries: BTreeMap<MessageId, Delivery>,
    pub(super) notices: Vec<String>,
    /// How verifications went, each step.
    pub(super) verifications: Vec<Verification>,
    /// New keys that were told, and whether one was accepted before.
    pub(super) new_keys: Vec<(String, bool)>,
    /// Transport messages in all.
    pub(super) transmitted: usize,
}

impl Side {
    pub(super) fn texts(&self) -> Vec<&str> {
        self.came.iter().map(|message| message.text.as_str()).collect()
    }
}

/// Everything.
pub(super) struct World {
    pub(super) now: Duration,
    dice: Dice,
    pub(super) sides: [Side; 2],
    /// What each side has transmitted and the server not yet delivered.
    pub(super) wires: [VecDeque<Letter>; 2],
}

impl World {
    /// Alice and bob, not connected.
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let sides = [ALICE, BOB].map(|who| side(who, key(who), &mut dice));
        Self {
            now: Duration::from_secs(1000),
            dice,
            sides,
            wires: [VecDeque::new(), VecDeque::new()],
        }
    }

    /// Alice and bob, connected, each there for the other.
    pub(super) fn online(seed: u64) -> Self {
        let mut world = Self::new(seed);
        for who in [ALICE, BOB] {
            world.connect(who);
        }
        world
    }

    /// Alice and bob with a private conversation.
    pub(super) fn private(seed: u64) -> Self {
        let mut world = Self::online(seed);
        world.act(ALICE, |c, x| c.start(x)).unwrap();
        world.wait(3);
        assert!(world.is_private(ALICE) && world.is_private(BOB));
        world
    }

    pub(super) fn is_private(&self, who: usize) -> bool {
        matches!(self.sides[who].conversation.privacy(), Privacy::Private { .. })
    }

    /// Does something with one conversation and then what it wants done, as the messenger does.
    pub(super) fn act<T>(
        &mut self,
        who: usize,
        act: impl FnOnce(&mut Conversation, &mut Context<'_>) -> T,
    ) -> T {
        let mut effects = Vec::new();
        let side = &mut self.sides[who];
        let mut context = Context {
            now: self.now,
            clock: 1_700_000_000_000 + self.now.as_millis() as u64,
            rng: &mut self.dice,
            tokens: &mut side.tokens,
            effects: &mut effects,
        };
        let result = act(&mut side.conversation, &mut context);
        for effect in effects {
            self.apply(who, effect);
        }
        result
    }

    fn apply(&mut self, who: usize, effect: Effect) {
        let side = &mut self.sides[who];
        match effect {
            Effect::Changed(message) if message.direction == Direction::In => {
                assert!(message.delivery == Delivery::Received);
                side.came.push(message);
            }
            Effect::Changed(message) => _ = side.deliveries.insert(message.id, message.delivery),
            Effect::Keys => side.keys = side.conversation.keys().to_vec(),
            Effect::NewFingerprint { fingerprint, changed } => side.new_keys.push((fingerprint, changed)),
            Effect::Notice(problem) => side.notices.push(problem.code),
            Effect::Persist { .. } => side.disk = side.conversation.outgoing().map(keep).collect(),
            Effect::Confirmed(_) | Effect::Privacy(_) => {}
            Effect::Verification(verification) => side.verifications.push(verification),
            Effect::Transmit { body, token, .. } | Effect::TransmitReadable { body, token } => {
                let required = side.conversation.rules.policy == Policy::Required;
                assert!(body.starts_with("?OTR") || !required, "not OTR: {body}");
                side.transmitted += 1;
                if side.connected {
                    self.wires[who].push_back(Letter { body, token });
                } else {
                    side.lost.push(token);
                }
            }
        }
    }

    /// The owner writes.
    pub(super) fn write(&mut self, who: usize, text: &str) -> MessageId {
        self.act(who, |c, x| c.write(text.to_owned(), x)).unwrap()
    }

    /// How far a message came.
    pub(super) fn delivery(&self, who: usize, id: &MessageId) -> &Delivery {
        &self.sides[who].deliveries[id]
    }

    /// Takes the next letter of a side off the wire; the server has taken it over.
    pub(super) fn take(&mut self, from: usize) -> Option<Letter> {
        let letter = self.wires[from].pop_front()?;
        self.act(from, |c, x| c.acknowledged(letter.token, x));
        Some(letter)
    }

    /// Hands a body to a side, as its server would.
    pub(super) fn hand(&mut self, to: usize, body: &str) {
        self.act(to, |c, x| c.receive(body, false, x));
    }

    /// Delivers one letter, if there is one; it comes back if the other side is not there.
    pub(super) fn deliver(&mut self, from: usize) -> bool {
        let Some(letter) = self.take(from) else {
            return false;
        };
        if self.sides[1 - from].connected {
            self.hand(1 - from, &letter.body);
        } else {
            self.act(from, |c, x| c.bounced(letter.token, x));
        }
        true
    }

    /// Delivers everything until nothing is on its way.
    pub(super) fn settle(&mut self) {
        let mut rounds = 0;
        while self.deliver(ALICE) | self.deliver(BOB) {
            rounds += 1;
            assert!(rounds < 5000, "the programs talk without end");
        }
    }

    /// Lets time pass and delivers what comes.
    pub(super) fn wait(&mut self, seconds: u64) {
        self.settle();
        for _ in 0..seconds * 2 {
            self.pass(500);
            self.settle();
        }
    }

    /// Lets time pass; nothing is delivered.
    pub(super) fn pass(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
        for who in [ALICE, BOB] {
            self.act(who, |c, x| c.tick(x));
        }
    }

    /// The server forgets a side: what it had not taken over is lost.
    pub(super) fn disconnect(&mut self, who: usize) {
        if !self.sides[who].connected {
            return;
        }
        self.sides[who].connected = false;
        let lost = std::mem::take(&mut self.wires[who]);
        self.sides[who]
            .lost
            .extend(lost.iter().map(|letter| letter.token));
        self.act(who, |c, x| c.connected(false, false, x));
        self.act(1 - who, |c, x| c.presence(false, false, x));
    }

    /// A side is back, with a new session at its server.
    pub(super) fn connect(&mut self, who: usize) {
        if self.sides[who].connected {
            return;
        }
        self.sides[who].connected = true;
        let lost = std::mem::take(&mut self.sides[who].lost);
        if !lost.is_empty() {
            self.act(who, |c, x| c.unacknowledged(&lost, x));
        }
        self.act(who, |c, x| c.connected(true, true, x));
        if self.sides[1 - who].connected {
            self.act(1 - who, |c, x| c.presence(true, true, x));
            self.act(who, |c, x| c.presence(true, false, x));
        }
    }

    /// A program ends without a word and is started again, with what it has kept.
    pub(super) fn restart(&mut self, who: usize) {
        self.disconnect(who);
        let (key, former) = (Arc::clone(&self.sides[who].key), &self.sides[who]);
        let (keys, disk, tag) = (former.keys.clone(), former.disk.clone(), former.tag);
        let (transmitted, tokens, rules) = (former.transmitted, former.tokens, former.conversation.rules);
        let mut fresh = side(who, key, &mut self.dice);
        fresh.tag = tag;
        fresh.conversation = conversation(who, &fresh.key, tag, keys.clone(), rules, &mut self.dice);
        (fresh.keys, fresh.disk, fresh.transmitted, fresh.tokens) = (keys, disk.clone(), transmitted, tokens);
        self.sides[who] = fresh;
        for kept in disk {
            self.act(who, |c, x| c.restore(read(kept), x));
        }
        self.connect(who);
    }

    /// The program of a side goes on with another key, as a new device would.
    pub(super) fn replace(&mut self, who: usize, new: Arc<PrivateKey>, tag: InstanceTag) {
        self.disconnect(who);
        let mut fresh = side(who, new, &mut self.dice);
        fresh.conversation = conversation(who, &fresh.key, tag, Vec::new(), Rules::default(), &mut self.dice);
        fresh.tag = tag;
        self.sides[who] = fresh;
        self.connect(who);
    }

    /// The owner of a side allows something else.
    pub(super) fn set_policy(&mut self, who: usize, policy: Policy) {
        let version_2 = false;
        self.act(who, |c, x| c.set_rules(Rules { policy, version_2 }, x));
    }

    pub(super) fn tag(&self, who: usize) -> InstanceTag {
        self.sides[who].tag
    }
}

fn side(who: usize, key: Arc<PrivateKey>, dice: &mut Dice) -> Side {
    let tag = InstanceTag::random(dice);
    Side {
        conversation: conversation(who, &key, tag, Vec::new(), Rules::default(), dice),
        key,
        tag,
        keys: Vec::new(),
        disk: Vec::new(),
        tokens: 0,
        connected: false,
        lost: Vec::new(),
        came: Vec::new(),
        deliveries: BTreeMap::new(),
        notices: Vec::new(),
        verifications: Vec::new(),
        new_keys: Vec::new(),
        transmitted: 0,
    }
}

fn conversation(
    who: usize,
    key: &Arc<PrivateKey>,
    tag: InstanceTag,
    keys: Vec<KnownFingerprint>,
    rules: Rules,
    dice: &mut Dice,
) -> Conversation {
    let contact = ["bob@example.org", "alice@example.org"][who];
    Conversation::new(Setup {
        account: AccountId(1),
        contact: contact.parse().unwrap(),
        key: Arc::clone(key),
        tag,
        longest: None,
        keys,
        epoch: dice.try_next_u64().unwrap().to_be_bytes(),
        rules,
    })
}

fn keep(outgoing: &Outgoing) -> Kept {
    let (waiting, epoch) = match &outgoing.stage {
        Stage::Asked { epoch, .. } | Stage::Handed { epoch, .. } => (false, *epoch),
        Stage::NotSent | Stage::Readable { .. } => (false, None),
        Stage::Waiting => (true, None),
    };
    Kept {
        id: outgoing.id,
        text: outgoing.text.clone(),
        at: outgoing.at,
        waiting,
        epoch,
        encrypted: outgoing.encrypted,
        written_for: outgoing.written_for.clone(),
    }
}

fn read(kept: Kept) -> Outgoing {
    let stage = match (kept.waiting, kept.epoch) {
        (true, _) => Stage::Waiting,
        (false, Some(epoch)) => Stage::handed_before(epoch),
        (false, None) => Stage::NotSent,
    };
    Outgoing {
        id: kept.id,
        text: kept.text,
        at: kept.at,
        encrypted: kept.encrypted,
        written_for: kept.written_for,
        stage,
    }
}
