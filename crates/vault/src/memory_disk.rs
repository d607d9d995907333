//! A folder of files in memory: what a profile on travel lies in. Its files are sealed like those on a disk.
//! It must never write anything anywhere else.
//! Standards: none.

use crate::disk::Disk;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Files by name. A file with two names is shared.
#[derive(Default)]
pub(crate) struct MemoryDisk(Mutex<BTreeMap<String, Arc<Vec<u8>>>>);

impl MemoryDisk {
    fn files(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Vec<u8>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for MemoryDisk {
    fn length(&self, name: &str) -> io::Result<Option<u64>> {
        Ok(self.files().get(name).map(|file| file.len() as u64))
    }

    fn read(&self, name: &str, at: u64, length: usize) -> io::Result<Vec<u8>> {
        let files = self.files();
        let file = files.get(name).ok_or(ErrorKind::NotFound)?;
        let at = usize::try_from(at).map_or(file.len(), |at| at.min(file.len()));
        let end = at.saturating_add(length).min(file.len());
        Ok(file.get(at..end).unwrap_or_default().to_vec())
    }

    fn create(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut files = self.files();
        if files.contains_key(name) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        files.insert(name.to_owned(), Arc::new(bytes.to_vec()));
        Ok(())
    }

    fn write(&self, name: &str, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut files = self.files();
        let file = Arc::make_mut(files.get_mut(name).ok_or(ErrorKind::NotFound)?);
        let at = usize::try_from(at).map_err(|_| ErrorKind::FileTooLarge)?;
        let end = at.checked_add(bytes.len()).ok_or(ErrorKind::FileTooLarge)?;
        if file.len() < end {
            file.resize(end, 0);
        }
        file.get_mut(at..end)
            .ok_or(ErrorKind::InvalidInput)?
            .copy_from_slice(bytes);
        Ok(())
    }

    fn link(&self, name: &str, second: &str) -> io::Result<()> {
        let mut files = self.files();
        let file = files.get(name).ok_or(ErrorKind::NotFound)?.clone();
        files.insert(second.to_owned(), file);
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.files();
        let file = files.remove(from).ok_or(ErrorKind::NotFound)?;
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.files()
            .remove(name)
            .map(drop)
            .ok_or(ErrorKind::NotFound.into())
    }

    fn has_second_name(&self, _name: &str) -> io::Result<bool> {
        // Nothing in memory has to be written over: it was sealed.
        Ok(true)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn close_for_good(&self) {
        self.files().clear();
    }
}
