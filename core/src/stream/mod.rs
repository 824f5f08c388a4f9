//! Event streams: records are kept, and read by any number of readers, each at its own offset.
//!
//! **Promise.** Order within a partition; offsets grow strictly. An append returns when it has reached the hub's
//! durability. Readers never slow a producer. What a stream's options say is too old or too much is gone, and a reader that
//! had its place there is told so.
//!
//! **Not promised.** Order across partitions; dense offsets.
//!
//! **Picture.** Each partition is a log; the groups' committed offsets are one more log.

mod append;
mod append_to;
mod assignment;
mod batcher;
mod commit;
mod commit_frame;
mod coordinator;
mod due;
mod gate;
mod group;
mod growing;
mod growth;
mod guard;
mod handled;
mod handover;
mod latest;
mod live_groups;
mod liveness;
mod member;
mod offsets;
mod options;
mod partitioner;
mod poll;
mod producer;
mod progress;
mod read_by_all;
mod reader;
mod record;
mod shared;
mod stats;
mod table;
mod upkeep;
mod wait;
mod worker;

pub use batcher::{Batcher, Batching, Pending};
pub use commit::CommitMode;
pub use gate::{SlowReaders, WhenSlow};
pub use group::Group;
pub use liveness::Processing;
pub use member::Member;
pub(crate) use offsets::Offsets;
pub use options::Compaction;
pub(crate) use options::StreamOptions;
pub use producer::{Accepted, Producer};
pub use reader::{Canceller, End, Fetch, Filter, Follow, Pace, Reader, Replay, Reset, Start, TimeOf};
pub use record::{Position, Record, RecordRef};
pub(crate) use shared::Shared;
pub use stats::{GroupLag, GroupStats, PartitionStats, StreamStats};
pub use table::Table;
pub use worker::{IntoHandled, StreamWorker, StreamWorkerBuilder, StreamWorkerStats};

use crate::error::{Error, Result};
use crate::journal::Receipt;
use crate::message::Message;
use crate::name::Name;
use crate::sync::lock;
use partitioner::Custom;
use reader::PartitionReader;
use std::fmt::Debug;
use std::sync::Arc;

/// An event stream. Clones are the same stream; all verbs may be called from any thread.
///
/// ```
/// use ringmain::{Hub, Message, Start};
/// let hub = Hub::memory();
/// let flights = hub.stream("flights").partitions(4).open()?;
/// flights.append(Message::new(b"EWR-IAH").key("N14228"))?;
/// for record in flights.reader(Start::Earliest)? {
///     assert_eq!(record?.value(), b"EWR-IAH");
/// }
/// # Ok::<(), ringmain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Stream {
    shared: Arc<Shared>,
    /// Chooses the partitions of what is appended by this handle.
    custom: Option<Custom>,
    /// Keeps the hub open.
    _hub: Arc<dyn Debug + Send + Sync>,
}

impl Stream {
    pub(crate) fn new(shared: Arc<Shared>, hub: Arc<dyn Debug + Send + Sync>) -> Self {
        Self { shared, custom: None, _hub: hub }
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.shared.name.as_str()
    }

    /// How many partitions it has.
    pub fn partitions(&self) -> u32 {
        self.shared.partition_count()
    }

    /// Whether an append may wait for [slow readers](crate::StreamBuilder::slow_readers): who must not wait on its own thread, or not while
    /// it holds what a reader needs, then appends elsewhere.
    pub fn is_gated(&self) -> bool {
        self.shared.is_guarded() && self.shared.gate().is_on()
    }

    /// Appends a record; returns its position once it has reached the hub's durability. Records with the same key go to
    /// the same partition; those without go round, a batch of them together to where least waits for the disk. See
    /// [`partitioner`](Self::partitioner) and [`append_to`](Self::append_to) for other ways.
    ///
    /// # Errors
    /// `TooLarge`, `InvalidArgument`: nothing was appended. `Poisoned`: not known whether it is on disk. `Closed`.
    pub fn append(&self, message: Message<'_>) -> Result<Position> {
        match &self.custom {
            None => self.shared.append(&message),
            Some(custom) => self.shared.append_by(custom, &message),
        }
    }

    /// Appends several; those of one partition are one atomic batch. Returns positions in order. At most 65,536 records
    /// and 16 MiB a partition.
    ///
    /// # Errors
    /// As [`append`](Self::append); batches of other partitions may then have been appended.
    pub fn append_batch(&self, messages: &[Message<'_>]) -> Result<Vec<Position>> {
        match &self.custom {
            None => self.shared.append_batch(messages),
            Some(custom) => self.shared.append_batch_by(custom, messages),
        }
    }

    /// As [`append`](Self::append), and does not wait: the receipt does.
    ///
    /// # Errors
    /// `TooLarge`, `InvalidArgument`, `Closed`: nothing was appended.
    pub fn submit(&self, message: Message<'_>) -> Result<Receipt<Position>> {
        match &self.custom {
            None => self.shared.submit(&message),
            Some(custom) => self.shared.submit_by(custom, &message),
        }
    }

    /// As [`append_batch`](Self::append_batch), and does not wait: the receipt does.
    ///
    /// # Errors
    /// As [`submit`](Self::submit); batches of other partitions may then have been appended.
    pub fn submit_batch(&self, messages: &[Message<'_>]) -> Result<Receipt<Vec<Position>>> {
        match &self.custom {
            None => self.shared.submit_batch(messages),
            Some(custom) => self.shared.submit_batch_by(custom, messages),
        }
    }

    /// A reader of all partitions.
    ///
    /// # Errors
    /// `OutOfRange` if an offset is not held.
    pub fn reader(&self, start: Start) -> Result<Reader> {
        self.read(0..self.partitions(), start)
    }

    /// A reader of one partition.
    ///
    /// # Errors
    /// `NotFound`, `OutOfRange`.
    pub fn partition_reader(&self, partition: u32, start: Start) -> Result<Reader> {
        self.read(std::iter::once(partition), start)
    }

    fn read(&self, partitions: impl IntoIterator<Item = u32>, start: Start) -> Result<Reader> {
        self.shared.check_open()?;
        let partitions = partitions
            .into_iter()
            .map(|partition| PartitionReader::new(&self.shared, partition, start))
            .collect::<Result<_>>()?;
        Ok(Reader::new(self.shared.clone(), partitions))
    }

    /// The smallest offset of a partition whose record was accepted at or after a time, in nanoseconds since 1970: exact, and
    /// found by bisection. The end if there is none, the start if all were. A coarser time rounded up passes over records: round
    /// down.
    ///
    /// ```
    /// use ringmain::{Clock, Hub, ManualClock, Message};
    /// use std::time::Duration;
    /// let clock = ManualClock::new();
    /// let hub = Hub::builder().clock(Clock::Manual(clock.clone())).memory()?;
    /// let flights = hub.stream("flights").open()?;
    /// flights.append(Message::new("EWR"))?;
    /// clock.advance(Duration::from_nanos(1));
    /// flights.append(Message::new("IAH"))?;
    /// assert_eq!(flights.offset_at_time(0, clock.now_ns())?, 1);
    /// assert_eq!(flights.offset_at_time(0, clock.now_ns() + 1)?, 2);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// `NotFound` if there is no such partition; `Corrupt` or `Io` from a file; `Closed`.
    pub fn offset_at_time(&self, partition: u32, time_ns: u64) -> Result<u64> {
        self.shared.offset_at_time(partition, time_ns)
    }

    /// An offset of a partition from which on all its records are whose event time is at or after a time, in nanoseconds since
    /// 1970: that of the first of them, or the end if there is none. Event times come in any order, so there are others in between.
    ///
    /// There is no index of event times: the partition is read from its start to that record.
    ///
    /// ```
    /// use ringmain::{Hub, Message};
    /// let flights = Hub::memory().stream("flights").open()?;
    /// for event_ns in [10, 30, 20, 40] {
    ///     flights.append(Message::new("EWR").event_time(event_ns))?;
    /// }
    /// assert_eq!(flights.scan_event_time(0, 25)?, 1);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`offset_at_time`](Self::offset_at_time).
    pub fn scan_event_time(&self, partition: u32, time_ns: u64) -> Result<u64> {
        self.shared.scan_event_time(partition, time_ns)
    }

    /// A consumer group of this stream.
    pub fn group(&self, name: &str) -> Group {
        Group::new(self.shared.clone(), name)
    }

    /// Forgets a group, with all that it committed: whoever joins under its name next begins as in a new one. Nothing else removes what a
    /// group committed, and no time does.
    ///
    /// ```
    /// # use ringmain::Hub;
    /// let flights = Hub::memory().stream("flights").open()?;
    /// let member = flights.group("billing").join()?;
    /// assert!(flights.delete_group("billing").is_err(), "it has a member");
    /// drop(member);
    /// flights.delete_group("billing")?;
    /// assert!(flights.groups()?.is_empty());
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// `NotFound`, `InvalidName`; `InvalidArgument` while it has members; `Closed`, `Poisoned`.
    pub fn delete_group(&self, name: &str) -> Result<()> {
        self.shared.check_open()?;
        let name = Name::new(name)?;
        let unknown = || Err(Error::NotFound { noun: "group", name: name.to_string(), advice: "" });
        if !self.shared.offsets.has_group(name.as_str()) {
            return unknown();
        }
        let end = {
            let coordinator = self.shared.coordinator(&name);
            // Nobody joins meanwhile.
            let coordinator = lock(&coordinator);
            if coordinator.has_members() {
                let detail =
                    format!("group {name} of stream {} has members; have them leave first", self.name());
                return Err(Error::invalid("name", detail));
            }
            if !self.shared.offsets.has_group(name.as_str()) {
                return unknown();
            }
            self.shared.offsets.delete(name.as_str())?
        };
        self.shared.forget_members(&name);
        self.shared.offsets.wait(end)
    }

    /// Names of the groups that have committed.
    ///
    /// # Errors
    /// `Closed`.
    pub fn groups(&self) -> Result<Vec<String>> {
        self.shared.check_open()?;
        Ok(self.shared.offsets.groups())
    }

    /// Compacts it now, as far as its options allow, instead of when it is worth while: ends the segment that is written to, and
    /// returns when every partition is done. A stream that is not compacted stays as it is, and so does what a
    /// [snapshot](crate::Hub::snapshot) is being taken of: it is compacted afterwards.
    ///
    /// # Errors
    /// `Corrupt` saying where, `Io`, `Poisoned`: what was not reached stays as it was. `Closed`.
    pub fn compact(&self) -> Result<()> {
        self.shared.check_open()?;
        self.shared.upkeep().compact()
    }

    /// Counts.
    ///
    /// # Errors
    /// `Closed`.
    pub fn stats(&self) -> Result<StreamStats> {
        self.shared.check_open()?;
        Ok(self.shared.stats())
    }
}
