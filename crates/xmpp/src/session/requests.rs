//! Requests of ours that wait for an answer.
//! Must never take an answer from anyone but the one who was asked.
//! RFC 6120 8.1.2.1, 8.2.3.

use std::collections::BTreeMap;

use jid::{BareJid, Jid};
use minidom::Element;
use xmpp_parsers::iq::Iq;

use super::{Asked, Session, Step};
use crate::error::Error;
use crate::event::{AccountChange, Password};
use crate::write;

/// Most requests that may wait at once.
const MOST: usize = 256;

/// What an answer is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// It is about the account itself; the password is the new one.
    Account(AccountChange, Option<Password>),
    /// The server blocks or unblocks as well, or cannot.
    Blocking,
    /// It proves that the server has handled so many of the oldest unconfirmed messages.
    Confirm { messages: usize },
    /// It proves that the server is there.
    Ping,
    /// It is the answer to a question of the engine's.
    Query(u64, Asked),
    /// It is a room's.
    Room(BareJid, RoomStep),
    /// It is the roster.
    Roster,
    /// The roster was changed, or not; a push tells.
    RosterChange,
    /// It brings the search for rooms on.
    Search(SearchStep),
}

/// What a room was asked (XEP-0045, XEP-0410).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum RoomStep {
    /// Whether we are in it.
    Check,
    /// To be closed to strangers.
    Closed,
    /// To go away.
    Destroyed,
    /// What can be chosen for it.
    Form,
    /// What it is.
    Info,
    /// To let somebody in.
    Listed(BareJid),
    /// To give somebody another rank.
    Moderated,
}

/// How far the search for rooms has come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum SearchStep {
    /// Which rooms a service has.
    Rooms,
    /// What a service is.
    Service(Jid),
    /// Which services the server has.
    Services,
}

/// An answer to a request.
pub(crate) struct Answer<'a> {
    element: &'a Element,
    /// It was not too large to be taken.
    whole: bool,
}

impl<'a> Answer<'a> {
    /// The answer, where it grants what was asked.
    pub(crate) fn result(&self) -> Option<&'a Element> {
        Some(self.element).filter(|answer| self.whole && answer.attr("type") == Some("result"))
    }

    /// The name of the reason, where it refuses.
    pub(crate) fn condition(&self) -> Option<&'a str> {
        let refused = self.element.attr("type") == Some("error");
        refused.then(|| super::condition(self.element).unwrap_or("undefined-condition"))
    }

    pub(super) fn new(element: &'a Element, whole: bool) -> Self {
        Self { element, whole }
    }
}

#[derive(Default)]
pub(super) struct Requests {
    waiting: BTreeMap<String, (Option<Jid>, Kind)>,
}

impl Requests {
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }
}

impl Session {
    /// Sends a request, to the server or (`to` absent) to our own account.
    pub(crate) fn ask(
        &mut self,
        kind: Kind,
        to: Option<Jid>,
        step: &mut Step<'_>,
        build: impl FnOnce(String) -> Iq,
    ) -> Result<(), Error> {
        if self.requests.waiting.len() >= MOST {
            return Err(Error::QueueFull);
        }
        let id = write::random_id(step.rng);
        let bytes = write::request(build(id.clone()))?;
        self.send_stanza(bytes, None, step)?;
        self.requests.waiting.insert(id, (to, kind));
        Ok(())
    }

    /// The request that this answer belongs to, if whoever answers is whoever was asked.
    pub(super) fn answered(&mut self, id: &str, from: Option<&Jid>) -> Option<Kind> {
        let (to, _) = self.requests.waiting.get(id)?;
        let right = match (to, from) {
            // Only the server itself can leave out who it is.
            (_, None) => true,
            (Some(to), Some(from)) => to == from,
            (None, Some(from)) => from.to_bare() == self.config.jid && self.is_ours(from),
        };
        if !right {
            return None;
        }
        self.requests.waiting.remove(id).map(|(_, kind)| kind)
    }

    /// Our own account, or this very session; not another device of ours.
    fn is_ours(&self, from: &Jid) -> bool {
        from.is_bare() || self.jid.as_ref().is_some_and(|jid| **jid == *from)
    }
}
