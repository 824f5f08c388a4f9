//! A consumer: an endless iterator of deliveries.

use crate::error::{Error, Result};
use crate::limits::RECEIVE_COUNT_MAX;
use crate::queue::{Delivery, Queue};
use std::collections::VecDeque;
use std::time::Duration;

/// An iterator of deliveries, waiting for each; it ends when the hub is closed or the queue refuses
/// ([`error`](Consumer::error) tells).
///
/// ```no_run
/// # use ringmain::Hub;
/// # let queue = Hub::memory().queue("jobs").dead_letter("jobs.dead").open()?;
/// for delivery in queue.consumer().prefetch(64).start()? {
///     delivery.ack()?;
/// }
/// # Ok::<(), ringmain::Error>(())
/// ```
#[derive(Debug)]
pub struct Consumer {
    queue: Queue,
    prefetch: usize,
    waiting: VecDeque<Delivery>,
    error: Option<Error>,
}

impl Consumer {
    pub(crate) fn new(queue: Queue) -> Self {
        Self { queue, prefetch: 1, waiting: VecDeque::new(), error: None }
    }

    /// How many deliveries it takes at a time, 1 to 65,536. Default 1. Their leases run from that moment.
    pub fn prefetch(mut self, count: usize) -> Self {
        self.prefetch = count;
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// `InvalidArgument` for a prefetch out of its range.
    pub fn start(self) -> Result<Self> {
        if self.prefetch == 0 || self.prefetch > RECEIVE_COUNT_MAX {
            let detail = format!("{} is not allowed; 1 to {RECEIVE_COUNT_MAX} are", self.prefetch);
            return Err(Error::invalid("prefetch", detail));
        }
        Ok(self)
    }

    /// Why it ended.
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }
}

impl Iterator for Consumer {
    type Item = Delivery;

    fn next(&mut self) -> Option<Delivery> {
        if let Some(delivery) = self.waiting.pop_front() {
            return Some(delivery);
        }
        match self.queue.receive_batch(self.prefetch, Duration::MAX) {
            Ok(taken) => self.waiting.extend(taken),
            Err(error) => self.error = Some(error),
        }
        self.waiting.pop_front()
    }
}
