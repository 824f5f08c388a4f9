//! The slots that were used and are free: a stack, linked through the slots themselves.
//!
//! **Promise.** Each index that was [pushed](Free::push) is [popped](Free::pop) by one, who sees all that was done with the slot before.
//!
//! **P3 push-pop.** The head has the index of the topmost slot and a turn that every pop counts up, so that who was interrupted between
//! his look at the head and his compare-and-swap does not take a head for the one he saw because its slot is the topmost again.

use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// Of the index, which is stored one higher: 0 is the end of the stack.
const LINK_BITS: u32 = 25;
const LINK: u64 = (1 << LINK_BITS) - 1;

/// See the module's description.
pub(crate) struct Free {
    head: AtomicU64,
}

impl Free {
    /// An empty one, of an atomic 0: a scheduler's cannot be made in a constant.
    pub(crate) const fn new(zero: AtomicU64) -> Self {
        Self { head: zero }
    }

    /// Puts a slot on top. `next` is where it keeps what is below it.
    pub(crate) fn push(&self, index: u32, next: &AtomicU32) {
        // ORDERING: Relaxed: a guess, which the compare-and-swap confirms.
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            // ORDERING: Relaxed: told by the compare-and-swap that follows.
            next.store((head & LINK) as u32, Ordering::Relaxed);
            let top = head & !LINK | (u64::from(index) + 1);
            // ORDERING: Release, P3: carries the link, and all that was done with the slot.
            match self.head.compare_exchange_weak(head, top, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(current) => head = current,
            }
        }
    }

    /// Takes the topmost slot. `next` says where a slot keeps what is below it.
    pub(crate) fn pop<'a>(&self, next: impl Fn(u32) -> Option<&'a AtomicU32>) -> Option<u32> {
        loop {
            // ORDERING: Acquire, P3: sees the link of the topmost slot, and all that was done with it. Every change of the head is a
            // read-modify-write, so a later one passes on what an earlier one released.
            let head = self.head.load(Ordering::Acquire);
            let index = (head & LINK).checked_sub(1)? as u32;
            // ORDERING: Relaxed: seen by the Acquire above. If another thread has taken the slot meanwhile this may be anything; the
            // turn has changed then.
            let below = u64::from(next(index)?.load(Ordering::Relaxed));
            let turned = (head & !LINK).wrapping_add(1 << LINK_BITS) | below;
            // ORDERING: Relaxed: the head is the one that was looked at above, and the popper tells nobody anything.
            if self.head.compare_exchange_weak(head, turned, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                return Some(index);
            }
        }
    }
}
