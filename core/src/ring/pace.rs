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
const PAUSES_MAX: u32 = 8;

/// How much is enough to be found at a look, at most.
const ENOUGH_MAX: u64 = 256;

/// How many messages have to come together in the longest rest for it to be worth while.
const WORTH_COUNT: u64 = 8;

/// For how many messages to go without a rest after one that was not worth while: the first time, and at most.
const BUSY_COUNT: u64 = 64;
const BUSY_COUNT_MAX: u64 = 16384;

/// How long one side of a ring waits before it looks again how far the other side has come.
#[derive(Debug)]
pub(super) struct Pace {
    /// No rests before this position, because one that was made found no more for it.
    busy_until: Cell<u64>,
    /// For how many messages there will be none the next time.
    busy_count: Cell<u64>,
    /// How many pauses to make before the next look.
    pauses: Cell<u32>,
    /// Whether the last look found something.
    is_stream: Cell<bool>,
    enough: u64,
}

impl Pace {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            busy_until: Cell::new(0),
            busy_count: Cell::new(BUSY_COUNT),
            pauses: Cell::new(0),
            is_stream: Cell::new(false),
            enough: (capacity as u64 / 4).min(ENOUGH_MAX),
        }
    }

    /// Whether the look from `position` on needs no [`paced_look`](Self::paced_look).
    #[inline]
    pub(super) fn is_busy(&self, position: u64) -> bool {
        position < self.busy_until.get()
    }

    /// What `look` finds from `position` on: how much there is, after the rest that is due. If nothing, the next look is
    /// at once; and one look that finds little is no stream yet.
    pub(super) fn paced_look(&self, position: u64, look: impl FnOnce() -> u64) -> u64 {
        // Models have no time to lose: to them a pause is one more choice of who goes on.
        if !cfg!(any(ringmain_loom, ringmain_shuttle)) {
            (0..self.pauses.get()).for_each(|_| spin_loop());
        }
        let count = look();
        if !self.is_busy(position) {
            self.found(position, count);
        }
        count
    }

    fn found(&self, position: u64, count: u64) {
        let pauses = self.pauses.get();
        if count == 0 || count >= self.enough {
            self.pauses.set(if count == 0 { 0 } else { pauses / 2 });
            self.is_stream.set(count != 0);
        } else if self.is_stream.replace(true) {
            self.found_little(position, pauses, count);
        }
    }

    fn found_little(&self, position: u64, pauses: u32, count: u64) {
        if pauses < PAUSES_MAX {
            self.pauses.set((pauses * 2).max(1));
        } else if count < WORTH_COUNT {
            let busy_count = self.busy_count.get();
            self.busy_until.set(position + busy_count);
            self.busy_count.set((busy_count * 2).min(BUSY_COUNT_MAX));
            self.pauses.set(0);
        } else {
            self.busy_count.set(BUSY_COUNT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at a ring from which each look takes what it finds. Returns how many pauses the next look will make.
    fn pauses_after(pace: &Pace, position: &mut u64, count: u64) -> u32 {
        pace.paced_look(*position, || count);
        *position += count;
        if pace.is_busy(*position) { 0 } else { pace.pauses.get() }
    }

    #[test]
    fn looks_that_find_too_little_come_later_and_later() {
        let pace = Pace::new(1024);
        let mut position = 0;
        let pauses = [1, 1, 9, 20, 100, 256, 300, 1000, 5, 5, 0, 5, 0, 5]
            .map(|count| pauses_after(&pace, &mut position, count));
        assert_eq!(pauses, [0, 1, 2, 4, 8, 4, 2, 1, 2, 4, 0, 0, 0, 0]);
    }

    #[test]
    fn a_stream_that_brings_no_more_for_waiting_is_left_alone() {
        for count in [1, 2, 3] {
            let pace = Pace::new(1024);
            let mut position = 0;
            let rests: u32 = (0..100_000).map(|_| pauses_after(&pace, &mut position, count)).sum();
            assert!(rests < 1000, "{rests} pauses for 100,000 looks that find {count}");
        }
    }

    #[test]
    fn a_small_ring_never_makes_anybody_wait() {
        let pace = Pace::new(3);
        let mut position = 0;
        assert_eq!((0..1000).map(|_| pauses_after(&pace, &mut position, 1)).sum::<u32>(), 0);
    }
}
