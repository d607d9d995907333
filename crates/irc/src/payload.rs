//! What fits into one message, and what a server cut in two.
//! Must never count on more room than the longest prefix leaves, nor hold pieces beyond its caps.
//! RFC 1459 2.3; OTR over IRC as irssi-otr and WeeChat do it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::name::{Key, Nick, Target};
use crate::wire::LONGEST_BODY;

/// Longest OTR message on IRC, in bytes: what irssi-otr sends, so that every peer has seen it.
pub const LONGEST_OTR: usize = 400;
/// Bytes of a host that is not known yet: the longest that servers show.
const UNKNOWN_HOST: usize = 63;
/// Bytes of a user name that is not known yet.
const UNKNOWN_USER: usize = 11;
/// Longest message that is joined from pieces, in bytes.
const LONGEST_JOINED: usize = 64 * 1024;
/// People of whom pieces are held at once.
const MOST_SENDERS: usize = 32;
/// How long the next piece is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes of text that one message from us to `target` can carry. `user` and `host` are ours, as others see them.
pub(crate) fn room(nick: &Nick, user: Option<&str>, host: Option<&str>, target: &Target) -> usize {
    line_room(nick, user, host).saturating_sub(target.as_str().len())
}

/// The same together with the name of the target.
pub(crate) fn line_room(nick: &Nick, user: Option<&str>, host: Option<&str>) -> usize {
    let user = user.map_or(UNKNOWN_USER, str::len);
    let host = host.map_or(UNKNOWN_HOST, str::len);
    // `:nick!user@host PRIVMSG target :text` and the line end.
    let around = ":!@ PRIVMSG  :\r\n".len() + nick.as_str().len() + user + host;
    LONGEST_BODY.saturating_sub(around)
}

/// Cuts a text into pieces of at most `room` bytes: at line ends, then between words, then between characters. Empty
/// lines are left out. `None`: more than `most` pieces.
pub(crate) fn split(text: &str, room: usize, most: usize) -> Option<Vec<String>> {
    let mut pieces = Vec::new();
    for mut rest in text
        .split(['\r', '\n'])
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
    {
        while !rest.is_empty() {
            if pieces.len() >= most {
                return None;
            }
            let (piece, after) = cut(rest, room)?;
            pieces.push(piece.to_owned());
            rest = after;
        }
    }
    Some(pieces)
}

fn cut(text: &str, room: usize) -> Option<(&str, &str)> {
    if text.len() <= room {
        return Some((text, ""));
    }
    let end = (0..=room)
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .filter(|end| *end > 0)?;
    let (piece, rest) = text.split_at_checked(end)?;
    match piece.rsplit_once(' ') {
        // A word longer than half a line is cut, so that no text becomes endless pieces.
        Some((words, word)) if words.len() > room / 2 => {
            Some((words, text.get(text.len() - rest.len() - word.len()..)?))
        }
        _ => Some((piece, rest)),
    }
}

/// How an action goes inside an encrypted message: as it is typed, as irssi-otr and WeeChat do it.
#[must_use]
pub fn write_action(text: &str) -> String {
    format!("/me {text}")
}

/// The action in a decrypted text, if it is one; the form with the CTCP signs is read as well.
#[must_use]
pub fn read_action(text: &str) -> Option<&str> {
    let ctcp = text
        .strip_prefix("\u{1}ACTION ")
        .map(|rest| rest.strip_suffix('\u{1}').unwrap_or(rest));
    text.strip_prefix("/me ").or(ctcp)
}

/// OTR messages that a server cut in pieces: nothing tells but the missing full stop at the end.
#[derive(Debug, Default)]
pub(crate) struct Rejoin {
    waiting: BTreeMap<Key, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    text: String,
    until: Duration,
}

impl Rejoin {
    /// Takes a text from somebody; gives what is whole now: nothing, one text, or a torn one and another.
    pub(crate) fn push(&mut self, from: impl Fn() -> Key, text: &str, now: Duration) -> Vec<String> {
        if self.waiting.is_empty() && !is_torn(text) {
            return vec![text.to_owned()];
        }
        let from = from();
        let Some(mut waiting) = self.waiting.remove(&from) else {
            return self.begin(from, text, now);
        };
        if text.starts_with("?OTR") || waiting.until <= now || !is_base64(text) {
            let mut texts = vec![waiting.text];
            texts.extend(self.begin(from, text, now));
            return texts;
        }
        waiting.text.push_str(text);
        if waiting.text.ends_with('.') || waiting.text.len() > LONGEST_JOINED {
            return vec![waiting.text];
        }
        waiting.until = now.saturating_add(PATIENCE);
        self.waiting.insert(from, waiting);
        Vec::new()
    }

    fn begin(&mut self, from: Key, text: &str, now: Duration) -> Vec<String> {
        if !is_torn(text) || self.waiting.len() >= MOST_SENDERS {
            return vec![text.to_owned()];
        }
        let until = now.saturating_add(PATIENCE);
        let text = text.to_owned();
        self.waiting.insert(from, Waiting { text, until });
        Vec::new()
    }

    /// Forgets what waited too long: half a message is of no use to anybody.
    pub(crate) fn expire(&mut self, now: Duration) {
        self.waiting.retain(|_, waiting| waiting.until > now);
    }

    pub(crate) fn due(&self) -> Option<Duration> {
        self.waiting.values().map(|waiting| waiting.until).min()
    }
}

/// An OTR message that lacks its end.
fn is_torn(text: &str) -> bool {
    let body = text.strip_prefix("?OTR:");
    body.is_some_and(|body| !body.ends_with('.') && is_base64(body))
}

fn is_base64(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'.'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::name::CaseMap;

    fn key(name: &str) -> Key {
        CaseMap::Ascii.fold(name)
    }

    #[test]
    fn the_room_is_what_the_prefix_leaves() {
        let alice = Nick::new("alice").unwrap();
        let bob = Target::new("bob").unwrap();
        let line = ":alice!~user@host.example PRIVMSG bob :\r\n";
        assert_eq!(
            room(&alice, Some("~user"), Some("host.example"), &bob),
            512 - line.len()
        );
        assert!(room(&alice, None, None, &bob) < 512 - line.len());
        let long = Target::new(&"b".repeat(200)).unwrap();
        assert!(room(&alice, Some(&"u".repeat(300)), None, &long) == 0);
    }

    #[test]
    fn long_texts_are_cut_between_words() {
        assert_eq!(split("one two three", 8, 9).unwrap(), ["one two", "three"]);
        assert_eq!(split("a\r\n\nb  \n", 8, 9).unwrap(), ["a", "b"]);
        assert_eq!(split("żółwżółw", 5, 9).unwrap(), ["żó", "łwż", "ółw"]);
        assert_eq!(split("aaaa", 1, 3), None);
        assert_eq!(split("ż", 1, 3), None);
    }

    #[test]
    fn actions_inside_otr_look_as_they_are_typed() {
        assert_eq!(read_action(&write_action("waves")), Some("waves"));
        assert_eq!(read_action("\u{1}ACTION waves\u{1}"), Some("waves"));
        assert_eq!(read_action("/mean"), None);
    }

    #[test]
    fn a_message_that_the_server_cut_is_joined() {
        let mut rejoin = Rejoin::default();
        let now = Duration::from_secs(1);
        let bob = key("bob");
        assert!(rejoin.push(|| bob.clone(), "?OTR:AAMC", now).is_empty());
        assert_eq!(rejoin.push(|| key("eve"), "AAAA", now), ["AAAA"]);
        assert!(rejoin.push(|| bob.clone(), "BBBB", now).is_empty());
        assert_eq!(rejoin.push(|| bob.clone(), "CC==.", now), ["?OTR:AAMCBBBBCC==."]);
        // Whole messages, fragments and words go straight through.
        for text in ["?OTR:AAMC.", "?OTR|1|2,00001,00002,aa,", "?OTRv3?", "hello"] {
            assert_eq!(rejoin.push(|| bob.clone(), text, now), [text]);
        }
        // What turns out not to belong together is given back in order.
        assert!(rejoin.push(|| bob.clone(), "?OTR:AAMC", now).is_empty());
        assert_eq!(
            rejoin.push(|| bob.clone(), "hello there", now),
            ["?OTR:AAMC", "hello there"]
        );
        assert_eq!(rejoin.due(), None);
    }

    #[test]
    fn pieces_are_held_within_caps() {
        let mut rejoin = Rejoin::default();
        let now = Duration::from_secs(1);
        let bob = key("bob");
        assert!(rejoin.push(|| bob.clone(), "?OTR:AAMC", now).is_empty());
        let joined = (0..1_000)
            .map(|_| rejoin.push(|| bob.clone(), &"A".repeat(400), now))
            .find(|texts| !texts.is_empty());
        assert!(
            joined
                .unwrap()
                .iter()
                .all(|text| text.len() <= LONGEST_JOINED + 400)
        );
        for number in 0..1_000 {
            rejoin.push(|| key(&format!("n{number}")), "?OTR:AAMC", now);
        }
        assert_eq!(rejoin.waiting.len(), MOST_SENDERS);
        assert_eq!(rejoin.due(), Some(now + PATIENCE));
        rejoin.expire(now + PATIENCE);
        assert!(rejoin.waiting.is_empty());
    }

    proptest! {
        #[test]
        fn nothing_is_lost_between_pieces(text in "[a-zż ]{0,200}", room in 4usize..40) {
            let pieces = split(&text, room, 500).unwrap();
            prop_assert!(pieces.iter().all(|piece| piece.len() <= room && !piece.is_empty()));
            let letters = |text: &str| text.replace(' ', "");
            prop_assert_eq!(letters(&pieces.concat()), letters(&text));
        }
    }
}
