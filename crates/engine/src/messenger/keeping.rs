//! What the profile holds, taken away or carried away: door 1's list, backup, restore and wipe.
//! It must never destroy anything that the owner was not told about, nor write outside the profile's folder.
//! Standards: none; `docs/decisions/0006-plausible-deniability.md`, `docs/decisions/0008-backup-and-travel.md`.

use model::{
    BackupSaved, Event, GuessingCost, Problem, RaiseCost, Secret, SetDestroying, Stored, StoredItem, Wipe,
};
use serde_json::Value;
use vault::{Kdf, Passphrase, Vault};

use super::profile::told;
use super::settings::WINDOW;
use super::tor::TOR;
use super::{Messenger, Outcome, locked};

impl Messenger {
    /// Door 1's `profile.stored`.
    pub(super) fn stored(&mut self) -> Result<Stored, Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        let stored = open.vault.stored().map_err(|error| told(&error))?;
        let settings = &open.vault.profile().settings;
        let tor = settings.get(TOR);
        let items = stored.kinds.iter().map(|kind| {
            // What the window keeps, how visible the accounts are, and a few numbers of the owner's rules.
            let window = kind.what == "settings";
            let without_tor = |all: usize, tor: usize| all.saturating_sub(if window { tor } else { 0 });
            StoredItem {
                what: if window { WINDOW } else { kind.what }.to_owned(),
                count: without_tor(kind.count, usize::from(tor.is_some())) as u64,
                bytes: without_tor(kind.bytes, tor.map_or(0, length)) as u64,
            }
        });
        let tor = StoredItem {
            what: TOR.to_owned(),
            count: u64::from(tor.is_some()),
            bytes: tor.map_or(0, length) as u64,
        };
        Ok(Stored {
            items: items.chain([tor]).collect(),
            on_disk: stored.files.iter().map(|(_, bytes)| bytes).sum(),
        })
    }

    /// Door 1's `profile.wipe`: open or locked, connections end and the files go.
    pub(super) fn wipe_profile(&mut self, with: &Wipe) -> Result<(), Problem> {
        if !with.understood {
            return Err(Problem::new(
                "profile.wipe_not_understood",
                "This destroys every key, contact and message of the profile, and cannot be undone. Confirm that.",
            ));
        }
        if self.busy {
            return Err(busy());
        }
        let wiped = match self.open.take() {
            Some(open) => open.vault.wipe(),
            None => vault::wipe(&self.folder),
        };
        // Even where a file could not be removed: what was open is gone from memory.
        if let Ok(state) = self.profile_state() {
            self.queue.tell(Event::ProfileChanged { state });
        }
        wiped.map_err(|error| told(&error))
    }

    /// Door 1's `profile.backup`.
    pub(super) fn back_up(&mut self) -> Result<BackupSaved, Problem> {
        let open = self.open.as_ref().ok_or_else(locked)?;
        let bytes = open.vault.save_backup().map_err(|error| told(&error))?;
        Ok(BackupSaved {
            file: vault::BACKUP_NAME.to_owned(),
            bytes,
        })
    }

    /// Door 1's `profile.restore`.
    pub(super) fn restore_profile(&mut self, passphrase: &Secret, id: Option<&Value>) -> Outcome {
        let (folder, passphrase) = (self.folder.clone(), opening(passphrase));
        self.open_elsewhere(id, move || Vault::restore_saved(&folder, &passphrase))
    }

    /// Door 1's `profile.travel`.
    pub(super) fn travel(&mut self, passphrase: &Secret, id: Option<&Value>) -> Outcome {
        let (folder, passphrase) = (self.folder.clone(), opening(passphrase));
        self.open_elsewhere(id, move || Vault::travel_from(&folder, &passphrase))
    }

    /// Door 1's `profile.set_destroying_passphrase`. About two seconds in which nothing else happens.
    pub(super) fn set_destroying(&mut self, with: &SetDestroying) -> Result<(), Problem> {
        if with.destroying.is_some() && !with.understood {
            return Err(Problem::new(
                "profile.destroying_not_understood",
                "Whoever types this passphrase destroys the profile, without being asked again. A copy made before and old blocks of a flash disk are not reached. Confirm that.",
            ));
        }
        let open = self.open.as_mut().ok_or_else(locked)?;
        if with
            .destroying
            .as_ref()
            .is_some_and(|words| words.expose().is_empty())
        {
            return Err(Problem::new(
                "profile.no_passphrase",
                "The profile needs a passphrase.",
            ));
        }
        let destroying = with.destroying.as_ref().map(opening);
        open.vault
            .set_destroying_passphrase(&opening(&with.passphrase), destroying.as_ref())
            .map_err(|error| told(&error))
    }

    /// Door 1's `profile.cost`.
    pub(super) fn show_cost(&self) -> Result<GuessingCost, Problem> {
        let open = self.open.as_ref().ok_or_else(locked)?;
        Ok(shown(open.vault.cost()))
    }

    /// Door 1's `profile.raise_cost`. About as long as two openings, in which nothing else happens.
    pub(super) fn raise_cost(&mut self, with: &RaiseCost) -> Result<GuessingCost, Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        let present = open.vault.cost();
        let memory = with.memory_mib.checked_mul(1024);
        let cost = memory.and_then(|memory| Kdf::new(memory, with.passes, present.lanes()));
        let cost = cost.ok_or_else(|| {
            let text = "This cost is out of range: 19 to 1,024 MiB, 2 to 16 passes.";
            Problem::new("profile.cost_out_of_range", text)
        })?;
        if cost.memory_kib() < present.memory_kib() || cost.passes() < present.passes() {
            let text = "Guessing the passphrase can only be made dearer, not cheaper.";
            return Err(Problem::new("profile.cost_lower", text));
        }
        open.vault
            .change_cost(&opening(&with.passphrase), cost)
            .map_err(|error| told(&error))?;
        Ok(shown(cost))
    }
}

fn shown(cost: Kdf) -> GuessingCost {
    GuessingCost {
        memory_mib: cost.memory_kib() / 1024,
        passes: cost.passes(),
        lanes: cost.lanes(),
    }
}

/// About how large a setting is, in bytes.
fn length(value: &Value) -> usize {
    serde_json::to_vec(value).map_or(0, |bytes| bytes.len())
}

fn opening(secret: &Secret) -> Passphrase {
    Passphrase::new(secret.expose().to_owned())
}

fn busy() -> Problem {
    Problem::new("profile.busy", "The profile is being opened already.")
}
