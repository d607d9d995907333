//! One account's session: what comes in moves it from phase to phase, what has to be done is polled from it.
//! Must never block, touch a socket, read a clock, or say anything that was neither asked for nor required.
//! RFC 1459, RFC 2812, IRCv3.

mod commands;
mod life;
mod login;
mod moves;
mod replies;
mod room;
mod sending;
mod talk;
mod watch;

use std::collections::{BTreeSet, VecDeque};
use std::num::NonZeroUsize;
use std::time::Duration;

use rand_core::CryptoRng;

use crate::batch::{Batches, Context, Kind};
use crate::caps::{Cap, Caps};
use crate::config::{Config, Mechanism};
use crate::error::{Error, OfflineReason};
use crate::event::{Event, Input, Member, Output};
use crate::flood::Queue;
use crate::isupport::Isupport;
use crate::mask::Mask;
use crate::name::{Key, Nick, Room, Target};
use crate::payload::{self, Rejoin};
use crate::rooms::Rooms;
use crate::sasl::{Chunks, Exchange};
use crate::split::Split;
use crate::time::ServerTime;
use crate::wire::{self, Lines, Message};
use life::Clock;
use login::Login;
use replies::Asked;
use sending::Unconfirmed;
pub use talk::is_service;
use watch::Watched;

/// An IRC client for one account, over whatever transport it is handed, one after another.
///
/// Each transport starts with `Input::Connected` and ends with `Input::Closed`. Nothing but what the [`Config`] says,
/// the ignored masks and the wanted nick outlives a transport.
pub struct Session {
    config: Config,
    phase: Phase,
    out: VecDeque<Output>,
    clock: Clock,
    ignored: BTreeSet<Mask>,
    /// The strongest mechanism that this account has used with its password, or that was offered to it.
    seen: Option<Mechanism>,
    connection: Connection,
}

/// Where a connection stands. A login has states of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    /// No transport, or one that is over and waits to go.
    Down,
    /// From the first line to the end of the greeting.
    Login(Login),
    /// People talk.
    Online,
    /// Our QUIT is sent; the server's farewell may come.
    Closing,
}

/// What is known on one connection.
struct Connection {
    lines: Lines,
    queue: Queue,
    caps: Caps,
    isupport: Isupport,
    me: Me,
    rooms: Rooms,
    batches: Batches,
    split: Split,
    rejoin: Rejoin,
    unconfirmed: Unconfirmed,
    asked: Asked,
    watched: Watched,
    sasl: Option<Exchange>,
    chunks: Chunks,
    mechanism: Option<Mechanism>,
    /// The server's time when it let us in: what is older was kept for us.
    began: Option<ServerTime>,
    /// Nicks that were tried.
    tries: u32,
}

/// Who we are to others.
struct Me {
    nick: Nick,
    user: Option<String>,
    host: Option<String>,
    account: Option<String>,
}

/// What each step may use.
struct Step<'a> {
    now: Duration,
    rng: &'a mut dyn CryptoRng,
}

/// A message with what is known of it beyond its words.
struct Incoming<'a> {
    message: &'a Message<'a>,
    label: Option<String>,
    time: Option<ServerTime>,
    /// It is told now, but happened before.
    history: bool,
    netsplit: bool,
}

impl Session {
    /// A session that waits for its first transport.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            phase: Phase::Down,
            out: VecDeque::new(),
            clock: Clock::default(),
            ignored: BTreeSet::new(),
            seen: config.mechanism_seen,
            connection: Connection::new(&config),
            config,
        }
    }

    /// Takes one input. `now` is the reading of any monotonic clock, the same at each call; `rng` feeds pings, nonces
    /// and the jitter of timers. Afterwards `poll` until it is empty.
    ///
    /// # Errors
    /// Only a command can fail; whatever the network does wrong becomes `Event::Offline`.
    pub fn handle(&mut self, input: Input<'_>, now: Duration, rng: &mut dyn CryptoRng) -> Result<(), Error> {
        let mut step = Step { now, rng };
        let done = match input {
            Input::Connected => {
                self.connected(&mut step);
                Ok(())
            }
            Input::Bytes(bytes) => {
                self.take_bytes(bytes, &mut step);
                Ok(())
            }
            Input::Closed => {
                self.end(OfflineReason::ConnectionLost);
                Ok(())
            }
            Input::Tick => {
                self.tick(&mut step);
                Ok(())
            }
            Input::Command(command) => self.command(command, &mut step),
        };
        self.flush(&mut step);
        self.schedule();
        done
    }

    /// The next thing to do, in order; `None` until the next input.
    #[must_use]
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// Our nick at the moment.
    #[must_use]
    pub fn nick(&self) -> &Nick {
        &self.connection.me.nick
    }

    /// Most bytes of an OTR body that goes to somebody in one line: what our prefix leaves, and never over 400.
    #[must_use]
    pub fn max_payload(&self, nick: &Nick) -> NonZeroUsize {
        let room = self
            .payload_room(&Target::Nick(nick.clone()))
            .min(payload::LONGEST_OTR);
        NonZeroUsize::new(room).unwrap_or(NonZeroUsize::MIN)
    }

    /// Bytes that the name of a target and the text of one message to it share in a line, as far as our own prefix is
    /// known; [`Self::max_payload`] is what they leave of it for OTR.
    #[must_use]
    pub fn line_room(&self) -> usize {
        let me = &self.connection.me;
        payload::line_room(&me.nick, me.user.as_deref(), me.host.as_deref())
    }

    /// A nick or room with its case taken away as this network does: the same for names that are the same here.
    #[must_use]
    pub fn fold(&self, name: &str) -> String {
        self.key(name).as_str().to_owned()
    }

    /// Who is in a room that we are in.
    #[must_use]
    pub fn members(&self, room: &Room) -> Vec<Member> {
        self.connection.rooms.members(&self.key(room.as_str()))
    }

    fn key(&self, name: &str) -> Key {
        self.connection.isupport.casemap.fold(name)
    }

    fn is_me(&self, name: &str) -> bool {
        let me = self.connection.me.nick.as_str();
        self.connection.isupport.casemap.same(name, me)
    }

    fn payload_room(&self, target: &Target) -> usize {
        let me = &self.connection.me;
        payload::room(&me.nick, me.user.as_deref(), me.host.as_deref(), target)
    }

    fn take_bytes(&mut self, mut bytes: &[u8], step: &mut Step<'_>) {
        self.clock.heard(step.now);
        while self.phase != Phase::Down {
            let line = match self.connection.lines.read(&mut bytes) {
                Ok(Some(line)) => line,
                Ok(None) => return,
                Err(wire::Endless) => return self.end(OfflineReason::TooLarge),
            };
            let text = wire::decode(&line);
            if let Some(message) = Message::parse(&text)
                && let Err(reason) = self.take_message(&message, step)
            {
                self.end(reason);
            }
        }
    }

    fn take_message(&mut self, message: &Message<'_>, step: &mut Step<'_>) -> Result<(), OfflineReason> {
        if message.command == "BATCH" {
            self.batch(message, step);
            return Ok(());
        }
        let incoming = self.place(message);
        if self.is_answer(&incoming, step) {
            return Ok(());
        }
        match message.command {
            "AUTHENTICATE" => self.authenticate(message),
            "CAP" => self.capabilities(message, step),
            "ERROR" => {
                self.tell(Event::ServerText(message.last().to_owned()));
                Err(OfflineReason::ClosedByServer)
            }
            "PING" => {
                self.write("PONG", &[message.last()]);
                Ok(())
            }
            "PONG" => {
                self.pong(message.last(), step);
                Ok(())
            }
            command if command.starts_with(|c: char| c.is_ascii_digit()) => self.numeric(&incoming, step),
            _ => {
                self.word(&incoming, step);
                Ok(())
            }
        }
    }

    /// What people and the server do once we are in.
    fn word(&mut self, incoming: &Incoming<'_>, step: &mut Step<'_>) {
        let command = incoming.message.command;
        if command == "NOTICE" || matches!(self.phase, Phase::Online | Phase::Closing) {
            self.online_word(incoming, step);
        } else if self.phase == Phase::Login(Login::Greeting) && matches!(command, "JOIN" | "PRIVMSG") {
            // Some bouncers have no greeting that ends.
            self.settle(step);
            self.online_word(incoming, step);
        }
    }

    fn online_word(&mut self, incoming: &Incoming<'_>, step: &mut Step<'_>) {
        match incoming.message.command {
            "ACCOUNT" => self.account_changed(incoming),
            "AWAY" => self.away_changed(incoming),
            "CHGHOST" => self.host_changed(incoming),
            "FAIL" | "NOTE" | "WARN" => self.standard_reply(incoming),
            "INVITE" => self.invited(incoming),
            "JOIN" => self.joined(incoming, step),
            "KICK" => self.kicked(incoming),
            "MARKREAD" => self.marked_read(incoming),
            "MODE" => self.modes_changed(incoming),
            "NICK" => self.renamed(incoming, step),
            "NOTICE" | "PRIVMSG" => self.said(incoming, step),
            "PART" => self.parted(incoming),
            "QUIT" => self.quit(incoming, step),
            "TOPIC" => self.topic_changed(incoming),
            // TAGMSG tells who is typing, SETNAME what people call themselves: neither is wanted.
            _ => {}
        }
    }

    fn place<'a>(&mut self, message: &'a Message<'a>) -> Incoming<'a> {
        let mut context = Context::default();
        let connection = &mut self.connection;
        if connection.caps.has(Cap::Batch)
            && let Some(reference) = message.tags.filled("batch")
        {
            context = connection.batches.place(&reference);
        }
        let time = message
            .tags
            .filled("time")
            .and_then(|time| ServerTime::parse(&time));
        let label = message.tags.filled("label").map(|label| label.into_owned());
        let old = matches!((time, connection.began), (Some(time), Some(began)) if time < began);
        Incoming {
            message,
            label: label.or(context.label),
            time,
            history: context.history || old,
            netsplit: context.netsplit,
        }
    }

    fn batch(&mut self, message: &Message<'_>, step: &mut Step<'_>) {
        if !self.connection.caps.has(Cap::Batch) {
            return;
        }
        let reference = message.parameter(0);
        if let Some(reference) = reference.strip_prefix('+') {
            let kind = Kind::new(message.parameter(1), message.parameter(2));
            let (parent, label) = (message.tags.filled("batch"), message.tags.filled("label"));
            self.connection
                .batches
                .begin(reference, kind, parent.as_deref(), label.as_deref());
        } else if let Some(reference) = reference.strip_prefix('-')
            && let Some((kind, label, messages)) = self.connection.batches.end(reference)
        {
            self.label_answered(label.as_deref(), None, step);
            match kind {
                Kind::History(target) => {
                    if let Some(target) = Target::new(&target) {
                        self.tell(Event::HistoryListed { target, messages });
                    }
                }
                Kind::Netsplit => self.tell_split(),
                Kind::Labelled | Kind::Other => {}
            }
        }
    }

    /// Writes a line past the queue: what the server waits for. Parameters that cannot be written are left unsaid.
    fn write(&mut self, command: &str, parameters: &[&str]) {
        if let Ok(line) = wire::write(&[], command, parameters) {
            self.out.push_back(Output::Send(line));
        }
    }

    fn tell(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }
}

impl Connection {
    fn new(config: &Config) -> Self {
        let limits = &config.limits;
        Self {
            lines: Lines::default(),
            queue: Queue::new(config.flood, limits.queue),
            caps: Caps::default(),
            isupport: Isupport::default(),
            me: Me {
                nick: config.nick.clone(),
                user: None,
                host: None,
                account: None,
            },
            rooms: Rooms::default(),
            batches: Batches::new(limits.batches),
            split: Split::default(),
            rejoin: Rejoin::default(),
            unconfirmed: Unconfirmed::default(),
            asked: Asked::default(),
            watched: Watched::default(),
            sasl: None,
            chunks: Chunks::default(),
            mechanism: None,
            began: None,
            tries: 0,
        }
    }
}

impl<'a> Incoming<'a> {
    /// Who did it, if it was a person.
    fn nick(&self) -> Option<Nick> {
        self.message.source.and_then(|source| Nick::new(source.name))
    }

    /// `user@host` of whoever did it.
    fn address(&self) -> Option<String> {
        let source = self.message.source?;
        Some(format!("{}@{}", source.user?, source.host?))
    }

    fn parameter(&self, index: usize) -> &'a str {
        self.message.parameter(index)
    }

    fn last(&self) -> &'a str {
        self.message.last()
    }
}
