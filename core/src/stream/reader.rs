//! A reader of a stream: its own place in each partition that it reads.

use crate::error::{Error, Result, something};
use crate::limits::RECEIVE_COUNT_MAX;
use crate::log::{self, Kind, Log};
use crate::stream::record::{Position, Record, RecordRef};
use crate::stream::shared::Shared;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// Records taken from one partition before the others get their turn.
const TURN_COUNT: usize = 256;

/// Where a reader begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the first record held.
    Earliest,
    /// After the last record.
    Latest,
    /// At this offset, in each partition that is read; `OutOfRange` if it is not held.
    Offset(u64),
    /// At the first record accepted at or after this time, in nanoseconds since 1970; the end if there is none.
    Time(u64),
}

/// Reads a stream at its own pace; nobody waits for it. As an iterator it ends at the end of what is there;
/// [`poll`](Reader::poll) waits for more. Order is kept within a partition.
///
/// Where the records that it would read next were removed, because they are too old or too many for the stream's options, it
/// says so by [`Error::OutOfRange`], again and again until [`seek`](Reader::seek) takes it to an offset that is held.
#[derive(Debug)]
pub struct Reader {
    stream: Arc<Shared>,
    partitions: Vec<PartitionReader>,
    /// Whose turn it is, and how many it has had.
    turn: usize,
    taken: usize,
}

/// The place in one partition.
#[derive(Debug)]
pub(crate) struct PartitionReader {
    pub(crate) partition: u32,
    log: Arc<Log>,
    /// Next to be handed out, whether it is still there or not.
    offset: u64,
    reader: log::Reader,
}

impl PartitionReader {
    pub(crate) fn new(stream: &Shared, partition: u32, start: Start) -> Result<Self> {
        Self::at(stream, partition, resolve(stream, partition, start)?)
    }

    /// At an offset that may have been removed meanwhile: then `next` says so.
    pub(crate) fn at(stream: &Shared, partition: u32, offset: u64) -> Result<Self> {
        let log = stream.readable(partition)?.clone();
        let mut reader = log::Reader::earliest(log.clone());
        if offset != reader.next_sequence() {
            reader.seek(offset)?;
        }
        Ok(Self { partition, log, offset, reader })
    }

    /// Next offset to read.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Moves to the next record. False: there is none now.
    fn advance(&mut self) -> Result<bool> {
        loop {
            let found = self.reader.advance()?;
            // Behind that: what was released in between was passed over by it.
            let start = self.log.first_readable();
            if self.offset < start {
                return Err(self.out_of_range(start));
            }
            if !found {
                return Ok(false);
            }
            if self.reader.kind() == Kind::Data {
                self.offset = self.reader.sequence() + 1;
                return Ok(true);
            }
        }
    }

    /// Where the record is that `advance` found.
    fn position(&self) -> Position {
        Position { partition: self.partition, offset: self.reader.sequence() }
    }

    /// That record, kept alive on its own.
    fn record(&self) -> Record {
        Record::new(self.reader.payload(), self.position())
    }

    /// That record where it lies.
    fn borrowed(&self) -> RecordRef<'_> {
        RecordRef::new(self.reader.frame(), self.position())
    }

    fn out_of_range(&self, start: u64) -> Error {
        let end = self.log.end_sequence().max(start);
        Error::OutOfRange { partition: self.partition, offset: self.offset, start, end }
    }
}

/// The offset that a start means in a partition.
pub(crate) fn resolve(stream: &Shared, partition: u32, start: Start) -> Result<u64> {
    let log = stream.readable(partition)?;
    let (first, end) = (log.first_readable(), log.end_sequence());
    match start {
        Start::Earliest => Ok(first),
        Start::Latest => Ok(end),
        Start::Offset(offset) if (first..=end).contains(&offset) => Ok(offset),
        Start::Offset(offset) => Err(Error::OutOfRange { partition, offset, start: first, end }),
        Start::Time(time_ns) => Ok(log.sequence_at_time(time_ns)?.max(first)),
    }
}

impl Reader {
    pub(crate) fn new(stream: Arc<Shared>, partitions: Vec<PartitionReader>) -> Self {
        Self { stream, partitions, turn: 0, taken: 0 }
    }

    pub(crate) fn partitions(&self) -> &[PartitionReader] {
        &self.partitions
    }

    /// Reads these partitions from now on.
    pub(crate) fn set_partitions(&mut self, partitions: Vec<PartitionReader>) {
        (self.partitions, self.turn, self.taken) = (partitions, 0, 0);
    }

    pub(crate) fn take_partitions(&mut self) -> Vec<PartitionReader> {
        std::mem::take(&mut self.partitions)
    }

    /// The partition that has moved to its next record, if any has one.
    fn advance(&mut self) -> Result<Option<&PartitionReader>> {
        for _ in 0..=self.partitions.len() {
            let Some(partition) = self.partitions.get_mut(self.turn) else { return Ok(None) };
            if self.taken < TURN_COUNT && partition.advance()? {
                self.taken += 1;
                return Ok(self.partitions.get(self.turn));
            }
            self.turn = (self.turn + 1) % self.partitions.len();
            self.taken = 0;
            self.look_at_clock();
        }
        Ok(None)
    }

    /// Has the clock move the start of the partition whose turn it is.
    fn look_at_clock(&self) {
        if let Some(partition) = self.partitions.get(self.turn) {
            let _ = self.stream.readable(partition.partition);
        }
    }

    /// Shows up to `count_max` partitions that have moved to their next record; how many it were.
    fn read_each(&mut self, count_max: usize, mut each: impl FnMut(&PartitionReader)) -> Result<usize> {
        if count_max == 0 || count_max > RECEIVE_COUNT_MAX {
            let detail = format!("{count_max} is not allowed; 1 to {RECEIVE_COUNT_MAX} are");
            return Err(Error::invalid("count_max", detail));
        }
        self.stream.check_open()?;
        self.look_at_clock();
        for count in 0..count_max {
            match self.advance() {
                Ok(Some(partition)) => each(partition),
                Ok(None) => return Ok(count),
                // What was read is handed out first; the error is found again by the next call.
                Err(error) if count == 0 => return Err(error),
                Err(_) => return Ok(count),
            }
        }
        Ok(count_max)
    }

    pub(crate) fn read_batch(&mut self, count_max: usize) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        self.read_each(count_max, |partition| records.push(partition.record()))?;
        Ok(records)
    }

    /// Up to `count_max` records (1 to 65,536), waiting at most `wait` for the first. Empty after that time.
    ///
    /// # Errors
    /// `OutOfRange`: see [`Reader`]. `Closed`, also while waiting; `Corrupt` or `Io` if a file cannot be read.
    pub fn poll(&mut self, count_max: usize, wait: Duration) -> Result<Vec<Record>> {
        let stream = self.stream.clone();
        stream.wait_for(wait, || something(self.read_batch(count_max))).unwrap_or(Ok(Vec::new()))
    }

    /// As [`poll`](Self::poll), but shows each record where it lies instead of keeping it: nothing is copied, allocated
    /// or counted. Returns how many there were.
    ///
    /// ```
    /// use ringmain::{Hub, Message, Start};
    /// use std::time::Duration;
    /// let flights = Hub::memory().stream("flights").open()?;
    /// flights.append_batch(&[Message::new(b"EWR"), Message::new(b"IAH")])?;
    /// let mut bytes = 0;
    /// let count = flights.reader(Start::Earliest)?.poll_each(64, Duration::ZERO, |record| bytes += record.value().len())?;
    /// assert_eq!((count, bytes), (2, 6));
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`poll`](Self::poll).
    pub fn poll_each(
        &mut self,
        count_max: usize,
        wait: Duration,
        mut each: impl FnMut(RecordRef<'_>),
    ) -> Result<usize> {
        let stream = self.stream.clone();
        let attempt = || match self.read_each(count_max, |partition| each(partition.borrowed())) {
            Ok(0) => None,
            read => Some(read),
        };
        stream.wait_for(wait, attempt).unwrap_or(Ok(0))
    }

    /// As [`poll`](Self::poll) without blocking: if there is nothing, `context`'s task is woken when there may be.
    pub fn poll_records(&mut self, context: &mut Context<'_>, count_max: usize) -> Poll<Result<Vec<Record>>> {
        let stream = self.stream.clone();
        stream.data().poll_for(context, || something(self.read_batch(count_max)))
    }

    /// Continues one partition at `offset`.
    ///
    /// # Errors
    /// `OutOfRange` if it is not held, `NotFound` if the reader does not read that partition.
    pub fn seek(&mut self, partition: u32, offset: u64) -> Result<()> {
        let Some(place) = self.partitions.iter().position(|p| p.partition == partition) else {
            let advice = ", or is not read here";
            return Err(Error::NotFound { noun: "partition", name: partition.to_string(), advice });
        };
        self.partitions[place] = PartitionReader::new(&self.stream, partition, Start::Offset(offset))?;
        Ok(())
    }
}

impl Iterator for Reader {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Result<Record>> {
        self.look_at_clock();
        let next = self.stream.check_open().and_then(|()| Ok(self.advance()?.map(PartitionReader::record)));
        next.transpose()
    }
}
