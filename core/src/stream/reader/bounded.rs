//! Reading up to an end: what is there now, an offset, a time.

use crate::stream::reader::Reader;

/// Where a bounded reader ends, in each partition that it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Before what is appended from now on.
    Now,
    /// Before this offset. Where it is beyond what is there, the reader ends when that has been appended.
    Offset(u64),
    /// Before the first record accepted at or after this time, in nanoseconds since 1970. A time to come is waited for on the hub's
    /// clock; what is being appended just then may be left out.
    Time(u64),
}

impl Reader {
    /// Reads no further than that; of several ends the first counts. Then the iterator ends, [`poll`](Self::poll) returns at once
    /// with nothing, and [`is_done`](Self::is_done) says so: also where the last records before the end are not there any more,
    /// because they were compacted away.
    ///
    /// ```
    /// use ringmain::{End, Hub, Message, Start};
    /// use std::time::Duration;
    /// let flights = Hub::memory().stream("flights").open()?;
    /// flights.append(Message::new("EWR"))?;
    /// let mut reader = flights.reader(Start::Earliest)?.until(End::Now);
    /// flights.append(Message::new("IAH"))?;
    /// assert_eq!(reader.poll(100, Duration::MAX)?.len(), 1);
    /// assert!(reader.is_done());
    /// assert!(reader.poll(100, Duration::MAX)?.is_empty());
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    pub fn until(mut self, end: End) -> Self {
        for partition in &mut self.partitions {
            match end {
                End::Now => partition.end_before(partition.bounds().1),
                End::Offset(offset) => partition.end_before(offset),
                End::Time(time_ns) => partition.end_before_time(time_ns),
            }
        }
        self.is_bounded = true;
        if let End::Time(time_ns) = end {
            self.until_ns = Some(self.until_ns.map_or(time_ns, |until_ns| until_ns.min(time_ns)));
            self.settle();
        }
        self
    }

    /// Whether it was told an end, and has come to it in all its partitions, as of the last look. Once it is, it stays so until
    /// [`seek`](Self::seek).
    pub fn is_done(&self) -> bool {
        self.is_bounded && self.partitions.iter().all(|partition| partition.is_done())
    }

    /// Once the time has come at which it ends, that is before what is appended from then on.
    pub(super) fn settle(&mut self) {
        let Some(until_ns) = self.until_ns else { return };
        if self.stream.now_ns() < until_ns {
            // Whoever waits is to see that it has come.
            return self.stream.wake_at(until_ns);
        }
        self.until_ns = None;
        for partition in &mut self.partitions {
            partition.end_before(partition.bounds().1);
        }
    }
}
