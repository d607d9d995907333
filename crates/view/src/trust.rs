//! How private a conversation is, in one word, for header and list.
//! It must never be better than what the engine says: whatever is not known to be private is not private.
//! Standard: THREATS.md; `docs/rpc.md`, `Privacy`.

use model::{Contact, KnownFingerprint, Policy, Privacy};

use crate::state::{State, Talk};
use crate::{Peer, Words};

/// How private a conversation is. The window draws an icon for each and always shows the words beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The contact ended the private conversation.
    Finished,
    /// The contact uses a key that the owner did not accept: nothing goes out before a decision.
    KeyChanged,
    /// Nothing is encrypted; with OTR required nothing goes out.
    NotPrivate,
    /// Encrypted, to a key that was not checked.
    Private,
    /// A private conversation is being started.
    Starting,
    /// Nothing is encrypted, because the owner allowed it for this contact.
    Unencrypted,
    /// Encrypted, to a key that the owner checked.
    Verified,
}

impl Trust {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Finished,
        Self::KeyChanged,
        Self::NotPrivate,
        Self::Private,
        Self::Starting,
        Self::Unencrypted,
        Self::Verified,
    ];

    /// How private the conversation with somebody is.
    pub fn of(state: &State, peer: &Peer) -> Self {
        let contact = state.contact(peer);
        let Some(talk) = state.talk(peer) else {
            return Self::plain(policy(state, peer));
        };
        if unaccepted_key(talk, contact).is_some() {
            return Self::KeyChanged;
        }
        match &talk.privacy {
            Privacy::Finished => Self::Finished,
            Privacy::Plain => Self::plain(policy(state, peer)),
            Privacy::Private { verified: true, .. } => Self::Verified,
            Privacy::Private { verified: false, .. } => Self::Private,
            Privacy::Starting => Self::Starting,
        }
    }

    fn plain(policy: Policy) -> Self {
        if policy == Policy::Unencrypted {
            Self::Unencrypted
        } else {
            Self::NotPrivate
        }
    }

    /// The name of its icon, which is never shown without [`Trust::words`].
    pub fn icon(self) -> &'static str {
        match self {
            Self::Finished => "trust-finished",
            Self::KeyChanged => "trust-key-changed",
            Self::NotPrivate => "trust-not-private",
            Self::Private => "trust-private",
            Self::Starting => "trust-starting",
            Self::Unencrypted => "trust-unencrypted",
            Self::Verified => "trust-verified",
        }
    }

    /// Two or three words.
    pub fn words(self, words: &Words) -> String {
        words.say(self.keys().0)
    }

    /// What it means and what can be done, in one or two sentences.
    pub fn why(self, words: &Words) -> String {
        words.say(self.keys().1)
    }

    fn keys(self) -> (&'static str, &'static str) {
        match self {
            Self::Finished => ("trust.finished", "trust.finished.why"),
            Self::KeyChanged => ("trust.key_changed", "trust.key_changed.why"),
            Self::NotPrivate => ("trust.not_private", "trust.not_private.why"),
            Self::Private => ("trust.private", "trust.private.why"),
            Self::Starting => ("trust.starting", "trust.starting.why"),
            Self::Unencrypted => ("trust.unencrypted", "trust.unencrypted.why"),
            Self::Verified => ("trust.verified", "trust.verified.why"),
        }
    }

    /// Whether what is written now goes out encrypted as soon as it can.
    pub fn is_private(self) -> bool {
        matches!(self, Self::Private | Self::Verified)
    }
}

/// What may cross the network without OTR to this contact.
pub fn policy(state: &State, peer: &Peer) -> Policy {
    let own = state.contact(peer).and_then(|contact| contact.policy);
    let account = state.account(peer.account).map(|account| account.policy);
    own.or(account).unwrap_or_default()
}

/// The key that waits for the owner's decision: the conversation's own where it was not accepted, or the one last
/// told as new.
pub(crate) fn unaccepted_key<'a>(talk: &'a Talk, contact: Option<&'a Contact>) -> Option<&'a str> {
    let contact = contact?;
    let waits = |key: &str| {
        let known = |it: &&KnownFingerprint| it.fingerprint == key;
        contact
            .fingerprints
            .iter()
            .find(known)
            .is_some_and(|it| !it.accepted)
    };
    let standing = match &talk.privacy {
        Privacy::Private { fingerprint, .. } => Some(fingerprint.as_str()),
        _ => None,
    };
    [standing, talk.new_key.as_deref()]
        .into_iter()
        .flatten()
        .find(|key| waits(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ACCOUNT, FINGERPRINT, NOON, bob, contact, snapshot};
    use model::Event;

    const OTHER: &str = "11111111 22222222 33333333 44444444 55555555";

    fn state() -> State {
        let mut state = State::default();
        state.replace(snapshot(1, vec![]));
        state
    }

    #[test]
    fn trust_is_what_the_engine_says_and_never_more() {
        let mut state = state();
        assert_eq!(Trust::of(&state, &bob()), Trust::Private);
        let mut apply = |privacy| {
            let event = Event::PrivacyChanged {
                account: ACCOUNT,
                contact: bob().contact,
                privacy,
            };
            state.apply(event, NOON);
            Trust::of(&state, &bob())
        };
        let verified = Privacy::Private {
            fingerprint: FINGERPRINT.to_owned(),
            verified: true,
        };
        assert_eq!(apply(verified), Trust::Verified);
        assert_eq!(apply(Privacy::Finished), Trust::Finished);
        assert_eq!(apply(Privacy::Starting), Trust::Starting);
        assert_eq!(apply(Privacy::Plain), Trust::NotPrivate);
        assert_eq!(Trust::of(&State::default(), &bob()), Trust::NotPrivate);
    }

    #[test]
    fn a_key_that_waits_for_a_decision_stops_everything() {
        let mut state = state();
        let mut bobs = contact("bob");
        bobs.fingerprints.push(KnownFingerprint {
            fingerprint: OTHER.to_owned(),
            accepted: false,
            verified: false,
        });
        state.apply(
            Event::ContactChanged {
                contact: bobs.clone(),
            },
            NOON,
        );
        assert_eq!(Trust::of(&state, &bob()), Trust::Private);
        let new = Event::FingerprintNew {
            account: ACCOUNT,
            contact: bob().contact,
            fingerprint: OTHER.to_owned(),
            changed: true,
        };
        state.apply(new, NOON);
        assert_eq!(Trust::of(&state, &bob()), Trust::KeyChanged);
        bobs.fingerprints[1].accepted = true;
        state.apply(Event::ContactChanged { contact: bobs }, NOON);
        assert_eq!(Trust::of(&state, &bob()), Trust::Private);
    }

    #[test]
    fn an_exception_is_told_as_one() {
        let mut state = state();
        let mut bobs = contact("bob");
        bobs.policy = Some(Policy::Unencrypted);
        state.apply(Event::ContactChanged { contact: bobs }, NOON);
        let plain = Event::PrivacyChanged {
            account: ACCOUNT,
            contact: bob().contact,
            privacy: Privacy::Plain,
        };
        state.apply(plain, NOON);
        assert_eq!(Trust::of(&state, &bob()), Trust::Unencrypted);
    }

    #[test]
    fn every_state_has_words_of_its_own_in_every_language() {
        for language in crate::Language::ALL {
            let words = Words::new(language);
            let mut said: Vec<_> = Trust::ALL.into_iter().map(|it| it.words(&words)).collect();
            said.sort();
            said.dedup();
            assert_eq!(said.len(), Trust::ALL.len(), "{language:?}");
            assert!(Trust::ALL.into_iter().all(|it| !it.why(&words).is_empty()));
        }
    }
}
