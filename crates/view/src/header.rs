//! The header of a conversation: who, over which network, how private, and what has to be decided.
//! It must never take a word from the contact: names are sanitised, everything else is ours.
//! Standard: THREATS.md, "what is shown about trust".

use model::{AccountState, Policy, Presence, Verification, Wait};

use crate::keys;
use crate::state::State;
use crate::text::{self, Name};
use crate::trust::{self, Trust};
use crate::{Peer, Words};

/// Characters of a verification's question.
const MAX_QUESTION_CHARS: usize = 1_000;

/// Everything above a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The contact's name.
    pub name: Name,
    /// The contact's address, sanitised.
    pub address: String,
    /// The owner's account, as its address, sanitised.
    pub account: String,
    /// Whether the contact is there.
    pub online: bool,
    /// The same in words.
    pub presence: String,
    /// How private the conversation is.
    pub trust: Trust,
    /// The same in words.
    pub trust_words: String,
    /// What it means and what can be done.
    pub trust_why: String,
    /// The key of the private conversation, in ASCII digits, never localised.
    pub fingerprint: Option<String>,
    /// The key that waits for a decision.
    pub new_key: Option<String>,
    /// What may cross the network without OTR.
    pub policy: Policy,
    /// How many messages wait.
    pub waiting: usize,
    /// What they wait for, or why nothing can be sent just now; empty: nothing stands in the way.
    pub notice: String,
    /// How far a verification is.
    pub verification: Verification,
    /// The same in a sentence; empty: none.
    pub verification_words: String,
    /// The contact's question, sanitised, for a widget that says that it is the contact's.
    pub question: Option<String>,
    /// The same as one sentence, for a screen reader.
    pub spoken: String,
}

/// The header of a conversation; `None` where there is no such contact.
pub fn header(state: &State, words: &Words, peer: &Peer) -> Option<Header> {
    let contact = state.contact(peer)?;
    let talk = state.talk(peer);
    let account = state.account(peer.account);
    let trust = Trust::of(state, peer);
    let name = state.name(peer)?.clone();
    let online = contact.presence == Presence::Online;
    let presence = words.say(if online {
        "presence.online"
    } else {
        "presence.offline"
    });
    let (waiting, waits_for) = talk.map(|talk| talk.log.waiting()).unwrap_or_default();
    let verification = talk.map(|talk| talk.verification.clone()).unwrap_or_default();
    let verification_words = keys::verification(&verification, &name, words);
    let question = match &verification {
        Verification::Asked {
            question: Some(question),
        } => Some(text::line(question, MAX_QUESTION_CHARS).text),
        _ => None,
    };
    let trust_words = trust.words(words);
    let address = text::address(contact.address.as_str());
    let values = [
        ("name", name.text.as_str()),
        ("address", address.as_str()),
        ("presence", presence.as_str()),
        ("trust", trust_words.as_str()),
    ];
    Some(Header {
        spoken: words.fill("header.spoken", &values),
        online,
        trust_why: trust.why(words),
        fingerprint: talk.and_then(|talk| match &talk.privacy {
            model::Privacy::Private { fingerprint, .. } => Some(fingerprint.clone()),
            _ => None,
        }),
        new_key: talk
            .and_then(|talk| trust::unaccepted_key(talk, Some(contact)))
            .map(str::to_owned),
        policy: trust::policy(state, peer),
        notice: notice(words, trust, account.map(|account| &account.state), waits_for),
        waiting,
        account: account
            .map(|account| text::address(account.address.as_str()))
            .unwrap_or_default(),
        name,
        address,
        presence,
        trust,
        trust_words,
        verification_words,
        verification,
        question,
    })
}

fn notice(words: &Words, trust: Trust, account: Option<&AccountState>, waits: Option<Wait>) -> String {
    let key = match (waits, account) {
        (Some(Wait::NewKey), _) => "notice.new_key",
        // Nothing starts by itself after the contact ended it.
        (Some(Wait::Privacy), _) if trust == Trust::Finished => "trust.finished.why",
        (Some(Wait::Privacy), Some(AccountState::Online)) => "notice.privacy",
        (Some(Wait::Shield), Some(AccountState::Online)) => "notice.shield",
        (_, Some(AccountState::Online) | None) => return String::new(),
        (_, Some(AccountState::Failed { .. })) => "notice.account_failed",
        (_, Some(AccountState::Offline)) => "notice.account_offline",
        (_, Some(_)) => "notice.account_connecting",
    };
    words.say(key)
}

#[cfg(test)]
#[path = "header_tests.rs"]
mod tests;
