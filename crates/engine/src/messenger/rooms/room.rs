//! One room: who is in it and what was said, within bounds.
//! It must never grow with what others do, nor pass their words on with control characters in them.
//! Bounds as door 1 says: 10,000 members, 1,000 messages, and 1 MiB of text.

use std::collections::{BTreeMap, VecDeque};

use model::{AccountId, Address, Member, MessageId, Problem, RoomMessage, RoomShown, RoomState};
use vault::SecretText;
use zeroize::Zeroizing;

use super::looks::Looks;
use crate::messenger::effects::unix_milliseconds;
use crate::text;

/// Members that are known of one room.
const MAX_MEMBERS: usize = 10_000;
/// Messages that are remembered of one room.
const MAX_MESSAGES: usize = 1_000;
/// Bytes of text that are remembered of one room.
const MAX_BYTES: usize = 1 << 20;
/// Bytes of one message of others; more is cut off.
const MAX_MESSAGE: usize = 100_000;
/// Characters of a topic or a name.
const MAX_LINE: usize = 1_000;
/// Characters of somebody's name.
const MAX_NICK: usize = 200;

/// One room, seen from one account.
pub(super) struct Room {
    pub(super) shown: model::Room,
    pub(super) password: Option<Zeroizing<String>>,
    pub(super) draft: String,
    /// The owner wants to be in it in this run.
    pub(super) wanted: bool,
    /// It may be made where there is none.
    pub(super) create: bool,
    /// The connection is gone, and perhaps comes back with the account still inside.
    pub(super) away: bool,
    members: BTreeMap<String, Member>,
    messages: VecDeque<RoomMessage>,
    bytes: usize,
    looks: Looks,
}

impl Room {
    pub(super) fn new(account: AccountId, address: Address) -> Self {
        Self {
            shown: model::Room {
                account,
                address,
                name: None,
                topic: None,
                state: RoomState::Outside,
                nick: String::new(),
                rank: model::Rank::default(),
                members: 0,
                risks: Vec::new(),
                enter: false,
                invited_by: None,
            },
            password: None,
            draft: String::new(),
            wanted: false,
            create: false,
            away: false,
            members: BTreeMap::new(),
            messages: VecDeque::new(),
            bytes: 0,
            looks: Looks::default(),
        }
    }

    /// A room that the profile holds.
    pub(super) fn restored(kept: &vault::Room) -> Option<Self> {
        let mut room = Self::new(AccountId(kept.account), kept.address.parse().ok()?);
        let secret = |text: &SecretText| text.expose_secret().to_owned();
        room.shown.nick.clone_from(&kept.nick);
        room.shown.enter = kept.enter;
        room.password = kept.password.as_ref().map(secret).map(Zeroizing::new);
        room.draft = kept.draft.as_ref().map(secret).unwrap_or_default();
        Some(room)
    }

    /// What the profile holds of it: nothing that was said.
    pub(super) fn kept(&self) -> vault::Room {
        let password = self.password.as_ref().map(|word| word.to_string());
        vault::Room {
            account: self.shown.account.0,
            address: self.shown.address.as_str().to_owned(),
            nick: self.shown.nick.clone(),
            password: password.map(SecretText::new),
            enter: self.shown.enter,
            draft: (!self.draft.is_empty()).then(|| SecretText::new(self.draft.clone())),
        }
    }

    pub(super) fn shown(&self) -> model::Room {
        let mut shown = self.shown.clone();
        shown.members = u32::try_from(self.members.len()).unwrap_or(u32::MAX);
        if self.away && shown.state == RoomState::Inside {
            shown.state = RoomState::Outside;
        }
        shown
    }

    pub(super) fn show(&self) -> RoomShown {
        let mut members: Vec<Member> = self.members.values().cloned().collect();
        members.sort_by_key(|member| std::cmp::Reverse(member.rank));
        RoomShown {
            room: self.shown(),
            members,
            messages: self.messages.iter().cloned().collect(),
            draft: self.draft.clone(),
        }
    }

    pub(super) fn has(&self, nick: &str) -> bool {
        self.members.contains_key(nick)
    }

    /// The account is not in it: who is there is not known any more.
    pub(super) fn leave(&mut self) {
        self.shown.state = RoomState::Outside;
        self.shown.rank = model::Rank::default();
        self.away = false;
        self.members.clear();
        self.looks = Looks::default();
    }

    /// Names that were put in it since the last call and look like others.
    pub(super) fn take_alike(&mut self) -> Vec<String> {
        self.looks.take()
    }

    pub(super) fn set_members(&mut self, members: Vec<Member>) {
        self.members.clear();
        self.looks.empty();
        for member in members {
            self.put(member);
        }
    }

    /// Somebody is new or changed.
    pub(super) fn put(&mut self, mut member: Member) {
        member.nick = name(&member.nick);
        if member.own {
            self.shown.rank = member.rank;
            self.shown.nick.clone_from(&member.nick);
        }
        if self.members.len() < MAX_MEMBERS || self.members.contains_key(&member.nick) || member.own {
            self.looks.add(&member.nick, member.own);
            self.members.insert(member.nick.clone(), member);
        }
    }

    /// Whether somebody of this name was in it.
    pub(super) fn remove(&mut self, nick: &str) -> bool {
        let nick = name(nick);
        self.looks.remove(&nick);
        self.members.remove(&nick).is_some()
    }

    /// Whether somebody of this name was in it and is called otherwise now.
    pub(super) fn rename(&mut self, from: &str, to: &str) -> bool {
        let Some(mut member) = self.members.remove(&name(from)) else {
            return false;
        };
        self.looks.remove(&name(from));
        to.clone_into(&mut member.nick);
        self.put(member);
        true
    }

    pub(super) fn set_topic(&mut self, topic: &str) {
        self.shown.topic = line(topic);
    }

    pub(super) fn set_name(&mut self, name: &str) {
        self.shown.name = line(name);
    }

    /// Something that the owner says now.
    pub(super) fn own_message(&mut self, id: MessageId, text: String) -> RoomMessage {
        let nick = Some(self.shown.nick.clone());
        self.remember(RoomMessage {
            id,
            account: self.shown.account,
            room: self.shown.address.clone(),
            nick,
            own: true,
            text,
            at: unix_milliseconds(),
            earlier: false,
            problem: None,
        })
    }

    /// Something that others, or the owner elsewhere, said. Nothing where nothing is left of it.
    pub(super) fn heard(
        &mut self,
        id: MessageId,
        nick: Option<&str>,
        (own, earlier): (bool, bool),
        said: &str,
    ) -> Option<RoomMessage> {
        let mut text = text::plain(said);
        let end = (0..=MAX_MESSAGE.min(text.len())).rev();
        let end = end.into_iter().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or_default());
        let message = RoomMessage {
            id,
            account: self.shown.account,
            room: self.shown.address.clone(),
            nick: nick.map(name),
            own,
            text,
            at: unix_milliseconds(),
            earlier,
            problem: None,
        };
        (!message.text.trim().is_empty()).then(|| self.remember(message))
    }

    /// A message of the owner's went nowhere; as it is now.
    pub(super) fn lost(&mut self, id: &MessageId, problem: &Problem) -> Option<RoomMessage> {
        let mut messages = self.messages.iter_mut().rev();
        let message = messages.find(|message| message.id == *id)?;
        message.problem = Some(problem.clone());
        Some(message.clone())
    }

    fn remember(&mut self, message: RoomMessage) -> RoomMessage {
        self.bytes += message.text.len();
        self.messages.push_back(message.clone());
        while self.messages.len() > MAX_MESSAGES || (self.bytes > MAX_BYTES && self.messages.len() > 1) {
            let dropped = self.messages.pop_front();
            self.bytes -= dropped.map_or(0, |dropped| dropped.text.len()).min(self.bytes);
        }
        message
    }
}

/// Somebody's name as it is shown and known.
fn name(nick: &str) -> String {
    let plain = text::plain(nick).replace(['\n', '\t'], " ");
    text::beginning(plain.trim(), MAX_NICK)
}

fn line(words: &str) -> Option<String> {
    let plain = text::plain(words);
    let words = text::beginning(plain.trim(), MAX_LINE);
    (!words.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room() -> Room {
        Room::new(AccountId(1), "#otters".parse().unwrap())
    }

    fn member(nick: &str) -> Member {
        Member {
            nick: nick.to_owned(),
            address: None,
            rank: model::Rank::Ordinary,
            own: false,
        }
    }

    #[test]
    fn what_others_do_in_a_room_is_bounded() {
        let mut room = room();
        room.set_members((0..20_000).map(|number| member(&format!("n{number}"))).collect());
        assert_eq!(room.shown().members, 10_000);
        for number in 0..1_500 {
            let id = MessageId::from_bytes([1; 16]);
            room.heard(
                id,
                Some("bob"),
                (false, false),
                &format!("{number} {}", "x".repeat(500)),
            );
        }
        assert_eq!(room.messages.len(), 1_000);
        for _ in 0..30 {
            let id = MessageId::from_bytes([1; 16]);
            room.heard(id, Some("bob"), (false, false), &"é".repeat(100_000));
        }
        let bytes: usize = room.messages.iter().map(|message| message.text.len()).sum();
        assert!(bytes <= MAX_BYTES && bytes == room.bytes);
    }

    #[test]
    fn names_and_words_of_others_hold_no_control_characters() {
        let mut room = room();
        room.put(member("bob\u{1b}[2J\n"));
        assert!(room.has("bob[2J"));
        let id = MessageId::from_bytes([1; 16]);
        let heard = room.heard(id.clone(), Some("a\tb"), (false, false), "\u{2}bold\u{2}\0");
        let heard = heard.unwrap();
        assert_eq!(
            (heard.nick.as_deref(), heard.text.as_str()),
            (Some("a b"), "bold")
        );
        assert_eq!(room.heard(id, None, (false, false), "\u{2}\u{3}"), None);
        room.set_topic(&"t".repeat(5_000));
        assert_eq!(
            room.shown.topic.as_ref().map(|topic| topic.chars().count()),
            Some(1_000)
        );
    }
}
