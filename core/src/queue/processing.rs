//! How long messages are out before they are acked.
//!
//! **Not promised.** That every message is timed: of plain ones that would cost each ack a look at the clock. Every 64th of them is,
//! and counts for 64.

use crate::sync::{AtomicU64, Ordering};
use std::time::Duration;

/// Of so many plain messages that follow each other one is timed.
const SPARSENESS: u64 = 64;

/// See the module's description.
#[derive(Debug, Default)]
pub(crate) struct Processing {
    ns: AtomicU64,
    count: AtomicU64,
}

impl Processing {
    /// Of up to 64 plain messages from `first` on, the one that is timed.
    pub(crate) fn timed_bit(first: u64) -> u64 {
        1 << (first.wrapping_neg() % SPARSENESS)
    }

    /// That message was acked so long after it was delivered.
    pub(crate) fn add_timed(&self, ns: u64) {
        self.add(ns.saturating_mul(SPARSENESS), SPARSENESS);
    }

    /// So many messages were acked, so long after they were delivered, together.
    pub(crate) fn add(&self, ns: u64, count: u64) {
        // STATISTIC: read together with nothing.
        self.ns.fetch_add(ns, Ordering::Relaxed);
        self.count.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn total(&self) -> Duration {
        // STATISTIC: as above.
        Duration::from_nanos(self.ns.load(Ordering::Relaxed))
    }

    pub(crate) fn count(&self) -> u64 {
        // STATISTIC: as above.
        self.count.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_64_messages_that_follow_each_other_one_is_timed_wherever_a_run_begins() {
        for first in [0, 1, 63, 64, 100, u64::MAX - 63] {
            let bit = Processing::timed_bit(first);
            assert_eq!((first + u64::from(bit.trailing_zeros())) % SPARSENESS, 0, "{first}");
        }
    }
}
