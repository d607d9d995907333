//! Questions on their way: who is asked what, until when, and what the answer means.
//! Must never give an answer twice or to another question, nor wait for ever.
//! RFC 6120 8.2.3; the XEPs in `src/xep`.

use std::collections::BTreeMap;
use std::time::Duration;

use jid::{BareJid, Jid};
use minidom::Element;
use xmpp_parsers::iq::{IqHeader, IqPayload};

use super::requests::{Answer, Kind};
use super::{Session, Step};
use crate::error::{Error, StanzaCondition};
use crate::event::Event;
use crate::query::{Query, QueryFailure, Reply, Service};
use crate::{commands, elsewhere, gateways, people_search, services, write};

/// Most questions that may wait at once.
const MOST: usize = 64;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(100);

/// What an answer is to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Asked {
    Address,
    Command,
    Commands(Jid),
    Done,
    Info(Jid),
    Prompt,
    Registration,
    Search,
    SearchForm,
    /// One of many: what it is.
    Service(Jid),
    Services,
}

/// Questions that wait for their answers.
#[derive(Default)]
pub(crate) struct Queries {
    waiting: BTreeMap<u64, Waiting>,
}

struct Waiting {
    until: Duration,
    /// Services that were found so far, and how many answers are still to come.
    found: Vec<Service>,
    left: usize,
}

impl Queries {
    pub(super) fn wake(&self) -> Option<Duration> {
        self.waiting.values().map(|waiting| waiting.until).min()
    }
}

/// A question in its element: to whom, whether it changes anything there, what.
type Posed = (Asked, Jid, bool, Element);

fn pose(query: Query, server: Jid) -> Posed {
    let bare = |jid: BareJid| Jid::from(jid);
    match query {
        Query::AddressOf { gateway, name } => (Asked::Address, bare(gateway), true, gateways::find(name)),
        Query::Command(step) => (Asked::Command, step.at.clone(), true, commands::step(&step)),
        Query::Commands(at) => (Asked::Commands(at.clone()), at, false, commands::list()),
        Query::Info(at) => (Asked::Info(at.clone()), at, false, services::what()),
        Query::Prompt(at) => (Asked::Prompt, bare(at), false, gateways::ask()),
        Query::Register { at, answers } => (Asked::Done, bare(at), true, elsewhere::register(&answers)),
        Query::RegistrationForm(at) => (Asked::Registration, bare(at), false, elsewhere::ask()),
        Query::Search { at, answers } => (Asked::Search, bare(at), true, people_search::search(&answers)),
        Query::SearchForm(at) => (Asked::SearchForm, bare(at), false, people_search::ask()),
        Query::Services => (Asked::Services, server, false, services::which()),
        Query::Unregister(at) => (Asked::Done, bare(at), true, elsewhere::unregister()),
    }
}

/// What an answer says; `None`: nothing that can be used.
fn read(asked: &Asked, result: &Element) -> Option<Reply> {
    match asked {
        Asked::Address => gateways::found(result).map(Reply::Address),
        Asked::Command => commands::stage(result).map(Reply::Command),
        Asked::Commands(at) => Some(Reply::Commands(commands::listed(result, at))),
        Asked::Done => Some(Reply::Done),
        Asked::Info(at) | Asked::Service(at) => services::read(result, at).map(Reply::Info),
        Asked::Prompt => gateways::prompt(result),
        Asked::Registration => elsewhere::form(result),
        Asked::Search => people_search::found(result).map(Reply::Found),
        Asked::SearchForm => people_search::form(result).map(Reply::SearchForm),
        Asked::Services => None,
    }
}

impl Session {
    /// Asks a question.
    pub(super) fn query(&mut self, token: u64, query: Query, step: &mut Step<'_>) -> Result<(), Error> {
        if self.queries.waiting.len() >= MOST {
            return Err(Error::QueueFull);
        }
        let posed = pose(query, write::domain(&self.config.jid));
        self.put(token, posed, step)?;
        let waiting = Waiting {
            until: step.now.saturating_add(PATIENCE),
            found: Vec::new(),
            left: 1,
        };
        self.queries.waiting.insert(token, waiting);
        Ok(())
    }

    fn put(&mut self, token: u64, posed: Posed, step: &mut Step<'_>) -> Result<(), Error> {
        let (asked, to, changes, element) = posed;
        let payload = if changes {
            IqPayload::Set(element)
        } else {
            IqPayload::Get(element)
        };
        self.ask(Kind::Query(token, asked), Some(to.clone()), step, |id| {
            let to = Some(to);
            IqHeader { from: None, to, id }.assemble(payload)
        })
    }

    pub(super) fn query_answered(
        &mut self,
        token: u64,
        asked: &Asked,
        answer: &Answer<'_>,
        step: &mut Step<'_>,
    ) {
        if !self.queries.waiting.contains_key(&token) {
            return;
        }
        if let Asked::Services | Asked::Service(_) = asked {
            self.service_answered(token, asked, answer, step);
            return;
        }
        let reply = match (answer.condition(), answer.result()) {
            (Some(condition), _) => Err(QueryFailure::Refused(StanzaCondition::from_name(condition))),
            (None, Some(result)) => read(asked, result).ok_or(QueryFailure::Unusable),
            (None, None) => Err(QueryFailure::Unusable),
        };
        self.reply(token, reply);
    }

    /// XEP-0030 4: each of what the server lists is asked what it is.
    fn service_answered(&mut self, token: u64, asked: &Asked, answer: &Answer<'_>, step: &mut Step<'_>) {
        if let (Asked::Services, Some(condition)) = (asked, answer.condition()) {
            let refused = QueryFailure::Refused(StanzaCondition::from_name(condition));
            self.reply(token, Err(refused));
            return;
        }
        let mut more = 0;
        if let (Asked::Services, Some(result)) = (asked, answer.result()) {
            for at in services::listed(result) {
                let posed = (Asked::Service(at.clone()), at, false, services::what());
                more += usize::from(self.put(token, posed, step).is_ok());
            }
        }
        let service = answer.result().and_then(|result| match asked {
            Asked::Service(at) => services::read(result, at),
            _ => None,
        });
        let Some(waiting) = self.queries.waiting.get_mut(&token) else {
            return;
        };
        waiting.found.extend(service);
        waiting.left = waiting.left.saturating_sub(1).saturating_add(more);
        if waiting.left == 0 {
            let found = std::mem::take(&mut waiting.found);
            self.reply(token, Ok(Reply::Services(found)));
        }
    }

    fn reply(&mut self, token: u64, reply: Result<Reply, QueryFailure>) {
        if self.queries.waiting.remove(&token).is_some() {
            self.tell(Event::Answered { token, reply });
        }
    }

    /// Whoever is late has no answer; of many services, those that answered are told.
    pub(super) fn tick_queries(&mut self, now: Duration) {
        let late = self
            .queries
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.until <= now);
        let late: Vec<u64> = late.map(|(token, _)| *token).collect();
        for token in late {
            self.give_up_query(token);
        }
    }

    /// The stream will never be resumed: nothing of it comes any more.
    pub(super) fn give_up_queries(&mut self) {
        let tokens: Vec<u64> = self.queries.waiting.keys().copied().collect();
        for token in tokens {
            self.give_up_query(token);
        }
    }

    fn give_up_query(&mut self, token: u64) {
        let Some(waiting) = self.queries.waiting.get_mut(&token) else {
            return;
        };
        let found = std::mem::take(&mut waiting.found);
        let reply = match found.is_empty() {
            true => Err(QueryFailure::Silent),
            false => Ok(Reply::Services(found)),
        };
        self.reply(token, reply);
    }
}
