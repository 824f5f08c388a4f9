//! Consumer groups: members share the partitions of a stream, and commit how far they have come.
//!
//! **Promise.** Each partition is read by one member at a time. A partition that moves starts from its committed offset; a
//! commit by a member that no longer owns it is refused for that partition. What was polled and not committed is read
//! again by whoever gets the partition: at least once.

use crate::error::Result;
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
        self.stream.check_open()?;
        let group = Name::new(&self.name)?;
        let mut first = Vec::new();
        for partition in 0..self.stream.partition_count() {
            if self.stream.offsets.committed(group.as_str(), partition).is_none() {
                first.push((partition, resolve(&self.stream, partition, start)?));
            }
        }
        self.stream.offsets.wait(self.stream.offsets.append(group.as_str(), &first)?)?;
        let coordinator = self.stream.coordinator(&group);
        let number = lock(&coordinator).join();
        self.stream.data().notify_all();
        Ok(Member::new(self.stream.clone(), group, number, coordinator))
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
