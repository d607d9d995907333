//! Which streams may share circuits: one family for each account and purpose.
//! It must never put two accounts into one family, nor an account's stream into that of another purpose.
//! Standard: design.md section 4 ("One circuit family per account and purpose").

use std::collections::HashMap;

use arti_client::IsolationToken;
use door::{Isolation, Purpose};

/// How many pairs of account and purpose are remembered. The one unused for longest is forgotten for a new one, and has
/// new circuits when it comes back.
const MAX_FAMILIES: usize = 256;

/// The families in use.
#[derive(Default)]
pub(crate) struct Circuits {
    families: HashMap<(Isolation, Purpose), Remembered>,
    clock: u64,
    last: u64,
}

struct Remembered {
    family: Family,
    used: u64,
}

/// What streams have in common that may share circuits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Family {
    /// For Arti.
    pub(crate) token: IsolationToken,
    /// For a Tor that runs elsewhere; never given twice in one run.
    pub(crate) number: u64,
}

impl Circuits {
    /// The family of a stream of this account and purpose.
    pub(crate) fn family(&mut self, isolation: &Isolation, purpose: Purpose) -> Family {
        self.clock += 1;
        let key = (isolation.clone(), purpose);
        if !self.families.contains_key(&key) && self.families.len() >= MAX_FAMILIES {
            self.forget_oldest();
        }
        let (used, last) = (self.clock, &mut self.last);
        let remembered = self.families.entry(key).or_insert_with(|| {
            *last += 1;
            let (token, number) = (IsolationToken::new(), *last);
            Remembered {
                family: Family { token, number },
                used,
            }
        });
        remembered.used = used;
        remembered.family
    }

    /// Gives the account new families, for every purpose.
    pub(crate) fn renew(&mut self, isolation: &Isolation) {
        self.families.retain(|(name, _), _| name != isolation);
    }

    fn forget_oldest(&mut self) {
        let oldest = self.families.iter().min_by_key(|(_, remembered)| remembered.used);
        if let Some(key) = oldest.map(|(key, _)| key.clone()) {
            self.families.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(number: u64) -> Isolation {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        Isolation::from_bytes(bytes)
    }

    #[test]
    fn an_account_keeps_its_circuits_and_shares_them_with_nobody() {
        let mut circuits = Circuits::default();
        let alice = circuits.family(&account(1), Purpose::Xmpp);
        let bob = circuits.family(&account(2), Purpose::Xmpp);
        let files = circuits.family(&account(1), Purpose::Files);
        assert!(alice != bob && alice != files && bob != files);
        assert_eq!(circuits.family(&account(1), Purpose::Xmpp), alice);
    }

    #[test]
    fn new_circuits_are_for_the_account_that_asked_and_for_all_its_purposes() {
        let mut circuits = Circuits::default();
        let before = [Purpose::Xmpp, Purpose::Files].map(|purpose| circuits.family(&account(1), purpose));
        let bob = circuits.family(&account(2), Purpose::Xmpp);
        circuits.renew(&account(1));
        let after = [Purpose::Xmpp, Purpose::Files].map(|purpose| circuits.family(&account(1), purpose));
        assert!(before.iter().all(|old| after.iter().all(|new| old != new)));
        assert_eq!(circuits.family(&account(2), Purpose::Xmpp), bob);
    }

    #[test]
    fn the_memory_is_bounded_and_forgets_the_one_unused_for_longest() {
        let mut circuits = Circuits::default();
        let first = circuits.family(&account(0), Purpose::Xmpp);
        for number in 1..5_000 {
            circuits.family(&account(number), Purpose::Xmpp);
            assert_eq!(circuits.family(&account(0), Purpose::Xmpp), first);
            assert!(circuits.families.len() <= MAX_FAMILIES);
        }
    }
}
