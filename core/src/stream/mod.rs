//! Event streams.

use crate::error::Result;
use crate::message::Message;
use std::time::Duration;

/// A stream to open or make.
#[derive(Debug)]
pub struct StreamBuilder {}

/// An event stream. Clones are the same stream.
#[derive(Debug, Clone)]
pub struct Stream {}

/// Where a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The partition.
    pub partition: u32,
    /// Its number in the partition; strictly increasing, not promised to be dense.
    pub offset: u64,
}

/// Where a reader begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the first record held.
    Earliest,
    /// After the last record.
    Latest,
    /// At this offset, in each partition that is read.
    Offset(u64),
    /// At the first record of at least this ingest time, in nanoseconds since 1970.
    Time(u64),
}

/// One record of a stream.
#[derive(Debug, Clone)]
pub struct Record {}

/// Reads a stream at its own pace. As an iterator it ends at the end of what is there now; `poll` waits for more.
#[derive(Debug)]
pub struct Reader {}

/// A consumer group of a stream.
#[derive(Debug, Clone)]
pub struct Group {}

/// One member of a group: polls the partitions it owns and commits what it has handled.
#[derive(Debug)]
pub struct Member {}

/// Counts of one partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionStats {
    /// First offset held.
    pub start: u64,
    /// One past the last offset.
    pub end: u64,
    /// Bytes held, frame headers included.
    pub bytes: u64,
}

/// Counts of one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamStats {
    /// Each partition.
    pub partitions: Vec<PartitionStats>,
}

impl StreamBuilder {
    /// How many partitions a new stream has. Default 1, at most 1024.
    pub fn partitions(self, _count: u32) -> Self {
        todo!()
    }
    /// Opens the stream, making it if it does not exist.
    pub fn open(self) -> Result<Stream> {
        todo!()
    }
}

impl Stream {
    /// The name.
    pub fn name(&self) -> &str {
        todo!()
    }
    /// How many partitions it has.
    pub fn partitions(&self) -> u32 {
        todo!()
    }
    /// Appends a record; returns its position once it has reached the hub's durability.
    pub fn append(&self, _message: Message<'_>) -> Result<Position> {
        todo!()
    }
    /// Appends several; those of one partition are one atomic batch. Returns positions in order.
    pub fn append_batch(&self, _messages: &[Message<'_>]) -> Result<Vec<Position>> {
        todo!()
    }
    /// A reader of all partitions.
    pub fn reader(&self, _start: Start) -> Result<Reader> {
        todo!()
    }
    /// A reader of one partition.
    pub fn partition_reader(&self, _partition: u32, _start: Start) -> Result<Reader> {
        todo!()
    }
    /// A consumer group of this stream.
    pub fn group(&self, _name: &str) -> Group {
        todo!()
    }
    /// Counts.
    pub fn stats(&self) -> Result<StreamStats> {
        todo!()
    }
}

impl Reader {
    /// Up to `count_max` records, waiting at most `wait` for the first. Empty after that time.
    pub fn poll(&mut self, _count_max: usize, _wait: Duration) -> Result<Vec<Record>> {
        todo!()
    }
    /// As `poll` without blocking: wakes `context`'s task when there may be something if there is nothing now.
    pub fn poll_records(
        &mut self,
        _context: &mut std::task::Context<'_>,
        _count_max: usize,
    ) -> std::task::Poll<Result<Vec<Record>>> {
        todo!()
    }
    /// Continues one partition at `offset`.
    pub fn seek(&mut self, _partition: u32, _offset: u64) -> Result<()> {
        todo!()
    }
}

impl Iterator for Reader {
    type Item = Result<Record>;
    fn next(&mut self) -> Option<Result<Record>> {
        todo!()
    }
}

impl Record {
    /// The partition.
    pub fn partition(&self) -> u32 {
        todo!()
    }
    /// Its number in the partition.
    pub fn offset(&self) -> u64 {
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
    /// When it was appended, in nanoseconds since 1970.
    pub fn time_ns(&self) -> u64 {
        todo!()
    }
    /// The producer's event time, in nanoseconds since 1970.
    pub fn event_time_ns(&self) -> Option<u64> {
        todo!()
    }
}

impl Group {
    /// Joins. Without a committed offset a partition is read from `Start::Earliest`.
    pub fn join(&self) -> Result<Member> {
        todo!()
    }
    /// Joins; partitions without a committed offset start at `start`, which is stored at once.
    pub fn join_at(&self, _start: Start) -> Result<Member> {
        todo!()
    }
    /// Committed offsets (next to read) by partition.
    pub fn committed(&self) -> Result<Vec<Option<u64>>> {
        todo!()
    }
    /// Records not yet committed, over all partitions.
    pub fn lag(&self) -> Result<u64> {
        todo!()
    }
}

impl Member {
    /// Up to `count_max` records of the partitions this member owns, waiting at most `wait` for the first.
    pub fn poll(&mut self, _count_max: usize, _wait: Duration) -> Result<Vec<Record>> {
        todo!()
    }
    /// As `poll` without blocking: wakes `context`'s task when there may be something if there is nothing now.
    pub fn poll_records(
        &mut self,
        _context: &mut std::task::Context<'_>,
        _count_max: usize,
    ) -> std::task::Poll<Result<Vec<Record>>> {
        todo!()
    }
    /// Commits everything polled so far.
    pub fn commit(&mut self) -> Result<()> {
        todo!()
    }
    /// Commits one partition: `offset` is the next to read.
    pub fn commit_offset(&mut self, _partition: u32, _offset: u64) -> Result<()> {
        todo!()
    }
    /// Continues one owned partition at `offset`.
    pub fn seek(&mut self, _partition: u32, _offset: u64) -> Result<()> {
        todo!()
    }
    /// The partitions it owns now.
    pub fn assignment(&mut self) -> Result<Vec<u32>> {
        todo!()
    }
    /// Leaves the group; what it polled and did not commit goes to the others.
    pub fn leave(self) -> Result<()> {
        todo!()
    }
}
