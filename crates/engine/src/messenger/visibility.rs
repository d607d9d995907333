//! When an account says that it is there, and to whom: as its owner chose, never as she types or rests.
//! It must never say why somebody is there or not, nor since when: no status, no idle time, no last activity.
//! RFC 6121 4.2 (initial presence), 4.5 (unavailable), 4.6 (directed presence).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jid::BareJid;
use model::{AccountId, Address, Event, Problem, SetVisibility, Visibility};
use xmpp::Command;

use super::effects::unix_milliseconds;
use super::people::no_such_account;
use super::{Messenger, locked, profile};
use crate::link;
use crate::random::SystemRandom;

/// Contacts that an account can be shown to one by one.
const MAX_NAMED: usize = 64;
/// Minutes of one step of a timetable, and of a day.
const STEP: u16 = 30;
const DAY: u16 = 24 * 60;
/// An account follows its timetable up to so much later, by lot: so two accounts with the same one do not move in step.
const LATEST: Duration = Duration::from_secs(10 * 60);

/// Who was told that an account is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Told {
    Everybody,
    #[default]
    Nobody,
    Only(BTreeSet<BareJid>),
}

/// Who was told, of each account, on the session that stands; and by how much it follows its timetable later.
#[derive(Default)]
pub(super) struct Shown {
    told: BTreeMap<AccountId, Told>,
    later: BTreeMap<AccountId, Duration>,
}

impl Messenger {
    /// Door 1's `account.visibility`.
    pub(super) fn set_visibility(&mut self, with: &SetVisibility) -> Result<(), Problem> {
        let visibility = usable(&with.visibility)?;
        let value = super::to_value(&visibility)?;
        let open = self.open.as_mut().ok_or_else(locked)?;
        let account = open.accounts.get_mut(&with.account).ok_or_else(no_such_account)?;
        open.vault
            .change(|kept| _ = kept.settings.insert(name(with.account), value))
            .map_err(|error| profile::told(&error))?;
        account.shown.visibility = visibility;
        open.shown.later.remove(&with.account);
        self.queue.tell(Event::AccountChanged {
            account: account.shown.clone(),
        });
        self.show_account(with.account);
        self.wake_now();
        Ok(())
    }

    /// What the owner chose for an account in an earlier run.
    pub(super) fn restore_visibility(&mut self, id: AccountId) {
        let Some(open) = &mut self.open else { return };
        let kept = open.vault.profile().settings.get(&name(id)).cloned();
        let kept = kept.and_then(|value| serde_json::from_value(value).ok());
        if let (Some(visibility), Some(account)) = (kept, open.accounts.get_mut(&id)) {
            account.shown.visibility = visibility;
        }
    }

    /// An account is gone, and what was kept of its visibility with it.
    pub(super) fn forget_visibility(&mut self, id: AccountId) {
        let Some(open) = &mut self.open else { return };
        open.shown.told.remove(&id);
        open.shown.later.remove(&id);
        if open.vault.profile().settings.contains_key(&name(id)) {
            // The account is erased already; what stays otherwise is only how visible it was.
            let _ = open.vault.change(|kept| _ = kept.settings.remove(&name(id)));
        }
    }

    /// A new session stands, on which nobody was told anything yet.
    pub(super) fn show_anew(&mut self, id: AccountId) {
        if let Some(open) = &mut self.open {
            open.shown.told.remove(&id);
        }
        self.show_account(id);
    }

    /// Follows the timetables.
    pub(super) fn follow_timetables(&mut self) {
        let Some(open) = &self.open else { return };
        let by_time = |visibility: &Visibility| matches!(visibility, Visibility::Timetable { .. });
        let accounts = open.accounts.iter();
        let timed: Vec<AccountId> = accounts
            .filter(|(_, account)| account.online && by_time(&account.shown.visibility))
            .map(|(id, _)| *id)
            .collect();
        timed.into_iter().for_each(|id| self.show_account(id));
    }

    /// Whether the server tells an account who of its contacts is there: only while it says so of itself.
    pub(super) fn is_shown_to_everybody(&self, id: AccountId) -> bool {
        let told = self.open.as_ref().and_then(|open| open.shown.told.get(&id));
        told == Some(&Told::Everybody)
    }

    /// Tells whoever has to be told, and nobody twice.
    fn show_account(&mut self, id: AccountId) {
        let Some(open) = &mut self.open else { return };
        let Some(account) = open.accounts.get(&id).filter(|account| account.online) else {
            return;
        };
        let later = open.shown.later.entry(id);
        let later = *later.or_insert_with(|| link::moment(&mut SystemRandom, LATEST));
        let is_contact = |who: &&Address| {
            let person = open.people.get(&(id, (*who).clone()));
            person.is_some_and(|person| person.accepted && !person.blocked)
        };
        let wanted = match &account.shown.visibility {
            Visibility::Always => Told::Everybody,
            Visibility::Never => Told::Nobody,
            Visibility::Only { contacts } => {
                let named = contacts.iter().filter(is_contact);
                Told::Only(named.filter_map(|who| BareJid::new(who.as_str()).ok()).collect())
            }
            Visibility::Timetable { from, to } if within(minute(later), *from, *to) => Told::Everybody,
            Visibility::Timetable { .. } => Told::Nobody,
        };
        let before = open.shown.told.insert(id, wanted.clone()).unwrap_or_default();
        for command in between(&before, &wanted) {
            self.order(id, command);
        }
    }
}

/// What has to be said so that those are told who shall be, and the others are told that nobody is there.
fn between(before: &Told, wanted: &Told) -> Vec<Command> {
    let none = BTreeSet::new();
    let named = |told: &Told| match told {
        Told::Only(who) => who.clone(),
        Told::Everybody | Told::Nobody => none.clone(),
    };
    let (were, shall) = (named(before), named(wanted));
    let mut commands = Vec::new();
    match (before, wanted) {
        (Told::Everybody, Told::Everybody) => return commands,
        (_, Told::Everybody) => return vec![Command::SetAvailable],
        // Also ends what was told to some.
        (Told::Everybody, _) => commands.push(Command::SetUnavailable),
        (_, _) => commands.extend(were.difference(&shall).cloned().map(Command::HideFrom)),
    }
    commands.extend(shall.difference(&were).cloned().map(Command::ShowTo));
    commands
}

/// What can be kept: few enough contacts, whole steps of a timetable.
fn usable(visibility: &Visibility) -> Result<Visibility, Problem> {
    match visibility {
        Visibility::Only { contacts } if contacts.len() > MAX_NAMED => {
            let text = format!("An account is shown to at most {MAX_NAMED} contacts one by one.");
            Err(Problem::new("account.visible_to_too_many", text))
        }
        Visibility::Timetable { from, to } => Ok(Visibility::Timetable {
            from: rounded(*from),
            to: rounded(*to),
        }),
        other => Ok(other.clone()),
    }
}

fn rounded(minutes: u16) -> u16 {
    let steps = (minutes % DAY + STEP / 2) / STEP;
    steps * STEP % DAY
}

/// The minute of the day in UTC, so much ago: the engine knows of no zone.
fn minute(ago: Duration) -> u16 {
    let now = Duration::from_millis(unix_milliseconds()).saturating_sub(ago);
    let minutes = (now.as_secs() / 60) % u64::from(DAY);
    u16::try_from(minutes).unwrap_or_default()
}

/// Whether a minute lies between two; the same two times mean the whole day.
fn within(minute: u16, from: u16, to: u16) -> bool {
    match from.cmp(&to) {
        std::cmp::Ordering::Less => (from..to).contains(&minute),
        std::cmp::Ordering::Equal => true,
        std::cmp::Ordering::Greater => minute >= from || minute < to,
    }
}

/// Where the profile keeps it.
fn name(id: AccountId) -> String {
    format!("visibility.{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timetable_is_rounded_to_half_hours_and_may_go_over_midnight() {
        let kept = usable(&Visibility::Timetable { from: 44, to: 1_439 });
        assert_eq!(kept, Ok(Visibility::Timetable { from: 30, to: 0 }));
        assert!(within(600, 540, 1_020) && !within(1_020, 540, 1_020));
        assert!(within(30, 1_320, 120) && within(1_400, 1_320, 120) && !within(600, 1_320, 120));
        assert!(within(0, 0, 0));
        assert_eq!(rounded(u16::MAX), 750);
    }
}
