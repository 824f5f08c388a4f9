//! Blocks of slots, the links of an unbounded ring, and what becomes of those that were read.
//!
//! **Promise.** A block that everybody is done with is used again, or freed: no memory is kept but a few spare blocks.
//!
//! **Picture.** A block serves the positions of one lap; the last position of a lap has no slot, and stands for the
//! moment in which an end of the ring goes over to the next block.
//!
//! ```text
//!   stamp == position + 1         holds the message of `position`
//!   stamp == position + 1 | READ  its message was read out
//!   anything else                 not written yet: what is left of an earlier lap
//! ```
//!
//! **Protocol**, `P5 recycle`. Who reads a message out stores `READ` with Release. Who has read a block's last one looks
//! at all stamps with Acquire. If some message is still being read, the block waits in `retired` until the next one is
//! read to its end. Nobody else looks at a block without holding an unread message or an unwritten slot of it.
//!
//! **Where next.** `unbounded.rs` is made of it.

use super::slot::Slot;
use crate::sync::{AtomicPtr, Ordering};
use std::ptr;

/// Set in the stamp of a slot whose message was read out.
pub(super) const READ: u64 = 1 << 63;
/// How large a block may be, unless messages are very large.
const BLOCK_BYTES: usize = 16 << 10;
/// A block of less has an end too often.
const LAP_MIN: usize = 8;
/// Measured with u64 messages against 64: batches of 64 about twice as fast, because they meet the end of a block seldom
/// and not each time; single messages up to a half.
const LAP_MAX: usize = 256;
/// How many blocks are kept for senders.
const SPARE_COUNT: usize = 4;

/// Slots for the positions of one lap.
pub(super) struct Block<T> {
    /// The block of the next lap, once there is one. In a retired block, the one that was retired before.
    next: AtomicPtr<Block<T>>,
    slots: Box<[Slot<T>]>,
}

impl<T> Block<T> {
    /// How far apart the first positions of two blocks are: a power of two, and less for large messages. Models have
    /// the shortest laps in which a slot may be neither the first nor the last.
    pub(super) const LAP: u64 = {
        let fitting = BLOCK_BYTES / size_of::<Slot<T>>();
        let lap = if cfg!(any(ringmain_loom, ringmain_shuttle)) {
            4
        } else if fitting < LAP_MIN {
            LAP_MIN
        } else if fitting > LAP_MAX {
            LAP_MAX
        } else {
            fitting
        };
        1 << lap.ilog2()
    };
    /// How many slots it has.
    pub(super) const LEN: u64 = Self::LAP - 1;

    pub(super) fn new() -> Box<Self> {
        // Position 0 is written when its stamp is 1.
        let slots = (0..Self::LEN).map(|_| Slot::new(0)).collect();
        Box::new(Self { next: AtomicPtr::new(ptr::null_mut()), slots })
    }

    /// The index of a position's slot; `LEN` if it has none.
    #[inline]
    pub(super) fn index(position: u64) -> u64 {
        position & (Self::LAP - 1)
    }

    /// How many slots there are from a position on in its block.
    #[inline]
    pub(super) fn len_from(position: u64) -> u64 {
        Self::LEN - Self::index(position)
    }

    #[inline]
    pub(super) fn slot(&self, position: u64) -> &Slot<T> {
        let index = Self::index(position) as usize;
        debug_assert!(index < self.slots.len(), "position {position} has no slot");
        // SAFETY: `unbounded.rs` makes slots only of positions that have one: their index is below `LEN`, the length.
        unsafe { self.slots.get_unchecked(index) }
    }

    /// Says where the ring goes on.
    pub(super) fn link(&self, next: *mut Self) {
        // ORDERING: Release, P2 next-block: pairs with `next` and carries the new block.
        self.next.store(next, Ordering::Release);
    }

    /// Where the ring goes on; null if that is not decided.
    pub(super) fn next(&self) -> *mut Self {
        // ORDERING: Acquire, P2: pairs with `link`.
        self.next.load(Ordering::Acquire)
    }

    /// Whether all messages were read out. The last one was, so that its stamp says which lap it is.
    fn is_read(&self) -> bool {
        let Some((last, others)) = self.slots.split_last() else { return true };
        // ORDERING: Acquire, P5: pairs with the Release of whoever read it.
        let stamp = last.stamp.load(Ordering::Acquire);
        // ORDERING: Acquire, P5: as above.
        others.iter().rev().zip(1..).all(|(slot, back)| slot.stamp.load(Ordering::Acquire) == stamp - back)
    }
}

/// Blocks that are in no ring: spare ones, and those that somebody may still be reading in.
pub(super) struct Yard<T> {
    spares: [AtomicPtr<Block<T>>; SPARE_COUNT],
    /// The block that was retired last; each leads to the one before.
    retired: AtomicPtr<Block<T>>,
}

impl<T> Yard<T> {
    pub(super) fn new() -> Self {
        Self {
            spares: std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
            retired: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// A block that is nobody's.
    pub(super) fn take(&self) -> Box<Block<T>> {
        for spare in &self.spares {
            // ORDERING: Relaxed: a guess, so that an empty place costs no exchange.
            if spare.load(Ordering::Relaxed).is_null() {
                continue;
            }
            // ORDERING: Acquire, P5: pairs with `keep`, and carries on what `is_read` acquired.
            let block = spare.swap(ptr::null_mut(), Ordering::Acquire);
            if !block.is_null() {
                // SAFETY: `keep` made it from a box, and whoever swaps it out is its only owner.
                return unsafe { Box::from_raw(block) };
            }
        }
        Block::new()
    }

    /// Keeps a block for the next sender, or frees it.
    pub(super) fn keep(&self, block: Box<Block<T>>) {
        // ORDERING: Relaxed: the block is nobody else's.
        block.next.store(ptr::null_mut(), Ordering::Relaxed);
        let block = Box::into_raw(block);
        for spare in &self.spares {
            // ORDERING: Release, P5: pairs with `take`.
            let kept =
                spare.compare_exchange(ptr::null_mut(), block, Ordering::Release, Ordering::Relaxed).is_ok();
            if kept {
                return;
            }
        }
        // SAFETY: from a box just now, and no spare.
        drop(unsafe { Box::from_raw(block) });
    }

    /// Takes a block whose messages were all taken, and the last one read out.
    ///
    /// # Safety
    /// `block` was made by `Box::into_raw`, is no longer in the ring, and is retired once.
    pub(super) unsafe fn retire(&self, block: *mut Block<T>) {
        // ORDERING: Relaxed: a guess; a block that is missed waits for the next call.
        if !self.retired.load(Ordering::Relaxed).is_null() {
            // ORDERING: Acquire: pairs with `put_off` and carries the links. Who swaps the list out is its only owner.
            let mut waiting = self.retired.swap(ptr::null_mut(), Ordering::Acquire);
            while !waiting.is_null() {
                // SAFETY: retired, and on the list that is ours, so that it lives.
                let before = unsafe { (*waiting).next() };
                // SAFETY: retired, as the caller of that time has promised, and taken off the list.
                unsafe { self.keep_unless_in_use(waiting) };
                waiting = before;
            }
        }
        // SAFETY: the caller's promise.
        unsafe { self.keep_unless_in_use(block) };
    }

    /// # Safety
    /// As for `retire`; and the block is not on the list.
    unsafe fn keep_unless_in_use(&self, block: *mut Block<T>) {
        // SAFETY: retired: who reads in it touches only the slots of its messages, and it lives until all are read.
        if unsafe { (*block).is_read() } {
            // SAFETY: made from a box, and all its messages were read out: nobody else knows of it.
            self.keep(unsafe { Box::from_raw(block) });
        } else {
            self.put_off(block);
        }
    }

    /// Puts a block on the list of those that somebody may still be reading in.
    #[cold]
    fn put_off(&self, block: *mut Block<T>) {
        // ORDERING: Relaxed: the exchange below decides.
        let mut before = self.retired.load(Ordering::Relaxed);
        loop {
            // SAFETY: retired, not on the list yet, and so nobody frees it.
            unsafe { (*block).link(before) };
            // ORDERING: Release: pairs with the swap in `retire` and carries the link.
            let put = self.retired.compare_exchange_weak(before, block, Ordering::Release, Ordering::Relaxed);
            match put {
                Ok(_) => return,
                Err(now) => before = now,
            }
        }
    }
}

impl<T> Drop for Yard<T> {
    fn drop(&mut self) {
        for spare in &self.spares {
            // ORDERING: Relaxed: nobody else is left.
            let block = spare.load(Ordering::Relaxed);
            if !block.is_null() {
                // SAFETY: as in `take`.
                drop(unsafe { Box::from_raw(block) });
            }
        }
        // ORDERING: Relaxed: nobody else is left.
        let mut waiting = self.retired.load(Ordering::Relaxed);
        while !waiting.is_null() {
            // SAFETY: made from a box, and on the list once; who read in it is done, because no handle is left.
            let block = unsafe { Box::from_raw(waiting) };
            waiting = block.next();
        }
    }
}
