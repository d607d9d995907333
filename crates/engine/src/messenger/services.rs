//! Services: what the owner has a server, a gateway or a directory asked, and what comes back.
//! It must never ask anybody by itself, nor send what the owner did not fill in.
//! Door 1: `service.*`, `gateway.*`; XEP-0030, XEP-0050, XEP-0055, XEP-0077, XEP-0100.

mod told;

use std::collections::BTreeMap;

use jid::{BareJid, Jid};
use model::{AccountId, Address, Command, Problem, Protocol, RunCommand, SearchService, StepCommand};
use serde_json::{Value, json};
use xmpp::{CommandStep, Query, QueryFailure, Reply};

use self::told::{failed, unusable};
pub(super) use self::told::{form, plain};
use super::accounts::busy;
use super::people::no_such_account;
use super::{Messenger, Outcome, locked, to_value};
use crate::link::Order;

/// Questions of a profile that wait for their answers.
const MAX_WAITING: usize = 64;
/// Forms that wait to be filled in.
const MAX_FORMS: usize = 64;
/// Commands that were begun.
const MAX_RUNS: usize = 32;

/// What was asked, and what is needed to go on.
#[derive(Default)]
pub(super) struct Asking {
    waiting: BTreeMap<u64, Pending>,
    /// Forms that were shown and may be sent back: what is hidden in them goes back with them.
    forms: BTreeMap<(AccountId, Address, FormFor), xmpp::Form>,
    runs: BTreeMap<u64, Run>,
    begun: u64,
}

impl Asking {
    pub(super) fn forget_account(&mut self, id: AccountId) {
        self.waiting.retain(|_, pending| pending.account != id);
        self.forms.retain(|(account, ..), _| *account != id);
        self.runs.retain(|_, run| run.account != id);
    }

    pub(super) fn keep_form(&mut self, key: (AccountId, Address, FormFor), form: xmpp::Form) {
        if self.forms.len() >= MAX_FORMS && !self.forms.contains_key(&key) {
            self.forms.pop_first();
        }
        self.forms.insert(key, form);
    }
}

/// What a form is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FormFor {
    Registration,
    Search,
}

/// A question that waits.
struct Pending {
    account: AccountId,
    /// The number of the request on door 1.
    request: Option<Value>,
    about: About,
}

/// What an answer is needed for.
#[derive(Clone, Debug)]
pub(super) enum About {
    Address {
        gateway: Address,
        name: String,
    },
    Commands,
    Gateways,
    Prompt,
    Registered(Address),
    RegistrationForm(Address),
    Search,
    SearchForm(Address),
    Services,
    /// A step of a command: where, and which.
    Step {
        at: Jid,
        node: String,
        run: Option<u64>,
    },
    Unregistered(Address),
}

/// A command that was begun.
struct Run {
    account: AccountId,
    at: Jid,
    node: String,
    /// What its maker calls this run.
    name: Option<String>,
    actions: Vec<xmpp::CommandAction>,
    form: Option<xmpp::Form>,
}

impl Messenger {
    /// Carries out what is about services.
    pub(super) fn service_command(&mut self, command: Command, id: Option<&Value>) -> Outcome {
        let begun = match command {
            Command::ListServices(with) => self.inquire(with.account, with.at.as_ref(), About::Services, id),
            Command::ShowSearchForm(with) => bare(&with.service).and_then(|at| {
                let about = About::SearchForm(with.service);
                self.ask(with.account, Query::SearchForm(at), about, id)
            }),
            Command::SearchService(with) => self.search(&with, id),
            Command::ListCommands(with) => bare(&with.service)
                .and_then(|at| self.ask(with.account, Query::Commands(at.into()), About::Commands, id)),
            Command::RunCommand(with) => self.run_command(with, id),
            Command::StepCommand(with) => self.step_command(&with, id),
            other => self.gateway_command(other, id),
        };
        match begun {
            Ok(()) => Outcome::Later,
            Err(problem) => Outcome::Now(Err(problem)),
        }
    }

    /// Asks the server what it offers, or one address what it is.
    pub(super) fn inquire(
        &mut self,
        account: AccountId,
        at: Option<&Address>,
        about: About,
        id: Option<&Value>,
    ) -> Result<(), Problem> {
        let query = match at {
            Some(at) => Query::Info(bare(at)?.into()),
            None => Query::Services,
        };
        self.ask(account, query, about, id)
    }

    /// Asks a question; answered when the answer comes, and at the latest when the session gives it up.
    pub(super) fn ask(
        &mut self,
        account: AccountId,
        query: Query,
        about: About,
        id: Option<&Value>,
    ) -> Result<(), Problem> {
        self.tokens += 1;
        let token = self.tokens;
        let open = self.open.as_mut().ok_or_else(locked)?;
        let owner = open.accounts.get(&account).ok_or_else(no_such_account)?;
        if owner.shown.protocol != Protocol::Xmpp {
            let text = "This cannot be done from here on this network.";
            return Err(Problem::new("account.not_on_this_network", text));
        }
        if !owner.online {
            let text = "The account is not connected: connect it first.";
            return Err(Problem::new("account.not_connected", text));
        }
        if open.asking.waiting.len() >= MAX_WAITING {
            return Err(busy());
        }
        let order = Order::Xmpp(xmpp::Command::Query { token, query });
        owner.orders.try_send(order).map_err(|_| busy())?;
        let request = id.cloned();
        let pending = Pending {
            account,
            request,
            about,
        };
        open.asking.waiting.insert(token, pending);
        Ok(())
    }

    fn search(&mut self, with: &SearchService, id: Option<&Value>) -> Result<(), Problem> {
        let at = bare(&with.service)?;
        let form = (with.account, with.service.clone(), FormFor::Search);
        let answers = self.filled(&form, &with.answers)?;
        self.ask(with.account, Query::Search { at, answers }, About::Search, id)
    }

    /// A form that was shown, with what the owner filled in.
    pub(super) fn filled(
        &self,
        key: &(AccountId, Address, FormFor),
        answers: &model::Answers,
    ) -> Result<xmpp::Answers, Problem> {
        let open = self.open.as_ref().ok_or_else(locked)?;
        let form = open.asking.forms.get(key).ok_or_else(|| {
            Problem::new(
                "service.no_form",
                "Ask for the form first, then send it back filled in.",
            )
        })?;
        told::fill(form, answers)
    }

    fn run_command(&mut self, with: RunCommand, id: Option<&Value>) -> Result<(), Problem> {
        let at = Jid::from(bare(&with.service)?);
        let step = CommandStep {
            at: at.clone(),
            node: with.command.clone(),
            run: None,
            action: xmpp::CommandAction::Execute,
            answers: None,
        };
        let (node, run) = (with.command, None);
        self.ask(
            with.account,
            Query::Command(step),
            About::Step { at, node, run },
            id,
        )
    }

    fn step_command(&mut self, with: &StepCommand, id: Option<&Value>) -> Result<(), Problem> {
        let open = self.open.as_ref().ok_or_else(locked)?;
        let run = open
            .asking
            .runs
            .get(&with.run)
            .filter(|run| run.account == with.account);
        let gone = || Problem::new("service.no_run", "This command is over or was never begun.");
        let run = run.ok_or_else(gone)?;
        let action = told::action(with.action);
        if !run.actions.contains(&action) {
            let text = "The service does not offer this step now.";
            return Err(Problem::new("service.no_step", text));
        }
        let sends = !matches!(
            action,
            xmpp::CommandAction::Cancel | xmpp::CommandAction::Previous
        );
        let form = run.form.as_ref().filter(|_| sends);
        let step = CommandStep {
            at: run.at.clone(),
            node: run.node.clone(),
            run: run.name.clone(),
            action,
            answers: form.map(|form| told::fill(form, &with.answers)).transpose()?,
        };
        let about = About::Step {
            at: run.at.clone(),
            node: run.node.clone(),
            run: Some(with.run),
        };
        self.ask(with.account, Query::Command(step), about, id)
    }

    /// Something was answered.
    pub(super) fn on_answered(&mut self, token: u64, reply: Result<Reply, QueryFailure>) {
        let Some(open) = &mut self.open else { return };
        let Some(pending) = open.asking.waiting.remove(&token) else {
            return;
        };
        let result = match reply {
            Ok(reply) => self.understood(pending.account, pending.about, reply),
            Err(failure) => self.not_answered(pending.account, &pending.about, failure),
        };
        self.answer(pending.request.as_ref(), result);
    }

    /// The connection is gone, and with it the answers.
    pub(super) fn services_are_silent(&mut self, account: AccountId) {
        let Some(open) = &mut self.open else { return };
        let waiting = open.asking.waiting.iter();
        let gone: Vec<u64> = waiting
            .filter(|(_, pending)| pending.account == account)
            .map(|(token, _)| *token)
            .collect();
        for token in gone {
            self.on_answered(token, Err(QueryFailure::Silent));
        }
    }

    fn not_answered(
        &mut self,
        account: AccountId,
        about: &About,
        failure: QueryFailure,
    ) -> Result<Value, Problem> {
        match (about, failure) {
            // Gateways that cannot be asked have the rule of XEP-0106.
            (About::Address { gateway, name }, QueryFailure::Refused(_)) => {
                let by_rule = bare(gateway).ok().and_then(|at| xmpp::escaped_address(name, &at));
                let by_rule = by_rule
                    .and_then(|jid| jid.as_str().parse().ok())
                    .ok_or_else(unusable)?;
                to_value(&model::FoundAtGateway { contact: by_rule })
            }
            // An account that is not there any more has ended.
            (About::Unregistered(gateway), QueryFailure::Refused(xmpp::StanzaCondition::NotFound)) => {
                self.on_unregistered(account, gateway)
            }
            _ => Err(failed(failure)),
        }
    }

    fn understood(&mut self, account: AccountId, about: About, reply: Reply) -> Result<Value, Problem> {
        match (about, reply) {
            (About::Address { gateway, .. }, Reply::Address(jid)) => told::address(&gateway, &jid),
            (About::Commands, Reply::Commands(listed)) => to_value(&told::commands(&listed)),
            (About::Gateways, Reply::Info(one)) => self.on_gateways(account, vec![one]),
            (About::Gateways, Reply::Services(found)) => self.on_gateways(account, found),
            (About::Prompt, Reply::Prompt { about, wanted }) => to_value(&told::prompt(about, wanted)),
            (About::Registered(gateway), Reply::Done) => self.on_registered(account, &gateway),
            (About::RegistrationForm(at), Reply::Registration { form, registered }) => {
                self.on_registration_form((account, at), form, registered)
            }
            (About::Search, Reply::Found(table)) => to_value(&form(&table)),
            (About::SearchForm(at), Reply::SearchForm(form)) => {
                let shown = self::form(&form);
                let open = self.open.as_mut().ok_or_else(locked)?;
                open.asking.keep_form((account, at, FormFor::Search), form);
                to_value(&shown)
            }
            (About::Services, Reply::Info(one)) => to_value(&told::services(&[one])),
            (About::Services, Reply::Services(found)) => to_value(&told::services(&found)),
            (About::Step { at, node, run }, Reply::Command(stage)) => {
                self.on_stage((account, at, node), run, stage)
            }
            (About::Unregistered(gateway), Reply::Done) => self.on_unregistered(account, &gateway),
            _ => Err(unusable()),
        }
    }

    fn on_stage(
        &mut self,
        (account, at, node): (AccountId, Jid, String),
        run: Option<u64>,
        stage: xmpp::CommandStage,
    ) -> Result<Value, Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        let asking = &mut open.asking;
        if let Some(run) = run {
            asking.runs.remove(&run);
        }
        let number = stage.goes_on.then(|| {
            run.unwrap_or_else(|| {
                asking.begun += 1;
                asking.begun
            })
        });
        let shown = told::stage(number, &stage);
        if let Some(number) = number {
            if asking.runs.len() >= MAX_RUNS {
                asking.runs.pop_first();
            }
            let (name, actions, form) = (stage.run, stage.actions, stage.form);
            asking.runs.insert(
                number,
                Run {
                    account,
                    at,
                    node,
                    name,
                    actions,
                    form,
                },
            );
        }
        to_value(&shown)
    }
}

/// An address of this network.
pub(super) fn bare(address: &Address) -> Result<BareJid, Problem> {
    BareJid::new(address.as_str()).map_err(|_| {
        let text = "This is no address of a service: it looks like service.server.";
        Problem::new("service.bad_address", text)
    })
}

/// Nothing more to say than that it is done.
pub(super) fn done() -> Result<Value, Problem> {
    Ok(json!({}))
}
