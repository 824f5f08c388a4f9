//! Keeping off a cache line while the other side is writing it.
//!
//! Two threads that stream through a ring fall into lockstep if the faster one looks again at once whenever it has
//! used up what it knew of: each look finds one or two messages and takes the line away from the side that is writing
//! it. Waiting a moment before the next look lets some more come together, and each transfer of the line serves many
//! messages. (MCRingBuffer and B-Queue do it by handing over whole blocks, which delays the messages of a slow stream
//! without bound; this delays only who would have found little, by less than a microsecond, and not if that
//! brings nothing.)
//!
//! Measured where it came from (2 cores, one sender, one receiver, `try_` verbs, 1024 slots): 1.5 times the messages
//! a second with 8-byte messages, 4 times with 64-byte ones.

use crate::sync::spin_loop;
use std::cell::Cell;

/// Most pauses of the processor before a look: a few hundred nanoseconds.
const PAUSES_MAX: i32 = 8;

/// How much is enough to be found at a look, at most.
const ENOUGH_MAX: u64 = 256;

/// How many messages have to come together in each pause for it to be worth while.
const WORTH_COUNT: u64 = 2;

/// How many looks to go without a rest after one that was not worth while: the first time, and at most.
const BUSY_LOOKS: i32 = 16;
const BUSY_LOOKS_MAX: i32 = 4096;

/// How long one side of a ring waits before it looks again how far the other side has come.
#[derive(Debug)]
pub(super) struct Pace {
    /// How many pauses to make before the next look. Below 0: how many looks to go without, because one that rested
    /// found no more for it.
    pauses: Cell<i32>,
    /// How many looks it will be the next time.
    busy_looks: Cell<i32>,
    enough: u64,
}

impl Pace {
    pub(super) fn new(capacity: usize) -> Self {
        let enough = (capacity as u64 / 4).min(ENOUGH_MAX);
        Self { pauses: Cell::new(0), busy_looks: Cell::new(BUSY_LOOKS), enough }
    }

    /// To be called before a look.
    #[inline]
    pub(super) fn rest(&self) {
        // Models have no time to lose: to them a pause is one more choice of who goes on.
        if cfg!(any(loom, shuttle)) {
            return;
        }
        for _ in 0..self.pauses.get() {
            spin_loop();
        }
    }

    /// To be called after a look, with how much there was. If nothing, the next look is at once; and a single message
    /// is no stream yet.
    #[inline]
    pub(super) fn found(&self, count: u64) {
        let pauses = self.pauses.get();
        if pauses == 0 && (count < WORTH_COUNT || count >= self.enough) {
            return;
        }
        self.pauses.set(self.pauses_after(pauses, count));
    }

    fn pauses_after(&self, pauses: i32, count: u64) -> i32 {
        if pauses < 0 {
            pauses + 1
        } else if count == 0 {
            0
        } else if count < WORTH_COUNT * pauses as u64 {
            let busy_looks = self.busy_looks.get();
            self.busy_looks.set((busy_looks * 2).min(BUSY_LOOKS_MAX));
            -busy_looks
        } else if count < self.enough {
            (pauses * 2).clamp(1, PAUSES_MAX)
        } else {
            self.busy_looks.set(BUSY_LOOKS);
            pauses / 2
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn pauses_after(pace: &Pace, count: u64) -> i32 {
        pace.found(count);
        pace.pauses.get()
    }

    #[test]
    fn looks_that_find_too_little_come_later_and_later() {
        let pace = Pace::new(1024);
        let pauses = [3, 3, 9, 20, 100, 256, 300, 1000, 5, 5, 0].map(|count| pauses_after(&pace, count));
        assert_eq!(pauses, [1, 2, 4, 8, 8, 4, 2, 1, 2, 4, 0]);
    }

    #[test]
    fn a_stream_that_brings_no_more_for_waiting_is_left_alone() {
        for count in [1, 2, 3] {
            let pace = Pace::new(1024);
            let rests: i32 = (0..100_000).map(|_| pauses_after(&pace, count).max(0)).sum();
            assert!(rests < 200, "{rests} pauses for 100,000 looks that find {count}");
        }
    }

    #[test]
    fn a_small_ring_never_makes_anybody_wait() {
        let pace = Pace::new(3);
        assert_eq!((0..1000).map(|_| pauses_after(&pace, 1)).sum::<i32>(), 0);
    }
}
