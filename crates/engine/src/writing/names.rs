//! Names in a text: those of the writer's other accounts, and those that only look like somebody's.
//! It must never report a name as it is known: only what imitates one.
//! UTS #39 4 (skeletons), 5.1 (mixed scripts).

use std::collections::{BTreeSet, HashMap};

use unicode_security::{MixedScript, skeleton as uts39};

use super::Found;

/// Characters of the shortest name that is looked for.
pub(crate) const SHORTEST: usize = 3;

/// Names that others could be taken for, by their skeletons.
#[derive(Default)]
pub(crate) struct Names {
    by_skeleton: HashMap<String, Vec<String>>,
    firsts: BTreeSet<char>,
}

impl Names {
    /// Adds an address and the name in it, in lower case.
    pub(crate) fn add_address(&mut self, address: &str) {
        self.add(address);
        if let Some((name, _)) = address.split_once('@') {
            self.add(name);
        }
    }

    fn add(&mut self, name: &str) {
        if name.chars().count() < SHORTEST {
            return;
        }
        let skeleton = skeleton(name);
        self.firsts.extend(skeleton.chars().next());
        let same = self.by_skeleton.entry(skeleton).or_default();
        if !same.iter().any(|known| known == name) {
            same.push(name.to_owned());
        }
    }

    /// Another name that looks the same as this one, known or not.
    pub(crate) fn resembled(&self, name: &str) -> Option<&str> {
        let same = self.by_skeleton.get(&skeleton(name))?;
        same.iter().find(|known| *known != name).map(String::as_str)
    }

    /// The name that something else looks like: the same skeleton, other letters.
    pub(crate) fn imitated(&self, word: &str) -> Option<&str> {
        let begins = word.chars().next()?;
        let first = match prototype(begins) {
            Some(first) => first.chars().next(),
            None => uts39(word).next().and_then(|c| c.to_lowercase().next()),
        };
        if !first.is_some_and(|first| self.firsts.contains(&first)) {
            return None;
        }
        let same = self.by_skeleton.get(&skeleton(word))?;
        let lower = word.to_lowercase();
        if same.contains(&lower) {
            return None;
        }
        same.first().map(String::as_str)
    }
}

/// Looks at a piece between spaces as a whole, and at each word in it.
pub(super) fn look(at: usize, piece: &str, (own, known): (&BTreeSet<String>, &Names), found: &mut Found) {
    let whole = piece.trim_end_matches(['.', '!', '?', ':']);
    if whole.contains('@') && is_own(whole, own) {
        found.add(at, "own_name", whole);
        return;
    }
    if whole.contains('@') && known.imitated(whole).is_some() {
        found.add(at, "look_alike", whole);
        return;
    }
    for word in whole.split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-')) {
        let begin = at + (word.as_ptr() as usize - piece.as_ptr() as usize);
        if word.len() < SHORTEST {
            continue;
        }
        if is_own(word, own) {
            found.add(begin, "own_name", word);
        } else if is_mixed(word) || known.imitated(word).is_some() {
            found.add(begin, "look_alike", word);
        }
    }
}

fn is_own(word: &str, own: &BTreeSet<String>) -> bool {
    !own.is_empty() && own.contains(&word.to_lowercase())
}

/// Whether a word is made of letters of scripts that nobody writes together.
pub(crate) fn is_mixed(word: &str) -> bool {
    let letters = |c: &char| c.is_alphabetic();
    !word.is_ascii()
        && word.chars().filter(letters).count() >= SHORTEST
        // What joins two words of different scripts is no imitation: each of them stands for itself.
        && word.split(['-', '_', '.', '@']).any(|part| !part.is_ascii() && !part.is_single_script())
}

/// What a name looks like, in lower case: two names with the same one are hard to tell apart.
pub(crate) fn skeleton(name: &str) -> String {
    match name.chars().map(prototype).collect::<Option<String>>() {
        Some(skeleton) => skeleton,
        None => uts39(name).flat_map(char::to_lowercase).collect(),
    }
}

/// The skeleton of what most names are made of, in lower case, as `confusables.txt` has it: a test compares them.
fn prototype(c: char) -> Option<&'static str> {
    const CHARACTERS: &str = "abcdefghijklmnopqrstuvwxyz23456789@._-+";
    match c {
        '0' => Some("o"),
        '1' | 'I' => Some("l"),
        'm' => Some("rn"),
        _ => {
            let at = CHARACTERS.find(c.to_ascii_lowercase())?;
            CHARACTERS.get(at..=at)
        }
    }
}
