//! Accounts: added, connected, removed; and what their links report.
//! It must never tell a server anything that the account's owner did not ask for.

use std::num::NonZeroUsize;
use std::sync::Arc;

use dial::{Cause, Isolation, Phase, TorStatus};
use model::{
    AccountAdded, AccountId, AccountState, AddAccount, Address, Event, KnownFingerprint, Problem,
    ServicesLogin, Tor,
};
use model::{TorCause, TorPhase};
use otr::{InstanceTag, PrivateKey};
use rand_core::Rng;
use serde_json::Value;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::kept_accounts::{self, NewAccount};
use super::network::check_own_address;
use super::people::no_such_account;
use super::profile::Job;
use super::strangers::kind;
use super::{Messenger, Outcome, locked, profile, server_story};
use crate::conversation::{Conversation, Rules, Setup};
use crate::link::{self, Coming, Link, Order, PersonReport, Report};
use crate::random::SystemRandom;

/// Accounts of one profile.
const MAX_ACCOUNTS: usize = 32;

/// One account while the profile is open.
pub(super) struct Account {
    pub(super) shown: model::Account,
    pub(super) key: Arc<PrivateKey>,
    pub(super) tag: InstanceTag,
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) online: bool,
    /// Transport messages that went nowhere: told to the conversations once the account is back.
    pub(super) lost: Vec<u64>,
    pub(super) isolation: Isolation,
    /// Bytes that the name of a person and the text of one message share; none: no such limit.
    pub(super) line: Option<usize>,
}

impl Account {
    /// A conversation of this account.
    pub(super) fn conversation(
        &self,
        contact: Address,
        keys: Vec<KnownFingerprint>,
        rules: Rules,
    ) -> Conversation {
        let mut epoch = [0; 8];
        SystemRandom.fill_bytes(&mut epoch);
        let longest = self.longest(&contact);
        Conversation::new(Setup {
            account: self.shown.id,
            contact,
            longest,
            key: Arc::clone(&self.key),
            tag: self.tag,
            keys,
            epoch,
            rules,
        })
    }

    /// The longest OTR message that goes to somebody in one piece; none: no such limit.
    pub(super) fn longest(&self, contact: &Address) -> Option<NonZeroUsize> {
        let left = self.line?.saturating_sub(contact.as_str().len());
        NonZeroUsize::new(left.clamp(1, irc::LONGEST_OTR))
    }
}

impl Messenger {
    /// Checks a new account, and has its OTR key made on another thread: that takes up to seconds.
    pub(super) fn add_account(&mut self, with: AddAccount, id: Option<&Value>) -> Outcome {
        if let Err(problem) = self.check_new_account(&with) {
            return Outcome::Now(Err(problem));
        }
        let (jobs, id) = (self.jobs.0.clone(), id.cloned());
        tokio::spawn(async move {
            let made = tokio::task::spawn_blocking(profile::new_key).await;
            let key =
                made.map_err(|_| Problem::new("account.no_key", "The account's OTR key could not be made."));
            // The messenger is gone only when the program ends.
            let _ = jobs
                .send(Job::KeyMade {
                    id,
                    with: Box::new(with),
                    key,
                })
                .await;
        });
        Outcome::Later
    }

    /// The key is made: the account goes into the profile.
    pub(super) fn key_made(&mut self, with: &AddAccount, key: &PrivateKey) -> Result<Value, Problem> {
        // The profile may have been locked, or the same account added, in the meantime.
        self.check_new_account(with)?;
        let tag = InstanceTag::random(&mut SystemRandom);
        let open = self.open.as_mut().ok_or_else(locked)?;
        let number = open
            .vault
            .change(|kept| kept_accounts::keep_account(kept, &NewAccount { with, key, tag }))
            .map_err(|error| profile::told(&error))?;
        let fingerprint = key.fingerprint().to_string();
        self.start_account(AccountId(number))?;
        if with.connect {
            self.move_account(AccountId(number), Coming::Comes)?;
        }
        super::to_value(&AccountAdded {
            account: AccountId(number),
            fingerprint,
        })
    }

    /// Starts the link of an account that is in the profile.
    pub(super) fn start_account(&mut self, id: AccountId) -> Result<(), Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        let kept = open
            .vault
            .profile()
            .accounts
            .iter()
            .find(|account| account.id == id.0);
        let kept = kept_accounts::read_account(kept.ok_or_else(no_such_account)?)?;
        let mut isolation = [0; 16];
        SystemRandom.fill_bytes(&mut isolation);
        let isolation = Isolation::from_bytes(isolation);
        let (orders, inbox) = mpsc::channel(1024);
        let setup = link::Setup {
            id,
            network: kept.network,
            password: kept.password,
            server: kept.shown.server.clone(),
            pins: kept.pins,
            known: kept.known,
            isolation: isolation.clone(),
            dialer: self.dialer.clone(),
            resolvers: kept.resolvers,
            tls_at: kept.tls_at,
            onion: server_story::onion(open.vault.profile(), id),
            siblings: open.moves.siblings.clone(),
            chance: Box::new(SystemRandom),
        };
        let account = Account {
            key: Arc::new(kept.key),
            tag: kept.tag,
            orders,
            online: false,
            lost: Vec::new(),
            isolation,
            line: None,
            shown: model::Account {
                server_story: server_story::told(open.vault.profile(), id),
                ..kept.shown
            },
        };
        self.queue.tell(Event::AccountChanged {
            account: account.shown.clone(),
        });
        open.accounts.insert(id, account);
        self.restore_visibility(id);
        tokio::spawn(Link::new(setup, inbox, self.reports.0.clone()).run());
        Ok(())
    }

    pub(super) fn connect(&mut self, id: AccountId, connect: bool) -> Result<(), Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        let account = open.accounts.get_mut(&id).ok_or_else(no_such_account)?;
        let kept = open.vault.change(|kept| profile::keep_connect(kept, id, connect));
        kept.map_err(|error| profile::told(&error))?;
        account.shown.connect = connect;
        let way = if connect { Coming::Comes } else { Coming::Goes };
        self.move_account(id, way)
    }

    pub(super) fn remove_account(&mut self, id: AccountId) -> Result<(), Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        if !open.accounts.contains_key(&id) {
            return Err(no_such_account());
        }
        open.vault
            .erase_account(id.0)
            .map_err(|error| profile::told(&error))?;
        open.people.retain(|(account, _), _| *account != id);
        open.rooms.forget_account(id);
        open.refused.forget_account(id);
        open.said.forget_account(id);
        open.moves.forget(id);
        open.seen.borrow_mut().forget_account(id);
        // Without its orders the link says goodbye to nobody and ends.
        open.accounts.remove(&id);
        open.asked.remove(&id);
        open.asking.forget_account(id);
        self.forget_gateways(id);
        self.forget_visibility(id);
        self.forget_server_story(id);
        self.queue.tell(Event::AccountRemoved { account: id });
        Ok(())
    }

    pub(super) fn new_circuit(&mut self, id: AccountId) -> Result<(), Problem> {
        let open = self.open.as_ref().ok_or_else(locked)?;
        let account = open.accounts.get(&id).ok_or_else(no_such_account)?;
        let (dialer, isolation, orders) = (
            self.dialer.clone(),
            account.isolation.clone(),
            account.orders.clone(),
        );
        tokio::spawn(async move {
            // Where the gate cannot be asked it is restarting, and all circuits are new anyway.
            let _ = dialer.new_circuit(&isolation).await;
            let _ = orders.send(Order::NewCircuit).await;
        });
        Ok(())
    }

    /// What a link reports.
    pub(super) fn report(&mut self, id: AccountId, report: Report) {
        let known = self.open.as_ref();
        if !known.is_some_and(|open| open.accounts.contains_key(&id)) {
            return;
        }
        match report {
            Report::State(state) => self.on_state(id, state),
            Report::BehindExit => self.seen_by_exits(id, 1),
            Report::Bounced { token, problem } => self.on_bounced(id, token, &problem),
            Report::Line(bytes) => self.on_line(id, bytes),
            Report::Looked(asked) => self.seen_looking(id, &asked),
            Report::Lost(tokens) => self.on_lost(id, tokens),
            Report::Onion(place) => self.server_proved_onion(id, &place),
            Report::Online { mechanism } => self.on_online(id, false, mechanism.as_deref()),
            Report::OwnName(name) => self.on_own_name(id, &name),
            Report::Person(report) => self.on_person(id, report),
            Report::Room(report) => self.on_room(id, report),
            Report::Server(server) => self.keep_server(id, server),
            Report::Taken { token } => self.on_taken(id, token),
            Report::TlsOnly { port, seconds } => self.keep_tls_only(id, port, seconds),
            Report::Witnessed => self.seen_by_exits(id, 2),
            Report::Xmpp(event) => self.on_xmpp(id, event),
        }
        self.tell_lost(id);
    }

    fn on_state(&mut self, id: AccountId, state: AccountState) {
        let Some(account) = self.open.as_mut().and_then(|open| open.accounts.get_mut(&id)) else {
            return;
        };
        let was = std::mem::replace(&mut account.online, state == AccountState::Online);
        if account.shown.state != state {
            account.shown.state = state.clone();
            self.queue.tell(Event::AccountChanged {
                account: account.shown.clone(),
            });
        }
        self.follow_server(id, &state);
        if was {
            self.rooms_offline(id);
            self.nothing_known(id);
            self.server_is_silent(id);
            self.services_are_silent(id);
            self.gateways_offline(id);
            self.for_account(id, |conversation, context| {
                conversation.connected(false, false, context);
            });
        }
    }

    fn on_xmpp(&mut self, id: AccountId, event: xmpp::Event) {
        match event {
            xmpp::Event::AccountChange { change, why } => self.on_account_change(id, change, why),
            xmpp::Event::Answered { token, reply } => self.on_answered(token, reply),
            xmpp::Event::Suggested { gateway, suggestions } => self.on_suggested(id, &gateway, suggestions),
            xmpp::Event::Registered => self.keep_registered(id),
            xmpp::Event::Online {
                jid,
                resumed,
                mechanism,
            } => {
                self.on_own_address(id, &jid);
                self.on_online(id, resumed, Some(mechanism.name()));
            }
            xmpp::Event::Token(token) => self.keep_token(id, token.as_ref()),
            xmpp::Event::Roster(items) => {
                self.seen_contact_list(id);
                self.on_roster(id, items);
            }
            xmpp::Event::RosterUnavailable => self.on_roster(id, Vec::new()),
            xmpp::Event::RosterItem(item) => self.on_roster_item(id, &item),
            xmpp::Event::SubscriptionRequest(from) => self.on_subscription_request(id, &from),
            xmpp::Event::RequestRefused { from, request } => {
                if let Some(from) = bare(&from) {
                    self.on_request_refused(id, &from, kind(request));
                }
            }
            xmpp::Event::Presence { from, available } => {
                let program = from.resource().map(|resource| resource.as_str().to_owned());
                if let Some(from) = bare(&from) {
                    self.on_presence(id, &from, program.unwrap_or_default(), available);
                }
            }
            xmpp::Event::Message {
                from,
                body,
                delayed,
                kind,
                forwarded_or_archived,
            } => {
                use xmpp::MessageKind::{Chat, Normal};
                let program = from.resource().map(|resource| resource.as_str());
                if let (false, Chat | Normal, Some(from)) = (forwarded_or_archived, kind, bare(&from)) {
                    self.seen_message(id, &from, &body);
                    self.on_message(id, &from, program, (&body, delayed));
                }
            }
            xmpp::Event::MessageError {
                token: Some(token), ..
            } => self.on_bounced(id, token, &super::rooms::not_taken()),
            xmpp::Event::Acknowledged { token } => self.on_taken(id, token),
            xmpp::Event::Unacknowledged { tokens } => self.on_lost(id, tokens),
            _ => {}
        }
    }

    /// The server has a message.
    fn on_taken(&mut self, id: AccountId, token: u64) {
        if !self.room_took(id, token) {
            self.seen_taken(id, token);
            self.for_account(id, |conversation, context| {
                conversation.acknowledged(token, context);
            });
        }
    }

    /// A message goes to nobody.
    fn on_bounced(&mut self, id: AccountId, token: u64, problem: &Problem) {
        if !self.room_lost(id, token, problem) {
            self.for_account(id, |conversation, context| conversation.bounced(token, context));
        }
    }

    /// Nobody knows whether these went anywhere.
    fn on_lost(&mut self, id: AccountId, mut tokens: Vec<u64>) {
        tokens.retain(|token| !self.room_lost(id, *token, &super::rooms::not_taken()));
        if let Some(account) = self.open.as_mut().and_then(|open| open.accounts.get_mut(&id)) {
            account.lost.extend(tokens);
        }
    }

    /// Lines have other room for a message from now on.
    fn on_line(&mut self, id: AccountId, bytes: usize) {
        let Some(open) = &mut self.open else { return };
        let Some(account) = open.accounts.get_mut(&id) else {
            return;
        };
        account.line = Some(bytes);
        for person in open.people.values_mut().filter(|person| person.account == id) {
            let longest = account.longest(&person.address);
            person.conversation.set_longest(longest);
        }
    }

    /// What a network without a contact list tells of people.
    fn on_person(&mut self, id: AccountId, report: PersonReport) {
        match report {
            PersonReport::Gone { who, why } => {
                let _ = self.converse(id, &who, |conversation, context| {
                    conversation.freeze(why, context);
                });
            }
            PersonReport::Known { who, known } => self.on_known(id, &who, known),
            PersonReport::Readable { who, text, earlier } => self.on_readable(id, &who, &text, earlier),
            PersonReport::Said { who, text } => {
                self.seen_message(id, &who, &text);
                self.on_message(id, &who, None, (&text, false));
            }
            PersonReport::There { who, there } => self.on_presence(id, &who, String::new(), there),
            PersonReport::Tried { who, what } => self.on_request_refused(id, &who, what),
        }
    }

    fn on_online(&mut self, id: AccountId, resumed: bool, mechanism: Option<&str>) {
        let Some(open) = &mut self.open else { return };
        if !resumed {
            let of_account = open.people.values_mut().filter(|person| person.account == id);
            of_account.for_each(super::people::Person::forget_presence);
        }
        // Remembered so that nobody can talk the account down to less (XEP-0474 has more). A full
        // disk does not stop a login.
        if let Some(mechanism) = mechanism {
            let _ = open
                .vault
                .change(|kept| kept_accounts::keep_mechanism(kept, id, mechanism));
        }
        self.seen_online(id);
        self.on_state(id, AccountState::Online);
        if !resumed {
            self.tell_blocks(id);
            if self.protocol(id) == Some(model::Protocol::Irc) {
                // Nobody else has a list of contacts there.
                self.complete_roster(id);
            }
        }
        self.rooms_online(id, resumed);
        self.tell_lost(id);
        self.for_account(id, |conversation, context| {
            conversation.connected(true, !resumed, context);
        });
    }

    /// Tells the conversations of what went nowhere, once they can do something about it.
    fn tell_lost(&mut self, id: AccountId) {
        let Some(account) = self.open.as_mut().and_then(|open| open.accounts.get_mut(&id)) else {
            return;
        };
        if account.online && !account.lost.is_empty() {
            let lost = std::mem::take(&mut account.lost);
            self.for_account(id, |conversation, context| {
                conversation.unacknowledged(&lost, context);
            });
        }
    }

    fn keep_registered(&mut self, id: AccountId) {
        if let Some(open) = &mut self.open {
            // Not kept: the next run tries to register again and is told that the name is taken.
            let _ = open.vault.change(|kept| kept_accounts::keep_registered(kept, id));
        }
    }

    fn check_new_account(&self, with: &AddAccount) -> Result<(), Problem> {
        let open = self.open.as_ref().ok_or_else(locked)?;
        if open.accounts.len() >= MAX_ACCOUNTS {
            return Err(Problem::new(
                "account.too_many",
                format!("A profile holds at most {MAX_ACCOUNTS} accounts."),
            ));
        }
        if open
            .accounts
            .values()
            .any(|account| account.shown.address == with.address)
        {
            return Err(Problem::new(
                "account.exists",
                "This account is in the profile already.",
            ));
        }
        if with.protocol == model::Protocol::Xmpp && with.login == Some(ServicesLogin::None) {
            check_anonymous(with)?;
        } else {
            check_own_address(with.protocol, &with.address)?;
        }
        for pin in &with.pins {
            profile::parse_pin(pin)?;
        }
        check_login(with)
    }

    fn protocol(&self, id: AccountId) -> Option<model::Protocol> {
        let account = self.open.as_ref()?.accounts.get(&id)?;
        Some(account.shown.protocol)
    }
}

/// Whether an account needs a password to log in like this.
pub(super) fn by_password(login: ServicesLogin) -> bool {
    match login {
        ServicesLogin::Bouncer | ServicesLogin::NickServ | ServicesLogin::Password => true,
        ServicesLogin::Certificate | ServicesLogin::Key | ServicesLogin::None => false,
    }
}

/// An account that its server makes up has nothing but a server, and nothing that could be made there.
fn check_anonymous(with: &AddAccount) -> Result<(), Problem> {
    let domain = jid::BareJid::new(with.address.as_str()).ok();
    if with.register || domain.is_none_or(|jid| jid.node().is_some()) {
        return Err(Problem::new(
            "account.anonymous_address",
            "Of an anonymous account only the server is given: it makes the address up.",
        ));
    }
    Ok(())
}

/// Checks that a new account has what it needs to log in.
fn check_login(with: &AddAccount) -> Result<(), Problem> {
    let empty = with.password.expose().is_empty();
    let xmpp = with.protocol == model::Protocol::Xmpp;
    if xmpp {
        super::credentials::check(with.login, false)?;
    }
    let by_password = if xmpp {
        with.login != Some(ServicesLogin::None)
    } else {
        with.login.is_some_and(by_password)
    };
    if empty && by_password {
        return Err(Problem::new(
            "account.no_password",
            "The account needs a password.",
        ));
    }
    if with.protocol == model::Protocol::Irc && with.register {
        return Err(Problem::new(
            "account.irc_no_register",
            "Accounts of IRC networks cannot be made from here: make it as the network says, then add it.",
        ));
    }
    Ok(())
}

/// The address of a person, without the program.
fn bare(jid: &jid::Jid) -> Option<Address> {
    jid.to_bare().as_str().parse().ok()
}

pub(super) fn busy() -> Problem {
    Problem::new(
        "account.busy",
        "The account has too much to do at the moment: try again.",
    )
}

/// What the dialer knows of Tor, in the words of door 1.
pub(super) fn tor(status: &TorStatus) -> Tor {
    match status {
        TorStatus::Restarting => Tor {
            phase: TorPhase::Restarting,
            percent: 0,
            doing: "Tor is restarting.".to_owned(),
            cause: None,
            advice: None,
            clock_seconds: None,
        },
        TorStatus::Gate(status) => Tor {
            phase: match status.phase {
                Phase::Starting => TorPhase::Starting,
                Phase::Bootstrapping => TorPhase::Bootstrapping,
                Phase::Ready => TorPhase::Ready,
                Phase::Stalled => TorPhase::Stalled,
            },
            percent: status.percent,
            doing: status.doing.clone(),
            cause: status.cause.as_ref().map(cause),
            advice: status.advice.clone(),
            clock_seconds: match status.cause {
                Some(Cause::ClockWrong { seconds }) => seconds,
                _ => None,
            },
        },
    }
}

fn cause(cause: &Cause) -> TorCause {
    match cause {
        Cause::Blocked => TorCause::Blocked,
        Cause::CannotReachTor => TorCause::CannotReachTor,
        Cause::ClockWrong { .. } => TorCause::ClockWrong,
        Cause::Filtered => TorCause::Filtered,
        Cause::NoProgress => TorCause::NoProgress,
        Cause::Offline => TorCause::Offline,
        Cause::RunningAbsent => TorCause::RunningAbsent,
        Cause::RunningLocked => TorCause::RunningLocked,
        Cause::RunningNotTor => TorCause::RunningNotTor,
        Cause::RunningPassword => TorCause::RunningPassword,
        Cause::RunningPasswordMissing => TorCause::RunningPasswordMissing,
    }
}

/// The password of an account, wiped when it is dropped.
pub(super) fn password(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}
