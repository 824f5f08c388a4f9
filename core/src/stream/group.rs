//! Consumer groups: members share the partitions of a stream, and commit how far they have come.
//!
//! **Promise.** Each partition is read by one member at a time. A partition that moves starts from its committed offset; a
//! commit by a member that no longer owns it is refused for that partition. What was polled and not committed is read
//! again by whoever gets the partition: at least once.

use crate::error::{Error, Result, something};
use crate::name::Name;
use crate::stream::coordinator::Coordinator;
use crate::stream::reader::{PartitionReader, Reader, Start, resolve};
use crate::stream::record::Record;
use crate::stream::shared::Shared;
use crate::sync::lock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

/// A consumer group of a stream.
#[derive(Debug, Clone)]
pub struct Group {
    stream: Arc<Shared>,
    name: String,
}

/// One member of a group: polls the partitions that it owns, and commits what it has handled. Dropping it leaves.
#[derive(Debug)]
pub struct Member {
    group: Name,
    number: u64,
    generation: u64,
    /// Since which generation it owns each partition, as of its last look.
    since: BTreeMap<u32, u64>,
    coordinator: Arc<Mutex<Coordinator>>,
    stream: Arc<Shared>,
    reader: Reader,
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
        let reader = Reader::new(self.stream.clone(), Vec::new());
        let (generation, since) = (0, BTreeMap::new());
        Ok(Member { group, number, generation, since, coordinator, stream: self.stream.clone(), reader })
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
        let committed = self.committed()?;
        let lags = committed.iter().zip(self.stream.bounds());
        Ok(lags.map(|(committed, (start, end))| end - committed.unwrap_or(start).clamp(start, end)).sum())
    }
}

impl Member {
    /// Takes over what was assigned since the last look, and lets go of what was taken away.
    fn refresh(&mut self) -> Result<()> {
        let (generation, since): (u64, BTreeMap<u32, u64>) = {
            let coordinator = lock(&self.coordinator);
            if coordinator.generation() == self.generation {
                return Ok(());
            }
            let owned = coordinator.assignment(self.number).iter().copied();
            let since = owned.filter_map(|p| Some((p, coordinator.owned_since(self.number, p)?))).collect();
            (coordinator.generation(), since)
        };
        // One that was lost in between is read from its committed offset, like any that moves.
        let stays = |partition: &u32| {
            since.contains_key(partition) && since.get(partition) == self.since.get(partition)
        };
        // These may fail: nothing is changed before.
        let moved = since.keys().filter(|partition| !stays(partition)).map(|partition| {
            let committed = self.stream.offsets.committed(self.group.as_str(), *partition);
            match committed {
                None => PartitionReader::new(&self.stream, *partition, Start::Earliest),
                // What was removed meanwhile is told by poll, so that seek is still possible.
                Some(offset) => PartitionReader::at(&self.stream, *partition, offset),
            }
        });
        let moved = moved.collect::<Result<Vec<_>>>()?;
        let mut partitions = self.reader.take_partitions();
        partitions.retain(|partition| stays(&partition.partition));
        partitions.extend(moved);
        self.reader.set_partitions(partitions);
        (self.generation, self.since) = (generation, since);
        Ok(())
    }

    fn take(&mut self, count_max: usize) -> Result<Vec<Record>> {
        self.refresh()?;
        self.reader.read_batch(count_max)
    }

    /// Up to `count_max` records of the partitions that this member owns, waiting at most `wait` for the first.
    ///
    /// # Errors
    /// `OutOfRange` if what it would read next was removed, until [`seek`](Member::seek) takes it to an offset that is held.
    /// `Closed`, also while waiting; `Corrupt` or `Io` if a file cannot be read.
    pub fn poll(&mut self, count_max: usize, wait: Duration) -> Result<Vec<Record>> {
        let stream = self.stream.clone();
        stream.wait_for(wait, || something(self.take(count_max))).unwrap_or(Ok(Vec::new()))
    }

    /// As [`poll`](Self::poll) without blocking: if there is nothing, `context`'s task is woken when there may be.
    pub fn poll_records(&mut self, context: &mut Context<'_>, count_max: usize) -> Poll<Result<Vec<Record>>> {
        let stream = self.stream.clone();
        stream.data().poll_for(context, || something(self.take(count_max)))
    }

    /// Commits everything polled so far of the partitions that this member still owns.
    ///
    /// # Errors
    /// `Fenced` for the first partition that it no longer owns (those that it owns are committed), `Poisoned`.
    pub fn commit(&mut self) -> Result<()> {
        let polled: Vec<(u32, u64)> =
            self.reader.partitions().iter().map(|p| (p.partition, p.offset())).collect();
        let ahead = |(partition, offset): &(u32, u64)| {
            // After a seek back there is nothing to commit: a commit never goes back.
            self.stream.offsets.committed(self.group.as_str(), *partition) < Some(*offset)
        };
        let offsets: Vec<(u32, u64)> = polled.into_iter().filter(ahead).collect();
        self.commit_owned(&offsets)
    }

    /// Commits one partition: `offset` is the next to read.
    ///
    /// # Errors
    /// `Fenced`, `OutOfRange`; `InvalidArgument` if it is lower than what is committed.
    pub fn commit_offset(&mut self, partition: u32, offset: u64) -> Result<()> {
        resolve(&self.stream, partition, Start::Offset(offset))?;
        if let Some(committed) = self.stream.offsets.committed(self.group.as_str(), partition)
            && offset < committed
        {
            let detail = format!("{offset} is before the committed {committed}; a commit never goes back");
            return Err(Error::invalid("offset", detail));
        }
        self.commit_owned(&[(partition, offset)])
    }

    fn commit_owned(&self, offsets: &[(u32, u64)]) -> Result<()> {
        self.stream.check_open()?;
        let (end, lost) = {
            // The partitions stay this member's until the commit is in the log.
            let coordinator = lock(&self.coordinator);
            let is_owner = |(partition, _): &(u32, u64)| {
                let since = coordinator.owned_since(self.number, *partition);
                since.is_some() && self.since.get(partition).is_none_or(|seen| Some(*seen) == since)
            };
            let (owned, lost): (Vec<_>, Vec<_>) = offsets.iter().copied().partition(is_owner);
            (self.stream.offsets.append(self.group.as_str(), &owned)?, lost)
        };
        self.stream.offsets.wait(end)?;
        match lost.first() {
            None => Ok(()),
            Some((partition, _)) => {
                Err(Error::Fenced { group: self.group.clone(), member: self.number, partition: *partition })
            }
        }
    }

    /// Continues one owned partition at `offset`.
    ///
    /// # Errors
    /// `OutOfRange`; `NotFound` if it does not own the partition.
    pub fn seek(&mut self, partition: u32, offset: u64) -> Result<()> {
        self.refresh()?;
        self.reader.seek(partition, offset)
    }

    /// The partitions that it owns now, in order.
    ///
    /// # Errors
    /// Those of reading the committed offsets' records.
    pub fn assignment(&mut self) -> Result<Vec<u32>> {
        self.refresh()?;
        let mut partitions: Vec<u32> = self.reader.partitions().iter().map(|p| p.partition).collect();
        partitions.sort_unstable();
        Ok(partitions)
    }

    /// Records of its group not yet committed, over all partitions.
    ///
    /// # Errors
    /// `Closed`.
    pub fn lag(&self) -> Result<u64> {
        Group::new(self.stream.clone(), self.group.as_str()).lag()
    }

    /// Leaves the group; what it polled and did not commit is read again by the others.
    ///
    /// # Errors
    /// None today.
    pub fn leave(self) -> Result<()> {
        Ok(())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        lock(&self.coordinator).leave(self.number);
        self.stream.data().notify_all();
    }
}
