//! What comes in on an open stream: whose it is, whether it counts, and who gets an answer.
//! Must never answer a stranger with more than an offline account's server would.
//! RFC 6120 8, RFC 6121 2.1.6; XEP-0198 4, XEP-0199.

use jid::{BareJid, Jid};
use minidom::Element;

use super::requests::{Answer, Kind};
use super::stanza::{self, Incoming};
use super::{Phase, Session, Step};
use crate::error::{OfflineReason, StanzaCondition};
use crate::event::{Event, RosterItem, Subscription};
use crate::framing::Frame;
use crate::ns;
use crate::write::{self, Refusal};

/// Longest id that is echoed, in bytes.
const LONGEST_ID: usize = 1_024;

impl Session {
    pub(super) fn take_stanza(&mut self, frame: Frame, step: &mut Step<'_>) -> Result<(), OfflineReason> {
        let (element, whole) = match frame {
            Frame::Element(element) => (element, true),
            Frame::Discarded(head) => (head, false),
            Frame::Opened { .. } | Frame::Ended => return Err(OfflineReason::UnexpectedElement),
        };
        if element.has_ns(ns::SM) && whole {
            return self.take_count(&element, step);
        }
        if element.is("features", ns::STREAM) && std::mem::take(&mut self.awaits_features) {
            // A session that was logged in, resumed or bound in one step has no use for them any more.
            return Ok(());
        }
        if !element.has_ns(ns::CLIENT) || !matches!(element.name(), "iq" | "message" | "presence") {
            return Err(OfflineReason::UnexpectedElement);
        }
        // After our goodbye nothing is taken in any more; what is not counted, the server keeps.
        if matches!(self.phase, Phase::Closing) {
            return Ok(());
        }
        if let Some(management) = &mut self.management {
            management.count();
        }
        match element.name() {
            "iq" => self.take_iq(&element, whole, step),
            "message" if whole => self.take_message(&element, step),
            "presence" if whole => self.take_presence(&element, step),
            _ => {}
        }
        Ok(())
    }

    /// XEP-0198 4.
    fn take_count(&mut self, element: &Element, step: &mut Step<'_>) -> Result<(), OfflineReason> {
        match (element.name(), &self.management) {
            ("r", Some(management)) if !matches!(self.phase, Phase::Closing) => {
                let answer = management.answer();
                self.write(answer);
                Ok(())
            }
            ("r", _) => Ok(()),
            ("a", _) => {
                let h = element.attr("h").and_then(|h| h.parse().ok());
                self.acknowledged(h.ok_or(OfflineReason::UnexpectedElement)?, step)
            }
            _ => Err(OfflineReason::UnexpectedElement),
        }
    }

    fn take_message(&mut self, element: &Element, step: &mut Step<'_>) {
        let Some(from) = self.sender(element) else {
            return;
        };
        let from = from.unwrap_or_else(|| self.own_account());
        if self.rooms.knows(&from.to_bare()) && stanza::is_from_room(element) {
            self.take_room_message(element, &from, step);
            return;
        }
        match stanza::message(element, from, &self.config.jid) {
            Some(Incoming::Message(event)) => self.tell(event),
            Some(Incoming::Error { from, id, name }) => {
                if self.room_topic_refused(&from.to_bare(), id.as_deref(), &name) {
                    return;
                }
                let token = id.and_then(|id| self.token_of(&id, &from.to_bare()));
                let condition = StanzaCondition::from_name(&name);
                self.tell(Event::MessageError {
                    from,
                    token,
                    condition,
                });
            }
            None => {}
        }
    }

    /// Which message came back; asked once.
    pub(crate) fn token_of(&mut self, id: &str, from: &BareJid) -> Option<u64> {
        let server = BareJid::from_parts(None, self.config.jid.domain());
        let came_back = |sent: &super::Sent| sent.id == id && (sent.to == *from || *from == server);
        let position = self.sent.iter().position(came_back)?;
        self.sent.remove(position).map(|sent| sent.token)
    }

    fn take_presence(&mut self, element: &Element, step: &mut Step<'_>) {
        let Some(Some(from)) = self.sender(element) else {
            return;
        };
        // The server tells us of ourselves, too.
        if self.jid.as_ref().is_some_and(|jid| **jid == from) {
            return;
        }
        let bare = from.to_bare();
        if self.rooms.knows(&bare) {
            self.take_room_presence(element, &from, step);
            return;
        }
        let event = match element.attr("type") {
            None => Event::Presence {
                from,
                available: true,
            },
            Some("unavailable") => Event::Presence {
                from,
                available: false,
            },
            Some("subscribe") => Event::SubscriptionRequest(bare),
            Some("subscribed") => Event::Subscribed(bare),
            Some("unsubscribed") => Event::Unsubscribed(bare),
            _ => return,
        };
        self.tell(event);
    }

    fn take_iq(&mut self, element: &Element, whole: bool, step: &mut Step<'_>) {
        let Some(from) = self.sender(element) else {
            return;
        };
        let Some(id) = element.attr("id").filter(|id| id.len() <= LONGEST_ID) else {
            return;
        };
        match element.attr("type") {
            Some("result" | "error") => {
                self.take_answer(id, from.as_ref(), &Answer::new(element, whole), step);
            }
            Some("get") | Some("set") => {
                let answer = self.answer(element, from, id.to_owned(), whole);
                // An answer that finds no room is not given: whoever floods us gets nothing.
                let _ = answer.and_then(|bytes| self.send_stanza(bytes, None, step));
            }
            _ => {}
        }
    }

    fn take_answer(&mut self, id: &str, from: Option<&Jid>, answer: &Answer<'_>, step: &mut Step<'_>) {
        match self.answered(id, from) {
            // Even a refusal proves that the server has come as far as the ping.
            Some(Kind::Account(change, password)) => self.account_answered(change, password, answer),
            Some(Kind::Confirm { messages }) => self.confirmed(messages, step),
            Some(Kind::Ping) => self.clock.answered(),
            Some(Kind::Query(token, asked)) => self.query_answered(token, &asked, answer, step),
            Some(Kind::Room(room, asked)) => self.room_answered(&room, asked, answer, step),
            Some(Kind::Roster) => self.take_roster(answer.result()),
            Some(Kind::Search(asked)) => self.search_answered(asked, answer, step),
            Some(Kind::Blocking | Kind::RosterChange) | None => {}
        }
    }

    fn take_roster(&mut self, result: Option<&Element>) {
        let Some(query) = result.and_then(|result| result.get_child("query", ns::ROSTER)) else {
            self.tell(Event::RosterUnavailable);
            return;
        };
        self.contacts.clear();
        let items: Vec<RosterItem> = query
            .children()
            .filter_map(stanza::roster_item)
            .filter(|item| item.subscription != Subscription::Removed)
            .take(self.config.limits.contacts)
            .collect();
        for item in &items {
            self.contacts.insert(item.jid.clone(), item.subscription);
        }
        self.tell(Event::Roster(items));
    }

    /// The answer to a request: two are granted, all others are refused alike.
    fn answer(
        &mut self,
        element: &Element,
        from: Option<Jid>,
        id: String,
        whole: bool,
    ) -> Result<Vec<u8>, crate::error::Error> {
        let payload = element.children().next().filter(|_| whole);
        let set = element.attr("type") == Some("set");
        let knows = self.may_know_us(from.as_ref());
        if !self.is_our_side(from.as_ref())
            && let Some(from) = &from
            && !(knows && payload.is_some_and(|ping| !set && ping.is("ping", ns::PING)))
        {
            let request = stanza::request(payload);
            self.tell(Event::RequestRefused {
                from: from.clone(),
                request,
            });
        }
        match payload {
            Some(query) if set && query.is("query", ns::ROSTER) && self.is_our_account(from.as_ref()) => {
                self.take_push(query);
                write::result(from, id)
            }
            Some(ping) if !set && ping.is("ping", ns::PING) && knows => write::result(from, id),
            None if knows && !whole => write::refuse(from, id, Refusal::PolicyViolation),
            _ => write::refuse(from, id, Refusal::ServiceUnavailable),
        }
    }

    /// RFC 6121 2.1.6: one item that changed.
    fn take_push(&mut self, query: &Element) {
        let Some(item) = query.children().find_map(stanza::roster_item) else {
            return;
        };
        if item.subscription == Subscription::Removed {
            self.contacts.remove(&item.jid);
        } else if self.contacts.contains_key(&item.jid) || self.contacts.len() < self.config.limits.contacts {
            self.contacts.insert(item.jid.clone(), item.subscription);
        }
        self.tell(Event::RosterItem(item));
    }

    /// Who sent this: `Some(None)` is our own server on behalf of our account, `None` is an address that is none.
    #[expect(
        clippy::option_option,
        reason = "an absent address and a bad one are different answers"
    )]
    fn sender(&self, element: &Element) -> Option<Option<Jid>> {
        match element.attr("from") {
            None => Some(None),
            Some(from) => Jid::new(from).ok().map(Some),
        }
    }

    fn own_account(&self) -> Jid {
        Jid::from(self.config.jid.clone())
    }

    /// CVE-2015-8688: nobody else may push a roster.
    fn is_our_account(&self, from: Option<&Jid>) -> bool {
        from.is_none_or(|from| *from == self.own_account())
    }

    /// Whether a sender may learn that this session exists: our server, our own devices, and contacts who see our
    /// presence.
    fn may_know_us(&self, from: Option<&Jid>) -> bool {
        let sees_us = |from: &Jid| {
            let bare = from.to_bare();
            !self.blocked.contains(&bare) && self.contacts.get(&bare).is_some_and(|s| s.they_see_us())
        };
        self.is_our_side(from) || from.is_some_and(sees_us)
    }

    /// Our server, or a device of our account.
    fn is_our_side(&self, from: Option<&Jid>) -> bool {
        from.is_none_or(|from| {
            let bare = from.to_bare();
            bare == self.config.jid || bare == BareJid::from_parts(None, self.config.jid.domain())
        })
    }
}
