//! The send shield over all conversations, and what it costs.
//! It must never tell a cost that was not paid, nor be up where the owner did not choose it.
//! See `conversation::shield`.

use model::{Problem, Shield};

use super::{Messenger, locked};
use crate::conversation::{Cost, LONGEST, SHORTEST};

impl Messenger {
    /// Puts the shield up or takes it down everywhere, as the rules say; elsewhere it comes with the next step.
    pub(super) fn shield_all(&mut self) {
        self.for_everyone(|_, _| ());
    }

    /// Door 1's `rules.shield`.
    pub(super) fn show_shield(&self) -> Result<Shield, Problem> {
        let open = self.open.as_ref().ok_or_else(locked)?;
        let people = || open.people.values().filter(|person| person.accepted);
        let cost = |sum: Cost, one: Cost| Cost {
            empty: sum.empty + one.empty,
            bytes: sum.bytes + one.bytes,
        };
        let cost = people()
            .map(|person| person.conversation.shield_cost())
            .fold(Cost::default(), cost);
        let waiting: usize = people().map(|person| person.conversation.waiting()).sum();
        Ok(Shield {
            up: self.attention.is_shielded(),
            shortest_wait: u32::try_from(SHORTEST.as_secs()).unwrap_or(u32::MAX),
            longest_wait: u32::try_from(LONGEST.as_secs()).unwrap_or(u32::MAX),
            waiting: u32::try_from(waiting).unwrap_or(u32::MAX),
            empty: cost.empty,
            empty_bytes: cost.bytes,
        })
    }
}
