//! The messenger: what a command does, and what is made of what the links report.
//!
//! It owns everything that can change, in one task; nothing here waits on the network. It must never
//! answer, in any way, somebody whom the owner did not accept.

mod accounts;
mod credentials;
mod effects;
mod gateways;
mod history;
mod keeping;
mod kept_accounts;
mod keys;
mod links;
mod moves;
mod network;
mod networks;
mod on_server;
mod people;
mod profile;
mod rooms;
mod rules;
mod server_story;
mod servers;
mod services;
mod settings;
mod shield;
mod sights;
mod strangers;
mod tor;
mod trust;
mod visibility;
mod waking;
mod writing;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use dial::Dialer;
use model::{
    AccountId, Address, Command, Event, Nothing, Problem, ProfileState, Snapshot, Version, Wall, rpc,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;
use vault::Vault;

use self::accounts::Account;
use self::moves::Moves;
use self::people::Person;
use self::profile::Job;
use self::rooms::Rooms;
use self::rules::Attention;
use self::services::Asking;
use self::sights::Seen;
use self::strangers::Refused;
use self::tor::Ways;
use self::visibility::Shown;
use self::writing::Said;
use crate::End;
use crate::door::Queue;
use crate::link::Report;

/// What a command comes to.
enum Outcome {
    /// Answered now.
    Now(Result<Value, Problem>),
    /// Answered when a job on another thread is done.
    Later,
}

/// Both ends of a bounded channel.
type Channel<T> = (mpsc::Sender<T>, mpsc::Receiver<T>);

/// The messenger.
pub(crate) struct Messenger {
    folder: PathBuf,
    walls: Vec<Wall>,
    dialer: Dialer,
    queue: Queue,
    open: Option<Open>,
    /// Something on another thread has the vault, or makes it.
    busy: bool,
    stopping: bool,
    panicking: bool,
    attention: Attention,
    origin: Instant,
    /// When something is to be done though nothing comes.
    wake: Instant,
    tokens: u64,
    reports: Channel<(AccountId, Report)>,
    jobs: Channel<Job>,
    pub(crate) ways: Ways,
}

/// What there is only while the profile is open.
struct Open {
    vault: Vault,
    accounts: BTreeMap<AccountId, Account>,
    people: BTreeMap<(AccountId, Address), Person>,
    refused: Refused,
    rooms: Rooms,
    /// What servers were asked about accounts.
    asked: BTreeMap<AccountId, on_server::Asked>,
    asking: Asking,
    gateways: BTreeMap<(AccountId, Address), gateways::Known>,
    /// What networks were asked about people: the numbers of the requests.
    curious: BTreeMap<(AccountId, Address), Option<Value>>,
    said: Said,
    moves: Moves,
    /// Within one thread, and never held across a wait.
    seen: RefCell<Seen>,
    shown: Shown,
}

impl Messenger {
    pub(crate) fn new(folder: PathBuf, walls: Vec<Wall>, dialer: Dialer, queue: Queue) -> Self {
        Self {
            folder,
            walls,
            dialer,
            queue,
            open: None,
            busy: false,
            stopping: false,
            panicking: false,
            attention: Attention::default(),
            origin: Instant::now(),
            wake: Instant::now(),
            tokens: 0,
            reports: mpsc::channel(256),
            jobs: mpsc::channel(16),
            ways: Ways::default(),
        }
    }

    /// Runs until the door is closed or the owner wants to stop. [`End::AtOnce`]: nobody is waited for any more.
    pub(crate) async fn run(mut self, mut requests: mpsc::Receiver<rpc::Request>) -> End {
        let mut tor = self.dialer.status();
        while !self.stopping {
            self.look_at_the_clock();
            let wake = self.next_wake();
            tokio::select! {
                request = requests.recv() => match request {
                    Some(request) => self.request(request),
                    None => break,
                },
                Some((account, report)) = self.reports.1.recv() => self.report(account, report),
                Some(job) = self.jobs.1.recv() => self.job(job),
                Ok(()) = tor.changed() => {
                    let tor = self.tor();
                    self.queue.tell(Event::TorChanged { tor });
                }
                () = tokio::time::sleep_until(wake) => self.tick(),
            }
        }
        if self.panicking {
            self.end_at_once().await;
            return End::AtOnce;
        }
        self.say_goodbye().await;
        End::Stopped
    }

    fn request(&mut self, request: rpc::Request) {
        let id = request.id;
        self.attend(&request.command);
        match self.carry_out(request.command, id.as_ref()) {
            Outcome::Now(result) => self.answer(id.as_ref(), result),
            Outcome::Later => {}
        }
    }

    fn answer(&self, id: Option<&Value>, result: Result<Value, Problem>) {
        let Some(id) = id else { return };
        self.queue.answer(match result {
            Ok(value) => rpc::success(id, &value),
            Err(problem) => rpc::failure(Some(id), rpc::REFUSED, &problem),
        });
    }

    fn carry_out(&mut self, command: Command, id: Option<&Value>) -> Outcome {
        match command {
            Command::CreateProfile(with) => self.create_profile(&with.passphrase, id),
            Command::Unlock(with) => self.unlock(&with.passphrase, id),
            Command::RestoreBackup(with) => self.restore_backup(&with.passphrase, id),
            Command::RestoreProfile(with) => self.restore_profile(&with.passphrase, id),
            Command::TravelProfile(with) => self.travel(&with.passphrase, id),
            Command::AddAccount(with) => self.add_account(with, id),
            Command::RenewKey(with) => self.renew_key(&with, id),
            Command::SetTor(with) => self.set_tor(&with, id),
            Command::TorSettings(Nothing {}) => self.tor_settings(id),
            Command::TorPaths(Nothing {}) => self.tor_paths(id),
            Command::CheckWalls(Nothing {}) => self.check_walls(id),
            Command::AskWhois(with) => self.ask_whois(&with, id),
            Command::FindRooms(with) => self.find_rooms(with, id),
            Command::ServerPassword(with) => self.change_server_password(with, id),
            Command::UseCertificate(with) => self.use_certificate(with.account, id),
            Command::EraseAccount(with) => self.erase_account(with.account, id),
            service @ (Command::FindAtGateway(_)
            | Command::ListCommands(_)
            | Command::ListGateways(_)
            | Command::ListServices(_)
            | Command::RegisterGateway(_)
            | Command::RunCommand(_)
            | Command::SearchService(_)
            | Command::ShowGatewayForm(_)
            | Command::ShowGatewayPrompt(_)
            | Command::ShowSearchForm(_)
            | Command::StepCommand(_)
            | Command::UnregisterGateway(_)) => self.service_command(service, id),
            other => Outcome::Now(self.carry_out_now(other)),
        }
    }

    fn carry_out_now(&mut self, command: Command) -> Result<Value, Problem> {
        match command {
            Command::ChangePassphrase(with) => self.change_passphrase(&with.old, &with.new),
            Command::Lock(Nothing {}) => self.lock(),
            Command::SetDestroying(with) => self.set_destroying(&with),
            Command::AccountResolvers(with) => return to_value(&self.resolvers(&with)?),
            Command::ListGatewayContacts(with) => {
                return to_value(&self.list_gateway_contacts(with.account, &with.gateway)?);
            }
            Command::StoredData(Nothing {}) => return to_value(&self.stored()?),
            Command::ShowCost(Nothing {}) => return to_value(&self.show_cost()?),
            Command::RaiseCost(with) => return to_value(&self.raise_cost(&with)?),
            Command::BackUp(Nothing {}) => return to_value(&self.back_up()?),
            Command::WipeProfile(with) => self.wipe_profile(&with),
            Command::Snapshot(Nothing {}) => return to_value(&self.snapshot()?),
            Command::ListNetworks(Nothing {}) => return to_value(&networks::list()),
            Command::Version(Nothing {}) => return to_value(&version()),
            Command::Stop(Nothing {}) => {
                self.stopping = true;
                Ok(())
            }
            Command::Connect(with) => self.connect(with.account, true),
            Command::Disconnect(with) => self.connect(with.account, false),
            Command::RemoveAccount(with) => self.remove_account(with.account),
            Command::NewCircuit(with) => self.new_circuit(with.account),
            Command::AddContact(with) => self.add_contact(with),
            Command::AcceptContact(with) => self.accept_contact(with.account, &with.contact),
            Command::RefuseContact(with) => self.refuse_contact(with.account, &with.contact),
            Command::RemoveContact(with) => self.remove_contact(with.account, &with.contact),
            Command::EndPrivate(with) => self.converse(with.account, &with.contact, |c, x| c.end(x)),
            command => return self.converse_with_result(command),
        }
        .map(|()| json!({}))
    }

    fn converse_with_result(&mut self, command: Command) -> Result<Value, Problem> {
        match command {
            Command::ShowConversation(with) => {
                let person = self.known(with.account, &with.contact)?;
                let person = Some(person).filter(|person| person.accepted);
                to_value(&person.ok_or_else(effects::no_such_contact)?.show_conversation())
            }
            Command::StartPrivate(with) => {
                let now = self.converse(with.account, &with.contact, |c, x| c.start(x))??;
                Ok(json!({ "now": now }))
            }
            Command::SendMessage(with) => {
                let text = with.text.clone();
                let message = self.converse(with.account, &with.contact, |c, x| c.write(with.text, x))??;
                self.said(with.account, &text);
                Ok(json!({ "message": message }))
            }
            Command::CancelMessage(with) => self
                .converse(with.account, &with.contact, |c, x| c.cancel(&with.message, x))?
                .map(|()| json!({})),
            Command::CorrectMessage(with) => self
                .converse(with.account, &with.contact, |c, x| {
                    c.correct(&with.message, with.text, x)
                })?
                .map(|()| json!({})),
            Command::RetryMessage(with) => self
                .converse(with.account, &with.contact, |c, x| c.retry(&with.message, x))?
                .map(|()| json!({})),
            Command::AcceptFingerprint(with) => self
                .converse(with.account, &with.contact, |c, x| c.accept(&with.fingerprint, x))?
                .map(|()| json!({})),
            Command::SetVerified(with) => self
                .converse(with.account, &with.contact, |c, x| {
                    c.verify(&with.fingerprint, with.verified, x)
                })?
                .map(|()| json!({})),
            other => self.trust_command(other),
        }
    }

    fn snapshot(&self) -> Result<Snapshot, Problem> {
        let mut snapshot = Snapshot {
            sequence: self.queue.sequence(),
            profile: self.profile_state()?,
            tor: self.tor(),
            walls: self.walls.clone(),
            accounts: Vec::new(),
            contacts: Vec::new(),
            conversations: Vec::new(),
            rooms: Vec::new(),
            gateways: Vec::new(),
        };
        if let Some(open) = &self.open {
            snapshot.accounts = open
                .accounts
                .values()
                .map(|account| account.shown.clone())
                .collect();
            snapshot.rooms = open.rooms.shown();
            snapshot.gateways = open.gateways.values().map(gateways::Known::shown).collect();
            snapshot.contacts = open.people.values().map(Person::shown).collect();
            snapshot.conversations = open.people.values().map(Person::show_conversation).collect();
        }
        Ok(snapshot)
    }

    fn profile_state(&self) -> Result<ProfileState, Problem> {
        if self.open.is_some() {
            return Ok(ProfileState::Open);
        }
        match vault::presence(&self.folder) {
            Ok(vault::Presence::Absent) => Ok(ProfileState::Absent),
            Ok(vault::Presence::Sealed) => Ok(ProfileState::Locked),
            Err(error) => Err(profile::told(&error)),
        }
    }

    fn tor(&self) -> model::Tor {
        accounts::tor(&self.dialer.status().borrow())
    }
}

fn version() -> Version {
    Version {
        name: "attentive-otter".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        language: model::openrpc::LANGUAGE,
    }
}

fn to_value(value: &impl serde::Serialize) -> Result<Value, Problem> {
    serde_json::to_value(value)
        .map_err(|_| Problem::new("engine.internal", "The answer could not be written."))
}

fn locked() -> Problem {
    Problem::new("profile.locked", "The profile is not open: unlock it first.")
}

#[cfg(test)]
mod tests;
