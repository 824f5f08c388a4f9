//! Task queues.

use crate::error::Result;
use crate::message::Message;
use std::time::Duration;

/// What happens to a message whose failures have reached `max_failures`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnExhausted {
    /// It moves to this queue, with its reason and counts in `rm-` headers.
    DeadLetter(String),
    /// It is dropped.
    Drop,
    /// It stays and is retried for ever: what a dead letter queue does.
    Keep,
}

/// How a retry delay is spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Jitter {
    /// The delay as computed.
    None,
    /// Half of it, and a random part of the other half.
    Equal,
    /// A random part of it.
    #[default]
    Full,
}

/// The delay before the nth retry: `min(cap, base * factor^(n-1))`, then jitter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retry {
    /// First delay. Default 1 s.
    pub base: Duration,
    /// Growth. Default 2.
    pub factor: f64,
    /// Longest delay. Default 10 min.
    pub cap: Duration,
    /// Spread. Default full.
    pub jitter: Jitter,
}

/// A queue to open or make: options, each with its default.
#[derive(Debug)]
pub struct QueueBuilder {}

/// A task queue. Clones are the same queue.
#[derive(Debug, Clone)]
pub struct Queue {}

/// One message, leased to whoever holds this. Dropping it unsettled releases it.
#[derive(Debug)]
pub struct Delivery {}

/// A message seen without leasing it.
#[derive(Debug, Clone)]
pub struct Peeked {}

/// An endless iterator of deliveries, ended by closing the queue.
#[derive(Debug)]
pub struct Consumer {}

/// Counts of one queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueStats {
    /// Messages that a receive would get now.
    pub ready: u64,
    /// Messages that wait for their time.
    pub scheduled: u64,
    /// Messages out with a worker.
    pub leased: u64,
    /// Messages sent since the hub was opened.
    pub sent_total: u64,
    /// Messages acked since the hub was opened.
    pub acked_total: u64,
    /// Failures counted since the hub was opened.
    pub failures_total: u64,
    /// Leases that expired since the hub was opened.
    pub leases_expired_total: u64,
    /// Deliveries beyond the first of their message since the hub was opened.
    pub redeliveries_total: u64,
    /// Messages moved to the dead letter queue since the hub was opened.
    pub dead_total: u64,
    /// Messages dropped since the hub was opened.
    pub dropped_total: u64,
}

impl QueueBuilder {
    /// How long a delivery is leased. Default 30 s, 1 ms to 7 days.
    pub fn lease(self, _lease: Duration) -> Self {
        todo!()
    }
    /// Failures after which a message is exhausted. Default 5, at least 1.
    pub fn max_failures(self, _count: u32) -> Self {
        todo!()
    }
    /// Where exhausted and rejected messages go; made (keeping its own exhausted messages) if it does not exist.
    pub fn dead_letter(self, _queue: &str) -> Self {
        todo!()
    }
    /// What happens to exhausted messages. No default: a new queue must say.
    pub fn on_exhausted(self, _policy: OnExhausted) -> Self {
        todo!()
    }
    /// Delay before a failed message is tried again.
    pub fn retry(self, _retry: Retry) -> Self {
        todo!()
    }
    /// Opens the queue, making it if it does not exist. Options given here alter those stored.
    pub fn open(self) -> Result<Queue> {
        todo!()
    }
}

impl Queue {
    /// The name.
    pub fn name(&self) -> &str {
        todo!()
    }
    /// Sends a message; returns its id once it has reached the hub's durability.
    pub fn send(&self, _message: Message<'_>) -> Result<u64> {
        todo!()
    }
    /// Sends several as one atomic batch: all or none. Returns their ids in order.
    pub fn send_batch(&self, _messages: &[Message<'_>]) -> Result<Vec<u64>> {
        todo!()
    }
    /// Receives one message, waiting for it at most `wait`. `None` after that time.
    pub fn receive(&self, _wait: Duration) -> Result<Option<Delivery>> {
        todo!()
    }
    /// Receives one message if one is ready.
    pub fn try_receive(&self) -> Result<Option<Delivery>> {
        todo!()
    }
    /// Receives up to `count_max` messages, waiting at most `wait` for the first. Empty after that time.
    pub fn receive_batch(&self, _count_max: usize, _wait: Duration) -> Result<Vec<Delivery>> {
        todo!()
    }
    /// Receives up to `count_max`, waking `context`'s task when there is something if there is nothing now.
    pub fn poll_receive(
        &self,
        _context: &mut std::task::Context<'_>,
        _count_max: usize,
    ) -> std::task::Poll<Result<Vec<Delivery>>> {
        todo!()
    }
    /// Waits for messages without blocking the thread. Cancel by dropping the future: nothing is lost.
    pub async fn receive_async(&self, count_max: usize) -> Result<Vec<Delivery>> {
        std::future::poll_fn(|context| self.poll_receive(context, count_max)).await
    }
    /// Acks many with one commit; one result per delivery, in order.
    pub fn ack_batch(&self, _deliveries: &[&Delivery]) -> Vec<Result<()>> {
        todo!()
    }
    /// Up to `count_max` waiting (ready or scheduled) messages with an id of at least `from_id`, by id, unchanged.
    pub fn peek(&self, _from_id: u64, _count_max: usize) -> Result<Vec<Peeked>> {
        todo!()
    }
    /// A consumer: an iterator of deliveries.
    pub fn consumer(&self) -> Consumer {
        todo!()
    }
    /// Counts.
    pub fn stats(&self) -> Result<QueueStats> {
        todo!()
    }
}

impl Consumer {
    /// How many deliveries it takes at a time. Default 1.
    pub fn prefetch(self, _count: usize) -> Self {
        todo!()
    }
    /// Starts it.
    pub fn start(self) -> Result<Self> {
        todo!()
    }
}

impl Iterator for Consumer {
    type Item = Delivery;
    fn next(&mut self) -> Option<Delivery> {
        todo!()
    }
}

macro_rules! message_accessors {
    ($type:ty) => {
        impl $type {
            /// The message's number in its queue.
            pub fn id(&self) -> u64 {
                todo!()
            }
            /// The key, if it has one.
            pub fn key(&self) -> Option<&[u8]> {
                todo!()
            }
            /// The value.
            pub fn value(&self) -> &[u8] {
                todo!()
            }
            /// The first header of that name.
            pub fn header(&self, _name: &str) -> Option<&[u8]> {
                todo!()
            }
            /// All headers, in order.
            pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
                std::iter::empty()
            }
            /// When it was sent, in nanoseconds since 1970.
            pub fn time_ns(&self) -> u64 {
                todo!()
            }
            /// The sender's event time, in nanoseconds since 1970.
            pub fn event_time_ns(&self) -> Option<u64> {
                todo!()
            }
            /// Leases granted, this one included.
            pub fn attempts(&self) -> u32 {
                todo!()
            }
            /// Failures counted so far.
            pub fn failures(&self) -> u32 {
                todo!()
            }
        }
    };
}
message_accessors!(Delivery);
message_accessors!(Peeked);

impl Delivery {
    /// Done: it is never delivered again. A second ack of the same delivery is fine.
    pub fn ack(&self) -> Result<()> {
        todo!()
    }
    /// Failed: counts, then it is retried after the queue's retry delay, or exhausted.
    pub fn fail(&self, _reason: impl std::fmt::Display) -> Result<()> {
        todo!()
    }
    /// Failed, with a retry delay of its own.
    pub fn fail_after(&self, _reason: impl std::fmt::Display, _delay: Duration) -> Result<()> {
        todo!()
    }
    /// Hands it back: does not count.
    pub fn release(&self) -> Result<()> {
        todo!()
    }
    /// Hands it back, to be delivered after a delay.
    pub fn release_after(&self, _delay: Duration) -> Result<()> {
        todo!()
    }
    /// Dead letter now.
    pub fn reject(&self, _reason: impl std::fmt::Display) -> Result<()> {
        todo!()
    }
    /// Prolongs the lease to `duration` from now; never shortens it.
    pub fn extend(&self, _duration: Duration) -> Result<()> {
        todo!()
    }
}
