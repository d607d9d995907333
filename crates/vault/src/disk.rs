//! The few things that are done to a profile's files, so that a real folder, memory and a failing disk look alike.
//! It must never follow a link, nor read more than it was allowed to.
//! Standards: rename(2), fsync(2), link(2), flock(2), unlink(2).

use crate::VaultError;
use crate::crypt::fill;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const LOCK: &str = "lock";
/// Bytes written at a time where a file is written over.
const CHUNK: usize = 64 * 1024;

/// A folder of files. Each call is one step between which the program may be killed.
pub(crate) trait Disk: Send {
    /// The length of a plain file in bytes, or `None` if there is no file of this name.
    ///
    /// # Errors
    /// Besides the system's: [`ErrorKind::InvalidData`] if the name is something else, such as a link.
    fn length(&self, name: &str) -> io::Result<Option<u64>>;

    /// Up to `length` bytes from offset `at`; fewer at the file's end.
    fn read(&self, name: &str, at: u64, length: usize) -> io::Result<Vec<u8>>;

    /// Makes a file that is its owner's alone, with this content, synced. Its name is durable after
    /// [`Disk::sync`]. Fails if the name is taken.
    fn create(&self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// Writes into a file from offset `at`, which is at most its length, and syncs it.
    fn write(&self, name: &str, at: u64, bytes: &[u8]) -> io::Result<()>;

    /// Gives a file a second name, which must be free. [`ErrorKind::NotFound`] if there is no such file.
    fn link(&self, name: &str, second: &str) -> io::Result<()>;

    /// Gives a file another name; a file that had it loses it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Takes the name away. [`ErrorKind::NotFound`] if there is none.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Whether the file has a second name.
    fn has_second_name(&self, name: &str) -> io::Result<bool>;

    /// Makes names durable.
    fn sync(&self) -> io::Result<()>;

    /// Ends the folder's use: takes away the lock and, if it is empty then, the folder.
    fn close_for_good(&self);
}

/// `length` bytes from offset `at`.
///
/// # Errors
/// [`ErrorKind::UnexpectedEof`] if there are fewer, besides the system's.
pub(crate) fn read_exactly(disk: &dyn Disk, name: &str, at: u64, length: usize) -> io::Result<Vec<u8>> {
    let bytes = disk.read(name, at, length)?;
    if bytes.len() < length {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

/// Writes random bytes over a file and takes its name away; a file that is not there is no error. A file with a
/// second name is not written over.
pub(crate) fn shred(disk: &dyn Disk, name: &str) -> Result<(), VaultError> {
    let length = match disk.length(name) {
        Ok(None) => return Ok(()),
        Ok(Some(length)) => length,
        // No plain file: nothing of ours is in it.
        Err(error) if error.kind() == ErrorKind::InvalidData => 0,
        Err(error) => return Err(error.into()),
    };
    if length > 0 && !disk.has_second_name(name)? {
        let mut noise = vec![0; CHUNK];
        let mut at = 0;
        while at < length {
            fill(&mut noise)?;
            let left = usize::try_from(length - at).unwrap_or(CHUNK).min(CHUNK);
            disk.write(name, at, noise.get(..left).unwrap_or_default())?;
            at += left as u64;
        }
    }
    Ok(disk.remove(name)?)
}

/// A real folder that no other program has open.
pub(crate) struct RealDisk {
    dir: PathBuf,
    /// Locked as long as it lives.
    _lock: File,
}

impl RealDisk {
    /// # Errors
    /// [`VaultError::InUse`] if another holds the lock.
    pub(crate) fn lock(dir: &Path) -> Result<Self, VaultError> {
        let lock = private(OpenOptions::new().create(true).truncate(false)).open(dir.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                dir: dir.to_path_buf(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(VaultError::InUse),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

impl Disk for RealDisk {
    fn length(&self, name: &str) -> io::Result<Option<u64>> {
        match std::fs::symlink_metadata(self.path(name)) {
            Ok(state) if state.is_file() => Ok(Some(state.len())),
            Ok(_) => Err(ErrorKind::InvalidData.into()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read(&self, name: &str, at: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.path(name))?;
        file.seek(SeekFrom::Start(at))?;
        let mut bytes = Vec::with_capacity(length);
        file.take(length as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn create(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = private(OpenOptions::new().create_new(true)).open(self.path(name))?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    fn write(&self, name: &str, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(self.path(name))?;
        file.seek(SeekFrom::Start(at))?;
        file.write_all(bytes)?;
        file.sync_data()
    }

    fn link(&self, name: &str, second: &str) -> io::Result<()> {
        let (name, second) = (self.path(name), self.path(second));
        match std::fs::hard_link(&name, &second) {
            Err(error) if error.kind() != ErrorKind::NotFound && error.kind() != ErrorKind::AlreadyExists => {
                // A file system without second names.
                std::fs::copy(&name, &second)?;
                File::open(&second)?.sync_all()
            }
            other => other,
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path(name))
    }

    fn has_second_name(&self, name: &str) -> io::Result<bool> {
        #[cfg(unix)]
        return Ok(std::os::unix::fs::MetadataExt::nlink(&std::fs::symlink_metadata(self.path(name))?) > 1);
        #[cfg(not(unix))]
        Ok(true)
    }

    fn sync(&self) -> io::Result<()> {
        let synced = if cfg!(unix) {
            File::open(&self.dir).and_then(|dir| dir.sync_all())
        } else {
            Ok(())
        };
        match synced {
            // Some network file systems cannot sync a folder.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
            other => other,
        }
    }

    fn close_for_good(&self) {
        // What is left of either holds nothing.
        drop(std::fs::remove_file(self.path(LOCK)));
        drop(std::fs::remove_dir(&self.dir));
    }
}

/// Opens for writing; a file that is made is its owner's alone.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.write(true)
}
