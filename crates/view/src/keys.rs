//! Keys of contacts as the manager of fingerprints shows them, and what is told about a verification.
//! It must never show a fingerprint in other than ASCII digits, nor call a key verified that the engine does not.
//! Standard: `docs/rpc.md`, `KnownFingerprint` and `Verification`.

use model::{KnownFingerprint, Privacy, Verification};

use crate::state::State;
use crate::text::{self, Name};
use crate::{Peer, Words};

/// The longest fingerprint in characters that is shown: 40 digits in five groups, and room for other kinds.
const MAX_FINGERPRINT_CHARS: usize = 120;

/// What the owner decided about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyState {
    /// Not accepted: a decision is due, or trust was taken away.
    NotAccepted,
    /// Accepted, not verified.
    Accepted,
    /// Verified.
    Verified,
}

/// One key of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// Whose.
    pub peer: Peer,
    /// The contact's name.
    pub name: Name,
    /// The contact's address, sanitised.
    pub address: String,
    /// 40 hexadecimal digits in five groups.
    pub fingerprint: String,
    /// What the owner decided.
    pub state: KeyState,
    /// The same in words.
    pub state_words: String,
    /// Whether the private conversation that stands uses it.
    pub in_use: bool,
}

/// The keys of one contact, or with `None` of every contact; by name, those of one contact in the order they came.
pub fn keys(state: &State, words: &Words, peer: Option<&Peer>) -> Vec<KeyRow> {
    let mut rows: Vec<_> = state
        .contacts()
        .filter(|(of, _)| peer.is_none_or(|peer| peer == *of))
        .filter_map(|(of, contact)| Some((of, contact, state.name(of)?)))
        .flat_map(|(of, contact, name)| {
            let keys = contact.fingerprints.iter();
            keys.map(move |key| row(state, words, of, name, key))
        })
        .collect();
    rows.sort_by_cached_key(|row| (state.sort_key(&row.peer).to_owned(), row.peer.clone()));
    rows
}

fn row(state: &State, words: &Words, peer: &Peer, name: &Name, key: &KnownFingerprint) -> KeyRow {
    let decided = match (key.verified, key.accepted) {
        (_, false) => KeyState::NotAccepted,
        (false, true) => KeyState::Accepted,
        (true, true) => KeyState::Verified,
    };
    let stands = state.talk(peer).map(|talk| &talk.privacy);
    KeyRow {
        peer: peer.clone(),
        name: name.clone(),
        address: text::address(peer.contact.as_str()),
        fingerprint: fingerprint(&key.fingerprint),
        state: decided,
        state_words: words.say(match decided {
            KeyState::NotAccepted => "keys.not_accepted",
            KeyState::Accepted => "keys.accepted",
            KeyState::Verified => "keys.verified",
        }),
        in_use: matches!(stands, Some(Privacy::Private { fingerprint, .. }) if *fingerprint == key.fingerprint),
    }
}

/// A fingerprint fit to be shown and compared: upper case, groups of eight digits.
pub fn fingerprint(text: &str) -> String {
    let digits: Vec<char> = text
        .chars()
        .filter(char::is_ascii_hexdigit)
        .take(MAX_FINGERPRINT_CHARS)
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let groups: Vec<String> = digits.chunks(8).map(|group| group.iter().collect()).collect();
    groups.join(" ")
}

/// How far a verification is, in a sentence; empty where there is none. The contact's question is not in it: it
/// stands in a place of its own ([`crate::Header::question`]).
pub fn verification(verification: &Verification, name: &Name, words: &Words) -> String {
    let key = match verification {
        Verification::Asked { question: Some(_) } => "verify.asked.question",
        Verification::Asked { question: None } => "verify.asked.secret",
        Verification::Broken => "verify.broken",
        Verification::Done { same: true } => "verify.same",
        Verification::Done { same: false } => "verify.different",
        Verification::None => return String::new(),
        Verification::Waiting => "verify.waiting",
    };
    words.fill(key, &[("name", &name.text)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FINGERPRINT, NOON, bob, contact, snapshot};
    use model::Event;

    const OTHER: &str = "11111111 22222222 33333333 44444444 55555555";

    fn key(fingerprint: &str, accepted: bool, verified: bool) -> KnownFingerprint {
        KnownFingerprint {
            fingerprint: fingerprint.to_owned(),
            accepted,
            verified,
        }
    }

    #[test]
    fn keys_say_what_was_decided_and_which_is_in_use() {
        let mut state = State::default();
        state.replace(snapshot(1, vec![]));
        let mut bobs = contact("bob");
        // A key that lost its acceptance counts as neither, whatever else is said of it.
        bobs.fingerprints = vec![key(FINGERPRINT, true, true), key(OTHER, false, true)];
        state.apply(Event::ContactChanged { contact: bobs }, NOON);
        let rows = keys(&state, &Words::default(), Some(&bob()));
        assert_eq!((rows[0].state, rows[0].in_use), (KeyState::Verified, true));
        assert_eq!((rows[1].state, rows[1].in_use), (KeyState::NotAccepted, false));
        assert_eq!(keys(&state, &Words::default(), None).len(), 2);
    }

    #[test]
    fn a_fingerprint_is_five_groups_whatever_its_form() {
        assert_eq!(
            fingerprint(&FINGERPRINT.replace(' ', "").to_lowercase()),
            FINGERPRINT
        );
        assert_eq!(fingerprint("\u{202E}zz"), "");
    }

    #[test]
    fn every_state_of_a_verification_has_a_sentence_without_the_contacts_words() {
        let name = text::name(Some("Bob"), "bob@example.org");
        let asked = Verification::Asked {
            question: Some("evil".to_owned()),
        };
        let said = verification(&asked, &name, &Words::default());
        assert!(said.contains("Bob") && !said.contains("evil"));
        for state in [
            Verification::Asked { question: None },
            Verification::Broken,
            Verification::Done { same: true },
            Verification::Done { same: false },
            Verification::Waiting,
        ] {
            assert!(!verification(&state, &name, &Words::default()).is_empty());
        }
        assert!(verification(&Verification::None, &name, &Words::default()).is_empty());
    }
}
