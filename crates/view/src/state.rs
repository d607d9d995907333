//! The mirror of the engine's state: a snapshot, and the events after it.
//! It must never decide anything about trust by itself: the engine is the truth, this only repeats it.
//! Standard: `docs/rpc.md`, `Snapshot` and `Event`.

mod rooms;

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Account, AccountId, Contact, Event, Kept, Message, Privacy, Probe, ProfileState, Rules, Snapshot, Tor,
    Verification, Wall,
};

use crate::Peer;
use crate::log::{Log, RowChange, What};
use crate::text::{self, Name};

pub use rooms::{MAX_MEMBERS, MAX_ROOMS, RoomTalk};

/// Accounts that are mirrored: the engine allows fewer.
pub const MAX_ACCOUNTS: usize = 128;
/// Contacts, and conversations, that are mirrored.
pub const MAX_CONTACTS: usize = 20_000;
/// Refused probes that are mirrored.
pub const MAX_PROBES: usize = 1_000;

/// What has to be shown anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// An account is new, changed or gone.
    Account(AccountId),
    /// A message came in and nobody was looking: a notification may be due.
    Arrived(Peer),
    /// Anything may be different.
    Everything,
    /// Privacy, verification, presence, keys or name of a contact changed.
    Header(Peer),
    /// The rows of the list: order, unread counts, presence, trust.
    List,
    /// Somebody who was not accepted tried something.
    Probes,
    /// The profile was made, opened or locked.
    Profile,
    /// Who is in a room changed, and it has to be asked for anew where it is shown.
    Members(Peer),
    /// A room is new, changed or gone.
    Room(Peer),
    /// A row of a conversation.
    Row(Peer, RowChange),
    /// The owner chose other rules.
    Rules(Rules),
    /// Tor got on, or got stuck.
    Tor,
}

/// One conversation as it is now.
#[derive(Clone, Debug, Default)]
pub struct Talk {
    /// How private it is.
    pub privacy: Privacy,
    /// How far the verification of the contact's key is.
    pub verification: Verification,
    /// A key that was told as new while others were known: it may wait for the owner's decision.
    pub new_key: Option<String>,
    /// What the engine keeps of a text that was begun and not sent.
    pub draft: String,
    /// What was said.
    pub log: Log,
    /// How far back kept messages were read.
    pub kept: KeptTo,
}

/// How far back the kept messages of a conversation were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeptTo {
    /// To the first one.
    All,
    /// To this place.
    Before(u32),
    /// Not at all.
    #[default]
    Nothing,
}

/// A contact, and its name as it is shown, sorted and found: sanitised once, not for each row.
#[derive(Clone, Debug)]
struct Known {
    contact: Contact,
    name: Name,
    key: String,
}

impl Known {
    fn new(contact: Contact) -> Self {
        // Somebody who was not accepted has no name here: it would be a stranger's own word.
        let given = contact.name.as_deref().filter(|_| contact.accepted);
        let name = text::name(given, contact.address.as_str());
        Self {
            key: text::skeleton(&name.text),
            name,
            contact,
        }
    }
}

/// Everything that the engine told.
#[derive(Clone, Debug, Default)]
pub struct State {
    profile: Option<ProfileState>,
    tor: Option<Tor>,
    walls: Vec<Wall>,
    accounts: BTreeMap<AccountId, Account>,
    contacts: BTreeMap<Peer, Known>,
    talks: BTreeMap<Peer, Talk>,
    rooms: BTreeMap<Peer, RoomTalk>,
    probes: BTreeMap<(AccountId, String, String), Probe>,
    open: Option<Peer>,
    looking: bool,
}

impl State {
    /// The profile; `None` until the first snapshot.
    pub fn profile(&self) -> Option<ProfileState> {
        self.profile
    }

    /// Tor; `None` until the first snapshot.
    pub fn tor(&self) -> Option<&Tor> {
        self.tor.as_ref()
    }

    /// The walls of the rooms.
    pub fn walls(&self) -> &[Wall] {
        &self.walls
    }

    /// One account.
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(&id)
    }

    /// The accounts, in the order in which they were made.
    pub fn accounts(&self) -> impl ExactSizeIterator<Item = &Account> {
        self.accounts.values()
    }

    /// One contact.
    pub fn contact(&self, peer: &Peer) -> Option<&Contact> {
        self.contacts.get(peer).map(|known| &known.contact)
    }

    /// The name of a contact, fit to be shown; of one who was not accepted the address.
    pub fn name(&self, peer: &Peer) -> Option<&Name> {
        self.contacts.get(peer).map(|known| &known.name)
    }

    /// The name of a contact as it is sorted and found.
    pub(crate) fn sort_key(&self, peer: &Peer) -> &str {
        self.contacts.get(peer).map_or("", |known| &known.key)
    }

    /// The contacts of every account.
    pub fn contacts(&self) -> impl ExactSizeIterator<Item = (&Peer, &Contact)> {
        self.contacts.iter().map(|(peer, known)| (peer, &known.contact))
    }

    /// One conversation, where anything is known of it.
    pub fn talk(&self, peer: &Peer) -> Option<&Talk> {
        self.talks.get(peer)
    }

    /// The conversations.
    pub fn talks(&self) -> impl ExactSizeIterator<Item = (&Peer, &Talk)> {
        self.talks.iter()
    }

    /// The refused probes told so far, newest first.
    pub fn probes(&self) -> Vec<&Probe> {
        let mut probes: Vec<_> = self.probes.values().collect();
        probes.sort_by_key(|probe| std::cmp::Reverse(probe.last_at));
        probes
    }

    /// Unread messages of all conversations; stops counting at the largest number.
    pub fn unread(&self) -> u32 {
        self.talks
            .values()
            .fold(0, |sum, talk| sum.saturating_add(talk.log.unread()))
    }

    /// The conversation with a contact that is open in the window.
    pub fn opened(&self) -> Option<&Peer> {
        self.open.as_ref().filter(|peer| !self.rooms.contains_key(peer))
    }

    /// What is open in the window: a conversation or a room.
    pub fn in_view(&self) -> Option<&Peer> {
        self.open.as_ref()
    }

    /// Opens a conversation or a room in the window, or none; what was unread in it is read once the person looks.
    /// Ask for [`Log::first_unread`] before, to show where the new messages begin.
    pub fn open(&mut self, peer: Option<Peer>) -> Vec<Change> {
        self.open = peer;
        self.read_open()
    }

    /// Says whether the person looks at the window (it has the focus): only then is anything read.
    pub fn look(&mut self, looking: bool) -> Vec<Change> {
        self.looking = looking;
        self.read_open()
    }

    /// Takes a snapshot in place of what was there. Unread counts, and the lines in between that only this window
    /// knows, are kept as long as the profile is open.
    pub fn replace(&mut self, snapshot: Snapshot) {
        if snapshot.profile != ProfileState::Open {
            self.forget();
        }
        self.profile = Some(snapshot.profile);
        self.tor = Some(snapshot.tor);
        self.walls = snapshot.walls;
        self.accounts = snapshot
            .accounts
            .into_iter()
            .take(MAX_ACCOUNTS)
            .map(|account| (account.id, account))
            .collect();
        self.contacts = snapshot
            .contacts
            .into_iter()
            .take(MAX_CONTACTS)
            .map(|contact| (peer_of(&contact), Known::new(contact)))
            .collect();
        let mut told = BTreeSet::new();
        for conversation in snapshot.conversations.into_iter().take(MAX_CONTACTS) {
            let peer = Peer::new(conversation.account, conversation.contact);
            let talk = self.talks.entry(peer.clone()).or_default();
            talk.privacy = conversation.privacy;
            talk.verification = conversation.verification;
            talk.draft = conversation.draft;
            if talk.kept == KeptTo::Nothing {
                talk.kept = conversation.before.map_or(KeptTo::All, KeptTo::Before);
            }
            for message in conversation.messages {
                talk.log.put(What::Message(message));
            }
            told.insert(peer);
        }
        self.talks.retain(|peer, _| told.contains(peer));
        self.replace_rooms(snapshot.rooms);
        self.read_open();
    }

    /// Takes one event. `now`: milliseconds since 1970 UTC, for what carries no time of its own.
    pub fn apply(&mut self, event: Event, now: u64) -> Vec<Change> {
        match event {
            Event::AccountChanged { account } => self.account_changed(account),
            Event::AccountRemoved { account } => self.account_removed(account),
            Event::ContactChanged { contact } => self.contact_changed(contact),
            Event::ContactRemoved { account, contact } => self.contact_removed(&Peer::new(account, contact)),
            // The page of other networks asks for itself.
            Event::EventsLost { .. } | Event::GatewayChanged { .. } => Vec::new(),
            Event::FingerprintNew {
                account,
                contact,
                fingerprint,
                changed,
            } => self.key_seen(Peer::new(account, contact), fingerprint, changed, now),
            Event::MessageChanged { message } => self.message_changed(message),
            Event::Notice {
                account,
                contact,
                notice,
            } => self.happened(Peer::new(account, contact), What::Notice { at: now, notice }),
            Event::PrivacyChanged {
                account,
                contact,
                privacy,
            } => self.privacy_changed(Peer::new(account, contact), privacy, now),
            Event::ProbeRefused { probe } => self.probe_refused(probe),
            Event::ProfileChanged { state } => self.profile_changed(state),
            Event::RoomChanged { room } => self.room_changed(room),
            Event::RoomMembersChanged { account, room } => vec![Change::Members(Peer::new(account, room))],
            Event::RoomRemoved { account, room } => self.room_removed(&Peer::new(account, room)),
            Event::RoomSaid { message } => self.room_said(message),
            Event::RulesChanged { rules } => vec![Change::Rules(rules)],
            Event::TorChanged { tor } => {
                self.tor = Some(tor);
                vec![Change::Tor]
            }
            Event::VerificationChanged {
                account,
                contact,
                verification,
            } => self.verification_changed(Peer::new(account, contact), verification),
        }
    }

    /// Whether there may be kept messages before those that are there, and before which place to read them.
    pub fn earlier(&self, peer: &Peer) -> Option<Option<u32>> {
        let kept = self.contact(peer).is_some_and(|contact| contact.kept);
        match self.talk(peer).map(|talk| talk.kept).unwrap_or_default() {
            KeptTo::Before(place) => Some(Some(place)),
            KeptTo::Nothing if kept => Some(None),
            KeptTo::All | KeptTo::Nothing => None,
        }
    }

    /// Takes what the engine answered to `history.read`; says how many messages came.
    pub fn take_kept(&mut self, peer: &Peer, kept: Kept) -> usize {
        let Some(talk) = self.talk_of(peer) else {
            return 0;
        };
        // A place that does not come nearer would be asked for without end.
        let nearer = match (kept.before, talk.kept) {
            (Some(place), KeptTo::Before(last)) => place < last,
            (Some(_), _) => true,
            (None, _) => false,
        };
        talk.kept = match kept.before {
            Some(place) if nearer => KeptTo::Before(place),
            _ => KeptTo::All,
        };
        let of_peer = |it: &Message| it.account == peer.account && it.contact == peer.contact;
        talk.log
            .prepend(kept.messages.into_iter().filter(of_peer).collect())
    }

    /// Takes what the engine answered to `probe.list`.
    pub fn take_probes(&mut self, probes: Vec<Probe>) {
        self.probes.clear();
        for probe in probes.into_iter().take(MAX_PROBES) {
            self.probes.insert(key_of(&probe), probe);
        }
    }

    fn account_changed(&mut self, account: Account) -> Vec<Change> {
        let id = account.id;
        if self.accounts.len() < MAX_ACCOUNTS || self.accounts.contains_key(&id) {
            self.accounts.insert(id, account);
        }
        vec![Change::Account(id), Change::List]
    }

    fn account_removed(&mut self, id: AccountId) -> Vec<Change> {
        self.accounts.remove(&id);
        self.contacts.retain(|peer, _| peer.account != id);
        self.talks.retain(|peer, _| peer.account != id);
        self.rooms.retain(|peer, _| peer.account != id);
        self.probes.retain(|(account, _, _), _| *account != id);
        if self.open.as_ref().is_some_and(|peer| peer.account == id) {
            self.open = None;
        }
        vec![Change::Account(id), Change::Everything]
    }

    fn contact_changed(&mut self, contact: Contact) -> Vec<Change> {
        let peer = peer_of(&contact);
        if self.contacts.len() < MAX_CONTACTS || self.contacts.contains_key(&peer) {
            self.contacts.insert(peer.clone(), Known::new(contact));
        }
        vec![Change::Header(peer), Change::List]
    }

    fn contact_removed(&mut self, peer: &Peer) -> Vec<Change> {
        self.contacts.remove(peer);
        self.talks.remove(peer);
        if self.open.as_ref() == Some(peer) {
            self.open = None;
        }
        vec![Change::Header(peer.clone()), Change::List]
    }

    fn message_changed(&mut self, message: Message) -> Vec<Change> {
        let peer = Peer::new(message.account, message.contact.clone());
        let watched = self.watched(&peer);
        let Some(talk) = self.talk_of(&peer) else {
            return Vec::new();
        };
        let before = talk.log.unread();
        let row = talk.log.put(What::Message(message));
        let unread = talk.log.unread() > before;
        if watched {
            talk.log.mark_read();
        }
        let mut changes = vec![Change::Row(peer.clone(), row), Change::List];
        if unread && !watched {
            changes.push(Change::Arrived(peer));
        }
        changes
    }

    fn happened(&mut self, peer: Peer, what: What) -> Vec<Change> {
        let Some(talk) = self.talk_of(&peer) else {
            return Vec::new();
        };
        let row = talk.log.push(what);
        vec![Change::Row(peer.clone(), row), Change::Header(peer), Change::List]
    }

    fn key_seen(&mut self, peer: Peer, fingerprint: String, changed: bool, at: u64) -> Vec<Change> {
        if changed && let Some(talk) = self.talk_of(&peer) {
            talk.new_key = Some(fingerprint.clone());
        }
        let what = What::Key {
            at,
            fingerprint,
            changed,
        };
        self.happened(peer, what)
    }

    fn privacy_changed(&mut self, peer: Peer, privacy: Privacy, at: u64) -> Vec<Change> {
        let Some(talk) = self.talk_of(&peer) else {
            return Vec::new();
        };
        let before = std::mem::replace(&mut talk.privacy, privacy.clone());
        let worth_a_line = before != privacy
            && match privacy {
                Privacy::Starting => false,
                Privacy::Plain => !matches!(before, Privacy::Starting),
                Privacy::Finished | Privacy::Private { .. } => true,
            };
        if worth_a_line {
            return self.happened(peer, What::Privacy { at, privacy });
        }
        vec![Change::Header(peer), Change::List]
    }

    fn verification_changed(&mut self, peer: Peer, verification: Verification) -> Vec<Change> {
        if let Some(talk) = self.talk_of(&peer) {
            talk.verification = verification;
        }
        vec![Change::Header(peer), Change::List]
    }

    fn probe_refused(&mut self, probe: Probe) -> Vec<Change> {
        let key = key_of(&probe);
        if self.probes.len() >= MAX_PROBES && !self.probes.contains_key(&key) {
            let oldest = self.probes.iter().min_by_key(|(_, probe)| probe.last_at);
            let oldest = oldest.map(|(key, _)| key.clone());
            oldest.map(|key| self.probes.remove(&key));
        }
        self.probes.insert(key, probe);
        vec![Change::Probes]
    }

    fn profile_changed(&mut self, state: ProfileState) -> Vec<Change> {
        if state != ProfileState::Open {
            self.forget();
        }
        self.profile = Some(state);
        vec![Change::Profile, Change::Everything]
    }

    /// The profile is closed: nothing of what was in it stays.
    fn forget(&mut self) {
        self.accounts.clear();
        self.contacts.clear();
        self.talks.clear();
        self.rooms.clear();
        self.probes.clear();
        self.open = None;
    }

    fn talk_of(&mut self, peer: &Peer) -> Option<&mut Talk> {
        if self.talks.len() >= MAX_CONTACTS && !self.talks.contains_key(peer) {
            return None;
        }
        Some(self.talks.entry(peer.clone()).or_default())
    }

    fn watched(&self, peer: &Peer) -> bool {
        self.looking && self.open.as_ref() == Some(peer)
    }

    fn read_open(&mut self) -> Vec<Change> {
        let Some(peer) = self.open.clone().filter(|_| self.looking) else {
            return Vec::new();
        };
        let log = match self.rooms.get_mut(&peer) {
            Some(room) => Some(&mut room.log),
            None => self.talks.get_mut(&peer).map(|talk| &mut talk.log),
        };
        let read = log.is_some_and(Log::mark_read);
        if read { vec![Change::List] } else { Vec::new() }
    }
}

fn peer_of(contact: &Contact) -> Peer {
    Peer::new(contact.account, contact.address.clone())
}

fn key_of(probe: &Probe) -> (AccountId, String, String) {
    (probe.account, probe.from.clone(), probe.kind.clone())
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
