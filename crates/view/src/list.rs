//! The list: requests on top, then conversations and contacts, found, filtered and ordered.
//! It must never show a name without sanitising it, and it shows the address of whoever was not accepted.
//! Standard: none; the rules stand at [`ListRow`] and [`Query`].

use model::{AccountId, Contact, Presence};

use crate::drafts::Drafts;
use crate::state::State;
use crate::text::{self, Name};
use crate::{Peer, Trust, Words};

/// Characters of a preview.
const MAX_PREVIEW_CHARS: usize = 80;

/// Which rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// Everybody who was accepted, and requests.
    #[default]
    All,
    /// Who is blocked.
    Blocked,
    /// Who is there.
    Online,
    /// Who asks to be a contact.
    Requests,
    /// With unread messages.
    Unread,
}

/// In which order; requests always come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By name.
    Name,
    /// Last message first; without messages by name.
    #[default]
    Recent,
}

/// What the list shall show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Text to find in names and addresses; empty: everything. Case, marks and look-alikes do not matter.
    pub search: String,
    /// Which rows.
    pub filter: Filter,
    /// One account only.
    pub account: Option<AccountId>,
    /// In which order.
    pub order: Order,
    /// Whether the last message is shown.
    pub previews: bool,
}

/// What a row of the list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKind {
    /// Everything from the person is refused.
    Blocked,
    /// An accepted contact.
    Contact,
    /// A person who asks to be a contact.
    Request,
}

/// One row of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListRow {
    /// Which conversation.
    pub peer: Peer,
    /// What it is.
    pub kind: ListKind,
    /// The name.
    pub name: Name,
    /// The person's address, sanitised.
    pub address: String,
    /// The owner's account, as its address, sanitised; for several accounts.
    pub account: String,
    /// Whether the person is there.
    pub online: bool,
    /// How private the conversation is.
    pub trust: Trust,
    /// Unread messages.
    pub unread: u32,
    /// The same for a badge; empty: none.
    pub badge: String,
    /// The last message, the draft, or a request's first words: on one line.
    pub preview: String,
    /// Whether that runs from right to left.
    pub preview_rtl: bool,
    /// Whether that is a draft.
    pub is_draft: bool,
    /// Whether own messages have not left this program.
    pub waiting: bool,
    /// When the last message came or went; empty: none.
    pub when: String,
    /// What a screen reader says: name, presence, trust, unread.
    pub spoken: String,
    /// When, in milliseconds since 1970 UTC; 0: never.
    last: u64,
    /// The name as it is sorted and found.
    key: String,
}

/// The rows for a query. `now`: milliseconds since 1970 UTC.
pub fn list(state: &State, drafts: &Drafts, words: Words, query: &Query, now: u64) -> Vec<ListRow> {
    let maker = Maker {
        state,
        drafts,
        words,
        query,
        now,
    };
    let wanted = text::skeleton(&query.search);
    let mut rows: Vec<_> = state
        .contacts()
        .filter(|(peer, _)| query.account.is_none_or(|account| peer.account == account))
        .filter_map(|(peer, contact)| maker.row(peer, contact))
        .filter(|row| wanted.is_empty() || row.is_found(&wanted))
        .collect();
    rows.sort_by(|one, other| {
        let first = (other.kind == ListKind::Request).cmp(&(one.kind == ListKind::Request));
        let recent = match query.order {
            Order::Name => std::cmp::Ordering::Equal,
            Order::Recent => other.last.cmp(&one.last),
        };
        first
            .then(recent)
            .then_with(|| one.key.cmp(&other.key))
            .then_with(|| one.peer.cmp(&other.peer))
    });
    rows
}

impl ListRow {
    fn is_found(&self, wanted: &str) -> bool {
        self.key.contains(wanted) || text::skeleton(&self.address).contains(wanted)
    }
}

struct Maker<'a> {
    state: &'a State,
    drafts: &'a Drafts,
    words: Words,
    query: &'a Query,
    now: u64,
}

impl Maker<'_> {
    fn row(&self, peer: &Peer, contact: &Contact) -> Option<ListRow> {
        let kind = kind(contact)?;
        let talk = self.state.talk(peer);
        let unread = talk.map_or(0, |talk| talk.log.unread());
        let online = contact.presence == Presence::Online;
        let wanted = match self.query.filter {
            Filter::All => kind != ListKind::Blocked,
            Filter::Blocked => kind == ListKind::Blocked,
            Filter::Online => kind == ListKind::Contact && online,
            Filter::Requests => kind == ListKind::Request,
            Filter::Unread => kind != ListKind::Blocked && unread > 0,
        };
        if !wanted {
            return None;
        }
        let address = text::address(contact.address.as_str());
        let name = self.state.name(peer)?.clone();
        let trust = Trust::of(self.state, peer);
        let (preview, is_draft) = self.preview(peer, contact);
        let last = talk
            .and_then(|talk| talk.log.last_message())
            .map_or(0, |it| it.at);
        Some(ListRow {
            peer: peer.clone(),
            kind,
            spoken: self.spoken(&name, kind, online, trust, unread),
            key: self.state.sort_key(peer).to_owned(),
            name,
            address,
            account: self
                .state
                .account(peer.account)
                .map(|account| text::address(account.address.as_str()))
                .unwrap_or_default(),
            online,
            trust,
            unread,
            badge: if unread > 0 {
                self.words.badge(unread)
            } else {
                String::new()
            },
            preview_rtl: text::is_rtl(&preview),
            preview,
            is_draft,
            waiting: talk.is_some_and(|talk| talk.log.waiting().0 > 0),
            when: if last > 0 {
                self.words.short(last, self.now)
            } else {
                String::new()
            },
            last,
        })
    }

    fn preview(&self, peer: &Peer, contact: &Contact) -> (String, bool) {
        let line = |text: &str| text::line(text, MAX_PREVIEW_CHARS).text;
        if let Some(first) = &contact.first_words {
            return (line(first), false);
        }
        let talk = self.state.talk(peer);
        let kept = talk.map_or("", |talk| talk.draft.as_str());
        let draft = self.drafts.text(peer, kept);
        if !draft.is_empty() {
            return (
                if self.query.previews {
                    line(draft)
                } else {
                    String::new()
                },
                true,
            );
        }
        let last = talk
            .filter(|_| self.query.previews)
            .and_then(|talk| talk.log.last_message());
        (last.map(|message| line(&message.text)).unwrap_or_default(), false)
    }

    fn spoken(&self, name: &Name, kind: ListKind, online: bool, trust: Trust, unread: u32) -> String {
        let presence = self.words.say(match (kind, online) {
            (ListKind::Request, _) => "presence.asks",
            (ListKind::Blocked, _) => "presence.blocked",
            (ListKind::Contact, true) => "presence.online",
            (ListKind::Contact, false) => "presence.offline",
        });
        let trust = trust.words(&self.words);
        let unread = self.words.count("list.unread", u64::from(unread));
        let values = [
            ("name", name.text.as_str()),
            ("presence", presence.as_str()),
            ("trust", trust.as_str()),
            ("unread", unread.as_str()),
        ];
        self.words.fill("list.spoken", &values)
    }
}

/// `None`: the person is not shown anywhere.
fn kind(contact: &Contact) -> Option<ListKind> {
    match (contact.blocked, contact.accepted, contact.asks) {
        (true, _, _) => Some(ListKind::Blocked),
        (_, true, _) => Some(ListKind::Contact),
        (_, _, true) => Some(ListKind::Request),
        _ => None,
    }
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
