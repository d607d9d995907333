//! Names in one room that look like each other, so that nobody passes for somebody else there.
//! It must never take a name away: it only notes what is to be told, and little of it.
//! UTS #39 4 (skeletons), 5.1 (mixed scripts).

use std::collections::{BTreeMap, BTreeSet};

use crate::writing;

/// Names of one stay in a room that are told of; a flood of them tells nothing new.
const MAX_TOLD: usize = 5;

/// The names in a room by what they look like.
#[derive(Default)]
pub(super) struct Looks {
    by_skeleton: BTreeMap<String, BTreeSet<String>>,
    told: BTreeSet<String>,
    to_tell: Vec<String>,
}

impl Looks {
    /// Somebody of this name is in the room. The owner knows what she is called, and is told of the other one.
    pub(super) fn add(&mut self, nick: &str, own: bool) {
        let alike = self.by_skeleton.entry(writing::skeleton(nick)).or_default();
        if !alike.insert(nick.to_owned()) {
            return;
        }
        let other = alike.iter().find(|other| *other != nick).cloned();
        if other.is_none() && !writing::is_mixed(nick) {
            return;
        }
        let suspect = other.filter(|_| own).unwrap_or_else(|| nick.to_owned());
        if self.told.len() < MAX_TOLD && self.told.insert(suspect.clone()) {
            self.to_tell.push(suspect);
        }
    }

    /// Nobody of this name is in the room any more.
    pub(super) fn remove(&mut self, nick: &str) {
        let skeleton = writing::skeleton(nick);
        if let Some(alike) = self.by_skeleton.get_mut(&skeleton) {
            alike.remove(nick);
            if alike.is_empty() {
                self.by_skeleton.remove(&skeleton);
            }
        }
    }

    /// Who is in the room is told anew.
    pub(super) fn empty(&mut self) {
        self.by_skeleton.clear();
    }

    /// What is to be told now.
    pub(super) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.to_tell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_looks_like_another_is_told_once_and_a_flood_of_them_stays_small() {
        let mut looks = Looks::default();
        for nick in ["alice", "bob", "Zoë", "محمد"] {
            looks.add(nick, nick == "alice");
        }
        assert_eq!(looks.take(), Vec::<String>::new());
        looks.add("\u{430}lice", false);
        looks.add("B0B", false);
        assert_eq!(looks.take(), ["\u{430}lice", "B0B"]);
        looks.remove("B0B");
        looks.add("B0B", false);
        assert_eq!(looks.take(), Vec::<String>::new());
        // Whoever is there before the owner comes is the one to look at.
        let mut looks = Looks::default();
        looks.add("a1ice", false);
        looks.add("alice", true);
        assert_eq!(looks.take(), ["a1ice"]);
        for number in 0..100 {
            looks.add(&format!("al\u{456}ce{number}"), false);
        }
        assert_eq!(looks.take().len(), MAX_TOLD - 1);
        looks.empty();
        assert!(looks.by_skeleton.is_empty());
    }
}
