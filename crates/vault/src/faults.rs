//! A disk that fails: torn and lost writes, lost names, failing syncs, no room, no leave to write, short reads.
//! It must never be kinder than a real one after a power cut.
//! Standards: none. What was synced stays; of anything else each part may be there or not.

use crate::disk::Disk;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard};

const SECTOR: usize = 512;

/// Numbers that look random and are the same for the same seed (SplitMix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit.max(1) as u64).unwrap()
    }

    fn one_in(&mut self, count: usize) -> bool {
        count > 0 && self.below(count) == 0
    }
}

#[derive(Clone, Default)]
struct File {
    synced: Vec<u8>,
    live: Vec<u8>,
}

enum Names {
    Given(String, usize),
    Moved(String, String, usize),
    Taken(String),
}

struct State {
    dice: Dice,
    files: Vec<File>,
    synced: BTreeMap<String, usize>,
    live: BTreeMap<String, usize>,
    pending: Vec<Names>,
    /// Steps until the power is cut.
    steps: Option<usize>,
    /// One step in so many fails; 0: none.
    faults: usize,
}

/// A disk, and a handle on it that a test keeps.
#[derive(Clone)]
pub(crate) struct FaultyDisk(Arc<Mutex<State>>);

impl FaultyDisk {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            dice: Dice(seed),
            files: Vec::new(),
            synced: BTreeMap::new(),
            live: BTreeMap::new(),
            pending: Vec::new(),
            steps: None,
            faults: 0,
        })))
    }

    /// From now on the power is cut after so many steps, and one step in `faults` fails.
    pub(crate) fn arm(&self, steps: Option<usize>, faults: usize) {
        let mut state = self.state();
        (state.steps, state.faults) = (steps, faults);
    }

    /// The power is cut now, and the computer started again.
    pub(crate) fn crash(&self) {
        let mut state = self.state();
        for operation in std::mem::take(&mut state.pending) {
            if state.dice.below(2) == 0 {
                apply(&mut state.synced, &operation);
            }
        }
        let State {
            files, dice, synced, ..
        } = &mut *state;
        for (number, file) in files.iter_mut().enumerate() {
            if synced.values().any(|named| *named == number) {
                torn(file, dice);
            } else {
                *file = File::default();
            }
        }
        state.live = state.synced.clone();
        (state.steps, state.faults) = (None, 0);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

/// What a file holds after a power cut: of each sector the old or the new state, of new ones perhaps nothing.
fn torn(file: &mut File, dice: &mut Dice) {
    let (old, new) = (&file.synced, &file.live);
    let longer = new.len().saturating_sub(old.len());
    let mut content = vec![0; old.len() + dice.below(longer + 1)];
    for at in (0..content.len()).step_by(SECTOR) {
        let end = content.len().min(at + SECTOR);
        let source = if dice.below(2) == 0 { old } else { new };
        let bytes = source.get(at..source.len().min(end)).unwrap_or_default();
        content[at..at + bytes.len()].copy_from_slice(bytes);
    }
    file.live = content;
    file.synced = file.live.clone();
}

fn apply(names: &mut BTreeMap<String, usize>, operation: &Names) {
    match operation {
        Names::Given(name, file) => drop(names.insert(name.clone(), *file)),
        Names::Moved(from, to, file) => {
            // Where both are the same file, rename(2) does nothing.
            if names.insert(to.clone(), *file) != Some(*file) && names.get(from) == Some(file) {
                names.remove(from);
            }
        }
        Names::Taken(name) => drop(names.remove(name)),
    }
}

impl State {
    /// One step that changes something.
    fn step(&mut self) -> io::Result<()> {
        if let Some(steps) = &mut self.steps {
            *steps = steps.checked_sub(1).ok_or(ErrorKind::BrokenPipe)?;
        }
        if self.dice.one_in(self.faults) {
            let kind = [ErrorKind::ReadOnlyFilesystem, ErrorKind::Other][self.dice.below(2)];
            return Err(kind.into());
        }
        Ok(())
    }

    fn file(&self, name: &str) -> io::Result<usize> {
        Ok(*self.live.get(name).ok_or(ErrorKind::NotFound)?)
    }

    fn names(&mut self, operation: Names) {
        apply(&mut self.live, &operation);
        self.pending.push(operation);
    }

    /// Writes, and syncs if nothing comes between.
    fn write(&mut self, file: usize, at: usize, bytes: &[u8]) -> io::Result<()> {
        let full = self.dice.one_in(self.faults);
        let cut = self.steps == Some(0) || full;
        let written = if cut {
            self.dice.below(bytes.len() + 1)
        } else {
            bytes.len()
        };
        let live = &mut self.files[file].live;
        assert!(at <= live.len(), "a hole in a file");
        live.resize(live.len().max(at + written), 0);
        live[at..at + written].copy_from_slice(&bytes[..written]);
        if full {
            return Err(ErrorKind::StorageFull.into());
        }
        // Between the writing and the syncing.
        self.step()?;
        let file = &mut self.files[file];
        file.synced = file.live.clone();
        Ok(())
    }
}

impl Disk for FaultyDisk {
    fn length(&self, name: &str) -> io::Result<Option<u64>> {
        let state = self.state();
        Ok(state
            .live
            .get(name)
            .map(|file| state.files[*file].live.len() as u64))
    }

    fn read(&self, name: &str, at: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut state = self.state();
        let file = state.file(name)?;
        let short = state.faults;
        let State { files, dice, .. } = &mut *state;
        let bytes = files[file].live.iter().skip(usize::try_from(at).unwrap());
        let length = if dice.one_in(short) {
            dice.below(length + 1)
        } else {
            length
        };
        Ok(bytes.take(length).copied().collect())
    }

    fn create(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        if state.live.contains_key(name) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let file = state.files.len();
        state.files.push(File::default());
        state.names(Names::Given(name.to_owned(), file));
        state.write(file, 0, bytes)
    }

    fn write(&self, name: &str, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        let file = state.file(name)?;
        state.write(file, usize::try_from(at).unwrap(), bytes)
    }

    fn link(&self, name: &str, second: &str) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        let file = state.file(name)?;
        if state.live.contains_key(second) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        state.names(Names::Given(second.to_owned(), file));
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        let file = state.file(from)?;
        state.names(Names::Moved(from.to_owned(), to.to_owned(), file));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        state.file(name)?;
        state.names(Names::Taken(name.to_owned()));
        Ok(())
    }

    fn has_second_name(&self, name: &str) -> io::Result<bool> {
        let state = self.state();
        let file = state.file(name)?;
        Ok(state.live.values().filter(|other| **other == file).count() > 1)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        for operation in std::mem::take(&mut state.pending) {
            apply(&mut state.synced, &operation);
        }
        Ok(())
    }

    fn close_for_good(&self) {}
}
