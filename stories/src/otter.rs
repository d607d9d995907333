//! One running messenger, driven as `otter engine` is: lines in, lines out.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command as Program, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use model::{
    AccountAdded, AccountId, AccountRef, AccountState, AddAccount, AddContact, Address, Command, ContactRef,
    CreateProfile, Delivery, Direction, Event, FingerprintRef, Message, MessageId, MessageSent, Nothing,
    Notification, Privacy, Problem, Secret, SendMessage, Server, Snapshot, TorPhase, Unlock, rpc,
};
use serde_json::Value;

use crate::Place;

/// How long a request may take: making a profile costs seconds on a busy machine.
const ANSWER: Duration = Duration::from_secs(60);

/// Something that did not go as the story says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble(String);

impl Trouble {
    /// Said in a sentence.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Trouble {}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self(problem.to_string())
    }
}

/// One person's messenger.
pub struct Otter {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    lines: mpsc::Receiver<Value>,
    last_id: u64,
    /// Everything that was told, in order.
    events: Vec<Event>,
    /// How much of that was looked at.
    seen: usize,
}

impl Otter {
    /// Starts the messenger on a profile folder.
    ///
    /// # Errors
    /// Where the program cannot be started.
    pub fn start(place: &Place, name: &str, home: &Path) -> Result<Self, Trouble> {
        Self::start_under(place, name, home, &[])
    }

    /// Starts it under another program, such as `strace -f -o FILE`.
    ///
    /// # Errors
    /// Where the program cannot be started.
    pub fn start_under(place: &Place, name: &str, home: &Path, under: &[&str]) -> Result<Self, Trouble> {
        let program = place.program.to_string_lossy().into_owned();
        let mut words = under.iter().map(|word| (*word).to_owned()).chain([program]);
        let first = words.next().unwrap_or_default();
        let mut child = Program::new(&first)
            .args(words)
            .args(["engine", "--profile"])
            .arg(home)
            .arg("--private-network")
            .arg(&place.info().network_file)
            .envs(&place.info().env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| Trouble::new(format!("{first} cannot be started: {error}")))?;
        let input = child.stdin.take();
        let (sender, lines) = mpsc::channel();
        if let Some(output) = child.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                    if sender.send(value).is_err() {
                        return;
                    }
                }
            });
        }
        Ok(Self {
            name: name.to_owned(),
            child,
            input,
            lines,
            last_id: 0,
            events: Vec::new(),
            seen: 0,
        })
    }

    /// Process id of the supervisor.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Process ids of a room, `engine` or `gate`, among the supervisor's children.
    pub fn room(&self, room: &str) -> Option<u32> {
        room_of(self.pid(), room)
    }

    /// Kills a room, as a crash would.
    ///
    /// # Errors
    /// Where there is no such room.
    pub fn kill_room(&self, room: &str) -> Result<(), Trouble> {
        let id = self
            .room(room)
            .ok_or_else(|| Trouble::new(format!("{} has no {room}", self.name)))?;
        let status = Program::new("kill").arg("-9").arg(id.to_string()).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            _ => Err(Trouble::new(format!("{room} of {} cannot be killed", self.name))),
        }
    }

    /// Asks for something and waits for the answer.
    ///
    /// # Errors
    /// The engine's refusal, or no answer in a minute.
    pub fn ask(&mut self, command: &Command) -> Result<Value, Trouble> {
        self.last_id += 1;
        let id = self.last_id;
        self.write_line(&rpc::request(id, command))?;
        let until = Instant::now() + ANSWER;
        loop {
            let value = self
                .line(until)?
                .ok_or_else(|| Trouble::new(format!("{} did not answer", self.name)))?;
            if value.get("id").and_then(Value::as_u64) == Some(id) {
                return match value.get("error") {
                    Some(error) => Err(refusal(error)),
                    None => Ok(value.get("result").cloned().unwrap_or_default()),
                };
            }
        }
    }

    /// Writes a line as it is.
    ///
    /// # Errors
    /// Where the messenger is gone.
    pub fn write_line(&mut self, line: &str) -> Result<(), Trouble> {
        let gone = |_| Trouble::new("The messenger is gone");
        let input = self
            .input
            .as_mut()
            .ok_or_else(|| Trouble::new("The door is closed"))?;
        writeln!(input, "{line}")
            .and_then(|()| input.flush())
            .map_err(gone)
    }

    /// Waits for an event that `find` recognises, among those not looked at yet.
    ///
    /// # Errors
    /// Where it does not come in time; says what was waited for and what came last.
    pub fn until<T>(
        &mut self,
        what: &str,
        within: Duration,
        mut find: impl FnMut(&Event) -> Option<T>,
    ) -> Result<T, Trouble> {
        let until = Instant::now() + within;
        loop {
            while let Some(event) = self.events.get(self.seen) {
                self.seen += 1;
                if let Some(found) = find(event) {
                    return Ok(found);
                }
            }
            if self.line(until)?.is_none() {
                let last: Vec<_> = self.events.iter().rev().take(5).collect();
                let name = &self.name;
                return Err(Trouble::new(format!(
                    "{name} waited {within:?} in vain for {what}; last came {last:?}"
                )));
            }
        }
    }

    /// Takes in whatever comes for a while.
    ///
    /// # Errors
    /// Where the messenger is gone.
    pub fn listen(&mut self, time: Duration) -> Result<(), Trouble> {
        let until = Instant::now() + time;
        while self.line(until)?.is_some() {}
        Ok(())
    }

    /// Everything that was told so far, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// How often each text came in encrypted, and how often not.
    pub fn received(&self) -> BTreeMap<String, (usize, usize)> {
        let mut received: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for message in self.incoming() {
            let (encrypted, plain) = received.entry(message.text.clone()).or_default();
            *(if message.encrypted { encrypted } else { plain }) += 1;
        }
        received
    }

    /// The messages that came in, in order.
    pub fn incoming(&self) -> impl Iterator<Item = &Message> {
        self.events.iter().filter_map(|event| match event {
            Event::MessageChanged { message } if message.direction == Direction::In => Some(message),
            _ => None,
        })
    }

    /// How far a message came, as last told.
    pub fn delivery(&self, id: &MessageId) -> Option<&Delivery> {
        self.events.iter().rev().find_map(|event| match event {
            Event::MessageChanged { message } if message.id == *id && message.direction == Direction::Out => {
                Some(&message.delivery)
            }
            _ => None,
        })
    }

    /// Ends the messenger in good order.
    ///
    /// # Errors
    /// Where it does not end within ten seconds.
    pub fn stop(mut self) -> Result<(), Trouble> {
        let _ = self.ask(&Command::Stop(Nothing {}));
        self.input = None;
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(Trouble::new(format!("{} does not end", self.name)))
    }

    /// One line: kept if it is an event. `None`: the time is over.
    fn line(&mut self, until: Instant) -> Result<Option<Value>, Trouble> {
        match self
            .lines
            .recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            Ok(value) => {
                if value.get("method").and_then(Value::as_str) == Some("event") {
                    let params = value.get("params").cloned().unwrap_or_default();
                    let told: Notification = serde_json::from_value(params).map_err(|error| {
                        Trouble::new(format!("An event is not as the model says: {error}"))
                    })?;
                    self.events.push(told.event);
                }
                Ok(Some(value))
            }
            Err(mpsc::RecvTimeoutError::Timeout) => Ok(None),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(Trouble::new(format!("{} is gone", self.name))),
        }
    }
}

impl Drop for Otter {
    fn drop(&mut self) {
        // The rooms go with their supervisor.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a person does, in one call each.
impl Otter {
    /// Makes a profile.
    ///
    /// # Errors
    /// The engine's refusal.
    pub fn create_profile(&mut self, passphrase: &str) -> Result<(), Trouble> {
        let passphrase = Secret::new(passphrase.to_owned());
        self.ask(&Command::CreateProfile(CreateProfile { passphrase }))
            .map(drop)
    }

    /// Unlocks the profile.
    ///
    /// # Errors
    /// The engine's refusal.
    pub fn unlock(&mut self, passphrase: &str) -> Result<(), Trouble> {
        let passphrase = Secret::new(passphrase.to_owned());
        self.ask(&Command::Unlock(Unlock { passphrase })).map(drop)
    }

    /// Waits until Tor is ready.
    ///
    /// # Errors
    /// Where it is not within `within`.
    pub fn wait_for_tor(&mut self, within: Duration) -> Result<(), Trouble> {
        let snapshot = self.snapshot()?;
        if snapshot.tor.phase == TorPhase::Ready {
            return Ok(());
        }
        self.until("Tor", within, |event| match event {
            Event::TorChanged { tor } if tor.phase == TorPhase::Ready => Some(()),
            _ => None,
        })
    }

    /// Everything as it is now.
    ///
    /// # Errors
    /// The engine's refusal.
    pub fn snapshot(&mut self) -> Result<Snapshot, Trouble> {
        let value = self.ask(&Command::Snapshot(Nothing {}))?;
        serde_json::from_value(value).map_err(|error| Trouble::new(format!("The snapshot is wrong: {error}")))
    }

    /// Adds an account and connects it.
    ///
    /// # Errors
    /// The engine's refusal.
    pub fn add_account(
        &mut self,
        address: &str,
        password: &str,
        server: Option<Server>,
        register: bool,
        pins: &[&str],
    ) -> Result<AccountAdded, Trouble> {
        self.add(AddAccount {
            protocol: model::Protocol::Xmpp,
            address: parse_address(address)?,
            password: Secret::new(password.to_owned()),
            login: None,
            server,
            register,
            invitation: None,
            pins: pins.iter().map(|pin| (*pin).to_owned()).collect(),
            connect: true,
        })
    }

    /// Adds an account of any network.
    ///
    /// # Errors
    /// The engine's refusal.
    pub fn add(&mut self, with: AddAccount) -> Result<AccountAdded, Trouble> {
        let value = self.ask(&Command::AddAccount(with))?;
        serde_json::from_value(value).map_err(|error| Trouble::new(format!("The answer is wrong: {error}")))
    }

    /// Waits until an account is online.
    ///
    /// # Errors
    /// Where it fails, or is not within `within`.
    pub fn wait_online(&mut self, account: AccountId, within: Duration) -> Result<(), Trouble> {
        let found = self.until("being online", within, |event| match event {
            Event::AccountChanged { account: now } if now.id == account => match &now.state {
                AccountState::Online => Some(Ok(())),
                AccountState::Failed { problem } => Some(Err(problem.clone())),
                _ => None,
            },
            _ => None,
        })?;
        Ok(found?)
    }

    /// Adds a contact.
    ///
    /// # Errors
    /// The engine's refusal.
    pub fn add_contact(&mut self, account: AccountId, contact: &str) -> Result<(), Trouble> {
        let contact = parse_address(contact)?;
        self.ask(&Command::AddContact(AddContact {
            account,
            contact,
            name: None,
            invitation: None,
        }))
        .map(drop)
    }

    /// Waits until somebody asks to be a contact, and accepts.
    ///
    /// # Errors
    /// Where nobody asks within `within`.
    pub fn accept_contact(
        &mut self,
        account: AccountId,
        contact: &str,
        within: Duration,
    ) -> Result<(), Trouble> {
        let contact = parse_address(contact)?;
        let wanted = contact.clone();
        self.until("a request", within, |event| match event {
            Event::ContactChanged { contact } if contact.asks && contact.address == wanted => Some(()),
            _ => None,
        })?;
        self.ask(&Command::AcceptContact(ContactRef { account, contact }))
            .map(drop)
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The engine's refusal.
    pub fn send(&mut self, account: AccountId, contact: &str, text: &str) -> Result<MessageId, Trouble> {
        let contact = parse_address(contact)?;
        let value = self.ask(&Command::SendMessage(SendMessage {
            account,
            contact,
            text: text.to_owned(),
        }))?;
        let sent: MessageSent = serde_json::from_value(value)
            .map_err(|error| Trouble::new(format!("The answer is wrong: {error}")))?;
        Ok(sent.message)
    }

    /// Waits until a text came in encrypted.
    ///
    /// # Errors
    /// Where it does not within `within`.
    pub fn wait_for_text(&mut self, text: &str, within: Duration) -> Result<(), Trouble> {
        let until = Instant::now() + within;
        let came = |otter: &Self| {
            otter
                .received()
                .get(text)
                .is_some_and(|(encrypted, _)| *encrypted > 0)
        };
        while !came(self) {
            if self.line(until)?.is_none() {
                let start: String = text.chars().take(40).collect();
                return Err(Trouble::new(format!(
                    "{} waited {within:?} in vain for {start:?}",
                    self.name
                )));
            }
        }
        Ok(())
    }

    /// Waits until a message is known to have arrived, or not to have been sent.
    ///
    /// # Errors
    /// Where nothing is known within `within`.
    pub fn wait_for_fate(&mut self, id: &MessageId, within: Duration) -> Result<Delivery, Trouble> {
        let until = Instant::now() + within;
        loop {
            if let Some(fate @ (Delivery::Received | Delivery::NotSent { .. })) = self.delivery(id) {
                return Ok(fate.clone());
            }
            if self.line(until)?.is_none() {
                let so_far = self.delivery(id);
                return Err(Trouble::new(format!(
                    "{}: after {within:?} a message is {so_far:?}",
                    self.name
                )));
            }
        }
    }

    /// Waits until the conversation is private; the contact's fingerprint.
    ///
    /// # Errors
    /// Where it is not within `within`.
    pub fn wait_private(&mut self, contact: &str, within: Duration) -> Result<String, Trouble> {
        let wanted = parse_address(contact)?;
        self.until("a private conversation", within, |event| match event {
            Event::PrivacyChanged {
                contact,
                privacy: Privacy::Private { fingerprint, .. },
                ..
            } if *contact == wanted => Some(fingerprint.clone()),
            _ => None,
        })
    }

    /// Accepts a new key of a contact.
    ///
    /// # Errors
    /// The engine's refusal.
    pub fn accept_key(
        &mut self,
        account: AccountId,
        contact: &str,
        fingerprint: &str,
    ) -> Result<(), Trouble> {
        let contact = parse_address(contact)?;
        let with = FingerprintRef {
            account,
            contact,
            fingerprint: fingerprint.to_owned(),
        };
        self.ask(&Command::AcceptFingerprint(with)).map(drop)
    }

    /// An order to one account, such as [`Command::Connect`].
    ///
    /// # Errors
    /// The engine's refusal.
    pub fn order(
        &mut self,
        order: impl FnOnce(AccountRef) -> Command,
        account: AccountId,
    ) -> Result<(), Trouble> {
        self.ask(&order(AccountRef { account })).map(drop)
    }
}

fn parse_address(text: &str) -> Result<Address, Trouble> {
    text.parse()
        .map_err(|error| Trouble::new(format!("{text:?}: {error}")))
}

fn refusal(error: &Value) -> Trouble {
    let code = error.pointer("/data/code").and_then(Value::as_str).unwrap_or("?");
    let text = error.get("message").and_then(Value::as_str).unwrap_or("?");
    Trouble::new(format!("{code}: {text}"))
}

/// Process id of a room, `engine`, `gate` or `window`, among the children of a supervisor.
pub fn room_of(supervisor: u32, room: &str) -> Option<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{supervisor}/task")).ok()?;
    let children = tasks
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let children: Vec<u32> = children
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|id| id.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect();
    children.into_iter().find(|id| {
        let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).nth(1) == Some(room.as_bytes())
    })
}
