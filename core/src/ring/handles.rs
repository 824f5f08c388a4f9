//! How many handles a side has, where it may have several: the last one to go closes the ring.

use crate::sync::{AtomicUsize, Ordering};

/// The handles of one side.
#[derive(Debug)]
pub(super) struct Handles(AtomicUsize);

impl Handles {
    /// The first one.
    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(1))
    }

    /// Another one, made from one that there is.
    pub(super) fn join(&self) {
        // ORDERING: Relaxed: the caller holds a handle, so that the count cannot reach zero meanwhile.
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One goes. Returns whether it was the last one.
    pub(super) fn leave(&self) -> bool {
        // ORDERING: AcqRel, P3: each drop releases what its thread did, and the last one acquires it all, to release it
        // by closing the ring.
        self.0.fetch_sub(1, Ordering::AcqRel) == 1
    }
}
