//! Longer and longer pauses between attempts at what other threads are about to finish.

use super::{IS_MODEL, spin_loop, yield_now};
use crossbeam_utils::Backoff;

/// See the module's description.
pub(crate) struct Pause {
    backoff: Backoff,
}

impl Pause {
    pub(crate) fn new() -> Self {
        Self { backoff: Backoff::new() }
    }

    /// After losing a race: somebody else went on, so that trying again soon is right.
    pub(crate) fn spin(&self) {
        if IS_MODEL { spin_loop() } else { self.backoff.spin() }
    }

    /// Before looking again at what another thread is about to do, which may not even be running.
    pub(crate) fn snooze(&self) {
        if IS_MODEL { yield_now() } else { self.backoff.snooze() }
    }
}
