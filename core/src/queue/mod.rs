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
//! | `admission`, `dedup` | what a message must pass, and which keys were sent |
//! | `capacity`, `overflow` | how much there may be, and what goes when it is too much |
//! | `send`, `receive`, `gather`, `settle`, `batch`, `dead`, `dead_letters`, `defer`, `breach`, `peek`, `by_id`, `purge`, `explain` | the verbs |
//! | `plain/` | the way of plain messages, without a lock |
//! | `shared`, `state`, `lease`, `deadline`, `timers`, `tally`, `history`, `classes`, `finished` | what a queue knows |
//! | `rank`, `groups`, `group_options`, `halt` | in which order they come |
//! | `gate`, `limits`, `rate`, `row` | what holds messages back |
//! | `settlement`, `envelope`, `recovery` | its events in the log, what is on a letter, back from it |
//! | `release`, `rests`, `relocate`, `relocated`, `guests`, `walk` | what of the log may go, what is told again before, and finding messages wherever they are |
//! | `fired`, `firing` | messages of schedules |
//! | `delivery`, `consumer`, `options`, `stats` | what callers hold |
//! | `told` | what the operator is told |
//! | `worker` | threads that run a handler on each message |

mod admission;
mod batch;
mod breach;
mod by_id;
mod capacity;
mod classes;
mod consumer;
mod dead;
mod dead_letters;
mod deadline;
mod dedup;
mod defer;
mod delivery;
mod envelope;
mod explain;
mod finished;
mod fired;
#[cfg(feature = "cron")]
mod firing;
mod gate;
mod gather;
mod group_options;
mod groups;
mod guests;
mod halt;
mod history;
mod keeper;
mod lease;
mod limits;
mod options;
mod overflow;
mod peek;
mod plain;
mod processing;
mod purge;
mod rank;
mod rate;
mod receive;
mod recovery;
mod release;
mod relocate;
pub(crate) mod relocated;
mod rests;
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
mod told;
mod walk;
mod worker;

pub use admission::Sent;
pub use breach::{BREACH, BREACH_ID, BREACH_LOG, BREACH_QUEUE, BREACH_TIME, Breach};
pub use capacity::{Capacity, Overflow};
pub use classes::ErrorClass;
pub use consumer::Consumer;
pub use dead_letters::{DeadLetters, Letters, Redrive};
pub use deadline::Deadline;
pub use dedup::{DEDUP_KEY, Dedup, DedupMode, OnConflict};
pub use delivery::Delivery;
pub use envelope::{
    ATTEMPTS, DEAD_CLASS, DEAD_ERROR, DEAD_HISTORY, DEAD_ID, DEAD_LOG, DEAD_QUEUE, DEAD_REASON, DEAD_TIME,
    FAILURES, FIRST_ENQUEUED, MAX_FAILURES, PRIORITY, REDRIVEN, REDRIVES,
};
pub use explain::{Cause, Explanation};
pub(crate) use finished::HistoryOptions;
pub use finished::{Ending, Finished};
#[cfg(feature = "cron")]
pub(crate) use firing::Slot;
#[cfg(feature = "cron")]
pub use firing::{SCHEDULE, SCHEDULE_SLOT};
pub use gather::Receive;
pub use group_options::OnGroupDeath;
pub use halt::HaltedGroup;
pub use keeper::Keeper;
pub use limits::Limit;
pub(crate) use options::QueueOptions;
pub use options::{Jitter, OnBreach, OnExhausted, Retry};
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
use group_options::check_weight;
pub(crate) use receive::{Ask, Start};
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
    /// Keeps the hub open.
    hub: Arc<dyn Queues>,
}

/// What a queue needs of its hub.
pub(crate) trait Queues: Debug + Send + Sync {
    /// The queue of that name, opened if it is not.
    ///
    /// # Errors
    /// `NotFound`, and what opening it brings.
    fn open_queue(&self, name: &Name) -> Result<Arc<Shared>>;

    /// Changes the options of a queue, durably.
    fn alter(&self, queue: &Name, change: &dyn Fn(&mut QueueOptions)) -> Result<()>;
}

impl Queue {
    pub(crate) fn new(shared: Arc<Shared>, hub: Arc<dyn Queues>) -> Self {
        Self { shared, hub }
    }

    #[cfg(feature = "cron")]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.shared.name.as_str()
    }

    /// Sends a message; returns its id once it has reached the hub's durability. Ids grow in the order in which
    /// messages were accepted. Of a duplicate (see [`Message::dedup_key`]) the first message's id is returned.
    ///
    /// # Errors
    /// `TooLarge`, `InvalidArgument`, `Full`, `Duplicate`: nothing was sent. `Poisoned`: not known whether it is on disk.
    /// `Closed`.
    pub fn send(&self, message: Message<'_>) -> Result<u64> {
        self.shared.send(&message)
    }

    /// As [`send`](Self::send), and says whether the message was a duplicate.
    ///
    /// ```
    /// use ringmain::{Hub, Message, OnExhausted};
    /// let orders = Hub::memory().queue("orders").on_exhausted(OnExhausted::Drop).open()?;
    /// let first = orders.send_unique(Message::new(b"pay").dedup_key("order 17"))?;
    /// let again = orders.send_unique(Message::new(b"pay").dedup_key("order 17"))?;
    /// assert!(!first.is_duplicate && again.is_duplicate && again.id == first.id);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_unique(&self, message: Message<'_>) -> Result<Sent> {
        self.shared.send_unique(&message)
    }

    /// Sends several as one atomic batch: all or none, but for duplicates. Returns their ids in order. At most 65,536 messages
    /// and 16 MiB.
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
        self.shared.submit(&message)
    }

    /// As [`send_batch`](Self::send_batch), and does not wait: the receipt does. A batch in which a message has a delay is
    /// waited for at once. The receipt tells what became of each message, in order.
    ///
    /// ```
    /// # use ringmain::{Hub, Message, OnExhausted};
    /// # let orders = Hub::memory().queue("orders").on_exhausted(OnExhausted::Drop).open()?;
    /// let pay = || Message::new(b"pay").dedup_key("order 17");
    /// let sent = orders.submit_batch(&[pay(), Message::new(b"ship"), pay()])?.wait()?;
    /// assert!(sent[2].is_duplicate && sent[2].id == sent[0].id);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`send`](Self::send); `InvalidArgument` for none at all.
    pub fn submit_batch(&self, messages: &[Message<'_>]) -> Result<Receipt<Vec<Sent>>> {
        self.shared.submit_batch(messages)
    }

    /// As [`send`](Self::send), without blocking the thread, on any executor: neither for the disk nor, in a queue that is full, for
    /// room, for which it waits as long as [`Overflow::Block`](crate::Overflow::Block) says, on the hub's clock. Dropping the future
    /// while it waits for room sends nothing; once there was room the message is in the queue. A message with options is brought to
    /// the disk by the thread that polls, as by [`submit`](Self::submit).
    ///
    /// ```
    /// # use ringmain::{Capacity, Hub, Message, OnExhausted};
    /// # let capacity = Capacity { messages: Some(1), ..Capacity::default() };
    /// # let queue = Hub::memory().queue("jobs").on_exhausted(OnExhausted::Drop).capacity(capacity).open()?;
    /// # futures::executor::block_on(async {
    /// queue.send_async(Message::new(b"first")).await?;
    /// let second = queue.send_async(Message::new(b"second")); // there is no room for it
    /// let worker = async { queue.receive_async(1).await?.iter().try_for_each(|delivery| delivery.ack()) };
    /// let (id, _) = futures::future::join(second, worker).await;
    /// assert_eq!(id?, 1);
    /// # Ok::<(), ringmain::Error>(())
    /// # })?;
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_async(&self, message: Message<'_>) -> Result<u64> {
        self.send_unique_async(message).await.map(|sent| sent.id)
    }

    /// As [`send_unique`](Self::send_unique), and waits as [`send_async`](Self::send_async).
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_unique_async(&self, message: Message<'_>) -> Result<Sent> {
        let sent = self.shared.send_async(std::slice::from_ref(&message)).await?;
        sent.first().copied().ok_or_else(|| Error::Internal { detail: "a message without an id".into() })
    }

    /// As [`send_batch`](Self::send_batch), and waits as [`send_async`](Self::send_async).
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_batch_async(&self, messages: &[Message<'_>]) -> Result<Vec<u64>> {
        Ok(self.shared.send_async(messages).await?.iter().map(|sent| sent.id).collect())
    }

    /// Whether the queue has a [capacity](crate::QueueBuilder::capacity), so that [`send`](Self::send) may wait for room: who must not
    /// wait on its own thread, or wants to be able to stop, then takes [`send_async`](Self::send_async).
    pub fn is_bounded(&self) -> bool {
        self.shared.is_bounded()
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
        self.shared.gather(&receive, Duration::MAX, || true)
    }

    /// As [`receive_with`](Self::receive_with), and asks `goes_on` each time that `pause` has passed without enough messages. If it says
    /// no, nothing is returned: what has come is handed back, and counts for nothing.
    ///
    /// ```
    /// # use ringmain::{Hub, Message, OnExhausted, Receive};
    /// # use std::time::Duration;
    /// # let queue = Hub::memory().queue("rows").on_exhausted(OnExhausted::Drop).open()?;
    /// queue.send(Message::new("one"))?;
    /// let two = Receive { count_min: 2, wait: Duration::MAX, ..Receive::default() };
    /// assert!(queue.receive_while(two, Duration::from_millis(1), || false)?.is_empty());
    /// assert_eq!(queue.stats()?.ready, 1);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`receive_with`](Self::receive_with).
    pub fn receive_while(
        &self,
        receive: Receive,
        pause: Duration,
        goes_on: impl FnMut() -> bool,
    ) -> Result<Vec<Delivery>> {
        self.shared.gather(&receive, pause, goes_on)
    }

    /// As [`receive_batch`](Self::receive_batch), leased for `lease` and not for the queue's own time: 1 ms to the queue's `lease_total_max`.
    ///
    /// # Errors
    /// As [`receive`](Self::receive); `InvalidArgument` for a lease out of its range.
    pub fn receive_with_lease(
        &self,
        count_max: usize,
        wait: Duration,
        lease: Duration,
    ) -> Result<Vec<Delivery>> {
        let ask = Ask { lease: Some(lease), ..Ask::new(count_max, Start::Now) };
        self.shared.take_within(&ask, wait)
    }

    /// Receives a message that was set aside ([`Delivery::defer`]). `None`: it was not, is no longer there, has expired,
    /// somebody has it, or a pause or a limit is in its way.
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub fn receive_deferred(&self, id: u64) -> Result<Option<Delivery>> {
        self.shared.take_deferred(id, None)
    }

    /// Receives up to `count_max` messages; if there are none, `context`'s task is woken when there may be.
    pub fn poll_receive(&self, context: &mut Context<'_>, count_max: usize) -> Poll<Result<Vec<Delivery>>> {
        self.shared.poll_take(context, &Ask::new(count_max, Start::Now))
    }

    /// As [`poll_receive`](Self::poll_receive), leased as by [`receive_with_lease`](Self::receive_with_lease).
    ///
    /// # Errors
    /// As [`receive_with_lease`](Self::receive_with_lease).
    pub fn poll_receive_with_lease(
        &self,
        context: &mut Context<'_>,
        count_max: usize,
        lease: Duration,
    ) -> Poll<Result<Vec<Delivery>>> {
        self.shared.poll_take(context, &Ask { lease: Some(lease), ..Ask::new(count_max, Start::Now) })
    }

    /// Ready if a receive would get something now; if not, `context`'s task is woken when it may. Nothing is received: for event loops
    /// that wait for more than this queue. Others may be quicker, so a receive may still find nothing.
    ///
    /// ```
    /// # use ringmain::{Hub, Message, OnExhausted};
    /// # use std::task::{Context, Waker};
    /// # let queue = Hub::memory().queue("rows").on_exhausted(OnExhausted::Drop).open()?;
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(queue.poll_ready(&mut context).is_pending());
    /// queue.send(Message::new("one"))?;
    /// assert!(queue.poll_ready(&mut context).is_ready());
    /// assert!(queue.try_receive()?.is_some());
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.shared.poll_ready(context)
    }

    /// Waits for messages without blocking the thread, on any executor. Dropping the future loses nothing.
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub async fn receive_async(&self, count_max: usize) -> Result<Vec<Delivery>> {
        std::future::poll_fn(|context| self.poll_receive(context, count_max)).await
    }

    /// Up to `count_max` waiting messages (ready, scheduled or deferred) with an id of at least `from_id`, by id, unchanged.
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub fn peek(&self, from_id: u64, count_max: usize) -> Result<Vec<Peeked>> {
        self.shared.peek(from_id, count_max)
    }

    /// Takes a message out of the queue for good, if it is waiting: ready, or for its time, or for others of its ordering key,
    /// or set aside. True: it is never delivered again. False: it is no longer there, or out; then its worker can see that it
    /// is no longer wanted ([`Delivery::is_cancelled`]), and it is gone when it comes back, unless it is acked before.
    ///
    /// # Errors
    /// As [`receive`](Self::receive); `Poisoned`, then it is not known whether it is on disk.
    pub fn cancel(&self, id: u64) -> Result<bool> {
        self.shared.cancel(id)
    }

    /// The same, and takes a message that is out from its worker, whose verbs then return `LeaseLost`. True: it was there.
    ///
    /// # Errors
    /// As [`cancel`](Self::cancel).
    pub fn cancel_now(&self, id: u64) -> Result<bool> {
        self.shared.cancel_now(id)
    }

    /// Has a waiting message wait until `delay` from now, at most ten years: one that is ready, or waits for its time, or for
    /// others of its ordering key. False: it is out, set aside, or no longer there.
    ///
    /// ```
    /// # use ringmain::{Hub, Message};
    /// # use std::time::Duration;
    /// # let queue = Hub::memory().queue("jobs").dead_letter("jobs.dead").open()?;
    /// let id = queue.send(Message::new(b"remind").delay(Duration::from_secs(3600)))?;
    /// assert!(queue.reschedule(id, Duration::ZERO)?);
    /// assert!(queue.try_receive()?.is_some());
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`cancel`](Self::cancel); `InvalidArgument`.
    pub fn reschedule(&self, id: u64, delay: Duration) -> Result<bool> {
        self.shared.reschedule(id, delay)
    }

    /// The same, until a time in nanoseconds since 1970.
    ///
    /// # Errors
    /// As [`reschedule`](Self::reschedule).
    pub fn reschedule_at(&self, id: u64, time_ns: u64) -> Result<bool> {
        self.shared.reschedule_at(id, time_ns)
    }

    /// Deadlines that messages missed since this was asked last, in the order in which that happened; the last 1,024 since the
    /// hub was opened. [`QueueStats`] counts all of them.
    ///
    /// # Errors
    /// `Closed`.
    pub fn breaches(&self) -> Result<Vec<Breach>> {
        self.shared.take_breaches()
    }

    /// Takes every message out of the queue for good that was there when the purge began and waits: ready, or for its time, or
    /// for others of its ordering key, or set aside. Those that are out stay with who has them. No deduplication key is remembered
    /// any more. Returns how many.
    ///
    /// # Errors
    /// As [`receive`](Self::receive); `Poisoned`, then it is not known whether the last few thousand are gone.
    pub fn purge(&self) -> Result<u64> {
        self.shared.purge(false)
    }

    /// As [`purge`](Self::purge), and takes those that are out, too: what their holders say to them is `LeaseLost`.
    ///
    /// # Errors
    /// As [`purge`](Self::purge).
    pub fn purge_all(&self) -> Result<u64> {
        self.shared.purge(true)
    }

    /// The dead letters in this queue, if others send theirs here: to look at, to send back, to throw away.
    pub fn dead_letters(&self) -> DeadLetters<'_> {
        DeadLetters::new(self)
    }

    /// What became of a message that has left the queue, if the queue keeps that
    /// ([`history`](crate::QueueBuilder::history)). `None`: it is not kept any more, or the message is still there, or never was.
    ///
    /// ```
    /// # use ringmain::{Ending, Hub, Message};
    /// # use std::time::Duration;
    /// # let hub = Hub::memory();
    /// let hour = Duration::from_secs(3600);
    /// let jobs = hub.queue("jobs").dead_letter("jobs.dead").history(hour, 1000).open()?;
    /// let id = jobs.send(Message::new(b"6 * 7").key("sums"))?;
    /// jobs.try_receive()?.expect("one was sent").ack_with(b"42")?;
    /// let finished = jobs.finished(id)?.expect("it is kept");
    /// assert_eq!((finished.ending, finished.attempts), (Ending::Done, 1));
    /// assert_eq!(finished.result.as_deref(), Some(&b"42"[..]));
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Closed`.
    pub fn finished(&self, id: u64) -> Result<Option<Finished>> {
        Ok(self.shared.finished(id, 1)?.into_iter().find(|finished| finished.id == id))
    }

    /// The same of up to `count_max` (1 to 65,536) messages with an id of at least `from_id`, by id.
    ///
    /// # Errors
    /// `Closed`, `InvalidArgument`.
    pub fn finished_from(&self, from_id: u64, count_max: usize) -> Result<Vec<Finished>> {
        self.shared.finished(from_id, count_max)
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

    /// Ordering keys of which nothing is delivered because a message died
    /// ([`OnGroupDeath::Halt`](crate::OnGroupDeath::Halt)), in the order of the keys.
    ///
    /// # Errors
    /// `Closed`.
    pub fn halted_groups(&self) -> Result<Vec<HaltedGroup>> {
        self.shared.halted_groups()
    }

    /// Has a halted ordering key go on. False: it was not halted. What died stays dead; send it back before, if it is to come, too:
    /// it then stands behind those that wait.
    ///
    /// ```
    /// # use ringmain::{Hub, Message, OnExhausted, OnGroupDeath};
    /// # let hub = Hub::memory();
    /// let orders = hub.queue("orders").on_exhausted(OnExhausted::Drop).on_group_death(OnGroupDeath::Halt).open()?;
    /// orders.send_batch(&[Message::new("open").ordering_key("7"), Message::new("close").ordering_key("7")])?;
    /// orders.try_receive()?.expect("two were sent").reject("unknown account")?;
    /// assert!(orders.try_receive()?.is_none());
    /// assert_eq!(orders.halted_groups()?[0].error, "unknown account");
    /// assert!(orders.resume_group("7")?);
    /// assert_eq!(orders.try_receive()?.expect("it goes on").value(), b"close");
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Closed`; `Poisoned`, then it is not known whether it is on disk.
    pub fn resume_group(&self, ordering_key: impl AsRef<[u8]>) -> Result<bool> {
        self.shared.resume_group(ordering_key.as_ref())
    }

    /// Gives an ordering key so many turns in a row when keys take turns, 1 to 100; 1, as all have by default, takes that away
    /// again. It has a turn only when its next message may be delivered: with one out at a time that is when the one before has
    /// ended, and then it comes before other keys. Survives reopening the hub. At most 1,000 keys, of 64 KiB together.
    ///
    /// ```
    /// # use ringmain::{Hub, Message, OnExhausted};
    /// # let queue = Hub::memory().queue("jobs").on_exhausted(OnExhausted::Drop).open()?;
    /// queue.set_weight("airline", 2)?;
    /// for (key, value) in [("airline", "a1"), ("airline", "a2"), ("hotel", "h1")] {
    ///     queue.send(Message::new(value).ordering_key(key))?;
    /// }
    /// for expected in [b"a1", b"a2", b"h1"] {
    ///     let next = queue.try_receive()?.expect("three were sent");
    ///     assert_eq!(next.value(), expected);
    ///     next.ack()?;
    /// }
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidArgument`, `TooLarge`, `Closed`, `Io`.
    pub fn set_weight(&self, ordering_key: impl AsRef<[u8]>, weight: u32) -> Result<()> {
        let key = ordering_key.as_ref();
        check_weight(key, weight)?;
        self.hub.alter(&self.shared.name, &|options| options.groups.set_weight(key, weight))
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
