//! A consumer: an endless iterator of deliveries. Those of a queue stand in a row; where only one may be active, it is the first.

use crate::error::{Error, Result};
use crate::limits::RECEIVE_COUNT_MAX;
use crate::notice::{self, Notice};
use crate::queue::receive::{Ask, Start};
use crate::queue::settle::Token;
use crate::queue::shared::Shared;
use crate::queue::state::State;
use crate::queue::{Delivery, Queue};
use crate::sync::lock;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Ended leases are not looked for before a consumer has handed out this many.
const HANDED_COUNT_MIN: usize = 1024;

/// An iterator of deliveries, waiting for each; it ends when the hub is closed or the queue refuses
/// ([`error`](Consumer::error) tells).
///
/// Of a queue with a [`single_active_consumer`](crate::QueueBuilder::single_active_consumer) only the oldest consumer gets
/// messages. When it is dropped the next one takes over: all leases that are out then end, and their verbs return `LeaseLost`.
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
    /// Leases that it handed out, in order; those that ended are left out now and then.
    handed: VecDeque<Token>,
    /// When they are left out next.
    handed_count_max: usize,
    error: Option<Error>,
    /// Left after what waits here was handed back.
    place: Option<InRow>,
}

impl Consumer {
    pub(crate) fn new(queue: Queue) -> Self {
        Self {
            queue,
            prefetch: 1,
            waiting: VecDeque::new(),
            taken_ns: 0,
            handed: VecDeque::new(),
            handed_count_max: HANDED_COUNT_MIN,
            error: None,
            place: None,
        }
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
    pub fn start(mut self) -> Result<Self> {
        if self.prefetch == 0 || self.prefetch > RECEIVE_COUNT_MAX {
            let detail = format!("{} is not allowed; 1 to {RECEIVE_COUNT_MAX} are", self.prefetch);
            return Err(Error::invalid("prefetch", detail));
        }
        self.number();
        Ok(self)
    }

    fn number(&mut self) -> u64 {
        self.place.get_or_insert_with(|| InRow::join(&self.queue.shared)).number
    }

    /// Acks a delivery, and all that this consumer handed out before it and that are still out, with one commit. Not those that
    /// it prefetched and has not handed out, nor anybody else's. The others' own verbs return `LeaseLost` from then on.
    ///
    /// ```
    /// # use ringmain::{Hub, Message};
    /// # let queue = Hub::memory().queue("jobs").dead_letter("jobs.dead").open()?;
    /// queue.send_batch(&[Message::new(b"1"), Message::new(b"2"), Message::new(b"3")])?;
    /// let mut consumer = queue.consumer().prefetch(8).start()?;
    /// let taken: Vec<_> = consumer.by_ref().take(2).collect();
    /// consumer.ack_up_to(&taken[1])?;
    /// assert_eq!(queue.stats()?.acked_total, 2);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidArgument` for a delivery that is not this consumer's, or no longer out: nothing was acked. `LeaseLost` if that
    /// one's lease is lost: those before it are acked. `Poisoned`.
    pub fn ack_up_to(&mut self, delivery: &Delivery) -> Result<()> {
        let token = delivery.token_unindexed();
        let found = self.handed.iter().rposition(|handed| *handed == token);
        let Some(last) = found.filter(|_| delivery.is_of(&self.queue.shared)) else {
            let detail = format!(
                "message {} of queue {}, attempt {}, is not out with this consumer",
                token.id,
                delivery.queue(),
                token.attempt
            );
            return Err(Error::invalid("delivery", detail));
        };
        let tokens: Vec<Token> = self.handed.drain(..=last).collect();
        let acked = self.queue.shared.ack_tokens(&tokens);
        if acked.is_ok() {
            delivery.set_acked();
        }
        acked
    }

    /// Receives a message that was set aside, as [`Queue::receive_deferred`] does; where only one consumer may be active, by that one.
    /// `None` also if this is not the one.
    ///
    /// ```
    /// # use ringmain::{Hub, Message};
    /// # let jobs = Hub::memory().queue("jobs").dead_letter("jobs.dead").single_active_consumer(true).open()?;
    /// jobs.send(Message::new(b"invoice 7"))?;
    /// let mut consumer = jobs.consumer().start()?;
    /// let id = consumer.next().map(|early| early.defer().map(|()| early.id())).expect("one was sent")?;
    /// consumer.receive_deferred(id)?.expect("it was set aside").ack()?;
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Queue::receive`].
    pub fn receive_deferred(&mut self, id: u64) -> Result<Option<Delivery>> {
        let consumer = self.number();
        let taken = self.queue.shared.take_deferred(id, Some(consumer))?;
        self.taken_ns = self.queue.shared.journal.now_ns();
        taken.iter().for_each(|delivery| self.remember(delivery));
        Ok(taken)
    }

    /// Notes that it handed out a delivery.
    fn remember(&mut self, delivery: &Delivery) {
        if self.handed.len() >= self.handed_count_max {
            self.queue.shared.retain_held(&mut self.handed);
            self.handed_count_max = HANDED_COUNT_MIN.max(2 * self.handed.len());
        }
        let token = delivery.token_unindexed();
        self.handed.push_back(Token { since_ns: token.since_ns.min(self.taken_ns), ..token });
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
            match self.receive(Duration::MAX) {
                Ok(None) => {}
                Ok(delivery) => return delivery,
                Err(error) => {
                    self.error = Some(error);
                    return None;
                }
            }
        }
    }
}

impl Consumer {
    /// The next delivery, waiting for it at most `wait`; `None` after that time. For a caller that has something else to look at
    /// now and then; others iterate.
    ///
    /// ```
    /// # use ringmain::{Hub, Message};
    /// # use std::time::Duration;
    /// # let queue = Hub::memory().queue("jobs").dead_letter("jobs.dead").open()?;
    /// let mut consumer = queue.consumer().prefetch(8).start()?;
    /// assert!(consumer.receive(Duration::ZERO)?.is_none());
    /// queue.send(Message::new(b"one"))?;
    /// consumer.receive(Duration::from_secs(1))?.expect("one was sent").ack()?;
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Queue::receive`].
    pub fn receive(&mut self, wait: Duration) -> Result<Option<Delivery>> {
        let deadline = Instant::now().checked_add(wait);
        loop {
            if let Some(delivery) = self.hand_out()? {
                return Ok(Some(delivery));
            }
            let ask = self.ask();
            let left = deadline.map_or(Duration::MAX, |deadline| deadline.duration_since(Instant::now()));
            let taken = self.queue.shared.take_within(&ask, left)?;
            if taken.is_empty() {
                return Ok(None);
            }
            self.keep(taken);
        }
    }

    /// The next delivery; if there is none, `context`'s task is woken when there may be.
    pub fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Result<Delivery>> {
        loop {
            if let Some(delivery) = self.hand_out().transpose() {
                return Poll::Ready(delivery);
            }
            let ask = self.ask();
            match self.queue.shared.poll_take(context, &ask) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(taken) => self.keep(taken?),
            }
        }
    }

    fn ask(&mut self) -> Ask {
        Ask { consumer: Some(self.number()), ..Ask::new(self.prefetch, Start::Later) }
    }

    fn keep(&mut self, taken: Vec<Delivery>) {
        self.waiting.extend(taken);
        self.taken_ns = self.queue.shared.journal.now_ns();
    }

    /// The first of those that it has taken, and that nobody has taken from it.
    fn hand_out(&mut self) -> Result<Option<Delivery>> {
        while let Some(delivery) = self.waiting.pop_front() {
            match delivery.start(self.queue.shared.is_worn(self.taken_ns)) {
                Ok(()) => {
                    self.remember(&delivery);
                    return Ok(Some(delivery));
                }
                Err(Error::LeaseLost { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

/// A place in the row of a queue's consumers.
#[derive(Debug)]
pub(crate) struct InRow {
    queue: Arc<Shared>,
    pub(crate) number: u64,
}

impl InRow {
    pub(crate) fn join(queue: &Arc<Shared>) -> Self {
        let number = lock(&queue.state).row.join();
        Self { queue: queue.clone(), number }
    }
}

impl Drop for InRow {
    fn drop(&mut self) {
        self.queue.leave_row(self.number);
    }
}

impl Shared {
    /// Whether whoever asks may have messages now.
    pub(crate) fn is_active(&self, state: &State, consumer: Option<u64>) -> Result<bool> {
        if !state.limits.as_ref().is_some_and(|limits| limits.options().single_active_consumer) {
            return Ok(true);
        }
        if consumer.is_none() {
            let detail = format!(
                "queue {} has a single active consumer; use Queue::consumer or Queue::worker, not a receive",
                self.name
            );
            return Err(Error::invalid("consumer", detail));
        }
        Ok(state.row.first() == consumer)
    }

    /// A consumer leaves the row. If it was the active one, whatever is out is fenced off before the next one begins.
    fn leave_row(&self, consumer: u64) {
        if self.check_open().is_err() {
            return;
        }
        let (mut state, _) = self.state_now();
        let was_first = state.row.leave(consumer);
        if was_first && state.limits.as_ref().is_some_and(|limits| limits.options().single_active_consumer) {
            let leased = state.leased_ids();
            for id in &leased {
                // The log refuses: the lease runs out.
                let _ = self.release_locked(&mut state, *id, 0);
            }
            let (queue, released) = (self.name.clone(), leased.len() as u64);
            let is_deserted = state.row.first().is_none();
            notice::later(|| Notice::ConsumerActive { queue, released, is_deserted });
        }
        self.unlock(state);
        self.log.data().notify_all();
    }
}
