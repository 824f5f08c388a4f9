//! Task queues: each message goes to one of many competing consumers, is leased, and acked, failed, released or
//! rejected.
//!
//! **Promise.** At least once: a message that was sent is delivered until it is acked, or dies. A verb returns `Ok` only
//! when it has reached the hub's durability. A lease that has run out changes nothing any more, whoever holds it.
//!
//! **Not promised.** That a message is handled once: a worker may die after its work and before its ack. Make handlers
//! idempotent.
//!
//! **Picture.** A queue is a log with a cursor: plain messages ahead of it are only records; those that were received, or
//! wait for their time, have an entry in the state.
//!
//! | file | what |
//! |---|---|
//! | `send`, `receive`, `gather`, `settle`, `dead`, `peek`, `by_id`, `explain` | the verbs |
//! | `plain/` | the way of plain messages, without a lock |
//! | `shared`, `state`, `groups`, `timers`, `tally` | what a queue knows |
//! | `admission`, `limits`, `rate`, `row` | what holds messages back |
//! | `settlement`, `recovery` | its events in the log, and back from it |
//! | `delivery`, `consumer`, `options`, `stats` | what callers hold |
//! | `worker` | threads that run a handler on each message |

mod admission;
mod by_id;
mod consumer;
mod dead;
mod delivery;
mod explain;
mod gather;
mod groups;
mod limits;
mod options;
mod peek;
mod plain;
mod processing;
mod ranges;
mod rate;
mod receive;
mod recovery;
mod row;
mod salvage;
mod send;
mod settle;
pub(crate) mod settlement;
mod shared;
mod state;
mod stats;
mod tally;
mod timers;
mod worker;

pub use consumer::Consumer;
pub use dead::{ATTEMPTS, DEAD_ERROR, DEAD_ID, DEAD_QUEUE, DEAD_REASON, DEAD_TIME, FAILURES, FIRST_ENQUEUED};
pub use delivery::Delivery;
pub use explain::{Cause, Explanation};
pub use gather::Receive;
pub use limits::Limit;
pub(crate) use options::QueueOptions;
pub use options::{Jitter, OnExhausted, Retry};
pub use peek::Peeked;
pub use rate::Rate;
pub(crate) use salvage::mend;
pub(crate) use shared::Shared;
pub use state::ORDERING_KEY;
pub use stats::QueueStats;
pub use worker::{IntoOutcome, Job, Outcome, StillRunning, Worker, WorkerBuilder, WorkerStats};

use crate::error::{Error, Result};
use crate::journal::Receipt;
use crate::message::Message;
use crate::name::Name;
use receive::Ask;
pub(crate) use receive::Start;
use std::fmt::Debug;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// A task queue. Clones are the same queue; all verbs may be called from any thread.
///
/// ```
/// use ringmain::{Hub, Message};
/// use std::time::Duration;
/// let hub = Hub::memory();
/// let emails = hub.queue("emails").max_failures(3).dead_letter("emails.dead").open()?;
/// emails.send(Message::new(b"hello").key("customer 7"))?;
/// if let Some(delivery) = emails.receive(Duration::from_secs(1))? {
///     assert_eq!(delivery.value(), b"hello");
///     delivery.ack()?;
/// }
/// # Ok::<(), ringmain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Queue {
    shared: Arc<Shared>,
    /// Kept open by this.
    hub: Arc<dyn Keeper>,
}

/// Who keeps what a queue was told.
pub(crate) trait Keeper: Debug + Send + Sync {
    /// Changes the options of a queue, durably.
    fn alter(&self, queue: &Name, change: &dyn Fn(&mut QueueOptions)) -> Result<()>;
}

impl Queue {
    pub(crate) fn new(shared: Arc<Shared>, hub: Arc<dyn Keeper>) -> Self {
        Self { shared, hub }
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.shared.name.as_str()
    }

    /// Sends a message; returns its id once it has reached the hub's durability. Ids grow in the order in which
    /// messages were accepted.
    ///
    /// # Errors
    /// `TooLarge`, `InvalidArgument`: nothing was sent. `Poisoned`: not known whether it is on disk. `Closed`.
    pub fn send(&self, message: Message<'_>) -> Result<u64> {
        self.shared.send(&message)
    }

    /// Sends several as one atomic batch: all or none. Returns their ids in order. At most 65,536 messages and 16 MiB.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_batch(&self, messages: &[Message<'_>]) -> Result<Vec<u64>> {
        self.shared.send_batch(messages)
    }

    /// As [`send`](Self::send), and does not wait: the receipt does. A message with a delay is waited for at once.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn submit(&self, message: Message<'_>) -> Result<Receipt<u64>> {
        self.shared.submit(std::slice::from_ref(&message))
    }

    /// As [`send_batch`](Self::send_batch), and does not wait: the receipt does. A batch in which a message has a delay is
    /// waited for at once. The receipt has the first id; the others follow it.
    ///
    /// # Errors
    /// As [`send`](Self::send); `InvalidArgument` for none at all.
    pub fn submit_batch(&self, messages: &[Message<'_>]) -> Result<Receipt<u64>> {
        self.shared.submit(messages)
    }

    /// Receives one message, waiting for it at most `wait` (`Duration::MAX`: for ever). `None` after that time.
    ///
    /// # Errors
    /// `Closed`, also while waiting; `Corrupt` or `Io` if a file cannot be read.
    pub fn receive(&self, wait: Duration) -> Result<Option<Delivery>> {
        match self.shared.take_one()? {
            None if !wait.is_zero() => Ok(self.shared.take_within(&Ask::new(1, Start::Now), wait)?.pop()),
            taken => Ok(taken),
        }
    }

    /// Receives one message if one is ready.
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub fn try_receive(&self) -> Result<Option<Delivery>> {
        self.shared.take_one()
    }

    /// Receives up to `count_max` messages (1 to 65,536), waiting at most `wait` for the first. Empty after that time.
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub fn receive_batch(&self, count_max: usize, wait: Duration) -> Result<Vec<Delivery>> {
        self.shared.take_within(&Ask::new(count_max, Start::Now), wait)
    }

    /// Receives several messages: waits until there are `count_min`, or the time is over.
    ///
    /// ```
    /// # use ringmain::{Hub, Message, OnExhausted, Receive};
    /// # use std::time::Duration;
    /// # let queue = Hub::memory().queue("rows").on_exhausted(OnExhausted::Drop).open()?;
    /// queue.send_batch(&[Message::new("one"), Message::new("two"), Message::new("three")])?;
    /// let rows = queue.receive_with(Receive { count_min: 2, bytes_max: 6, ..Receive::default() })?;
    /// assert_eq!(rows.len(), 2);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`receive`](Self::receive); `InvalidArgument` for a number out of its range.
    pub fn receive_with(&self, receive: Receive) -> Result<Vec<Delivery>> {
        self.shared.gather(&receive)
    }

    /// Receives up to `count_max` messages; if there are none, `context`'s task is woken when there may be.
    pub fn poll_receive(&self, context: &mut Context<'_>, count_max: usize) -> Poll<Result<Vec<Delivery>>> {
        self.shared.poll_take(context, count_max, Start::Now)
    }

    /// Waits for messages without blocking the thread, on any executor. Dropping the future loses nothing.
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub async fn receive_async(&self, count_max: usize) -> Result<Vec<Delivery>> {
        std::future::poll_fn(|context| self.poll_receive(context, count_max)).await
    }

    /// Acks many with one commit; one result per delivery, in order. A delivery of another queue is an error.
    pub fn ack_batch(&self, deliveries: &[&Delivery]) -> Vec<Result<()>> {
        if let Some(foreign) = deliveries.iter().find(|delivery| !delivery.is_of(&self.shared)) {
            let detail = format!("message {} is of queue {}", foreign.id(), foreign.queue());
            return vec![Err(Error::invalid("deliveries", detail)); deliveries.len()];
        }
        self.shared.ack(deliveries)
    }

    /// Up to `count_max` waiting messages (ready or scheduled) with an id of at least `from_id`, by id, unchanged.
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub fn peek(&self, from_id: u64, count_max: usize) -> Result<Vec<Peeked>> {
        self.shared.peek(from_id, count_max)
    }

    /// Takes a message out of the queue for good, if it is waiting: ready, or for its time, or for others of its ordering key.
    /// False: it is out, or no longer there.
    ///
    /// # Errors
    /// As [`receive`](Self::receive); `Poisoned`, then it is not known whether it is on disk.
    pub fn cancel(&self, id: u64) -> Result<bool> {
        self.shared.cancel(id)
    }

    /// Receives messages that nobody has in his hands before [`Delivery::start`].
    pub(crate) fn poll_ahead(&self, context: &Context<'_>, count_max: usize) -> Poll<Result<Vec<Delivery>>> {
        self.shared.poll_take(context, count_max, Start::Later)
    }

    /// Why a message is not being delivered now: as data, and in words.
    ///
    /// ```
    /// # use ringmain::{Cause, Hub, Limit, Message, OnExhausted};
    /// # let queue = Hub::memory().queue("jobs").on_exhausted(OnExhausted::Drop).concurrency_max(1).open()?;
    /// queue.send_batch(&[Message::new("first"), Message::new("second")])?;
    /// let first = queue.try_receive()?;
    /// let explanation = queue.explain(1)?;
    /// assert_eq!(explanation.causes, [Cause::Queue(Limit::Concurrency { max: 1 })]);
    /// assert_eq!(
    ///     explanation.to_string(),
    ///     "message 1 of queue jobs: its queue has 1 messages out, as many as may be"
    /// );
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub fn explain(&self, id: u64) -> Result<Explanation> {
        self.shared.explain(id)
    }

    /// Delivers nothing from now on, until [`resume`](Self::resume); survives reopening the hub. Sending, settling what is out, and
    /// what time brings go on; receivers wait.
    ///
    /// ```
    /// # use ringmain::{Hub, Message, OnExhausted};
    /// # let queue = Hub::memory().queue("jobs").on_exhausted(OnExhausted::Drop).open()?;
    /// queue.send(Message::new(b"later"))?;
    /// queue.pause()?;
    /// assert!(queue.try_receive()?.is_none());
    /// queue.resume()?;
    /// assert!(queue.try_receive()?.is_some());
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Closed`, `Io`.
    pub fn pause(&self) -> Result<()> {
        self.hub.alter(&self.shared.name, &|options| options.limits.paused = true)
    }

    /// Delivers again.
    ///
    /// # Errors
    /// As [`pause`](Self::pause).
    pub fn resume(&self) -> Result<()> {
        self.hub.alter(&self.shared.name, &|options| options.limits.paused = false)
    }

    /// A consumer: an iterator of deliveries.
    pub fn consumer(&self) -> Consumer {
        Consumer::new(self.clone())
    }

    /// Counts.
    ///
    /// # Errors
    /// `Closed`.
    pub fn stats(&self) -> Result<QueueStats> {
        self.shared.check_open()?;
        Ok(self.shared.stats())
    }
}
