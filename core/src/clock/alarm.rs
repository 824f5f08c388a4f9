//! The hub's alarm: the earliest time at which something is due, and the thread's place to wait for it.
//!
//! **Promise.** Whoever changes state that has a deadline, then arms the alarm, is ticked at or after that deadline.
//! Nobody armed: nobody wakes.
//!
//! **Protocol**, `P10 alarm`: the ringer takes the earliest time away by a swap *before* it looks at anybody's state: an
//! arming that comes before is of state that it will see, one after rings again.

use crate::sync::event_count::EventCount;
use crate::sync::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const NEVER: u64 = u64::MAX;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Alarm {
    next_ns: AtomicU64,
    stopped: AtomicBool,
    event: EventCount,
}

impl Alarm {
    pub(crate) fn new() -> Self {
        Self { next_ns: AtomicU64::new(NEVER), stopped: AtomicBool::new(false), event: EventCount::new() }
    }

    /// Something is due at `at_ns`.
    pub(crate) fn arm(&self, at_ns: u64) {
        // ORDERING: Relaxed: an earlier time is set already; the ringer that takes it sees our state, for it takes the
        // state's lock after us.
        if self.next_ns.load(Ordering::Relaxed) <= at_ns {
            return;
        }
        // ORDERING: AcqRel, P10: pairs with `take`.
        if self.next_ns.fetch_min(at_ns, Ordering::AcqRel) > at_ns {
            self.event.notify_all();
        }
    }

    /// Takes the time away if it has come. True: everybody is to be ticked.
    pub(crate) fn take(&self, now_ns: u64) -> bool {
        // ORDERING: Acquire, P10.
        if self.next_ns.load(Ordering::Acquire) > now_ns {
            return false;
        }
        // ORDERING: AcqRel, P10: before anybody's state is looked at.
        self.next_ns.swap(NEVER, Ordering::AcqRel);
        true
    }

    /// Sleeps until the earliest time, measured from `now_ns`, or until it changes. False: stopped.
    pub(crate) fn sleep(&self, now_ns: u64) -> bool {
        // ORDERING: Acquire, P10.
        let next = self.next_ns.load(Ordering::Acquire);
        let deadline = (next != NEVER)
            .then(|| Instant::now().checked_add(Duration::from_nanos(next.saturating_sub(now_ns))))
            .flatten();
        self.event.wait_until(deadline, || {
            // ORDERING: Acquire: carries what the stopper and the armer did before.
            self.stopped.load(Ordering::Acquire) || self.next_ns.load(Ordering::Acquire) != next
        });
        // ORDERING: Acquire: as above.
        !self.stopped.load(Ordering::Acquire)
    }

    /// Ends the ringer.
    pub(crate) fn stop(&self) {
        // ORDERING: Release: pairs with `sleep`.
        self.stopped.store(true, Ordering::Release);
        self.event.notify_all();
    }
}
