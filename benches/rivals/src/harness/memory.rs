//! How many bytes something allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

static COUNTING: AtomicBool = AtomicBool::new(false);
static BYTES: AtomicU64 = AtomicU64::new(0);

/// The system's allocator, which counts while [`allocated_by`] runs.
#[derive(Clone, Copy, Debug)]
pub struct Allocator;

/// What `make` makes, and how many bytes it took from the allocator.
pub fn allocated_by<T>(make: impl FnOnce() -> T) -> (T, u64) {
    // STATISTIC: one thread runs here, and no other allocates meanwhile.
    BYTES.store(0, Ordering::Relaxed);
    COUNTING.store(true, Ordering::Relaxed);
    let made = make();
    COUNTING.store(false, Ordering::Relaxed);
    (made, BYTES.load(Ordering::Relaxed))
}

fn count(layout: Layout) {
    // STATISTIC: as above.
    if COUNTING.load(Ordering::Relaxed) {
        BYTES.fetch_add(layout.size() as u64, Ordering::Relaxed);
    }
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout);
        // SAFETY: the caller's promise, handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, handed on: the block came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout);
        // SAFETY: the caller's promise, handed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if let Ok(grown) = Layout::from_size_align(size.saturating_sub(layout.size()), 1) {
            count(grown);
        }
        // SAFETY: the caller's promise, handed on: the block came from `System`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
