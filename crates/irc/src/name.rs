//! Names of people and rooms, and when two of them are the same.
//! Must never let a name through that a server would read as something else.
//! RFC 1459 1.2 and 1.3, RFC 2812 2.2 and 2.3.1, IRCv3 casemapping.

use std::fmt;

/// Longest name that is taken, in bytes; networks allow 9 to 64.
const LONGEST: usize = 200;

/// A nick, as its owner spells it. Two spellings may be the same nick: [`crate::Session::fold`] tells.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Nick(String);

/// The name of a room (a channel), its first character included.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Room(String);

/// Where a message goes.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Target {
    /// One person.
    Nick(Nick),
    /// Everybody in a room.
    Room(Room),
}

impl Nick {
    /// `None` if this can be no nick on any network.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let legal = is_word(name)
            && !name.starts_with([':', '#', '&', '+', '!', '$', '~', '%'])
            && !name.contains(['!', '@', '*', '?', '.', ',']);
        // Bouncers speak for themselves under names with a star in front.
        let bouncer = name
            .strip_prefix('*')
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        (legal || bouncer).then(|| Self(name.to_owned()))
    }

    /// Letters of ASCII are always a nick.
    pub(crate) fn of_letters(name: String) -> Self {
        debug_assert!(Self::new(&name).is_some(), "only letters");
        Self(name)
    }

    /// The nick as it is spelt.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Room {
    /// `None` if this can be no room on any network.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let legal = is_word(name) && name.starts_with(['#', '&', '+', '!']) && !name.contains([',', '\u{7}']);
        legal.then(|| Self(name.to_owned()))
    }

    /// The name as it is spelt.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Target {
    /// The name as it is spelt.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Nick(nick) => nick.as_str(),
            Self::Room(room) => room.as_str(),
        }
    }

    /// A room if it looks like one, else a nick.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        Room::new(name)
            .map(Self::Room)
            .or_else(|| Nick::new(name).map(Self::Nick))
    }
}

fn is_word(name: &str) -> bool {
    let bad = |c: char| c.is_control() || c == ' ' || c == char::REPLACEMENT_CHARACTER;
    !name.is_empty() && name.len() <= LONGEST && !name.contains(bad)
}

impl fmt::Display for Nick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name with its case taken away: equal for names that a server holds to be the same.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Key(Box<str>);

/// Which letters a network holds to be the same.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum CaseMap {
    /// A-Z only; also where a network names a mapping that is not known: it joins the fewest names.
    Ascii,
    /// And `[]\~` with `{}|^`: what holds until a network says otherwise.
    #[default]
    Rfc1459,
    /// And `[]\` with `{}|`.
    Rfc1459Strict,
}

impl CaseMap {
    pub(crate) fn from_name(name: &str) -> Self {
        match name {
            "rfc1459" => Self::Rfc1459,
            "rfc1459-strict" | "strict-rfc1459" => Self::Rfc1459Strict,
            _ => Self::Ascii,
        }
    }

    pub(crate) fn fold(self, name: &str) -> Key {
        Key(name.chars().map(|c| self.lower(c)).collect())
    }

    /// Whether two names are the same.
    pub(crate) fn same(self, a: &str, b: &str) -> bool {
        a.len() == b.len()
            && a.chars()
                .zip(b.chars())
                .all(|(a, b)| self.lower(a) == self.lower(b))
    }

    fn lower(self, character: char) -> char {
        match (self, character) {
            (Self::Rfc1459 | Self::Rfc1459Strict, '[') => '{',
            (Self::Rfc1459 | Self::Rfc1459Strict, ']') => '}',
            (Self::Rfc1459 | Self::Rfc1459Strict, '\\') => '|',
            (Self::Rfc1459, '~') => '^',
            _ => character.to_ascii_lowercase(),
        }
    }
}

impl Key {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_be_read_otherwise_are_none() {
        for name in [
            "",
            "a b",
            "#a",
            "a!b",
            "a@b",
            "irc.example",
            "a,b",
            "*",
            "a*",
            ":a",
            "a\u{fffd}",
            "a\r",
            "@a",
        ] {
            assert_eq!(Nick::new(name), None, "{name:?}");
        }
        for name in ["alice", "a[]\\`_^{|}-1", "żółw", "*status"] {
            assert_eq!(Nick::new(name).unwrap().as_str(), name);
        }
        for name in ["", "a", "#a b", "#a,b", "#a\u{7}", "#\u{fffd}"] {
            assert_eq!(Room::new(name), None, "{name:?}");
        }
        assert_eq!(Room::new(&format!("#{}", "a".repeat(300))), None);
        assert!(matches!(Target::new("#a"), Some(Target::Room(_))));
        assert!(matches!(Target::new("a"), Some(Target::Nick(_))));
    }

    #[test]
    fn each_network_says_which_letters_are_the_same() {
        let same = |name: &str, a: &str, b: &str| {
            let map = CaseMap::from_name(name);
            assert_eq!(map.fold(a) == map.fold(b), map.same(a, b));
            map.same(a, b)
        };
        assert!(same("rfc1459", "A[]\\~", "a{}|^"));
        assert!(same("rfc1459-strict", "A[]\\", "a{}|") && !same("rfc1459-strict", "~", "^"));
        assert!(same("ascii", "AZ", "az") && !same("ascii", "[", "{"));
        assert!(!same("rfc8265", "Ä", "ä") && !same("rfc1459", "Ä", "ä"));
    }
}
