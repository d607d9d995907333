//! Rooms as the list and their page show them: what they are, who is in them, what may be done.
//! It must never let a nick or a room's name say what only this program says, nor call a room private.
//! Standard: `docs/rpc.md`, `room.*`; XEP-0045 for who may do what.

use model::{Member, Rank, RoomRisk, RoomState};

use crate::drafts::Drafts;
use crate::state::{RoomTalk, State};
use crate::text::{self, Name};
use crate::{Peer, Words};

/// Characters of a preview.
const MAX_PREVIEW_CHARS: usize = 80;
/// Characters of a topic.
const MAX_TOPIC_CHARS: usize = 400;

/// One room in the list.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomRow {
    /// Which.
    pub peer: Peer,
    /// Its name, or its address.
    pub name: Name,
    /// Its address, sanitised.
    pub address: String,
    /// Whether the owner is invited and did not answer.
    pub invited: bool,
    /// Whether the account is in it.
    pub inside: bool,
    /// Who invites; what was said last; or how the room is doing: on one line.
    pub preview: String,
    /// Whether that runs from right to left.
    pub preview_rtl: bool,
    /// Whether that is a draft.
    pub is_draft: bool,
    /// Unread messages as a badge; empty: none.
    pub badge: String,
    /// What a screen reader says.
    pub spoken: String,
}

/// The rooms whose name or address holds the words searched for: invitations first, then by name.
pub fn rooms(state: &State, drafts: &Drafts, words: &Words, search: &str) -> Vec<RoomRow> {
    let wanted = text::skeleton(search);
    let mut found: Vec<(&Peer, &RoomTalk)> = state
        .rooms()
        .filter(|(_, talk)| {
            wanted.is_empty()
                || talk.key.contains(&wanted)
                || text::skeleton(talk.room.address.as_str()).contains(&wanted)
        })
        .collect();
    found.sort_by(|(one, a), (other, b)| {
        let invited = |talk: &RoomTalk| talk.room.invited_by.is_none();
        invited(a)
            .cmp(&invited(b))
            .then_with(|| a.key.cmp(&b.key))
            .then_with(|| one.cmp(other))
    });
    found
        .into_iter()
        .map(|(peer, talk)| room_row(peer, talk, drafts, words))
        .collect()
}

fn room_row(peer: &Peer, talk: &RoomTalk, drafts: &Drafts, words: &Words) -> RoomRow {
    let unread = talk.log.unread();
    let state = state_words(&talk.room.state, words);
    let draft = drafts.text(peer, &talk.draft);
    let invited = talk.room.invited_by.as_ref();
    let preview = match (invited, talk.log.last_said()) {
        (Some(by), _) => words.fill("room.invited", &[("name", &text::address(by.as_str()))]),
        (None, _) if !draft.is_empty() => text::line(draft, MAX_PREVIEW_CHARS).text,
        (None, Some(said)) => text::line(&said.text, MAX_PREVIEW_CHARS).text,
        (None, None) => state.clone(),
    };
    let count = words.count("list.unread", u64::from(unread));
    let values = [
        ("name", talk.name.text.as_str()),
        ("state", state.as_str()),
        ("unread", count.as_str()),
    ];
    RoomRow {
        peer: peer.clone(),
        name: talk.name.clone(),
        address: text::address(talk.room.address.as_str()),
        invited: invited.is_some(),
        inside: talk.room.state == RoomState::Inside,
        preview_rtl: text::is_rtl(&preview),
        preview,
        is_draft: invited.is_none() && !draft.is_empty(),
        badge: if unread > 0 {
            words.badge(unread)
        } else {
            String::new()
        },
        spoken: words.fill("room.spoken", &values),
    }
}

fn state_words(state: &RoomState, words: &Words) -> String {
    words.say(match state {
        RoomState::Inside => "room.inside",
        RoomState::Entering => "room.entering",
        RoomState::Outside => "room.outside",
        RoomState::Refused { .. } => "room.refused",
    })
}

/// Everything above a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomHeader {
    /// Its name, or its address.
    pub name: String,
    /// Its address, sanitised.
    pub address: String,
    /// The owner's account, as its address, sanitised.
    pub account: String,
    /// What the account is called in it, sanitised.
    pub nick: String,
    /// What it says it is about, on one line: the words of others.
    pub topic: String,
    /// Whether the account is in it.
    pub inside: bool,
    /// Whether it is on its way in.
    pub entering: bool,
    /// The same in words.
    pub state: String,
    /// Why it was not let in, and what can be done; empty: it was.
    pub why: String,
    /// How many are in it, in words.
    pub members: String,
    /// What holds for every room: everybody in it and its server can read what is said.
    pub warning: String,
    /// What is worse in this room than in others.
    pub risks: Vec<String>,
    /// What the account may do in it, in words.
    pub rank: String,
    /// Whether it may change what the room says it is about.
    pub may_change: bool,
}

/// What stands above a room; `None` where there is no such room.
pub fn room_header(state: &State, words: &Words, peer: &Peer) -> Option<RoomHeader> {
    let talk = state.room(peer)?;
    let room = &talk.room;
    let count = u64::from(room.members).max(u64::try_from(talk.members.len()).unwrap_or_default());
    Some(RoomHeader {
        name: talk.name.text.clone(),
        address: text::address(room.address.as_str()),
        account: state
            .account(peer.account)
            .map(|account| text::address(account.address.as_str()))
            .unwrap_or_default(),
        nick: nick(&room.nick, words).text,
        topic: text::line(room.topic.as_deref().unwrap_or_default(), MAX_TOPIC_CHARS).text,
        inside: room.state == RoomState::Inside,
        entering: room.state == RoomState::Entering,
        state: state_words(&room.state, words),
        why: match &room.state {
            RoomState::Refused { problem } => words.problem(problem),
            RoomState::Entering | RoomState::Inside | RoomState::Outside => String::new(),
        },
        members: words.count("room.members", count),
        warning: words.say("room.warning"),
        risks: room.risks.iter().map(|risk| words.say(risk_key(*risk))).collect(),
        rank: words.say(rank_key(room.rank)),
        may_change: room.rank >= Rank::Moderator,
    })
}

fn risk_key(risk: RoomRisk) -> &'static str {
    match risk {
        RoomRisk::AddressShown => "room.risk.address_shown",
        RoomRisk::Logged => "room.risk.logged",
        RoomRisk::Open => "room.risk.open",
    }
}

fn rank_key(rank: Rank) -> &'static str {
    match rank {
        Rank::Administrator => "room.rank.administrator",
        Rank::Listener => "room.rank.listener",
        Rank::Moderator => "room.rank.moderator",
        Rank::Ordinary => "room.rank.ordinary",
        Rank::Owner => "room.rank.owner",
        Rank::Trusted => "room.rank.trusted",
    }
}

/// Somebody in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRow {
    /// What they are called, fit to be shown.
    pub nick: String,
    /// Their address, sanitised; empty: the room does not show it.
    pub address: String,
    /// What they may do, in words.
    pub rank: String,
    /// Whether it is the account itself.
    pub own: bool,
    /// Whether the account may put them out.
    pub may_kick: bool,
    /// Whether the account may put them out for good, or give them another rank.
    pub may_rank: bool,
    /// What a screen reader says.
    pub spoken: String,
}

/// Somebody in a room, seen by an account of this rank. The server has the last word.
pub fn member_row(member: &Member, own: Rank, words: &Words) -> MemberRow {
    let nick = nick(&member.nick, words).text;
    let address = member
        .address
        .as_ref()
        .map(|it| text::address(it.as_str()))
        .unwrap_or_default();
    let rank = words.say(rank_key(member.rank));
    let above = !member.own && own > member.rank;
    MemberRow {
        spoken: words.fill("room.member.spoken", &[("name", &nick), ("rank", &rank)]),
        nick,
        address,
        rank,
        own: member.own,
        may_kick: above && own >= Rank::Moderator,
        may_rank: above && own >= Rank::Administrator,
    }
}

/// A nick as it is shown: one that says what only this program says is not.
pub(crate) fn nick(nick: &str, words: &Words) -> Name {
    text::name(Some(nick), &words.say("room.nick_hidden"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ACCOUNT, address, room, said, snapshot};
    use model::{Event, Problem};

    fn state() -> State {
        let mut state = State::default();
        let mut all = snapshot(1, vec![]);
        let mut invited = room("zoo@rooms.example");
        invited.invited_by = Some(address("mallory@example.net"));
        all.rooms = vec![room("otters@rooms.example"), invited, room("birds@rooms.example")];
        state.replace(all);
        state
    }

    fn otters() -> Peer {
        Peer::new(ACCOUNT, address("otters@rooms.example"))
    }

    #[test]
    fn invitations_stand_above_the_rooms_and_are_found_by_address() {
        let words = Words::default();
        let names = |search| -> Vec<String> {
            let rows = rooms(&state(), &Drafts::default(), &words, search);
            rows.into_iter().map(|row| row.address).collect()
        };
        assert_eq!(
            names(""),
            ["zoo@rooms.example", "birds@rooms.example", "otters@rooms.example"]
        );
        assert_eq!(names("OTTER"), ["otters@rooms.example"]);
        let first = rooms(&state(), &Drafts::default(), &words, "").remove(0);
        assert!(first.invited && first.preview.contains("mallory@example.net"));
    }

    #[test]
    fn a_room_always_says_who_can_read_it() {
        let words = Words::default();
        let header = room_header(&state(), &words, &otters()).unwrap();
        assert!(header.inside && header.warning.contains("can read"));
        assert!(header.risks.is_empty() && header.why.is_empty());
        let mut worse = room("otters@rooms.example");
        worse.risks = vec![RoomRisk::Logged, RoomRisk::AddressShown, RoomRisk::Open];
        worse.state = RoomState::Refused {
            problem: Problem::new("test.refused", "It is full."),
        };
        let mut state = state();
        state.apply(Event::RoomChanged { room: worse }, 0);
        let header = room_header(&state, &words, &otters()).unwrap();
        assert_eq!((header.risks.len(), header.why.as_str()), (3, "It is full."));
        assert!(header.risks.iter().all(|it| !it.is_empty()) && !header.inside);
    }

    #[test]
    fn neither_a_nick_nor_a_name_of_a_room_imitates_trust() {
        let words = Words::default();
        for given in ["🔒 Private, verified", "vеrifiеd", "\u{202E}deifirev"] {
            let shown = nick(given, &words).text;
            assert!(
                !shown.contains("erified") && !shown.contains('\u{202E}'),
                "{shown}"
            );
            let mut named = room("otters@rooms.example");
            named.name = Some(given.to_owned());
            named.topic = Some("a\nb\u{202E}c".to_owned());
            let mut state = state();
            state.apply(Event::RoomChanged { room: named }, 0);
            let header = room_header(&state, &words, &otters()).unwrap();
            assert!(!header.name.contains("erified"), "{}", header.name);
            assert_eq!(header.topic, "a b[U+202E]c");
        }
    }

    #[test]
    fn nobody_is_offered_what_the_room_would_refuse() {
        let words = Words::default();
        let member = |rank, own| Member {
            nick: "carol".to_owned(),
            address: None,
            rank,
            own,
        };
        let may = |own_rank, rank, own| {
            let row = member_row(&member(rank, own), own_rank, &words);
            (row.may_kick, row.may_rank)
        };
        assert_eq!(may(Rank::Ordinary, Rank::Listener, false), (false, false));
        assert_eq!(may(Rank::Moderator, Rank::Ordinary, false), (true, false));
        assert_eq!(may(Rank::Administrator, Rank::Ordinary, false), (true, true));
        assert_eq!(may(Rank::Administrator, Rank::Owner, false), (false, false));
        assert_eq!(may(Rank::Owner, Rank::Ordinary, true), (false, false));
        for rank in [
            Rank::Listener,
            Rank::Ordinary,
            Rank::Trusted,
            Rank::Moderator,
            Rank::Administrator,
            Rank::Owner,
        ] {
            assert!(!member_row(&member(rank, false), rank, &words).rank.is_empty());
        }
    }

    #[test]
    fn what_is_unread_in_a_room_stands_at_its_row() {
        let mut state = state();
        let message = said(1, Some("carol"), "hello\nthere");
        state.apply(Event::RoomSaid { message }, 0);
        let words = Words::default();
        let rows = rooms(&state, &Drafts::default(), &words, "otters");
        assert_eq!(
            (rows[0].badge.as_str(), rows[0].preview.as_str()),
            ("1", "hello there")
        );
        let mut drafts = Drafts::default();
        drafts.change(&otters(), "half", 0);
        assert!(rooms(&state, &drafts, &words, "otters")[0].is_draft);
    }
}
