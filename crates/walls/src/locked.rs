//! Small blocks in memory that is never swapped out: where keys, passwords and short texts of a room lie.
//! It must never give a block out twice, nor fail an allocation: what has no room here is the system's to give.
//! Standards: mlock2(2); the classes of sizes are this module's own.

#![expect(unsafe_code, reason = "an allocator is called with raw memory")]

use std::alloc::Layout;
use std::cell::UnsafeCell;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

/// The largest block in bytes.
const LARGEST: usize = 4096;
/// What every block's address is a multiple of.
const ALIGN: usize = 16;
/// Sizes of blocks: eight steps of 16 bytes, then four to each doubling.
const CLASSES: usize = 28;

/// The region of this process; empty until a wall gives it memory.
pub(crate) static LOCKED: Region = Region::new();

/// Memory that is cut into blocks. What is given back is kept for blocks of the same size.
pub(crate) struct Region {
    from: AtomicPtr<u8>,
    length: AtomicUsize,
    busy: AtomicBool,
    state: UnsafeCell<State>,
}

struct State {
    /// Bytes from the start that were given out at least once.
    used: usize,
    /// For each class the block that was given back last; its first bytes name the one before.
    free: [*mut u8; CLASSES],
}

// SAFETY: `state` is only used by who has set `busy`.
unsafe impl Sync for Region {}

impl Region {
    const fn new() -> Self {
        Self {
            from: AtomicPtr::new(null_mut()),
            length: AtomicUsize::new(0),
            busy: AtomicBool::new(false),
            state: UnsafeCell::new(State {
                used: 0,
                free: [null_mut(); CLASSES],
            }),
        }
    }

    /// Hands out blocks of this memory from now on.
    ///
    /// # Safety
    /// `length` bytes from `from` are zeroes, are used by nobody else, and stay. `from` is a multiple of 16. To be
    /// called once.
    #[cfg_attr(
        not(any(target_os = "linux", test)),
        expect(dead_code, reason = "only Linux locks memory so far")
    )]
    pub(crate) unsafe fn open(&self, from: *mut u8, length: usize) {
        self.length.store(length, Ordering::Relaxed);
        self.from.store(from, Ordering::Release);
    }

    /// A block of zeroes for `layout`, or null: too large, or there is no room left.
    pub(crate) fn give(&self, layout: Layout) -> *mut u8 {
        let from = self.from.load(Ordering::Acquire);
        let Some((class, size)) = class(layout).filter(|_| !from.is_null()) else {
            return null_mut();
        };
        let length = self.length.load(Ordering::Relaxed);
        self.alone(|state| match state.free.get_mut(class) {
            Some(last) if !last.is_null() => {
                let (block, link) = (*last, last.cast::<*mut u8>());
                // SAFETY: a block that was given back is at least 16 bytes long and aligned to them, holds the link
                // that `take_back` wrote, and is nobody's until this returns.
                unsafe {
                    *last = *link;
                    link.write(null_mut());
                }
                block
            }
            _ if length.saturating_sub(state.used) >= size => {
                // SAFETY: the block lies within the region, behind all that were given out.
                let block = unsafe { from.add(state.used) };
                state.used += size;
                block
            }
            _ => null_mut(),
        })
    }

    /// Whether the block came from here.
    pub(crate) fn has(&self, block: *mut u8) -> bool {
        let from = self.from.load(Ordering::Acquire);
        !from.is_null() && block.addr().wrapping_sub(from.addr()) < self.length.load(Ordering::Relaxed)
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// It came from [`Region::give`] with this layout, holds zeroes, and nobody uses it any more.
    pub(crate) unsafe fn take_back(&self, block: *mut u8, layout: Layout) {
        let Some((class, _)) = class(layout) else { return };
        self.alone(|state| {
            if let Some(last) = state.free.get_mut(class) {
                // SAFETY: as the caller promises; every block is at least 16 bytes long and aligned to them.
                unsafe { block.cast::<*mut u8>().write(*last) };
                *last = block;
            }
        });
    }

    fn alone<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let mut tries = 0u32;
        while self.busy.swap(true, Ordering::Acquire) {
            tries = tries.wrapping_add(1);
            if tries.is_multiple_of(64) {
                std::thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        }
        // SAFETY: whoever has set `busy` is alone until it is cleared.
        let done = work(unsafe { &mut *self.state.get() });
        self.busy.store(false, Ordering::Release);
        done
    }
}

/// Which class a block belongs to, and how long the blocks of that class are.
fn class(layout: Layout) -> Option<(usize, usize)> {
    let size = layout.size();
    if size == 0 || size > LARGEST || layout.align() > ALIGN {
        return None;
    }
    let last = size - 1;
    if size <= 128 {
        return Some((last / ALIGN, (last / ALIGN + 1) * ALIGN));
    }
    let doubling = last.ilog2();
    let (base, step) = (1 << doubling, 1 << (doubling - 2));
    let part = (last - base) / step;
    let before = usize::try_from(doubling - 7).ok()? * 4;
    Some((8 + before + part, base + (part + 1) * step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn region(length: usize) -> &'static Region {
        let memory = Box::leak(vec![0u128; length / 16].into_boxed_slice());
        let region = Box::leak(Box::new(Region::new()));
        // SAFETY: the memory is leaked, zeroed, aligned to 16 bytes, and nobody else's.
        unsafe { region.open(memory.as_mut_ptr().cast(), length) };
        region
    }

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, 8).unwrap()
    }

    #[test]
    fn every_size_has_a_class_that_holds_it_and_classes_do_not_mix() {
        let mut sizes = BTreeMap::new();
        for size in 1..=LARGEST {
            let (class, room) = class(layout(size)).unwrap();
            assert!(
                class < CLASSES && room >= size && room.is_multiple_of(ALIGN),
                "{size}"
            );
            assert!(room - size < 16.max(size / 4 + 1), "{size} takes {room}");
            assert_eq!(*sizes.entry(class).or_insert(room), room);
        }
        assert_eq!(sizes.len(), CLASSES);
        assert_eq!(class(layout(LARGEST + 1)), None);
        assert_eq!(class(Layout::from_size_align(64, 32).unwrap()), None);
    }

    #[test]
    fn blocks_do_not_overlap_hold_zeroes_and_come_again_after_they_were_given_back() {
        let region = region(64 * 1024);
        let mut held: BTreeMap<usize, usize> = BTreeMap::new();
        for round in 0..20_000usize {
            let size = 1 + round * 7919 % 700;
            let block = region.give(layout(size));
            if block.is_null() {
                // Full: the first that is held goes.
                let (at, size) = held.pop_first().unwrap();
                let block = std::ptr::with_exposed_provenance_mut::<u8>(at);
                // SAFETY: the block is held, and as long as that.
                unsafe {
                    block.write_bytes(0, size);
                    region.take_back(block, layout(size));
                }
                continue;
            }
            // SAFETY: the block is ours and as long as that.
            assert!(
                (0..size).all(|at| unsafe { *block.add(at) } == 0),
                "round {round}"
            );
            // SAFETY: as above.
            unsafe { block.write_bytes(0xa5, size) };
            let at = block.expose_provenance();
            let before = held.range(..=at).next_back();
            assert!(before.is_none_or(|(from, size)| from + size <= at));
            assert!(held.range(at..).next().is_none_or(|(from, _)| at + size <= *from));
            assert!(region.has(block));
            held.insert(at, size);
        }
    }

    #[test]
    fn threads_never_hold_the_same_block() {
        let region = region(1 << 20);
        std::thread::scope(|scope| {
            for mark in 1..5u8 {
                scope.spawn(move || {
                    for round in 0..5_000usize {
                        let layout = layout(1 + round * 31 % 300);
                        let block = region.give(layout);
                        assert!(!block.is_null());
                        // SAFETY: the block is this thread's alone, which is what is tested.
                        unsafe {
                            block.write_bytes(mark, layout.size());
                            assert!((0..layout.size()).all(|at| *block.add(at) == mark));
                            block.write_bytes(0, layout.size());
                            region.take_back(block, layout);
                        }
                    }
                });
            }
        });
    }

    #[test]
    fn what_is_not_of_the_region_is_known_and_an_empty_region_gives_nothing() {
        let mut other = 7u8;
        assert!(!region(4096).has(&raw mut other));
        let empty = Region::new();
        assert!(empty.give(layout(16)).is_null() && !empty.has(&raw mut other));
    }
}
