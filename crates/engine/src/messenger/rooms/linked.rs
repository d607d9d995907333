//! What ties two accounts together in rooms: the same room, and the same name in any.
//! It must never hold up whoever enters a room: it only tells, in the room itself.
//! hardening.md E5.

use model::{AccountId, Address, Problem};

use super::super::network::server_of;
use super::super::{Messenger, Open};

impl Messenger {
    /// Tells the owner where a room, or the account's name in it, links two accounts.
    pub(super) fn warn_of_linked_room(&mut self, id: AccountId, address: &Address) {
        let Some(open) = &self.open else { return };
        let mut problems = Vec::new();
        if open.linked_by_room(id, address).is_some() {
            let text = "Another of your accounts has this room, too. Whoever watches the room can guess that they belong together.";
            problems.push(Problem::new("room.in_two_accounts", text));
        }
        if open.has_nick_elsewhere(id, address) {
            let text = "Another of your accounts goes by this name in a room. Whoever meets both can guess that they belong together.";
            problems.push(Problem::new("room.nick_in_two_accounts", text));
        }
        for problem in problems {
            let text = problem.text.clone();
            self.say(id, address, None, (false, false), &text, Some(problem));
        }
    }
}

impl Open {
    /// Another account that has this room, too. A name without a server means another room on another network.
    pub(in crate::messenger) fn linked_by_room(&self, id: AccountId, address: &Address) -> Option<&Address> {
        let network = |account: AccountId| {
            let owner = self.accounts.get(&account);
            owner.map(|owner| server_of(&owner.shown.address))
        };
        let alone = server_of(address).is_empty();
        let has = |other: AccountId| {
            let room = self.rooms.rooms.get(&(other, address.clone()));
            let stays = room.is_some_and(|room| room.shown.invited_by.is_none());
            stays && (!alone || network(other) == network(id))
        };
        let others = self.accounts.iter().filter(|(other, _)| **other != id);
        others
            .filter(|(other, _)| has(**other))
            .map(|(_, account)| &account.shown.address)
            .next()
    }

    fn has_nick_elsewhere(&self, id: AccountId, address: &Address) -> bool {
        let rooms = &self.rooms.rooms;
        let Some(own) = rooms.get(&(id, address.clone())) else {
            return false;
        };
        let nick = own.shown.nick.to_lowercase();
        let mut others = rooms.iter().filter(|((other, _), _)| *other != id);
        others.any(|(_, room)| room.shown.invited_by.is_none() && room.shown.nick.to_lowercase() == nick)
    }
}
