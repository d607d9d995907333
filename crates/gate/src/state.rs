//! The folder with Tor's files, held by one gate at a time.
//! It must never be readable by others, nor be shared by two gates.
//! Standard: facts on Arti (two clients on one folder do not fail: the second one silently saves nothing).

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use fs_mistrust::{Mistrust, MistrustBuilder};

use crate::{GateError, Network};

/// The file whose lock marks the folder as taken.
const LOCK: &str = "gate.lock";
/// Where Tor keeps its guards while they are bridges.
const BRIDGES: &str = "bridges";
/// Where the services take their notes: which relays introduce visitors to them; no keys.
const SERVICES: &str = "services";
/// The file, always empty, that makes the next gate wait until it is told a way.
const CHOICE: &str = "wait-for-choice";
/// The variable by which Arti's own program lifts its checks.
const UNCHECKED: &str = "ARTI_FS_DISABLE_PERMISSION_CHECKS";

/// A folder that is ours for as long as the value lives.
#[derive(Debug)]
pub(crate) struct StateFolder {
    path: PathBuf,
    _lock: File,
}

impl StateFolder {
    /// Makes the folder if it is absent, checks that nobody else can get at it, and takes it.
    pub(crate) fn claim(path: &Path, network: &Network) -> Result<StateFolder, GateError> {
        let fault = |error: &dyn std::fmt::Display| GateError::StateFolder(error.to_string());
        let mut trust = Mistrust::builder();
        check_owner(&mut trust, network);
        let trust = trust.build().map_err(|error| fault(&error))?;
        trust.make_directory(path).map_err(|error| fault(&error))?;
        let path = path.canonicalize().map_err(|error| fault(&error))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join(LOCK));
        let lock = lock.map_err(|error| fault(&error))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => GateError::InUse,
            TryLockError::Error(error) => fault(&error),
        })?;
        Ok(StateFolder { path, _lock: lock })
    }

    /// Where Tor keeps what it can fetch again.
    pub(crate) fn cache(&self) -> PathBuf {
        self.path.join("cache")
    }

    /// An empty folder where Tor keeps its guards while bridges are its guards: what it once learnt of a bridge would
    /// stand in the way of the same bridge by another transport, and has no use beyond a run.
    pub(crate) fn state_for_bridges(&self) -> std::io::Result<PathBuf> {
        self.forget_bridges()?;
        Ok(self.path.join(BRIDGES))
    }

    /// Removes what is kept of bridges.
    pub(crate) fn forget_bridges(&self) -> std::io::Result<()> {
        match std::fs::remove_dir_all(self.path.join(BRIDGES)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes what services of an earlier run have left.
    pub(crate) fn forget_services(&self) -> std::io::Result<()> {
        match std::fs::remove_dir_all(self.path.join(SERVICES)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Where a service takes its notes for as long as it runs.
    pub(crate) fn notes_of_service(&self, number: u64) -> PathBuf {
        self.path.join(SERVICES).join(number.to_string())
    }

    /// Whether an earlier gate was told another way than the usual one. Until this one is told a way it must not
    /// contact anybody: where Tor is watched for, a direct connection would give the person away.
    pub(crate) fn waits_for_choice(&self) -> bool {
        self.path.join(CHOICE).exists()
    }

    /// Remembers for the next gate whether it has to wait.
    pub(crate) fn wait_for_choice(&self, wait: bool) -> std::io::Result<()> {
        let path = self.path.join(CHOICE);
        if wait {
            return File::create(path)?.sync_all();
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Where Tor keeps its guards.
    pub(crate) fn state(&self) -> PathBuf {
        self.path.join("state")
    }
}

/// Fills the memory that fs-mistrust has for the whole process with the answer to "which group is named as I am". Later
/// calls do not ask the system again.
pub(crate) fn know_user() -> Result<(), GateError> {
    let known = Mistrust::builder().build();
    known
        .map(drop)
        .map_err(|error| GateError::StateFolder(error.to_string()))
}

/// Trusts this user and root, by number: no look-up of names, which a locked room could not do. Only on a network of
/// tests may the environment lift that: in a user namespace the root folder belongs to nobody.
pub(crate) fn check_owner(trust: &mut MistrustBuilder, network: &Network) {
    trust.trust_no_group_id();
    if *network == Network::Public {
        trust.ignore_environment();
    } else {
        trust.controlled_by_env_var(UNCHECKED);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_is_made_for_its_owner_alone_and_taken_once() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("tor/state");
        let folder = StateFolder::claim(&path, &Network::Public).unwrap();
        for made in [&path, path.parent().unwrap()] {
            assert_eq!(made.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        }
        assert_eq!(
            StateFolder::claim(&path, &Network::Public).unwrap_err(),
            GateError::InUse
        );
        drop(folder);
        assert!(StateFolder::claim(&path, &Network::Public).is_ok());
    }

    #[test]
    fn the_next_gate_waits_if_another_way_was_chosen() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("tor");
        let folder = StateFolder::claim(&path, &Network::Public).unwrap();
        assert!(!folder.waits_for_choice());
        folder.wait_for_choice(true).unwrap();
        drop(folder);
        let folder = StateFolder::claim(&path, &Network::Public).unwrap();
        assert!(folder.waits_for_choice());
        folder.wait_for_choice(false).unwrap();
        folder.wait_for_choice(false).unwrap();
        assert!(!folder.waits_for_choice());
    }

    #[test]
    fn a_folder_that_others_may_enter_is_refused() {
        let home = tempfile::tempdir().unwrap();
        std::fs::set_permissions(home.path(), PermissionsExt::from_mode(0o755)).unwrap();
        assert!(matches!(
            StateFolder::claim(home.path(), &Network::Public),
            Err(GateError::StateFolder(_))
        ));
    }
}
