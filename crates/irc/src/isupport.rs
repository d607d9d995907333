//! What a server says of itself (numeric 005).
//! Must never believe a number that would make us hold or send more than our own limits.
//! draft-hardy-irc-isupport, draft-brocklesby-irc-isupport, modern IRC "RPL_ISUPPORT parameters".

use crate::name::CaseMap;

/// Longest value that is kept, in characters.
const LONGEST_VALUE: usize = 64;

/// What is known of the server; before it says anything, what RFC 1459 says.
#[derive(Clone, Debug)]
pub(crate) struct Isupport {
    pub(crate) casemap: CaseMap,
    /// First characters of rooms.
    pub(crate) room_types: String,
    /// Ranks in a room, highest first: the mode and the sign before the nick.
    pub(crate) ranks: Vec<(char, char)>,
    /// Modes of the types A (lists), B (always a parameter), C (a parameter when set).
    pub(crate) mode_types: [String; 3],
    pub(crate) nick_length: usize,
    pub(crate) network: Option<String>,
    /// How many nicks MONITOR takes; `None`: there is no MONITOR.
    pub(crate) monitor: Option<usize>,
    pub(crate) whox: bool,
    /// The user mode of machines.
    pub(crate) bot: Option<char>,
    /// Signs that may stand before a room to mean a part of it.
    pub(crate) status: String,
    /// LIST takes a pattern.
    pub(crate) list_by_pattern: bool,
    /// How many messages CHATHISTORY gives at once; `None`: there is none.
    pub(crate) history: Option<usize>,
}

impl Default for Isupport {
    fn default() -> Self {
        Self {
            casemap: CaseMap::default(),
            room_types: "#&".to_owned(),
            ranks: vec![('o', '@'), ('v', '+')],
            mode_types: ["b".to_owned(), "k".to_owned(), "l".to_owned()],
            nick_length: 9,
            network: None,
            monitor: None,
            whox: false,
            bot: None,
            status: String::new(),
            list_by_pattern: false,
            history: None,
        }
    }
}

impl Isupport {
    /// Takes one token: `NAME`, `NAME=value`, or `-NAME` to take it back.
    pub(crate) fn apply(&mut self, token: &str) {
        if let Some(name) = token.strip_prefix('-') {
            self.set(name, None);
            return;
        }
        let (name, value) = token.split_once('=').unwrap_or((token, ""));
        let value: String = unescape(value).chars().take(LONGEST_VALUE).collect();
        self.set(name, Some(&value));
    }

    fn set(&mut self, name: &str, value: Option<&str>) {
        let default = Self::default();
        let filled = value.filter(|value| !value.is_empty());
        let number = value.and_then(|value| value.parse::<usize>().ok());
        match name {
            "BOT" => self.bot = filled.and_then(|value| value.chars().next()),
            "CASEMAPPING" => self.casemap = filled.map_or(default.casemap, CaseMap::from_name),
            "CHANMODES" => self.mode_types = filled.map_or(default.mode_types, mode_types),
            "CHANTYPES" => self.room_types = value.map_or(default.room_types, str::to_owned),
            "CHATHISTORY" | "draft/CHATHISTORY" => self.history = value.map(|_| unlimited(number)),
            "ELIST" => self.list_by_pattern = value.is_some_and(|value| value.contains(['M', 'm'])),
            "MONITOR" => self.monitor = value.map(|_| unlimited(number)),
            "NETWORK" => self.network = filled.map(str::to_owned),
            "NICKLEN" => self.nick_length = number.unwrap_or(default.nick_length).clamp(1, 64),
            "PREFIX" => self.ranks = value.map_or(default.ranks, ranks),
            "STATUSMSG" => self.status = value.map_or(default.status, str::to_owned),
            "WHOX" => self.whox = value.is_some(),
            _ => {}
        }
    }

    /// Whether this is the name of a room here.
    pub(crate) fn is_room(&self, name: &str) -> bool {
        name.starts_with(|c| self.room_types.contains(c))
    }

    /// The sign of a rank's mode.
    pub(crate) fn sign(&self, mode: char) -> Option<char> {
        self.ranks
            .iter()
            .find(|(it, _)| *it == mode)
            .map(|(_, sign)| *sign)
    }

    /// Whether this sign stands for a rank.
    pub(crate) fn is_sign(&self, sign: char) -> bool {
        self.ranks.iter().any(|(_, it)| *it == sign)
    }

    /// Whether a mode of a room takes a parameter.
    pub(crate) fn takes_parameter(&self, mode: char, set: bool) -> bool {
        let [lists, always, when_set] = &self.mode_types;
        let ranked = self.sign(mode).is_some();
        ranked || lists.contains(mode) || always.contains(mode) || (set && when_set.contains(mode))
    }
}

/// No number, or nought, is no limit.
fn unlimited(number: Option<usize>) -> usize {
    number.filter(|number| *number > 0).unwrap_or(usize::MAX)
}

fn mode_types(value: &str) -> [String; 3] {
    let mut types = value.split(',').map(str::to_owned);
    [(); 3].map(|()| types.next().unwrap_or_default())
}

/// `(ov)@+`; nothing at all where the two halves do not match.
fn ranks(value: &str) -> Vec<(char, char)> {
    let halves = value.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let Some((modes, signs)) = halves.filter(|(a, b)| a.chars().count() == b.chars().count()) else {
        return Vec::new();
    };
    modes.chars().zip(signs.chars()).collect()
}

/// `\xHH` stands for a character that cannot be sent as it is.
fn unescape(value: &str) -> String {
    let mut pieces = value.split("\\x");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let code = piece.get(..2).and_then(|code| u8::from_str_radix(code, 16).ok());
        match (code, piece.get(2..)) {
            (Some(code), Some(rest)) if code.is_ascii() => {
                text.push(char::from(code));
                text.push_str(rest);
            }
            _ => {
                text.push_str("\\x");
                text.push_str(piece);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_what_it_can_and_takes_it_back() {
        let mut isupport = Isupport::default();
        for token in [
            "CASEMAPPING=ascii",
            "CHANTYPES=#",
            "PREFIX=(qov)~@+",
            "CHANMODES=beI,k,lf,imnt",
            "NICKLEN=31",
            "NETWORK=A\\x20B\\x",
            "MONITOR=100",
            "WHOX",
            "BOT=B",
            "STATUSMSG=@+",
            "ELIST=CMNTU",
            "CHATHISTORY=100",
        ] {
            isupport.apply(token);
        }
        assert_eq!(isupport.network.as_deref(), Some("A B\\x"));
        assert_eq!(
            (isupport.monitor, isupport.nick_length, isupport.history),
            (Some(100), 31, Some(100))
        );
        assert!(isupport.whox && isupport.list_by_pattern && isupport.bot == Some('B'));
        assert!(isupport.is_room("#a") && !isupport.is_room("&a"));
        assert_eq!(
            (isupport.sign('q'), isupport.sign('h'), isupport.is_sign('@')),
            (Some('~'), None, true)
        );
        for (mode, set, takes) in [
            ('b', false, true),
            ('k', false, true),
            ('l', true, true),
            ('l', false, false),
            ('i', true, false),
            ('o', true, true),
        ] {
            assert_eq!(isupport.takes_parameter(mode, set), takes, "{mode}");
        }
        for token in [
            "-CASEMAPPING",
            "-PREFIX",
            "-MONITOR",
            "-WHOX",
            "-NICKLEN",
            "-NETWORK",
        ] {
            isupport.apply(token);
        }
        assert_eq!(
            (isupport.casemap, isupport.monitor, isupport.whox),
            (CaseMap::Rfc1459, None, false)
        );
        assert_eq!(
            (isupport.sign('o'), isupport.nick_length, isupport.network),
            (Some('@'), 9, None)
        );
    }

    #[test]
    fn nonsense_leaves_what_is_safe() {
        let mut isupport = Isupport::default();
        for token in [
            "PREFIX=(ov)@",
            "MONITOR=0",
            "NICKLEN=99999999999999999999",
            "CHANMODES=",
            "=",
            "-",
            "",
            "\\x",
        ] {
            isupport.apply(token);
        }
        assert!(isupport.ranks.is_empty());
        assert_eq!((isupport.monitor, isupport.nick_length), (Some(usize::MAX), 9));
        isupport.apply(&format!("NETWORK={}", "x".repeat(5_000)));
        assert_eq!(isupport.network.map(|name| name.len()), Some(LONGEST_VALUE));
    }
}
