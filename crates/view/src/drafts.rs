//! Texts that were begun and not sent, one for each conversation, and when they are worth keeping.
//! It must never hold more of them than [`MAX_DRAFTS`], nor one that is longer than a message may be.
//! Standard: `docs/rpc.md`, `conversation.draft`.

use std::collections::BTreeMap;

use model::{MAX_TEXT_BYTES, SetDraft};
use zeroize::Zeroize;

use crate::Peer;

/// Drafts held at once.
pub const MAX_DRAFTS: usize = 1_000;
/// Milliseconds without typing until the engine is asked to keep a draft.
pub const PAUSE: u64 = 2_000;

#[derive(Clone, Debug)]
struct Draft {
    text: String,
    /// When it was last changed, in milliseconds since 1970 UTC; `None`: the engine has it as it is.
    changed: Option<u64>,
}

impl Drop for Draft {
    fn drop(&mut self) {
        self.text.zeroize();
    }
}

/// The drafts that were touched in this window.
#[derive(Clone, Debug, Default)]
pub struct Drafts {
    texts: BTreeMap<Peer, Draft>,
}

impl Drafts {
    /// The draft of a conversation; `kept` is what the engine has of it ([`crate::Talk::draft`]).
    pub fn text<'a>(&'a self, peer: &Peer, kept: &'a str) -> &'a str {
        self.texts.get(peer).map_or(kept, |draft| &draft.text)
    }

    /// The text in the composer is another now. `now`: milliseconds since 1970 UTC. A text that is longer than a
    /// message may be is not kept as a draft: the composer alone has it.
    pub fn change(&mut self, peer: &Peer, text: &str, now: u64) {
        let full = self.texts.len() >= MAX_DRAFTS && !self.texts.contains_key(peer);
        if full || text.len() > MAX_TEXT_BYTES {
            return;
        }
        if self.texts.get(peer).is_some_and(|draft| draft.text == text) {
            return;
        }
        let draft = Draft {
            text: text.to_owned(),
            changed: Some(now),
        };
        self.texts.insert(peer.clone(), draft);
    }

    /// What the engine has to be asked to keep: drafts that were not changed for [`PAUSE`], and with `all` every one
    /// that it does not have (another conversation is opened, the window closes).
    pub fn due(&mut self, now: u64, all: bool) -> Vec<SetDraft> {
        let mut due = Vec::new();
        for (peer, draft) in &mut self.texts {
            let Some(changed) = draft.changed else { continue };
            if all || now.saturating_sub(changed) >= PAUSE {
                draft.changed = None;
                due.push(SetDraft {
                    account: peer.account,
                    contact: peer.contact.clone(),
                    text: draft.text.clone(),
                });
            }
        }
        due
    }

    /// Forgets the drafts of conversations that are no more.
    pub fn keep_only(&mut self, is_there: impl Fn(&Peer) -> bool) {
        self.texts.retain(|peer, _| is_there(peer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOON, bob};

    #[test]
    fn a_draft_is_kept_after_a_pause_and_once() {
        let mut drafts = Drafts::default();
        assert_eq!(drafts.text(&bob(), "kept"), "kept");
        drafts.change(&bob(), "half a sen", NOON);
        assert_eq!(drafts.text(&bob(), "kept"), "half a sen");
        assert!(drafts.due(NOON + PAUSE - 1, false).is_empty());
        assert_eq!(drafts.due(NOON + PAUSE, false)[0].text, "half a sen");
        assert!(drafts.due(NOON + PAUSE, true).is_empty());
    }

    #[test]
    fn an_emptied_draft_is_told_too() {
        let mut drafts = Drafts::default();
        drafts.change(&bob(), "x", NOON);
        drafts.due(NOON, true);
        drafts.change(&bob(), "", NOON);
        assert_eq!(drafts.due(NOON, true)[0].text, "");
        assert_eq!(drafts.text(&bob(), "kept"), "");
    }

    #[test]
    fn what_is_too_long_for_a_message_is_no_draft() {
        let mut drafts = Drafts::default();
        drafts.change(&bob(), &"x".repeat(MAX_TEXT_BYTES + 1), NOON);
        assert_eq!(drafts.text(&bob(), ""), "");
    }
}
