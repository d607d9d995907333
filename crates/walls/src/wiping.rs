//! An allocator that writes zeroes over memory before it is given back: what was freed cannot be found in a dump.
//! It must never leave a copy where a block grew, nor let the compiler drop the zeroes.
//! Standards: none. It does not reach memory that C code allocates, nor stacks. Small blocks lie in memory that is not
//! swapped out, where the walls made some (`locked.rs`).

#![expect(unsafe_code, reason = "an allocator is called with raw memory")]

use crate::locked::LOCKED;
use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;

/// The system's allocator, with what is freed written over. A block that grows or shrinks is copied to a new place, and
/// the old one written over.
pub struct Wiping;

// SAFETY: every block comes from `LOCKED` or `System` and goes back there with the layout that it came with. Growing is the
// trait's own: a new block, a copy, and the old one freed.
unsafe impl GlobalAlloc for Wiping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let block = LOCKED.give(layout);
        if !block.is_null() {
            return block;
        }
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let block = LOCKED.give(layout);
        if !block.is_null() {
            // Blocks of this region are zeroes.
            return block;
        }
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is the caller's until this returns, and as long as its layout says. Whoever may look at it
        // in `black_box` would see the zeroes, so they are written.
        unsafe {
            block.write_bytes(0, layout.size());
            let block = black_box(block);
            if LOCKED.has(block) {
                LOCKED.take_back(block, layout);
            } else {
                System.dealloc(block, layout);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freed_block_and_one_that_grew_hold_nothing_of_what_was_written() {
        let layout = Layout::from_size_align(4096, 8).unwrap();
        let larger = Layout::from_size_align(1 << 20, 8).unwrap();
        // SAFETY: blocks are used within their layouts; what is read after a block was freed is read through a second
        // block that the system gives out at the same place, if it does.
        unsafe {
            let block = Wiping.alloc(layout);
            block.write_bytes(0xa5, 4096);
            let grown = Wiping.realloc(block, layout, 1 << 20);
            assert_eq!(*grown.add(4095), 0xa5);
            let again = Wiping.alloc(layout);
            if again == block {
                // The system keeps its own notes in the first bytes of what it has back.
                assert!((64..4096).all(|at| *again.add(at) == 0));
            }
            Wiping.dealloc(again, layout);
            Wiping.dealloc(grown, larger);
        }
    }
}
