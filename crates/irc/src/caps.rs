//! What client and server agree on beyond RFC 1459.
//! Must never hold a capability to be on that was not asked for, nor keep more of a list than a server of this world has.
//! IRCv3 capability negotiation, version 302, with cap-notify.

use std::collections::{BTreeMap, VecDeque};

/// Most capabilities of a server that are remembered.
const MOST_OFFERED: usize = 128;
/// Bytes of names in one request, so that it is one line.
const LONGEST_REQUEST: usize = 400;

macro_rules! capabilities {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A capability that is used where it is there.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub(crate) enum Cap { $($(#[$doc])* $variant,)* }

        impl Cap {
            const ALL: &[Self] = &[$(Self::$variant),*];

            fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

capabilities! {
    AccountNotify = "account-notify",
    AccountTag = "account-tag",
    AwayNotify = "away-notify",
    Batch = "batch",
    Notify = "cap-notify",
    Chathistory = "draft/chathistory",
    Chghost = "chghost",
    EchoMessage = "echo-message",
    ExtendedJoin = "extended-join",
    ExtendedMonitor = "extended-monitor",
    InviteNotify = "invite-notify",
    LabeledResponse = "labeled-response",
    MessageTags = "message-tags",
    MultiPrefix = "multi-prefix",
    ReadMarker = "draft/read-marker",
    Sasl = "sasl",
    ServerTime = "server-time",
    Setname = "setname",
    StandardReplies = "standard-replies",
    StandardRepliesOfInspircd = "inspircd.org/standard-replies",
    UserhostInNames = "userhost-in-names",
    ZncSelfMessage = "znc.in/self-message",
}

/// The capabilities of one connection.
#[derive(Debug, Default)]
pub(crate) struct Caps {
    offered: BTreeMap<String, String>,
    enabled: u32,
    /// Asked for and not answered yet, a request each.
    asked: VecDeque<Vec<Cap>>,
}

impl Caps {
    pub(crate) fn has(&self, cap: Cap) -> bool {
        self.enabled & (1 << cap as u32) != 0
    }

    /// Takes a list of `LS` or `NEW`: names with values.
    pub(crate) fn offer(&mut self, list: &str) {
        for entry in list.split(' ').filter(|entry| !entry.is_empty()) {
            let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
            if self.offered.len() < MOST_OFFERED || self.offered.contains_key(name) {
                self.offered.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Takes the list of `DEL`.
    pub(crate) fn withdraw(&mut self, list: &str) {
        for name in list.split(' ') {
            self.offered.remove(name);
            self.switch(name, false);
        }
    }

    /// The value of an offer; `None`: it is not offered.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.offered.get(name).map(String::as_str)
    }

    /// The requests to send for what is offered, wanted and not on: a list of names each. `sasl`: a login is wanted.
    pub(crate) fn request(&mut self, sasl: bool) -> Vec<String> {
        let wanted: Vec<Cap> = Cap::ALL
            .iter()
            .copied()
            .filter(|cap| self.wants(*cap, sasl))
            .collect();
        let mut requests: Vec<Vec<Cap>> = Vec::new();
        let mut length = LONGEST_REQUEST;
        for cap in wanted {
            length += cap.name().len() + 1;
            if length > LONGEST_REQUEST {
                requests.push(Vec::new());
                length = cap.name().len();
            }
            if let Some(request) = requests.last_mut() {
                request.push(cap);
            }
        }
        self.ask(requests)
    }

    fn ask(&mut self, requests: Vec<Vec<Cap>>) -> Vec<String> {
        let names = |caps: &Vec<Cap>| caps.iter().map(|cap| cap.name()).collect::<Vec<_>>().join(" ");
        let lines = requests.iter().map(names).collect();
        self.asked.extend(requests);
        lines
    }

    fn wants(&self, cap: Cap, sasl: bool) -> bool {
        let offered = |cap: Cap| self.offered.contains_key(cap.name());
        let pending = self.asked.iter().any(|request| request.contains(&cap));
        let useful = match cap {
            Cap::Sasl => sasl,
            // Without a label an echo cannot be told from a message that another client of ours sent.
            Cap::EchoMessage => offered(Cap::LabeledResponse) && offered(Cap::MessageTags),
            Cap::LabeledResponse => offered(Cap::Batch),
            _ => true,
        };
        useful && offered(cap) && !self.has(cap) && !pending
    }

    /// Takes `ACK`. `false`: it answers nothing that was asked.
    pub(crate) fn acknowledge(&mut self, list: &str) -> bool {
        let Some(request) = self.answered(list) else {
            return false;
        };
        for name in list.split(' ') {
            let (name, on) = name.strip_prefix('-').map_or((name, true), |name| (name, false));
            if request.iter().any(|cap| cap.name() == name) {
                self.switch(name, on);
            }
        }
        true
    }

    /// Takes `NAK`; gives the requests to send instead: each name alone. `None`: it answers nothing that was asked.
    pub(crate) fn refuse(&mut self, list: &str) -> Option<Vec<String>> {
        let request = self.answered(list)?;
        if request.len() < 2 {
            return Some(Vec::new());
        }
        Some(self.ask(request.into_iter().map(|cap| vec![cap]).collect()))
    }

    /// The request that an answer belongs to: the oldest that has a name of it.
    fn answered(&mut self, list: &str) -> Option<Vec<Cap>> {
        let named = |cap: &Cap| {
            list.split(' ')
                .any(|name| name.trim_start_matches('-') == cap.name())
        };
        let found = self.asked.iter().position(|request| request.iter().any(named))?;
        self.asked.remove(found)
    }

    /// Nothing that was asked waits for an answer.
    pub(crate) fn is_settled(&self) -> bool {
        self.asked.is_empty()
    }

    fn switch(&mut self, name: &str, on: bool) {
        for cap in Cap::ALL.iter().filter(|cap| cap.name() == name) {
            let bit = 1 << *cap as u32;
            self.enabled = if on {
                self.enabled | bit
            } else {
                self.enabled & !bit
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_and_wanted_is_asked_for() {
        let mut caps = Caps::default();
        caps.offer("multi-prefix sasl=PLAIN,EXTERNAL draft/typing unknown/cap=1");
        assert_eq!(caps.request(false), ["multi-prefix"]);
        assert_eq!(
            caps.request(true),
            ["sasl"],
            "what was asked for is not asked for again"
        );
        assert!(caps.acknowledge("multi-prefix "));
        assert!(caps.has(Cap::MultiPrefix) && !caps.has(Cap::Sasl) && !caps.is_settled());
        assert_eq!(caps.value("sasl"), Some("PLAIN,EXTERNAL"));
        assert_eq!(caps.refuse("sasl"), Some(Vec::new()));
        assert!(caps.is_settled());
        caps.withdraw("multi-prefix");
        assert!(!caps.has(Cap::MultiPrefix));
        assert!(caps.request(false).is_empty());
    }

    #[test]
    fn what_nobody_asked_for_is_not_on() {
        let mut caps = Caps::default();
        assert!(!caps.acknowledge("echo-message batch"));
        assert_eq!(caps.refuse("batch"), None);
        caps.offer("batch");
        caps.request(false);
        assert!(caps.acknowledge("batch echo-message"));
        assert!(caps.has(Cap::Batch) && !caps.has(Cap::EchoMessage));
    }

    #[test]
    fn a_refused_list_is_asked_for_one_by_one() {
        let mut caps = Caps::default();
        caps.offer("chghost batch setname");
        assert_eq!(caps.request(false), ["batch chghost setname"]);
        assert_eq!(
            caps.refuse("batch chghost setname").unwrap(),
            ["batch", "chghost", "setname"]
        );
        assert!(caps.acknowledge("chghost"));
        assert_eq!(caps.refuse("batch"), Some(Vec::new()));
        assert!(!caps.is_settled());
        assert!(caps.acknowledge("setname") && caps.is_settled());
    }

    #[test]
    fn echoes_are_wanted_only_with_labels() {
        let mut caps = Caps::default();
        caps.offer("echo-message labeled-response");
        assert!(caps.request(false).is_empty());
        caps.offer("batch message-tags");
        assert_eq!(
            caps.request(false),
            ["batch echo-message labeled-response message-tags"]
        );
    }

    #[test]
    fn an_endless_list_is_not_kept_and_requests_fit_a_line() {
        let mut caps = Caps::default();
        for number in 0..100_000 {
            caps.offer(&format!("cap{number}"));
        }
        assert_eq!(caps.offered.len(), MOST_OFFERED);
        let mut caps = Caps::default();
        for cap in Cap::ALL {
            caps.offer(cap.name());
        }
        let requests = caps.request(true);
        assert!(requests.iter().all(|request| request.len() <= LONGEST_REQUEST));
        assert_eq!(requests.join(" ").split(' ').count(), Cap::ALL.len());
    }
}
