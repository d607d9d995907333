//! XEP-0030 Service Discovery: which rooms the account's server lists.
//! Must never ask a server other than the account's own and the services that it names.
//! XEP-0030 3 and 4, XEP-0045 6.1-6.3, XEP-0059.

use std::time::Duration;

use jid::{BareJid, Jid};
use minidom::Element;
use xmpp_parsers::disco::{DiscoInfoQuery, DiscoItemsQuery};
use xmpp_parsers::iq::Iq;
use xmpp_parsers::rsm::SetQuery;

use crate::error::Error;
use crate::event::Event;
use crate::room::FoundRoom;
use crate::session::{Answer, Kind, SearchStep, Session, Step};
use crate::{ns, write};

/// Most services of a server that are asked what they are.
const MOST_SERVICES: usize = 20;
/// Most rooms that are told.
const MOST_ROOMS: usize = 1_000;
/// Longest name that is kept, in bytes; a longer one is left out.
const LONGEST_NAME: usize = 1_023;
/// How long the services may take.
const PATIENCE: Duration = Duration::from_secs(45);

/// A search that is under way.
pub(crate) struct Search {
    found: Vec<FoundRoom>,
    /// Answers that are still to come.
    waiting: usize,
    until: Duration,
}

impl Search {
    pub(crate) fn until(&self) -> Duration {
        self.until
    }
}

impl Session {
    /// Starts a search, or lets the one that is under way answer.
    pub(crate) fn find_rooms(&mut self, step: &mut Step<'_>) -> Result<(), Error> {
        if self.search.is_some() {
            return Ok(());
        }
        let server = write::domain(&self.config.jid);
        self.ask(
            Kind::Search(SearchStep::Services),
            Some(server.clone()),
            step,
            |id| items(id, None).with_to(server),
        )?;
        self.search = Some(Search {
            found: Vec::new(),
            waiting: 1,
            until: step.now.saturating_add(PATIENCE),
        });
        Ok(())
    }

    pub(crate) fn search_answered(&mut self, asked: SearchStep, answer: &Answer<'_>, step: &mut Step<'_>) {
        if self.search.is_none() {
            return;
        }
        let more = match asked {
            SearchStep::Rooms => {
                self.take_rooms(answer.result());
                0
            }
            SearchStep::Service(service) => self.ask_service(service, answer.result(), step),
            SearchStep::Services => self.ask_services(answer.result(), step),
        };
        if let Some(search) = &mut self.search {
            search.waiting = search.waiting.saturating_sub(1).saturating_add(more);
            if search.waiting == 0 {
                self.end_search();
            }
        }
    }

    fn ask_services(&mut self, answer: Option<&Element>, step: &mut Step<'_>) -> usize {
        let mut asked = 0;
        for service in listed(answer).filter_map(address).take(MOST_SERVICES) {
            let kind = Kind::Search(SearchStep::Service(service.clone()));
            let query = DiscoInfoQuery { node: None };
            let sent = self.ask(kind, Some(service.clone()), step, |id| {
                Iq::from_get(id, query).with_to(service)
            });
            asked += usize::from(sent.is_ok());
        }
        asked
    }

    fn ask_service(&mut self, service: Jid, answer: Option<&Element>, step: &mut Step<'_>) -> usize {
        let info = answer.and_then(|answer| answer.get_child("query", ns::DISCO_INFO));
        let is_rooms =
            |child: &Element| child.is("feature", ns::DISCO_INFO) && child.attr("var") == Some(ns::MUC);
        if !info.is_some_and(|info| info.children().any(is_rooms)) {
            return 0;
        }
        let sent = self.ask(
            Kind::Search(SearchStep::Rooms),
            Some(service.clone()),
            step,
            |id| items(id, Some(MOST_ROOMS)).with_to(service),
        );
        usize::from(sent.is_ok())
    }

    fn take_rooms(&mut self, answer: Option<&Element>) {
        let Some(search) = &mut self.search else { return };
        let room_for = MOST_ROOMS.saturating_sub(search.found.len());
        search
            .found
            .extend(listed(answer).filter_map(room).take(room_for));
    }

    /// Tells what was found so far.
    pub(crate) fn end_search(&mut self) {
        if let Some(search) = self.search.take() {
            self.tell(Event::RoomsFound(search.found));
        }
    }

    pub(crate) fn tick_search(&mut self, step: &mut Step<'_>) {
        if self
            .search
            .as_ref()
            .is_some_and(|search| search.until <= step.now)
        {
            self.end_search();
        }
    }
}

fn items(id: String, max: Option<usize>) -> Iq {
    let rsm = max.map(|max| SetQuery {
        max: Some(max),
        after: None,
        before: None,
        index: None,
    });
    Iq::from_get(id, DiscoItemsQuery { node: None, rsm })
}

fn listed(answer: Option<&Element>) -> impl Iterator<Item = &Element> {
    let query = answer.and_then(|answer| answer.get_child("query", ns::DISCO_ITEMS));
    let children = query.into_iter().flat_map(Element::children);
    children.filter(|child| child.is("item", ns::DISCO_ITEMS))
}

fn address(item: &Element) -> Option<Jid> {
    Jid::new(item.attr("jid")?).ok()
}

/// ejabberd writes the number of those in a room behind its name.
fn room(item: &Element) -> Option<FoundRoom> {
    let name = item
        .attr("name")
        .filter(|name| !name.is_empty() && name.len() <= LONGEST_NAME);
    let counted = name.and_then(|name| {
        let (name, count) = name.strip_suffix(')')?.rsplit_once(" (")?;
        Some((name, count.parse().ok()?))
    });
    let room = BareJid::new(item.attr("jid")?).ok()?;
    room.node()?;
    Some(FoundRoom {
        room,
        name: counted.map(|(name, _)| name).or(name).map(str::to_owned),
        occupants: counted.map(|(_, count)| count),
    })
}
