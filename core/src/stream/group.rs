//! Consumer groups: members share the partitions of a stream, and commit how far they have come.
//!
//! **Promise.** Each partition is read by one member at a time. A partition that moves starts from its committed offset; a
//! commit by a member that no longer owns it is refused for that partition. What was polled and not committed is read
//! again by whoever gets the partition: at least once.

use crate::error::{Error, Result};
use crate::name::Name;
use crate::stream::member::Member;
use crate::stream::reader::{Start, resolve};
use crate::stream::shared::Shared;
use crate::sync::lock;
use std::sync::Arc;

/// A consumer group of a stream.
#[derive(Debug, Clone)]
pub struct Group {
    stream: Arc<Shared>,
    name: String,
}

impl Group {
    pub(crate) fn new(stream: Arc<Shared>, name: &str) -> Self {
        Self { stream, name: name.to_owned() }
    }

    /// Joins. A partition without a committed offset is read from the earliest record.
    ///
    /// # Errors
    /// `InvalidName`, `Closed`, and those of a commit.
    pub fn join(&self) -> Result<Member> {
        self.join_at(Start::Earliest)
    }

    /// Joins; partitions without a committed offset start at `start`, which is committed at once, so that it means the
    /// same for whoever joins next.
    ///
    /// # Errors
    /// As [`join`](Self::join); `OutOfRange`.
    pub fn join_at(&self, start: Start) -> Result<Member> {
        self.join_from(|partition| resolve(&self.stream, partition, start))
    }

    /// Joins if the group has committed before, so that nobody begins anywhere by mistake.
    ///
    /// ```
    /// # use ringmain::{Error, Hub, Start};
    /// let flights = Hub::memory().stream("flights").open()?;
    /// let billing = flights.group("billing");
    /// assert!(matches!(billing.join_committed(), Err(Error::NotFound { .. })));
    /// billing.join_at(Start::Latest)?;
    /// assert!(billing.join_committed().is_ok(), "where the first one began is stored");
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`join`](Self::join); `NotFound` if it has not.
    pub fn join_committed(&self) -> Result<Member> {
        let advice = " among those that have committed; join or join_at to say where it begins";
        self.join_from(|_| Err(Error::NotFound { noun: "group", name: self.name.clone(), advice }))
    }

    fn join_from(&self, first: impl Fn(u32) -> Result<u64>) -> Result<Member> {
        self.stream.check_open()?;
        let group = Name::new(&self.name)?;
        self.first_offsets(&first)?;
        let coordinator = self.stream.coordinator(&group);
        let number = lock(&coordinator).join();
        let member = Member::new(self.stream.clone(), group, number, coordinator);
        // WHY: again: until it had a member the group could be deleted.
        let end = self.stream.offsets.append_first(&self.name, &self.first_offsets(&first)?)?;
        self.stream.offsets.wait(end)?;
        self.stream.data().notify_all();
        Ok(member)
    }

    /// Where partitions begin that have no committed offset.
    fn first_offsets(&self, first: impl Fn(u32) -> Result<u64>) -> Result<Vec<(u32, u64)>> {
        let has_begun = self.stream.offsets.has_group(&self.name);
        let mut offsets = Vec::new();
        for partition in 0..self.stream.partition_count() {
            if self.stream.offsets.committed(&self.name, partition).is_none() {
                // One that came later: the group has seen none of it.
                let start = || resolve(&self.stream, partition, Start::Earliest);
                offsets.push((partition, if has_begun { start() } else { first(partition) }?));
            }
        }
        Ok(offsets)
    }

    /// Committed offsets by partition: the next to read, `None` where nothing was committed.
    ///
    /// # Errors
    /// `Closed`.
    pub fn committed(&self) -> Result<Vec<Option<u64>>> {
        self.stream.check_open()?;
        let partitions = 0..self.stream.partition_count();
        Ok(partitions.map(|partition| self.stream.offsets.committed(&self.name, partition)).collect())
    }

    /// Records not yet committed, over all partitions.
    ///
    /// # Errors
    /// `Closed`.
    pub fn lag(&self) -> Result<u64> {
        self.stream.check_open()?;
        Ok(self.stream.lag(&self.name))
    }
}
