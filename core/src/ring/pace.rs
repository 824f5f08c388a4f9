//! Keeping off a cache line while the other side is writing it.
//!
//! Two threads that stream through a ring fall into lockstep if the faster one looks again at once whenever it has
//! used up what it knew of: each look finds one or two messages and takes the line away from the side that is writing
//! it. Waiting a moment before the next look lets some more come together, and each transfer of the line serves many
//! messages. (MCRingBuffer and B-Queue do it by handing over whole blocks, which delays the messages of a slow stream
//! without bound; this delays only who would have found little, by less than a microsecond, and not if that
//! brings nothing.)
//!
//! What it brought and what it costs: `docs/adr/0004-a-look-may-wait-a-moment.md`.

use crate::sync::spin_loop;
use std::cell::Cell;

/// Most pauses of the processor before a look: a few hundred nanoseconds.
const PAUSES_MAX: i32 = 8;

/// How much is enough to be found at a look, at most.
const ENOUGH_MAX: u64 = 256;

/// How many messages have to come together in the longest rest for it to be worth while.
const WORTH_COUNT: u64 = 8;

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
    /// Whether the last look found something.
    is_stream: Cell<bool>,
    enough: u64,
}

impl Pace {
    pub(super) fn new(capacity: usize) -> Self {
        let enough = (capacity as u64 / 4).min(ENOUGH_MAX);
        Self { pauses: Cell::new(0), busy_looks: Cell::new(BUSY_LOOKS), is_stream: Cell::new(false), enough }
    }

    /// To be called before a look.
    #[inline]
    pub(super) fn rest(&self) {
        // Models have no time to lose: to them a pause is one more choice of who goes on.
        if cfg!(any(ringmain_loom, ringmain_shuttle)) {
            return;
        }
        for _ in 0..self.pauses.get() {
            spin_loop();
        }
    }

    /// To be called after a look, with how much there was. If nothing, the next look is at once; and one look that finds
    /// little is no stream yet.
    #[inline]
    pub(super) fn found(&self, count: u64) {
        let pauses = self.pauses.get();
        if pauses < 0 {
            self.pauses.set(pauses + 1);
        } else if count == 0 || count >= self.enough {
            self.pauses.set(if count == 0 { 0 } else { pauses / 2 });
            self.is_stream.set(count != 0);
        } else if self.is_stream.replace(true) {
            self.pauses.set(self.pauses_after_little(pauses, count));
        }
    }

    fn pauses_after_little(&self, pauses: i32, count: u64) -> i32 {
        if pauses < PAUSES_MAX {
            (pauses * 2).max(1)
        } else if count < WORTH_COUNT {
            let busy_looks = self.busy_looks.get();
            self.busy_looks.set((busy_looks * 2).min(BUSY_LOOKS_MAX));
            -busy_looks
        } else {
            self.busy_looks.set(BUSY_LOOKS);
            PAUSES_MAX
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses_after(pace: &Pace, count: u64) -> i32 {
        pace.found(count);
        pace.pauses.get()
    }

    #[test]
    fn looks_that_find_too_little_come_later_and_later() {
        let pace = Pace::new(1024);
        let pauses =
            [1, 1, 9, 20, 100, 256, 300, 1000, 5, 5, 0, 5, 0, 5].map(|count| pauses_after(&pace, count));
        assert_eq!(pauses, [0, 1, 2, 4, 8, 4, 2, 1, 2, 4, 0, 0, 0, 0]);
    }

    #[test]
    fn a_stream_that_brings_no_more_for_waiting_is_left_alone() {
        for count in [1, 2, 3] {
            let pace = Pace::new(1024);
            let rests: i32 = (0..100_000).map(|_| pauses_after(&pace, count).max(0)).sum();
            assert!(rests < 1000, "{rests} pauses for 100,000 looks that find {count}");
        }
    }

    #[test]
    fn a_small_ring_never_makes_anybody_wait() {
        let pace = Pace::new(3);
        assert_eq!((0..1000).map(|_| pauses_after(&pace, 1)).sum::<i32>(), 0);
    }
}
