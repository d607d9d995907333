//! The owner's rules: lock after a while and on suspend, destroy a profile that nobody opens, end everything at once.
//! It must never take what a window asks by itself for the owner, nor wait on anybody once the owner panicked.
//! Standards: none; `docs/decisions/0006-plausible-deniability.md` says what destroying cannot promise.

use std::time::Duration;

use model::{Command, Event, Nothing, Problem, ProfileState, Rules};
use serde_json::{Value, json};
use vault::{Profile, Vault, VaultError};

use super::effects::unix_milliseconds;
use super::profile::told;
use super::{Messenger, locked, to_value};

/// Where the profile keeps the rules.
const RULES: &str = "rules";
/// Where it keeps the day on which it was last open.
const LAST_OPEN: &str = "last_open";
/// The farthest that rules may reach.
const MAX_MINUTES: u32 = 1440;
const MAX_DAYS: u32 = 3650;
/// How much farther the clock may get than this program has run, before the machine counts as having slept.
const SLEPT: u64 = 10_000;
/// How long the goodbye of a panicking owner may take.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// When the owner was last there, and the rules that hang on it.
#[derive(Default)]
pub(super) struct Attention {
    rules: Rules,
    /// When the owner last did something, since the program's start.
    last: Duration,
    /// When clock and running time were last looked at, and the clock then in milliseconds since 1970.
    looked: Option<(Duration, u64)>,
    /// The day that the profile was last said to be open on.
    day: u32,
}

impl Attention {
    /// Whether the owner has been away too long, or the machine slept since this was last asked. A clock that was set
    /// ahead looks like sleep; one that was set back like none.
    fn is_away(&mut self, now: Duration, clock: u64) -> bool {
        let slept = self.looked.is_some_and(|(then, clock_then)| {
            let ran = u64::try_from(now.saturating_sub(then).as_millis()).unwrap_or(u64::MAX);
            clock.saturating_sub(clock_then) > ran.saturating_add(SLEPT)
        });
        self.looked = Some((now, clock));
        let minutes = self.rules.lock_after_minutes.map(u64::from);
        minutes.is_some_and(|minutes| slept || now.saturating_sub(self.last).as_secs() >= minutes * 60)
    }

    /// Whether a machine that slept has to be noticed as soon as it is awake.
    pub(super) fn is_watchful(&self) -> bool {
        self.rules.lock_after_minutes.is_some()
    }

    /// Whether the owner wants the send shield.
    pub(super) fn is_shielded(&self) -> bool {
        self.rules.shield
    }
}

impl Messenger {
    /// Carries out what is about the owner's rules.
    pub(super) fn rules_command(&mut self, command: Command) -> Result<Value, Problem> {
        match command {
            Command::Panic(Nothing {}) => {
                (self.panicking, self.stopping) = (true, true);
                Ok(json!({}))
            }
            Command::SetRules(rules) => self.set_rules(&rules).map(|()| json!({})),
            Command::ShowRules(Nothing {}) => {
                let open = self.open.as_ref().ok_or_else(locked)?;
                to_value(&read(open.vault.profile()))
            }
            Command::ShowShield(Nothing {}) => to_value(&self.show_shield()?),
            other => self.room_command(other),
        }
    }

    fn set_rules(&mut self, rules: &Rules) -> Result<(), Problem> {
        let within = |value: Option<u32>, most| value.is_none_or(|value| (1..=most).contains(&value));
        if !within(rules.lock_after_minutes, MAX_MINUTES) || !within(rules.expire_after_days, MAX_DAYS) {
            let text = "A rule is out of range: 1 to 1,440 minutes, 1 to 3,650 days.";
            return Err(Problem::new("rules.out_of_range", text));
        }
        let value = to_value(rules)?;
        let open = self.open.as_mut().ok_or_else(locked)?;
        open.vault
            .change(|kept| _ = kept.settings.insert(RULES.to_owned(), value))
            .map_err(|error| told(&error))?;
        self.attention.rules = rules.clone();
        self.queue.tell(Event::RulesChanged { rules: rules.clone() });
        self.shield_all();
        self.wake_now();
        self.say_opened()
    }

    /// The profile was just opened: its rules count from now on.
    pub(super) fn take_rules(&mut self) {
        let Some(open) = &self.open else { return };
        self.attention.rules = read(open.vault.profile());
        self.attention.last = self.origin.elapsed();
        self.wake_now();
        // Where it cannot be written the profile was open all the same; it is tried again tomorrow.
        let _ = self.say_opened();
    }

    /// Writes down that the profile is open today, for the rule that destroys it.
    fn say_opened(&mut self) -> Result<(), Problem> {
        let (today, days) = (today(), self.attention.rules.expire_after_days);
        self.attention.day = today;
        let open = self.open.as_mut().ok_or_else(locked)?;
        open.vault
            .expire_after(days.map(|days| today.saturating_add(days)))
            .map_err(|error| told(&error))?;
        if days.is_some() {
            open.vault
                .change(|kept| _ = kept.settings.insert(LAST_OPEN.to_owned(), json!(today)))
                .map_err(|error| told(&error))?;
        }
        Ok(())
    }

    /// The owner asked for something, or the window by itself.
    pub(super) fn attend(&mut self, command: &Command) {
        self.look_at_the_clock();
        if by_owner(command) {
            self.attention.last = self.origin.elapsed();
        }
    }

    /// Locks what its owner left; destroys what nobody opened for too long.
    pub(super) fn look_at_the_clock(&mut self) {
        let away = self.attention.is_away(self.origin.elapsed(), unix_milliseconds());
        let today = today();
        if self.open.is_none() {
            if self.attention.day != today && !self.busy {
                self.attention.day = today;
                self.destroy_if_late(today);
            }
        } else if away {
            let _ = self.lock();
        } else if self.attention.day != today {
            let _ = self.say_opened();
        }
    }

    fn destroy_if_late(&self, today: u32) {
        // A folder that cannot be read, or that another program has open, is not late.
        if vault::expired(&self.folder, today) == Ok(true) && vault::wipe(&self.folder).is_ok() {
            self.queue.tell(Event::ProfileChanged {
                state: ProfileState::Absent,
            });
        }
    }

    /// Ends every private conversation as far as that goes quickly, and drops and wipes what is open.
    pub(super) async fn end_at_once(&mut self) {
        let online = |open: &super::Open| open.accounts.values().any(|account| account.online);
        if self.open.as_ref().is_some_and(online) {
            self.for_everyone(|conversation, context| conversation.end(context));
            tokio::time::sleep(LAST_WORDS).await;
        }
        self.open = None;
    }
}

/// The rules that a profile has; those of an earlier version, or none, where they cannot be read.
fn read(profile: &Profile) -> Rules {
    let kept = profile.settings.get(RULES).cloned();
    kept.and_then(|kept| serde_json::from_value(kept).ok())
        .unwrap_or_default()
}

/// An opened vault, unless it was not to be opened any more: then it is destroyed, and was never there.
///
/// # Errors
/// [`VaultError::Absent`].
pub(super) fn unless_late(vault: Vault) -> Result<Vault, VaultError> {
    let days = read(vault.profile()).expire_after_days;
    let last = vault.profile().settings.get(LAST_OPEN).and_then(Value::as_u64);
    let last = last.and_then(|last| u32::try_from(last).ok());
    let late = |(days, last): (u32, u32)| vault::is_past(last.saturating_add(days), today());
    if days.zip(last).is_some_and(late) {
        // What could not be removed stays sealed.
        let _ = vault.wipe();
        return Err(VaultError::Absent);
    }
    Ok(vault)
}

/// Days since 1970-01-01, UTC, by this machine's clock.
fn today() -> u32 {
    u32::try_from(unix_milliseconds() / 86_400_000).unwrap_or(u32::MAX)
}

/// Whether a command is the owner's doing, and not what a window asks for by itself.
fn by_owner(command: &Command) -> bool {
    !matches!(
        command,
        Command::ListProbes(_)
            | Command::ListSights(_)
            | Command::LoadWindow(_)
            | Command::SaveWindow(_)
            | Command::ShowRules(_)
            | Command::ShowShield(_)
            | Command::Snapshot(_)
            | Command::StoredData(_)
            | Command::TorPaths(_)
            | Command::TorSettings(_)
            | Command::Version(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_is_away_after_the_time_that_was_set_or_after_a_sleep_and_not_before() {
        let seconds = Duration::from_secs;
        let mut attention = Attention::default();
        assert!(!attention.is_away(seconds(90_000), 0) && !attention.is_away(seconds(90_001), 90_000_000));
        assert!(!attention.is_watchful());
        attention.rules.lock_after_minutes = Some(2);
        attention.last = seconds(90_001);
        // The clock is set back, and runs on.
        assert!(!attention.is_away(seconds(90_011), 50_000) && !attention.is_away(seconds(90_021), 60_000));
        // The lid was closed for a minute.
        assert!(attention.is_away(seconds(90_022), 121_000) && !attention.is_away(seconds(90_023), 122_000));
        assert!(!attention.is_away(seconds(90_120), 219_000) && attention.is_away(seconds(90_121), 220_000));
        assert!(attention.is_watchful());
    }
}
