//! Gathering records into batches before they are appended, for as long as they may linger.
//!
//! **Promise.** Records are appended in the order in which they were sent, and what is told of them comes in that order. A batch is
//! closed when it has its bytes or its count, when the first of it has lingered, by `flush`, and by dropping the batcher or
//! closing the hub: what was sent is appended.
//!
//! **Not promised.** That what lingers survives a crash: it is nowhere but in memory until the batch is closed.
//!
//! Time is that of the hub's clock: its thread closes what has lingered, or whoever moves a manual clock.

mod line;
mod pending;

pub(crate) use line::Lines;
pub use pending::Pending;

use crate::error::{Error, Result};
use crate::limits::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX};
use crate::message::Message;
use crate::stream::Stream;
use line::Line;
use std::sync::Arc;
use std::time::Duration;

/// When a [`Batcher`] closes a batch: whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// How long the first record of a batch waits for others. Default 0: each record is a batch. The disk is shared by all who
    /// wait for it anyway.
    pub linger: Duration,
    /// Bytes of a batch as it lies in the log, at most 16 MiB; a larger record is a batch of its own. Default 16 KiB.
    pub max_batch_bytes: usize,
    /// Records of a batch, at most 65,536, which is the default.
    pub max_batch_messages: usize,
}

impl Default for Batching {
    fn default() -> Self {
        Self { linger: Duration::ZERO, max_batch_bytes: 16 << 10, max_batch_messages: BATCH_RECORDS_MAX }
    }
}

/// Gathers records into batches. Dropping it appends what it has gathered.
///
/// ```
/// use ringmain::{Batching, Clock, Hub, ManualClock, Message};
/// use std::time::Duration;
/// let clock = ManualClock::new();
/// let hub = Hub::builder().clock(Clock::Manual(clock.clone())).memory()?;
/// let positions = hub.stream("positions").open()?;
/// let batcher = positions.batcher(Batching { linger: Duration::from_millis(5), ..Batching::default() })?;
/// let first = batcher.send(Message::new(b"40.69,-74.17"))?;
/// let second = batcher.send(Message::new(b"40.70,-74.16"))?;
/// assert!(!first.is_reached());
/// clock.advance(Duration::from_millis(5));
/// assert_eq!(first.wait()?.offset + 1, second.wait()?.offset);
/// # Ok::<(), ringmain::Error>(())
/// ```
#[derive(Debug)]
pub struct Batcher {
    stream: Stream,
    line: Arc<Line>,
}

impl Stream {
    /// Gathers what is sent to it into batches. Those without keys go to one partition until the batch is closed.
    ///
    /// # Errors
    /// `InvalidArgument` for a batch of nothing, or of more than the log takes; `Closed`.
    pub fn batcher(&self, batching: Batching) -> Result<Batcher> {
        self.shared.check_open()?;
        let limits = [
            ("max_batch_bytes", batching.max_batch_bytes, BATCH_BYTES_MAX),
            ("max_batch_messages", batching.max_batch_messages, BATCH_RECORDS_MAX),
        ];
        for (option, value, most) in limits {
            if !(1..=most).contains(&value) {
                return Err(Error::invalid(option, format!("{value} is not allowed; 1 to {most} are")));
            }
        }
        let line = Arc::new(Line::new(self.shared.clone(), batching));
        self.shared.lines.add(&line);
        Ok(Batcher { stream: self.clone(), line })
    }
}

impl Batcher {
    /// Takes a record, and copies it; it is appended with its batch. What became of it, the result tells. Where a stream [has slow
    /// readers hold](crate::SlowReaders::Gate) those who append, this is where they are held; the open batch is closed before that.
    ///
    /// # Errors
    /// `TooLarge`, `InvalidArgument`, `Closed`, `Full` because of a slow reader: nothing was taken.
    pub fn send(&self, message: Message<'_>) -> Result<Pending> {
        let shared = &self.stream.shared;
        let now_ns = shared.admit(std::slice::from_ref(&message))?.now_ns;
        // A partitioner of the user's is asked here, where no lock is held.
        let route = match (&self.stream.custom, message.key) {
            (Some(custom), _) => Some(custom.partition(&message, shared.partition_count())?),
            (None, Some(_)) => Some(shared.partitioner.partition(message.key, 0)),
            (None, None) => None,
        };
        let let_in = self.line.room(route)?;
        Line::send(&self.line, &message, let_in, now_ns)
    }

    /// Appends what was gathered; returns when all that was sent before has reached its durability.
    ///
    /// # Errors
    /// Of the batch that was open, as [`Stream::append_batch`]; of one before it, its own records tell.
    pub fn flush(&self) -> Result<()> {
        self.line.flush()
    }
}

impl Drop for Batcher {
    fn drop(&mut self) {
        self.line.close();
    }
}
