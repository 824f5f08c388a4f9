//! What time will bring to messages that are not out: each costs the logarithm of how many there are.

use std::collections::BTreeSet;

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// It may be delivered.
    Due,
    /// It may no longer be delivered.
    Expires,
    /// It was to be received by then.
    StartBy,
    /// It was to be acked by then.
    CompleteBy,
}

/// Timers in the order of their times. Times are nanoseconds since 1970.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    set: BTreeSet<(u64, u64, Timer)>,
    due: usize,
}

impl Timers {
    pub(crate) fn insert(&mut self, at_ns: u64, id: u64, timer: Timer) {
        if self.set.insert((at_ns, id, timer)) && timer == Timer::Due {
            self.due += 1;
        }
    }

    pub(crate) fn remove(&mut self, at_ns: u64, id: u64, timer: Timer) {
        if self.set.remove(&(at_ns, id, timer)) && timer == Timer::Due {
            self.due -= 1;
        }
    }

    /// The earliest that has come by now; it stays until its message leaves.
    pub(crate) fn first_by(&self, now_ns: u64) -> Option<(u64, Timer)> {
        self.set.first().filter(|(at_ns, ..)| *at_ns <= now_ns).map(|(_, id, timer)| (*id, *timer))
    }

    /// When the earliest comes.
    pub(crate) fn next_ns(&self) -> Option<u64> {
        self.set.first().map(|(at_ns, ..)| *at_ns)
    }

    /// How many messages wait to be due.
    pub(crate) fn due_count(&self) -> usize {
        self.due
    }
}
