//! The deliveries that JavaScript holds, by number.
//!
//! **Promise.** A delivery is dropped as soon as it is settled, when its job is garbage collected, when its hub handle
//! is closed, and when its thread ends; dropped unsettled, it is released. **Why numbers.** A native object per job
//! would be freed by a finalizer, and Node runs finalizers only between turns of the event loop: a worker thread that
//! loops over `receiveSync` has no turns, and would keep every job it ever had.

use crate::handle::Held;
use crate::registry::lock;
use ringmain::{Delivery, Error, Result};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Deliveries received together; settled ones are gone.
type Batch = Vec<Option<Arc<Held<Delivery>>>>;

/// The leases of one hub handle.
#[derive(Default)]
pub(crate) struct Leases(Mutex<Book>);

#[derive(Default)]
struct Book {
    batches: HashMap<u64, Batch>,
    sequence: u64,
}

/// One of the five verbs with what it takes.
pub(crate) enum Settlement {
    Ack,
    Fail { reason: String, delay: Option<Duration> },
    Release { delay: Option<Duration> },
    Reject { reason: String },
    Extend { duration: Duration },
}

impl Leases {
    /// Takes in what was received; the number of the batch.
    pub(crate) fn hold(&self, deliveries: Vec<Delivery>) -> u64 {
        let batch = deliveries.into_iter().map(|delivery| Some(Arc::new(Held::new(delivery)))).collect();
        let mut book = lock(&self.0);
        book.sequence += 1;
        let number = book.sequence;
        book.batches.insert(number, batch);
        number
    }

    /// Settles one delivery.
    pub(crate) fn settle(&self, batch: u64, index: u32, settlement: Settlement) -> Result<()> {
        let delivery = self.delivery(batch, index)?;
        let settles = !matches!(settlement, Settlement::Extend { .. });
        let result = settlement.apply(&delivery);
        if is_over(&result, settles) {
            self.drop_delivery(batch, index);
        }
        result
    }

    /// Acks many with one verb of the queue; one result each, in order.
    pub(crate) fn ack_many(
        &self,
        places: &[(u64, u32)],
        ack: impl FnOnce(&[&Delivery]) -> Vec<Result<()>>,
    ) -> Result<Vec<Result<()>>> {
        let deliveries = places.iter().map(|&(batch, index)| self.delivery(batch, index));
        let deliveries = deliveries.collect::<Result<Vec<_>>>()?;
        let borrowed: Vec<&Delivery> = deliveries.iter().map(|delivery| &***delivery).collect();
        let results = ack(&borrowed);
        for (&(batch, index), result) in places.iter().zip(&results) {
            if is_over(result, true) {
                self.drop_delivery(batch, index);
            }
        }
        Ok(results)
    }

    /// Drops what is left of a batch.
    pub(crate) fn drop_batch(&self, batch: u64) {
        // The guard is gone before the deliveries are dropped, which may write.
        let left = lock(&self.0).batches.remove(&batch);
        drop(left);
    }

    /// Drops everything.
    pub(crate) fn drop_all(&self) {
        let left = std::mem::take(&mut lock(&self.0).batches);
        drop(left);
    }

    fn delivery(&self, batch: u64, index: u32) -> Result<Arc<Held<Delivery>>> {
        let book = lock(&self.0);
        let delivery = book.batches.get(&batch).and_then(|batch| batch.get(index as usize)?.clone());
        delivery.ok_or(Error::InvalidHandle { expected: "job", handle: batch })
    }

    fn drop_delivery(&self, batch: u64, index: u32) {
        let mut book = lock(&self.0);
        let Some(deliveries) = book.batches.get_mut(&batch) else { return };
        let settled = deliveries.get_mut(index as usize).and_then(Option::take);
        if deliveries.iter().all(Option::is_none) {
            book.batches.remove(&batch);
        }
        drop(book);
        drop(settled);
    }
}

/// Whether a delivery has no lease any more.
fn is_over(result: &Result<()>, settles: bool) -> bool {
    match result {
        Ok(()) => settles,
        Err(error) => matches!(error, Error::LeaseLost { .. }),
    }
}

impl Settlement {
    fn apply(self, delivery: &Delivery) -> Result<()> {
        match self {
            Self::Ack => delivery.ack(),
            Self::Fail { reason, delay: None } => delivery.fail(reason),
            Self::Fail { reason, delay: Some(delay) } => delivery.fail_after(reason, delay),
            Self::Release { delay: None } => delivery.release(),
            Self::Release { delay: Some(delay) } => delivery.release_after(delay),
            Self::Reject { reason } => delivery.reject(reason),
            Self::Extend { duration } => delivery.extend(duration),
        }
    }
}
