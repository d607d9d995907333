//! The small blocks of a room, where its keys, passwords and short texts lie, are kept out of swap.
//! It must never make an allocation fail that would not have failed without it, nor call more locked than is.
//! Standards: mlock2(2), madvise(2), getrlimit(2).

#![expect(unsafe_code, reason = "the system is given raw memory to lock")]

use super::Built;
use crate::locked::LOCKED;
use rustix::process::{Resource, Rlimit};
use std::io;
use std::ptr::null_mut;

/// The most that is set aside for small blocks, in bytes. Pages of it that are never used take no memory.
const MOST: u64 = 16 * 1024 * 1024;
/// The least that is worth it, in bytes: systems before systemd 253 allow 64 KiB, which the first buffers fill.
const LEAST: u64 = 1024 * 1024;
const MIB: u64 = 1024 * 1024;

/// To be called once, after capabilities were dropped: with them the system allows more than it does later.
pub(super) fn lock() -> Built {
    let refused = |error: io::Error| format!("The kernel refused ({}).", error.kind());
    let mut limit = rustix::process::getrlimit(Resource::Memlock);
    if limit.current != limit.maximum {
        let raised = Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        if rustix::process::setrlimit(Resource::Memlock, raised).is_ok() {
            limit = raised;
        }
    }
    let allowed = limit.current.unwrap_or(MOST);
    let length = allowed.min(MOST) / MIB * MIB;
    if length < LEAST {
        return Err(format!(
            "This system lets a program keep {} KiB out of swap, which is too little.",
            allowed / 1024
        ));
    }
    let bytes = usize::try_from(length).map_err(|_| "This system is too small.".to_owned())?;
    lock_small_blocks(bytes).map_err(refused)?;
    Ok(Some(format!(
        "Keys, passwords and short texts, up to {} MiB; what is longer than 4 KiB is not kept out of swap.",
        length / MIB
    )))
}

/// Sets a region aside, from which the allocator takes small blocks from now on.
fn lock_small_blocks(length: usize) -> io::Result<()> {
    // SAFETY: a new mapping of zeroes, which nobody else knows; it is handed to the allocator only once it is
    // locked, and is never taken away again. Mappings begin at a page, and so at a multiple of 16.
    unsafe {
        let (access, kind) = (
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
        );
        let memory = libc::mmap(null_mut(), length, access, kind, -1, 0);
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let lock = libc::MLOCK_ONFAULT;
        if libc::mlock2(memory, length, lock) != 0 {
            let error = io::Error::last_os_error();
            libc::munmap(memory, length);
            return Err(error);
        }
        // Neither in a core file nor in a process that is made of this one: both are ruled out elsewhere already.
        libc::madvise(memory, length, libc::MADV_DONTDUMP);
        libc::madvise(memory, length, libc::MADV_WIPEONFORK);
        LOCKED.open(memory.cast(), length);
    }
    Ok(())
}
