//! A consumer: an endless iterator of deliveries.

use crate::error::{Error, Result};
use crate::limits::RECEIVE_COUNT_MAX;
use crate::queue::receive::Start;
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
    /// When those were taken.
    taken_ns: u64,
    error: Option<Error>,
}

impl Consumer {
    pub(crate) fn new(queue: Queue) -> Self {
        Self { queue, prefetch: 1, waiting: VecDeque::new(), taken_ns: 0, error: None }
    }

    /// How many deliveries it takes at a time, 1 to 65,536. Default 1. Each is leased from when it is handed out; one that has
    /// waited for longer than a lease is another's by then, and left out. Those not handed out count for nothing if the process
    /// dies, and are released when the consumer is dropped.
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
        loop {
            while let Some(delivery) = self.waiting.pop_front() {
                match delivery.start(self.queue.shared.is_worn(self.taken_ns)) {
                    Ok(()) => return Some(delivery),
                    Err(Error::LeaseLost { .. }) => {}
                    Err(error) => return self.end(error),
                }
            }
            match self.queue.shared.take_within(self.prefetch, Duration::MAX, Start::Later) {
                Ok(taken) => self.waiting.extend(taken),
                Err(error) => return self.end(error),
            }
            self.taken_ns = self.queue.shared.journal.now_ns();
        }
    }
}

impl Consumer {
    fn end(&mut self, error: Error) -> Option<Delivery> {
        self.error = Some(error);
        None
    }
}
