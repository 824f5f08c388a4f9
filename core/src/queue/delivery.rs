//! A delivery: one message and the lease on it, in the hands of a worker.

use crate::error::{Error, Result};
use crate::log::Payload;
use crate::queue::settle::Token;
use crate::queue::shared::Shared;
use crate::sync::{AtomicBool, Ordering};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// One message, leased to whoever holds this.
///
/// End it with one of [`ack`](Self::ack), [`fail`](Self::fail), [`release`](Self::release) and
/// [`reject`](Self::reject); dropping it unsettled releases it without penalty. A verb on a lease that has run out or
/// was settled returns [`LeaseLost`](crate::Error::LeaseLost) and changes nothing.
///
/// ```
/// # use ringmain::{Hub, Message};
/// # let hub = Hub::memory();
/// # let queue = hub.queue("jobs").dead_letter("jobs.dead").open()?;
/// queue.send(Message::new(b"resize 17.png"))?;
/// let delivery = queue.try_receive()?.expect("one was sent");
/// match std::str::from_utf8(delivery.value()) {
///     Ok(_) => delivery.ack()?,
///     Err(e) => delivery.fail(e)?,
/// }
/// # Ok::<(), ringmain::Error>(())
/// ```
pub struct Delivery {
    queue: Arc<Shared>,
    payload: Payload,
    token: Token,
    failures: u32,
    ended: AtomicBool,
}

impl Delivery {
    pub(crate) fn new(queue: Arc<Shared>, payload: Payload, id: u64, attempts: u32, failures: u32) -> Self {
        let token = Token { id, attempt: attempts };
        Self { queue, payload, token, failures, ended: AtomicBool::new(false) }
    }

    pub(crate) fn token(&self) -> Token {
        self.token
    }

    pub(crate) fn payload(&self) -> &Payload {
        &self.payload
    }

    pub(crate) fn is_of(&self, queue: &Arc<Shared>) -> bool {
        Arc::ptr_eq(&self.queue, queue)
    }

    /// Dropping it does nothing any more.
    pub(crate) fn forget(&self) {
        // ORDERING: Relaxed: read by the drop, which is ordered after everything by ownership.
        self.ended.store(true, Ordering::Relaxed);
    }

    /// A verb was said: dropping the delivery does nothing any more, unless the verb itself was refused.
    fn end(&self, result: Result<()>) -> Result<()> {
        if !matches!(result, Err(Error::InvalidArgument { .. } | Error::OptionMissing { .. })) {
            self.forget();
        }
        result
    }

    /// The name of its queue.
    pub fn queue(&self) -> &str {
        self.queue.name.as_str()
    }

    /// The message's number in its queue.
    pub fn id(&self) -> u64 {
        self.token.id
    }

    /// Leases granted on the message so far, this one included.
    pub fn attempts(&self) -> u32 {
        self.token.attempt
    }

    /// Failures counted before this delivery.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Done: the message is never delivered again. A second ack of the same delivery is fine.
    ///
    /// # Errors
    /// `LeaseLost`; `Poisoned`, then it is not known whether the ack is on disk.
    pub fn ack(&self) -> Result<()> {
        let result = self.queue.ack(&[self.token]).into_iter().next().unwrap_or(Ok(()));
        self.end(result)
    }

    /// Failed: counts towards `max_failures`; then it is retried after the queue's retry delay, or dies.
    ///
    /// # Errors
    /// `LeaseLost`, `Poisoned`.
    pub fn fail(&self, reason: impl fmt::Display) -> Result<()> {
        self.end(self.queue.fail(self.token, reason.to_string(), None))
    }

    /// Failed, with a retry delay of its own, at most ten years.
    ///
    /// # Errors
    /// `LeaseLost`, `Poisoned`, `InvalidArgument`.
    pub fn fail_after(&self, reason: impl fmt::Display, delay: Duration) -> Result<()> {
        self.end(self.queue.fail(self.token, reason.to_string(), Some(delay)))
    }

    /// Hands it back: does not count, and it is ready again at its old place.
    ///
    /// # Errors
    /// `LeaseLost`, `Poisoned`.
    pub fn release(&self) -> Result<()> {
        self.release_after(Duration::ZERO)
    }

    /// Hands it back, to be delivered after a delay of at most ten years.
    ///
    /// # Errors
    /// `LeaseLost`, `Poisoned`, `InvalidArgument`.
    pub fn release_after(&self, delay: Duration) -> Result<()> {
        self.end(self.queue.release(self.token, delay))
    }

    /// Dead letter now, whatever its failures.
    ///
    /// # Errors
    /// `LeaseLost`, `Poisoned`; `OptionMissing` on a queue that keeps its exhausted messages.
    pub fn reject(&self, reason: impl fmt::Display) -> Result<()> {
        self.end(self.queue.reject(self.token, reason.to_string()))
    }

    /// Prolongs the lease to `duration` from now; never shortens it. 1 ms to 7 days.
    ///
    /// # Errors
    /// `LeaseLost`, `InvalidArgument`.
    pub fn extend(&self, duration: Duration) -> Result<()> {
        self.queue.extend(self.token, duration)
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        // ORDERING: Relaxed: `&mut self` orders it.
        if !self.ended.load(Ordering::Relaxed) {
            self.queue.release_dropped(self.token);
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("queue", &self.queue.name)
            .field("id", &self.token.id)
            .field("attempts", &self.token.attempt)
            .field("failures", &self.failures)
            .finish()
    }
}

crate::message::accessors!(Delivery);
