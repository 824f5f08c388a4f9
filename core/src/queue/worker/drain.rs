//! The end of a worker: who is still there, and what is said of those who are.

use crate::error::Error;
use crate::sync::event_count::EventCount;
use crate::sync::{AtomicUsize, Ordering};
use std::fmt;
use std::time::Duration;

/// A worker was closed, and not all of its handlers returned in time.
///
/// They go on: what they return within their lease still counts. Their leases are not prolonged any more. Until the last of
/// them returns they keep the hub open, unless it is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StillRunning {
    pub(super) ids: Vec<u64>,
}

impl StillRunning {
    /// Ids of the messages that handlers are still busy with, in order. Empty if all of them have returned, and the disk
    /// has not yet taken what they said.
    pub fn ids(&self) -> &[u64] {
        &self.ids
    }
}

impl fmt::Display for StillRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.ids.len();
        write!(
            f,
            "the worker was closed, and {count} handlers are still running (messages {:?}); their leases run out, and \
             what they return until then counts",
            self.ids
        )
    }
}

impl std::error::Error for StillRunning {}

impl From<StillRunning> for Error {
    fn from(_: StillRunning) -> Self {
        Self::Timeout { doing: "waiting for the handlers of a worker" }
    }
}

/// How many threads of a worker are still there. Apart from what they share, which is dropped before they leave.
#[derive(Debug, Default)]
pub(super) struct Roster {
    present: AtomicUsize,
    left: EventCount,
}

impl Roster {
    pub(super) fn enter(&self) {
        // ORDERING: Relaxed: by the thread that waits later.
        self.present.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn leave(&self) {
        // ORDERING: AcqRel: carries everything that the thread did to whoever finds nobody left.
        if self.present.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.left.notify_all();
        }
    }

    /// Waits until all have left, at most for `timeout`. False: not all have.
    pub(super) fn wait(&self, timeout: Duration) -> bool {
        // ORDERING: Acquire: pairs with `leave`.
        let left = || (self.present.load(Ordering::Acquire) == 0).then_some(());
        self.left.wait_for(timeout, left).is_some()
    }
}
