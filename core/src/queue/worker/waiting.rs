//! A message that a worker took ahead.

use crate::queue::Delivery;

/// A message that was taken ahead.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) delivery: Delivery,
    pub(super) taken_ns: u64,
    pub(super) lease_ns: u64,
}

impl Waiting {
    /// When it has waited for too long: another worker may have time for it.
    pub(super) fn stale_ns(&self) -> u64 {
        self.taken_ns.saturating_add(self.lease_ns / 3 * 2)
    }
}
