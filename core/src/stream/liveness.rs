//! Whether a member is alive: it polls now and then, or something of its is running.
//!
//! **Promise.** A poll and a handler pay a few instructions, no lock. While either runs its member is alive, however long it takes.

use crate::stream::shared::Shared;
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use std::fmt;
use std::sync::Arc;

/// When a member was last seen.
#[derive(Debug)]
pub(crate) struct Pulse {
    /// Polls and handlers that run.
    running: AtomicU32,
    /// When the last of them ended.
    since_ns: AtomicU64,
}

impl Pulse {
    pub(super) fn new(now_ns: u64) -> Self {
        Self { running: AtomicU32::new(0), since_ns: AtomicU64::new(now_ns) }
    }

    /// It was seen now.
    pub(super) fn beat(&self, now_ns: u64) {
        // ORDERING: Relaxed: the Release of whoever ends, or the coordinator's lock, carries it.
        self.since_ns.store(now_ns, Ordering::Relaxed);
    }

    /// Since when nothing of it runs; `None` while something does.
    pub(super) fn silent_since_ns(&self) -> Option<u64> {
        // ORDERING: Acquire: pairs with the Release of `Processing::drop`: who sees that nothing runs sees when it ended. Who
        // starts meanwhile looks at the coordinator afterwards, under the lock that is held here, and finds what was decided.
        // Relaxed for the second: carried by the first.
        (self.running.load(Ordering::Acquire) == 0).then(|| self.since_ns.load(Ordering::Relaxed))
    }
}

/// Says that a handler of a member's records is running: while it lives, and the member with it, the member is not taken for
/// dead, however long that takes. See [`Member::processing`](crate::Member::processing).
///
/// Dropped by whoever runs the handler, also when that panics; it may be moved to another thread.
#[must_use = "the handler counts as running only while this lives"]
pub struct Processing {
    pulse: Arc<Pulse>,
    stream: Arc<Shared>,
}

impl Processing {
    pub(super) fn new(pulse: &Arc<Pulse>, stream: &Arc<Shared>) -> Self {
        // ORDERING: Relaxed: whoever polls passes the coordinator's lock next; see `silent_since_ns`.
        pulse.running.fetch_add(1, Ordering::Relaxed);
        Self { pulse: pulse.clone(), stream: stream.clone() }
    }
}

impl Drop for Processing {
    fn drop(&mut self) {
        self.pulse.beat(self.stream.now_ns());
        // ORDERING: Release: pairs with `silent_since_ns`.
        self.pulse.running.fetch_sub(1, Ordering::Release);
    }
}

impl fmt::Debug for Processing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Processing").finish_non_exhaustive()
    }
}
