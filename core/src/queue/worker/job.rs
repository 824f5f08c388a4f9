//! What a handler is given: a delivery whose lease somebody looks after.

use crate::queue::Delivery;
use crate::sync::{AtomicBool, Ordering};
use std::ops::Deref;

/// A delivery in the hands of a [`Worker`](crate::Worker)'s handler. All of [`Delivery`] can be asked of it.
///
/// A handler may settle it itself, in its own transaction for instance: then what it returns changes nothing.
#[derive(Debug)]
pub struct Job {
    delivery: Delivery,
    lost: AtomicBool,
}

impl Job {
    pub(super) fn new(delivery: Delivery) -> Self {
        Self { delivery, lost: AtomicBool::new(false) }
    }

    /// Whether the lease is known to be lost: the message is somebody else's, or settled, or will be delivered again.
    /// What the handler returns is discarded then, so that a long one may ask now and then, and give up.
    pub fn is_lost(&self) -> bool {
        // ORDERING: Relaxed: a hint that carries nothing; a verb is refused by the queue, not by this.
        self.lost.load(Ordering::Relaxed)
    }

    pub(super) fn lose(&self) {
        // ORDERING: Relaxed: as above.
        self.lost.store(true, Ordering::Relaxed);
    }
}

impl Deref for Job {
    type Target = Delivery;

    fn deref(&self) -> &Delivery {
        &self.delivery
    }
}
