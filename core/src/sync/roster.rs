//! Threads that somebody waits for, at most for a time.

use crate::sync::event_count::EventCount;
use crate::sync::{AtomicUsize, Ordering};
use std::time::Duration;

/// How many threads of a worker are still there. Apart from what they share, which is dropped before they leave.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    present: AtomicUsize,
    left: EventCount,
}

impl Roster {
    pub(crate) fn enter(&self) {
        // ORDERING: Relaxed: by the thread that waits later.
        self.present.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn leave(&self) {
        // ORDERING: AcqRel: carries everything that the thread did to whoever finds nobody left.
        if self.present.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.left.notify_all();
        }
    }

    /// Waits until all have left, at most for `timeout`. False: not all have.
    pub(crate) fn wait(&self, timeout: Duration) -> bool {
        // ORDERING: Acquire: pairs with `leave`.
        let left = || (self.present.load(Ordering::Acquire) == 0).then_some(());
        self.left.wait_for(timeout, left).is_some()
    }
}
