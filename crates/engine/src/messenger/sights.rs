//! Who could see what: counted where something went out or came in, never from a fixed text.
//! It must never count what was only planned: a message counts when the server has taken it over.
//! hardening.md E7; RFC 6120, RFC 6121, XEP-0198 (what a server has).

use std::collections::{BTreeMap, VecDeque};

use model::{AccountId, Address, Problem, Sight, Sights, Subscription};

use super::network::server_of;
use super::{Messenger, Open, locked};

/// Lines of one run; what is new is not listed after that.
const MAX_SIGHTS: usize = 2_000;
/// Messages on their way to a server that are remembered.
const MAX_SENT: usize = 4_096;

/// Somebody who could see something.
type Line = (AccountId, &'static str, String, &'static str);

/// What was seen in this run.
#[derive(Default)]
pub(super) struct Seen {
    lines: BTreeMap<Line, u64>,
    sent: VecDeque<Sent>,
}

/// A message on its way to a server.
struct Sent {
    token: u64,
    account: AccountId,
    to: Address,
    otr: bool,
    /// It tells the contact that its own messages arrived.
    confirms: bool,
}

impl Seen {
    fn count(&mut self, account: AccountId, observer: &'static str, whom: &str, what: &'static str) {
        let line = (account, observer, whom.to_owned(), what);
        if self.lines.len() < MAX_SIGHTS || self.lines.contains_key(&line) {
            *self.lines.entry(line).or_default() += 1;
        }
    }

    pub(super) fn forget_account(&mut self, id: AccountId) {
        self.lines.retain(|(account, ..), _| *account != id);
        self.sent.retain(|sent| sent.account != id);
    }

    /// A message was handed to a link; the server does not have it yet.
    pub(super) fn handed(&mut self, token: u64, account: AccountId, to: Address, otr: bool) {
        if self.sent.len() >= MAX_SENT {
            self.sent.pop_front();
        }
        self.sent.push_back(Sent {
            token,
            account,
            to,
            otr,
            confirms: false,
        });
    }

    /// A message that was handed to a link holds a receipt.
    pub(super) fn confirms(&mut self, token: u64) {
        if let Some(sent) = self.sent.iter_mut().rev().find(|sent| sent.token == token) {
            sent.confirms = true;
        }
    }

    fn take(&mut self, token: u64, account: AccountId) -> Option<Sent> {
        let mut sent = self.sent.iter();
        let at = sent.position(|sent| (sent.token, sent.account) == (token, account))?;
        self.sent.remove(at)
    }
}

impl Messenger {
    /// Door 1's `sight.list`.
    pub(super) fn list_sights(&self) -> Result<Sights, Problem> {
        let open = self.open.as_ref().ok_or_else(locked)?;
        let seen = open.seen.borrow();
        let line = |((account, observer, whom, what), count): (&Line, &u64)| Sight {
            account: *account,
            observer: (*observer).to_owned(),
            whom: whom.clone(),
            what: (*what).to_owned(),
            count: *count,
        };
        let sights = seen.lines.iter().map(line).collect();
        Ok(Sights { sights })
    }

    /// So many streams to the server began at exits. Behind an onion address there is none.
    pub(super) fn seen_by_exits(&self, id: AccountId, streams: u32) {
        let Some(open) = &self.open else { return };
        for _ in 0..streams {
            open.seen.borrow_mut().count(id, "exit", "", "server_name");
        }
    }

    /// Somebody was asked where the server is: its website, or a name server. Nobody was where Tor made no way; who did
    /// not answer in time may have heard the question.
    pub(super) fn seen_looking(&self, id: AccountId, asked: &[(String, &'static str)]) {
        let Some(open) = &self.open else { return };
        let mut seen = open.seen.borrow_mut();
        let reached = |what: &str| !what.starts_with("tor.") && !what.starts_with("gate.");
        for (who, _) in asked.iter().filter(|(_, what)| reached(what)) {
            if who.starts_with("https://") {
                seen.count(id, "exit", "", "server_name");
            } else {
                seen.count(id, "exit", "", "name_server");
                seen.count(id, "name_server", who, "server_name");
            }
        }
    }

    /// The server let the account in.
    pub(super) fn seen_online(&self, id: AccountId) {
        self.seen_by_server(id, &["address", "online_times"]);
    }

    /// The server gave the contact list, so it has one.
    pub(super) fn seen_contact_list(&self, id: AccountId) {
        self.seen_by_server(id, &["contact_list"]);
    }

    /// A message came.
    pub(super) fn seen_message(&self, id: AccountId, from: &Address, body: &str) {
        self.seen_words(id, from, body.starts_with("?OTR"));
    }

    /// The server has taken a message over.
    pub(super) fn seen_taken(&self, id: AccountId, token: u64) {
        let taken = self
            .open
            .as_ref()
            .and_then(|open| open.seen.borrow_mut().take(token, id));
        if let Some(Sent {
            to, otr, confirms, ..
        }) = taken
        {
            self.seen_words(id, &to, otr);
            if let Some(open) = &self.open {
                let mut seen = open.seen.borrow_mut();
                seen.count(id, "contact", to.as_str(), "message_times");
                if confirms {
                    seen.count(id, "contact", to.as_str(), "receipts");
                }
            }
        }
    }

    /// A private conversation stands: the contact knows the key.
    pub(super) fn seen_private(&self, id: AccountId, contact: &Address) {
        if let Some(open) = &self.open {
            let mut seen = open.seen.borrow_mut();
            seen.count(id, "contact", contact.as_str(), "otr_fingerprint");
        }
    }

    /// Something that is no message goes to the link of an account that is connected.
    pub(super) fn seen_order(&self, id: AccountId, command: &xmpp::Command) {
        use xmpp::Command;
        match command {
            Command::AddContact { .. } | Command::RemoveContact(_) => self.seen_contact_list(id),
            Command::Approve(who)
            | Command::Refuse(who)
            | Command::Subscribe(who)
            | Command::SubscribeWith { jid: who, .. } => {
                self.seen_contact_list(id);
                if let Ok(who) = who.as_str().parse() {
                    self.seen_by_contact(id, &who, &["address"]);
                }
            }
            Command::HideFrom(who) | Command::ShowTo(who) => {
                self.seen_by_server(id, &["presence"]);
                if let Ok(who) = who.as_str().parse() {
                    self.seen_by_contact(id, &who, &["presence"]);
                }
            }
            Command::SetAvailable | Command::SetUnavailable => self.seen_presence(id),
            _ => {}
        }
    }

    /// Presence goes to the server, and by it to everybody who may see it.
    fn seen_presence(&self, id: AccountId) {
        self.seen_by_server(id, &["presence"]);
        let Some(open) = &self.open else { return };
        let may_see = |subscription| matches!(subscription, Subscription::Both | Subscription::From);
        let people = open.people.values().filter(|person| person.account == id);
        for person in people.filter(|person| may_see(person.subscription)) {
            self.seen_by_contact(id, &person.address, &["presence"]);
        }
    }

    /// Something crossed a room: what of it its server and ours saw, and what everybody in it did.
    pub(super) fn seen_room(
        &self,
        id: AccountId,
        room: &Address,
        by_servers: &[&'static str],
        by_all: &[&'static str],
    ) {
        self.seen_by_server(id, by_servers);
        let Some(open) = &self.open else { return };
        open.count_server_of(id, room, ("room_server", by_servers));
        for what in by_all {
            open.seen.borrow_mut().count(id, "room", room.as_str(), what);
        }
    }

    /// Somebody invites somebody else into a room: the account the person, or the person the account. A room that is
    /// not open to everybody is asked to let the person in.
    pub(super) fn seen_invitation(&self, id: AccountId, room: &Address, who: &Address, invites: bool) {
        const WHAT: &[&str] = &["invitations"];
        self.seen_by_server(id, WHAT);
        let Some(open) = &self.open else { return };
        open.count_server_of(id, who, ("contact_server", WHAT));
        let closed = open.rooms.find(id, room);
        let closed = closed.is_some_and(|room| !room.risks.contains(&model::RoomRisk::Open));
        if invites && closed {
            open.count_server_of(id, room, ("room_server", WHAT));
        }
        if invites {
            let mut seen = open.seen.borrow_mut();
            seen.count(id, "contact", who.as_str(), "invitations");
        }
    }

    fn seen_words(&self, id: AccountId, who: &Address, otr: bool) {
        let servers: &[_] = if otr {
            &["message_times", "message_sizes"]
        } else {
            &["message_times", "message_sizes", "readable_text"]
        };
        self.seen_by_server(id, servers);
        let Some(open) = &self.open else { return };
        open.count_server_of(id, who, ("contact_server", servers));
    }

    fn seen_by_server(&self, id: AccountId, what: &[&'static str]) {
        let Some(open) = &self.open else { return };
        let Some(account) = open.accounts.get(&id) else {
            return;
        };
        let mut seen = open.seen.borrow_mut();
        for what in what {
            seen.count(id, "own_server", server_of(&account.shown.address), what);
        }
    }

    fn seen_by_contact(&self, id: AccountId, who: &Address, what: &[&'static str]) {
        let Some(open) = &self.open else { return };
        open.count_server_of(id, who, ("contact_server", what));
        for what in what {
            open.seen.borrow_mut().count(id, "contact", who.as_str(), what);
        }
    }
}

impl Open {
    /// The server of a contact or a room, unless it is the account's own.
    fn count_server_of(
        &self,
        id: AccountId,
        who: &Address,
        (observer, what): (&'static str, &[&'static str]),
    ) {
        let own = self
            .accounts
            .get(&id)
            .map(|account| server_of(&account.shown.address));
        let server = server_of(who);
        if server.is_empty() || own == Some(server) {
            return;
        }
        for what in what {
            let mut seen = self.seen.borrow_mut();
            seen.count(id, observer, server, what);
        }
    }
}
